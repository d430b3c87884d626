//! The file that adds the charter to a guest's own calendar (RFC 5545).
//!
//! The event keeps its UID for ever, and each change raises its SEQUENCE: importing the file again moves or cancels what a calendar
//! already has, and never adds a second one.

use icalendar::{Component, Event, EventLike, EventStatus, Property};

use super::{
    PageInput,
    time_zone::{FileZone, utc},
    words::{Words, fill},
};
use crate::booking::{Language, Place};

/// The file's text, in the guest's language.
pub(super) fn calendar_file(input: &PageInput<'_>, words: &Words) -> String {
    let PageInput { charter, address, .. } = *input;
    let (start, end) = (charter.time.start(), charter.time.end());
    let zone = FileZone::for_times([start, end]);
    let local = |name: &str, time| {
        let (zone_name, value) = zone.write(time);
        let mut property = Property::new(name, value);
        zone_name.map(|zone_name| property.add_parameter("TZID", zone_name));
        property.done()
    };
    let status = if input.cancelled { EventStatus::Cancelled } else { EventStatus::Confirmed };
    let mut event = Event::new();
    event
        .uid(&format!("{}@booking-webhook", charter.id))
        .append_property(Property::new("SEQUENCE", input.sequence.to_string()))
        .append_property(Property::new("DTSTAMP", utc(input.changed_at)))
        .append_property(Property::new("LAST-MODIFIED", utc(input.changed_at)))
        .append_property(local("DTSTART", start))
        .append_property(local("DTEND", end))
        .status(status)
        .summary(&title(input, words))
        .description(&details(input, words))
        .url(&address.url);
    if let Some(location) = location(charter.place.as_ref(), charter.language) {
        event.location(&location);
    }
    let language = charter.language.tag().to_uppercase();
    let head = format!("VERSION:2.0\r\nPRODID:-//booking-webhook//guest page//{language}\r\nCALSCALE:GREGORIAN\r\n");
    let (time_zone, event) = (zone.definition(start, end), Component::to_string(&event));
    format!("BEGIN:VCALENDAR\r\n{head}{time_zone}{event}END:VCALENDAR\r\n")
}

/// What the charter is called in a calendar.
pub(super) fn title(input: &PageInput<'_>, words: &Words) -> String {
    let text = if input.cancelled { &words.charter.title_cancelled } else { &words.charter.title };
    fill(text, &[("boat", &input.charter.boat.name)])
}

/// What a calendar says about it.
pub(super) fn details(input: &PageInput<'_>, words: &Words) -> String {
    let start = input.charter.time.start();
    let arrive_by = words.time.clock_on(start, &start.saturating_sub(input.charter.boat.check_in()));
    let text = if input.cancelled { &words.charter.details_cancelled } else { &words.charter.details };
    fill(text, &[("arrive_by", &arrive_by), ("url", &input.address.url)])
}

/// Where it starts, in a line.
pub(super) fn location(place: Option<&Place>, language: Language) -> Option<String> {
    place.map(|place| match place {
        Place::MeetingPoint(point) => {
            let name = point.name.in_language(language).0;
            [name.as_str(), &point.address]
                .iter()
                .filter(|part| !part.is_empty())
                .copied()
                .collect::<Vec<_>>()
                .join(", ")
        }
        Place::Elsewhere(words) => words.clone(),
    })
}
