//! A person's own entry of a booking.

use http::StatusCode;
use lambda_http::Context;
use serde_json::Value;

use crate::{
    commands::{
        accept::{Incoming, Source, Upon, accept},
        intake::{PERSON, received_at},
    },
    inbound::{Fault, Mapping, Received},
    ledger::{Delivery, DeliveryId, digest},
    outbound::Deadline,
    response::{Problem, Reply},
    runtime::app::App,
};

/// A person enters a booking, whose time is the invocation's, upon what they saw.
///
/// # Errors
/// [`Problem`] 422 for a booking that cannot be read, 409 when something else came in, and what the ledger comes to.
pub(crate) async fn enter(
    app: &App,
    event: &Value,
    upon: Upon,
    context: &Context,
    deadline: &Deadline,
) -> Result<Reply, Problem> {
    let received = read(app, event).map_err(rejected)?;
    let snapshot = &received.snapshot;
    tracing::Span::current().record("booking_id", snapshot.booking_id.as_str());
    let body = event.to_string();
    let name = if context.request_id.is_empty() { digest(body.as_bytes()) } else { context.request_id.clone() };
    let delivery =
        Delivery::new(DeliveryId::new(PERSON, &name, body.as_bytes()), body.as_bytes(), received_at(deadline));
    let delivery = &delivery
        .map_err(|error| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "The booking is too large", error.to_string()))?;
    let incoming = Incoming { snapshot, event_created_at: None, delivery, source: Source::Entry(upon) };
    Ok(accept(app, &incoming, deadline).await?.reply(app))
}

/// Why a person's entry cannot be read, before anything is done.
///
/// # Errors
/// Every fault in it.
pub(super) fn readable(app: &App, event: &Value) -> Result<(), Vec<Fault>> {
    read(app, event).map(|_| ())
}

fn read(app: &App, event: &Value) -> Result<Received, Vec<Fault>> {
    Mapping::canonical_at("/booking").read(event, &app.operator, (app.clock)())
}

/// Pointers only: what stands at them could be personal.
pub(super) fn rejected(faults: Vec<Fault>) -> Problem {
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    tracing::warn!(?pointers, "a booking that a person entered cannot be read");
    Problem::faulty(faults)
}
