//! What one delivery of each kind takes from a process that is warm, and what it leaves in the tables.

use simulators::traffic::Service;

use super::Bench;
use crate::benchmark::{
    BenchmarkError,
    contestant::{Contestant, Role, Running},
    delivery::Spent,
    figures::Samples,
    process::memory_mb,
    world::{Kind, LEDGER, PEER_TABLE},
};

pub(super) const HOW: &str = "One process each, which has done all of it once. The stand-ins answer at once; what they take themselves is in the \
                              wall time. CPU is all that the process computes until it polls again.";

pub(super) async fn measure(bench: &Bench<'_>) -> Result<Samples, BenchmarkError> {
    let contestants = bench.fresh(|_| true, &[]).await?;
    let mut running = Vec::new();
    for contestant in &contestants {
        let process = contestant.run().await?;
        contestant.warm(&process, 0).await?;
        running.push(process);
    }
    let mut samples = Samples::default();
    for number in 1..=bench.plan.warm_rounds {
        for kind in Kind::ALL {
            for (contestant, process) in contestants.iter().zip(&running) {
                if contestant.role.takes_bookings() || kind == Kind::First {
                    let spent = process.deliver(&contestant.world, number, kind).await?;
                    add(&mut samples, contestant.role, kind, &spent);
                }
            }
        }
    }
    for (contestant, process) in contestants.iter().zip(&running) {
        after_all(&mut samples, contestant, process)?;
    }
    Ok(samples)
}

fn add(samples: &mut Samples, role: Role, kind: Kind, spent: &Spent) {
    let kind = kind.name();
    samples.add(role, format!("{kind}, wall ms"), spent.wall_ms);
    samples.add(role, format!("{kind}, CPU ms"), spent.processor_ms);
    samples.add(role, format!("{kind}, log bytes"), spent.log_bytes);
    if !role.takes_bookings() {
        return;
    }
    samples.add(role, format!("{kind}, calls"), spent.all_calls() as f64);
    samples.add(role, format!("{kind}, write units"), spent.units.write);
    samples.add(role, format!("{kind}, read units"), spent.units.read);
    samples.add(role, format!("{kind}, S3 puts"), spent.calls_to(Service::S3) as f64);
    samples.add(role, format!("{kind}, invalidated paths"), spent.invalidated_paths as f64);
    let most = spent.units.index_writes.values().copied().fold(0.0, f64::max);
    samples.add(role, format!("{kind}, write units of the busiest index"), most);
}

fn after_all(samples: &mut Samples, contestant: &Contestant, process: &Running) -> Result<(), BenchmarkError> {
    let role = contestant.role;
    samples.add(role, "peak memory after all, MB", memory_mb(process.environment.pid()).map(|(peak, _)| peak));
    let (table, keys): (_, &[&str]) = match role {
        Role::Python => (PEER_TABLE, &["id"]),
        _ => (LEDGER, &["pk", "sk"]),
    };
    let sizes = contestant.world.tables.sizes(table, keys);
    for (keys, bytes) in sizes.map_err(|error| BenchmarkError::StandIn(error.to_string()))? {
        samples.add(role, format!("item {}, bytes", kind_of_item(&keys)), bytes as f64);
    }
    Ok(())
}

/// A booking has a state and pointers to its deliveries in one partition; elsewhere the partition says it all.
fn kind_of_item(keys: &[String]) -> String {
    let beginnings: Vec<&str> = keys.iter().filter_map(|key| key.split('#').next()).collect();
    match beginnings[..] {
        ["booking", within] => format!("booking {within}"),
        // Powertools puts the function's name there.
        [name, ..] if name.contains('.') => "idempotency".to_owned(),
        [name, ..] => name.to_owned(),
        [] => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_told_apart_by_their_keys() {
        for (keys, kind) in [
            (["booking#BS-1", "state"].as_slice(), "booking state"),
            (&["booking#BS-1", "delivery#boatsetter~msg_1"], "booking delivery"),
            (&["delivery#boatsetter~msg_1", "9f86d0"], "delivery"),
            (&["booking-webhook.handler.bring_in_step#9f86d0"], "idempotency"),
            (&["booking#BS-1"], "booking"),
        ] {
            let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
            assert_eq!(kind_of_item(&keys), kind);
        }
    }
}
