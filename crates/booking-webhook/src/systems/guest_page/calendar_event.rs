//! The charter as calendars know it: the same words in the file and behind the links that fill in an event at Google or Outlook.

use reqwest::Url;

use super::{
    page_input::PageInput,
    time_zone::utc,
    words::{Words, fill},
};
use crate::booking::{Language, Place};

/// What the charter is called in a calendar.
pub(super) fn title(input: &PageInput<'_>, words: &Words) -> String {
    let text = if input.cancelled { &words.charter.title_cancelled } else { &words.charter.title };
    fill(text, &[("boat", &input.charter.boat.name)])
}

/// What a guest needs without signal: the calendar lies on the phone.
pub(super) fn details(input: &PageInput<'_>, words: &Words) -> String {
    let place = input.charter.place.as_ref().filter(|_| !input.cancelled);
    let map = place.and_then(Place::meeting_point).map(|point| point.map_url.as_str()).filter(|url| !url.is_empty());
    let map = map.map(|url| fill(&words.charter.details_map, &[("url", url)]));
    let language = input.charter.language;
    let (when, whom) = (when(input, words), whom(input, language, words));
    [Some(when), location(place, language), map, Some(whom)].into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// The same behind a link, which is in the page in each language and must be short: the calendar shows the place itself, with a map.
fn details_in_link(input: &PageInput<'_>, language: Language, words: &Words) -> String {
    [when(input, words), whom(input, language, words)].join("\n")
}

fn when(input: &PageInput<'_>, words: &Words) -> String {
    if input.cancelled {
        return words.charter.details_cancelled.clone();
    }
    let arrive_by = words.time.clock_on(input.start(), &input.arrive_by());
    fill(&words.charter.details_arrive, &[("arrive_by", &arrive_by)])
}

/// Whom to call, and the page.
fn whom(input: &PageInput<'_>, language: Language, words: &Words) -> String {
    let PageInput { charter, address, .. } = *input;
    let charter_words = &words.charter;
    let mut lines = Vec::new();
    if let Some(contact) = &charter.boat.emergency_contact {
        let name = contact.name.in_language(language).0;
        lines.push(fill(&charter_words.details_call, &[("name", name), ("phone", &contact.phone)]));
    }
    let text = charter.boat.text_number.as_deref();
    lines.extend(text.map(|phone| fill(&charter_words.details_text, &[("phone", phone)])));
    lines.push(fill(&charter_words.details_page, &[("url", &address.url)]));
    lines.join("\n")
}

/// Where it starts, in a line.
pub(super) fn location(place: Option<&Place>, language: Language) -> Option<String> {
    place.map(|place| match place {
        Place::MeetingPoint(point) => {
            let parts = [point.name.in_language(language).0.as_str(), &point.address];
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
        }
        Place::Elsewhere(words) => words.to_string(),
    })
}

/// Opens Google Calendar with the event filled in. Instants, and the zone to show them in.
pub(super) fn google(input: &PageInput<'_>, language: Language, words: &Words) -> String {
    let dates = format!("{}/{}", utc(input.start().timestamp()), utc(input.end().timestamp()));
    let event = [
        ("action", "TEMPLATE"),
        ("text", &title(input, words)),
        ("dates", &dates),
        ("ctz", input.operator.time_zone.iana_name().unwrap_or("UTC")),
        ("details", &details_in_link(input, language, words)),
        ("location", &location(input.charter.place.as_ref(), language).unwrap_or_default()),
    ];
    Url::parse_with_params("https://calendar.google.com/calendar/render", event).expect("a constant address").into()
}

/// Opens Outlook on the web with the event filled in. It shows instants in the guest's own zone.
pub(super) fn outlook(input: &PageInput<'_>, language: Language, words: &Words) -> String {
    let event = [
        ("path", "/calendar/action/compose"),
        ("rru", "addevent"),
        ("subject", &title(input, words)),
        ("startdt", &input.start().timestamp().to_string()),
        ("enddt", &input.end().timestamp().to_string()),
        ("body", &details_in_link(input, language, words).replace('\n', "<br>")),
        ("location", &location(input.charter.place.as_ref(), language).unwrap_or_default()),
    ];
    let compose = "https://outlook.live.com/calendar/0/action/compose";
    Url::parse_with_params(compose, event).expect("a constant address").into()
}

/// Subscribes a calendar to the file: it reads the file again by itself, so it follows a move and a cancellation.
pub(super) fn subscription(input: &PageInput<'_>) -> String {
    let file = format!("{}.ics", input.address.url);
    file.split_once("://").map_or(file.clone(), |(_, rest)| format!("webcal://{rest}"))
}
