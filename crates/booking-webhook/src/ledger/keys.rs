//! The kinds of items, and their keys. A key is made from a valid id and taken apart again; none is stored as somebody typed it.
//!
//! | item | partition | sort |
//! |---|---|---|
//! | a booking's state | `booking#{booking id}` | `state` |
//! | a pointer to a delivery that spoke of it | `booking#{booking id}` | `delivery#{sender}~{name}`, and `~{digest}` for another body of the same name |
//! | what was taken out of its crew event | `booking#{booking id}` | `removed#{digest}` |
//! | a delivery | `delivery#{sender}~{name}` | `{digest}` |
//! | a charter id | `charter#{charter id}` | `reservation` |
//! | the night's audit | `audit` | `run` |

use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;

use super::{Item, digest, text};
use crate::booking::{BookingId, CharterId};

pub(super) const PARTITION: &str = "pk";
pub(super) const SORT: &str = "sk";
const BOOKING: &str = "booking#";
const DELIVERY: &str = "delivery#";
const STATE: &str = "state";
const AUDIT: &str = "audit";

/// Stands in no sender's name and in no digest, so that a delivery id can be taken apart again.
const SEPARATOR: char = '~';
/// A sort key may have 1,024 bytes; what a sender calls its delivery is its own to choose.
const LONGEST_NAME_BYTES: usize = 128;

/// What an item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ItemKey<'a> {
    State(&'a BookingId),
    Pointer(&'a BookingId, &'a DeliveryId),
    PointerToAnotherBody(&'a BookingId, &'a DeliveryId),
    Removed(&'a BookingId, String),
    Delivery(&'a DeliveryId),
    Reservation(&'a CharterId),
    Audit,
}

impl ItemKey<'_> {
    pub(super) fn item(&self) -> Item {
        let (partition, sort) = match self {
            Self::State(booking) => (format!("{BOOKING}{booking}"), STATE.to_owned()),
            Self::Pointer(booking, delivery) => (format!("{BOOKING}{booking}"), delivery.partition()),
            Self::PointerToAnotherBody(booking, delivery) => {
                (format!("{BOOKING}{booking}"), format!("{DELIVERY}{delivery}"))
            }
            Self::Removed(booking, digest) => (format!("{BOOKING}{booking}"), format!("removed#{digest}")),
            Self::Delivery(id) => (id.partition(), id.digest.clone()),
            Self::Audit => (AUDIT.to_owned(), "run".to_owned()),
            Self::Reservation(charter) => (format!("charter#{charter}"), "reservation".to_owned()),
        };
        Item::from([(PARTITION.to_owned(), text(partition)), (SORT.to_owned(), text(sort))])
    }
}

/// The partition in which a booking's items are.
pub(super) fn booking_partition(booking: &BookingId) -> AttributeValue {
    text(format!("{BOOKING}{booking}"))
}

/// How the sort keys of a booking's pointers begin.
pub(super) fn pointers() -> AttributeValue {
    text(DELIVERY)
}

/// The booking whose state an item is.
pub(super) fn booking_of(item: &Item) -> Option<BookingId> {
    let is_state = item.get(SORT)?.as_s().ok()? == STATE;
    let id = item.get(PARTITION)?.as_s().ok()?.strip_prefix(BOOKING)?;
    BookingId::parse(id).ok().filter(|_| is_state)
}

/// Whether an item is the audit's.
pub(super) fn is_audit(item: &Item) -> bool {
    item.get(PARTITION).is_some_and(|partition| *partition == text(AUDIT))
}

/// The attribute in which a pointer names its delivery.
pub(super) const POINTS_TO: &str = "delivery";

/// The delivery that a pointer points to.
pub(super) fn pointed_to(item: &Item) -> Option<DeliveryId> {
    DeliveryId::parse(item.get(POINTS_TO)?.as_s().ok()?)
}

/// The delivery that an item is.
pub(super) fn delivery_of(item: &Item) -> Option<DeliveryId> {
    let name = item.get(PARTITION)?.as_s().ok()?.strip_prefix(DELIVERY)?;
    DeliveryId::parse(&format!("{name}{SEPARATOR}{}", item.get(SORT)?.as_s().ok()?))
}

/// Names one delivery, in answers and logs and for a replay: `{sender}~{name}~{digest of the body}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeliveryId {
    sender: String,
    name: String,
    digest: String,
}

impl DeliveryId {
    /// What `sender` calls `name`, of this body.
    pub fn new(sender: &str, name: &str, body: &[u8]) -> Self {
        let name = if name.len() > LONGEST_NAME_BYTES { digest(name.as_bytes()) } else { name.to_owned() };
        Self { sender: sender.to_owned(), name, digest: digest(body) }
    }

    /// Takes a delivery id apart that somebody typed.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (sender, rest) = text.split_once(SEPARATOR)?;
        let (name, digest) = rest.rsplit_once(SEPARATOR)?;
        let is_sender = !sender.is_empty() && sender.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let is_digest = digest.len() == 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = Self { sender: sender.into(), name: name.into(), digest: digest.into() };
        (is_sender && is_digest && name.len() <= LONGEST_NAME_BYTES).then_some(id)
    }

    /// Who sent it.
    pub(crate) fn sender(&self) -> &str {
        &self.sender
    }

    /// The digest of its body: two deliveries of one body have one.
    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }

    fn partition(&self) -> String {
        format!("{DELIVERY}{}{SEPARATOR}{}", self.sender, self.name)
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{SEPARATOR}{}{SEPARATOR}{}", self.sender, self.name, self.digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn booking(id: &str) -> BookingId {
        BookingId::parse(id).expect("valid")
    }

    #[test]
    fn a_delivery_id_can_be_taken_apart_again() {
        for name in ["msg_1", "msg~1", "", "delivery#x"] {
            let id = DeliveryId::new("boatsetter", name, b"{");
            assert_eq!(id.to_string(), format!("boatsetter~{name}~021fb596db81e6d02bf3d2586ee3981f"));
            assert_eq!(DeliveryId::parse(&id.to_string()).as_ref(), Some(&id));
            assert_eq!(delivery_of(&ItemKey::Delivery(&id).item()).as_ref(), Some(&id), "as the ledger keeps it");
            let pointer = ItemKey::Pointer(&booking("BS-1"), &id).item();
            assert_eq!((delivery_of(&pointer), booking_of(&pointer)), (None, None), "a pointer is neither");
        }
        for foreign in
            ["BS-1048812", "boatsetter~msg_1", "boatsetter~msg_1~digest", "a#b~c~021fb596db81e6d02bf3d2586ee3981f"]
        {
            assert_eq!(DeliveryId::parse(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn no_booking_id_can_name_another_kind_of_item() {
        for id in ["quarantine", "delivery", "state", "charter"] {
            let item = ItemKey::State(&booking(id)).item();
            assert_eq!((booking_of(&item), delivery_of(&item)), (Some(booking(id)), None));
        }
    }

    #[test]
    fn a_name_too_long_for_a_key_is_shortened() {
        let name = |length: usize| DeliveryId::new("boatsetter", &"m".repeat(length), b"").name;
        assert_eq!(name(128), "m".repeat(128));
        assert_eq!(name(129).len(), 32);
        assert_ne!(name(129), name(2_000));
    }
}
