//! Nothing twice, nothing lost: the proof.
//!
//! A webhook is delivered twice, late, out of order and in parallel; functions end between a request and its answer; services time out
//! after they acted, or act after the time-out. These modules go through all of that and look at the world, never at the ledger.
//!
//! - [`stage`]: a world whose time is a value, and the function in this process, where a crash is a future dropped.
//! - [`story`]: what the marketplace says of one booking, and what people do by hand meanwhile.
//! - [`oracle`]: what the world must hold in the end. Written once.
//! - [`conditions`]: the ledger's own conditions, on two emulators.
//! - [`controls`]: the oracle sees what is wrong.
//! - [`scenarios`]: what may happen to a booking, told from its beginning until the world is quiet again.
//! - [`presses`]: those in which the office presses a button at its desk.
//! - [`crashes`]: every scenario, at every call, with every fault.
//! - [`schedules`]: duplicates, permutations, concurrency, skewed clocks, late first holders.
//! - [`processes`]: real processes, in parallel and killed.
//! - [`counts`]: what a delivery costs.
//!
//! `make test` runs the quick form, `make prove` everything.

mod conditions;
mod controls;
pub(crate) mod counts;
mod crashes;
mod oracle;
mod presses;
mod processes;
pub(crate) mod scenarios;
mod schedules;
pub(crate) mod stage;
pub(crate) mod story;
