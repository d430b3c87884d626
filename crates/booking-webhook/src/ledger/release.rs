//! Letting go of a booking, with all that is known of it.

use aws_sdk_dynamodb::{operation::update_item::builders::UpdateItemFluentBuilder, types::AttributeValue};
use jiff::{Timestamp, civil::Date};

use super::{
    BookingRecord, Ledger, Updated,
    items::{DUE, PARKED, milliseconds},
    json, number, read, text,
};
use crate::{
    booking::BookingStatus,
    outbound::{CallError, Deadline},
};

/// What became of letting go.
#[derive(Debug)]
pub enum ReleaseOutcome {
    /// Nobody came in between.
    Done,
    /// A newer snapshot came in; the lease is still ours.
    Newer,
    /// The lease ran out and somebody else took it: nothing of ours counts any more.
    Lost,
}

impl Ledger {
    /// Lets go, with the record's journal and history. The booking is tried again at the journal's `next_try_at`, if there is anything left
    /// that time could bring; if only a person can bring it further, it waits for that. `calendar_day` is where the calendar is known to show it, if that is known.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be reached; the booking then stays due until the lease is over.
    pub async fn release(
        &self,
        record: &BookingRecord,
        calendar_day: Option<Date>,
        deadline: &Deadline,
    ) -> Result<ReleaseOutcome, CallError> {
        let releasing = |update| {
            let update = letting_go(update, record, record.journal.next_try_at(), calendar_day, deadline.now());
            let update = update.condition_expression("fence = :fence AND seq = :seq");
            update.expression_attribute_values(":seq", number(record.seq))
        };
        match self.update("release", &record.booking_id, deadline, releasing).await? {
            Updated::Done(_) => Ok(ReleaseOutcome::Done),
            Updated::Unfit(item) => {
                let newer = read(&record.booking_id, &item)?;
                Ok(if newer.fence == record.fence { ReleaseOutcome::Newer } else { ReleaseOutcome::Lost })
            }
        }
    }

    /// Lets go of a booking that another invocation should take up at once.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be reached; the booking then stays due until the lease is over.
    pub async fn release_due(
        &self,
        record: &BookingRecord,
        now: Timestamp,
        deadline: &Deadline,
    ) -> Result<(), CallError> {
        // What came in meanwhile was seen by nobody: if it is a cancellation, the time at which it came must stay.
        let unapproved = BookingRecord { approved: false, ..record.clone() };
        let releasing =
            |update| letting_go(update, &unapproved, Some(now), None, now).condition_expression("fence = :fence");
        self.update("release_due", &record.booking_id, deadline, releasing).await.map(|_| ())
    }
}

fn letting_go(
    update: UpdateItemFluentBuilder,
    record: &BookingRecord,
    next_try_at: Option<Timestamp>,
    calendar_day: Option<Date>,
    now: Timestamp,
) -> UpdateItemFluentBuilder {
    let mut sets = vec!["history = :history".to_owned()];
    let mut removes = vec!["holder", "lease_until"];
    let mut update = update;
    for (step, known) in record.journal.each() {
        sets.push(format!("{name} = :{name}", name = step.name()));
        update = update.expression_attribute_values(format!(":{}", step.name()), json(known));
    }
    let is_parked = record.journal.is_parked();
    let waits = next_try_at.map(|at| (DUE, at)).or(is_parked.then_some((PARKED, now)));
    match waits {
        Some((waits_for, at)) => {
            sets.push("due = :due, due_at = :due_at".into());
            update = update.expression_attribute_values(":due", text(waits_for));
            update = update.expression_attribute_values(":due_at", milliseconds(at));
        }
        None => removes.extend(["due", "due_at"]),
    }
    if next_try_at.is_none() {
        removes.push("due_since");
    }
    // Something else of it may be due: a person must hear of it all the same.
    if is_parked {
        sets.push("parked_at = :now".into());
        update = update.expression_attribute_values(":now", milliseconds(now));
    } else {
        removes.push("parked_at");
    }
    if let Some(day) = calendar_day {
        sets.push("dates = :dates".into());
        update = update.expression_attribute_values(":dates", AttributeValue::Ss(vec![day.to_string()]));
    }
    // Approved by a person, a charter that stands again is as good as one that was never cancelled.
    if record.approved && record.decision.as_ref().is_some_and(|decision| decision.status == BookingStatus::Confirmed) {
        removes.push("cancelled_at");
    }
    update
        .update_expression(format!("SET {} REMOVE {}", sets.join(", "), removes.join(", ")))
        .expression_attribute_values(":history", json(&record.history))
        .expression_attribute_values(":fence", number(record.fence))
}
