//! What is counted, so that somebody hears of it on a Saturday.
//!
//! CloudWatch's Embedded Metric Format: lines of JSON beside the log, out of which CloudWatch makes metrics. No call, no thread, no queue:
//! what an invocation counted is written before its answer goes out, for Lambda freezes the process then. Source: the CloudWatch
//! documentation, "Specification: Embedded metric format".
//!
//! Alarms know these names: one that changes here silences its alarm there. What is not counted is not written, so that silence means
//! nothing happened; only the sweep writes its gauges each time, zeros too.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Where CloudWatch keeps them.
const NAMESPACE: &str = "BookingWebhook";
/// What each of them is split by.
const ENVIRONMENT: &str = "Environment";
/// What deliveries are split by beside the environment; each counts in the total, too.
const SENDER: &str = "Sender";
/// What [`Metric::StepOutcomes`] is split by beside the environment.
const OF_A_STEP: [&str; 2] = ["Step", "Outcome"];
/// The format allows no more values of one metric in one line; a sweep works on no more bookings.
const MOST_VALUES: usize = 100;

/// What is counted. The names are CloudWatch's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Metric {
    /// Bookings that came in step.
    BookingsInStep,
    /// How long each of them took, from when it became due.
    SecondsToInStep,
    /// Steps to which something was done, by step and outcome.
    StepOutcomes,
    /// Outcomes that were not known, and then read back.
    UnknownOutcomesReadBack,
    /// Calls that were denied, or not made because a secret is faulty.
    DeniedCalls,
    /// Deliveries whose signature fits.
    AuthenticDeliveries,
    /// Deliveries whose signature does not.
    SignatureFailures,
    /// Authentic events that are not ours.
    IgnoredDeliveries,
    /// Authentic deliveries that are too large to keep.
    OversizedDeliveries,
    /// Processes that were started, each counted by its first invocation.
    ColdStarts,
    /// Gauge: bookings that are not in step, and will be tried again.
    DueBookings,
    /// Gauge: bookings of which a step waits for a person.
    ParkedBookings,
    /// Gauge: the age of the booking that has been due longest; 0 when none is.
    OldestDueSeconds,
    /// Bookings that were brought in step, or tried, with something that a person should look at.
    FlaggedBookings,
    /// Gauge: deliveries that could not be read, and were not replayed yet.
    QuarantinedDeliveries,
    /// Audits that went through all upcoming charters.
    AuditsEnded,
    /// Gauge: the charters that such an audit read back.
    AuditedCharters,
    /// Gauge: those of which a system shows something else than it should.
    DriftedCharters,
    /// Gauge: guest pages that it put again, and events out of which it took money.
    AuditRepairs,
}

impl Metric {
    /// As alarms and dashboards name it.
    fn name(self) -> &'static str {
        match self {
            Self::BookingsInStep => "BookingsInStep",
            Self::SecondsToInStep => "SecondsToInStep",
            Self::StepOutcomes => "StepOutcomes",
            Self::UnknownOutcomesReadBack => "UnknownOutcomesReadBack",
            Self::DeniedCalls => "DeniedCalls",
            Self::AuthenticDeliveries => "AuthenticDeliveries",
            Self::SignatureFailures => "SignatureFailures",
            Self::IgnoredDeliveries => "IgnoredDeliveries",
            Self::OversizedDeliveries => "OversizedDeliveries",
            Self::ColdStarts => "ColdStarts",
            Self::DueBookings => "DueBookings",
            Self::ParkedBookings => "ParkedBookings",
            Self::OldestDueSeconds => "OldestDueSeconds",
            Self::FlaggedBookings => "FlaggedBookings",
            Self::QuarantinedDeliveries => "QuarantinedDeliveries",
            Self::AuditsEnded => "AuditsEnded",
            Self::AuditedCharters => "AuditedCharters",
            Self::DriftedCharters => "DriftedCharters",
            Self::AuditRepairs => "AuditRepairs",
        }
    }

    /// CloudWatch's name of its unit.
    fn unit(self) -> &'static str {
        match self {
            Self::SecondsToInStep | Self::OldestDueSeconds => "Seconds",
            _ => "Count",
        }
    }
}

/// What was counted since it was last written. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics(Arc<Mutex<Tally>>);

#[derive(Debug, Default)]
struct Tally {
    totals: BTreeMap<Metric, u64>,
    seconds_to_in_step: Vec<f64>,
    steps: BTreeMap<(&'static str, &'static str), u64>,
    senders: BTreeMap<(String, Metric), u64>,
}

impl Metrics {
    /// Counts one more.
    pub(crate) fn count(&self, metric: Metric) {
        *self.tally().totals.entry(metric).or_default() += 1;
    }

    /// Counts one more, for this sender.
    pub(crate) fn count_of(&self, metric: Metric, sender: &str) {
        self.count(metric);
        *self.tally().senders.entry((sender.to_owned(), metric)).or_default() += 1;
    }

    /// It stands at `value` now.
    pub(crate) fn gauge(&self, metric: Metric, value: u64) {
        self.tally().totals.insert(metric, value);
    }

    /// A booking came in step, so long after it became due.
    pub(crate) fn in_step_after(&self, took: Duration) {
        self.count(Metric::BookingsInStep);
        let seconds = &mut self.tally().seconds_to_in_step;
        if seconds.len() < MOST_VALUES {
            seconds.push(took.as_secs_f64());
        }
    }

    /// Something was done to a step, and this is how it stands now.
    pub(crate) fn step(&self, step: &'static str, outcome: &'static str) {
        *self.tally().steps.entry((step, outcome)).or_default() += 1;
    }

    /// Writes what was counted, and begins anew.
    ///
    /// # Errors
    /// What the writer says; what was counted is lost then.
    pub(crate) fn write(&self, environment: &str, at: Timestamp, mut out: impl Write) -> io::Result<()> {
        let lines = std::mem::take(&mut *self.tally()).lines(environment, at);
        out.write_all(lines.as_bytes())?;
        out.flush()
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tally {
    /// One line for what is split by the environment alone, one for each step and outcome, and one for each sender: a line has one value of
    /// each dimension.
    fn lines(self, environment: &str, at: Timestamp) -> String {
        let totals = self.totals.into_iter().map(|(metric, total)| (metric, json!(total)));
        let seconds = (Metric::SecondsToInStep, json!(self.seconds_to_in_step));
        let seconds = Some(seconds).filter(|_| !self.seconds_to_in_step.is_empty());
        let values: Vec<(Metric, Value)> = totals.chain(seconds).collect();
        let mut lines = String::new();
        if !values.is_empty() {
            lines += &line(at, &[(ENVIRONMENT, environment)], &values);
        }
        let [of_step, of_outcome] = OF_A_STEP;
        for ((step, outcome), count) in self.steps {
            let dimensions = [(ENVIRONMENT, environment), (of_step, step), (of_outcome, outcome)];
            lines += &line(at, &dimensions, &[(Metric::StepOutcomes, json!(count))]);
        }
        for ((sender, metric), count) in self.senders {
            lines += &line(at, &[(ENVIRONMENT, environment), (SENDER, &sender)], &[(metric, json!(count))]);
        }
        lines
    }
}

fn line(at: Timestamp, dimensions: &[(&str, &str)], values: &[(Metric, Value)]) -> String {
    let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
    let metrics = values.iter().map(|(metric, _)| json!({ "Name": metric.name(), "Unit": metric.unit() }));
    let metrics: Vec<Value> = metrics.collect();
    let directive = json!({ "Namespace": NAMESPACE, "Dimensions": [names], "Metrics": metrics });
    let metadata = json!({ "Timestamp": at.as_millisecond(), "CloudWatchMetrics": [directive] });
    let dimensions = dimensions.iter().map(|&(name, value)| (name.to_owned(), json!(value)));
    let values = values.iter().map(|(metric, value)| (metric.name().to_owned(), value.clone()));
    let line: Map<String, Value> =
        [("_aws".to_owned(), metadata)].into_iter().chain(dimensions).chain(values).collect();
    format!("{}\n", Value::Object(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(metrics: &Metrics) -> Vec<Value> {
        let mut out = Vec::new();
        let at = Timestamp::from_millisecond(1_900_000_000_123).expect("in range");
        metrics.write("staging", at, &mut out).expect("memory takes it");
        let text = String::from_utf8(out).expect("JSON is text");
        text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }

    #[test]
    fn a_line_is_what_the_specification_says() {
        let metrics = Metrics::default();
        metrics.in_step_after(Duration::from_millis(1_500));
        metrics.in_step_after(Duration::from_millis(250));
        metrics.step("calendar", "in_step");
        metrics.step("calendar", "in_step");
        let directive = |dimensions: Value, metrics: Value| {
            let directive = json!({ "Namespace": "BookingWebhook", "Dimensions": [dimensions], "Metrics": metrics });
            json!({ "Timestamp": 1_900_000_000_123_i64, "CloudWatchMetrics": [directive] })
        };
        let in_step = json!([
            { "Name": "BookingsInStep", "Unit": "Count" },
            { "Name": "SecondsToInStep", "Unit": "Seconds" },
        ]);
        let outcomes = json!([{ "Name": "StepOutcomes", "Unit": "Count" }]);
        let expected = [
            json!({
                "_aws": directive(json!(["Environment"]), in_step),
                "Environment": "staging", "BookingsInStep": 2, "SecondsToInStep": [1.5, 0.25],
            }),
            json!({
                "_aws": directive(json!(["Environment", "Step", "Outcome"]), outcomes),
                "Environment": "staging", "Step": "calendar", "Outcome": "in_step", "StepOutcomes": 2,
            }),
        ];
        assert_eq!(written(&metrics), expected);
        assert_eq!(written(&metrics), Vec::<Value>::new(), "it begins anew");
    }

    #[test]
    fn a_gauge_keeps_its_last_value_and_lines_stay_short() {
        let metrics = Metrics::default();
        for number in [7, 0] {
            metrics.gauge(Metric::DueBookings, number);
        }
        for _ in 0..101 {
            metrics.in_step_after(Duration::ZERO);
        }
        let lines = written(&metrics);
        assert_eq!((&lines[0]["DueBookings"], &lines[0]["BookingsInStep"]), (&json!(0), &json!(101)));
        assert_eq!(lines[0]["SecondsToInStep"].as_array().map(Vec::len), Some(100));
    }
}
