//! How long a sweep takes for what is due: after an outage the office waits for it.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;
use simulators::traffic::{Call, Fault, Service};

use super::Bench;
use crate::benchmark::{
    BenchmarkError,
    contestant::{Contestant, Running},
    figures::Samples,
    world::Kind,
};

pub(super) const HOW: &str = "Calendar, SCC and S3 refuse everything (429) while bookings come in; then they are well again, every call takes 50 ms, and one \
                              sweep is sent. Next tries are a millisecond away (REDRIVE_BASE_MS=1) and not a minute.";

const LATENCY: Duration = Duration::from_millis(50);
const SWEEPS_AT_MOST: u32 = 20;
const TOO_MANY: Fault = Fault::Answer { status: 429, acted: false, retry_after: None };

pub(super) async fn measure(bench: &Bench<'_>) -> Result<Samples, BenchmarkError> {
    let env = [("REDRIVE_BASE_MS", "1"), ("RETRY_BASE_MS", "1")];
    let contestants = bench.fresh(|contestant| contestant.role.sweeps(), &env).await?;
    let mut running = Vec::new();
    for contestant in &contestants {
        let process = contestant.run().await?;
        contestant.warm(&process, 0).await?;
        process.sweep(&contestant.world).await?;
        running.push(process);
    }
    let (mut samples, mut number) = (Samples::default(), 1);
    for _ in 0..bench.plan.sweep_rounds {
        for due in bench.plan.due {
            for (contestant, process) in contestants.iter().zip(&running) {
                sweep(contestant, process, number, *due, &mut samples).await?;
            }
            number += u32::try_from(*due).unwrap_or_default();
        }
    }
    for (contestant, process) in contestants.iter().zip(&running) {
        samples.add(contestant.role, "metrics", series(&process.environment.log()).len() as f64);
    }
    Ok(samples)
}

/// Each metric under each set of dimensions that was ever logged: what CloudWatch bills.
fn series(log: &[String]) -> BTreeSet<String> {
    let mut series = BTreeSet::new();
    for line in log.iter().filter(|line| line.contains("CloudWatchMetrics")) {
        let line: Value = serde_json::from_str(line).unwrap_or_default();
        for directive in line["_aws"]["CloudWatchMetrics"].as_array().into_iter().flatten() {
            for dimensions in directive["Dimensions"].as_array().into_iter().flatten() {
                let names = dimensions.as_array().into_iter().flatten().filter_map(Value::as_str);
                let dimensions: Vec<String> = names.map(|name| format!("{name}={}", line[name])).collect();
                for metric in directive["Metrics"].as_array().into_iter().flatten() {
                    series.insert(format!("{} {}", metric["Name"], dimensions.join(" ")));
                }
            }
        }
    }
    series
}

async fn sweep(
    contestant: &Contestant,
    process: &Running,
    from: u32,
    due: usize,
    samples: &mut Samples,
) -> Result<(), BenchmarkError> {
    let (role, world) = (contestant.role, &contestant.world);
    let is_outside = |call: &Call| matches!(call.service, Service::Calendar | Service::Scc | Service::S3);
    world.traffic.fail_each(is_outside, TOO_MANY, u32::MAX);
    for number in (from..).take(due) {
        process.invoke(world, &world.event(&world.body(number, Kind::First))).await?;
    }
    world.traffic.heal();
    world.traffic.set_latency(LATENCY);
    let spent = process.sweep(world).await?;
    world.traffic.set_latency(Duration::ZERO);
    samples.add(role, format!("{due} due, s"), spent.wall_ms / 1e3);
    samples.add(role, format!("{due} due, CPU ms"), spent.processor_ms);
    samples.add(role, format!("{due} due, calls"), spent.all_calls() as f64);
    samples.add(role, format!("{due} due, read units"), spent.units.read);
    samples.add(role, format!("{due} due, log bytes"), spent.log_bytes);
    if due > 0 {
        let in_step = spent.answer["in_step"].as_u64().unwrap_or_default() as f64;
        samples.add(role, format!("{due} due, in step afterwards"), in_step);
    }
    // Nothing is left for the next measurement.
    for _ in 0..SWEEPS_AT_MOST {
        if process.sweep(world).await?.answer["found"] == 0 {
            break;
        }
    }
    Ok(())
}
