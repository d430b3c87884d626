//! One try of one step: what is known of it, what it does, how it ends.

use std::time::Instant;

use serde::Serialize;

use super::{ReconcileContext, Work};
use crate::{
    ledger::{Failure, Known, ShownEntry, ShownEvent, ShownFields, Step, StepRecord, StepStatus},
    outbound::{CallError, Class, MOST_UNSETTLED_CREATIONS},
    reconcile::{
        fields::{Fields, value_digest},
        guard_rails::NeedsDecision,
        plan::Action,
        retry::{Tried, after_failure, deserves_an_alarm},
    },
};

/// What a step is called by people who decide about it, in place of a digest.
const NEEDS_DECISION: &str = "needs_decision";

/// The outcome of a step. `K` is what is known of it.
#[derive(Debug)]
pub(super) struct StepOutcome<K> {
    pub(super) known: K,
    pub(super) work: Work,
}

/// One try. What it learns it writes into [`Attempt::known`] at once, so that nothing is lost when it ends early.
#[derive(Debug)]
pub(super) struct Attempt<'a, K> {
    context: &'a ReconcileContext<'a>,
    step: Step,
    content: String,
    pub(super) known: K,
    did: Vec<String>,
    began: Instant,
}

/// What is known of a step has the step's own record in it.
pub(super) trait HasStep: Serialize {
    fn step(&mut self) -> &mut StepRecord;
}

impl<S: Serialize> HasStep for Known<S> {
    fn step(&mut self) -> &mut StepRecord {
        &mut self.step
    }
}

impl HasStep for StepRecord {
    fn step(&mut self) -> &mut StepRecord {
        self
    }
}

/// Something that is changed field by field.
pub(super) trait HasFields {
    fn fields(&mut self) -> &mut ShownFields;
}

impl HasFields for ShownEntry {
    fn fields(&mut self) -> &mut ShownFields {
        &mut self.fields
    }
}

impl HasFields for ShownEvent {
    fn fields(&mut self) -> &mut ShownFields {
        &mut self.fields
    }
}

impl<'a, K: HasStep> Attempt<'a, K> {
    /// A try that continues from `before`; `content` is the digest of what the system should show.
    pub(super) fn begin(
        context: &'a ReconcileContext<'a>,
        step: Step,
        content: impl Into<String>,
        before: StepOutcome<K>,
    ) -> Self {
        let StepOutcome { known, work } = before;
        let began = Instant::now().checked_sub(work.took).unwrap_or_else(Instant::now);
        Self { context, step, content: content.into(), known, did: work.did, began }
    }

    /// Says what was done: names and ids, nothing personal.
    pub(super) fn did(&mut self, what: impl Into<String>) {
        self.did.push(what.into());
    }

    /// Writes ahead that what is there may be gone: should the booking be confirmed again, it is looked for.
    pub(super) async fn mark_unknown(&mut self) -> Result<(), CallError> {
        if std::mem::replace(&mut self.known.step().unknown, true) {
            return Ok(());
        }
        self.context.write_ahead(self.step, &self.known).await
    }

    /// Ends the try where nothing is to be done now.
    pub(super) fn end(mut self, action: Action) -> StepOutcome<K> {
        let step = self.known.step();
        match action {
            Action::Done(status) => {
                let before = std::mem::take(step);
                *step =
                    StepRecord { status, attempts: 0, next_try_at: None, settles_at: None, failure: None, ..before };
            }
            Action::WaitUntil(at) => {
                step.status = StepStatus::Due;
                step.next_try_at = Some(at);
                // A person had to decide, and something else is wanted by now.
                step.failure.take_if(|failure| failure.class == NEEDS_DECISION);
            }
            Action::WaitForCrewEvent => {
                step.status = StepStatus::Due;
                step.next_try_at = None;
                step.failure = None;
            }
            Action::Park(needs_decision) => self.park(needs_decision),
            // What is to be done is done before a try ends; it is kept as it is otherwise.
            _ => {}
        }
        self.over()
    }

    fn park(&mut self, NeedsDecision { why, next }: NeedsDecision) {
        let before = self.known.step().failure.as_ref();
        if before.is_none_or(|before| before.detail != why) {
            let (booking_id, step) = (self.context.record.booking_id.as_str(), self.step.name());
            tracing::error!(booking_id, step, reason = &*why, next = &*next, "{booking_id}: {step} is parked: {why}");
            self.did.push(format!("parked: {why}"));
        }
        let step = self.known.step();
        step.status = StepStatus::Parked;
        step.next_try_at = None;
        let (class, content) = (NEEDS_DECISION.to_owned(), NEEDS_DECISION.to_owned());
        step.failure = Some(Failure { class, detail: why.into_owned(), next: next.into_owned(), content });
    }

    /// Ends the try after a failure.
    pub(super) fn fail(mut self, error: &CallError) -> StepOutcome<K> {
        let context = self.context;
        let tried = Tried {
            content: &self.content,
            at: context.now(),
            starts: context.desired.starts(),
            ends: context.desired.ends(),
        };
        let step = self.known.step();
        *step = after_failure(std::mem::take(step), error, tried, context.redrive);
        log(context.record.booking_id.as_str(), self.step, step, error);
        self.did.push(format!("failed ({}): {} {}", error.class.name(), error.call.service, error.reason));
        self.over()
    }

    fn over(self) -> StepOutcome<K> {
        StepOutcome { known: self.known, work: Work { did: self.did, took: self.began.elapsed() } }
    }
}

impl<S: Serialize> Attempt<'_, Known<S>> {
    /// The system shows this now.
    pub(super) fn shows(&mut self, shown: S) {
        self.known.shown = Some(shown);
        self.known.step.unknown = false;
        self.known.step.creating = false;
    }

    /// The system has nothing of the booking, or nothing any more.
    pub(super) fn is_gone(&mut self) {
        let step = &mut self.known.step;
        if self.known.shown.take().is_some() {
            step.generation += 1;
        } else {
            step.unsettled_creations += u32::from(step.creating);
        }
        step.unknown = false;
        step.creating = false;
    }

    /// A creation failed, perhaps after it had made something.
    pub(super) fn creation_failed(&mut self, error: &CallError) {
        let step = &mut self.known.step;
        step.unknown = error.may_have_acted();
        step.creating = step.unknown;
        if error.class == Class::Unreadable {
            // It says that it made something, and nothing is there: it is never made again.
            step.unsettled_creations = MOST_UNSETTLED_CREATIONS;
        }
    }
}

impl<S: Serialize + HasFields> Attempt<'_, Known<S>> {
    /// Writes ahead which fields are about to be changed. A change that was begun and never seen to end leaves the world in doubt about
    /// them, even if the wanted value is another one by then.
    pub(super) async fn write_intent(&mut self, changes: &Fields) -> Result<(), CallError> {
        let Some(shown) = &mut self.known.shown else { return Ok(()) };
        let in_flight = &mut shown.fields().in_flight;
        let before = in_flight.len();
        in_flight.extend(changes.keys().cloned());
        if in_flight.len() == before {
            return Ok(());
        }
        self.context.write_ahead(self.step, &self.known).await
    }

    /// These fields were changed.
    pub(super) fn changed(&mut self, changes: &Fields) {
        if let Some(shown) = &mut self.known.shown {
            let ShownFields { applied, in_flight } = shown.fields();
            applied.extend(changes.iter().map(|(name, value)| (name.clone(), value_digest(value))));
            in_flight.retain(|field| !changes.contains_key(field));
        }
        let names: Vec<&str> = changes.keys().map(String::as_str).collect();
        self.did(format!("changed {}", names.join(", ")));
    }
}

impl<K> StepOutcome<K> {
    /// Nothing was done yet.
    pub(super) fn untouched(known: K) -> Self {
        Self { known, work: Work::default() }
    }
}

/// What went wrong is logged here, once; each call that led to it has a line of its own.
fn log(booking_id: &str, step: Step, known: &StepRecord, error: &CallError) {
    let (step, class, service, reason) = (step.name(), error.class.name(), error.call.service, &error.reason);
    let (attempts, next_try_at) = (known.attempts, known.next_try_at.map(tracing::field::display));
    if known.status == StepStatus::Parked {
        tracing::error!(
            booking_id, step, class, %service, reason, attempts,
            "{booking_id}: {step} is parked until a person looks: {service} {reason}"
        );
    } else if deserves_an_alarm(known, error.class) {
        let why = if error.class == Class::Denied { "our credentials do not fit" } else { "it does not heal" };
        tracing::error!(
            booking_id, step, class, %service, reason, attempts, next_try_at,
            "{booking_id}: {step} is due, {why}: {service} {reason}"
        );
    } else {
        tracing::warn!(
            booking_id, step, class, %service, reason, attempts, next_try_at,
            "{booking_id}: {step} is due: {service} {reason}"
        );
    }
}
