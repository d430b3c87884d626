//! A person has seen what was decided, and wants it carried out: a guard rail gives way, for this decision alone.

use http::StatusCode;
use serde_json::Value;

use crate::{
    booking::BookingId,
    commands::{
        door::Door,
        replay::{at_work, booking_id},
        work::{Progress, resume},
    },
    ledger::{BookingRecord, Trigger},
    outbound::Deadline,
    response::{Problem, Reply, ledger_unavailable, no_such_booking},
    runtime::app::App,
};

/// Carries out the decision `{"booking_id": …, "decided_seq": …}`, for which a guard rail asked a person. `decided_seq` names the decision
/// that the person saw; `{"status": …}` tells it.
///
/// # Errors
/// [`Problem`] 400 when either is missing, 404 when the ledger does not know the booking, 409 when something else was decided since or
/// another invocation works on the booking, and the ledger's problems.
pub(crate) async fn approve(app: &App, request: &Value, door: Door<'_>, deadline: &Deadline) -> Result<Reply, Problem> {
    let Some(decided_seq) = request.get("decided_seq").and_then(Value::as_u64) else {
        let detail = r#"Send {"approve": {"booking_id": "BS-…", "decided_seq": …}}; the booking's status says which decision that is"#;
        return Err(Problem::new(StatusCode::BAD_REQUEST, "No decision is named", detail));
    };
    let booking_id = booking_id(request.get("booking_id").and_then(Value::as_str).unwrap_or_default())?;
    tracing::Span::current().record("booking_id", booking_id.as_str());
    Ok(approve_decision(app, &booking_id, decided_seq, door, deadline).await?.reply(app))
}

async fn approve_decision(
    app: &App,
    booking_id: &BookingId,
    decided_seq: u64,
    door: Door<'_>,
    deadline: &Deadline,
) -> Result<Progress, Problem> {
    let note = door.note(format!("approve decision {decided_seq}"), deadline.now());
    let lease = app.lease(deadline).noting(note);
    let claimed = app.ledger.claim_approved(booking_id, decided_seq, &lease, deadline).await;
    if let Some(claim) = claimed.map_err(ledger_unavailable)? {
        let id = booking_id.as_str();
        tracing::info!(booking_id = id, decided_seq, "{id}: a person approved decision {decided_seq}");
        return resume(app, claim, Trigger::Operator, deadline).await;
    }
    let record = app.ledger.state(booking_id, deadline).await.map_err(ledger_unavailable)?;
    Err(record.map_or_else(|| no_such_booking(booking_id), |record| refused(&record, decided_seq)))
}

fn refused(record: &BookingRecord, seen: u64) -> Problem {
    match &record.decision {
        Some(decision) if decision.seq == seen => at_work(record),
        decision => {
            let newest = decision.as_ref().map_or_else(
                || "nothing was decided".to_owned(),
                |decision| format!("the newest decision is {}: {}", decision.seq, decision.status.name()),
            );
            let detail =
                format!("You saw decision {seen} of {}, and {newest}. Look again, then decide", record.booking_id);
            Problem::new(StatusCode::CONFLICT, "Something else was decided since", detail)
        }
    }
}
