//! How senders write texts, numbers, amounts, durations and times.

use jiff::{
    SignedDuration, Timestamp,
    fmt::strtime::{self, BrokenDownTime},
    tz::TimeZone,
};
use rust_decimal::Decimal;

use super::{
    form::{Form, Unit},
    text::decimal,
};
use crate::booking::{CharterDuration, TimeReading, read_local_time, read_time};

/// A whole number; `8.0` is 8.
pub(super) fn integer(text: &str) -> Option<u64> {
    let number = decimal(text)?;
    number.is_integer().then(|| u64::try_from(number).ok()).flatten()
}

/// Dollars.
pub(super) fn amount(text: &str, unit: Option<Unit>) -> Result<Decimal, String> {
    if unit == Some(Unit::Cents) {
        let cents =
            decimal(text).filter(Decimal::is_integer).ok_or("must be an amount in whole cents such as 84075")?;
        return Ok(cents / Decimal::ONE_HUNDRED);
    }
    let mut bare = text.trim();
    for mark in ["US$", "USD", "$"] {
        bare = bare.strip_prefix(mark).unwrap_or(bare).trim_start();
        bare = bare.strip_suffix(mark).unwrap_or(bare).trim_end();
    }
    decimal(bare).ok_or_else(|| "must be an amount such as \"840.75\"".into())
}

/// A number in the mapping's unit, or a text that names its own: `3 hours`, `2h 30m`, `PT3H`.
pub(super) fn duration(text: &str, unit: Option<Unit>) -> Result<CharterDuration, String> {
    let words = "must be how long it lasts, such as 3 or \"2 hours 30 minutes\"";
    let elapsed = match decimal(text) {
        Some(number) => {
            let seconds_each = match unit {
                Some(Unit::Hours) => 3_600,
                Some(Unit::Seconds) => 1,
                _ => 60,
            };
            let seconds = number.checked_mul(Decimal::from(seconds_each)).filter(Decimal::is_integer);
            SignedDuration::from_secs(seconds.and_then(|seconds| i64::try_from(seconds).ok()).ok_or(words)?)
        }
        None => text.to_ascii_lowercase().replace(" and ", " ").parse().map_err(|_unreadable| words.to_owned())?,
    };
    CharterDuration::try_from(elapsed).map_err(|error| error.to_string())
}

/// A time as the form says that it is written; a local one is in the zone that `zone` answers.
pub(super) fn time(text: &str, form: &Form, zone: impl FnOnce() -> TimeZone) -> Result<TimeReading, String> {
    let of_epoch = |instant: fn(i64) -> Result<Timestamp, jiff::Error>| {
        let number = decimal(text).filter(Decimal::is_integer).and_then(|number| i64::try_from(number).ok());
        let instant = number.and_then(|number| instant(number).ok()).ok_or("must be a Unix time in whole units")?;
        Ok(TimeReading { instant, ambiguous: false })
    };
    match (form.unit, &form.format) {
        (Some(Unit::UnixSeconds), _) => of_epoch(Timestamp::from_second),
        (Some(Unit::UnixMilliseconds), _) => of_epoch(Timestamp::from_millisecond),
        (_, Some(format)) => formatted(text, format, zone),
        _ => read_time(text, zone).map_err(|error| error.to_string()),
    }
}

fn formatted(text: &str, format: &str, zone: impl FnOnce() -> TimeZone) -> Result<TimeReading, String> {
    let malformed = || format!("must be a date and time written as {format:?}");
    let parts = strtime::parse(format, text).map_err(|_unreadable| malformed())?;
    if parts.offset().is_some() {
        let instant = parts.to_timestamp().map_err(|_unreadable| malformed())?;
        return Ok(TimeReading { instant, ambiguous: false });
    }
    let civil = parts.to_datetime().map_err(|_unreadable| malformed())?;
    read_local_time(civil, &zone()).map_err(|error| error.to_string())
}

/// Whether a format can say when something is: what it writes it must read again, to the minute.
pub(super) fn is_usable_format(format: &str) -> bool {
    let zone = TimeZone::get("America/Los_Angeles").expect("the bundled time zone database has it");
    let Ok(sample) = "2031-05-30T21:45:00Z".parse::<Timestamp>() else { return false };
    let sample = sample.to_zoned(zone);
    let Ok(written) = strtime::format(format, &sample) else { return false };
    let Ok(read) = BrokenDownTime::parse(format, &written) else { return false };
    read.hour().is_some() && read.minute().is_some() && read.to_datetime().is_ok_and(|read| read == sample.datetime())
}
