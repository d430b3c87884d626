//! What is about to be done is written down first, and what two branches are about to do in one write.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::{
    ledger::{BookingRecord, JournalledStep, Ledger},
    outbound::{Call, CallError, Class, Deadline, Effect, Service},
};

const WRITE_AHEAD: Call = Call { service: Service::Ledger, operation: "journal_step", effect: Effect::Repeatable };

/// Whether the lease is still held, or why nobody knows.
type Written = Result<bool, CallError>;

/// A step, and where its waiting branch hears of the write; `None` for the branch that writes.
type Waiting = (JournalledStep, Option<oneshot::Sender<Written>>);

/// What waits to be written.
#[derive(Debug, Default)]
pub(crate) struct WriteAhead(Mutex<Vec<Waiting>>);

impl WriteAhead {
    /// Writes `step` down; without it, it must not be done. Of those who come at the same time the first writes for all: a change of a
    /// charter is a change in the calendar and at SCC.
    pub(super) async fn write(
        &self,
        step: JournalledStep,
        (ledger, record): (&Ledger, &BookingRecord),
        deadline: &Deadline,
    ) -> Result<(), CallError> {
        let written = match self.join(step) {
            Some(written) => written.await.unwrap_or_else(|_ended| Err(lost("was not written by the other branch"))),
            None => {
                // The other branch runs up to its own change before this one goes on.
                tokio::task::yield_now().await;
                let (steps, others): (Vec<_>, Vec<_>) = std::mem::take(&mut *self.waiting()).into_iter().unzip();
                let written = ledger.journal(record, &steps, deadline).await;
                for other in others.into_iter().flatten() {
                    let _ = other.send(copy(&written)); // A branch that has ended needs no answer.
                }
                written
            }
        };
        if written? { Ok(()) } else { Err(lost("has given the lease to another invocation")) }
    }

    /// `None` for the first, who writes for all.
    fn join(&self, step: JournalledStep) -> Option<oneshot::Receiver<Written>> {
        let mut waiting = self.waiting();
        if waiting.is_empty() {
            waiting.push((step, None));
            return None;
        }
        let (tell, written) = oneshot::channel();
        waiting.push((step, Some(tell)));
        Some(written)
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lost(reason: &str) -> CallError {
    CallError::new(WRITE_AHEAD, Class::Transient, reason)
}

/// An error holds its source, which there is only one of.
fn copy(written: &Written) -> Written {
    match written {
        Ok(held) => Ok(*held),
        Err(error) => Err(CallError::new(error.call, error.class, error.reason.clone())),
    }
}
