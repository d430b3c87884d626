//! One figure, seen many times: the middle says more than the mean, because what disturbs a measurement only ever adds.

use std::fmt;

/// The values of one figure; empty where the machine does not tell it.
#[derive(Debug, Default)]
pub(super) struct Sample(Vec<f64>);

impl Sample {
    pub(super) fn add(&mut self, value: f64) {
        let place = self.0.partition_point(|known| *known < value);
        self.0.insert(place, value);
    }

    /// The value in the middle.
    pub(super) fn median(&self) -> Option<f64> {
        let last = self.0.len().checked_sub(1)?;
        Some(f64::midpoint(self.0[last / 2], self.0[last.div_ceil(2)]))
    }
}

/// `5.21 (4.90 to 7.33)`: the median, the least and the most.
impl fmt::Display for Sample {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = match (self.median(), &self.0[..]) {
            (Some(median), [least, .., most]) => format!("{median:.2} ({least:.2} to {most:.2})"),
            (Some(median), _) => format!("{median:.2}"),
            (None, _) => "not available".to_owned(),
        };
        formatter.pad(&shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[f64], shown: &str) {
        let mut sample = Sample::default();
        values.iter().for_each(|value| sample.add(*value));
        assert_eq!(sample.to_string(), shown);
    }

    #[test]
    fn a_sample_shows_its_middle_and_its_ends() {
        check(&[], "not available");
        check(&[2.0], "2.00");
        check(&[9.0, 1.0, 2.0], "2.00 (1.00 to 9.00)");
        check(&[9.0, 1.0, 2.0, 3.0], "2.50 (1.00 to 9.00)");
    }
}
