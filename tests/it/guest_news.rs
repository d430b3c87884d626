//! A cancelled charter has no calendar entry in which its message for the guest could stand: it comes to the office by mail.

use std::time::Duration;

use serde_json::{Value, json};
use simulators::{
    office::OfficeMail,
    sender::SAMPLE_BOOKING_ID,
    traffic::{Fault, Service},
};

use crate::{
    office::crash_after,
    prove::stage::Stage,
    world::{ALWAYS, REFUSED, UNAVAILABLE, later, sample, sample_with},
};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);
const SUBJECT: &str = "BS-1048812 is cancelled: tell the guest";
const MESSAGE: &str = "\n\nHi Dana, this is JADA Sailing. Your charter on Queen of San Diego on Friday, May 30, 2031, \
                       2:00–5:00 PM, is cancelled. http";

fn cancelled(minutes: i64) -> Value {
    later(minutes, json!({ "status": "cancelled" }))
}

/// A minute later the schedule comes by; what the office has been mailed until then.
async fn sweep(stage: &Stage) -> Vec<OfficeMail> {
    stage.pass(MINUTE).await;
    stage.sweep().await;
    stage.look().await.office_mailbox
}

fn subjects(mails: &[OfficeMail]) -> Vec<&str> {
    mails.iter().map(|mail| &*mail.subject).collect()
}

#[tokio::test]
async fn a_cancelled_charters_message_comes_by_mail_once() {
    let stage = Stage::set().await;
    stage.deliver(&sample()).await;
    assert_eq!(sweep(&stage).await, [], "a new charter's message stands in its entry");
    assert_eq!(stage.deliver(&cancelled(1)).await.status(), Some(200));
    let mails = sweep(&stage).await;
    assert_eq!(subjects(&mails), [SUBJECT]);
    let text = &mails[0].text;
    assert!(text.starts_with("BS-1048812 · Dana · Fri May 30, 2:00 PM is cancelled.\n\nTell the guest. "), "{text}");
    assert!(text.contains(MESSAGE) && text.contains("\n\nSee it: http"), "{text}");
    for (again, what) in [(cancelled(1), "a repeat"), (cancelled(2), "a newer one that says the same")] {
        stage.deliver(&again).await;
        assert_eq!(sweep(&stage).await, mails, "{what}");
    }
    let listed = stage.ask(&json!({ "list": { "from": "2031-05-30" } })).await;
    assert_eq!((&listed["bookings"][0]["detail"], &listed["bookings"][0]["state"]), (&json!(null), &json!("in_step")));
    for state in ["parked", "due", "flagged"] {
        let waits = stage.ask(&json!({ "list": { "state": state } })).await;
        assert_eq!(waits["bookings"], json!([]), "it is news, not a case: {state}");
    }
}

#[tokio::test]
async fn the_message_is_in_the_guests_language() {
    let stage = Stage::set().await;
    let guest = json!({ "guest": { "name": "Dana Whitfield", "locale": "es-MX" } });
    stage.deliver(&sample_with(guest)).await;
    stage.deliver(&cancelled(1)).await;
    let mails = sweep(&stage).await;
    let told = "\n\nHola Dana, le escribimos de JADA Sailing. Su paseo en Queen of San Diego del viernes, 30 de mayo";
    assert!(mails[0].text.contains(told) && mails[0].text.contains("está cancelado. http"), "{}", mails[0].text);
}

#[tokio::test]
async fn a_charter_that_no_guest_knows_of_needs_no_message() {
    let stage = Stage::set().await;
    let out_of_bounds = sample_with(json!({ "gross": "84075.00" }));
    assert_eq!(stage.deliver(&out_of_bounds).await.into_body()["state"], "parked");
    assert_eq!(stage.deliver(&cancelled(1)).await.status(), Some(200));
    assert_eq!(sweep(&stage).await, []);
}

/// The office may have pasted the message while the page was not there yet; and who opens the link may see a page of which we do not know.
#[tokio::test]
async fn a_guest_who_may_know_of_the_charter_is_to_be_told() {
    for (what, service, operation, fault) in [
        ("its entry has been in the calendar", Service::S3, "PutObject", UNAVAILABLE),
        ("its page may be there", Service::S3, "PutObject", Fault::DropAfter),
        ("its page is there", Service::Calendar, "POST", REFUSED),
    ] {
        let stage = Stage::set().await;
        stage.traffic().fail_next(service, operation, fault, ALWAYS);
        stage.deliver(&sample()).await;
        stage.traffic().heal();
        stage.deliver(&cancelled(1)).await;
        assert_eq!(subjects(&sweep(&stage).await), [SUBJECT], "{what}");
    }
}

#[tokio::test]
async fn what_sails_after_all_and_is_cancelled_again_is_told_again() {
    let stage = Stage::set().await;
    stage.deliver(&sample()).await;
    stage.deliver(&cancelled(1)).await;
    sweep(&stage).await;
    stage.deliver(&later(2, json!({ "status": "confirmed" }))).await;
    sweep(&stage).await;
    assert_eq!(stage.approve().await.into_body()["state"], "in_step");
    sweep(&stage).await;
    stage.deliver(&cancelled(3)).await;
    let mails = sweep(&stage).await;
    let expected = [SUBJECT, "BS-1048812 needs a person", "BS-1048812: over", SUBJECT];
    assert_eq!(subjects(&mails), expected, "{mails:#?}");
}

/// One mail says both: what the office has to do, and what the guest has to hear.
#[tokio::test]
async fn a_cancellation_that_needs_a_person_is_one_mail() {
    let stage = Stage::set().await;
    stage.deliver(&sample()).await;
    stage.traffic().fail_next(Service::Calendar, "DELETE", REFUSED, 1);
    stage.deliver(&cancelled(1)).await;
    let mails = sweep(&stage).await;
    assert_eq!(subjects(&mails), ["BS-1048812 needs a person"]);
    assert!(
        mails[0].text.contains("is not up to date in the calendar") && mails[0].text.contains(MESSAGE),
        "{mails:#?}"
    );
    stage.ask(&json!({ "replay": { "booking_id": SAMPLE_BOOKING_ID } })).await;
    let mails = sweep(&stage).await;
    assert_eq!(subjects(&mails)[1..], ["BS-1048812: over"]);
    assert!(!mails[1].text.contains("Hi Dana"), "it is said once: {}", mails[1].text);
}

#[tokio::test]
async fn a_dismissal_loses_no_message_for_the_guest() {
    let stage = Stage::set().await;
    stage.deliver(&sample()).await;
    stage.traffic().fail_next(Service::Calendar, "DELETE", REFUSED, 1);
    stage.deliver(&cancelled(1)).await;
    stage.ask(&json!({ "dismiss": { "booking_id": SAMPLE_BOOKING_ID, "why": "taken out by hand" } })).await;
    let mails = sweep(&stage).await;
    assert_eq!(subjects(&mails), [SUBJECT]);
    assert!(mails[0].text.contains(MESSAGE), "{}", mails[0].text);
}

#[tokio::test]
async fn after_its_end_nobody_is_told_that_it_is_cancelled() {
    let stage = Stage::set().await;
    stage.deliver(&sample()).await;
    stage.pass(11 * DAY).await;
    stage.deliver(&cancelled(1)).await;
    sweep(&stage).await;
    stage.approve().await;
    let mails = sweep(&stage).await;
    assert!(mails.iter().all(|mail| !mail.text.contains("Hi Dana")), "{mails:#?}");
}

/// The message comes once.
async fn heard_in_the_end(stage: &Stage, at: &str) {
    for _ in 0..3 {
        sweep(stage).await;
    }
    let mails = sweep(stage).await;
    assert!(mails.iter().any(|mail| mail.subject == SUBJECT && mail.text.contains(MESSAGE)), "{at}: {mails:#?}");
    assert_eq!(sweep(stage).await, mails, "{at}: then it is known to be told");
}

#[tokio::test]
async fn no_crash_of_a_cancellation_loses_its_message() {
    for calls in 1.. {
        let stage = Stage::set().await;
        stage.deliver(&sample()).await;
        let event = stage.delivery("evt_2", &cancelled(1));
        let crashed = crash_after(&stage, &event, calls).await;
        // As senders do when no answer came.
        stage.pass(MINUTE).await;
        stage.invoke(&event).await;
        heard_in_the_end(&stage, &format!("the cancellation ended at call {calls}")).await;
        if !crashed {
            assert!(calls > 8, "{calls} calls are too few for a cancellation");
            return;
        }
    }
}

#[tokio::test]
async fn no_crash_of_a_sweep_loses_a_message_for_the_guest() {
    for calls in 1.. {
        let stage = Stage::set().await;
        stage.deliver(&sample()).await;
        stage.deliver(&cancelled(1)).await;
        stage.pass(MINUTE).await;
        let crashed = crash_after(&stage, &json!({ "sweep": {} }), calls).await;
        heard_in_the_end(&stage, &format!("the sweep ended at call {calls}")).await;
        if !crashed {
            assert!(calls > 5, "{calls} calls are too few for a sweep that mails");
            return;
        }
    }
}
