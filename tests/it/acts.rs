//! What people decided stands in the timeline: a button at the desk, or a command.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use simulators::{
    sender::SAMPLE_BOOKING_ID,
    traffic::{Call, Service},
};

use crate::{
    desk::without_gross,
    office::crash_after,
    prove::{
        stage::Stage,
        story::{button, case_in_mail},
    },
    world::{ALWAYS, REFUSED, later, sample},
};

const MINUTE: Duration = Duration::from_secs(60);

/// What the timeline has of people's decisions, oldest first.
async fn acts(stage: &Stage) -> Vec<String> {
    let status = stage.status().await;
    let lines = status["timeline"].as_array().expect("a timeline").iter().filter(|line| line["kind"] == "office");
    lines.map(|line| line["what"].as_str().expect("words").to_owned()).collect()
}

fn replay() -> Value {
    json!({ "replay": { "booking_id": SAMPLE_BOOKING_ID } })
}

#[tokio::test]
async fn what_is_decided_by_command_stands_in_the_timeline() {
    let stage = Stage::set().await;
    stage.traffic().fail_next(Service::Calendar, "POST", REFUSED, ALWAYS);
    stage.deliver(&sample()).await;
    stage.ask(&replay()).await;
    stage.pass(MINUTE).await;
    stage.ask(&json!({ "dismiss": { "booking_id": SAMPLE_BOOKING_ID, "why": "entered by hand" } })).await;
    assert_eq!(acts(&stage).await, ["replay, by command", "dismiss: entered by hand, by command"]);

    stage.traffic().heal();
    stage.deliver(&later(1, json!({ "status": "cancelled" }))).await;
    stage.deliver(&later(2, json!({ "status": "confirmed" }))).await;
    stage.pass(MINUTE).await;
    assert_eq!(stage.approve().await.into_body()["state"], "in_step");
    assert_eq!(acts(&stage).await[2..], ["approve decision 3, by command"]);
}

#[tokio::test]
async fn an_entry_by_command_is_a_persons_delivery() {
    let stage = Stage::set().await;
    let entered = stage.ask(&json!({ "booking": sample()["data"]["booking"] })).await;
    assert_eq!(entered["state"], "in_step", "{entered:#}");
    let first = stage.status().await["timeline"][0].clone();
    let id = first["delivery_id"].as_str().expect("a delivery");
    assert!(first["kind"] == "delivery" && id.starts_with("person~"), "{first:#}");
}

/// A sender's slip in the year; some days later it can be read.
#[tokio::test]
async fn a_delivery_that_is_replayed_by_command_says_so() {
    let stage = Stage::set().await;
    let mut far_ahead = sample();
    far_ahead["data"]["booking"]["updated_at"] = json!("2031-05-22T18:00:00Z");
    far_ahead["created_at"] = json!("2031-05-22T18:00:00Z");
    let waits = stage.deliver(&far_ahead).await.into_body();
    stage.pass(Duration::from_secs(2 * 86_400)).await;
    stage.ask(&json!({ "replay": { "delivery_id": waits["delivery_id"] } })).await;
    assert_eq!(acts(&stage).await, ["replay of a delivery, by command"]);
}

#[tokio::test]
async fn a_delivery_that_is_dismissed_by_command_says_so() {
    let stage = Stage::set().await;
    let waits = stage.deliver(&without_gross("BS-77")).await.into_body();
    stage.sweep().await;
    let case = case_in_mail(&stage).await;
    stage.ask(&json!({ "dismiss": { "delivery_id": waits["delivery_id"], "why": "a test of theirs" } })).await;
    let process = stage.process(SignedDuration::ZERO).await.expect("it starts");
    let (status, page) = process.browse("GET", &case, "").await;
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("dismiss: a test of theirs, by command"), "{page}");
}

#[tokio::test]
async fn a_press_at_the_desk_is_one_line() {
    for label in ["Try again", "Leave it"] {
        let stage = Stage::set().await;
        stage.traffic().fail_next(Service::Calendar, "POST", REFUSED, 1);
        stage.deliver(&sample()).await;
        stage.sweep().await;
        let case = case_in_mail(&stage).await;
        let pressed = button(&stage, &case, label).await.expect("the button");
        let process = stage.process(SignedDuration::ZERO).await.expect("it starts");
        assert_eq!(process.browse("POST", &pressed, "why=by+hand").await.0, 303);
        let acts = acts(&stage).await;
        assert!(acts.len() == 1 && acts[0].starts_with(label) && acts[0].contains("by the mail's link"), "{acts:#?}");
    }
}

/// It is written with the claim: no call more, and no crash loses it.
#[tokio::test]
async fn noting_a_command_costs_no_call_and_outlives_a_crash() {
    let stage = Stage::set().await;
    stage.deliver(&sample()).await;
    let ledger = stage.rehearsal.cloud.ledger_table.clone();
    stage.traffic().forget();
    stage.ask(&replay()).await;
    let is_the_ledgers = |call: &&Call| call.request_body.contains(&ledger);
    let calls = stage.traffic().calls_to(Service::Dynamodb);
    let calls: Vec<_> = calls.iter().filter(is_the_ledgers).map(|call| &*call.operation).collect();
    assert_eq!(calls, ["UpdateItem", "UpdateItem"], "the claim and the release");

    stage.pass(MINUTE).await;
    assert!(crash_after(&stage, &replay(), 2).await, "it goes on after its claim");
    // Its lease is over, and a sweep goes on.
    stage.pass(MINUTE).await;
    stage.sweep().await;
    assert_eq!(acts(&stage).await, ["replay, by command", "replay, by command"]);
    assert_eq!(stage.status().await["state"], "in_step");
}

/// Who saw the case before somebody else decided about it looks again first.
#[tokio::test]
async fn a_button_knows_of_a_command_since() {
    let stage = Stage::set().await;
    stage.traffic().fail_next(Service::Calendar, "POST", REFUSED, 2);
    stage.deliver(&sample()).await;
    stage.sweep().await;
    let case = case_in_mail(&stage).await;
    let pressed = button(&stage, &case, "Leave it").await.expect("the button");
    stage.ask(&replay()).await;
    let process = stage.process(SignedDuration::ZERO).await.expect("it starts");
    let (status, page) = process.browse("POST", &pressed, "why=late").await;
    assert!(status == 409 && page.contains("replay, by command"), "{status}: {page}");
}
