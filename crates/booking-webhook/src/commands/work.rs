//! Work on a claimed booking: bring it in step, write down what came of it, release it, answer.

use std::time::Duration;

use jiff::{Timestamp, civil::Date};

use crate::{
    booking::Flag,
    ledger::{BookingRecord, Claim, HistoryEntry, Journal, PerStep, ReleaseOutcome, Step, StepStatus, Trigger},
    outbound::{CallError, Deadline},
    reconcile::{
        Planning,
        concerns::{case, should_know},
        desired::DesiredState,
        execute::{Outcomes, ReconcileContext, WriteAhead, bring_in_step, overlap::learn},
    },
    response::{Answer, BookingState, Problem, Reply, StepReport, ledger_unavailable, reports, reports_of},
    runtime::{
        app::App,
        metrics::{Metric, Metrics},
    },
    systems::guest_page::Address,
};

/// A booking that keeps changing while it is worked on is left to the next invocation.
const MOST_ROUNDS: u32 = 3;

/// Where a booking stands after this invocation.
#[derive(Debug)]
pub(crate) struct Progress {
    /// What the ledger knows.
    pub(crate) record: BookingRecord,
    /// The outcomes of the steps.
    pub(crate) steps: PerStep<StepReport>,
    /// As a whole.
    pub(crate) state: BookingState,
    /// For a person to look at, by what this invocation wanted; `None` when it wanted nothing.
    flags: Option<Vec<Flag>>,
}

/// A booking of which nothing newer came in: brought in step if it is due and no other invocation works on it, else left as it is.
pub(super) async fn retry_if_due(app: &App, record: BookingRecord, deadline: &Deadline) -> Result<Progress, Problem> {
    let held = record.lease.as_ref().is_some_and(|lease| deadline.now() <= lease.until);
    if record.due_at.is_some() && !held {
        let claimed = app.ledger.claim(&record.booking_id, Trigger::Delivery, &app.lease(deadline), deadline).await;
        if let Some(claim) = claimed.map_err(ledger_unavailable)? {
            return resume(app, claim, Trigger::Delivery, deadline).await;
        }
    }
    Ok(Progress::seen(record))
}

/// Brings a booking in step that was claimed without a snapshot.
///
/// # Errors
/// [`Problem`] when the ledger cannot be used.
pub(crate) async fn resume(
    app: &App,
    claim: Claim,
    trigger: Trigger,
    deadline: &Deadline,
) -> Result<Progress, Problem> {
    let record = &claim.record;
    tracing::info!(booking_id = record.booking_id.as_str(), fence = record.fence, "claimed");
    let shown = record.journal.remote_ids().any(Option::is_some);
    // If nothing was created yet, the last invocation may have crashed before it reserved the charter id.
    let taken = !shown
        && !app.ledger.reserve(&record.charter_id, &record.booking_id, deadline).await.map_err(ledger_unavailable)?;
    Ok(Box::pin(work_on(app, claim, trigger, taken, deadline)).await)
}

/// Brings a claimed booking in step and releases it; once more if something newer came in meanwhile.
pub(super) async fn work_on(
    app: &App,
    mut claim: Claim,
    trigger: Trigger,
    charter_id_taken: bool,
    deadline: &Deadline,
) -> Progress {
    for round in 1..=MOST_ROUNDS {
        let Claim { mut record, crashed } = claim;
        tracing::Span::current().record("charter_id", record.charter_id.as_str());
        if crashed {
            let (booking_id, fence) = (record.booking_id.as_str(), record.fence);
            tracing::warn!(
                booking_id,
                fence,
                "{booking_id}: a lease expired unreleased; remote state unknown, reading back"
            );
            record.journal = record.journal.after_a_crash();
            // It may have been placed, and nobody looked.
            record.overlaps.look_owed = true;
        }
        let desired = DesiredState::of(&record, &app.operator, charter_id_taken);
        // What is desired says what was found up to now.
        record.overlaps.unwritten = false;
        let mut outcomes = bring_in_step(&app.context(&record, &desired, trigger, deadline)).await;
        let beside = std::mem::take(&mut outcomes.beside);
        measure(&app.metrics, &record.journal, &outcomes);
        let day = calendar_day(&desired, &outcomes);
        // The terms are settled now; editing the operator file changes them no more.
        record.terms = desired.terms().cloned().or(record.terms);
        let steps = reports(&outcomes);
        write_down(&mut record, outcomes, deadline.now());
        let state = BookingState::of(&record.journal);
        let flags = desired.flags(&record);
        if desired.booking().is_some_and(|booking| !booking.flags.is_empty()) {
            app.metrics.count(Metric::FlaggedBookings);
        }
        let is_new = learn(&mut record.overlaps, beside, &desired);
        let newer = is_new.then(|| DesiredState::of(&record, &app.operator, charter_id_taken));
        let known = newer.as_ref().unwrap_or(&desired);
        let guest_page = Address::of(&record.charter_id, &app.config.guest_page).url;
        record.should_know = should_know(&case(&record, known, &app.operator, &guest_page, deadline.now()));
        let released = app.ledger.release(&record, day, deadline).await;
        if let Ok(ReleaseOutcome::Done) = released {
            measure_time(&app.metrics, &record, state, deadline.now());
            record.lease = None;
            record.due_at = record.journal.next_try_at();
            return Progress { record, steps, state, flags: Some(flags) };
        }
        match go_on(app, &record, released, round < MOST_ROUNDS, deadline).await {
            Some(newer) => claim = newer.knowing(record.journal, record.history, record.overlaps),
            None => return Progress { record, steps, state: BookingState::Due, flags: Some(flags) },
        }
    }
    unreachable!("the last round goes on with nothing")
}

/// The claim of a newer snapshot that came in while the booking was worked on, if it can be worked on now. If not, the booking is still
/// due in the ledger: the next invocation finds out what was not written down.
async fn go_on(
    app: &App,
    record: &BookingRecord,
    released: Result<ReleaseOutcome, CallError>,
    another_round: bool,
    deadline: &Deadline,
) -> Option<Claim> {
    let newer = matches!(released, Ok(ReleaseOutcome::Newer));
    let reason = if newer && another_round && deadline.allows(app.config.kept_for_a_round()) {
        match app.ledger.claim_newer(record, deadline).await {
            Ok(Some(newer)) => return Some(newer),
            Ok(None) => "another invocation claimed it".to_owned(),
            Err(error) => error.to_string(),
        }
    } else if newer {
        match app.ledger.release_due(record, deadline.now(), deadline).await {
            Ok(()) => "something newer came in, and is left to the next invocation".to_owned(),
            Err(error) => error.to_string(),
        }
    } else {
        released.map_or_else(|error| error.to_string(), |_lost| "another invocation claimed it".to_owned())
    };
    let booking_id = record.booking_id.as_str();
    tracing::warn!(booking_id, fence = record.fence, reason, "{booking_id} stays due: {reason}");
    None
}

/// What came of the steps, for people who watch all bookings at once.
fn measure(metrics: &Metrics, before: &Journal, outcomes: &Outcomes) {
    let steps = before.steps().zip(outcomes.journal.steps()).zip(PerStep {
        calendar: &outcomes.work.calendar,
        crew_event: &outcomes.work.crew_event,
        crew_redaction: &outcomes.work.crew_redaction,
        guest_page: &outcomes.work.guest_page,
    });
    for (step, ((before, after), work)) in steps.each() {
        if before != after || !work.did.is_empty() {
            metrics.step(step.name(), after.status.name());
        }
        // A guest page that may not be there is put again; nothing of it is read.
        if before.unknown && !after.unknown && step != Step::GuestPage {
            metrics.count(Metric::UnknownOutcomesReadBack);
        }
    }
}

fn measure_time(metrics: &Metrics, record: &BookingRecord, state: BookingState, now: Timestamp) {
    if let (BookingState::InStep, Some(due_since)) = (state, record.due_since) {
        metrics.in_step_after(Duration::try_from(now.duration_since(due_since)).unwrap_or_default());
    }
}

fn write_down(record: &mut BookingRecord, outcomes: Outcomes, at: Timestamp) {
    let Outcomes { journal, work, .. } = outcomes;
    record.journal = journal;
    let did = work
        .each()
        .into_iter()
        .flat_map(|(step, work)| work.did.iter().map(move |what| HistoryEntry { at, step, what: what.clone() }));
    record.history.add(did);
}

/// The one day on which the calendar can have an entry, if that is known.
fn calendar_day(desired: &DesiredState, outcomes: &Outcomes) -> Option<Date> {
    let known = &outcomes.journal.calendar;
    let in_flight = known.shown.as_ref().is_some_and(|entry| !entry.fields.in_flight.is_empty());
    let certain = known.step.status == StepStatus::InStep && !known.step.unknown && !in_flight;
    desired.booking().filter(|_| certain).map(|booking| booking.charter.time.start().date())
}

impl App {
    /// A claimed booking, with everything that it is brought in step with.
    fn context<'a>(
        &'a self,
        record: &'a BookingRecord,
        desired: &'a DesiredState,
        trigger: Trigger,
        deadline: &Deadline,
    ) -> ReconcileContext<'a> {
        ReconcileContext {
            planning: self.planning(record, desired, trigger),
            calendar: self.calendar(),
            scc: self.scc(),
            ledger: &self.ledger,
            crew_event_wait: self.config.crew_event_wait,
            deadline: deadline.reserving(self.config.kept_for_the_release()),
            redrive: self.config.redrive,
            ahead: WriteAhead::default(),
        }
    }

    /// What a plan for a booking depends on.
    pub(super) fn planning<'a>(
        &'a self,
        record: &'a BookingRecord,
        desired: &'a DesiredState,
        trigger: Trigger,
    ) -> Planning<'a> {
        Planning {
            address: Address::of(&record.charter_id, &self.config.guest_page),
            operator: &self.operator,
            renderer: self.renderer(),
            publisher: self.publisher(),
            record,
            desired,
            trigger,
        }
    }
}

impl Progress {
    /// A booking as the ledger has it, with nothing done.
    pub(crate) fn seen(record: BookingRecord) -> Self {
        let steps = reports_of(&record.journal);
        let state = match BookingState::of(&record.journal) {
            BookingState::InStep | BookingState::Recorded if record.due_at.is_some() => BookingState::Due,
            state => state,
        };
        Self { record, steps, state, flags: None }
    }

    /// In the words of an answer.
    pub(crate) fn reply(self, app: &App) -> Reply {
        let Self { record, steps, state, flags } = self;
        let flags = flags.unwrap_or_else(|| DesiredState::of(&record, &app.operator, false).flags(&record));
        let (booking_id, fence, seq) = (record.booking_id.as_str(), record.fence, record.seq);
        let PerStep { calendar, crew_event, crew_redaction, guest_page } = steps.map_ref(|step| &*step.log);
        tracing::info!(
            booking_id,
            ?state,
            ?flags,
            fence,
            seq,
            calendar,
            crew_event,
            crew_redaction,
            guest_page,
            "answered"
        );
        Reply::Answer(Box::new(Answer {
            guest_page: Address::of(&record.charter_id, &app.config.guest_page).url,
            booking_id: record.booking_id.to_string(),
            charter_id: record.charter_id.to_string(),
            state,
            flags,
            steps,
        }))
    }
}
