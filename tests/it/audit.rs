//! Every night each upcoming charter is read back: what people deleted, moved, doubled or typed in by hand is put right, or told.

use std::{collections::BTreeMap, io::Write as _, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::SignedDuration;
use serde_json::{Value, json};
use simulators::{
    office::OfficeMail,
    sender::SAMPLE_BOOKING_ID,
    traffic::{Call, Service},
};

use crate::{
    office::crash_after,
    prove::stage::Stage,
    world::{ALWAYS, CHARTER_ID, UNAVAILABLE, sample, sample_with},
};

const MINUTE: Duration = Duration::from_secs(60);
const NIGHT: Duration = Duration::from_secs(86_400);
const PAGE: &str = "g/544EK27M.html";
const CALENDAR_FILE: &str = "g/544EK27M.ics";

/// What people do by hand, or what gets lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drift {
    EntryDeleted,
    EntryMoved,
    EntryDoubled,
    EventDeleted,
    EventDoubled,
    EventMoved,
    EventCancelled,
    MoneyTypedIn,
    PageDeleted,
    PageOld,
    CalendarFileGone,
    InvalidationLost,
}

impl Drift {
    async fn happen(self, stage: &Stage) {
        let calendar = &stage.rehearsal.calendar;
        let entry = calendar.entries().remove(0);
        let entry_id = entry["id"].as_str().expect("an id").to_owned();
        let event = |name: &'static str, value: &'static str| set_in_event(stage, name, value);
        let cloud = &stage.rehearsal.cloud;
        match self {
            Self::EntryDeleted => assert!(calendar.remove_by_hand(&entry_id)),
            Self::EntryMoved => calendar.put_by_hand(
                &entry_id,
                json!({ "date": "2031-06-02", "start": "2031-06-02T14:00:00-07:00", "end": "2031-06-02T17:00:00-07:00" }),
            ),
            Self::EntryDoubled => calendar.add_by_hand("cal_copy", entry),
            Self::EventDeleted => {
                for item in events(stage).await {
                    let key = |name: &str| item[name].clone();
                    let delete = cloud.dynamodb.delete_item().table_name(&cloud.events_table);
                    let delete = delete.key("event_id", key("event_id")).key("created_timestamp", key("created_timestamp"));
                    delete.send().await.expect("deleted");
                }
            }
            Self::EventDoubled => {
                let mut item = events(stage).await.remove(0);
                item.insert("created_timestamp".into(), AttributeValue::S("2031-01-01T00:00:00Z".into()));
                let put = cloud.dynamodb.put_item().table_name(&cloud.events_table).set_item(Some(item));
                put.send().await.expect("the second event");
            }
            Self::EventMoved => event("date", "2031-05-31T14:00:00-07:00").await,
            Self::EventCancelled => event("status", "cancelled").await,
            Self::MoneyTypedIn => stage.rehearsal.scc.leak_money_into(CHARTER_ID).await.expect("it leaks"),
            Self::PageDeleted => delete(stage, PAGE).await,
            Self::PageOld => put(stage, PAGE, b"<!doctype html><p>last week's page".to_vec()).await,
            Self::CalendarFileGone => delete(stage, CALENDAR_FILE).await,
            Self::InvalidationLost => {
                // The edge has seen another page, and was never told to forget it.
                let right = cloud.object(&cloud.bucket, PAGE).await.expect("a page");
                put(stage, PAGE, b"<!doctype html><p>an older page".to_vec()).await;
                forget_at_the_edge(stage).await;
                stage.look().await;
                put(stage, PAGE, right).await;
            }
        }
    }

    /// What the office is mailed, in part; `None` when the audit has put it right, and only the figures say so.
    fn told(self) -> Option<&'static str> {
        match self {
            Self::EntryDeleted => Some("is gone from the calendar: it is on none of the next 60 days"),
            Self::EntryMoved => Some("stands on Mon Jun 2, 2:00 PM in the calendar, and was sold for another time"),
            Self::EntryDoubled => Some("is 2 times in the calendar (cal_1a2b, cal_copy)"),
            Self::EventDeleted => Some("is not with the crew (ShipCaptainCrew): the event is not there"),
            Self::EventDoubled => Some("is 2 times with the crew (ShipCaptainCrew)"),
            Self::EventMoved => Some("stands on Sat May 31, 2:00 PM with the crew (ShipCaptainCrew)"),
            Self::EventCancelled => {
                Some("is cancelled with the crew (ShipCaptainCrew), and was not cancelled by its sender")
            }
            Self::MoneyTypedIn => Some("showed money to the crew (Port-Tax, notes, pay, revenue): it is taken out"),
            Self::PageDeleted | Self::PageOld | Self::CalendarFileGone | Self::InvalidationLost => None,
        }
    }
}

const ALL: [Drift; 12] = [
    Drift::EntryDeleted,
    Drift::EntryMoved,
    Drift::EntryDoubled,
    Drift::EventDeleted,
    Drift::EventDoubled,
    Drift::EventMoved,
    Drift::EventCancelled,
    Drift::MoneyTypedIn,
    Drift::PageDeleted,
    Drift::PageOld,
    Drift::CalendarFileGone,
    Drift::InvalidationLost,
];

async fn events(stage: &Stage) -> Vec<std::collections::HashMap<String, AttributeValue>> {
    let cloud = &stage.rehearsal.cloud;
    let items = cloud.dynamodb.scan().table_name(&cloud.events_table).send().await.expect("the events");
    items.items.unwrap_or_default()
}

async fn set_in_event(stage: &Stage, name: &str, value: &str) {
    let cloud = &stage.rehearsal.cloud;
    let mut item = events(stage).await.remove(0);
    item.insert(name.into(), AttributeValue::S(value.into()));
    let put = cloud.dynamodb.put_item().table_name(&cloud.events_table).set_item(Some(item));
    put.send().await.expect("changed");
}

async fn delete(stage: &Stage, key: &str) {
    let cloud = &stage.rehearsal.cloud;
    cloud.s3.delete_object().bucket(&cloud.bucket).key(key).send().await.expect("the bucket forgets it");
    forget_at_the_edge(stage).await;
}

async fn put(stage: &Stage, key: &str, body: Vec<u8>) {
    let cloud = &stage.rehearsal.cloud;
    let put = cloud.s3.put_object().bucket(&cloud.bucket).key(key).content_type("text/html; charset=utf-8");
    put.cache_control("public, max-age=0, s-maxage=86400").body(body.into()).send().await.expect("the bucket takes it");
}

/// As after a day: what the edge keeps is asked for anew.
async fn forget_at_the_edge(stage: &Stage) {
    let paths = ["/g/544EK27M", "/g/544EK27M.html", "/g/544EK27M.ics"];
    stage.rehearsal.cloud.forget_at_the_edge(&paths).await.expect("invalidated");
}

pub(crate) async fn audit(stage: &Stage) -> Value {
    stage.ask(&json!({ "audit": {} })).await
}

/// A minute later the schedule comes by; what the office has been mailed until then.
pub(crate) async fn sweep(stage: &Stage) -> Vec<OfficeMail> {
    stage.pass(MINUTE).await;
    stage.sweep().await;
    stage.rehearsal.cloud.office.mails().await.expect("the mails")
}

async fn in_step() -> Stage {
    let stage = Stage::set().await;
    assert_eq!(stage.deliver(&sample()).await.status(), Some(200));
    // The edge has the page.
    stage.look().await;
    stage.pass(MINUTE).await;
    stage
}

fn is_write(stage: &Stage, call: &Call) -> bool {
    let verb = call.operation.split(' ').next().unwrap_or_default();
    match call.service {
        Service::Dynamodb => {
            let writes = ["PutItem", "UpdateItem", "DeleteItem"].contains(&verb);
            writes && call.request_body.contains(&stage.rehearsal.cloud.events_table)
        }
        Service::Calendar | Service::Scc | Service::S3 | Service::Edge => {
            !["GET", "GetObject", "HEAD", "HeadObject"].contains(&verb)
        }
        Service::Cloudfront | Service::Sns => verb != "ListSubscriptionsByTopic",
        Service::Secretsmanager => false,
    }
}

#[tokio::test]
async fn a_world_without_drift_costs_reads_only() {
    let stage = in_step().await;
    let before = stage.look().await;
    stage.traffic().forget();
    let answer = audit(&stage).await;
    assert_eq!((&answer["state"], &answer["figures"]["charters"]), (&json!("ended"), &json!(1)), "{answer:#}");
    let writes: Vec<_> = stage.traffic().calls().into_iter().filter(|call| is_write(&stage, call)).collect();
    assert!(writes.is_empty(), "{writes:#?}");
    assert_eq!(stage.traffic().calls_to(Service::Calendar).len(), 60, "each day once");
    assert!(sweep(&stage).await.is_empty(), "no figures when nothing is wrong");
    assert_eq!(stage.look().await, before);
    stage.traffic().forget();
    assert_eq!(audit(&stage).await["state"], "ended");
    assert_eq!(stage.traffic().calls_to(Service::Calendar).len(), 0, "once a night");
}

#[tokio::test]
async fn each_kind_of_drift_is_put_right_or_told() {
    let mut table = String::new();
    for drift in ALL {
        let stage = in_step().await;
        let before = stage.look().await;
        drift.happen(&stage).await;
        stage.traffic().forget();
        let answer = audit(&stage).await;
        assert_eq!(answer["state"], "ended", "{drift:?}: {answer:#}");
        for service in [Service::Calendar, Service::Scc] {
            let calls = stage.traffic().calls_to(service);
            assert!(calls.iter().all(|call| call.operation.starts_with("GET")), "{drift:?}: nothing is made again");
        }
        let mails = sweep(&stage).await;
        let after = stage.look().await;
        assert_eq!(after.mailbox, before.mailbox, "{drift:?}: crew hear of nothing");
        let of_booking = mails.iter().find(|mail| mail.subject.starts_with(SAMPLE_BOOKING_ID));
        match drift.told() {
            Some(words) => {
                let text = &of_booking.unwrap_or_else(|| panic!("{drift:?}: {mails:#?}")).text;
                assert!(text.contains(words), "{drift:?}: {text}");
            }
            None => {
                assert_eq!(of_booking, None, "{drift:?}");
                assert_eq!(after.bucket, before.bucket, "{drift:?}: as it was published");
                assert_eq!(after.visits, before.visits, "{drift:?}: as guests saw it");
                assert_eq!(answer["figures"]["pages"], 1, "{drift:?}: {answer:#}");
            }
        }
        if drift == Drift::MoneyTypedIn {
            let shown = after.scc_events[0].to_string();
            assert!(!shown.contains("840.75") && !shown.contains("captain_fee"), "{shown}");
        }
        let figures = mails.iter().find(|mail| mail.subject.starts_with("The audit")).expect("the figures");
        table.push_str(&format!("\n{drift:?}: {}\n", answer["figures"]));
        for mail in of_booking.into_iter().chain([figures]) {
            table.push_str(&format!("  {}\n  {}\n", mail.subject, mail.text.replace('\n', "\n  ")));
        }
        assert_eq!(sweep(&stage).await, mails, "{drift:?}: it is said once");
    }
    std::io::stdout().lock().write_all(table.as_bytes()).expect("a terminal");
}

#[tokio::test]
async fn what_was_put_right_by_hand_is_over_the_next_night() {
    for drift in [Drift::EntryDoubled, Drift::EventCancelled, Drift::MoneyTypedIn] {
        let stage = in_step().await;
        drift.happen(&stage).await;
        audit(&stage).await;
        sweep(&stage).await;
        stage.pass(NIGHT).await;
        audit(&stage).await;
        let twice = sweep(&stage).await;
        match drift {
            Drift::EntryDoubled => assert!(stage.rehearsal.calendar.remove_by_hand("cal_copy")),
            Drift::EventCancelled => set_in_event(&stage, "status", "pending_confirmation").await,
            _ => {}
        }
        stage.pass(NIGHT).await;
        audit(&stage).await;
        let mails = sweep(&stage).await;
        let of_booking: Vec<_> = mails.iter().filter(|mail| mail.subject.starts_with(SAMPLE_BOOKING_ID)).collect();
        assert_eq!(of_booking.len(), 2, "{drift:?}: begun and over: {mails:#?}");
        assert!(of_booking[1].subject.ends_with(": over"), "{drift:?}: {mails:#?}");
        assert!(twice.len() <= mails.len());
    }
}

#[tokio::test]
async fn soon_before_the_start_the_notice_says_whom_to_call() {
    let stage = in_step().await;
    // Ten days ahead it is told; the last audit that comes a day before says whom to call.
    Drift::EventDeleted.happen(&stage).await;
    audit(&stage).await;
    assert!(!sweep(&stage).await[0].text.contains("Call the captain"));
    stage.pass(NIGHT * 9).await;
    audit(&stage).await;
    let mails = sweep(&stage).await;
    let call = "What to do: Call the captain captain-1 (no phone in the roster), and the crew crew-1 (no phone in the roster), \
                crew-2 (no phone in the roster): it sails soon. ";
    assert!(mails.iter().any(|mail| mail.text.contains(call)), "{mails:#?}");
}

/// A crew event that could never be made is no drift, until they sail and do not know.
#[tokio::test]
async fn crew_who_were_never_told_are_called_in_time() {
    let stage = Stage::set().await;
    stage.traffic().fail_next(Service::Scc, "POST", UNAVAILABLE, ALWAYS);
    assert_eq!(stage.deliver(&sample()).await.status(), Some(202));
    audit(&stage).await;
    assert!(sweep(&stage).await.iter().all(|mail| !mail.text.contains("the event is not there")));
    stage.pass(NIGHT * 9).await;
    audit(&stage).await;
    let mails = sweep(&stage).await;
    assert!(mails.iter().any(|mail| mail.text.contains("Call the captain captain-1")), "{mails:#?}");
}

#[tokio::test]
async fn a_calendar_that_cannot_be_read_is_no_drift() {
    let stage = in_step().await;
    stage.traffic().fail_next(Service::Calendar, "GET", UNAVAILABLE, 1_000);
    let answer = audit(&stage).await;
    assert_eq!(
        (&answer["state"], &answer["figures"]["unread"]["calendar"]),
        (&json!("ended"), &json!(60)),
        "{answer:#}"
    );
    assert_eq!(answer["figures"]["drifted"], 0, "{answer:#}");
    stage.traffic().heal();
    let mails = sweep(&stage).await;
    assert_eq!(mails.len(), 1, "{mails:#?}");
    assert!(mails[0].text.contains("60 days of the calendar could not be read"), "{}", mails[0].text);
}

/// A hold that came later, and one that goes: neither is read by any delivery.
#[tokio::test]
async fn what_comes_and_goes_beside_a_charter_is_found() {
    let stage = in_step().await;
    let calendar = &stage.rehearsal.calendar;
    calendar.add_by_hand("hold", json!({ "date": "2031-05-30", "title": "Queen of San Diego: haul-out" }));
    assert_eq!(audit(&stage).await["figures"]["overlaps"], 1);
    let mails = sweep(&stage).await;
    assert!(mails.iter().any(|mail| mail.text.contains("overlaps \"Queen of San Diego: haul-out\"")), "{mails:#?}");
    assert!(calendar.remove_by_hand("hold"));
    stage.pass(NIGHT).await;
    audit(&stage).await;
    let mails = sweep(&stage).await;
    assert!(mails.iter().any(|mail| mail.subject == "BS-1048812: over"), "{mails:#?}");
    let notes = calendar.entries()[0]["notes"].as_str().expect("notes").to_owned();
    assert!(!notes.contains("CHECK"), "{notes}");
}

/// So many charters, two a day.
async fn with_charters(count: usize) -> Stage {
    let stage = Stage::set().await;
    let process = stage.process(SignedDuration::ZERO).await.expect("it starts");
    for number in 0..count {
        let (day, hour) = (number / 2, if number % 2 == 0 { "09" } else { "16" });
        let date =
            jiff::civil::date(2031, 5, 22).saturating_add(jiff::Span::new().days(i64::try_from(day).expect("few")));
        let body =
            sample_with(json!({ "id": format!("N-{number}"), "start_at": format!("{date}T{hour}:00:00-07:00") }));
        let outcome = process.invoke(&stage.delivery(&format!("evt_{number}"), &body)).await;
        assert_eq!(outcome.status(), Some(200), "{outcome:?}");
    }
    stage.pass(MINUTE).await;
    stage
}

fn calls_by_service(stage: &Stage) -> BTreeMap<String, usize> {
    let mut calls = BTreeMap::new();
    for call in stage.traffic().calls() {
        let verb = call.operation.split(' ').next().unwrap_or_default();
        let table = match call.service {
            Service::Dynamodb if call.request_body.contains(&stage.rehearsal.cloud.events_table) => " scc-events",
            Service::Dynamodb => " ledger",
            _ => "",
        };
        *calls.entry(format!("{:?}{table} {verb}", call.service)).or_default() += 1;
    }
    calls
}

#[tokio::test]
#[ignore = "takes a minute: cargo test --test it audit:: -- --ignored --nocapture"]
async fn an_audit_of_a_hundred_charters_costs_reads() {
    let stage = Box::pin(with_charters(100)).await;
    let process = stage.process(SignedDuration::ZERO).await.expect("it starts");
    stage.traffic().forget();
    let began = std::time::Instant::now();
    // One, but on a machine that has other things to do.
    let (mut invocations, mut body) = (0, Value::Null);
    while body["state"] != "ended" {
        invocations += 1;
        assert!(invocations < 7, "a night has six: {body:#}");
        body = process.invoke(&json!({ "audit": {} })).await.into_body();
    }
    let took = began.elapsed();
    assert_eq!((&body["figures"]["charters"], &body["figures"]["drifted"]), (&json!(100), &json!(0)), "{body:#}");
    let calls = calls_by_service(&stage);
    let mut out = std::io::stdout().lock();
    writeln!(out, "an audit of 60 days with 100 charters: {took:?} in {invocations} invocation(s), {calls:#?}")
        .expect("a terminal");
    for (call, most) in [
        ("Calendar GET", 60 * invocations),
        // What was begun in a part that was cut off is read again.
        ("Dynamodb scc-events Query", 100 + 20 * (invocations - 1)),
        ("S3 GetObject", 200 + 40 * (invocations - 1)),
        ("Dynamodb ledger GetItem", 100 + 21 * invocations),
        ("Dynamodb ledger UpdateItem", 6 + invocations),
    ] {
        assert!(calls.get(call).is_some_and(|times| *times <= most), "{call}: {calls:#?}");
    }
    assert!(stage.traffic().calls().iter().all(|call| !is_write(&stage, call)), "{calls:#?}");
}

/// The time is over in the middle: the next invocation goes on, and reads no charter twice but those of the part that was cut off.
#[tokio::test]
async fn an_audit_goes_on_where_its_time_was_over() {
    let stage = Box::pin(with_charters(30)).await;
    let began = stage.time.now();
    let cut = async {
        let read = |calls: &[Call]| calls.iter().filter(|call| call.service == Service::S3).count() >= 42;
        stage.traffic().wait_for(read).await;
        // Enough is left to write down how far it came, and no more.
        let passed = Duration::try_from(stage.time.now().duration_since(began)).expect("it goes on");
        stage.time.advance(Duration::from_secs(15).saturating_sub(passed));
        std::future::pending::<()>().await;
    };
    stage.traffic().forget();
    let audited = Box::pin(audit(&stage));
    let first = tokio::select! {
        answer = audited => answer,
        () = cut => unreachable!("it never ends"),
    };
    assert_eq!(first["state"], "to_be_continued", "{first:#}");
    let done = first["figures"]["charters"].as_u64().expect("a number");
    assert!(done < 30, "{first:#}");
    let mut answer = first;
    for _ in 0..6 {
        answer = audit(&stage).await;
    }
    assert_eq!((&answer["state"], &answer["figures"]["charters"]), (&json!("ended"), &json!(30)), "{answer:#}");
}

/// Wherever its process ends: the next one puts it right, tells it once, and mails nobody at SCC.
#[tokio::test]
async fn no_crash_of_an_audit_loses_anything() {
    const FIRST_READINGS: usize = 60;
    for calls in (FIRST_READINGS..).step_by(2) {
        let stage = in_step().await;
        let before = stage.look().await;
        for drift in [Drift::PageDeleted, Drift::MoneyTypedIn, Drift::EntryDoubled] {
            drift.happen(&stage).await;
        }
        let crashed = crash_after(&stage, &json!({ "audit": {} }), calls).await;
        // As the schedule does, until it has ended.
        let mut ended = false;
        for _ in 0..8 {
            stage.pass(MINUTE).await;
            ended = audit(&stage).await["state"] == "ended";
            sweep(&stage).await;
            if ended {
                break;
            }
        }
        assert!(ended, "it ended at call {calls}");
        let mails = sweep(&stage).await;
        let after = stage.look().await;
        assert_eq!((&after.bucket, &after.mailbox), (&before.bucket, &before.mailbox), "it ended at call {calls}");
        assert_eq!(after.calendar.len(), 2, "nothing is created, and nothing deleted");
        assert!(!after.scc_events[0].to_string().contains("840.75"), "it ended at call {calls}");
        for words in ["is 2 times in the calendar", "showed money to the crew"] {
            assert!(
                mails.iter().any(|mail| mail.text.contains(words)),
                "it ended at call {calls}: {words}: {mails:#?}"
            );
        }
        if !crashed {
            return;
        }
    }
}
