//! Time against the delay of every call: the slope is how many calls wait for each other, the intercept what the function adds.

use std::{collections::BTreeMap, time::Duration};

use super::Bench;
use crate::benchmark::{BenchmarkError, contestant::Role, figures::Samples, fit, world::Kind};

pub(super) const HOW: &str = "Every call is answered so many milliseconds later. The line through the times is Theil's and Sen's; its intercept is what \
                              the critical path takes beside waiting, the stand-ins' own part included.";

pub(super) async fn measure(bench: &Bench<'_>) -> Result<Samples, BenchmarkError> {
    let contestants = bench.fresh(|contestant| contestant.role.takes_bookings(), &[]).await?;
    let mut running = Vec::new();
    for contestant in &contestants {
        let process = contestant.run().await?;
        contestant.warm(&process, 0).await?;
        running.push(process);
    }
    let (mut samples, mut points) = (Samples::default(), BTreeMap::<(Role, &str), Vec<(f64, f64)>>::new());
    let mut number = 0;
    for _ in 0..bench.plan.delay_rounds {
        for delay in bench.plan.delays {
            number += 1;
            for (contestant, process) in contestants.iter().zip(&running) {
                contestant.world.traffic.set_latency(Duration::from_millis(*delay));
                for kind in [Kind::First, Kind::Reschedule] {
                    let spent = process.deliver(&contestant.world, number, kind).await?;
                    points.entry((contestant.role, kind.name())).or_default().push((*delay as f64, spent.wall_ms));
                    samples.add(contestant.role, format!("{} at {delay} ms a call, ms", kind.name()), spent.wall_ms);
                }
            }
        }
    }
    for ((role, kind), points) in points {
        let line = fit::line(&points);
        samples.add(role, format!("{kind}, dependent calls (slope)"), line.map(|line| line.slope));
        samples.add(role, format!("{kind}, over the critical path (intercept), ms"), line.map(|line| line.intercept));
    }
    Ok(samples)
}
