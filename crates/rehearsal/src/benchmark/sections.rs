//! What is measured, one file a kind. In each the contestants take turns.

mod cold;
mod delay;
mod load;
mod pause;
mod sizes;
mod stored;
mod sweep;
mod warm;

use super::{
    BenchmarkError,
    contestant::Contestant,
    figures::Section,
    plan::{Kind, Plan},
};

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

pub(super) async fn measure(kind: Kind, bench: &Bench<'_>) -> Result<Section, BenchmarkError> {
    let (name, _) = kind.words();
    let (samples, how) = match kind {
        Kind::Cold => (Box::pin(cold::measure(bench)).await?, cold::HOW),
        Kind::Warm => (Box::pin(warm::measure(bench)).await?, warm::HOW),
        Kind::Delay => (Box::pin(delay::measure(bench)).await?, delay::HOW),
        Kind::Sizes => (Box::pin(sizes::measure(bench)).await?, sizes::HOW),
        Kind::Pause => (Box::pin(pause::measure(bench)).await?, pause::HOW),
        Kind::Stored => (Box::pin(stored::measure(bench)).await?, stored::HOW),
        Kind::Sweep => (Box::pin(sweep::measure(bench)).await?, sweep::HOW),
        Kind::Load => (Box::pin(load::measure(bench)).await?, load::HOW),
    };
    Ok(samples.into_section(name, how))
}
