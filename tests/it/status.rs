//! How a booking came to where it is, for the person who asks; and what the ledger needs to know that.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde_json::{Value, json};
use simulators::traffic::Service;

use crate::{
    prove::{counts::size, stage::Stage},
    world::{ALWAYS, REFUSED, UNAVAILABLE, World, later, sample, sample_with},
};

/// The guest's notes take 8 KiB of it if each character takes four bytes.
const LARGEST_ITEM_BYTES: usize = 16 * 1024;

/// The timeline's lines of one kind, in their order: the step, if there is one, and the words.
fn lines(status: &Value, kind: &str) -> Vec<String> {
    let timeline = status["timeline"].as_array().expect("a timeline");
    let of_kind = timeline.iter().filter(|line| line["kind"] == kind);
    let words = |line: &Value| {
        let step = line["step"].as_str().map(|step| format!("{step}: ")).unwrap_or_default();
        step + line["what"].as_str().expect("words")
    };
    of_kind.map(words).collect()
}

fn instant(at: &Value) -> Timestamp {
    at.as_str().and_then(|at| at.parse().ok()).unwrap_or_else(|| panic!("{at} is no instant"))
}

#[track_caller]
fn assert_tells(lines: &[String], words: &[&str]) {
    for words in words {
        assert!(lines.iter().any(|line| line.contains(words)), "{words}: {lines:#?}");
    }
}

/// The ledger gives a megabyte at a time, and what was delivered counts as a whole.
#[tokio::test]
async fn the_timeline_has_every_delivery_however_large_they_were() {
    let world = World::start().await;
    let unread = "x".repeat(200 * 1024);
    for number in 1..=8 {
        let booking = later(number, json!({ "brochure": unread }));
        let answered = world.deliver_as(&format!("msg_{number}"), &booking).await;
        assert_eq!(answered.status, 200, "{:#}", answered.body);
    }
    assert_eq!(lines(&world.status().await, "delivery").len(), 8);
}

#[tokio::test]
async fn the_timeline_tells_a_bookings_whole_story() {
    let world = World::start().await;
    world.traffic.fail_next(Service::Calendar, "", UNAVAILABLE, ALWAYS);
    world.deliver_as("msg_1", &sample()).await;
    let status = world.status().await;
    assert_eq!((&status["state"], &status["booking_id"]), (&json!("due"), &json!("BS-1048812")), "{status:#}");
    let planned = &status["timeline"].as_array().expect("a timeline").last().expect("lines")["at"];
    assert_eq!(planned, &status["steps"]["calendar"]["next_try_at"]);
    // The ledger's index counts milliseconds.
    assert_eq!(instant(planned).as_millisecond(), instant(&status["due_at"]).as_millisecond());
    assert_eq!(lines(&status, "planned"), ["calendar: try 2 of it"]);
    assert_tells(&lines(&status, "step"), &["calendar: failed (transient): calendar answered 503"]);

    world.traffic.heal();
    world.traffic.fail_next(Service::Scc, "PATCH", REFUSED, 1);
    world.deliver_as("msg_2", &later(1, json!({ "start_at": "2031-05-31T14:00:00-07:00" }))).await;
    let status = world.status().await;
    assert_eq!(status["state"], "parked", "{status:#}");
    assert_eq!(
        status["newest_snapshot"],
        json!({ "says": "confirmed", "as_of": "2025-05-20T18:04:10Z", "accepted": 2 })
    );
    assert_eq!(lines(&status, "delivery").len(), 2);
    assert_tells(&lines(&status, "delivery"), &["the booking is confirmed, as of 2025-05-20T18:03:10Z"]);
    let entry = world.entry_id();
    let told = ["crew_event: created 544EK27M", &format!("calendar: created {entry}"), "guest_page: published"];
    assert_tells(&lines(&status, "step"), &told);
    assert_tells(&lines(&status, "step"), &["crew_event: failed (refused): scc answered 422"]);
    assert_eq!(lines(&status, "planned"), [""; 0], "time brings nothing here");
    let next = status["steps"]["crew_event"]["next"].as_str().expect("what to do");
    assert!(next.contains("replay the booking"), "{next}");

    assert_eq!(world.replay().await["state"], "in_step");
    let status = world.status().await;
    assert_tells(&lines(&status, "step"), &["crew_event: changed date, local_time, notes, released_at, report_at"]);
    assert_eq!((&status["state"], &status["due_at"]), (&json!("in_step"), &Value::Null));
    let at: Vec<Timestamp> =
        status["timeline"].as_array().expect("lines").iter().map(|line| instant(&line["at"])).collect();
    assert!(at.is_sorted(), "{at:#?}");
    assert_nothing_private(&status.to_string());
}

/// Everybody on call may read a timeline.
#[track_caller]
fn assert_nothing_private(text: &str) {
    for private in ["840.75", "289.41", "250.00", "Dana", "Whitfield", "anniversary"] {
        assert!(!text.contains(private), "{private}: {text}");
    }
}

#[tokio::test]
async fn the_timeline_names_leaked_money_without_the_amount() {
    let world = World::start().await;
    world.scc.leak_on_create(true);
    world.deliver(&sample()).await;
    world.deliver(&later(1, json!({ "status": "cancelled" }))).await;
    let status = world.status().await;
    assert!(status["cancelled_at"].is_string(), "{status:#}");
    assert_tells(&lines(&status, "delivery"), &["the booking is cancelled"]);
    let told = ["crew_redaction: removed ", "crew_event: changed status", "calendar: removed cal_"];
    assert_tells(&lines(&status, "step"), &told);
    assert_nothing_private(&status.to_string());
}

#[tokio::test]
async fn asking_changes_nothing_and_an_unknown_booking_is_404() {
    let world = World::start().await;
    let unknown = world.status().await;
    assert_eq!(unknown["status"], 404, "{unknown:#}");
    let malformed = world.ask(&json!({ "status": { "booking_id": "BS 1" } })).await;
    assert_eq!(malformed["status"], 400, "{malformed:#}");

    world.deliver(&sample()).await;
    let before = state_item(&world.cloud).await;
    world.traffic.forget();
    assert_eq!(world.status().await, world.status().await);
    assert_eq!(world.called(), [""; 0]);
    assert_eq!(state_item(&world.cloud).await, before);
}

/// The ledger's state of the sample booking, attribute by attribute.
async fn state_item(cloud: &simulators::cloud::Cloud) -> HashMap<String, AttributeValue> {
    let get = cloud.dynamodb.get_item().table_name(&cloud.ledger_table).consistent_read(true);
    let get = get.key("pk", AttributeValue::S("booking#BS-1048812".into()));
    let got = get.key("sk", AttributeValue::S("state".into())).send().await.expect("an answer");
    got.item.expect("the booking is on record")
}

/// The longest of everything that a sender may write, in characters of four bytes where it may.
fn longest_booking(minutes: i64) -> Value {
    let four_bytes = |characters: usize| "\u{1f6a4}".repeat(characters);
    let crew: Vec<String> =
        (0..20).map(|number| format!("crew-{}-{:02}", "x".repeat(56), (number + minutes) % 30)).collect();
    later(
        minutes,
        json!({
            "start_at": format!("2031-05-{:02}T14:00:00-07:00", 21 + minutes % 10),
            "guest": { "name": four_bytes(200), "locale": four_bytes(35) },
            "notes": four_bytes(2_000),
            "location": four_bytes(250),
            "boat": { "id": four_bytes(100), "name": four_bytes(100) },
            "crew_ids": crew,
            "captain_id": "c".repeat(64),
        }),
    )
}

#[tokio::test]
async fn the_longest_bookings_state_stays_small() {
    let stage = Stage::set().await;
    assert_eq!(stage.deliver(&longest_booking(0)).await.status(), Some(200));
    let services = [Service::Calendar, Service::Scc, Service::S3, Service::Cloudfront];
    for minutes in 1..=30 {
        for service in services {
            stage.traffic().fail_next(service, "", REFUSED, ALWAYS);
        }
        assert_eq!(stage.deliver(&longest_booking(minutes)).await.status(), Some(202));
        stage.traffic().heal();
        stage.pass(Duration::from_secs(1)).await;
    }
    let item = state_item(&stage.rehearsal.cloud).await;
    let mut sizes: Vec<(usize, &str)> =
        item.iter().map(|(name, value)| (name.len() + size(value), name.as_str())).collect();
    sizes.sort_unstable_by(|one, other| other.cmp(one));
    let total: usize = sizes.iter().map(|(size, _)| size).sum();
    assert!(total < LARGEST_ITEM_BYTES, "{total} bytes: {sizes:?}");
}

/// One character more than a field may have, and the sender is told which, unless the booking can do without it: nothing of any length
/// gets into the ledger.
#[tokio::test]
async fn what_is_too_long_is_named_by_its_field() {
    let stage = Stage::set().await;
    let long = |characters: usize| "x".repeat(characters);
    let endless = sample_with(json!({
        "guest": { "name": long(201), "locale": long(36) },
        "location": long(501),
        "boat": { "id": long(201), "name": long(201) },
        "captain_id": long(65),
    }));
    let refused = stage.deliver(&endless).await.into_body();
    assert_eq!(refused["state"], "quarantined", "{refused:#}");
    let errors = refused["errors"].as_array().expect("errors");
    let mut pointers: Vec<&str> = errors.iter().filter_map(|error| error["pointer"].as_str()).collect();
    pointers.sort_unstable();
    let fields = ["boat/id", "boat/name", "captain_id"];
    assert_eq!(pointers, fields.map(|field| format!("/data/booking/{field}")));
}
