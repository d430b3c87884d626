//! Nothing twice, nothing lost: the proof.
//!
//! A webhook is delivered twice, late, out of order and in parallel; functions end between a request and its answer; services time out
//! after they acted, or act after the time-out. These modules go through all of that and look at the world, never at the ledger.
//!
//! - [`stage`]: a world whose time is a value, and the function in this process, where a crash is a future dropped.
//! - [`story`]: what the marketplace says of one booking, and what people do by hand meanwhile.
//! - [`oracle`]: what the world must hold in the end. Written once.
//! - [`controls`]: the oracle sees what is wrong.
//! - [`scenarios`]: what may happen to a booking, told from its beginning until the world is quiet again.
//! - [`crashes`]: every scenario, at every call, with every fault.
//! - [`schedules`]: duplicates, permutations, concurrency, skewed clocks, late first holders.
//! - [`processes`]: real processes, in parallel and killed.
//! - [`counts`]: what a delivery costs.
//!
//! Creation is proved today: the function reads back what it may have created. The other scenarios, schedules and costs speak of what needs
//! a memory, and are ignored until there is a ledger.

mod controls;
mod counts;
mod crashes;
mod oracle;
mod processes;
mod scenarios;
mod schedules;
mod stage;
mod story;
