//! Many bookings at once through several processes, with calls that fail, and then a look at the world.

mod verdict;

use std::{
    io::{self, Write as _},
    time::{Duration, Instant},
};

use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use simulators::{
    runtime_api::{Environment, Lambda},
    traffic::{Call, Fault},
};

use self::verdict::{Expected, Verdict};
use super::Bench;
use crate::benchmark::{
    BenchmarkError,
    contestant::{Contestant, Role},
    figures::Samples,
    process::{memory_mb, processor_ms},
    world::Kind,
};

pub(super) const HOW: &str = "Every booking is delivered, every third one moved, every fifth one cancelled; what is answered 500 or not at all is \
                              delivered again, 19 times at most. Of the faults a quarter each: 503 before and 500 after acting, the connection cut before \
                              and after acting. Then all is well again, the function sweeps until nothing is due (settling 0.3 s, next tries 50 ms apart), and \
                              each booking is looked up in all systems.";

const LATENCY: Duration = Duration::from_millis(5);
const AT_ONCE_BY_PROCESS: usize = 3;
// A sender repeats for hours. What it gives up telling would count against the contestant.
const DELIVERIES_AT_MOST: u32 = 20;
// A lease that could not be released ends by itself, within a minute.
const SWEEPS_AT_MOST: u32 = 1_200;
const SWEEP_EVERY: Duration = Duration::from_millis(100);

pub(super) async fn measure(bench: &Bench<'_>) -> Result<Samples, BenchmarkError> {
    let env = [("RETRY_BASE_MS", "10"), ("REDRIVE_BASE_MS", "50"), ("UNKNOWN_SETTLE_MS", "300")];
    let mut samples = Samples::default();
    for per_mille in bench.plan.faults {
        for contestant in bench.fresh(|contestant| contestant.role.takes_bookings(), &env).await? {
            // The baseline's correctness is the proof's business, its speed is measured above.
            if contestant.role != Role::Baseline {
                under_load(&contestant, bench, *per_mille, &mut samples).await?;
            }
        }
    }
    Ok(samples)
}

async fn under_load(
    contestant: &Contestant,
    bench: &Bench<'_>,
    per_mille: u32,
    samples: &mut Samples,
) -> Result<(), BenchmarkError> {
    let (role, world, bookings) = (contestant.role, &contestant.world, bench.plan.load_bookings);
    let lambda = Contestant::lambda().await?;
    let mut environments = Vec::new();
    for _ in 0..bench.plan.load_processes {
        environments.push(contestant.spawn(&lambda)?);
    }
    for environment in &environments {
        environment.ready().await?;
    }
    script(contestant, per_mille);
    world.traffic.set_latency(LATENCY);
    let processors = || environments.iter().filter_map(|environment| processor_ms(environment.pid())).sum::<f64>();
    let (began, processor_before) = (Instant::now(), processors());
    let stories =
        (0..bookings).map(|number| Box::pin(tell(contestant, &lambda, u32::try_from(number).unwrap_or_default())));
    let stories: Vec<_> = stories.collect();
    let at_once = bench.plan.load_processes * AT_ONCE_BY_PROCESS;
    let told: Vec<Told> = stream::iter(stories).buffer_unordered(at_once).collect().await;
    let (seconds, processor_after) = (began.elapsed().as_secs_f64(), processors());
    world.traffic.heal();
    if role.sweeps() {
        sweep_until_done(&lambda).await?;
    }
    world.traffic.set_latency(Duration::ZERO);

    let deliveries: usize = told.iter().map(|told| told.deliveries).sum();
    let verdict = Verdict::look(contestant, told.into_iter().map(|told| told.expected)).await;
    if role == Role::Function {
        // A function that is not right even once is looked into: which booking, and what there is of it.
        for what in &verdict.not_right {
            writeln!(io::stderr(), "\nnot right: {what}")?;
        }
    }
    let faults = format!("{} % of calls fail", f64::from(per_mille) / 10.0);
    samples.add(role, format!("{faults}: right, of {bookings}"), verdict.right as f64);
    samples.add(role, format!("{faults}: somebody told twice, or two of one"), verdict.twice as f64);
    samples.add(role, format!("{faults}: something missing or wrong"), verdict.wrong as f64);
    samples.add(role, format!("{faults}: deliveries a second"), deliveries as f64 / seconds);
    samples.add(role, format!("{faults}: CPU ms a delivery"), (processor_after - processor_before) / deliveries as f64);
    let memory = |environment: &Environment| Some(memory_mb(environment.pid())?.0);
    samples.add(role, format!("{faults}: peak memory, MB"), environments.iter().filter_map(memory).reduce(f64::max));
    Ok(())
}

/// Each call meets one of the faults with this chance, on its own.
fn script(contestant: &Contestant, per_mille: u32) {
    let faults = [
        Fault::Answer { status: 503, acted: false, retry_after: Some(0) },
        Fault::Answer { status: 500, acted: true, retry_after: None },
        Fault::DropBefore,
        Fault::DropAfter,
    ];
    let share = per_mille as f64 / 1e3 / faults.len() as f64;
    for fault in faults {
        contestant.world.traffic.fail_each(move |_: &Call| rand::random::<f64>() < share, fault, u32::MAX);
    }
}

struct Told {
    deliveries: usize,
    expected: Expected,
}

/// One booking's life, in order, as a sender tells it.
async fn tell(contestant: &Contestant, lambda: &Lambda, number: u32) -> Told {
    let mut kinds = vec![Kind::First];
    kinds.extend((number.is_multiple_of(3)).then_some(Kind::Reschedule));
    kinds.extend((number.is_multiple_of(5)).then_some(Kind::Cancellation));
    let mut told = Told { deliveries: 0, expected: Expected::new(contestant, number, &kinds) };
    for kind in kinds {
        for _ in 0..DELIVERIES_AT_MOST {
            told.deliveries += 1;
            let event = contestant.world.event(&contestant.world.body(number, kind));
            let Ok(invocation) = lambda.invoke(&event).await else { continue };
            let answer = &invocation.payload;
            let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default()).unwrap_or_default();
            told.expected.charter_id = body["charter_id"].as_str().map(str::to_owned).or(told.expected.charter_id);
            if answer["statusCode"].as_u64().is_some_and(|status| status < 500) {
                break;
            }
        }
    }
    told
}

/// Sweeps until nothing is due, now or later: what settles, waits for its next try or is still leased is not found meanwhile.
async fn sweep_until_done(lambda: &Lambda) -> Result<(), BenchmarkError> {
    for _ in 0..SWEEPS_AT_MOST {
        let swept = lambda.invoke(&json!({ "sweep": {} })).await?.payload;
        if swept["found"] == 0 {
            let listed = lambda.invoke(&json!({ "list": { "state": "due" } })).await?.payload;
            if listed["bookings"].as_array().is_some_and(Vec::is_empty) {
                break;
            }
        }
        tokio::time::sleep(SWEEP_EVERY).await;
    }
    Ok(())
}
