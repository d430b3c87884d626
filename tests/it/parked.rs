//! What needs a person waits for one and holds nothing else up; what a person broke by hand is mended or left to a person.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rehearsal::DASHBOARD_TOKEN;
use serde_json::{Value, json};
use simulators::{
    scc::MailKind,
    traffic::{Call, Fault, Service},
};

use crate::{
    prove::{
        stage::{Outcome, Stage},
        story::{Told, delete_entry_by_hand},
    },
    world::{ALWAYS, CHARTER_ID, REFUSED, World, later, sample, states},
};

/// SCC refuses the event; everything else is done.
async fn refused_by_scc() -> World {
    let world = World::start().await;
    world.traffic.fail_next(Service::Scc, "POST", REFUSED, 1);
    let answered = world.deliver(&sample()).await;
    assert_eq!((answered.status, states(&answered)), (202, json!(["in_step", "parked", "due", "in_step"])));
    assert_eq!(world.effects().await.mailbox.len(), 0);
    world
}

fn moved() -> Value {
    later(1, json!({ "start_at": "2031-05-31T14:00:00-07:00" }))
}

#[tokio::test]
async fn a_step_that_was_refused_is_not_tried_again_by_itself() {
    let world = refused_by_scc().await;
    assert_eq!(world.deliver(&sample()).await.body["state"], "parked");
    assert_eq!(world.sweep().await["found"], 0, "time brings nothing here");
    let settled = later(1, json!({ "gross": "900.00" }));
    let answered = world.deliver(&settled).await;
    assert_eq!((answered.status, states(&answered)), (202, json!(["in_step", "parked", "due", "in_step"])));
    assert_eq!(world.calendar.entries()[0]["revenue"].to_string(), "900.00", "what crew do not see goes on");
    assert_eq!(world.count(Service::Scc, "POST"), 1, "the same content is refused once");
}

#[tokio::test]
async fn newer_content_or_a_replay_tries_what_was_refused_again() {
    let world = refused_by_scc().await;
    let answered = world.deliver(&moved()).await;
    assert_eq!(answered.status, 200, "{:#}", answered.body);
    World::assert_one_of_everything(&world.effects().await);
    assert_eq!(world.effects().await.scc_events[0]["date"], "2031-05-31T14:00:00-07:00");

    let world = refused_by_scc().await;
    let replayed = world.replay().await;
    assert_eq!(replayed["state"], "in_step", "{replayed:#}");
    World::assert_one_of_everything(&world.effects().await);
}

/// What a person decides is not left to a process that may be gone, and not lost without a word.
#[tokio::test]
async fn a_replay_while_somebody_is_at_work_says_when_to_come_again() {
    let stage = Stage::set().await;
    stage.traffic().fail_next(Service::Scc, "", REFUSED, ALWAYS);
    assert_eq!(stage.tell(&Told::version(1)).await.status(), Some(202));
    stage.traffic().heal();
    let process = stage.process(SignedDuration::ZERO).await.expect("it starts");
    let changing = |call: &Call| call.operation.starts_with("PATCH");
    let moved = stage.delivery_of(&Told::version(2).on(31));
    assert_eq!(process.invoke_until(&moved, stage.traffic(), changing).await, Outcome::Crashed);

    let replay = json!({ "replay": { "booking_id": "BS-1048812" } });
    let Outcome::Answered { status, body } = stage.invoke(&replay).await else { panic!("it answers") };
    assert_eq!((status, &body["title"]), (409, &json!("Nothing was done")), "{body:#}");
    let detail = body["detail"].as_str().expect("a detail");
    let until = detail.split_whitespace().find_map(|word| word.parse::<Timestamp>().ok()).expect("until when");
    let wait = until.duration_since(stage.time.now()).unsigned_abs();
    assert!(detail.contains("send it again then") && wait <= Duration::from_mins(1), "{detail}");
    stage.pass(wait + Duration::from_secs(1)).await;
    assert_eq!(stage.invoke(&replay).await.status(), Some(200));
    World::assert_one_of_everything(&stage.look().await);
}

/// A replay of the delivery itself is a person's decision just as well.
#[tokio::test]
async fn a_replay_of_the_newest_delivery_tries_what_was_refused_again() {
    let world = refused_by_scc().await;
    let timeline = world.status().await["timeline"].clone();
    let delivery = timeline.as_array().into_iter().flatten().find_map(|line| line["delivery_id"].as_str());
    let replayed = world.ask(&json!({ "replay": { "delivery_id": delivery } })).await;
    assert_eq!(replayed["state"], "in_step", "{replayed:#}");
    World::assert_one_of_everything(&world.effects().await);
}

#[tokio::test]
async fn a_deleted_entry_is_made_anew_when_the_charter_moves() {
    let world = World::start().await;
    world.deliver(&sample()).await;
    let deleted = world.entry_id();
    delete_entry_by_hand(&world).await;
    world.traffic.forget();

    let answered = world.deliver(&moved()).await;
    assert_eq!(answered.status, 200, "{:#}", answered.body);
    let effects = world.effects().await;
    let entry = world.entry_id();
    assert_ne!(entry, deleted);
    assert_eq!((&effects.calendar[0]["date"], effects.scc_events.len()), (&json!("2031-05-31"), 1));
    let notes = effects.scc_events[0]["notes"].as_str().expect("notes");
    assert!(notes.contains(&format!("calendar {entry}")) && !notes.contains(&deleted), "{notes}");
    let created = world.traffic.calls_to(Service::Calendar).into_iter().find(|call| call.operation.starts_with("POST"));
    let key = &created.expect("it is created").headers["idempotency-key"];
    assert_ne!(key, "BS-1048812/calendar/create", "a calendar that honours keys must not answer with the deleted one");
    let told = world.traffic.calls_to(Service::Scc).into_iter().filter(|call| call.operation.starts_with("PATCH"));
    let keys: Vec<String> = told.map(|call| call.headers["idempotency-key"].clone()).collect();
    assert!(matches!(&keys[..], [moved, named] if moved != named), "the day, then the new entry's id: {keys:?}");
}

/// The office typed it in as well, and nobody knows which of the two our creation made.
#[tokio::test]
async fn of_two_entries_that_are_read_back_after_a_creation_one_stays() {
    let elsewhere = Stage::set().await;
    assert_eq!(elsewhere.tell(&Told::version(1)).await.status(), Some(200));
    let mut typed = elsewhere.rehearsal.calendar.entries().remove(0);
    typed.as_object_mut().expect("an entry").remove("id");

    let stage = Stage::set().await;
    let calendar = &stage.rehearsal.calendar;
    let post = simulators::aws::loopback_client().post(format!("{}/calendar", calendar.url()));
    let post = post.header("x-dashboard-token", DASHBOARD_TOKEN).json(&typed);
    assert_eq!(post.send().await.expect("an answer").status(), 201);
    let acted = Fault::Answer { status: 502, acted: true, retry_after: None };
    stage.traffic().fail_next(Service::Calendar, "POST", acted, 1);
    assert_eq!(stage.tell(&Told::version(1)).await.status(), Some(202));
    assert_eq!(calendar.entries().len(), 2, "none is taken away on a guess");
    stage.pass(Duration::from_mins(2)).await;
    assert_eq!(stage.sweep().await["in_step"], 1);
    World::assert_one_of_everything(&stage.look().await);
}

/// Creating it again would mail everybody again, so that is a person's to decide.
#[tokio::test]
async fn an_event_that_somebody_deleted_is_left_to_a_person() {
    let world = World::start().await;
    world.deliver(&sample()).await;
    world.delete_event_by_hand().await;
    let answered = world.deliver(&moved()).await;
    assert_eq!(answered.body["state"], "parked", "{:#}", answered.body);
    assert_eq!(answered.body["steps"]["crew_event"]["state"], "parked", "{:#}", answered.body);
    world.alarm("crew_event is parked until a person looks").await;
    assert_eq!(world.deliver(&moved()).await.status, 202);
    let effects = world.effects().await;
    assert_eq!((effects.scc_events.len(), effects.mailbox.len()), (0, 3), "nobody is mailed a second time");
    assert_eq!(effects.calendar[0]["date"], "2031-05-31", "the others go on");
    assert!(effects.visits[0].body.contains("May 31, 2031"));
}

#[tokio::test]
async fn a_wrong_token_is_tried_hourly_and_reported() {
    let world = World::start().await;
    world.calendar.set_token("another");
    world.deliver(&sample()).await;
    let line = world.alarm("our credentials do not fit").await;
    assert!(line.contains("calendar") && !line.contains(DASHBOARD_TOKEN), "{line}");

    let stage = Stage::set().await;
    stage.rehearsal.calendar.set_token("another");
    assert_eq!(stage.deliver(&sample()).await.status(), Some(202));
    stage.rehearsal.calendar.set_token(DASHBOARD_TOKEN);
    for (minutes, swept) in [(59, 0), (2, 1), (61, 0)] {
        stage.pass(Duration::from_mins(minutes)).await;
        assert_eq!(stage.sweep().await["swept"], swept, "{minutes} minutes later");
    }
    World::assert_one_of_everything(&stage.look().await);
}

/// Somebody cleans the bucket up, and cleans too much.
#[tokio::test]
async fn a_replay_puts_the_guest_page_back_and_tells_nobody_anything() {
    let world = World::start().await;
    world.deliver(&sample()).await;
    let before = world.effects().await;
    for object in &before.bucket {
        let delete = world.cloud.s3.delete_object().bucket(&world.cloud.bucket).key(&object.key);
        delete.send().await.expect("deleted");
    }
    assert!(world.effects().await.bucket.is_empty());
    let replayed = world.replay().await;
    assert_eq!(replayed["state"], "in_step", "{replayed:#}");
    let after = world.effects().await;
    assert_eq!((&before.bucket, &before.mailbox), (&after.bucket, &after.mailbox));
    assert_eq!((before.calendar, before.scc_events), (after.calendar, after.scc_events));
    assert!(after.visits.iter().all(|visit| visit.status == 200), "nor does the edge hold on to what was gone");
}

/// People on the charter learn of a change once, however often it stumbles.
#[tokio::test]
async fn a_reschedule_that_stumbles_is_told_once() {
    let world = World::start().await;
    world.deliver(&sample()).await;
    world.traffic.fail_next(Service::Scc, "PATCH", Fault::Answer { status: 502, acted: true, retry_after: None }, 2);
    assert_eq!(world.deliver(&moved()).await.status, 200);
    assert_eq!(world.count(Service::Scc, &format!("PATCH /events/{CHARTER_ID}")), 3);
    let effects = world.effects().await;
    let changes = effects.mailbox.iter().filter(|mail| mail.kind == MailKind::Change);
    assert_eq!(changes.count(), 3, "{:#?}", effects.mailbox);
}
