//! How much is measured.

use std::time::Duration;

use serde::Serialize;

use super::BenchmarkError;

/// For whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Extent {
    /// A test of the bench itself: everything once.
    Smoke,
    /// `make bench`.
    Quick,
    /// `make bench-full`.
    Full,
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
}

/// The numbers behind an [`Extent`].
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) extent: Extent,
    pub(super) cold_starts: u32,
    /// Rounds of first, repeat, reschedule and cancellation.
    pub(super) warm_rounds: u32,
    pub(super) delays: &'static [u64],
    pub(super) delay_rounds: u32,
    pub(super) size_rounds: u32,
    pub(super) stored: &'static [usize],
    pub(super) stored_rounds: u32,
    pub(super) due: &'static [usize],
    pub(super) sweep_rounds: u32,
    /// Processes of each contestant that pause at once.
    pub(super) pausing: u32,
    pub(super) pause: Duration,
    pub(super) load_bookings: usize,
    pub(super) load_processes: usize,
    /// The part of calls that fail, in thousandths.
    pub(super) faults: &'static [u32],
    only: Vec<String>,
}

impl Plan {
    /// The numbers for this extent; with `only`, nothing but the sections of these names.
    ///
    /// # Errors
    /// When there is no section of one of these names.
    pub fn of(extent: Extent, only: Vec<String>) -> Result<Self, BenchmarkError> {
        let names = Kind::ALL.map(|kind| kind.words().0);
        let unknown = only.iter().filter(|name| !names.contains(&name.as_str()));
        let unknown: Vec<_> =
            unknown.map(|name| format!("  - a section {name}: there are {}", names.join(", "))).collect();
        if !unknown.is_empty() {
            return Err(BenchmarkError::Missing(unknown));
        }
        Ok(Self::numbers(extent, only))
    }

    fn numbers(extent: Extent, only: Vec<String>) -> Self {
        let plan = Self {
            extent,
            cold_starts: 10,
            warm_rounds: 30,
            delays: &[5, 10, 20, 40],
            delay_rounds: 5,
            size_rounds: 10,
            stored: &[31, 1_000],
            stored_rounds: 10,
            due: &[0, 1, 10, 100],
            sweep_rounds: 1,
            pausing: 5,
            pause: Duration::from_millis(10_500),
            load_bookings: 100,
            load_processes: 4,
            faults: &[0, 10, 100],
            only,
        };
        match extent {
            Extent::Quick => plan,
            Extent::Full => Self {
                cold_starts: 40,
                warm_rounds: 150,
                delays: &[5, 10, 20, 40, 80],
                delay_rounds: 15,
                size_rounds: 40,
                stored: &[31, 1_000, 100_000],
                stored_rounds: 30,
                sweep_rounds: 3,
                pausing: 15,
                load_bookings: 1_000,
                ..plan
            },
            Extent::Smoke => Self {
                cold_starts: 1,
                warm_rounds: 1,
                delays: &[1, 2],
                delay_rounds: 1,
                size_rounds: 1,
                stored: &[31],
                stored_rounds: 1,
                due: &[1],
                pausing: 1,
                pause: Duration::from_millis(1),
                load_bookings: 4,
                load_processes: 2,
                faults: &[100],
                ..plan
            },
        }
    }

    /// The same plan with this many rounds.
    #[must_use]
    pub fn with_rounds(self, rounds: u32) -> Self {
        Self {
            cold_starts: rounds,
            warm_rounds: rounds,
            delay_rounds: rounds,
            size_rounds: rounds,
            stored_rounds: rounds,
            ..self
        }
    }

    pub(super) fn has(&self, section: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == section)
    }
}
