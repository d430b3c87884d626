//! What was sold: the fields that only a booking that sails needs.

use jiff::Timestamp;

use serde_json::Value;

use super::Reader;
use crate::{
    booking::{
        Assigned, BoatReference, CharterDuration, Field, Guest, Money, NOTES_ARE_CUT, PersonId, Sale, TimeReading,
    },
    inbound::mapping::{
        form::Unit,
        text::{printable, text_of},
        values::{amount, duration},
    },
};

const LONGEST_NAME_CHARACTERS: usize = 200;
/// A place in a booking's own words, not a story: what is longer has slipped into the wrong field.
const LONGEST_LOCATION_CHARACTERS: usize = 250;
const LONGEST_LOCALE_CHARACTERS: usize = 35;
const LONGEST_NOTES_CHARACTERS: usize = 2_000;
/// As they are stored: the ledger writes them several times to a delivery, and each write costs by its size.
const LONGEST_NOTES_BYTES: usize = 4_000;
const LONGEST_BOAT_CHARACTERS: usize = 100;
const LARGEST_CREW: usize = 20;
const LARGEST_PARTY: u64 = 500;

impl Reader<'_> {
    pub(super) fn sale(&mut self) -> Option<Sale> {
        let start = self.optional_time(Field::StartAt);
        let start = self.required(Field::StartAt, start);
        let duration = self.duration(start.as_ref());
        self.unneeded_zone();
        let boat = self.boat();
        let party_size = self.party_size();
        self.only_dollars();
        let gross = self.gross();
        let guest_name = self.guest_name();
        let locale = self.locale();
        let notes = self.notes();
        let location = self.location();
        let assigned = Assigned { crew: self.people(Field::CrewIds), captain: self.person(Field::CaptainId) };
        let start = start?;
        Some(Sale {
            passed_over: Vec::new(),
            // As the ledger keeps it, or a plan would see a move.
            start: Timestamp::from_millisecond(start.instant.as_millisecond()).unwrap_or(start.instant),
            start_is_ambiguous: start.ambiguous,
            duration: duration?,
            boat: boat?,
            party_size: party_size?,
            gross: gross?,
            guest: Guest { name: guest_name?, locale },
            notes,
            location,
            assigned,
            seller: self.mapping.label.clone(),
        })
    }

    /// The duration, or the time from the start to the end; both only if they agree. Each is judged where it was sent.
    fn duration(&mut self, start: Option<&TimeReading>) -> Option<CharterDuration> {
        let unit = self.form(Field::Duration).and_then(|form| form.unit);
        let stated = self.optional_text(Field::Duration);
        let stated = stated.and_then(|text| self.valid(Field::Duration, duration(&text, unit)));
        let end = self.optional_time(Field::EndAt);
        let elapsed = start.zip(end.as_ref()).map(|(start, end)| start.instant.duration_until(end.instant));
        let elapsed = elapsed.and_then(|elapsed| self.valid(Field::EndAt, CharterDuration::try_from(elapsed)));
        match (stated, elapsed) {
            (Some(stated), Some(elapsed)) if stated != elapsed => {
                self.fault(Field::EndAt, "disagrees with the duration: send one of them, or mend it")
            }
            (None, None) if end.is_none() && !self.is_faulty(Field::EndAt) => {
                let either = if self.form(Field::Duration).is_some() { Field::Duration } else { Field::EndAt };
                self.required(either, None)
            }
            (stated, elapsed) => stated.or(elapsed),
        }
    }

    /// Id and name; each stands for the other when only one is sent. One that is faulty is passed over if the other alone says which boat.
    fn boat(&mut self) -> Option<BoatReference> {
        let (id, name) = (self.boat_name(Field::BoatId), self.boat_name(Field::BoatName));
        match (id, name) {
            (Ok(Some(id)), Ok(Some(name))) => Some(BoatReference { id, name }),
            (Ok(Some(either)), Ok(None)) | (Ok(None), Ok(Some(either))) => {
                Some(BoatReference { id: either.clone(), name: either })
            }
            (Ok(Some(known)), Err(detail)) => self.boat_by_one_name(known, Field::BoatName, detail),
            (Err(detail), Ok(Some(known))) => self.boat_by_one_name(known, Field::BoatId, detail),
            (Ok(None), Ok(None)) => {
                let either = if self.form(Field::BoatId).is_some() { Field::BoatId } else { Field::BoatName };
                self.required(either, None)
            }
            (id, name) => {
                for (field, outcome) in [(Field::BoatId, id), (Field::BoatName, name)] {
                    if let Err(detail) = outcome {
                        self.fault::<()>(field, detail);
                    }
                }
                None
            }
        }
    }

    pub(super) fn boat_name(&self, field: Field) -> Result<Option<String>, String> {
        match self.stated(field)? {
            Some(text) if text.chars().count() > LONGEST_BOAT_CHARACTERS => {
                Err(format!("must be at most {LONGEST_BOAT_CHARACTERS} characters"))
            }
            text => Ok(text),
        }
    }

    fn boat_by_one_name(&mut self, known: String, faulty: Field, detail: String) -> Option<BoatReference> {
        let boat = BoatReference { id: known.clone(), name: known };
        if self.operator.boats.is_empty() || self.operator.boat(&boat).is_some() {
            self.pass_over::<()>(faulty);
            return Some(boat);
        }
        self.fault(faulty, detail)
    }

    fn only_dollars(&mut self) {
        let currency = self.optional_text(Field::Currency);
        if currency.is_none() && !self.mapping.default_currency {
            self.required::<()>(Field::Currency, None);
        } else if currency.is_some_and(|currency| !currency.eq_ignore_ascii_case("USD")) {
            self.fault::<()>(Field::Currency, "must be USD: the office keeps its books in US dollars");
        }
    }

    pub(super) fn gross(&mut self) -> Option<Money> {
        let text = self.text(Field::Gross)?;
        let unit: Option<Unit> = self.form(Field::Gross).and_then(|form| form.unit);
        let dollars = self.valid(Field::Gross, amount(&text, unit))?;
        self.valid(Field::Gross, Money::gross(dollars))
    }

    /// Somebody booked; what is too long for a name is cut.
    pub(super) fn guest_name(&mut self) -> Option<String> {
        let name = self.text(Field::GuestName)?;
        if name.chars().count() <= LONGEST_NAME_CHARACTERS {
            return Some(name);
        }
        self.pass_over::<()>(Field::GuestName);
        Some(name.chars().take(LONGEST_NAME_CHARACTERS).collect())
    }

    /// The first that a browser names.
    pub(super) fn locale(&mut self) -> String {
        let first = |stated: String| stated.split([',', ';']).next().unwrap_or_default().trim().to_owned();
        let stated = match self.stated(Field::GuestLocale) {
            Ok(stated) => stated.map(first),
            Err(_) => self.pass_over(Field::GuestLocale),
        };
        let usable = |locale: &String| {
            locale.chars().count() <= LONGEST_LOCALE_CHARACTERS
                && locale.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        match stated {
            Some(locale) if !usable(&locale) => {
                self.pass_over::<()>(Field::GuestLocale);
                "en".into()
            }
            Some(locale) if !locale.is_empty() => locale,
            _ => "en".into(),
        }
    }

    /// The beginning of a guest's notes, as long as we keep them.
    pub(super) fn notes(&mut self) -> String {
        let stated = match self.value(Field::Notes) {
            Ok(Some(Value::String(text))) => printable(&text),
            Ok(Some(value)) => match text_of(&value) {
                Ok(text) => text.unwrap_or_default(),
                Err(_) => self.pass_over(Field::Notes).unwrap_or_default(),
            },
            Ok(None) => String::new(),
            Err(_) => self.pass_over(Field::Notes).unwrap_or_default(),
        };
        shortened(&stated)
    }

    pub(super) fn location(&mut self) -> Option<String> {
        match self.stated(Field::Location) {
            Ok(Some(text)) if text.chars().count() > LONGEST_LOCATION_CHARACTERS => self.pass_over(Field::Location),
            Ok(text) => text,
            Err(_) => self.pass_over(Field::Location),
        }
    }

    pub(super) fn person(&mut self, field: Field) -> Option<PersonId> {
        let text = self.optional_text(field)?;
        self.valid(field, PersonId::parse(&text))
    }

    /// A list, or a text with commas. An empty one counts as absent: no charter sails without crew.
    pub(super) fn people(&mut self, field: Field) -> Option<Vec<PersonId>> {
        const WORDS: &str = "must be a list of ids";
        let value = self.value(field);
        let ids: Vec<String> = match self.valid(field, value).flatten()? {
            Value::String(text) => text.split(',').map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()).collect(),
            Value::Array(values) => {
                let texts: Option<Vec<String>> =
                    values.iter().map(|value| value.as_str().map(|id| id.trim().to_owned())).collect();
                match texts {
                    Some(texts) => texts,
                    None => return self.fault(field, WORDS),
                }
            }
            _ => return self.fault(field, WORDS),
        };
        if ids.len() > LARGEST_CREW {
            return self.fault(field, format!("must be at most {LARGEST_CREW} people"));
        }
        let mut people: Vec<PersonId> = Vec::new();
        for id in &ids {
            people.push(self.valid(field, PersonId::parse(id))?);
        }
        (!people.is_empty()).then_some(people)
    }

    pub(super) fn party_size(&mut self) -> Option<u32> {
        let number = self.optional_integer(Field::PartySize, LARGEST_PARTY);
        match self.required(Field::PartySize, number)? {
            0 => self.fault(Field::PartySize, format!("must be from 1 to {LARGEST_PARTY}")),
            number => u32::try_from(number).ok(),
        }
    }
}

fn shortened(notes: &str) -> String {
    let stored = |character: char| if matches!(character, '"' | '\\' | '\n') { 2 } else { character.len_utf8() };
    let fits_whole = notes.chars().count() <= LONGEST_NOTES_CHARACTERS
        && notes.chars().map(stored).sum::<usize>() <= LONGEST_NOTES_BYTES;
    if fits_whole {
        return notes.to_owned();
    }
    let mut left = LONGEST_NOTES_BYTES - NOTES_ARE_CUT.len();
    let fits = |character: &char| {
        let fits = left.checked_sub(stored(*character));
        left = fits.unwrap_or_default();
        fits.is_some()
    };
    let longest = LONGEST_NOTES_CHARACTERS - NOTES_ARE_CUT.chars().count();
    let begin: String = notes.chars().take(longest).take_while(fits).collect();
    format!("{begin}{NOTES_ARE_CUT}")
}
