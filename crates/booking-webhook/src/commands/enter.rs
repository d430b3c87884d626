//! A person's own entry of a booking.

use lambda_http::Context;

use crate::{
    commands::{
        accept::{Incoming, Source, accept},
        deliver::{PERSON, read, received_at, too_large},
    },
    inbound::Fault,
    ledger::{Delivery, DeliveryId, digest},
    outbound::Deadline,
    response::{Problem, Reply},
    runtime::app::App,
};

/// A person enters a booking, whose time is the invocation's.
pub async fn enter(app: &App, event: &[u8], context: &Context, deadline: &Deadline) -> Result<Reply, Problem> {
    let received = read(app, PERSON, event).map_err(rejected)?;
    let name = if context.request_id.is_empty() { digest(event) } else { context.request_id.clone() };
    let delivery = Delivery::new(DeliveryId::new(PERSON, &name, event), event, received_at(deadline));
    let delivery = delivery.map_err(too_large)?;
    let (snapshot, delivery) = (&received.snapshot, &delivery);
    let incoming = Incoming { snapshot, event_created_at: None, delivery, source: Source::Entry };
    Ok(accept(app, &incoming, deadline).await?.reply(app))
}

/// Pointers only: what stands at them could be personal.
pub(super) fn rejected(faults: Vec<Fault>) -> Problem {
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    tracing::warn!(?pointers, "a booking cannot be read");
    Problem::faulty(faults)
}
