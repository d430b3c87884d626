//! What no program should decide: it is left as it is, somebody is told, and an approval is that person's answer.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::ToSpan as _;
use rehearsal::Answered;
use serde_json::{Value, json};
use simulators::{scc::MailKind, sender::SAMPLE_BOOKING_ID};

use crate::{
    prove::stage::Stage,
    world::{CHARTER_ID, World, approval_of, later, now, sample, sample_with, states},
};

const PARKED: [&str; 3] = ["parked", "parked", "parked"];

/// Calendar, crew event and guest page wait for a person; the check for money has nothing to wait for.
#[track_caller]
fn assert_held(answered: &Answered, why: &str, next: &str) {
    assert_eq!((answered.status, &answered.body["state"]), (202, &json!("parked")), "{:#}", answered.body);
    let steps = ["calendar", "crew_event", "guest_page"].map(|step| &answered.body["steps"][step]);
    assert_eq!(steps.map(|step| &step["state"]), PARKED.each_ref().map(|state| state), "{:#}", answered.body);
    for step in steps {
        let says = |key: &str, words: &str| step[key].as_str().is_some_and(|text| text.contains(words));
        assert!(says("detail", why) && says("next", next), "{step:#}");
    }
}

/// Until a person approves it, a booking that waits stays as it is; a replay tries again and decides nothing.
async fn assert_waits(world: &World, told: &Value) {
    let before = world.effects().await;
    world.traffic.forget();
    assert_eq!(world.deliver(told).await.status, 202);
    assert_eq!(world.sweep().await, json!({ "found": 0, "swept": 0, "in_step": 0, "due": 0, "parked": 0, "left": 0 }));
    assert_eq!(world.called(), [""; 0]);
    assert_eq!(world.replay().await["state"], "parked");
    let mut after = world.effects().await;
    assert_eq!(after.office_mailbox.len(), before.office_mailbox.len() + 1, "the office hears, once");
    after.office_mailbox.clone_from(&before.office_mailbox);
    assert_eq!(after, before);
}

#[tokio::test]
async fn pending_or_refunded_later_is_for_the_office_alone() {
    let world = World::start().await;
    world.deliver(&sample()).await;
    let before = world.effects().await;
    world.traffic.forget();
    for (minutes, status) in [(1, "pending"), (2, "refunded")] {
        let answered = world.deliver(&later(minutes, json!({ "status": status }))).await;
        assert_eq!((answered.status, &answered.body["state"]), (200, &json!("in_step")), "{:#}", answered.body);
        assert_eq!(answered.body["flags"], json!(["inconclusive_again"]), "{status}");
    }
    let called = ["Calendar GET /calendar?date=2031-05-30", "Calendar PATCH /calendar/cal_1a2b"];
    assert_eq!(world.called(), called, "the office is told, and nobody else");
    let mut after = world.effects().await;
    let notes = after.calendar[0]["notes"].as_str().unwrap_or_default();
    assert!(notes.contains("\nCHECK: the marketplace has it as neither confirmed nor cancelled now"), "{notes}");
    after.calendar.clone_from(&before.calendar);
    assert_eq!(after, before);

    let answered = world.deliver(&later(3, json!({ "party_size": 9 }))).await;
    assert_eq!((answered.status, &answered.body["flags"]), (200, &json!([])), "it is decided again");
    assert_eq!(world.effects().await.scc_events[0]["guest"]["party_size"], 9);
}

#[tokio::test]
async fn an_inquiry_is_recorded_and_nobody_hears_of_it() {
    let world = World::start().await;
    world.traffic.forget();
    for (minutes, status) in [(-3, "inquiry"), (-2, "pending"), (-1, "held")] {
        let answered = world.deliver(&later(minutes, json!({ "status": status }))).await;
        assert_eq!((answered.status, &answered.body["state"]), (200, &json!("recorded")), "{:#}", answered.body);
        assert_eq!(states(&answered), json!(["not_needed", "not_needed", "not_needed", "not_needed"]));
    }
    assert_eq!(world.called(), [""; 0]);
    let answered = world.deliver(&sample()).await;
    assert_eq!((answered.status, &answered.body["flags"]), (200, &json!([])), "{:#}", answered.body);
    World::assert_one_of_everything(&world.effects().await);
}

/// Senders deliver in no certain order: what the refund says nothing about, the cancellation before it still does.
#[tokio::test]
async fn a_late_decision_counts_after_an_inconclusive_word() {
    for (decided, expected) in [("confirmed", 1), ("cancelled", 0)] {
        let world = World::start().await;
        if decided == "cancelled" {
            assert_eq!(world.deliver(&sample()).await.status, 200);
        }
        world.deliver(&later(2, json!({ "status": "refunded" }))).await;
        let late = later(1, json!({ "status": decided, "start_at": "2031-05-31T14:00:00-07:00" }));
        let answered = world.deliver(&late).await;
        assert_eq!((answered.status, &answered.body["state"]), (200, &json!("in_step")), "{:#}", answered.body);
        assert_eq!(answered.body["flags"], json!(["inconclusive_again"]));
        let effects = world.effects().await;
        assert_eq!((effects.calendar.len(), effects.scc_events.len()), (expected, 1), "{decided}");
        assert_eq!(effects.scc_events[0]["status"] == "cancelled", decided == "cancelled");
        assert_eq!(effects.visits[0].body.contains("This charter is cancelled"), decided == "cancelled");

        world.traffic.forget();
        let older = json!({ "status": "confirmed", "party_size": 9 });
        for told in [late, sample_with(older)] {
            assert_eq!(world.deliver(&told).await.status, 200);
        }
        assert_eq!(world.called(), [""; 0], "{decided}: again, and what is older still");
        assert_eq!(world.effects().await, effects);
    }
}

#[tokio::test]
async fn a_cancellation_of_what_nobody_was_shown_is_told_to_nobody() {
    let world = World::start().await;
    world.traffic.forget();
    for told in [later(1, json!({ "status": "cancelled" })), sample()] {
        let answered = world.deliver(&told).await;
        assert_eq!((answered.status, &answered.body["state"]), (200, &json!("recorded")), "{:#}", answered.body);
    }
    assert_eq!(world.called(), [""; 0], "nor by the confirmation that comes after its cancellation");

    assert_held(
        &world.deliver(&later(2, json!({}))).await,
        "confirmed again after it was cancelled",
        "If it sails, approve it",
    );
    let answered = world.deliver(&later(3, json!({ "status": "cancelled" }))).await;
    assert_eq!(answered.status, 200, "{:#}", answered.body);
    assert_eq!(world.called(), [""; 0], "nor by a page that says so");
    assert!(world.effects().await.is_empty());
}

#[tokio::test]
async fn a_cancellation_after_the_start_is_a_persons_to_carry_out() {
    let world = World::start().await;
    let start = (now() - 1.hour()).to_string();
    world.deliver(&sample_with(json!({ "start_at": start }))).await;
    assert_eq!(world.approve().await["state"], "in_step", "it sails already, and was never shown: a person says so");
    let before = world.effects().await;
    let cancelled = later(1, json!({ "start_at": start, "status": "cancelled" }));
    let answered = world.deliver(&cancelled).await;
    assert_held(&answered, "after the charter's start", "Find out whether it sailed");
    assert_eq!(world.effects().await, before);
    world.alarm("after the charter's start").await;
    assert_waits(&world, &cancelled).await;

    let approved = world.approve().await;
    assert_eq!(approved["state"], "in_step", "{approved:#}");
    let effects = world.effects().await;
    assert_eq!((effects.calendar.len(), &effects.scc_events[0]["status"]), (0, &json!("cancelled")));
    assert!(effects.visits[0].body.contains("This charter is cancelled"));
    assert!(effects.visits[1].body.contains("STATUS:CANCELLED"));
}

#[tokio::test]
async fn a_booking_that_stands_again_is_a_persons_to_set_sail() {
    let world = World::start().await;
    world.deliver(&sample()).await;
    assert_eq!(world.deliver(&later(1, json!({ "status": "cancelled" }))).await.status, 200);
    let before = world.effects().await;
    let again = later(2, json!({ "start_at": "2031-05-31T14:00:00-07:00" }));
    let answered = world.deliver(&again).await;
    assert_held(&answered, "confirmed again after it was cancelled", "If it sails, approve it");
    assert_eq!(world.effects().await, before);
    world.alarm("confirmed again").await;
    assert_waits(&world, &again).await;

    let approved = world.approve().await;
    assert_eq!(approved["state"], "in_step", "{approved:#}");
    let effects = world.effects().await;
    assert_eq!((effects.calendar.len(), &effects.calendar[0]["date"]), (1, &json!("2031-05-31")));
    let event = &effects.scc_events[0];
    assert_eq!(
        (&event["status"], &event["date"]),
        (&json!("pending_confirmation"), &json!("2031-05-31T14:00:00-07:00"))
    );
    let entry = effects.calendar[0]["id"].as_str().expect("an id");
    assert!(event["notes"].as_str().is_some_and(|notes| notes.contains(&format!("calendar {entry}"))), "{event:#}");
    assert!(!effects.visits[0].body.contains("is cancelled") && effects.visits[0].body.contains("May 31, 2031"));
    assert!(effects.visits[1].body.contains("STATUS:CONFIRMED") && effects.visits[1].body.contains("SEQUENCE:2"));
    let mails = |kind: MailKind| effects.mailbox.iter().filter(|mail| mail.kind == kind).count();
    let counts = (mails(MailKind::MagicLink), mails(MailKind::Change));
    assert_eq!(counts, (3, 6), "off and on again, each told once: {:#?}", effects.mailbox);

    let moved = world.deliver(&later(3, json!({}))).await;
    assert_eq!(moved.status, 200, "from then on it is as good as one that was never cancelled: {:#}", moved.body);
    assert_eq!(world.effects().await.calendar[0]["date"], "2031-05-30");
}

/// What was decided since then, nobody has seen.
#[tokio::test]
async fn only_the_decision_that_was_seen_is_approved() {
    let world = World::start().await;
    world.deliver(&sample()).await;
    assert_eq!(world.deliver(&later(1, json!({ "status": "cancelled" }))).await.status, 200);
    world.deliver(&later(2, json!({ "start_at": "2031-05-31T14:00:00-07:00" }))).await;
    let seen = world.status().await["decided_seq"].take();
    world.deliver(&later(3, json!({ "start_at": "2031-06-01T14:00:00-07:00" }))).await;
    let before = world.effects().await;
    for (asked, status, says) in [
        (approval_of(&seen), 409, "the newest decision is 4: confirmed"),
        (approval_of(&json!(5)), 409, "the newest decision is 4: confirmed"),
        (approval_of(&json!("4")), 400, "the booking's status says which"),
        (json!({ "approve": { "booking_id": SAMPLE_BOOKING_ID } }), 400, "the booking's status says which"),
        (json!({ "approve": { "booking_id": "BS-1", "decided_seq": 1 } }), 404, "has no booking BS-1"),
        (json!({ "approve": { "booking_id": "BS 1", "decided_seq": 1 } }), 400, "booking_id"),
    ] {
        let problem = world.ask(&asked).await;
        assert_eq!(problem["status"], status, "{asked}: {problem:#}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(says)), "{asked}: {problem:#}");
    }
    assert_eq!(world.effects().await, before);
    assert_eq!(world.status().await["state"], "parked");

    assert_eq!(world.approve().await["state"], "in_step");
    let approved = world.effects().await;
    assert_eq!((approved.calendar.len(), &approved.calendar[0]["date"]), (1, &json!("2031-06-01")));
    assert_eq!(world.approve().await["state"], "in_step", "twice is once");
    let again = world.effects().await;
    assert_eq!(
        (approved.calendar, approved.scc_events, approved.mailbox),
        (again.calendar, again.scc_events, again.mailbox)
    );
}

/// The office settles its books; crew hear nothing more of a charter that has sailed.
#[tokio::test]
async fn after_the_charters_end_crew_are_told_nothing() {
    let stage = Stage::set().await;
    assert_eq!(stage.deliver(&sample()).await.status(), Some(200));
    let before = stage.look().await;
    stage.pass(Duration::from_hours(11 * 24)).await;
    stage.traffic().forget();
    let settled = later(1, json!({ "gross": "900.00", "crew_ids": ["crew-1", "crew-3"], "party_size": 9 }));
    let outcome = stage.deliver(&settled).await;
    assert_eq!(outcome.status(), Some(200), "{outcome:?}");
    let after = stage.look().await;
    assert_eq!((before.scc_events, before.mailbox), (after.scc_events, after.mailbox));
    assert_eq!(stage.traffic().calls_to(simulators::traffic::Service::Scc).len(), 0);
    let entry = &after.calendar[0];
    assert_eq!((entry["revenue"].to_string(), &entry["crew_ids"]), ("900.00".into(), &json!(["crew-1", "crew-3"])));
}

/// Two bookings in a million million.
#[tokio::test]
async fn a_charter_id_that_another_booking_has_is_shown_nowhere() {
    let world = World::start().await;
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let reservation =
        [("pk", text(&format!("charter#{CHARTER_ID}"))), ("sk", text("reservation")), ("booking_id", text("BS-OTHER"))];
    let reservation = reservation.map(|(name, value)| (name.to_owned(), value)).into();
    let put = world.cloud.dynamodb.put_item().table_name(&world.cloud.ledger_table).set_item(Some(reservation));
    put.send().await.expect("written");
    world.traffic.forget();

    let answered = world.deliver(&sample()).await;
    assert_held(&answered, "another booking has the same charter id", "by hand in all four systems");
    world.alarm("another booking has the same charter id").await;
    assert_waits(&world, &sample()).await;
    for told in [later(1, json!({ "party_size": 9 })), later(2, json!({ "status": "cancelled" })), later(3, json!({}))]
    {
        assert_held(&world.deliver(&told).await, "another booking has the same charter id", "by hand");
    }
    for answered in [world.replay().await, world.approve().await] {
        assert_eq!(answered["state"], "parked", "nor is this a matter of courage: {answered:#}");
    }
    assert_eq!(world.called(), [""; 0]);
    let effects = world.effects().await;
    assert!(effects.calendar.is_empty() && effects.scc_events.is_empty() && effects.mailbox.is_empty());
    assert!(effects.bucket.is_empty() && effects.invalidations.is_empty());
}
