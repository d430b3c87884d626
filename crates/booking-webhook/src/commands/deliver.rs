//! A webhook delivery: verified before anything of it is parsed, then read, recorded and brought in step.

use http::{Method, StatusCode};
use jiff::Timestamp;
use lambda_http::Request;
use serde_json::Value;

use crate::{
    booking::{BookingId, Field},
    commands::accept::{Incoming, Source, accept},
    inbound::{Age, Fault, Mapping, Received, SignatureError},
    ledger::{Delivery, DeliveryId, TooLarge, digest},
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
    let read = read(app, SENDER, body);
    let name = match &read {
        Ok(received) => header.map(str::to_owned).or(received.event_id.clone()).unwrap_or_else(|| digest(body)),
        Err(_) => header.map_or_else(|| digest(body), str::to_owned),
    };
    let delivery = Delivery::new(DeliveryId::new(SENDER, &name, body), body, received_at).map_err(too_large)?;
    match read {
        Ok(Received { snapshot, event_created_at, .. }) => {
            let (snapshot, delivery) = (&snapshot, &delivery);
            let incoming = Incoming { snapshot, event_created_at, delivery, source: Source::Sender };
            let progress = accept(app, &incoming, deadline).await?;
            Ok(progress.reply(app))
        }
        Err(faults) => {
            let why = serde_json::to_string(&faults).expect("faults have text keys and serialise");
            let delivery = delivery.not_understood(why, booking_named_in(app, body));
            Err(quarantine(app, &delivery, faults, deadline).await)
        }
    }
}

/// A body that is too large for the ledger, although it is authentic.
pub(super) fn too_large(error: TooLarge) -> Problem {
    tracing::error!(%error, "a delivery is too large to be kept: ask the sender for smaller ones");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large", error.to_string())
}

/// An authentic delivery that cannot be read, or must not be: it is kept for good, so that it can be replayed when what was wrong is mended.
async fn quarantine(app: &App, delivery: &Delivery, faults: Vec<Fault>, deadline: &Deadline) -> Problem {
    if let Err(error) = app.ledger.quarantine(delivery, deadline).await {
        return ledger_unavailable(error);
    }
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    tracing::error!(delivery_id = %delivery.id, ?pointers, "a delivery cannot be read, and is kept in quarantine");
    Problem { delivery_id: Some(delivery.id.to_string()), ..Problem::faulty(faults) }
}

/// The booking that a body names, although not all of it can be read.
fn booking_named_in(app: &App, body: &[u8]) -> Option<BookingId> {
    let json: Value = serde_json::from_slice(body).ok()?;
    BookingId::parse(json.pointer(&app.mapping.pointer(Field::Id))?.as_str()?).ok()
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

/// Who sends what people enter, among the senders of deliveries.
pub(super) const PERSON: &str = "person";
const SENDER: &str = "boatsetter";

/// Reads a body as its sender writes it.
///
/// # Errors
/// Everything that is wrong with it, by JSON pointer.
pub(super) fn read(app: &App, sender: &str, body: &[u8]) -> Result<Received, Vec<Fault>> {
    let not_json = |error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        let detail = format!("must be JSON: it breaks at line {line}, column {column}");
        vec![Fault { pointer: String::new(), detail }]
    };
    // The time of reading: what lay ahead when it came in may have come by now.
    let now = (app.clock)();
    let json: Value = serde_json::from_slice(body).map_err(not_json)?;
    let received = match sender {
        PERSON => Mapping::canonical_at("/booking").read(&json, &app.operator, now)?,
        _ => app.mapping.read(&json, &app.operator, now)?,
    };
    tracing::Span::current().record("booking_id", received.snapshot.booking_id.as_str());
    Ok(received)
}
