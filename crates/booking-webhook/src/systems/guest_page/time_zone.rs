//! The dock's zone in a calendar file: local times, and the rules to read them by (RFC 5545, `VTIMEZONE`).
//!
//! A time in UTC would be the same instant today. But a charter is agreed in the dock's local time: should the law on daylight-saving
//! time change between the booking and the day, 2 PM stays 2 PM. Calendars also show a zone that they are told, which matters to guests
//! who come from another one. No library that we could link writes a `VTIMEZONE`, so this one is made from the time zone database: as
//! many changes of the clock as one charter needs, with the rule by which each comes again.

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp, Zoned, civil::DateTime, tz::TimeZone};

/// A fourth Sunday is a last one in most years, but not in so many.
const YEARS_OF_PROOF: usize = 7;

/// How one calendar file writes its times.
pub(super) struct FileZone<'a> {
    time_zone: &'a TimeZone,
    /// `None`: in UTC.
    name: Option<&'a str>,
}

impl<'a> FileZone<'a> {
    /// In the zone of these times. In UTC if the zone has no name, or if one of the times is local to its second passing on the night that
    /// the clocks go back: a calendar would read the first.
    pub(super) fn for_times(times: [&'a Zoned; 2]) -> Self {
        let time_zone = times[0].time_zone();
        let is_read_back = |time: &&Zoned| {
            let read = time_zone.to_ambiguous_timestamp(time.datetime()).earlier();
            read.is_ok_and(|instant| instant == time.timestamp())
        };
        let name = time_zone.iana_name().filter(|name| *name != "UTC" && times.iter().all(is_read_back));
        Self { time_zone, name }
    }

    /// The parameter and value of a property such as `DTSTART`: `;TZID=America/Los_Angeles` and `20250530T140000`.
    pub(super) fn write(&self, time: &Zoned) -> (Option<&'a str>, String) {
        match self.name {
            Some(name) => (Some(name), time.strftime("%Y%m%dT%H%M%S").to_string()),
            None => (None, utc(time.timestamp())),
        }
    }

    /// The whole `VTIMEZONE` for times from `start` to `end`; nothing when they are in UTC.
    pub(super) fn definition(&self, start: &Zoned, end: &Zoned) -> String {
        let Some(name) = self.name else { return String::new() };
        let mut lines = format!("BEGIN:VTIMEZONE\r\nTZID:{name}\r\n");
        for observance in self.observances(start.timestamp(), end.timestamp()) {
            observance.write_to(&mut lines);
        }
        lines + "END:VTIMEZONE\r\n"
    }

    /// What the clocks show at `start`, and each change until `end`; at least one change, because there are readers that want the other
    /// half of the year in every definition.
    fn observances(&self, start: Timestamp, end: Timestamp) -> Vec<Observance> {
        // `preceding` leaves out a change at `start` itself.
        let at_start = start.saturating_add(SignedDuration::from_nanos(1)).unwrap_or(start);
        let first =
            self.time_zone.preceding(at_start).next().map_or(Timestamp::UNIX_EPOCH, |change| change.timestamp());
        let later = self.time_zone.following(start).map(|change| change.timestamp()).enumerate();
        let later = later.take_while(|(index, onset)| *index == 0 || *onset <= end).map(|(_, onset)| onset);
        std::iter::once(first).chain(later).map(|onset| Observance::beginning(onset, self.time_zone)).collect()
    }
}

/// What the clocks show from one moment on.
struct Observance {
    kind: &'static str,
    /// The moment, on the clocks of the time before it.
    onset: Zoned,
    before: Zoned,
    after: Zoned,
    /// How it comes again every year, if it does. RFC 5545 needs none for one charter, but Outlook knows no other changes.
    rule: Option<String>,
}

impl Observance {
    fn beginning(onset: Timestamp, time_zone: &TimeZone) -> Self {
        let after = onset.to_zoned(time_zone.clone());
        let before = (onset - SignedDuration::from_secs(1)).to_zoned(time_zone.clone());
        let kind = if time_zone.to_offset_info(onset).dst().is_dst() { "DAYLIGHT" } else { "STANDARD" };
        let rule = yearly_rule(onset, time_zone);
        Self { kind, onset: onset.to_zoned(TimeZone::fixed(before.offset())), before, after, rule }
    }

    fn write_to(&self, lines: &mut String) {
        let Self { kind, onset, before, after, rule } = self;
        let rule = rule.as_ref().map(|rule| format!("RRULE:{rule}\r\n")).unwrap_or_default();
        write!(
            lines,
            "BEGIN:{kind}\r\nDTSTART:{}\r\n{rule}TZOFFSETFROM:{}\r\nTZOFFSETTO:{}\r\nTZNAME:{}\r\nEND:{kind}\r\n",
            onset.strftime("%Y%m%dT%H%M%S"),
            before.strftime("%z"),
            after.strftime("%z"),
            after.strftime("%Z"),
        )
        .expect("a text takes every line");
    }
}

/// `FREQ=YEARLY;BYMONTH=3;BYDAY=2SU`, if the same change comes on that day of each of the next years, at the same local time.
fn yearly_rule(onset: Timestamp, time_zone: &TimeZone) -> Option<String> {
    let on_the_clocks_before =
        |onset: Timestamp| time_zone.to_offset(onset - SignedDuration::from_secs(1)).to_datetime(onset);
    let first = on_the_clocks_before(onset);
    // Every second change is the other one.
    let again = time_zone.following(onset).skip(1).step_by(2).take(YEARS_OF_PROOF);
    let again: Vec<DateTime> = again.map(|change| on_the_clocks_before(change.timestamp())).collect();
    let is_rule = |nth: &i8| {
        let mut years = again.iter().zip(first.year() + 1..);
        again.len() == YEARS_OF_PROOF
            && years.all(|(change, year)| {
                let month = first.date().with().year(year).day(1).build();
                let day = month.and_then(|month| month.nth_weekday_of_month(*nth, first.weekday()));
                change.time() == first.time() && day.is_ok_and(|day| day == change.date())
            })
    };
    let nth = [(first.day() + 6) / 7, -1].into_iter().find(is_rule)?;
    let weekday = first.strftime("%a").to_string()[..2].to_uppercase();
    Some(format!("FREQ=YEARLY;BYMONTH={};BYDAY={nth}{weekday}", first.month()))
}

/// `20250530T210000Z`.
pub(super) fn utc(instant: Timestamp) -> String {
    instant.strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Zoned {
        text.parse().expect("valid")
    }

    /// How the file says the first time, and the changes that it defines: what, when on the clocks before, from which offset to which.
    #[track_caller]
    fn check(start: &str, end: &str, said: &str, defined: &[&str]) {
        let (start, end) = (at(start), at(end));
        let zone = FileZone::for_times([&start, &end]);
        let (name, value) = zone.write(&start);
        assert_eq!(name.map_or(value.clone(), |name| format!("{name} {value}")), said);
        let definition = zone.definition(&start, &end).replace("\r\n", " ");
        let value = |part: &str, key: &str| {
            let value = part.split(' ').find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
            value.map(str::to_owned).unwrap_or_default()
        };
        let keys = ["DTSTART", "TZOFFSETFROM", "TZOFFSETTO", "TZNAME", "RRULE"];
        let parts = definition.split("BEGIN:").filter(|part| part.contains("TZOFFSETTO"));
        let changes: Vec<String> = parts
            .map(|part| {
                part.split(' ').next().unwrap_or_default().to_owned()
                    + " "
                    + &keys.map(|key| value(part, key)).join(" ")
            })
            .collect();
        assert_eq!(changes, defined, "{definition}");
    }

    #[test]
    fn a_file_defines_the_clocks_of_its_own_charter() {
        let spring = "DAYLIGHT 20250309T020000 -0800 -0700 PDT FREQ=YEARLY;BYMONTH=3;BYDAY=2SU";
        let autumn = "STANDARD 20251102T020000 -0700 -0800 PST FREQ=YEARLY;BYMONTH=11;BYDAY=1SU";
        check(
            "2025-05-30T14:00:00[America/Los_Angeles]",
            "2025-05-30T17:00:00[America/Los_Angeles]",
            "America/Los_Angeles 20250530T140000",
            &[spring, autumn],
        );
        check(
            "2025-11-02T00:30:00[America/Los_Angeles]",
            "2025-11-02T02:30:00[America/Los_Angeles]",
            "America/Los_Angeles 20251102T003000",
            &[spring, autumn],
        );
        check(
            "2025-03-09T03:00:00[America/Los_Angeles]",
            "2025-03-09T05:00:00[America/Los_Angeles]",
            "America/Los_Angeles 20250309T030000",
            &[spring, autumn],
        );
        check(
            "2025-12-30T14:00:00[America/Los_Angeles]",
            "2025-12-30T17:00:00[America/Los_Angeles]",
            "America/Los_Angeles 20251230T140000",
            &[autumn, "DAYLIGHT 20260308T020000 -0800 -0700 PDT FREQ=YEARLY;BYMONTH=3;BYDAY=2SU"],
        );
    }

    #[test]
    fn a_last_sunday_is_no_fourth_one() {
        check(
            "2027-05-30T14:00:00[Europe/Lisbon]",
            "2027-05-30T17:00:00[Europe/Lisbon]",
            "Europe/Lisbon 20270530T140000",
            &[
                "DAYLIGHT 20270328T010000 +0000 +0100 WEST FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
                "STANDARD 20271031T020000 +0100 +0000 WET FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
            ],
        );
    }

    #[test]
    fn a_zone_whose_clocks_stay_has_one_rule() {
        check(
            "2025-05-30T14:00:00[America/Phoenix]",
            "2025-05-30T17:00:00[America/Phoenix]",
            "America/Phoenix 20250530T140000",
            &["STANDARD 19671029T020000 -0600 -0700 MST "],
        );
    }

    #[test]
    fn a_local_time_in_its_second_passing_is_written_in_utc() {
        check(
            "2025-11-02T01:30:00-08:00[America/Los_Angeles]",
            "2025-11-02T04:30:00[America/Los_Angeles]",
            "20251102T093000Z",
            &[],
        );
        check(
            "2025-11-01T23:30:00[America/Los_Angeles]",
            "2025-11-02T01:30:00-08:00[America/Los_Angeles]",
            "20251102T063000Z",
            &[],
        );
        check("2025-05-30T14:00:00[UTC]", "2025-05-30T17:00:00[UTC]", "20250530T140000Z", &[]);
    }

    #[test]
    fn the_end_of_time_has_a_file_too() {
        let pacific = TimeZone::get("America/Los_Angeles").expect("bundled");
        for instant in [Timestamp::MIN, Timestamp::MAX] {
            let time = instant.to_zoned(pacific.clone());
            assert!(!FileZone::for_times([&time, &time]).definition(&time, &time).is_empty());
        }
    }
}
