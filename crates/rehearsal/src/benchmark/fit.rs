//! A straight line through times against delays: how many calls wait for each other, and what is left without any delay.
//!
//! By Theil and Sen, the median of the slopes between all pairs: a single disturbed time does not tilt it.

use super::sample::Sample;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Line {
    /// Dependent calls, when both axes are milliseconds.
    pub(super) slope: f64,
    /// The time over the critical path.
    pub(super) intercept: f64,
}

/// None where all lie at one place.
pub(super) fn line(points: &[(f64, f64)]) -> Option<Line> {
    let pairs =
        points.iter().enumerate().flat_map(|(first, left)| points[first + 1..].iter().map(move |right| (left, right)));
    let slopes =
        pairs.filter(|(left, right)| left.0 != right.0).map(|(left, right)| (right.1 - left.1) / (right.0 - left.0));
    let slope = slopes.collect::<Sample>().median()?;
    let intercept = points.iter().map(|(x, y)| y - slope * x).collect::<Sample>().median()?;
    Some(Line { slope, intercept })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_and_one_disturbance_does_not_tilt_it() {
        let exact: Vec<_> = [0.0, 10.0, 20.0, 40.0, 80.0].map(|delay| (delay, 4.5 + 5.0 * delay)).into();
        assert_eq!(line(&exact), Some(Line { slope: 5.0, intercept: 4.5 }));
        let mut disturbed = exact;
        disturbed.push((20.0, 900.0));
        assert_eq!(line(&disturbed).map(|line| line.slope), Some(5.0));
    }

    #[test]
    fn one_delay_makes_no_line() {
        assert_eq!(line(&[]), None);
        assert_eq!(line(&[(10.0, 1.0), (10.0, 2.0)]), None);
    }
}
