//! The state item, attribute by attribute.

use std::{collections::HashMap, str::FromStr};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::{BookingRecord, Decision, Journal, Lease, SnapshotVersion, Step, StepRecord, text};
use crate::booking::{BookingId, BookingStatus, CharterId};

/// An item as DynamoDB answers it.
pub(super) type Item = HashMap<String, AttributeValue>;

pub(super) const PARTITION: &str = "pk";
pub(super) const SORT: &str = "sk";
/// The sort key of a booking's state.
pub(super) const STATE: &str = "state";
/// A partition of the index: every booking that time could bring further.
pub(super) const DUE: &str = "due";
/// Another: every booking that only a person can.
pub(super) const PARKED: &str = "parked";
/// Another: every delivery that could not be read.
pub(super) const QUARANTINED: &str = "quarantined";

const BOOKING: &str = "booking#";

/// A state item that cannot be read: somebody edited it, or a newer version of the function wrote it.
#[derive(Debug, thiserror::Error)]
#[error("the ledger's state of {booking_id} cannot be read: {attribute} is missing or malformed")]
pub(super) struct ItemError {
    booking_id: String,
    attribute: &'static str,
    source: Option<serde_json::Error>,
}

pub(super) fn booking_key(booking_id: &BookingId) -> AttributeValue {
    text(format!("{BOOKING}{booking_id}"))
}

/// The booking in whose partition an item is.
pub(super) fn booking_of(item: &Item) -> Option<BookingId> {
    BookingId::parse(item.get(PARTITION)?.as_s().ok()?.strip_prefix(BOOKING)?).ok()
}

pub(super) fn milliseconds(at: Timestamp) -> AttributeValue {
    AttributeValue::N(at.as_millisecond().to_string())
}

/// An instant that was written as [`milliseconds`].
pub(super) fn instant(item: &Item, attribute: &str) -> Option<Timestamp> {
    Timestamp::from_millisecond(item.get(attribute)?.as_n().ok()?.parse().ok()?).ok()
}

impl BookingRecord {
    /// Reads a state item.
    pub(super) fn from_item(booking_id: &BookingId, item: &Item) -> Result<Self, ItemError> {
        let fields = Reader { booking_id, item };
        let lease = fields.string("holder").zip(instant(item, "lease_until"));
        let order = fields.string("order").map(SnapshotVersion::stored).ok_or_else(|| fields.fault("order"))?;
        let previous_order = fields.string("previous_order").map(SnapshotVersion::stored);
        let (decision, approved) = (fields.decision()?, fields.string("approved"));
        Ok(Self {
            booking_id: booking_id.clone(),
            charter_id: fields.string("charter_id").map(CharterId::stored).ok_or_else(|| fields.fault("charter_id"))?,
            latest: fields.status("latest").ok_or_else(|| fields.fault("latest"))?,
            sale: fields.json("sale")?,
            cancelled_at: instant(item, "cancelled_at"),
            approved: decision.as_ref().map(|decision| decision.order.as_str()) == approved.as_deref()
                && approved.is_some(),
            decision,
            terms: fields.json("terms")?,
            seq: fields.number("seq").unwrap_or_default(),
            contradicted: previous_order.is_some_and(|previous| order.contradicts(&previous)),
            fence: fields.number("fence").unwrap_or_default(),
            lease: lease.map(|(holder, until)| Lease { holder, until }),
            due_at: instant(item, "due_at").filter(|_| fields.string("due").as_deref() == Some(DUE)),
            due_since: instant(item, "due_since"),
            dates: fields.set("dates").iter().filter_map(|date| date.parse().ok()).collect(),
            journal: Journal {
                calendar: fields.step(Step::Calendar)?,
                crew_event: fields.step(Step::CrewEvent)?,
                crew_redaction: fields.step(Step::CrewRedaction)?,
                guest_page: fields.step(Step::GuestPage)?,
            },
            history: fields.json("history")?.unwrap_or_default(),
            order,
        })
    }
}

struct Reader<'a> {
    booking_id: &'a BookingId,
    item: &'a Item,
}

impl Reader<'_> {
    fn fault(&self, attribute: &'static str) -> ItemError {
        ItemError { booking_id: self.booking_id.to_string(), attribute, source: None }
    }

    fn string(&self, attribute: &str) -> Option<String> {
        self.item.get(attribute)?.as_s().ok().cloned()
    }

    fn number<N: FromStr>(&self, attribute: &str) -> Option<N> {
        self.item.get(attribute)?.as_n().ok()?.parse().ok()
    }

    fn set(&self, attribute: &str) -> Vec<String> {
        self.item.get(attribute).and_then(|value| value.as_ss().ok()).cloned().unwrap_or_default()
    }

    fn json<T: DeserializeOwned>(&self, attribute: &'static str) -> Result<Option<T>, ItemError> {
        let Some(json) = self.string(attribute) else { return Ok(None) };
        let fault = |malformed| ItemError { source: Some(malformed), ..self.fault(attribute) };
        serde_json::from_str(&json).map(Some).map_err(fault)
    }

    fn status(&self, attribute: &str) -> Option<BookingStatus> {
        BookingStatus::parse(&self.string(attribute)?)
    }

    fn decision(&self) -> Result<Option<Decision>, ItemError> {
        let Some(status) = self.status("decision") else { return Ok(None) };
        let order =
            self.string("decided_order").map(SnapshotVersion::stored).ok_or_else(|| self.fault("decided_order"))?;
        let seq = self.number("decided_seq").ok_or_else(|| self.fault("decided_seq"))?;
        Ok(Some(Decision { status, order, seq }))
    }

    fn step(&self, step: Step) -> Result<StepRecord, ItemError> {
        Ok(self.json(step.name())?.unwrap_or_default())
    }
}
