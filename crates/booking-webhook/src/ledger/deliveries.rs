//! What was delivered, byte for byte.
//!
//! A delivery is one item, understood or not, with its first receipt: a repeat is no new arrival. It is kept for 90 days after that, or
//! after its charter's end; one that was not understood is put into quarantine, for good. A booking holds a pointer to each delivery
//! that spoke of it.

use std::io::{Read as _, Write as _};

use aws_sdk_dynamodb::{
    operation::put_item::PutItemError,
    primitives::Blob,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::{
    Acts, BookingRecord, DeliveryId, Item, Ledger, Updated, call, digest,
    expression::{Condition, Update},
    json,
    keys::{ItemKey, PARTITION, POINTS_TO},
    milliseconds,
    notices::{WAITING, is_quarantined, notice_due},
    number,
    state::{QUARANTINED, TOLD, instant},
    text,
};
use crate::{
    booking::{BookingId, BookingStatus, CharterId},
    outbound::{Answered, CallError, Deadline, from_sdk},
};

const KEPT_FOR: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Why a delivery left quarantine.
const CLOSED_BECAUSE: &str = "closed_because";
/// 13 months, as long as a booking keeps the guest's name.
const REMOVED_KEPT_FOR: SignedDuration = SignedDuration::from_hours(396 * 24);
/// An item may have 400 KB, keys and names counted.
const LARGEST_ITEM_BYTES: usize = 380_000;
/// More than any body that is accepted; what unpacks to more was not written by us.
const LARGEST_BODY_BYTES: u64 = 8 * 1024 * 1024;

/// One webhook request, or one manual entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its name.
    pub id: DeliveryId,
    /// When it came in first, in whole milliseconds.
    pub(crate) received_at: Timestamp,
    packed: Vec<u8>,
    headers: Vec<(String, String)>,
    /// The bookings that the body names without being understood.
    names: Vec<BookingId>,
    /// Why it could not be read when it came in, as JSON.
    faults: Option<String>,
}

/// What a delivery said of one booking.
#[derive(Debug, Clone, Copy)]
pub struct Spoke<'a> {
    /// Of which booking.
    pub booking_id: &'a BookingId,
    /// What it is.
    pub status: BookingStatus,
    /// Since when, by the sender, if it said so.
    pub as_of: Option<Timestamp>,
    /// When the charter ends, if one was sold.
    pub ends: Option<Timestamp>,
}

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

/// What the ledger had of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreOutcome {
    /// When it came in first.
    pub received_at: Timestamp,
    /// It was here before.
    pub repeated: bool,
    /// It waits in quarantine since.
    pub quarantined: bool,
    /// The sender gave another body the same name: somebody should look.
    pub name_reused: bool,
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
            told: string(TOLD),
            acts: Acts::from_item(item)?,
        })
    }
}

/// A body that is too large for the ledger, packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is {packed} bytes packed, and {LARGEST_ITEM_BYTES} can be kept")]
pub struct TooLarge {
    packed: usize,
}

impl Delivery {
    /// A delivery of `body`.
    ///
    /// # Errors
    /// [`TooLarge`] when it cannot be kept.
    pub fn new(id: DeliveryId, body: &[u8], received_at: Timestamp) -> Result<Self, TooLarge> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let packed = encoder.write_all(body).and_then(|()| encoder.finish()).expect("memory takes everything");
        if packed.len() > LARGEST_ITEM_BYTES {
            return Err(TooLarge { packed: packed.len() });
        }
        Ok(Self { id, received_at, packed, headers: Vec::new(), names: Vec::new(), faults: None })
    }

    /// The same, not understood because of `faults` (JSON), with the bookings that its body names.
    #[must_use]
    pub(crate) fn not_understood(self, faults: String, names: Vec<BookingId>) -> Self {
        Self { names, faults: Some(faults), ..self }
    }

    /// The body as it came over the wire; `None` when the item was edited.
    pub fn body(&self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        GzDecoder::new(&*self.packed).take(LARGEST_BODY_BYTES).read_to_end(&mut body).ok()?;
        Some(body)
    }

    /// The same with the headers without which the body cannot be read again.
    #[must_use]
    pub(crate) fn with_headers(self, headers: Vec<(String, String)>) -> Self {
        Self { headers, ..self }
    }

    /// Those headers.
    pub(crate) fn headers(&self) -> HeaderMap {
        let parse = |(name, value): &(String, String)| Some((name.parse().ok()?, value.parse().ok()?));
        self.headers.iter().filter_map(parse).collect::<Vec<(HeaderName, HeaderValue)>>().into_iter().collect()
    }

    fn item(&self) -> Item {
        let mut item = ItemKey::Delivery(&self.id).item();
        item.insert("body".into(), AttributeValue::B(Blob::new(&*self.packed)));
        item.insert("received_at".into(), milliseconds(self.received_at));
        if !self.headers.is_empty() {
            item.insert("headers".into(), json(&self.headers));
        }
        item
    }

    fn from_item(id: &DeliveryId, item: &Item) -> Option<Self> {
        let packed = item.get("body")?.as_b().ok()?.clone().into_inner();
        let headers = item.get("headers").and_then(|headers| serde_json::from_str(headers.as_s().ok()?).ok());
        let headers = headers.unwrap_or_default();
        let received_at = instant(item, "received_at")?;
        Some(Self { id: id.clone(), received_at, packed, headers, names: Vec::new(), faults: None })
    }
}

/// When what came in at `at` goes, in seconds since 1970, as DynamoDB wants it.
fn expires_at(at: Timestamp, ends: Option<Timestamp>) -> AttributeValue {
    let kept_from = ends.map_or(at, |ends| ends.max(at));
    number(kept_from.saturating_add(KEPT_FOR).unwrap_or(kept_from).as_second())
}

impl Ledger {
    /// Keeps a delivery that was understood, and points to it from each booking of which it spoke.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be used.
    pub async fn keep(
        &self,
        delivery: &Delivery,
        spoke: &[Spoke<'_>],
        deadline: &Deadline,
    ) -> Result<StoreOutcome, CallError> {
        let mut item = delivery.item();
        item.insert(
            "expires_at".into(),
            expires_at(delivery.received_at, spoke.iter().filter_map(|spoke| spoke.ends).max()),
        );
        if !spoke.is_empty() {
            let bookings = spoke.iter().map(|spoke| spoke.booking_id.to_string()).collect();
            item.insert("bookings".into(), AttributeValue::Ss(bookings));
        }
        let pointers = futures::future::try_join_all(spoke.iter().map(|spoke| self.point(delivery, spoke, deadline)));
        let (there, pointed) = tokio::join!(self.put_if_absent("put_delivery", &item, deadline), pointers);
        let name_reused = pointed?.into_iter().any(|reused| reused);
        Ok(match there? {
            None => {
                StoreOutcome { received_at: delivery.received_at, repeated: false, quarantined: false, name_reused }
            }
            Some(there) => StoreOutcome {
                received_at: instant(&there, "received_at").unwrap_or(delivery.received_at),
                repeated: true,
                quarantined: there.contains_key("due"),
                name_reused,
            },
        })
    }

    /// Points to a delivery from a booking. `true` when another body has its name there.
    async fn point(&self, delivery: &Delivery, spoke: &Spoke<'_>, deadline: &Deadline) -> Result<bool, CallError> {
        let mut pointer = Item::from([
            (POINTS_TO.to_owned(), text(delivery.id.to_string())),
            ("received_at".to_owned(), milliseconds(delivery.received_at)),
            ("says".to_owned(), text(spoke.status.name())),
            ("expires_at".to_owned(), expires_at(delivery.received_at, spoke.ends)),
        ]);
        pointer.extend(spoke.as_of.map(|as_of| ("as_of".to_owned(), milliseconds(as_of))));
        let at = |key: ItemKey<'_>| pointer.clone().into_iter().chain(key.item()).collect::<Item>();
        let first = at(ItemKey::Pointer(spoke.booking_id, &delivery.id));
        let there = self.put_if_absent("put_pointer", &first, deadline).await?;
        let reused = there.is_some_and(|there| there.get(POINTS_TO) != first.get(POINTS_TO));
        if reused {
            let beside = at(ItemKey::PointerToAnotherBody(spoke.booking_id, &delivery.id));
            self.put_if_absent("put_pointer", &beside, deadline).await?;
        }
        Ok(reused)
    }

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
        let update = notice_due(Update::new(), now)
            .set("closed_at", milliseconds(now))
            .set(CLOSED_BECAUSE, text(why))
            .set("expires_at", expires_at(now, ends))
            .remove(&["due", "due_at"])
            .on(Condition::equal("due", text(QUARANTINED)));
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

    /// A delivery that was kept.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be used.
    pub async fn delivery(&self, id: &DeliveryId, deadline: &Deadline) -> Result<Option<Delivery>, CallError> {
        let item = self.get("get_delivery", &ItemKey::Delivery(id), deadline).await?;
        Ok(item.and_then(|item| Delivery::from_item(id, &item)))
    }

    /// Reserves the charter id for the booking. `false` when another booking has it.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be used.
    pub async fn reserve(
        &self,
        charter_id: &CharterId,
        booking_id: &BookingId,
        deadline: &Deadline,
    ) -> Result<bool, CallError> {
        let mut item = ItemKey::Reservation(charter_id).item();
        item.insert("booking_id".into(), text(booking_id.as_str()));
        let there = self.put_if_absent("reserve_charter_id", &item, deadline).await?;
        Ok(there.is_none_or(|there| there.get("booking_id") == item.get("booking_id")))
    }

    /// Keeps what is about to be taken out of a crew event, by its paths.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be used.
    pub(crate) async fn keep_removed(
        &self,
        record: &BookingRecord,
        removed: Map<String, Value>,
        deadline: &Deadline,
    ) -> Result<(), CallError> {
        let removed = Value::Object(removed).to_string();
        let mut item = ItemKey::Removed(&record.booking_id, digest(removed.as_bytes())).item();
        item.insert("removed".into(), text(removed));
        item.insert("removed_at".into(), milliseconds(deadline.now()));
        // It may hold a name: it goes when the booking's own does.
        let over = record.sale.as_ref().map_or(deadline.now(), |sale| sale.start.max(deadline.now()));
        item.insert("expires_at".into(), number(over.saturating_add(REMOVED_KEPT_FOR).unwrap_or(over).as_second()));
        self.put_if_absent("keep_removed", &item, deadline).await.map(|_| ())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(body: &[u8]) -> Result<Delivery, TooLarge> {
        Delivery::new(DeliveryId::new("boatsetter", "msg_1", body), body, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_body_comes_back_byte_for_byte() {
        for body in [&b""[..], b"{\"id\":\xff}", &[b'x'; 900_000]] {
            let kept = delivery(body).expect("small when packed");
            let read = Delivery::from_item(&kept.id, &kept.item()).expect("as it was written");
            assert_eq!((read.body().as_deref(), &read), (Some(body), &kept));
        }
    }

    #[test]
    fn a_body_beyond_an_item_is_refused() {
        let noise: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(500_000).collect();
        assert!(delivery(&noise).is_err());
    }

    #[test]
    fn a_delivery_outlives_its_charter_by_ninety_days() {
        let (received_at, ends) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(1_000_000).expect("in range"));
        assert_eq!(expires_at(received_at, None), number(90 * 86_400));
        assert_eq!(expires_at(received_at, Some(ends)), number(1_000_000 + 90 * 86_400));
        assert_eq!(expires_at(ends, Some(received_at)), number(1_000_000 + 90 * 86_400));
        assert_eq!(expires_at(received_at, Some(Timestamp::MAX)), number(Timestamp::MAX.as_second()));
    }
}
