//! What the page asks for, and what its buttons do.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Json, Path, State},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use simulators::traffic::Call;

use super::{About, Desk, Entry, Kind, NotSent, REDRIVE_BASE, SETTLE, SWEEP_EVERY, console, weather::Script};

const CALLS_SHOWN: usize = 400;
const BODY_SHOWN_CHARACTERS: usize = 4_000;

pub(super) fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/", get(|| async { Html(include_str!("page.html")) }))
        .route("/state", get(state))
        .route("/timeline/{booking_id}", get(timeline))
        .route("/send/{kind}", post(send))
        // The front door limits the body's length.
        .route("/post/{sender}", post(super::post::post).layer(DefaultBodyLimit::disable()))
        .route("/sweep", post(sweep))
        .route("/replay", post(replay))
        .route("/approve", post(approve))
        .route("/fault", post(fail))
        .route("/heal", post(heal))
        .with_state(desk)
}

async fn state(State(desk): State<Arc<Desk>>) -> Json<Value> {
    desk.overhear();
    let rehearsal = &desk.rehearsal;
    let office = rehearsal.cloud.office.mails().await.unwrap_or_default(); // A page of a broken emulator shows the rest.
    let calls = rehearsal.traffic.calls();
    let kinds = Kind::ALL.map(|kind| json!({ "kind": kind, "label": kind.label(), "follows": kind.follows() }));
    Json(json!({
        "kinds": kinds,
        "senders": desk.senders,
        "pace": {
            "settle_seconds": SETTLE.as_secs(),
            "redrive_base_seconds": REDRIVE_BASE.as_secs(),
            "sweep_every_seconds": SWEEP_EVERY.as_secs(),
        },
        "weather": desk.weather.now(),
        "addresses": console::addresses(rehearsal),
        "entries": desk.logbook.entries(),
        "calendar": rehearsal.calendar.entries(),
        "crew_events": rehearsal.scc.events().await,
        "mailbox": rehearsal.scc.mailbox(),
        "office_mailbox": office,
        "desk": desk.whole_desk,
        "quarantine": desk.logbook.quarantined(),
        "calls": calls[calls.len().saturating_sub(CALLS_SHOWN)..].iter().map(shown).collect::<Vec<_>>(),
    }))
}

/// A call without its headers, which hold keys, and without the end of a long body.
fn shown(call: &Call) -> Value {
    json!({
        "sequence": call.sequence,
        "at": call.at,
        "service": call.service,
        "operation": call.operation,
        "status": call.status,
        "milliseconds": call.milliseconds,
        "fault": call.fault,
        "request_body": call.request_body.chars().take(BODY_SHOWN_CHARACTERS).collect::<String>(),
    })
}

async fn timeline(State(desk): State<Arc<Desk>>, Path(booking_id): Path<String>) -> Response {
    let Some(lookout) = &desk.lookout else {
        return (StatusCode::NOT_FOUND, "There is no function to ask.").into_response();
    };
    match lookout.timeline(&booking_id).await {
        Ok(timeline) => Json(timeline).into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

async fn send(State(desk): State<Arc<Desk>>, Path(kind): Path<Kind>, Json(about): Json<About>) -> Response {
    match desk.send(kind, about.booking_id.as_deref()).await {
        Ok(entry) => Json(entry).into_response(),
        Err(reason) => (StatusCode::CONFLICT, reason.to_string()).into_response(),
    }
}

async fn sweep(State(desk): State<Arc<Desk>>) -> Json<Entry> {
    Json(desk.invoke("Sweep, by hand", About::default(), &json!({ "sweep": {} })).await)
}

async fn replay(State(desk): State<Arc<Desk>>, Json(about): Json<About>) -> Response {
    let named = match &about {
        About { delivery_id: Some(id), .. } => json!({ "delivery_id": id }),
        About { booking_id: Some(id), .. } => json!({ "booking_id": id }),
        About { .. } => return (StatusCode::CONFLICT, NotSent::NothingBefore.to_string()).into_response(),
    };
    Json(desk.invoke("Replay, by a person", about, &json!({ "replay": named })).await).into_response()
}

/// Which decision a person saw and approves.
#[derive(Deserialize)]
struct Approval {
    booking_id: String,
    decided_seq: u64,
}

async fn approve(State(desk): State<Arc<Desk>>, Json(approval): Json<Approval>) -> Json<Entry> {
    let Approval { booking_id, decided_seq } = approval;
    let payload = json!({ "approve": { "booking_id": booking_id, "decided_seq": decided_seq } });
    Json(desk.invoke("Approval, by a person", About::booking(&booking_id), &payload).await)
}

async fn fail(State(desk): State<Arc<Desk>>, Json(script): Json<Script>) -> StatusCode {
    desk.weather.turn(script, &desk.rehearsal.traffic, &desk.rehearsal.cloud);
    StatusCode::NO_CONTENT
}

async fn heal(State(desk): State<Arc<Desk>>) -> StatusCode {
    desk.weather.clear(&desk.rehearsal.traffic);
    StatusCode::NO_CONTENT
}
