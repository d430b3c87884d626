//! What wires the stand-ins up: one operator's world around the real function, and the programs that use it.
//!
//! - [`Rehearsal`]: the whole world, started and stopped as one; tests and `make run` start the same one.
//! - [`world`]: what people see of it, which is what tests assert on.
//! - [`harbour`]: the page of `make run`, to watch the world and to break it.
//! - [`smoke`]: one booking through a whole deployment, read back in all four systems.
//! - [`staging`]: staging's stand-ins as the Lambdas that are deployed, on this machine.
//! - [`benchmark`]: what the function costs, beside others that do the same job.
//!
//! The servers are in `simulators`. Neither crate imports the function: shared types would agree with our own mistakes.

pub mod benchmark;
mod error;
pub mod harbour;
mod rehearsal;
pub mod smoke;
pub mod staging;
pub mod world;

pub use error::RehearsalError;
pub use rehearsal::{
    Answered, BUILT_IN_SENDER, DASHBOARD_TOKEN, HashKind, LINK_KEY, Options, Rehearsal, SERVICE_KEY, SIGNING_SECRET,
    WEBHOOK_PATH,
};
