//! How a booking came to where it is, and what happens next: a timeline for the person who asks.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    commands::accept::Progress,
    commands::replay::booking_id,
    ledger::{BookingRecord, DeliverySummary, Step},
    outbound::Deadline,
    reconcile::desired::DesiredState,
    response::{Problem, Reply, ledger_unavailable, no_such_booking},
    runtime::app::App,
    systems::guest_page::Address,
};

/// One line of the timeline.
#[derive(Debug, Serialize)]
struct Line {
    at: Timestamp,
    /// `delivery`, `step`, or `planned` for what is still to come.
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<Step>,
    what: String,
    /// For a replay.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_id: Option<String>,
}

/// Answers `{"booking_id": …}` with the booking's state and timeline. Changes nothing.
///
/// # Errors
/// [`Problem`] 400 when no booking is named, 404 when the ledger does not know it, 503 when it cannot be reached.
pub async fn status(app: &App, request: &Value, deadline: &Deadline) -> Result<Reply, Problem> {
    let booking_id = booking_id(request.get("booking_id").and_then(Value::as_str).unwrap_or_default())?;
    tracing::Span::current().record("booking_id", booking_id.as_str());
    let (state, deliveries) =
        tokio::join!(app.ledger.state(&booking_id, deadline), app.ledger.deliveries(&booking_id, deadline));
    let record = state.map_err(ledger_unavailable)?.ok_or_else(|| no_such_booking(&booking_id))?;
    let timeline = timeline(&record, &deliveries.map_err(ledger_unavailable)?);
    let desired = DesiredState::of(&record, &app.operator, false);
    let address = Address::of(&record.charter_id, &app.config.guest_page);
    let lease = record.lease.as_ref().map(|lease| lease.until);
    let (newest, cancelled_at, due_at) = (record.status, record.cancelled_at, record.due_at);
    let (fence, seq) = (record.fence, record.seq);
    let starts_at = desired.booking().map(|booking| booking.charter.time.start().timestamp());
    let Progress { record, steps, state } = Progress::seen(record);
    Ok(Reply::Document(json!({
        "booking_id": record.booking_id.as_str(),
        "charter_id": record.charter_id.as_str(),
        "state": state,
        "guest_page": address.url,
        "flags": desired.flags(&record),
        "newest_snapshot": { "says": newest, "as_of": record.version.as_ref().map(|version| version.changed_at.at()), "accepted": seq },
        "decided_seq": record.decision.as_ref().map(|decision| decision.seq),
        "starts_at": starts_at,
        "cancelled_at": cancelled_at,
        "due_at": due_at,
        "worked_on_until": lease,
        "claims": fence,
        "steps": steps,
        "timeline": timeline,
    })))
}

fn timeline(record: &BookingRecord, deliveries: &[DeliverySummary]) -> Vec<Line> {
    let delivered = deliveries.iter().map(|delivery| {
        let says = delivery.says.map_or("nothing that could be read", |says| says.name());
        let as_of = delivery.as_of.map(|at| format!(", as of {at}")).unwrap_or_default();
        Line {
            at: delivery.received_at,
            kind: "delivery",
            step: None,
            what: format!("received: the booking is {says}{as_of}"),
            delivery_id: Some(delivery.id.to_string()),
        }
    });
    let done = record.history.entries().iter().map(|happened| Line {
        at: happened.at,
        kind: "step",
        step: Some(happened.step),
        what: happened.what.clone(),
        delivery_id: None,
    });
    let steps = record.journal.steps();
    let planned = steps.each().into_iter().filter_map(|(step, known)| {
        let at = known.next_try_at?;
        let what = format!("try {} of it", known.attempts.saturating_add(1));
        Some(Line { at, kind: "planned", step: Some(step), what, delivery_id: None })
    });
    let mut lines: Vec<Line> = delivered.chain(done).chain(planned).collect();
    lines.sort_by_key(|line| line.at);
    lines
}
