use serde_json::json;

use super::*;
use crate::booking::Assigned;

const EXAMPLE: &str = include_str!("../../../../../operator.example.toml");

const RECEIVED_AT: &str = "2025-05-20T18:05:00Z";

fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn read(body: &Value) -> Result<Received, Vec<Fault>> {
    Mapping::canonical().read(body, &Operator::default(), instant(RECEIVED_AT))
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

fn with(pointer: &str, value: Value) -> Value {
    let mut body = canonical_body();
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    body.pointer_mut(parent).expect("it exists")[key] = value;
    body
}

/// The booking with some fields set otherwise; `null` takes one away.
fn with_all(changes: &[(&str, Value)]) -> Value {
    let mut body = canonical_body();
    for (field, value) in changes {
        body["data"]["booking"][*field] = value.clone();
    }
    body
}

fn faults(body: &Value) -> Vec<String> {
    let found = read(body).expect_err("faulty");
    found.into_iter().map(|fault| format!("{} {}", fault.pointer, fault.detail)).collect()
}

#[track_caller]
fn check_faults(body: &Value, operator: &Operator, fields: &[&str]) {
    let found = Mapping::canonical().read(body, operator, instant(RECEIVED_AT)).expect_err("faulty");
    let pointers: Vec<String> = found.into_iter().map(|fault| fault.pointer).collect();
    let expected: Vec<String> = fields.iter().map(|field| format!("/data/booking/{field}")).collect();
    assert_eq!(pointers, expected);
}

/// What the sender states counts, unless no later change could count after it.
#[test]
fn a_snapshot_holds_from_when_the_sender_says() {
    let (null, faulty) = (Value::Null, Err("/data/booking/updated_at".to_owned()));
    let at = |text: &str| Ok(instant(text));
    for (updated_at, created_at, expected) in [
        (json!("2025-05-20T18:03:10Z"), json!("2025-05-20T18:03:11Z"), at("2025-05-20T18:03:10Z")),
        (null.clone(), json!("2025-05-20T18:03:11Z"), at("2025-05-20T18:03:11Z")),
        (null.clone(), json!("2052-05-20T18:03:11Z"), at(RECEIVED_AT)),
        (null.clone(), null.clone(), at(RECEIVED_AT)),
        (json!("2025-05-21T18:05:00Z"), null.clone(), at("2025-05-21T18:05:00Z")),
        (json!("2025-05-21T18:05:00.001Z"), null, faulty.clone()),
        (json!("2052-05-20T18:03:10Z"), json!("2025-05-20T18:03:11Z"), faulty),
    ] {
        let mut body = with("/data/booking/updated_at", updated_at);
        body["created_at"] = created_at;
        let as_of = read(&body).map(|received| received.as_of(instant(RECEIVED_AT)));
        let pointers = |faults: Vec<Fault>| faults.into_iter().map(|fault| fault.pointer).collect::<String>();
        assert_eq!(as_of.map_err(pointers), expected, "{body:#}");
    }
}

/// Wherever in the body it stands: a time that is misread puts a snapshot into the wrong place, and nobody would notice.
#[test]
fn a_time_of_change_is_read_as_the_sender_writes_times() {
    const SENT: &str = "2025-05-20T18:03:10Z";
    let no_date = "must be a date and time such as 2025-05-30T14:00:00-07:00";
    let no_number = "must be a Unix time in whole units";
    let (unnamed, unknown) = (Value::Null, json!("Mars/Olympus"));
    for (times, zone, sent, expected) in [
        ("text", &unnamed, json!(SENT), Ok(SENT)),
        ("text", &unnamed, json!("2025-05-20T11:03:10"), Ok(SENT)),
        ("text", &json!("America/New_York"), json!("2025-05-20T14:03:10"), Ok(SENT)),
        ("text", &json!("America/New_York"), json!("2025-05-20T11:03:10-07:00"), Ok(SENT)),
        // 3 November 2024, 1:30 happened twice; the first is Pacific Daylight Time.
        ("text", &unnamed, json!("2024-11-03T01:30:00"), Ok("2024-11-03T08:30:00Z")),
        // 9 March 2025, 2:30 never happened.
        ("text", &unnamed, json!("2025-03-09T02:30:00"), Err("this local time does not exist in America/Los_Angeles")),
        // Whoever says which instant is meant needs no zone.
        ("text", &unknown, json!(SENT), Ok(SENT)),
        ("unix_seconds", &unknown, json!(1_747_764_190), Ok(SENT)),
        ("text", &unnamed, json!(1_747_764_190), Err(no_date)),
        ("text", &unnamed, json!("yesterday"), Err(no_date)),
        ("text", &unnamed, json!(true), Err("must be a text")),
        ("text", &unnamed, json!(" "), Ok(RECEIVED_AT)),
        ("text", &unnamed, Value::Null, Ok(RECEIVED_AT)),
        ("unix_seconds", &unnamed, json!(1_747_764_190), Ok(SENT)),
        ("unix_seconds", &unnamed, json!("1747764190"), Ok(SENT)),
        ("unix_milliseconds", &unnamed, json!(1_747_764_190_000_i64), Ok(SENT)),
        ("unix_seconds", &unnamed, json!(1_747_764_190.5), Err(no_number)),
        ("unix_seconds", &unnamed, json!(SENT), Err(no_number)),
    ] {
        let mapping = include_str!("boatsetter.toml").replace("\"text\"\n", &format!("{times:?}\n"));
        let mapping = Mapping::parse(&mapping).expect("valid");
        for pointer in ["/created_at", "/data/booking/updated_at"] {
            let mut body = with_all(&[("status", json!("cancelled")), ("timezone", zone.clone())]);
            (body["created_at"], body["data"]["booking"]["updated_at"]) = (Value::Null, Value::Null);
            *body.pointer_mut(pointer).expect("it is there") = sent.clone();
            let read = mapping.read(&body, &Operator::default(), instant(RECEIVED_AT));
            match (read, expected) {
                (Ok(received), Ok(at)) => assert_eq!(received.as_of(instant(RECEIVED_AT)), instant(at), "{body:#}"),
                (Err(faults), Err(detail)) => {
                    let [fault] = &faults[..] else { panic!("one fault: {faults:?}") };
                    assert!(fault.pointer == pointer && fault.detail.starts_with(detail), "{fault:?}");
                }
                (read, _) => panic!("{times} {body:#}: {read:?}"),
            }
        }
    }
}

/// A zone that nobody knows is a fault as soon as a local time is in it, and is named once.
#[test]
fn a_local_time_needs_a_zone_that_exists() {
    let mars = ("timezone", json!("Mars/Olympus"));
    let local = ("updated_at", json!("2025-05-20T11:03:10"));
    let off = ("status", json!("cancelled"));
    let no_zone = ["/data/booking/timezone must be an IANA time zone such as America/Los_Angeles"];
    assert_eq!(faults(&with_all(&[mars.clone(), local.clone(), off.clone()])), no_zone);
    assert_eq!(faults(&with_all(&[mars.clone(), local])), no_zone);
    assert_eq!(faults(&with_all(std::slice::from_ref(&mars))), no_zone, "a charter is shown in its zone");
    assert!(read(&with_all(&[mars, off])).is_ok(), "nobody needs it");
}

#[test]
fn the_senders_id_of_an_event_is_a_text_or_a_number() {
    for (sent, expected) in
        [(json!("evt_7f31"), Some("evt_7f31")), (json!(7731), Some("7731")), (json!(""), None), (Value::Null, None)]
    {
        let received = read(&with("/id", sent)).expect("valid");
        assert_eq!(received.event_id.as_deref(), expected);
    }
    assert_eq!(faults(&with("/id", json!(["evt_7f31"]))), ["/id must be a text"]);
}

/// What is wrong around the booking is said beside what is wrong in it.
#[test]
fn faults_of_the_event_and_of_the_booking_are_named_at_once() {
    let mut body = with_all(&[("party_size", json!(0))]);
    (body["id"], body["created_at"]) = (json!({}), json!("yesterday"));
    let pointers: Vec<String> = read(&body).expect_err("faulty").into_iter().map(|fault| fault.pointer).collect();
    assert_eq!(pointers, ["/id", "/created_at", "/data/booking/party_size"]);
}

#[test]
fn the_canonical_body_is_read_whole() {
    let received = read(&canonical_body()).expect("valid");
    assert_eq!(received.event_id.as_deref(), Some("evt_7f31"));
    assert_eq!(received.snapshot.booking_id.as_str(), "BS-1048812");
    assert_eq!(received.snapshot.revision, Some(1));
    let sale = sold(received);
    assert_eq!(sale.start.to_string(), "2025-05-30T21:00:00Z");
    assert_eq!((u64::from(sale.duration), sale.party_size, sale.gross.to_string()), (180, 8, "840.75".into()));
    assert_eq!(sale.guest.name, "Dana Whitfield");
    assert_eq!(sale.assigned.crew.map(|crew| crew.len()), Some(2));
}

#[test]
fn amounts_and_ids_may_be_numbers_and_keep_their_digits() {
    for gross in ["840.75", "840.750", "\"840.75\""] {
        let body = with("/data/booking/gross", serde_json::from_str(gross).expect("JSON"));
        assert_eq!(sold(read(&body).expect("valid")).gross.to_string(), "840.75");
    }
}

#[test]
fn only_a_standing_booking_needs_what_was_sold() {
    for (word, expected) in [
        ("cancelled", BookingStatus::Cancelled),
        ("declined", BookingStatus::Cancelled),
        ("inquiry", BookingStatus::Inconclusive),
        ("held", BookingStatus::Inconclusive),
    ] {
        let booking =
            json!({ "id": "BS-1048812", "status": word, "updated_at": "2025-05-21T09:00:00Z", "revision": 2 });
        let body = json!({ "data": { "booking": booking } });
        let snapshot = read(&body).expect(word).snapshot;
        assert_eq!((snapshot.revision, snapshot.status), (Some(2), expected));
        assert!(snapshot.updated_at.is_some());
    }
    let sold_badly = with_all(&[("status", json!("canceled")), ("gross", json!("a lot")), ("crew_ids", json!([]))]);
    assert_eq!(read(&sold_badly).expect("nobody needs it").snapshot.status, BookingStatus::Cancelled);
    let without_order =
        with_all(&[("status", json!("canceled")), ("updated_at", json!("soon")), ("revision", json!(-1))]);
    check_faults(&without_order, &Operator::default(), &["revision", "updated_at"]);
}

#[test]
fn an_end_may_stand_for_the_duration() {
    let end = ("end_at", json!("2025-05-30T17:00:00-07:00"));
    let body = with_all(&[end.clone(), ("duration_minutes", Value::Null)]);
    assert_eq!(u64::from(sold(read(&body).expect("valid")).duration), 180);
    assert!(read(&with_all(std::slice::from_ref(&end))).is_ok(), "both may be sent");
    let body = with_all(&[end, ("duration_minutes", json!(240))]);
    assert_eq!(faults(&body), ["/data/booking/end_at disagrees with the duration: send one of them, or mend it"]);
}

#[test]
fn a_bad_duration_is_named_where_it_was_sent() {
    for (minutes, end, fields) in [
        (json!(14), Value::Null, &["duration_minutes"][..]),
        (json!("long"), Value::Null, &["duration_minutes"]),
        (Value::Null, Value::Null, &["duration_minutes"]),
        (Value::Null, json!("2025-05-30T13:00:00-07:00"), &["end_at"]),
        (Value::Null, json!("2025-05-30T17:00:30-07:00"), &["end_at"]),
        (Value::Null, json!("2025-06-30T17:00:00-07:00"), &["end_at"]),
        (Value::Null, json!("at sunset"), &["end_at"]),
        (json!(100_000), json!("at sunset"), &["duration_minutes", "end_at"]),
    ] {
        let body = with_all(&[("duration_minutes", minutes), ("end_at", end)]);
        check_faults(&body, &Operator::default(), fields);
    }
}

#[test]
fn every_fault_is_named_at_once() {
    let body = with_all(&[
        ("gross", json!("eight hundred")),
        ("start_at", json!("2025-03-09T02:30:00")),
        ("duration_minutes", Value::Null),
        ("party_size", json!(0)),
        ("currency", json!("EUR")),
        ("crew_ids", json!(["crew-1", 7])),
        ("captain_id", Value::Null),
        ("guest", Value::Null),
    ]);
    let all =
        ["start_at", "duration_minutes", "party_size", "currency", "gross", "guest/name", "crew_ids", "captain_id"];
    check_faults(&body, &Operator::default(), &all);

    let ends_before_it_starts = with_all(&[
        ("gross", json!("eight hundred")),
        ("duration_minutes", Value::Null),
        ("end_at", json!("2025-05-30T13:00:00-07:00")),
        ("crew_ids", Value::Null),
    ]);
    check_faults(&ends_before_it_starts, &Operator::default(), &["end_at", "gross", "crew_ids"]);

    let nothing = json!({ "data": { "booking": {} } });
    let all =
        ["id", "status", "start_at", "duration_minutes", "boat/id", "party_size", "gross", "guest/name", "crew_ids"];
    check_faults(&nothing, &Operator::default(), &[&all[..], &["captain_id"]].concat());
}

#[test]
fn a_roster_sails_where_the_booking_names_nobody() {
    let operator: Operator = toml::from_str(EXAMPLE).expect("valid");
    let nobody = [("crew_ids", json!([])), ("captain_id", Value::Null)];
    let received =
        Mapping::canonical().read(&with_all(&nobody), &operator, instant(RECEIVED_AT)).expect("the roster names them");
    assert_eq!(sold(received).assigned, Assigned::default(), "the snapshot is what the sender said, no more");
    let boat = |boat: Value| with_all(&[&nobody[..], &[("boat", boat)]].concat());
    check_faults(&boat(json!({ "id": "another" })), &operator, &["crew_ids", "captain_id"]);
    check_faults(&boat(Value::Null), &operator, &["boat/id"]);
}

#[test]
fn a_status_is_read_ignoring_case_and_unknown_words_decide_nothing() {
    for (word, expected) in [
        ("Approved", BookingStatus::Confirmed),
        ("CANCELED", BookingStatus::Cancelled),
        ("declined", BookingStatus::Cancelled),
        ("inquiry", BookingStatus::Inconclusive),
        ("refunded", BookingStatus::Inconclusive),
    ] {
        assert_eq!(Mapping::canonical().status(word), expected, "{word}");
    }
}

#[test]
fn a_sender_of_another_shape_needs_a_file_not_a_rebuild() {
    let file = r#"
        booking = "/booking"
        amounts = "cents"
        times = "unix_seconds"
        [fields]
        id = "/pk"
        status = "/state"
        start_at = "/starts"
        end_at = "/ends"
        party_size = "/customers"
        gross = "/amount_paid"
        guest_name = "/contact/name"
        boat_id = { constant = "qosd" }
        boat_name = { constant = "Queen of San Diego" }
        [statuses]
        confirmed = ["booked"]
        cancelled = ["rebooked", "cancelled"]
    "#;
    let body = json!({ "booking": { "pk": 7731, "state": "booked", "starts": 1_748_638_800, "ends": 1_748_649_600,
        "customers": "8", "amount_paid": 84075, "contact": { "name": "Dana" } } });
    let operator: Operator = toml::from_str(EXAMPLE).expect("valid");
    let received = Mapping::parse(file).expect("valid").read(&body, &operator, instant(RECEIVED_AT)).expect("valid");
    assert_eq!(received.snapshot.booking_id.as_str(), "7731");
    let sale = sold(received);
    assert_eq!((sale.gross.to_string(), sale.start.to_string()), ("840.75".into(), "2025-05-30T21:00:00Z".into()));
    assert_eq!(u64::from(sale.duration), 180);
}

#[test]
fn a_mapping_that_cannot_work_is_refused() {
    assert!(matches!(Mapping::parse("booking = 1"), Err(MappingError::Malformed(_))));
    let canonical = include_str!("boatsetter.toml");
    let no_slash = canonical.replace("id = \"/id\"\nstatus", "id = \"id\"\nstatus");
    assert!(matches!(Mapping::parse(&no_slash), Err(MappingError::Pointer(_))));
    let no_gross = canonical.replace("gross = \"/gross\"\n", "");
    assert!(matches!(Mapping::parse(&no_gross), Err(MappingError::Missing(Field::Gross))));
}
