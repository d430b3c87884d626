//! What else the machine was doing: without it a reader cannot tell a slow function from a busy machine.

use std::{fs, time::Instant};

use serde::Serialize;

/// What the figures were taken on.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Machine {
    pub(super) processors: usize,
    pub(super) model: String,
    /// Load averages over one minute, at the beginning and at the end. The bench itself is about one.
    pub(super) load: [f64; 2],
    /// The part of all processors' time that was idle, from beginning to end.
    pub(super) idle_share: Option<f64>,
    pub(super) seconds: u64,
}

pub(super) struct Look {
    began: Instant,
    load: f64,
    ticks: Option<(f64, f64)>,
}

impl Machine {
    pub(super) fn look() -> Look {
        Look { began: Instant::now(), load: load(), ticks: ticks() }
    }
}

impl Look {
    pub(super) fn until_now(&self) -> Machine {
        let idle_share =
            self.ticks.zip(ticks()).map(|(before, after)| (after.0 - before.0) / (after.1 - before.1).max(1.0));
        Machine {
            processors: std::thread::available_parallelism().map_or(0, usize::from),
            model: model().unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            load: [self.load, load()],
            idle_share,
            seconds: self.began.elapsed().as_secs(),
        }
    }
}

fn load() -> f64 {
    let averages = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    averages.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or_default()
}

/// Idle ones, and all.
fn ticks() -> Option<(f64, f64)> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let ticks: Vec<f64> =
        stat.lines().next()?.split_whitespace().skip(1).filter_map(|ticks| ticks.parse().ok()).collect();
    Some((ticks.get(3)? + ticks.get(4)?, ticks.iter().take(8).sum()))
}

fn model() -> Option<String> {
    let processors = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = processors.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
