//! The outcomes of the newest tries, for people who ask what happened to a booking.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Step;

/// Enough for the story of a booking, and a bound on the size of its item.
const MOST_ENTRIES: usize = 20;
const LONGEST_WORDS_CHARACTERS: usize = 120;

/// One thing that was done, or failed. Names and ids only: no money, nothing personal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HistoryEntry {
    /// When.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub(crate) at: Timestamp,
    /// To which step.
    pub(crate) step: Step,
    /// In words, e.g. "created cal_1a2b".
    pub(crate) what: String,
}

/// The newest things that happened, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct History(Vec<HistoryEntry>);

impl History {
    /// Adds what happened; the oldest make room for it.
    pub(crate) fn add(&mut self, happened: impl IntoIterator<Item = HistoryEntry>) {
        self.0.extend(happened.into_iter().map(|happened| HistoryEntry {
            what: happened.what.chars().take(LONGEST_WORDS_CHARACTERS).collect(),
            ..happened
        }));
        self.0.drain(..self.0.len().saturating_sub(MOST_ENTRIES));
    }

    /// All of it, the oldest first.
    pub(crate) fn entries(&self) -> &[HistoryEntry] {
        &self.0
    }
}
