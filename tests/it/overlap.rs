//! Two charters of one boat, or of one captain, at one time: both are flagged, nothing is cancelled, and nobody waits for the look.

use std::time::Duration;

use serde_json::{Value, json};
use simulators::{
    office::OfficeMail,
    sender::SAMPLE_BOOKING_ID,
    traffic::{Call, Fault, Service},
};

use crate::{
    office::crash_after,
    prove::stage::{Outcome, Stage},
    world::{ALWAYS, REFUSED, UNAVAILABLE, sample},
};

const MINUTE: Duration = Duration::from_secs(60);
const OTHER: &str = "BS-2";

/// Another booking, for two hours from three o'clock on the same day.
fn other() -> Value {
    let mut body = sample();
    body["id"] = json!("evt_other");
    let booking = &mut body["data"]["booking"];
    booking["id"] = json!(OTHER);
    booking["start_at"] = json!("2031-05-30T15:00:00-07:00");
    booking["duration_minutes"] = json!(120);
    body
}

fn changed(mut body: Value, revision: u64, change: &[(&str, Value)]) -> Value {
    body["id"] = json!(format!("evt_{revision}_{}", body["data"]["booking"]["id"]));
    let booking = &mut body["data"]["booking"];
    booking["revision"] = json!(revision);
    booking["updated_at"] = json!(format!("2031-05-20T18:04:{revision:02}Z"));
    for (name, value) in change {
        booking[*name] = value.clone();
    }
    body
}

/// A minute later the schedule comes by; what the office has been mailed until then.
async fn sweep(stage: &Stage) -> Vec<OfficeMail> {
    stage.pass(MINUTE).await;
    stage.sweep().await;
    stage.look().await.office_mailbox
}

/// The `CHECK` lines of each booking's entry.
fn checks(stage: &Stage, booking: &str) -> Vec<String> {
    let entries = stage.rehearsal.calendar.entries();
    let entry = entries.iter().find(|entry| entry["booking_id"] == booking).expect("it has an entry");
    let notes = entry["notes"].as_str().expect("notes");
    notes.lines().filter(|line| line.starts_with("CHECK")).map(str::to_owned).collect()
}

async fn flags(stage: &Stage, booking: &str) -> Value {
    stage.ask(&json!({ "status": { "booking_id": booking } })).await["flags"].take()
}

async fn in_step(stage: &Stage, body: &Value) -> Value {
    let outcome = stage.deliver(body).await;
    let Outcome::Answered { status: 200, body } = outcome else { panic!("it is in step: {outcome:?}") };
    body
}

#[tokio::test]
async fn both_that_overlap_are_flagged_and_told_and_then_over() {
    let stage = Stage::set().await;
    assert_eq!(in_step(&stage, &sample()).await["flags"], json!([]));
    in_step(&stage, &other()).await;
    let mails = sweep(&stage).await;
    assert_eq!(flags(&stage, OTHER).await, json!(["overlaps"]));
    let first = format!("CHECK: overlaps {OTHER}, same boat, same captain, crew-1 and crew-2 on both, 3:00–5:00 PM");
    assert_eq!(checks(&stage, SAMPLE_BOOKING_ID), std::slice::from_ref(&first));
    let second = format!(
        "CHECK: overlaps {SAMPLE_BOOKING_ID}, same boat, same captain, crew-1 and crew-2 on both, 2:00–5:00 PM"
    );
    assert_eq!(checks(&stage, OTHER), [second]);
    let mut subjects: Vec<&str> = mails.iter().map(|mail| &*mail.subject).collect();
    subjects.sort_unstable();
    assert_eq!(subjects, ["BS-1048812 needs a person", "BS-2 needs a person"], "{mails:#?}");
    assert!(mails.iter().any(|mail| mail.text.contains(&first["CHECK: ".len()..])), "{mails:#?}");
    assert_eq!(sweep(&stage).await, mails, "it is said once");

    // The other one goes: nothing stands beside the first any more.
    in_step(&stage, &changed(other(), 2, &[("status", json!("cancelled"))])).await;
    let mails = sweep(&stage).await;
    assert_eq!(checks(&stage, SAMPLE_BOOKING_ID), [""; 0]);
    let over = mails.iter().filter(|mail| mail.subject.ends_with(": over")).count();
    assert_eq!((mails.len(), over), (4, 2), "{mails:#?}");
    assert_eq!(sweep(&stage).await, mails);
    let effects = stage.look().await;
    assert_eq!(effects.calendar.len(), 1, "nothing is cancelled but by its sender");
}

#[tokio::test]
async fn a_move_away_or_beside_is_looked_at_again() {
    let stage = Stage::set().await;
    in_step(&stage, &sample()).await;
    in_step(&stage, &other()).await;
    sweep(&stage).await;
    let later = changed(other(), 2, &[("start_at", json!("2031-05-30T16:00:00-07:00"))]);
    in_step(&stage, &later).await;
    sweep(&stage).await;
    assert!(checks(&stage, SAMPLE_BOOKING_ID)[0].ends_with("4:00–6:00 PM"), "{:?}", checks(&stage, SAMPLE_BOOKING_ID));
    let away = changed(other(), 3, &[("start_at", json!("2031-05-31T16:00:00-07:00"))]);
    in_step(&stage, &away).await;
    sweep(&stage).await;
    assert_eq!([flags(&stage, SAMPLE_BOOKING_ID).await, flags(&stage, OTHER).await], [json!([]), json!([])]);
    assert_eq!([checks(&stage, SAMPLE_BOOKING_ID), checks(&stage, OTHER)], [vec![], vec![]] as [Vec<String>; 2]);
}

#[tokio::test]
async fn holds_of_people_and_other_platforms_count() {
    let stage = Stage::set().await;
    let calendar = &stage.rehearsal.calendar;
    calendar.add_by_hand("hold_1", json!({ "date": "2031-05-30", "title": "Queen of San Diego: haul-out" }));
    calendar.add_by_hand(
        "hold_2",
        json!({ "date": "2031-05-30", "title": "Dentist", "start": "2031-05-30T14:30", "end": "2031-05-30T15:00" }),
    );
    calendar.add_by_hand("hold_3", json!({ "date": "2031-05-29", "title": "Queen of San Diego" }));
    in_step(&stage, &sample()).await;
    let mails = sweep(&stage).await;
    assert_eq!(flags(&stage, SAMPLE_BOOKING_ID).await, json!(["overlaps", "may_overlap"]));
    assert_eq!(
        checks(&stage, SAMPLE_BOOKING_ID),
        [
            "CHECK: overlaps \"Queen of San Diego: haul-out\", same boat, all day",
            "CHECK: may overlap \"Dentist\", which names no boat, 2:30–3:00 PM",
        ]
    );
    assert_eq!(mails.len(), 1, "{mails:#?}");
}

/// If the reading fails or is slow, crew, guest and the booking's state are as if nobody had looked.
#[tokio::test]
async fn a_look_that_fails_or_hangs_is_made_up_for() {
    for fault in [UNAVAILABLE, REFUSED, Fault::Hold, Fault::DropBefore] {
        let stage = Stage::set().await;
        in_step(&stage, &sample()).await;
        stage.traffic().fail_next(Service::Calendar, "GET", fault.clone(), ALWAYS);
        let answer = in_step(&stage, &other()).await;
        assert_eq!(answer["state"], "in_step", "{fault:?}: {answer:#}");
        assert_eq!(stage.ask(&json!({ "status": { "booking_id": OTHER } })).await["state"], "in_step");
        let (events, mails) = (stage.look().await.scc_events.len(), stage.look().await.mailbox.len());
        assert_eq!((events, mails), (2, 6), "{fault:?}");
        stage.traffic().answer_held();
        stage.traffic().heal();
        sweep(&stage).await;
        assert!(checks(&stage, OTHER)[0].starts_with("CHECK: overlaps BS-1048812"), "{fault:?}");
        assert!(checks(&stage, SAMPLE_BOOKING_ID)[0].starts_with("CHECK: overlaps BS-2"), "{fault:?}");
    }
}

/// Nothing is looked at before the entry is placed, and crew do not wait for that.
#[tokio::test]
async fn the_look_leaves_after_the_crew_event() {
    let stage = Stage::set().await;
    stage.traffic().fail_next(Service::Calendar, "POST", Fault::Hold, 1);
    let looks = || {
        let calls = stage.traffic().calls_to(Service::Calendar);
        calls.iter().filter(|call| call.operation.starts_with("GET /calendar?date=")).count()
    };
    let meanwhile = async {
        let is_event = |call: &Call| call.service == Service::Scc && call.operation.starts_with("POST");
        stage.traffic().wait_for(|calls| calls.iter().any(is_event)).await;
        let before = looks();
        stage.traffic().answer_held();
        before
    };
    let body = sample();
    let (outcome, before) = Box::pin(async { tokio::join!(stage.deliver(&body), meanwhile) }).await;
    assert_eq!((outcome.status(), before), (Some(200), 0));
    assert!(looks() > 0, "then it is looked");
}

/// Two are delivered at once: the look of the second entry sees the first.
#[tokio::test]
async fn two_at_once_do_not_miss_each_other() {
    let stage = Stage::set().await;
    let (sample, other) = (sample(), other());
    let (one, two) = Box::pin(async { tokio::join!(stage.deliver(&sample), stage.deliver(&other)) }).await;
    assert_eq!((one.status(), two.status()), (Some(200), Some(200)));
    sweep(&stage).await;
    sweep(&stage).await;
    assert_eq!((checks(&stage, SAMPLE_BOOKING_ID).len(), checks(&stage, OTHER).len()), (1, 1));
}

/// Wherever the process ends: the entry says it, and the office hears.
#[tokio::test]
async fn no_crash_of_a_delivery_loses_an_overlap() {
    for calls in 1.. {
        let stage = Stage::set().await;
        let hold = json!({ "date": "2031-05-30", "title": "Queen of San Diego: haul-out" });
        stage.rehearsal.calendar.add_by_hand("hold", hold);
        let delivery = stage.delivery("evt_1", &sample());
        let crashed = crash_after(&stage, &delivery, calls).await;
        // As senders do when no answer came.
        stage.pass(MINUTE).await;
        stage.invoke(&stage.delivery("evt_1", &sample())).await;
        let mut mails = Vec::new();
        for _ in 0..3 {
            mails = sweep(&stage).await;
        }
        assert_eq!(checks(&stage, SAMPLE_BOOKING_ID).len(), 1, "the delivery ended at call {calls}");
        assert!(mails.iter().any(|mail| mail.text.contains("haul-out")), "{calls}: {mails:#?}");
        assert_eq!(stage.look().await.mailbox.len(), 3, "{calls}: each person once");
        if !crashed {
            assert!(calls > 8, "{calls} calls are too few for a delivery");
            return;
        }
    }
}
