//! Writing down what is known of a booking: step by step while it is held, all of it at its release.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{Timestamp, civil::Date};
use serde::Serialize;

use super::{
    BookingRecord, Ledger, Returns, Step, Updated,
    document::document,
    expression::{Condition, Update},
    keys::ItemKey,
    milliseconds,
    notices::{nothing_new, notice_due},
    number, overlaps, read,
    state::{DUE, PARKED},
    text,
};
use crate::{
    booking::BookingStatus,
    outbound::{CallError, Deadline},
};

/// What is known of one step, as it is written down while the booking is worked on.
#[derive(Debug, Clone)]
pub struct JournalledStep(Step, AttributeValue);

impl JournalledStep {
    /// `known` of `step`.
    pub fn new(step: Step, known: &impl Serialize) -> Self {
        Self(step, document(known))
    }
}

/// The outcome of a release.
#[derive(Debug)]
pub enum ReleaseOutcome {
    /// No newer snapshot came in.
    Done,
    /// A newer snapshot came in; the lease is still ours.
    Newer,
    /// The lease ran out and another invocation took it: nothing of ours counts any more.
    Lost,
}

impl Ledger {
    /// Writes what is known of these steps while the lease is held. `false` when it is lost.
    ///
    /// Each step has an attribute of its own, so that two of these writes in flight cannot overwrite each other; and it needs the holder,
    /// so that one that arrives after the release changes nothing.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be reached.
    pub async fn journal(
        &self,
        record: &BookingRecord,
        steps: &[JournalledStep],
        deadline: &Deadline,
    ) -> Result<bool, CallError> {
        let Some(lease) = &record.lease else { return Ok(false) };
        let set = |update: Update, JournalledStep(step, known): &JournalledStep| update.set(step.name(), known.clone());
        let update = steps
            .iter()
            .fold(Update::new(), set)
            .on(Condition::equal("fence", number(record.fence)).and(Condition::equal("holder", text(&lease.holder))));
        self.write("journal_step", &ItemKey::State(&record.booking_id), &update, deadline).await
    }

    /// Releases with the record's journal and history. The booking is tried again at the journal's `next_try_at`, if there is anything left
    /// that time could bring; if only a person can bring it further, it waits for that. `calendar_day` is where the calendar is known to
    /// show it, if that is known. What the office should know and was not told is the sweep's to tell.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be used; the booking then stays due until the lease is over.
    pub async fn release(
        &self,
        record: &BookingRecord,
        calendar_day: Option<Date>,
        deadline: &Deadline,
    ) -> Result<ReleaseOutcome, CallError> {
        let update = releasing(record, record.journal.next_try_at(), calendar_day, deadline.now());
        let is_news = record.should_know != record.told || record.overlaps.owe_something();
        let update = if is_news { notice_due(update, deadline.now()) } else { nothing_new(update) };
        let update = update.on(holds(record).and(Condition::equal("seq", number(record.seq))));
        let key = ItemKey::State(&record.booking_id);
        match self.update_returning(Returns::ItemIfUnfit, "release", &key, &update, deadline).await? {
            Updated::Done(_) => Ok(ReleaseOutcome::Done),
            Updated::Unfit(item) => {
                let newer = read(&record.booking_id, &item)?;
                Ok(if newer.fence == record.fence { ReleaseOutcome::Newer } else { ReleaseOutcome::Lost })
            }
        }
    }

    /// Releases a booking that another invocation should resume at once.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be used; the booking then stays due until the lease is over.
    pub async fn release_due(
        &self,
        record: &BookingRecord,
        now: Timestamp,
        deadline: &Deadline,
    ) -> Result<(), CallError> {
        // The holder did not see what came in meanwhile: if it was a cancellation, its time must stay.
        let unapproved = BookingRecord { approved: false, ..record.clone() };
        let update = releasing(&unapproved, Some(now), None, now).on(holds(record));
        self.write("release_due", &ItemKey::State(&record.booking_id), &update, deadline).await.map(|_| ())
    }
}

/// The fence that was claimed is still the newest.
fn holds(record: &BookingRecord) -> Condition {
    Condition::equal("fence", number(record.fence))
}

fn releasing(
    record: &BookingRecord,
    next_try_at: Option<Timestamp>,
    calendar_day: Option<Date>,
    now: Timestamp,
) -> Update {
    let mut update = Update::new().set("history", document(&record.history)).remove(&["holder", "lease_until"]);
    for (step, attribute) in record.journal.attributes().each() {
        update = update.set(step.name(), attribute.clone());
    }
    update = overlaps::keep(update, &record.overlaps);
    update = record.acts.make_room(update);
    if let Some(terms) = &record.terms {
        update = update.set("terms", document(terms));
    }
    // A dismissed booking does not wait for a person.
    let next_try_at = next_try_at.filter(|_| !record.is_dismissed());
    let is_parked = record.journal.is_parked() && !record.is_dismissed();
    update = match next_try_at.map(|at| (DUE, at)).or(is_parked.then_some((PARKED, now))) {
        Some((waits_for, at)) => update.set("due", text(waits_for)).set("due_at", milliseconds(at)),
        None => update.remove(&["due", "due_at"]),
    };
    if next_try_at.is_none() {
        update = update.remove(&["due_since"]);
    }
    // A person must hear of this step even if another one is due.
    update = if is_parked { update.set("parked_at", milliseconds(now)) } else { update.remove(&["parked_at"]) };
    if let Some(day) = calendar_day {
        update = update.set("dates", AttributeValue::Ss(vec![day.to_string()]));
    }
    // A charter that a person has approved is as good as one that was never cancelled.
    let sails = record.decision.as_ref().is_some_and(|decision| decision.status == BookingStatus::Confirmed);
    if record.approved && sails { update.remove(&["cancelled_at"]) } else { update }
}
