//! A person's own entry of a booking.

use lambda_http::Context;

use crate::{
    commands::{
        accept::{Incoming, accept},
        deliver::{Read, read, received_at},
    },
    inbound::Fault,
    ledger::{Origin, SnapshotVersion, digest},
    outbound::Deadline,
    response::{Problem, Reply},
    runtime::app::App,
};

/// A person enters a booking, whose time is the invocation's.
pub async fn enter(app: &App, event: &[u8], context: &Context, deadline: &Deadline) -> Result<Reply, Problem> {
    let received_at = received_at(deadline);
    let read = read(app, Origin::Person, event, received_at);
    let Read { snapshot, as_of, .. } = read.map_err(rejected)?;
    let name = if context.request_id.is_empty() { digest(event) } else { context.request_id.clone() };
    let (origin, order) = (Origin::Person, SnapshotVersion::of(&snapshot, as_of));
    let incoming = Incoming { snapshot: &snapshot, name: &name, body: event, origin, received_at, order };
    Ok(accept(app, &incoming, deadline).await?.reply(app))
}

/// Pointers only: what stands at them could be personal.
pub(super) fn rejected(faults: Vec<Fault>) -> Problem {
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    tracing::warn!(?pointers, "a booking cannot be read");
    Problem::faulty(faults)
}
