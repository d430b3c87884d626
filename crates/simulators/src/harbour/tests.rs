use jiff::Timestamp;

use super::*;
use crate::{
    rehearsal::{Options, SIGNING_SECRET},
    sender::Sender,
};

struct Visitor {
    harbour: Harbour,
    rehearsal: Arc<Rehearsal>,
    client: reqwest::Client,
}

async fn visit() -> Visitor {
    let rehearsal = Arc::new(Rehearsal::start(Options::default()).await.expect("everything starts"));
    let harbour = Harbour::open(Arc::clone(&rehearsal)).await.expect("a free port");
    Visitor { harbour, rehearsal, client: crate::aws::loopback_client() }
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
}

#[tokio::test]
async fn the_page_stands_alone_and_the_state_is_empty_before_anything_is_sent() {
    let visitor = visit().await;
    let page = visitor.get("/").await.text().await.expect("text");
    assert!(page.contains("<title>Harbour"));
    for outside in ["src=\"", "href=\"http", "@import", "url(http"] {
        assert!(!page.contains(outside), "the page asks nobody else: {outside}");
    }
    let state = visitor.state().await;
    for nothing in ["deliveries", "calendar", "crew_events", "mailbox", "calls"] {
        assert_eq!(state[nothing], json!([]), "{nothing}");
    }
}

#[tokio::test]
async fn a_kind_that_waits_for_later_says_so_and_sends_nothing() {
    let visitor = visit().await;
    for kind in Kind::ALL.into_iter().filter(|kind| kind.not_yet().is_some()) {
        let path = format!("/send/{}", json!(kind).as_str().expect("a kind is a word"));
        let refused = visitor.post(&path, &Value::Null).await;
        assert_eq!(refused.status(), 409);
        assert_eq!(refused.text().await.expect("text"), kind.not_yet().expect("it waits"));
    }
    assert_eq!(visitor.state().await["deliveries"], json!([]));
}

#[tokio::test]
async fn an_armed_fault_is_met_and_shown_and_healing_disarms_the_rest() {
    let visitor = visit().await;
    let calendar = format!("{}/calendar?date=2025-05-30", visitor.rehearsal.calendar.url());
    let asked = async || visitor.client.get(&calendar).send().await.expect("an answer").status().as_u16();
    let script = json!({ "service": "calendar", "fault": { "kind": "answer", "status": 503 }, "times": 2 });
    assert_eq!(visitor.post("/fault", &script).await.status(), 204);
    assert_eq!(asked().await, 503);
    assert_eq!(visitor.post("/heal", &Value::Null).await.status(), 204);
    assert_eq!(asked().await, 401, "it behaves again, and asks for the token");

    let calls = visitor.state().await["calls"].take();
    assert_eq!((&calls[0]["status"], &calls[0]["fault"]["kind"]), (&json!(503), &json!("answer")));
    assert_eq!((&calls[1]["status"], &calls[1]["fault"]), (&json!(401), &Value::Null));
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
