//! Who may come in, in which shapes, and what the others are told.

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use rehearsal::{Answered, SIGNING_SECRET, WEBHOOK_PATH};
use serde_json::json;
use simulators::sender::Sender;

use crate::world::{World, later, now, sample, sample_with, states};

fn signed(body: &str) -> BTreeMap<String, String> {
    Sender::new(SIGNING_SECRET).expect("well formed").sign("msg_1", body, now())
}

/// What the function answers to a body without effects, and of which it logs nothing.
async fn answered_without_effects(headers: BTreeMap<String, String>, body: String) -> Answered {
    let world = World::start().await;
    let answered = world.deliver_raw(&headers, body).await.expect("an answer");
    assert!(world.effects().await.is_empty(), "nothing may happen");
    let logs = world.logs().await.join("\n");
    assert!(!logs.contains("Whitfield") && !logs.contains("anniversary"), "nothing of the body is logged: {logs}");
    answered
}

async fn refused(headers: BTreeMap<String, String>, body: String) -> Answered {
    let answered = answered_without_effects(headers, body).await;
    assert_eq!(answered.headers["content-type"], "application/problem+json");
    assert_eq!(answered.body["status"], answered.status);
    answered
}

#[tokio::test]
async fn a_delivery_that_is_not_authentic_changes_nothing() {
    let body = sample().to_string();
    let stranger =
        Sender::new("whsec_bm90LW91cnMtYnV0LWxvbmctZW5vdWdo").expect("well formed").sign("msg_1", &body, now());
    let expired = Sender::new(SIGNING_SECRET).expect("well formed").sign("msg_1", &body, now() - 10.minutes());
    let without_signature = BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]);
    for (headers, detail) in [
        (stranger, "fits none of the secrets"),
        (expired, "300 s"),
        (without_signature, "webhook-signature is missing"),
    ] {
        let answered = refused(headers, body.clone()).await;
        assert_eq!(answered.status, 401);
        assert!(answered.body["detail"].as_str().is_some_and(|text| text.contains(detail)), "{:#}", answered.body);
    }
    let tampered = refused(signed(&body), body.replace("840.75", "1.00")).await;
    assert_eq!(tampered.status, 401);
}

#[tokio::test]
async fn a_body_that_is_not_understood_is_kept_with_every_fault() {
    for (changes, expected) in [
        (
            json!({ "gross": "a lot", "start_at": "2031-03-09T02:30:00", "timezone": "America/Los_Angeles" }),
            &["/data/booking/start_at", "/data/booking/gross"][..],
        ),
        (
            json!({ "gross": "a lot", "duration_minutes": null, "end_at": "2031-05-30T13:00:00-07:00" }),
            &["/data/booking/end_at", "/data/booking/gross"],
        ),
        (
            json!({ "updated_at": "2131-05-20T18:03:10Z", "gross": null }),
            &["/data/booking/updated_at", "/data/booking/gross"],
        ),
        (json!({ "status": "cancelled_by_guest" }), &["/data/booking/status"]),
        (json!({ "status": "booked", "currency": "EUR" }), &["/data/booking/status", "/data/booking/currency"]),
    ] {
        assert_eq!(pointers(&quarantined(&sample_with(changes).to_string()).await), expected);
    }
    assert_eq!(pointers(&quarantined("{\"data\": ").await), [""]);
    assert_eq!(pointers(&quarantined(r#"{"type": "booking.created"}"#).await), ["/data/booking"]);
}

async fn quarantined(body: &str) -> Answered {
    let answered = answered_without_effects(signed(body), body.to_owned()).await;
    assert_eq!((answered.status, &answered.body["state"]), (202, &json!("quarantined")), "{:#}", answered.body);
    assert!(answered.body["delivery_id"].is_string(), "{:#}", answered.body);
    answered
}

/// Some senders switch a webhook off when it answers with errors, and nobody wants an alarm for a ping.
#[tokio::test]
async fn an_event_that_is_not_ours_is_ignored() {
    let world = World::start().await;
    for event in [json!({ "type": "ping" }), json!({ "type": "message.created", "data": { "message": "hello" } })] {
        let answered = world.deliver(&event).await;
        assert_eq!((answered.status, &answered.body["state"]), (200, &json!("ignored")), "{:#}", answered.body);
        assert_eq!(answered.body["delivery_id"], json!(null), "it is not kept");
    }
    assert!(!world.logs().await.join("\n").contains("\"ERROR\""), "no alarm");
}

/// What costs a character costs no booking.
#[tokio::test]
async fn a_bad_character_costs_that_character() {
    let body = sample_with(json!({ "notes": "half MARK" })).to_string();
    for (bytes, from, to) in [
        ([&b"\xef\xbb\xbf"[..], body.as_bytes()].concat(), "", ""),
        (body.clone().into_bytes(), "MARK", "\\ud83d"),
        (serde_json::to_string(&body).expect("text").into_bytes(), "", ""),
    ] {
        let world = World::start().await;
        let body = String::from_utf8(bytes).expect("text").replace(from, to);
        let answered = world.deliver_text("msg_1", body).await;
        assert_eq!(answered.status, 200, "{:#}", answered.body);
        World::assert_one_of_everything(&world.effects().await);
    }
}

/// A faulty value that nobody needs stops no reschedule.
#[tokio::test]
async fn values_that_nobody_needs_stop_no_reschedule() {
    let world = World::start().await;
    assert_eq!(world.deliver(&sample()).await.status, 200);
    let moved = later(
        1,
        json!({ "start_at": "2031-06-01T14:00:00-07:00", "timezone": "Pacific Time (US & Canada)",
            "boat": { "id": "qosd", "name": "x".repeat(150) }, "location": "y".repeat(251),
            "guest": { "name": "Dana Whitfield", "locale": ["en"] } }),
    );
    let answered = world.deliver(&moved).await;
    assert_eq!(answered.status, 200, "{:#}", answered.body);
    assert_eq!(world.effects().await.calendar[0]["date"], "2031-06-01");
    world.line(&["were passed over", "Timezone", "BoatName", "Location", "GuestLocale"]).await;
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

/// Somebody hears of a delivery that is too large to keep, if it is authentic.
#[tokio::test]
async fn a_body_that_is_too_large_is_told_of() {
    let world = World::start().await;
    let body = sample_with(json!({ "notes": "x".repeat(1024 * 1024) })).to_string();
    let stranger = Sender::new("whsec_bm90LW91cnMtYnV0LWxvbmctZW5vdWdo").expect("well formed");
    let forged = world.deliver_raw(&stranger.sign("msg_1", &body, now()), body.clone()).await.expect("an answer");
    assert_eq!(forged.status, 401, "nobody learns the limit without a signature");
    let answered = world.deliver_raw(&signed(&body), body).await.expect("an answer");
    assert_eq!(answered.status, 413, "{:#}", answered.body);
    world.alarm("an authentic delivery is too large").await;
    world.line(&["OversizedDeliveries"]).await;
    let below = sample_with(json!({ "notes": "x".repeat(300 * 1024) }));
    assert_eq!(world.deliver(&below).await.status, 200, "a long note is cut");
}

#[tokio::test]
async fn only_posts_to_the_webhook_are_deliveries() {
    let world = World::start().await;
    let client = simulators::aws::loopback_client();
    let get = client.get(format!("{}{WEBHOOK_PATH}", world.front_door.url())).send().await.expect("an answer");
    assert_eq!(get.status(), 405);
    let body = sample().to_string();
    // The path by which direct invocations reach the handler is no way in.
    for path in [
        "/events",
        "/",
        "/webhooks",
        "/webhooks/",
        "/webhooks/boatsetter/more",
        "/webhooks/nobody",
        "/hooks/boatsetter",
    ] {
        let url = format!("{}{path}", world.front_door.url());
        let answered = world.post(&url, &signed(&body), body.clone()).await.expect("an answer");
        assert_eq!(answered.status, 404, "{path}");
        let direct =
            world.post(&url, &BTreeMap::new(), json!({ "booking": sample()["data"]["booking"] }).to_string()).await;
        assert_eq!(direct.expect("an answer").status, 404, "{path}");
    }
    assert!(world.effects().await.is_empty());
    let url = format!("{}{WEBHOOK_PATH}/", world.front_door.url());
    let answered = world.post(&url, &signed(&body), body).await.expect("an answer");
    assert_eq!(answered.status, 200, "with a slash at its end");
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
