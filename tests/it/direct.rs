//! A person invokes the function: IAM is the gate, there is no signature; an API Gateway event is verified all the same.

use serde_json::{Value, json};

use crate::world::{World, fixture};

/// The charter id of the captured deliveries' booking, BS-1048900, under the rehearsal's link key.
const CAPTURED_CHARTER_ID: &str = "MWYHH318";

#[tokio::test]
async fn a_person_enters_a_booking() {
    let world = World::start().await;
    let answer = world.ask(&fixture("manual-booking.json")).await;
    assert_eq!(answer["state"], "in_step", "{answer:#}");
    let effects = world.effects().await;
    assert_eq!((effects.calendar.len(), effects.scc_events.len(), effects.bucket.len()), (1, 1, 2));
}

#[tokio::test]
async fn a_plan_says_what_would_be_sent_where_and_sends_nothing() {
    let world = World::start().await;
    world.traffic.forget();
    let plan = world.ask(&fixture("plan.json")).await;
    assert!(world.effects().await.is_empty());
    assert!(
        world.traffic.calls().iter().all(|call| call.service == simulators::traffic::Service::Edge),
        "nobody was called, not even the ledger"
    );
    let would_send = &plan["would_send"];
    assert_eq!(would_send["calendar"]["url"], format!("{}/calendar", world.calendar.url()));
    assert_eq!(would_send["calendar"]["body"]["net"].to_string(), "289.41");
    assert!(would_send["crew_event"]["body"]["revenue"].is_null());
    assert_eq!(would_send["guest_page"]["invalidate"].as_array().map(Vec::len), Some(3));
    assert!(!plan.to_string().contains(rehearsal::DASHBOARD_TOKEN), "a plan shows no token");
}

#[tokio::test]
async fn a_plan_of_an_unconfirmed_booking_sends_nothing() {
    let world = World::start().await;
    for (status, because) in [("cancelled", "the booking is cancelled"), ("pending", "decides nothing")] {
        let mut full = fixture("plan.json");
        full["plan"]["booking"]["status"] = json!(status);
        let bare = json!({ "plan": { "booking": { "id": full["plan"]["booking"]["id"], "status": status } } });
        for event in [full, bare] {
            let plan = world.ask(&event).await;
            assert_eq!((&plan["would_send"], &plan["booking_id"]), (&json!({}), &json!("BS-2000002")), "{plan:#}");
            assert!(plan["because"].as_str().is_some_and(|why| why.contains(because)), "{plan:#}");
        }
    }
    assert!(world.effects().await.is_empty());
}

#[tokio::test]
async fn a_captured_delivery_is_delivered_again_whatever_its_age() {
    for event in ["http-api-event.json", "rest-event.json"] {
        let world = World::start().await;
        let captured = fixture(event);
        let stale = world.ask(&captured).await;
        assert_eq!(stale["statusCode"], 401, "as a live delivery it is far too old: {stale:#}");
        assert!(world.effects().await.is_empty());

        let mut forged = captured.clone();
        forged["body"] = json!(captured["body"].as_str().expect("text").replace("840.75", "1.00"));
        let refused = world.ask(&json!({ "deliver": forged })).await;
        assert_eq!(refused["status"], 401, "{refused:#}");
        assert!(world.effects().await.is_empty());

        let delivered = world.ask(&json!({ "deliver": captured })).await;
        assert_eq!(
            (&delivered["state"], &delivered["charter_id"]),
            (&json!("in_step"), &json!(CAPTURED_CHARTER_ID)),
            "{delivered:#}"
        );
        let effects = world.effects().await;
        let counts = (effects.calendar.len(), effects.scc_events.len(), effects.mailbox.len(), effects.bucket.len());
        assert_eq!(counts, (1, 1, 3, 2));
    }
}

#[test]
fn the_captured_deliveries_carry_the_canonical_body() {
    for event in ["http-api-event.json", "rest-event.json"] {
        let captured = fixture(event);
        let body: Value = serde_json::from_str(captured["body"].as_str().expect("text")).expect("JSON");
        assert_eq!(body, fixture("booking-confirmed.json"), "{event}");
    }
}

#[tokio::test]
async fn what_is_no_known_kind_is_told_the_known_ones() {
    let world = World::start().await;
    for payload in [
        json!({}),
        json!("booking"),
        json!({ "bookng": {} }),
        json!({ "booking": {}, "plan": {} }),
        json!({ "deliver": {} }),
        json!({ "replay": {}, "sweep": {} }),
    ] {
        let problem = world.ask(&payload).await;
        assert_eq!(problem["status"], 400, "{payload}: {problem:#}");
        let detail = problem["detail"].as_str().expect("what to do");
        for kind in ["API Gateway event", "booking", "plan", "deliver", "replay", "status", "sweep"] {
            assert!(detail.contains(kind), "{kind}: {detail}");
        }
    }
    let faulty = world.ask(&json!({ "booking": { "id": "BS 1" } })).await;
    assert_eq!(
        (&faulty["status"], &faulty["errors"][0]["pointer"]),
        (&json!(422), &json!("/booking/id")),
        "{faulty:#}"
    );
    assert!(world.effects().await.is_empty());
}
