//! Crew never see money: what somebody typed into ShipCaptainCrew is taken out at night, of dismissed bookings too, and the office
//! reads what was found and what was done about it.

use std::time::Duration;

use serde_json::json;
use simulators::{
    office::OfficeMail,
    sender::SAMPLE_BOOKING_ID,
    traffic::{Call, Service},
};

use crate::{
    audit::{audit, sweep},
    prove::stage::Stage,
    world::{ALWAYS, CHARTER_ID, DENIED, REFUSED, UNAVAILABLE, later, sample},
};

const NIGHT: Duration = Duration::from_secs(86_400);
const FOUND: &str = "shows money to the crew (Port-Tax, notes, pay, revenue)";
const TAKEN_OUT: &str = "showed money to the crew (Port-Tax, notes, pay, revenue): it is taken out";

async fn leak(stage: &Stage) {
    stage.rehearsal.scc.leak_money_into(CHARTER_ID).await.expect("it leaks");
}

async fn crew_read_money(stage: &Stage) -> bool {
    let shown = stage.look().await.scc_events[0].to_string();
    shown.contains("840.75") || shown.contains("captain_fee")
}

/// Of the booking, without the night's figures.
fn of_booking(mails: &[OfficeMail]) -> Vec<&OfficeMail> {
    mails.iter().filter(|mail| mail.subject.starts_with(SAMPLE_BOOKING_ID)).collect()
}

/// Nobody can write into the crew's table.
fn lock_the_table(stage: &Stage) {
    let table = stage.rehearsal.cloud.events_table.clone();
    let writes = move |call: &Call| {
        call.service == Service::Dynamodb && call.operation == "UpdateItem" && call.request_body.contains(&table)
    };
    stage.traffic().fail_each(writes, UNAVAILABLE, ALWAYS);
}

/// A person leaves it as it is; that is no reason to leave money there, nor to do anything else.
#[tokio::test]
async fn money_in_a_dismissed_booking_is_taken_out_and_no_more() {
    for fault in [REFUSED, DENIED] {
        let stage = Stage::set().await;
        stage.traffic().fail_next(Service::Calendar, "POST", fault.clone(), ALWAYS);
        assert_eq!(stage.deliver(&sample()).await.status(), Some(202));
        stage.traffic().heal();
        let why = json!({ "booking_id": SAMPLE_BOOKING_ID, "why": "it is in the old calendar" });
        stage.ask(&json!({ "dismiss": why })).await;
        sweep(&stage).await;
        leak(&stage).await;
        stage.pass(Duration::from_secs(2 * 3_600)).await;
        let before = stage.look().await;
        stage.traffic().forget();

        let answer = audit(&stage).await;
        assert_eq!((&answer["state"], &answer["figures"]["money"]), (&json!("ended"), &json!(1)), "{answer:#}");
        assert!(!crew_read_money(&stage).await, "{fault:?}");
        let changes = [Service::Calendar, Service::Scc, Service::S3, Service::Cloudfront].map(|service| {
            let calls = stage.traffic().calls_to(service);
            calls.iter().filter(|call| !call.operation.starts_with("GET") && !call.operation.starts_with("Get")).count()
        });
        assert_eq!(changes, [0; 4], "{fault:?}: what was left as it is stays so");
        let after = stage.look().await;
        assert_eq!((&after.mailbox, &after.calendar), (&before.mailbox, &before.calendar), "{fault:?}");
        let status = stage.status().await;
        assert_eq!(status["dismissed"]["why"], "it is in the old calendar", "{fault:?}: {status:#}");
        assert_eq!(status["due_at"], json!(null), "{fault:?}: {status:#}");
        let figures = sweep(&stage).await.pop().expect("the figures");
        assert!(figures.text.contains("1 crew event out of which money was taken"), "{}", figures.text);
    }
}

#[tokio::test]
async fn money_in_a_booking_that_waits_for_a_person_is_taken_out() {
    let stage = Stage::set().await;
    stage.deliver(&sample()).await;
    stage.deliver(&later(1, json!({ "status": "cancelled" }))).await;
    stage.deliver(&later(2, json!({ "status": "confirmed" }))).await;
    sweep(&stage).await;
    leak(&stage).await;
    assert_eq!(audit(&stage).await["figures"]["money"], 1);
    assert!(!crew_read_money(&stage).await);
    let status = stage.status().await;
    assert_eq!((&status["state"], &status["due_at"]), (&json!("parked"), &json!(null)), "{status:#}");
}

#[tokio::test]
async fn money_is_said_to_be_taken_out_only_once_it_was() {
    let stage = Stage::set().await;
    stage.deliver(&sample()).await;
    leak(&stage).await;
    lock_the_table(&stage);
    assert_eq!(audit(&stage).await["figures"]["money"], 0);
    let mails = sweep(&stage).await;
    let told = of_booking(&mails);
    assert!(told.len() == 1 && told[0].text.contains(FOUND) && !told[0].text.contains(TAKEN_OUT), "{mails:#?}");
    assert!(crew_read_money(&stage).await);

    stage.traffic().heal();
    stage.pass(Duration::from_secs(3_600)).await;
    sweep(&stage).await;
    assert!(!crew_read_money(&stage).await, "the sweep goes on where the audit could not");
    stage.pass(NIGHT).await;
    assert_eq!(audit(&stage).await["figures"]["money"], 0);
    let mails = sweep(&stage).await;
    let told = of_booking(&mails);
    assert!(told.len() == 2 && told[1].text.contains(TAKEN_OUT), "{mails:#?}");
    stage.pass(NIGHT).await;
    audit(&stage).await;
    let mails = sweep(&stage).await;
    assert_eq!(of_booking(&mails).last().map(|mail| &*mail.subject), Some("BS-1048812: over"), "{mails:#?}");
}

/// What the office reads of a night in which the money could not be taken out, and of the booking's step.
#[tokio::test]
async fn the_figures_say_where_money_still_stands() {
    let stage = Stage::set().await;
    stage.deliver(&sample()).await;
    leak(&stage).await;
    lock_the_table(&stage);
    let answer = audit(&stage).await;
    assert_eq!(answer["figures"]["money_left"], 1, "{answer:#}");
    let mails = sweep(&stage).await;
    let figures = mails.iter().find(|mail| mail.subject.starts_with("The audit")).expect("the figures");
    assert!(figures.text.contains("1 crew event in which money still stands"), "{}", figures.text);
}
