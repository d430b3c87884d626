//! A person's own entry of a booking.

use lambda_http::Context;
use serde_json::Value;

use crate::{
    commands::{
        accept::{Incoming, accept},
        deliver::received_at,
    },
    inbound::{Fault, Mapping},
    ledger::{Origin, SnapshotVersion, digest},
    outbound::Deadline,
    response::{Problem, Reply},
    runtime::app::App,
};

/// A person enters a booking, whose time is the invocation's.
pub async fn enter(app: &App, event: &Value, context: &Context, deadline: &Deadline) -> Result<Reply, Problem> {
    let received_at = received_at(deadline);
    let mapping = Mapping::canonical_at("/booking");
    let received = mapping.read(event, &app.operator, (app.clock)()).map_err(rejected)?;
    let snapshot = &received.snapshot;
    tracing::Span::current().record("booking_id", snapshot.booking_id.as_str());
    let body = event.to_string();
    let name = if context.request_id.is_empty() { digest(body.as_bytes()) } else { context.request_id.clone() };
    let (origin, order) = (Origin::Person, SnapshotVersion::of(snapshot, received.as_of(received_at)));
    let incoming = Incoming { snapshot, name: &name, body: body.as_bytes(), origin, received_at, order };
    Ok(accept(app, &incoming, deadline).await?.reply(app))
}

/// Pointers only: what stands at them could be personal.
pub(super) fn rejected(faults: Vec<Fault>) -> Problem {
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    tracing::warn!(?pointers, "a booking cannot be read");
    Problem::faulty(faults)
}
