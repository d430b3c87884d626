//! What is to become of a booking: the guard rails. Pure.
//!
//! Source: `docs/decisions.md`, "Guard rails".

use crate::{
    booking::{Booking, BookingStatus, Flag, Operator, Terms},
    ledger::BookingRecord,
};

/// What the systems should come to show.
#[derive(Debug)]
pub enum DesiredState {
    /// Nothing was ever sold: nothing is sent anywhere.
    Nothing,
    /// The charter stands.
    Stands(Box<Booking>),
    /// It is off, and whoever was shown it must be told.
    Cancelled(Box<Booking>),
    /// A person must decide; until then everything stays as it is.
    NeedsDecision(NeedsDecision),
}

/// Why a person must decide, and what they can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeedsDecision {
    /// What is the matter.
    pub why: &'static str,
    /// What to do about it.
    pub next: &'static str,
}

impl NeedsDecision {
    /// The newest snapshot says that a charter stands which was cancelled before.
    pub const STANDS_AGAIN: Self = Self {
        why: "the booking stands again after it was cancelled: crew and guests may have made other plans",
        next: "Ask the guest and the crew. If it sails, replay the booking by its id; else cancel it at the marketplace",
    };
    /// The cancellation came when the charter had begun.
    pub const CANCELLED_TOO_LATE: Self = Self {
        why: "the cancellation came after the charter's start",
        next: "Find out whether it sailed. If it did not, replay the booking by its id, and the cancellation is carried out (after the charter's end crew are not told any more); if it did, leave it",
    };
    /// Another booking has the same charter id.
    pub const CHARTER_ID_TAKEN: Self = Self {
        why: "another booking has the same charter id, and with it the same guest page",
        next: "Enter this booking by hand in all four systems: two bookings in a million million meet like this",
    };
    /// Nobody is named to sail, neither by the booking nor by the roster.
    pub const NOBODY_SAILS: Self = Self {
        why: "nobody is named to sail",
        next: "Name crew and captain in the operator file's roster for this boat, then replay the booking by its id",
    };
}

impl DesiredState {
    /// The course of a booking as the ledger knows it.
    pub fn of(record: &BookingRecord, operator: &Operator) -> Self {
        let (Some(decision), Some(sale)) = (&record.decision, &record.sale) else { return Self::Nothing };
        let settled = record.terms.clone().or_else(|| Terms::resolve(&sale.boat, &sale.assigned, operator).ok());
        let Some(settled) = settled else { return Self::NeedsDecision(NeedsDecision::NOBODY_SAILS) };
        let terms = settled.with(&sale.assigned);
        let (booking_id, charter_id) = (record.booking_id.clone(), record.charter_id.clone());
        let mut booking = Booking::assemble(booking_id, sale.clone(), terms, operator, charter_id);
        booking.flags.extend(flags(record));
        let cancelled_after = |start| record.cancelled_at.is_some_and(|cancelled_at| cancelled_at >= start);
        let confirmed = decision.status == BookingStatus::Confirmed;
        match confirmed {
            true if record.cancelled_at.is_some() && !record.approved => {
                Self::NeedsDecision(NeedsDecision::STANDS_AGAIN)
            }
            true => Self::Stands(Box::new(booking)),
            false if cancelled_after(sale.start) && !record.approved => {
                Self::NeedsDecision(NeedsDecision::CANCELLED_TOO_LATE)
            }
            false => Self::Cancelled(Box::new(booking)),
        }
    }

    /// What was sold, if the course is clear.
    pub fn booking(&self) -> Option<&Booking> {
        match self {
            Self::Stands(booking) | Self::Cancelled(booking) => Some(booking),
            Self::Nothing | Self::NeedsDecision(_) => None,
        }
    }
}

/// What a person should look at in the snapshots themselves.
fn flags(record: &BookingRecord) -> impl Iterator<Item = Flag> {
    let undecided = record.latest == BookingStatus::Inconclusive;
    [(record.contradicted, Flag::Contradicted), (undecided, Flag::UndecidedAgain)]
        .into_iter()
        .filter_map(|(raised, flag)| raised.then_some(flag))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{
        booking::{Assigned, BookingId, CharterId, Sale, Snapshot},
        ledger::{Decision, SnapshotVersion},
    };

    fn instant(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    /// A booking that was decided once: it stands, or it is off.
    fn record(stands: bool) -> BookingRecord {
        let booking_id = BookingId::parse("BS-1048812").expect("valid");
        let snapshot = Snapshot {
            replaces: None,
            booking_id: booking_id.clone(),
            revision: None,
            updated_at: None,
            status: BookingStatus::Cancelled,
            sale: None,
        };
        let order = SnapshotVersion::of(&snapshot, instant("2031-05-20T18:00:00Z"));
        BookingRecord {
            charter_id: CharterId::derive(b"link-key", &booking_id),
            booking_id,
            latest: if stands { BookingStatus::Confirmed } else { BookingStatus::Cancelled },
            decision: Some(Decision {
                status: if stands { BookingStatus::Confirmed } else { BookingStatus::Cancelled },
                order: order.clone(),
                seq: 1,
            }),
            order,
            sale: Some(Sale::example()),
            cancelled_at: None,
            approved: false,
            terms: None,
            seq: 1,
            contradicted: false,
            fence: 1,
            lease: None,
            due_at: None,
            due_since: None,
            dates: Default::default(),
            journal: Default::default(),
            history: Default::default(),
        }
    }

    fn named(course: &DesiredState) -> &'static str {
        match course {
            DesiredState::Nothing => "nothing",
            DesiredState::Stands(_) => "stands",
            DesiredState::Cancelled(_) => "cancelled",
            DesiredState::NeedsDecision(held) => held.why,
        }
    }

    #[test]
    fn a_person_decides_what_only_a_person_can() {
        let (again, late) = (NeedsDecision::STANDS_AGAIN.why, NeedsDecision::CANCELLED_TOO_LATE.why);
        let (before, start, after) = ("2031-05-30T20:59:59Z", "2031-05-30T21:00:00Z", "2031-05-30T21:00:01Z");
        for (stands, cancelled_at, approved, expected) in [
            (true, None, false, "stands"),
            (true, None, true, "stands"),
            (true, Some(before), false, again),
            (true, Some(before), true, "stands"),
            (false, None, false, "cancelled"),
            (false, Some(before), false, "cancelled"),
            (false, Some(start), false, late),
            (false, Some(after), false, late),
            (false, Some(after), true, "cancelled"),
        ] {
            let record = BookingRecord { cancelled_at: cancelled_at.map(instant), approved, ..record(stands) };
            let course = DesiredState::of(&record, &Operator::default());
            assert_eq!(named(&course), expected, "stands: {stands}, cancelled: {cancelled_at:?}, approved: {approved}");
            let is_clear = ["stands", "cancelled"].contains(&expected);
            assert_eq!(course.booking().is_some(), is_clear, "what was sold is known when the course is clear");
        }
    }

    #[test]
    fn nothing_comes_of_what_was_never_decided_or_never_sold() {
        for record in [
            BookingRecord { decision: None, ..record(true) },
            BookingRecord { sale: None, ..record(true) },
            BookingRecord { sale: None, ..record(false) },
        ] {
            assert_eq!(named(&DesiredState::of(&record, &Operator::default())), "nothing");
        }
    }

    /// Who sails was settled at the first confirmation; a roster that was emptied since changes nothing.
    #[test]
    fn somebody_must_be_named_to_sail() {
        let unnamed = Sale { assigned: Assigned::default(), ..Sale::example() };
        let unnamed = BookingRecord { sale: Some(unnamed), ..record(true) };
        assert_eq!(named(&DesiredState::of(&unnamed, &Operator::default())), NeedsDecision::NOBODY_SAILS.why);
        let settled = Sale::example();
        let terms = Terms::resolve(&settled.boat, &settled.assigned, &Operator::default()).expect("all are named");
        let settled = BookingRecord { terms: Some(terms), ..unnamed };
        assert_eq!(named(&DesiredState::of(&settled, &Operator::default())), "stands");
    }

    #[test]
    fn a_person_hears_of_snapshots_that_contradict_or_decide_nothing() {
        for (contradicted, latest, expected) in [
            (false, BookingStatus::Confirmed, vec![]),
            (true, BookingStatus::Confirmed, vec![Flag::Contradicted]),
            (false, BookingStatus::Inconclusive, vec![Flag::UndecidedAgain]),
            (true, BookingStatus::Inconclusive, vec![Flag::Contradicted, Flag::UndecidedAgain]),
        ] {
            let record = BookingRecord { contradicted, latest, ..record(true) };
            let course = DesiredState::of(&record, &Operator::default());
            assert_eq!(course.booking().map(|booking| booking.flags.clone()), Some(expected));
        }
    }
}
