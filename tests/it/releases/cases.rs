//! What a release leaves in its ledger: one small story for each kind of item and attribute.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use simulators::{
    sender::SAMPLE_BOOKING_ID,
    traffic::{Call, Fault, Service},
};

use crate::{
    prove::{stage::Stage, story::Told},
    world::{CHARTER_ID, REFUSED, is_journal},
};

/// As files are called; each is played by [`play`].
pub(super) const NAMES: [&str; 22] = [
    "first",
    "moved",
    "cancelled",
    "cancelled_and_guest_to_be_told",
    "inconclusive",
    "without_times",
    "mixed_revisions",
    "contradicted",
    "entered_by_a_person",
    "due",
    "crashed",
    "parked_notice_waits",
    "parked_notice_sent",
    "parked_then_over",
    "waits_for_approval",
    "approved",
    "dismissed",
    "money_removed",
    "money_found_by_the_audit",
    "quarantined",
    "quarantine_closed",
    "webhook_id_reused",
];
/// Where a process ends decides what it has written, and calls run beside each other: its items differ from run to run.
pub(super) const DIFFERS_FROM_RUN_TO_RUN: &str = "crashed";

/// Lets happen what `name` says.
pub(super) async fn play(name: &str, stage: &Stage) {
    let first = || Told::version(1);
    let moved = || Told::version(2).on(31);
    match name {
        "first" => tell(stage, [first()]).await,
        "moved" => tell(stage, [first(), moved()]).await,
        "cancelled" => tell(stage, [first(), Told::version(2).cancelled()]).await,
        "cancelled_and_guest_to_be_told" => {
            tell(stage, [first(), Told::version(2).cancelled()]).await;
            sweep(stage).await;
        }
        "inconclusive" => tell(stage, [first(), Told::version(2).refunded()]).await,
        "without_times" => tell(stage, [first().timeless(), moved().timeless()]).await,
        "mixed_revisions" => tell(stage, [first(), moved().timeless()]).await,
        "contradicted" => tell(stage, [first(), moved(), Told::version(2).cancelled()]).await,
        "entered_by_a_person" => tell(stage, [first().by_a_person(), moved().by_a_person()]).await,
        "due" => {
            let unanswered = Fault::Answer { status: 504, acted: false, retry_after: None };
            stage.traffic().fail_next(Service::Calendar, "POST", unanswered, 1);
            tell(stage, [first()]).await;
        }
        "crashed" => crash(stage).await,
        "parked_notice_waits" => park(stage).await,
        "parked_notice_sent" => {
            park(stage).await;
            sweep(stage).await;
        }
        "parked_then_over" => {
            park(stage).await;
            sweep(stage).await;
            ask(stage, json!({ "replay": { "booking_id": SAMPLE_BOOKING_ID } })).await;
        }
        "waits_for_approval" => tell(stage, [first(), Told::version(2).cancelled(), Told::version(3)]).await,
        "approved" => {
            tell(stage, [first(), Told::version(2).cancelled(), Told::version(3)]).await;
            assert_eq!(stage.approve().await.into_body()["state"], "in_step");
        }
        "dismissed" => {
            park(stage).await;
            let why = json!({ "dismiss": { "booking_id": SAMPLE_BOOKING_ID, "why": "entered by hand" } });
            ask(stage, why).await;
        }
        "money_removed" => {
            tell(stage, [first()]).await;
            stage.rehearsal.scc.leak_money_into(CHARTER_ID).await.expect("leaked");
            tell(stage, [moved()]).await;
        }
        "money_found_by_the_audit" => {
            tell(stage, [first()]).await;
            stage.rehearsal.scc.leak_money_into(CHARTER_ID).await.expect("leaked");
            ask(stage, json!({ "audit": {} })).await;
        }
        "quarantined" => quarantine(stage).await,
        "quarantine_closed" => {
            quarantine(stage).await;
            let waits = ask(stage, json!({ "quarantine": {} })).await["quarantined"][0]["delivery_id"].take();
            ask(stage, json!({ "dismiss": { "delivery_id": waits, "why": "a test of theirs" } })).await;
        }
        "webhook_id_reused" => {
            for told in [first(), moved()] {
                stage.invoke(&stage.delivery("msg_1", &told.body())).await;
            }
        }
        unknown => panic!("no case is called {unknown}"),
    }
}

async fn tell<const N: usize>(stage: &Stage, told: [Told; N]) {
    for told in told {
        let outcome = stage.tell(&told).await;
        assert!(outcome.status().is_some_and(|status| status < 300), "{told:?} came to {outcome:?}");
    }
}

async fn ask(stage: &Stage, question: Value) -> Value {
    let outcome = stage.invoke(&question).await;
    assert_eq!(outcome.status(), Some(200), "{question} came to {outcome:?}");
    outcome.into_body()
}

/// A minute later the schedule comes by.
async fn sweep(stage: &Stage) {
    stage.pass(Duration::from_mins(1)).await;
    ask(stage, json!({ "sweep": {} })).await;
}

async fn park(stage: &Stage) {
    stage.traffic().fail_next(Service::Calendar, "POST", REFUSED, 1);
    tell(stage, [Told::version(1)]).await;
}

/// Its process ends with its first word on what became of a step.
async fn crash(stage: &Stage) {
    let process = stage.process(SignedDuration::ZERO).await.expect("it starts");
    let told = stage.delivery_of(&Told::version(1));
    process.invoke_until(&told, stage.traffic(), |call: &Call| is_journal(call)).await;
    // What was on its way arrives.
    stage.pass(Duration::from_secs(1)).await;
}

/// A delivery without an amount is not understood.
async fn quarantine(stage: &Stage) {
    let mut body = Told::version(1).body();
    body["data"]["booking"].as_object_mut().expect("an object").remove("gross");
    let outcome = stage.invoke(&stage.delivery("msg_1", &body)).await;
    assert_eq!(outcome.status(), Some(202), "{outcome:?}");
}
