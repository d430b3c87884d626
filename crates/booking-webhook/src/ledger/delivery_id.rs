//! What a delivery is called: by the ledger, in answers and logs, and by a person who wants it replayed.

use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    digest,
    items::{Item, PARTITION, SORT},
    text,
};
use crate::booking::BookingId;

const QUARANTINE: &str = "quarantine";
/// Stands in no booking id, so that a delivery id can be taken apart again.
const SEPARATOR: char = '~';
/// A sort key may have 1,024 bytes; what a sender calls its delivery is its own to choose.
const LONGEST_NAME_BYTES: usize = 128;

/// Names one delivery: `{booking id}~{webhook id}`, or `quarantine~{webhook id}~{digest}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryId {
    partition: String,
    name: String,
}

impl DeliveryId {
    /// A delivery that could be read.
    pub fn of_booking(booking_id: &BookingId, webhook_id: &str) -> Self {
        Self { partition: booking_id.to_string(), name: bounded(webhook_id) }
    }

    /// A delivery that could not.
    pub fn quarantined(webhook_id: &str, body: &[u8]) -> Self {
        Self { partition: QUARANTINE.into(), name: bounded(webhook_id) }.with(body)
    }

    /// The same name with another body.
    pub(super) fn with(&self, body: &[u8]) -> Self {
        let name = format!("{}{SEPARATOR}{}", self.name, digest(body));
        Self { name, ..self.clone() }
    }

    /// Takes a delivery id apart that somebody typed.
    pub fn parse(text: &str) -> Option<Self> {
        let (partition, name) = text.split_once(SEPARATOR)?;
        Some(Self { partition: partition.into(), name: name.into() })
    }

    /// Whether it names a delivery that could not be read when it came in.
    pub fn is_quarantined(&self) -> bool {
        self.partition == QUARANTINE
    }

    /// What the sender called it.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn from_item(item: &Item) -> Option<Self> {
        let partition = item.get(PARTITION)?.as_s().ok()?;
        let name = item.get(SORT)?.as_s().ok()?.strip_prefix("delivery#")?;
        Some(Self { partition: partition.strip_prefix("booking#").unwrap_or(partition).into(), name: name.into() })
    }

    pub(super) fn key(&self) -> [(String, AttributeValue); 2] {
        let partition =
            if self.is_quarantined() { QUARANTINE.to_owned() } else { format!("booking#{}", self.partition) };
        [(PARTITION.into(), text(partition)), (SORT.into(), text(format!("delivery#{}", self.name)))]
    }
}

fn bounded(webhook_id: &str) -> String {
    if webhook_id.len() > LONGEST_NAME_BYTES { digest(webhook_id.as_bytes()) } else { webhook_id.to_owned() }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{SEPARATOR}{}", self.partition, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(booking_id: &str, webhook_id: &str) -> DeliveryId {
        DeliveryId::of_booking(&BookingId::parse(booking_id).expect("valid"), webhook_id)
    }

    #[test]
    fn an_id_can_be_taken_apart_again() {
        for (id, shown, is_quarantined) in [
            (id("BS-1048812", "msg_1"), "BS-1048812~msg_1", false),
            (id("BS-1048812", "msg~1"), "BS-1048812~msg~1", false),
            (DeliveryId::quarantined("msg_1", b"{"), "quarantine~msg_1~021fb596db81e6d02bf3d2586ee3981f", true),
        ] {
            assert_eq!((&*id.to_string(), id.is_quarantined()), (shown, is_quarantined));
            assert_eq!(DeliveryId::parse(shown).as_ref(), Some(&id));
            assert_eq!(DeliveryId::from_item(&id.key().into()).as_ref(), Some(&id), "as the ledger keeps it");
            assert_eq!(Some(id.name()), shown.split_once('~').map(|(_, name)| name));
        }
        assert_eq!(DeliveryId::parse("BS-1048812"), None);
    }

    /// What a sender calls its deliveries is told apart however long it is.
    #[test]
    fn a_name_that_the_ledger_could_not_keep_is_shortened() {
        let (longest, too_long, another) = ("m".repeat(128), "m".repeat(129), "m".repeat(2_000));
        let name = |webhook_id: &str| id("BS-1048812", webhook_id).name().to_owned();
        assert_eq!(name(&longest), longest);
        assert_eq!(name(&too_long).len(), 32);
        assert_ne!(name(&too_long), name(&another));
    }
}
