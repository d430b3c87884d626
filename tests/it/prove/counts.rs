//! What a delivery costs: calls to the ledger, what it writes, calls to everybody else.

use std::{
    collections::{BTreeMap, HashMap},
    io::Write as _,
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};

use serde_json::{Value, json};
use simulators::traffic::{Call, Fault, Service, Traffic};
use tokio::time::MissedTickBehavior;

use super::{
    stage::{Outcome, Stage},
    story::Told,
};

/// So often is it looked, one after another, before it is believed that nothing goes on any more: a machine that stands still in
/// between looks no more often.
const QUIET_LOOKS: u32 = 10;
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Longer than the calendar ever takes here: nothing has to be added to the notes afterwards.
const LONG_MS: u64 = 2_500;
const KILOBYTE: usize = 1_024;
/// A timestamp has as many decimals as it needs, so sizes differ from run to run, by less than this. No size may be so near to the
/// next unit that chance decides.
const MARGIN: usize = 32;

/// What one invocation asked of whom.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Cost {
    ledger_calls: usize,
    ledger_writes: usize,
    /// By the sizes of the items as they are afterwards; an index that an item is in costs as much again.
    write_units: usize,
    events_table_calls: usize,
    service_calls: usize,
    aws_calls: usize,
}

async fn cost(stage: &Stage, calls: &[Call]) -> Cost {
    let cloud = &stage.rehearsal.cloud;
    let items = ledger_items(stage).await;
    let mut cost = Cost::default();
    for call in calls {
        match call.service {
            Service::Dynamodb if call.request_body.contains(&cloud.events_table) => cost.events_table_calls += 1,
            Service::Dynamodb => {
                cost.ledger_calls += 1;
                if ["PutItem", "UpdateItem", "DeleteItem"].contains(&call.operation.as_str()) {
                    cost.ledger_writes += 1;
                    cost.write_units += write_units(&call.request_body, &items);
                }
            }
            Service::Calendar | Service::Scc => cost.service_calls += 1,
            Service::S3 | Service::Cloudfront | Service::Secretsmanager | Service::Sns => cost.aws_calls += 1,
            Service::Edge => {}
        }
    }
    cost
}

/// The ledger's items, for their sizes only.
async fn ledger_items(stage: &Stage) -> Vec<(String, usize)> {
    let cloud = &stage.rehearsal.cloud;
    let Ok(scan) = cloud.dynamodb.scan().table_name(&cloud.ledger_table).send().await else { return Vec::new() };
    scan.items()
        .iter()
        .map(|item| {
            let text = format!("{item:?}");
            let size = item.iter().map(|(name, value)| name.len() + size(value)).sum();
            (text, size)
        })
        .collect()
}

/// As DynamoDB counts it: texts in UTF-8, two digits of a number a byte.
pub(crate) fn size(value: &AttributeValue) -> usize {
    use AttributeValue::{B, Bool, L, M, N, Null, S, Ss};
    match value {
        S(text) => text.len(),
        N(number) => number.len() / 2 + 1,
        B(bytes) => bytes.as_ref().len(),
        Bool(_) | Null(_) => 1,
        L(list) => 3 + list.iter().map(|element| 1 + size(element)).sum::<usize>(),
        M(map) => 3 + map.iter().map(|(name, element)| 1 + name.len() + size(element)).sum::<usize>(),
        Ss(texts) => texts.iter().map(String::len).sum(),
        other => panic!("the ledger has no {other:?}"),
    }
}

/// The units of one write: its item's size in whole kilobytes.
fn write_units(request: &str, items: &[(String, usize)]) -> usize {
    let request: Value = serde_json::from_str(request).expect("DynamoDB speaks JSON");
    let written = match (&request["Item"], &request["Key"]) {
        (Value::Null, Value::Object(key)) => {
            let values: Vec<String> =
                key.values().map(|value| format!("{:?}", value["S"].as_str().unwrap_or_default())).collect();
            let item = items.iter().find(|(text, _)| values.iter().all(|value| text.contains(value)));
            item.map_or(KILOBYTE, |(_, size)| *size)
        }
        (item, _) => item.to_string().len(),
    };
    let units = (written + MARGIN).div_ceil(KILOBYTE);
    assert_eq!(
        units,
        written.saturating_sub(MARGIN).max(1).div_ceil(KILOBYTE),
        "{written} bytes are one unit or the next"
    );
    units
}

/// What telling `told` to a warm process costs.
async fn cost_of(stage: &Stage, told: &Told) -> Cost {
    let process = stage.process(jiff::SignedDuration::ZERO).await.expect("it starts");
    let event = stage.delivery_of(told);
    stage.traffic().forget();
    let outcome = process.invoke(&event).await;
    assert_eq!(outcome.status(), Some(200), "{told:?}: {outcome:?}");
    let cost = cost(stage, &stage.traffic().calls()).await;
    stage.pass(Duration::from_secs(1)).await;
    cost
}

/// If you make a delivery dearer, know it, and say so here.
#[tokio::test]
async fn what_each_kind_of_delivery_costs() {
    let stage = Stage::waiting_for_the_calendar(LONG_MS).await;
    let first = Told::version(1);
    let repeat = Cost { ledger_calls: 4, ledger_writes: 4, write_units: 5, ..Cost::default() };
    let everywhere = Cost { events_table_calls: 1, service_calls: 2, aws_calls: 2, ..Cost::default() };
    // Only what was shown before is invalidated.
    let change = Cost { ledger_calls: 7, ledger_writes: 7, write_units: 11, aws_calls: 3, ..everywhere };
    for (told, expected) in [
        // What else is in the calendar then is read beside the crew event: one call for each day, of what is created or moved alone.
        (first.clone(), Cost { ledger_calls: 5, ledger_writes: 5, write_units: 7, service_calls: 3, ..everywhere }),
        (first, repeat),
        // The notes in the calendar and those of the crew are read before they are changed.
        (Told::version(2).on(31), Cost { events_table_calls: 2, service_calls: 4, ..change }),
        (Told::version(3).on(31).cancelled(), change),
    ] {
        assert_eq!(cost_of(&stage, &told).await, expected, "{told:?}");
    }
}

/// What a booking's state is made of, for those who make it smaller.
#[tokio::test]
#[ignore = "prints and asserts nothing: --include-ignored --nocapture"]
async fn what_takes_the_room_in_a_bookings_state() {
    let stage = Stage::waiting_for_the_calendar(LONG_MS).await;
    for told in [Told::version(1), Told::version(2).on(31), Told::version(3).on(31).cancelled()] {
        cost_of(&stage, &told).await;
        let cloud = &stage.rehearsal.cloud;
        let items = cloud.dynamodb.scan().table_name(&cloud.ledger_table).send().await.expect("an answer");
        let is_state = |item: &&HashMap<String, AttributeValue>| item["sk"] == AttributeValue::S("state".into());
        let state = items.items().iter().find(is_state).expect("it is on record");
        let mut sizes: Vec<_> = state.iter().map(|(name, value)| (name.len() + size(value), name, value)).collect();
        sizes.sort_by_key(|(size, ..)| std::cmp::Reverse(*size));
        let total: usize = sizes.iter().map(|(size, ..)| size).sum();
        let mut out = std::io::stdout().lock();
        writeln!(out, "{told:?}: {total} bytes").expect("a terminal");
        for (size, name, value) in sizes {
            writeln!(out, "  {size:5} {name} {value:?}").expect("a terminal");
        }
    }
}

/// Resolves when calls are held, and nothing happens any more until they are answered.
async fn only_held_calls(traffic: &Traffic) {
    let mut every = tokio::time::interval(LOOK_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut quiet, mut seen) = (0, 0);
    while quiet < QUIET_LOOKS {
        every.tick().await;
        let calls = traffic.calls();
        let mut running = calls.iter().filter(|call| call.milliseconds.is_none()).peekable();
        let is_quiet = calls.len() == seen && running.peek().is_some();
        quiet = if is_quiet && running.all(|call| call.fault == Some(Fault::Hold)) { quiet + 1 } else { 0 };
        seen = calls.len();
    }
}

/// How often DynamoDB is waited for: it answers all that it was asked when the function can do nothing else.
async fn dependent_round_trips(stage: &Stage, told: &Told) -> u32 {
    let process = stage.process(jiff::SignedDuration::ZERO).await.expect("it starts");
    let (traffic, event) = (stage.traffic(), stage.delivery_of(told));
    traffic.forget();
    traffic.fail_next(Service::Dynamodb, "", Fault::Hold, u32::MAX);
    let mut round_trips = 0;
    let answering = async {
        loop {
            only_held_calls(traffic).await;
            round_trips += 1;
            traffic.answer_held();
        }
    };
    let outcome = tokio::select! {
        outcome = process.invoke(&event) => outcome,
        () = answering => unreachable!("it answers as long as it is asked"),
    };
    traffic.heal();
    assert_eq!(outcome.status(), Some(200), "{told:?}: {outcome:?}");
    stage.pass(Duration::from_secs(1)).await;
    round_trips
}

#[tokio::test]
async fn a_delivery_waits_for_dynamodb_three_times_at_most() {
    let stage = Stage::waiting_for_the_calendar(LONG_MS).await;
    let first = Told::version(1);
    let reschedule = Told::version(2).on(31);
    let cancellation = Told::version(3).on(31).cancelled();
    // A change is written ahead before it leaves: one more, and only then. What people wrote into the notes is read beside that.
    for (told, expected) in [(&first, 3), (&first, 1), (&reschedule, 4), (&reschedule, 1), (&cancellation, 4)] {
        assert_eq!(dependent_round_trips(&stage, told).await, expected, "{told:?}");
    }
}

/// Whose delivery is kept first: since when it holds is when that came in.
#[tokio::test]
async fn a_sender_without_times_waits_for_dynamodb_once_more() {
    let stage = Stage::waiting_for_the_calendar(LONG_MS).await;
    let (first, moved) = (Told::version(1).timeless(), Told::version(2).on(31).timeless());
    for (told, expected) in [(&first, 4), (&first, 2), (&moved, 5)] {
        assert_eq!(dependent_round_trips(&stage, told).await, expected, "{told:?}");
    }
}

/// Bookings whose crew could not be told yet, among `stored` others that are in step.
async fn due_among(due: usize, stored: usize) -> Stage {
    let stage = Stage::waiting_for_the_calendar(LONG_MS).await;
    stage.traffic().fail_next(Service::Scc, "", Fault::Answer { status: 503, acted: false, retry_after: None }, 1_000);
    for number in 0..due {
        let mut body = Told::version(1).body();
        body["data"]["booking"]["id"] = format!("DUE-{number}").into();
        // Each on a day of its own, or they would overlap, and the sweep would have that to work off, too.
        let day =
            jiff::civil::date(2031, 6, 1).saturating_add(jiff::Span::new().days(i64::try_from(number).expect("few")));
        body["data"]["booking"]["start_at"] = format!("{day}T14:00:00-07:00").into();
        let outcome = stage.invoke(&stage.delivery(&format!("msg_{number}"), &body)).await;
        assert_eq!(outcome.status(), Some(202), "{outcome:?}");
    }
    stage.traffic().heal();
    let cloud = &stage.rehearsal.cloud;
    let puts = (due..stored).map(|number| {
        let text = |text: String| AttributeValue::S(text);
        let item = PutRequest::builder()
            .item("pk", text(format!("booking#IN-STEP-{number}")))
            .item("sk", text("state".into()))
            .item("status", text("confirmed".into()));
        WriteRequest::builder().put_request(item.build().expect("it has keys")).build()
    });
    let puts: Vec<WriteRequest> = puts.collect();
    for some in puts.chunks(25) {
        let batch = cloud.dynamodb.batch_write_item().request_items(&cloud.ledger_table, some.to_vec());
        batch.send().await.expect("stored");
    }
    stage.pass(Duration::from_mins(2)).await;
    stage
}

/// What a sweep asked of whom.
async fn sweep_of_ten_among(stored: usize) -> BTreeMap<(Service, String), usize> {
    let stage = due_among(10, stored).await;
    let process = stage.process(jiff::SignedDuration::ZERO).await.expect("it starts");
    stage.traffic().forget();
    let Outcome::Answered { body, .. } = process.invoke(&json!({ "sweep": {} })).await else { panic!("it answers") };
    assert_eq!((&body["swept"], &body["in_step"]), (&json!(10), &json!(10)), "{body:#}");
    let mut calls = BTreeMap::new();
    for call in stage.traffic().calls() {
        let verb = call.operation.split(' ').next().unwrap_or_default().to_owned();
        *calls.entry((call.service, verb)).or_default() += 1;
    }
    calls
}

#[tokio::test]
async fn a_sweep_costs_what_is_due_and_not_what_is_stored() {
    assert_eq!(sweep_of_ten_among(100).await, sweep_of_ten_among(2_000).await);
}

#[tokio::test]
#[ignore = "takes longer: make prove"]
async fn a_sweep_costs_what_is_due_among_a_hundred_thousand() {
    let (few, many) = (sweep_of_ten_among(100).await, sweep_of_ten_among(100_000).await);
    let total = |calls: &BTreeMap<(Service, String), usize>| calls.values().sum::<usize>();
    let mut out = std::io::stdout().lock();
    writeln!(out, "a sweep of 10 due: {} calls among 100, {} among 100,000", total(&few), total(&many))
        .expect("a terminal");
    assert_eq!(few, many);
}

/// Services that are a bit slow, and a backlog: the next minute must find little of it left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a time, which a busy machine makes longer: --include-ignored --nocapture"]
async fn a_sweep_of_a_hundred_at_fifty_milliseconds_a_call() {
    let stage = due_among(100, 0).await;
    let process = stage.process(jiff::SignedDuration::ZERO).await.expect("it starts");
    stage.traffic().fail_each(|_| true, Fault::Delay { milliseconds: 50 }, u32::MAX);
    let since = Instant::now();
    let Outcome::Answered { body, .. } = process.invoke(&json!({ "sweep": {} })).await else { panic!("it answers") };
    let took = since.elapsed();
    assert_eq!((&body["swept"], &body["in_step"]), (&json!(100), &json!(100)), "{body:#}");
    writeln!(std::io::stdout().lock(), "a sweep of 100 due at 50 ms a call: {took:?}").expect("a terminal");
}
