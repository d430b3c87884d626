//! The rules of a booking, and nothing else.
//!
//! Pure on purpose: no I/O, no clock, no JSON. Whatever is decided here (money, local time, who is aboard, what may be said to whom)
//! can be read in one place and tested as a table. The wire formats live beside the services that speak them.

mod charter;
mod identifiers;
mod language;
mod money;
mod money_words;
mod operator;
mod place;
mod snapshot;
mod time;

pub use charter::{Booking, Charter, Flag, Office, Terms};
pub use identifiers::{BookingId, CharterId, IdentifierError, PersonId};
pub use language::{Language, Translated};
pub use money::{Money, MoneyError, Rates, Statement};
pub use money_words::MoneyWords;
pub use operator::{Boat, EmergencyContact, MeetingPoint, Operator, Roster};
pub use place::Place;
pub use snapshot::{Assigned, BoatReference, BookingStatus, Field, FieldFault, Guest, Sale, Snapshot};
pub use time::{CharterDuration, CharterTime, TimeError, TimeReading, read_local_time, read_time};
pub(crate) use time::{clock, rfc3339};

/// A pattern that is part of a rule.
fn pattern(text: &str) -> regex_lite::Regex {
    regex_lite::Regex::new(text).expect("a constant pattern that the tests compile")
}
