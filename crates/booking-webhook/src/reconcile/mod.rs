//! The fan-out: compare what each system should show with what it was last known to show, and do only what differs.
//!
//! ```text
//!   ┌▶ calendar ─▶ crew event ─▶ redaction check
//! ──┤
//!   └▶ guest page                                  (beside it)
//! ```
//!
//! One path serves a first delivery, a reschedule, a cancellation, a retry, a replay and a repair. Two branches run at once and neither can
//! stop the other: each step reports for itself. The crew event's notes carry the calendar entry's id, so it waits for that, but not for
//! long: crew must know. The redaction check needs the crew event, so a wrong order does not compile.
//!
//! - [`course`]: what is to become of the booking. Pure.
//! - [`difference`]: what a system must be sent. Pure.
//! - `calendar`, `crew`, `guest_page`: one step each.
//! - `attempt`: how a step's try begins and ends.
//! - [`redrive`]: what follows from a failure. Pure.
//! - [`report`]: the same in words.

pub mod course;
pub mod difference;
pub mod redrive;
pub mod report;

mod attempt;
mod calendar;
mod crew;
mod guest_page;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::sync::watch;

pub use self::attempt::StepOutcome;
use self::{
    course::DesiredState,
    difference::{Fields, value_digest},
    redrive::Redrive,
};
use crate::{
    booking::Operator,
    ledger::{BookingRecord, Journal, Ledger, Step, StepRecord},
    outbound::{Call, CallError, Class, Deadline, Effect, Service},
    systems::calendar::Calendar,
    systems::guest_page::{Address, Publisher, Renderer},
    systems::scc::Scc,
};

const WRITE_AHEAD: Call = Call { service: Service::Ledger, operation: "journal_step", effect: Effect::Repeatable };

/// Everything that a booking is brought in step with.
#[derive(Debug)]
pub struct Systems<'a> {
    /// The office's calendar.
    pub calendar: Calendar<'a>,
    /// The crew's system.
    pub scc: Scc<'a>,
    /// Where guests look.
    pub publisher: Publisher<'a>,
    /// What guests see.
    pub renderer: &'a Renderer,
    /// The operator's standing decisions.
    pub operator: &'a Operator,
    /// How long the crew event waits for the calendar entry's id.
    pub crew_event_wait: Duration,
}

/// What set this piece of work off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// Something was delivered: whatever is due is tried at once.
    Delivery,
    /// The schedule came by: only that is tried whose time has come.
    Schedule,
    /// A person asked for it: what is parked is tried again too, and what can be put there again without harm is.
    Person,
}

/// One booking, claimed, on its way.
#[derive(Debug)]
pub struct ReconcileContext<'a> {
    /// Whom to bring in step.
    pub systems: &'a Systems<'a>,
    /// Where it is written down.
    pub ledger: &'a Ledger,
    /// What is known, as it was claimed.
    pub record: &'a BookingRecord,
    /// What is to become of it.
    pub course: &'a DesiredState,
    /// What set it off.
    pub trigger: Trigger,
    /// Where its guest page is.
    pub address: &'a Address,
    /// When the last call must be over, so that the release still fits.
    pub deadline: Deadline,
    /// What follows from a failure.
    pub redrive: Redrive,
}

/// What became of the four steps.
#[derive(Debug)]
#[allow(missing_docs, reason = "the names are the steps' own")]
pub struct Outcomes {
    pub calendar: StepOutcome,
    pub crew_event: StepOutcome,
    pub crew_redaction: StepOutcome,
    pub guest_page: StepOutcome,
}

/// Makes all four systems show the booking, as far as they let us.
pub async fn bring_in_step(round: &ReconcileContext<'_>) -> Outcomes {
    let (announce, entry_id) = watch::channel(None);
    let (calendar, (crew_event, crew_redaction), guest_page) = tokio::join!(
        calendar::bring_in_step(round, announce),
        crew::bring_in_step(round, entry_id),
        guest_page::bring_in_step(round),
    );
    let guest_page = guest_page::with_the_id_of(&crew_event, round, guest_page);
    Outcomes { calendar, crew_event, crew_redaction, guest_page }
}

impl Outcomes {
    /// What became of each step, in the order of the answer.
    pub fn each(&self) -> [(Step, &StepOutcome); 4] {
        [
            (Step::Calendar, &self.calendar),
            (Step::CrewEvent, &self.crew_event),
            (Step::CrewRedaction, &self.crew_redaction),
            (Step::GuestPage, &self.guest_page),
        ]
    }

    /// What is known now.
    pub fn journal(&self) -> Journal {
        let [calendar, crew_event, crew_redaction, guest_page] = self.each().map(|(_, outcome)| outcome.known.clone());
        Journal { calendar, crew_event, crew_redaction, guest_page }
    }
}

impl ReconcileContext<'_> {
    /// After its end a charter is history: crew are told nothing about it any more.
    fn is_over(&self) -> bool {
        self.ends() <= self.deadline.now()
    }

    /// The charter's end; as long as a person has to decide whether there is one, no end.
    fn ends(&self) -> Timestamp {
        self.course.booking().map_or(Timestamp::MAX, |booking| booking.charter.time.end().timestamp())
    }

    /// When the sender made the newest change that decided something.
    fn changed_at(&self) -> Timestamp {
        self.record.decision.as_ref().map_or(Timestamp::UNIX_EPOCH, |decision| decision.order.at())
    }

    /// The idempotency key of a change to `target`, a removal if it changes nothing: the same when it is tried again, another one for
    /// anything else, and for the same at another time.
    fn key(&self, step: Step, target: &str, changes: &Fields) -> String {
        let change = value_digest(&json!([target, changes]));
        format!("{}/{}/{}/{change}", self.record.booking_id, step.name(), self.record.fence)
    }

    /// The idempotency key of a creation: the same however often it is tried, another one when what it made before is gone.
    fn creation_key(&self, step: Step, known: &StepRecord) -> String {
        let again = if known.generation == 0 { String::new() } else { format!("/{}", known.generation) };
        format!("{}/{}/create{again}", self.record.booking_id, step.name())
    }

    /// Writes down what became of a step as it lands; what is not written now is written by the release.
    async fn journal(&self, step: Step, outcome: &StepOutcome) {
        if outcome.known == *self.record.journal.of(step) {
            return;
        }
        match self.ledger.journal(self.record, step, &outcome.known, &self.deadline).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(step = step.name(), "the lease was lost: somebody else has taken the booking up")
            }
            Err(error) => tracing::warn!(step = step.name(), reason = error.reason, "a step was not written down yet"),
        }
    }

    /// Writes down what is about to be done; without it, it must not be done.
    async fn write_ahead(&self, step: Step, known: &StepRecord) -> Result<(), CallError> {
        if self.ledger.journal(self.record, step, known, &self.deadline).await? {
            return Ok(());
        }
        Err(CallError::new(WRITE_AHEAD, Class::Transient, "has given the lease to somebody else"))
    }
}
