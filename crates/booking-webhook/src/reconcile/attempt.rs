//! One try of one step: what is known of it, what it does, how it ends.

use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

use super::{
    ReconcileContext, Trigger,
    course::NeedsDecision,
    difference::{Fields, digests},
    redrive::{Tried, deserves_an_alarm, is_early},
};
use crate::{
    ledger::{Applied, Failure, Standing, Step, StepRecord},
    outbound::{CallError, Class},
};

/// What a step is called by people who decide about it, in place of a digest.
const HELD: &str = "held";

/// One try. Whatever it learns it writes into [`Attempt::known`] at once, so that nothing is lost when it ends early.
#[derive(Debug)]
pub(super) struct Attempt<'a> {
    round: &'a ReconcileContext<'a>,
    step: Step,
    content: String,
    pub(super) known: StepRecord,
    did: Vec<String>,
    began: Instant,
}

/// What one step came to in this round.
#[derive(Debug, Clone)]
pub struct StepOutcome {
    /// What is known of it now.
    pub known: StepRecord,
    /// What was done, or is to be said of it, in words.
    pub did: Vec<String>,
    /// How long it took.
    pub took: Duration,
}

impl<'a> Attempt<'a> {
    /// A try to make the system show what `content` is the digest of; breaks off when the system must not be touched now: an earlier request
    /// may still land, this very content waits for a person, or the schedule comes before its time.
    pub(super) fn begin(
        round: &'a ReconcileContext<'a>,
        step: Step,
        content: String,
    ) -> ControlFlow<StepOutcome, Self> {
        let (known, now) = (round.record.journal.of(step).clone(), round.deadline.now());
        // First: what nobody answers is tried at growing distances, and not as soon as it has settled.
        if round.trigger == Trigger::Schedule && is_early(&known, &content, now) {
            return ControlFlow::Break(StepOutcome::unchanged(known));
        }
        if known.is_settling(now) {
            return ControlFlow::Break(StepOutcome::settling(known));
        }
        let waits_for_a_person = known.standing == Standing::Parked { content: content.clone() };
        if waits_for_a_person && round.trigger != Trigger::Person {
            return ControlFlow::Break(StepOutcome::unchanged(known));
        }
        ControlFlow::Continue(Self { round, step, content, known, did: Vec::new(), began: Instant::now() })
    }

    /// Goes on with a step that this round has worked on already.
    pub(super) fn resume(round: &'a ReconcileContext<'a>, step: Step, content: String, outcome: StepOutcome) -> Self {
        let StepOutcome { known, did, took } = outcome;
        Self { round, step, content, known, did, began: Instant::now().checked_sub(took).unwrap_or_else(Instant::now) }
    }

    /// Says what was done: names and ids, nothing personal.
    pub(super) fn did(&mut self, what: impl Into<String>) {
        self.did.push(what.into());
    }

    /// Writes ahead which fields are about to be changed. A change that was begun and never seen to end leaves the world in doubt about
    /// them, whatever is wanted later.
    pub(super) async fn intend(&mut self, changes: &Fields) -> Result<(), CallError> {
        let before = self.known.doubtful.len();
        self.known.doubtful.extend(changes.keys().cloned());
        if self.known.doubtful.len() == before {
            return Ok(());
        }
        self.round.write_ahead(self.step, &self.known).await
    }

    /// Writes ahead that what is there may be gone: should the booking stand again, it is looked for.
    pub(super) async fn doubt(&mut self) -> Result<(), CallError> {
        if self.known.unknown {
            return Ok(());
        }
        self.known.unknown = true;
        self.round.write_ahead(self.step, &self.known).await
    }

    /// These fields were changed.
    pub(super) fn changed(&mut self, changes: &Fields) {
        self.known.applied.extend(digests(changes));
        self.known.doubtful.retain(|field| !changes.contains_key(field));
        let names: Vec<&str> = changes.keys().map(String::as_str).collect();
        self.did(format!("changed {}", names.join(", ")));
    }

    /// The system has this now, under this id.
    pub(super) fn stands(&mut self, remote_id: impl Into<String>, applied: Applied) {
        self.known.remote_id = Some(remote_id.into());
        self.known.applied = applied;
        self.known.unknown = false;
        self.known.doubtful.clear();
    }

    /// The system has nothing of the booking.
    pub(super) fn is_gone(&mut self) {
        if self.known.remote_id.is_some() {
            self.was_removed();
        } else {
            self.known.unknown = false;
        }
    }

    /// The system had something of the booking, and has it no more.
    pub(super) fn was_removed(&mut self) {
        self.known.generation += 1;
        self.known.remote_id = None;
        self.known.applied.clear();
        self.known.unknown = false;
        self.known.doubtful.clear();
    }

    /// Ends the try.
    pub(super) fn end(self, outcome: Result<Standing, CallError>) -> StepOutcome {
        let Self { round, step, content, known, mut did, began } = self;
        let known = match outcome {
            Ok(standing) => {
                StepRecord { standing, attempts: 0, next_try_at: None, settles_at: None, failure: None, ..known }
            }
            Err(error) => {
                let tried = Tried { content: &content, at: round.deadline.now(), ends: round.ends() };
                let known = round.redrive.after_failure(known, &error, tried);
                log(step, &known, &error);
                did.push(format!("failed ({}): {} {}", error.class.name(), error.call.service, error.reason));
                known
            }
        };
        StepOutcome { known, did, took: began.elapsed() }
    }
}

impl StepOutcome {
    /// Nothing was done.
    pub(super) fn unchanged(known: StepRecord) -> Self {
        Self { known, did: Vec::new(), took: Duration::ZERO }
    }

    /// Nothing is done before what was sent can no longer land, whoever had to decide meanwhile.
    fn settling(known: StepRecord) -> Self {
        let failure = known.failure.filter(|failure| failure.class != HELD);
        Self::unchanged(StepRecord { standing: Standing::Due, next_try_at: known.settles_at, failure, ..known })
    }

    /// Nothing is done until a person has decided.
    pub(super) fn held(round: &ReconcileContext<'_>, step: Step, held: NeedsDecision) -> Self {
        let before = round.record.journal.of(step).clone();
        let standing = Standing::Parked { content: HELD.into() };
        let failure =
            Failure { class: HELD.into(), detail: held.why.into(), next: held.next.into(), content: HELD.into() };
        let is_new = before.failure.as_ref().is_none_or(|before| before.detail != failure.detail);
        let did = if is_new { vec![format!("held: {}", held.why)] } else { Vec::new() };
        if is_new {
            tracing::error!(
                step = step.name(),
                reason = held.why,
                next = held.next,
                "a step is parked: a person must decide"
            );
        }
        Self {
            known: StepRecord { standing, next_try_at: None, failure: Some(failure), ..before },
            did,
            took: Duration::ZERO,
        }
    }

    /// The system has nothing to show.
    pub(super) fn not_needed(known: StepRecord, why: Option<&str>) -> Self {
        let known = StepRecord { standing: Standing::NotNeeded, next_try_at: None, failure: None, ..known };
        Self { known, did: why.map(str::to_owned).into_iter().collect(), took: Duration::ZERO }
    }

    /// Not tried yet, because what it needs is not there.
    pub(super) fn waiting(known: StepRecord) -> Self {
        Self::unchanged(StepRecord { standing: Standing::Due, next_try_at: None, failure: None, ..known })
    }

    /// Whether anything came of it, to the system or to what is known of it.
    pub fn is_news_after(&self, before: &StepRecord) -> bool {
        !self.did.is_empty() || self.known != *before
    }

    /// Whether the system shows what it should.
    pub(super) fn is_in_step(&self) -> bool {
        self.known.standing == Standing::InStep
    }
}

/// What went wrong is logged here, once; each call that led to it has a line of its own.
fn log(step: Step, known: &StepRecord, error: &CallError) {
    let (step, class, service, reason) = (step.name(), error.class.name(), error.call.service, &error.reason);
    let (attempts, next_try_at) = (known.attempts, known.next_try_at.map(tracing::field::display));
    if matches!(known.standing, Standing::Parked { .. }) {
        tracing::error!(step, class, %service, reason, attempts, "a step is parked: a person must look");
    } else if deserves_an_alarm(known, error.class) {
        let why = if error.class == Class::Denied { "our credentials do not fit" } else { "it does not heal" };
        tracing::error!(step, class, %service, reason, attempts, next_try_at, "a step is due: {why}");
    } else {
        tracing::warn!(step, class, %service, reason, attempts, next_try_at, "a step is due");
    }
}
