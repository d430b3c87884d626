//! Recording a snapshot and claiming a booking.
//!
//! ```text
//! record ──▶ claimed ──▶ (journal …) ──▶ release
//!        ├─▶ busy      somebody else holds the lease; the snapshot is recorded, and the holder sees that seq has moved
//!        └─▶ stale     no newer than what is on record: changes nothing
//! ```

use aws_sdk_dynamodb::{operation::update_item::builders::UpdateItemFluentBuilder, types::AttributeValue};
use jiff::{Timestamp, civil::Date};

use super::{
    BookingRecord, History, Journal, Ledger, Meaning, Order, Updated,
    items::{DUE, Item, PARTITION, milliseconds},
    json, number, read, text,
};
use crate::{
    booking::{BookingId, CharterId, Snapshot, Status, Terms},
    outbound::{CallError, Deadline},
};

/// Nobody holds the lease, or it is over.
const FREE: &str = "(attribute_not_exists(holder) OR lease_until < :now)";
/// Written by every claim. Right-hand sides see the old item: whoever is the previous holder never let go.
const TAKE: &str = "previous_holder = if_not_exists(holder, :nobody), holder = :holder, lease_until = :until, \
                    due = :due, due_at = :until, due_since = if_not_exists(due_since, :now)";
const NOBODY: &str = "nobody";

/// A snapshot to be recorded.
#[derive(Debug)]
pub struct NewSnapshot<'a> {
    /// What the sender said.
    pub snapshot: &'a Snapshot,
    /// Its place among the others.
    pub order: &'a Order,
    /// Derived with the present link key; counts only if the booking has none yet.
    pub charter_id: &'a CharterId,
    /// What holds if nothing was settled yet.
    pub terms: Option<&'a Terms>,
    /// The day on which the calendar would show it, in the operator's zone.
    pub date: Option<Date>,
}

/// The lease that a claim asks for.
#[derive(Debug, Clone)]
pub struct LeaseRequest {
    /// Random; tells this claim from every other one.
    pub holder: String,
    /// The time of the claim.
    pub now: Timestamp,
    /// The last moment at which this invocation may call anybody, plus the settling time.
    pub until: Timestamp,
}

/// Which bookings may be claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Only {
    /// Those whose time has come.
    Due,
    /// Any that time could bring further, now.
    Owed,
    /// Any: a person has seen its newest snapshot and wants it carried out.
    Approved,
}

/// What became of a recording.
#[derive(Debug)]
pub enum Recorded {
    /// It is recorded, and the booking is ours to bring in step.
    Claimed(Box<Claim>),
    /// It or a newer one is on record, and nothing was claimed: whoever holds the booking will see what is newer.
    Unclaimed(Box<BookingRecord>),
}

/// A booking that is ours until the lease ends.
#[derive(Debug)]
pub struct Claim {
    /// As it was claimed, with the fence that every later write is conditional on.
    pub record: BookingRecord,
    /// The holder before us never let go: whatever it began may have happened.
    pub crashed: bool,
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
    ) -> Result<Recorded, CallError> {
        let booking_id = &new.snapshot.booking_id;
        let claiming =
            |update| lease.bind(new.bind(update, &format!(", {TAKE}"), ", fence :one", &format!(" AND {FREE}")));
        let item = match self.update("record_and_claim", booking_id, deadline, claiming).await? {
            Updated::Done(item) => return Ok(Recorded::Claimed(Box::new(Claim::read(booking_id, &item)?))),
            Updated::Unfit(item) => item,
        };
        let record = read(booking_id, &item)?;
        if lease.is_held_in(&record) {
            return Ok(Recorded::Claimed(Box::new(Claim::read(booking_id, &item)?)));
        }
        if record.order >= *new.order {
            let record = self.note_contradiction(record, new.order, deadline).await?;
            return Ok(Recorded::Unclaimed(Box::new(record)));
        }
        self.record_for_holder(new, lease.now, deadline).await
    }

    /// Puts a snapshot on record without claiming the booking: the holder finds that seq has moved when it lets go.
    async fn record_for_holder(
        &self,
        new: &NewSnapshot<'_>,
        now: Timestamp,
        deadline: &Deadline,
    ) -> Result<Recorded, CallError> {
        let booking_id = &new.snapshot.booking_id;
        let recording = |update| {
            let due = ", due = :due, due_at = if_not_exists(due_at, :now), due_since = if_not_exists(due_since, :now)";
            let update = new.bind(update, due, "", "");
            let update = update.expression_attribute_values(":due", text(DUE));
            update.expression_attribute_values(":now", milliseconds(now))
        };
        // Unfit: what is on record is no older. A newer one came in meanwhile, or this one did and the answer was lost.
        let (Updated::Done(item) | Updated::Unfit(item)) =
            self.update("record_for_holder", booking_id, deadline, recording).await?;
        Ok(Recorded::Unclaimed(Box::new(read(booking_id, &item)?)))
    }

    /// Two snapshots of the same place say different things, and the one on record has the larger digest: somebody should know.
    async fn note_contradiction(
        &self,
        record: BookingRecord,
        other: &Order,
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

    /// Claims a booking that is on record. `None` when somebody else holds it, when it is not known, or when `only` leaves it out.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be reached.
    pub async fn claim(
        &self,
        booking_id: &BookingId,
        only: Only,
        lease: &LeaseRequest,
        deadline: &Deadline,
    ) -> Result<Option<Claim>, CallError> {
        let (set, condition) = match only {
            Only::Due => ("", " AND due = :due AND due_at <= :now"),
            Only::Owed => ("", " AND due = :due"),
            Only::Approved => (", approved = if_not_exists(decided_order, :nobody)", ""),
        };
        let claiming = |update: UpdateItemFluentBuilder| {
            lease.bind(
                update
                    .update_expression(format!("SET {TAKE}{set} ADD fence :one"))
                    .condition_expression(format!("attribute_exists({PARTITION}) AND {FREE}{condition}"))
                    .expression_attribute_values(":one", number(1)),
            )
        };
        match self.update("claim", booking_id, deadline, claiming).await? {
            Updated::Done(item) => Claim::read(booking_id, &item).map(Some),
            Updated::Unfit(item) if item.contains_key("order") => {
                let ours = lease.is_held_in(&read(booking_id, &item)?);
                ours.then(|| Claim::read(booking_id, &item)).transpose()
            }
            Updated::Unfit(_) => Ok(None),
        }
    }

    /// Goes on with a booking of our own of which a newer snapshot came in, under a fence of its own. `None` when the lease is lost.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be reached.
    pub async fn claim_newer(&self, held: &BookingRecord, deadline: &Deadline) -> Result<Option<Claim>, CallError> {
        let Some(lease) = &held.lease else { return Ok(None) };
        let claiming = |update: UpdateItemFluentBuilder| {
            update
                .update_expression("SET previous_holder = :nobody, fence = :next")
                .condition_expression("holder = :holder AND fence = :fence")
                .expression_attribute_values(":nobody", text(NOBODY))
                .expression_attribute_values(":holder", text(&lease.holder))
                .expression_attribute_values(":fence", number(held.fence))
                .expression_attribute_values(":next", number(held.fence + 1))
        };
        match self.update("claim_newer", &held.booking_id, deadline, claiming).await? {
            Updated::Done(item) => Claim::read(&held.booking_id, &item).map(Some),
            Updated::Unfit(item) => {
                let record = read(&held.booking_id, &item)?;
                let ours = record.lease.as_ref() == Some(lease) && record.fence == held.fence + 1;
                Ok(ours.then_some(Claim { record, crashed: false }))
            }
        }
    }
}

impl NewSnapshot<'_> {
    /// The update that puts this snapshot on record if it is newer than the one that is there.
    fn bind(&self, update: UpdateItemFluentBuilder, set: &str, add: &str, condition: &str) -> UpdateItemFluentBuilder {
        let mut sets = "latest = :latest, previous_order = if_not_exists(#order, :order), #order = :order, \
                        charter_id = if_not_exists(charter_id, :charter)"
            .to_owned();
        let mut adds = "seq :one".to_owned();
        let mut update = update;
        let meaning = Meaning::of(&self.snapshot.status);
        if meaning != Meaning::Undecided {
            sets.push_str(
                ", decision = :latest, decided_order = :order, decided_seq = if_not_exists(seq, :none) + :one",
            );
            update = update.expression_attribute_values(":none", number(0));
        }
        match &self.snapshot.status {
            Status::Standing(sale) => {
                sets.push_str(", sale = :sale");
                update = update.expression_attribute_values(":sale", json(sale));
            }
            Status::Off => {
                sets.push_str(", cancelled_at = if_not_exists(cancelled_at, :now)");
            }
            Status::Undecided => {}
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
            .update_expression(format!("SET {sets}{set} ADD {adds}{add}"))
            .condition_expression(format!("(attribute_not_exists(#order) OR #order < :order){condition}"))
            .expression_attribute_names("#order", "order")
            .expression_attribute_values(":latest", text(meaning.name()))
            .expression_attribute_values(":order", text(self.order.as_str()))
            .expression_attribute_values(":charter", text(self.charter_id.as_str()))
            .expression_attribute_values(":one", number(1))
    }
}

impl LeaseRequest {
    fn bind(&self, update: UpdateItemFluentBuilder) -> UpdateItemFluentBuilder {
        update
            .expression_attribute_values(":holder", text(&self.holder))
            .expression_attribute_values(":nobody", text(NOBODY))
            .expression_attribute_values(":until", milliseconds(self.until))
            .expression_attribute_values(":now", milliseconds(self.now))
            .expression_attribute_values(":due", text(DUE))
    }

    /// Our own claim did succeed, and its answer was lost.
    fn is_held_in(&self, record: &BookingRecord) -> bool {
        record.lease.as_ref().is_some_and(|lease| lease.holder == self.holder)
    }
}

impl Claim {
    /// The same claim with what its holder has learned since: nobody else writes these, and the release that would have was too late.
    #[must_use]
    pub fn knowing(self, journal: Journal, history: History) -> Self {
        Self { record: BookingRecord { journal, history, ..self.record }, ..self }
    }

    fn read(booking_id: &BookingId, item: &Item) -> Result<Self, CallError> {
        let previous = item.get("previous_holder").and_then(|holder| holder.as_s().ok());
        Ok(Self { record: read(booking_id, item)?, crashed: previous.is_some_and(|holder| holder != NOBODY) })
    }
}
