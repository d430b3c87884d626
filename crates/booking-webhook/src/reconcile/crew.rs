//! The crew's steps: one event, created once, changed only where the sender changed something; then no money in it.

use std::{collections::BTreeSet, ops::ControlFlow};

use serde_json::{Value, json};
use tokio::{sync::watch, time::timeout};

use super::{
    ReconcileContext, StepOutcome, Trigger,
    attempt::Attempt,
    course::DesiredState,
    difference::{Fields, changes, content, digests, not_named, observed, value_digest},
};
use crate::{
    booking::Booking,
    ledger::{Applied, Standing, Step, StepRecord},
    outbound::{CallError, Class},
    systems::calendar::EntryId,
    systems::scc::{Event, EventId, StandingEvent, merge_notes},
};

const STEP: Step = Step::CrewEvent;
/// The name under which the ledger keeps which calendar entry the notes name.
const ENTRY_IN_NOTES: &str = "calendar_entry";
const CANCELLED: &str = "cancelled";
const OVER: &str = "the charter is over: crew are not told about it";
/// Created or found, then changed.
const MOST_TURNS: u32 = 2;

/// The entry's id as soon as the calendar step has it; the channel closes when that step is over.
pub(super) type EntryIdChannel = watch::Receiver<Option<EntryId>>;

/// Brings the crew event in step, then makes sure that crew can see no money in it.
pub(super) async fn bring_in_step(
    round: &ReconcileContext<'_>,
    mut entry_id: EntryIdChannel,
) -> (StepOutcome, StepOutcome) {
    let known_in_time = timeout(round.systems.crew_event_wait, announced(&mut entry_id)).await.ok().flatten();
    let event = crew_event(round, known_in_time.as_ref(), None).await;
    let ((), redaction) = tokio::join!(round.journal(STEP, &event), redaction(round, &event, None));
    let known_now = last_announced(&mut entry_id).await;
    if known_now == known_in_time || !event.is_in_step() {
        return (event, redaction);
    }
    let event = crew_event(round, known_now.as_ref(), Some(event)).await;
    let redaction = self::redaction(round, &event, Some(redaction)).await;
    (event, redaction)
}

/// What SCC should show, as far as the calendar entry's id is known; `before` is what this round has done already.
async fn crew_event(
    round: &ReconcileContext<'_>,
    entry_id: Option<&EntryId>,
    before: Option<StepOutcome>,
) -> StepOutcome {
    let known = &round.record.journal.crew_event;
    let (booking, stands) = match round.course {
        DesiredState::Stands(booking) => (booking, true),
        DesiredState::Cancelled(booking) => (booking, false),
        DesiredState::NeedsDecision(held) => return StepOutcome::held(round, STEP, *held),
        DesiredState::Nothing => return StepOutcome::not_needed(known.clone(), None),
    };
    if round.is_over() && matches!(known.standing, Standing::InStep | Standing::NotNeeded) {
        return StepOutcome::unchanged(known.clone());
    }
    let noted = before.as_ref().map_or(known, |before| &before.known).applied.get(ENTRY_IN_NOTES).cloned();
    let wanted = Wanted::of(round, booking, entry_id.cloned(), noted.map(EntryId::stored));
    let content = if stands { content(&wanted.event) } else { CANCELLED.into() };
    let begun = match before {
        Some(outcome) => ControlFlow::Continue(Attempt::resume(round, STEP, content, outcome)),
        None => Attempt::begin(round, STEP, content),
    };
    let mut attempt = match begun {
        ControlFlow::Continue(attempt) => attempt,
        ControlFlow::Break(outcome) => return outcome,
    };
    let outcome = if round.is_over() {
        wanted.leave(&mut attempt).await
    } else if stands {
        wanted.show(&mut attempt).await
    } else {
        wanted.cancel(&mut attempt).await
    };
    attempt.end(outcome)
}

/// What crew should read of one booking.
struct Wanted<'a> {
    event: Fields,
    entry_id: Option<EntryId>,
    left_alone: Vec<&'static str>,
    round: &'a ReconcileContext<'a>,
}

impl<'a> Wanted<'a> {
    fn of(
        round: &'a ReconcileContext<'a>,
        booking: &Booking,
        entry_id: Option<EntryId>,
        noted: Option<EntryId>,
    ) -> Self {
        let event = |entry_id: Option<&EntryId>| Event::of(&booking.charter, &round.address.url, entry_id).fields();
        let entry_id = entry_id.or(noted);
        let event = event(entry_id.as_ref());
        // The checklist is the operator's, the status the crew's own: neither is the sender's to change.
        let left_alone = [not_named(booking), vec!["event_id", "checklist", "status"]].concat();
        Self { event, entry_id, left_alone, round }
    }

    async fn show(&self, attempt: &mut Attempt<'_>) -> Result<Standing, CallError> {
        if attempt.known.unknown {
            self.adopt(attempt).await?;
        }
        for _ in 0..MOST_TURNS {
            let Some(id) = attempt.known.remote_id.clone().map(EventId::stored) else {
                self.create(attempt).await?;
                continue;
            };
            let mut changes = changes(&self.event, &attempt.known, &self.left_alone);
            if is_cancelled(&attempt.known) {
                // A person has decided that it sails after all.
                changes.insert("status".into(), self.event["status"].clone());
            }
            // What people wrote into the notes stays. If it cannot be read, crew hear of everything else all the same.
            let unread = match changes.remove("notes") {
                Some(_) => self.merged_notes(&id).await.map(|notes| changes.insert("notes".into(), notes)).err(),
                None => None,
            };
            self.patch(attempt, &id, &changes).await?;
            if let Some(error) = unread {
                return Err(error);
            }
            break;
        }
        Ok(Standing::InStep)
    }

    /// The notes as they are at SCC, with our lines in them brought up to date.
    async fn merged_notes(&self, id: &EventId) -> Result<Value, CallError> {
        let (scc, record) = (&self.round.systems.scc, self.round.record);
        let mut event = self.event.clone();
        event.insert("event_id".into(), json!(id));
        let event = scc.find(&event, &record.booking_id, &self.round.deadline).await?;
        let seen = event.and_then(|event| event.seen?.remove("notes"));
        let current = seen.as_ref().and_then(Value::as_str).unwrap_or_default();
        Ok(merge_notes(current, self.event["notes"].as_str().unwrap_or_default()).into())
    }

    async fn cancel(&self, attempt: &mut Attempt<'_>) -> Result<Standing, CallError> {
        if attempt.known.unknown {
            self.adopt(attempt).await?;
        }
        let Some(id) = attempt.known.remote_id.clone().map(EventId::stored) else { return Ok(Standing::NotNeeded) };
        let cancelled = Fields::from_iter([("status".to_owned(), CANCELLED.into())]);
        let changes = changes(&cancelled, &attempt.known, &[]);
        self.patch(attempt, &id, &changes).await?;
        Ok(Standing::InStep)
    }

    /// Changes nothing any more. What may be there is looked for all the same: crew can still read it, and must not find money in it.
    async fn leave(&self, attempt: &mut Attempt<'_>) -> Result<Standing, CallError> {
        if attempt.known.unknown {
            self.adopt(attempt).await?;
        }
        attempt.did(OVER);
        Ok(Standing::NotNeeded)
    }

    /// Takes up what is there, if anything is.
    async fn adopt(&self, attempt: &mut Attempt<'_>) -> Result<(), CallError> {
        let (scc, booking_id) = (&self.round.systems.scc, &self.round.record.booking_id);
        match scc.find(&self.event, booking_id, &self.round.deadline).await? {
            Some(event) => {
                attempt.did(format!("found {}", event.id));
                self.stands(attempt, event);
            }
            None => attempt.is_gone(),
        }
        Ok(())
    }

    async fn create(&self, attempt: &mut Attempt<'_>) -> Result<(), CallError> {
        let ReconcileContext { systems, record, deadline, .. } = self.round;
        match systems
            .scc
            .create(&self.event, &record.booking_id, &self.round.creation_key(STEP, &attempt.known), deadline)
            .await
        {
            Ok(event) => {
                attempt.did(format!("created {}", event.id));
                self.stands(attempt, event);
                Ok(())
            }
            Err(error) => {
                attempt.known.unknown = matches!(error.class, Class::Unknown { .. });
                Err(error)
            }
        }
    }

    fn stands(&self, attempt: &mut Attempt<'_>, event: StandingEvent) {
        let mut applied = match &event.seen {
            None => digests(&self.event),
            Some(seen) => observed(&self.event, seen),
        };
        if event.seen.is_none() {
            self.note_entry(&mut applied);
        }
        attempt.stands(event.id.as_str(), applied);
    }

    async fn patch(&self, attempt: &mut Attempt<'_>, id: &EventId, changes: &Fields) -> Result<(), CallError> {
        if changes.is_empty() {
            return Ok(());
        }
        attempt.intend(changes).await?;
        let key = self.round.key(STEP, id.as_str(), changes);
        self.round.systems.scc.patch(id, changes, &key, &self.round.deadline).await?;
        attempt.changed(changes);
        if changes.contains_key("notes") {
            attempt.known.applied.insert("notes".into(), value_digest(&self.event["notes"]));
            self.note_entry(&mut attempt.known.applied);
        }
        Ok(())
    }

    fn note_entry(&self, applied: &mut Applied) {
        if let Some(id) = &self.entry_id {
            applied.insert(ENTRY_IN_NOTES.into(), id.as_str().to_owned());
        }
    }
}

fn is_cancelled(known: &StepRecord) -> bool {
    known.applied.get("status") == Some(&value_digest(&CANCELLED.into()))
}

/// Makes sure that crew can see no money in the event: after everything that was written there, and until it was seen once.
async fn redaction(round: &ReconcileContext<'_>, event: &StepOutcome, before: Option<StepOutcome>) -> StepOutcome {
    let known = before.as_ref().map_or(&round.record.journal.crew_redaction, |before| &before.known).clone();
    let Some(id) = event.known.remote_id.clone().map(EventId::stored) else {
        return match event.known.standing {
            Standing::NotNeeded => StepOutcome::not_needed(known, None),
            _ => StepOutcome::waiting(known),
        };
    };
    let untouched = event.did.is_empty() && round.trigger != Trigger::Person;
    if untouched && known.standing == Standing::InStep {
        return StepOutcome::unchanged(known);
    }
    // What was written there since is other content: looking at that does not wait.
    let content = format!("{}|{}", round.record.order, value_digest(&json!(event.known.applied)));
    let begun = match before {
        Some(outcome) => ControlFlow::Continue(Attempt::resume(round, Step::CrewRedaction, content, outcome)),
        None => Attempt::begin(round, Step::CrewRedaction, content),
    };
    let mut attempt = match begun {
        ControlFlow::Continue(attempt) => attempt,
        ControlFlow::Break(outcome) => return outcome,
    };
    let outcome = take_money_out(round, &id, &mut attempt).await;
    let settled = matches!(event.known.standing, Standing::InStep | Standing::NotNeeded | Standing::Parked { .. });
    // What may still land at SCC must be looked at again then.
    attempt.end(outcome.map(|()| if settled { Standing::InStep } else { Standing::Due }))
}

async fn take_money_out(
    round: &ReconcileContext<'_>,
    id: &EventId,
    attempt: &mut Attempt<'_>,
) -> Result<(), CallError> {
    let keep = |removed: Fields| round.ledger.keep_removed(round.record, removed, &round.deadline);
    let removed = round.systems.scc.redact(id, round.systems.operator, keep, &round.deadline).await?;
    if !removed.is_empty() {
        // Names of attributes are as free as their values: deeper ones than the first could be somebody's address.
        let attributes: BTreeSet<&str> = removed.iter().filter_map(|path| path.split(['.', '[']).next()).collect();
        tracing::warn!(event_id = %id, ?attributes, "money was taken out of a crew event");
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
