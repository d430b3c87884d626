//! When a charter sails, on the dock's own clock.
//!
//! Captain, crew and guest stand on the same dock, so every time is shown in the operator's zone, not in the zone the
//! sender wrote. A sender's naive time is read in the zone that it names, else in the operator's. Source: `docs/decisions.md`, "Time".

use jiff::{
    SignedDuration, Timestamp, Zoned,
    civil::DateTime,
    fmt::temporal::Pieces,
    tz::{AmbiguousOffset, TimeZone},
};
use serde::{Deserialize, Serialize};

use super::Language;

/// Crew report this long before the start and are released this long after the end; they are paid for all of it.
pub(super) const CREW_MARGIN: SignedDuration = SignedDuration::from_hours(1);

const SHORTEST_MINUTES: u16 = 15;
const LONGEST_MINUTES: u16 = 7 * 24 * 60;

/// Why a charter has no such time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not a date with a time of day.
    #[error("must be a date and time such as 2025-05-30T14:00:00-07:00")]
    Malformed,
    /// The clocks were put forward over it.
    #[error("this local time does not exist in {zone}: the clocks go forward over it; send it with an offset")]
    Nonexistent {
        /// The zone in which it was read.
        zone: String,
    },
    /// Shorter than a quarter of an hour, longer than a week, or ending before it starts.
    #[error("a charter lasts from {SHORTEST_MINUTES} to {LONGEST_MINUTES} whole minutes")]
    Duration,
}

/// A time as it was read, and whether the reading had to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TimeReading {
    /// The instant that was meant.
    pub(crate) instant: Timestamp,
    /// The local time happened twice that day (the clocks go back) and the first was taken.
    pub(crate) ambiguous: bool,
}

/// Reads a date and time: its own offset or zone if it has one, else as a local time in `zone`, which is asked for only then.
///
/// # Errors
/// [`TimeError::Malformed`], or [`TimeError::Nonexistent`] for a local time that the clocks skip.
pub(crate) fn read_time(text: &str, zone: impl FnOnce() -> TimeZone) -> Result<TimeReading, TimeError> {
    let Ok(pieces) = Pieces::parse(text) else { return Err(TimeError::Malformed) };
    let Some(time) = pieces.time() else { return Err(TimeError::Malformed) };
    let civil = pieces.date().to_datetime(time);
    if let Some(offset) = pieces.to_numeric_offset() {
        let Ok(instant) = offset.to_timestamp(civil) else { return Err(TimeError::Malformed) };
        return Ok(TimeReading { instant, ambiguous: false });
    }
    let Ok(annotated) = pieces.to_time_zone() else { return Err(TimeError::Malformed) };
    let zone = annotated.unwrap_or_else(zone);
    read_local_time(civil, &zone)
}

/// Reads what the clocks of a zone show.
///
/// # Errors
/// [`TimeError::Nonexistent`] for what they skip.
pub(crate) fn read_local_time(civil: DateTime, zone: &TimeZone) -> Result<TimeReading, TimeError> {
    let local = zone.to_ambiguous_timestamp(civil);
    let ambiguous = match local.offset() {
        AmbiguousOffset::Unambiguous { .. } => false,
        AmbiguousOffset::Fold { .. } => true,
        AmbiguousOffset::Gap { .. } => {
            return Err(TimeError::Nonexistent { zone: zone.iana_name().unwrap_or("the stated zone").to_owned() });
        }
    };
    let Ok(instant) = local.earlier() else { return Err(TimeError::Malformed) };
    Ok(TimeReading { instant, ambiguous })
}

/// How long a charter lasts: whole minutes, from a quarter of an hour to a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct CharterDuration(u16);

impl TryFrom<u64> for CharterDuration {
    type Error = TimeError;

    fn try_from(minutes: u64) -> Result<Self, TimeError> {
        match u16::try_from(minutes) {
            Ok(minutes) if (SHORTEST_MINUTES..=LONGEST_MINUTES).contains(&minutes) => Ok(Self(minutes)),
            _ => Err(TimeError::Duration),
        }
    }
}

impl TryFrom<SignedDuration> for CharterDuration {
    type Error = TimeError;

    fn try_from(elapsed: SignedDuration) -> Result<Self, TimeError> {
        match u64::try_from(elapsed.as_mins()) {
            Ok(minutes) if elapsed == SignedDuration::from_mins(elapsed.as_mins()) => Self::try_from(minutes),
            _ => Err(TimeError::Duration),
        }
    }
}

impl From<CharterDuration> for u64 {
    fn from(duration: CharterDuration) -> Self {
        duration.0.into()
    }
}

/// A charter's start and end, in the operator's zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CharterTime {
    start: Zoned,
    end: Zoned,
}

impl CharterTime {
    /// `start` plus this much elapsed time, across clock changes.
    pub(crate) fn lasting(start: Zoned, duration: CharterDuration) -> Self {
        let end = start.saturating_add(SignedDuration::from_mins(duration.0.into()));
        Self { start, end }
    }

    /// When the charter starts, in the operator's zone.
    pub fn start(&self) -> &Zoned {
        &self.start
    }

    /// When the charter ends, in the operator's zone.
    pub fn end(&self) -> &Zoned {
        &self.end
    }

    /// Elapsed whole minutes.
    pub(crate) fn duration_minutes(&self) -> i64 {
        self.start.duration_until(&self.end).as_mins()
    }

    /// When crew report: one hour before the start.
    pub(crate) fn report_at(&self) -> Zoned {
        self.start.saturating_sub(CREW_MARGIN)
    }

    /// `Report Thu 27 May 11:15 PM, released Fri 4:15 AM`.
    pub(crate) fn crew_hours(&self) -> String {
        let (report, release) = (self.report_at(), self.released_at());
        let (english, day) = (Language::English, short_day(&report, Language::English));
        format!("Report {day} {}, released {}", clock(&report), clock_on(&report, &release, english))
    }

    /// When crew are released: one hour after the end.
    pub(crate) fn released_at(&self) -> Zoned {
        self.end.saturating_add(CREW_MARGIN)
    }
}

/// Another time this near is named by its weekday; a week later the weekday is the same.
const WEEKDAY_TELLS_DAYS: i32 = 6;

const WEEKDAYS_ES: [&str; 7] = ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"];
const MONTHS_ES: [&str; 12] = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
];

/// `2:00 PM`.
pub(crate) fn clock(time: &Zoned) -> String {
    clock_in(time, Language::English)
}

/// `2:00 PM`, `2:00 p. m.`.
fn clock_in(time: &Zoned, language: Language) -> String {
    format!("{} {}", time.strftime("%-I:%M"), half(time, language))
}

fn half(time: &Zoned, language: Language) -> &'static str {
    match (language, time.hour() < 12) {
        (Language::English, true) => "AM",
        (Language::English, false) => "PM",
        (Language::Spanish, true) => "a.\u{a0}m.",
        (Language::Spanish, false) => "p.\u{a0}m.",
    }
}

/// A time beside another one that stands with its day: `4:15 AM` on that day, `Fri 4:15 AM` in the days around it, else
/// `Fri 4 Jun 4:15 AM`.
pub(crate) fn clock_on(said: &Zoned, time: &Zoned, language: Language) -> String {
    let days = said.date().until(time.date()).map_or(i32::MAX, |span| span.get_days().abs());
    let clock = clock_in(time, language);
    match days {
        0 => clock,
        1..=WEEKDAY_TELLS_DAYS => format!("{} {clock}", weekday(time, language)),
        _ => format!("{} {clock}", short_day(time, language)),
    }
}

/// `Thu 27 May`, `jue 27 may`.
pub(crate) fn short_day(time: &Zoned, language: Language) -> String {
    match language {
        Language::English => time.strftime("%a %-d %b").to_string(),
        Language::Spanish => {
            let month: String = month_es(time).chars().take(3).collect();
            format!("{} {} {month}", weekday(time, language), time.day())
        }
    }
}

/// `Thursday, May 27, 2027`, `jueves, 27 de mayo de 2027`.
pub(crate) fn day_of(time: &Zoned, language: Language) -> String {
    match language {
        Language::English => time.strftime("%A, %B %-d, %Y").to_string(),
        Language::Spanish => {
            format!("{}, {} de {} de {}", weekday_es(time), time.day(), month_es(time), time.year())
        }
    }
}

/// From `start` to `end` for a reader who knows the day of the start: `2:00–5:00 PM`, `9:00 AM–12:00 PM`. When the end is on another day,
/// both have theirs: `Fri 10:00 PM–Sat 1:00 AM`, `Fri 30 May 9:00 PM–Fri 6 Jun 9:00 PM`.
pub fn span(start: &Zoned, end: &Zoned, language: Language) -> String {
    if start.date() == end.date() {
        let same_half = (start.hour() < 12) == (end.hour() < 12);
        let same_zone = start.offset() == end.offset();
        let first = start.strftime("%-I:%M").to_string();
        let first = if same_half && same_zone { first } else { clock_in(start, language) };
        return format!("{first}–{}", clock_in(end, language));
    }
    format!("{}–{}", clock_on(end, start, language), clock_on(start, end, language))
}

fn weekday(time: &Zoned, language: Language) -> String {
    match language {
        Language::English => time.strftime("%a").to_string(),
        Language::Spanish => weekday_es(time).chars().take(3).collect(),
    }
}

fn weekday_es(time: &Zoned) -> &'static str {
    WEEKDAYS_ES[usize::try_from(time.weekday().to_monday_zero_offset()).expect("weekdays are 0 to 6")]
}

fn month_es(time: &Zoned) -> &'static str {
    MONTHS_ES[usize::try_from(time.month() - 1).expect("months are 1 to 12")]
}

/// RFC 3339 with the local offset and no zone annotation: `2025-05-30T14:00:00-07:00`.
pub(crate) fn rfc3339(time: &Zoned) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

#[cfg(test)]
mod tests;
