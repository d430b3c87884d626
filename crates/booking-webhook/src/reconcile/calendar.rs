//! The calendar step: exactly one entry while the charter stands, none when it is off.

use std::{collections::BTreeSet, ops::ControlFlow};

use jiff::civil::Date;
use tokio::sync::watch;

use super::{
    ReconcileContext, StepOutcome,
    attempt::Attempt,
    course::DesiredState,
    difference::{Fields, changes, content, digests, not_named, observed},
};
use crate::{
    booking::Booking,
    ledger::{Standing, Step},
    outbound::{CallError, Class},
    systems::calendar::{self, Entry, EntryId, StandingEntry},
};

const STEP: Step = Step::Calendar;
/// Found to be gone when it was to be changed, looked for, created: an entry is taken up once more at most.
const MOST_TURNS: u32 = 3;

/// What the calendar should show of one booking.
struct Wanted<'a> {
    entry: Fields,
    /// Where it may have entries of this charter.
    days: BTreeSet<Date>,
    left_alone: Vec<&'static str>,
    round: &'a ReconcileContext<'a>,
}

/// Brings the calendar in step, and announces the entry's id as soon as it is known.
pub(super) async fn bring_in_step(
    round: &ReconcileContext<'_>,
    announce: watch::Sender<Option<EntryId>>,
) -> StepOutcome {
    let (booking, stands) = match round.course {
        DesiredState::Stands(booking) => (booking, true),
        DesiredState::Cancelled(booking) => (booking, false),
        DesiredState::NeedsDecision(held) => return StepOutcome::held(round, STEP, *held),
        DesiredState::Nothing => return StepOutcome::not_needed(round.record.journal.calendar.clone(), None),
    };
    let wanted = Wanted::of(round, booking);
    let content = if stands { content(&wanted.entry) } else { "removed".into() };
    // Whether or not the entry is touched now: crew read its id.
    let known = &round.record.journal.calendar;
    if let Some(id) = known.remote_id.clone().filter(|_| stands && !known.unknown) {
        announce.send_replace(Some(EntryId::stored(id)));
    }
    let mut attempt = match Attempt::begin(round, STEP, content) {
        ControlFlow::Continue(attempt) => attempt,
        ControlFlow::Break(outcome) => return outcome,
    };
    let outcome = if stands {
        wanted.show(&mut attempt, announce).await
    } else {
        drop(announce);
        wanted.remove(&mut attempt).await
    };
    let outcome = attempt.end(outcome);
    round.journal(STEP, &outcome).await;
    outcome
}

impl<'a> Wanted<'a> {
    fn of(round: &'a ReconcileContext<'a>, booking: &Booking) -> Self {
        let entry = Entry::of(booking, &round.address.url).fields();
        let mut days = round.record.dates.clone();
        days.insert(booking.charter.time.start().date());
        Self { entry, days, left_alone: not_named(booking), round }
    }

    async fn show(
        &self,
        attempt: &mut Attempt<'_>,
        announce: watch::Sender<Option<EntryId>>,
    ) -> Result<Standing, CallError> {
        if attempt.known.unknown {
            self.adopt(attempt).await?;
        }
        for _ in 0..MOST_TURNS {
            let Some(id) = attempt.known.remote_id.clone().map(EntryId::stored) else {
                self.create(attempt).await?;
                continue;
            };
            announce.send_replace(Some(id.clone()));
            let changes = changes(&self.entry, &attempt.known, &self.left_alone);
            if changes.is_empty() {
                return Ok(Standing::InStep);
            }
            attempt.intend(&changes).await?;
            let (calendar, key) = (&self.round.systems.calendar, self.round.key(STEP, id.as_str(), &changes));
            match calendar.patch(&id, &changes, &key, &self.round.deadline).await {
                Err(error) if error.status == Some(404) => self.adopt(attempt).await?,
                outcome => outcome.map(|()| attempt.changed(&changes))?,
            }
        }
        let reason = "does not keep the entry: it is gone again and again";
        Err(CallError::new(calendar::FIND, Class::Transient, reason))
    }

    /// Takes up what is there. Of several entries the one that the journal knows stays, else the first; the others go.
    async fn adopt(&self, attempt: &mut Attempt<'_>) -> Result<(), CallError> {
        let entries = self.find().await?;
        let known = attempt.known.remote_id.clone();
        let of_journal = entries.iter().find(|entry| known.as_deref() == Some(entry.id.as_str()));
        let Some(kept) = of_journal.or(entries.first()).cloned() else {
            attempt.is_gone();
            return Ok(());
        };
        for other in entries.iter().filter(|entry| entry.id != kept.id) {
            self.delete(attempt, &other.id).await?;
        }
        attempt.did(format!("found {}", kept.id.as_str()));
        self.stands(attempt, kept);
        Ok(())
    }

    fn stands(&self, attempt: &mut Attempt<'_>, entry: StandingEntry) {
        let applied = entry.seen.map_or_else(|| digests(&self.entry), |seen| observed(&self.entry, &seen));
        attempt.stands(entry.id.as_str(), applied);
    }

    async fn create(&self, attempt: &mut Attempt<'_>) -> Result<(), CallError> {
        if self.round.record.journal.calendar.remote_id.is_some() {
            // The ledger names an entry that is gone. Should we end here, whoever comes next has to look for the new one.
            attempt.doubt().await?;
        }
        let (calendar, key) = (&self.round.systems.calendar, self.round.creation_key(STEP, &attempt.known));
        match calendar.create(&self.entry, &self.days, &key, &self.round.deadline).await {
            Ok(entry) => {
                attempt.did(format!("created {}", entry.id.as_str()));
                self.stands(attempt, entry);
                Ok(())
            }
            Err(error) => {
                attempt.known.unknown = matches!(error.class, Class::Unknown { .. });
                Err(error)
            }
        }
    }

    async fn remove(&self, attempt: &mut Attempt<'_>) -> Result<Standing, CallError> {
        if !attempt.known.may_show_something() {
            let was_shown = attempt.known.standing == Standing::InStep;
            return Ok(if was_shown { Standing::InStep } else { Standing::NotNeeded });
        }
        let mut entries: BTreeSet<EntryId> = attempt.known.remote_id.clone().map(EntryId::stored).into_iter().collect();
        if attempt.known.unknown {
            entries.extend(self.find().await?.into_iter().map(|entry| entry.id));
        }
        if !entries.is_empty() {
            attempt.doubt().await?;
        }
        for id in &entries {
            self.delete(attempt, id).await?;
        }
        if entries.is_empty() {
            attempt.is_gone();
        } else {
            attempt.was_removed();
        }
        Ok(if entries.is_empty() { Standing::NotNeeded } else { Standing::InStep })
    }

    async fn find(&self) -> Result<Vec<StandingEntry>, CallError> {
        let (calendar, event_id) = (&self.round.systems.calendar, self.round.record.charter_id.as_str());
        calendar.find(event_id, &self.days, &self.round.deadline).await
    }

    async fn delete(&self, attempt: &mut Attempt<'_>, id: &EntryId) -> Result<(), CallError> {
        let key = self.round.key(STEP, id.as_str(), &Fields::new());
        self.round.systems.calendar.delete(id, &self.days, &key, &self.round.deadline).await?;
        attempt.did(format!("removed {}", id.as_str()));
        Ok(())
    }
}
