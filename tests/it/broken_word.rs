//! Services that break their word: they act and say something else, answer for somebody else, or ask for more patience than there is.

use std::time::Duration;

use serde_json::{Value, json};
use simulators::traffic::{Fault, Service};

use crate::{
    prove::{
        scenarios::sweep,
        stage::{Outcome, Stage},
    },
    world::{ALWAYS, SOON, World, later, sample, states},
};

/// SCC answers `201 {"event": {"id": "chr_1"}}`: it acted. What it made is found, and crew are mailed once.
#[tokio::test]
async fn an_unreadable_creation_is_found_and_not_repeated() {
    let world = World::start().await;
    for service in [Service::Calendar, Service::Scc] {
        world.traffic.fail_next(service, "POST", Fault::created_unreadable(), ALWAYS);
    }
    let answered = world.deliver(&sample()).await;
    assert_eq!(answered.status, 200, "{:#}", answered.body);
    World::assert_one_of_everything(&world.effects().await);
}

/// It says that it made something, and nothing is there: a person must look, and nothing is made again, for any reason.
#[tokio::test]
async fn a_creation_that_left_nothing_is_never_repeated() {
    let world = World::with(&SOON).await;
    let said = r#"{"event":{"id":"chr_1"}}"#.to_owned();
    let nothing_done = Fault::AnswerWith { status: 201, acted: false, headers: Default::default(), body: said };
    world.traffic.fail_next(Service::Scc, "POST", nothing_done, 1);
    let answered = world.deliver(&sample()).await;
    assert_eq!((answered.status, &states(&answered)[1]), (202, &json!("parked")), "{:#}", answered.body);
    for _ in 0..3 {
        world.replay().await;
        world.deliver(&later(5, json!({ "notes": "anniversary!" }))).await;
        world.sweep().await;
    }
    assert_eq!(world.count(Service::Scc, "POST"), 1, "crew could be mailed each time");
    let status = world.status().await;
    let step = &status["steps"]["crew_event"];
    assert_eq!(step["state"], "parked", "{step:#}");
    assert!(step["next"].as_str().is_some_and(|next| next.contains("by hand")), "{step:#}");
}

#[tokio::test]
async fn ids_that_are_numbers_are_ids() {
    let world = World::start().await;
    world.calendar.number_entries();
    assert_eq!(world.deliver(&sample()).await.status, 200);
    let moved = world.deliver(&later(5, json!({ "start_at": "2031-05-31T14:00:00-07:00" }))).await;
    assert_eq!(moved.status, 200, "{:#}", moved.body);
    let effects = world.effects().await;
    assert_eq!((effects.calendar.len(), &effects.calendar[0]["date"]), (1, &json!("2031-05-31")));
    assert!(effects.calendar[0]["id"].is_number());
}

/// An id from outside is one segment of a URL's path.
#[tokio::test]
async fn an_id_cannot_lead_elsewhere() {
    let world = World::start().await;
    let id = "../users?all=true";
    world.traffic.fail_next(Service::Calendar, "POST", Fault::other_id("id", json!(id)), 1);
    world.deliver(&sample()).await;
    world.deliver(&later(5, json!({ "gross": "900.00" }))).await;
    let paths: Vec<String> = world.traffic.calls_to(Service::Calendar).into_iter().map(|call| call.operation).collect();
    let of_one_entry = paths.iter().filter(|path| path.contains("..")).collect::<Vec<_>>();
    assert_eq!(of_one_entry, ["PATCH /calendar/..%2Fusers%3Fall%3Dtrue"], "one segment: {paths:#?}");
    for unusable in [json!(".."), json!(""), json!({}), json!("a\nb")] {
        let world = World::start().await;
        world.traffic.fail_next(Service::Calendar, "POST", Fault::other_id("id", unusable.clone()), 1);
        assert_eq!(world.deliver(&sample()).await.status, 200, "{unusable}: it is found by its event id");
        World::assert_one_of_everything(&world.effects().await);
    }
}

/// A gateway answers 503 while its function still runs, and acts half a second later.
#[tokio::test]
async fn a_503_that_acts_later_makes_one_of_everything() {
    for service in [Service::Calendar, Service::Scc] {
        let stage = Stage::set().await;
        stage.traffic().fail_next(service, "POST", Fault::UNAVAILABLE_ACTS_LATE, 1);
        stage.deliver(&sample()).await;
        assert_eq!(sweep(&stage).await, None, "{service:?}");
        World::assert_one_of_everything(&stage.look().await);
    }
}

/// A `PATCH` that the gateway gave up lands after the next one would: the next one waits for it.
#[tokio::test]
async fn an_older_change_that_lands_late_is_not_the_last() {
    let stage = Stage::set().await;
    assert_eq!(stage.deliver(&sample()).await.status(), Some(200));
    stage.traffic().fail_next(Service::Calendar, "PATCH", Fault::UNAVAILABLE_ACTS_LATE, 1);
    for (minutes, day) in [(5, "31"), (6, "29")] {
        let start = format!("2031-05-{day}T14:00:00-07:00");
        stage.deliver(&later(minutes, json!({ "start_at": start }))).await;
    }
    assert_eq!(sweep(&stage).await, None);
    let world = stage.look().await;
    assert_eq!((world.calendar.len(), &world.calendar[0]["date"]), (1, &json!("2031-05-29")));
}

/// A maintenance page, or another team's service, answers 200 to a change and to a removal: nothing is believed.
#[tokio::test]
async fn only_the_service_itself_is_believed() {
    for answer in [Fault::maintenance_page(), Fault::somebody_else(), Fault::moved_permanently()] {
        for (service, step, newest) in [
            (Service::Calendar, 0, json!({ "start_at": "2031-05-31T14:00:00-07:00" })),
            (Service::Calendar, 0, json!({ "status": "cancelled" })),
            (Service::Scc, 1, json!({ "start_at": "2031-05-31T14:00:00-07:00" })),
            (Service::Scc, 1, json!({ "status": "cancelled" })),
        ] {
            let world = World::start().await;
            assert_eq!(world.deliver(&sample()).await.status, 200);
            for verb in ["PATCH", "DELETE"] {
                world.traffic.fail_next(service, verb, answer.clone(), ALWAYS);
            }
            let answered = world.deliver(&later(5, newest.clone())).await;
            assert_eq!((answered.status, &states(&answered)[step]), (202, &json!("due")), "{answer:?} {newest}");
            world.alarm("somebody else answers at the url").await;
            assert_eq!(world.replay().await["steps"][["calendar", "crew_event"][step]]["state"], "due");
            world.traffic.heal();
            assert_eq!(world.replay().await["state"], "in_step", "{answer:?} {newest}");
        }
    }
}

/// `Retry-After: 86400` on the morning of the charter: crew are told before it starts all the same.
#[tokio::test]
async fn nobody_asks_for_more_patience_than_there_is() {
    let stage = Stage::set().await;
    let soon = stage.time.now() + Duration::from_secs(4 * 3_600);
    let body = sample_starting(&soon.to_string());
    let wait = Fault::Answer { status: 503, acted: false, retry_after: Some(86_400) };
    stage.traffic().fail_next(Service::Scc, "POST", wait, 1);
    let Outcome::Answered { status: 202, body: answer } = stage.deliver(&body).await else { panic!("it is due") };
    let next: jiff::Timestamp = answer["steps"]["crew_event"]["next_try_at"]
        .as_str()
        .and_then(|at| at.parse().ok())
        .expect("it is tried again");
    assert!(next <= stage.time.now() + Duration::from_secs(3_600), "an hour at most: {answer:#}");
    stage.pass(Duration::from_secs(3_601)).await;
    stage.sweep().await;
    assert_eq!(stage.look().await.mailbox.len(), 3, "before it starts");
}

fn sample_starting(start: &str) -> Value {
    let mut body = sample();
    body["data"]["booking"]["start_at"] = json!(start);
    body
}

#[tokio::test]
async fn a_huge_answer_is_not_read_to_its_end() {
    let world = World::start().await;
    world.traffic.fail_next(Service::Calendar, "POST", Fault::LongAnswer { bytes: 3 * 1024 * 1024 }, 1);
    let answered = world.deliver(&sample()).await;
    let step = &answered.body["steps"]["calendar"];
    assert!(step["state"] == "due" || step["state"] == "in_step", "{step:#}");
    world.traffic.heal();
    world.replay().await;
    World::assert_one_of_everything(&world.effects().await);
}

/// The office removed the event at SCC; cancelling it is done then.
#[tokio::test]
async fn cancelling_an_event_that_is_gone_is_done() {
    let world = World::start().await;
    assert_eq!(world.deliver(&sample()).await.status, 200);
    world.delete_event_by_hand().await;
    let cancelled = world.deliver(&later(5, json!({ "status": "cancelled" }))).await;
    assert_eq!(cancelled.status, 200, "{:#}", cancelled.body);
}
