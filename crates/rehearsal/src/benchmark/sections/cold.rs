//! From the start of a process: to its first poll, and to its first answer.

use std::time::Instant;

use super::Bench;
use crate::benchmark::{
    BenchmarkError,
    contestant::Contestant,
    figures::Samples,
    process::{memory_mb, processor_ms},
    world::Kind,
};

pub(super) const HOW: &str = "A process is started with a delivery waiting for it. The first start of each program is not counted: it reads the \
                              program from the disk.";

pub(super) async fn measure(bench: &Bench<'_>) -> Result<Samples, BenchmarkError> {
    let contestants = bench.fresh(|_| true, &[]).await?;
    let mut samples = Samples::default();
    for number in 0..=bench.plan.cold_starts {
        for contestant in &contestants {
            let mut of_one = Samples::default();
            let seen = if number == 0 { &mut of_one } else { &mut samples };
            start(contestant, number, seen).await?;
        }
    }
    for contestant in &contestants {
        let (unpacked, zip) = contestant.sizes_mb()?;
        samples.add(contestant.role, "program, MB", unpacked);
        samples.add(contestant.role, "program compressed, MB", zip);
    }
    Ok(samples)
}

async fn start(contestant: &Contestant, number: u32, samples: &mut Samples) -> Result<(), BenchmarkError> {
    let (role, world) = (contestant.role, &contestant.world);
    let event = world.event(&world.body(number, Kind::First));
    let lambda = Contestant::lambda().await?;
    let began = Instant::now();
    let environment = contestant.spawn(&lambda)?;
    let ready = async {
        let ready = environment.ready().await?;
        Ok::<_, BenchmarkError>((ready, processor_ms(environment.pid())))
    };
    let answered = async {
        let invocation = lambda.invoke(&event).await?;
        Ok::<_, BenchmarkError>((invocation, began.elapsed()))
    };
    let ((ready, processor), (invocation, answered)) = tokio::try_join!(ready, answered)?;
    if invocation.payload["statusCode"] != 200 {
        let answer = format!("{}\n{}", invocation.payload, environment.log().join("\n"));
        return Err(BenchmarkError::Failed { contestant: role.name(), what: "first delivery".to_owned(), answer });
    }
    samples.add(role, "start to first poll, ms", ready.as_secs_f64() * 1e3);
    samples.add(role, "  CPU, ms", processor);
    samples.add(role, "start to first answer, ms", answered.as_secs_f64() * 1e3);
    samples.add(role, "peak memory after it, MB", memory_mb(environment.pid()).map(|(peak, _)| peak));
    environment.kill().await;
    Ok(())
}
