//! The file that adds the charter to a guest's own calendar (RFC 5545).
//!
//! Instants are written in UTC: every calendar shows them in the reader's zone, and none needs to know ours.

use icalendar::{Calendar, Component, Event, EventLike, EventStatus, Property};
use jiff::Timestamp;

use super::Edition;
use crate::booking::Place;

pub(super) fn invitation(edition: &Edition<'_>) -> String {
    let Edition { charter, address, operator, .. } = *edition;
    let status = if edition.cancelled { EventStatus::Cancelled } else { EventStatus::Confirmed };
    let mut event = Event::new();
    event
        .uid(&format!("{}@booking-webhook", charter.id))
        .append_property(Property::new("DTSTAMP", utc(edition.changed_at)))
        .append_property(Property::new("DTSTART", utc(charter.time.start().timestamp())))
        .append_property(Property::new("DTEND", utc(charter.time.end().timestamp())))
        .summary(&format!("Sailing on {}", charter.boat.name))
        .description(&format!("Everything for your charter: {}", address.url))
        .url(&address.url)
        .append_property(Property::new("SEQUENCE", edition.sequence.to_string()))
        .status(status);
    match &charter.place {
        Some(Place::MeetingPoint(point)) => _ = event.location(&format!("{}, {}", point.name, point.address)),
        Some(Place::Elsewhere(words)) => _ = event.location(words),
        None => {}
    }
    let mut calendar = Calendar::empty();
    calendar
        .append_property(Property::new("VERSION", "2.0"))
        .append_property(Property::new("PRODID", format!("-//{}//booking-webhook//EN", operator.name)))
        .append_property(Property::new("CALSCALE", "GREGORIAN"))
        .push(event.done());
    calendar.to_string()
}

fn utc(instant: Timestamp) -> String {
    instant.strftime("%Y%m%dT%H%M%SZ").to_string()
}
