use serde_json::json;

use super::*;
use crate::{
    booking::{BookingId, BookingStatus, CharterId, Sale, Terms},
    ledger::{BookingRecord, Decision},
};

const PHONES: &str =
    "[[boats]]\nid = \"qosd\"\n[boats.roster]\ncrew = [\"crew-1\"]\nphones = { \"captain-1\" = \"+1 619 555 0111\" }\n";

fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn operator() -> Operator {
    toml::from_str(PHONES).expect("valid")
}

/// The worked example on 30 May, 2:00 PM, in step or not.
fn state(confirmed: bool, status: StepStatus) -> (DesiredState, Journal) {
    let booking_id = BookingId::parse("BS-1048812").expect("valid");
    let charter_id = CharterId::derive(b"link-key", &booking_id);
    let status_of = if confirmed { BookingStatus::Confirmed } else { BookingStatus::Cancelled };
    let at = instant("2031-05-20T18:00:00Z");
    let decision = Decision { status: status_of, version: None, seq: 1, at, recorded_at: at };
    let sale = Sale::example();
    let terms = Terms::resolve(&sale.boat, &sale.assigned, &operator()).ok();
    let record = BookingRecord {
        decision: Some(decision),
        sale: Some(sale),
        terms,
        ..BookingRecord::new(booking_id, charter_id, status_of)
    };
    let mut journal = Journal::default();
    journal.calendar.step.status = status;
    journal.crew_event.step.status = status;
    (DesiredState::of(&record, &operator(), false), journal)
}

fn zone() -> TimeZone {
    TimeZone::get("America/Los_Angeles").expect("bundled")
}

fn entry(id: &str, day: i8, start: Option<&str>) -> SeenEntry {
    SeenEntry { id: id.into(), day: jiff::civil::date(2031, 5, day), start: start.map(instant) }
}

const START: Option<&str> = Some("2031-05-30T21:00:00Z");

#[test]
fn what_the_calendar_shows_otherwise() {
    let rows = [
        (true, vec![entry("a", 30, START)], vec![]),
        (true, vec![entry("a", 30, None)], vec![]),
        (true, vec![], vec![Drift::EntryGone]),
        (true, vec![entry("a", 31, None)], vec![Drift::EntryElsewhere { shown: "Sat May 31".into() }]),
        (
            true,
            vec![entry("a", 30, Some("2031-05-30T23:00:00Z"))],
            vec![Drift::EntryElsewhere { shown: "Fri May 30, 4:00 PM".into() }],
        ),
        (
            true,
            vec![entry("a", 30, START), entry("b", 31, None)],
            vec![Drift::EntryTwice { ids: vec!["a".into(), "b".into()] }],
        ),
        (false, vec![], vec![]),
        (false, vec![entry("a", 30, START)], vec![Drift::EntryStillThere]),
    ];
    for (confirmed, seen, expected) in rows {
        let (desired, journal) = state(confirmed, StepStatus::InStep);
        assert_eq!(of_calendar(&desired, &journal, &seen, &zone()), expected, "{seen:?}");
        let (desired, journal) = state(confirmed, StepStatus::Due);
        assert_eq!(of_calendar(&desired, &journal, &seen, &zone()), [], "it is tried again anyway");
    }
}

#[test]
fn what_the_crew_see_otherwise() {
    let event =
        |date: &str, status: &str| json!({ "date": date, "status": status }).as_object().cloned().expect("an object");
    let right = || event("2031-05-30T14:00:00-07:00", "confirmed");
    let (far, near) = ("2031-05-20T18:00:00Z", "2031-05-28T21:00:00Z");
    let rows = [
        (true, StepStatus::InStep, far, vec![right()], vec![]),
        (true, StepStatus::InStep, far, vec![], vec![Drift::EventGone]),
        (true, StepStatus::Due, far, vec![], vec![]),
        (true, StepStatus::Parked, near, vec![], vec![Drift::EventGone]),
        (true, StepStatus::InStep, far, vec![right(), right()], vec![Drift::EventTwice { count: 2 }]),
        (
            true,
            StepStatus::InStep,
            far,
            vec![event("2031-05-31T14:00:00-07:00", "")],
            vec![Drift::EventElsewhere { shown: "Sat May 31, 2:00 PM".into() }],
        ),
        (
            true,
            StepStatus::InStep,
            far,
            vec![event("", "cancelled")],
            vec![Drift::EventElsewhere { shown: "no day".into() }, Drift::EventCancelled],
        ),
        (false, StepStatus::InStep, far, vec![event("2031-05-30T14:00:00-07:00", "cancelled")], vec![]),
        (false, StepStatus::InStep, far, vec![right()], vec![Drift::EventNotCancelled]),
        (false, StepStatus::Due, far, vec![right()], vec![]),
    ];
    for (confirmed, status, now, seen, expected) in rows {
        let (desired, journal) = state(confirmed, status);
        assert_eq!(of_crew(&desired, &journal, &seen, &zone(), instant(now)), expected, "{seen:?}");
    }
}

#[test]
fn whom_to_call_is_named_when_the_next_audit_is_too_late() {
    let (desired, _) = state(true, StepStatus::InStep);
    let next = |now: &str| concern(&Drift::EventGone, &desired, &operator(), instant(now)).next;
    assert!(next("2031-05-28T20:59:59Z").starts_with("If it sails"));
    let called = next("2031-05-28T21:00:00Z");
    let words = "Call the captain captain-1 (+1 619 555 0111), and the crew crew-1 (no phone in the roster), crew-2 (";
    assert!(called.starts_with(words), "{called}");
}

#[test]
fn money_is_taken_out_only_once_it_is_gone() {
    let money = |still_there| Drift::Money { attributes: vec!["revenue".into()], still_there };
    let found = || vec!["revenue".to_owned()];
    for (known, found, is_told, expected) in [
        (vec![], found(), true, Some(money(true))),
        (vec![money(true)], found(), true, Some(money(true))),
        (vec![money(true)], vec![], true, Some(money(false))),
        (vec![money(true)], vec![], false, Some(money(false))),
        (vec![money(false)], vec![], false, Some(money(false))),
        (vec![money(false)], vec![], true, None),
        (vec![Drift::EntryGone], vec![], false, None),
    ] {
        assert_eq!(of_money(&known, found, is_told), expected, "{known:?} {is_told}");
    }
}
