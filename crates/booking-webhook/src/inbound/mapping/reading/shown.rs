//! For people who try a mapping: where each field is looked for, what stands there, what it is read as.

use http::HeaderMap;
use jiff::Timestamp;
use serde_json::Value;

use super::Reader;
use crate::{
    booking::{Field, Operator},
    inbound::mapping::{
        Mapping,
        form::{Place, Source},
        pointer::Found,
        values::duration,
    },
};

/// One field as a mapping reads it, for a person who tries the mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldReading {
    /// Which field.
    pub field: Field,
    /// Where it is looked for, in words: all of the places.
    pub source: String,
    /// Every place that is looked at; `*` stands for every element.
    pub pointers: Vec<String>,
    /// What stands there.
    pub found: Option<String>,
    /// What a time, a duration, an amount or an id is read as: in dock time, minutes, dollars, with its prefix.
    pub read: Option<String>,
}

impl Reader<'_> {
    fn shown(mut self, field: Field) -> Option<String> {
        match field {
            Field::Id | Field::Replaces => self.booking_id(field).map(|id| id.to_string()),
            Field::Status => self.status().map(|status| status.name().to_owned()),
            Field::StartAt | Field::EndAt | Field::UpdatedAt => {
                let at = self.optional_time(field)?.instant.to_zoned(self.operator.time_zone.clone());
                Some(at.strftime("%a %b %-d %Y, %-I:%M %p %Z").to_string())
            }
            Field::Duration => {
                let unit = self.form(field).and_then(|form| form.unit);
                let minutes: u64 = duration(&self.optional_text(field)?, unit).ok()?.into();
                Some(format!("{minutes} min"))
            }
            Field::Gross => self.gross().map(|gross| format!("${gross}")),
            _ => None,
        }
    }
}

impl Mapping {
    /// Each field that the mapping names, as it stands in each of a body's bookings; what the body says, not what is made of it.
    pub fn fields_of(&self, body: &Value, headers: &HeaderMap, operator: &Operator) -> Vec<Vec<FieldReading>> {
        let bookings = self.bookings.all(body);
        let of_one = |booking: &Found| {
            let place = Place { body, booking: &booking.value, pointer: &booking.pointer, headers };
            Field::ALL.into_iter().filter_map(|field| self.field_of(field, place, operator)).collect()
        };
        bookings.iter().map(of_one).collect()
    }

    fn field_of(&self, field: Field, place: Place<'_>, operator: &Operator) -> Option<FieldReading> {
        let (form, _) = self.fields.get(&field)?;
        let found = match form.read(&place) {
            Ok(value) => value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
            Err(detail) => Some(format!("({detail})")),
        };
        let source = match &form.source {
            Source::Constant(_) => "(constant)".to_owned(),
            Source::Header(name) => format!("header {name}"),
            Source::At(_) | Source::Root(_) | Source::Count(_) => form.pointer(&place),
            Source::Sum(_) => form.pointers(&place).join(" + "),
            Source::Join(_) => form.pointers(&place).join(", "),
            Source::FirstOf(_) => form.pointers(&place).join(" or "),
        };
        let read = Reader::new(self, place, operator, Timestamp::MAX).shown(field);
        Some(FieldReading { field, source, pointers: form.pointers(&place), found, read })
    }

    /// What the mapping reads outside of a booking's fields.
    pub fn pointers_of_the_event(&self, body: &Value) -> Vec<String> {
        let headers = HeaderMap::new();
        let place = Place { body, booking: body, pointer: "", headers: &headers };
        let ignored = self.ignore.iter().map(|ignore| &ignore.form);
        let forms = ignored.chain(&self.event_id).chain(&self.event_created_at);
        forms.flat_map(|form| form.pointers(&place)).collect()
    }
}
