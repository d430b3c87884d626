//! What was delivered, byte for byte.
//!
//! A delivery is one item, understood or not, with its first receipt: a repeat is no new arrival. It is kept for 90 days after that, or
//! after its charter's end; one that was not understood waits in [`super::quarantine`]. A booking holds a pointer to each delivery that
//! spoke of it.

use std::io::{Read as _, Write as _};

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::{
    BookingRecord, DeliveryId, Item, Ledger, digest,
    document::{document, from_document},
    keys::{ItemKey, POINTS_TO},
    milliseconds, number,
    state::instant,
    text,
};
use crate::{
    booking::{BookingId, BookingStatus, CharterId},
    outbound::{CallError, Deadline},
};

const KEPT_FOR: SignedDuration = SignedDuration::from_hours(90 * 24);
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
    pub(super) names: Vec<BookingId>,
    /// Why it could not be read when it came in, as JSON.
    pub(super) faults: Option<String>,
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

    pub(super) fn item(&self) -> Item {
        let mut item = ItemKey::Delivery(&self.id).item();
        item.insert("body".into(), AttributeValue::B(Blob::new(&*self.packed)));
        item.insert("received_at".into(), milliseconds(self.received_at));
        if !self.headers.is_empty() {
            item.insert("headers".into(), document(&self.headers));
        }
        item
    }

    pub(super) fn from_item(id: &DeliveryId, item: &Item) -> Option<Self> {
        let packed = item.get("body")?.as_b().ok()?.clone().into_inner();
        let headers = item.get("headers").and_then(|headers| from_document(headers).ok()).unwrap_or_default();
        let received_at = instant(item, "received_at")?;
        Some(Self { id: id.clone(), received_at, packed, headers, names: Vec::new(), faults: None })
    }
}

/// When what came in at `at` goes, in seconds since 1970, as DynamoDB wants it.
pub(super) fn expires_at(at: Timestamp, ends: Option<Timestamp>) -> AttributeValue {
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
