//! The messages that were sent from here, with what came back: bounded, because a rehearsal may stay up for days.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::Kind;

const DELIVERIES_KEPT: usize = 50;

/// One message that was sent, and what came back.
#[derive(Clone, Debug, Serialize)]
pub struct Delivery {
    /// From 1, in the order of sending.
    pub number: u64,
    /// What was sent.
    pub kind: Kind,
    /// The same in words.
    pub label: &'static str,
    /// The booking that it was about.
    pub booking_id: String,
    /// When it was sent.
    pub at: Timestamp,
    /// How long the answer took; `None` while it is under way.
    pub milliseconds: Option<u64>,
    /// The answer's status.
    pub status: Option<u16>,
    /// The answer's body.
    pub answer: Option<Value>,
    /// Why there is no answer.
    pub error: Option<String>,
}

#[derive(Default)]
pub(super) struct Logbook(Mutex<VecDeque<Delivery>>);

impl Logbook {
    /// Enters a message that is about to be sent.
    pub(super) fn open(&self, kind: Kind, booking_id: &str, at: Timestamp) -> Delivery {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let delivery = Delivery {
            number: kept.back().map_or(1, |last| last.number + 1),
            kind,
            label: kind.label(),
            booking_id: booking_id.to_owned(),
            at,
            milliseconds: None,
            status: None,
            answer: None,
            error: None,
        };
        if kept.len() == DELIVERIES_KEPT {
            kept.pop_front();
        }
        kept.push_back(delivery.clone());
        delivery
    }

    /// Enters what came back, unless the entry was pushed out in the meantime.
    pub(super) fn close(&self, delivery: &Delivery) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = kept.iter_mut().find(|entry| entry.number == delivery.number) {
            entry.clone_from(delivery);
        }
    }

    /// In the order of sending.
    pub(super) fn deliveries(&self) -> Vec<Delivery> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
