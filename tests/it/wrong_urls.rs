//! A secret's URL leads to the right gateway on a wrong path. What answers there knows no booking, and must not be believed.

use std::time::Duration;

use serde_json::{Value, json};
use simulators::traffic::{Fault, Service};

use crate::{
    prove::{stage::Stage, story::delete_entry_by_hand},
    world::{World, later, sample, states},
};

const NOT_FOUND: Fault = Fault::Answer { status: 404, acted: false, retry_after: None };
const AN_HOUR: Duration = Duration::from_hours(1);

/// A path that nobody has; the stage left out; the collection's own path, which some routers take for an item's and answer 405.
const TYPOS: [fn(&str, &str) -> String; 3] = [
    |url, _| format!("{url}/nowhere"),
    |url, _| url.strip_suffix("/prod").expect("the stage").to_owned(),
    |url, collection| format!("{url}/{collection}"),
];

/// Calendar's and SCC's secrets as they should be.
async fn sound(stage: &Stage) -> [Value; 2] {
    let secret = async |name| stage.rehearsal.secret(name).await.expect("a secret");
    [secret("calendar").await, secret("scc").await]
}

async fn store(stage: &Stage, [calendar, scc]: &[Value; 2]) {
    stage.rehearsal.put_secret("calendar", calendar).await.expect("stored");
    stage.rehearsal.put_secret("scc", scc).await.expect("stored");
}

async fn mistype(stage: &Stage, typo: fn(&str, &str) -> String) {
    let [mut calendar, mut scc] = sound(stage).await;
    for (secret, collection) in [(&mut calendar, "calendar"), (&mut scc, "events")] {
        let mistyped = typo(secret["url"].as_str().expect("a url"), collection);
        secret["url"] = json!(mistyped);
    }
    store(stage, &[calendar, scc]).await;
}

/// Asserts that both services' steps wait for their secrets, and that the schedule asks no sooner than in an hour.
async fn waits_for_the_secrets(stage: &Stage, body: &Value) {
    for (step, secret) in [("calendar", "calendar"), ("crew_event", "scc")] {
        let report = &body["steps"][step];
        let detail = report["detail"].as_str().unwrap_or_default();
        assert_eq!(report["state"], "due", "{step}: {body:#}");
        assert!(
            detail.contains(&format!("somebody else answers at the url in the {secret} secret")),
            "{step}: {report:#}"
        );
        assert!(report["next"].as_str().is_some_and(|next| next.contains("every hour")), "{step}: {report:#}");
    }
    stage.pass(AN_HOUR / 2).await;
    assert_eq!(stage.sweep().await["found"], 0, "a typo is nothing that a minute mends");
}

async fn heals(stage: &Stage, sound: &[Value; 2]) {
    store(stage, sound).await;
    stage.pass(AN_HOUR).await;
    let swept = stage.sweep().await;
    assert_eq!((&swept["swept"], &swept["in_step"]), (&json!(1), &json!(1)), "{swept}");
}

#[tokio::test]
async fn nothing_is_parked_over_a_wrong_path_and_all_of_it_heals() {
    for typo in TYPOS {
        let stage = Stage::set().await;
        let sound = sound(&stage).await;
        mistype(&stage, typo).await;
        waits_for_the_secrets(&stage, &stage.deliver(&sample()).await.into_body()).await;
        let before = stage.look().await;
        assert_eq!((before.calendar.len(), before.scc_events.len()), (0, 0));
        heals(&stage, &sound).await;
        World::assert_one_of_everything(&stage.look().await);
    }
}

/// What stayed in the calendar would have a captain wait at the dock.
#[tokio::test]
async fn a_404_from_a_wrong_path_is_no_deletion() {
    for typo in TYPOS {
        let stage = Stage::set().await;
        assert_eq!(stage.deliver(&sample()).await.status(), Some(200));
        let sound = sound(&stage).await;
        mistype(&stage, typo).await;
        let cancelled = later(1, json!({ "status": "cancelled" }));
        waits_for_the_secrets(&stage, &stage.deliver(&cancelled).await.into_body()).await;
        assert_eq!(stage.look().await.calendar.len(), 1, "it is still there, and the ledger must know");
        heals(&stage, &sound).await;
        let effects = stage.look().await;
        assert_eq!((effects.calendar.len(), &effects.scc_events[0]["status"]), (0, &json!("cancelled")));
    }
}

/// In a process that has the wrong secret still: the new one is read at the first denial, which a 404 has to count as.
#[tokio::test]
async fn a_path_that_is_put_right_needs_no_restart() {
    let stage = Stage::set().await;
    assert_eq!(stage.deliver(&sample()).await.status(), Some(200));
    let sound = sound(&stage).await;
    mistype(&stage, TYPOS[0]).await;
    let process = stage.process(jiff::SignedDuration::ZERO).await.expect("it starts");
    store(&stage, &sound).await;
    let moved = later(1, json!({ "start_at": "2031-05-31T14:00:00-07:00" }));
    let outcome = process.invoke(&stage.delivery("msg_2", &moved)).await;
    assert_eq!(outcome.status(), Some(200), "{outcome:?}");
    let effects = stage.look().await;
    assert_eq!((effects.calendar.len(), &effects.calendar[0]["date"]), (1, &json!("2031-05-31")));
    assert!(effects.scc_events[0]["date"].as_str().is_some_and(|date| date.starts_with("2031-05-31")));
}

#[tokio::test]
async fn a_removed_entry_is_looked_for_once() {
    let world = World::start().await;
    world.deliver(&sample()).await;
    delete_entry_by_hand(&world).await;
    world.traffic.forget();

    let answered = world.deliver(&later(1, json!({ "status": "cancelled" }))).await;
    assert_eq!((answered.status, &states(&answered)[0]), (200, &json!("in_step")), "{:#}", answered.body);
    assert_eq!((world.count(Service::Calendar, "DELETE"), world.count(Service::Calendar, "GET")), (1, 1));
}

/// The lists can be read on that path, and say something else.
#[tokio::test]
async fn a_404_is_not_believed_while_the_entry_is_listed() {
    let world = World::start().await;
    world.deliver(&sample()).await;
    world.traffic.fail_next(Service::Calendar, "DELETE", NOT_FOUND, 1);
    let cancelled = later(1, json!({ "status": "cancelled" }));
    let answered = world.deliver(&cancelled).await;
    let report = &answered.body["steps"]["calendar"];
    assert_eq!((answered.status, &report["state"]), (202, &json!("due")), "{:#}", answered.body);
    assert!(report["detail"].as_str().is_some_and(|detail| detail.contains("still listed")), "{report:#}");
    world.entry_id();

    assert_eq!(world.deliver(&cancelled).await.status, 200);
    assert_eq!(world.calendar.entries(), [Value::Null; 0]);
}

/// An event that SCC denies and its table has: two services that cannot both be the right ones.
#[tokio::test]
async fn a_crew_event_that_is_there_is_never_parked_as_gone() {
    let world = World::start().await;
    world.deliver(&sample()).await;
    world.traffic.fail_next(Service::Scc, "PATCH", NOT_FOUND, 1);
    let moved = later(1, json!({ "start_at": "2031-05-31T14:00:00-07:00" }));
    let answered = world.deliver(&moved).await;
    let report = &answered.body["steps"]["crew_event"];
    assert_eq!((answered.status, &report["state"]), (202, &json!("due")), "{:#}", answered.body);
    world.alarm("our credentials do not fit").await;
    world.line(&["DeniedCalls"]).await;
    assert_eq!(world.deliver(&moved).await.status, 200);
    assert!(world.effects().await.scc_events[0]["date"].as_str().is_some_and(|date| date.starts_with("2031-05-31")));
}
