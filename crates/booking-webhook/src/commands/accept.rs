//! One booking, from what was said of it to the answer: record, bring in step, release.
//!
//! Nothing is sent anywhere before the ledger has the delivery and the snapshot; from then on nothing can be lost, even if this
//! process ends.

use std::time::Duration;

use http::StatusCode;
use jiff::{Timestamp, civil::Date};

use crate::{
    booking::{CharterTime, Flag, Sale, Snapshot, Terms},
    ledger::{
        BookingRecord, ChangedAt, Claim, Delivery, HistoryEntry, Journal, NewSnapshot, PerStep, Place, RecordOutcome,
        ReleaseOutcome, SnapshotVersion, Spoke, Step, StepStatus, StoreOutcome, Trigger,
    },
    outbound::{CallError, Deadline},
    reconcile::{
        Planning,
        concerns::{case, should_know},
        desired::DesiredState,
        execute::{Outcomes, ReconcileContext, WriteAhead, bring_in_step, overlap::learn},
    },
    response::{
        Answer, BookingState, Problem, Reply, StepReport, ledger_unavailable, no_such_booking, reports, reports_of,
    },
    runtime::{
        app::App,
        metrics::{Metric, Metrics},
    },
    systems::guest_page::Address,
};

/// A booking that keeps changing while it is worked on is left to the next invocation.
const MOST_ROUNDS: u32 = 3;
/// A person's entry that something newer overtakes again and again is refused.
const MOST_ENTRIES: u32 = 3;

/// A snapshot that came in, and how.
#[derive(Debug)]
pub(crate) struct Incoming<'a> {
    /// What it says.
    pub(crate) snapshot: &'a Snapshot,
    /// When the event around it happened, by the sender.
    pub(crate) event_created_at: Option<Timestamp>,
    /// What brought it.
    pub(crate) delivery: &'a Delivery,
    /// Who says so.
    pub(crate) source: Source,
}

/// Who says what a snapshot says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A sender.
    Sender,
    /// A sender, and a person has had its delivery read again.
    ReadAgain,
    /// A person, after everything that is on record.
    Entry(Upon),
}

/// What a person's entry comes after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upon {
    /// What is on record when it is written.
    Newest,
    /// What the person saw: so many snapshots had been accepted; `None` when the booking was not on record.
    Seen(Option<u64>),
}

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

/// Records what came in, and brings the booking in step unless another invocation works on it.
///
/// # Errors
/// [`Problem`] when the ledger cannot be used: nothing was promised, and no other system was called. 409 when something newer overtakes a
/// person's entry.
pub(crate) async fn accept(app: &App, incoming: &Incoming<'_>, deadline: &Deadline) -> Result<Progress, Problem> {
    let recorded = record(app, incoming, deadline).await?;
    work_on_recorded(app, recorded, deadline).await
}

/// A snapshot on record, whose booking is still to be brought in step.
#[derive(Debug)]
pub(crate) struct Recorded {
    taken: Taken,
    /// Its delivery waited in quarantine until now.
    pub(crate) was_quarantined: bool,
}

/// Whether the recording also claimed the booking.
#[derive(Debug)]
enum Taken {
    Claimed { claim: Box<Claim>, charter_id_taken: bool },
    Beside(Box<BookingRecord>),
}

impl Taken {
    fn claimed(claim: Box<Claim>) -> Self {
        Self::Claimed { claim, charter_id_taken: false }
    }
}

/// Records what came in. From here on nothing can be lost.
///
/// # Errors
/// As [`accept`].
pub(crate) async fn record(app: &App, incoming: &Incoming<'_>, deadline: &Deadline) -> Result<Recorded, Problem> {
    let (snapshot, delivery) = (incoming.snapshot, incoming.delivery);
    let charter_id = app.secrets.current().charter_id(&snapshot.booking_id);
    let sale = snapshot.sale.as_deref();
    let terms = sale.and_then(|sale| Terms::resolve(&sale.boat, &sale.assigned, &app.operator).ok());
    let time = sale.map(|sale| charter_time(app, sale));
    let spoke = [Spoke {
        booking_id: &snapshot.booking_id,
        status: snapshot.status,
        as_of: snapshot.updated_at.or(incoming.event_created_at),
        ends: time.as_ref().map(|time| time.end().timestamp()),
    }];
    let new = NewSnapshot {
        snapshot,
        place: Place::Entry { seq: None },
        delivery: &delivery.id,
        received_at: delivery.received_at,
        charter_id: &charter_id,
        terms: terms.as_ref(),
        date: time.as_ref().map(|time| time.start().date()),
        at: deadline.now(),
    };
    let (stored, reserved, taken) = match incoming.source {
        Source::Entry(upon) => {
            let (stored, reserved, recorded) = tokio::join!(
                app.ledger.keep(delivery, &spoke, deadline),
                app.ledger.reserve(&charter_id, &snapshot.booking_id, deadline),
                record_entry(app, &new, upon, deadline),
            );
            (stored.map_err(ledger_unavailable)?, reserved, recorded?)
        }
        Source::Sender | Source::ReadAgain => {
            let again = incoming.source == Source::ReadAgain;
            record_snapshot(app, incoming, &new, &spoke, again, deadline).await?
        }
    };
    look_at(&stored, delivery);
    let reserved = reserved.map_err(ledger_unavailable)?;
    let taken = match taken {
        Taken::Claimed { claim, .. } => {
            Taken::Claimed { charter_id_taken: !reserved && claim.record.charter_id == charter_id, claim }
        }
        beside @ Taken::Beside(_) => beside,
    };
    Ok(Recorded { taken, was_quarantined: stored.quarantined })
}

/// Brings in step what was recorded, unless another invocation works on it.
///
/// # Errors
/// [`Problem`] when the ledger cannot be used.
pub(crate) async fn work_on_recorded(app: &App, recorded: Recorded, deadline: &Deadline) -> Result<Progress, Problem> {
    match recorded.taken {
        Taken::Claimed { claim, charter_id_taken } => {
            Ok(Box::pin(work_on(app, *claim, Trigger::Delivery, charter_id_taken, deadline)).await)
        }
        Taken::Beside(record) => retry_if_due(app, *record, deadline).await,
    }
}

/// When a charter sails, on the dock's own clock.
pub(super) fn charter_time(app: &App, sale: &Sale) -> CharterTime {
    CharterTime::lasting(sale.start.to_zoned(app.operator.time_zone.clone()), sale.duration)
}

/// Keeps the delivery, reserves the charter id and records the snapshot, all at once. Only a sender that states neither time nor revision
/// has its delivery kept first: what it says holds since that delivery first came in, and a repeat is no new arrival.
async fn record_snapshot(
    app: &App,
    incoming: &Incoming<'_>,
    new: &NewSnapshot<'_>,
    spoke: &[Spoke<'_>],
    again: bool,
    deadline: &Deadline,
) -> Result<(StoreOutcome, Result<bool, CallError>, Taken), Problem> {
    let (snapshot, delivery) = (incoming.snapshot, incoming.delivery);
    let keep = app.ledger.keep(delivery, spoke, deadline);
    let reserve = app.ledger.reserve(new.charter_id, &snapshot.booking_id, deadline);
    let version = |received_at: Timestamp| version_of(snapshot, incoming.event_created_at, received_at);
    let lease = app.lease(deadline);
    let (stored, version, reserved, recorded) =
        if !version(delivery.received_at).states_time && snapshot.revision.is_none() {
            let stored = keep.await.map_err(ledger_unavailable)?;
            let version = version(stored.received_at);
            let first = NewSnapshot { place: place(&version, again), received_at: stored.received_at, ..*new };
            let (reserved, recorded) = tokio::join!(reserve, app.ledger.record(&first, &lease, deadline));
            (stored, version, reserved, recorded)
        } else {
            let version = version(delivery.received_at);
            let first = NewSnapshot { place: place(&version, again), ..*new };
            let (stored, reserved, recorded) = tokio::join!(keep, reserve, app.ledger.record(&first, &lease, deadline));
            (stored.map_err(ledger_unavailable)?, version, reserved, recorded)
        };
    let recorded = match recorded.map_err(ledger_unavailable)? {
        RecordOutcome::Claimed(claim) => {
            log_recorded(&claim.record);
            Taken::claimed(claim)
        }
        RecordOutcome::NotClaimed(record) => {
            let new = NewSnapshot { place: place(&version, again), received_at: stored.received_at, ..*new };
            let (contradicted_before, seq_before) = (record.contradicted, record.seq);
            let beside = app.ledger.record_beside(&new, *record, deadline).await.map_err(ledger_unavailable)?;
            let record = beside.ok_or_else(|| no_such_booking(&snapshot.booking_id))?;
            if record.contradicted && !contradicted_before {
                let booking_id = record.booking_id.as_str();
                tracing::error!(
                    booking_id,
                    delivery_id = %delivery.id,
                    "{booking_id}: snapshots of one version contradict each other: ask the sender which of them holds"
                );
            }
            if record.seq != seq_before {
                log_recorded(&record);
            }
            Taken::Beside(Box::new(record))
        }
    };
    Ok((stored, reserved, recorded))
}

/// Where a sender's snapshot stands in the order of its booking's.
pub(super) fn version_of(
    snapshot: &Snapshot,
    event_created_at: Option<Timestamp>,
    received_at: Timestamp,
) -> SnapshotVersion {
    let stated = snapshot.updated_at.or(event_created_at);
    SnapshotVersion {
        revision: snapshot.revision,
        changed_at: ChangedAt::new(stated.unwrap_or(received_at), event_created_at),
        states_time: stated.is_some(),
    }
}

fn place(version: &SnapshotVersion, again: bool) -> Place<'_> {
    if again { Place::ReadAgain(version) } else { Place::Version(version) }
}

/// Records a person's entry after everything that is on record.
async fn record_entry(app: &App, new: &NewSnapshot<'_>, upon: Upon, deadline: &Deadline) -> Result<Taken, Problem> {
    let booking_id = &new.snapshot.booking_id;
    for _ in 0..MOST_ENTRIES {
        let on_record = app.ledger.state(booking_id, deadline).await.map_err(ledger_unavailable)?;
        let seq = on_record.map(|record| record.seq);
        if let Upon::Seen(seen) = upon
            && seen != seq
        {
            let detail = format!("Something came in for {booking_id} that you had not seen: look again, then enter it");
            return Err(Problem::new(StatusCode::CONFLICT, "Nothing was entered", detail));
        }
        let new = NewSnapshot { place: Place::Entry { seq }, ..*new };
        let lease = app.lease(deadline);
        match app.ledger.record(&new, &lease, deadline).await.map_err(ledger_unavailable)? {
            RecordOutcome::Claimed(claim) => {
                log_recorded(&claim.record);
                return Ok(Taken::claimed(claim));
            }
            RecordOutcome::NotClaimed(record) => {
                let beside = app.ledger.record_beside(&new, *record, deadline).await.map_err(ledger_unavailable)?;
                if let Some(record) = beside {
                    log_recorded(&record);
                    return Ok(Taken::Beside(Box::new(record)));
                }
            }
        }
    }
    let detail = format!("{booking_id} changes all the time: look at its status, then enter it again");
    Err(Problem::new(StatusCode::CONFLICT, "Nothing was entered", detail))
}

/// From here on the ledger knows more than a copy of it that is older: the run book's list of what was touched is made from these lines.
fn log_recorded(record: &BookingRecord) {
    let BookingRecord { fence, seq, .. } = record;
    tracing::info!(fence, seq, "recorded");
}

fn look_at(stored: &StoreOutcome, delivery: &Delivery) {
    if stored.name_reused {
        let id = &delivery.id;
        tracing::error!(delivery_id = %id, "{id}: the sender gave another body the same name: ask the sender");
    }
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
async fn work_on(
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
        record.should_know = should_know(&case(&record, known, &app.operator, deadline.now()));
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
