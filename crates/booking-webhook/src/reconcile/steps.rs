//! The four steps: one effect on one system each, and how it went.

use std::time::Instant;

use tokio::{sync::watch, time::timeout};

use super::{EntryIdChannel, StepReport, Systems, Work};
use crate::{
    calendar::{Entry, EntryId},
    outbound::CallError,
    scc::{Event, StandingEvent},
};

/// Puts the entry into the calendar and announces its id.
pub(super) async fn calendar(
    systems: &Systems<'_>,
    work: &Work<'_>,
    announce: watch::Sender<Option<EntryId>>,
) -> StepReport {
    let started = Instant::now();
    let entry = Entry::of(work.booking, &work.address.url);
    let outcome = systems.calendar.put_in_step(&entry, work.deadline).await;
    if let Ok(id) = &outcome {
        announce.send_replace(Some(id.clone()));
    }
    StepReport::of(outcome.map(|id| Some(id.as_str().to_owned())), started.elapsed())
}

/// Creates the crew event unless it stands already. It carries the calendar entry's id if that is known in time.
pub(super) async fn crew_event(
    systems: &Systems<'_>,
    work: &Work<'_>,
    standing: Result<Option<StandingEvent>, CallError>,
    entry_id: &mut EntryIdChannel,
) -> (StepReport, Option<StandingEvent>) {
    let started = Instant::now();
    let outcome = match standing {
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
    (StepReport::of(outcome, started.elapsed()), event)
}

/// Adds the calendar entry's id to notes that were written before it was known. Notes that somebody has changed since stay as they are.
pub(super) async fn late_entry_id(
    systems: &Systems<'_>,
    work: &Work<'_>,
    event: &StandingEvent,
    entry_id: &mut EntryIdChannel,
) -> Option<StepReport> {
    let without_id = Event::of(&work.booking.charter, &work.address.url, None);
    if event.notes != without_id.notes() {
        return None;
    }
    let id = announced(entry_id).await?;
    let started = Instant::now();
    let with_id = Event::of(&work.booking.charter, &work.address.url, Some(&id));
    let key = format!("{}/crew_event/{}", work.booking.charter.booking_id, work.fence);
    let outcome = systems.scc.patch_notes(&event.id, with_id.notes(), &key, work.deadline).await;
    Some(StepReport::of(outcome.map(|()| Some(event.id.to_string())), started.elapsed()))
}

/// Makes sure that crew can see no money in the event.
pub(super) async fn redaction(systems: &Systems<'_>, work: &Work<'_>, event: &StandingEvent) -> StepReport {
    let started = Instant::now();
    let outcome = systems.scc.redact(&event.id, &systems.operator.money_words, work.deadline).await;
    if let Ok(removed) = &outcome
        && !removed.is_empty()
    {
        tracing::warn!(event_id = %event.id, ?removed, "money was taken out of a crew event");
    }
    let removed = outcome
        .as_ref()
        .ok()
        .filter(|removed| !removed.is_empty())
        .map(|removed| format!("removed {}", removed.join(", ")));
    StepReport::of(outcome.map(|_| None), started.elapsed()).noting(removed)
}

/// Renders the page, puts it into the bucket and makes the edge forget the one before.
pub(super) async fn guest_page(systems: &Systems<'_>, work: &Work<'_>) -> StepReport {
    let started = Instant::now();
    let page = match systems.page(&work.booking.charter, work.address, work.now) {
        Ok(page) => page,
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the guest page's template does not fit its content"
            );
            return StepReport::parked(error.to_string());
        }
    };
    let reference = format!("{}-{}", work.booking.charter.id, work.fence);
    let outcome = systems.publisher.publish(&page, work.address, &reference, work.deadline).await;
    StepReport::of(outcome.map(|()| Some(work.address.key.clone())), started.elapsed())
}

async fn announced(entry_id: &mut EntryIdChannel) -> Option<EntryId> {
    entry_id.wait_for(Option::is_some).await.ok().and_then(|id| id.clone())
}
