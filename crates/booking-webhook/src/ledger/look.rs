//! What a booking owes beside its steps: asked for, and claimed to be worked off.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::{
    Claim, LeaseRequest, Ledger, Updated,
    expression::{Condition, Update},
    notices::notice_due,
    overlaps::LOOK_OWED,
    state::STATUS,
};
use crate::{
    booking::BookingId,
    outbound::{CallError, Deadline},
};

impl Ledger {
    /// Asks another booking to look what stands beside it. `false` when somebody holds it: it is asked again later.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be used.
    pub(crate) async fn ask_to_look(
        &self,
        booking_id: &BookingId,
        now: Timestamp,
        deadline: &Deadline,
    ) -> Result<bool, CallError> {
        let update = Update::new().set(LOOK_OWED, AttributeValue::Bool(true));
        let free = Condition::Present(STATUS).and(Condition::Absent("holder"));
        let update = notice_due(update, now).on(free);
        Ok(matches!(self.update("ask_to_look", booking_id, &update, deadline).await?, Updated::Done(_)))
    }

    /// Claims a booking that is not due, for what it owes beside its steps or for a repair. `None` when another invocation holds it.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be used.
    pub(crate) async fn claim_in_step(
        &self,
        booking_id: &BookingId,
        lease: &LeaseRequest,
        deadline: &Deadline,
    ) -> Result<Option<Claim>, CallError> {
        let update = Update::new().on(Condition::Present(STATUS));
        self.claim_with("claim_in_step", booking_id, update, lease, deadline).await
    }
}
