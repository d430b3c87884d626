//! Who may come in, in which shapes, and what the others are told.

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use rehearsal::{Answered, SIGNING_SECRET, WEBHOOK_PATH};
use serde_json::json;
use simulators::sender::Sender;

use crate::world::{World, now, sample, sample_with, states};

fn signed(body: &str) -> BTreeMap<String, String> {
    Sender::new(SIGNING_SECRET).expect("well formed").sign("msg_1", body, now())
}

async fn refused(headers: BTreeMap<String, String>, body: String) -> Answered {
    let world = World::start().await;
    let answered = world.deliver_raw(&headers, body).await.expect("an answer");
    assert!(world.effects().await.is_empty(), "nothing may happen");
    assert_eq!(answered.headers["content-type"], "application/problem+json");
    assert_eq!(answered.body["status"], answered.status);
    let logs = world.logs().await.join("\n");
    assert!(!logs.contains("Whitfield") && !logs.contains("anniversary"), "nothing of the body is logged: {logs}");
    answered
}

#[tokio::test]
async fn a_delivery_that_is_not_authentic_changes_nothing() {
    let body = sample().to_string();
    let stranger = Sender::new("whsec_bm90LW91cnM=").expect("well formed").sign("msg_1", &body, now());
    let expired = Sender::new(SIGNING_SECRET).expect("well formed").sign("msg_1", &body, now() - 10.minutes());
    let without_signature = BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]);
    for (headers, detail) in
        [(stranger, "fits none of the secrets"), (expired, "300 s"), (without_signature, "webhook-id is missing")]
    {
        let answered = refused(headers, body.clone()).await;
        assert_eq!(answered.status, 401);
        assert!(answered.body["detail"].as_str().is_some_and(|text| text.contains(detail)), "{:#}", answered.body);
    }
    let tampered = refused(signed(&body), body.replace("840.75", "1.00")).await;
    assert_eq!(tampered.status, 401);
}

#[tokio::test]
async fn a_body_that_cannot_be_a_booking_is_refused_with_every_fault() {
    let faulty =
        sample_with(json!({ "gross": "a lot", "start_at": "2031-03-09T02:30:00", "timezone": "America/Los_Angeles" }));
    let answered = unreadable(&faulty.to_string()).await;
    assert_eq!(pointers(&answered), ["/data/booking/start_at", "/data/booking/gross"]);
    assert!(answered.body["errors"][0]["detail"].as_str().is_some_and(|text| text.contains("does not exist")));

    let end_at = "2031-05-30T13:00:00-07:00";
    let ends_first =
        sample_with(json!({ "gross": "a lot", "duration_minutes": null, "end_at": end_at, "crew_ids": ["captain-1"] }));
    let answered = unreadable(&ends_first.to_string()).await;
    assert_eq!(pointers(&answered), ["/data/booking/end_at", "/data/booking/gross", "/data/booking/crew_ids"]);

    let without_crew = sample_with(json!({ "crew_ids": null, "captain_id": null }));
    let answered = unreadable(&without_crew.to_string()).await;
    assert_eq!(pointers(&answered), ["/data/booking/crew_ids", "/data/booking/captain_id"]);

    let from_the_future = sample_with(json!({ "updated_at": "2131-05-20T18:03:10Z", "gross": null }));
    let answered = unreadable(&from_the_future.to_string()).await;
    assert_eq!(pointers(&answered), ["/data/booking/updated_at", "/data/booking/gross"]);

    assert_eq!(pointers(&unreadable("{\"data\": ").await), [""]);
}

async fn unreadable(body: &str) -> Answered {
    let answered = refused(signed(body), body.to_owned()).await;
    assert_eq!(answered.status, 422, "{:#}", answered.body);
    answered
}

fn pointers(answered: &Answered) -> Vec<&str> {
    let errors = answered.body["errors"].as_array().into_iter().flatten();
    errors.filter_map(|error| error["pointer"].as_str()).collect()
}

#[tokio::test]
async fn a_booking_that_does_not_stand_needs_no_details() {
    let world = World::start().await;
    for (status, id) in [("cancelled", "BS-2000001"), ("inquiry", "BS-2000002")] {
        let booking = json!({ "id": id, "status": status, "updated_at": "2025-05-21T09:00:00Z" });
        let answered = world.deliver(&json!({ "id": "evt_1", "data": { "booking": booking } })).await;
        assert_eq!((answered.status, &answered.body["state"]), (200, &json!("recorded")), "{:#}", answered.body);
        assert_eq!(states(&answered), json!(["not_needed", "not_needed", "not_needed", "not_needed"]), "{status}");
    }
    assert!(world.effects().await.is_empty());
}

#[tokio::test]
async fn a_captain_who_is_listed_as_crew_is_paid_and_told_once() {
    let world = World::start().await;
    let twice = sample_with(json!({ "crew_ids": ["crew-1", "captain-1", "crew-2"] }));
    let answered = world.deliver(&twice).await;
    assert_eq!(answered.status, 200, "{:#}", answered.body);
    let effects = world.effects().await;
    World::assert_one_of_everything(&effects);
    assert_eq!(effects.calendar[0]["expenses"]["crew"].to_string(), "250.00", "two heads");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_unread() {
    let body = sample_with(json!({ "notes": "x".repeat(256 * 1024) })).to_string();
    assert_eq!(refused(signed(&body), body).await.status, 413);
}

#[tokio::test]
async fn only_posts_to_the_webhook_are_deliveries() {
    let world = World::start().await;
    let client = simulators::aws::loopback_client();
    let get = client.get(format!("{}{WEBHOOK_PATH}", world.front_door.url())).send().await.expect("an answer");
    assert_eq!(get.status(), 405);
    let body = sample().to_string();
    // The path by which direct invocations reach the handler is no way in.
    for path in ["/events", "/", "/webhooks/boatsetter/more"] {
        let url = format!("{}{path}", world.front_door.url());
        let answered = world.post(&url, &signed(&body), body.clone()).await.expect("an answer");
        assert_eq!(answered.status, 404, "{path}");
        let direct =
            world.post(&url, &BTreeMap::new(), json!({ "booking": sample()["data"]["booking"] }).to_string()).await;
        assert_eq!(direct.expect("an answer").status, 404, "{path}");
    }
    assert!(world.effects().await.is_empty());
}

#[tokio::test]
async fn every_shape_of_api_gateway_is_understood() {
    for (content_type, rest) in [
        ("application/json", false),
        ("application/octet-stream", false),
        ("application/json", true),
        ("application/octet-stream", true),
    ] {
        let world = World::start().await;
        let body = sample().to_string();
        let mut headers = signed(&body);
        headers.insert("content-type".into(), content_type.into());
        let base = if rest { world.front_door.rest_url() } else { world.front_door.url() };
        let answered = world.post(&format!("{base}{WEBHOOK_PATH}"), &headers, body).await.expect("an answer");
        assert_eq!(answered.status, 200, "{content_type}, rest: {rest}: {:#}", answered.body);
        World::assert_one_of_everything(&world.effects().await);
    }
}

#[tokio::test]
async fn local_times_are_right_across_clock_changes() {
    let world = World::start().await;
    // 2 November 2031, 1:30 in the morning happens twice in San Diego.
    let ambiguous = sample_with(json!({ "start_at": "2031-11-02T01:30:00", "timezone": null }));
    let answered = world.deliver(&ambiguous).await;
    assert_eq!((answered.status, &answered.body["flags"]), (200, &json!(["ambiguous_start"])), "{:#}", answered.body);
    let effects = world.effects().await;
    assert_eq!(effects.scc_events[0]["date"], "2031-11-02T01:30:00-07:00");
    assert_eq!(effects.scc_events[0]["released_at"], "2031-11-02T04:30:00-08:00");
    assert_eq!(effects.calendar[0]["date"], "2031-11-02");
    assert_eq!(effects.calendar[0]["end"], "2031-11-02T03:30:00-08:00");
}
