//! What is there before anything is done.

use super::{Systems, Work};
use crate::{
    calendar::{Entry, StoredEntry},
    outbound::{CallError, Deadline},
    scc::{Event, StandingEvent},
};

/// A system that hangs must not use up the others' time: looking takes at most this part of what is left.
const PART_FOR_LOOKING: u32 = 6;

/// What the systems with entries of their own should show.
#[derive(Debug)]
pub(super) struct Desired {
    pub(super) entry: Entry,
    /// Without the calendar entry's id, which is not known yet.
    pub(super) event: Event,
}

impl Desired {
    pub(super) fn of(work: &Work<'_>) -> Self {
        Self {
            entry: Entry::of(work.booking, &work.address.url),
            event: Event::of(&work.booking.charter, &work.address.url, None),
        }
    }
}

/// What they show.
#[derive(Debug)]
pub(super) struct Observed {
    pub(super) entries: Result<Vec<StoredEntry>, CallError>,
    pub(super) event: Result<Option<StandingEvent>, CallError>,
}

/// Looks at both at once.
pub(super) async fn observe(systems: &Systems<'_>, desired: &Desired, deadline: Deadline) -> Observed {
    let deadline = deadline.within(deadline.remaining() / PART_FOR_LOOKING);
    let (entries, event) =
        tokio::join!(systems.calendar.find(&desired.entry, deadline), systems.scc.find(desired.event.id(), deadline));
    Observed { entries, event }
}

impl Observed {
    /// Why what is there must not be touched: to change a booking one must know what was applied before, and nobody remembers that yet.
    pub(super) fn conflict(&self, desired: &Desired) -> Option<String> {
        let entries = self.entries.as_deref().unwrap_or_default();
        let event = self.event.as_ref().ok().and_then(Option::as_ref);
        if let Some(event) = event.filter(|event| !desired.event.is_same_booking(event)) {
            return Some(format!("SCC's event {} belongs to another booking", event.id));
        }
        let in_calendar = entries.iter().map(|stored| desired.entry.difference(stored)).min().flatten();
        let in_scc = event.and_then(|event| desired.event.difference(event));
        let (system, field) = in_calendar.map(|field| ("the calendar", field)).or(in_scc.map(|field| ("SCC", field)))?;
        Some(format!(
            "the booking already stands in {system} with another {field}; changes are not made automatically yet"
        ))
    }
}
