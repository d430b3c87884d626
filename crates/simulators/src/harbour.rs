//! The harbour: the rehearsal as people see it, in a browser and in a terminal.
//!
//! Whoever is to trust the function wants to watch it work: one signed booking, the four systems side by side, each call on
//! the way, and what happens when one of them fails. Everything shown here is read from the stand-ins, never from what the
//! function says it did; its own answer stands beside that, to be compared.

pub mod console;
pub mod files;
pub mod inspection;
mod logbook;
mod marketplace;
#[cfg(test)]
mod tests;

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use axum::{
    Router,
    extract::{Json, Path, State},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;
pub use logbook::Delivery;
use logbook::Logbook;
use marketplace::Marketplace;
pub use marketplace::{Kind, NotSent};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    clock::Clock,
    front_door::{BodyEncoding, http_api_event},
    rehearsal::{Rehearsal, WEBHOOK_PATH},
    server::Server,
    traffic::{Call, Fault, Service, Traffic},
};

const CALLS_SHOWN: usize = 400;
const BODY_SHOWN_CHARACTERS: usize = 4_000;

/// The harbour page of one rehearsal. Dropping it takes the page down.
pub struct Harbour {
    server: Server,
    desk: Arc<Desk>,
}

/// What the page's routes share.
struct Desk {
    rehearsal: Arc<Rehearsal>,
    marketplace: Mutex<Marketplace>,
    logbook: Logbook,
}

impl Harbour {
    /// Serves the page on a free port.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn open(rehearsal: Arc<Rehearsal>) -> io::Result<Self> {
        let desk = Arc::new(Desk { rehearsal, marketplace: Mutex::default(), logbook: Logbook::default() });
        let router = Router::new()
            .route("/", get(|| async { Html(include_str!("harbour/page.html")) }))
            .route("/state", get(state))
            .route("/send/{kind}", post(send))
            .route("/fault", post(fail))
            .route("/heal", post(heal))
            .with_state(Arc::clone(&desk));
        Ok(Self { server: Server::start(router, Traffic::new(), |_| None).await?, desk })
    }

    /// The page's address.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Sends a message, as the page's buttons do.
    ///
    /// # Errors
    /// When there is nothing to send. A message that was sent and not answered is no error here.
    pub async fn send(&self, kind: Kind) -> Result<Delivery, NotSent> {
        self.desk.send(kind).await
    }

    /// The last message, signed now, as the event that API Gateway would make of it: a delivery to replay.
    #[must_use]
    pub fn captured(&self) -> Option<Value> {
        let message = lock(&self.desk.marketplace).last().cloned()?;
        let mut request = http::Request::post(WEBHOOK_PATH);
        for (name, value) in message.signed(self.desk.rehearsal.sender(), Clock::system().now()) {
            request = request.header(name, value);
        }
        let request = request.body(message.body.into()).expect("the headers are plain text");
        Some(http_api_event(&request, BodyEncoding::ByContentType))
    }
}

fn lock(marketplace: &Mutex<Marketplace>) -> MutexGuard<'_, Marketplace> {
    marketplace.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    async fn send(&self, kind: Kind) -> Result<Delivery, NotSent> {
        let at = Clock::system().now();
        let message = lock(&self.marketplace).say(kind, at)?;
        let mut delivery = self.logbook.open(kind, &message.booking_id, at);
        let since = Instant::now();
        match self.rehearsal.deliver_raw(&message.signed(self.rehearsal.sender(), at), message.body).await {
            Ok(answered) => {
                delivery.status = Some(answered.status);
                delivery.answer = Some(answered.body);
            }
            Err(error) => delivery.error = Some(error.to_string()),
        }
        delivery.milliseconds = u64::try_from(since.elapsed().as_millis()).ok();
        self.logbook.close(&delivery);
        Ok(delivery)
    }
}

async fn state(State(desk): State<Arc<Desk>>) -> Json<Value> {
    let rehearsal = &desk.rehearsal;
    let calls = rehearsal.traffic.calls();
    let kinds = Kind::ALL.map(|kind| json!({ "kind": kind, "label": kind.label(), "not_yet": kind.not_yet() }));
    Json(json!({
        "kinds": kinds,
        "addresses": console::addresses(rehearsal),
        "deliveries": desk.logbook.deliveries(),
        "calendar": rehearsal.calendar.entries(),
        "crew_events": rehearsal.scc.events().await,
        "mailbox": rehearsal.scc.mailbox(),
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

async fn send(State(desk): State<Arc<Desk>>, Path(kind): Path<Kind>) -> Response {
    match desk.send(kind).await {
        Ok(delivery) => Json(delivery).into_response(),
        Err(reason) => (StatusCode::CONFLICT, reason.to_string()).into_response(),
    }
}

/// What the page scripts.
#[derive(Deserialize)]
struct Script {
    service: Service,
    #[serde(default)]
    operation: String,
    fault: Fault,
    times: u32,
}

async fn fail(State(desk): State<Arc<Desk>>, Json(script): Json<Script>) -> StatusCode {
    desk.rehearsal.traffic.fail_next(script.service, &script.operation, script.fault, script.times);
    StatusCode::NO_CONTENT
}

async fn heal(State(desk): State<Arc<Desk>>) -> StatusCode {
    desk.rehearsal.traffic.heal();
    StatusCode::NO_CONTENT
}
