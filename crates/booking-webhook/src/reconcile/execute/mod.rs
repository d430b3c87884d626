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
pub(crate) mod overlap;
mod write_ahead;

use std::{ops::Deref, sync::OnceLock, time::Duration};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use tokio::sync::watch;

pub(crate) use self::write_ahead::WriteAhead;
use self::{attempt::StepOutcome, overlap::Beside};
use super::{
    Planning,
    fields::{Fields, value_digest},
    plan::When,
};
use crate::{
    ledger::{
        BookingRecord, Journal, JournalledStep, Known, Ledger, PerStep, ShownEntry, ShownEvent, Step, StepRecord,
        StepStatus,
    },
    outbound::{CallError, Deadline},
    runtime::config::Redrive,
    systems::{calendar::Calendar, scc::Scc},
};

/// One booking, claimed, with everything that it is brought in step with.
#[derive(Debug)]
pub(crate) struct ReconcileContext<'a> {
    /// What the plan depends on.
    pub(crate) planning: Planning<'a>,
    /// The office's calendar.
    pub(crate) calendar: Calendar<'a>,
    /// The crew's system.
    pub(crate) scc: Scc<'a>,
    /// Where it is written down.
    pub(crate) ledger: &'a Ledger,
    /// How long the crew event waits for the calendar entry's id.
    pub(crate) crew_event_wait: Duration,
    /// When the last call must be over, so that the release still fits.
    pub(crate) deadline: Deadline,
    /// How long to wait before a step is tried again.
    pub(crate) redrive: Redrive,
    /// What is about to be done.
    pub(crate) ahead: WriteAhead,
}

impl<'a> Deref for ReconcileContext<'a> {
    type Target = Planning<'a>;
    fn deref(&self) -> &Planning<'a> {
        &self.planning
    }
}

/// The outcomes of the four steps.
#[derive(Debug)]
pub(crate) struct Outcomes {
    /// What is known now.
    pub(crate) journal: Journal,
    /// What was done for each.
    pub(crate) work: PerStep<Work>,
    /// What stands beside the booking in the calendar.
    pub(crate) beside: Beside,
}

/// What was done for one step in this invocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Work {
    /// In words; names and ids only.
    pub(crate) did: Vec<String>,
    /// How long it took.
    pub(crate) took: Duration,
}

/// Makes all four systems show the booking, as far as they let us.
pub(crate) async fn bring_in_step(context: &ReconcileContext<'_>) -> Outcomes {
    let (announce, entry_id) = watch::channel(None);
    let (placed, is_placed) = watch::channel(false);
    let calendar_is_over = OnceLock::new();
    let steps = async {
        tokio::join!(
            calendar::bring_in_step(context, announce, placed, &calendar_is_over),
            crew::bring_in_step(context, entry_id, &calendar_is_over),
            guest_page::bring_in_step(context),
        )
    };
    let ((calendar, (crew_event, crew_redaction), guest_page), beside) =
        Box::pin(overlap::beside(context, is_placed, steps)).await;
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
        self.planning.when(self.deadline.now())
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

    /// Writes down what became of the crew event as it lands, unless it is found again anyway; and, in the same write, what became of the
    /// calendar if that is over. The release writes all of it, and the guest page. Should there be none, an entry is read back and
    /// a page is put again: nobody notices.
    async fn journal(&self, crew_event: &StepOutcome<Known<ShownEvent>>, calendar: Option<&Known<ShownEntry>>) {
        let before = &self.record.journal.crew_event;
        if crew_event.known == *before || is_found_again(&crew_event.known, before, self.record) {
            return;
        }
        let (booking_id, step) = (self.record.booking_id.as_str(), Step::CrewEvent.name());
        let mut steps = vec![JournalledStep::new(Step::CrewEvent, &crew_event.known)];
        steps.extend(calendar.map(|known| JournalledStep::new(Step::Calendar, known)));
        match self.ledger.journal(self.record, &steps, &self.deadline).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(booking_id, step, "the lease was lost: another invocation claimed the booking");
            }
            Err(error) => {
                let reason = error.reason;
                tracing::warn!(booking_id, step, reason, "a step was not journalled: the release writes it");
            }
        }
    }

    /// Writes down what is about to be done; without it, it must not be done.
    async fn write_ahead(&self, step: Step, known: &impl Serialize) -> Result<(), CallError> {
        let step = JournalledStep::new(step, known);
        self.ahead.write(step, (self.ledger, self.record), &self.deadline).await
    }

    fn now(&self) -> Timestamp {
        self.deadline.now()
    }
}

/// A creation that went well, under our own id: SCC's table is read consistently, so after a crash it is found. Anything else is not: an id
/// that only SCC knows, a change that has mailed people, a creation of which nobody knows how it ended.
fn is_found_again(known: &Known<ShownEvent>, before: &Known<ShownEvent>, record: &BookingRecord) -> bool {
    let is_ours = known.shown.as_ref().is_some_and(|event| event.id.as_str() == record.charter_id.as_str());
    let settled = StepRecord { status: known.step.status, failure: None, ..before.step.clone() };
    let went_well = known.step.status == StepStatus::InStep && known.step == StepRecord { attempts: 0, ..settled };
    before.shown.is_none() && !before.step.unknown && is_ours && went_well
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        booking::{BookingId, BookingStatus, CharterId},
        ledger::ShownFields,
        systems::remote_id::EventId,
    };

    #[test]
    fn only_a_plain_creation_is_left_to_the_release() {
        let booking_id = BookingId::parse("BS-1048812").expect("valid");
        let charter_id = CharterId::derive(b"link-key", &booking_id);
        let record = BookingRecord::new(booking_id, charter_id.clone(), BookingStatus::Confirmed);
        let event = |id: EventId| ShownEvent { id, fields: ShownFields::default(), entry_id: None };
        let (ours, foreign) = (EventId::from(&charter_id), EventId::try_from(json!("evt_1")).expect("an id"));
        let in_step = StepRecord { status: StepStatus::InStep, ..StepRecord::default() };
        let nothing = Known { step: StepRecord::default(), shown: None };
        let tried = Known { step: StepRecord { attempts: 2, ..StepRecord::default() }, shown: None };
        let unknown = Known { step: StepRecord { unknown: true, ..StepRecord::default() }, shown: None };
        let created = |id: &EventId| Known { step: in_step.clone(), shown: Some(event(id.clone())) };
        let unsettled =
            Known { step: StepRecord { unsettled_creations: 1, ..in_step.clone() }, shown: Some(event(ours.clone())) };
        for (before, known, expected) in [
            (&nothing, created(&ours), true),
            (&tried, created(&ours), true),
            (&nothing, created(&foreign), false),
            (&nothing, unsettled, false),
            (&nothing, unknown.clone(), false),
            (&unknown, created(&ours), false),
            (&created(&ours), created(&ours), false),
        ] {
            assert_eq!(is_found_again(&known, before, &record), expected, "{before:?} {known:?}");
        }
    }
}
