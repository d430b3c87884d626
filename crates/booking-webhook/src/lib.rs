//! The charter-booking webhook: one signed booking, brought in step across four systems.
//!
//! In reading order:
//!
//! - [`entry`]: which kind of invocation it is, and what becomes of it.
//! - [`webhook`]: whose delivery it is, what its JSON means, what we answer.
//! - [`intake`]: one booking from its delivery to its answer; [`sweep`], [`replay`], [`status`], [`check`]: what else can be asked for.
//! - [`booking`]: the rules. Pure: types, money, local time, charter ids, who may see what.
//! - [`ledger`]: what we were told, what we did, what is still owed.
//! - [`reconcile`]: the fan-out, readable at a glance.
//! - [`calendar`], [`scc`], [`guest_page`]: one system each, with the words that it speaks.
//! - [`plan`]: what would be sent where, and nothing sent.
//! - [`outbound`]: how anything is called: time-outs, retries, classes of failure, log lines.
//! - [`app`], [`config`], [`secrets`], [`telemetry`], [`metrics`]: what a cold start loads, and how it is watched.

pub mod app;
pub mod booking;
pub mod calendar;
pub mod check;
pub mod config;
pub mod entry;
pub mod guest_page;
pub mod intake;
pub mod ledger;
pub mod metrics;
pub mod outbound;
pub mod plan;
pub mod reconcile;
pub mod replay;
pub mod scc;
pub mod secrets;
pub mod status;
pub mod sweep;
pub mod telemetry;
pub mod webhook;
