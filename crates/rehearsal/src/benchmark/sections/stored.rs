//! What a booking costs must not grow with the bookings before it.

use serde_json::Value;

use super::Bench;
use crate::benchmark::{
    BenchmarkError,
    figures::Samples,
    world::{Kind, LEDGER, World, booking_id},
};

pub(super) const HOW: &str = "The state of one booking, which is what indexes hold, copied so often under other ids. Only programs with a sweep: the peer \
                              reads by key alone.";

/// Copies at a time: the emulator takes them in one transaction.
const AT_ONCE: usize = 5_000;
/// Bookings of the measurements themselves.
const FIRST_COPY: u32 = 1_000_000;

pub(super) async fn measure(bench: &Bench<'_>) -> Result<Samples, BenchmarkError> {
    let mut samples = Samples::default();
    for stored in bench.plan.stored {
        let contestants = bench.fresh(|contestant| contestant.role.sweeps(), &[]).await?;
        let mut running = Vec::new();
        for contestant in &contestants {
            let process = contestant.run().await?;
            process.deliver(&contestant.world, 0, Kind::First).await?;
            multiply(&contestant.world, *stored)?;
            contestant.warm(&process, 1).await?;
            running.push(process);
        }
        for number in 2..bench.plan.stored_rounds + 2 {
            for (contestant, process) in contestants.iter().zip(&running) {
                let spent = process.deliver(&contestant.world, number, Kind::First).await?;
                samples.add(
                    contestant.role,
                    format!("first delivery with {stored} stored, CPU ms"),
                    spent.processor_ms,
                );
                samples.add(contestant.role, format!("first delivery with {stored} stored, wall ms"), spent.wall_ms);
                let spent = process.sweep(&contestant.world).await?;
                samples.add(contestant.role, format!("sweep with {stored} stored, none due, wall ms"), spent.wall_ms);
                samples.add(
                    contestant.role,
                    format!("sweep with {stored} stored, none due, read units"),
                    spent.units.read,
                );
            }
        }
    }
    Ok(samples)
}

/// Copies the state of a ledger's only booking.
fn multiply(world: &World, copies: usize) -> Result<(), BenchmarkError> {
    let failed = |error: &dyn std::fmt::Display| BenchmarkError::StandIn(error.to_string());
    let items = world.tables.items(LEDGER).map_err(|error| failed(&error))?;
    let reservation = items.iter().filter_map(|item| item["pk"]["S"].as_str()?.strip_prefix("charter#")).next();
    let charter = reservation.unwrap_or_default();
    let state = items.iter().find(|item| item["sk"]["S"] == "state").map(Value::to_string);
    let state = state.ok_or_else(|| BenchmarkError::StandIn("the ledger has no booking".to_owned()))?;
    let copy = |number: &u32| {
        let text = state.replace(&booking_id(0), &booking_id(*number)).replace(charter, &format!("{number:08X}"));
        serde_json::from_str::<Value>(&text).expect("ids have no quotes")
    };
    let numbers: Vec<u32> = (FIRST_COPY..).take(copies).collect();
    for some in numbers.chunks(AT_ONCE) {
        world.tables.import(LEDGER, some.iter().map(copy)).map_err(|error| failed(&error))?;
    }
    Ok(())
}
