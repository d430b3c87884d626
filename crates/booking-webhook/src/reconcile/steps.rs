//! The four steps: one effect on one system each, and how it went.

use std::{collections::BTreeSet, time::Instant};

use tokio::{sync::watch, time::timeout};

use super::{Desired, EntryIdChannel, StepReport, Systems, Work, observation::deserves_another_look};
use crate::{
    calendar::{EntryId, StoredEntry},
    outbound::CallError,
    scc::{Event, StandingEvent},
};

/// Makes the calendar hold exactly one entry, and announces its id.
pub(super) async fn calendar(
    systems: &Systems<'_>,
    work: &Work<'_>,
    desired: &Desired,
    entries: Result<Vec<StoredEntry>, CallError>,
    announce: watch::Sender<Option<EntryId>>,
) -> StepReport {
    let started = Instant::now();
    let entries = match entries {
        Err(error) if deserves_another_look(&error) => systems.calendar.find(&desired.entry, work.deadline).await,
        entries => entries,
    };
    let outcome = match entries {
        Ok(entries) => match desired.conflict_with_entries(&entries) {
            Some(conflict) => return StepReport::parked("calendar", conflict),
            None => one_entry(systems, work, desired, entries).await,
        },
        Err(error) => Err(error),
    };
    if let Ok(id) = &outcome {
        announce.send_replace(Some(id.clone()));
    }
    StepReport::of("calendar", outcome.map(|id| Some(id.as_str().to_owned())), started.elapsed())
}

/// Of several entries, one that shows what it should stays, the one with the lowest id first.
async fn one_entry(
    systems: &Systems<'_>,
    work: &Work<'_>,
    desired: &Desired,
    entries: Vec<StoredEntry>,
) -> Result<EntryId, CallError> {
    let kept = entries.iter().find(|stored| desired.entry.difference(stored).is_none()).or(entries.first());
    let Some(kept) = kept else { return systems.calendar.create(&desired.entry, work.deadline).await };
    for duplicate in entries.iter().filter(|stored| stored.id != kept.id) {
        systems.calendar.delete(&duplicate.id, work.deadline).await?;
    }
    Ok(kept.id.clone())
}

/// Creates the crew event unless it stands already. It carries the calendar entry's id if that is known in time.
pub(super) async fn crew_event(
    systems: &Systems<'_>,
    work: &Work<'_>,
    desired: &Desired,
    standing: Result<Option<StandingEvent>, CallError>,
    entry_id: &mut EntryIdChannel,
) -> (StepReport, Option<StandingEvent>) {
    let started = Instant::now();
    let standing = match standing {
        Err(error) if deserves_another_look(&error) => systems.scc.find(desired.event.id(), work.deadline).await,
        standing => standing,
    };
    if let Some(conflict) = standing.as_ref().ok().and_then(|event| desired.conflict_with_event(event.as_ref()?)) {
        return (StepReport::parked("crew_event", conflict), None);
    }
    let outcome = match standing {
        Ok(None) if work.is_over() => {
            let over = StepReport::not_needed().noting(Some("the charter is over: crew are not told about it".into()));
            return (over, None);
        }
        Ok(None) => {
            let known = timeout(systems.crew_event_wait, announced(entry_id)).await.ok().flatten();
            let event = Event::of(&work.booking.charter, &work.address.url, known.as_ref());
            systems.scc.create(&event, work.deadline).await
        }
        Ok(Some(event)) => Ok(event),
        Err(error) => Err(error),
    };
    let (event, outcome) = match outcome {
        Ok(event) => (Some(event.clone()), Ok(Some(event.id.to_string()))),
        Err(error) => (None, Err(error)),
    };
    (StepReport::of("crew_event", outcome, started.elapsed()), event)
}

/// Adds the calendar entry's id to notes that were written before it was known. Notes that somebody has changed since stay as they are.
pub(super) async fn late_entry_id(
    systems: &Systems<'_>,
    work: &Work<'_>,
    event: &StandingEvent,
    entry_id: &mut EntryIdChannel,
) -> Option<StepReport> {
    let without_id = Event::of(&work.booking.charter, &work.address.url, None);
    if event.notes != without_id.notes() || work.is_over() {
        return None;
    }
    let id = announced(entry_id).await?;
    let started = Instant::now();
    let with_id = Event::of(&work.booking.charter, &work.address.url, Some(&id));
    let key = format!("{}/crew_event/{}", work.booking.charter.booking_id, work.fence);
    let outcome = systems.scc.patch_notes(&event.id, with_id.notes(), &key, work.deadline).await;
    Some(StepReport::of("crew_event", outcome.map(|()| Some(event.id.to_string())), started.elapsed()))
}

/// Makes sure that crew can see no money in the event.
pub(super) async fn redaction(systems: &Systems<'_>, work: &Work<'_>, event: &StandingEvent) -> StepReport {
    let started = Instant::now();
    let outcome = systems.scc.redact(&event.id, &systems.operator.money_words, work.deadline).await;
    let removed = outcome.as_ref().ok().filter(|removed| !removed.is_empty());
    let removed = removed.map(|removed| {
        // Names of attributes are as free as their values: deeper ones than the first could be somebody's address.
        let attributes: BTreeSet<&str> = removed.iter().filter_map(|path| path.split(['.', '[']).next()).collect();
        tracing::warn!(event_id = %event.id, ?attributes, "money was taken out of a crew event");
        format!("removed {}", removed.join(", "))
    });
    StepReport::of("crew_redaction", outcome.map(|_| None), started.elapsed()).noting(removed)
}

/// Renders the page, puts it into the bucket and makes the edge forget the one before.
pub(super) async fn guest_page(systems: &Systems<'_>, work: &Work<'_>) -> StepReport {
    let started = Instant::now();
    let page = match systems.page(&work.booking.charter, work.address, work.now) {
        Ok(page) => page,
        Err(error) => return StepReport::parked("guest_page", error.to_string()),
    };
    let reference = format!("{}-{}", work.booking.charter.id, work.fence);
    let outcome = systems.publisher.publish(&page, work.address, &reference, work.deadline).await;
    StepReport::of("guest_page", outcome.map(|()| Some(work.address.key.clone())), started.elapsed())
}

async fn announced(entry_id: &mut EntryIdChannel) -> Option<EntryId> {
    entry_id.wait_for(Option::is_some).await.ok().and_then(|id| id.clone())
}
