//! A person has mended what stood in the way, or decided what only a person can: a booking is taken up again, a delivery is read again.

use http::StatusCode;
use serde_json::Value;

use crate::{
    booking::BookingId,
    commands::accept::{Incoming, Progress, accept, resume},
    commands::deliver::{Read, read_again},
    ledger::{BookingRecord, DeliveryId, Only, SnapshotVersion},
    outbound::Deadline,
    reconcile::Trigger,
    response::{Problem, Reply, State, ledger_unavailable, no_such_booking},
    runtime::app::App,
};

/// Replays what `request` names: `{"booking_id": …}` or `{"delivery_id": …}`.
///
/// # Errors
/// [`Problem`] 400 when it names neither, 404 when the ledger does not have it, 409 when somebody else is at work on the booking, 422 when
/// the delivery still cannot be read, 503 when the ledger cannot be reached.
pub async fn replay(app: &App, request: &Value, deadline: &Deadline) -> Result<Reply, Problem> {
    let named = |key: &str| request.get(key).and_then(Value::as_str);
    let progress = match (named("booking_id"), named("delivery_id")) {
        (Some(id), None) => {
            let booking_id = booking_id(id)?;
            tracing::Span::current().record("booking_id", booking_id.as_str());
            approve(app, &booking_id, deadline).await?
        }
        (None, Some(id)) => deliver_again(app, id, deadline).await?,
        _ => {
            let detail = r#"Send {"replay": {"booking_id": "BS-…"}} or {"replay": {"delivery_id": "…"}}"#;
            return Err(Problem::new(StatusCode::BAD_REQUEST, "Nothing to replay is named", detail));
        }
    };
    Ok(progress.reply(app))
}

/// The booking id that a person typed.
///
/// # Errors
/// [`Problem`] 400 when it is none.
pub fn booking_id(id: &str) -> Result<BookingId, Problem> {
    BookingId::parse(id)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, "No booking is named", format!("booking_id {error}")))
}

/// Takes up a booking whose newest snapshot a person wants carried out: what was parked is tried again, guard rails give way.
async fn approve(app: &App, booking_id: &BookingId, deadline: &Deadline) -> Result<Progress, Problem> {
    let claimed = app.ledger.claim(booking_id, Only::Approved, &app.lease(deadline), deadline).await;
    if let Some(claim) = claimed.map_err(ledger_unavailable)? {
        return resume(app, claim, Trigger::Person, deadline).await;
    }
    let record = app.ledger.state(booking_id, deadline).await.map_err(ledger_unavailable)?;
    Err(record.map_or_else(|| no_such_booking(booking_id), |record| at_work(&record)))
}

/// What a person wants cannot be left to whoever holds the booking: that one tries only what it would have tried anyway.
fn at_work(record: &BookingRecord) -> Problem {
    let until = record.lease.as_ref().map_or_else(String::new, |lease| format!(" until {} at most", lease.until));
    let detail = format!("Somebody is at work on {}{until}: replay it again then", record.booking_id);
    Problem::new(StatusCode::CONFLICT, "Nothing was replayed", detail)
}

/// Reads a delivery with the mapping as it is now, and takes it in as if it had just come.
async fn deliver_again(app: &App, id: &str, deadline: &Deadline) -> Result<Progress, Problem> {
    let missing = || {
        let detail = format!("The ledger has no delivery {id}; deliveries that were read are kept for 90 days");
        Problem::new(StatusCode::NOT_FOUND, "No such delivery", detail)
    };
    let delivery_id = DeliveryId::parse(id).ok_or_else(missing)?;
    let delivery =
        app.ledger.delivery(&delivery_id, deadline).await.map_err(ledger_unavailable)?.ok_or_else(missing)?;
    let (body, origin, received_at) = (&*delivery.body, delivery.origin, delivery.received_at);
    let Read { snapshot, as_of, name } = read_again(app, &delivery)
        .map_err(|faults| Problem { delivery_id: Some(id.to_owned()), ..Problem::faulty(faults) })?;
    let name = name.filter(|_| delivery_id.is_quarantined()).unwrap_or_else(|| delivery_id.name().to_owned());
    let order = SnapshotVersion::read_again(&snapshot, as_of, deadline.now());
    let incoming = Incoming { snapshot: &snapshot, name: &name, body, origin, received_at, order: order.clone() };
    let progress = accept(app, &incoming, deadline).await?;
    if delivery_id.is_quarantined()
        && let Err(error) = app.ledger.end_quarantine(&delivery, deadline.now(), deadline).await
    {
        tracing::warn!(reason = error.to_string(), "the delivery stays in quarantine, although it was taken in");
    }
    let decided_last = progress.record.decision.as_ref().is_some_and(|decision| decision.order == order);
    if progress.state == State::Parked && (decided_last || progress.record.order == order) {
        return approve(app, &snapshot.booking_id, deadline).await;
    }
    Ok(progress)
}
