//! What only a person can decide. Pure.
//!
//! Source: `docs/decisions.md`, "Guard rails".

use std::borrow::Cow;

use serde::Serialize;

use crate::{
    booking::{BookingId, BookingStatus, Operator, Sale, out_of_bounds},
    ledger::{BookingRecord, Decision},
};

/// Why a person must decide, and what they can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct NeedsDecision {
    /// What is the matter.
    pub(crate) why: Cow<'static, str>,
    /// What to do about it.
    pub(crate) next: Cow<'static, str>,
}

impl NeedsDecision {
    /// The newest snapshot confirms a charter that was cancelled before.
    pub(crate) const CONFIRMED_AGAIN: Self = Self::new(
        "the booking is confirmed again after it was cancelled: crew and guests may have made other plans",
        "Ask the guest and the crew. If it sails, approve it; else cancel it at the marketplace",
    );
    /// The cancellation came when the charter had begun.
    pub(crate) const CANCELLED_TOO_LATE: Self = Self::new(
        "the cancellation came after the charter's start",
        "Find out whether it sailed. If it did not, approve the cancellation, and it is carried out (after the charter's end crew are not told any more); if it did, leave it",
    );
    /// The newest snapshot moves the charter to a time that was over when it came in.
    pub(crate) const INTO_THE_PAST: Self = Self::new(
        "the new start was over when the change came in: it may be a slip",
        "Mend the date at the marketplace. If it is right, approve it; the systems show the old start until then",
    );
    /// Another booking has the same charter id.
    pub(crate) const CHARTER_ID_TAKEN: Self = Self::new(
        "another booking has the same charter id, and with it the same guest page",
        "Enter this booking by hand in all four systems: two bookings in a million million meet like this",
    );
    /// Neither the booking nor the roster names anybody to sail.
    pub(crate) const NOBODY_SAILS: Self = Self::new(
        "nobody is named to sail",
        "Name crew and captain in the operator file's roster for this boat, then replay the booking by its id",
    );
    /// The charter is over, and crew were never told what they should have been.
    pub(crate) const CREW_NEVER_TOLD: Self = Self::new(
        "the charter is over, and ShipCaptainCrew was never brought in step: crew are not told about it any more",
        "Make sure that crew and captain are paid, and dismiss the booking",
    );

    /// Creations may have acted, and nothing is found of them.
    pub(crate) const NEVER_SETTLED: Self = Self::new(
        "it was created, and nothing is found of it: one more could be one too many",
        "Look whether it is there, under another id or day. If it is, put it right by hand; if not, make it by hand, then dismiss the booking",
    );

    /// Whether approving the decision is what carries it out. Where somebody or something is missing it is not.
    pub(crate) fn can_be_approved(&self) -> bool {
        ![Self::CHARTER_ID_TAKEN, Self::NOBODY_SAILS, Self::CREW_NEVER_TOLD, Self::NEVER_SETTLED].contains(self)
    }

    /// What the operator file says no booking is.
    fn out_of_bounds(findings: &[String]) -> Self {
        Self {
            why: Cow::Owned(format!("it is out of bounds: {}", findings.join("; "))),
            next: Cow::Borrowed(
                "Mend it at the marketplace, or the mapping if a unit is mistaken. If it is right, approve it",
            ),
        }
    }

    /// The sender gave a rescheduled booking a new id: two charters, unless a person cancels the first.
    fn replaces(replaced: &BookingId) -> Self {
        Self {
            why: Cow::Owned(format!("it replaces {replaced}")),
            next: Cow::Owned(format!("Cancel {replaced}, then approve this one; or leave it")),
        }
    }

    const fn new(why: &'static str, next: &'static str) -> Self {
        Self { why: Cow::Borrowed(why), next: Cow::Borrowed(next) }
    }
}

/// What only a person can decide about a decision that is on record.
pub(super) fn guard_rail(
    record: &BookingRecord,
    decision: &Decision,
    sale: &Sale,
    operator: &Operator,
) -> Option<NeedsDecision> {
    let shown_start = record.journal.guest_page.shown.as_ref().map(|page| page.start);
    if decision.status == BookingStatus::Cancelled {
        // People sail by the start that they were shown.
        let latest_start = shown_start.map_or(sale.start, |shown| shown.max(sale.start));
        let too_late = record.cancelled_at.is_some_and(|cancelled_at| cancelled_at >= latest_start);
        return too_late.then_some(NeedsDecision::CANCELLED_TOO_LATE);
    }
    let never_shown = !record.journal.remote_ids().any(Option::is_some);
    let out_of_bounds = out_of_bounds(sale, &operator.bounds, &operator.time_zone, decision.recorded_at, never_shown);
    let moved_into_the_past = shown_start.is_some_and(|shown| shown != sale.start) && decision.recorded_at > sale.start;
    if record.cancelled_at.is_some() {
        Some(NeedsDecision::CONFIRMED_AGAIN)
    } else if moved_into_the_past {
        Some(NeedsDecision::INTO_THE_PAST)
    } else if let Some(replaced) = record.replaces.as_ref().filter(|_| never_shown) {
        Some(NeedsDecision::replaces(replaced))
    } else {
        (!out_of_bounds.is_empty()).then(|| NeedsDecision::out_of_bounds(&out_of_bounds))
    }
}
