//! A visitor presses the harbour page's buttons, with the real function behind them.

use std::sync::Arc;

use rehearsal::{
    Options, Rehearsal,
    harbour::{Harbour, Kind, inspection::Inspection},
};
use serde_json::{Value, json};
use simulators::aws::loopback_client;

use crate::world::World;

const MOST_LOOKS: usize = 100;

struct Visitor {
    harbour: Harbour,
    rehearsal: Arc<Rehearsal>,
}

/// Opens the page and sells the sample booking.
async fn visit() -> Visitor {
    let mut options = World::options();
    options.env.insert("REDRIVE_BASE_MS".to_owned(), Some("1".to_owned()));
    let function = options.function.clone();
    let rehearsal = Rehearsal::start(Options { environments: 2, ..options }).await;
    let rehearsal = Arc::new(rehearsal.expect("the world starts"));
    let harbour = Harbour::open(Arc::clone(&rehearsal), function).await.expect("the harbour opens");
    let visitor = Visitor { harbour, rehearsal };
    assert_eq!(visitor.send(Kind::Sample).await["state"], "in_step");
    visitor
}

impl Visitor {
    /// What the function answered to a message.
    async fn send(&self, kind: Kind) -> Value {
        self.harbour.send(kind).await.expect("it can be sent").answer.expect("an answer")
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = loopback_client().post(self.harbour.url() + path).json(body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        serde_json::from_str(&answer.text().await.expect("text")).unwrap_or_default()
    }

    async fn timeline(&self) -> Value {
        let booking = self.harbour.newest().expect("a booking was sold");
        let url = format!("{}/timeline/{}", self.harbour.url(), booking.id);
        loopback_client().get(url).send().await.expect("an answer").json().await.expect("JSON")
    }

    /// What the world does not show of the booking, whose start and status changed so often.
    async fn faults(&self, changes: usize) -> Vec<String> {
        let booking = self.harbour.newest().expect("a booking was sold");
        Inspection::of(&self.rehearsal).await.faults(&booking, changes)
    }
}

fn lines<'a>(timeline: &'a Value, kind: &str) -> Vec<&'a Value> {
    let lines = timeline["timeline"].as_array().expect("lines");
    lines.iter().filter(|line| line["kind"] == kind).collect()
}

#[tokio::test]
async fn a_booking_is_moved_and_cancelled_and_all_four_systems_follow() {
    let visitor = visit().await;
    assert_eq!(visitor.faults(0).await, Vec::<String>::new());
    for (kind, changes) in [(Kind::Reschedule, 1), (Kind::Return, 2), (Kind::Cancellation, 3)] {
        assert_eq!(visitor.send(kind).await["state"], "in_step", "{kind:?}");
        assert_eq!(visitor.faults(changes).await, Vec::<String>::new(), "{kind:?}");
    }
}

#[tokio::test]
async fn looking_at_the_timeline_leaves_no_trace_and_meets_no_fault() {
    let visitor = visit().await;
    visitor.rehearsal.traffic.idle().await;
    let before = visitor.rehearsal.traffic.calls().len();
    let unreachable = json!({ "target": "ledger", "fault": { "kind": "answer", "status": 503 } });
    visitor.post("/fault", &unreachable).await;
    let timeline = visitor.timeline().await;
    assert_eq!((&timeline["state"], lines(&timeline, "delivery").len()), (&json!("in_step"), 1), "{timeline:#}");
    assert_eq!(visitor.rehearsal.traffic.calls().len(), before);
    assert_eq!(visitor.send(Kind::Reschedule).await["status"], 503, "the function meets it");
}

#[tokio::test]
async fn what_is_owed_is_told_and_the_schedule_heals_it() {
    let visitor = visit().await;
    let down = json!({ "target": "calendar", "fault": { "kind": "answer", "status": 503 } });
    visitor.post("/fault", &down).await;
    assert_eq!(visitor.send(Kind::Reschedule).await["state"], "due");
    let told = visitor.timeline().await;
    assert_eq!(lines(&told, "planned").len(), 1, "{told:#}");
    let calendar = &told["steps"]["calendar"];
    assert!(calendar["next_try_at"].is_string() && calendar["next"].is_string(), "{told:#}");

    visitor.post("/heal", &json!({})).await;
    let healed = visitor.rehearsal.traffic.wait_for(|calls| {
        calls
            .iter()
            .rfind(|call| call.operation.starts_with("PATCH /calendar"))
            .is_some_and(|call| call.status == Some(200))
    });
    tokio::select! {
        () = visitor.harbour.keep_sweeping() => unreachable!("it sweeps for as long as it is polled"),
        () = healed => {}
    }
    // Nobody waited for the end of the sweep that mended it.
    let mut told = visitor.timeline().await;
    for _ in 0..MOST_LOOKS {
        if told["state"] == "in_step" && told["worked_on_until"].is_null() {
            break;
        }
        visitor.post("/sweep", &json!({})).await;
        told = visitor.timeline().await;
    }
    assert_eq!((&told["state"], lines(&told, "planned").len()), (&json!("in_step"), 0), "{told:#}");
    assert_eq!(visitor.faults(1).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_booking_confirmed_again_waits_for_a_person() {
    let visitor = visit().await;
    visitor.send(Kind::Cancellation).await;
    assert_eq!(visitor.send(Kind::StandsAgain).await["state"], "parked");
    assert!(visitor.rehearsal.calendar.entries().is_empty());
    let booking_id = visitor.harbour.newest().expect("a booking").id;
    let replayed = visitor.post("/replay", &json!({ "booking_id": booking_id })).await;
    assert_eq!(replayed["answer"]["state"], "parked", "{replayed:#}");
    let seen = visitor.timeline().await["decided_seq"].take();
    let approved = visitor.post("/approve", &json!({ "booking_id": booking_id, "decided_seq": seen })).await;
    assert_eq!(approved["answer"]["state"], "in_step", "{approved:#}");
    assert_eq!(visitor.faults(2).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_late_older_snapshot_and_a_repeat_change_nothing() {
    let visitor = visit().await;
    visitor.send(Kind::Cancellation).await;
    let before = visitor.rehearsal.effects().await.expect("a world");
    for kind in [Kind::Repeat, Kind::Late, Kind::Repeat] {
        assert_eq!(visitor.send(kind).await["state"], "in_step", "{kind:?}");
    }
    assert_eq!(visitor.rehearsal.effects().await.expect("a world"), before);
    assert_eq!(visitor.faults(1).await, Vec::<String>::new());
}
