//! From a sender's JSON to a [`Snapshot`].
//!
//! Where a sender keeps each field is data (a mapping file), because senders document little and may change anything. This is the one place
//! where raw JSON becomes a booking; it reports *every* fault, so that one look at an answer mends a sender.
//!
//! - `file`: a mapping file's text, slip by slip.
//! - `form`, `pointer`: where a value is; `values`: how senders write it.
//! - `reading`: the fields of one booking: strict with those that decide, generous with the others.

mod file;
mod form;
mod pointer;
mod reading;
mod text;
mod values;

use std::collections::HashMap;

use http::{HeaderMap, HeaderName};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;

pub(crate) use file::MappingFault;
use form::{Form, Place};
use pointer::{Found, Pointer};
pub use reading::FieldReading;
pub(crate) use reading::Readable;
use reading::Reader;
use text::word_of;

use crate::booking::{BookingId, BookingStatus, Field, FieldFault, Operator, Snapshot};

/// Has a mapping without a file, and booking ids without a prefix.
pub(crate) const BUILT_IN_SENDER: &str = "boatsetter";
/// More bookings than this in one delivery come from no sender of charters.
const MOST_BOOKINGS: usize = 25;
/// More than any clock is wrong or any zone is off; a year that the sender got wrong is further ahead.
const FURTHEST_AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// Where a sender keeps what a booking needs, and how it writes it.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// Of this sender's booking ids.
    prefix: String,
    /// The prefixes of other senders: no booking id of this sender may begin with one.
    foreign_prefixes: Vec<String>,
    label: Option<String>,
    ignore: Vec<Ignore>,
    bookings: Pointer,
    event_id: Option<Form>,
    event_created_at: Option<Form>,
    /// With the line of each in the file.
    fields: HashMap<Field, (Form, usize)>,
    statuses: Statuses,
    /// A person who states no currency means US dollars; a sender that states none may mean any.
    default_currency: bool,
}

/// The sender's words, compared without case.
#[derive(Debug, Clone)]
struct Statuses {
    confirmed: Vec<String>,
    cancelled: Vec<String>,
    inconclusive: Vec<String>,
}

/// An event that is not ours.
#[derive(Debug, Clone)]
struct Ignore {
    form: Form,
    condition: Condition,
}

#[derive(Debug, Clone)]
enum Condition {
    Is(Vec<String>),
    Begins(Vec<String>),
}

/// What is wrong with a body: where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// JSON pointer into the body.
    pub pointer: String,
    /// In words, e.g. "is missing".
    pub detail: String,
}

/// What one body said of one booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The sender's id of the event.
    pub event_id: Option<String>,
    /// When the sender says that it happened.
    pub event_created_at: Option<Timestamp>,
    /// The booking as it was then.
    pub snapshot: Snapshot,
    /// Fields whose values are faulty and that this snapshot can do without.
    pub passed_over: Vec<Field>,
}

/// What a body is.
#[derive(Debug)]
pub enum Reading {
    /// An event that the mapping says is not ours.
    Ignored {
        /// Which of its rules says so.
        why: String,
    },
    /// Each booking in it, understood or not; at least one.
    Bookings(Vec<Result<Received, Vec<Fault>>>),
}

fn capitalised(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(characters).collect()
}

/// So far ahead that for long no later change could count as newer.
fn is_far_ahead(at: Timestamp, now: Timestamp) -> bool {
    at.duration_since(now) > FURTHEST_AHEAD
}

impl Mapping {
    /// The canonical body's, compiled in.
    pub(crate) fn canonical() -> Self {
        let text = include_str!("boatsetter.toml");
        file::parse("boatsetter.toml", text, false).expect("the compiled-in mapping is valid; a test reads it")
    }

    /// The canonical booking object at `pointer`, for people's own entries: no event around it, and they mean now.
    pub fn canonical_at(pointer: &str) -> Self {
        let mut mapping = Self {
            event_id: None,
            event_created_at: None,
            ignore: Vec::new(),
            bookings: Pointer::parse(pointer).expect("a constant pointer"),
            default_currency: true,
            ..Self::canonical()
        };
        mapping.fields.remove(&Field::UpdatedAt);
        mapping
    }

    /// Reads a mapping file's text; `file` is what its slips are named by.
    ///
    /// # Errors
    /// [`MappingFault`]: every slip, each with its line.
    pub fn parse(sender: &str, file: &str, text: &str) -> Result<Self, MappingFault> {
        let is_built_in = sender == BUILT_IN_SENDER;
        let mut mapping = file::parse(file, text, !is_built_in)?;
        if !is_built_in {
            mapping.label.get_or_insert_with(|| capitalised(sender));
        }
        Ok(mapping)
    }

    /// What this sender's booking ids begin with; empty for the built-in sender.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Keeps this sender's booking ids apart from those of the other senders.
    pub(super) fn keep_apart_from(&mut self, prefixes: Vec<String>) {
        self.foreign_prefixes = prefixes;
    }

    /// The headers that the mapping reads, kept with the body for a later reading.
    pub(crate) fn headers(&self) -> Vec<&HeaderName> {
        let fields = self.fields.values().map(|(form, _)| form);
        let ignored = self.ignore.iter().map(|ignore| &ignore.form);
        let forms = fields.chain(ignored).chain(&self.event_id).chain(&self.event_created_at);
        forms.flat_map(Form::headers).collect()
    }

    /// Whether the event's id is in a header, which not every signature covers.
    pub(crate) fn event_id_is_in_a_header(&self) -> bool {
        self.event_id.as_ref().is_some_and(|form| !form.headers().is_empty())
    }

    /// Reads a body at `now`. The operator says in which zone a local time is.
    pub fn interpret(&self, body: &Value, headers: &HeaderMap, operator: &Operator, now: Timestamp) -> Reading {
        let found = self.bookings.all(body);
        let carries_one = found.iter().any(|found| self.is_a_booking(body, found, headers));
        if !carries_one && let Some(why) = self.ignore.iter().find_map(|ignore| ignore.why(body, headers)) {
            return Reading::Ignored { why };
        }
        let pointer = self.bookings.to_string();
        let fault = |detail: String| Reading::Bookings(vec![Err(vec![Fault { pointer: pointer.clone(), detail }])]);
        match found.len() {
            0 if self.bookings.means_every() => fault("must be a list of bookings".into()),
            0 => fault("must be an object: the booking".into()),
            1..=MOST_BOOKINGS => {
                Reading::Bookings(found.iter().map(|found| self.one(body, found, headers, operator, now)).collect())
            }
            _ => fault(format!("must be at most {MOST_BOOKINGS} bookings")),
        }
    }

    /// The bookings that a body names without being understood.
    pub(crate) fn not_understood_in(
        &self,
        body: &Value,
        headers: &HeaderMap,
        operator: &Operator,
        now: Timestamp,
    ) -> Vec<BookingId> {
        let named = |found: &Found| {
            let place = Place { body, booking: &found.value, pointer: &found.pointer, headers };
            let understood = self.one(body, found, headers, operator, now).is_ok();
            if understood { None } else { Reader::new(self, place, operator, now).booking_id(Field::Id) }
        };
        let mut named: Vec<_> = self.bookings.all(body).iter().filter_map(named).collect();
        named.sort();
        named.dedup();
        named
    }

    /// The one booking in a body without headers, such as a person's entry.
    ///
    /// # Errors
    /// Every fault in it, in the order of the fields. What only a confirmed booking needs is no fault in another one.
    pub fn read(&self, body: &Value, operator: &Operator, now: Timestamp) -> Result<Received, Vec<Fault>> {
        match self.interpret(body, &HeaderMap::new(), operator, now) {
            Reading::Bookings(mut bookings) if bookings.len() == 1 => bookings.remove(0),
            Reading::Bookings(_) => {
                Err(vec![Fault { pointer: self.bookings.to_string(), detail: "must be one booking".into() }])
            }
            Reading::Ignored { why } => {
                Err(vec![Fault { pointer: String::new(), detail: format!("is no booking: {why}") }])
            }
        }
    }

    fn pointer(&self, field: Field, place: &Place<'_>) -> String {
        self.fields.get(&field).map_or_else(|| place.pointer.to_owned(), |(form, _)| form.pointer(place))
    }

    /// An object that names a booking or its state is read, even if its event is one to ignore.
    fn is_a_booking(&self, body: &Value, found: &Found, headers: &HeaderMap) -> bool {
        let place = Place { body, booking: &found.value, pointer: &found.pointer, headers };
        let says = |field| {
            let form = self.fields.get(&field).map(|(form, _)| form).filter(|form| form.is_in_the_booking());
            form.is_some_and(|form| !matches!(form.read(&place), Ok(None)))
        };
        found.value.is_object() && (says(Field::Id) || says(Field::Status))
    }

    fn one(
        &self,
        body: &Value,
        found: &Found,
        headers: &HeaderMap,
        operator: &Operator,
        now: Timestamp,
    ) -> Result<Received, Vec<Fault>> {
        if !found.value.is_object() {
            let detail = "must be an object: the booking".into();
            return Err(vec![Fault { pointer: found.pointer.clone(), detail }]);
        }
        let place = Place { body, booking: &found.value, pointer: &found.pointer, headers };
        Reader::new(self, place, operator, now).received()
    }

    fn status(&self, word: &str) -> Option<BookingStatus> {
        let is_in = |words: &[String]| words.iter().any(|known| known.to_lowercase() == word.to_lowercase());
        let Statuses { confirmed, cancelled, inconclusive } = &self.statuses;
        [
            (BookingStatus::Confirmed, confirmed),
            (BookingStatus::Cancelled, cancelled),
            (BookingStatus::Inconclusive, inconclusive),
        ]
        .into_iter()
        .find_map(|(status, words)| is_in(words).then_some(status))
    }

    /// The constants that no reading of their field could take, with their lines.
    fn faulty_constants(&self) -> Vec<(usize, String)> {
        let place = Place { body: &Value::Null, booking: &Value::Null, pointer: "", headers: &HeaderMap::new() };
        let operator = Operator::default();
        let mut reader = Reader::new(self, place, &operator, Timestamp::MIN);
        let faults = reader.faults_of_all_fields();
        let constant =
            |field: Field| self.fields.get(&field).filter(|(form, _)| form.is_constant()).map(|(_, line)| *line);
        let named = |fault: FieldFault| {
            Some((constant(fault.field)?, format!("fields.{}.constant {}", fault.field.name(), fault.detail)))
        };
        faults.into_iter().filter_map(named).collect()
    }
}

impl Ignore {
    fn why(&self, body: &Value, headers: &HeaderMap) -> Option<String> {
        let place = Place { body, booking: body, pointer: "", headers };
        let word = word_of(&self.form.read(&place).ok()??).ok()??.to_lowercase();
        let (known, how) = match &self.condition {
            Condition::Is(words) => (words.iter().find(|known| known.to_lowercase() == word)?, "is"),
            Condition::Begins(words) => {
                (words.iter().find(|known| word.starts_with(&known.to_lowercase()))?, "begins with")
            }
        };
        Some(format!("{} {how} {known:?}", self.form.pointer(&place)))
    }
}

#[cfg(test)]
mod tests;
