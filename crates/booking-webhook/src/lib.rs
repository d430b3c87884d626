//! The charter-booking webhook: one signed booking, brought in step across four systems.
//!
//! In reading order; imports run from the first line of this list to the last, never back (`tests/it/layers.rs` holds that):
//!
//! - [`lambda`]: an event becomes a command, its outcome a response.
//! - [`commands`]: what the function can be asked to do, one file each.
//! - [`response`]: what is answered, and how steps add up to a state.
//! - [`reconcile`]: what should be, what must be done, and doing it: the fan-out.
//! - [`ledger`]: what we were told, what we did, what is still owed.
//! - [`systems`]: the calendar, ShipCaptainCrew, the guest page: one module each, with the words that it speaks.
//! - [`inbound`]: whose delivery it is, and what its JSON means.
//! - [`outbound`]: how anything is called: time-outs, retries, classes of failure, log lines.
//! - [`booking`]: the rules. Pure: types, money, local time, charter ids, who may see what.
//! - [`runtime`]: what a cold start loads, and how it is watched.

pub mod booking;
pub mod commands;
pub mod inbound;
pub mod lambda;
pub mod ledger;
pub mod outbound;
pub mod reconcile;
pub mod response;
pub mod runtime;
pub mod systems;
