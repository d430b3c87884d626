//! What a cold start loads, and how it is watched.

pub mod app;
pub mod config;
pub mod metrics;
pub mod secrets;
pub mod telemetry;
