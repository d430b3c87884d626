//! What the page says, in each language. Nothing that is not in here can reach a guest.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Zoned};
use serde::Serialize;

use super::{
    Uploads,
    calendar_event::{google, location, outlook, subscription, title},
    operator_words::{Contact, LinksView, Localized, Number, PlaceView, SectionView},
    page_input::{Moved, PageInput},
    words::{Vocabulary, Words, abbreviation, fill},
};
use crate::booking::{Language, rfc3339};

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
    subscription: String,
    presign_url: Option<&'a str>,
    cancelled: bool,
    preview: Preview<'a>,
    /// RFC 3339, for `<time>`.
    starts_at: String,
    ends_at: String,
    /// The same for the script, in milliseconds since 1970.
    starts_ms: i64,
    ends_ms: i64,
    /// When guests should be there.
    arrives_ms: i64,
    /// The day at the dock on which guests come there: the day before the charter's if it starts right after midnight.
    arrival_date: String,
    /// IANA name, for the script alone: the page itself asks no browser for local times.
    time_zone: &'a str,
    /// The charter's day at the dock, `2025-05-30`.
    date: String,
    /// The day on which it ends.
    last_date: String,
    moved_until_ms: Option<i64>,
    /// The page in the guest's language and, before it, in the others: CSS hides what comes after a chosen one.
    views: Vec<View<'a>>,
}

/// What a chat shows of a shared link. It names no guest, because everybody in the chat sees it.
#[derive(Debug, Serialize)]
struct Preview<'a> {
    title: String,
    description: String,
    locale: &'static str,
    image_url: String,
    /// What the picture shows, for those who do not see it.
    image_alt: &'a str,
}

/// The page in one language.
#[derive(Debug, Serialize)]
struct View<'a> {
    lang: &'static str,
    /// The guest's own language.
    own: bool,
    t: &'a BTreeMap<String, String>,
    /// The script's words, a line each: the key, a space, the text. JSON would have four escaped quotes more in each.
    words: String,
    others: Vec<OtherLanguage<'a>>,
    title: String,
    first_name: &'a str,
    boat: &'a str,
    /// `Friday, May 30, 2025`.
    day: String,
    /// `2:00 PM`; with its zone when the clocks change before the end.
    start: String,
    /// `5:00 PM`; with its day when the charter ends on another one.
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
    text_number: Option<Number<'a>>,
    captain: Option<&'a str>,
    links: Option<LinksView<'a>>,
    sections: Vec<SectionView<'a>>,
    google_calendar: String,
    outlook_calendar: String,
}

/// A switch to another language.
#[derive(Debug, Serialize)]
struct OtherLanguage<'a> {
    lang: &'static str,
    name: &'a str,
}

impl<'a> Content<'a> {
    /// `drawn` is where the function's own picture of the boat is, for a boat without one of the operator's.
    pub(super) fn of(input: &PageInput<'a>, vocabulary: &'a Vocabulary, drawn: &str) -> Self {
        let PageInput { charter, address, operator, cancelled, moved, .. } = *input;
        let arrive_by = input.arrive_by();
        let own = charter.language;
        let others = Language::ALL.into_iter().filter(|language| *language != own);
        let view = |language| View::of(input, language, vocabulary);
        Self {
            charter_id: charter.id.as_str(),
            booking_reference: charter.booking_id.as_str(),
            operator: &operator.name,
            url: &address.url,
            calendar_file: address.calendar_path(),
            subscription: subscription(input),
            presign_url: input.uploads.filter(|_| !cancelled).map(Uploads::presign_url),
            cancelled,
            preview: Preview::of(input, vocabulary.of(own), drawn),
            starts_at: rfc3339(input.start()),
            ends_at: rfc3339(input.end()),
            starts_ms: input.start().timestamp().as_millisecond(),
            ends_ms: input.end().timestamp().as_millisecond(),
            arrives_ms: arrive_by.timestamp().as_millisecond(),
            arrival_date: arrive_by.date().to_string(),
            time_zone: operator.time_zone.iana_name().unwrap_or("UTC"),
            date: input.start().date().to_string(),
            last_date: input.end().date().to_string(),
            moved_until_ms: moved
                .and_then(|moved| moved.at.checked_add(MOVED_IS_NEWS_FOR).ok())
                .map(|at| at.as_millisecond()),
            views: others.chain([own]).map(view).collect(),
        }
    }
}

impl<'a> Preview<'a> {
    fn of(input: &PageInput<'a>, words: &Words, drawn: &str) -> Self {
        let PageInput { charter, address, cancelled, .. } = *input;
        let own_picture = charter.boat.picture.as_ref().map(|picture| picture.as_str().to_owned());
        let drawn = || format!("{}{drawn}", address.base_url());
        Self {
            title: title(input, words),
            description: if cancelled { words.charter.details_cancelled.clone() } else { description(input, words) },
            locale: match charter.language {
                Language::English => "en_US",
                Language::Spanish => "es_US",
            },
            image_url: own_picture.unwrap_or_else(drawn),
            image_alt: &charter.boat.name,
        }
    }
}

/// Day, time, when to arrive, place.
fn description(input: &PageInput<'_>, words: &Words) -> String {
    let (start, time) = (input.start(), &words.time);
    let (day, clock, end, zone) =
        (time.day(start), time.clock(start), time.clock_on(start, input.end()), abbreviation(input.end()));
    let when = [("day", &*day), ("start", &*clock), ("end", &*end), ("zone", &*zone)];
    let arrive_by = time.clock_on(start, &input.arrive_by());
    let place = location(input.charter.place.as_ref(), input.charter.language);
    let parts = [
        Some(fill(&words.charter.preview_when, &when)),
        Some(fill(&words.charter.preview_arrive, &[("arrive_by", &arrive_by)])),
        place,
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

impl<'a> View<'a> {
    fn of(input: &PageInput<'a>, language: Language, vocabulary: &'a Vocabulary) -> Self {
        let PageInput { charter, operator, moved, cancelled, .. } = *input;
        let words = vocabulary.of(language);
        let time = &words.time;
        let boat = &charter.boat;
        let (start, end) = (input.start(), input.end());
        let same_zone = abbreviation(start) == abbreviation(end);
        let clock = time.clock(start);
        Self {
            lang: language.tag(),
            own: language == charter.language,
            t: &words.page,
            words: words.script.iter().map(|(key, text)| format!("{key} {text}")).collect::<Vec<_>>().join("\n"),
            others: OtherLanguage::beside(language, vocabulary),
            title: format!("{} · {}, {clock}", title(input, words), time.day(start)),
            first_name: &charter.guest_first_name,
            boat: &boat.name,
            day: time.day(start),
            start: if same_zone { clock } else { format!("{clock} {}", abbreviation(start)) },
            end: time.clock_on(start, end),
            zone: time.zone(end),
            arrive_by: time.clock_on(start, &input.arrive_by()),
            duration: time.duration(charter.time.duration_minutes()),
            party: time.guests.of(charter.party_size.into()),
            moved_from: moved.map(|moved| was(&moved, start, words)),
            place: charter.place.as_ref().map(|place| PlaceView::of(place, language)),
            bring: Localized::of(&boat.bring, language),
            leave_at_home: Localized::of(&boat.leave_at_home, language),
            safety: Localized::of(&boat.safety, language),
            cancellation_note: Localized::of(&operator.cancellation_note, language),
            contact: boat.emergency_contact.as_ref().map(|contact| Contact::of(contact, language)),
            text_number: boat.text_number.as_deref().map(Number::of),
            captain: boat.captain_name.as_deref().filter(|name| !name.trim().is_empty()),
            links: LinksView::of(&boat.links, language, cancelled),
            sections: boat
                .sections
                .iter()
                .filter_map(|section| SectionView::of(section, language, cancelled))
                .collect(),
            google_calendar: google(input, language, words),
            outlook_calendar: outlook(input, language, words),
        }
    }
}

/// `Friday, May 30, 2025, 2:00 PM`.
fn was(moved: &Moved, start: &Zoned, words: &Words) -> String {
    let from = moved.from.to_zoned(start.time_zone().clone());
    format!("{}, {}", words.time.day(&from), words.time.clock(&from))
}

impl<'a> OtherLanguage<'a> {
    fn beside(language: Language, vocabulary: &'a Vocabulary) -> Vec<Self> {
        let others = Language::ALL.into_iter().filter(|other| *other != language);
        others.map(|other| Self { lang: other.tag(), name: &vocabulary.of(other).name }).collect()
    }
}
