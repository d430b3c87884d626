//! The operator's normal case: minutes lie between two bookings, and the connections of the last one are gone.

use futures::future::try_join_all;

use super::Bench;
use crate::benchmark::{
    BenchmarkError,
    contestant::{Contestant, Running},
    figures::Samples,
    world::Kind,
};

pub(super) const HOW: &str = "So many processes of each deliver, pause together for more than 10 s, and deliver again one after another. By plain \
                              HTTP: the function trusts compiled-in roots only, and no certificate of ours is among them.";

pub(super) async fn measure(bench: &Bench<'_>) -> Result<Samples, BenchmarkError> {
    let contestants = bench.fresh(|contestant| contestant.role.takes_bookings(), &[]).await?;
    let mut running = Vec::new();
    for contestant in &contestants {
        running.push(try_join_all((0..bench.plan.pausing).map(|_| contestant.run())).await?);
    }
    let mut samples = Samples::default();
    let mut number = 0;
    for round in 0..3 {
        if round == 2 {
            tokio::time::sleep(bench.plan.pause).await;
        }
        for nth in 0..running[0].len() {
            for (contestant, processes) in contestants.iter().zip(&running) {
                number += 1;
                let what = ["cold", "without a pause", "after a pause"][round];
                deliver(contestant, &processes[nth], number, what, &mut samples).await?;
            }
        }
    }
    Ok(samples)
}

async fn deliver(
    contestant: &Contestant,
    process: &Running,
    number: u32,
    what: &str,
    samples: &mut Samples,
) -> Result<(), BenchmarkError> {
    let spent = process.deliver(&contestant.world, number, Kind::First).await?;
    if what != "cold" {
        samples.add(contestant.role, format!("{what}, CPU ms"), spent.processor_ms);
        samples.add(contestant.role, format!("{what}, wall ms"), spent.wall_ms);
        samples.add(contestant.role, format!("{what}, new connections"), spent.connections as f64);
    }
    Ok(())
}
