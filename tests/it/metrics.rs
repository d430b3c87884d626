//! What is counted reaches CloudWatch: lines of its embedded metric format beside the log, written before the answer.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::ToSpan as _;
use rehearsal::Answered;
use serde_json::{Value, json};
use simulators::{
    sender::SAMPLE_BOOKING_ID,
    traffic::{Fault, Service},
};

use crate::{
    infrastructure::{METRICS, messages_for_people},
    world::{ALWAYS, REFUSED, UNAVAILABLE, World, now, sample, sample_with},
};

const UNREADABLE: &str = r#"{ "data": {} }"#;

/// Every metric that was written up to the end of a sweep, with all of its values in order; a step's is `StepOutcomes calendar in_step`.
async fn counted(world: &World) -> BTreeMap<String, Vec<f64>> {
    world.sweep().await;
    let mut counted: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for line in lines(world).await {
        for name in metrics_of(&line) {
            let key = match (&line["Step"], &line["Outcome"], &line["Sender"]) {
                (Value::String(step), Value::String(outcome), _) => format!("{name} {step} {outcome}"),
                (_, _, Value::String(sender)) => format!("{sender} {name}"),
                _ => name.clone(),
            };
            let values = match &line[&name] {
                Value::Array(values) => values.clone(),
                value => vec![value.clone()],
            };
            counted.entry(key).or_default().extend(values.iter().map(|value| value.as_f64().expect("a number")));
        }
    }
    counted
}

async fn lines(world: &World) -> Vec<Value> {
    let lines = world.logs().await;
    lines
        .iter()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|line: &Value| line.get("_aws").is_some())
        .collect()
}

fn metrics_of(line: &Value) -> Vec<String> {
    let directives = line["_aws"]["CloudWatchMetrics"].as_array().expect("directives");
    let metrics = directives.iter().flat_map(|directive| directive["Metrics"].as_array().expect("metrics"));
    metrics.map(|metric| metric["Name"].as_str().expect("a name").to_owned()).collect()
}

fn last(counted: &BTreeMap<String, Vec<f64>>, names: [&str; 3]) -> [Option<f64>; 3] {
    names.map(|name| counted.get(name).and_then(|values| values.last().copied()))
}

const WAITING: [&str; 3] = ["DueBookings", "ParkedBookings", "QuarantinedDeliveries"];

#[tokio::test]
async fn a_booking_in_step_is_counted_once_with_each_step() {
    let world = World::start().await;
    world.deliver(&sample()).await;
    let first = counted(&world).await;
    for name in ["AuthenticDeliveries", "BookingsInStep", "ColdStarts"] {
        assert_eq!(first.get(name), Some(&vec![1.0]), "{name}: {first:#?}");
    }
    assert!(matches!(first["SecondsToInStep"][..], [seconds] if seconds > 0.0), "{first:#?}");
    for step in ["calendar", "crew_event", "crew_redaction", "guest_page"] {
        assert_eq!(first.get(&format!("StepOutcomes {step} in_step")), Some(&vec![1.0]), "{first:#?}");
    }
    world.deliver(&sample()).await;
    let second = counted(&world).await;
    assert_eq!(second["AuthenticDeliveries"], [1.0, 1.0]);
    for (name, values) in first.iter().filter(|(name, _)| !name.ends_with("Deliveries") && !name.contains("Due")) {
        if name != "ParkedBookings" {
            assert_eq!(&second[name], values, "{name}: a repeat does nothing");
        }
    }
}

#[tokio::test]
async fn each_line_keeps_to_the_format_and_names_nobody() {
    let world = World::with(&[("ENVIRONMENT_NAME", "staging")]).await;
    world.traffic.fail_next(Service::Calendar, "POST", REFUSED, 1);
    world.deliver(&sample()).await;
    world.sweep().await;
    for line in lines(&world).await {
        let [directive] = &line["_aws"]["CloudWatchMetrics"].as_array().expect("directives")[..] else {
            panic!("{line:#}")
        };
        assert_eq!(
            (&directive["Namespace"], &line["Environment"]),
            (&json!("BookingWebhook"), &json!("staging")),
            "{line:#}"
        );
        assert!(line["_aws"]["Timestamp"].is_i64(), "{line:#}");
        let mut dimensions: Vec<&str> =
            directive["Dimensions"][0].as_array().expect("one set").iter().filter_map(Value::as_str).collect();
        dimensions.sort_unstable();
        for name in metrics_of(&line) {
            let (_, split_by) = METRICS.into_iter().find(|(metric, _)| *metric == name).expect("somebody asks for it");
            let split_by =
                if name.ends_with("Deliveries") && line["Sender"].is_string() { &["Sender"] } else { split_by };
            assert_eq!(dimensions, [&["Environment"], split_by].concat(), "{line:#}");
            assert!(line.get(&name).is_some(), "{line:#}");
        }
        let members = line.as_object().expect("an object").len();
        assert_eq!(members, 1 + dimensions.len() + metrics_of(&line).len(), "nothing else is in it: {line:#}");
    }
}

#[tokio::test]
async fn a_forged_signature_is_counted_and_is_no_delivery() {
    let world = World::start().await;
    let forged: BTreeMap<String, String> =
        [("webhook-id", "msg_1"), ("webhook-timestamp", "1"), ("webhook-signature", "v1,AAAA")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
    let answered = world.deliver_raw(&forged, sample().to_string()).await.expect("an answer");
    assert_eq!(answered.status, 401);
    let counted = counted(&world).await;
    assert_eq!((counted.get("SignatureFailures"), counted.get("AuthenticDeliveries")), (Some(&vec![1.0]), None));
    assert_eq!(counted.get("boatsetter SignatureFailures"), Some(&vec![1.0]));
}

/// An alarm about the oldest must not fall silent between two tries, which may lie an hour apart.
#[tokio::test]
async fn the_sweep_says_each_time_what_waits_for_whom_and_how_long() {
    let world = World::start().await;
    let empty = counted(&world).await;
    assert_eq!(last(&empty, WAITING), [Some(0.0); 3], "zeros too: {empty:#?}");
    assert_eq!(empty["OldestDueSeconds"], [0.0]);

    world.traffic.fail_next(Service::Calendar, "", UNAVAILABLE, ALWAYS);
    world.traffic.fail_next(Service::Scc, "POST", REFUSED, 1);
    let both: Answered = world.deliver(&sample()).await;
    assert_eq!(
        (&both.body["steps"]["calendar"]["state"], &both.body["steps"]["crew_event"]["state"]),
        (&json!("due"), &json!("parked"))
    );
    world.deliver_text("msg_unreadable", UNREADABLE.into()).await;
    since(&world, 1_000).await;
    let waiting = counted(&world).await;
    assert_eq!(last(&waiting, WAITING), [Some(1.0); 3], "one booking waits for time and for a person: {waiting:#?}");
    assert!(
        waiting["OldestDueSeconds"].last().is_some_and(|seconds| (1_000.0..1_060.0).contains(seconds)),
        "{waiting:#?}"
    );

    world.traffic.heal();
    assert_eq!(world.replay().await["state"], "in_step");
    let healed = counted(&world).await;
    assert_eq!(last(&healed, WAITING), [Some(0.0), Some(0.0), Some(1.0)], "{healed:#?}");
    assert_eq!(healed["OldestDueSeconds"].last(), Some(&0.0));
    assert!(healed["SecondsToInStep"][0] >= 1_000.0, "from when it became due: {healed:#?}");
}

/// The sample booking has been due for so many seconds.
async fn since(world: &World, seconds: i64) {
    let since = (now() - seconds.seconds()).as_millisecond().to_string();
    let update = world.cloud.dynamodb.update_item().table_name(&world.cloud.ledger_table);
    let update = update
        .key("pk", AttributeValue::S(format!("booking#{SAMPLE_BOOKING_ID}")))
        .key("sk", AttributeValue::S("state".into()))
        .update_expression("SET due_since = :since")
        .condition_expression("attribute_exists(due_since)")
        .expression_attribute_values(":since", AttributeValue::N(since));
    update.send().await.expect("it is due");
}

#[tokio::test]
async fn what_a_person_must_mend_is_parked_until_it_is_replayed() {
    let world = World::start().await;
    world.traffic.fail_next(Service::Scc, "POST", REFUSED, 1);
    world.deliver(&sample()).await;
    let parked = counted(&world).await;
    assert_eq!(last(&parked, WAITING), [Some(0.0), Some(1.0), Some(0.0)], "{parked:#?}");
    assert_eq!((parked.get("StepOutcomes crew_event parked"), parked.get("BookingsInStep")), (Some(&vec![1.0]), None));
    world.replay().await;
    let replayed = counted(&world).await;
    assert_eq!(last(&replayed, WAITING), [Some(0.0); 3], "{replayed:#?}");
    assert_eq!(replayed.get("BookingsInStep"), Some(&vec![1.0]));
}

#[tokio::test]
async fn an_unknown_outcome_that_is_read_back_is_counted() {
    let world = World::start().await;
    world.traffic.fail_next(
        Service::Calendar,
        "POST",
        Fault::Answer { status: 502, acted: true, retry_after: None },
        1,
    );
    assert_eq!(world.deliver(&sample()).await.status, 200);
    assert_eq!(counted(&world).await.get("UnknownOutcomesReadBack"), Some(&vec![1.0]));
}

#[tokio::test]
async fn a_denied_service_and_a_faulty_secret_are_denied_calls() {
    let world = World::with_secrets(&[], &[("scc", Value::Null)]).await;
    world.traffic.fail_next(
        Service::Calendar,
        "",
        Fault::Answer { status: 401, acted: false, retry_after: None },
        ALWAYS,
    );
    assert_eq!(world.deliver(&sample_with(json!({}))).await.status, 202);
    let counted = counted(&world).await;
    assert_eq!(counted.get("DeniedCalls"), Some(&vec![2.0]), "{counted:#?}");
    assert_eq!(counted.get("StepOutcomes calendar due"), Some(&vec![1.0]));
}

#[test]
fn every_metric_is_explained() {
    let explained = include_str!("../../docs/log.md");
    for (metric, _) in METRICS {
        assert!(explained.contains(&format!("| `{metric}` |")), "docs/log.md says nothing of {metric}");
    }
}

#[test]
fn every_message_that_a_person_should_know_is_explained() {
    let explained = include_str!("../../docs/log.md");
    for (level, message, file) in messages_for_people() {
        // As it stands in the code, names of what is filled in and all; of one that is filled in as a whole nothing is known here.
        let row = if message == "{what}" { format!("`{level}`") } else { format!("`{level}` `{message}` |") };
        assert!(explained.contains(&row), "docs/log.md says nothing of: {level} {message} ({file})");
    }
}
