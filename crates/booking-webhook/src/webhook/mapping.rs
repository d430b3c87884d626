//! From a sender's JSON to a [`Snapshot`].
//!
//! Where a sender keeps each field is data (a file of JSON pointers), because Boatsetter documents nothing and may change anything. This
//! is the one place where raw JSON becomes a booking; it reports *every* fault, so that one look at an answer mends a sender.

use std::collections::HashMap;

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::reader::Reader;
use crate::booking::{BoatReference, BookingId, Field, FieldFault, Guest, Snapshot, Status};

const LONGEST_NAME_CHARACTERS: usize = 200;
const LONGEST_NOTES_CHARACTERS: usize = 2_000;
const LARGEST_PARTY: u32 = 500;

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

/// How a sender writes instants.
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
    standing: Vec<String>,
    off: Vec<String>,
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
    /// A field without which there is no booking.
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

impl Mapping {
    /// The canonical body's, compiled in.
    pub fn canonical() -> Self {
        Self::parse(include_str!("canonical-mapping.toml")).expect("the compiled-in mapping is valid; a test reads it")
    }

    /// The canonical booking object at `pointer`, for people's own entries; no event around it.
    pub fn canonical_at(pointer: &str) -> Self {
        Self { event_id: None, event_created_at: None, booking: pointer.to_owned(), ..Self::canonical() }
    }

    /// Reads a mapping file.
    ///
    /// # Errors
    /// [`MappingError`] when it is malformed, or leaves out a field that every booking needs.
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

    /// Reads a body; a naive time without a zone of its own is in `zone`.
    ///
    /// # Errors
    /// Every fault in it, in the order of the fields.
    pub fn read(&self, body: &Value, zone: &TimeZone) -> Result<Received, Vec<Fault>> {
        let Some(booking) = body.pointer(&self.booking).filter(|value| value.is_object()) else {
            return Err(vec![Fault { pointer: self.booking.clone(), detail: "must be an object: the booking".into() }]);
        };
        let in_body = |pointer: &Option<String>| pointer.as_ref().and_then(|pointer| body.pointer(pointer)?.as_str());
        let mut reader = Reader::new(self, booking);
        let snapshot = self.snapshot(&mut reader, zone);
        let snapshot = snapshot.filter(|_| !reader.has_faults()).ok_or_else(|| self.locate(reader.into_faults()))?;
        Ok(Received {
            event_id: in_body(&self.event_id).map(str::to_owned),
            event_created_at: in_body(&self.event_created_at).and_then(|text| text.parse().ok()),
            snapshot,
        })
    }

    /// Reads every field before it gives up on any, so that all faults are found.
    fn snapshot(&self, reader: &mut Reader<'_>, operator_zone: &TimeZone) -> Option<Snapshot> {
        let booking_id = reader.text(Field::Id).and_then(|id| reader.valid(Field::Id, BookingId::parse(&id)));
        let status = reader.text(Field::Status).map(|word| self.status(&word));
        let revision = reader.optional_integer(Field::Revision);
        let updated_at = reader.optional_instant(Field::UpdatedAt, &TimeZone::UTC).map(|reading| reading.instant);
        let zone = reader.zone(Field::Timezone).unwrap_or_else(|| operator_zone.clone());
        let start = reader.instant(Field::StartAt, &zone);
        let duration = reader.duration(start.as_ref(), &zone);
        let boat = reader.boat();
        let party_size = reader.integer_within(Field::PartySize, 1, LARGEST_PARTY);
        reader.only_dollars();
        let gross = reader.gross();
        let guest_name = reader.text_within(Field::GuestName, LONGEST_NAME_CHARACTERS);
        let locale = reader.optional_text(Field::GuestLocale).unwrap_or_else(|| "en".into());
        let notes = reader.optional_text(Field::Notes).unwrap_or_default();
        let location = reader.optional_text(Field::Location);
        let crew = reader.people(Field::CrewIds);
        let captain = reader.person(Field::CaptainId);
        let (start, (boat_id, boat_name)) = (start?, boat?);
        Some(Snapshot {
            booking_id: booking_id?,
            status: status?,
            revision,
            updated_at,
            start: start.instant,
            start_is_ambiguous: start.ambiguous,
            duration: duration?,
            boat: BoatReference { id: boat_id, name: boat_name },
            party_size: party_size?,
            gross: gross?,
            guest: Guest { name: guest_name?, locale },
            notes: notes.chars().take(LONGEST_NOTES_CHARACTERS).collect(),
            location,
            crew,
            captain,
        })
    }

    fn status(&self, word: &str) -> Status {
        let is_in = |words: &[String]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
        if is_in(&self.statuses.standing) {
            Status::Standing
        } else if is_in(&self.statuses.off) {
            Status::Off
        } else {
            Status::Undecided
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn zone() -> TimeZone {
        TimeZone::get("America/Los_Angeles").expect("bundled")
    }

    fn canonical_body() -> Value {
        json!({ "id": "evt_7f31", "type": "booking.confirmed", "created_at": "2025-05-20T18:03:11Z",
          "data": { "booking": {
            "id": "BS-1048812", "status": "confirmed", "revision": 1, "updated_at": "2025-05-20T18:03:10Z",
            "start_at": "2025-05-30T14:00:00-07:00", "duration_minutes": 180, "timezone": "America/Los_Angeles",
            "boat": { "id": "qosd", "name": "Queen of San Diego" }, "party_size": 8, "currency": "USD", "gross": "840.75",
            "guest": { "name": "Dana Whitfield", "locale": "en" }, "notes": "anniversary",
            "crew_ids": ["crew-1", "crew-2"], "captain_id": "captain-1" } } })
    }

    fn with(pointer: &str, value: Value) -> Value {
        let mut body = canonical_body();
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        body.pointer_mut(parent).expect("it exists")[key] = value;
        body
    }

    fn faults(body: &Value) -> Vec<String> {
        let found = Mapping::canonical().read(body, &zone()).expect_err("faulty");
        found.into_iter().map(|fault| format!("{} {}", fault.pointer, fault.detail)).collect()
    }

    #[test]
    fn the_canonical_body_is_read_whole() {
        let received = Mapping::canonical().read(&canonical_body(), &zone()).expect("valid");
        assert_eq!(received.event_id.as_deref(), Some("evt_7f31"));
        let snapshot = received.snapshot;
        assert_eq!(snapshot.booking_id.as_str(), "BS-1048812");
        assert_eq!(snapshot.status, Status::Standing);
        assert_eq!(snapshot.start.to_string(), "2025-05-30T21:00:00Z");
        assert_eq!(
            (snapshot.duration.as_mins(), snapshot.party_size, snapshot.gross.to_string()),
            (180, 8, "840.75".into())
        );
        assert_eq!(snapshot.guest.first_name(), "Dana");
        assert_eq!(snapshot.crew.map(|crew| crew.len()), Some(2));
    }

    #[test]
    fn amounts_and_ids_may_be_numbers_and_keep_their_digits() {
        for gross in ["840.75", "840.750", "\"840.75\""] {
            let body = with("/data/booking/gross", serde_json::from_str(gross).expect("JSON"));
            let snapshot = Mapping::canonical().read(&body, &zone()).expect("valid").snapshot;
            assert_eq!(snapshot.gross.to_string(), "840.75");
        }
    }

    #[test]
    fn an_end_may_stand_for_the_duration() {
        let mut body = with("/data/booking/end_at", json!("2025-05-30T17:00:00-07:00"));
        body["data"]["booking"]["duration_minutes"] = Value::Null;
        assert_eq!(Mapping::canonical().read(&body, &zone()).expect("valid").snapshot.duration.as_mins(), 180);
        body["data"]["booking"]["duration_minutes"] = json!(240);
        assert_eq!(
            faults(&body),
            ["/data/booking/end_at disagrees with /duration_minutes: send one of them, or mend it"]
        );
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let mut body = with("/data/booking/gross", json!("eight hundred"));
        body["data"]["booking"]["start_at"] = json!("2025-03-09T02:30:00");
        body["data"]["booking"]["party_size"] = json!(0);
        body["data"]["booking"]["currency"] = json!("EUR");
        body["data"]["booking"]["crew_ids"] = json!(["crew-1", 7]);
        body["data"]["booking"]["guest"] = Value::Null;
        let pointers: Vec<String> =
            faults(&body).into_iter().filter_map(|fault| fault.split(' ').next().map(str::to_owned)).collect();
        let expected = ["start_at", "party_size", "currency", "gross", "guest/name", "crew_ids"];
        assert_eq!(pointers, expected.map(|field| format!("/data/booking/{field}")));
    }

    #[test]
    fn a_status_is_read_ignoring_case_and_unknown_words_decide_nothing() {
        for (word, expected) in [
            ("Approved", Status::Standing),
            ("CANCELED", Status::Off),
            ("declined", Status::Off),
            ("inquiry", Status::Undecided),
            ("refunded", Status::Undecided),
        ] {
            let body = with("/data/booking/status", json!(word));
            assert_eq!(Mapping::canonical().read(&body, &zone()).expect("valid").snapshot.status, expected, "{word}");
        }
    }

    #[test]
    fn a_sender_of_another_shape_needs_a_file_not_a_rebuild() {
        let file = r#"
            booking = "/booking"
            amounts = "cents"
            times = "unix_seconds"
            [fields]
            id = "/pk"
            status = "/state"
            start_at = "/starts"
            end_at = "/ends"
            party_size = "/customers"
            gross = "/amount_paid"
            guest_name = "/contact/name"
            boat_id = { constant = "qosd" }
            boat_name = { constant = "Queen of San Diego" }
            [statuses]
            standing = ["booked"]
            off = ["rebooked", "cancelled"]
        "#;
        let body = json!({ "booking": { "pk": 7731, "state": "booked", "starts": 1_748_638_800, "ends": 1_748_649_600,
            "customers": "8", "amount_paid": 84075, "contact": { "name": "Dana" } } });
        let snapshot = Mapping::parse(file).expect("valid").read(&body, &zone()).expect("valid").snapshot;
        assert_eq!((snapshot.booking_id.as_str(), snapshot.gross.to_string()), ("7731", "840.75".into()));
        assert_eq!((snapshot.start.to_string(), snapshot.duration.as_mins()), ("2025-05-30T21:00:00Z".into(), 180));
    }

    #[test]
    fn a_mapping_that_cannot_work_is_refused() {
        assert!(matches!(Mapping::parse("booking = 1"), Err(MappingError::Malformed(_))));
        let canonical = include_str!("canonical-mapping.toml");
        let no_slash = canonical.replace("id = \"/id\"\nstatus", "id = \"id\"\nstatus");
        assert!(matches!(Mapping::parse(&no_slash), Err(MappingError::Pointer(_))));
        let no_gross = canonical.replace("gross = \"/gross\"\n", "");
        assert!(matches!(Mapping::parse(&no_gross), Err(MappingError::Missing(Field::Gross))));
    }
}
