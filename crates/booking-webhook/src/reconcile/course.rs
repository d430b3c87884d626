//! What is to become of a booking: the guard rails. Pure.
//!
//! Source: `docs/decisions.md`, "Guard rails".

use crate::{
    booking::{Confirmed, Flag, Operator, Terms},
    ledger::{BookingRecord, Meaning},
};

/// What the systems should come to show.
#[derive(Debug)]
pub enum Course {
    /// Nothing was ever sold: nothing is sent anywhere.
    Nothing,
    /// The charter stands.
    Stands(Box<Confirmed>),
    /// It is off, and whoever was shown it must be told.
    Cancelled(Box<Confirmed>),
    /// A person must decide; until then everything stays as it is.
    Held(Held),
}

/// Why a person must decide, and what they can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// What is the matter.
    pub why: &'static str,
    /// What to do about it.
    pub next: &'static str,
}

impl Held {
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

impl Course {
    /// The course of a booking as the ledger knows it.
    pub fn of(record: &BookingRecord, operator: &Operator) -> Self {
        let (Some(decision), Some(sale)) = (&record.decision, &record.sale) else { return Self::Nothing };
        let settled = record.terms.clone().or_else(|| Terms::resolve(&sale.boat, &sale.assigned, operator).ok());
        let Some(settled) = settled else { return Self::Held(Held::NOBODY_SAILS) };
        let terms = settled.with(&sale.assigned);
        let (booking_id, charter_id) = (record.booking_id.clone(), record.charter_id.clone());
        let mut booking = Confirmed::assemble(booking_id, sale.clone(), terms, operator, charter_id);
        booking.flags.extend(flags(record));
        let cancelled_after = |start| record.cancelled_at.is_some_and(|cancelled_at| cancelled_at >= start);
        match decision.stands {
            true if record.cancelled_at.is_some() && !record.approved => Self::Held(Held::STANDS_AGAIN),
            true => Self::Stands(Box::new(booking)),
            false if cancelled_after(sale.start) && !record.approved => Self::Held(Held::CANCELLED_TOO_LATE),
            false => Self::Cancelled(Box::new(booking)),
        }
    }

    /// What was sold, if the course is clear.
    pub fn booking(&self) -> Option<&Confirmed> {
        match self {
            Self::Stands(booking) | Self::Cancelled(booking) => Some(booking),
            Self::Nothing | Self::Held(_) => None,
        }
    }
}

/// What a person should look at in the snapshots themselves.
fn flags(record: &BookingRecord) -> impl Iterator<Item = Flag> {
    let undecided = record.latest == Meaning::Undecided;
    [(record.contradicted, Flag::Contradicted), (undecided, Flag::UndecidedAgain)]
        .into_iter()
        .filter_map(|(raised, flag)| raised.then_some(flag))
}
