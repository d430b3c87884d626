//! What a charter earns and costs, to the cent.
//!
//! `net = gross - crew - captain - port_tax`. Every line is rounded to cents *first* (half away from zero), then subtracted, so that
//! the lines that the office reads always add up. No binary floating point comes near an amount.

use std::{
    fmt,
    iter::Sum,
    ops::{Add, Sub},
};

use rust_decimal::{Decimal, RoundingStrategy::MidpointAwayFromZero};
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use super::{CharterTime, time::CREW_MARGIN};

/// Far above any charter, far below where a decimal could lose a digit.
const LARGEST_GROSS_DOLLARS: i64 = 1_000_000;
const MOST_HOURLY_DOLLARS: i64 = 1_000;
const MINUTES_PER_HOUR: i64 = 60;

/// US dollars, always whole cents. Serialises as a JSON number with its exact digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Money(#[serde(with = "rust_decimal::serde::arbitrary_precision")] Decimal);

/// Why a number is not what a guest paid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be an amount in US dollars from 0 to {LARGEST_GROSS_DOLLARS}, e.g. \"840.75\"")]
pub(crate) struct MoneyError;

impl Money {
    /// `dollars` rounded to cents, half away from zero.
    pub(crate) fn rounded(dollars: Decimal) -> Self {
        let mut cents = dollars.round_dp_with_strategy(2, MidpointAwayFromZero);
        cents.rescale(2);
        Self(cents)
    }

    /// `84,075.00`.
    pub(super) fn grouped(self) -> String {
        let text = self.to_string();
        let (dollars, cents) = text.split_once('.').unwrap_or((&text, "00"));
        let mut grouped = String::new();
        for (at, digit) in dollars.chars().enumerate() {
            if at > 0 && (dollars.len() - at).is_multiple_of(3) && !grouped.ends_with('-') {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        format!("{grouped}.{cents}")
    }

    /// What a guest paid, from the dollars that the sender stated.
    ///
    /// # Errors
    /// [`MoneyError`] when it is negative or beyond any charter.
    pub(crate) fn gross(dollars: Decimal) -> Result<Self, MoneyError> {
        let plausible = Decimal::ZERO..=Decimal::from(LARGEST_GROSS_DOLLARS);
        if plausible.contains(&dollars) { Ok(Self::rounded(dollars)) } else { Err(MoneyError) }
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        rust_decimal::serde::arbitrary_precision::deserialize(deserializer).map(Self::rounded)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::rounded(Decimal::ZERO), Add::add)
    }
}

/// What the operator pays. Lives in the operator file; the defaults are the worked example's. A slip (`18` for 18 %) is refused when the
/// file is read: it would pay people wrongly, booking after booking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Rates {
    /// Dollars an hour for each crew member, for the charter and an hour on either side of it; from 0 to 1000.
    #[serde(deserialize_with = "hourly")]
    pub(crate) crew_hourly: Decimal,
    /// Dollars an hour for the captain, for the charter alone; from 0 to 1000.
    #[serde(deserialize_with = "hourly")]
    pub(crate) captain_hourly: Decimal,
    /// Port fees and taxes as a share of the gross, from 0 to 1: 0.18 is 18 %.
    #[serde(deserialize_with = "share")]
    pub(crate) port_tax_share: Decimal,
}

impl Default for Rates {
    fn default() -> Self {
        Self { crew_hourly: Decimal::from(25), captain_hourly: Decimal::from(50), port_tax_share: Decimal::new(18, 2) }
    }
}

fn hourly<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    within(deserializer, MOST_HOURLY_DOLLARS, "an hourly rate must be from 0 to 1000 dollars")
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    within(deserializer, 1, "a share must be from 0 to 1: 0.18 is 18 %")
}

fn within<'de, D: Deserializer<'de>>(deserializer: D, most: i64, words: &str) -> Result<Decimal, D::Error> {
    let stated = <Decimal as Deserialize>::deserialize(deserializer)?;
    let plausible = Decimal::ZERO..=Decimal::from(most);
    if plausible.contains(&stated) { Ok(stated) } else { Err(D::Error::custom(words)) }
}

/// The money of one charter, each line in whole cents; `crew + captain + port_tax + net == gross`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What the guest paid.
    pub(crate) gross: Money,
    /// All crew members together.
    pub crew: Money,
    /// The captain.
    pub captain: Money,
    /// Port fees and taxes.
    pub port_tax: Money,
    /// What is left; negative when a charter costs more than it brings.
    pub net: Money,
}

impl Statement {
    /// The statement of a charter of this length with `crew_count` crew beside the captain.
    pub(crate) fn of(gross: Money, time: &CharterTime, crew_count: usize, rates: &Rates) -> Self {
        let charter_minutes = time.duration_minutes();
        let crew_minutes = charter_minutes + 2 * CREW_MARGIN.as_mins();
        let wage = |heads: usize, minutes: i64, hourly: Decimal| {
            Money::rounded(Decimal::from(heads) * Decimal::from(minutes) * hourly / Decimal::from(MINUTES_PER_HOUR))
        };
        let crew = wage(crew_count, crew_minutes, rates.crew_hourly);
        let captain = wage(1, charter_minutes, rates.captain_hourly);
        let port_tax = Money::rounded(gross.0 * rates.port_tax_share);
        Self { gross, crew, captain, port_tax, net: gross - crew - captain - port_tax }
    }

    /// Whether a number as people write it (`1,840.75`, `1840`) is one of the amounts, in whole dollars rounded down or up. Less than a
    /// hundred could be anything: an age, a party, a slip.
    pub(super) fn has_dollars(&self, number: &str) -> bool {
        let whole =
            number.rsplit_once(['.', ',']).filter(|(_, cents)| cents.len() == 2).map_or(number, |(whole, _)| whole);
        let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
        let Ok(dollars) = digits.parse::<Decimal>() else { return false };
        let amounts = [self.gross, self.crew, self.captain, self.port_tax, self.net].map(|amount| amount.0.abs());
        dollars >= Decimal::ONE_HUNDRED
            && amounts.iter().any(|amount| [amount.floor(), amount.ceil()].contains(&dollars))
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;

    fn charter(minutes: i64) -> CharterTime {
        let start = "2025-05-30T14:00:00-07:00[America/Los_Angeles]".parse().expect("valid");
        let duration = SignedDuration::from_mins(minutes).try_into().expect("valid");
        CharterTime::lasting(start, duration)
    }

    fn dollars(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    #[track_caller]
    fn check(gross: &str, crew_count: usize, minutes: i64, expected: [&str; 4]) {
        let gross = Money::gross(dollars(gross)).expect("plausible");
        let statement = Statement::of(gross, &charter(minutes), crew_count, &Rates::default());
        let lines = [statement.crew, statement.captain, statement.port_tax, statement.net];
        assert_eq!(lines.map(|line| line.to_string()), expected);
    }

    #[test]
    fn worked_examples() {
        check("840.75", 2, 180, ["250.00", "150.00", "151.34", "289.41"]);
        // Half-even rounding would say 151.24 here.
        check("840.25", 2, 180, ["250.00", "150.00", "151.25", "289.00"]);
        // 100 minutes do not divide into decimal hours: 25 x 220/60 and 50 x 100/60.
        check("500", 1, 100, ["91.67", "83.33", "90.00", "235.00"]);
        check("0", 3, 60, ["225.00", "50.00", "0.00", "-275.00"]);
    }

    #[test]
    fn amounts_keep_their_digits_in_json() {
        let amount = Money::rounded(dollars("250"));
        assert_eq!(serde_json::to_string(&amount).expect("a number"), "250.00");
    }

    #[test]
    fn rates_are_plausible_or_refused_where_they_stand() {
        let read = |line: &str| toml::from_str::<Rates>(&format!("captain_hourly = \"50\"\n{line}"));
        for good in ["crew_hourly = \"0\"", "crew_hourly = 1000", "port_tax_share = \"1\"", "port_tax_share = 0.18"] {
            assert!(read(good).is_ok(), "{good}");
        }
        assert_eq!(read("crew_hourly = \"25\"").expect("plausible"), Rates::default());
        for bad in
            ["crew_hourly = \"-25\"", "crew_hourly = \"1000.01\"", "port_tax_share = \"18\"", "port_tax_share = -0.1"]
        {
            let words = read(bad).expect_err(bad).to_string();
            assert!(words.contains("line 2") && words.contains("must be from 0"), "{bad}: {words}");
        }
    }

    #[test]
    fn a_gross_is_plausible_or_refused() {
        for bad in ["-0.01", "1000000.01"] {
            assert_eq!(Money::gross(dollars(bad)), Err(MoneyError), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn the_parts_always_sum_to_the_gross(
            cents in 0_i64..100_000_000, crew_count in 0_usize..12, minutes in 15_i64..1_440,
            crew_cents in 0_i64..20_000, captain_cents in 0_i64..20_000, share in 0_i64..10_000,
        ) {
            let rates = Rates {
                crew_hourly: Decimal::new(crew_cents, 2),
                captain_hourly: Decimal::new(captain_cents, 2),
                port_tax_share: Decimal::new(share, 4),
            };
            let gross = Money::rounded(Decimal::new(cents, 2));
            let statement = Statement::of(gross, &charter(minutes), crew_count, &rates);
            let parts: Money = [statement.crew, statement.captain, statement.port_tax, statement.net].into_iter().sum();
            prop_assert_eq!(parts, gross);
        }
    }
}
