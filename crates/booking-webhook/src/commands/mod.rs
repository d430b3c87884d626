//! What the function can be asked to do: one file each.
//!
//! - [`deliver`]: a webhook delivery. [`enter`]: a person's own entry. [`replay`]: a delivery or a booking once more.
//!   [`approve`]: a decision that only a person can take.
//! - [`sweep`]: what the schedule sends. [`accept`]: one booking, from what was said of it to the answer; the commands above share it.
//! - [`status`], [`plan`], [`check`]: questions. They change nothing.

pub mod accept;
pub mod approve;
pub mod check;
pub mod deliver;
pub mod enter;
pub mod plan;
pub mod replay;
pub mod status;
pub mod sweep;
