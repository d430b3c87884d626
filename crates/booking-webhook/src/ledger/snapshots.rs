//! Putting a snapshot on record.
//!
//! ```text
//! record ──▶ claimed     it is the newest, and nobody else was at work on the booking
//!        └─▶ unclaimed   it is the newest, and the holder sees that seq has moved; or
//!                        a newer one that decides nothing came before it, and what it decides counts; or
//!                        it is no newer than what is on record, and changes nothing
//! ```

use aws_sdk_dynamodb::{operation::update_item::builders::UpdateItemFluentBuilder, types::AttributeValue};
use jiff::{Timestamp, civil::Date};

use super::{
    BookingRecord, Claim, LeaseRequest, Ledger, SnapshotVersion, Updated,
    claim::{FREE, TAKE},
    items::{DUE, milliseconds},
    json, number, read, text,
};
use crate::{
    booking::{BookingStatus, CharterId, Snapshot, Terms},
    outbound::{CallError, Deadline},
};

/// Due at once, whatever the booking waited for until now.
const DUE_NOW: &str = "due = :due, due_at = :now, due_since = if_not_exists(due_since, :now)";

/// A snapshot to be recorded.
#[derive(Debug)]
pub struct NewSnapshot<'a> {
    /// What the sender said.
    pub snapshot: &'a Snapshot,
    /// Its place among the others.
    pub order: &'a SnapshotVersion,
    /// Derived with the present link key; counts only if the booking has none yet.
    pub charter_id: &'a CharterId,
    /// What holds if nothing was settled yet.
    pub terms: Option<&'a Terms>,
    /// The day on which the calendar would show it, in the operator's zone.
    pub date: Option<Date>,
}

/// What became of a recording.
#[derive(Debug)]
pub enum RecordOutcome {
    /// It is recorded, and the booking is ours to bring in step.
    Claimed(Box<Claim>),
    /// It is on record as far as it counts, and nothing was claimed: whoever holds the booking will see what is new.
    Unclaimed(Box<BookingRecord>),
}

impl Ledger {
    /// Records a snapshot and, if nobody is at work on the booking, claims it: one write, which also makes the booking due, so that from
    /// here on nothing can be lost.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be reached: nothing was promised then.
    pub async fn record(
        &self,
        new: &NewSnapshot<'_>,
        lease: &LeaseRequest,
        deadline: &Deadline,
    ) -> Result<RecordOutcome, CallError> {
        let booking_id = &new.snapshot.booking_id;
        let claiming =
            |update| lease.bind(new.bind(update, &format!(", {TAKE}"), ", fence :one", &format!(" AND {FREE}")));
        let item = match self.update("record_and_claim", booking_id, deadline, claiming).await? {
            Updated::Done(item) => return Ok(RecordOutcome::Claimed(Box::new(Claim::read(booking_id, &item)?))),
            Updated::Unfit(item) => item,
        };
        let record = read(booking_id, &item)?;
        if lease.is_held_in(&record) {
            return Ok(RecordOutcome::Claimed(Box::new(Claim::read(booking_id, &item)?)));
        }
        let record =
            if record.order < *new.order { self.record_newest(new, lease.now, deadline).await? } else { record };
        let record =
            if new.decides_after(&record) { self.record_decision(new, lease.now, deadline).await? } else { record };
        let record = self.note_contradiction(record, new.order, deadline).await?;
        Ok(RecordOutcome::Unclaimed(Box::new(record)))
    }

    /// Puts a snapshot on record without claiming the booking: the holder finds that seq has moved when it lets go.
    async fn record_newest(
        &self,
        new: &NewSnapshot<'_>,
        now: Timestamp,
        deadline: &Deadline,
    ) -> Result<BookingRecord, CallError> {
        let recording = |update| new.bind(due_now(update, now), &format!(", {DUE_NOW}"), "", "");
        self.record_unless_late("record_newest", new, deadline, recording).await
    }

    /// Puts on record what a snapshot decides, although a newer one is there: that one decides nothing. Else the last decision would
    /// depend on the order in which the two came in.
    async fn record_decision(
        &self,
        new: &NewSnapshot<'_>,
        now: Timestamp,
        deadline: &Deadline,
    ) -> Result<BookingRecord, CallError> {
        let later = "(attribute_not_exists(decided_order) OR decided_order < :order)";
        let recording = |update| new.decide(due_now(update, now), DUE_NOW, "", later);
        self.record_unless_late("record_decision", new, deadline, recording).await
    }

    /// What is on record then: this one; or a newer one came in meanwhile, or this one was there and the answer was lost.
    async fn record_unless_late(
        &self,
        operation: &'static str,
        new: &NewSnapshot<'_>,
        deadline: &Deadline,
        recording: impl Fn(UpdateItemFluentBuilder) -> UpdateItemFluentBuilder,
    ) -> Result<BookingRecord, CallError> {
        let booking_id = &new.snapshot.booking_id;
        let (Updated::Done(item) | Updated::Unfit(item)) =
            self.update(operation, booking_id, deadline, recording).await?;
        read(booking_id, &item)
    }

    /// Two snapshots of the same place say different things, and the one on record has the larger digest: somebody should know.
    async fn note_contradiction(
        &self,
        record: BookingRecord,
        other: &SnapshotVersion,
        deadline: &Deadline,
    ) -> Result<BookingRecord, CallError> {
        if record.contradicted || !record.order.contradicts(other) {
            return Ok(record);
        }
        let noting = |update: UpdateItemFluentBuilder| {
            update
                .update_expression("SET previous_order = :other")
                .condition_expression("#order = :order")
                .expression_attribute_names("#order", "order")
                .expression_attribute_values(":other", text(other.as_str()))
                .expression_attribute_values(":order", text(record.order.as_str()))
        };
        match self.update("note_contradiction", &record.booking_id, deadline, noting).await? {
            Updated::Done(item) | Updated::Unfit(item) => read(&record.booking_id, &item),
        }
    }
}

impl NewSnapshot<'_> {
    /// Whether it decides something, and later than what was decided last.
    fn decides_after(&self, record: &BookingRecord) -> bool {
        let decides = self.snapshot.status != BookingStatus::Inconclusive;
        decides && record.decision.as_ref().is_none_or(|decision| decision.order < *self.order)
    }

    /// The update that puts this snapshot on record if it is newer than the one that is there.
    fn bind(&self, update: UpdateItemFluentBuilder, set: &str, add: &str, condition: &str) -> UpdateItemFluentBuilder {
        let set = format!(
            "latest = :latest, previous_order = if_not_exists(#order, :order), #order = :order, \
             charter_id = if_not_exists(charter_id, :charter){set}"
        );
        let condition = format!("(attribute_not_exists(#order) OR #order < :order){condition}");
        self.decide(update, &set, add, &condition)
            .expression_attribute_names("#order", "order")
            .expression_attribute_values(":charter", text(self.charter_id.as_str()))
    }

    /// The update that puts on record what this snapshot decides, if anything.
    fn decide(
        &self,
        update: UpdateItemFluentBuilder,
        set: &str,
        add: &str,
        condition: &str,
    ) -> UpdateItemFluentBuilder {
        let (mut sets, mut adds, mut update) = (set.to_owned(), "seq :one".to_owned(), update);
        let meaning = self.snapshot.status;
        if meaning != BookingStatus::Inconclusive {
            sets.push_str(
                ", decision = :latest, decided_order = :order, decided_seq = if_not_exists(seq, :none) + :one",
            );
            update = update.expression_attribute_values(":none", number(0));
        }
        if let Some(sale) = &self.snapshot.sale {
            sets.push_str(", sale = :sale");
            update = update.expression_attribute_values(":sale", json(sale));
        }
        if self.snapshot.status == BookingStatus::Cancelled {
            sets.push_str(", cancelled_at = if_not_exists(cancelled_at, :now)");
        }
        if let Some(terms) = self.terms {
            sets.push_str(", terms = if_not_exists(terms, :terms)");
            update = update.expression_attribute_values(":terms", json(terms));
        }
        if let Some(date) = self.date {
            adds.push_str(", dates :dates");
            update = update.expression_attribute_values(":dates", AttributeValue::Ss(vec![date.to_string()]));
        }
        update
            .update_expression(format!("SET {sets} ADD {adds}{add}"))
            .condition_expression(condition)
            .expression_attribute_values(":latest", text(meaning.name()))
            .expression_attribute_values(":order", text(self.order.as_str()))
            .expression_attribute_values(":one", number(1))
    }
}

fn due_now(update: UpdateItemFluentBuilder, now: Timestamp) -> UpdateItemFluentBuilder {
    update.expression_attribute_values(":due", text(DUE)).expression_attribute_values(":now", milliseconds(now))
}
