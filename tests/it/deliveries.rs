//! What was delivered is kept before anybody is called: nothing is lost, and what could not be read is read later.

use std::{collections::HashMap, io::Read as _, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use flate2::read::GzDecoder;
use rehearsal::world::Effects;
use serde_json::{Value, json};
use simulators::{
    scc::{Mail, MailKind},
    traffic::{Call, Fault, Service},
};

use crate::{
    cold_start::{CANONICAL_MAPPING, OperatorsFile},
    prove::stage::Stage,
    world::{ALWAYS, DENIED, UNAVAILABLE, World, instant, is_journal, later, sample, sample_with},
};

const NINETY_DAYS_S: i64 = 90 * 24 * 3_600;

/// The ids under which the sample booking's deliveries are kept, the eldest first.
async fn kept(world: &World) -> Vec<String> {
    let timeline = world.status().await["timeline"].clone();
    let lines = timeline.as_array().into_iter().flatten();
    lines.filter_map(|line| line["delivery_id"].as_str().map(str::to_owned)).collect()
}

fn replay_of(delivery_id: &str) -> Value {
    json!({ "replay": { "delivery_id": delivery_id } })
}

#[tokio::test]
async fn a_reused_webhook_id_is_kept_carried_out_and_reported() {
    let world = World::start().await;
    let (first, second) = (sample(), later(1, json!({ "party_size": 9 })));
    assert_eq!(world.deliver_as("msg_1", &first).await.status, 200);
    for _ in 0..2 {
        assert_eq!(world.deliver_as("msg_1", &second).await.status, 200);
    }
    assert_eq!(world.effects().await.scc_events[0]["guest"]["party_size"], 9);
    world.alarm("gave another body the same name").await;
    let kept = kept(&world).await;
    assert_eq!(kept.len(), 2, "each body once: {kept:?}");

    let before = world.effects().await;
    for id in &kept {
        assert_eq!(world.ask(&replay_of(id)).await["state"], "in_step", "{id} is there, and the newest has it");
    }
    assert_eq!(world.effects().await, before);
}

/// As long as anybody may ask about a charter, and no longer than that: what is to come, and what was entered when it was over.
#[tokio::test]
async fn a_replayed_delivery_is_kept_once_for_ninety_days() {
    for (start, kept_from) in
        [("2031-05-30T14:00:00-07:00", Some("2031-05-31T00:00:00Z")), ("2025-05-30T14:00:00Z", None)]
    {
        let world = World::start().await;
        world.deliver_as("msg_1", &sample_with(json!({ "start_at": start }))).await;
        let id = kept(&world).await.remove(0);
        assert!(id.starts_with("boatsetter~msg_1~"), "{id}");
        let (item, pointer) = (item_of(&world, &id).await, pointer_to(&world, "msg_1").await);
        let kept_from = kept_from.map_or(number(&item, "received_at") / 1_000, |at| instant(at).as_second());
        for kept in [&item, &pointer] {
            assert_eq!(expires_at(kept) - kept_from, NINETY_DAYS_S, "{start}");
        }
        assert_eq!(item["bookings"].as_ss().expect("ids")[..], ["BS-1048812"]);

        assert_eq!(world.ask(&replay_of(&id)).await["booking_id"], "BS-1048812");
        assert_eq!(kept(&world).await, [&*id]);
        assert_eq!((item_of(&world, &id).await, pointer_to(&world, "msg_1").await), (item, pointer));
    }
}

/// Nothing of a first round could be written down when a newer snapshot came in: the next round knows all the same, and tells it.
#[tokio::test]
async fn a_journal_that_fails_loses_no_remote_id() {
    let stage = Stage::set().await;
    stage.traffic().fail_each(is_journal, UNAVAILABLE, ALWAYS);
    let moved = later(1, json!({ "start_at": "2031-05-31T14:00:00-07:00" }));
    let [_, newer] = stage.deliver_while(&sample(), &moved, |call| call.operation == "POST /calendar").await;
    assert_eq!(newer, Some(202), "the first is still at it");
    let failed = stage.traffic().calls().into_iter().filter(|call| call.fault.is_some());
    assert!(failed.count() >= 3, "no step was journalled");
    stage.traffic().heal();
    stage.pass(Duration::from_mins(2)).await;
    stage.sweep().await;
    let effects = stage.look().await;
    assert_eq!((effects.calendar.len(), effects.scc_events.len()), (1, 1));
    assert_eq!(effects.calendar[0]["date"], "2031-05-31");
    for service in [Service::Calendar, Service::Scc] {
        let calls = stage.traffic().calls_to(service);
        assert_eq!(calls.iter().filter(|call| call.operation.starts_with("POST")).count(), 1, "{service:?}");
    }
    let status = stage.ask(&json!({ "status": { "booking_id": "BS-1048812" } })).await;
    assert!(status["timeline"].to_string().contains("created 544EK27M"), "{status:#}");
}

/// The sender says two things at once, and nobody can tell which is right: what came in later counts, and a repeat is no new arrival.
#[tokio::test]
async fn of_contradicting_snapshots_the_later_receipt_counts() {
    let told = [sample_with(json!({ "gross": "1000.00" })), sample_with(json!({ "gross": "2000.00" }))];
    for [first, second] in [[0, 1], [1, 0]] {
        let world = World::start().await;
        let deliver = async |which: usize| world.deliver_as(&format!("msg_{which}"), &told[which]).await;
        assert_eq!(deliver(first).await.body["flags"], json!([]));
        for which in [second, first, second, first] {
            let answered = deliver(which).await;
            assert_eq!(
                (answered.status, &answered.body["flags"]),
                (200, &json!(["contradicted"])),
                "{:#}",
                answered.body
            );
            let revenue = &world.calendar.entries()[0]["revenue"];
            assert_eq!(revenue.to_string(), ["1000.00", "2000.00"][second], "{which}");
        }
        assert_eq!(world.status().await["flags"], json!(["contradicted"]));
        World::assert_one_of_everything(&world.effects().await);
        let alarm = world.alarm("snapshots of one version contradict each other").await;
        assert!(alarm.contains("BS-1048812") && !alarm.contains("2000.00"), "{alarm}");
        let alarms = world.logs().await.into_iter().filter(|line| line.contains("contradict each other")).count();
        assert_eq!(alarms, 1, "a repeat is no news");

        let newer = world.deliver(&later(1, json!({ "gross": "3000.00" }))).await;
        assert_eq!(
            (newer.status, &newer.body["flags"]),
            (200, &json!([])),
            "something newer ends it: {:#}",
            newer.body
        );
    }
}

/// A charter that may be off is not sailed on a guess.
#[tokio::test]
async fn of_contradicting_snapshots_a_cancellation_counts() {
    let (confirmed, cancelled) = (sample(), sample_with(json!({ "status": "cancelled" })));
    for (first, second, entries, events) in [(&confirmed, &cancelled, 0, 1), (&cancelled, &confirmed, 0, 0)] {
        let world = World::start().await;
        assert_eq!(world.deliver(first).await.status, 200);
        for told in [second, first] {
            assert_eq!(world.deliver(told).await.body["flags"], json!(["contradicted"]));
        }
        let effects = world.effects().await;
        assert_eq!((effects.calendar.len(), effects.scc_events.len()), (entries, events));
        assert!(effects.scc_events.iter().all(|event| event["status"] == "cancelled"), "{effects:#?}");
        assert_eq!(world.status().await["newest_snapshot"]["says"], "cancelled");
    }
}

/// A sender that states neither time nor revision: what it says holds since that delivery first came in.
#[tokio::test]
async fn without_times_a_repeat_is_no_new_arrival() {
    let world = World::start().await;
    let timeless = |changes: Value| {
        let mut body = sample_with(changes);
        body.as_object_mut().expect("an object").remove("created_at");
        for stated in ["updated_at", "revision"] {
            body["data"]["booking"].as_object_mut().expect("an object").remove(stated);
        }
        body
    };
    let (first, moved) = (timeless(json!({})), timeless(json!({ "start_at": "2031-05-31T14:00:00-07:00" })));
    for (id, told, day) in [("msg_1", &first, 30), ("msg_2", &moved, 31), ("msg_1", &first, 31), ("msg_3", &first, 30)]
    {
        let answered = world.deliver_as(id, told).await;
        assert_eq!((answered.status, &answered.body["flags"]), (200, &json!([])), "{id}: {:#}", answered.body);
        assert_eq!(world.calendar.entries()[0]["date"], format!("2031-05-{day}"), "{id}");
    }
    World::assert_one_of_everything(&Effects { mailbox: created_by_mail(&world).await, ..world.effects().await });
}

/// The mails that go out when an event is created.
async fn created_by_mail(world: &World) -> Vec<Mail> {
    world.effects().await.mailbox.into_iter().filter(|mail| mail.kind == MailKind::MagicLink).collect()
}

#[tokio::test]
async fn without_the_ledger_nothing_is_promised_and_nobody_is_called() {
    for fault in [UNAVAILABLE, DENIED, Fault::DropBefore, Fault::Delay { milliseconds: 5_000 }] {
        let env = [("ANSWER_WITHIN_MS", "2000"), ("CALL_TIMEOUT_MS", "500"), ("UNKNOWN_SETTLE_MS", "300")];
        let world = World::with(&env).await;
        world.traffic.forget();
        world.fail_table(&world.cloud.ledger_table, &fault);
        let answered = world.deliver(&sample()).await;
        assert_eq!(answered.status, 503, "{fault:?}: {:#}", answered.body);
        assert_eq!(
            (&*answered.headers["retry-after"], &*answered.headers["content-type"]),
            ("60", "application/problem+json")
        );
        assert_eq!(world.called(), [""; 0], "{fault:?}");
        assert!(world.effects().await.is_empty());
        world.alarm("the ledger cannot be reached").await;

        world.traffic.heal();
        world.repeat_until_in_step(&sample()).await;
        World::assert_one_of_everything(&world.effects().await);
    }
}

/// Delivery, the booking's pointer to it, reservation and snapshot are written at once; without any one of them nothing is promised.
#[tokio::test]
async fn each_of_the_first_writes_is_needed() {
    for write in [r#""pk":{"S":"delivery#"#, r#""sk":{"S":"delivery#"#, "reservation", "if_not_exists(#charter_id"] {
        let stage = Stage::set().await;
        for _ in 0..ALWAYS {
            let words = write.to_owned();
            let fits = move |call: &Call| call.request_body.contains(&words);
            stage.traffic().fail_when(fits, UNAVAILABLE);
        }
        assert_eq!(stage.deliver(&sample()).await.status(), Some(503), "{write}");
        assert!(stage.look().await.is_empty(), "{write}");
        stage.traffic().heal();
        stage.pass(Duration::from_mins(1)).await;
        assert_eq!(stage.deliver(&sample()).await.status(), Some(200), "{write}");
        World::assert_one_of_everything(&stage.look().await);
    }
}

/// Everything is done, and the last write is lost: the sweep finds that there is nothing left to do.
#[tokio::test]
async fn a_failed_release_has_no_second_effect() {
    let stage = Stage::set().await;
    for _ in 0..ALWAYS {
        stage.traffic().fail_when(|call| call.request_body.contains("REMOVE #holder"), UNAVAILABLE);
    }
    let outcome = stage.deliver(&sample()).await;
    assert_eq!(outcome.status(), Some(202), "{outcome:?}");
    let before = stage.look().await;
    World::assert_one_of_everything(&before);
    stage.traffic().heal();
    assert_eq!(stage.sweep().await["swept"], 0, "the invocation that holds it may still be at work");
    stage.pass(Duration::from_mins(1)).await;
    let swept = stage.sweep().await;
    assert_eq!((&swept["swept"], &swept["in_step"]), (&json!(1), &json!(1)), "{swept}");
    let after = stage.look().await;
    assert_eq!((before.calendar, before.scc_events, before.mailbox), (after.calendar, after.scc_events, after.mailbox));
    assert_eq!(before.bucket, after.bucket);
    for service in [Service::Calendar, Service::Scc] {
        let created = stage.traffic().calls_to(service).into_iter().filter(|call| call.operation.starts_with("POST"));
        assert_eq!(created.count(), 1, "{service:?}");
    }
    assert_eq!(stage.sweep().await["found"], 0);
}

/// What a person entered is read again as a person's, not by the marketplace's mapping; and it is no new entry.
#[tokio::test]
async fn a_manual_entry_can_be_replayed() {
    let world = World::start().await;
    let entered = world.ask(&json!({ "booking": sample()["data"]["booking"] })).await;
    assert_eq!(entered["state"], "in_step", "{entered:#}");
    let before = world.effects().await;
    let kept = kept(&world).await;
    let replayed = world.ask(&replay_of(&kept[0])).await;
    assert_eq!(replayed["state"], "in_step", "{replayed:#}");
    assert_eq!((world.effects().await, kept.len()), (before, 1));

    assert_eq!(world.deliver(&later(1, json!({ "party_size": 9 }))).await.status, 200);
    let before = world.effects().await;
    assert_eq!(world.ask(&replay_of(&kept[0])).await["state"], "in_step");
    assert_eq!(world.effects().await, before, "what the sender said since is newer");
}

/// No booking's id can be taken for another kind of item.
#[tokio::test]
async fn a_booking_may_be_called_quarantine() {
    let world = World::start().await;
    let booking = |minutes, changes: Value| {
        let mut body = later(minutes, changes);
        body["data"]["booking"]["id"] = json!("quarantine");
        body
    };
    assert_eq!(world.deliver_as("msg_1", &booking(0, json!({}))).await.body["state"], "in_step");
    let unreadable = world.deliver_as("msg_2", &booking(1, json!({ "start_at": "soon" }))).await;
    assert_eq!((unreadable.status, &unreadable.body["state"]), (202, &json!("quarantined")), "{:#}", unreadable.body);
    let id = unreadable.body["delivery_id"].as_str().expect("it is kept").to_owned();

    let moved = booking(2, json!({ "start_at": "2031-05-31T14:00:00-07:00" }));
    assert_eq!(world.deliver_as("msg_3", &moved).await.body["state"], "in_step");
    let effects = world.effects().await;
    assert_eq!((effects.calendar.len(), &effects.calendar[0]["date"]), (1, &json!("2031-05-31")));
    assert_eq!((effects.scc_events.len(), effects.bucket.len()), (1, 2));
    let status = world.ask(&json!({ "status": { "booking_id": "quarantine" } })).await;
    let delivered = status["timeline"].as_array().expect("lines").iter().filter(|line| line["kind"] == "delivery");
    assert_eq!((&status["state"], delivered.count()), (&json!("in_step"), 2), "{status:#}");
    assert_eq!(world.ask(&json!({ "replay": { "booking_id": "quarantine" } })).await["state"], "in_step");

    let kept = item_of(&world, &id).await;
    assert_eq!((kept["due"].as_s().map(String::as_str), kept.get("expires_at")), (Ok("quarantined"), None));
    assert_eq!(world.ask(&replay_of(&id)).await["delivery_id"], id.as_str(), "it still waits");
    assert_eq!(world.sweep().await["found"], 0, "for a person alone");
}

type Item = HashMap<String, AttributeValue>;

fn number(item: &Item, name: &str) -> i64 {
    item[name].as_n().expect("a number").parse().expect("whole")
}

/// In seconds since 1970, as DynamoDB wants it.
fn expires_at(item: &Item) -> i64 {
    number(item, "expires_at")
}

/// The item under which the ledger keeps a delivery.
async fn item_of(world: &World, delivery_id: &str) -> Item {
    let (name, digest) = delivery_id.rsplit_once('~').expect("a delivery id ends with a digest");
    item(world, &format!("delivery#{name}"), digest).await.unwrap_or_else(|| panic!("{delivery_id} is kept"))
}

/// What the sample booking has of a delivery of this name.
async fn pointer_to(world: &World, name: &str) -> Item {
    let pointer = item(world, "booking#BS-1048812", &format!("delivery#boatsetter~{name}")).await;
    pointer.unwrap_or_else(|| panic!("the booking points to {name}"))
}

async fn item(world: &World, partition: &str, sort: &str) -> Option<Item> {
    let get = world.cloud.dynamodb.get_item().table_name(&world.cloud.ledger_table).consistent_read(true);
    let get = get.key("pk", AttributeValue::S(partition.to_owned())).key("sk", AttributeValue::S(sort.to_owned()));
    get.send().await.expect("an answer").item
}

/// The sender has changed its JSON over night.
#[tokio::test]
async fn what_cannot_be_read_is_kept_until_the_mapping_is_mended() {
    let file =
        OperatorsFile::with("mappings/boatsetter.toml", &CANONICAL_MAPPING.replace("/data/booking", "/payload")).await;
    let world = World::with(&[("MAPPINGS", &file.folder())]).await;
    world.traffic.forget();
    let refused = world.deliver_as("msg_1", &sample()).await;
    assert_eq!(
        (refused.status, &refused.body["errors"][0]["pointer"]),
        (202, &json!("/payload")),
        "{:#}",
        refused.body
    );
    let id = refused.body["delivery_id"].as_str().expect("it is kept under an id").to_owned();
    let again = world.deliver_as("msg_1", &sample_of(&refused_body(&world, &id).await)).await;
    assert_eq!(again.body["delivery_id"], id.as_str(), "the same body is kept once");
    let item = item_of(&world, &id).await;
    assert!(!item.contains_key("expires_at"), "for good");
    assert_eq!(item["due"].as_s().map(String::as_str), Ok("quarantined"), "and it is counted");
    world.alarm("kept in quarantine").await;

    let too_early = world.ask(&replay_of(&id)).await;
    assert_eq!((&too_early["status"], &too_early["delivery_id"]), (&json!(422), &json!(id)), "{too_early:#}");
    assert_eq!(world.called(), [""; 0]);
    assert!(world.effects().await.is_empty());

    file.put(CANONICAL_MAPPING).await;
    world.cold_start().await.expect("it starts");
    let replayed = world.ask(&replay_of(&id)).await;
    assert_eq!(replayed["state"], "in_step", "{replayed:#}");
    World::assert_one_of_everything(&world.effects().await);
    let item = item_of(&world, &id).await;
    let charter_ends = instant("2031-05-31T00:00:00Z").as_second();
    assert_eq!(
        (expires_at(&item) - charter_ends, item.get("due")),
        (NINETY_DAYS_S, None),
        "from now on as long as any"
    );
    assert!(!world.logs().await.join("\n").contains("Whitfield"), "of all this no name is logged");
}

async fn refused_body(world: &World, delivery_id: &str) -> String {
    let item = item_of(world, delivery_id).await;
    let (packed, mut body) = (item["body"].as_b().expect("packed").as_ref(), String::new());
    GzDecoder::new(packed).read_to_string(&mut body).expect("gzip of a text");
    body
}

fn sample_of(text: &str) -> Value {
    serde_json::from_str(text).expect("what was sent")
}

#[tokio::test]
async fn what_is_not_even_json_is_kept_byte_for_byte() {
    let world = World::start().await;
    let body = "{\"data\": {\"booking\": \u{1f6a4}";
    let refused = world.deliver_text("msg_1", body.to_owned()).await;
    assert_eq!(refused.status, 202, "{:#}", refused.body);
    let id = refused.body["delivery_id"].as_str().expect("it is kept under an id");
    assert_eq!(refused_body(&world, id).await, body);
    let replayed = world.ask(&replay_of(id)).await;
    assert_eq!((&replayed["status"], &replayed["delivery_id"]), (&json!(422), &json!(id)), "{replayed:#}");
    assert!(!item_of(&world, id).await.contains_key("expires_at"), "it still waits");
}

/// The office reads the rest at the marketplace, and crew see that there is one.
#[tokio::test]
async fn notes_that_are_cut_are_flagged() {
    let world = World::start().await;
    let notes = format!("No nuts, please. {}", "We like music. ".repeat(200));
    let answered = world.deliver(&sample_with(json!({ "notes": notes }))).await;
    assert_eq!((answered.status, &answered.body["flags"]), (200, &json!(["notes_cut"])), "{:#}", answered.body);
    let effects = world.effects().await;
    let read_by_crew = effects.scc_events[0]["notes"].as_str().expect("notes");
    assert!(
        read_by_crew.contains("No nuts, please.") && read_by_crew.contains("the guest wrote more"),
        "{read_by_crew}"
    );
}

#[tokio::test]
async fn a_replay_of_what_was_never_delivered_says_so() {
    let world = World::start().await;
    for (event, status) in [
        (replay_of("boatsetter~msg_1~021fb596db81e6d02bf3d2586ee3981f"), 404),
        (replay_of("boatsetter~msg_1~0123"), 404),
        (replay_of("boatsetter~msg_1"), 404),
        (replay_of("no delivery id at all"), 404),
        (json!({ "replay": { "booking_id": "BS-1048812" } }), 404),
        (json!({ "replay": { "booking_id": "BS 1048812" } }), 400),
        (json!({ "replay": {} }), 400),
    ] {
        let problem = world.ask(&event).await;
        assert_eq!(problem["status"], status, "{event}: {problem:#}");
    }
    assert!(world.effects().await.is_empty());
}
