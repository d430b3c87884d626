//! What a cold start costs: the function beside the least that a function can be.
//!
//! Absolute times are the machine's, but the ratio of two programs that take turns on it travels. So both are measured in
//! one run, by turns, and nothing in here is asserted: a busy machine must not fail a test.

mod report;
mod sample;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use sample::Sample;
use serde_json::json;
use simulators::{
    aws::loopback_client,
    clock::Clock,
    runtime_api::FunctionProcess,
    sender::{sample_booking, upcoming_start},
};

use crate::{Answered, Options, Rehearsal, RehearsalError};

/// What is compared.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The webhook function.
    pub function: PathBuf,
    /// A function that does nothing, built with the same profile.
    pub hello_world: PathBuf,
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum BenchmarkError {
    /// The world around the function did not start, or the function did not.
    #[error(transparent)]
    Rehearsal(#[from] RehearsalError),
    /// A program cannot be read or started.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What is measured must be work that succeeded.
    #[error("a delivery was answered {} {}: figures of a failure say nothing", .0.status, .0.body)]
    Failed(Box<Answered>),
}

/// What was seen of both programs.
#[derive(Debug)]
pub struct Figures {
    runs: u32,
    function: Program,
    hello_world: Program,
    secrets_call_ms: Sample,
}

/// What was seen of one program, once a run.
#[derive(Debug, Default)]
struct Program {
    cold_start_ms: Sample,
    cold_start_processor_ms: Sample,
    peak_memory_mb: Sample,
    warm_delivery_ms: Sample,
    warm_delivery_processor_ms: Sample,
    binary_mb: f64,
}

impl Figures {
    /// Starts both programs cold `runs` times by turns, and delivers two bookings to each process.
    ///
    /// # Errors
    /// When a program does not start, or a delivery to it fails.
    pub async fn measure(programs: &Programs, runs: u32) -> Result<Self, BenchmarkError> {
        let bench = Bench { rehearsal: Rehearsal::start(Options::default()).await?, clock: Clock::system() };
        let mut figures = Self {
            runs,
            function: Program { binary_mb: megabytes_of(&programs.function)?, ..Program::default() },
            hello_world: Program { binary_mb: megabytes_of(&programs.hello_world)?, ..Program::default() },
            secrets_call_ms: Sample::default(),
        };
        // The first start of a program also reads its file from the disk: it is not counted.
        bench.run(&programs.function, &mut Program::default()).await?;
        bench.run(&programs.hello_world, &mut Program::default()).await?;
        for _ in 0..runs {
            bench.run(&programs.function, &mut figures.function).await?;
            bench.run(&programs.hello_world, &mut figures.hello_world).await?;
            figures.secrets_call_ms.add(milliseconds(bench.secrets_call().await?));
        }
        Ok(figures)
    }
}

struct Bench {
    rehearsal: Rehearsal,
    clock: Clock,
}

impl Bench {
    /// One process: its cold start, its first delivery and its second.
    async fn run(&self, binary: &Path, seen: &mut Program) -> Result<(), BenchmarkError> {
        let process = FunctionProcess { binary: binary.to_owned(), env: self.environment_variables() };
        let environment = self.rehearsal.lambda.spawn(&process)?;
        let cold_start = environment.ready().await.map_err(RehearsalError::from)?;
        let cold_start_processor = processor_time(environment.pid());
        self.deliver().await?;
        let peak_memory = peak_memory_mb(environment.pid());
        let before = processor_time(environment.pid());
        let warm_delivery = self.deliver().await?;
        let after = processor_time(environment.pid());
        environment.kill().await;

        seen.cold_start_ms.add(milliseconds(cold_start));
        seen.warm_delivery_ms.add(milliseconds(warm_delivery));
        cold_start_processor.into_iter().for_each(|time| seen.cold_start_processor_ms.add(milliseconds(time)));
        peak_memory.into_iter().for_each(|megabytes| seen.peak_memory_mb.add(megabytes));
        let used = after.zip(before).map(|(after, before)| after.saturating_sub(before));
        used.into_iter().for_each(|time| seen.warm_delivery_processor_ms.add(milliseconds(time)));
        Ok(())
    }

    /// As in a rehearsal, but straight to the emulator: what is measured is not to pay for our proxy.
    fn environment_variables(&self) -> BTreeMap<String, String> {
        let mut variables = self.rehearsal.environment_variables().clone();
        variables.insert("AWS_ENDPOINT_URL".to_owned(), self.rehearsal.emulator_url());
        variables
    }

    /// How long a new booking takes, from the marketplace to the answer.
    async fn deliver(&self) -> Result<Duration, BenchmarkError> {
        let now = self.clock.now();
        let booking_id = format!("BS-{:08x}", rand::random::<u32>());
        let booking = sample_booking(&booking_id, &upcoming_start(now), now);
        let started = Instant::now();
        let answered = self.rehearsal.deliver(&booking).await?;
        let took = started.elapsed();
        if answered.status == 200 { Ok(took) } else { Err(BenchmarkError::Failed(Box::new(answered))) }
    }

    /// How long the emulator takes for what a cold start asks of it, connection included.
    async fn secrets_call(&self) -> Result<Duration, BenchmarkError> {
        let prefix = &self.rehearsal.cloud.secrets_prefix;
        let names = ["webhook", "calendar", "scc", "guest-page"].map(|name| format!("{prefix}/{name}"));
        let new_connection = loopback_client();
        let request = new_connection.post(self.rehearsal.emulator_url());
        let request = request
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", "secretsmanager.BatchGetSecretValue")
            .body(json!({ "SecretIdList": names }).to_string());
        let started = Instant::now();
        let answer = request.send().await.and_then(reqwest::Response::error_for_status);
        answer.map_err(RehearsalError::from)?.bytes().await.map_err(RehearsalError::from)?;
        Ok(started.elapsed())
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn megabytes_of(binary: &Path) -> io::Result<f64> {
    let metadata = std::fs::metadata(binary)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}; run `make bench`", binary.display())))?;
    Ok(metadata.len() as f64 / 1e6)
}

/// The most memory that the process ever held (`VmHWM`); Linux only.
fn peak_memory_mb(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024.0 / 1e6)
}

/// The processor time of the process's main thread, which is the one that works; Linux only.
fn processor_time(pid: u32) -> Option<Duration> {
    let scheduled = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).ok()?;
    scheduled.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
