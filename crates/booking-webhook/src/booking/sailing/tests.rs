use jiff::{Zoned, tz::TimeZone};

use super::*;
use crate::booking::{Assigned, Sale, Terms};

const ONE_BOAT: &str =
    "[[boats]]\nid = \"qosd\"\nname = \"Queen of San Diego\"\nturnaround_minutes = 30\naliases = [\"QSD\"]\n";
const TWO_BOATS: &str = "[[boats]]\nid = \"qosd\"\nname = \"Queen of San Diego\"\nturnaround_minutes = 30\naliases = [\"QSD\"]\n\
                         [[boats]]\nid = \"queen\"\nname = \"Queen\"\n[[boats]]\nid = \"jada\"\nname = \"Jada\"\n";

fn operator(file: &str) -> Operator {
    toml::from_str(file).expect("valid")
}

fn pacific() -> TimeZone {
    TimeZone::get("America/Los_Angeles").expect("bundled")
}

fn at(civil: &str) -> Timestamp {
    format!("{civil}[America/Los_Angeles]").parse::<Zoned>().expect("a time").timestamp()
}

fn id(id: &str) -> BookingId {
    BookingId::parse(id).expect("an id")
}

/// The charter BS-1 on the Queen of San Diego with crew-1 and captain-1.
fn sailing(from: &str, minutes: u64, operator: &Operator) -> Booking {
    let person = |id: &str| PersonId::parse(id).expect("an id");
    let sale = Sale {
        start: at(from),
        duration: minutes.try_into().expect("a duration"),
        boat: BoatReference { id: "qosd".into(), name: String::new() },
        assigned: Assigned { crew: Some(vec![person("crew-1")]), captain: Some(person("captain-1")) },
        ..Sale::example()
    };
    let terms = Terms::resolve(&sale.boat, &sale.assigned, operator).expect("people are named");
    Booking::assemble(id("BS-1"), sale, terms, operator, CharterId::stored("544EK27M").expect("an id"))
}

/// A hold that somebody typed in.
fn hold(title: &str, from: &str, to: &str) -> Neighbour {
    Neighbour {
        booking_id: None,
        event_id: None,
        title: title.into(),
        from: at(from),
        to: at(to),
        all_day: false,
        crew: BTreeSet::new(),
        captain: None,
    }
}

fn ours(booking: &str, from: &str, to: &str) -> Neighbour {
    Neighbour {
        booking_id: Some(id(booking)),
        event_id: Some("XHQGMDH1".into()),
        ..hold("Jo · 4 · Queen of San Diego", from, to)
    }
}

fn with(crew: &[&str], captain: &str, entry: Neighbour) -> Neighbour {
    Neighbour { crew: crew.iter().map(|&id| id.to_owned()).collect(), captain: Some(captain.into()), ..entry }
}

fn known() -> BTreeMap<BookingId, KnownBooking> {
    let on = |boat: &str, sails| KnownBooking { boat: BoatReference { id: boat.into(), name: String::new() }, sails };
    [("BS-2", on("QSD", true)), ("BS-3", on("jada", true)), ("BS-4", on("qosd", false))]
        .map(|(it, known)| (id(it), known))
        .into()
}

fn found(booking: &Booking, entries: &[Neighbour], operator: &Operator) -> Vec<String> {
    let day = booking.charter.time.start().date();
    let overlaps = Sailing::of(booking).overlaps(entries, &known(), operator);
    overlaps.iter().map(|overlap| overlap.words(day, &pacific())).collect()
}

const TWO: &str = "2031-05-30T14:00";
const THREE: &str = "2031-05-30T15:00";
const FIVE: &str = "2031-05-30T17:00";
const SIX: &str = "2031-05-30T18:00";

/// From 2:00 to 5:00 PM, half an hour of turn-around.
#[test]
fn what_is_beside_a_charter_of_three_hours() {
    let operator = operator(TWO_BOATS);
    let booking = sailing(TWO, 180, &operator);
    let half_past = |hour: &str| format!("2031-05-30T{hour}:30");
    let [noon, half_past_one, half_past_five] = ["12", "13", "17"].map(half_past);
    let all_day = |title: &str, from: &str, to: &str| Neighbour { all_day: true, ..hold(title, from, to) };
    let rows: Vec<(Neighbour, &[&str])> = vec![
        (ours("BS-2", THREE, SIX), &["overlaps BS-2, same boat, 3:00–6:00 PM"]),
        (ours("BS-2", FIVE, SIX), &["overlaps BS-2, same boat, 5:00–6:00 PM"]),
        (ours("BS-2", &half_past_five, SIX), &[]),
        (ours("BS-2", &noon, &half_past_one), &[]),
        (ours("BS-2", &noon, "2031-05-30T13:31"), &["overlaps BS-2, same boat, 12:30–1:31 PM"]),
        (ours("BS-3", THREE, SIX), &[]),
        (ours("BS-4", THREE, SIX), &[]),
        (ours("BS-9", THREE, SIX), &["overlaps \"Jo · 4 · Queen of San Diego\", same boat, 3:00–6:00 PM"]),
        (Neighbour { event_id: Some("544EK27M".into()), ..ours("BS-2", THREE, SIX) }, &[]),
        (ours("BS-1", THREE, SIX), &[]),
        (with(&["crew-1"], "captain-2", ours("BS-3", THREE, SIX)), &["overlaps BS-3, crew-1 on both, 3:00–6:00 PM"]),
        (with(&[], "captain-1", ours("BS-3", THREE, SIX)), &["overlaps BS-3, same captain, 3:00–6:00 PM"]),
        (
            with(&["captain-1"], "crew-1", ours("BS-3", THREE, SIX)),
            &["overlaps BS-3, captain-1 and crew-1 on both, 3:00–6:00 PM"],
        ),
        (with(&["crew-1"], "captain-1", ours("BS-3", FIVE, SIX)), &[]),
        (with(&["crew-1"], "captain-1", ours("BS-4", THREE, SIX)), &[]),
        (with(&[], "captain-1", ours("BS-2", FIVE, SIX)), &["overlaps BS-2, same boat, 5:00–6:00 PM"]),
        (
            hold("GetMyBoat: queen of san diego", THREE, SIX),
            &["overlaps \"GetMyBoat: queen of san diego\", same boat, 3:00–6:00 PM"],
        ),
        (hold("Haul-out QSD", THREE, SIX), &["overlaps \"Haul-out QSD\", same boat, 3:00–6:00 PM"]),
        (hold("Queen to the yard", THREE, SIX), &[]),
        (
            hold("Jada, Queen of San Diego: raft-up", THREE, SIX),
            &["overlaps \"Jada, Queen of San Diego: raft-up\", same boat, 3:00–6:00 PM"],
        ),
        (hold("Jadas birthday", THREE, SIX), &["may overlap \"Jadas birthday\", which names no boat, 3:00–6:00 PM"]),
        (hold("Dock closed", FIVE, SIX), &["may overlap \"Dock closed\", which names no boat, 5:00–6:00 PM"]),
        (
            all_day("Survey QSD", "2031-05-30T00:00", "2031-05-31T00:00"),
            &["overlaps \"Survey QSD\", same boat, all day"],
        ),
        (all_day("Survey QSD", "2031-05-31T00:00", "2031-06-01T00:00"), &[]),
        (
            hold("QSD to Catalina", "2031-05-29T09:00", "2031-05-31T12:00"),
            &["overlaps \"QSD to Catalina\", same boat, Thu 9:00 AM–Sat 12:00 PM"],
        ),
    ];
    for (entry, expected) in rows {
        assert_eq!(found(&booking, std::slice::from_ref(&entry), &operator), expected, "{entry:?}");
    }
}

#[test]
fn an_unnamed_boat_is_the_only_one_there_is() {
    let dock = hold("Dock closed", THREE, SIX);
    for (file, expected) in [
        (ONE_BOAT, "overlaps \"Dock closed\", same boat, 3:00–6:00 PM"),
        (TWO_BOATS, "may overlap \"Dock closed\", which names no boat, 3:00–6:00 PM"),
        ("", "may overlap \"Dock closed\", which names no boat, 3:00–6:00 PM"),
    ] {
        let operator = operator(file);
        assert_eq!(found(&sailing(TWO, 180, &operator), std::slice::from_ref(&dock), &operator), [expected], "{file}");
    }
}

#[test]
fn each_is_named_once_the_earliest_first() {
    let operator = operator(ONE_BOAT);
    let booking = sailing(TWO, 180, &operator);
    let both = [ours("BS-2", THREE, SIX), hold("Hold", "2031-05-30T13:00", THREE), ours("BS-2", THREE, SIX)];
    assert_eq!(
        found(&booking, &both, &operator),
        ["overlaps \"Hold\", same boat, 1:00–3:00 PM", "overlaps BS-2, same boat, 3:00–6:00 PM"]
    );
}

/// The days that are read, and what stands on the far one of them.
#[test]
fn midnight_days_and_clock_changes() {
    let operator = operator(ONE_BOAT);
    let days = |from: &str, minutes: u64| -> Vec<String> {
        Sailing::of(&sailing(from, minutes, &operator)).days().iter().map(ToString::to_string).collect()
    };
    assert_eq!(days(TWO, 180), ["2031-05-30"]);
    assert_eq!(days("2031-05-30T00:29", 60), ["2031-05-29", "2031-05-30"]);
    assert_eq!(days("2031-05-30T20:30", 180), ["2031-05-30"], "until midnight with the turn-around");
    assert_eq!(days("2031-05-30T20:31", 180), ["2031-05-30", "2031-05-31"]);
    assert_eq!(days("2031-05-30T22:00", 2 * 24 * 60), ["2031-05-30", "2031-05-31", "2031-06-01"]);
    // 9 March 2031, 2:00 AM is 3:00 AM; 2 November, 2:00 AM comes twice: three hours are three hours.
    for (from, other, expected) in [
        ("2031-03-08T23:00", hold("Hold", "2031-03-09T03:15", "2031-03-09T05:00"), "Sun 9 Mar 3:15–5:00 AM"),
        ("2031-11-01T23:00", hold("Hold", "2031-11-02T01:15", "2031-11-02T05:00"), "Sun 2 Nov 1:15 AM–5:00 AM"),
    ] {
        let booking = sailing(from, 180, &operator);
        assert_eq!(
            found(&booking, &[other], &operator),
            [format!("overlaps \"Hold\", same boat, {expected}")],
            "{from}"
        );
    }
    let spring = sailing("2031-03-08T23:00", 180, &operator);
    let after = hold("Hold", "2031-03-09T03:30", "2031-03-09T05:00");
    assert_eq!(found(&spring, &[after], &operator), [""; 0], "it ends at 3:00 AM, which is two hours after 1:00 AM");
}

#[test]
fn a_long_title_is_cut_and_stays_one_line() {
    let operator = operator(ONE_BOAT);
    let title = format!("a\nb {}", "x".repeat(100));
    let words = found(&sailing(TWO, 180, &operator), &[hold(&title, THREE, SIX)], &operator).remove(0);
    assert!(words.contains("…\", same boat") && !words.contains('\n') && words.chars().count() < 110, "{words}");
}
