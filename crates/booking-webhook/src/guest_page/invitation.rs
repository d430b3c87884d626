//! The file that adds the charter to a guest's own calendar (RFC 5545).
//!
//! Instants are written in UTC: every calendar shows them in the reader's zone, and none needs to know ours.

use icalendar::{Calendar, Component, Event, EventLike, EventStatus, Property};
use jiff::Timestamp;

use super::Address;
use crate::booking::{Charter, Place};

pub(super) fn invitation(charter: &Charter, address: &Address, operator: &str, changed_at: Timestamp) -> String {
    let mut event = Event::new();
    event
        .uid(&format!("{}@booking-webhook", charter.id))
        .append_property(Property::new("DTSTAMP", utc(changed_at)))
        .append_property(Property::new("DTSTART", utc(charter.time.start().timestamp())))
        .append_property(Property::new("DTEND", utc(charter.time.end().timestamp())))
        .summary(&format!("Sailing on {}", charter.boat.name))
        .description(&format!("Everything for your charter: {}", address.url))
        .url(&address.url)
        .status(EventStatus::Confirmed);
    match &charter.place {
        Some(Place::MeetingPoint(point)) => _ = event.location(&format!("{}, {}", point.name, point.address)),
        Some(Place::Elsewhere(words)) => _ = event.location(words),
        None => {}
    }
    let mut calendar = Calendar::empty();
    calendar
        .append_property(Property::new("VERSION", "2.0"))
        .append_property(Property::new("PRODID", format!("-//{operator}//booking-webhook//EN")))
        .append_property(Property::new("CALSCALE", "GREGORIAN"))
        .push(event.done());
    calendar.to_string()
}

fn utc(instant: Timestamp) -> String {
    instant.strftime("%Y%m%dT%H%M%SZ").to_string()
}
