//! A person leaves a booking or a delivery as it is: no alarm and no try any more, until something newer comes in.

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    commands::{
        door::Door,
        quarantine::one,
        replay::{at_work, booking_id},
    },
    ledger::Dismissal,
    outbound::Deadline,
    response::{Problem, Reply, ledger_unavailable, no_such_booking},
    runtime::app::App,
};

const LONGEST_WHY_CHARACTERS: usize = 300;

/// Dismisses `{"booking_id": …, "why": …}` or `{"delivery_id": …, "why": …}`.
///
/// # Errors
/// [`Problem`] 400 when neither is named or no reason is given, 404 when the ledger does not have it, 409 when another invocation works on
/// the booking or the delivery does not wait in quarantine, and the ledger's problems.
pub(crate) async fn dismiss(app: &App, request: &Value, door: Door<'_>, deadline: &Deadline) -> Result<Reply, Problem> {
    let named = |key: &str| request.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let why: Option<String> = named("why").map(|why| why.chars().take(LONGEST_WHY_CHARACTERS).collect());
    match (named("booking_id"), named("delivery_id"), why) {
        (Some(id), None, Some(why)) => dismiss_booking(app, id, why, door, deadline).await,
        (None, Some(id), Some(why)) => dismiss_delivery(app, id, &why, door, deadline).await,
        _ => {
            let detail = r#"Send {"dismiss": {"booking_id": "BS-…", "why": "…"}} or {"dismiss": {"delivery_id": "…", "why": "…"}}"#;
            Err(Problem::new(StatusCode::BAD_REQUEST, "Nothing to dismiss is named, or no reason is given", detail))
        }
    }
}

async fn dismiss_booking(
    app: &App,
    id: &str,
    why: String,
    door: Door<'_>,
    deadline: &Deadline,
) -> Result<Reply, Problem> {
    let booking_id = booking_id(id)?;
    tracing::Span::current().record("booking_id", booking_id.as_str());
    let record = app.ledger.state(&booking_id, deadline).await.map_err(ledger_unavailable)?;
    let record = record.ok_or_else(|| no_such_booking(&booking_id))?;
    let act = door.note(format!("dismiss: {why}"), deadline.now());
    let dismissal = Dismissal { seq: record.seq, at: deadline.now(), why };
    if !app.ledger.dismiss(&record, &dismissal, act.as_ref(), deadline).await.map_err(ledger_unavailable)? {
        return Err(at_work(&record));
    }
    tracing::info!(booking_id = id, "{id}: a person leaves it as it is until something newer comes in");
    Ok(Reply::Document(json!({ "booking_id": id, "dismissed": dismissal })))
}

async fn dismiss_delivery(
    app: &App,
    id: &str,
    why: &str,
    door: Door<'_>,
    deadline: &Deadline,
) -> Result<Reply, Problem> {
    let (delivery_id, found) = one(app, id, deadline).await?;
    if !found.waits {
        let because = found.closed_because.unwrap_or_else(|| "it was understood".to_owned());
        let detail = format!("{id} does not wait in quarantine: {because}");
        return Err(Problem::new(StatusCode::CONFLICT, "Nothing was done", detail));
    }
    let because = format!("a person dismissed it: {why}");
    let act = door.note(format!("dismiss: {why}"), deadline.now());
    let closed = app.ledger.dismiss_delivery(&delivery_id, &because, act.as_ref(), deadline.now(), deadline).await;
    if !closed.map_err(ledger_unavailable)? {
        let detail = format!("{id} left quarantine just now: look at it again");
        return Err(Problem::new(StatusCode::CONFLICT, "Nothing was done", detail));
    }
    tracing::info!(delivery_id = id, "{id}: a person dismissed it");
    Ok(Reply::Document(json!({ "delivery_id": id, "dismissed": { "at": deadline.now(), "why": why } })))
}
