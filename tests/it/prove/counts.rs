//! What a delivery costs: calls to the ledger, what it writes, calls to everybody else.

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

use serde_json::Value;
use simulators::traffic::{Call, Fault, Service};

use super::{stage::Stage, story::Told};

/// Longer than everything else that an invocation does, in any build.
const ROUND_TRIP_MS: u64 = 600;
const KILOBYTE: usize = 1_024;

/// What one invocation asked of whom.
#[derive(Debug, Default, PartialEq)]
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
            Service::S3 | Service::Cloudfront | Service::Secretsmanager => cost.aws_calls += 1,
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

fn size(value: &aws_sdk_dynamodb::types::AttributeValue) -> usize {
    use aws_sdk_dynamodb::types::AttributeValue::{Bool, L, M, N, Null, S};
    match value {
        S(text) => text.len(),
        N(number) => number.len() / 2 + 1,
        Bool(_) | Null(_) => 1,
        L(list) => 3 + list.iter().map(|element| 1 + size(element)).sum::<usize>(),
        M(map) => 3 + map.iter().map(|(name, element)| 1 + name.len() + size(element)).sum::<usize>(),
        other => format!("{other:?}").len(),
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
    written.div_ceil(KILOBYTE).max(1)
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

#[tokio::test]
#[ignore = "until there is a ledger"]
async fn what_each_kind_of_delivery_costs() {
    let stage = Stage::set().await;
    let first = Told::version(1);
    let mut out = String::new();
    for (kind, told) in [
        ("first delivery", first.clone()),
        ("repeat", first),
        ("reschedule", Told::version(2).on(31)),
        ("cancellation", Told::version(3).on(31).cancelled()),
    ] {
        out += &format!("{kind}: {:?}\n", cost_of(&stage, &told).await);
    }
    std::io::stdout().lock().write_all(out.as_bytes()).expect("a terminal");
}

/// Every call to DynamoDB takes longer than all the rest together: then an invocation takes as many of them as wait for one another.
async fn dependent_round_trips(stage: &Stage, told: &Told) -> u128 {
    let process = stage.process(jiff::SignedDuration::ZERO).await.expect("it starts");
    let event = stage.delivery_of(told);
    stage.traffic().fail_next(Service::Dynamodb, "", Fault::Delay { milliseconds: ROUND_TRIP_MS }, 1_000);
    let since = Instant::now();
    let outcome = process.invoke(&event).await;
    let took = since.elapsed();
    stage.traffic().heal();
    assert_eq!(outcome.status(), Some(200), "{told:?}: {outcome:?}");
    stage.pass(Duration::from_secs(1)).await;
    took.as_millis() / u128::from(ROUND_TRIP_MS)
}

#[tokio::test]
#[ignore = "until there is a ledger"]
async fn a_delivery_waits_for_dynamodb_three_times_at_most() {
    let stage = Stage::set().await;
    let first = Told::version(1);
    let reschedule = Told::version(2).on(31);
    for told in [&first, &reschedule, &reschedule] {
        let round_trips = dependent_round_trips(&stage, told).await;
        assert!((1..=3).contains(&round_trips), "{round_trips} round trips for {told:?}");
    }
}
