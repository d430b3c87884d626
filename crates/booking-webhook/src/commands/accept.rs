//! One booking, from what was delivered to what is answered: record, bring in step, let go.
//!
//! Nothing is sent anywhere before the ledger has the delivery and the snapshot; from then on nothing can be lost, whatever becomes of this
//! process.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    booking::{Snapshot, Terms},
    ledger::{
        BookingRecord, Claim, Delivery, DeliveryId, HistoryEntry, Journal, NewSnapshot, Only, Origin, RecordOutcome,
        ReleaseOutcome, SnapshotVersion, Standing, Step, StoreOutcome,
    },
    outbound::{CallError, Deadline},
    reconcile::{
        Outcomes, ReconcileContext, Trigger, bring_in_step,
        course::{DesiredState, NeedsDecision},
        report::Steps,
    },
    response::{Answer, Problem, Reply, State, ledger_unavailable},
    runtime::app::App,
    runtime::metrics::{Metric, Metrics},
    systems::guest_page::Address,
};

/// A booking that keeps changing while it is worked on is left to the next invocation.
const MOST_ROUNDS: u32 = 3;

/// A delivery that could be read.
#[derive(Debug)]
pub struct Incoming<'a> {
    /// What it says.
    pub snapshot: &'a Snapshot,
    /// What the sender calls the delivery.
    pub name: &'a str,
    /// As it came over the wire.
    pub body: &'a [u8],
    /// Who sent it.
    pub origin: Origin,
    /// When it came in first, in whole milliseconds.
    pub received_at: Timestamp,
    /// Its place among the booking's snapshots.
    pub order: SnapshotVersion,
}

/// Where a booking stands after this invocation.
#[derive(Debug)]
pub struct Progress {
    /// What the ledger knows.
    pub record: BookingRecord,
    /// What became of the steps.
    pub steps: Steps,
    /// As a whole.
    pub state: State,
}

/// Records what was delivered, and brings the booking in step unless somebody else is at it.
///
/// # Errors
/// [`Problem`] 503 when the ledger cannot be reached: nothing was promised, and nobody else was called.
pub async fn accept(app: &App, incoming: &Incoming<'_>, deadline: &Deadline) -> Result<Progress, Problem> {
    let Incoming { snapshot, order, .. } = incoming;
    let booking_id = &snapshot.booking_id;
    let charter_id = app.secrets.current().charter_id(booking_id);
    let sale = snapshot.sale.as_deref();
    let terms = sale.and_then(|sale| Terms::resolve(&sale.boat, &sale.assigned, &app.operator).ok());
    let date = sale.map(|sale| sale.start.to_zoned(app.operator.time_zone.clone()).date());
    let new = NewSnapshot { snapshot, order, charter_id: &charter_id, terms: terms.as_ref(), date };
    let delivery = incoming.delivery();
    let lease = app.lease(deadline);
    let (kept, reserved, recorded) = tokio::join!(
        app.ledger.keep(&delivery, deadline),
        app.ledger.reserve(&charter_id, booking_id, deadline),
        app.ledger.record(&new, &lease, deadline),
    );
    if kept.map_err(ledger_unavailable)? == StoreOutcome::AnotherBody {
        tracing::error!(delivery_id = %delivery.id, "a delivery came again with another body: the sender should be asked");
    }
    let reserved = reserved.map_err(ledger_unavailable)?;
    match recorded.map_err(ledger_unavailable)? {
        RecordOutcome::Claimed(claim) => {
            let taken = !reserved && claim.record.charter_id == charter_id;
            Ok(Box::pin(work_on(app, *claim, Mode { charter_id_taken: taken, trigger: Trigger::Delivery }, deadline))
                .await)
        }
        RecordOutcome::Unclaimed(record) => retry_if_due(app, *record, deadline).await,
    }
}

impl Incoming<'_> {
    fn delivery(&self) -> Delivery {
        Delivery {
            id: DeliveryId::of_booking(&self.snapshot.booking_id, self.name),
            body: self.body.to_vec(),
            origin: self.origin,
            received_at: self.received_at,
            says: Some((self.snapshot.status, self.order.clone())),
        }
    }
}

/// A booking of which nothing newer came in: brought in step if it is not and nobody is at it, else left as it is.
async fn retry_if_due(app: &App, record: BookingRecord, deadline: &Deadline) -> Result<Progress, Problem> {
    let held = record.lease.as_ref().is_some_and(|lease| deadline.now() <= lease.until);
    if record.due_at.is_some() && !held {
        let claimed = app.ledger.claim(&record.booking_id, Only::Owed, &app.lease(deadline), deadline).await;
        if let Some(claim) = claimed.map_err(ledger_unavailable)? {
            return resume(app, claim, Trigger::Delivery, deadline).await;
        }
    }
    Ok(Progress::seen(record))
}

/// Brings a booking in step that was claimed without a snapshot.
///
/// # Errors
/// [`Problem`] 503 when the ledger cannot be reached.
pub async fn resume(app: &App, claim: Claim, trigger: Trigger, deadline: &Deadline) -> Result<Progress, Problem> {
    let record = &claim.record;
    let shown = record.journal.each().into_iter().any(|(_, step)| step.remote_id.is_some());
    // What nobody was shown yet may have crashed before its id was reserved.
    let taken = !shown
        && !app.ledger.reserve(&record.charter_id, &record.booking_id, deadline).await.map_err(ledger_unavailable)?;
    Ok(Box::pin(work_on(app, claim, Mode { charter_id_taken: taken, trigger }, deadline)).await)
}

/// What is special about this piece of work.
#[derive(Debug, Clone, Copy)]
struct Mode {
    charter_id_taken: bool,
    trigger: Trigger,
}

/// Brings a claimed booking in step and lets go of it; once more if something newer came in meanwhile.
async fn work_on(app: &App, claim: Claim, mode: Mode, deadline: &Deadline) -> Progress {
    let systems = app.systems();
    let mut claim = claim;
    for round in 1.. {
        let Claim { mut record, crashed } = claim;
        tracing::Span::current().record("charter_id", record.charter_id.as_str());
        if crashed {
            tracing::warn!(
                fence = record.fence,
                "whoever worked on the booking before never let go: everything is read back"
            );
            record.journal = record.journal.after_a_crash();
        }
        let course = if mode.charter_id_taken {
            DesiredState::NeedsDecision(NeedsDecision::CHARTER_ID_TAKEN)
        } else {
            DesiredState::of(&record, &app.operator)
        };
        let address = Address::of(&record.charter_id, &app.config.guest_page);
        let work = ReconcileContext {
            systems: &systems,
            ledger: &app.ledger,
            record: &record,
            course: &course,
            trigger: mode.trigger,
            address: &address,
            deadline: deadline.reserving(app.config.kept_for_the_release()),
            redrive: app.config.redrive,
        };
        let outcomes = bring_in_step(&work).await;
        measure(&app.metrics, &record.journal, &outcomes);
        let day = calendar_day(&course, &outcomes);
        write_down(&mut record, &outcomes, deadline.now());
        let steps = Steps::from(&outcomes);
        let state = State::of(&steps);
        match app.ledger.release(&record, day, deadline).await {
            Ok(ReleaseOutcome::Done) => {
                measure_time(&app.metrics, &record, state, deadline.now());
                record.lease = None;
                record.due_at = record.journal.next_try_at();
                return Progress { record, steps, state };
            }
            Ok(ReleaseOutcome::Newer) if round < MOST_ROUNDS && deadline.allows(app.config.kept_for_a_round()) => {
                match app.ledger.claim_newer(&record, deadline).await {
                    Ok(Some(newer)) => claim = newer.knowing(record.journal, record.history),
                    Ok(None) => {
                        unreleased(app, &record, Ok(ReleaseOutcome::Lost), deadline).await;
                        return Progress { record, steps, state: State::Due };
                    }
                    Err(error) => {
                        unreleased(app, &record, Err(error), deadline).await;
                        return Progress { record, steps, state: State::Due };
                    }
                }
            }
            released => {
                unreleased(app, &record, released, deadline).await;
                return Progress { record, steps, state: State::Due };
            }
        }
    }
    unreachable!("the rounds are bounded by MOST_ROUNDS")
}

/// What came of the steps, for whoever watches all bookings at once.
fn measure(metrics: &Metrics, before: &Journal, outcomes: &Outcomes) {
    let reports = Steps::from(outcomes);
    for ((step, outcome), report) in outcomes.each().into_iter().zip(reports.each()) {
        let before = before.of(step);
        if outcome.is_news_after(before) {
            metrics.step(step.name(), report.state.name());
        }
        // A guest page that may not be there is put again; nothing of it is read.
        if before.unknown && !outcome.known.unknown && step != Step::GuestPage {
            metrics.count(Metric::UnknownOutcomesReadBack);
        }
    }
}

fn measure_time(metrics: &Metrics, record: &BookingRecord, state: State, now: Timestamp) {
    if let (State::InStep, Some(due_since)) = (state, record.due_since) {
        metrics.in_step_after(Duration::try_from(now.duration_since(due_since)).unwrap_or_default());
    }
}

/// The booking is still due in the ledger, so whatever was not written down is found out by whoever comes next.
async fn unreleased(
    app: &App,
    record: &BookingRecord,
    released: Result<ReleaseOutcome, CallError>,
    deadline: &Deadline,
) {
    let reason = match released {
        Ok(ReleaseOutcome::Newer) => match app.ledger.release_due(record, deadline.now(), deadline).await {
            Ok(()) => "something newer came in, and is left to the next invocation".to_owned(),
            Err(error) => error.to_string(),
        },
        Ok(_) => "somebody else has taken it up".to_owned(),
        Err(error) => error.to_string(),
    };
    tracing::warn!(fence = record.fence, reason, "the booking stays due");
}

fn write_down(record: &mut BookingRecord, outcomes: &Outcomes, at: Timestamp) {
    record.journal = outcomes.journal();
    let happened = outcomes
        .each()
        .into_iter()
        .flat_map(|(step, outcome)| outcome.did.iter().map(move |what| HistoryEntry { at, step, what: what.clone() }));
    record.history.add(happened);
}

/// The one day on which the calendar can have an entry, if that is known.
fn calendar_day(course: &DesiredState, outcomes: &Outcomes) -> Option<jiff::civil::Date> {
    let known = &outcomes.calendar.known;
    let certain = known.standing == Standing::InStep && !known.unknown && known.doubtful.is_empty();
    course.booking().filter(|_| certain).map(|booking| booking.charter.time.start().date())
}

impl Progress {
    /// A booking as the ledger has it, with nothing done.
    pub fn seen(record: BookingRecord) -> Self {
        let steps = Steps::from(&record.journal);
        let state = match State::of(&steps) {
            State::InStep | State::Recorded if record.due_at.is_some() => State::Due,
            state => state,
        };
        Self { record, steps, state }
    }

    /// In the words of an answer.
    pub fn reply(self, app: &App) -> Reply {
        let Self { record, steps, state } = self;
        let flags =
            DesiredState::of(&record, &app.operator).booking().map(|booking| booking.flags.clone()).unwrap_or_default();
        tracing::info!(?state, ?flags, fence = record.fence, seq = record.seq, "answered");
        Reply::Answer(Box::new(Answer {
            booking_id: record.booking_id.to_string(),
            guest_page: Address::of(&record.charter_id, &app.config.guest_page).url,
            charter_id: record.charter_id.to_string(),
            state,
            flags,
            steps,
        }))
    }
}
