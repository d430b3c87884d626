//! Claiming a booking: the lease says until when it is ours, the fence that it still is.

use jiff::Timestamp;

use super::{
    BookingRecord, History, Item, Journal, Ledger, OfficeAct, Overlaps, Updated,
    expression::{Condition, Update},
    milliseconds, number, read,
    state::{DUE, STATUS, is_known},
    text,
};
use crate::{
    booking::BookingId,
    outbound::{CallError, Deadline},
};

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
    /// What a person decided who claims it: noted in the same write, so that no crash loses it.
    pub note: Option<OfficeAct>,
}

/// What sets a piece of work off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// Something was delivered: every due step is tried at once.
    Delivery,
    /// The schedule: only that is tried whose time has come.
    Schedule,
    /// A person: what is parked is tried again too, and what can be put there again without harm is.
    Operator,
}

/// A booking that is ours until the lease ends.
#[derive(Debug)]
pub struct Claim {
    /// As it was claimed, with the fence that every later write is conditional on.
    pub record: BookingRecord,
    /// The holder before us never released: what it began may have happened.
    pub crashed: bool,
}

impl Ledger {
    /// Claims a booking that is on record. `None` when another invocation holds it, when it is not known, or when `trigger` has nothing to
    /// try: the schedule leaves out what is not due yet, a delivery what is not due at all.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be used.
    pub async fn claim(
        &self,
        booking_id: &BookingId,
        trigger: Trigger,
        lease: &LeaseRequest,
        deadline: &Deadline,
    ) -> Result<Option<Claim>, CallError> {
        let due = || Condition::equal("due", text(DUE));
        let update = Update::new().on(Condition::Present(STATUS));
        let update = match trigger {
            Trigger::Schedule => update.on(due().and(Condition::at_most("due_at", milliseconds(lease.now)))),
            Trigger::Delivery => update.on(due()),
            // A person who tries it again does not leave it as it is any more.
            Trigger::Operator => update.remove(&["dismissed"]),
        };
        self.claim_with("claim", booking_id, update, lease, deadline).await
    }

    /// Claims a booking for a person who has seen its decision `decided_seq` and wants it carried out. `None` when another invocation
    /// holds the booking, when it is not known, or when something else was decided since.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be used.
    pub async fn claim_approved(
        &self,
        booking_id: &BookingId,
        decided_seq: u64,
        lease: &LeaseRequest,
        deadline: &Deadline,
    ) -> Result<Option<Claim>, CallError> {
        let update = Update::new()
            .set("approved_seq", number(decided_seq))
            .remove(&["dismissed"])
            .on(Condition::Present(STATUS).and(Condition::equal("decided_seq", number(decided_seq))));
        self.claim_with("claim_approved", booking_id, update, lease, deadline).await
    }

    pub(super) async fn claim_with(
        &self,
        operation: &'static str,
        booking_id: &BookingId,
        update: Update,
        lease: &LeaseRequest,
        deadline: &Deadline,
    ) -> Result<Option<Claim>, CallError> {
        match self.update(operation, booking_id, &lease.claim(update), deadline).await? {
            Updated::Done(item) => Claim::read(booking_id, &item).map(Some),
            Updated::Unfit(item) if is_known(&item) => {
                let ours = lease.is_held_in(&read(booking_id, &item)?);
                ours.then(|| Claim::read(booking_id, &item)).transpose()
            }
            Updated::Unfit(_) => Ok(None),
        }
    }

    /// Goes on with a booking of our own of which a newer snapshot came in, under a fence of its own. `None` when the lease is lost.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be used.
    pub async fn claim_newer(&self, held: &BookingRecord, deadline: &Deadline) -> Result<Option<Claim>, CallError> {
        let Some(lease) = &held.lease else { return Ok(None) };
        let update = Update::new()
            .set("previous_holder", text(NOBODY))
            .set("fence", number(held.fence + 1))
            .on(Condition::equal("holder", text(&lease.holder)).and(Condition::equal("fence", number(held.fence))));
        match self.update("claim_newer", &held.booking_id, &update, deadline).await? {
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
    /// The same, and what a person decided.
    #[must_use]
    pub fn noting(self, note: Option<OfficeAct>) -> Self {
        Self { note, ..self }
    }

    /// `update`, which claims the booking too, on condition that the lease is free or over. A `previous_holder` other than
    /// `nobody` was never released: right-hand sides read the item before the update.
    pub(super) fn claim(&self, update: Update) -> Update {
        let update = match &self.note {
            Some(act) => act.noted(update),
            None => update,
        };
        update
            .copy("previous_holder", "holder", text(NOBODY))
            .set("holder", text(&self.holder))
            .set("lease_until", milliseconds(self.until))
            .set("due", text(DUE))
            .set("due_at", milliseconds(self.until))
            .set_if_absent("due_since", milliseconds(self.now))
            .increment("fence")
            .on(Condition::Absent("holder").or(Condition::less("lease_until", milliseconds(self.now))))
    }

    /// Our own claim did succeed, and its answer was lost.
    pub(super) fn is_held_in(&self, record: &BookingRecord) -> bool {
        record.lease.as_ref().is_some_and(|lease| lease.holder == self.holder)
    }
}

impl Claim {
    /// The same claim with what its holder has learned since: only the holder writes these, and its release was too late.
    #[must_use]
    pub(crate) fn knowing(self, journal: Journal, history: History, overlaps: Overlaps) -> Self {
        Self { record: BookingRecord { journal, history, overlaps, ..self.record }, ..self }
    }

    pub(super) fn read(booking_id: &BookingId, item: &Item) -> Result<Self, CallError> {
        let previous = item.get("previous_holder").and_then(|holder| holder.as_s().ok());
        Ok(Self { record: read(booking_id, item)?, crashed: previous.is_some_and(|holder| holder != NOBODY) })
    }
}
