use jiff::Timestamp;

use super::*;
use crate::{
    booking::{Assigned, BookingId, CharterId, Sale},
    ledger::{Decision, Journal, Known},
};

fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// A booking that was decided once: it is confirmed, or cancelled.
fn record(confirmed: bool) -> BookingRecord {
    let booking_id = BookingId::parse("BS-1048812").expect("valid");
    let charter_id = CharterId::derive(b"link-key", &booking_id);
    let status = if confirmed { BookingStatus::Confirmed } else { BookingStatus::Cancelled };
    let at = instant("2031-05-20T18:00:00Z");
    let decision = Decision { status, version: None, seq: 1, at, recorded_at: at };
    let sale = Some(Sale::example());
    BookingRecord { decision: Some(decision), sale, seq: 1, ..BookingRecord::new(booking_id, charter_id, status) }
}

fn shown_at(start: &str) -> Journal {
    let page = ShownPage {
        key: "g/89B1THZR.html".into(),
        content: None,
        start: instant(start),
        moved: None,
        sequence: 0,
        changed_at: instant(start),
    };
    Journal { guest_page: Known { shown: Some(page), ..Known::default() }, ..Journal::default() }
}

fn named(desired: &DesiredState) -> String {
    match desired {
        DesiredState::NeedsDecision(needs_decision) => needs_decision.why.to_string(),
        other => other.name().to_owned(),
    }
}

#[test]
fn each_guard_rail_asks_a_person() {
    let (again, late) = (&*NeedsDecision::CONFIRMED_AGAIN.why, &*NeedsDecision::CANCELLED_TOO_LATE.why);
    let (before, start, after) = ("2031-05-30T20:59:59Z", "2031-05-30T21:00:00Z", "2031-05-30T21:00:01Z");
    for (confirmed, cancelled_at, approved, expected) in [
        (true, None, false, "confirmed"),
        (true, None, true, "confirmed"),
        (true, Some(before), false, again),
        (true, Some(before), true, "confirmed"),
        (false, None, false, "cancelled"),
        (false, Some(before), false, "cancelled"),
        (false, Some(start), false, late),
        (false, Some(after), false, late),
        (false, Some(after), true, "cancelled"),
    ] {
        let record = BookingRecord { cancelled_at: cancelled_at.map(instant), approved, ..record(confirmed) };
        let desired = DesiredState::of(&record, &Operator::default(), false);
        assert_eq!(
            named(&desired),
            expected,
            "confirmed: {confirmed}, cancelled: {cancelled_at:?}, approved: {approved}"
        );
        let is_clear = ["confirmed", "cancelled"].contains(&expected);
        assert_eq!(desired.booking().is_some(), is_clear, "what was sold is known when nobody needs to decide");
    }
}

#[test]
fn nothing_is_wanted_of_what_was_never_sold() {
    for record in [
        BookingRecord { decision: None, ..record(true) },
        BookingRecord { sale: None, ..record(true) },
        BookingRecord { sale: None, ..record(false) },
    ] {
        assert_eq!(named(&DesiredState::of(&record, &Operator::default(), false)), "nothing");
    }
}

/// Who sails was settled at the first confirmation; a roster that was emptied since changes nothing.
#[test]
fn somebody_must_be_named_to_sail() {
    let unnamed = Sale { assigned: Assigned::default(), ..Sale::example() };
    let unnamed = BookingRecord { sale: Some(unnamed), ..record(true) };
    assert_eq!(named(&DesiredState::of(&unnamed, &Operator::default(), false)), NeedsDecision::NOBODY_SAILS.why);
    let settled = Sale::example();
    let terms = Terms::resolve(&settled.boat, &settled.assigned, &Operator::default()).expect("all are named");
    let settled = BookingRecord { terms: Some(terms), ..unnamed };
    assert_eq!(named(&DesiredState::of(&settled, &Operator::default(), false)), "confirmed");
}

#[test]
fn contradictions_and_open_words_are_flagged() {
    for (contradicted, status, expected) in [
        (false, BookingStatus::Confirmed, vec![]),
        (true, BookingStatus::Confirmed, vec![Flag::Contradicted]),
        (false, BookingStatus::Inconclusive, vec![Flag::InconclusiveAgain]),
        (true, BookingStatus::Inconclusive, vec![Flag::Contradicted, Flag::InconclusiveAgain]),
    ] {
        let record = BookingRecord { contradicted, status, ..record(true) };
        let desired = DesiredState::of(&record, &Operator::default(), false);
        assert_eq!(desired.booking().map(|booking| booking.flags.clone()), Some(expected));
    }
}

#[test]
fn a_move_into_the_past_asks_a_person() {
    let (start, earlier) = ("2031-05-30T21:00:00Z", "2031-05-29T21:00:00Z");
    let recorded = |at: &str| {
        let decision = record(true).decision.map(|decision| Decision { recorded_at: instant(at), ..decision });
        BookingRecord { decision, ..record(true) }
    };
    for (shown, recorded_at, approved, expected) in [
        (
            None,
            "2031-05-30T22:00:00Z",
            false,
            "it is out of bounds: starts Fri 30 May 2031, 2:00 PM, which is in the past",
        ),
        (Some(start), "2031-05-30T22:00:00Z", false, "confirmed"),
        (Some(earlier), "2031-05-20T18:00:00Z", false, "confirmed"),
        (Some(earlier), "2031-05-30T22:00:00Z", false, &*NeedsDecision::INTO_THE_PAST.why),
        (Some(earlier), "2031-05-30T22:00:00Z", true, "confirmed"),
    ] {
        let journal = shown.map(shown_at).unwrap_or_default();
        let record = BookingRecord { journal, approved, ..recorded(recorded_at) };
        let desired = DesiredState::of(&record, &Operator::default(), false);
        assert_eq!(named(&desired), expected, "shown: {shown:?}, recorded: {recorded_at}, approved: {approved}");
    }
}

/// The start that people were shown counts, if it is the later one: they sail by it.
#[test]
fn a_cancellation_is_late_by_the_later_start() {
    let cancelled_at = Some(instant("2031-05-31T12:00:00Z"));
    let later = BookingRecord { cancelled_at, journal: shown_at("2031-05-31T21:00:00Z"), ..record(false) };
    assert_eq!(named(&DesiredState::of(&later, &Operator::default(), false)), "cancelled");
    let earlier = BookingRecord { journal: shown_at("2031-05-29T21:00:00Z"), ..later };
    let desired = DesiredState::of(&earlier, &Operator::default(), false);
    assert_eq!(named(&desired), NeedsDecision::CANCELLED_TOO_LATE.why);
}

#[test]
fn a_taken_charter_id_stops_everything() {
    let approved = BookingRecord { approved: true, ..record(true) };
    let desired = DesiredState::of(&approved, &Operator::default(), true);
    assert_eq!(named(&desired), NeedsDecision::CHARTER_ID_TAKEN.why);
}

#[test]
fn what_is_out_of_bounds_asks_a_person_and_says_what() {
    let sale = || record(true).sale.expect("sold");
    let gross = crate::booking::Money::gross("84075".parse().expect("a decimal")).expect("plausible");
    let dear = BookingRecord { sale: Some(Sale { gross, ..sale() }), ..record(true) };
    let past = BookingRecord { sale: Some(Sale { start: instant("1970-01-01T00:00:00Z"), ..sale() }), ..record(true) };
    for (record, words) in [(&dear, "84,075.00 dollars, at most 20,000.00"), (&past, "which is in the past")] {
        let asked = named(&DesiredState::of(record, &Operator::default(), false));
        assert!(asked.contains("out of bounds") && asked.contains(words), "{asked}");
        let approved = BookingRecord { approved: true, ..record.clone() };
        assert_eq!(named(&DesiredState::of(&approved, &Operator::default(), false)), "confirmed");
    }
}

#[test]
fn a_booking_that_replaces_another_asks_a_person_first() {
    let replaces = Some(BookingId::parse("HB-1").expect("valid"));
    let unshown = BookingRecord { replaces, ..record(true) };
    assert_eq!(named(&DesiredState::of(&unshown, &Operator::default(), false)), "it replaces HB-1");
    let approved = BookingRecord { approved: true, ..unshown.clone() };
    let shown = BookingRecord { journal: shown_at("2031-05-30T21:00:00Z"), ..unshown };
    for record in [approved, shown] {
        assert_eq!(named(&DesiredState::of(&record, &Operator::default(), false)), "confirmed");
    }
}
