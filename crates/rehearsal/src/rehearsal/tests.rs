use serde_json::json;
use simulators::{scc::ServiceKeyHash, sender::upcoming_booking};

use super::*;

async fn rehearse(options: Options) -> Rehearsal {
    Rehearsal::start(options).await.expect("everything starts")
}

/// The function's part, played by the test: takes one event and answers it.
async fn answer_once(rehearsal: &Rehearsal, answer: Value) -> Value {
    let base = format!("http://{}/2018-06-01/runtime/invocation", rehearsal.lambda.address());
    let next = rehearsal.client.get(format!("{base}/next")).send().await.expect("a poll");
    let id = next.headers()["lambda-runtime-aws-request-id"].to_str().expect("text").to_owned();
    rehearsal.client.post(format!("{base}/{id}/response")).json(&answer).send().await.expect("an answer");
    next.json().await.expect("JSON")
}

#[tokio::test]
async fn a_signed_delivery_reaches_the_function_as_it_was_sent() {
    let rehearsal = rehearse(Options::default()).await;
    let body = upcoming_booking(Clock::system().now());
    let accepted = json!({ "statusCode": 200, "headers": { "content-type": "application/json" }, "body": "{\"state\":\"in_step\"}" });
    let (answered, event) = tokio::join!(rehearsal.deliver(&body), answer_once(&rehearsal, accepted));
    let answered = answered.expect("an answer");
    assert_eq!((answered.status, &answered.body["state"]), (200, &json!("in_step")));
    assert_eq!(event["rawPath"], WEBHOOK_PATH);

    let headers: BTreeMap<String, String> = serde_json::from_value(event["headers"].clone()).expect("headers");
    let received = event["body"].as_str().expect("a JSON body travels as text");
    let webhook = standardwebhooks::Webhook::new(SIGNING_SECRET).expect("well formed");
    webhook.verify(received.as_bytes(), &header_map(&headers).expect("headers")).expect("the signature holds");
    assert!(rehearsal.effects().await.expect("a world").is_empty(), "nobody has acted on it");
}

#[tokio::test]
async fn the_secrets_lead_to_the_services_and_open_them() {
    let rehearsal = rehearse(Options { service_key_hash: HashKind::Bcrypt, ..Options::default() }).await;
    let calendar = rehearsal.secret("calendar").await.expect("a secret");
    let entries =
        rehearsal.client.get(format!("{}/calendar?date=2025-05-30", calendar["url"].as_str().expect("a URL")));
    let entries = entries.header("x-dashboard-token", calendar["dashboard_token"].as_str().expect("a token"));
    assert_eq!(entries.send().await.expect("an answer").status(), 200);

    let scc = rehearsal.secret("scc").await.expect("a secret");
    let asked = |base_url: String| {
        let request = rehearsal.client.get(format!("{base_url}/events/XHQGMDH1"));
        request.bearer_auth(scc["service_key"].as_str().expect("a key")).send()
    };
    let direct = || asked(scc["url"].as_str().expect("a URL").to_owned());
    assert_eq!(direct().await.expect("an answer").status(), 404);

    // The finding that this project began with: through CloudFront, SCC never sees the key.
    let edge = Edge::in_front_of(&rehearsal.scc.url(), rehearsal.traffic.clone()).await.expect("a free port");
    assert_eq!(asked(edge.url()).await.expect("an answer").status(), 401);
    rehearsal.scc.set_service_key_hash(ServiceKeyHash::sha256("another"));
    assert_eq!(direct().await.expect("an answer").status(), 401);
}

#[tokio::test]
async fn options_change_the_environment_and_the_secrets() {
    let rehearsal = rehearse(Options {
        env: [("RUST_LOG".into(), None), ("ANSWER_WITHIN_MS".into(), Some("500".into()))].into(),
        secrets: [("calendar".into(), json!("{\"url\": ")), ("scc".into(), Value::Null)].into(),
        ..Options::default()
    });
    let rehearsal = rehearsal.await;
    let env = rehearsal.environment_variables();
    assert_eq!((env.get("RUST_LOG"), env["ANSWER_WITHIN_MS"].as_str()), (None, "500"));
    assert_eq!(rehearsal.secret("calendar").await.expect("a secret"), json!("{\"url\": "));
    rehearsal.secret("scc").await.expect_err("it was left out");
    assert_eq!(rehearsal.cold_start().await.expect("no function, nothing to start"), Duration::ZERO);
}

#[tokio::test]
async fn effects_are_what_people_see() {
    let rehearsal = rehearse(Options::default()).await;
    let put = rehearsal.cloud.s3.put_object().bucket(&rehearsal.cloud.bucket).key("g/XHQGMDH1.html");
    put.body(b"Ahoy Dana".to_vec().into()).content_type("text/html").send().await.expect("the bucket takes it");
    let effects = rehearsal.effects().await.expect("a world");
    assert_eq!(effects.bucket[0].key, "g/XHQGMDH1.html");
    assert_eq!((effects.visits[0].path.as_str(), effects.visits[0].status), ("/g/XHQGMDH1", 200));
    assert_eq!(
        (effects.visits[0].content_type.as_deref(), effects.visits[0].body.as_str()),
        (Some("text/html"), "Ahoy Dana")
    );
    assert_eq!(rehearsal.effects().await.expect("a world"), effects, "looking changes nothing");
}
