//! What the ledger knows about one booking.

mod reading;

use std::collections::BTreeSet;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{Acts, Drift, DriftFound, History, Item, Journal, Overlaps, RecordedVersion, Told};
use crate::booking::{BookingId, BookingStatus, CharterId, Sale, Snapshot, Terms};

/// Partitions of the index `due`: what time can bring further, what only a person can, and deliveries that were not understood.
pub(super) const DUE: &str = "due";
pub(super) const PARKED: &str = "parked";
pub(super) const QUARANTINED: &str = "quarantined";

/// A booking's place in the ledger, as one claim or one look found it.
#[derive(Debug, Clone)]
pub struct BookingRecord {
    /// The marketplace's id.
    pub(crate) booking_id: BookingId,
    /// Our id. The first one that was derived stays, even if the link key changes.
    pub(crate) charter_id: CharterId,
    /// What the newest snapshot says.
    pub status: BookingStatus,
    /// The version of the sender's newest snapshot; `None` as long as only people have entered the booking.
    pub version: Option<RecordedVersion>,
    /// The newest snapshot of a sender, to tell a repeat from a contradiction.
    pub(crate) content: Option<RecordedContent>,
    /// The booking has had a snapshot without a revision.
    pub(crate) unrevised: bool,
    /// The newest snapshot's revision says otherwise than its time, by which alone it counted.
    pub(crate) revision_disagrees: bool,
    /// The newest snapshot that decided something; `None` before the first.
    pub decision: Option<Decision>,
    /// What was sold, by the newest snapshot that confirmed the booking.
    pub(crate) sale: Option<Sale>,
    /// The booking that this one takes the place of, by the sender.
    pub(crate) replaces: Option<BookingId>,
    /// When the first cancellation was recorded, unless a person has decided since that the charter sails.
    pub cancelled_at: Option<Timestamp>,
    /// A person has seen what was decided and wants it carried out.
    pub approved: bool,
    /// What was settled at the first confirmation.
    pub(crate) terms: Option<Terms>,
    /// Grows with every accepted snapshot.
    pub seq: u64,
    /// Snapshots of one version say different things; one of them is wrong.
    pub contradicted: bool,
    /// Grows with every claim.
    pub fence: u64,
    /// Who holds the lease, if anybody does.
    pub lease: Option<Lease>,
    /// When the booking is tried next; `None` while nothing is owed that time could bring.
    pub due_at: Option<Timestamp>,
    /// Since when anything was owed that time could bring.
    pub due_since: Option<Timestamp>,
    /// Every local date on which the calendar may have an entry of this charter.
    pub dates: BTreeSet<Date>,
    /// What the office was told last.
    pub(crate) told: Told,
    /// What the office should know, as of the journal in this record.
    pub(crate) should_know: Told,
    /// A person leaves the booking as it is; counts as long as nothing newer came in.
    pub(crate) dismissed: Option<Dismissal>,
    /// What the office did at its desk.
    pub acts: Acts,
    /// What each system was last known to show.
    pub journal: Journal,
    /// The outcomes of the newest tries.
    pub(crate) history: History,
    /// What stands beside it in the calendar.
    pub(crate) overlaps: Overlaps,
    /// What the last audit found of it.
    pub(crate) drift: DriftFound,
}

/// Who works on a booking, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Random; tells one claim from another.
    pub holder: String,
    /// The holder's last permitted moment plus the settling time.
    pub(crate) until: Timestamp,
}

/// What was decided last, and by which snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Confirmed or cancelled.
    pub status: BookingStatus,
    /// The snapshot's version; `None` for a person's entry.
    pub(crate) version: Option<RecordedVersion>,
    /// How many snapshots had been accepted by then, with this one. Names the decision when a person approves it.
    pub(crate) seq: u64,
    /// When the booking changed.
    pub at: Timestamp,
    /// When it was put on record.
    pub(crate) recorded_at: Timestamp,
}

/// The content of the sender's newest snapshot, as far as it must be told from another of the same version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordedContent {
    /// Its digest.
    pub(crate) digest: String,
    /// When its delivery came in first.
    pub(crate) received_at: Timestamp,
    /// Its delivery.
    pub(crate) delivery: String,
}

/// A person's word that a booking stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Dismissal {
    /// How many snapshots had been accepted by then: anything newer ends it.
    pub(crate) seq: u64,
    /// When.
    pub(crate) at: Timestamp,
    /// In the person's own words.
    pub(crate) why: String,
}

/// An instant that was written as [`super::milliseconds`].
pub(super) fn instant(item: &Item, attribute: &str) -> Option<Timestamp> {
    Timestamp::from_millisecond(item.get(attribute)?.as_n().ok()?.parse().ok()?).ok()
}

/// Whether any snapshot is on record. The mark of a restored ledger makes an item without one: a booking not yet known.
pub(super) fn is_known(item: &Item) -> bool {
    item.contains_key(STATUS)
}

pub(super) const STATUS: &str = "status";

impl BookingRecord {
    /// A booking of which nothing is known but what one snapshot says.
    pub(crate) fn new(booking_id: BookingId, charter_id: CharterId, status: BookingStatus) -> Self {
        Self {
            booking_id,
            charter_id,
            status,
            version: None,
            content: None,
            unrevised: false,
            revision_disagrees: false,
            decision: None,
            sale: None,
            replaces: None,
            cancelled_at: None,
            approved: false,
            terms: None,
            seq: 0,
            contradicted: false,
            fence: 0,
            lease: None,
            due_at: None,
            due_since: None,
            dates: BTreeSet::new(),
            told: Told::default(),
            should_know: Told::default(),
            dismissed: None,
            acts: Acts::default(),
            journal: Journal::default(),
            history: History::default(),
            overlaps: Overlaps::default(),
            drift: DriftFound::default(),
        }
    }

    /// The record as it would be after a person's entry at `at`.
    #[must_use]
    pub(crate) fn with_entry(self, snapshot: Snapshot, at: Timestamp) -> Self {
        let Snapshot { status, sale, .. } = snapshot;
        let seq = self.seq + 1;
        let decides = status != BookingStatus::Inconclusive;
        let decision = decides.then_some(Decision { status, version: None, seq, at, recorded_at: at });
        let cancelled_at = self.cancelled_at.or((status == BookingStatus::Cancelled).then_some(at));
        Self {
            status,
            seq,
            cancelled_at,
            approved: self.approved && !decides,
            decision: decision.or(self.decision),
            sale: sale.map(|sale| *sale).or(self.sale),
            ..self
        }
    }

    /// Whether a person leaves the booking as it is, and nothing newer came in since.
    pub(crate) fn is_dismissed(&self) -> bool {
        self.dismissed.as_ref().is_some_and(|dismissed| dismissed.seq == self.seq)
    }

    /// What the last audit found, unless something newer came in since.
    pub(crate) fn drifted(&self) -> &[Drift] {
        if self.drift.seq == self.seq { &self.drift.found } else { &[] }
    }

    /// Whether the sweep has something to do because of what stands beside it in the calendar.
    pub(crate) fn owes_a_look(&self) -> bool {
        self.overlaps.owe_something() && !self.is_dismissed()
    }

    /// The sender of the newest snapshot; `None` when only people have entered the booking.
    pub(crate) fn sender(&self) -> Option<&str> {
        self.content.as_ref().and_then(|content| content.delivery.split('~').next())
    }
}

impl Serialize for RecordedVersion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.revision, self.changed_at.as_str()).serialize(serializer)
    }
}
