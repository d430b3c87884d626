//! Claiming a booking: the lease says until when it is ours, the fence that it still is.

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use jiff::Timestamp;

use super::{
    BookingRecord, History, Journal, Ledger, Updated,
    items::{DUE, Item, PARTITION, milliseconds},
    number, read, text,
};
use crate::{
    booking::BookingId,
    outbound::{CallError, Deadline},
};

/// Nobody holds the lease, or it is over.
pub(super) const FREE: &str = "(attribute_not_exists(holder) OR lease_until < :now)";
/// Written by every claim. Right-hand sides see the old item: whoever is the previous holder never let go.
pub(super) const TAKE: &str = "previous_holder = if_not_exists(holder, :nobody), holder = :holder, lease_until = :until, \
                    due = :due, due_at = :until, due_since = if_not_exists(due_since, :now)";
const NOBODY: &str = "nobody";

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

/// A booking that is ours until the lease ends.
#[derive(Debug)]
pub struct Claim {
    /// As it was claimed, with the fence that every later write is conditional on.
    pub record: BookingRecord,
    /// The holder before us never let go: whatever it began may have happened.
    pub crashed: bool,
}

impl Ledger {
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

impl LeaseRequest {
    pub(super) fn bind(&self, update: UpdateItemFluentBuilder) -> UpdateItemFluentBuilder {
        update
            .expression_attribute_values(":holder", text(&self.holder))
            .expression_attribute_values(":nobody", text(NOBODY))
            .expression_attribute_values(":until", milliseconds(self.until))
            .expression_attribute_values(":now", milliseconds(self.now))
            .expression_attribute_values(":due", text(DUE))
    }

    /// Our own claim did succeed, and its answer was lost.
    pub(super) fn is_held_in(&self, record: &BookingRecord) -> bool {
        record.lease.as_ref().is_some_and(|lease| lease.holder == self.holder)
    }
}

impl Claim {
    /// The same claim with what its holder has learned since: nobody else writes these, and the release that would have was too late.
    #[must_use]
    pub fn knowing(self, journal: Journal, history: History) -> Self {
        Self { record: BookingRecord { journal, history, ..self.record }, ..self }
    }

    pub(super) fn read(booking_id: &BookingId, item: &Item) -> Result<Self, CallError> {
        let previous = item.get("previous_holder").and_then(|holder| holder.as_s().ok());
        Ok(Self { record: read(booking_id, item)?, crashed: previous.is_some_and(|holder| holder != NOBODY) })
    }
}
