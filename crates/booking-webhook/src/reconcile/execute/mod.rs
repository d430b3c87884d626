//! The fan-out: carries out the plan and journals its outcome.
//!
//! ```text
//!   ┌▶ calendar ─▶ crew event ─▶ redaction check
//! ──┤
//!   └▶ guest page                                  (beside it)
//! ```
//!
//! The branches run at once and neither can stop the other: each step reports for itself. The crew event's notes carry the calendar
//! entry's id, so it waits for that, but not for long: crew must know. The redaction check needs the crew event, so a wrong order does
//! not compile.

mod attempt;
mod calendar;
mod crew;
mod guest_page;
pub mod overlap;

use std::{ops::Deref, time::Duration};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use tokio::sync::watch;

use self::{attempt::StepOutcome, overlap::Beside};
use super::{
    Planning,
    fields::{Fields, value_digest},
    plan::When,
};
use crate::{
    ledger::{Journal, Known, Ledger, PerStep, Step, StepRecord},
    outbound::{Call, CallError, Class, Deadline, Effect, Service},
    runtime::config::Redrive,
    systems::{calendar::Calendar, scc::Scc},
};

const WRITE_AHEAD: Call = Call { service: Service::Ledger, operation: "journal_step", effect: Effect::Repeatable };

/// One booking, claimed, with everything that it is brought in step with.
#[derive(Debug)]
pub struct ReconcileContext<'a> {
    /// What the plan depends on.
    pub planning: Planning<'a>,
    /// The office's calendar.
    pub calendar: Calendar<'a>,
    /// The crew's system.
    pub scc: Scc<'a>,
    /// Where it is written down.
    pub ledger: &'a Ledger,
    /// How long the crew event waits for the calendar entry's id.
    pub crew_event_wait: Duration,
    /// When the last call must be over, so that the release still fits.
    pub deadline: Deadline,
    /// How long to wait before a step is tried again.
    pub redrive: Redrive,
}

impl<'a> Deref for ReconcileContext<'a> {
    type Target = Planning<'a>;
    fn deref(&self) -> &Planning<'a> {
        &self.planning
    }
}

/// The outcomes of the four steps.
#[derive(Debug)]
pub struct Outcomes {
    /// What is known now.
    pub journal: Journal,
    /// What was done for each.
    pub work: PerStep<Work>,
    /// What stands beside the booking in the calendar.
    pub beside: Beside,
}

/// What was done for one step in this invocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Work {
    /// In words; names and ids only.
    pub did: Vec<String>,
    /// How long it took.
    pub took: Duration,
}

/// Makes all four systems show the booking, as far as they let us.
pub async fn bring_in_step(context: &ReconcileContext<'_>) -> Outcomes {
    let (announce, entry_id) = watch::channel(None);
    let (placed, is_placed) = watch::channel(false);
    let steps = async {
        tokio::join!(
            calendar::bring_in_step(context, announce, placed),
            crew::bring_in_step(context, entry_id),
            guest_page::bring_in_step(context),
        )
    };
    let ((calendar, (crew_event, crew_redaction), guest_page), beside) =
        overlap::beside(context, is_placed, steps).await;
    let guest_page = guest_page::with_the_id_of(&crew_event, context, guest_page);
    Outcomes {
        beside,
        work: PerStep {
            calendar: calendar.work,
            crew_event: crew_event.work,
            crew_redaction: crew_redaction.work,
            guest_page: guest_page.work,
        },
        journal: Journal {
            calendar: calendar.known,
            crew_event: crew_event.known,
            crew_redaction: crew_redaction.known,
            guest_page: guest_page.known,
        },
    }
}

impl ReconcileContext<'_> {
    fn when(&self) -> When {
        When {
            trigger: self.trigger,
            now: self.deadline.now(),
            ends: self.desired.ends(),
            approved: self.record.approved,
        }
    }

    /// The idempotency key of a change to `target`, a removal if it changes nothing: the same when it is tried again, another one for
    /// anything else, and for the same at another time.
    fn key(&self, step: Step, target: &str, changes: &Fields) -> String {
        let change = value_digest(&json!([target, changes]));
        format!("{}/{}/{}/{change}", self.record.booking_id, step.name(), self.record.fence)
    }

    /// The idempotency key of a creation: the same for each try, a new one after what it made is gone.
    fn creation_key(&self, step: Step, known: &StepRecord) -> String {
        let again = if known.generation == 0 { String::new() } else { format!("/{}", known.generation) };
        format!("{}/{}/create{again}", self.record.booking_id, step.name())
    }

    /// Journals a step as it lands; the release writes what is not written now.
    async fn journal<S: Serialize + PartialEq>(&self, step: Step, before: &Known<S>, outcome: &StepOutcome<Known<S>>) {
        if outcome.known == *before {
            return;
        }
        let booking_id = self.record.booking_id.as_str();
        match self.ledger.journal(self.record, step, &outcome.known, &self.deadline).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(
                    booking_id,
                    step = step.name(),
                    "the lease was lost: another invocation claimed the booking"
                );
            }
            Err(error) => {
                let (step, reason) = (step.name(), error.reason);
                tracing::warn!(booking_id, step, reason, "a step was not journalled: the release writes it");
            }
        }
    }

    /// Writes down what is about to be done; without it, it must not be done.
    async fn write_ahead(&self, step: Step, known: &impl Serialize) -> Result<(), CallError> {
        if self.ledger.journal(self.record, step, known, &self.deadline).await? {
            return Ok(());
        }
        Err(CallError::new(WRITE_AHEAD, Class::Transient, "has given the lease to another invocation"))
    }

    fn now(&self) -> Timestamp {
        self.deadline.now()
    }
}
