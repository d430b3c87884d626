//! What a booking costs at AWS's public prices, from what was measured, and what gives way first at scale.
//!
//! Prices, and all that is assumed and not measured, stand in `bench/prices.toml`.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use serde::{Deserialize, Serialize};

use super::{
    BenchmarkError,
    contestant::Role,
    figures::{Figures, number},
    world::Kind,
};

const PRICES: &str = include_str!("../../../../bench/prices.toml");
/// What alarms there are stands in the templates, those of one sender among them.
const TEMPLATES: [&str; 2] =
    [include_str!("../../../../infra/watch.yaml"), include_str!("../../../../infra/sender-alarms.yaml")];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Prices {
    as_of: String,
    region: String,
    month: Month,
    cold_share: BTreeMap<String, f64>,
    secrets: BTreeMap<String, f64>,
    prices: BTreeMap<String, f64>,
    limits: Vec<PublishedLimit>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Month {
    bookings: f64,
    first: f64,
    repeat: f64,
    reschedule: f64,
    cancellation: f64,
    sweeps: f64,
    milliseconds_a_call: f64,
    memory_gb: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PublishedLimit {
    what: String,
    value: f64,
    #[serde(rename = "use")]
    by: Use,
    then: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Use {
    Seconds,
    BusiestIndexWrites,
    WriteUnits,
    InvalidatedPaths,
    S3Puts,
}

/// A month's bill, line by line.
#[derive(Debug, Serialize)]
pub(super) struct Costs {
    as_of: String,
    region: String,
    bookings: f64,
    /// Dollars a month, by contestant.
    lines: Vec<(&'static str, BTreeMap<Role, f64>)>,
}

/// How many bookings a second a published limit allows.
#[derive(Debug, Serialize)]
pub(super) struct Limit {
    what: String,
    bookings_a_second: f64,
    then: String,
}

/// What one booking uses, over all its deliveries.
#[derive(Debug, Default)]
struct Booking {
    deliveries: f64,
    seconds: f64,
    write_units: f64,
    read_units: f64,
    s3_puts: f64,
    invalidated_paths: f64,
    log_bytes: f64,
    busiest_index_writes: f64,
}

impl Prices {
    pub(super) fn read() -> Result<Self, BenchmarkError> {
        Ok(toml::from_str(PRICES)?)
    }

    /// None where a section is missing that it is computed from.
    pub(super) fn bill(&self, figures: &Figures) -> Option<Costs> {
        let mut lines: Vec<(&'static str, BTreeMap<Role, f64>)> = Vec::new();
        for role in figures.contestants.iter().copied().filter(|role| role.takes_bookings()) {
            let bill = self.bill_of(figures, role)?;
            for (position, (line, dollars)) in bill.into_iter().enumerate() {
                if lines.len() == position {
                    lines.push((line, BTreeMap::new()));
                }
                lines[position].1.insert(role, dollars);
            }
        }
        Some(Costs { as_of: self.as_of.clone(), region: self.region.clone(), bookings: self.month.bookings, lines })
    }

    fn bill_of(&self, figures: &Figures, role: Role) -> Option<Vec<(&'static str, f64)>> {
        let price = |name: &str| self.prices.get(name).copied();
        let name = if role == Role::Baseline { Role::Function.name() } else { role.name() };
        let (booking, bookings) = (self.booking(figures, role)?, self.month.bookings);
        let swept = |figure: &str| figures.median("sweep", &format!("0 due, {figure}"), role).unwrap_or_default();
        let sweeps = if role.sweeps() { self.month.sweeps } else { 0.0 };
        let deliveries = booking.deliveries * bookings;
        let cold = deliveries * self.cold_share.get(name)?;
        let cold_seconds = figures.median("cold", "start to first poll, ms", role)? / 1e3;
        let sweep_seconds = figures.median("sweep", "0 due, s", role).unwrap_or_default();
        let seconds = booking.seconds * bookings + sweep_seconds * sweeps + cold * cold_seconds;
        let paths = (booking.invalidated_paths * bookings - price("invalidated_paths_free")?).max(0.0);
        let log_gb = (booking.log_bytes * bookings + swept("log bytes") * sweeps) / 1e9;
        let metrics = figures.median("sweep", "metrics", role).unwrap_or_default();
        let alarms = if role.sweeps() { alarms() as f64 } else { 0.0 };
        Some(vec![
            ("Lambda, requests", (deliveries + sweeps) * price("lambda_request")?),
            ("Lambda, time", seconds * self.month.memory_gb * price("lambda_gb_second")?),
            ("API Gateway", deliveries * price("api_request")?),
            ("DynamoDB, writes", booking.write_units * bookings * price("write_unit")?),
            ("DynamoDB, reads", (booking.read_units * bookings + swept("read units") * sweeps) * price("read_unit")?),
            ("S3, puts", booking.s3_puts * bookings * price("s3_put")?),
            ("CloudFront, invalidations", paths * price("invalidated_path")?),
            ("CloudWatch, logs", log_gb * price("log_gb")?),
            ("CloudWatch, alarms and metrics", alarms * price("alarm_month")? + metrics * price("metric_month")?),
            ("Secrets Manager", self.secrets.get(name)? * price("secret_month")? + cold * price("secret_call")?),
        ])
    }

    /// Invocations of all kinds, in the month's proportions.
    fn booking(&self, figures: &Figures, role: Role) -> Option<Booking> {
        let month = &self.month;
        let shares = [month.first, month.repeat, month.reschedule, month.cancellation];
        let mut booking = Booking::default();
        for (kind, share) in Kind::ALL.into_iter().zip(shares) {
            let of = |figure: &str| figures.median("warm", &format!("{}, {figure}", kind.name()), role);
            // Only of these two is it measured how many calls wait for each other; a repeat waits for a reading or two.
            let waits = match kind {
                Kind::Repeat => of("calls")?,
                Kind::First => figures.median("delay", "first, dependent calls (slope)", role)?,
                Kind::Reschedule | Kind::Cancellation => {
                    figures.median("delay", "reschedule, dependent calls (slope)", role)?
                }
            };
            booking.deliveries += share;
            booking.seconds += share * (of("wall ms")? + waits * month.milliseconds_a_call) / 1e3;
            booking.write_units += share * of("write units")?;
            booking.read_units += share * of("read units")?;
            booking.s3_puts += share * of("S3 puts")?;
            booking.invalidated_paths += share * of("invalidated paths")?;
            booking.log_bytes += share * of("log bytes")?;
            booking.busiest_index_writes += share * of("write units of the busiest index")?;
        }
        Some(booking)
    }

    /// The lowest first.
    pub(super) fn limits(&self, figures: &Figures) -> Vec<Limit> {
        let Some(booking) = self.booking(figures, Role::Function) else { return Vec::new() };
        let limit = |published: &PublishedLimit| {
            let used = match published.by {
                Use::Seconds => booking.seconds,
                Use::BusiestIndexWrites => booking.busiest_index_writes,
                Use::WriteUnits => booking.write_units,
                Use::InvalidatedPaths => booking.invalidated_paths,
                Use::S3Puts => booking.s3_puts,
            };
            let (what, then) = (published.what.clone(), published.then.clone());
            (used > 0.0).then(|| Limit { what, bookings_a_second: published.value / used, then })
        };
        let mut limits: Vec<Limit> = self.limits.iter().filter_map(limit).collect();
        limits.sort_by(|one, other| one.bookings_a_second.total_cmp(&other.bookings_a_second));
        limits
    }
}

fn alarms() -> usize {
    TEMPLATES.iter().map(|template| template.matches("Type: AWS::CloudWatch::Alarm").count()).sum()
}

impl Costs {
    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let Self { as_of, region, bookings, lines } = self;
        let roles: Vec<Role> = lines
            .iter()
            .flat_map(|(_, of)| of.keys().copied())
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect();
        writeln!(out, "\nA month of {bookings} bookings, dollars; {region}, prices of {as_of}: bench/prices.toml")?;
        write!(out, "{:<40}", "")?;
        roles.iter().try_for_each(|role| write!(out, "{:>12}", role.name()))?;
        writeln!(out)?;
        for (line, of) in lines {
            write!(out, "{line:<40}")?;
            roles.iter().try_for_each(|role| write!(out, "{:>12.4}", of.get(role).copied().unwrap_or_default()))?;
            writeln!(out)?;
        }
        let total = |role: &Role| lines.iter().filter_map(|(_, of)| of.get(role)).sum::<f64>();
        write!(out, "{:<40}", "together")?;
        roles.iter().try_for_each(|role| write!(out, "{:>12.4}", total(role)))?;
        write!(out, "\n{:<40}", "a booking, cents")?;
        roles.iter().try_for_each(|role| write!(out, "{:>12.4}", total(role) / bookings * 100.0))?;
        writeln!(out)
    }
}

impl Limit {
    pub(super) fn print_all(limits: &[Self], out: &mut impl Write) -> io::Result<()> {
        if limits.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nWhat gives way first, bookings a second")?;
        for Self { what, bookings_a_second, then } in limits {
            writeln!(out, "{:>10}  {what}: {then}", number(*bookings_a_second))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prices_can_be_read_and_the_alarms_counted() {
        let prices = Prices::read().expect("the file is in the repository");
        assert!(prices.month.bookings > 0.0 && !prices.limits.is_empty());
        for name in ["function", "python"] {
            assert!(prices.cold_share.contains_key(name) && prices.secrets.contains_key(name), "{name}");
        }
        assert_eq!(alarms(), 15);
    }
}
