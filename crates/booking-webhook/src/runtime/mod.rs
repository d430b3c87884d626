//! What a cold start loads, and how it is watched.

pub(crate) mod app;
pub(crate) mod config;
pub(crate) mod metrics;
pub(crate) mod secrets;
pub mod telemetry;
