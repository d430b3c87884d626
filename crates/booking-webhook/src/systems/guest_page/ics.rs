//! The file that adds the charter to a guest's own calendar (RFC 5545).
//!
//! The event keeps its UID for ever, and each change raises its SEQUENCE: importing the file again moves or cancels what a calendar
//! already has, and never adds a second one. A calendar that subscribes to the file reads it again by itself.

use icalendar::{Component, Event, EventLike, EventStatus, Property};

use super::{
    calendar_event::{details, location, title},
    page_input::PageInput,
    time_zone::{FileZone, utc},
    words::{Words, fill},
};
use crate::booking::Place;

/// How often a subscribed calendar is asked to look: RFC 7986, and what Outlook and Apple knew before it.
const REFRESH: &str = "REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\nX-PUBLISHED-TTL:PT1H\r\n";
const END: &str = "END:VEVENT\r\n";
/// Before the start: the day before, to pack; and when it is time to leave.
const ALARMS: [&str; 2] = ["-P1D", "-PT2H"];

/// The file's text, in the guest's language.
pub(super) fn calendar_file(input: &PageInput<'_>, words: &Words) -> String {
    let language = input.charter.language;
    let zone = FileZone::for_times([input.start(), input.end()]);
    let local = |name: &str, time| {
        let (zone_name, value) = zone.write(time);
        let mut property = Property::new(name, value);
        zone_name.map(|zone_name| property.add_parameter("TZID", zone_name));
        property.done()
    };
    let status = if input.cancelled { EventStatus::Cancelled } else { EventStatus::Confirmed };
    let changed_at = utc(input.changed_at);
    let mut event = Event::new();
    event
        .uid(&format!("{}@booking-webhook", input.charter.id))
        .append_property(Property::new("SEQUENCE", input.sequence.to_string()))
        .append_property(Property::new("DTSTAMP", &changed_at))
        .append_property(Property::new("LAST-MODIFIED", &changed_at))
        .append_property(local("DTSTART", input.start()))
        .append_property(local("DTEND", input.end()))
        .status(status)
        .summary(&title(input, words))
        .description(&details(input, words))
        .url(&input.address.url);
    let place = input.charter.place.as_ref();
    if let Some(location) = location(place, language) {
        event.location(&location);
    }
    if let Some(position) = place.and_then(Place::meeting_point).and_then(|point| point.position.as_ref()) {
        let value = format!("{};{}", position.latitude, position.longitude);
        event.append_property(Property::new("GEO", value));
    }
    let language = language.tag().to_uppercase();
    let head = format!("VERSION:2.0\r\nPRODID:-//booking-webhook//guest page//{language}\r\nCALSCALE:GREGORIAN\r\n");
    let (time_zone, event) = (zone.definition(input.start(), input.end()), Component::to_string(&event));
    let event = event.strip_suffix(END).expect("a whole event");
    let alarms: String = ALARMS.iter().filter(|_| !input.cancelled).map(|before| alarm(input, words, before)).collect();
    format!("BEGIN:VCALENDAR\r\n{head}{REFRESH}{time_zone}{event}{alarms}{END}END:VCALENDAR\r\n")
}

/// Written here, because the library gives an alarm a random UID and the time of the rendering, and the same input must be the same bytes.
fn alarm(input: &PageInput<'_>, words: &Words, before: &str) -> String {
    let arrive_by = words.time.clock_on(input.start(), &input.arrive_by());
    let text = fill(&words.charter.alarm, &[("title", &title(input, words)), ("arrive_by", &arrive_by)]);
    let description: String = Property::new("DESCRIPTION", text).try_into().expect("a text takes every line");
    format!("BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:{before}\r\n{description}END:VALARM\r\n")
}
