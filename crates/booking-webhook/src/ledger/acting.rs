//! That two people at the office's desk do not act on the same sight of a case.
//!
//! An act is written before it is carried out, on condition that nothing was decided and nobody acted since its button was drawn. Of two
//! people who press at once one is first; the other is shown what the first did.

use super::{
    BookingRecord, DeliveryId, Ledger, OfficeAct, QuarantinedDelivery, Updated,
    expression::Condition,
    keys::ItemKey,
    milliseconds, number,
    state::{QUARANTINED, STATUS},
    text,
};
use crate::outbound::{CallError, Deadline};

impl Ledger {
    /// Writes down what the office is about to do with a booking. `false` when something else was decided or done since `record` was read,
    /// or when an invocation holds it.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be used.
    pub async fn act_on_booking(
        &self,
        record: &BookingRecord,
        act: &OfficeAct,
        deadline: &Deadline,
    ) -> Result<bool, CallError> {
        let decided = match &record.decision {
            Some(decision) => Condition::equal("decided_seq", number(decision.seq)),
            None => Condition::Absent("decided_seq"),
        };
        let is_free = Condition::Absent("holder").or(Condition::less("lease_until", milliseconds(act.at)));
        let update = record.acts.adding(act).on(Condition::Present(STATUS)).on(decided).on(is_free);
        Ok(match self.update("act_on_booking", &record.booking_id, &update, deadline).await? {
            Updated::Done(_) => true,
            Updated::Unfit(item) => act.is_newest_in(&item),
        })
    }

    /// The same with a delivery, as long as it waits in quarantine.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be used.
    pub(crate) async fn act_on_delivery(
        &self,
        id: &DeliveryId,
        found: &QuarantinedDelivery,
        act: &OfficeAct,
        deadline: &Deadline,
    ) -> Result<bool, CallError> {
        let update = found.acts.adding(act).on(Condition::equal("due", text(QUARANTINED)));
        Ok(match self.update_item("act_on_delivery", &ItemKey::Delivery(id), &update, deadline).await? {
            Updated::Done(_) => true,
            Updated::Unfit(item) => act.is_newest_in(&item),
        })
    }
}
