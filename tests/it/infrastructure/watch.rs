//! What is measured, and who is told.

use serde_yaml_ng::Value;

use super::{
    NOTHING,
    template::{Template, plain},
};

/// What the function reports about itself in the namespace `BookingWebhook`, each under its `Environment`; and what else each is split by.
pub(crate) const METRICS: [(&str, &[&str]); 16] = [
    ("AuditRepairs", &[]),
    ("AuditedCharters", &[]),
    ("AuditsEnded", &[]),
    ("AuthenticDeliveries", &[]),
    ("BookingsInStep", &[]),
    ("ColdStarts", &[]),
    ("DeniedCalls", &[]),
    ("DriftedCharters", &[]),
    ("DueBookings", &[]),
    ("OldestDueSeconds", &[]),
    ("ParkedBookings", &[]),
    ("QuarantinedDeliveries", &[]),
    ("SecondsToInStep", &[]),
    ("SignatureFailures", &[]),
    ("StepOutcomes", &["Outcome", "Step"]),
    ("UnknownOutcomesReadBack", &[]),
];
/// What must call a person; more may.
const ALARMS: [&str; 15] = [
    "AuditMissing",
    "ColdStartFaults",
    "DeniedCalls",
    "ErrorsInTheLog",
    "FlaggedAnswers",
    "FunctionErrors",
    "NoDeliveries",
    "OldestDue",
    "ParkedBookings",
    "QuarantinedDeliveries",
    "ServerErrors",
    "SignatureFailures",
    "SweepSilent",
    "ThrottledRequests",
    "Throttles",
];
/// Counted for each sender, too: one that falls silent, or whose secret does not fit, must not hide behind another.
const OF_A_SENDER: [&str; 2] = ["AuthenticDeliveries", "SignatureFailures"];
/// Gauges that the sweep writes: their alarms keep their state while it is silent.
const GAUGES: [&str; 3] = ["OldestDueSeconds", "ParkedBookings", "QuarantinedDeliveries"];

#[test]
fn every_alarm_says_what_to_do_and_when_it_is_over() {
    let deployed = Template::deployed();
    assert_eq!(deployed.of_type("AWS::CloudWatch::Alarm"), ALARMS);
    assert_eq!(alarms(&deployed), NOTHING);
}

#[test]
fn each_sender_that_is_named_has_alarms() {
    assert_eq!(senders(&Template::deployed()), NOTHING);
}

#[test]
fn what_is_watched_is_what_is_measured() {
    assert_eq!(metrics(&Template::deployed()), NOTHING);
}

#[test]
fn the_run_book_has_a_chapter_for_every_alarm() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/runbook.md");
    let runbook = std::fs::read_to_string(path).expect("docs/runbook.md");
    let headings = runbook.lines().filter_map(|line| line.trim_start_matches('#').strip_prefix(' '));
    let anchors: Vec<String> = headings.map(|heading| heading.to_lowercase().replace(' ', "-")).collect();
    let deployed = Template::deployed();
    for alarm in deployed.of_type("AWS::CloudWatch::Alarm") {
        let anchor = anchor(&deployed, &alarm).expect("an anchor");
        assert!(anchors.contains(&anchor), "docs/runbook.md has no heading for #{anchor}");
    }
}

pub(super) fn alarms(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    for alarm in template.of_type("AWS::CloudWatch::Alarm") {
        let property = |name: &str| template.at(&[&alarm, "Properties", name]).map(plain).unwrap_or_default();
        if anchor(template, &alarm).is_none_or(|anchor| !property("AlarmName").ends_with(&format!("-{anchor}"))) {
            wrong.push(format!("{alarm} does not end with docs/runbook.md#, and the end of its own name"));
        }
        for actions in ["AlarmActions", "OKActions"] {
            if property(actions) != "[Ref(Alerts)]" {
                wrong.push(format!("{alarm} has no {actions}"));
            }
        }
        if property("TreatMissingData").is_empty() {
            wrong.push(format!("{alarm} does not say what silence means"));
        }
        let keeps = property("TreatMissingData") == "ignore";
        if keeps != GAUGES.contains(&property("MetricName").as_str()) {
            wrong.push(format!("{alarm} keeps its state in silence: {keeps}"));
        }
        let number = |name: &str| property(name).parse().unwrap_or(0_u64);
        // CloudWatch looks back a day at most, and a week when the periods are at least an hour.
        let furthest = if number("Period") < 3_600 { 86_400 } else { 604_800 };
        if number("Period") * number("EvaluationPeriods") > furthest {
            wrong.push(format!("{alarm} looks back further than CloudWatch can"));
        }
    }
    wrong
}

/// The stacks of a sender's alarms: each sender has one, under the condition that it is named.
pub(super) fn senders(template: &Template) -> Vec<String> {
    const SENDERS: [(&str, &str); 3] =
        [("boatsetter", ""), ("Ref(SecondSender)", "HasSecondSender"), ("Ref(ThirdSender)", "HasThirdSender")];
    let stacks = template.of_type("AWS::Serverless::Application");
    let text = |path: &[&str]| template.at(path).map(plain).unwrap_or_default();
    let of_senders = stacks.iter().filter(|stack| text(&[stack, "Properties", "Location"]) == "sender-alarms.yaml");
    let found: Vec<(String, String)> = of_senders
        .map(|stack| (text(&[stack, "Properties", "Parameters", "Sender"]), text(&[stack, "Condition"])))
        .collect();
    let has_alarms = |(name, condition): &(&str, &str)| found.iter().any(|(of, on)| of == name && on == condition);
    let missing = SENDERS.iter().filter(|sender| !has_alarms(sender));
    missing.map(|(name, _)| format!("{name} has no alarms of its own, or under another condition")).collect()
}

fn anchor(template: &Template, alarm: &str) -> Option<String> {
    let description = template.text(&[alarm, "Properties", "AlarmDescription"]);
    description.trim().rsplit_once(" docs/runbook.md#").map(|(_, anchor)| anchor.to_owned())
}

/// The metrics that an alarm looks at: its own properties name one, or its `Metrics` several.
fn watched<'a>(template: &'a Template, alarm: &str) -> Vec<&'a Value> {
    let several = template.at(&[alarm, "Properties", "Metrics"]).and_then(Value::as_sequence);
    match several {
        Some(metrics) => metrics.iter().filter_map(|metric| metric.get("MetricStat")?.get("Metric")).collect(),
        None => template.at(&[alarm, "Properties"]).into_iter().collect(),
    }
}

pub(super) fn metrics(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    let filters = template.of_type("AWS::Logs::MetricFilter");
    let from_log = |name: &str| {
        filters.iter().any(|filter| {
            let transformations =
                template.at(&[filter, "Properties", "MetricTransformations"]).and_then(Value::as_sequence);
            transformations.into_iter().flatten().any(|transformation| plain(&transformation["MetricName"]) == name)
        })
    };
    for alarm in template.of_type("AWS::CloudWatch::Alarm") {
        for watched in watched(template, &alarm) {
            let property = |name: &str| plain(&watched[name]);
            let metric = property("MetricName");
            if property("Namespace") != "BookingWebhook" || from_log(&metric) {
                continue;
            }
            if !METRICS.iter().any(|(name, split)| *name == metric && split.is_empty()) {
                wrong.push(format!("{alarm} watches {metric}, which nobody measures"));
            }
            let is_of_a_sender = OF_A_SENDER.contains(&metric.as_str());
            let split = if is_of_a_sender { ", {Name: Sender, Value: Ref(Sender)}" } else { "" };
            if property("Dimensions") != format!("[{{Name: Environment, Value: Ref(Environment)}}{split}]") {
                wrong.push(format!("{alarm} watches {metric} under other dimensions than its own"));
            }
        }
    }
    let dashboard = template.text(&["Dashboard", "Properties", "DashboardBody"]);
    match serde_json::from_str::<serde_json::Value>(&dashboard) {
        Ok(page) => {
            let page = page.to_string();
            let shown = |name: &&(&str, &[&str])| {
                page.contains(&format!("\"{}\"", name.0)) || page.contains(&format!("\\\"{}\\\"", name.0))
            };
            let missing = METRICS.iter().filter(|metric| !shown(metric));
            wrong.extend(missing.map(|(name, _)| format!("the dashboard does not show {name}")));
        }
        Err(error) => wrong.push(format!("the dashboard is no JSON: {error}")),
    }
    wrong
}
