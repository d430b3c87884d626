//! One booking, from what was said of it to the answer: record, then [`super::work`].
//!
//! Nothing is sent anywhere before the ledger has the delivery and the snapshot; from then on nothing can be lost, even if this
//! process ends.

use http::StatusCode;
use jiff::Timestamp;

use super::work::{Progress, retry_if_due, work_on};
use crate::{
    booking::{CharterTime, Sale, Snapshot, Terms},
    ledger::{
        BookingRecord, ChangedAt, Claim, Delivery, NewSnapshot, OfficeAct, Place, RecordOutcome, SnapshotVersion,
        Spoke, StoreOutcome, Trigger,
    },
    outbound::{CallError, Deadline},
    response::{Problem, ledger_unavailable, no_such_booking},
    runtime::app::App,
};

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
    pub(crate) source: Source<'a>,
}

/// Who says what a snapshot says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source<'a> {
    /// A sender.
    Sender,
    /// A sender, and a person has had its delivery read again.
    ReadAgain(&'a OfficeAct),
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
        note: match incoming.source {
            Source::ReadAgain(act) => Some(act),
            Source::Sender | Source::Entry(_) => None,
        },
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
        Source::Sender | Source::ReadAgain(_) => {
            let again = new.note.is_some();
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
