//! What was delivered is kept before anybody is called: nothing is lost, and what could not be read is read later.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use simulators::traffic::{Call, Fault, Service};

use crate::{
    cold_start::{CANONICAL_MAPPING, OperatorsFile},
    prove::stage::Stage,
    world::{ALWAYS, DENIED, UNAVAILABLE, World, later, now, sample, sample_with},
};

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
    world.alarm("came again with another body").await;
    let kept = kept(&world).await;
    assert_eq!(kept.len(), 2, "each body once: {kept:?}");

    let before = world.effects().await;
    for id in &kept {
        assert_eq!(world.ask(&replay_of(id)).await["state"], "in_step", "{id} is there, and the newest has it");
    }
    assert_eq!(world.effects().await, before);
}

/// As long as the marketplace may ask about a booking, and no longer than that.
#[tokio::test]
async fn a_replayed_delivery_is_kept_once_for_ninety_days() {
    let world = World::start().await;
    assert_eq!(world.deliver_as("msg_1", &sample()).await.status, 200);
    let item = item_of(&world, "booking#BS-1048812~msg_1").await;
    assert_eq!(expires_at(&item) - number(&item, "received_at") / 1_000, 90 * 24 * 3_600);

    assert_eq!(world.ask(&replay_of("BS-1048812~msg_1")).await["state"], "in_step");
    assert_eq!(kept(&world).await, ["BS-1048812~msg_1"]);
    assert_eq!(item_of(&world, "booking#BS-1048812~msg_1").await, item);
}

/// Nothing of a first round could be written down when a newer snapshot came in: the next round knows all the same, and tells it.
#[tokio::test]
async fn a_journal_that_fails_loses_no_remote_id() {
    let stage = Stage::set().await;
    let journals =
        |call: &Call| call.request_body.contains("= :known") && call.request_body.contains("holder = :holder");
    stage.traffic().fail_each(journals, UNAVAILABLE, ALWAYS);
    let moved = later(1, json!({ "start_at": "2031-05-31T14:00:00-07:00" }));
    let [_, newer] = stage.deliver_while(&sample(), &moved, |call| call.operation == "POST /calendar").await;
    assert_eq!(newer, Some(202), "the first is still at it");
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

/// The sender says two things at once, and nobody can tell which is right: both orders of arrival come to the same.
#[tokio::test]
async fn contradicting_snapshots_have_one_winner_in_either_order() {
    let told = [sample_with(json!({ "gross": "1000.00" })), sample_with(json!({ "gross": "2000.00" }))];
    let mut revenues = Vec::new();
    for [first, second] in [[&told[0], &told[1]], [&told[1], &told[0]]] {
        let world = World::start().await;
        assert_eq!(world.deliver(first).await.body["flags"], json!([]));
        let answered = world.deliver(second).await;
        assert_eq!((answered.status, &answered.body["flags"]), (200, &json!(["contradicted"])), "{:#}", answered.body);
        assert_eq!(world.status().await["flags"], json!(["contradicted"]));
        World::assert_one_of_everything(&world.effects().await);
        revenues.push(world.calendar.entries()[0]["revenue"].to_string());
    }
    assert_eq!(revenues[0], revenues[1]);
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
        world.alarm("the ledger cannot be used").await;

        world.traffic.heal();
        world.repeat_until_in_step(&sample()).await;
        World::assert_one_of_everything(&world.effects().await);
    }
}

/// Delivery, reservation and snapshot are written at once; without any one of them nothing is promised.
#[tokio::test]
async fn each_of_the_first_writes_is_needed() {
    for write in ["delivery#", "reservation", "if_not_exists(charter_id"] {
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
        stage.traffic().fail_when(|call| call.request_body.contains("REMOVE holder"), UNAVAILABLE);
    }
    let outcome = stage.deliver(&sample()).await;
    assert_eq!(outcome.status(), Some(202), "{outcome:?}");
    let before = stage.look().await;
    World::assert_one_of_everything(&before);
    stage.traffic().heal();
    assert_eq!(stage.sweep().await["swept"], 0, "whoever holds it may still be at it");
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

/// What a person entered is read again as a person's, whatever mapping the marketplace has.
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
}

fn number(item: &HashMap<String, AttributeValue>, name: &str) -> i64 {
    item[name].as_n().expect("a number").parse().expect("whole")
}

/// In seconds since 1970, as DynamoDB wants it.
fn expires_at(item: &HashMap<String, AttributeValue>) -> i64 {
    number(item, "expires_at")
}

/// The item under which the ledger keeps a delivery.
async fn item_of(world: &World, delivery_id: &str) -> HashMap<String, AttributeValue> {
    let (partition, name) = delivery_id.split_once('~').expect("a delivery id has two parts");
    let get = world.cloud.dynamodb.get_item().table_name(&world.cloud.ledger_table).consistent_read(true);
    let get = get.key("pk", AttributeValue::S(partition.to_owned()));
    let got = get.key("sk", AttributeValue::S(format!("delivery#{name}"))).send().await.expect("an answer");
    got.item.unwrap_or_else(|| panic!("{delivery_id} is kept"))
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
    assert!(!item_of(&world, &id).await.contains_key("expires_at"), "for good");
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
    let kept_for = expires_at(&item_of(&world, &id).await) - now().as_second();
    assert!((89 * 24 * 3_600..=90 * 24 * 3_600).contains(&kept_for), "from now on as long as any: {kept_for} s");
    assert!(!world.logs().await.join("\n").contains("Whitfield"), "of all this no name is logged");
}

async fn refused_body(world: &World, delivery_id: &str) -> String {
    item_of(world, delivery_id).await["body"].as_s().expect("text").clone()
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

#[tokio::test]
async fn a_replay_of_what_was_never_delivered_says_so() {
    let world = World::start().await;
    for (event, status) in [
        (replay_of("quarantine~msg_1~0123"), 404),
        (replay_of("BS-1048812~msg_1"), 404),
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
