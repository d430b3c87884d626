//! Reads the fields of one booking, and keeps account of what is wrong with them.
//!
//! Strict with what decides (id, status, times, revision, amounts, who sails): a faulty value there is a fault. Generous with what the
//! snapshot can do without (a zone beside offsets, a locale, a place, the other of a boat's two names): passed over, and said so.

mod readable;
mod sale;
mod shown;

use std::fmt;

use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

use super::{
    Fault, Mapping, Received,
    form::{Form, Place},
    is_far_ahead,
    text::{text_of, word_of},
    values::{integer, time},
};
pub(crate) use readable::Readable;
pub use shown::FieldReading;

use crate::booking::{BookingId, BookingStatus, Field, FieldFault, Operator, Snapshot, TimeReading};

const MISSING: &str = "is missing";
/// The largest whole number that every JSON library keeps: after a larger revision no later one could count as newer.
const LARGEST_REVISION: u64 = (1 << 53) - 1;
/// A status word is shown in answers so that it can be put into a list; a longer text is no word.
const LONGEST_WORD_CHARACTERS: usize = 40;

/// One booking, read through a mapping. Every method returns `None` for what is absent or faulty, and notes each fault.
pub(super) struct Reader<'a> {
    mapping: &'a Mapping,
    place: Place<'a>,
    operator: &'a Operator,
    now: Timestamp,
    event_faults: Vec<Fault>,
    faults: Vec<FieldFault>,
    passed_over: Vec<Field>,
    /// The booking's own zone, once somebody has asked for it.
    zone: Option<TimeZone>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(mapping: &'a Mapping, place: Place<'a>, operator: &'a Operator, now: Timestamp) -> Self {
        let (event_faults, faults, passed_over) = (Vec::new(), Vec::new(), Vec::new());
        Self { mapping, place, operator, now, event_faults, faults, passed_over, zone: None }
    }

    /// Reads every field before it gives up on any, so that all faults are found.
    pub(super) fn received(mut self) -> Result<Received, Vec<Fault>> {
        let event_id = self.event_id();
        let event_created_at = self.event_created_at();
        let snapshot = self.snapshot();
        self.passed_over.sort();
        self.passed_over.dedup();
        match snapshot {
            Some(snapshot) if self.event_faults.is_empty() && self.faults.is_empty() => {
                Ok(Received { event_id, event_created_at, snapshot, passed_over: self.passed_over })
            }
            _ => {
                let place = self.place;
                let located = |fault: FieldFault| Fault {
                    pointer: self.mapping.pointer(fault.field, &place),
                    detail: fault.detail,
                };
                Err(self.event_faults.into_iter().chain(self.faults.into_iter().map(located)).collect())
            }
        }
    }

    /// Every field's fault, whether or not this booking needs the field.
    pub(super) fn faults_of_all_fields(&mut self) -> Vec<FieldFault> {
        self.snapshot();
        self.sale();
        self.replaces();
        for field in
            [Field::Timezone, Field::GuestLocale, Field::Location, Field::Notes, Field::BoatId, Field::BoatName]
        {
            if self.passed_over.contains(&field) {
                self.fault::<()>(field, "is no value that this field takes");
            }
        }
        self.zone();
        std::mem::take(&mut self.faults)
    }

    fn snapshot(&mut self) -> Option<Snapshot> {
        let booking_id = self.booking_id(Field::Id);
        let booking_id = self.required(Field::Id, booking_id);
        let status = self.status();
        let revision = self.revision();
        let updated_at = self.updated_at();
        let (sale, replaces) = match status {
            Some(BookingStatus::Confirmed) => (self.sale().map(Box::new), self.replaces()),
            Some(BookingStatus::Cancelled | BookingStatus::Inconclusive) => (None, None),
            // It may be confirmed: the same answer names what it lacks then.
            None => (self.sale().and(None), None),
        };
        if status == Some(BookingStatus::Confirmed) && sale.is_none() {
            return None;
        }
        Some(Snapshot { booking_id: booking_id?, revision, updated_at, status: status?, sale, replaces })
    }

    /// What the sender calls the event. Nothing hangs on it but a name: what is no text counts as absent.
    fn event_id(&self) -> Option<String> {
        let value = self.mapping.event_id.as_ref()?.read(&self.event()).ok()??;
        text_of(&value).ok()?
    }

    fn event(&self) -> Place<'a> {
        Place { booking: self.place.body, pointer: "", ..self.place }
    }

    fn event_created_at(&mut self) -> Option<Timestamp> {
        let form = self.mapping.event_created_at.as_ref()?;
        let place = self.event();
        let at = self.read_time(form, &place).map(|time| time.map(|time| time.instant));
        match at.and_then(|at| at.map(|at| self.not_far_ahead(at)).transpose()) {
            Ok(at) => at,
            Err(detail) => {
                self.event_faults.push(Fault { pointer: form.pointer(&place), detail });
                None
            }
        }
    }

    fn fault<T>(&mut self, field: Field, detail: impl Into<String>) -> Option<T> {
        self.faults.push(FieldFault { field, detail: detail.into() });
        None
    }

    fn pass_over<T>(&mut self, field: Field) -> Option<T> {
        self.passed_over.push(field);
        None
    }

    /// Passes what is valid, notes why the rest is not.
    fn valid<T, E: fmt::Display>(&mut self, field: Field, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => self.fault(field, error.to_string()),
        }
    }

    fn is_faulty(&self, field: Field) -> bool {
        self.faults.iter().any(|fault| fault.field == field)
    }

    fn required<T>(&mut self, field: Field, value: Option<T>) -> Option<T> {
        if value.is_none() && !self.is_faulty(field) { self.fault(field, MISSING) } else { value }
    }

    fn form(&self, field: Field) -> Option<&'a Form> {
        self.mapping.fields.get(&field).map(|(form, _)| form)
    }

    fn value(&self, field: Field) -> Result<Option<Value>, String> {
        self.form(field).map_or(Ok(None), |form| form.read(&self.place))
    }

    fn stated(&self, field: Field) -> Result<Option<String>, String> {
        self.value(field)?.map_or(Ok(None), |value| text_of(&value))
    }

    fn optional_text(&mut self, field: Field) -> Option<String> {
        let text = self.stated(field);
        self.valid(field, text)?
    }

    fn text(&mut self, field: Field) -> Option<String> {
        let text = self.optional_text(field);
        self.required(field, text)
    }

    pub(super) fn booking_id(&mut self, field: Field) -> Option<BookingId> {
        let stated = self.optional_text(field)?;
        let prefix = &self.mapping.prefix;
        let id = if stated.starts_with(&**prefix) { stated } else { format!("{prefix}{stated}") };
        let foreign = |other: &&String| !other.is_empty() && id.starts_with(&***other);
        if let Some(other) = self.mapping.foreign_prefixes.iter().find(foreign) {
            return self.fault(field, format!("begins with {other:?}, as the bookings of another sender do"));
        }
        self.valid(field, BookingId::parse(&id))
    }

    fn replaces(&mut self) -> Option<BookingId> {
        self.booking_id(Field::Replaces)
    }

    fn status(&mut self) -> Option<BookingStatus> {
        let word = self.value(Field::Status).and_then(|value| value.map_or(Ok(None), |value| word_of(&value)));
        let word = self.valid(Field::Status, word).flatten();
        let word = self.required(Field::Status, word)?;
        let known = self.mapping.status(&word);
        let plain = word.chars().count() <= LONGEST_WORD_CHARACTERS
            && word.chars().all(|character| character.is_alphanumeric() || " ._-".contains(character));
        let shown = if plain { format!("the word {word:?}") } else { "the word".to_owned() };
        known.or_else(|| self.fault(Field::Status, format!("{shown} is in none of the mapping's lists of statuses")))
    }

    fn optional_integer(&mut self, field: Field, most: u64) -> Option<u64> {
        let text = self.optional_text(field)?;
        match integer(&text) {
            Some(number) if number <= most => Some(number),
            _ => self.fault(field, format!("must be a whole number from 0 to {most}")),
        }
    }

    fn revision(&mut self) -> Option<u64> {
        self.optional_integer(Field::Revision, LARGEST_REVISION)
    }

    /// As the sender writes it; a local time is in the booking's zone, whose own fault is noted where it stands.
    fn read_time(&mut self, form: &Form, place: &Place<'_>) -> Result<Option<TimeReading>, String> {
        let Some(value) = form.read(place)? else { return Ok(None) };
        let Some(text) = text_of(&value)? else { return Ok(None) };
        time(&text, form, || self.zone()).map(Some)
    }

    fn optional_time(&mut self, field: Field) -> Option<TimeReading> {
        let form = self.form(field)?;
        let place = self.place;
        let time = self.read_time(form, &place);
        self.valid(field, time)?
    }

    /// The zone that the booking names, else the operator's. Asked for only by a local time, which needs it: then it is a fault.
    fn zone(&mut self) -> TimeZone {
        if let Some(zone) = &self.zone {
            return zone.clone();
        }
        let unknown = |_| "must be an IANA time zone such as America/Los_Angeles".to_owned();
        let named = self
            .stated(Field::Timezone)
            .and_then(|name| name.map(|name| TimeZone::get(&name).map_err(unknown)).transpose());
        let named = self.valid(Field::Timezone, named).flatten();
        let zone = named.unwrap_or_else(|| self.operator.time_zone.clone());
        self.zone = Some(zone.clone());
        zone
    }

    fn unneeded_zone(&mut self) {
        let sound = self.stated(Field::Timezone).map(|name| name.is_none_or(|name| TimeZone::get(&name).is_ok()));
        if self.zone.is_none() && sound != Ok(true) {
            self.pass_over::<()>(Field::Timezone);
        }
    }

    fn updated_at(&mut self) -> Option<Timestamp> {
        let at = self.optional_time(Field::UpdatedAt)?.instant;
        let at = self.not_far_ahead(at);
        self.valid(Field::UpdatedAt, at)
    }

    fn not_far_ahead(&self, at: Timestamp) -> Result<Timestamp, String> {
        if is_far_ahead(at, self.now) {
            return Err(format!(
                "is more than a day ahead of now ({}): until then every later change would count as older",
                self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
            ));
        }
        Ok(at)
    }
}
