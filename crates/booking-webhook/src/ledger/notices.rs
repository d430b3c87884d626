//! What the office should hear of, and what it was told last.
//!
//! A write that changes what the office should know sets `notice` and `notice_at` in the same write (a sparse index holds both); only the sweep
//! sends, and writes back on condition of `notice_at`. A notice may be sent twice and is never lost.

use jiff::Timestamp;

use super::{
    BookingRecord, DeliveryId, Dismissal, Ledger, OfficeAct, Returns, Told, Updated,
    document::document,
    expression::{Condition, Update},
    keys::{ItemKey, PARTITION, booking_of, delivery_of, is_audit},
    milliseconds, number,
    state::{QUARANTINED, instant},
    text,
};
use crate::{
    booking::BookingId,
    outbound::{CallError, Deadline},
};

const INDEX: &str = "notice";
/// The index's one partition: what the office should hear of.
pub(super) const WAITING: &str = "waiting";

/// What a notice is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoticeOf {
    /// A booking.
    Booking(BookingId),
    /// A delivery that was in quarantine when it was last written.
    Delivery(DeliveryId),
    /// The night's audit.
    Audit,
}

/// A notice that may have to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PendingNotice {
    /// What it is about.
    pub(crate) of: NoticeOf,
    /// Since when; the write-back is conditional on it.
    pub(crate) at: Timestamp,
}

/// The update that lets the sweep look at what the office should hear.
pub(super) fn notice_due(update: Update, now: Timestamp) -> Update {
    update.set("notice", text(WAITING)).set("notice_at", milliseconds(now))
}

/// The update that leaves nothing to hear.
pub(super) fn nothing_new(update: Update) -> Update {
    update.remove(&["notice", "notice_at"])
}

impl Ledger {
    /// At most `most` notices that may have to be sent, the oldest first.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be reached.
    pub(crate) async fn pending_notices(
        &self,
        most: i32,
        deadline: &Deadline,
    ) -> Result<Vec<PendingNotice>, CallError> {
        let items = self.query("query_notices", None, deadline, |query| {
            query
                .index_name(INDEX)
                .limit(most)
                .key_condition_expression("notice = :waiting")
                .expression_attribute_values(":waiting", text(WAITING))
        });
        let pending = |item: &super::Item| {
            let booking = booking_of(item).map(NoticeOf::Booking);
            let audit = || is_audit(item).then_some(NoticeOf::Audit);
            let of = booking.or_else(|| delivery_of(item).map(NoticeOf::Delivery)).or_else(audit)?;
            Some(PendingNotice { of, at: instant(item, "notice_at")? })
        };
        Ok(items.await?.items.iter().filter_map(pending).collect())
    }

    /// Writes down that the office was told this of a booking. `false` when something was written since: then it is looked at again.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be reached: the notice is sent again.
    pub(crate) async fn told_of_booking(
        &self,
        record: &BookingRecord,
        notice: &PendingNotice,
        told: &Told,
        deadline: &Deadline,
    ) -> Result<bool, CallError> {
        let same = Condition::equal("fence", number(record.fence)).and(Condition::equal("seq", number(record.seq)));
        let update = told_now(notice, told).on(same);
        // What it owes is still to be done.
        let update = if record.owes_a_look() { notice_due(update, notice.at) } else { nothing_new(update) };
        self.write("told_of_booking", &ItemKey::State(&record.booking_id), &update, deadline).await
    }

    /// The same of a delivery.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be reached: the notice is sent again.
    pub(crate) async fn told_of_delivery(
        &self,
        id: &DeliveryId,
        notice: &PendingNotice,
        told: &Told,
        deadline: &Deadline,
    ) -> Result<bool, CallError> {
        let update = nothing_new(told_now(notice, told));
        self.write("told_of_delivery", &ItemKey::Delivery(id), &update, deadline).await
    }

    /// A person leaves a booking as it is: it is not tried again and raises no alarm until something newer comes in; `act` is noted, too.
    /// `false` when another invocation holds it, or something came in since it was read.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be used.
    pub(crate) async fn dismiss(
        &self,
        record: &BookingRecord,
        dismissal: &Dismissal,
        act: Option<&OfficeAct>,
        deadline: &Deadline,
    ) -> Result<bool, CallError> {
        let update = act.map_or_else(Update::new, |act| record.acts.adding(act));
        let update = update.set("dismissed", document(dismissal)).remove(&["due", "due_at", "due_since", "parked_at"]);
        // It may be over, and a message for the guest may not have been sent yet.
        let update = notice_due(update, dismissal.at);
        let unchanged = Condition::equal("seq", number(dismissal.seq)).and(Condition::Absent("holder"));
        let (key, update) = (ItemKey::State(&record.booking_id), update.on(unchanged));
        Ok(match self.update_returning(Returns::ItemIfUnfit, "dismiss", &key, &update, deadline).await? {
            Updated::Done(_) => true,
            Updated::Unfit(item) => act.is_some_and(|act| act.is_newest_in(&item)),
        })
    }
}

fn told_now(notice: &PendingNotice, told: &Told) -> Update {
    let update = told.keep(Update::new().on(Condition::Present(PARTITION)));
    update.on(Condition::equal("notice_at", milliseconds(notice.at)))
}

/// A delivery in quarantine is what the office is told of once.
pub(super) fn is_quarantined(item: &super::Item) -> bool {
    item.get("due").is_some_and(|due| *due == text(QUARANTINED))
}
