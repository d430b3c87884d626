//! A visitor presses the harbour page's buttons, with the real function behind them.

use std::sync::Arc;

use rehearsal::{
    Options, Rehearsal,
    harbour::{Harbour, Kind, Programs, inspection::Inspection},
};
use serde_json::{Value, json};
use simulators::{
    aws::loopback_client,
    clock::Clock,
    sender::{sample_booking, upcoming_start},
};

use crate::world::World;

const MOST_LOOKS: usize = 100;

struct Visitor {
    harbour: Harbour,
    rehearsal: Arc<Rehearsal>,
}

/// Opens the page and sells the sample booking.
async fn visit() -> Visitor {
    visit_with(&[], &[]).await
}

/// The same, with environment variables and secrets of its own.
async fn visit_with(env: &[(&str, &str)], secrets: &[(&str, Value)]) -> Visitor {
    let mut options = World::options();
    let env = [("REDRIVE_BASE_MS", "1")].iter().chain(env);
    options.env.extend(env.map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned()))));
    options.secrets = secrets.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let signer = World::binaries().join("sender");
    let programs = options.function.clone().map(|function| Programs { function, signer });
    let rehearsal = Rehearsal::start(Options { environments: 2, ..options }).await;
    let rehearsal = Arc::new(rehearsal.expect("the world starts"));
    let harbour = Harbour::open(Arc::clone(&rehearsal), programs).await.expect("the harbour opens");
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

    /// What the function answered to this body, posted on the page.
    async fn post_as(&self, sender: &str, headers: &str, body: &str) -> Value {
        self.post(&format!("/post/{sender}"), &json!({ "headers": headers, "body": body })).await
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

impl Visitor {
    async fn state(&self) -> Value {
        let url = format!("{}/state", self.harbour.url());
        loopback_client().get(url).send().await.expect("an answer").json().await.expect("JSON")
    }
}

/// A body that nobody sold on the harbour's page.
fn from_outside(id: &str) -> Value {
    let now = Clock::system().now();
    sample_booking(id, &upcoming_start(now), now)
}

#[tokio::test]
async fn a_booking_from_outside_is_shown_and_can_be_moved() {
    let visitor = visit().await;
    let answered = visitor.rehearsal.deliver(&from_outside("BS-OUTSIDE")).await.expect("an answer");
    assert_eq!(answered.status, 200, "{answered:?}");
    let entries = visitor.state().await["entries"].take();
    let labels: Vec<_> = entries.as_array().expect("entries").iter().map(|entry| &entry["label"]).collect();
    assert_eq!(labels, ["Sample booking", "Delivery, from outside"]);
    assert_eq!((&entries[1]["booking_id"], &entries[1]["answer"]["state"]), (&json!("BS-OUTSIDE"), &json!("in_step")));

    let moved = visitor.post("/send/reschedule", &json!({ "booking_id": "BS-OUTSIDE" })).await;
    assert_eq!(moved["answer"]["state"], "in_step", "{moved:#}");
    let booking = visitor.harbour.newest().expect("the newest booking is the one from outside");
    let entries = visitor.rehearsal.calendar.entries();
    let entry = entries.iter().find(|entry| entry["booking_id"] == "BS-OUTSIDE").expect("its entry");
    assert_eq!(entry["date"], booking.start.date().to_string());
    let replayed = visitor.rehearsal.invoke(&json!({ "replay": { "booking_id": "BS-OUTSIDE" } })).await;
    replayed.expect("an answer");
    let entries = visitor.state().await["entries"].take();
    let last = entries.as_array().and_then(|entries| entries.last()).expect("an entry");
    assert_eq!((&last["label"], entries.as_array().map(Vec::len)), (&json!("Replay, from outside"), Some(4)));
}

/// The buttons speak as Boatsetter, who knows nothing of it.
#[tokio::test]
async fn another_senders_booking_from_outside_is_shown_alone() {
    let secret = json!({ "scheme": "bearer", "tokens": ["a-token-of-some-length"] });
    let visitor = visit_with(&[("READY_SENDERS", "getmyboat")], &[("webhook/getmyboat", secret)]).await;
    let before = visitor.harbour.newest().expect("the sample").id;
    let url = format!("{}/webhooks/getmyboat", visitor.rehearsal.front_door.url());
    let headers = [("authorization", "Bearer a-token-of-some-length"), ("content-type", "application/json")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let answered = visitor.rehearsal.post(&url, &headers, from_outside("77").to_string()).await.expect("an answer");
    assert_eq!(answered.body["booking_id"], "GMB-77", "{answered:?}");
    assert_eq!(visitor.state().await["entries"][1]["booking_id"], "GMB-77");
    assert_eq!(visitor.harbour.newest().expect("a booking").id, before);
}

#[tokio::test]
async fn a_quarantined_delivery_is_listed_and_can_be_replayed() {
    let visitor = visit().await;
    visitor.send(Kind::Malformed).await;
    let kept = visitor.state().await["quarantine"].take();
    let delivery_id = kept[0]["delivery_id"].as_str().expect("an id");
    assert_eq!(kept[0]["errors"].as_array().map(Vec::len), Some(2), "{kept:#}");
    let replayed = visitor.post("/replay", &json!({ "delivery_id": delivery_id })).await;
    assert_eq!(replayed["delivery_id"], delivery_id);
    assert_eq!(visitor.state().await["quarantine"][0]["delivery_id"], delivery_id, "it still cannot be read");
}

#[tokio::test]
async fn what_was_armed_and_has_fired_is_shown_as_fired() {
    let visitor = visit().await;
    let script =
        |times: u32| json!({ "target": "calendar", "fault": { "kind": "answer", "status": 503 }, "times": times });
    visitor.post("/fault", &script(2)).await;
    let fired = async || visitor.state().await["weather"][0]["fired"].take();
    assert_eq!(fired().await, 0);
    visitor.send(Kind::Reschedule).await;
    assert_eq!(fired().await, 2, "each try of the one series met it");
    assert_eq!(visitor.state().await["weather"].as_array().map(Vec::len), Some(1));
    visitor.post("/heal", &json!({})).await;
    assert_eq!(visitor.state().await["weather"], json!([]));
}

/// Opens the page of a rehearsal with the ready mappings, and with a sender that signs in its own way.
async fn visit_with_mailparser() -> Visitor {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let (mappings, operator) = (format!("{root}/mappings"), format!("{root}/operator.example.toml"));
    let env = [("MAPPINGS", mappings.as_str()), ("OPERATOR_FILE", operator.as_str())];
    let secret = json!({ "scheme": "github", "signing_secrets": ["a-secret-of-some-length"] });
    visit_with(&env, &[("webhook/mailparser", secret)]).await
}

#[tokio::test]
async fn an_example_posted_on_the_page_comes_in_step() {
    let visitor = visit_with_mailparser().await;
    let senders = visitor.state().await["senders"].take();
    let names: Vec<_> = senders.as_array().expect("senders").iter().map(|sender| &sender["name"]).collect();
    assert_eq!(names, ["boatsetter", "mailparser"]);
    let examples = senders[1]["examples"].as_array().expect("examples");
    for name in ["mailparser-flat", "mailparser-form", "mailparser-cancelled"] {
        let example = examples.iter().find(|example| example["name"] == name).expect(name);
        let text = |field: &str| example[field].as_str().expect("text").to_owned();
        let entry = visitor.post_as("mailparser", &text("headers"), &text("body")).await;
        assert_eq!(
            (&entry["status"], &entry["answer"]["state"]),
            (&json!(200), &json!("in_step")),
            "{name}: {entry:#}"
        );
        assert_eq!((&entry["label"], &entry["booking_id"]), (&json!("Delivery of mailparser"), &json!("MP-BS-77")));
        let is_listed = visitor.rehearsal.calendar.entries().iter().any(|entry| entry["booking_id"] == "MP-BS-77");
        assert_eq!(is_listed, name != "mailparser-cancelled", "{name}");
    }
    let entries = visitor.state().await["entries"].take();
    assert_eq!(entries.as_array().map(Vec::len), Some(4), "none of them is taken for one from outside: {entries:#}");
}

#[tokio::test]
async fn a_body_that_is_not_understood_is_quarantined() {
    let visitor = visit_with_mailparser().await;
    let entry = visitor.post_as("mailparser", "", r#"{"who": "nobody"}"#).await;
    assert_eq!(entry["answer"]["state"], "quarantined", "{entry:#}");
    let kept = visitor.state().await["quarantine"].take();
    assert_eq!(kept[0]["delivery_id"], entry["answer"]["delivery_id"]);
    let pointers: Vec<_> =
        kept[0]["errors"].as_array().expect("errors").iter().map(|fault| &fault["pointer"]).collect();
    assert!(pointers.contains(&&json!("/booking_id")), "{kept:#}");
}

#[tokio::test]
async fn a_post_is_signed_with_the_secret_as_it_is_now() {
    let visitor = visit_with_mailparser().await;
    let signed =
        async || visitor.post_as("mailparser", "content-length: 3\nhost: example.com", "{}").await["status"].take();
    assert_eq!(signed().await, 202, "authentic, and not understood");
    let other = json!({ "scheme": "bearer", "tokens": ["a-token-of-some-length"] });
    visitor.rehearsal.put_secret("webhook/mailparser", &other).await.expect("stored");
    visitor.rehearsal.cold_start().await.expect("it starts");
    assert_eq!(signed().await, 202, "authentic, and not understood");
}

#[tokio::test]
async fn a_body_posted_as_boatsetter_can_be_followed() {
    let visitor = visit().await;
    let body = from_outside("BS-POSTED").to_string();
    let ids = async |headers: &str| {
        assert_eq!(visitor.post_as("boatsetter", headers, &body).await["answer"]["state"], "in_step");
        let past = visitor.rehearsal.lambda.past_invocations().pop();
        past.expect("an invocation").event["headers"]["webhook-id"].take()
    };
    assert_ne!(ids("").await, ids("").await, "each is a delivery of its own");
    assert_eq!(ids("Webhook-Id: msg_7").await, "msg_7");
    let moved = visitor.post("/send/reschedule", &json!({ "booking_id": "BS-POSTED" })).await;
    assert_eq!(moved["answer"]["state"], "in_step", "{moved:#}");
    let booking = visitor.harbour.newest().expect("the booking that was posted");
    let entries = visitor.rehearsal.calendar.entries();
    let entry = entries.iter().find(|entry| entry["booking_id"] == "BS-POSTED").expect("its entry");
    assert_eq!(entry["date"], booking.start.date().to_string());
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

#[tokio::test]
async fn the_office_hears_of_what_is_parked_by_itself() {
    let visitor = visit().await;
    visitor
        .post("/fault", &json!({ "target": "calendar", "fault": { "kind": "answer", "status": 422 }, "times": 1 }))
        .await;
    assert_eq!(visitor.send(Kind::Reschedule).await["state"], "parked");
    tokio::select! {
        () = visitor.harbour.keep_sweeping() => unreachable!("it sweeps for as long as it is polled"),
        () = visitor.rehearsal.traffic.wait_for(|calls| calls.iter().any(|call| call.operation == "Publish")) => {}
    }
}
