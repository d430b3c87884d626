//! What stands beside a booking in the calendar, as far as it was looked at; and what is still owed because of that.
//!
//! None of it is a step: a calendar that is not looked at makes no booking due. What is owed waits beside the notices, where each sweep
//! looks. Another booking is only *asked* to look for itself, and only while nobody holds it, so that no release can overwrite that.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{document::document, expression::Update};
use crate::booking::{BookingId, Overlap};

/// What was found.
pub(super) const OVERLAPS: &str = "overlaps";
/// An attribute of its own: who sets it does not know what was found.
pub(super) const LOOK_OWED: &str = "look_owed";

/// What stands beside a booking in the calendar.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Overlaps {
    /// As of the last look.
    pub(crate) found: Vec<Overlap>,
    /// The calendar entry's own `CHECK` lines do not say so yet.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unwritten: bool,
    /// Bookings of ours that are to look, too: what was found concerns them, or does no more.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) to_tell: BTreeSet<BookingId>,
    /// It must be looked again.
    #[serde(skip)]
    pub(crate) look_owed: bool,
}

impl Overlaps {
    /// What a look came to. `moved`: the booking itself stands elsewhere now, which everybody beside it must know. Answers whether
    /// anything is new.
    pub(crate) fn learn(&mut self, found: Vec<Overlap>, moved: bool) -> bool {
        self.look_owed = false;
        let ids = |found: &[Overlap]| -> BTreeSet<BookingId> {
            found.iter().filter_map(|overlap| overlap.booking_id.clone()).collect()
        };
        let (before, now) = (ids(&self.found), ids(&found));
        let concerned: BTreeSet<BookingId> = if moved { &before | &now } else { &before ^ &now };
        self.to_tell.extend(concerned);
        let is_new = self.found != found;
        self.unwritten |= is_new;
        self.found = found;
        is_new
    }

    /// Whether the sweep has something to do about it.
    pub(crate) fn owe_something(&self) -> bool {
        self.look_owed || self.unwritten || !self.to_tell.is_empty()
    }
}

/// The update that keeps what was found, and what is owed.
pub(super) fn keep(update: Update, overlaps: &Overlaps) -> Update {
    let nothing = Overlaps { look_owed: overlaps.look_owed, ..Overlaps::default() };
    let update =
        if *overlaps == nothing { update.remove(&[OVERLAPS]) } else { update.set(OVERLAPS, document(overlaps)) };
    if overlaps.look_owed {
        update.set(LOOK_OWED, aws_sdk_dynamodb::types::AttributeValue::Bool(true))
    } else {
        update.remove(&[LOOK_OWED])
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::booking::OnBoat;

    fn beside(booking: &str, to: i64) -> Overlap {
        Overlap {
            booking_id: Some(BookingId::parse(booking).expect("an id")),
            title: String::new(),
            boat: OnBoat::Same,
            same_captain: false,
            people: BTreeSet::new(),
            from: Timestamp::UNIX_EPOCH,
            to: Timestamp::from_second(to).expect("in range"),
            all_day: false,
        }
    }

    fn told(overlaps: &Overlaps) -> Vec<&str> {
        overlaps.to_tell.iter().map(BookingId::as_str).collect()
    }

    #[test]
    fn others_are_told_when_they_come_or_go_or_it_moves() {
        let (one, other) = (beside("BS-2", 60), beside("BS-3", 60));
        let after = |found: &[Overlap], moved: bool| {
            let mut overlaps = Overlaps { found: vec![one.clone()], look_owed: true, ..Overlaps::default() };
            let is_new = overlaps.learn(found.to_vec(), moved);
            assert!(!overlaps.look_owed && overlaps.unwritten == is_new && overlaps.found == found);
            overlaps
        };
        assert!(!after(std::slice::from_ref(&one), false).owe_something());
        assert_eq!(told(&after(std::slice::from_ref(&one), true)), ["BS-2"]);
        assert_eq!(told(&after(&[one.clone(), other.clone()], false)), ["BS-3"]);
        assert_eq!(told(&after(&[other], false)), ["BS-2", "BS-3"]);
        assert_eq!(told(&after(&[], false)), ["BS-2"]);
        let longer = after(&[beside("BS-2", 90)], false);
        assert!(longer.unwritten && told(&longer).is_empty(), "the other one has moved, and knows it");
    }
}
