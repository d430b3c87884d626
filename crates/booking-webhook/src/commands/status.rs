//! What happened to a booking and what happens next: a timeline.

use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    booking::{BookingId, CharterId},
    commands::{
        quarantine::{line, one, quarantined_of},
        replay::booking_id,
        work::Progress,
    },
    ledger::{BookingRecord, DeliverySummary, OfficeAct, Step},
    outbound::Deadline,
    reconcile::desired::DesiredState,
    response::{Problem, Reply, ledger_unavailable, no_such_booking},
    runtime::app::App,
    systems::guest_page::Address,
};

/// One line of the timeline.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub(super) at: Timestamp,
    /// The same at the dock.
    pub(super) local: String,
    /// `delivery`, `step`, `office` for what people decided, or `planned` for what is still to come.
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) step: Option<Step>,
    pub(super) what: String,
    /// For a replay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) delivery_id: Option<String>,
}

/// Answers `{"booking_id": …}`, `{"charter_id": …}` or `{"delivery_id": …}` with the booking's state and timeline, and with what waits in
/// quarantine for it. Changes nothing.
///
/// # Errors
/// [`Problem`] 400 when no booking is named, 404 when the ledger does not know it, 503 when it cannot be reached.
pub(crate) async fn status(app: &App, request: &Value, deadline: &Deadline) -> Result<Reply, Problem> {
    let named = |key: &str| request.get(key).and_then(Value::as_str);
    let booking_id = match (named("charter_id"), named("delivery_id")) {
        (None, None) => booking_id(named("booking_id").unwrap_or_default())?,
        (Some(id), _) => of_charter(app, id, deadline).await?,
        (None, Some(id)) => match of_delivery(app, id, deadline).await? {
            Of::Booking(booking_id) => booking_id,
            Of::Quarantine(document) => return Ok(Reply::Document(document)),
        },
    };
    tracing::Span::current().record("booking_id", booking_id.as_str());
    tracing::info!("asked for its status");
    let (state, deliveries) =
        tokio::join!(app.ledger.state(&booking_id, deadline), app.ledger.deliveries(&booking_id, deadline));
    let record = state.map_err(ledger_unavailable)?;
    let quarantined = quarantined_of(app, &booking_id, deadline).await.map_err(ledger_unavailable)?;
    let Some(record) = record else {
        // It was sold, but no delivery of it was understood.
        let waits = (!quarantined.is_empty())
            .then(|| json!({ "booking_id": booking_id.as_str(), "state": "quarantined", "quarantined": quarantined }));
        return waits.map(Reply::Document).ok_or_else(|| no_such_booking(&booking_id));
    };
    let timeline = timeline(app, &record, &deliveries.map_err(ledger_unavailable)?);
    let desired = DesiredState::of(&record, &app.operator, false);
    let address = Address::of(&record.charter_id, &app.config.guest_page);
    let lease = record.lease.as_ref().map(|lease| lease.until);
    let (newest, cancelled_at, due_at) = (record.status, record.cancelled_at, record.due_at);
    let (fence, seq) = (record.fence, record.seq);
    let starts_at = desired.booking().map(|booking| booking.charter.time.start().timestamp());
    let local = starts_at.map(|at| app.local(at));
    let dismissed = record.dismissed.clone().filter(|_| record.is_dismissed());
    let Progress { record, steps, state, .. } = Progress::seen(record);
    Ok(Reply::Document(json!({
        "booking_id": record.booking_id.as_str(),
        "charter_id": record.charter_id.as_str(),
        "state": state,
        "guest_page": address.url,
        "flags": desired.flags(&record),
        "newest_snapshot": { "says": newest, "as_of": record.version.as_ref().map(|version| version.changed_at.at()), "accepted": seq },
        "decided_seq": record.decision.as_ref().map(|decision| decision.seq),
        "starts_at": starts_at,
        "local": local,
        "dismissed": dismissed,
        "quarantined": quarantined,
        "cancelled_at": cancelled_at,
        "due_at": due_at,
        "worked_on_until": lease,
        "claims": fence,
        "steps": steps,
        "timeline": timeline,
    })))
}

/// The booking of a charter id, as it stands in links.
async fn of_charter(app: &App, id: &str, deadline: &Deadline) -> Result<BookingId, Problem> {
    let charter_id = CharterId::stored(id).ok_or_else(|| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "No charter is named",
            format!("{id} is no charter id: 8 digits and letters"),
        )
    })?;
    let booking_id = app.ledger.booking_with(&charter_id, deadline).await.map_err(ledger_unavailable)?;
    booking_id.ok_or_else(|| {
        let detail = format!("The ledger has no charter {id}; compare it with the end of the guest page's link");
        Problem::new(StatusCode::NOT_FOUND, "No such charter", detail)
    })
}

enum Of {
    Booking(BookingId),
    /// It was not understood: what is known of it.
    Quarantine(Value),
}

async fn of_delivery(app: &App, id: &str, deadline: &Deadline) -> Result<Of, Problem> {
    let (delivery_id, found) = one(app, id, deadline).await?;
    match &*found.bookings {
        [booking_id] if !found.waits && found.closed_because.is_none() => Ok(Of::Booking(booking_id.clone())),
        _ => {
            let state = if found.waits { "quarantined" } else { "closed" };
            let line = line(app, &delivery_id, &found);
            Ok(Of::Quarantine(json!({ "state": state, "closed_because": found.closed_because, "delivery": line })))
        }
    }
}

/// What was said, done and tried, and what is still to come, in the order of time.
pub(super) fn timeline(app: &App, record: &BookingRecord, deliveries: &[DeliverySummary]) -> Vec<Line> {
    let delivered = deliveries.iter().map(|delivery| {
        let says = delivery.says.map_or("nothing that could be read", |says| says.name());
        let as_of = delivery.as_of.map(|at| format!(", as of {at}")).unwrap_or_default();
        Line {
            at: delivery.received_at,
            local: app.local(delivery.received_at),
            kind: "delivery",
            step: None,
            what: format!("received: the booking is {says}{as_of}"),
            delivery_id: Some(delivery.id.to_string()),
        }
    });
    let done = record.history.entries().iter().map(|happened| Line {
        at: happened.at,
        local: app.local(happened.at),
        kind: "step",
        step: Some(happened.step),
        what: happened.what.clone(),
        delivery_id: None,
    });
    let steps = record.journal.steps();
    let planned = steps.each().into_iter().filter_map(|(step, known)| {
        let at = known.next_try_at?;
        let what = format!("try {} of it", known.attempts.saturating_add(1));
        Some(Line { at, local: app.local(at), kind: "planned", step: Some(step), what, delivery_id: None })
    });
    let acted = record.acts.entries.iter().map(|act| act_line(app, act));
    let mut lines: Vec<Line> = delivered.chain(done).chain(acted).chain(planned).collect();
    lines.sort_by_key(|line| line.at);
    lines
}

/// One act of the office.
pub(super) fn act_line(app: &App, act: &OfficeAct) -> Line {
    Line {
        at: act.at,
        local: app.local(act.at),
        kind: "office",
        step: None,
        what: format!("{}, by {}", act.what, act.by),
        delivery_id: None,
    }
}
