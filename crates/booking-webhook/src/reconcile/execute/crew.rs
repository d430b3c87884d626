//! The crew's steps: the event, then no money in it.

use std::{collections::BTreeSet, sync::OnceLock};

use serde_json::{Value, json};
use tokio::{sync::watch, time::timeout};

use super::{
    ReconcileContext,
    attempt::{Attempt, StepOutcome},
};
use crate::{
    ledger::{Known, ShownEntry, ShownEvent, Step, StepRecord, StepStatus},
    outbound::{CallError, Class},
    reconcile::{
        desired::{Desired, DesiredEvent},
        fields::{Fields, applied, observed},
        plan::{self, Action},
    },
    systems::{
        remote_id::{EntryId, EventId},
        scc::{self, StandingEvent},
    },
};

const STEP: Step = Step::CrewEvent;
/// Read back, notes read, created or changed, and one more.
const MOST_ACTIONS: u32 = 5;

/// The entry's id as soon as the calendar step has it; the channel closes when that step is over.
pub(super) type EntryIdChannel = watch::Receiver<Option<EntryId>>;
type EventOutcome = StepOutcome<Known<ShownEvent>>;
type Try<'a> = Attempt<'a, Known<ShownEvent>>;

/// Brings the crew event in step, then makes sure that crew can see no money in it. When the calendar entry's id comes too late for the
/// event's notes, they are changed once it is there.
pub(super) async fn bring_in_step(
    context: &ReconcileContext<'_>,
    mut entry_id: EntryIdChannel,
    calendar_is_over: &OnceLock<Known<ShownEntry>>,
) -> (EventOutcome, StepOutcome<StepRecord>) {
    let journal = &context.record.journal;
    let known_in_time = timeout(context.crew_event_wait, announced(&mut entry_id)).await.ok().flatten();
    let untouched = StepOutcome::untouched(journal.crew_event.clone());
    let event = crew_event(context, known_in_time.as_ref(), untouched).await;
    let unchecked = StepOutcome::untouched(journal.crew_redaction.clone());
    let ((), redaction) =
        tokio::join!(context.journal(&event, calendar_is_over.get()), redaction(context, &event, unchecked));
    let known_now = last_announced(&mut entry_id).await;
    if known_now == known_in_time || event.known.step.status != StepStatus::InStep {
        return (event, redaction);
    }
    let event = crew_event(context, known_now.as_ref(), event).await;
    let redaction = self::redaction(context, &event, redaction).await;
    (event, redaction)
}

/// What SCC should show, as far as the calendar entry's id is known; `before` is what this invocation has done already.
async fn crew_event(context: &ReconcileContext<'_>, entry_id: Option<&EntryId>, before: EventOutcome) -> EventOutcome {
    let shown = before.known.shown.as_ref().and_then(|event| event.entry_id.as_ref());
    let desired = crate::reconcile::desired::event(context.desired, &context.address.url, entry_id, shown);
    let mut attempt = Attempt::begin(context, STEP, plan::event_digest(&desired), before);
    let mut notes = None;
    for _ in 0..MOST_ACTIONS {
        let action = plan::crew_event(&desired, &attempt.known, &context.when(), notes.is_some());
        let done = match (action, &desired) {
            (Action::ReadBack, Desired::Shown(event) | Desired::Withdrawn(event)) => {
                read_back(context, event, &mut attempt).await
            }
            (Action::ReadNotes(changes), Desired::Shown(event)) => {
                match read_notes(context, event, &changes, &mut attempt).await {
                    Ok(read) => {
                        notes = Some(read);
                        Ok(())
                    }
                    Err(unread) => change_all_but_notes(context, event, changes, &mut attempt).await.and(Err(unread)),
                }
            }
            (Action::Create, Desired::Shown(event)) => create(context, event, &mut attempt).await,
            (Action::Change(changes), Desired::Shown(event)) => {
                change(context, event, &changes, notes.as_deref(), &mut attempt).await
            }
            (Action::Change(changes), Desired::Withdrawn(_)) => cancel(context, &changes, &mut attempt).await,
            (nothing_to_do, _) => return attempt.end(nothing_to_do),
        };
        if let Err(error) = done {
            return attempt.fail(&error);
        }
    }
    attempt.fail(&CallError::new(scc::PATCH, Class::Transient, "does not keep the event as it was written"))
}

fn own_id(context: &ReconcileContext<'_>) -> EventId {
    EventId::from(&context.record.charter_id)
}

async fn read_back(
    context: &ReconcileContext<'_>,
    event: &DesiredEvent,
    attempt: &mut Try<'_>,
) -> Result<(), CallError> {
    let (id, booking_id) = (own_id(context), &context.record.booking_id);
    match context.scc.find(&id, &event.fields, booking_id, &context.deadline).await? {
        Some(found) => {
            attempt.did(format!("found {}", found.id));
            shows(event, found, attempt);
        }
        None => attempt.is_gone(),
    }
    Ok(())
}

fn shows(event: &DesiredEvent, found: StandingEvent, attempt: &mut Try<'_>) {
    let StandingEvent { id, seen } = found;
    let (fields, entry_id) = match &seen {
        None => (applied(&event.fields), event.entry_id.clone()),
        Some(seen) => (observed(&event.fields, seen), None),
    };
    attempt.shows(ShownEvent { id, fields, entry_id });
}

/// The notes as they are at SCC. Beside it, what is about to change is written ahead: neither waits for the other.
async fn read_notes(
    context: &ReconcileContext<'_>,
    event: &DesiredEvent,
    changes: &Fields,
    attempt: &mut Try<'_>,
) -> Result<String, CallError> {
    let Some(id) = attempt.known.shown.as_ref().map(|shown| shown.id.clone()) else { return Ok(String::new()) };
    let (found, written) = tokio::join!(
        context.scc.find(&id, &event.fields, &context.record.booking_id, &context.deadline),
        attempt.write_intent(changes),
    );
    written?;
    let notes = found?.and_then(|found| found.seen?.remove("notes"));
    Ok(notes.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned())
}

async fn create(context: &ReconcileContext<'_>, event: &DesiredEvent, attempt: &mut Try<'_>) -> Result<(), CallError> {
    let (id, booking_id) = (own_id(context), &context.record.booking_id);
    let key = context.creation_key(STEP, &attempt.known.step);
    let unsettled = &mut attempt.known.step.unsettled_creations;
    match context.scc.create(&id, &event.fields, booking_id, &key, unsettled, &context.deadline).await {
        Ok(created) => {
            attempt.did(format!("created {}", created.id));
            shows(event, created, attempt);
            Ok(())
        }
        Err(error) => {
            attempt.creation_failed(&error);
            Err(error)
        }
    }
}

/// Changes the event. What people wrote into the notes stays: only our part of them is replaced.
async fn change(
    context: &ReconcileContext<'_>,
    event: &DesiredEvent,
    changes: &Fields,
    notes: Option<&str>,
    attempt: &mut Try<'_>,
) -> Result<(), CallError> {
    let mut sent = changes.clone();
    if let (Some(current), Some(ours)) = (notes, changes.get("notes").and_then(Value::as_str)) {
        sent.insert("notes".into(), scc::merge_notes(current, ours).into());
    }
    patch(context, &sent, attempt).await?;
    attempt.changed(changes);
    if let Some(shown) = attempt.known.shown.as_mut().filter(|_| changes.contains_key("notes")) {
        shown.entry_id.clone_from(&event.entry_id);
    }
    Ok(())
}

/// If the notes cannot be read, the crew are still told everything else.
async fn change_all_but_notes(
    context: &ReconcileContext<'_>,
    event: &DesiredEvent,
    mut changes: Fields,
    attempt: &mut Try<'_>,
) -> Result<(), CallError> {
    changes.remove("notes");
    if changes.is_empty() { Ok(()) } else { change(context, event, &changes, None, attempt).await }
}

/// Cancels the event. One that is gone need not be cancelled.
async fn cancel(context: &ReconcileContext<'_>, changes: &Fields, attempt: &mut Try<'_>) -> Result<(), CallError> {
    match patch(context, changes, attempt).await {
        Err(error) if error.status == Some(404) && error.class == Class::Refused => attempt.is_gone(),
        outcome => outcome.map(|()| attempt.changed(changes))?,
    }
    Ok(())
}

async fn patch(context: &ReconcileContext<'_>, changes: &Fields, attempt: &mut Try<'_>) -> Result<(), CallError> {
    let Some(id) = attempt.known.shown.as_ref().map(|shown| shown.id.clone()) else { return Ok(()) };
    attempt.write_intent(changes).await?;
    let key = context.key(STEP, id.as_str(), changes);
    context.scc.patch(&id, changes, &key, &context.deadline).await
}

/// Makes sure that crew can see no money in the event.
async fn redaction(
    context: &ReconcileContext<'_>,
    event: &EventOutcome,
    before: StepOutcome<StepRecord>,
) -> StepOutcome<StepRecord> {
    let content = context.redaction_content(&json!(event.known.shown));
    let touched = !event.work.did.is_empty();
    let action = plan::redaction(&event.known, touched, &before.known, &content, &context.when());
    let mut attempt = Attempt::begin(context, Step::CrewRedaction, content, before);
    let Some(shown) = event.known.shown.as_ref().filter(|_| action == Action::CheckForMoney) else {
        return attempt.end(action);
    };
    match take_money_out(context, &shown.id, &mut attempt).await {
        // What may still land at SCC must be looked at again then.
        Ok(()) if event.known.step.status == StepStatus::Due => attempt.end(Action::Done(StepStatus::Due)),
        Ok(()) => attempt.end(Action::Done(StepStatus::InStep)),
        Err(error) => attempt.fail(&error),
    }
}

async fn take_money_out(
    context: &ReconcileContext<'_>,
    id: &EventId,
    attempt: &mut Attempt<'_, StepRecord>,
) -> Result<(), CallError> {
    let keep = |removed: Fields| context.ledger.keep_removed(context.record, removed, &context.deadline);
    let removed = context.scc.redact(id, context.operator, keep, &context.deadline).await?;
    if !removed.is_empty() {
        // Names of attributes are as free as their values: deeper ones than the first could be somebody's address.
        let attributes: BTreeSet<&str> = removed.iter().filter_map(|path| path.split(['.', '[']).next()).collect();
        let booking_id = context.record.booking_id.as_str();
        tracing::warn!(booking_id, event_id = %id, ?attributes, "money was taken out of a crew event");
        attempt.did(format!("removed {}", attributes.into_iter().collect::<Vec<_>>().join(", ")));
    }
    Ok(())
}

async fn announced(entry_id: &mut EntryIdChannel) -> Option<EntryId> {
    entry_id.wait_for(Option::is_some).await.ok().and_then(|id| id.clone())
}

/// What was announced last, when the calendar step is over.
async fn last_announced(entry_id: &mut EntryIdChannel) -> Option<EntryId> {
    while entry_id.changed().await.is_ok() {}
    entry_id.borrow().clone()
}
