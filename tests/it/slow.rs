//! Services that are slow, or act after they were given up: nothing is made twice, and the others have their time.

use std::time::Duration;

use rehearsal::DASHBOARD_TOKEN;
use serde_json::json;
use simulators::traffic::{Fault, Service};

use crate::{
    prove::stage::{Outcome, Stage},
    world::{ALWAYS, SOON, UNAVAILABLE, World, sample, states},
};

/// Half of production's times (5 s a call, 10 s for the answer), and less than half of the wait for the calendar (2.5 s): what that
/// leaves is the ledger's, which on a busy machine takes longer.
async fn world_in_a_hurry() -> World {
    World::with(&[("CALL_TIMEOUT_MS", "2500"), ("ANSWER_WITHIN_MS", "5000"), ("CREW_EVENT_WAIT_MS", "750")]).await
}

#[tokio::test]
async fn a_system_that_hangs_leaves_the_others_their_time() {
    let hanging = Fault::Delay { milliseconds: 12_500 };
    for (service, expected) in [
        (None, ["in_step", "in_step", "due", "in_step"]),
        (Some(Service::Calendar), ["due", "in_step", "in_step", "in_step"]),
        (Some(Service::S3), ["in_step", "in_step", "in_step", "due"]),
    ] {
        let world = world_in_a_hurry().await;
        match service {
            Some(service) => world.traffic.fail_next(service, "", hanging.clone(), ALWAYS),
            None => world.fail_table(&world.cloud.events_table, &hanging),
        }
        let answered = world.deliver(&sample()).await;
        assert_eq!(states(&answered), json!(expected), "{service:?}: {:#}", answered.body);
    }
}

#[tokio::test]
async fn a_calendar_that_is_always_a_little_slow_is_not_due_for_ever() {
    let world = world_in_a_hurry().await;
    world.traffic.fail_next(Service::Calendar, "", Fault::Delay { milliseconds: 600 }, ALWAYS);
    let answered = world.deliver(&sample()).await;
    assert_eq!(states(&answered), json!(["in_step", "in_step", "in_step", "in_step"]), "{:#}", answered.body);
    World::assert_one_of_everything(&world.effects().await);
}

#[tokio::test]
async fn money_is_taken_out_even_when_everything_is_slow() {
    let world = world_in_a_hurry().await;
    world.scc.leak_on_create(true);
    world.traffic.fail_next(Service::Calendar, "POST", Fault::Delay { milliseconds: 1_750 }, 1);
    world.traffic.fail_next(Service::Scc, "POST", Fault::Delay { milliseconds: 1_250 }, 1);
    let answered = world.deliver(&sample()).await;
    assert_eq!(states(&answered), json!(["in_step", "in_step", "in_step", "in_step"]), "{:#}", answered.body);
    assert!(world.effects().await.scc_events[0]["revenue"].is_null());
}

/// The gateway gives up, and the service acts later: nothing may be created in the meantime.
#[tokio::test]
async fn a_creation_that_may_still_land_is_not_followed_by_another() {
    for (service, step) in [(Service::Calendar, "calendar"), (Service::Scc, "crew_event")] {
        let stage = Stage::set().await;
        stage.traffic().fail_next(service, "POST", Fault::ActLate { milliseconds: 200, status: Some(504) }, 1);
        let Outcome::Answered { status: 202, body } = stage.deliver(&sample()).await else { panic!("it is due") };
        let report = &body["steps"][step];
        assert!(report["detail"].as_str().is_some_and(|detail| detail.contains("answered 504")), "{report:#}");
        assert!(report["next"].as_str().is_some_and(|next| next.contains("can no longer land")), "{report:#}");

        let calls = stage.traffic().calls_to(service).len();
        for impatient in [json!({ "sweep": {} }), json!({ "replay": { "booking_id": "BS-1048812" } })] {
            stage.deliver(&sample()).await;
            stage.invoke(&impatient).await;
        }
        assert_eq!(stage.traffic().calls_to(service).len(), calls, "{step} is left to settle");

        stage.pass(Duration::from_secs(36)).await;
        assert_eq!(stage.deliver(&sample()).await.status(), Some(200));
        World::assert_one_of_everything(&stage.look().await);
        let creations = stage.traffic().calls_to(service).into_iter().filter(|call| call.operation.starts_with("POST"));
        assert_eq!(creations.count(), 1, "it landed, and was found");
    }
}

/// The office was faster by hand while our own request was still on its way.
#[tokio::test]
async fn of_two_entries_for_one_charter_one_goes() {
    let stage = Stage::set().await;
    stage.traffic().fail_next(Service::Calendar, "POST", Fault::ActLate { milliseconds: 20, status: Some(504) }, 1);
    // However late it is looked for at once, on a busy machine: it is not found then.
    stage.traffic().fail_next(Service::Calendar, "GET", UNAVAILABLE, ALWAYS);
    assert_eq!(stage.deliver(&sample()).await.status(), Some(202));
    stage.pass(Duration::from_secs(1)).await;
    stage.traffic().heal();
    let calendar = &stage.rehearsal.calendar;
    let mut typed = calendar.entries()[0].clone();
    let first = typed.as_object_mut().expect("an entry").remove("id");
    let post = simulators::aws::loopback_client().post(format!("{}/calendar", calendar.url()));
    let post = post.header("x-dashboard-token", DASHBOARD_TOKEN).json(&typed);
    assert_eq!(post.send().await.expect("an answer").status(), 201);
    stage.pass(Duration::from_secs(35)).await;
    assert_eq!(stage.deliver(&sample()).await.status(), Some(200));
    let ids: Vec<_> = calendar.entries().into_iter().map(|mut entry| entry["id"].take()).collect();
    assert_eq!(ids, [first.expect("an id")]);
}

/// The event is there and its crew are at work, before we know that it is.
#[tokio::test]
async fn what_crew_did_before_a_lost_creation_was_found_stays() {
    let world = World::with(&SOON).await;
    world.fail_table(&world.cloud.events_table, &UNAVAILABLE);
    world.traffic.fail_next(Service::Scc, "POST", Fault::Answer { status: 504, acted: true, retry_after: None }, 1);
    assert_eq!(states(&world.deliver(&sample()).await), json!(["in_step", "due", "due", "in_step"]));
    world.change_event_by_hand(json!({ "status": "confirmed", "checklist": ["Ice"] })).await;
    let before = world.effects().await;
    world.traffic.heal();
    world.repeat_until_in_step(&sample()).await;
    let after = world.effects().await;
    assert_eq!((after.calendar.len(), after.scc_events.len()), (1, 1));
    assert_eq!(
        (before.scc_events, before.mailbox),
        (after.scc_events.clone(), after.mailbox),
        "nor is anybody told twice"
    );
    let event = &after.scc_events[0];
    assert_eq!((&event["status"], &event["checklist"]), (&json!("confirmed"), &json!(["Ice"])));
}
