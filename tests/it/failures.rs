//! One thing goes wrong: the rest is done all the same, the answer says what failed and what happens next, and it heals.

use jiff::{Timestamp, ToSpan as _};
use rehearsal::{Answered, SERVICE_KEY};
use serde_json::json;
use simulators::{
    edge::Edge,
    scc::MailKind,
    traffic::{Fault, Service},
};

use crate::world::{ALWAYS, CHARTER_ID, DENIED, REFUSED, SOON, UNAVAILABLE, World, later, now, sample, states};

const BY_ITSELF: &str = "tried again by itself";

/// For services that hang: longer than any other answer takes on a busy machine.
const SHORT: (&str, &str) = ("CALL_TIMEOUT_MS", "1000");
/// Longer than that.
const HANGING: Fault = Fault::Delay { milliseconds: 2_000 };

async fn world(env: &[(&str, &str)]) -> World {
    World::with(&[&SOON[..], &[("CREW_EVENT_WAIT_MS", "50")], env].concat()).await
}

/// One system fails for the whole of a delivery; once it is well again the sender's redelivery brings everything in step, once.
async fn fails_alone(world: &World, expected: [&str; 4]) -> Answered {
    let answered = world.deliver(&sample()).await;
    assert_eq!(states(&answered), json!(expected), "{:#}", answered.body);
    assert_eq!((answered.status, &answered.body["state"]), (202, &json!("due")), "it is promised");
    world.traffic.heal();
    world.repeat_until_in_step(&sample()).await;
    World::assert_one_of_everything(&world.effects().await);
    answered
}

async fn service_fails_alone(service: Service, operation: &str, fault: Fault, expected: [&str; 4]) -> Answered {
    let world = world(if fault == HANGING { &[SHORT] } else { &[] }).await;
    world.traffic.fail_next(service, operation, fault, ALWAYS);
    fails_alone(&world, expected).await
}

#[track_caller]
fn says(answered: &Answered, step: &str, detail: &str, next: &str) {
    let report = &answered.body["steps"][step];
    let holds = |key: &str, words: &str| report[key].as_str().is_some_and(|text| text.contains(words));
    assert!(holds("detail", detail) && holds("next", next), "{step}: {report:#}");
    assert!(report["next_try_at"].is_string() || report["state"] == "parked", "{step}: {report:#}");
}

#[tokio::test]
async fn the_calendar_fails_alone() {
    let expected = ["due", "in_step", "in_step", "in_step"];
    let answered = service_fails_alone(Service::Calendar, "", UNAVAILABLE, expected).await;
    says(&answered, "calendar", "calendar answered 503", BY_ITSELF);
}

#[tokio::test]
async fn ship_captain_crew_fails_alone() {
    let answered = service_fails_alone(Service::Scc, "", UNAVAILABLE, ["in_step", "due", "due", "in_step"]).await;
    says(&answered, "crew_event", "scc answered 503", BY_ITSELF);
    assert_eq!(answered.body["steps"]["crew_redaction"]["detail"], "waits for the crew event");
}

#[tokio::test]
async fn the_bucket_fails_alone() {
    let expected = ["in_step", "in_step", "in_step", "due"];
    let answered = service_fails_alone(Service::S3, "PutObject", UNAVAILABLE, expected).await;
    says(&answered, "guest_page", "guest_page_bucket answered 503", BY_ITSELF);
}

#[tokio::test]
async fn the_distribution_fails_alone() {
    let world = world(&[]).await;
    assert_eq!(world.deliver(&sample()).await.status, 200);
    world.traffic.fail_next(Service::Cloudfront, "", DENIED, ALWAYS);
    let moved = later(1, json!({ "start_at": "2031-05-31T14:00:00-07:00" }));
    let answered = world.deliver(&moved).await;
    assert_eq!(states(&answered), json!(["in_step", "in_step", "in_step", "due"]), "{:#}", answered.body);
    world.traffic.heal();
    world.repeat_until_in_step(&moved).await;
    assert!(world.effects().await.visits[0].body.contains("Saturday, May 31, 2031"));
    says(&answered, "guest_page", "cloudfront answered 403", "CreateInvalidation");
    says(&answered, "guest_page", "cloudfront answered 403", "tried again every hour");
}

/// The event is there and its crew is told, but nobody has seen yet that there is no money in it.
#[tokio::test]
async fn the_events_table_fails_alone() {
    // The calendar is waited for: an event whose notes are changed afterwards needs the table once more.
    let world = World::with(&SOON).await;
    world.fail_table(&world.cloud.events_table, &UNAVAILABLE);
    let answered = fails_alone(&world, ["in_step", "in_step", "due", "in_step"]).await;
    says(&answered, "crew_redaction", "scc_events answered 503", BY_ITSELF);
}

#[tokio::test]
async fn a_service_that_hangs_up_or_hangs_fails_alone() {
    let expected = ["due", "in_step", "in_step", "in_step"];
    let dropped = service_fails_alone(Service::Calendar, "", Fault::DropBefore, expected).await;
    says(&dropped, "calendar", "lost the connection", "when the request can no longer land");
    let slow = service_fails_alone(Service::Calendar, "", HANGING, expected).await;
    says(&slow, "calendar", "did not answer in time", "when the request can no longer land");
}

/// The service acts and its answer is bad or lost: what is there is read back within the invocation, and nothing is made twice.
async fn acted_all_the_same(service: Service, operation: &str, fault: Fault) {
    let world = World::with(if fault == HANGING { &[SHORT] } else { &[] }).await;
    world.traffic.fail_next(service, operation, fault.clone(), 1);
    let answered = world.deliver(&sample()).await;
    assert_eq!(answered.status, 200, "{fault:?}: {:#}", answered.body);
    assert!(world.traffic.calls().iter().any(|call| call.fault.is_some()), "{service:?} was never asked: {operation}");
    World::assert_one_of_everything(&world.effects().await);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_read_back() {
    for (service, operation) in [(Service::Calendar, "POST"), (Service::Scc, "POST")] {
        acted_all_the_same(service, operation, Fault::Answer { status: 502, acted: true, retry_after: None }).await;
        acted_all_the_same(service, operation, Fault::DropAfter).await;
        acted_all_the_same(service, operation, HANGING).await;
    }
}

#[tokio::test]
async fn a_failure_that_did_nothing_is_tried_again_at_once() {
    for (service, operation) in [
        (Service::Calendar, "POST"),
        (Service::Scc, "POST"),
        (Service::S3, "PutObject"),
        (Service::Dynamodb, "Query"),
        (Service::Dynamodb, "PutItem"),
        (Service::Dynamodb, "UpdateItem"),
    ] {
        acted_all_the_same(service, operation, UNAVAILABLE).await;
    }
    // The edge is told of changes alone.
    let world = World::start().await;
    assert_eq!(world.deliver(&sample()).await.status, 200);
    world.traffic.fail_next(Service::Cloudfront, "", UNAVAILABLE, 1);
    let moved = world.deliver(&later(1, json!({ "start_at": "2031-05-31T14:00:00-07:00" }))).await;
    assert_eq!((moved.status, world.count(Service::Cloudfront, "")), (200, 2), "{:#}", moved.body);
}

/// A reading back that fails is tried again like any other reading.
#[tokio::test]
async fn a_creation_and_its_reading_back_may_both_stumble() {
    let world = World::start().await;
    world.traffic.fail_next(
        Service::Calendar,
        "POST",
        Fault::Answer { status: 502, acted: true, retry_after: None },
        1,
    );
    world.traffic.fail_next(Service::Calendar, "GET", UNAVAILABLE, 2);
    assert_eq!(world.deliver(&sample()).await.status, 200);
    assert_eq!(
        (world.count(Service::Calendar, "POST"), world.count(Service::Calendar, "GET")),
        (1, 4),
        "and one look beside it"
    );
    World::assert_one_of_everything(&world.effects().await);
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
        let next: Timestamp =
            answered.body["steps"]["crew_event"]["next_try_at"].as_str().expect("due").parse().expect("an instant");
        assert!(next > now() + 59.minutes(), "nor by the sweep: {next}");
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

#[tokio::test]
async fn a_retry_after_beyond_all_reason_breaks_nothing() {
    let world = World::start().await;
    let for_ever = Fault::Answer { status: 429, acted: false, retry_after: Some(u64::MAX) };
    world.traffic.fail_next(Service::Scc, "POST", for_ever, 1);
    assert_eq!(states(&world.deliver(&sample()).await), json!(["in_step", "due", "due", "in_step"]));
}

#[tokio::test]
async fn what_others_wrote_into_the_same_day_is_none_of_our_business() {
    let world = World::start().await;
    let other = |minutes, start: &str| later(minutes, json!({ "id": "BS-2000001", "start_at": start }));
    world.deliver(&other(0, "2031-05-30T14:00:00-07:00")).await;
    world.calendar.put_by_hand(&world.entry_id(), json!({ "crew_ids": "Ann Lee 619 555 0123, pays $1,200", "end": 7 }));
    world.traffic.fail_next(
        Service::Calendar,
        "POST",
        Fault::Answer { status: 502, acted: true, retry_after: None },
        1,
    );
    let answered = world.deliver(&sample()).await;
    // Each of the two also looked what else is there.
    assert_eq!((answered.status, world.count(Service::Calendar, "GET")), (200, 3), "{:#}", answered.body);
    let moved = world.deliver(&other(1, "2031-05-31T14:00:00-07:00")).await;
    assert_eq!(moved.status, 200, "nor does it keep the entry from being moved: {:#}", moved.body);
    let entry = &world.calendar.entries()[0];
    assert_eq!(
        (&entry["date"], &entry["crew_ids"]),
        (&json!("2031-05-31"), &json!("Ann Lee 619 555 0123, pays $1,200"))
    );
    assert!(!world.logs().await.join("\n").contains("Ann Lee"), "and none of the log's");
}

#[tokio::test]
async fn what_a_service_refuses_is_parked_with_its_own_words() {
    let world = World::start().await;
    world.traffic.fail_next(Service::Scc, "POST", REFUSED, 1);
    let answered = world.deliver(&sample()).await;
    assert_eq!((answered.status, states(&answered)), (202, json!(["in_step", "parked", "due", "in_step"])));
    assert_eq!(answered.body["state"], "parked", "a person is needed before time is");
    says(&answered, "crew_event", "scc answered 422", "Mend what the service objects to");
    world.alarm("crew_event is parked until a person looks: scc answered 422").await;
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
    let mut plan = world.ask(&json!({ "plan": { "booking": sample()["data"]["booking"] } })).await;
    let foreign = &mut plan["steps"]["crew_event"]["body"];
    foreign["notes"] = json!("Somebody else's charter");
    foreign["guest_page"] = json!("https://queenofsandiego.com/g/other");
    let post = simulators::aws::loopback_client().post(format!("{}/events", world.scc.url()));
    let post = post.bearer_auth(SERVICE_KEY).json(foreign);
    assert_eq!(post.send().await.expect("an answer").status(), 201);
    let before = world.effects().await;

    let answered = world.deliver(&sample()).await;
    assert_eq!(states(&answered), json!(["in_step", "parked", "due", "in_step"]), "{:#}", answered.body);
    says(&answered, "crew_event", &format!("has an event {CHARTER_ID} that is not ours"), "Mend");
    let after = world.effects().await;
    assert_eq!((before.scc_events, before.mailbox), (after.scc_events, after.mailbox), "theirs stays as it is");
    assert!(world.traffic.calls_to(Service::Scc).iter().all(|call| !call.operation.starts_with("PATCH")));
}

/// SCC shows crew what it should not, while a change of the same event waits for a person.
#[tokio::test]
async fn money_goes_even_from_an_event_that_waits_for_a_person() {
    let world = World::start().await;
    world.deliver(&sample()).await;
    world.scc.leak_money_into(CHARTER_ID).await.expect("leaked");
    world.traffic.fail_next(Service::Scc, "PATCH", REFUSED, ALWAYS);
    let moved = later(1, json!({ "start_at": "2031-05-31T14:00:00-07:00" }));
    let answered = world.deliver(&moved).await;
    assert_eq!(states(&answered), json!(["in_step", "parked", "in_step", "in_step"]), "{:#}", answered.body);
    let effects = world.effects().await;
    assert!(effects.scc_events[0]["revenue"].is_null());
    assert!(effects.mailbox.iter().all(|mail| mail.kind == MailKind::MagicLink), "and nobody is told of a new day");
}
