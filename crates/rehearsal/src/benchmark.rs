//! What the function costs, beside the least that a function can be and beside a Python function that does the same job.
//!
//! Absolute times are the machine's, but the ratio of two programs that take turns on it travels. So all are measured in one run, by turns,
//! against stand-ins in this process; nothing in here is asserted, because a busy machine must not fail a test.

mod contestant;
mod cost;
mod delivery;
mod figures;
mod fit;
mod machine;
mod plan;
mod process;
mod progress;
mod report;
mod sample;
mod sections;
mod world;

use std::{io, path::PathBuf};

use simulators::runtime_api::{InitError, InvokeError};

use self::{contestant::Contestant, cost::Prices, machine::Machine, sections::Bench};
pub use self::{
    plan::{Extent, Plan},
    progress::Progress,
    report::Report,
};

/// What is compared.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The webhook function.
    pub function: PathBuf,
    /// An earlier build of it, for before and after in one run.
    pub baseline: Option<PathBuf>,
    /// A function that does nothing, built with the same profile.
    pub bare: Option<PathBuf>,
    /// The Python peer.
    pub python: Option<PythonPeer>,
}

/// Where the Python peer is, and what it runs on.
#[derive(Clone, Debug)]
pub struct PythonPeer {
    /// What Lambda starts: `bench/peers/python/bootstrap`.
    pub bootstrap: PathBuf,
    /// The interpreter of `.venv/bench`.
    pub interpreter: PathBuf,
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum BenchmarkError {
    /// All that is missing, before anything is measured.
    #[error("missing:\n{}", .0.join("\n"))]
    Missing(Vec<String>),
    /// A stand-in or a program cannot be started, or the report cannot be written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A program did not start.
    #[error(transparent)]
    Init(#[from] InitError),
    /// A program took no invocation.
    #[error(transparent)]
    Invoke(#[from] InvokeError),
    /// A table or an account cannot be made, or read.
    #[error("{0}")]
    StandIn(String),
    /// What is measured must be work that succeeded.
    #[error("{contestant} answered a {what} with {answer}: figures of a failure say nothing")]
    Failed {
        /// Who.
        contestant: &'static str,
        /// What it was given.
        what: String,
        /// What it said.
        answer: String,
    },
    /// The file of prices cannot be read.
    #[error("the prices: {0}")]
    Prices(#[from] toml::de::Error),
}

/// Measures all of `plan`, telling `progress` what it is at.
///
/// # Errors
/// [`BenchmarkError::Missing`] before anything is measured; else when a program does not start, or fails at what it is given.
pub async fn measure(programs: &Programs, plan: &Plan, progress: &mut Progress<'_>) -> Result<Report, BenchmarkError> {
    programs.check()?;
    let prices = Prices::read()?;
    let before = Machine::look();
    let bench = Bench { contestants: Contestant::all(programs).await?, plan };
    let mut report = Report::new(plan.extent, &bench.contestants);
    for kind in plan::Kind::ALL {
        let (name, what) = kind.words();
        if plan.has(name) {
            progress.begin(name, what)?;
            report.figures.sections.push(sections::measure(kind, &bench).await?);
            progress.end()?;
        }
    }
    report.costs = prices.bill(&report.figures);
    report.limits = prices.limits(&report.figures);
    report.machine = before.until_now();
    Ok(report)
}

impl Programs {
    fn check(&self) -> Result<(), BenchmarkError> {
        let python = self.python.iter().flat_map(|peer| {
            [(&peer.bootstrap, "part of the repository"), (&peer.interpreter, "`make bench` installs it")]
        });
        let built = [Some(&self.function), self.baseline.as_ref(), self.bare.as_ref()].into_iter().flatten();
        let needed = built.map(|path| (path, "`make bench` builds it; BASELINE=… is yours")).chain(python);
        let missing: Vec<_> = needed
            .filter(|(path, _)| !path.is_file())
            .map(|(path, how)| format!("  - {}: {how}", path.display()))
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(BenchmarkError::Missing(missing)) }
    }
}
