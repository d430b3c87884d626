//! Secrets are mistyped, rotated and refused: no webhook is lost over it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rehearsal::{DASHBOARD_TOKEN, HashKind, Options, Rehearsal, RehearsalError, SERVICE_KEY, SIGNING_SECRET};
use serde_json::{Value, json};
use simulators::{
    scc::ServiceKeyHash,
    sender::Sender,
    traffic::{Fault, Service},
};

use crate::world::{World, later, sample, states};

const NEXT_SECRET: &str = "whsec_dGhlLW5leHQtc2lnbmluZy1zZWNyZXQ=";

async fn deliver_signed_with(world: &World, secret: &str) -> u16 {
    let body = sample().to_string();
    let now: Timestamp = simulators::clock::Clock::system().now();
    let headers = Sender::new(secret).expect("well formed").sign("msg_1", &body, now);
    world.deliver_raw(&headers, body).await.expect("an answer").status
}

#[tokio::test]
async fn two_signing_secrets_are_valid_during_a_rotation() {
    let both = json!({ "scheme": "standard-webhooks", "signing_secrets": [NEXT_SECRET, SIGNING_SECRET] });
    let world = World::with_secrets(&[], &[("webhook", both)]).await;
    assert_eq!(deliver_signed_with(&world, SIGNING_SECRET).await, 200);
    assert_eq!(deliver_signed_with(&world, NEXT_SECRET).await, 200);
    assert_eq!(world.count(Service::Secretsmanager, "BatchGetSecretValue"), 1, "one call, at the cold start");
}

#[tokio::test]
async fn a_rotated_signing_secret_needs_no_restart() {
    let world = World::start().await;
    let rotated = json!({ "scheme": "standard-webhooks", "signing_secrets": [NEXT_SECRET] });
    world.put_secret("webhook", &rotated).await.expect("stored");
    assert_eq!(deliver_signed_with(&world, NEXT_SECRET).await, 200);
    assert_eq!(deliver_signed_with(&world, SIGNING_SECRET).await, 401, "the old one is over");
    for _ in 0..5 {
        deliver_signed_with(&world, "whsec_bm90LW91cnMtYnV0LWxvbmctZW5vdWdo").await;
    }
    assert_eq!(
        world.count(Service::Secretsmanager, ""),
        2,
        "strangers cannot make the function read its secrets again and again"
    );
}

#[tokio::test]
async fn another_scheme_needs_no_restart() {
    let world = World::start().await;
    world
        .put_secret("webhook", &json!({ "scheme": "bearer", "tokens": ["a-token-of-some-length"] }))
        .await
        .expect("stored");
    let headers = BTreeMap::from([("authorization".to_owned(), "Bearer a-token-of-some-length".to_owned())]);
    let answered = world.deliver_raw(&headers, sample().to_string()).await.expect("an answer");
    assert_eq!(answered.status, 200, "{:#}", answered.body);
    assert_eq!(deliver_signed_with(&world, SIGNING_SECRET).await, 401, "the old scheme is over");
}

/// A hand that mends one secret and breaks another.
#[tokio::test]
async fn an_unusable_secret_leaves_the_one_before_in_use() {
    let world = World::start().await;
    let rotated = json!({ "scheme": "standard-webhooks", "signing_secrets": [NEXT_SECRET] });
    world.put_secret("webhook", &rotated).await.expect("stored");
    for name in ["calendar", "scc", "guest-page"] {
        world.put_secret(name, &json!("{ mistyped")).await.expect("stored");
    }
    assert_eq!(deliver_signed_with(&world, NEXT_SECRET).await, 200);
    World::assert_one_of_everything(&world.effects().await);
    let line = world.line(&["read again", "/calendar", "/scc", "/guest-page"]).await;
    assert!(line.contains("ERROR") && !line.contains("mistyped"), "{line}");
}

#[tokio::test]
async fn secrets_that_cannot_be_read_again_are_logged_with_the_cause() {
    let world = World::start().await;
    world.traffic.fail_next(Service::Secretsmanager, "", Fault::DropBefore, 3);
    assert_eq!(deliver_signed_with(&world, NEXT_SECRET).await, 401);
    let line = world.line(&["cannot be read again"]).await;
    assert!(line.contains("secrets_manager") && line.contains("connection closed"), "{line}");
}

/// The sender is waiting, and the ones in use may be right.
#[tokio::test]
async fn a_slow_secrets_manager_holds_up_no_answer() {
    let world = World::start().await;
    world.traffic.fail_next(Service::Secretsmanager, "", Fault::Delay { milliseconds: 60_000 }, 3);
    assert_eq!(deliver_signed_with(&world, NEXT_SECRET).await, 401, "Lambda would have ended an invocation that waits");
    assert_eq!(deliver_signed_with(&world, SIGNING_SECRET).await, 200, "the ones in use stay");
}

#[tokio::test]
async fn secrets_are_not_read_again_when_the_answer_is_due() {
    let world =
        World::with(&[("ANSWER_WITHIN_MS", "1500"), ("CALL_TIMEOUT_MS", "750"), ("CREW_EVENT_WAIT_MS", "50")]).await;
    world.calendar.set_token("another");
    world.traffic.fail_next(Service::Calendar, "", Fault::Delay { milliseconds: 600 }, 2);
    let answered = world.deliver(&sample()).await;
    assert_eq!(answered.body["steps"]["calendar"]["state"], "due", "{:#}", answered.body);
    assert_eq!(world.count(Service::Secretsmanager, ""), 1, "at the cold start");
}

#[tokio::test]
async fn rotated_service_tokens_need_no_restart() {
    let world = World::start().await;
    world.calendar.set_token("rotated-dashboard-token");
    world.scc.set_service_key_hash(ServiceKeyHash::sha256("rotated-service-key"));
    let mut calendar = world.secret("calendar").await.expect("a secret");
    calendar["dashboard_token"] = json!("rotated-dashboard-token");
    let mut scc = world.secret("scc").await.expect("a secret");
    scc["service_key"] = json!("rotated-service-key");
    world.put_secret("calendar", &calendar).await.expect("stored");
    world.put_secret("scc", &scc).await.expect("stored");
    let answered = world.deliver(&sample()).await;
    assert_eq!(answered.status, 200, "{:#}", answered.body);
    World::assert_one_of_everything(&world.effects().await);
    assert_eq!(world.count(Service::Secretsmanager, ""), 2, "both denials were mended by one reading");
}

#[tokio::test]
async fn a_token_that_is_wrong_is_named_and_the_rest_is_done() {
    let world = World::start().await;
    world.calendar.set_token("another");
    let answered = world.deliver(&sample()).await;
    assert_eq!(states(&answered), json!(["due", "in_step", "in_step", "in_step"]));
    let next = answered.body["steps"]["calendar"]["next"].as_str().expect("what to do");
    assert!(next.contains("dashboard_token"), "{next}");
    world.calendar.set_token(DASHBOARD_TOKEN);
    assert_eq!(world.deliver(&sample()).await.status, 200);
    World::assert_one_of_everything(&world.effects().await);
}

#[tokio::test]
async fn a_typo_in_one_secret_loses_no_webhook() {
    let dashboard = "https://d111111abcdef8.cloudfront.net/prod";
    for (name, typo, expected, words) in [
        (
            "calendar",
            json!("{\"url\": "),
            ["due", "in_step", "in_step", "in_step"],
            "is not JSON: it breaks at line 1, column 8",
        ),
        (
            "calendar",
            json!({ "url": dashboard, "dashboard_token": "t" }),
            ["due", "in_step", "in_step", "in_step"],
            "CloudFront",
        ),
        ("scc", Value::Null, ["in_step", "due", "due", "in_step"], "cannot be read"),
        (
            "calendar",
            json!({ "url": "http://127.0.0.1:9/prod", "dashboard_token": format!("{DASHBOARD_TOKEN}\n") }),
            ["due", "in_step", "in_step", "in_step"],
            "dashboard_token that no header can carry",
        ),
        (
            "scc",
            json!({ "url": "http://127.0.0.1:9/prod", "service_key": "\u{7}" }),
            ["in_step", "due", "due", "in_step"],
            "service_key that no header can carry",
        ),
    ] {
        let world = World::with_secrets(&[("CREW_EVENT_WAIT_MS", "50")], &[(name, typo)]).await;
        let answered = world.deliver(&sample()).await;
        assert_eq!((answered.status, states(&answered)), (202, json!(expected)), "{:#}", answered.body);
        let step = if name == "scc" { "crew_event" } else { name };
        assert!(
            answered.body["steps"][step]["detail"].as_str().is_some_and(|text| text.contains(words)),
            "{:#}",
            answered.body
        );
        world.line(&["started with faults", words]).await;

        let mended = match name {
            "calendar" => json!({ "url": world.calendar.url(), "dashboard_token": DASHBOARD_TOKEN }),
            _ => json!({ "url": world.scc.url(), "service_key": SERVICE_KEY }),
        };
        world.put_secret(name, &mended).await.expect("stored");
        world.cold_start().await.expect("it starts");
        assert_eq!(world.deliver(&sample()).await.status, 200);
        World::assert_one_of_everything(&world.effects().await);
    }
}

#[tokio::test]
async fn a_missing_distribution_id_leaves_only_the_guest_page_due() {
    let secret = json!({ "link_key": rehearsal::LINK_KEY });
    let world = World::with_secrets(&[], &[("guest-page", secret)]).await;
    // A page's first publication needs no invalidation.
    let answered = world.deliver(&sample()).await;
    assert_eq!(answered.status, 200, "{:#}", answered.body);
    let moved = json!({ "start_at": "2031-05-31T14:00:00-07:00" });
    let answered = world.deliver(&later(1, moved)).await;
    assert_eq!(states(&answered), json!(["in_step", "in_step", "in_step", "due"]), "{:#}", answered.body);
}

#[tokio::test]
async fn without_a_link_key_the_function_does_not_start() {
    let secret = json!({ "distribution_id": "E1", "link_key": "" });
    let options = Options { secrets: [("guest-page".to_owned(), secret)].into(), ..World::options() };
    match Rehearsal::start(options).await {
        Err(RehearsalError::Init(error)) => assert!(error.to_string().contains("has an empty link_key"), "{error}"),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("no delivery could be named"),
    }
}

/// The sender keeps what it has, and sends it again when the secret is mended, which needs no restart.
#[tokio::test]
async fn a_faulty_webhook_secret_costs_a_503() {
    for (secret, words) in [
        (Value::Null, "webhook cannot be read"),
        (json!({ "scheme": "standard-webhooks", "signing_secrets": ["oops"] }), "is not whsec_ and base64"),
        (json!({ "scheme": "bearer", "tokens": ["t0ken\n"] }), "token that no header can carry"),
        (json!({ "scheme": "bearer", "tokens": ["short"] }), "token of fewer than 16 characters"),
    ] {
        let world = World::with_secrets(&[], &[("webhook", secret)]).await;
        world.line(&["started with faults", words]).await;
        let answered = world.deliver(&sample()).await;
        assert_eq!((answered.status, &*answered.headers["retry-after"]), (503, "60"), "{:#}", answered.body);
        world.alarm("no delivery of this sender can be verified").await;
        assert!(world.effects().await.is_empty());
    }
    let broken = json!({ "scheme": "standard-webhooks", "signing_secrets": ["oops"] });
    let world = World::with_secrets(&[], &[("webhook", broken)]).await;
    let sound = json!({ "scheme": "standard-webhooks", "signing_secrets": [SIGNING_SECRET] });
    world.put_secret("webhook", &sound).await.expect("stored");
    assert_eq!(world.deliver(&sample()).await.status, 200);
}

#[tokio::test]
async fn the_service_key_is_shown_as_scc_wants_it() {
    for (auth, service_key_hash) in
        [("bearer", HashKind::Bcrypt), ("x-service-key", HashKind::Sha256), ("x-service-key-sha256", HashKind::Sha256)]
    {
        let world = World::with_options(Options { service_key_hash, ..Options::default() }).await;
        let mut secret = world.secret("scc").await.expect("a secret");
        secret["auth"] = json!(auth);
        world.put_secret("scc", &secret).await.expect("stored");
        world.cold_start().await.expect("it starts");
        let answered = world.deliver(&sample()).await;
        assert_eq!(answered.status, 200, "{auth}: {:#}", answered.body);
    }
}

/// A process's own running time may stand still between invocations: what was too soon in one of them must not be so for ever.
#[tokio::test]
async fn a_process_frozen_for_a_minute_reads_its_secrets_again() {
    let stage = crate::prove::stage::Stage::set().await;
    let process = stage.process(jiff::SignedDuration::ZERO).await.expect("it starts");
    stage.rehearsal.calendar.set_token("rotated");
    let event = stage.delivery("msg_1", &sample());
    assert_eq!(process.invoke(&event).await.status(), Some(202), "the secret is not rotated yet");

    let mut secret = stage.rehearsal.secret("calendar").await.expect("a secret");
    secret["dashboard_token"] = json!("rotated");
    stage.rehearsal.put_secret("calendar", &secret).await.expect("stored");
    assert_eq!(process.invoke(&event).await.status(), Some(202), "nobody makes it read them twice in 30 seconds");

    stage.pass(std::time::Duration::from_mins(1)).await;
    assert_eq!(process.invoke(&event).await.status(), Some(200));
    World::assert_one_of_everything(&stage.look().await);
}
