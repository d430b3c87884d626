//! A dry run: what would be sent where, and nothing sent.

use http::StatusCode;
use serde_json::json;

use crate::{
    app::App,
    booking::{BookingId, CharterId, Confirmed},
    calendar::Entry,
    guest_page::{Address, Edition},
    scc::Event,
    webhook::{Problem, Reply},
};

/// What each system would be sent for this booking. Needs no outside call, and shows no token.
pub fn plan(app: &App, booking: &Confirmed, address: &Address) -> Result<Reply, Problem> {
    let charter = &booking.charter;
    let secrets = app.secrets.current();
    let calendar_url = secrets.calendar.as_ref().map(|secret| format!("{}/calendar", secret.content.url));
    let scc_url = secrets.scc.as_ref().map(|secret| format!("{}/events", secret.content.url));
    let or_fault = |url: Result<String, &crate::secrets::SecretFault>| {
        url.unwrap_or_else(|fault| format!("not callable: {fault}"))
    };
    let systems = app.systems();
    let uploads = systems.publisher.uploads(charter.id.as_str());
    let edition = Edition {
        charter,
        address,
        operator: &app.operator,
        cancelled: false,
        sequence: 0,
        changed_at: (app.clock)(),
        moved: None,
        uploads: uploads.as_ref(),
    };
    let page = systems.renderer.render(&edition).map_err(|error| {
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
