//! How the item of a booking's state is read.

use std::{collections::BTreeSet, str::FromStr};

use jiff::{Timestamp, civil::Date};
use serde::de::DeserializeOwned;

use super::{BookingRecord, DUE, Decision, Lease, RecordedContent, STATUS};
use crate::{
    booking::{BookingId, BookingStatus, CharterId},
    ledger::{
        Acts, ChangedAt, Item, Journal, Overlaps, RecordedVersion, Told,
        document::from_document,
        drift::DRIFT,
        overlaps::{LOOK_OWED, OVERLAPS},
        version::{DECIDED, NEWEST, UNREVISED, VersionAttributes},
    },
};

/// A state item that cannot be read: somebody edited it, or a newer version of the function wrote it.
#[derive(Debug, thiserror::Error)]
#[error("the ledger's state of {booking_id} cannot be read: {attribute} is missing or malformed")]
pub(in crate::ledger) struct StateError {
    booking_id: String,
    attribute: &'static str,
    source: Option<serde_json::Error>,
}

impl BookingRecord {
    /// Reads a state item.
    pub(in crate::ledger) fn from_item(booking_id: &BookingId, item: &Item) -> Result<Self, StateError> {
        let fields = Reader { booking_id, item };
        let charter_id = fields.required("charter_id", fields.string("charter_id").and_then(CharterId::stored))?;
        let version = fields.version(NEWEST)?;
        let (unrevised, revision) = (item.contains_key(UNREVISED), version.as_ref().and_then(|it| it.revision));
        let previous: Option<u64> = fields.number("previous_revision")?;
        let decision = fields.decision()?;
        let approved_seq: Option<u64> = fields.number("approved_seq")?;
        let content = fields.content()?;
        Ok(Self {
            booking_id: booking_id.clone(),
            charter_id,
            status: fields.required(STATUS, fields.status(STATUS))?,
            content,
            unrevised,
            revision_disagrees: unrevised && previous.zip(revision).is_some_and(|(previous, own)| own < previous),
            version,
            sale: fields.document("sale")?,
            replaces: fields.optional("replaces", |id| BookingId::parse(id).ok())?,
            cancelled_at: fields.instant("cancelled_at")?,
            approved: approved_seq.is_some() && decision.as_ref().map(|decision| decision.seq) == approved_seq,
            decision,
            terms: fields.document("terms")?,
            seq: fields.required("seq", fields.number("seq")?)?,
            contradicted: item.contains_key("contradicted"),
            fence: fields.number("fence")?.unwrap_or_default(),
            lease: fields.lease()?,
            due_at: fields.instant("due_at")?.filter(|_| fields.string("due") == Some(DUE)),
            due_since: fields.instant("due_since")?,
            dates: fields.dates()?,
            told: Told::from_item(item),
            should_know: Told::from_item(item),
            dismissed: fields.document("dismissed")?,
            acts: fields.required("acts", Acts::from_item(item))?,
            journal: Journal {
                calendar: fields.document("calendar")?.unwrap_or_default(),
                crew_event: fields.document("crew_event")?.unwrap_or_default(),
                crew_redaction: fields.document("crew_redaction")?.unwrap_or_default(),
                guest_page: fields.document("guest_page")?.unwrap_or_default(),
            },
            history: fields.document("history")?.unwrap_or_default(),
            drift: fields.document(DRIFT)?.unwrap_or_default(),
            overlaps: Overlaps {
                look_owed: item.contains_key(LOOK_OWED),
                ..fields.document(OVERLAPS)?.unwrap_or_default()
            },
        })
    }
}

/// Reads attributes that are absent or right; what is there and malformed is never passed over.
struct Reader<'a> {
    booking_id: &'a BookingId,
    item: &'a Item,
}

impl<'a> Reader<'a> {
    fn fault(&self, attribute: &'static str) -> StateError {
        StateError { booking_id: self.booking_id.to_string(), attribute, source: None }
    }

    fn required<T>(&self, attribute: &'static str, value: Option<T>) -> Result<T, StateError> {
        value.ok_or_else(|| self.fault(attribute))
    }

    /// An attribute that is absent, or that `read` understands.
    fn optional<T>(
        &self,
        attribute: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, StateError> {
        if !self.item.contains_key(attribute) {
            return Ok(None);
        }
        let value = self.string(attribute).or_else(|| Some(self.item.get(attribute)?.as_n().ok()?.as_str()));
        value.and_then(read).map(Some).ok_or_else(|| self.fault(attribute))
    }

    fn string(&self, attribute: &str) -> Option<&'a str> {
        self.item.get(attribute)?.as_s().ok().map(String::as_str)
    }

    fn number<N: FromStr>(&self, attribute: &'static str) -> Result<Option<N>, StateError> {
        self.optional(attribute, |number| number.parse().ok())
    }

    fn instant(&self, attribute: &'static str) -> Result<Option<Timestamp>, StateError> {
        self.optional(attribute, |number| Timestamp::from_millisecond(number.parse().ok()?).ok())
    }

    fn status(&self, attribute: &str) -> Option<BookingStatus> {
        BookingStatus::parse(self.string(attribute)?)
    }

    fn document<T: DeserializeOwned>(&self, attribute: &'static str) -> Result<Option<T>, StateError> {
        let Some(value) = self.item.get(attribute) else { return Ok(None) };
        let fault = |malformed| StateError { source: Some(malformed), ..self.fault(attribute) };
        from_document(value).map(Some).map_err(fault)
    }

    fn version(&self, attributes: VersionAttributes) -> Result<Option<RecordedVersion>, StateError> {
        let revision = self.number(attributes.revision)?;
        let changed_at = self.optional(attributes.changed_at, ChangedAt::parse)?;
        Ok(changed_at.map(|changed_at| RecordedVersion { revision, changed_at }))
    }

    fn content(&self) -> Result<Option<RecordedContent>, StateError> {
        let Some(digest) = self.string("digest") else { return Ok(None) };
        let received_at = self.required("received_at", self.instant("received_at")?)?;
        let delivery = self.required("delivery", self.string("delivery"))?.to_owned();
        Ok(Some(RecordedContent { digest: digest.to_owned(), received_at, delivery }))
    }

    fn decision(&self) -> Result<Option<Decision>, StateError> {
        let Some(status) = self.optional("decided_status", BookingStatus::parse)? else { return Ok(None) };
        let seq = self.required("decided_seq", self.number("decided_seq")?)?;
        let at = self.required("decided_at", self.instant("decided_at")?)?;
        let recorded_at = self.required("recorded_at", self.instant("recorded_at")?)?;
        Ok(Some(Decision { status, version: self.version(DECIDED)?, seq, at, recorded_at }))
    }

    fn lease(&self) -> Result<Option<Lease>, StateError> {
        let Some(holder) = self.string("holder") else { return Ok(None) };
        let until = self.required("lease_until", self.instant("lease_until")?)?;
        Ok(Some(Lease { holder: holder.to_owned(), until }))
    }

    fn dates(&self) -> Result<BTreeSet<Date>, StateError> {
        let Some(dates) = self.item.get("dates") else { return Ok(BTreeSet::new()) };
        let dates = dates.as_ss().ok().ok_or_else(|| self.fault("dates"))?;
        let read: Option<_> = dates.iter().map(|date| date.parse().ok()).collect();
        self.required("dates", read)
    }
}
