//! How far each night's audit came, and what it found of a booking.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{
    BookingRecord, Drift, DriftFound, Ledger, PendingNotice, Updated,
    document::{document, from_document},
    drift::DRIFT,
    expression::{Condition, Update},
    keys::{ItemKey, PARTITION},
    milliseconds,
    notices::{nothing_new, notice_due},
    number,
};
use crate::{
    booking::BookingId,
    outbound::{CallError, Deadline},
};

const RUN: &str = "run";

/// How a night's audit stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AuditRun {
    /// The night's day at the dock.
    pub(crate) night: Date,
    /// When it began.
    pub(crate) began_at: Timestamp,
    /// Charters that start before this are done.
    pub(crate) done_until: Timestamp,
    /// Those that start just then, and are done.
    #[serde(default)]
    pub(crate) done_just_then: BTreeSet<BookingId>,
    /// Those that could not be read back: the next invocation tries them again.
    #[serde(default)]
    pub(crate) left: Vec<BookingId>,
    /// It went through all charters.
    pub(crate) ended_at: Option<Timestamp>,
    /// What it came to.
    pub(crate) figures: Figures,
}

/// What an audit came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Figures {
    /// Charters that were read back.
    pub(crate) charters: usize,
    /// Left out: another invocation was at work on them, or the ledger could not tell.
    pub(crate) left: usize,
    /// Readings that failed, by system.
    pub(crate) unread: BTreeMap<String, usize>,
    /// Guest pages and calendar files that were put again.
    pub(crate) pages: usize,
    /// Those that should have been, and could not be.
    pub(crate) pages_left: usize,
    /// Events out of which money was taken.
    pub(crate) money: usize,
    /// Those in which it still stands.
    pub(crate) money_left: usize,
    /// Charters of which the office hears.
    pub(crate) drifted: usize,
    /// Charters beside which something else stands than was known.
    pub(crate) overlaps: usize,
}

impl Figures {
    /// Whether the office should read them.
    pub(crate) fn are_worth_a_mail(&self) -> bool {
        *self != Self { charters: self.charters, ..Self::default() }
    }
}

impl Ledger {
    /// Writes down what the audit found of a booking, for the office to hear. `false` when somebody is at work on it, or was since.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be used.
    pub(crate) async fn note_drift(
        &self,
        record: &BookingRecord,
        found: &[Drift],
        now: Timestamp,
        deadline: &Deadline,
    ) -> Result<bool, CallError> {
        let update = match found {
            [] => Update::new().remove(&[DRIFT]),
            found => Update::new().set(DRIFT, document(&DriftFound { seq: record.seq, found: found.to_vec() })),
        };
        let unchanged =
            Condition::equal("seq", number(record.seq)).and(Condition::equal("fence", number(record.fence)));
        let update = notice_due(update, now).on(unchanged.and(Condition::Absent("holder")));
        Ok(matches!(self.update("note_drift", &record.booking_id, &update, deadline).await?, Updated::Done(_)))
    }

    /// How the last audit stands; `None` before the first.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be reached.
    pub(crate) async fn audit_run(&self, deadline: &Deadline) -> Result<Option<AuditRun>, CallError> {
        let item = self.get("get_audit", &ItemKey::Audit, deadline).await?;
        // One that cannot be read is begun anew: nothing depends on it.
        Ok(item.and_then(|item| from_document(item.get(RUN)?).ok()))
    }

    /// Writes down how far an audit came; when it has ended with figures that are worth a mail, the office is to hear of them.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be used.
    pub(crate) async fn save_audit(&self, run: &AuditRun, deadline: &Deadline) -> Result<(), CallError> {
        let update = Update::new().set(RUN, document(run));
        let update = match run.ended_at.filter(|_| run.figures.are_worth_a_mail()) {
            Some(ended_at) => notice_due(update, ended_at),
            None => update,
        };
        self.update_item("save_audit", &ItemKey::Audit, &update, deadline).await.map(|_| ())
    }

    /// Writes down that the office was told the figures.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be reached: the notice is sent again.
    pub(crate) async fn told_of_audit(&self, notice: &PendingNotice, deadline: &Deadline) -> Result<bool, CallError> {
        let update = nothing_new(Update::new()).on(Condition::Present(PARTITION));
        let update = update.on(Condition::equal("notice_at", milliseconds(notice.at)));
        Ok(matches!(self.update_item("told_of_audit", &ItemKey::Audit, &update, deadline).await?, Updated::Done(_)))
    }
}
