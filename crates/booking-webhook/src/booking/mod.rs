//! The rules of a booking, and nothing else.
//!
//! Pure on purpose: no I/O, no clock, no JSON. What is decided here (money, local time, who is aboard, what may be said to whom)
//! can be read in one place and tested as a table. The wire formats live beside the services that speak them.

mod bounds;
mod charter;
mod flag;
#[cfg(test)]
mod goes_and_stays;
mod guest_message;
mod guest_words;
mod identifiers;
mod language;
mod money;
mod money_words;
mod operator;
mod operator_file;
mod overlap;
mod place;
mod plain;
mod public_text;
mod sailing;
mod snapshot;
mod terms;
mod time;

pub use bounds::{SanityBounds, out_of_bounds};
pub use charter::{Booking, Charter, Office, cut_notes};
pub use flag::Flag;
pub use guest_message::{GuestMessage, News};
pub use guest_words::{GuestLink, GuestSection, Phase, Phases, Position, WebAddress};
pub use identifiers::{BookingId, CharterId, IdentifierError, PersonId};
pub use language::{Language, Translated};
pub use money::{Money, MoneyError, Rates, Statement};
pub use money_words::MoneyWords;
pub use operator::{Boat, EmergencyContact, IdentifiedBoat, MeetingPoint, Operator, Roster};
pub use operator_file::OperatorFileError;
pub use overlap::{OnBoat, Overlap};
pub use place::Place;
pub(crate) use plain::one_line;
pub use public_text::PublicText;
pub use sailing::{KnownBooking, Neighbour, Sailing};
pub use snapshot::{Assigned, BoatReference, BookingStatus, Field, FieldFault, Guest, Sale, Snapshot};
pub use terms::Terms;
pub use time::span;
pub use time::{CharterDuration, CharterTime, TimeError, TimeReading, read_local_time, read_time};
pub(crate) use time::{clock_on, day_of, rfc3339};

/// A pattern that is part of a rule.
fn pattern(text: &str) -> regex_lite::Regex {
    regex_lite::Regex::new(text).expect("a constant pattern that the tests compile")
}
