use serde_json::json;

use super::*;
use crate::booking::{Assigned, NOTES_ARE_CUT, Sale};

const EXAMPLE: &str = include_str!("../../../../../operator.example.toml");
const CANONICAL: &str = include_str!("boatsetter.toml");

const RECEIVED_AT: &str = "2025-05-20T18:05:00Z";

fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn read(body: &Value) -> Result<Received, Vec<Fault>> {
    Mapping::canonical().read(body, &Operator::default(), instant(RECEIVED_AT))
}

/// When the booking changed: the sender's time of change, else the event's, else the receipt.
fn as_of(received: &Received) -> Timestamp {
    received.snapshot.updated_at.or(received.event_created_at).unwrap_or_else(|| instant(RECEIVED_AT))
}

fn sold(received: Received) -> Sale {
    *received.snapshot.sale.expect("it is confirmed")
}

fn canonical_body() -> Value {
    json!({ "id": "evt_7f31", "type": "booking.confirmed", "created_at": "2025-05-20T18:03:11Z",
      "data": { "booking": {
        "id": "BS-1048812", "status": "confirmed", "revision": 1, "updated_at": "2025-05-20T18:03:10Z",
        "start_at": "2025-05-30T14:00:00-07:00", "duration_minutes": 180, "timezone": "America/Los_Angeles",
        "boat": { "id": "qosd", "name": "Queen of San Diego" }, "party_size": 8, "currency": "USD", "gross": "840.75",
        "guest": { "name": "Dana Whitfield", "locale": "en" }, "notes": "anniversary",
        "crew_ids": ["crew-1", "crew-2"], "captain_id": "captain-1" } } })
}

/// The booking with some fields set otherwise; `null` takes one away.
fn with_all(changes: &[(&str, Value)]) -> Value {
    let mut body = canonical_body();
    for (field, value) in changes {
        body["data"]["booking"][*field] = value.clone();
    }
    body
}

fn with(field: &str, value: Value) -> Value {
    with_all(&[(field, value)])
}

fn pointers(faults: Vec<Fault>) -> Vec<String> {
    faults.into_iter().map(|fault| fault.pointer).collect()
}

#[track_caller]
fn check_faults(body: &Value, fields: &[&str]) {
    let expected: Vec<String> = fields.iter().map(|field| format!("/data/booking/{field}")).collect();
    assert_eq!(pointers(read(body).expect_err("faulty")), expected);
}

#[test]
fn the_canonical_body_is_read_whole() {
    let received = read(&canonical_body()).expect("valid");
    assert_eq!(received.event_id.as_deref(), Some("evt_7f31"));
    assert_eq!(received.snapshot.booking_id.as_str(), "BS-1048812");
    assert_eq!((received.snapshot.revision, &*received.passed_over), (Some(1), &[][..]));
    let sale = sold(received);
    assert_eq!(sale.start.to_string(), "2025-05-30T21:00:00Z");
    assert_eq!((u64::from(sale.duration), sale.party_size, sale.gross.to_string()), (180, 8, "840.75".into()));
    assert!(sale.guest.name.starts_with("Dana"), "{}", sale.guest.name);
    assert_eq!(sale.assigned.crew.map(|crew| crew.len()), Some(2));
}

/// What the sender states counts, unless no later change could count after it.
#[test]
fn a_snapshot_holds_from_when_the_sender_says() {
    let null = Value::Null;
    let at = |text: &str| Ok(instant(text));
    let faulty = |pointer: &str| Err(vec![pointer.to_owned()]);
    for (updated_at, created_at, expected) in [
        (json!("2025-05-20T18:03:10Z"), json!("2025-05-20T18:03:11Z"), at("2025-05-20T18:03:10Z")),
        (null.clone(), json!("2025-05-20T18:03:11Z"), at("2025-05-20T18:03:11Z")),
        (null.clone(), null.clone(), at(RECEIVED_AT)),
        (json!("2025-05-21T18:05:00Z"), null.clone(), at("2025-05-21T18:05:00Z")),
        (json!("2025-05-21T18:05:00.001Z"), null.clone(), faulty("/data/booking/updated_at")),
        (json!("2052-05-20T18:03:10Z"), null.clone(), faulty("/data/booking/updated_at")),
        (null.clone(), json!("2052-05-20T18:03:11Z"), faulty("/created_at")),
        (null, json!("soon"), faulty("/created_at")),
    ] {
        let mut body = with("updated_at", updated_at);
        body["created_at"] = created_at;
        let as_of = read(&body).map(|received| as_of(&received));
        assert_eq!(as_of.map_err(pointers), expected, "{body:#}");
    }
}

/// A time that is misread puts a snapshot into the wrong place, and nobody would notice.
#[test]
fn a_time_of_change_is_read_as_the_sender_writes_it() {
    const SENT: &str = "2025-05-20T18:03:10Z";
    let no_date = "must be a date and time such as 2025-05-30T14:00:00-07:00";
    let no_number = "must be a Unix time in whole units";
    let (unnamed, unknown) = (Value::Null, json!("Mars/Olympus"));
    let in_seconds = Some("in = \"unix_seconds\"");
    for (written, zone, sent, expected) in [
        (None, &unnamed, json!(SENT), Ok(SENT)),
        (None, &unnamed, json!("2025-05-20T11:03:10"), Ok(SENT)),
        (None, &json!("America/New_York"), json!("2025-05-20T14:03:10"), Ok(SENT)),
        (None, &json!("America/New_York"), json!("2025-05-20T11:03:10-07:00"), Ok(SENT)),
        // 3 November 2024, 1:30 happened twice; the first is Pacific Daylight Time.
        (None, &unnamed, json!("2024-11-03T01:30:00"), Ok("2024-11-03T08:30:00Z")),
        // 9 March 2025, 2:30 never happened.
        (None, &unnamed, json!("2025-03-09T02:30:00"), Err("this local time does not exist in America/Los_Angeles")),
        (None, &unknown, json!(SENT), Ok(SENT)),
        (in_seconds, &unknown, json!(1_747_764_190), Ok(SENT)),
        (None, &unnamed, json!(1_747_764_190), Err(no_date)),
        (None, &unnamed, json!("yesterday"), Err(no_date)),
        (None, &unnamed, json!(true), Err("must be a text")),
        (None, &unnamed, json!(" "), Ok(RECEIVED_AT)),
        (in_seconds, &unnamed, json!("1747764190"), Ok(SENT)),
        (in_seconds, &unnamed, json!(1_747_764_190.0), Ok(SENT)),
        (Some("in = \"unix_milliseconds\""), &unnamed, json!(1_747_764_190_000_i64), Ok(SENT)),
        (in_seconds, &unnamed, json!(1_747_764_190.5), Err(no_number)),
        (in_seconds, &unnamed, json!(SENT), Err(no_number)),
        (Some("format = \"%m/%d/%Y %I:%M:%S %p\""), &unnamed, json!("05/20/2025 11:03:10 AM"), Ok(SENT)),
        (Some("format = \"%Y%m%dT%H%M%S%z\""), &unknown, json!("20250520T180310+0000"), Ok(SENT)),
        (
            Some("format = \"%d.%m.%Y %H:%M\""),
            &unnamed,
            json!("30/05/2025 14:00"),
            Err("must be a date and time written as"),
        ),
    ] {
        let form =
            |pointer: &str| written.map_or(format!("{pointer:?}"), |how| format!("{{ at = {pointer:?}, {how} }}"));
        let file = CANONICAL
            .replace("event_created_at = \"/created_at\"", &format!("event_created_at = {}", form("/created_at")))
            .replace("updated_at = \"/updated_at\"", &format!("updated_at = {}", form("/updated_at")));
        let mapping = Mapping::parse("boatsetter", "file", &file).expect("valid");
        for pointer in ["/created_at", "/data/booking/updated_at"] {
            let mut body = with_all(&[("status", json!("cancelled")), ("timezone", zone.clone())]);
            (body["created_at"], body["data"]["booking"]["updated_at"]) = (Value::Null, Value::Null);
            *body.pointer_mut(pointer).expect("it is there") = sent.clone();
            let read = mapping.read(&body, &Operator::default(), instant(RECEIVED_AT));
            match (read, expected) {
                (Ok(received), Ok(at)) => assert_eq!(as_of(&received), instant(at), "{body:#}"),
                (Err(faults), Err(detail)) => {
                    let [fault] = &faults[..] else { panic!("one fault: {faults:?}") };
                    assert!(fault.pointer == pointer && fault.detail.starts_with(detail), "{fault:?}");
                }
                (read, _) => panic!("{written:?} {body:#}: {read:?}"),
            }
        }
    }
}

/// What the snapshot can do without costs a flag, and no booking.
#[test]
fn faulty_values_that_nobody_needs_are_passed_over() {
    let long = |characters: usize| json!("x".repeat(characters));
    let boat = |id: Value, name: Value| json!({ "id": id, "name": name });
    for (field, value, passed_over) in [
        ("timezone", json!("Pacific Time (US & Canada)"), &[Field::Timezone][..]),
        ("timezone", json!(-7), &[Field::Timezone]),
        ("guest", json!({ "name": "Dana", "locale": ["en"] }), &[Field::GuestLocale]),
        ("guest", json!({ "name": "Dana", "locale": "x".repeat(36) }), &[Field::GuestLocale]),
        ("guest", json!({ "name": "Dana", "locale": "en-US,en;q=0.9" }), &[]),
        ("guest", json!({ "name": "d".repeat(201), "locale": "en" }), &[Field::GuestName]),
        ("boat", boat(json!("qosd"), long(150)), &[Field::BoatName]),
        ("boat", boat(json!("qosd"), json!({ "en": "Queen" })), &[Field::BoatName]),
        ("boat", boat(long(101), json!("Queen of San Diego")), &[Field::BoatId]),
        ("boat", boat(json!("qosd"), Value::Null), &[]),
        ("location", long(251), &[Field::Location]),
        ("location", json!({ "lat": 1 }), &[Field::Location]),
        ("location", long(250), &[]),
        ("notes", long(2_000), &[]),
        ("notes", long(2_001), &[]),
        ("notes", long(20_000), &[]),
        ("notes", json!(["a"]), &[Field::Notes]),
        ("party_size", json!("8"), &[]),
        ("party_size", serde_json::from_str("8.0").expect("JSON"), &[]),
        ("duration_minutes", serde_json::from_str("180.0").expect("JSON"), &[]),
        ("revision", serde_json::from_str("1.0").expect("JSON"), &[]),
        ("crew_ids", json!("crew-1, crew-2"), &[]),
    ] {
        let operator: Operator = toml::from_str(EXAMPLE).expect("valid");
        for operator in [&Operator::default(), &operator] {
            let received = Mapping::canonical().read(&with(field, value.clone()), operator, instant(RECEIVED_AT));
            let received = received.unwrap_or_else(|faults| panic!("{field} {value}: {faults:?}"));
            assert_eq!(received.passed_over, passed_over, "{field} {value}");
            let sale = sold(received);
            assert_eq!(
                (sale.party_size, u64::from(sale.duration), sale.start),
                (8, 180, instant("2025-05-30T21:00:00Z"))
            );
        }
    }
    let cut = sold(read(&with("notes", json!("é".repeat(3_000)))).expect("valid")).notes;
    assert!(cut.ends_with(NOTES_ARE_CUT) && cut.chars().count() <= 2_000 && cut.len() <= 4_000, "{}", cut.len());
}

/// A value that decides is never guessed: what is faulty there is a fault, and the only one.
#[test]
fn faulty_values_that_decide_are_faults() {
    let local = ("start_at", json!("2025-05-30T14:00:00"));
    for (changes, fields) in [
        (vec![("id", json!("BS 1"))], &["id"][..]),
        (vec![("status", json!(["confirmed"]))], &["status"]),
        (vec![("revision", json!(-1))], &["revision"]),
        (vec![("revision", json!("one"))], &["revision"]),
        (vec![("revision", json!(1.5))], &["revision"]),
        (vec![("revision", json!(u64::MAX))], &["revision"]),
        (vec![("updated_at", json!("2031-05-20T18:03:10Z"))], &["updated_at"]),
        (vec![("start_at", json!("30.5.2025"))], &["start_at"]),
        (vec![local.clone(), ("timezone", json!("Mars/Olympus"))], &["timezone"]),
        (vec![("duration_minutes", json!("a while"))], &["duration"]),
        (vec![("party_size", json!(0))], &["party_size"]),
        (vec![("party_size", json!(8.5))], &["party_size"]),
        (vec![("party_size", json!(501))], &["party_size"]),
        (vec![("gross", json!("84,07"))], &["gross"]),
        (vec![("gross", json!("€840"))], &["gross"]),
        (vec![("gross", json!(-1))], &["gross"]),
        (vec![("currency", json!("EUR"))], &["currency"]),
        (vec![("currency", Value::Null)], &["currency"]),
        (vec![("crew_ids", json!(["crew-1", 7]))], &["crew_ids"]),
        (vec![("crew_ids", json!("crew 1"))], &["crew_ids"]),
        (vec![("captain_id", json!("captain/1"))], &["captain_id"]),
        (vec![("guest", Value::Null)], &["guest/name"]),
        (vec![("boat", Value::Null)], &["boat/id"]),
        (vec![("replaces", json!("BS 1"))], &["replaces"]),
    ] {
        let expected: Vec<&str> =
            fields.iter().map(|field| if *field == "duration" { "duration_minutes" } else { field }).collect();
        check_faults(&with_all(&changes), &expected);
    }
    let operator: Operator = toml::from_str(EXAMPLE).expect("valid");
    let unknown = with("boat", json!({ "id": "another", "name": "x".repeat(101) }));
    let faults = Mapping::canonical().read(&unknown, &operator, instant(RECEIVED_AT)).expect_err("which boat?");
    assert_eq!(pointers(faults), ["/data/booking/boat/name"]);
}

/// Only a booking that sails needs what was sold; who must be aboard is judged with the record in hand.
#[test]
fn a_booking_needs_what_its_status_needs() {
    for word in ["cancelled", "Declined", "inquiry", "held", "EXPIRED"] {
        let booking = json!({ "id": "BS-1", "status": word, "revision": 2, "gross": "a lot", "crew_ids": [7] });
        let snapshot = read(&json!({ "data": { "booking": booking } })).expect(word).snapshot;
        assert_eq!((snapshot.revision, snapshot.sale), (Some(2), None), "{word}");
    }
    let nobody = with_all(&[("crew_ids", json!([])), ("captain_id", Value::Null)]);
    assert_eq!(sold(read(&nobody).expect("the record may name them")).assigned, Assigned::default());
    let nothing = json!({ "data": { "booking": { "id": "BS-1", "status": "confirmed" } } });
    check_faults(
        &nothing,
        &["start_at", "duration_minutes", "boat/id", "party_size", "currency", "gross", "guest/name"],
    );
    check_faults(
        &with_all(&[("status", json!("cancelled")), ("updated_at", json!("soon")), ("revision", json!(-1))]),
        &["revision", "updated_at"],
    );
}

#[test]
fn a_word_in_no_list_is_not_understood() {
    for (word, expected) in [
        ("Approved", Some(BookingStatus::Confirmed)),
        ("CANCELED", Some(BookingStatus::Cancelled)),
        ("declined", Some(BookingStatus::Cancelled)),
        ("pre-approved", Some(BookingStatus::Inconclusive)),
        ("refunded", Some(BookingStatus::Inconclusive)),
        ("booked", None),
        ("cancelled_by_guest", None),
    ] {
        assert_eq!(Mapping::canonical().status(word), expected, "{word}");
    }
    for (word, shown) in [("cancelled_by_guest", true), ("dana@example.com wrote $840", false)] {
        let faults = read(&with("status", json!(word))).expect_err("not understood");
        assert_eq!((faults.len(), &*faults[0].pointer), (1, "/data/booking/status"), "{faults:?}");
        assert_eq!(faults[0].detail.contains(word), shown, "{faults:?}");
    }
}

#[test]
fn an_end_may_stand_for_the_duration() {
    let end = ("end_at", json!("2025-05-30T17:00:00-07:00"));
    for (minutes, end, fields) in [
        (Value::Null, end.1.clone(), &[][..]),
        (json!(180), end.1.clone(), &[]),
        (json!("3 hours"), Value::Null, &[]),
        (json!("2h 60m"), Value::Null, &[]),
        (json!("PT3H"), Value::Null, &[]),
        (json!(240), end.1, &["end_at"]),
        (json!(14), Value::Null, &["duration_minutes"]),
        (json!("long"), Value::Null, &["duration_minutes"]),
        (Value::Null, Value::Null, &["duration_minutes"]),
        (Value::Null, json!("2025-05-30T13:00:00-07:00"), &["end_at"]),
        (Value::Null, json!("2025-05-30T17:00:30-07:00"), &["end_at"]),
        (Value::Null, json!("2025-06-30T17:00:00-07:00"), &["end_at"]),
        (json!(100_000), json!("at sunset"), &["duration_minutes", "end_at"]),
    ] {
        let body = with_all(&[("duration_minutes", minutes), ("end_at", end)]);
        match read(&body) {
            Ok(received) => assert_eq!((u64::from(sold(received).duration), fields.len()), (180, 0), "{body:#}"),
            Err(_) => check_faults(&body, fields),
        }
    }
}

/// What is wrong around the booking is said beside what is wrong in it.
#[test]
fn every_fault_is_named_at_once() {
    let mut body = with_all(&[
        ("status", json!("booked")),
        ("gross", json!("eight hundred")),
        ("start_at", json!("2025-03-09T02:30:00")),
        ("duration_minutes", Value::Null),
        ("party_size", json!(0)),
        ("currency", json!("EUR")),
        ("guest", Value::Null),
    ]);
    body["created_at"] = json!("yesterday");
    let fields = ["status", "start_at", "duration_minutes", "party_size", "currency", "gross", "guest/name"];
    let expected: Vec<String> =
        std::iter::once("/created_at".to_owned()).chain(fields.map(|field| format!("/data/booking/{field}"))).collect();
    assert_eq!(pointers(read(&body).expect_err("faulty")), expected);
}

#[test]
fn the_senders_id_of_an_event_is_a_text_or_a_number() {
    for (sent, expected) in [
        (json!("evt_7f31"), Some("evt_7f31")),
        (json!(7731), Some("7731")),
        (json!(""), None),
        (json!(["evt_7f31"]), None),
        (Value::Null, None),
    ] {
        let mut body = canonical_body();
        body["id"] = sent;
        assert_eq!(read(&body).expect("valid").event_id.as_deref(), expected);
    }
}

fn reading(mapping: &Mapping, body: &Value) -> Result<Vec<Result<String, Vec<String>>>, String> {
    match mapping.interpret(body, &HeaderMap::new(), &Operator::default(), instant(RECEIVED_AT)) {
        Reading::Ignored { why } => Err(why),
        Reading::Bookings(bookings) => Ok(bookings
            .into_iter()
            .map(|booking| booking.map(|received| received.snapshot.booking_id.to_string()).map_err(pointers))
            .collect()),
    }
}

/// An object that is a booking is read under any event's name; an event without one is ignored only if the mapping says so.
#[test]
fn an_event_is_ignored_only_if_it_carries_no_booking() {
    let canonical = Mapping::canonical();
    for (body, ignored) in [
        (json!({ "type": "ping" }), true),
        (json!({ "type": "PING", "data": {} }), true),
        (json!({ "type": "message.created", "data": { "message": "hello" } }), true),
        (json!({ "type": "payment.paid", "data": { "booking": "BS-1" } }), true),
        (json!({ "type": "booking.created", "data": {} }), false),
        (json!({ "type": "pinged" }), false),
        (json!({}), false),
        (json!([]), false),
        (json!({ "type": "ping", "data": { "booking": { "id": "BS-1" } } }), false),
        (json!({ "type": "message.created", "data": { "booking": { "status": "cancelled" } } }), false),
    ] {
        let reading = reading(&canonical, &body);
        assert_eq!(reading.is_err(), ignored, "{body} {reading:?}");
        assert!(reading.is_err() || reading.is_ok_and(|bookings| bookings[0].is_err()), "{body}");
    }
    let mut message_about_a_booking = canonical_body();
    message_about_a_booking["type"] = json!("message.created");
    assert_eq!(reading(&canonical, &message_about_a_booking), Ok(vec![Ok("BS-1048812".into())]));
}

fn mapping(file: &str) -> Mapping {
    Mapping::parse("harbor", "harbor.toml", file).unwrap_or_else(|fault| panic!("{fault}"))
}

/// Every form of the language, on one body.
const FLAT: &str = r#"
prefix = "HB-"
label = "Harbor"
bookings = "/items/*"
event_id = { header = "X-Event-Key" }
event_created_at = { at = "/sent", in = "unix_seconds" }
ignore = [{ at = "/kind", is = ["PING"] }]
[fields]
id = { at = "/uri", match = "([^/]+)$" }
status = { join = ["/state", { root = "/kind" }] }
replaces = "/rescheduleUid"
guest_name = { join = ["/first", "/last"] }
party_size = { sum = "/quantities/*/value" }
gross = { at = "/total", in = "dollars" }
currency = { constant = "USD" }
boat_id = { constant = "qosd" }
crew_ids = { constant = ["crew-1", "crew-2"] }
start_at = { join = ["/date", "/time"], format = "%m/%d/%Y %I:%M %p" }
duration = { at = "/duration", in = "hours" }
notes = { first_of = ["/note", { root = "/comments" }] }
[statuses]
confirmed = ["booked changed", "booked created"]
cancelled = ["gone changed"]
"#;

fn flat_item(changes: &[(&str, Value)]) -> Value {
    let mut item = json!({ "uri": "https://harbor.example/bookings/77", "state": "booked", "first": "Dana", "last": "Whitfield",
        "quantities": [{ "value": 2 }, { "value": "6" }, { "value": null }], "total": "$1,840.75", "date": "05/30/2031",
        "time": "2:00 PM", "duration": "3 hours" });
    for (key, value) in changes {
        item[*key] = value.clone();
    }
    item
}

#[test]
fn every_form_reads_what_it_says() {
    let body = json!({ "kind": "created", "sent": 1_747_764_190, "comments": "from the root", "items": [
        flat_item(&[("rescheduleUid", json!("76"))]),
        flat_item(&[("uri", json!("78")), ("duration", json!(2.5)), ("note", json!("its own"))]),
        flat_item(&[("time", json!("tea time")), ("quantities", json!([{ "value": "two" }])), ("uri", json!("HB-9"))]),
    ] });
    let headers: HeaderMap =
        [(HeaderName::from_static("x-event-key"), "key-1".parse().expect("a value"))].into_iter().collect();
    let Reading::Bookings(bookings) =
        mapping(FLAT).interpret(&body, &headers, &Operator::default(), instant(RECEIVED_AT))
    else {
        panic!("they are bookings")
    };
    let [first, second, third] = &bookings[..] else { panic!("three: {bookings:?}") };
    let first = first.clone().expect("valid");
    assert_eq!(
        (first.event_id.as_deref(), first.event_created_at),
        (Some("key-1"), Some(instant("2025-05-20T18:03:10Z")))
    );
    assert_eq!(first.snapshot.booking_id.as_str(), "HB-77");
    assert_eq!(first.snapshot.replaces.as_ref().map(|id| id.as_str()), Some("HB-76"));
    let sale = sold(first);
    assert_eq!((sale.start.to_string().as_str(), u64::from(sale.duration)), ("2031-05-30T21:00:00Z", 180));
    assert_eq!((sale.party_size, sale.gross.to_string().as_str(), &*sale.guest.name), (8, "1840.75", "Dana Whitfield"));
    assert_eq!((&*sale.notes, sale.assigned.crew.map(|crew| crew.len())), ("from the root", Some(2)));
    let second = second.clone().expect("valid");
    assert_eq!((second.snapshot.booking_id.as_str(), second.snapshot.replaces.clone()), ("HB-78", None));
    let sale = sold(second);
    assert_eq!((u64::from(sale.duration), &*sale.notes), (150, "its own"));
    let third = third.clone().expect_err("faulty");
    assert_eq!(pointers(third), ["/items/2/date", "/items/2/quantities/*/value"]);
    assert_eq!(mapping(FLAT).headers(), ["x-event-key"]);
}

#[test]
fn bookings_are_at_least_one_and_at_most_25() {
    let mapping = mapping(FLAT);
    let body =
        |count: usize| json!({ "kind": "changed", "items": vec![flat_item(&[("state", json!("gone"))]); count] });
    for (body, expected) in [
        (body(1), Ok(1)),
        (body(25), Ok(25)),
        (body(26), Err("/items/*")),
        (body(0), Err("/items/*")),
        (json!({ "kind": "changed", "items": "none" }), Err("/items/*")),
        (json!({ "kind": "changed", "items": [7] }), Err("/items/0")),
    ] {
        let reading = reading(&mapping, &body).expect("not ignored");
        match expected {
            Ok(count) => assert!(reading.len() == count && reading.iter().all(Result::is_ok), "{reading:?}"),
            Err(pointer) => assert_eq!(reading, [Err(vec![pointer.to_owned()])]),
        }
    }
    assert!(reading(&mapping, &json!({ "kind": "ping" })).is_err());
}

#[test]
fn amounts_are_read_in_their_unit() {
    let dollars = CANONICAL.to_owned();
    let cents = CANONICAL.replace("in = \"dollars\"", "in = \"cents\"");
    for (file, sent, expected) in [
        (&dollars, "840.75", Some("840.75")),
        (&dollars, "\"840.750\"", Some("840.75")),
        (&dollars, "\"$1,840.75\"", Some("1840.75")),
        (&dollars, "\"US$ 840.75\"", Some("840.75")),
        (&dollars, "\"840.75 USD\"", Some("840.75")),
        (&dollars, "8.4075e2", Some("840.75")),
        (&dollars, "\"1.840,75\"", None),
        (&dollars, "\"1,84\"", None),
        (&dollars, "\"£840\"", None),
        (&dollars, "\"840.75.\"", None),
        (&cents, "84075", Some("840.75")),
        (&cents, "\"84,075\"", Some("840.75")),
        (&cents, "84075.0", Some("840.75")),
        (&cents, "840.75", None),
        (&cents, "\"$84075\"", None),
    ] {
        let mapping = Mapping::parse("boatsetter", "file", file).expect("valid");
        let body = with("gross", serde_json::from_str(sent).expect("JSON"));
        let read = mapping.read(&body, &Operator::default(), instant(RECEIVED_AT)).ok();
        assert_eq!(read.map(|received| sold(received).gross.to_string()).as_deref(), expected, "{sent}");
    }
}

/// Each with its line, and all of them at once; none of them is left to be found by a delivery.
#[test]
fn slips_in_a_file_are_named_with_their_lines() {
    for (from, to, line, words) in [
        ("label = \"Harbor\"", "lable = \"Harbor\"", 3, "nobody reads lable"),
        ("label = \"Harbor\"", "label = \"Harbor\\x\"", 3, ""),
        ("prefix = \"HB-\"", "", 1, "a prefix of booking ids is missing"),
        ("prefix = \"HB-\"", "prefix = \"H B\"", 2, "prefix must be"),
        ("bookings = \"/items/*\"", "bookings = \"/items\"", 4, "needs a *"),
        ("bookings = \"/items/*\"", "booking = \"/items/*\"", 4, "say bookings"),
        ("bookings = \"/items/*\"", "bookings = \"items/*\"", 4, "is no JSON pointer"),
        ("bookings = \"/items/*\"", "bookings = 1", 4, "must be a text, not integer"),
        ("bookings = \"/items/*\"", "", 1, "booking is missing"),
        ("header = \"X-Event-Key\"", "header = \"X Event\"", 5, "no header's name"),
        ("in = \"unix_seconds\"", "in = \"seconds\"", 6, "unix_seconds or unix_milliseconds"),
        ("is = [\"PING\"]", "is = \"PING\"", 7, "must be a list, not string"),
        ("is = [\"PING\"]", "was = [\"PING\"]", 7, "nobody reads ignore.was"),
        ("([^/]+)$", "([^/+$", 9, "no regular expression"),
        ("replaces = \"/rescheduleUid\"", "replaces = \"rescheduleUid\"", 11, "\"rescheduleUid\" is no JSON pointer"),
        ("replaces = \"/rescheduleUid\"", "replaces = \"/a~2\"", 11, "~ is written ~0"),
        ("replaces = \"/rescheduleUid\"", "replaces = 7", 11, "must be a pointer such as"),
        ("replaces = \"/rescheduleUid\"", "replaces = { a = \"/b\" }", 11, "needs one of at, root"),
        ("replaces = \"/rescheduleUid\"", "replaces = { at = \"/b\", root = \"/c\" }", 11, "two sources, at and root"),
        ("replaces = \"/rescheduleUid\"", "replaces = { at = \"/b\", in = \"cents\" }", 11, "it has no unit"),
        (
            "replaces = \"/rescheduleUid\"",
            "replaces = { at = \"/b\", format = \"%Y\" }",
            11,
            "only a time has a format",
        ),
        (
            "replaces = \"/rescheduleUid\"",
            "replaces = { constant = \"a b\" }",
            11,
            "fields.replaces.constant must be 1 to 64",
        ),
        ("sum = \"/quantities/*/value\"", "count = \"/quantities\"", 13, "needs a *"),
        (
            "{ at = \"/total\", in = \"dollars\" }",
            "\"/total\"",
            14,
            "fields.gross needs a unit: in = \"dollars\" or in = \"cents\"",
        ),
        ("in = \"dollars\"", "in = \"euros\"", 14, "dollars or cents"),
        ("constant = \"USD\"", "constant = 840", 15, "fields.currency.constant must be USD"),
        ("constant = \"USD\"", "constant = true", 15, "must be a text, a number or a list"),
        ("currency =", "curency =", 15, "nobody reads fields.curency"),
        ("currency =", "curency =", 8, "does not say where currency is"),
        (
            "constant = [\"crew-1\", \"crew-2\"]",
            "constant = [\"crew 1\"]",
            17,
            "fields.crew_ids.constant must be 1 to 64",
        ),
        ("%m/%d/%Y %I:%M %p", "%m/%d/%Y", 18, "does not say a day and a time"),
        ("%m/%d/%Y %I:%M %p", "%I:%M %p", 18, "does not say a day and a time"),
        ("%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M", 18, "does not say a day and a time"),
        (", in = \"hours\"", "", 19, "fields.duration needs a unit"),
        (
            "cancelled = [\"gone changed\"]",
            "cancelled = [\"Booked changed\"]",
            23,
            "\"Booked changed\" is in two lists, confirmed and cancelled",
        ),
        ("cancelled = [\"gone changed\"]", "cancelled = []", 21, "no words in cancelled"),
        ("cancelled = [\"gone changed\"]", "canceled = [\"gone\"]", 23, "nobody reads statuses.canceled"),
        ("cancelled = [\"gone changed\"]", "cancelled = [7]", 23, "must be a text, not integer"),
        ("[statuses]", "[states]", 21, "nobody reads states"),
    ] {
        let file = FLAT.replacen(from, to, 1);
        assert_ne!(file, FLAT, "{from}");
        let fault = Mapping::parse("harbor", "harbor.toml", &file).expect_err(to);
        let found = fault.slips.iter().any(|(at, what)| *at == line && what.contains(words));
        assert!(found, "{to}: line {line} {words:?} is not in {fault}");
        assert!(fault.to_string().contains(&format!("harbor.toml line {line}: ")), "{fault}");
    }
    let two = FLAT.replacen("in = \"dollars\"", "in = \"euros\"", 1).replacen("in = \"hours\"", "in = \"days\"", 1);
    assert_eq!(Mapping::parse("harbor", "harbor.toml", &two).expect_err("two slips").slips.len(), 2);
    assert!(Mapping::parse("harbor", "harbor.toml", "").is_err());
}

/// One sender's bookings never look like another's.
#[test]
fn an_id_with_another_senders_prefix_is_a_fault() {
    let mut canonical = Mapping::canonical();
    canonical.keep_apart_from(vec!["HB-".into()]);
    for (id, sound) in [("BS-1", true), ("HB-1", false), ("HB1", true)] {
        let read = canonical.read(&with("id", json!(id)), &Operator::default(), instant(RECEIVED_AT));
        assert_eq!(read.is_ok(), sound, "{id}");
    }
    assert!(
        Mapping::canonical_at("/booking")
            .read(
                &json!({ "booking": { "id": "HB-1", "status": "cancelled" } }),
                &Operator::default(),
                instant(RECEIVED_AT)
            )
            .is_ok(),
        "a person enters any booking"
    );
}

/// Only a person's entry means dollars when it says nothing.
#[test]
fn a_persons_entry_needs_no_currency_and_means_now() {
    let mut booking = canonical_body()["data"]["booking"].clone();
    booking["currency"] = Value::Null;
    booking["updated_at"] = json!("2052-05-20T18:03:10Z");
    let entry = Mapping::canonical_at("/booking").read(
        &json!({ "booking": booking }),
        &Operator::default(),
        instant(RECEIVED_AT),
    );
    assert_eq!(entry.expect("valid").snapshot.updated_at, None);
}

proptest::proptest! {
    /// Any file is a mapping or a list of slips; any body is read, or its faults are named.
    #[test]
    fn any_file_is_judged(cut in 0_usize..1_600, put in "[\\[\\]{}=\"',*/a-z0-9 \\n\\\\]{0,12}") {
        let mut file = FLAT.to_owned();
        let at = (0..=cut.min(file.len())).rev().find(|at| file.is_char_boundary(*at)).unwrap_or_default();
        file.insert_str(at, &put);
        if let Err(fault) = Mapping::parse("harbor", "harbor.toml", &file) {
            proptest::prop_assert!(!fault.slips.is_empty());
        }
    }

    #[test]
    fn any_value_in_any_field_is_judged(field in 0_usize..19, value in any_json()) {
        const FIELDS: [&str; 19] = ["id", "status", "revision", "updated_at", "start_at", "end_at", "duration_minutes", "timezone",
            "boat", "party_size", "currency", "gross", "guest", "notes", "location", "crew_ids", "captain_id", "replaces", "other"];
        let body = with(FIELDS[field], value.clone());
        if let Err(faults) = read(&body) {
            proptest::prop_assert!(!faults.is_empty());
        }
        let in_flat = json!({ "kind": "created", "items": [flat_item(&[(["uri", "state", "first", "quantities", "total", "date",
            "time", "duration", "note"][field % 9], value)])] });
        let _judged = reading(&mapping(FLAT), &in_flat);
    }
}

fn any_json() -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        "[0-9.,:TZ+$eE -]{0,25}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map("[a-z]{1,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
