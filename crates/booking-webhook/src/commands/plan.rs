//! A dry run: what would be sent where, and nothing sent.

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    booking::{Booking, BookingId, BookingStatus, CharterId, Sale, Snapshot, Terms},
    commands::enter::rejected,
    inbound::Mapping,
    response::{Problem, Reply},
    runtime::{app::App, secrets::SecretFault},
    systems::{
        calendar::Entry,
        guest_page::{Address, PageInput},
        scc::Event,
    },
};

/// What each system would be sent for this booking. Needs no outside call, and shows no token.
pub fn plan(app: &App, booking: &Booking, address: &Address) -> Result<Reply, Problem> {
    let charter = &booking.charter;
    let secrets = app.secrets.current();
    let calendar_url = secrets.calendar.as_ref().map(|secret| format!("{}/calendar", secret.content.url));
    let scc_url = secrets.scc.as_ref().map(|secret| format!("{}/events", secret.content.url));
    let or_fault = |url: Result<String, &SecretFault>| url.unwrap_or_else(|fault| format!("not callable: {fault}"));
    let systems = app.systems();
    let uploads = systems.publisher.uploads(charter.id.as_str());
    let input = PageInput {
        charter,
        address,
        operator: &app.operator,
        cancelled: false,
        sequence: 0,
        changed_at: (app.clock)(),
        moved: None,
        uploads: uploads.as_ref(),
    };
    let page = systems.renderer.render(&input).map_err(|error| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The guest page cannot be rendered", error.to_string())
    })?;
    Ok(Reply::Document(json!({
        "booking_id": charter.booking_id.as_str(),
        "charter_id": charter.id.as_str(),
        "guest_page": address.url,
        "flags": booking.flags,
        "would_send": {
            "calendar": { "method": "POST", "url": or_fault(calendar_url), "body": Entry::of(booking, &address.url) },
            "crew_event": { "method": "POST", "url": or_fault(scc_url), "body": Event::of(charter, &address.url, None) },
            "guest_page": {
                "bucket": app.config.guest_page.bucket,
                "objects": { &address.key: page.html, &address.calendar_key: page.calendar },
                "invalidate": address.paths(),
            },
        },
    })))
}

/// The plan of a booking that does not stand: nothing would be sent, and why.
pub fn plan_nothing(booking_id: &BookingId, charter_id: &CharterId, address: &Address, why: &str) -> Reply {
    Reply::Document(json!({
        "booking_id": booking_id.as_str(),
        "charter_id": charter_id.as_str(),
        "guest_page": address.url,
        "flags": [],
        "would_send": {},
        "because": why,
    }))
}

/// What a booking would lead to, with nothing sent.
pub fn dry_run(app: &App, event: &Value) -> Result<Reply, Problem> {
    let mapping = Mapping::canonical_at("/plan/booking");
    let Snapshot { booking_id, status, sale, .. } =
        mapping.read(event, &app.operator, (app.clock)()).map_err(rejected)?.snapshot;
    tracing::Span::current().record("booking_id", booking_id.as_str());
    let why = match (status, sale) {
        (BookingStatus::Confirmed, Some(sale)) => {
            let (booking, address) = confirm(app, &mapping, booking_id, *sale)?;
            return plan(app, &booking, &address);
        }
        (BookingStatus::Cancelled, _) => {
            "the booking is cancelled: systems that show it would be told so, and nothing else"
        }
        (BookingStatus::Confirmed | BookingStatus::Inconclusive, _) => {
            "the booking's status decides nothing: only a confirmed or approved booking is sent anywhere"
        }
    };
    let charter_id = charter_id(app, &booking_id);
    let address = Address::of(&charter_id, &app.config.guest_page);
    Ok(plan_nothing(&booking_id, &charter_id, &address, why))
}

fn confirm(app: &App, mapping: &Mapping, booking_id: BookingId, sale: Sale) -> Result<(Booking, Address), Problem> {
    let id = charter_id(app, &booking_id);
    let terms = Terms::resolve(&sale.boat, &sale.assigned, &app.operator);
    let terms = terms.map_err(|faults| rejected(mapping.locate(faults)))?;
    let booking = Booking::assemble(booking_id, sale, terms, &app.operator, id);
    let address = Address::of(&booking.charter.id, &app.config.guest_page);
    Ok((booking, address))
}

fn charter_id(app: &App, booking_id: &BookingId) -> CharterId {
    let id = app.secrets.current().charter_id(booking_id);
    tracing::Span::current().record("charter_id", id.as_str());
    id
}
