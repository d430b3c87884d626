//! One figure, seen many times: the middle says more than the mean, because what disturbs a measurement only ever adds.

use serde::Serialize;

/// The values of one figure; empty where it was not seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sample(Vec<f64>);

/// What is reported of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Quartiles {
    pub(super) lower: f64,
    pub(super) median: f64,
    pub(super) upper: f64,
    pub(super) count: usize,
}

impl Sample {
    pub(super) fn add(&mut self, value: f64) {
        let place = self.0.partition_point(|known| *known < value);
        self.0.insert(place, value);
    }

    pub(super) fn quartiles(&self) -> Option<Quartiles> {
        Some(Quartiles { lower: self.at(0.25)?, median: self.at(0.5)?, upper: self.at(0.75)?, count: self.0.len() })
    }

    pub(super) fn median(&self) -> Option<f64> {
        self.at(0.5)
    }

    /// The value below which this part of the sample lies, between two neighbours where it falls between them.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position within a sample")]
    fn at(&self, part: f64) -> Option<f64> {
        let position = part * (self.0.len().checked_sub(1)? as f64);
        let (below, above) = (self.0[position.floor() as usize], self.0[position.ceil() as usize]);
        Some(below + (above - below) * position.fract())
    }
}

impl FromIterator<f64> for Sample {
    fn from_iter<T: IntoIterator<Item = f64>>(values: T) -> Self {
        let mut sample = Self::default();
        values.into_iter().for_each(|value| sample.add(value));
        sample
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[f64], expected: Option<(f64, f64, f64)>) {
        let sample: Sample = values.iter().copied().collect();
        assert_eq!(sample.quartiles().map(|seen| (seen.lower, seen.median, seen.upper)), expected, "{values:?}");
    }

    #[test]
    fn quartiles_lie_between_neighbours() {
        check(&[], None);
        check(&[2.0], Some((2.0, 2.0, 2.0)));
        check(&[9.0, 1.0], Some((3.0, 5.0, 7.0)));
        check(&[5.0, 1.0, 4.0, 2.0, 3.0], Some((2.0, 3.0, 4.0)));
        check(&[1.0, 2.0, 3.0, 100.0], Some((1.75, 2.5, 27.25)));
    }
}
