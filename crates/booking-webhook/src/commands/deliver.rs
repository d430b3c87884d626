//! A webhook delivery: verified before anything of it is parsed, then read, recorded and brought in step.

use http::{Method, StatusCode};
use jiff::Timestamp;
use lambda_http::Request;
use serde_json::Value;

use crate::{
    booking::Snapshot,
    commands::accept::{Incoming, accept},
    inbound::{Age, Fault, Mapping, SignatureError},
    ledger::{Delivery, DeliveryId, Origin, SnapshotVersion, digest},
    outbound::Deadline,
    response::{Problem, Reply, ledger_unavailable},
    runtime::{app::App, metrics::Metric},
};

const WEBHOOK_PATH: &str = "/webhooks/boatsetter";
const LARGEST_BODY_BYTES: usize = 256 * 1024;

/// Accepts what API Gateway hands over.
///
/// # Errors
/// [`Problem`] for what is not authentic, too large, unreadable, or could not be recorded.
pub async fn deliver(app: &App, request: &Request, age: Age, deadline: &Deadline) -> Result<Reply, Problem> {
    let path = request.uri().path();
    if !path.ends_with(WEBHOOK_PATH) {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "There is nothing here",
            format!("Post deliveries to {WEBHOOK_PATH}"),
        ));
    }
    if request.method() != Method::POST {
        return Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "Deliveries are posted", "Use POST"));
    }
    let body: &[u8] = request.body();
    if body.len() > LARGEST_BODY_BYTES {
        let detail = format!("A delivery is at most {LARGEST_BODY_BYTES} bytes; this one has {}", body.len());
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large", detail));
    }
    verify(app, request, body, age, deadline).await?;
    let received_at = received_at(deadline);
    let header = request.headers().get("webhook-id").and_then(|id| id.to_str().ok());
    match read(app, Origin::Webhook, body, received_at) {
        Ok(Read { snapshot, as_of, name }) => {
            let name = header.map(str::to_owned).or(name).unwrap_or_else(|| digest(body));
            let (origin, order) = (Origin::Webhook, SnapshotVersion::of(&snapshot, as_of));
            let incoming = Incoming { snapshot: &snapshot, name: &name, body, origin, received_at, order };
            Ok(accept(app, &incoming, deadline).await?.reply(app))
        }
        Err(faults) => Err(quarantine(app, header.unwrap_or("unnamed"), body, faults, deadline).await),
    }
}

/// An authentic delivery that cannot be read, or must not be: it is kept for good, so that it can be replayed when what was wrong is mended.
async fn quarantine(app: &App, name: &str, body: &[u8], faults: Vec<Fault>, deadline: &Deadline) -> Problem {
    let id = DeliveryId::quarantined(name, body);
    let (origin, received_at) = (Origin::Webhook, received_at(deadline));
    let delivery = Delivery { id: id.clone(), body: body.to_vec(), origin, received_at, says: None };
    if let Err(error) = app.ledger.quarantine(&delivery, deadline).await {
        return ledger_unavailable(error);
    }
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    tracing::error!(delivery_id = %id, ?pointers, "a delivery cannot be read, and is kept in quarantine");
    Problem { delivery_id: Some(id.to_string()), ..Problem::faulty(faults) }
}

/// When no secret fits, or the scheme does not, they may have been rotated since they were read: they are read again and the check is
/// repeated.
async fn verify(app: &App, request: &Request, body: &[u8], age: Age, deadline: &Deadline) -> Result<(), Problem> {
    let now = (app.clock)();
    let secrets = app.secrets.current();
    let mut outcome = secrets.webhook.verify(request.headers(), body, now, age);
    if matches!(outcome, Err(SignatureError::NoMatch | SignatureError::Header(_))) {
        outcome = app.secrets.newer_than(&secrets, deadline).await.webhook.verify(request.headers(), body, now, age);
    }
    // What a person delivers again says nothing about who sends to us.
    if age == Age::Fresh {
        let metric = if outcome.is_ok() { Metric::AuthenticDeliveries } else { Metric::SignatureFailures };
        app.metrics.count(metric);
    }
    outcome.map_err(|error| {
        tracing::warn!(%error, "a delivery was not authentic");
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "The delivery is not authentic",
            format!("{error}; nothing was recorded"),
        )
    })
}

/// As the ledger keeps it, so that a replay finds the same place for the same body.
pub(super) fn received_at(deadline: &Deadline) -> Timestamp {
    let now = deadline.now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

/// What a body says.
#[derive(Debug)]
pub struct Read {
    /// The booking.
    pub snapshot: Snapshot,
    /// When that came to hold: by the sender, or by the time at which a person entered it.
    pub as_of: Timestamp,
    /// What the sender calls the event.
    pub name: Option<String>,
}

/// Reads a body as whoever sent it writes it.
///
/// # Errors
/// Everything that is wrong with it, by JSON pointer.
pub fn read(app: &App, origin: Origin, body: &[u8], received_at: Timestamp) -> Result<Read, Vec<Fault>> {
    let not_json = |error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        let detail = format!("must be JSON: it breaks at line {line}, column {column}");
        vec![Fault { pointer: String::new(), detail }]
    };
    // Not `received_at`: what lay ahead then may have come by now.
    let now = (app.clock)();
    let json: Value = serde_json::from_slice(body).map_err(not_json)?;
    let received = match origin {
        Origin::Webhook => app.mapping.read(&json, &app.operator, now)?,
        Origin::Person => Mapping::canonical_at("/booking").read(&json, &app.operator, now)?,
    };
    tracing::Span::current().record("booking_id", received.snapshot.booking_id.as_str());
    let as_of = received.as_of(received_at);
    Ok(Read { snapshot: received.snapshot, as_of, name: received.event_id })
}
