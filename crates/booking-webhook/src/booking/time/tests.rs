use super::*;

fn pacific() -> TimeZone {
    TimeZone::get("America/Los_Angeles").expect("bundled")
}

fn reading(text: &str) -> Result<(String, bool), TimeError> {
    read_time(text, pacific).map(|time| (time.instant.to_string(), time.ambiguous))
}

#[test]
fn a_time_is_read_in_its_own_zone_else_the_operators() {
    let instant = |text: &str, ambiguous| Ok((text.to_owned(), ambiguous));
    for (text, expected) in [
        ("2025-05-30T14:00:00-07:00", instant("2025-05-30T21:00:00Z", false)),
        ("2025-05-30T21:00:00Z", instant("2025-05-30T21:00:00Z", false)),
        ("2025-05-30T14:00:00", instant("2025-05-30T21:00:00Z", false)),
        ("2025-05-30T14:00", instant("2025-05-30T21:00:00Z", false)),
        ("2025-12-30T14:00", instant("2025-12-30T22:00:00Z", false)),
        ("2025-05-30T17:00[America/New_York]", instant("2025-05-30T21:00:00Z", false)),
        // 2 November 2025, 1:30 happens twice; the first is Pacific Daylight Time.
        ("2025-11-02T01:30:00", instant("2025-11-02T08:30:00Z", true)),
        ("2025-11-02T01:30:00-08:00", instant("2025-11-02T09:30:00Z", false)),
        // 9 March 2025, 2:30 never happens, unless the sender says which instant it means.
        ("2025-03-09T02:30:00", Err(TimeError::Nonexistent { zone: "America/Los_Angeles".into() })),
        ("2025-03-09T02:30:00-08:00", instant("2025-03-09T10:30:00Z", false)),
        ("2025-05-30", Err(TimeError::Malformed)),
        ("next Friday", Err(TimeError::Malformed)),
        ("2025-05-30T14:00[Mars/Olympus]", Err(TimeError::Malformed)),
    ] {
        assert_eq!(reading(text), expected, "{text}");
    }
}

fn charter(start: &str, minutes: u64) -> CharterTime {
    let instant = read_time(start, pacific).expect("valid").instant;
    CharterTime::lasting(instant.to_zoned(pacific()), CharterDuration::try_from(minutes).expect("valid"))
}

#[test]
fn a_charter_over_a_clock_change_lasts_as_long_as_it_was_sold() {
    let autumn = charter("2025-11-02T00:30:00", 180);
    assert_eq!(rfc3339(autumn.end()), "2025-11-02T02:30:00-08:00");
    assert_eq!(autumn.duration_minutes(), 180);
    let spring = charter("2025-03-09T01:30:00", 60);
    assert_eq!(rfc3339(spring.end()), "2025-03-09T03:30:00-07:00");
    assert_eq!(rfc3339(&spring.report_at()), "2025-03-09T00:30:00-08:00");
}

#[test]
fn spans_name_the_day_where_it_could_be_another() {
    let nbsp = |text: &str| text.replace("~", "\u{a0}");
    for (start, minutes, english, spanish) in [
        ("2025-05-30T14:00:00", 180, "2:00–5:00 PM", "2:00–5:00 p.~m."),
        ("2025-05-30T10:30:00", 180, "10:30 AM–1:30 PM", "10:30 a.~m.–1:30 p.~m."),
        ("2025-05-30T08:00:00", 180, "8:00–11:00 AM", "8:00–11:00 a.~m."),
        ("2025-05-30T09:00:00", 180, "9:00 AM–12:00 PM", "9:00 a.~m.–12:00 p.~m."),
        ("2025-05-30T12:00:00", 180, "12:00–3:00 PM", "12:00–3:00 p.~m."),
        ("2025-05-30T22:00:00", 180, "Fri 10:00 PM–Sat 1:00 AM", "vie 10:00 p.~m.–sáb 1:00 a.~m."),
        ("2025-05-30T21:00:00", 1_440, "Fri 9:00 PM–Sat 9:00 PM", "vie 9:00 p.~m.–sáb 9:00 p.~m."),
        (
            "2025-05-30T21:00:00",
            10_080,
            "Fri 30 May 9:00 PM–Fri 6 Jun 9:00 PM",
            "vie 30 may 9:00 p.~m.–vie 6 jun 9:00 p.~m.",
        ),
        // The clocks go back: without both halves, 1:30 to 1:30 would be no time at all.
        ("2025-11-02T01:30:00", 60, "1:30 AM–1:30 AM", "1:30 a.~m.–1:30 a.~m."),
    ] {
        let time = charter(start, minutes);
        assert_eq!(span(time.start(), time.end(), Language::English), english);
        assert_eq!(span(time.start(), time.end(), Language::Spanish), nbsp(spanish));
    }
}

#[test]
fn crew_hours_never_stand_without_their_day() {
    for (start, minutes, expected) in [
        ("2025-05-30T14:00:00", 180, "Report Fri 30 May 1:00 PM, released 6:00 PM"),
        ("2027-05-28T00:15:00", 180, "Report Thu 27 May 11:15 PM, released Fri 4:15 AM"),
        ("2025-05-30T20:30:00", 180, "Report Fri 30 May 7:30 PM, released Sat 12:30 AM"),
        ("2025-05-30T21:00:00", 10_080, "Report Fri 30 May 8:00 PM, released Fri 6 Jun 10:00 PM"),
    ] {
        assert_eq!(charter(start, minutes).crew_hours(), expected);
    }
}

#[test]
fn days_are_said_in_both_languages() {
    let time = charter("2027-05-27T14:00:00", 60);
    assert_eq!(day_of(time.start(), Language::English), "Thursday, May 27, 2027");
    assert_eq!(day_of(time.start(), Language::Spanish), "jueves, 27 de mayo de 2027");
}

#[test]
fn durations_last_a_quarter_of_an_hour_to_a_week() {
    for minutes in [15, 180, 10_080] {
        assert_eq!(CharterDuration::try_from(minutes).map(u64::from), Ok(minutes));
    }
    for minutes in [0, 14, 10_081, u64::from(u16::MAX) + 61, u64::MAX] {
        assert_eq!(CharterDuration::try_from(minutes), Err(TimeError::Duration), "{minutes}");
    }
    for elapsed in [-3_600, 0, 899, 3_601, 604_860, i64::MIN, i64::MAX] {
        let elapsed = SignedDuration::from_secs(elapsed);
        assert_eq!(CharterDuration::try_from(elapsed), Err(TimeError::Duration), "{elapsed}");
    }
}

#[test]
fn a_charter_at_the_end_of_time_does_not_break_the_clock() {
    for start in [Timestamp::MIN, Timestamp::MAX] {
        let week = CharterDuration::try_from(10_080).expect("valid");
        let time = CharterTime::lasting(start.to_zoned(pacific()), week);
        assert!(time.report_at() <= time.released_at());
    }
}
