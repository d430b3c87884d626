//! Reads single fields of a booking and keeps account of what is wrong with them.

use jiff::{Timestamp, tz::TimeZone};
use rust_decimal::Decimal;
use serde_json::Value;

use super::mapping::{Amounts, Mapping, Source, Times, is_far_ahead};
use crate::booking::{
    Assigned, BoatReference, CharterDuration, Field, FieldFault, Money, Operator, PersonId, StartReading, Terms,
    read_start,
};

const MISSING: &str = "is missing";
const LONGEST_TEXT_CHARACTERS: usize = 10_000;
const LONGEST_BOAT_CHARACTERS: usize = 100;
const LARGEST_CREW: usize = 20;

/// One booking object, read through a mapping. Every method returns `None` for what is absent or faulty, and notes each fault.
pub(super) struct Reader<'a> {
    mapping: &'a Mapping,
    booking: &'a Value,
    faults: Vec<FieldFault>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(mapping: &'a Mapping, booking: &'a Value) -> Self {
        Self { mapping, booking, faults: Vec::new() }
    }

    pub(super) fn has_faults(&self) -> bool {
        !self.faults.is_empty()
    }

    pub(super) fn into_faults(self) -> Vec<FieldFault> {
        self.faults
    }

    fn fault<T>(&mut self, field: Field, detail: impl Into<String>) -> Option<T> {
        self.faults.push(FieldFault { field, detail: detail.into() });
        None
    }

    /// Passes what is valid, notes why the rest is not.
    pub(super) fn valid<T, E: std::error::Error>(&mut self, field: Field, result: Result<T, E>) -> Option<T> {
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

    /// A text, or a number as it was written; trimmed, and absent when nothing is left.
    pub(super) fn optional_text(&mut self, field: Field) -> Option<String> {
        let text = match self.value(field)? {
            Value::String(text) => printable(&text),
            Value::Number(number) => number.to_string(),
            _ => return self.fault(field, "must be a text"),
        };
        if text.chars().count() > LONGEST_TEXT_CHARACTERS {
            return self.fault(field, format!("must be at most {LONGEST_TEXT_CHARACTERS} characters"));
        }
        (!text.is_empty()).then_some(text)
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

    pub(super) fn optional_instant(&mut self, field: Field, zone: &TimeZone) -> Option<StartReading> {
        let text = self.optional_text(field)?;
        let from_epoch = |instant: Option<Timestamp>| instant.map(|instant| StartReading { instant, ambiguous: false });
        let reading = match self.mapping.times {
            Times::Text => return self.valid(field, read_start(&text, zone)),
            Times::UnixSeconds => from_epoch(text.parse().ok().and_then(|number| Timestamp::from_second(number).ok())),
            Times::UnixMilliseconds => {
                from_epoch(text.parse().ok().and_then(|number| Timestamp::from_millisecond(number).ok()))
            }
        };
        reading.or_else(|| self.fault(field, "must be a Unix time in whole units"))
    }

    pub(super) fn updated_at(&mut self, now: Timestamp) -> Option<Timestamp> {
        let at = self.optional_instant(Field::UpdatedAt, &TimeZone::UTC)?.instant;
        if is_far_ahead(at, now) {
            let detail =
                format!("is more than a day ahead ({now}): until then every later change would count as older");
            return self.fault(Field::UpdatedAt, detail);
        }
        Some(at)
    }

    pub(super) fn instant(&mut self, field: Field, zone: &TimeZone) -> Option<StartReading> {
        let reading = self.optional_instant(field, zone);
        self.required(field, reading)
    }

    pub(super) fn zone(&mut self, field: Field) -> Option<TimeZone> {
        let name = self.optional_text(field)?;
        match TimeZone::get(&name) {
            Ok(zone) => Some(zone),
            Err(_) => self.fault(field, "must be an IANA time zone such as America/Los_Angeles"),
        }
    }

    /// `duration_minutes`, or the time from the start to `end_at`; both only if they agree. Each is judged where it was sent.
    pub(super) fn duration(&mut self, start: Option<&StartReading>, zone: &TimeZone) -> Option<CharterDuration> {
        let minutes = self.optional_integer(Field::DurationMinutes);
        let stated = minutes.and_then(|minutes| self.valid(Field::DurationMinutes, CharterDuration::try_from(minutes)));
        let end = self.optional_instant(Field::EndAt, zone);
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
    pub(super) fn needs_crew(&mut self, boat: Option<&BoatReference>, assigned: &Assigned, operator: &Operator) {
        let boat = boat.cloned().or_else(|| operator.boats.is_empty().then(BoatReference::default));
        let missing = boat.and_then(|boat| Terms::resolve(&boat, assigned, operator).err()).unwrap_or_default();
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

/// Trimmed, and without control characters but ends of lines: they show nowhere, and take up much room where texts are stored.
fn printable(text: &str) -> String {
    let printable = |character: char| if character.is_control() && character != '\n' { ' ' } else { character };
    text.trim().replace("\r\n", "\n").chars().map(printable).collect()
}
