//! What should be: for the booking as a whole, then for each system. Pure.

use std::collections::BTreeSet;

use jiff::{Timestamp, civil::Date};

use super::{
    fields::{Fields, content_digest},
    guard_rails::{NeedsDecision, guard_rail},
};
use crate::{
    booking::{Booking, BookingStatus, Flag, News, Operator, Terms},
    ledger::{BookingRecord, ShownPage, digest},
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
    moved.map_or(News::Confirmed, |Moved { from, .. }| News::Moved { from })
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
            let charter = &booking.charter;
            let ShownPage { moved, sequence, changed_at, .. } = *shown;
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
    let moved = if known.start == start { known.moved } else { Some(Moved { from: known.start, at: decided_at }) };
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
