//! What was sent and asked from here, with what came back: bounded, because a rehearsal may stay up for days.

use std::{
    borrow::Cow,
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::About;

const ENTRIES_KEPT: usize = 200;

/// One delivery, sweep or replay, and what came back.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// From 1, in the order of sending.
    pub number: u64,
    /// What was done, in words.
    pub label: Cow<'static, str>,
    /// The booking that it was about; none for a sweep.
    pub booking_id: Option<String>,
    /// The delivery that was replayed by its own id.
    pub delivery_id: Option<String>,
    /// When it was sent.
    pub at: Timestamp,
    /// How long the answer took; `None` while it is under way.
    pub milliseconds: Option<u64>,
    /// The answer's HTTP status; what is invoked directly has one only when it is a problem.
    pub status: Option<u16>,
    /// The answer's body.
    pub answer: Option<Value>,
    /// Why there is no answer.
    pub error: Option<String>,
}

#[derive(Default)]
pub(super) struct Logbook(Mutex<VecDeque<Entry>>);

impl Logbook {
    /// Enters what is about to be done.
    pub(super) fn open(&self, label: impl Into<Cow<'static, str>>, about: About, at: Timestamp) -> Entry {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = Entry {
            number: kept.back().map_or(1, |last| last.number + 1),
            label: label.into(),
            booking_id: about.booking_id,
            delivery_id: about.delivery_id,
            at,
            milliseconds: None,
            status: None,
            answer: None,
            error: None,
        };
        if kept.len() == ENTRIES_KEPT {
            kept.pop_front();
        }
        kept.push_back(entry.clone());
        entry
    }

    /// Enters what came back, unless the entry was pushed out in the meantime.
    pub(super) fn close(&self, entry: &Entry) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = kept.iter_mut().find(|open| open.number == entry.number) {
            open.clone_from(entry);
        }
    }

    /// In the order of sending.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let mut entries: Vec<_> = self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
        entries.sort_by_key(|entry| entry.at); // What came from outside is entered late.
        entries
    }

    /// The deliveries that the function has put into quarantine and that no replay has taken in since, with their faults.
    pub(super) fn quarantined(&self) -> Vec<Value> {
        let mut waiting: Vec<(String, Value)> = Vec::new();
        for Entry { at, status, answer, delivery_id, .. } in self.entries() {
            let answer = answer.unwrap_or_default();
            if let Some(replayed) = delivery_id.filter(|_| answer["booking_id"].is_string()) {
                waiting.retain(|(id, _)| *id != replayed);
            }
            let is_kept = status == Some(422) || answer["state"] == "quarantined";
            if let Some(id) = answer["delivery_id"].as_str().filter(|_| is_kept) {
                waiting.retain(|(known, _)| known != id);
                waiting.push((id.to_owned(), json!({ "delivery_id": id, "at": at, "errors": answer["errors"] })));
            }
        }
        waiting.into_iter().map(|(_, delivery)| delivery).collect()
    }
}
