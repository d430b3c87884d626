//! What a plausible booking is within. Outside, a unit was mistaken somewhere (cents for dollars, seconds for minutes), and a person
//! looks before anybody is mailed.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::{Money, Sale};

/// The operator's bounds for one booking.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SanityBounds {
    /// Dollars.
    pub(crate) gross_min: Decimal,
    /// Dollars.
    pub(crate) gross_max: Decimal,
    /// Hours that a charter lasts.
    pub(crate) hours_max: u32,
    /// Guests.
    pub(crate) party_max: u32,
    /// Days from now to the start.
    pub(crate) days_ahead_max: u32,
}

impl Default for SanityBounds {
    fn default() -> Self {
        Self {
            gross_min: Decimal::ZERO,
            gross_max: Decimal::from(20_000),
            hours_max: 24,
            party_max: 100,
            days_ahead_max: 3_650,
        }
    }
}

/// What is out of bounds, in words; empty when nothing is. A start in the past counts only for a booking that was never shown anywhere: a
/// charter that sailed is in the past, too.
pub(crate) fn out_of_bounds(
    sale: &Sale,
    bounds: &SanityBounds,
    zone: &TimeZone,
    now: Timestamp,
    never_shown: bool,
) -> Vec<String> {
    let dollars = |amount: Decimal| Money::rounded(amount).grouped();
    let minutes = u64::from(sale.duration);
    let latest = now.checked_add(SignedDuration::from_hours(24 * i64::from(bounds.days_ahead_max)));
    let start = sale.start.to_zoned(zone.clone()).strftime("%a %-d %b %Y, %-I:%M %p").to_string();
    let is_too_late = latest.is_ok_and(|latest| sale.start > latest);
    let gross = sale.gross;
    let findings = [
        (gross < Money::rounded(bounds.gross_min))
            .then(|| format!("{} dollars, at least {}", gross.grouped(), dollars(bounds.gross_min))),
        (gross > Money::rounded(bounds.gross_max))
            .then(|| format!("{} dollars, at most {}", gross.grouped(), dollars(bounds.gross_max))),
        (minutes > 60 * u64::from(bounds.hours_max))
            .then(|| format!("{} hours, at most {}", hours(minutes), bounds.hours_max)),
        (sale.party_size > bounds.party_max)
            .then(|| format!("{} guests, at most {}", sale.party_size, bounds.party_max)),
        (never_shown && sale.start < now).then(|| format!("starts {start}, which is in the past")),
        is_too_late.then(|| format!("starts {start}, at most {} days ahead", bounds.days_ahead_max)),
    ];
    findings.into_iter().flatten().collect()
}

/// To a tenth: `24.1`.
fn hours(minutes: u64) -> Decimal {
    (Decimal::from(minutes * 10 / 60) / Decimal::TEN).normalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::booking::Operator;

    fn pacific() -> TimeZone {
        TimeZone::get("America/Los_Angeles").expect("bundled")
    }

    #[test]
    fn what_is_out_of_bounds_is_said_in_words() {
        let now: Timestamp = "2031-05-01T00:00:00Z".parse().expect("an instant");
        let gross = |dollars: &str| Money::gross(dollars.parse().expect("a decimal")).expect("plausible");
        let with = |change: fn(&mut Sale)| {
            let mut sale = Sale::example();
            change(&mut sale);
            sale
        };
        let past = |sale: &mut Sale| sale.start = "1970-01-01T08:30:00Z".parse().expect("an instant");
        let dear = Sale { gross: gross("84075"), ..Sale::example() };
        let most = Sale { gross: gross("20000"), ..Sale::example() };
        for (sale, never_shown, expected) in [
            (Sale::example(), true, vec![]),
            (most, true, vec![]),
            (dear.clone(), true, vec!["84,075.00 dollars, at most 20,000.00"]),
            (dear, false, vec!["84,075.00 dollars, at most 20,000.00"]),
            (with(|sale| sale.duration = 1_440.try_into().expect("valid")), true, vec![]),
            (with(|sale| sale.duration = 7_200.try_into().expect("valid")), true, vec!["120 hours, at most 24"]),
            (with(|sale| sale.duration = 1_446.try_into().expect("valid")), true, vec!["24.1 hours, at most 24"]),
            (with(|sale| sale.party_size = 101), true, vec!["101 guests, at most 100"]),
            (with(past), true, vec!["starts Thu 1 Jan 1970, 12:30 AM, which is in the past"]),
            (with(past), false, vec![]),
            (
                with(|sale| sale.start = "2131-05-30T21:00:00Z".parse().expect("an instant")),
                true,
                vec!["starts Wed 30 May 2131, 2:00 PM, at most 3650 days ahead"],
            ),
        ] {
            assert_eq!(
                out_of_bounds(&sale, &SanityBounds::default(), &pacific(), now, never_shown),
                expected,
                "{never_shown}"
            );
        }
    }

    #[test]
    fn every_bound_that_is_broken_is_named() {
        let operator: Operator =
            toml::from_str("[bounds]\ngross_min = 850\nparty_max = 6\nhours_max = 2").expect("valid");
        let found = out_of_bounds(&Sale::example(), &operator.bounds, &pacific(), Timestamp::UNIX_EPOCH, true);
        let expected = [
            "840.75 dollars, at least 850.00",
            "3 hours, at most 2",
            "8 guests, at most 6",
            "starts Fri 30 May 2031, 2:00 PM, at most 3650 days ahead",
        ];
        assert_eq!(found, expected);
    }
}
