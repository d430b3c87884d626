//! What is measured, one file a kind. In each the contestants take turns.

mod cold;
mod delay;
mod load;
mod pause;
mod sizes;
mod stored;
mod sweep;
mod warm;

use super::{BenchmarkError, Plan, contestant::Contestant, figures::Section};

pub(super) struct Bench<'a> {
    pub(super) contestants: Vec<Contestant>,
    pub(super) plan: &'a Plan,
}

impl Bench<'_> {
    /// Those that `fit`, each in an empty world with these variables set otherwise.
    async fn fresh(
        &self,
        fit: impl Fn(&Contestant) -> bool,
        env: &[(&str, &str)],
    ) -> Result<Vec<Contestant>, BenchmarkError> {
        let mut fresh = Vec::new();
        for contestant in self.contestants.iter().filter(|contestant| fit(contestant)) {
            fresh.push(contestant.fresh(env).await?);
        }
        Ok(fresh)
    }
}

/// A kind of measurement, by the name that `ONLY=` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Cold,
    Warm,
    Delay,
    Sizes,
    Pause,
    Stored,
    Sweep,
    Load,
}

impl Kind {
    pub(super) const ALL: [Self; 8] =
        [Self::Cold, Self::Warm, Self::Delay, Self::Sizes, Self::Pause, Self::Stored, Self::Sweep, Self::Load];

    /// Its name, and what it is about.
    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Cold => ("cold", "cold start, first answer, memory, size"),
            Self::Warm => ("warm", "first delivery, repeat, reschedule, cancellation"),
            Self::Delay => ("delay", "time against the delay of every call"),
            Self::Sizes => ("sizes", "long notes and long bodies"),
            Self::Pause => ("pause", "a delivery after a pause"),
            Self::Stored => ("stored", "with many bookings in the ledger"),
            Self::Sweep => ("sweep", "sweeps of what is due, at 50 ms a call"),
            Self::Load => ("load", "many at once, calls that fail, and a look at the world"),
        }
    }

    pub(super) async fn measure(self, bench: &Bench<'_>) -> Result<Section, BenchmarkError> {
        let (name, _) = self.words();
        let (samples, how) = match self {
            Self::Cold => (Box::pin(cold::measure(bench)).await?, cold::HOW),
            Self::Warm => (Box::pin(warm::measure(bench)).await?, warm::HOW),
            Self::Delay => (Box::pin(delay::measure(bench)).await?, delay::HOW),
            Self::Sizes => (Box::pin(sizes::measure(bench)).await?, sizes::HOW),
            Self::Pause => (Box::pin(pause::measure(bench)).await?, pause::HOW),
            Self::Stored => (Box::pin(stored::measure(bench)).await?, stored::HOW),
            Self::Sweep => (Box::pin(sweep::measure(bench)).await?, sweep::HOW),
            Self::Load => (Box::pin(load::measure(bench)).await?, load::HOW),
        };
        Ok(samples.into_section(name, how))
    }
}
