//! What people decided about a case, at the desk or by command, as an item keeps it: a list to whose end each write adds, so that what is
//! noted with a claim need not be read first.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Item,
    document::{document, from_document},
    expression::{Condition, Update},
    number,
};

/// Enough for the story of a case, and a bound on the size of its item.
const MOST_ENTRIES: usize = 30;
const LONGEST_WORDS_CHARACTERS: usize = 200;
const ENTRIES: &str = "acts";
const COUNT: &str = "acted";

/// One thing that the office did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfficeAct {
    /// When.
    pub at: Timestamp,
    /// What, in the words of its button or command.
    pub what: String,
    /// By which link, or by command.
    pub by: String,
    /// The digest of the message that was sent, if this is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What the office did, the oldest first, and how often it acted in all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acts {
    /// Grows with every act.
    pub count: u64,
    /// The newest of them.
    pub entries: Vec<OfficeAct>,
}

impl OfficeAct {
    /// The update that notes it, too.
    pub(super) fn noted(&self, update: Update) -> Update {
        update.append(ENTRIES, self.element()).increment(COUNT)
    }

    /// It was written, and its answer was lost.
    pub(super) fn is_newest_in(&self, item: &Item) -> bool {
        let acts = Acts::from_item(item).unwrap_or_default();
        acts.entries.last().is_some_and(|last| (last.at, &last.by) == (self.at, &self.by))
    }

    fn element(&self) -> AttributeValue {
        let shorten = |words: &str| words.chars().take(LONGEST_WORDS_CHARACTERS).collect::<String>();
        document(&Self { what: shorten(&self.what), by: shorten(&self.by), ..self.clone() })
    }
}

impl Acts {
    /// `None` when what stands there is malformed.
    pub(super) fn from_item(item: &Item) -> Option<Self> {
        let count = item.get(COUNT).map_or(Some(0), |count| count.as_n().ok()?.parse().ok())?;
        let entries = item.get(ENTRIES).map_or(Some(Vec::new()), |acts| from_document(acts).ok())?;
        Some(Self { count, entries })
    }

    /// The update that adds an act, on condition that there was no other since.
    pub(super) fn adding(&self, act: &OfficeAct) -> Update {
        let unseen = match self.count {
            0 => Condition::Absent(COUNT),
            seen => Condition::equal(COUNT, number(seen)),
        };
        let update = if self.entries.len() < MOST_ENTRIES {
            act.noted(Update::new())
        } else {
            let newest = self.entries.iter().skip(self.entries.len() + 1 - MOST_ENTRIES).chain([act]);
            Update::new().set(ENTRIES, list(newest)).increment(COUNT)
        };
        update.on(unseen)
    }

    /// The update in which the oldest make room. Only who holds the booking may: meanwhile nobody else adds any.
    pub(super) fn make_room(&self, update: Update) -> Update {
        match self.entries.len().checked_sub(MOST_ENTRIES) {
            None | Some(0) => update,
            Some(too_many) => update.set(ENTRIES, list(self.entries.iter().skip(too_many))),
        }
    }
}

fn list<'a>(acts: impl Iterator<Item = &'a OfficeAct>) -> AttributeValue {
    AttributeValue::L(acts.map(OfficeAct::element).collect())
}
