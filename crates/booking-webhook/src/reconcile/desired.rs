//! What should be: for the booking as a whole, then for each system. Pure.
//!
//! Source: `docs/decisions.md`, "Guard rails".

use std::{borrow::Cow, collections::BTreeSet};

use jiff::{Timestamp, civil::Date};
use serde::Serialize;

use super::fields::{Fields, content_digest};
use crate::{
    booking::{Booking, BookingId, BookingStatus, Flag, News, Operator, Sale, Terms, out_of_bounds},
    ledger::{BookingRecord, Decision, ShownPage, digest},
    systems::{
        calendar::Entry,
        guest_page::{Address, GuestPage, Moved, PageInput, RenderError, Renderer, Uploads},
        remote_id::EntryId,
        scc::Event,
    },
};

/// What the systems should show of a booking.
#[derive(Debug)]
pub(crate) enum DesiredState {
    /// Nothing was ever sold: nothing is sent anywhere.
    Nothing,
    /// The charter sails.
    Confirmed(Box<Booking>),
    /// It does not, and every system that showed it must say so.
    Cancelled(Box<Booking>),
    /// A person must decide; until then everything stays as it is.
    NeedsDecision(NeedsDecision),
}

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

impl DesiredState {
    /// The desired state of a booking as the ledger knows it.
    pub(crate) fn of(record: &BookingRecord, operator: &Operator, charter_id_taken: bool) -> Self {
        if charter_id_taken {
            return Self::NeedsDecision(NeedsDecision::CHARTER_ID_TAKEN);
        }
        let (Some(decision), Some(sale)) = (&record.decision, &record.sale) else { return Self::Nothing };
        let settled = Terms::settle(record.terms.as_ref(), &sale.boat, &sale.assigned, operator);
        let Ok(terms) = settled else { return Self::NeedsDecision(NeedsDecision::NOBODY_SAILS) };
        let (booking_id, charter_id) = (record.booking_id.clone(), record.charter_id.clone());
        let mut booking = Booking::assemble(booking_id, sale.clone(), terms, operator, charter_id);
        booking.flags.extend(flags(record));
        let day = booking.charter.time.start().date();
        booking.flags.extend(record.overlaps.found.iter().map(|overlap| Flag::of(overlap, day, &operator.time_zone)));
        match guard_rail(record, decision, sale, operator).filter(|_| !record.approved) {
            Some(needs_decision) => Self::NeedsDecision(needs_decision),
            None if decision.status == BookingStatus::Confirmed => Self::Confirmed(Box::new(booking)),
            None => Self::Cancelled(Box::new(booking)),
        }
    }

    /// What was sold, unless a person must decide about it.
    pub(crate) fn booking(&self) -> Option<&Booking> {
        match self {
            Self::Confirmed(booking) | Self::Cancelled(booking) => Some(booking),
            Self::Nothing | Self::NeedsDecision(_) => None,
        }
    }

    /// What is settled for it: to be kept with the booking.
    pub(crate) fn terms(&self) -> Option<&Terms> {
        self.booking().map(|booking| &booking.terms)
    }

    /// What a person should look at, whether or not anything is shown.
    pub(crate) fn flags(&self, record: &BookingRecord) -> Vec<Flag> {
        self.booking().map_or_else(|| flags(record).collect(), |booking| booking.flags.clone())
    }

    /// In one word, for a person who reads a plan.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Confirmed(_) => "confirmed",
            Self::Cancelled(_) => "cancelled",
            Self::NeedsDecision(_) => "needs_decision",
        }
    }

    /// The charter's start; as long as a person has to decide whether there is one, no start.
    pub(crate) fn starts(&self) -> Timestamp {
        self.booking().map_or(Timestamp::MAX, |booking| booking.charter.time.start().timestamp())
    }

    /// The charter's end; as long as a person has to decide whether there is one, no end.
    pub(crate) fn ends(&self) -> Timestamp {
        self.booking().map_or(Timestamp::MAX, |booking| booking.charter.time.end().timestamp())
    }

    /// What one system should show.
    fn of_system<T>(&self, content: impl FnOnce(&Booking) -> T) -> Desired<T> {
        match self {
            Self::Nothing => Desired::Nothing,
            Self::NeedsDecision(needs_decision) => Desired::NeedsDecision(needs_decision.clone()),
            Self::Confirmed(booking) => Desired::Shown(content(booking)),
            Self::Cancelled(booking) => Desired::Withdrawn(content(booking)),
        }
    }
}

/// What only a person can decide about a decision that is on record.
fn guard_rail(record: &BookingRecord, decision: &Decision, sale: &Sale, operator: &Operator) -> Option<NeedsDecision> {
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

/// What a person should look at in the snapshots themselves.
fn flags(record: &BookingRecord) -> impl Iterator<Item = Flag> {
    let inconclusive = record.status == BookingStatus::Inconclusive && record.decision.is_some();
    [
        (record.contradicted, Flag::Contradicted),
        (record.revision_disagrees, Flag::RevisionDisagrees),
        (inconclusive, Flag::InconclusiveAgain),
    ]
    .into_iter()
    .filter_map(|(raised, flag)| raised.then_some(flag))
}

/// What one system should show.
#[derive(Debug)]
pub(super) enum Desired<T> {
    Nothing,
    NeedsDecision(NeedsDecision),
    Shown(T),
    Withdrawn(T),
}

impl<T> Desired<T> {
    /// What is shown, or was until it is withdrawn.
    pub(super) fn shown(&self) -> Option<&T> {
        match self {
            Self::Shown(content) | Self::Withdrawn(content) => Some(content),
            Self::Nothing | Self::NeedsDecision(_) => None,
        }
    }
}

/// What the calendar should show.
#[derive(Debug)]
pub(super) struct DesiredEntry {
    pub(super) fields: Fields,
    pub(super) digest: String,
    /// Fields that people may change as long as the sender does not.
    pub(super) left_alone: Vec<&'static str>,
    /// Where the calendar may have entries of this charter.
    pub(super) days: BTreeSet<Date>,
}

/// What the calendar should show of a booking.
pub(super) fn entry(desired: &DesiredState, record: &BookingRecord, url: &str) -> Desired<DesiredEntry> {
    desired.of_system(|booking| {
        let fields = Entry::of(booking, url, news(booking, record)).fields();
        let mut days = record.dates.clone();
        days.insert(booking.charter.time.start().date());
        DesiredEntry { digest: content_digest(&fields), left_alone: not_named(booking), days, fields }
    })
}

/// What to tell the guest. A start other than the one that the page showed is a move.
pub(super) fn news(booking: &Booking, record: &BookingRecord) -> News {
    let known = record.journal.guest_page.shown.as_ref();
    let moved = known.and_then(|known| next_page(booking, record, known, stamp(record)).moved);
    moved.map_or(News::Confirmed, |(from, _)| News::Moved { from })
}

/// What ShipCaptainCrew should show.
#[derive(Debug)]
pub(super) struct DesiredEvent {
    pub(super) fields: Fields,
    pub(super) digest: String,
    pub(super) left_alone: Vec<&'static str>,
    /// The calendar entry that the notes name.
    pub(super) entry_id: Option<EntryId>,
}

/// What ShipCaptainCrew should show of a booking, as far as the calendar entry's id is known; `shown` is the one that its notes name.
pub(super) fn event(
    desired: &DesiredState,
    url: &str,
    entry_id: Option<&EntryId>,
    shown: Option<&EntryId>,
) -> Desired<DesiredEvent> {
    desired.of_system(|booking| {
        let fields = |entry_id: Option<&EntryId>| Event::of(&booking.charter, url, entry_id).fields();
        let entry_id = entry_id.or(shown);
        let fields = fields(entry_id);
        // The checklist is the operator's, the status the crew's own: neither is the sender's to change.
        let left_alone = [not_named(booking), vec!["event_id", "checklist", "status"]].concat();
        let (digest, entry_id) = (content_digest(&fields), entry_id.cloned());
        DesiredEvent { digest, left_alone, entry_id, fields }
    })
}

/// While the sender names no people, the operator may change who sails.
fn not_named(booking: &Booking) -> Vec<&'static str> {
    let assigned = &booking.assigned;
    let unnamed = [(assigned.crew.is_none(), "crew_ids"), (assigned.captain.is_none(), "captain_id")];
    unnamed.into_iter().filter_map(|(unnamed, field)| unnamed.then_some(field)).collect()
}

/// The guest page and its calendar file.
#[derive(Debug)]
pub(super) struct DesiredPage {
    pub(super) page: Result<GuestPage, RenderError>,
    pub(super) digest: String,
    /// What is known of it once it is published.
    pub(super) shown: ShownPage,
}

/// What the guest page should show of a booking.
pub(super) fn page(
    desired: &DesiredState,
    record: &BookingRecord,
    operator: &Operator,
    (renderer, address, uploads): (&Renderer, &Address, Option<&Uploads>),
) -> Desired<DesiredPage> {
    let cancelled = matches!(desired, DesiredState::Cancelled(_));
    let known = record.journal.guest_page.shown.as_ref();
    desired.of_system(|booking| {
        let render = |shown: &ShownPage| {
            let moved = shown.moved.map(|(from, at)| Moved { from, at });
            let (charter, sequence, changed_at) = (&booking.charter, shown.sequence, shown.changed_at);
            renderer.render(&PageInput { charter, address, operator, cancelled, sequence, changed_at, moved, uploads })
        };
        // With the stamp that it has, the page tells whether guests would see anything new. Another start is always new to them.
        let start = booking.charter.time.start().timestamp();
        let unchanged = known.filter(|known| known.content.is_some() && known.start == start).and_then(|known| {
            let shown = next_page(booking, record, known, (known.sequence, known.changed_at));
            let page = render(&shown).ok()?;
            let digest = page_digest(&page);
            (known.content.as_ref() == Some(&digest)).then_some(DesiredPage { page: Ok(page), digest, shown })
        });
        unchanged.unwrap_or_else(|| {
            let stamp = stamp(record);
            let first = || ShownPage {
                key: address.key.clone(),
                content: None,
                start,
                moved: None,
                sequence: stamp.0,
                changed_at: stamp.1,
            };
            let mut shown = known.map_or_else(first, |known| next_page(booking, record, known, stamp));
            shown.key.clone_from(&address.key);
            let page = render(&shown);
            let digest = page.as_ref().map_or_else(|_unrenderable| "unrenderable".to_owned(), page_digest);
            DesiredPage { page, digest, shown }
        })
    })
}

/// The count and the time of the newest decision.
fn stamp(record: &BookingRecord) -> (u64, Timestamp) {
    let decision = record.decision.as_ref();
    decision.map_or((0, Timestamp::UNIX_EPOCH), |decision| (decision.seq.saturating_sub(1), decision.at))
}

/// The page after `known`: another start is a move.
fn next_page(booking: &Booking, record: &BookingRecord, known: &ShownPage, stamp: (u64, Timestamp)) -> ShownPage {
    let start = booking.charter.time.start().timestamp();
    let (_, decided_at) = self::stamp(record);
    let moved = if known.start == start { known.moved } else { Some((known.start, decided_at)) };
    ShownPage { start, moved, sequence: stamp.0, changed_at: stamp.1, ..known.clone() }
}

fn page_digest(page: &GuestPage) -> String {
    content_of(page.html.as_bytes(), page.calendar.as_bytes())
}

/// Names a guest page and its calendar file as they are.
pub(crate) fn content_of(html: &[u8], calendar: &[u8]) -> String {
    digest([html, calendar].join(&0).as_slice())
}

#[cfg(test)]
mod tests;
