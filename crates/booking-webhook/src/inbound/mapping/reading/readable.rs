//! What can be read of a booking that is not understood, for the person who enters it by hand.

use http::HeaderMap;
use jiff::Timestamp;
use serde_json::Value;

use super::Reader;
use crate::{
    booking::{Field, Operator},
    inbound::mapping::{Mapping, form::Place, values::duration},
};

/// Each field as a form takes it: times local at the dock (`2031-05-30T14:00`), a duration in minutes, an amount in dollars.
pub(crate) type Readable = Vec<(Field, String)>;

impl Reader<'_> {
    fn readable(&mut self, field: Field) -> Option<String> {
        match field {
            Field::Id | Field::Replaces => self.booking_id(field).map(|id| id.to_string()),
            Field::Status => self.status().map(|status| status.name().to_owned()),
            Field::StartAt | Field::EndAt => {
                let at = self.optional_time(field)?.instant.to_zoned(self.operator.time_zone.clone());
                Some(at.strftime("%Y-%m-%dT%H:%M").to_string())
            }
            Field::Duration => {
                let unit = self.form(field).and_then(|form| form.unit);
                let minutes: u64 = duration(&self.optional_text(field)?, unit).ok()?.into();
                Some(minutes.to_string())
            }
            Field::Gross => self.gross().map(|gross| gross.to_string()),
            Field::PartySize => self.party_size().map(|guests| guests.to_string()),
            Field::GuestName => self.guest_name(),
            Field::GuestLocale => Some(self.locale()),
            Field::Notes => Some(self.notes()).filter(|notes| !notes.is_empty()),
            Field::CrewIds => {
                let people = self.people(field)?;
                Some(people.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
            }
            Field::CaptainId => self.person(field).map(|person| person.to_string()),
            Field::BoatId | Field::BoatName => self.boat_name(field).ok().flatten(),
            Field::Location => self.location(),
            Field::Revision | Field::UpdatedAt | Field::Timezone | Field::Currency => None,
        }
    }
}

impl Mapping {
    /// What can be read of the body's first booking at `now`, field by field; nothing of what is faulty.
    pub(crate) fn readable_in(
        &self,
        body: &Value,
        headers: &HeaderMap,
        operator: &Operator,
        now: Timestamp,
    ) -> Readable {
        let Some(first) = self.bookings.all(body).into_iter().next() else { return Readable::new() };
        let place = Place { body, booking: &first.value, pointer: &first.pointer, headers };
        let read = |field| Some((field, Reader::new(self, place, operator, now).readable(field)?));
        Field::ALL.into_iter().filter_map(read).collect()
    }
}
