//! What the office did at its desk, as an item keeps it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Item,
    expression::{Condition, Update},
    json, number,
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
    /// What, in the words of its button.
    pub what: String,
    /// By which link.
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

impl Acts {
    /// `None` when what stands there is malformed.
    pub(super) fn from_item(item: &Item) -> Option<Self> {
        let count = item.get(COUNT).map_or(Some(0), |count| count.as_n().ok()?.parse().ok())?;
        let entries = item.get(ENTRIES).map_or(Some(Vec::new()), |it| serde_json::from_str(it.as_s().ok()?).ok())?;
        Some(Self { count, entries })
    }

    /// The update that adds an act, on condition that there was no other since.
    pub(super) fn adding(&self, act: &OfficeAct) -> Update {
        let shorten = |words: &str| words.chars().take(LONGEST_WORDS_CHARACTERS).collect::<String>();
        let act = OfficeAct { what: shorten(&act.what), by: shorten(&act.by), ..act.clone() };
        let mut entries = self.entries.clone();
        entries.push(act);
        entries.drain(..entries.len().saturating_sub(MOST_ENTRIES));
        let unseen = match self.count {
            0 => Condition::Absent(COUNT),
            seen => Condition::equal(COUNT, number(seen)),
        };
        Update::new().set(ENTRIES, json(&entries)).increment(COUNT).on(unseen)
    }
}
