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
mod pattern;
mod place;
mod plain;
mod public_text;
mod sailing;
mod snapshot;
mod terms;
mod time;

pub(crate) use bounds::{SanityBounds, out_of_bounds};
pub(crate) use charter::NOTES_ARE_CUT;
pub use charter::{Booking, Charter};
pub(crate) use flag::Flag;
pub(crate) use guest_message::{GuestMessage, News};
pub(crate) use guest_words::{GuestLink, GuestSection, Phase, Phases, Position, WebAddress};
pub(crate) use identifiers::PersonId;
pub use identifiers::{BookingId, CharterId};
pub use language::Language;
pub(crate) use language::Translated;
pub(crate) use money::{Money, Rates, Statement};
pub(crate) use money_words::MoneyWords;
pub use operator::Operator;
pub(crate) use operator::{Boat, EmergencyContact, MeetingPoint, Roster};
pub(crate) use overlap::{OnBoat, Overlap};
pub(crate) use place::Place;
pub(crate) use plain::one_line;
pub(crate) use public_text::PublicText;
pub(crate) use sailing::{KnownBooking, Neighbour, Sailing};
pub(crate) use snapshot::{Assigned, BoatReference, FieldFault, Guest};
pub use snapshot::{BookingStatus, Field, Sale, Snapshot};
pub use terms::Terms;
pub use time::span;
pub(crate) use time::{
    CharterDuration, CharterTime, TimeReading, clock_on, day_of, read_local_time, read_time, rfc3339,
};
