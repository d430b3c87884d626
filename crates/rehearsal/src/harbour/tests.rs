use jiff::Timestamp;
use simulators::sender::Sender;

use super::*;
use crate::{Options, SIGNING_SECRET};

struct Visitor {
    harbour: Harbour,
    rehearsal: Arc<Rehearsal>,
    client: reqwest::Client,
}

async fn visit() -> Visitor {
    let rehearsal = Arc::new(Rehearsal::start(Options::default()).await.expect("everything starts"));
    let harbour = Harbour::open(Arc::clone(&rehearsal), None).await.expect("a free port");
    Visitor { harbour, rehearsal, client: simulators::aws::loopback_client() }
}

impl Visitor {
    async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(self.harbour.url() + path).send().await.expect("an answer")
    }

    async fn post(&self, path: &str, body: &Value) -> reqwest::Response {
        self.client.post(self.harbour.url() + path).json(body).send().await.expect("an answer")
    }

    async fn state(&self) -> Value {
        self.get("/state").await.json().await.expect("JSON")
    }

    /// The function's part, played by the test: takes one event and answers it.
    async fn answer_once(&self, answer: &Value) -> Value {
        let base = format!("http://{}/2018-06-01/runtime/invocation", self.rehearsal.lambda.address());
        let next = self.client.get(format!("{base}/next")).send().await.expect("a poll");
        let id = next.headers()["lambda-runtime-aws-request-id"].to_str().expect("text").to_owned();
        self.client.post(format!("{base}/{id}/response")).json(answer).send().await.expect("an answer");
        next.json().await.expect("JSON")
    }
}

#[tokio::test]
async fn the_page_stands_alone_and_the_state_begins_empty() {
    let visitor = visit().await;
    let page = visitor.get("/").await.text().await.expect("text");
    assert!(page.contains("<title>Harbour"));
    for outside in ["src=\"", "href=\"http", "@import", "url(http"] {
        assert!(!page.contains(outside), "the page asks nobody else: {outside}");
    }
    let state = visitor.state().await;
    for nothing in ["entries", "calendar", "crew_events", "mailbox", "calls", "weather"] {
        assert_eq!(state[nothing], json!([]), "{nothing}");
    }
}

#[tokio::test]
async fn what_has_nothing_to_follow_says_so_and_sends_nothing() {
    let visitor = visit().await;
    for kind in Kind::ALL.into_iter().filter(|kind| kind.follows()) {
        let path = format!("/send/{}", json!(kind).as_str().expect("a kind is a word"));
        let refused = visitor.post(&path, &json!({ "booking_id": "BS-1048812" })).await;
        assert_eq!(refused.status(), 409, "{kind:?}");
        assert_eq!(refused.text().await.expect("text"), NotSent::NothingBefore.to_string(), "{kind:?}");
    }
    assert_eq!(visitor.post("/replay", &json!({})).await.status(), 409);
    assert_eq!(visitor.state().await["entries"], json!([]));
}

#[tokio::test]
async fn what_people_do_by_hand_is_a_direct_invocation() {
    let visitor = visit().await;
    for (path, body, event, label) in [
        ("/sweep", json!({}), json!({ "sweep": {} }), "Sweep, by hand"),
        (
            "/replay",
            json!({ "booking_id": "BS-1048812" }),
            json!({ "replay": { "booking_id": "BS-1048812" } }),
            "Replay, by a person",
        ),
        (
            "/approve",
            json!({ "booking_id": "BS-1048812", "decided_seq": 3 }),
            json!({ "approve": { "booking_id": "BS-1048812", "decided_seq": 3 } }),
            "Approval, by a person",
        ),
    ] {
        let answer = json!({ "state": "in_step" });
        let (entered, received) = tokio::join!(visitor.post(path, &body), visitor.answer_once(&answer));
        assert_eq!(received, event);
        let entry: Value = entered.json().await.expect("JSON");
        assert_eq!((&entry["label"], &entry["answer"], &entry["status"]), (&json!(label), &answer, &Value::Null));
        assert_eq!(visitor.state().await["entries"].as_array().and_then(|all| all.last()), Some(&entry));
    }
}

#[tokio::test]
async fn what_cannot_be_posted_says_why_and_sends_nothing() {
    let visitor = visit().await;
    for (sender, headers, body, status, why) in [
        ("nobody", "", "{}", 404, "no sender nobody"),
        ("boatsetter", "", " \n", 400, "The body is empty"),
        ("boatsetter", "content-type: text/plain\nno colon", "{}", 400, "\"no colon\" is no header"),
        ("boatsetter", ":authority: example.com", "{}", 400, "is no header"),
        ("boatsetter", "", "{}", 409, "there is no program to sign with"),
    ] {
        let refused = visitor.post(&format!("/post/{sender}"), &json!({ "headers": headers, "body": body })).await;
        assert_eq!(refused.status(), status, "{why}");
        let words = refused.text().await.expect("text");
        assert!(words.contains(why), "{words}");
    }
    assert_eq!(visitor.state().await["entries"], json!([]));
    assert_eq!(visitor.rehearsal.lambda.past_invocations().len(), 0);
}

#[tokio::test]
async fn an_armed_fault_is_met_and_shown_and_healing_disarms_the_rest() {
    let visitor = visit().await;
    let calendar = format!("{}/calendar?date=2025-05-30", visitor.rehearsal.calendar.url());
    let asked = async || visitor.client.get(&calendar).send().await.expect("an answer").status().as_u16();
    let script = json!({ "target": "calendar", "fault": { "kind": "answer", "status": 503 }, "times": 2 });
    assert_eq!(visitor.post("/fault", &script).await.status(), 204);
    assert_eq!(asked().await, 503);
    assert_eq!(visitor.post("/heal", &Value::Null).await.status(), 204);
    assert_eq!(asked().await, 401, "it behaves again, and asks for the token");

    let calls = visitor.state().await["calls"].take();
    assert_eq!((&calls[0]["status"], &calls[0]["fault"]["kind"]), (&json!(503), &json!("answer")));
    assert_eq!((&calls[1]["status"], &calls[1]["fault"]), (&json!(401), &Value::Null));
}

#[tokio::test]
async fn a_broken_ledger_leaves_the_crews_records_alone() {
    let visitor = visit().await;
    let cloud = &visitor.rehearsal.cloud;
    let aws = aws_sdk_dynamodb::Client::new(&simulators::aws::sdk_config(&visitor.rehearsal.aws_gateway_url()));
    let reached = async |table: &str| aws.scan().table_name(table).send().await.is_ok();
    let script = json!({ "target": "ledger", "fault": { "kind": "answer", "status": 503 } });
    visitor.post("/fault", &script).await;
    visitor.post("/fault", &script).await;
    for _ in 0..5 {
        assert!(!reached(&cloud.ledger_table).await);
    }
    assert!(reached(&cloud.events_table).await, "the same service, another table");
    let weather = visitor.state().await["weather"].take();
    assert_eq!(weather.as_array().map(Vec::len), Some(1), "said once: {weather}");
    assert_eq!(weather[0]["target"], "ledger");

    visitor.post("/heal", &Value::Null).await;
    assert!(reached(&cloud.ledger_table).await);
    assert_eq!(visitor.state().await["weather"], json!([]));
}

#[tokio::test]
async fn without_a_function_to_ask_there_is_no_timeline() {
    assert_eq!(visit().await.get("/timeline/BS-1048812").await.status(), 404);
}

#[test]
fn the_fixtures_are_signed_with_the_rehearsals_secret() {
    let sender = Sender::new(SIGNING_SECRET).expect("the secret is well formed");
    for fixture in [
        include_str!("../../../../tests/fixtures/http-api-event.json"),
        include_str!("../../../../tests/fixtures/rest-event.json"),
    ] {
        let event: Value = serde_json::from_str(fixture).expect("JSON");
        let header = |name: &str| event["headers"][name].as_str().expect("the header is there");
        let at = Timestamp::from_second(header("webhook-timestamp").parse().expect("a number")).expect("a time");
        let signed = sender.sign(header("webhook-id"), event["body"].as_str().expect("text"), at);
        assert_eq!(signed["webhook-signature"], header("webhook-signature"));
    }
}
