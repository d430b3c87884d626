//! A person has mended what stood in the way: a booking is tried again, a delivery is read again. Neither approves a decision.

use http::StatusCode;
use serde_json::Value;

use crate::{
    booking::BookingId,
    commands::{
        accept::{Progress, Source, resume, retry_if_due},
        deliver::{PERSON, accept_all, end_quarantine, latest_end, read_again},
    },
    ledger::{BookingRecord, DeliveryId, Trigger},
    outbound::Deadline,
    response::{BookingState, Problem, Reply, ledger_unavailable, no_such_booking},
    runtime::app::App,
};

/// Replays what `request` names: `{"booking_id": …}` or `{"delivery_id": …}`.
///
/// # Errors
/// [`Problem`] 400 when it names neither, 404 when the ledger does not have it, 409 when another invocation works on the booking, 422 when
/// the delivery still cannot be read, 503 when the ledger cannot be reached.
pub async fn replay(app: &App, request: &Value, deadline: &Deadline) -> Result<Reply, Problem> {
    let named = |key: &str| request.get(key).and_then(Value::as_str);
    match (named("booking_id"), named("delivery_id")) {
        (Some(id), None) => {
            let booking_id = booking_id(id)?;
            tracing::Span::current().record("booking_id", booking_id.as_str());
            Ok(try_again(app, &booking_id, deadline).await?.reply(app))
        }
        (None, Some(id)) => deliver_again(app, id, deadline).await,
        _ => {
            let detail = r#"Send {"replay": {"booking_id": "BS-…"}} or {"replay": {"delivery_id": "…"}}"#;
            Err(Problem::new(StatusCode::BAD_REQUEST, "Nothing to replay is named", detail))
        }
    }
}

/// The booking id that a person typed.
///
/// # Errors
/// [`Problem`] 400 when it is none.
pub fn booking_id(id: &str) -> Result<BookingId, Problem> {
    BookingId::parse(id)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, "No booking is named", format!("booking_id {error}")))
}

/// Tries a booking again, what is parked too.
async fn try_again(app: &App, booking_id: &BookingId, deadline: &Deadline) -> Result<Progress, Problem> {
    let claimed = app.ledger.claim(booking_id, Trigger::Operator, &app.lease(deadline), deadline).await;
    if let Some(claim) = claimed.map_err(ledger_unavailable)? {
        return resume(app, claim, Trigger::Operator, deadline).await;
    }
    let record = app.ledger.state(booking_id, deadline).await.map_err(ledger_unavailable)?;
    Err(record.map_or_else(|| no_such_booking(booking_id), |record| at_work(&record)))
}

/// What a person wants cannot be left to the holder: that one tries only what it would have tried anyway.
pub(super) fn at_work(record: &BookingRecord) -> Problem {
    let until = record.lease.as_ref().map_or_else(String::new, |lease| format!(" until {} at most", lease.until));
    let detail = format!("Another invocation works on {}{until}: send it again then", record.booking_id);
    Problem::new(StatusCode::CONFLICT, "Nothing was done", detail)
}

/// Reads a delivery with the mapping as it is now. It keeps its place in the order. What was refused before is tried again.
async fn deliver_again(app: &App, id: &str, deadline: &Deadline) -> Result<Reply, Problem> {
    let missing = || {
        let detail = format!("The ledger has no delivery {id}; deliveries that were understood are kept for 90 days");
        Problem::new(StatusCode::NOT_FOUND, "No such delivery", detail)
    };
    let delivery_id = DeliveryId::parse(id).ok_or_else(missing)?;
    let delivery =
        app.ledger.delivery(&delivery_id, deadline).await.map_err(ledger_unavailable)?.ok_or_else(missing)?;
    let faulty = |faults| Problem { delivery_id: Some(id.to_owned()), ..Problem::faulty(faults) };
    let bookings = read_again(app, &delivery).map_err(faulty)?;
    if bookings.iter().all(Result::is_err) {
        return Err(faulty(bookings.into_iter().filter_map(Result::err).flatten().collect()));
    }
    let is_whole = bookings.iter().all(Result::is_ok);
    let ends = latest_end(app, bookings.iter().flatten());
    let is_entry = delivery_id.sender() == PERSON;
    if let (true, Some(Ok(entered))) = (is_entry, bookings.first()) {
        let on_record = app.ledger.state(&entered.snapshot.booking_id, deadline).await.map_err(ledger_unavailable)?;
        // The entry came after what was on record then: made again now, it would come after what was said since.
        if let Some(record) = on_record {
            return Ok(Box::pin(retry_if_due(app, record, deadline)).await?.reply(app));
        }
    }
    let source = if is_entry { Source::Entry } else { Source::ReadAgain };
    let mut accepted = accept_all(app, &delivery, source, bookings, deadline).await?;
    if is_whole {
        end_quarantine(app, &delivery_id, ends, deadline).await;
    }
    for progress in &mut accepted.bookings {
        if progress.state == BookingState::Parked {
            *progress = try_again(app, &progress.record.booking_id.clone(), deadline).await?;
        }
    }
    Ok(accepted.reply(app))
}
