use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use serde_json::json;

use super::*;

const CHARTER_ID: &str = "XHQGMDH1";

fn page(content_type: &str, body: String) -> Read<Page> {
    let url = "https://example.org/page?token=s3cret".to_owned();
    let mut headers: HeaderMap =
        SITE_HEADERS.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
    headers.insert(CONTENT_TYPE, content_type.parse().expect("a content type"));
    Ok(Page { url, headers, body })
}

/// What is answered with another status than 200.
fn refused(status: StatusCode, content_type: &str) -> Read<(StatusCode, Page)> {
    page(content_type, String::new()).map(|page| (status, page))
}

fn mails(booking: &Booking, stage: Stage) -> Vec<Mail> {
    let kinds = [MailKind::MagicLink, MailKind::Change, MailKind::Change];
    let sent = kinds.into_iter().take(1 + booking.changes(stage));
    let mail = |to: &str, kind| Mail {
        to: to.to_owned(),
        kind,
        event_id: CHARTER_ID.to_owned(),
        subject: "You are on".to_owned(),
        text: String::new(),
        link: None,
    };
    sent.flat_map(|kind| CREW.into_iter().chain([CAPTAIN]).map(move |to| mail(to, kind))).collect()
}

/// The world as it should be at `stage`.
fn well(booking: &Booking, stage: Stage) -> World {
    let start = booking.start(stage);
    let (called_off, status) = match stage {
        Stage::Cancelled => ("This charter is cancelled.", "CANCELLED"),
        _ => ("", "CONFIRMED"),
    };
    let on_the_desk = if stage == Stage::Cancelled { "<b>Cancelled</b>" } else { "" };
    let entry = json!({
        "event_id": CHARTER_ID, "date": start.date().to_string(), "start": in_words(&start), "revenue": 1847.35,
        "expenses": { "crew": 250.0, "captain": 150, "port_tax": 332.52 }, "net": 1114.83,
    });
    let event = json!({
        "date": in_words(&start), "duration_hours": 3, "crew_ids": CREW, "captain_id": CAPTAIN,
        "status": if stage == Stage::Cancelled { "cancelled" } else { "confirmed" },
    });
    let (crew_day, guest_day) = (start.strftime("%-d %b %Y"), start.strftime("%B %-d, %Y"));
    let utc = start.timestamp().strftime("%Y%m%dT%H%M%SZ").to_string();
    let guest_page = || page("text/html", format!("Dana {} {guest_day} 2:00 {called_off}", booking.id));
    World {
        entries: Ok(if stage == Stage::Cancelled { Vec::new() } else { vec![entry] }),
        event: Ok(event),
        mails: Ok(mails(booking, stage)),
        crew_pages: vec![page("text/html", format!("Dana, Sat {crew_day}, 2:00 PM. {called_off}"))],
        guest_page: guest_page(),
        typed_link: guest_page(),
        unknown_link: refused(StatusCode::NOT_FOUND, "text/html"),
        bucket: Some(refused(StatusCode::FORBIDDEN, "application/xml")),
        calendar_file: page("text/calendar", format!("BEGIN:VEVENT\r\nDTSTART:{utc}\r\nSTATUS:{status}\r\n")),
        desk: Some(page("text/html", format!("<code>{}</code>{on_the_desk}", booking.id))),
        office_mails: Some(Ok(office_mails(booking, stage))),
    }
}

fn office_mails(booking: &Booking, stage: Stage) -> Vec<OfficeMail> {
    let text = "Tell the guest:\n\nHi Dana, it is cancelled. https://example.org/page".to_owned();
    let mail = OfficeMail { subject: format!("{} is cancelled: tell the guest", booking.id), text };
    if stage == Stage::Cancelled { vec![mail] } else { Vec::new() }
}

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

fn found(world: &World, booking: &Booking, stage: Stage) -> Vec<String> {
    let names = Names {
        booking_id: booking.id.clone(),
        charter_id: CHARTER_ID.to_owned(),
        guest_page: "https://example.org/page".to_owned(),
    };
    faults(world, booking, &names, stage)
}

#[test]
fn a_world_of_another_stage_has_faults_in_every_system() {
    let booking = Booking::new(now(), &Stage::ALL);
    for (position, stage) in Stage::ALL.into_iter().enumerate() {
        assert_eq!(found(&well(&booking, stage), &booking, stage), Vec::<String>::new(), "{stage:?}");
        let before = Stage::ALL[(position + 2) % 3];
        let faults = found(&well(&booking, before), &booking, stage).join("\n");
        for system in ["calendar:", "ShipCaptainCrew:", "crew mail:", "crew page:", "guest page:", "guest's calendar"] {
            assert!(faults.contains(system), "{before:?} looked at as {stage:?}: {system} is missing in\n{faults}");
        }
        assert_eq!(faults.contains("the office's mailbox: no mail"), stage == Stage::Cancelled, "{faults}");
    }
}

#[test]
fn each_fault_is_named() {
    let booking = Booking::new(now(), &Stage::ALL);
    let fault = |spoil: fn(&mut World)| {
        let mut world = well(&booking, Stage::Booked);
        spoil(&mut world);
        found(&world, &booking, Stage::Booked).join("\n")
    };
    fn entry(world: &mut World) -> &mut Value {
        &mut world.entries.as_mut().expect("it was read")[0]
    }
    fn event(world: &mut World) -> &mut Value {
        world.event.as_mut().expect("it was read")
    }
    fn unheaded(page: &mut Read<Page>, name: HeaderName) {
        page.as_mut().unwrap_or_else(|_| panic!("it was read")).headers.remove(name);
    }
    fn body(page: &mut Read<Page>) -> &mut String {
        &mut page.as_mut().unwrap_or_else(|_| panic!("it was read")).body
    }
    for (fault, named) in [
        (fault(|world| world.entries = Err("answered 401".to_owned())), "calendar: answered 401"),
        (fault(|world| world.entries = Ok(Vec::new())), "calendar: 0 entries instead of one"),
        (fault(|world| entry(world)["net"] = json!(1114.84)), "is not net 1114.84"),
        (fault(|world| entry(world)["net"] = Value::Null), "its money is incomplete"),
        (fault(|world| entry(world)["event_id"] = json!("OTHER")), "instead of XHQGMDH1"),
        (fault(|world| event(world)["crew_ids"] = json!(["crew-1"])), "are on it instead of"),
        (fault(|world| event(world)["duration_hours"] = json!(2)), "takes 2 hours"),
        (fault(|world| event(world)["pay"] = json!({ "captain_fee": 1 })), "speaks of money: \"captain_fee\""),
        (fault(|world| event(world)["notes"] = json!("paid 1847.35")), "speaks of money: \"1847.35\""),
        (fault(|world| world.mails.as_mut().expect("read").extend_from_within(..1)), "2 magic links"),
        (fault(|world| world.mails.as_mut().expect("read")[0].kind = MailKind::Removed), "1 people were told"),
        (fault(|world| body(&mut world.crew_pages[0]).clear()), "crew page: https://example.org/page does not say"),
        (fault(|world| body(&mut world.guest_page).push_str("gross 1")), "guest page: it speaks of money"),
        (fault(|world| world.guest_page = page("application/xml", String::new())), "\"application/xml\""),
        (fault(|world| body(&mut world.calendar_file).insert(30, '9')), "guest's calendar file: it starts at"),
        (fault(|world| world.typed_link = Err("answered 403".to_owned())), "link in lower case: answered 403"),
        (
            fault(|world| world.unknown_link = refused(StatusCode::FORBIDDEN, "text/html")),
            "unknown link: it is answered 403 Forbidden instead of 404",
        ),
        (
            fault(|world| world.unknown_link = refused(StatusCode::NOT_FOUND, "application/xml")),
            "\"application/xml\" instead of text/html",
        ),
        (
            fault(|world| world.bucket = Some(refused(StatusCode::OK, "text/html"))),
            "bucket: it answers everybody 200 OK",
        ),
        (fault(|world| unheaded(&mut world.guest_page, REFERRER_POLICY)), "its referrer-policy is \"\""),
        (fault(|world| world.desk = Some(page("text/html", String::new()))), "the office's desk: it does not show"),
        (fault(|world| world.desk = Some(Err("answered 404".to_owned()))), "the office's desk: answered 404"),
        (
            fault(|world| world.office_mails = Some(Err("answered 401".to_owned()))),
            "the office's mailbox: answered 401",
        ),
    ] {
        assert!(fault.contains(named), "{named} is missing in: {fault}");
        assert!(!fault.contains("s3cret"), "a magic link is in: {fault}");
    }
}

#[test]
fn a_calendar_file_may_speak_the_charters_own_time() {
    let booking = Booking::new(now(), &Stage::ALL);
    let start = booking.start(Stage::Booked);
    let mut world = well(&booking, Stage::Booked);
    let local = start.strftime("%Y%m%dT%H%M%S");
    for (line, right) in
        [(format!("DTSTART;TZID=America/Los_Angeles:{local}"), true), (format!("DTSTART:{local}"), false)]
    {
        world.calendar_file = page("text/calendar", format!("BEGIN:VEVENT\r\n{line}\r\nSTATUS:CONFIRMED\r\n"));
        assert_eq!(found(&world, &booking, Stage::Booked).is_empty(), right, "{line}");
    }
}
