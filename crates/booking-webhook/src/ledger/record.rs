//! What the ledger knows about one booking.

use std::collections::BTreeSet;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{History, Journal, Order};
use crate::booking::{BookingId, CharterId, Sale, Status, Terms};

/// A booking's place in the ledger, as one claim or one look found it.
#[derive(Debug, Clone)]
pub struct BookingRecord {
    /// The marketplace's id.
    pub booking_id: BookingId,
    /// Ours; the first one that was derived stays, whatever becomes of the link key.
    pub charter_id: CharterId,
    /// The newest snapshot's place.
    pub order: Order,
    /// What the newest snapshot says.
    pub latest: Meaning,
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

/// What a snapshot says, without what was sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// The charter stands.
    Standing,
    /// It is off.
    Off,
    /// Neither.
    Undecided,
}

/// What was decided last, and by which snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether the charter stands.
    pub stands: bool,
    /// The snapshot's place.
    pub order: Order,
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

impl Meaning {
    /// What `status` says.
    pub fn of(status: &Status) -> Self {
        match status {
            Status::Standing(_) => Self::Standing,
            Status::Off => Self::Off,
            Status::Undecided => Self::Undecided,
        }
    }

    /// As the ledger keeps it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Standing => "standing",
            Self::Off => "off",
            Self::Undecided => "undecided",
        }
    }

    /// A meaning as the ledger keeps it.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Standing, Self::Off, Self::Undecided].into_iter().find(|meaning| meaning.name() == name)
    }
}
