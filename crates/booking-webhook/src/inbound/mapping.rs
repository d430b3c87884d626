//! From a sender's JSON to a [`Snapshot`].
//!
//! Where a sender keeps each field is data (a file of JSON pointers), because Boatsetter documents nothing and may change anything. This
//! is the one place where raw JSON becomes a booking; it reports *every* fault, so that one look at an answer mends a sender.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::reader::Reader;
use crate::booking::{BookingId, BookingStatus, Field, FieldFault, Guest, Operator, Sale, Snapshot, cut_notes};

const LONGEST_NAME_CHARACTERS: usize = 200;
/// A place in a booking's own words, not a story: what is longer has slipped into the wrong field.
const LONGEST_LOCATION_CHARACTERS: usize = 250;
const LONGEST_LOCALE_CHARACTERS: usize = 35;
const LARGEST_PARTY: u32 = 500;
/// More than any clock is wrong or any zone is off; a year that the sender got wrong is further ahead.
const FURTHEST_AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// Where a sender keeps what a booking needs, and how it writes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    event_id: Option<String>,
    event_created_at: Option<String>,
    booking: String,
    #[serde(default)]
    pub(super) amounts: Amounts,
    #[serde(default)]
    pub(super) times: Times,
    pub(super) fields: HashMap<Field, Source>,
    statuses: Statuses,
}

/// How a sender writes amounts.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Amounts {
    #[default]
    Dollars,
    Cents,
}

/// How a sender writes times, in the booking and around it.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Times {
    #[default]
    Text,
    UnixSeconds,
    UnixMilliseconds,
}

/// Where a field's value comes from.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Source {
    Pointer(String),
    Constant { constant: String },
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statuses {
    confirmed: Vec<String>,
    cancelled: Vec<String>,
}

/// What is wrong with a body: where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// JSON pointer into the body.
    pub pointer: String,
    /// In words, e.g. "is missing".
    pub detail: String,
}

/// Why a mapping file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// Not TOML of the right shape.
    #[error("the mapping file cannot be read: {0}")]
    Malformed(#[from] toml::de::Error),
    /// A pointer without its leading slash.
    #[error("the mapping file's {0:?} is no JSON pointer: it must be empty or begin with '/'")]
    Pointer(String),
    /// A field without which no charter can stand.
    #[error("the mapping file does not say where {0:?} is")]
    Missing(Field),
}

/// What one body said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The sender's id of the event.
    pub event_id: Option<String>,
    /// When the sender says that it happened.
    pub event_created_at: Option<Timestamp>,
    /// The booking as it was then.
    pub snapshot: Snapshot,
}

impl Received {
    /// When it came to hold, by the sender: the booking's own time of change, else the event's if that can be believed, else the time at
    /// which it came in.
    pub fn as_of(&self, received_at: Timestamp) -> Timestamp {
        let event = self.event_created_at.filter(|at| !is_far_ahead(*at, received_at));
        self.snapshot.updated_at.or(event).unwrap_or(received_at)
    }
}

/// So far ahead that for long no later change could count as newer.
pub(super) fn is_far_ahead(at: Timestamp, now: Timestamp) -> bool {
    at.duration_since(now) > FURTHEST_AHEAD
}

impl Mapping {
    /// The canonical body's, compiled in.
    pub fn canonical() -> Self {
        Self::parse(include_str!("mapping/boatsetter.toml")).expect("the compiled-in mapping is valid; a test reads it")
    }

    /// The canonical booking object at `pointer`, for people's own entries: no event around it, and they mean now.
    pub fn canonical_at(pointer: &str) -> Self {
        let mut mapping =
            Self { event_id: None, event_created_at: None, booking: pointer.to_owned(), ..Self::canonical() };
        mapping.fields.remove(&Field::UpdatedAt);
        mapping
    }

    /// Reads a mapping file.
    ///
    /// # Errors
    /// [`MappingError`] when it is malformed, or leaves out a field that every standing booking needs.
    pub fn parse(toml: &str) -> Result<Self, MappingError> {
        let mapping: Self = toml::from_str(toml)?;
        let relative = mapping.fields.values().filter_map(|source| match source {
            Source::Pointer(pointer) => Some(pointer),
            Source::Constant { .. } => None,
        });
        let pointers = relative.chain([&mapping.booking]).chain(&mapping.event_id).chain(&mapping.event_created_at);
        if let Some(bad) = pointers.into_iter().find(|pointer| !pointer.is_empty() && !pointer.starts_with('/')) {
            return Err(MappingError::Pointer(bad.clone()));
        }
        const NEEDED: [Field; 6] =
            [Field::Id, Field::Status, Field::StartAt, Field::Gross, Field::GuestName, Field::PartySize];
        match NEEDED.into_iter().find(|field| !mapping.fields.contains_key(field)) {
            Some(field) => Err(MappingError::Missing(field)),
            None => Ok(mapping),
        }
    }

    /// Where in the body `field` is.
    pub fn pointer(&self, field: Field) -> String {
        match self.fields.get(&field) {
            Some(Source::Pointer(pointer)) => format!("{}{pointer}", self.booking),
            Some(Source::Constant { .. }) | None => self.booking.clone(),
        }
    }

    /// Says where in the body the faults are that a rule found in a booking.
    pub fn locate(&self, faults: Vec<FieldFault>) -> Vec<Fault> {
        faults.into_iter().map(|fault| Fault { pointer: self.pointer(fault.field), detail: fault.detail }).collect()
    }

    /// Reads a body at `now`. The operator says in which zone a local time is, and who sails when the booking does not.
    ///
    /// # Errors
    /// Every fault in it, in the order of the fields. What only a standing booking needs is no fault in another one.
    pub fn read(&self, body: &Value, operator: &Operator, now: Timestamp) -> Result<Received, Vec<Fault>> {
        let Some(booking) = body.pointer(&self.booking).filter(|value| value.is_object()) else {
            return Err(vec![Fault { pointer: self.booking.clone(), detail: "must be an object: the booking".into() }]);
        };
        let mut reader = Reader::new(self, body, booking, operator);
        let event_id = reader.event_id(self.event_id.as_deref());
        let event_created_at = reader.event_created_at(self.event_created_at.as_deref());
        match self.snapshot(&mut reader, now).filter(|_| !reader.has_faults()) {
            Some(snapshot) => Ok(Received { event_id, event_created_at, snapshot }),
            None => Err(reader.into_faults()),
        }
    }

    fn snapshot(&self, reader: &mut Reader<'_>, now: Timestamp) -> Option<Snapshot> {
        let booking_id = reader.text(Field::Id).and_then(|id| reader.valid(Field::Id, BookingId::parse(&id)));
        let status = reader.text(Field::Status).map(|word| self.status(&word));
        let revision = reader.optional_integer(Field::Revision);
        let updated_at = reader.updated_at(now);
        let sale = match status {
            Some(BookingStatus::Confirmed) => sale(reader).map(Box::new),
            Some(BookingStatus::Cancelled | BookingStatus::Inconclusive) => None,
            // It may be confirmed: the same answer names what it lacks then.
            None => sale(reader).and(None),
        };
        Some(Snapshot { booking_id: booking_id?, revision, updated_at, status: status?, sale })
    }

    fn status(&self, word: &str) -> BookingStatus {
        let is_in = |words: &[String]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
        if is_in(&self.statuses.confirmed) {
            BookingStatus::Confirmed
        } else if is_in(&self.statuses.cancelled) {
            BookingStatus::Cancelled
        } else {
            BookingStatus::Inconclusive
        }
    }
}

/// Reads every field before it gives up on any, so that all faults are found.
fn sale(reader: &mut Reader<'_>) -> Option<Sale> {
    // Whether or not a time is in it: who names a zone that does not exist means one that we do not know.
    reader.zone();
    let start = reader.required_time(Field::StartAt);
    let duration = reader.duration(start.as_ref());
    let boat = reader.boat();
    let party_size = reader.integer_within(Field::PartySize, 1, LARGEST_PARTY);
    reader.only_dollars();
    let gross = reader.gross();
    let guest_name = reader.text_within(Field::GuestName, LONGEST_NAME_CHARACTERS);
    let locale = reader.optional_text_within(Field::GuestLocale, LONGEST_LOCALE_CHARACTERS);
    let locale = locale.unwrap_or_else(|| "en".into());
    let notes = reader.optional_text(Field::Notes).unwrap_or_default();
    let location = reader.optional_text_within(Field::Location, LONGEST_LOCATION_CHARACTERS);
    let assigned = reader.assigned();
    reader.needs_crew(boat.as_ref(), &assigned);
    let start = start?;
    Some(Sale {
        start: start.instant,
        start_is_ambiguous: start.ambiguous,
        duration: duration?,
        boat: boat?,
        party_size: party_size?,
        gross: gross?,
        guest: Guest { name: guest_name?, locale },
        notes: cut_notes(&notes),
        location,
        assigned,
    })
}

#[cfg(test)]
mod tests;
