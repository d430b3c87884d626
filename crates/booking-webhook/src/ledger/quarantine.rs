//! Deliveries that were not understood: kept for good, until somebody has replayed or dismissed them.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::{
    Acts, Delivery, DeliveryId, Item, Ledger, OfficeAct, Told, Updated,
    deliveries::expires_at,
    expression::{Condition, Update},
    keys::ItemKey,
    milliseconds,
    notices::{WAITING, is_quarantined, notice_due},
    state::{QUARANTINED, instant},
    text,
};
use crate::{
    booking::BookingId,
    outbound::{CallError, Deadline},
};

/// Why a delivery left quarantine.
const CLOSED_BECAUSE: &str = "closed_because";

/// What the ledger had of a delivery that is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineOutcome {
    /// When it came in first.
    pub received_at: Timestamp,
    /// It was here before.
    pub repeated: bool,
    /// Why it does not wait in quarantine any more, if somebody or something has settled it since.
    pub(crate) closed_because: Option<String>,
}

/// A delivery, and whether it waits in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QuarantinedDelivery {
    /// What came in.
    pub(crate) delivery: Delivery,
    /// It waits still.
    pub(crate) waits: bool,
    /// Why it does not any more, if it did.
    pub(crate) closed_because: Option<String>,
    /// The bookings of which it spoke, as far as that could be read.
    pub(crate) bookings: Vec<BookingId>,
    /// Why it could not be read when it came in, as JSON.
    pub(crate) faults: Option<String>,
    /// The digest of what the office was told of it last.
    pub(crate) told: Option<String>,
    /// What the office did with it at its desk.
    pub(crate) acts: Acts,
}

impl QuarantinedDelivery {
    fn from_item(id: &DeliveryId, item: &Item) -> Option<Self> {
        let string = |attribute: &str| item.get(attribute)?.as_s().ok().cloned();
        let bookings = item.get("bookings").and_then(|bookings| bookings.as_ss().ok());
        Some(Self {
            delivery: Delivery::from_item(id, item)?,
            waits: is_quarantined(item),
            closed_because: string(CLOSED_BECAUSE),
            faults: string("faults"),
            bookings: bookings.into_iter().flatten().filter_map(|id| BookingId::parse(id).ok()).collect(),
            told: Told::from_item(item).concerns,
            acts: Acts::from_item(item)?,
        })
    }
}

/// The update that takes a delivery out of quarantine.
fn closing(why: &str, ends: Option<Timestamp>, now: Timestamp) -> Update {
    notice_due(Update::new(), now)
        .set("closed_at", milliseconds(now))
        .set(CLOSED_BECAUSE, text(why))
        .set("expires_at", expires_at(now, ends))
        .remove(&["due", "due_at"])
        .on(Condition::equal("due", text(QUARANTINED)))
}

impl Ledger {
    /// Keeps a delivery that was not understood, until somebody has replayed or dismissed it. The same again changes nothing, also when it
    /// was settled meanwhile.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be used.
    pub async fn quarantine(&self, delivery: &Delivery, deadline: &Deadline) -> Result<QuarantineOutcome, CallError> {
        let mut item = delivery.item();
        for (kind, at, of) in [("due", "due_at", QUARANTINED), ("notice", "notice_at", WAITING)] {
            item.insert(kind.into(), text(of));
            item.insert(at.into(), milliseconds(delivery.received_at));
        }
        if let Some(faults) = &delivery.faults {
            item.insert("faults".into(), text(faults));
        }
        if !delivery.names.is_empty() {
            let names = delivery.names.iter().map(BookingId::to_string).collect();
            item.insert("bookings".into(), AttributeValue::Ss(names));
        }
        let there = self.put_if_absent("quarantine_delivery", &item, deadline).await?;
        let Some(there) = there else {
            return Ok(QuarantineOutcome { received_at: delivery.received_at, repeated: false, closed_because: None });
        };
        let received_at = instant(&there, "received_at").unwrap_or(delivery.received_at);
        let closed_because = there.get(CLOSED_BECAUSE).and_then(|why| why.as_s().ok()).cloned();
        if closed_because.is_none() && !is_quarantined(&there) {
            // It was understood when it came in first, and the mapping was changed since.
            let update = notice_due(Update::new(), delivery.received_at)
                .set("due", text(QUARANTINED))
                .set("due_at", milliseconds(received_at))
                .remove(&["expires_at"])
                .on(Condition::Absent(CLOSED_BECAUSE));
            self.update_item("quarantine_kept", &ItemKey::Delivery(&delivery.id), &update, deadline).await?;
        }
        Ok(QuarantineOutcome { received_at, repeated: true, closed_because })
    }

    /// A quarantined delivery was read again and accepted: it need not be kept for good any more, but as long as one that comes in now, of
    /// a charter that `ends` then.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be used.
    pub async fn end_quarantine(
        &self,
        id: &DeliveryId,
        ends: Option<Timestamp>,
        now: Timestamp,
        deadline: &Deadline,
    ) -> Result<(), CallError> {
        self.close_quarantine(id, "it was read again and accepted", ends, now, deadline).await.map(|_| ())
    }

    /// A quarantined delivery needs no person any more, because of `why`, and may expire. `false`, and nothing is done, when it does not
    /// wait.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be used.
    pub(crate) async fn close_quarantine(
        &self,
        id: &DeliveryId,
        why: &str,
        ends: Option<Timestamp>,
        now: Timestamp,
        deadline: &Deadline,
    ) -> Result<bool, CallError> {
        self.close(id, why, closing(why, ends, now), deadline).await
    }

    /// The same because a person has dismissed it; `act` is noted, too.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be used.
    pub(crate) async fn dismiss_delivery(
        &self,
        id: &DeliveryId,
        why: &str,
        act: Option<&OfficeAct>,
        now: Timestamp,
        deadline: &Deadline,
    ) -> Result<bool, CallError> {
        let update = closing(why, None, now);
        let update = match act {
            Some(act) => act.noted(update),
            None => update,
        };
        self.close(id, why, update, deadline).await
    }

    async fn close(&self, id: &DeliveryId, why: &str, update: Update, deadline: &Deadline) -> Result<bool, CallError> {
        let updated = self.update_item("end_quarantine", &ItemKey::Delivery(id), &update, deadline).await?;
        Ok(match updated {
            Updated::Done(_) => true,
            // Our own, whose answer was lost.
            Updated::Unfit(item) => item.get("closed_because") == Some(&text(why)),
        })
    }

    /// A delivery that was not understood, as it stands now.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be used.
    pub(crate) async fn quarantined(
        &self,
        id: &DeliveryId,
        deadline: &Deadline,
    ) -> Result<Option<QuarantinedDelivery>, CallError> {
        let item = self.get("get_delivery", &ItemKey::Delivery(id), deadline).await?;
        Ok(item.and_then(|item| QuarantinedDelivery::from_item(id, &item)))
    }
}
