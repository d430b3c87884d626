//! How senders write texts, numbers, amounts, durations and times.

use jiff::{
    SignedDuration, Timestamp,
    fmt::strtime::{self, BrokenDownTime},
    tz::TimeZone,
};
use rust_decimal::Decimal;
use serde_json::Value;

use super::form::{Form, Unit};
use crate::booking::{CharterDuration, TimeReading, read_local_time, read_time};

const LONGEST_TEXT_CHARACTERS: usize = 10_000;

/// A text, or a number as it was written; trimmed, and absent when nothing is left. `{}` and `[]` are what converters from XML make of an
/// empty element.
pub(super) fn text_of(value: &Value) -> Result<Option<String>, String> {
    let text = match value {
        Value::Null => return Ok(None),
        Value::Object(object) if object.is_empty() => return Ok(None),
        Value::Array(list) if list.is_empty() => return Ok(None),
        Value::String(text) => printable(text),
        Value::Number(number) => number.to_string(),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => return Err("must be a text".into()),
    };
    if text.chars().count() > LONGEST_TEXT_CHARACTERS {
        return Err(format!("must be at most {LONGEST_TEXT_CHARACTERS} characters"));
    }
    Ok((!text.is_empty()).then_some(text))
}

/// A word that decides something; `true` and `false` are words, too.
pub(super) fn word_of(value: &Value) -> Result<Option<String>, String> {
    match value {
        Value::Bool(word) => Ok(Some(word.to_string())),
        value => text_of(value),
    }
}

/// Trimmed, and without control characters but ends of lines: they show nowhere, and take up much room where texts are stored.
pub(super) fn printable(text: &str) -> String {
    let printable = |character: char| if character.is_control() && character != '\n' { ' ' } else { character };
    let text: String = text.replace("\r\n", "\n").chars().map(printable).collect();
    text.trim().to_owned()
}

/// `840.75`, `1,840.75`, `8.4075e2`. A comma stands before three digits, or the number is written otherwise than we read it.
pub(super) fn decimal(text: &str) -> Option<Decimal> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    if whole.contains(',') {
        let mut groups = whole.trim_start_matches('-').split(',');
        let is_digits = |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
        let first = groups.next().is_some_and(|first| first.len() <= 3 && is_digits(first));
        let rest = groups.all(|group| group.len() == 3 && is_digits(group));
        if !first || !rest || fraction.is_some_and(|fraction| !is_digits(fraction)) {
            return None;
        }
    }
    if text.contains('_') || fraction.is_some_and(|fraction| fraction.contains(',')) {
        return None;
    }
    let plain = text.replace(',', "");
    plain.parse().ok().or_else(|| Decimal::from_scientific(&plain).ok())
}

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
