//! Reads the fields of one booking, and keeps account of what is wrong with them.
//!
//! Strict with what decides (id, status, times, revision, amounts, who sails): a faulty value there is a fault. Generous with what the
//! snapshot can do without (a zone beside offsets, a locale, a place, the other of a boat's two names): passed over, and said so.

use std::fmt;

use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

use super::{
    Fault, Mapping, Received,
    form::{Form, Place, Source, Unit},
    is_far_ahead,
    pointer::Found,
    values::{amount, duration, integer, printable, text_of, time, word_of},
};
use crate::booking::{
    Assigned, BoatReference, BookingId, BookingStatus, CharterDuration, Field, FieldFault, Guest, Money, Operator,
    PersonId, Sale, Snapshot, TimeReading,
};

const MISSING: &str = "is missing";
const LONGEST_NAME_CHARACTERS: usize = 200;
/// A place in a booking's own words, not a story: what is longer has slipped into the wrong field.
const LONGEST_LOCATION_CHARACTERS: usize = 250;
const LONGEST_LOCALE_CHARACTERS: usize = 35;
const LONGEST_NOTES_CHARACTERS: usize = 2_000;
/// As they are stored: the ledger writes them several times to a delivery, and each write costs by its size.
const LONGEST_NOTES_BYTES: usize = 4_000;
const CUT: &str = " […]";
const LONGEST_BOAT_CHARACTERS: usize = 100;
const LARGEST_CREW: usize = 20;
const LARGEST_PARTY: u64 = 500;
/// The largest whole number that every JSON library keeps: after a larger revision no later one could count as newer.
const LARGEST_REVISION: u64 = (1 << 53) - 1;
/// A status word is shown in answers so that it can be put into a list; a longer text is no word.
const LONGEST_WORD_CHARACTERS: usize = 40;

/// One field as a mapping reads it, for a person who tries the mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldReading {
    /// Which field.
    pub field: Field,
    /// Where it is looked for, in words.
    pub source: String,
    /// Every place that is looked at; `*` stands for every element.
    pub pointers: Vec<String>,
    /// What stands there.
    pub found: Option<String>,
}

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

    fn booking_id(&mut self, field: Field) -> Option<BookingId> {
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

    fn party_size(&mut self) -> Option<u32> {
        let number = self.optional_integer(Field::PartySize, LARGEST_PARTY);
        match self.required(Field::PartySize, number)? {
            0 => self.fault(Field::PartySize, format!("must be from 1 to {LARGEST_PARTY}")),
            number => u32::try_from(number).ok(),
        }
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
                "is more than a day ahead ({}): until then every later change would count as older",
                self.now
            ));
        }
        Ok(at)
    }

    fn sale(&mut self) -> Option<Sale> {
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
            start: start.instant,
            start_is_ambiguous: start.ambiguous,
            duration: duration?,
            boat: boat?,
            party_size: party_size?,
            gross: gross?,
            guest: Guest { name: guest_name?, locale },
            notes,
            location,
            assigned,
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

    fn boat_name(&self, field: Field) -> Result<Option<String>, String> {
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

    fn gross(&mut self) -> Option<Money> {
        let text = self.text(Field::Gross)?;
        let unit: Option<Unit> = self.form(Field::Gross).and_then(|form| form.unit);
        let dollars = self.valid(Field::Gross, amount(&text, unit))?;
        self.valid(Field::Gross, Money::gross(dollars))
    }

    /// Somebody booked; what is too long for a name is cut.
    fn guest_name(&mut self) -> Option<String> {
        let name = self.text(Field::GuestName)?;
        if name.chars().count() <= LONGEST_NAME_CHARACTERS {
            return Some(name);
        }
        self.pass_over::<()>(Field::GuestName);
        Some(name.chars().take(LONGEST_NAME_CHARACTERS).collect())
    }

    /// The first that a browser names.
    fn locale(&mut self) -> String {
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
    fn notes(&mut self) -> String {
        let stated = match self.value(Field::Notes) {
            Ok(Some(Value::String(text))) => printable(&text),
            Ok(Some(value)) => match text_of(&value) {
                Ok(text) => text.unwrap_or_default(),
                Err(_) => self.pass_over(Field::Notes).unwrap_or_default(),
            },
            Ok(None) => String::new(),
            Err(_) => self.pass_over(Field::Notes).unwrap_or_default(),
        };
        let kept = shortened(&stated);
        if kept != stated {
            self.pass_over::<()>(Field::Notes);
        }
        kept
    }

    fn location(&mut self) -> Option<String> {
        match self.stated(Field::Location) {
            Ok(Some(text)) if text.chars().count() > LONGEST_LOCATION_CHARACTERS => self.pass_over(Field::Location),
            Ok(text) => text,
            Err(_) => self.pass_over(Field::Location),
        }
    }

    fn person(&mut self, field: Field) -> Option<PersonId> {
        let text = self.optional_text(field)?;
        self.valid(field, PersonId::parse(&text))
    }

    /// A list, or a text with commas. An empty one counts as absent: no charter sails without crew.
    fn people(&mut self, field: Field) -> Option<Vec<PersonId>> {
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
}

fn shortened(notes: &str) -> String {
    let stored = |character: char| if matches!(character, '"' | '\\' | '\n') { 2 } else { character.len_utf8() };
    let fits_whole = notes.chars().count() <= LONGEST_NOTES_CHARACTERS
        && notes.chars().map(stored).sum::<usize>() <= LONGEST_NOTES_BYTES;
    if fits_whole {
        return notes.to_owned();
    }
    let mut left = LONGEST_NOTES_BYTES - CUT.len();
    let fits = |character: &char| {
        let fits = left.checked_sub(stored(*character));
        left = fits.unwrap_or_default();
        fits.is_some()
    };
    let begin: String = notes.chars().take(LONGEST_NOTES_CHARACTERS - CUT.chars().count()).take_while(fits).collect();
    format!("{begin}{CUT}")
}

impl Mapping {
    /// Each field that the mapping names, as it stands in each of a body's bookings; what the body says, not what is made of it.
    pub fn fields_of(&self, body: &Value, headers: &http::HeaderMap) -> Vec<Vec<FieldReading>> {
        let bookings = self.bookings.all(body);
        let of_one = |booking: &Found| {
            let place = Place { body, booking: &booking.value, pointer: &booking.pointer, headers };
            Field::ALL.into_iter().filter_map(|field| self.field_of(field, &place)).collect()
        };
        bookings.iter().map(of_one).collect()
    }

    fn field_of(&self, field: Field, place: &Place<'_>) -> Option<FieldReading> {
        let (form, _) = self.fields.get(&field)?;
        let found = match form.read(place) {
            Ok(value) => value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
            Err(detail) => Some(format!("({detail})")),
        };
        let source = match &form.source {
            Source::Constant(_) => "(constant)".to_owned(),
            Source::Header(name) => format!("header {name}"),
            Source::At(_)
            | Source::Root(_)
            | Source::Join(_)
            | Source::Sum(_)
            | Source::Count(_)
            | Source::FirstOf(_) => form.pointer(place),
        };
        Some(FieldReading { field, source, pointers: form.pointers(place), found })
    }

    /// What the mapping reads outside of a booking's fields.
    pub fn pointers_of_the_event(&self, body: &Value) -> Vec<String> {
        let headers = http::HeaderMap::new();
        let place = Place { body, booking: body, pointer: "", headers: &headers };
        let ignored = self.ignore.iter().map(|ignore| &ignore.form);
        let forms = ignored.chain(&self.event_id).chain(&self.event_created_at);
        forms.flat_map(|form| form.pointers(&place)).collect()
    }
}
