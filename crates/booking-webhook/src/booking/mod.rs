//! The rules of a booking, and nothing else.
//!
//! Pure on purpose: no I/O, no clock, no JSON. Whatever is decided here (money, local time, who is aboard, what may be said to whom)
//! can be read in one place and tested as a table. The wire formats live beside the services that speak them.

mod charter;
mod identifiers;
mod money;
mod money_words;
mod operator;
mod snapshot;
mod time;

pub use charter::{Charter, Confirmed, Flag, Office, Place, Terms};
pub use identifiers::{BookingId, CharterId, IdentifierError, PersonId};
pub use money::{Money, MoneyError, Rates, Statement};
pub use money_words::MoneyWords;
pub use operator::{Boat, EmergencyContact, MeetingPoint, Operator, Roster};
pub use snapshot::{BoatReference, Field, FieldFault, Guest, Snapshot, Status};
pub use time::{CharterTime, StartReading, TimeError, read_start};
pub(crate) use time::{clock, rfc3339};
