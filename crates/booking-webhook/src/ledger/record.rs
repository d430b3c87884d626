//! What the ledger knows about one booking.

use std::collections::BTreeSet;

use jiff::{Timestamp, civil::Date};

use super::{History, Journal, SnapshotVersion};
use crate::booking::{BookingId, BookingStatus, CharterId, Sale, Terms};

/// A booking's place in the ledger, as one claim or one look found it.
#[derive(Debug, Clone)]
pub struct BookingRecord {
    /// The marketplace's id.
    pub booking_id: BookingId,
    /// Ours; the first one that was derived stays, whatever becomes of the link key.
    pub charter_id: CharterId,
    /// The newest snapshot's place.
    pub order: SnapshotVersion,
    /// What the newest snapshot says.
    pub latest: BookingStatus,
    /// The newest snapshot that decided something; `None` before the first.
    pub decision: Option<Decision>,
    /// What was sold, by the newest snapshot with which the charter stood.
    pub sale: Option<Sale>,
    /// When the first cancellation was recorded, unless a person has decided since that the charter stands.
    pub cancelled_at: Option<Timestamp>,
    /// A person has seen the newest snapshot and wants it carried out.
    pub approved: bool,
    /// What was settled at the first confirmation.
    pub terms: Option<Terms>,
    /// Grows with every accepted snapshot.
    pub seq: u64,
    /// Snapshots that contradict each other came in: one of them is wrong, and nobody can tell which.
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
    /// The four steps.
    pub journal: Journal,
    /// What became of the newest tries.
    pub history: History,
}

/// What was decided last, and by which snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Confirmed or cancelled.
    pub status: BookingStatus,
    /// The snapshot's place.
    pub order: SnapshotVersion,
    /// How many snapshots had been accepted by then, with this one.
    pub seq: u64,
}

/// Who works on a booking, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Random; tells one claim from another.
    pub holder: String,
    /// The holder's last permitted moment plus the settling time.
    pub until: Timestamp,
}
