//! What the schedule does every minute: it brings in step what is due and has waited long enough, and touches nothing else.

use std::time::Duration;

use rehearsal::Options;
use serde_json::{Value, json};
use simulators::traffic::{Call, Fault, Service};

use crate::{
    prove::stage::Stage,
    world::{ALWAYS, DENIED, UNAVAILABLE, World, later, sample, sample_with},
};

fn status_of_it() -> Value {
    json!({ "status": { "booking_id": "BS-1048812" } })
}

/// What a sweep says that found nothing.
fn nothing() -> Value {
    json!({ "found": 0, "swept": 0, "in_step": 0, "due": 0, "parked": 0, "left": 0 })
}

/// The calendar was down when the booking came in.
async fn due() -> Stage {
    let stage = Stage::set().await;
    stage.traffic().fail_next(Service::Calendar, "", UNAVAILABLE, ALWAYS);
    assert_eq!(stage.deliver(&sample()).await.status(), Some(202));
    stage
}

#[tokio::test]
async fn a_failure_heals_when_its_time_has_come_and_not_before() {
    let stage = due().await;
    stage.traffic().heal();
    for (seconds, expected) in [(0, nothing()), (45, nothing())] {
        stage.pass(Duration::from_secs(seconds)).await;
        stage.traffic().forget();
        assert_eq!(stage.sweep().await, expected, "{seconds} s later");
        assert!(stage.traffic().calls_to(Service::Calendar).is_empty());
    }
    stage.pass(Duration::from_secs(16)).await;
    let swept = json!({ "found": 1, "swept": 1, "in_step": 1, "due": 0, "parked": 0, "left": 0 });
    assert_eq!(stage.sweep().await, swept);
    World::assert_one_of_everything(&stage.look().await);
    let calendar = stage.ask(&status_of_it()).await["steps"]["calendar"].take();
    let words = ["attempts", "detail", "next", "next_try_at"].map(|name| &calendar[name]);
    assert_eq!(words, [&Value::Null; 4], "nothing is said of what is mended: {calendar:#}");
    stage.pass(Duration::from_hours(2)).await;
    assert_eq!(stage.sweep().await, nothing(), "and that was all");
}

#[tokio::test]
async fn tries_that_keep_failing_come_at_growing_distances() {
    let stage = due().await;
    for (minutes, attempts) in [(1, 2), (2, 3), (4, 4), (8, 5)] {
        stage.pass(Duration::from_secs(minutes * 60 - 15)).await;
        assert_eq!(stage.sweep().await, nothing(), "{attempts}");
        stage.pass(Duration::from_secs(16)).await;
        assert_eq!(stage.sweep().await["due"], 1, "{attempts}");
        let status = stage.ask(&status_of_it()).await;
        assert_eq!(status["steps"]["calendar"]["attempts"], attempts, "{status:#}");
    }
}

/// A step that is tried hourly is not asked every minute because another step of the same booking is.
#[tokio::test]
async fn each_step_is_tried_at_its_own_time() {
    let stage = Stage::set().await;
    stage.traffic().fail_next(Service::Calendar, "", DENIED, ALWAYS);
    stage.traffic().fail_next(Service::S3, "PutObject", UNAVAILABLE, ALWAYS);
    assert_eq!(stage.deliver(&sample()).await.status(), Some(202));
    for minutes in [1, 2, 4, 8] {
        stage.pass(Duration::from_secs(minutes * 60 + 1)).await;
        stage.traffic().forget();
        assert_eq!(stage.sweep().await["due"], 1, "{minutes} minutes later");
        assert_eq!(stage.traffic().calls_to(Service::S3).len(), 6, "page and calendar file, three times each");
        assert!(stage.traffic().calls_to(Service::Calendar).is_empty(), "it is tried hourly");
    }
    stage.traffic().heal();
    stage.pass(Duration::from_hours(1)).await;
    assert_eq!(stage.sweep().await["in_step"], 1);
    World::assert_one_of_everything(&stage.look().await);
}

/// Nor as soon as its last request has settled, when it hangs again and again.
#[tokio::test]
async fn what_hangs_keeps_its_distance_while_another_step_is_tried() {
    let stage = Stage::set().await;
    let hangs = Fault::Answer { status: 504, acted: false, retry_after: None };
    stage.traffic().fail_next(Service::Calendar, "POST", hangs, ALWAYS);
    stage.traffic().fail_next(Service::S3, "PutObject", UNAVAILABLE, ALWAYS);
    assert_eq!(stage.deliver(&sample()).await.status(), Some(202));
    stage.pass(Duration::from_secs(36)).await;
    stage.sweep().await;
    let calendar = || async { stage.ask(&status_of_it()).await["steps"]["calendar"].take() };
    let hung_twice = calendar().await;
    assert_eq!(hung_twice["attempts"], 2, "{hung_twice:#}");

    stage.pass(Duration::from_secs(25)).await;
    stage.traffic().forget();
    assert_eq!(stage.sweep().await["due"], 1);
    assert!(!stage.traffic().calls_to(Service::S3).is_empty(), "the page's time has come");
    assert_eq!(calendar().await["next_try_at"], hung_twice["next_try_at"]);
}

/// The calendar has its entry, and its change is tried hourly: crew are told all the same which entry it is.
#[tokio::test]
async fn crew_get_the_entrys_id_from_a_calendar_that_waits() {
    let stage = Stage::set().await;
    stage.traffic().fail_next(Service::Scc, "", UNAVAILABLE, ALWAYS);
    assert_eq!(stage.deliver(&sample()).await.status(), Some(202));
    stage.traffic().fail_next(Service::Calendar, "PATCH", DENIED, ALWAYS);
    let moved = later(1, json!({ "start_at": "2031-05-31T14:00:00-07:00" }));
    assert_eq!(stage.deliver(&moved).await.status(), Some(202));
    stage.traffic().heal();
    stage.pass(Duration::from_secs(3 * 60)).await;
    assert_eq!(stage.sweep().await["due"], 1, "the calendar");
    let effects = stage.look().await;
    let entry = format!("calendar {}", effects.calendar[0]["id"].as_str().expect("an id"));
    let notes = effects.scc_events[0]["notes"].as_str().expect("notes");
    assert!(notes.contains(&entry), "{notes}");
}

/// That the table cannot be read is tried hourly; what is written to it meanwhile is looked at all the same.
#[tokio::test]
async fn what_was_just_written_is_searched_for_money_at_once() {
    let stage = Stage::set().await;
    stage.traffic().fail_next(Service::Scc, "POST", UNAVAILABLE, 1);
    let events = stage.rehearsal.cloud.events_table.clone();
    let of_events = move |call: &Call| call.service == Service::Dynamodb && call.request_body.contains(&events);
    stage.traffic().fail_each(of_events, DENIED, ALWAYS);
    assert_eq!(stage.deliver(&sample()).await.status(), Some(202));
    stage.traffic().heal();
    stage.pass(Duration::from_hours(1)).await;
    assert_eq!(stage.sweep().await["in_step"], 1);

    let events = stage.rehearsal.cloud.events_table.clone();
    let of_events = move |call: &Call| call.service == Service::Dynamodb && call.request_body.contains(&events);
    stage.traffic().fail_each(of_events, DENIED, ALWAYS);
    stage.traffic().fail_next(Service::Scc, "PATCH", UNAVAILABLE, ALWAYS);
    let moved = later(1, json!({ "start_at": "2031-05-31T14:00:00-07:00" }));
    assert_eq!(stage.deliver(&moved).await.status(), Some(202));
    stage.traffic().heal();
    stage.pass(Duration::from_secs(62)).await;
    assert_eq!(stage.sweep().await["in_step"], 1, "written and looked at in one go");
}

/// Once a charter is over, time brings nothing any more: what is still missing is a person's to add.
#[tokio::test]
async fn what_never_healed_is_parked_when_the_charter_is_over() {
    let stage = due().await;
    stage.pass(Duration::from_hours(11 * 24)).await;
    let swept = stage.sweep().await;
    assert_eq!((&swept["swept"], &swept["parked"]), (&json!(1), &json!(1)), "{swept}");
    let status = stage.ask(&status_of_it()).await;
    let calendar = &status["steps"]["calendar"];
    assert_eq!(calendar["state"], "parked", "{calendar:#}");
    assert!(calendar["next"].as_str().is_some_and(|next| next.contains("The charter is over")), "{calendar:#}");
    stage.pass(Duration::from_hours(2)).await;
    assert_eq!(stage.sweep().await, nothing());
}

#[tokio::test]
async fn where_nothing_is_due_nothing_is_done_but_asked() {
    let stage = Stage::set().await;
    assert_eq!(stage.deliver(&sample()).await.status(), Some(200));
    stage.pass(Duration::from_hours(1)).await;
    let process = stage.process(jiff::SignedDuration::ZERO).await.expect("it starts");
    stage.traffic().forget();
    assert_eq!(process.invoke(&json!({ "sweep": {} })).await.into_body(), nothing());
    let calls: Vec<_> = stage.traffic().calls().into_iter().map(|call| (call.service, call.operation)).collect();
    // What is due, what the office should hear, and for the gauges how much is due, parked and in quarantine: as much however many
    // bookings there are.
    assert_eq!(calls, vec![(Service::Dynamodb, "Query".to_owned()); 5]);
}

#[tokio::test]
async fn due_bookings_among_many_are_brought_in_step_at_once() {
    let stage = Stage::set().await;
    let booking = |number: usize| {
        // Each on a day of its own, or they would overlap.
        let start = format!("2031-06-0{}T14:00:00-07:00", number + 1);
        let mut booking = sample_with(json!({ "id": format!("BS-200000{number}"), "start_at": start }));
        booking["id"] = json!(format!("evt_{number}"));
        booking
    };
    for number in 0..9 {
        let fails = number % 3 == 0;
        if fails {
            stage.traffic().fail_next(Service::S3, "PutObject", UNAVAILABLE, ALWAYS);
        }
        let expected = if fails { 202 } else { 200 };
        assert_eq!(stage.deliver(&booking(number)).await.status(), Some(expected), "{number}");
        stage.traffic().heal();
    }
    stage.pass(Duration::from_secs(62)).await;
    stage.traffic().forget();
    let swept = json!({ "found": 3, "swept": 3, "in_step": 3, "due": 0, "parked": 0, "left": 0 });
    assert_eq!(stage.sweep().await, swept);
    let effects = stage.look().await;
    let counts = (effects.calendar.len(), effects.scc_events.len(), effects.mailbox.len(), effects.bucket.len());
    assert_eq!(counts, (9, 9, 27, 18));
    assert!(stage.traffic().calls_to(Service::Calendar).is_empty(), "what was in step is left alone");
}

#[tokio::test]
async fn a_sweep_without_the_ledger_says_so() {
    let world = World::start().await;
    world.fail_table(&world.cloud.ledger_table, &Fault::DropBefore);
    let problem = world.sweep().await;
    assert_eq!(problem["status"], 503, "{problem:#}");
    world.alarm("the ledger cannot be reached").await;
}

/// What cannot start would count as a try that failed, and crew would hear of the charter later still.
#[tokio::test]
async fn a_hanging_calendar_does_not_cost_the_crew_their_event() {
    // The calendar's 2.5 s, the creation's 5 s, the release's 1.7 s; and 0.3 s belong to Lambda.
    for (time_out, left) in [(Duration::from_millis(9_300), 1), (Duration::from_secs(12), 0)] {
        let env = [("REDRIVE_BASE_MS".to_owned(), Some("1".to_owned()))].into();
        let world = World::with_options(Options { time_out, env, ..Options::default() }).await;
        world.traffic.fail_next(Service::Scc, "POST", UNAVAILABLE, ALWAYS);
        assert_eq!(world.deliver(&sample()).await.status, 202);
        world.traffic.heal();
        let swept = world.sweep().await;
        assert_eq!((&swept["found"], &swept["left"], &swept["in_step"]), (&json!(1), &json!(left), &json!(1 - left)));
    }
}
