use serde_json::json;

use super::*;
use crate::harbour::{Kind, marketplace::Marketplace};

/// The sample booking after these kinds of message, for a charter on May 30, 2025.
fn booking(kinds: &[Kind]) -> Booking {
    let mut marketplace = Marketplace::default();
    let now = "2025-05-20T18:03:10Z".parse().expect("a valid time");
    for kind in [Kind::Sample].iter().chain(kinds) {
        marketplace.say(*kind, None, now).expect("it can be sent");
    }
    marketplace.newest().expect("a booking").clone()
}

fn page(content_type: &str, body: &str) -> Page {
    Page {
        url: "http://127.0.0.1/page".to_owned(),
        status: 200,
        content_type: content_type.to_owned(),
        body: body.to_owned(),
        milliseconds: 1,
    }
}

fn mail(kind: MailKind, to: &str) -> Mail {
    Mail {
        to: to.to_owned(),
        kind,
        event_id: "XHQGMDH1".to_owned(),
        subject: String::new(),
        text: String::new(),
        link: None,
    }
}

fn well() -> Inspection {
    Inspection {
        entries: vec![json!({
            "start": "2025-05-30T14:00:00-07:00",
            "revenue": 840.75,
            "expenses": { "crew": 250, "captain": 150.0, "port_tax": 151.34 },
            "net": 289.41,
        })],
        events: vec![json!({
            "event_id": "XHQGMDH1", "date": "2025-05-30T14:00:00-07:00", "status": "pending_confirmation",
            "notes": "Pier 5", "tips": 40,
        })],
        mails: ASSIGNED.map(|who| mail(MailKind::MagicLink, who)).into(),
        guest_page: page("text/html; charset=utf-8", "Hello Dana, on Friday, May 30, 2025"),
        calendar_file: page("text/calendar", "DTSTART;TZID=America/Los_Angeles:20250530T140000\r\nSTATUS:CONFIRMED"),
        crew_pages: vec![page("text/html", "Dana and 7 more")],
    }
}

/// The same world after the cancellation.
fn off() -> Inspection {
    let mut world = well();
    world.entries.clear();
    world.events[0]["status"] = json!("cancelled");
    world.mails.extend(ASSIGNED.map(|who| mail(MailKind::Change, who)));
    world.guest_page.body.push_str(". This charter is cancelled.");
    world.calendar_file.body = world.calendar_file.body.replace("CONFIRMED", "CANCELLED");
    world
}

fn fault_after(spoil: impl FnOnce(&mut Inspection)) -> String {
    let mut world = well();
    spoil(&mut world);
    world.faults(&booking(&[]), 0).join("\n")
}

#[test]
fn a_world_in_step_has_no_faults() {
    assert_eq!(well().faults(&booking(&[]), 0), Vec::<String>::new());
    assert_eq!(off().faults(&booking(&[Kind::Cancellation]), 1), Vec::<String>::new());
}

#[test]
fn each_fault_is_named() {
    for (fault, named) in [
        (fault_after(|world| world.entries.clear()), "calendar: 0 entries instead of one"),
        (fault_after(|world| world.entries[0]["net"] = json!(289.42)), "calendar: /net is 289.42 instead of 289.41"),
        (fault_after(|world| world.events[0]["pay"] = json!({ "captain_fee": 1 })), "crew can read \"captain_fee\""),
        (
            fault_after(|world| world.mails.push(mail(MailKind::MagicLink, "crew-2"))),
            "2 magic links to crew-2 instead of one",
        ),
        (fault_after(|world| world.mails.push(mail(MailKind::Removed, "crew-9"))), "4 mails instead of 3"),
        (fault_after(|world| world.guest_page.status = 403), "answered 403 instead of 200"),
        (fault_after(|world| world.calendar_file.content_type.clear()), "is \"\" instead of text/calendar"),
        (fault_after(|world| world.crew_pages[0].body.clear()), "does not say \"Dana\""),
    ] {
        assert!(fault.contains(named), "{fault}");
    }
}

#[test]
fn a_system_that_stayed_behind_is_named() {
    let moved = well().faults(&booking(&[Kind::Reschedule]), 1).join("\n");
    for named in [
        "calendar: the charter starts at \"2025-05-30T14:00:00-07:00\" instead of 2025-05-31T21:00:00Z",
        "ShipCaptainCrew: the charter starts at",
        "0 notices of a change to captain-1 instead of 1",
        "guest page: http://127.0.0.1/page does not say \"Saturday, May 31, 2025\"",
        "guest's calendar file: http://127.0.0.1/page does not say \"DTSTART;TZID=America/Los_Angeles:20250531T140000\"",
    ] {
        assert!(moved.contains(named), "{named} in {moved}");
    }
    let cancelled = well().faults(&booking(&[Kind::Cancellation]), 1).join("\n");
    for named in [
        "calendar: 1 entries instead of none",
        "the event's status is \"pending_confirmation\"",
        "does not say \"This charter is cancelled\"",
        "does not say \"STATUS:CANCELLED\"",
    ] {
        assert!(cancelled.contains(named), "{named} in {cancelled}");
    }
    let stands = off().faults(&booking(&[]), 1).join("\n");
    assert!(stands.contains("says \"This charter is cancelled\""), "{stands}");
    assert!(stands.contains("the event's status is \"cancelled\""), "{stands}");
}
