//! Which snapshot is newer.

use std::fmt;

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::booking::Snapshot;

const DIGEST_BYTES: usize = 16;

/// Stands in no digest, and sorts behind them.
const PERSON: char = '~';

/// The place of a snapshot among all of its booking: the sender's time of change, then its revision, then the larger digest. Compares, in
/// the ledger too, as text. Source: `docs/decisions.md`, "SnapshotVersion of snapshots".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SnapshotVersion(String);

impl SnapshotVersion {
    /// The order of `snapshot`, which says what held at `at`.
    pub fn of(snapshot: &Snapshot, at: Timestamp) -> Self {
        let content = serde_json::to_vec(snapshot).expect("a snapshot has text keys and serialises");
        let (at, revision) = (at.strftime("%Y-%m-%dT%H:%M:%S.%9fZ"), snapshot.revision.unwrap_or_default());
        Self(format!("{at}|{revision:020}|{}", digest(&content)))
    }

    /// The order of a snapshot that a person had read again at `now`: before every other reading of the same time and revision, for the
    /// mapping may have been mended since.
    pub fn read_again(snapshot: &Snapshot, at: Timestamp, now: Timestamp) -> Self {
        let Self(order) = Self::of(snapshot, at);
        let (place, digest) = order.rsplit_once('|').unwrap_or((&order, ""));
        Self(format!("{place}|{PERSON}{:013}{PERSON}{digest}", now.as_millisecond()))
    }

    /// An order as the ledger keeps it.
    pub(super) fn stored(text: String) -> Self {
        Self(text)
    }

    /// As the ledger keeps it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The time of change that it names.
    pub fn at(&self) -> Timestamp {
        self.0.split('|').next().and_then(|at| at.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Whether the other says something else with the same time and revision: one of them is wrong, and nobody can tell which.
    pub fn contradicts(&self, other: &Self) -> bool {
        if self.0.contains(PERSON) || other.0.contains(PERSON) {
            return false;
        }
        let place = |order: &Self| order.0.rsplit_once('|').map(|(place, _)| place.to_owned());
        self != other && place(self) == place(other)
    }
}

impl fmt::Display for SnapshotVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The first 128 bits of a SHA-256, in hex: enough to tell contents apart.
pub fn digest(content: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(content)[..DIGEST_BYTES])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::booking::{BookingId, BookingStatus};

    fn order(at: &str, revision: u64, status: BookingStatus) -> SnapshotVersion {
        let booking_id = BookingId::parse("BS-1048812").expect("valid");
        let snapshot =
            Snapshot { booking_id, revision: Some(revision), updated_at: None, status, sale: None, replaces: None };
        SnapshotVersion::of(&snapshot, at.parse().expect("an instant"))
    }

    #[test]
    fn time_then_revision_then_digest() {
        let ascending = [
            order("2025-05-20T18:03:10Z", 9, BookingStatus::Cancelled),
            order("2025-05-20T18:03:10.000000001Z", 1, BookingStatus::Cancelled),
            order("2025-05-20T18:03:10.5Z", 9, BookingStatus::Cancelled),
            order("2025-05-20T18:03:10.5Z", 10, BookingStatus::Cancelled),
            order("2025-05-20T18:03:11Z", 0, BookingStatus::Cancelled),
        ];
        assert!(ascending.is_sorted(), "{ascending:#?}");
        assert!(!ascending[2].contradicts(&ascending[3]));
        let (off, undecided) = (&ascending[4], order("2025-05-20T18:03:11Z", 0, BookingStatus::Inconclusive));
        assert!(off.contradicts(&undecided) && undecided.contradicts(off) && !off.contradicts(off));
        let snapshot = |status| Snapshot {
            booking_id: BookingId::parse("BS-1048812").expect("valid"),
            revision: Some(0),
            updated_at: None,
            status,
            sale: None,
            replaces: None,
        };
        let at = off.at();
        let again = SnapshotVersion::read_again(&snapshot(BookingStatus::Cancelled), at, Timestamp::UNIX_EPOCH);
        assert!(again > *off && again > undecided, "a person's reading wins over both");
        assert!(!again.contradicts(off) && !off.contradicts(&again) && again.at() == at);
        let later = order("2025-05-20T18:03:11Z", 1, BookingStatus::Cancelled);
        assert!(again < later, "but not over what is newer");
        assert_eq!(off.at(), "2025-05-20T18:03:11Z".parse().expect("an instant"));
    }
}
