//! What the function can be asked to do: one file each.
//!
//! - [`deliver`]: a webhook delivery. [`enter`]: a person's own entry. [`replay`]: a delivery or a booking once more.
//!   [`approve`]: a decision that only a person can take.
//!   [`dismiss`]: a person leaves it as it is. [`door`]: how these decisions are noted.
//! - [`sweep`]: what the schedule sends; [`notify`] tells the office, [`overlap`] works off what is owed beside the calendar,
//!   [`housekeeping`] forgets guests. The commands above share [`intake`], what becomes of a delivery's
//!   bookings; [`accept`], which records one; and [`work`], which brings it in step and answers.
//! - [`audit`]: every night, each upcoming charter is read back in all four systems.
//! - [`desk`]: pages on which the office sees a case and decides, by the very same commands.
//! - [`list`], [`quarantine`], [`status`], [`plan`], [`check`]: questions. They change nothing.

pub(crate) mod accept;
pub(crate) mod approve;
pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod deliver;
pub(crate) mod desk;
pub(crate) mod dismiss;
pub(crate) mod door;
pub(crate) mod enter;
pub(crate) mod housekeeping;
pub(crate) mod intake;
pub(crate) mod list;
pub(crate) mod notify;
pub(crate) mod overlap;
pub(crate) mod plan;
pub(crate) mod quarantine;
pub(crate) mod replay;
pub(crate) mod status;
pub(crate) mod sweep;
pub(crate) mod work;
