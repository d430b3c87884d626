//! What is there before anything is done.

use super::{Systems, Work};
use crate::{
    calendar::{Entry, StoredEntry},
    outbound::{CallError, Class, Deadline},
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

/// Looks at both at once, in a hurry; a step whose system was too slow for that looks again in its own time.
pub(super) async fn observe(systems: &Systems<'_>, desired: &Desired, deadline: Deadline) -> Observed {
    let deadline = deadline.within(deadline.remaining() / PART_FOR_LOOKING);
    let (entries, event) =
        tokio::join!(systems.calendar.find(&desired.entry, deadline), systems.scc.find(desired.event.id(), deadline));
    Observed { entries, event }
}

impl Observed {
    /// SCC's event, if one was seen.
    pub(super) fn event(&self) -> Option<&StandingEvent> {
        self.event.as_ref().ok().and_then(Option::as_ref)
    }

    /// Why what is there must not be touched: to change a booking one must know what was applied before, and nobody remembers that yet.
    pub(super) fn conflict(&self, desired: &Desired) -> Option<String> {
        let entries = self.entries.as_deref().unwrap_or_default();
        desired.conflict_with_entries(entries).or_else(|| desired.conflict_with_event(self.event()?))
    }
}

impl Desired {
    /// Why these entries must not be touched; none as long as one of them shows what it should.
    pub(super) fn conflict_with_entries(&self, entries: &[StoredEntry]) -> Option<String> {
        let field = entries.iter().map(|stored| self.entry.difference(stored)).min().flatten()?;
        Some(stands_otherwise("the calendar", field))
    }

    /// Why this event must not be touched.
    pub(super) fn conflict_with_event(&self, event: &StandingEvent) -> Option<String> {
        if !self.event.is_same_booking(event) {
            return Some(format!("SCC's event {} belongs to another booking", event.id));
        }
        self.event.difference(event).map(|field| stands_otherwise("SCC", field))
    }
}

fn stands_otherwise(system: &str, field: &str) -> String {
    format!("the booking already stands in {system} with another {field}; changes are not made automatically yet")
}

/// Whether looking again, with more time, could show more: it was cut short, or what was denied may be allowed with newer secrets.
pub(super) fn deserves_another_look(error: &CallError) -> bool {
    error.class == Class::Denied || (error.class == Class::Transient && error.status.is_none())
}
