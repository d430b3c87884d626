//! One thing goes wrong: the rest is done all the same, the answer says what failed and what to do, and a redelivery heals it.

use std::time::Duration;

use serde_json::json;
use simulators::{
    edge::Edge,
    rehearsal::{Answered, DASHBOARD_TOKEN},
    traffic::{Fault, Service},
};
use tokio::time::timeout;

use crate::world::{CHARTER_ID, World, sample, sample_with, states};

const ALWAYS: u32 = 1_000;
const UNAVAILABLE: Fault = Fault::Answer { status: 503, acted: false, retry_after: None };

/// One system fails for the whole of a delivery; once it is well again the sender's redelivery brings everything in step, once.
async fn fails_alone(service: Service, operation: &str, fault: Fault, expected: [&str; 4]) -> Answered {
    let world = World::with(&[("CALL_TIMEOUT_MS", "400"), ("CREW_EVENT_WAIT_MS", "50")]).await;
    world.traffic.fail_next(service, operation, fault, ALWAYS);
    let answered = world.deliver(&sample()).await;
    assert_eq!(states(&answered), json!(expected), "{:#}", answered.body);
    assert_eq!(
        (answered.status, answered.headers["retry-after"].as_str()),
        (503, "60"),
        "the sender is asked to deliver again"
    );
    world.traffic.heal();
    let again = world.deliver(&sample()).await;
    assert_eq!(again.status, 200, "{:#}", again.body);
    World::assert_one_of_everything(&world.effects().await);
    answered
}

#[track_caller]
fn says(answered: &Answered, step: &str, detail: &str, next: &str) {
    let report = &answered.body["steps"][step];
    let holds = |key: &str, words: &str| report[key].as_str().is_some_and(|text| text.contains(words));
    assert!(holds("detail", detail) && holds("next", next), "{step}: {report:#}");
}

#[tokio::test]
async fn the_calendar_fails_alone() {
    let answered = fails_alone(Service::Calendar, "", UNAVAILABLE, ["due", "in_step", "in_step", "in_step"]).await;
    says(&answered, "calendar", "calendar answered 503", "Deliver the booking again");
}

#[tokio::test]
async fn ship_captain_crew_fails_alone() {
    let answered = fails_alone(Service::Scc, "", UNAVAILABLE, ["in_step", "due", "due", "in_step"]).await;
    says(&answered, "crew_event", "scc answered 503", "Deliver the booking again");
    says(&answered, "crew_redaction", "waits for the crew event", "Deliver the booking again");
}

#[tokio::test]
async fn the_bucket_fails_alone() {
    let answered = fails_alone(Service::S3, "PutObject", UNAVAILABLE, ["in_step", "in_step", "in_step", "due"]).await;
    says(&answered, "guest_page", "guest_page_bucket answered 503", "Deliver the booking again");
}

#[tokio::test]
async fn the_distribution_fails_alone() {
    let fault = Fault::Answer { status: 403, acted: false, retry_after: None };
    let answered = fails_alone(Service::Cloudfront, "", fault, ["in_step", "in_step", "in_step", "due"]).await;
    says(&answered, "guest_page", "cloudfront answered 403", "CreateInvalidation");
}

#[tokio::test]
async fn the_events_table_fails_alone() {
    let answered = fails_alone(Service::Dynamodb, "", UNAVAILABLE, ["in_step", "due", "due", "in_step"]).await;
    says(&answered, "crew_event", "scc_events answered 503", "Deliver the booking again");
}

#[tokio::test]
async fn a_service_that_hangs_up_or_hangs_fails_alone() {
    let expected = ["due", "in_step", "in_step", "in_step"];
    let dropped = fails_alone(Service::Calendar, "", Fault::DropBefore, expected).await;
    says(&dropped, "calendar", "lost the connection", "Deliver");
    let slow = fails_alone(Service::Calendar, "GET", Fault::Delay { milliseconds: 1_000 }, expected).await;
    says(&slow, "calendar", "did not answer in time", "Deliver");
}

/// The service acts and its answer is bad or lost: what is there is read back within the invocation, and nothing is made twice.
async fn acted_all_the_same(service: Service, operation: &str, fault: Fault) {
    let world = World::with(&[("CALL_TIMEOUT_MS", "400")]).await;
    world.traffic.fail_next(service, operation, fault.clone(), 1);
    let answered = world.deliver(&sample()).await;
    assert_eq!(answered.status, 200, "{fault:?}: {:#}", answered.body);
    World::assert_one_of_everything(&world.effects().await);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_read_back() {
    for (service, operation) in [(Service::Calendar, "POST"), (Service::Scc, "POST")] {
        acted_all_the_same(service, operation, Fault::Answer { status: 502, acted: true, retry_after: None }).await;
        acted_all_the_same(service, operation, Fault::DropAfter).await;
        acted_all_the_same(service, operation, Fault::Delay { milliseconds: 600 }).await;
    }
}

#[tokio::test]
async fn a_failure_that_did_nothing_is_tried_again_at_once() {
    for (service, operation) in [
        (Service::Calendar, "GET"),
        (Service::Calendar, "POST"),
        (Service::Scc, "POST"),
        (Service::S3, "PutObject"),
        (Service::Cloudfront, ""),
        (Service::Dynamodb, "Query"),
    ] {
        acted_all_the_same(service, operation, UNAVAILABLE).await;
    }
}

#[tokio::test]
async fn retry_after_is_honoured_and_too_long_a_one_ends_the_series() {
    let busy = |status, retry_after| Fault::Answer { status, acted: false, retry_after: Some(retry_after) };
    for status in [429, 503] {
        let world = World::start().await;
        world.traffic.fail_next(Service::Calendar, "POST", busy(status, 0), 1);
        world.traffic.fail_next(Service::Scc, "POST", busy(status, 3_600), 1);
        let answered = world.deliver(&sample()).await;
        assert_eq!(states(&answered), json!(["in_step", "due", "due", "in_step"]));
        assert_eq!(world.count(Service::Scc, "POST"), 1, "not before the hour is over");
    }
}

/// The creation that mails crew is one series of attempts, not one within another.
#[tokio::test]
async fn however_a_service_stumbles_it_is_asked_three_times_at_most() {
    let world = World::start().await;
    let busy = Fault::Answer { status: 429, acted: false, retry_after: Some(0) };
    let broken = Fault::Answer { status: 502, acted: false, retry_after: None };
    for _ in 0..3 {
        world.traffic.fail_next(Service::Scc, "POST", busy.clone(), 2);
        world.traffic.fail_next(Service::Scc, "POST", broken.clone(), 1);
    }
    let answered = world.deliver(&sample()).await;
    assert_eq!(states(&answered), json!(["in_step", "due", "due", "in_step"]));
    assert_eq!(world.count(Service::Scc, "POST"), 3);
}

/// With the proportions of production (5 s a call, 10 s for the answer, 2.5 s for the calendar), a tenth of them each.
async fn world_in_a_hurry() -> World {
    World::with(&[("CALL_TIMEOUT_MS", "500"), ("ANSWER_WITHIN_MS", "1000"), ("CREW_EVENT_WAIT_MS", "250")]).await
}

#[tokio::test]
async fn a_system_that_hangs_leaves_the_others_their_time() {
    let hanging = Fault::Delay { milliseconds: 5_000 };
    for (service, operation, expected) in [
        (Service::Dynamodb, "", ["in_step", "due", "due", "in_step"]),
        (Service::Calendar, "", ["due", "in_step", "in_step", "in_step"]),
        (Service::S3, "", ["in_step", "in_step", "in_step", "due"]),
    ] {
        let world = world_in_a_hurry().await;
        world.traffic.fail_next(service, operation, hanging.clone(), ALWAYS);
        let answered = world.deliver(&sample()).await;
        assert_eq!(states(&answered), json!(expected), "{service:?}: {:#}", answered.body);
    }
}

#[tokio::test]
async fn a_calendar_that_is_always_a_little_slow_is_not_due_for_ever() {
    let world = world_in_a_hurry().await;
    world.traffic.fail_next(Service::Calendar, "GET", Fault::Delay { milliseconds: 220 }, ALWAYS);
    let answered = world.deliver(&sample()).await;
    assert_eq!(states(&answered), json!(["in_step", "in_step", "in_step", "in_step"]), "{:#}", answered.body);
    World::assert_one_of_everything(&world.effects().await);
}

#[tokio::test]
async fn money_goes_even_from_a_booking_that_waits_for_a_person() {
    let world = World::start().await;
    world.deliver(&sample()).await;
    world.scc.leak_money_into(CHARTER_ID).await.expect("leaked");
    let entry = world.calendar.entries()[0]["id"].as_str().expect("an id").to_owned();
    world.calendar.put_by_hand(&entry, json!({ "revenue": 800 }));
    let answered = world.deliver(&sample()).await;
    assert_eq!(states(&answered), json!(["parked", "parked", "in_step", "parked"]), "{:#}", answered.body);
    assert!(world.effects().await.scc_events[0]["revenue"].is_null());
}

#[tokio::test]
async fn a_retry_after_beyond_all_reason_breaks_nothing() {
    let world = World::start().await;
    let for_ever = Fault::Answer { status: 429, acted: false, retry_after: Some(u64::MAX) };
    world.traffic.fail_next(Service::Scc, "POST", for_ever, 1);
    assert_eq!(states(&world.deliver(&sample()).await), json!(["in_step", "due", "due", "in_step"]));
}

#[tokio::test]
async fn money_is_taken_out_even_when_everything_is_slow() {
    let world = world_in_a_hurry().await;
    world.scc.leak_on_create(true);
    world.traffic.fail_next(Service::Calendar, "POST", Fault::Delay { milliseconds: 350 }, 1);
    world.traffic.fail_next(Service::Scc, "POST", Fault::Delay { milliseconds: 250 }, 1);
    let answered = world.deliver(&sample()).await;
    assert_eq!(states(&answered), json!(["in_step", "in_step", "in_step", "in_step"]), "{:#}", answered.body);
    assert!(world.effects().await.scc_events[0]["revenue"].is_null());
}

#[tokio::test]
async fn what_others_wrote_into_the_same_day_is_none_of_our_business() {
    let world = World::start().await;
    let mut other = sample_with(json!({ "id": "BS-2000001" }));
    other["id"] = json!("evt_other");
    world.deliver(&other).await;
    let id = world.calendar.entries()[0]["id"].as_str().expect("an id").to_owned();
    world.calendar.put_by_hand(&id, json!({ "crew_ids": "Ann Lee 619 555 0123, pays $1,200", "start": 7 }));
    let answered = world.deliver(&sample()).await;
    assert_eq!(answered.status, 200, "{:#}", answered.body);
    assert!(!world.logs().join("\n").contains("Ann Lee"), "and none of the log's");
    assert_eq!(
        world.deliver(&other).await.body["steps"]["calendar"]["state"],
        "parked",
        "ours, and not to be understood"
    );
    assert!(!world.logs().join("\n").contains("Ann Lee"));
}

#[tokio::test]
async fn of_two_entries_for_one_charter_one_goes() {
    let world = World::start().await;
    world.deliver(&sample()).await;
    let mut late = world.calendar.entries()[0].clone();
    let kept = late["id"].take();
    let client = simulators::aws::loopback_client();
    let post = client.post(format!("{}/calendar", world.calendar.url())).header("x-dashboard-token", DASHBOARD_TOKEN);
    late.as_object_mut().expect("an entry").remove("id");
    assert_eq!(post.json(&late).send().await.expect("an answer").status(), 201);
    assert_eq!(world.deliver(&sample()).await.status, 200);
    let ids: Vec<serde_json::Value> = world.calendar.entries().into_iter().map(|entry| entry["id"].clone()).collect();
    assert_eq!(ids, [kept]);
}

/// The gateway gives up, and the service acts later: nothing may be created in the meantime.
#[tokio::test]
async fn a_creation_that_may_still_land_is_not_followed_by_another() {
    for service in [Service::Calendar, Service::Scc] {
        let world = World::with(&[("CREW_EVENT_WAIT_MS", "50")]).await;
        world.traffic.fail_next(service, "POST", Fault::ActLate { milliseconds: 300, status: Some(504) }, 1);
        let answered = world.deliver(&sample()).await;
        assert_eq!((answered.status, world.count(service, "POST")), (503, 1), "{:#}", answered.body);
        let step = if service == Service::Calendar { "calendar" } else { "crew_event" };
        says(&answered, step, "answered 504", "may still land");
        let landed = async {
            while world.calendar.entries().is_empty() || world.scc.mailbox().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(10), landed).await.expect("the late request lands");
        assert_eq!(world.deliver(&sample()).await.status, 200);
        World::assert_one_of_everything(&world.effects().await);
    }
}

#[tokio::test]
async fn what_a_service_refuses_is_parked_with_its_own_words() {
    let world = World::start().await;
    world.traffic.fail_next(Service::Scc, "POST", Fault::Answer { status: 422, acted: false, retry_after: None }, 1);
    let answered = world.deliver(&sample()).await;
    assert_eq!((answered.status, states(&answered)), (202, json!(["in_step", "parked", "parked", "in_step"])));
    says(&answered, "crew_event", "scc answered 422", "Mend what the service objects to");
}

/// The finding that this project began with: CloudFront drops the headers that carry the key.
#[tokio::test]
async fn scc_is_called_on_its_own_url_and_not_through_its_edge() {
    let world = World::start().await;
    let edge = Edge::in_front_of(&world.scc.url(), world.traffic.clone()).await.expect("a free port");
    let mut secret = world.secret("scc").await.expect("a secret");
    let direct = secret.clone();
    secret["url"] = json!(edge.url());
    world.put_secret("scc", &secret).await.expect("stored");
    world.cold_start().await.expect("it starts");
    let through_the_edge = world.deliver(&sample()).await;
    assert_eq!(states(&through_the_edge), json!(["in_step", "due", "due", "in_step"]));
    says(&through_the_edge, "crew_event", "scc answered 401", "SERVICE_KEY_HASH");
    world.put_secret("scc", &direct).await.expect("stored");
    world.cold_start().await.expect("it starts");
    assert_eq!(world.deliver(&sample()).await.status, 200);
    World::assert_one_of_everything(&world.effects().await);
}

#[tokio::test]
async fn an_event_id_that_somebody_else_has_taken_is_left_to_a_person() {
    let world = World::start().await;
    let mut foreign =
        world.invoke(&json!({ "plan": { "booking": sample()["data"]["booking"] } })).await.expect("a plan").payload;
    let event = &mut foreign["would_send"]["crew_event"]["body"];
    event["notes"] = json!("Somebody else's charter");
    event["guest_page"] = json!("https://queenofsandiego.com/g/other");
    let client = simulators::aws::loopback_client();
    let post =
        client.post(format!("{}/events", world.scc.url())).bearer_auth(simulators::rehearsal::SERVICE_KEY).json(event);
    assert_eq!(post.send().await.expect("an answer").status(), 201);
    let answered = world.deliver(&sample_with(json!({}))).await;
    assert_eq!(answered.body["state"], "parked", "{:#}", answered.body);
    assert!(world.effects().await.calendar.is_empty());
}
