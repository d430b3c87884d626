//! What a system shows otherwise than it should, and what the office reads of it. Pure.
//!
//! What people changed by hand stays: only that is drift which leaves somebody without the charter, or with another one.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Map, Value};

use super::{desired::DesiredState, plan::CANCELLED};
use crate::{
    booking::{Booking, Operator, PersonId, read_time},
    ledger::{Drift, Journal, StepStatus},
    systems::office::{Concern, notices::dock_time},
};

/// The next audit would come less than a day before such a start: then somebody must be called.
const CALL_WITHIN: SignedDuration = SignedDuration::from_hours(48);

/// An entry of the calendar that carries the charter's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeenEntry {
    /// The calendar's id of it.
    pub(crate) id: String,
    /// The day on which it was listed first.
    pub(crate) day: Date,
    /// When it begins, if that can be read.
    pub(crate) start: Option<Timestamp>,
}

/// What is wrong in the calendar, of which all days were read; `seen` are the charter's entries, each once.
pub(crate) fn of_calendar(
    desired: &DesiredState,
    journal: &Journal,
    seen: &[SeenEntry],
    zone: &TimeZone,
) -> Vec<Drift> {
    if journal.calendar.step.status != StepStatus::InStep {
        return Vec::new();
    }
    match (desired, seen) {
        (DesiredState::Confirmed(_), []) => vec![Drift::EntryGone],
        (DesiredState::Confirmed(booking), [entry]) => {
            let start = booking.charter.time.start();
            let is_there = entry.start.map_or_else(|| entry.day == start.date(), |shown| shown == start.timestamp());
            if is_there { Vec::new() } else { vec![Drift::EntryElsewhere { shown: place(entry, zone) }] }
        }
        (DesiredState::Confirmed(_), several) => {
            vec![Drift::EntryTwice { ids: several.iter().map(|entry| entry.id.clone()).collect() }]
        }
        (DesiredState::Cancelled(_), [_, ..]) => vec![Drift::EntryStillThere],
        _ => Vec::new(),
    }
}

fn place(entry: &SeenEntry, zone: &TimeZone) -> String {
    entry
        .start
        .map_or_else(|| entry.day.strftime("%a %b %-d").to_string(), |start| dock_time(&start.to_zoned(zone.clone())))
}

/// What is wrong at SCC, whose items of the charter are `seen`.
pub(crate) fn of_crew(
    desired: &DesiredState,
    journal: &Journal,
    seen: &[Map<String, Value>],
    zone: &TimeZone,
    now: Timestamp,
) -> Vec<Drift> {
    let in_step = journal.crew_event.step.status == StepStatus::InStep;
    let is_off = |event: &Map<String, Value>| event.get("status").and_then(Value::as_str) == Some(CANCELLED);
    match (desired, seen) {
        // They sail soon and do not know, whether or not the step is parked.
        (DesiredState::Confirmed(booking), []) if in_step || is_soon(booking, now) => vec![Drift::EventGone],
        (DesiredState::Confirmed(booking), [event]) if in_step => {
            let date = event.get("date").and_then(Value::as_str).unwrap_or_default();
            let start = read_time(date, || zone.clone()).ok().map(|read| read.instant);
            let elsewhere = (start != Some(booking.charter.time.start().timestamp())).then(|| {
                let shown = start.map_or_else(|| "no day".to_owned(), |at| dock_time(&at.to_zoned(zone.clone())));
                Drift::EventElsewhere { shown }
            });
            elsewhere.into_iter().chain(is_off(event).then_some(Drift::EventCancelled)).collect()
        }
        (DesiredState::Confirmed(_) | DesiredState::Cancelled(_), [_, _, ..]) => {
            vec![Drift::EventTwice { count: seen.len() }]
        }
        (DesiredState::Cancelled(_), [event]) if in_step && !is_off(event) => vec![Drift::EventNotCancelled],
        _ => Vec::new(),
    }
}

/// What is wrong about money: what was `found` now; or what was found before and is gone, until the office has been told.
pub(crate) fn of_money(known: &[Drift], found: Vec<String>, is_told: bool) -> Option<Drift> {
    if !found.is_empty() {
        return Some(Drift::Money { attributes: found, still_there: true });
    }
    known.iter().find_map(|drift| match drift {
        Drift::Money { attributes, still_there } if *still_there || !is_told => Some(taken_out(attributes)),
        _ => None,
    })
}

/// What the office reads once the money is out.
pub(crate) fn taken_out(attributes: &[String]) -> Drift {
    Drift::Money { attributes: attributes.to_vec(), still_there: false }
}

fn is_soon(booking: &Booking, now: Timestamp) -> bool {
    booking.charter.time.start().timestamp().duration_since(now) <= CALL_WITHIN
}

/// What the office reads of it.
pub(super) fn concern(drift: &Drift, desired: &DesiredState, operator: &Operator, now: Timestamp) -> Concern {
    const BY_HAND: &str = "put it right by hand there, then leave the booking as it is";
    let (what, next) = match drift {
        Drift::EntryGone => (
            "is gone from the calendar: it is on none of the next 60 days".to_owned(),
            format!("Find out who took it out. If it sails, {BY_HAND}; if not, cancel it at the marketplace"),
        ),
        Drift::EntryTwice { ids } => (
            format!("is {} times in the calendar ({})", ids.len(), ids.join(", ")),
            "Delete those that were not there first; the audit finds out that it is once again".to_owned(),
        ),
        Drift::EntryElsewhere { shown } => (
            format!("stands on {shown} in the calendar, and was sold for another time"),
            "Ask who moved it. Crew and guest have the time above: move the entry back, or change the booking at the marketplace".to_owned(),
        ),
        Drift::EntryStillThere => {
            ("is cancelled, and still in the calendar".to_owned(), "Delete the entry".to_owned())
        }
        Drift::EventGone => (
            "is not with the crew (ShipCaptainCrew): the event is not there".to_owned(),
            format!("{}If it sails, {BY_HAND}; if not, cancel it at the marketplace", whom_to_call(desired, operator, now)),
        ),
        Drift::EventTwice { count } => (
            format!("is {count} times with the crew (ShipCaptainCrew)"),
            "Delete the one that was made later; its links stop working, so tell the crew which one holds".to_owned(),
        ),
        Drift::EventElsewhere { shown } => (
            format!("stands on {shown} with the crew (ShipCaptainCrew), and was sold for another time"),
            format!("{}Ask who moved it: move the event back, or change the booking at the marketplace", whom_to_call(desired, operator, now)),
        ),
        Drift::EventCancelled => (
            "is cancelled with the crew (ShipCaptainCrew), and was not cancelled by its sender".to_owned(),
            format!("{}If it sails, {BY_HAND}; if not, cancel it at the marketplace", whom_to_call(desired, operator, now)),
        ),
        Drift::EventNotCancelled => (
            "is cancelled, and the crew (ShipCaptainCrew) do not see that".to_owned(),
            format!("{}Cancel the event there by hand", whom_to_call(desired, operator, now)),
        ),
        Drift::Money { attributes, still_there: true } => (
            format!("shows money to the crew ({})", attributes.join(", ")),
            "It is taken out as soon as ShipCaptainCrew's table can be written. If it is still there tomorrow, take it out there by hand".to_owned(),
        ),
        Drift::Money { attributes, still_there: false } => (
            format!("showed money to the crew ({}): it is taken out", attributes.join(", ")),
            "Find out who writes money into ShipCaptainCrew. The ledger has what was taken out".to_owned(),
        ),
    };
    Concern { what, next }
}

/// Who sails, with the phone numbers that the roster has, when the next audit would be too late.
fn whom_to_call(desired: &DesiredState, operator: &Operator, now: Timestamp) -> String {
    let Some(booking) = desired.booking().filter(|booking| is_soon(booking, now)) else { return String::new() };
    let charter = &booking.charter;
    let person = |id: &PersonId| match operator.phone(id) {
        Some(phone) => format!("{id} ({phone})"),
        None => format!("{id} (no phone in the roster)"),
    };
    let crew: Vec<String> = charter.crew.iter().map(person).collect();
    format!("Call the captain {}, and the crew {}: it sails soon. ", person(&charter.captain), crew.join(", "))
}

#[cfg(test)]
mod tests;
