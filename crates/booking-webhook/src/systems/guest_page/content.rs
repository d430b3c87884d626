//! What the page says, in each language. Nothing that is not in here can reach a guest.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Zoned};
use reqwest::Url;
use serde::Serialize;

use super::{
    Moved, PageInput, Uploads,
    ics::{details, location, title},
    time_zone::utc,
    words::{Vocabulary, Words, abbreviation, fill},
};
use crate::booking::{EmergencyContact, Language, Place, Translated, rfc3339};

/// A new time is marked as new for a week.
const MOVED_IS_NEWS_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What the template is given.
#[derive(Debug, Serialize)]
pub(super) struct Content<'a> {
    charter_id: &'a str,
    booking_reference: &'a str,
    operator: &'a str,
    url: &'a str,
    calendar_file: String,
    presign_url: Option<&'a str>,
    cancelled: bool,
    preview: String,
    /// RFC 3339, for `<time>`.
    starts_at: String,
    ends_at: String,
    /// The same for the script, in milliseconds since 1970.
    starts_ms: i64,
    ends_ms: i64,
    /// IANA name, for the script alone: the page itself asks no browser for local times.
    time_zone: &'a str,
    /// The charter's day at the dock, `2025-05-30`.
    date: String,
    moved_until_ms: Option<i64>,
    /// The page in the guest's language and, before it, in the others: CSS hides what comes after a chosen one.
    views: Vec<View<'a>>,
}

/// The page in one language.
#[derive(Debug, Serialize)]
struct View<'a> {
    lang: &'static str,
    /// The guest's own language.
    own: bool,
    t: &'a BTreeMap<String, String>,
    /// The script's words, as JSON.
    words: String,
    others: Vec<OtherLanguage<'a>>,
    title: String,
    first_name: &'a str,
    boat: &'a str,
    /// `Friday, May 30, 2025`.
    day: String,
    /// `2:00 PM`; with its zone when the clocks change before the end.
    start: String,
    /// `5:00 PM`; with its weekday when the charter ends on another day.
    end: String,
    /// `Pacific Time (PDT)`, the zone of the end.
    zone: String,
    /// `1:45 PM`; with its weekday when that is another day than the start's.
    arrive_by: String,
    /// `3 hours`.
    duration: String,
    /// `8 guests`.
    party: String,
    /// `Friday, May 30, 2025, 2:00 PM`: the start before the last move.
    moved_from: Option<String>,
    place: Option<PlaceView<'a>>,
    bring: Localized<'a, Vec<String>>,
    leave_at_home: Localized<'a, Vec<String>>,
    safety: Localized<'a, Vec<String>>,
    cancellation_note: Localized<'a, String>,
    contact: Option<Contact<'a>>,
    google_calendar: String,
}

/// A switch to another language.
#[derive(Debug, Serialize)]
struct OtherLanguage<'a> {
    lang: &'static str,
    name: &'a str,
}

/// Something that the operator says, with its language if that is not the view's.
#[derive(Debug, Serialize)]
struct Localized<'a, T> {
    said: &'a T,
    lang: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct PlaceView<'a> {
    name: &'a str,
    lang: Option<&'static str>,
    address: &'a str,
    map_url: &'a str,
}

#[derive(Debug, Serialize)]
struct Contact<'a> {
    name: Localized<'a, String>,
    phone: &'a str,
    /// For a `tel:` link.
    dial: String,
}

impl<'a> Content<'a> {
    pub(super) fn of(input: &PageInput<'a>, vocabulary: &'a Vocabulary) -> Self {
        let PageInput { charter, address, operator, cancelled, moved, .. } = *input;
        let (start, end) = (charter.time.start(), charter.time.end());
        let own = charter.language;
        let others = Language::ALL.into_iter().filter(|language| *language != own);
        let view = |language| View::of(input, language, vocabulary);
        Self {
            charter_id: charter.id.as_str(),
            booking_reference: charter.booking_id.as_str(),
            operator: &operator.name,
            url: &address.url,
            calendar_file: address.calendar_path(),
            presign_url: input.uploads.filter(|_| !cancelled).map(Uploads::presign_url),
            cancelled,
            preview: preview(input, vocabulary.of(own)),
            starts_at: rfc3339(start),
            ends_at: rfc3339(end),
            starts_ms: start.timestamp().as_millisecond(),
            ends_ms: end.timestamp().as_millisecond(),
            time_zone: operator.time_zone.iana_name().unwrap_or("UTC"),
            date: start.date().to_string(),
            moved_until_ms: moved
                .and_then(|moved| moved.at.checked_add(MOVED_IS_NEWS_FOR).ok())
                .map(|at| at.as_millisecond()),
            views: others.chain([own]).map(view).collect(),
        }
    }
}

impl<'a> View<'a> {
    fn of(input: &PageInput<'a>, language: Language, vocabulary: &'a Vocabulary) -> Self {
        let PageInput { charter, operator, moved, .. } = *input;
        let words = vocabulary.of(language);
        let time = &words.time;
        let (start, end) = (charter.time.start(), charter.time.end());
        let same_zone = abbreviation(start) == abbreviation(end);
        let clock = time.clock(start);
        Self {
            lang: language.tag(),
            own: language == charter.language,
            t: &words.page,
            words: serde_json::to_string(&words.script).expect("texts are JSON"),
            others: OtherLanguage::beside(language, vocabulary),
            title: format!("{} · {}, {clock}", title(input, words), time.day(start)),
            first_name: &charter.guest_first_name,
            boat: &charter.boat.name,
            day: time.day(start),
            start: if same_zone { clock } else { format!("{clock} {}", abbreviation(start)) },
            end: time.clock_on(start, end),
            zone: time.zone(end),
            arrive_by: time.clock_on(start, &start.saturating_sub(charter.boat.check_in())),
            duration: time.duration(charter.time.duration_minutes()),
            party: time.guests.of(charter.party_size.into()),
            moved_from: moved.map(|moved| was(&moved, start, words)),
            place: charter.place.as_ref().map(|place| PlaceView::of(place, language)),
            bring: Localized::of(&charter.boat.bring, language),
            leave_at_home: Localized::of(&charter.boat.leave_at_home, language),
            safety: Localized::of(&charter.boat.safety, language),
            cancellation_note: Localized::of(&operator.cancellation_note, language),
            contact: charter.boat.emergency_contact.as_ref().map(|contact| Contact::of(contact, language)),
            google_calendar: google_calendar(input, language, words),
        }
    }
}

/// `Friday, May 30, 2025, 2:00 PM`.
fn was(moved: &Moved, start: &Zoned, words: &Words) -> String {
    let from = moved.from.to_zoned(start.time_zone().clone());
    format!("{}, {}", words.time.day(&from), words.time.clock(&from))
}

/// What a messenger shows below the link.
fn preview(input: &PageInput<'_>, words: &Words) -> String {
    let (start, end) = (input.charter.time.start(), input.charter.time.end());
    let (day, clock, zone) = (words.time.day(start), words.time.clock(start), words.time.zone(end));
    fill(&words.charter.preview, &[("day", &day), ("start", &clock), ("zone", &zone)])
}

/// Opens Google Calendar with the event filled in. Instants, and the zone to show them in.
fn google_calendar(input: &PageInput<'_>, language: Language, words: &Words) -> String {
    let (start, end) = (input.charter.time.start(), input.charter.time.end());
    let dates = format!("{}/{}", utc(start.timestamp()), utc(end.timestamp()));
    let zone = input.operator.time_zone.iana_name().unwrap_or("UTC");
    let location = location(input.charter.place.as_ref(), language).unwrap_or_default();
    let event = [
        ("action", "TEMPLATE"),
        ("text", &title(input, words)),
        ("dates", &dates),
        ("ctz", zone),
        ("details", &details(input, words)),
        ("location", &location),
    ];
    Url::parse_with_params("https://calendar.google.com/calendar/render", event).expect("a constant address").into()
}

impl<'a> OtherLanguage<'a> {
    fn beside(language: Language, vocabulary: &'a Vocabulary) -> Vec<Self> {
        let others = Language::ALL.into_iter().filter(|other| *other != language);
        others.map(|other| Self { lang: other.tag(), name: &vocabulary.of(other).name }).collect()
    }
}

impl<'a, T> Localized<'a, T> {
    fn of(translated: &'a Translated<T>, language: Language) -> Self {
        let (said, said_in) = translated.in_language(language);
        Self { said, lang: (said_in != language).then(|| said_in.tag()) }
    }
}

impl<'a> PlaceView<'a> {
    fn of(place: &'a Place, language: Language) -> Self {
        match place {
            Place::MeetingPoint(point) => {
                let Localized { said, lang } = Localized::of(&point.name, language);
                Self { name: said, lang, address: &point.address, map_url: &point.map_url }
            }
            Place::Elsewhere(words) => Self { name: words, lang: None, address: "", map_url: "" },
        }
    }
}

impl<'a> Contact<'a> {
    fn of(contact: &'a EmergencyContact, language: Language) -> Self {
        let dial = contact.phone.chars().filter(|character| character.is_ascii_digit() || *character == '+').collect();
        Self { name: Localized::of(&contact.name, language), phone: &contact.phone, dial }
    }
}
