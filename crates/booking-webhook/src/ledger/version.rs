//! Which of a booking's snapshots is newer. Pure.
//!
//! Source: `docs/decisions.md`, "Order of snapshots". The same rule stands twice, because DynamoDB must decide it inside one write:
//! [`SnapshotVersion::is_newer_than`] here and [`SnapshotVersion::newer_than_item`] as a condition; a test holds them together.

use jiff::Timestamp;

use super::{expression::Condition, number, text};

/// The place of a snapshot among all of its booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotVersion {
    /// The sender's own count of changes, if it keeps one.
    pub revision: Option<u64>,
    /// When the booking changed.
    pub changed_at: ChangedAt,
    /// Whether the sender said so; else it is the time of receipt.
    pub states_time: bool,
}

/// When a snapshot's booking changed: UTC nanoseconds as sortable text, then the event's own time, which tells two changes of one instant
/// apart. Compares, in the ledger too, as text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangedAt(String);

/// What the ledger has of the newest snapshot's version, or of the one that decided last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedVersion {
    /// Its revision, if it stated one.
    pub revision: Option<u64>,
    /// When the booking changed.
    pub changed_at: ChangedAt,
}

impl ChangedAt {
    /// `at`, and when the event around the snapshot happened.
    pub fn new(at: Timestamp, event: Option<Timestamp>) -> Self {
        let sortable = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S.%9fZ").to_string();
        Self(format!("{}|{}", sortable(at), event.map(sortable).unwrap_or_default()))
    }

    /// A time as the ledger keeps it; `None` for anything that [`ChangedAt::new`] does not make.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (at, event) = text.split_once('|')?;
        let event = if event.is_empty() { None } else { Some(event.parse().ok()?) };
        let parsed = Self::new(at.parse().ok()?, event);
        (parsed.0 == text).then_some(parsed)
    }

    /// The instant.
    pub fn at(&self) -> Timestamp {
        let (at, _) = self.0.split_once('|').expect("made with a separator");
        at.parse().expect("made from an instant")
    }

    /// As the ledger keeps it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Which attributes of an item hold a version.
#[derive(Debug, Clone, Copy)]
pub(super) struct VersionAttributes {
    pub(super) revision: &'static str,
    pub(super) changed_at: &'static str,
}

/// The newest snapshot's.
pub(super) const NEWEST: VersionAttributes = VersionAttributes { revision: "revision", changed_at: "changed_at" };
/// That of the snapshot that decided last.
pub(super) const DECIDED: VersionAttributes =
    VersionAttributes { revision: "decided_revision", changed_at: "decided_changed_at" };
/// There once the booking had a snapshot without a revision. With one that has a revision it is mixed: time alone decides then.
pub(super) const UNREVISED: &str = "unrevised";

impl SnapshotVersion {
    /// Whether this snapshot is newer than the one on record. `unrevised`: the booking has had a snapshot without a revision.
    pub(crate) fn is_newer_than(&self, recorded: Option<&RecordedVersion>, unrevised: bool) -> bool {
        let Some(recorded) = recorded else { return true };
        let later = recorded.changed_at < self.changed_at;
        match self.revision {
            Some(revision) if !unrevised => match recorded.revision {
                Some(known) => known < revision || (self.states_time && known == revision && later),
                None => later,
            },
            _ => later,
        }
    }

    /// Whether neither of the two is newer, so that their contents must be the same.
    pub(crate) fn is_same_place_as(&self, recorded: &RecordedVersion, unrevised: bool) -> bool {
        let other = Self {
            revision: recorded.revision,
            changed_at: recorded.changed_at.clone(),
            states_time: self.states_time,
        };
        !self.is_newer_than(Some(recorded), unrevised) && !other.is_newer_than(Some(&self.recorded()), unrevised)
    }

    /// As the ledger will have it.
    pub(crate) fn recorded(&self) -> RecordedVersion {
        RecordedVersion { revision: self.revision, changed_at: self.changed_at.clone() }
    }

    /// [`Self::is_newer_than`] as a condition on the item that a write meets.
    pub(super) fn newer_than_item(&self, attributes: VersionAttributes) -> Condition {
        let VersionAttributes { revision, changed_at } = attributes;
        let later = || Condition::less(changed_at, text(self.changed_at.as_str()));
        let known = match self.revision {
            None => later(),
            Some(own) => {
                let mut newer = vec![
                    Condition::less(revision, number(own)).and(Condition::Absent(UNREVISED)),
                    Condition::Absent(revision).and(later()),
                    Condition::Present(UNREVISED).and(later()),
                ];
                if self.states_time {
                    newer.push(Condition::equal(revision, number(own)).and(later()));
                }
                Condition::Any(newer)
            }
        };
        Condition::Absent(changed_at).or(known)
    }
}

/// What two snapshots of one place say, where only one can be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Claimed<'a> {
    pub(super) cancelled: bool,
    pub(super) received_at: Timestamp,
    pub(super) digest: &'a str,
}

/// Whether `new` counts instead of `recorded`: a cancellation does, else what came in later, else the larger digest, so that the outcome
/// never depends on the order of arrival.
pub(super) fn prevails(new: Claimed<'_>, recorded: Claimed<'_>) -> bool {
    new > recorded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn version(revision: Option<u64>, second: i64, states_time: bool) -> SnapshotVersion {
        SnapshotVersion { revision, changed_at: ChangedAt::new(at(second), None), states_time }
    }

    #[test]
    fn revision_first_and_time_where_there_is_none() {
        for (new, recorded, unrevised, newer) in [
            (version(Some(3), 8, true), version(Some(2), 10, true), false, true),
            (version(Some(2), 12, true), version(Some(3), 10, true), false, false),
            (version(Some(2), 12, true), version(Some(2), 10, true), false, true),
            (version(Some(2), 12, false), version(Some(2), 10, false), false, false),
            (version(Some(2), 12, false), version(None, 10, true), true, true),
            (version(Some(3), 8, true), version(Some(2), 10, true), true, false),
            (version(None, 12, true), version(Some(9), 10, true), false, true),
            (version(None, 10, true), version(None, 10, true), true, false),
        ] {
            assert_eq!(new.is_newer_than(Some(&recorded.recorded()), unrevised), newer, "{new:?} after {recorded:?}");
        }
        assert!(version(None, 1, true).is_newer_than(None, false));
    }

    #[test]
    fn one_place_is_told_from_an_older_one() {
        let recorded = version(Some(2), 10, true);
        for (new, same) in [
            (version(Some(2), 10, true), true),
            (version(Some(2), 9, true), false),
            (version(Some(2), 99, false), true),
            (version(Some(1), 10, true), false),
        ] {
            assert_eq!(new.is_same_place_as(&recorded.recorded(), false), same, "{new:?}");
        }
    }

    #[test]
    fn a_cancellation_prevails_then_the_later_receipt() {
        let says = |cancelled, second, digest| Claimed { cancelled, received_at: at(second), digest };
        assert!(prevails(says(true, 1, "a"), says(false, 9, "z")));
        assert!(prevails(says(false, 2, "a"), says(false, 1, "z")));
        assert!(prevails(says(false, 1, "b"), says(false, 1, "a")));
        assert!(!prevails(says(false, 1, "a"), says(false, 1, "a")));
    }

    #[test]
    fn a_time_is_kept_as_it_was_made() {
        let event = ChangedAt::new(at(10), Some(at(11)));
        assert!(ChangedAt::new(at(10), None) < event && event < ChangedAt::new(at(10), Some(at(12))));
        assert_eq!((ChangedAt::parse(event.as_str()), event.at()), (Some(event.clone()), at(10)));
        for foreign in ["", "2031-05-20T18:03:10Z", "2031-05-20T18:03:10Z|", "never|", "2031-05-20T18:03:10.000000000Z"]
        {
            assert_eq!(ChangedAt::parse(foreign), None, "{foreign}");
        }
    }

    /// In any order of arrival, with any repeats, the same snapshot is the newest in the end.
    fn newest(arrivals: &[SnapshotVersion]) -> Option<RecordedVersion> {
        let (mut recorded, mut unrevised) = (None, false);
        for version in arrivals {
            if version.is_newer_than(recorded.as_ref(), unrevised) {
                unrevised |= version.revision.is_none();
                recorded = Some(version.recorded());
            }
        }
        recorded
    }

    proptest! {
        #[test]
        fn the_newest_does_not_depend_on_arrival(
            kind in 0..4,
            clocks in prop::collection::vec(0_i64..50, 1..8),
            seed in prop::collection::vec(0..8_usize, 16),
        ) {
            // Both stated, clocks that may disagree; revisions alone; times alone; mixed, with clocks that agree.
            let told: Vec<SnapshotVersion> = clocks
                .iter()
                .enumerate()
                .map(|(place, clock)| {
                    let revision = u64::try_from(place).expect("small");
                    let agreeing = i64::try_from(place).expect("small");
                    match kind {
                        0 => version(Some(revision), *clock, true),
                        1 => version(Some(revision), *clock, false),
                        2 => version(None, *clock, true),
                        _ => version((clock % 2 == 0).then_some(revision), agreeing, true),
                    }
                })
                .collect();
            let arrivals: Vec<_> = seed.iter().map(|place| told[place % told.len()].clone()).chain(told.clone()).collect();
            let reversed: Vec<_> = arrivals.iter().rev().cloned().collect();
            prop_assert_eq!(newest(&arrivals), newest(&told));
            prop_assert_eq!(newest(&reversed), newest(&told));
        }
    }
}
