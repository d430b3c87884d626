//! Reads single fields of a booking, and of the event around it, and keeps account of what is wrong with them.

use std::fmt;

use jiff::{Timestamp, tz::TimeZone};
use rust_decimal::Decimal;
use serde_json::Value;

use super::mapping::{Amounts, Fault, Mapping, Source, Times, is_far_ahead};
use crate::booking::{
    Assigned, BoatReference, CharterDuration, Field, FieldFault, Money, Operator, PersonId, Terms, TimeReading,
    read_time,
};

const MISSING: &str = "is missing";
const LONGEST_TEXT_CHARACTERS: usize = 10_000;
const LONGEST_BOAT_CHARACTERS: usize = 100;
const LARGEST_CREW: usize = 20;

/// One body and the booking object in it, read through a mapping. Every method returns `None` for what is absent or faulty, and notes each
/// fault.
pub(super) struct Reader<'a> {
    mapping: &'a Mapping,
    body: &'a Value,
    booking: &'a Value,
    operator: &'a Operator,
    event_faults: Vec<Fault>,
    faults: Vec<FieldFault>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(mapping: &'a Mapping, body: &'a Value, booking: &'a Value, operator: &'a Operator) -> Self {
        Self { mapping, body, booking, operator, event_faults: Vec::new(), faults: Vec::new() }
    }

    pub(super) fn has_faults(&self) -> bool {
        !self.event_faults.is_empty() || !self.faults.is_empty()
    }

    /// The event's first, as it is around the booking.
    pub(super) fn into_faults(self) -> Vec<Fault> {
        [self.event_faults, self.mapping.locate(self.faults)].concat()
    }

    /// What the sender calls the event, at `pointer` in the whole body.
    pub(super) fn event_id(&mut self, pointer: Option<&str>) -> Option<String> {
        self.of_event(pointer, |_, text| Ok(text))
    }

    /// When the event happened, at `pointer` in the whole body.
    pub(super) fn event_created_at(&mut self, pointer: Option<&str>) -> Option<Timestamp> {
        self.of_event(pointer, |reader, text| reader.time(&text)).map(|time| time.instant)
    }

    fn of_event<T>(
        &mut self,
        pointer: Option<&str>,
        read: impl FnOnce(&mut Self, String) -> Result<T, String>,
    ) -> Option<T> {
        let pointer = pointer?;
        let text = text_of(self.body.pointer(pointer)?).transpose()?;
        match text.and_then(|text| read(self, text)) {
            Ok(value) => Some(value),
            Err(detail) => {
                self.event_faults.push(Fault { pointer: pointer.to_owned(), detail });
                None
            }
        }
    }

    fn fault<T>(&mut self, field: Field, detail: impl Into<String>) -> Option<T> {
        self.faults.push(FieldFault { field, detail: detail.into() });
        None
    }

    /// Passes what is valid, notes why the rest is not.
    pub(super) fn valid<T, E: fmt::Display>(&mut self, field: Field, result: Result<T, E>) -> Option<T> {
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

    /// A JSON `null` counts as absent.
    fn value(&self, field: Field) -> Option<Value> {
        match self.mapping.fields.get(&field)? {
            Source::Constant { constant } => Some(Value::String(constant.clone())),
            Source::Pointer(pointer) => self.booking.pointer(pointer).filter(|value| !value.is_null()).cloned(),
        }
    }

    pub(super) fn optional_text(&mut self, field: Field) -> Option<String> {
        let text = text_of(&self.value(field)?).transpose()?;
        self.valid(field, text)
    }

    pub(super) fn text(&mut self, field: Field) -> Option<String> {
        let text = self.optional_text(field);
        self.required(field, text)
    }

    pub(super) fn text_within(&mut self, field: Field, most_characters: usize) -> Option<String> {
        let text = self.optional_text_within(field, most_characters);
        self.required(field, text)
    }

    pub(super) fn optional_text_within(&mut self, field: Field, most_characters: usize) -> Option<String> {
        let text = self.optional_text(field)?;
        if text.chars().count() > most_characters {
            return self.fault(field, format!("must be at most {most_characters} characters"));
        }
        Some(text)
    }

    pub(super) fn optional_integer(&mut self, field: Field) -> Option<u64> {
        let text = self.optional_text(field)?;
        match text.parse() {
            Ok(number) => Some(number),
            Err(_) => self.fault(field, "must be a whole number from 0 on"),
        }
    }

    pub(super) fn integer_within(&mut self, field: Field, least: u32, most: u32) -> Option<u32> {
        let number = self.optional_integer(field);
        let number = self.required(field, number)?;
        match u32::try_from(number) {
            Ok(number) if (least..=most).contains(&number) => Some(number),
            _ => self.fault(field, format!("must be from {least} to {most}")),
        }
    }

    pub(super) fn optional_time(&mut self, field: Field) -> Option<TimeReading> {
        let text = self.optional_text(field)?;
        let time = self.time(&text);
        self.valid(field, time)
    }

    pub(super) fn required_time(&mut self, field: Field) -> Option<TimeReading> {
        let time = self.optional_time(field);
        self.required(field, time)
    }

    /// As the sender writes times; a local one is in the booking's zone.
    fn time(&mut self, text: &str) -> Result<TimeReading, String> {
        let of_epoch = |instant: fn(i64) -> Result<Timestamp, jiff::Error>| {
            let instant = text.parse().ok().and_then(|number| instant(number).ok());
            let instant = instant.ok_or("must be a Unix time in whole units")?;
            Ok(TimeReading { instant, ambiguous: false })
        };
        match self.mapping.times {
            Times::Text => read_time(text, || self.zone()).map_err(|error| error.to_string()),
            Times::UnixSeconds => of_epoch(Timestamp::from_second),
            Times::UnixMilliseconds => of_epoch(Timestamp::from_millisecond),
        }
    }

    /// The zone that the booking names, else the operator's. A name that is none is noted once, by whoever needs the zone.
    pub(super) fn zone(&mut self) -> TimeZone {
        let named = if self.is_faulty(Field::Timezone) { None } else { self.optional_text(Field::Timezone) };
        let unknown = |_| "must be an IANA time zone such as America/Los_Angeles";
        let named = named.and_then(|name| self.valid(Field::Timezone, TimeZone::get(&name).map_err(unknown)));
        named.unwrap_or_else(|| self.operator.time_zone.clone())
    }

    pub(super) fn updated_at(&mut self, now: Timestamp) -> Option<Timestamp> {
        let at = self.optional_time(Field::UpdatedAt)?.instant;
        if is_far_ahead(at, now) {
            let detail =
                format!("is more than a day ahead ({now}): until then every later change would count as older");
            return self.fault(Field::UpdatedAt, detail);
        }
        Some(at)
    }

    /// `duration_minutes`, or the time from the start to `end_at`; both only if they agree. Each is judged where it was sent.
    pub(super) fn duration(&mut self, start: Option<&TimeReading>) -> Option<CharterDuration> {
        let minutes = self.optional_integer(Field::DurationMinutes);
        let stated = minutes.and_then(|minutes| self.valid(Field::DurationMinutes, CharterDuration::try_from(minutes)));
        let end = self.optional_time(Field::EndAt);
        let elapsed = start.zip(end.as_ref()).map(|(start, end)| start.instant.duration_until(end.instant));
        let elapsed = elapsed.and_then(|elapsed| self.valid(Field::EndAt, CharterDuration::try_from(elapsed)));
        match (stated, elapsed) {
            (Some(stated), Some(elapsed)) if stated != elapsed => {
                self.fault(Field::EndAt, "disagrees with the duration: send one of them, or mend it")
            }
            (None, None) if end.is_none() && !self.is_faulty(Field::EndAt) => {
                self.required(Field::DurationMinutes, None)
            }
            (stated, elapsed) => stated.or(elapsed),
        }
    }

    /// Id and name; each stands for the other when only one is sent.
    pub(super) fn boat(&mut self) -> Option<BoatReference> {
        let within = LONGEST_BOAT_CHARACTERS;
        match (self.optional_text_within(Field::BoatId, within), self.optional_text_within(Field::BoatName, within)) {
            (Some(id), Some(name)) => Some(BoatReference { id, name }),
            (Some(either), None) | (None, Some(either)) => Some(BoatReference { id: either.clone(), name: either }),
            (None, None) => self.required(Field::BoatId, None),
        }
    }

    pub(super) fn only_dollars(&mut self) {
        let currency = self.optional_text(Field::Currency);
        if currency.is_some_and(|currency| !currency.eq_ignore_ascii_case("USD")) {
            self.fault::<()>(Field::Currency, "must be USD: the office keeps its books in US dollars");
        }
    }

    pub(super) fn gross(&mut self) -> Option<Money> {
        let text = self.text(Field::Gross)?;
        let Ok(amount) = text.parse::<Decimal>() else {
            return self.fault(Field::Gross, "must be an amount such as \"840.75\"");
        };
        let dollars = match self.mapping.amounts {
            Amounts::Dollars => amount,
            Amounts::Cents => amount / Decimal::ONE_HUNDRED,
        };
        self.valid(Field::Gross, Money::gross(dollars))
    }

    pub(super) fn assigned(&mut self) -> Assigned {
        Assigned { crew: self.people(Field::CrewIds), captain: self.person(Field::CaptainId) }
    }

    /// Notes who is missing. Nobody is missed on a boat that cannot be read if one of the operator's boats may be meant.
    pub(super) fn needs_crew(&mut self, boat: Option<&BoatReference>, assigned: &Assigned) {
        let boat = boat.cloned().or_else(|| self.operator.boats.is_empty().then(BoatReference::default));
        let missing = boat.and_then(|boat| Terms::resolve(&boat, assigned, self.operator).err()).unwrap_or_default();
        for fault in missing {
            if !self.is_faulty(fault.field) {
                self.faults.push(fault);
            }
        }
    }

    fn person(&mut self, field: Field) -> Option<PersonId> {
        let text = self.optional_text(field)?;
        self.valid(field, PersonId::parse(&text))
    }

    /// An empty list counts as absent: no charter sails without crew.
    fn people(&mut self, field: Field) -> Option<Vec<PersonId>> {
        let Value::Array(values) = self.value(field)? else { return self.fault(field, "must be a list of ids") };
        if values.len() > LARGEST_CREW {
            return self.fault(field, format!("must be at most {LARGEST_CREW} people"));
        }
        let mut people: Vec<PersonId> = Vec::new();
        for value in &values {
            let Some(text) = value.as_str() else { return self.fault(field, "must be a list of ids") };
            people.push(self.valid(field, PersonId::parse(text))?);
        }
        (!people.is_empty()).then_some(people)
    }
}

/// A text, or a number as it was written; trimmed, and absent when it is `null` or nothing is left.
fn text_of(value: &Value) -> Result<Option<String>, String> {
    let text = match value {
        Value::Null => return Ok(None),
        Value::String(text) => printable(text),
        Value::Number(number) => number.to_string(),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => return Err("must be a text".into()),
    };
    if text.chars().count() > LONGEST_TEXT_CHARACTERS {
        return Err(format!("must be at most {LONGEST_TEXT_CHARACTERS} characters"));
    }
    Ok((!text.is_empty()).then_some(text))
}

/// Trimmed, and without control characters but ends of lines: they show nowhere, and take up much room where texts are stored.
fn printable(text: &str) -> String {
    let printable = |character: char| if character.is_control() && character != '\n' { ' ' } else { character };
    text.trim().replace("\r\n", "\n").chars().map(printable).collect()
}
