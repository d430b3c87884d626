//! The calendar step.

use std::{collections::BTreeSet, sync::OnceLock};

use jiff::civil::Date;
use serde_json::Value;
use tokio::sync::watch;

use super::{
    ReconcileContext,
    attempt::{Attempt, StepOutcome},
    overlap::is_placed,
};
use crate::{
    ledger::{Known, ShownEntry, Step},
    outbound::{CallError, Class},
    reconcile::{
        desired::{self, Desired, DesiredEntry},
        fields::{Fields, applied, observed},
        plan::{self, Action},
    },
    systems::{
        calendar::{self, StandingEntry, merge_block},
        remote_id::EntryId,
    },
};

const STEP: Step = Step::Calendar;
/// Read back, notes read, changed, found to be gone, read back, created: an entry is not chased for ever.
const MOST_ACTIONS: u32 = 7;

type Try<'a> = Attempt<'a, Known<ShownEntry>>;

/// Brings the calendar in step, and announces the entry's id as soon as it is known; that it is `placed` when it is; and, when it
/// `is_over`, the outcome.
pub(super) async fn bring_in_step(
    context: &ReconcileContext<'_>,
    announce: watch::Sender<Option<EntryId>>,
    placed: watch::Sender<bool>,
    is_over: &OnceLock<Known<ShownEntry>>,
) -> StepOutcome<Known<ShownEntry>> {
    let desired = desired::entry(context.desired, context.record, &context.address.url);
    // Where no entry is wanted, crew do not wait for the calendar.
    let mut announce = Some(announce).filter(|_| matches!(desired, Desired::Shown(_)));
    let before = &context.record.journal.calendar;
    let mut attempt =
        Attempt::begin(context, STEP, plan::entry_digest(&desired), StepOutcome::untouched(before.clone()));
    let mut outcome = None;
    let mut notes = Notes::Unread;
    for _ in 0..MOST_ACTIONS {
        // Whether or not the entry is touched now: crew read its id.
        if let (Some(announce), Some(shown), false) = (&announce, &attempt.known.shown, attempt.known.step.unknown) {
            announce.send_replace(Some(shown.id.clone()));
        }
        let done = match (plan::calendar(&desired, &attempt.known, &context.when(), notes != Notes::Unread), &desired) {
            (Action::ReadBack, Desired::Shown(entry) | Desired::Withdrawn(entry)) => {
                read_back(context, entry, &mut attempt).await
            }
            (Action::Create, Desired::Shown(entry)) => create(context, entry, &mut attempt).await,
            (Action::ReadNotes(changes), Desired::Shown(entry)) => {
                read_notes(context, entry, &changes, &mut attempt).await.map(|read| notes = Notes::Read(read))
            }
            (Action::Change(changes), Desired::Shown(_)) => change(context, &changes, &notes, &mut attempt).await,
            (Action::Remove, Desired::Withdrawn(entry)) => remove(context, &entry.days, &mut attempt).await,
            (nothing_to_do, _) => {
                outcome = Some(Ok(nothing_to_do));
                break;
            }
        };
        if let Err(error) = done {
            outcome = Some(Err(error));
            break;
        }
    }
    let outcome = match outcome {
        Some(Ok(action)) => attempt.end(action),
        Some(Err(error)) => attempt.fail(&error),
        None => {
            let reason = "does not keep the entry: it is gone again and again";
            attempt.fail(&CallError::new(calendar::FIND, Class::Transient, reason))
        }
    };
    is_over.get_or_init(|| outcome.known.clone());
    announce.take();
    if is_placed(before, &outcome.known) {
        placed.send_replace(true);
    }
    drop(placed);
    outcome
}

/// Looks what is there. Of several entries the one that the journal knows stays, else the first; the others go.
async fn read_back(
    context: &ReconcileContext<'_>,
    entry: &DesiredEntry,
    attempt: &mut Try<'_>,
) -> Result<(), CallError> {
    let event_id = context.record.charter_id.as_str();
    let entries = context.calendar.find(event_id, &entry.days, &context.deadline).await?;
    let known = attempt.known.shown.as_ref().map(|shown| shown.id.clone());
    let of_journal = entries.iter().find(|found| Some(&found.id) == known.as_ref());
    let Some(kept) = of_journal.or(entries.first()).cloned() else {
        attempt.is_gone();
        return Ok(());
    };
    for other in entries.iter().filter(|found| found.id != kept.id) {
        delete(context, &other.id, &entry.days, attempt).await?;
    }
    attempt.did(format!("found {}", kept.id));
    shows(entry, kept, attempt);
    Ok(())
}

fn shows(entry: &DesiredEntry, found: StandingEntry, attempt: &mut Try<'_>) {
    let fields = found.seen.map_or_else(|| applied(&entry.fields), |seen| observed(&entry.fields, &seen));
    attempt.shows(ShownEntry { id: found.id, fields });
}

async fn create(context: &ReconcileContext<'_>, entry: &DesiredEntry, attempt: &mut Try<'_>) -> Result<(), CallError> {
    if context.record.journal.calendar.shown.is_some() {
        // The ledger names an entry that is gone. Should we end here, the next invocation must look for the new one.
        attempt.mark_unknown().await?;
    }
    let key = context.creation_key(STEP, &attempt.known.step);
    let unsettled = &mut attempt.known.step.unsettled_creations;
    match context.calendar.create(&entry.fields, &entry.days, &key, unsettled, &context.deadline).await {
        Ok(created) => {
            attempt.did(format!("created {}", created.id));
            shows(entry, created, attempt);
            Ok(())
        }
        Err(error) => {
            attempt.creation_failed(&error);
            Err(error)
        }
    }
}

/// What stands in the entry's notes.
#[derive(Debug, PartialEq, Eq)]
enum Notes {
    Unread,
    /// These; `None` when the entry is on no day that we know, and the change finds out.
    Read(Option<String>),
}

/// The notes as they are in the calendar. Beside it, what is about to change is written ahead: neither waits for the other.
async fn read_notes(
    context: &ReconcileContext<'_>,
    entry: &DesiredEntry,
    changes: &Fields,
    attempt: &mut Try<'_>,
) -> Result<Option<String>, CallError> {
    let Some(id) = attempt.known.shown.as_ref().map(|shown| shown.id.clone()) else { return Ok(None) };
    let notes_of = context.calendar.notes_of(&id, &entry.days, &context.deadline);
    let (notes, written) = tokio::join!(notes_of, attempt.write_intent(changes));
    written?;
    notes
}

/// The changes as they are sent: in the notes only our block is replaced.
fn merged(changes: &Fields, notes: &Notes) -> Fields {
    let mut sent = changes.clone();
    if let (Some(Value::String(ours)), Notes::Read(Some(current))) = (sent.get_mut("notes"), notes) {
        *ours = merge_block(current, ours);
    }
    sent
}

async fn change(
    context: &ReconcileContext<'_>,
    changes: &Fields,
    notes: &Notes,
    attempt: &mut Try<'_>,
) -> Result<(), CallError> {
    let Some(id) = attempt.known.shown.as_ref().map(|shown| shown.id.clone()) else { return Ok(()) };
    attempt.write_intent(changes).await?;
    let sent = merged(changes, notes);
    let key = context.key(STEP, id.as_str(), &sent);
    match context.calendar.patch(&id, &sent, &key, &context.deadline).await {
        Err(error) if error.status == Some(404) => attempt.known.step.unknown = true,
        outcome => outcome.map(|()| attempt.changed(changes))?,
    }
    Ok(())
}

async fn remove(context: &ReconcileContext<'_>, days: &BTreeSet<Date>, attempt: &mut Try<'_>) -> Result<(), CallError> {
    let Some(id) = attempt.known.shown.as_ref().map(|shown| shown.id.clone()) else { return Ok(()) };
    attempt.mark_unknown().await?;
    delete(context, &id, days, attempt).await?;
    attempt.is_gone();
    Ok(())
}

async fn delete(
    context: &ReconcileContext<'_>,
    id: &EntryId,
    days: &BTreeSet<Date>,
    attempt: &mut Try<'_>,
) -> Result<(), CallError> {
    let key = context.key(STEP, id.as_str(), &Fields::new());
    context.calendar.delete(id, days, &key, &context.deadline).await?;
    attempt.did(format!("removed {id}"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_people_wrote_into_the_notes_stays() {
        let changes =
            |notes: &str| Fields::from_iter([("notes".to_owned(), json!(notes)), ("date".to_owned(), json!("d"))]);
        let block = merge_block("", "ours");
        for (notes, expected) in [
            (Notes::Unread, block.clone()),
            (Notes::Read(None), block.clone()),
            (Notes::Read(Some(String::new())), block.clone()),
            (Notes::Read(Some("Fuel is low".into())), format!("{block}\n\nFuel is low")),
        ] {
            assert_eq!(merged(&changes(&block), &notes), changes(&expected), "{notes:?}");
        }
        let without_notes = Fields::from_iter([("date".to_owned(), json!("d"))]);
        assert_eq!(merged(&without_notes, &Notes::Read(Some("Fuel is low".into()))), without_notes);
    }
}
