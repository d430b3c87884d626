//! What each system was last known to show.
//!
//! Digests of values, not values: they tell whether something changed, need little room, and give nobody's name or money away.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use aws_sdk_dynamodb::types::AttributeValue;
use data_encoding::BASE64URL;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{PerStep, StepRecord, StepStatus, document::document};
use crate::systems::{
    guest_page::Moved,
    remote_id::{EntryId, EventId},
};

/// What is known of one step: how it is doing, and what its system shows of the booking, if anything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Known<S> {
    /// How it is doing.
    pub step: StepRecord,
    /// What the system shows; `None` when it has nothing of the booking, as far as is known.
    pub shown: Option<S>,
}

impl<S> Default for Known<S> {
    fn default() -> Self {
        Self { step: StepRecord::default(), shown: None }
    }
}

/// What is known of the four steps.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs, reason = "the names are the steps' own")]
pub struct Journal {
    pub calendar: Known<ShownEntry>,
    pub crew_event: Known<ShownEvent>,
    pub(crate) crew_redaction: StepRecord,
    pub(crate) guest_page: Known<ShownPage>,
}

/// The calendar's entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownEntry {
    /// The calendar's id of it.
    pub id: EntryId,
    /// What stands in it.
    pub fields: ShownFields,
}

/// ShipCaptainCrew's event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownEvent {
    /// SCC's id of it.
    pub(crate) id: EventId,
    /// What stands in it.
    pub(crate) fields: ShownFields,
    /// The calendar entry that its notes name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) entry_id: Option<EntryId>,
}

/// What was last applied, field by field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownFields {
    /// The digest of each field's value.
    pub(crate) applied: BTreeMap<String, FieldDigest>,
    /// Fields whose change was begun and not yet seen to end.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) in_flight: BTreeSet<String>,
}

/// The digest of one field's value: shorter than a content's, for it only has to differ from the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct FieldDigest(String);

impl FieldDigest {
    /// The first 48 bits of the SHA-256 of `value`, in Base64 for URLs.
    pub(crate) fn of(value: &[u8]) -> Self {
        Self(BASE64URL.encode(&Sha256::digest(value)[..6]))
    }
}

impl fmt::Display for FieldDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The guest page and its calendar file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShownPage {
    /// The page's key in the bucket.
    pub(crate) key: String,
    /// The digest of both files; `None` if it is unknown what arrived.
    pub(crate) content: Option<String>,
    /// The start that the page says.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub(crate) start: Timestamp,
    /// The start that it said before it was moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) moved: Option<Moved>,
    /// Counts the changes that guests can see (RFC 5545, `SEQUENCE`): another price is none of them.
    pub(crate) sequence: u64,
    /// When the sender made the newest of them (RFC 5545, `DTSTAMP`).
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub(crate) changed_at: Timestamp,
}

impl Journal {
    /// How each step is doing.
    pub(crate) fn steps(&self) -> PerStep<&StepRecord> {
        PerStep {
            calendar: &self.calendar.step,
            crew_event: &self.crew_event.step,
            crew_redaction: &self.crew_redaction,
            guest_page: &self.guest_page.step,
        }
    }

    /// What each system calls its part of the booking.
    pub(crate) fn remote_ids(&self) -> PerStep<Option<&str>> {
        PerStep {
            calendar: self.calendar.shown.as_ref().map(|entry| entry.id.as_str()),
            crew_event: self.crew_event.shown.as_ref().map(|event| event.id.as_str()),
            crew_redaction: None,
            guest_page: self.guest_page.shown.as_ref().map(|page| &*page.key),
        }
    }

    /// The earliest moment at which a due step is tried next; `None` when no step is due.
    pub(crate) fn next_try_at(&self) -> Option<Timestamp> {
        self.steps().each().into_iter().filter_map(|(_, step)| step.next_try_at).min()
    }

    /// Whether a step waits for a person.
    pub(crate) fn is_parked(&self) -> bool {
        self.steps().any(|step| step.status == StepStatus::Parked)
    }

    /// The journal as the next holder must read it after one that never released: what that one began may have happened, and nothing
    /// waits for a later time.
    #[must_use]
    pub(crate) fn after_a_crash(self) -> Self {
        let Self { calendar, crew_event, crew_redaction, guest_page } = self;
        let forget_content = |page: ShownPage| ShownPage { content: None, ..page };
        Self {
            calendar: Known { step: calendar.step.after_a_crash(calendar.shown.is_none()), ..calendar },
            crew_event: Known { step: crew_event.step.after_a_crash(crew_event.shown.is_none()), ..crew_event },
            crew_redaction: StepRecord { status: StepStatus::Due, ..crew_redaction.after_a_crash(false) },
            // A page is written as a whole: what arrived of it is not known.
            guest_page: Known {
                step: guest_page.step.after_a_crash(true),
                shown: guest_page.shown.map(forget_content),
            },
        }
    }

    /// Each step's attribute.
    pub(super) fn attributes(&self) -> PerStep<AttributeValue> {
        PerStep {
            calendar: document(&self.calendar),
            crew_event: document(&self.crew_event),
            crew_redaction: document(&self.crew_redaction),
            guest_page: document(&self.guest_page),
        }
    }
}

impl<S> Known<S> {
    /// Whether the system shows anything of the booking, or may.
    pub(crate) fn may_show_something(&self) -> bool {
        self.shown.is_some() || self.step.unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_crash_nothing_waits_and_all_is_in_doubt() {
        let step = || StepRecord {
            status: StepStatus::InStep,
            next_try_at: Some(Timestamp::UNIX_EPOCH),
            settles_at: Some(Timestamp::UNIX_EPOCH),
            ..StepRecord::default()
        };
        let event = ShownEvent {
            id: EventId::try_from(serde_json::json!("chr_1")).expect("valid"),
            fields: ShownFields::default(),
            entry_id: None,
        };
        let page = ShownPage {
            key: "index.html".into(),
            content: Some("c".into()),
            start: Timestamp::UNIX_EPOCH,
            moved: None,
            sequence: 0,
            changed_at: Timestamp::UNIX_EPOCH,
        };
        let after = Journal {
            calendar: Known { step: step(), shown: None },
            crew_event: Known { step: step(), shown: Some(event.clone()) },
            crew_redaction: step(),
            guest_page: Known { step: step(), shown: Some(page) },
        }
        .after_a_crash();
        let steps = after.steps();
        assert_eq!(steps.map(|_, step| step.unknown).each().map(|(_, unknown)| *unknown), [true, false, false, true]);
        assert_eq!(after.crew_redaction.status, StepStatus::Due, "what crew can read is looked at again");
        assert_eq!(after.crew_event.shown, Some(event));
        assert_eq!(after.guest_page.shown.as_ref().and_then(|page| page.content.as_ref()), None);
        assert_eq!(after.next_try_at(), None);
        assert!(!steps.any(|step| step.settles_at.is_none()), "a request may still land");
    }
}
