//! What was delivered, byte for byte.
//!
//! A delivery of a booking lives in the booking's partition, for 90 days. One that cannot be read is put into quarantine, for good: once
//! the mapping is mended it can be replayed.

use aws_sdk_dynamodb::{
    operation::put_item::PutItemError,
    primitives::Blob,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::{
    BookingRecord, DeliveryId, Ledger, SnapshotVersion, call, digest,
    items::{Item, PARTITION, QUARANTINED, SORT, booking_key, instant, milliseconds},
    number, text,
};
use crate::{
    booking::{BookingId, BookingStatus, CharterId},
    outbound::{Answered, CallError, Deadline, from_sdk},
};

const KEPT_FOR: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Who sent it, which decides how it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The marketplace: its JSON, through the mapping.
    Webhook,
    /// A person: the canonical booking object.
    Person,
}

impl Origin {
    fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Person => "person",
        }
    }
}

/// One webhook request, or one manual entry.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Its name.
    pub id: DeliveryId,
    /// As it came over the wire.
    pub body: Vec<u8>,
    /// Who sent it.
    pub origin: Origin,
    /// When.
    pub received_at: Timestamp,
    /// What it says, if it could be read: for the timeline.
    pub says: Option<(BookingStatus, SnapshotVersion)>,
}

/// What the ledger had under the same delivery id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreOutcome {
    /// Nothing.
    New,
    /// The same.
    Repeated,
    /// Another body: this one was kept under a name of its own, and somebody should look.
    AnotherBody,
}

impl Ledger {
    /// Keeps a delivery of a booking.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be reached.
    pub async fn keep(&self, delivery: &Delivery, deadline: &Deadline) -> Result<StoreOutcome, CallError> {
        let kept = self.put_delivery(delivery, Some(KEPT_FOR), deadline).await?;
        if kept == StoreOutcome::AnotherBody {
            let renamed = Delivery { id: delivery.id.with(&delivery.body), ..delivery.clone() };
            self.put_delivery(&renamed, Some(KEPT_FOR), deadline).await?;
        }
        Ok(kept)
    }

    /// Keeps a delivery that cannot be read, until somebody has replayed it.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be reached.
    pub async fn quarantine(&self, delivery: &Delivery, deadline: &Deadline) -> Result<StoreOutcome, CallError> {
        self.put_delivery(delivery, None, deadline).await
    }

    /// A quarantined delivery was replayed: it need not be kept for good any more.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be reached.
    pub async fn end_quarantine(
        &self,
        delivery: &Delivery,
        now: Timestamp,
        deadline: &Deadline,
    ) -> Result<(), CallError> {
        let call = call("end_quarantine");
        let once = || async {
            let update = self.client.update_item().table_name(&self.table).set_key(Some(delivery.id.key().into()));
            let update = update
                .update_expression("SET replayed_at = :now, expires_at = :then REMOVE due, due_at")
                .condition_expression(format!("attribute_exists({PARTITION})"))
                .expression_attribute_values(":now", milliseconds(now))
                .expression_attribute_values(":then", number((now + KEPT_FOR).as_second()));
            update.send().await.map_err(|error| from_sdk(call, error))?;
            Ok(Answered { status: 200, remote_id: None, value: () })
        };
        self.outbound.attempts(call, deadline, once).await
    }

    /// A delivery that was kept.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be reached.
    pub async fn delivery(&self, id: &DeliveryId, deadline: &Deadline) -> Result<Option<Delivery>, CallError> {
        let call = call("get_delivery");
        let once = || async {
            let get = self.client.get_item().table_name(&self.table).consistent_read(true);
            let get = get.set_key(Some(id.key().into()));
            let answer = get.send().await.map_err(|error| from_sdk(call, error))?;
            Ok(Answered { status: 200, remote_id: None, value: answer.item })
        };
        Ok(self.outbound.attempts(call, deadline, once).await?.and_then(|item| delivery(id.clone(), &item)))
    }

    /// Reserves the charter id for the booking. `false` when another booking has it.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be reached.
    pub async fn reserve(
        &self,
        charter_id: &CharterId,
        booking_id: &BookingId,
        deadline: &Deadline,
    ) -> Result<bool, CallError> {
        let item = Item::from([
            (PARTITION.to_owned(), text(format!("charter#{charter_id}"))),
            (SORT.to_owned(), text("reservation")),
            ("booking_id".to_owned(), text(booking_id.as_str())),
        ]);
        let there = self.put_if_absent("reserve_charter_id", &item, deadline).await?;
        Ok(there.is_none_or(|there| there.get("booking_id") == item.get("booking_id")))
    }

    /// Keeps what is about to be taken out of a crew event, by its paths.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be reached.
    pub async fn keep_removed(
        &self,
        record: &BookingRecord,
        removed: Map<String, Value>,
        deadline: &Deadline,
    ) -> Result<(), CallError> {
        let removed = Value::Object(removed).to_string();
        let item = Item::from([
            (PARTITION.to_owned(), booking_key(&record.booking_id)),
            (SORT.to_owned(), text(format!("removed#{}", digest(removed.as_bytes())))),
            ("removed".to_owned(), text(removed)),
            ("removed_at".to_owned(), milliseconds(deadline.now())),
        ]);
        self.put_if_absent("keep_removed", &item, deadline).await.map(|_| ())
    }

    async fn put_delivery(
        &self,
        delivery: &Delivery,
        kept_for: Option<SignedDuration>,
        deadline: &Deadline,
    ) -> Result<StoreOutcome, CallError> {
        let mut item = Item::from(delivery.id.key());
        item.insert("body".into(), body(&delivery.body));
        item.insert("digest".into(), text(digest(&delivery.body)));
        item.insert("origin".into(), text(delivery.origin.name()));
        item.insert("received_at".into(), milliseconds(delivery.received_at));
        if let Some((meaning, order)) = &delivery.says {
            item.insert("says".into(), text(meaning.name()));
            item.insert("as_of".into(), milliseconds(order.at()));
        }
        match kept_for {
            Some(kept_for) => {
                item.insert("expires_at".into(), number((delivery.received_at + kept_for).as_second()));
            }
            None => {
                item.insert("due".into(), text(QUARANTINED));
                item.insert("due_at".into(), milliseconds(delivery.received_at));
            }
        }
        Ok(match self.put_if_absent("put_delivery", &item, deadline).await? {
            None => StoreOutcome::New,
            Some(there) if there.get("digest") == item.get("digest") => StoreOutcome::Repeated,
            Some(_) => StoreOutcome::AnotherBody,
        })
    }

    /// Puts an item unless there is one of the same key: then that is left alone and answered.
    async fn put_if_absent(
        &self,
        operation: &'static str,
        item: &Item,
        deadline: &Deadline,
    ) -> Result<Option<Item>, CallError> {
        let call = call(operation);
        let once = || async {
            let put = self.client.put_item().table_name(&self.table).set_item(Some(item.clone()));
            let put = put
                .condition_expression(format!("attribute_not_exists({PARTITION})"))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            let (status, value) = match put.send().await {
                Ok(_) => (200, None),
                Err(error) => match error.as_service_error() {
                    Some(PutItemError::ConditionalCheckFailedException(there)) => {
                        (400, Some(there.item().cloned().unwrap_or_default()))
                    }
                    _ => return Err(from_sdk(call, error)),
                },
            };
            Ok(Answered { status, remote_id: None, value })
        };
        self.outbound.attempts(call, deadline, once).await
    }
}

/// Readable in a console where it can be.
fn body(bytes: &[u8]) -> AttributeValue {
    std::str::from_utf8(bytes).map_or_else(|_binary| AttributeValue::B(Blob::new(bytes)), text)
}

fn delivery(id: DeliveryId, item: &Item) -> Option<Delivery> {
    let field = |name: &str| item.get(name)?.as_s().ok();
    let body = match item.get("body")? {
        AttributeValue::B(bytes) => bytes.clone().into_inner(),
        text => text.as_s().ok()?.clone().into_bytes(),
    };
    let origin = [Origin::Webhook, Origin::Person]
        .into_iter()
        .find(|origin| field("origin").is_some_and(|name| name == origin.name()))?;
    Some(Delivery { id, body, origin, received_at: instant(item, "received_at")?, says: None })
}
