//! Which kind of invocation it is, and what becomes of it.
//!
//! An API Gateway event, however it arrives, is always verified. Everything else is a direct invocation: IAM decided who may send one. The
//! difference is the event's shape, never a path: a path is the caller's to choose.

use http::{Method, Response, StatusCode, header};
use jiff::Timestamp;
use lambda_http::{Body, Context, Request, RequestExt, request::RequestContext};
use serde_json::Value;
use tracing::Instrument;

use crate::{
    app::App,
    booking::{BookingId, CharterId, Confirmed, Sale, Snapshot, Status, Terms},
    check::check,
    guest_page::Address,
    intake::{Incoming, take_in, unreachable},
    ledger::{Delivery, DeliveryId, Order, Origin, digest},
    metrics::Metric,
    outbound::Deadline,
    plan::{plan, plan_nothing},
    replay::replay,
    status::status,
    sweep::sweep,
    telemetry::invocation_span,
    webhook::{Age, Fault, Mapping, Problem, Reply, SignatureError},
};

const WEBHOOK_PATH: &str = "/webhooks/boatsetter";
const LARGEST_BODY_BYTES: usize = 256 * 1024;
const RETRY_AFTER_SECONDS: u32 = 60;

/// Handles one invocation of the function.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    let context: Context = request.lambda_context_ref().cloned().unwrap_or_default();
    let span = invocation_span(&context.request_id);
    app.begin();
    let reply = Box::pin(dispatch(app, &request, &context)).instrument(span).await;
    respond(&reply)
}

async fn dispatch(app: &App, request: &Request, context: &Context) -> Reply {
    let deadline = Deadline::after(&app.clock, app.time_for_calls(context.deadline));
    let outcome = if is_api_gateway(request) {
        webhook(app, request, Age::Fresh, &deadline).await
    } else {
        direct(app, request.body(), context, &deadline).await
    };
    outcome.unwrap_or_else(Reply::Problem)
}

/// A direct invocation: an object with exactly one key, which says what to do.
async fn direct(app: &App, event: &[u8], context: &Context, deadline: &Deadline) -> Result<Reply, Problem> {
    let json: Value = serde_json::from_slice(event).map_err(|error| unknown_kind(&error.to_string()))?;
    let kind = json.as_object().filter(|keys| keys.len() == 1).and_then(|keys| keys.iter().next());
    match kind.map(|(kind, content)| (kind.as_str(), content)) {
        // A person enters a booking: the canonical booking object.
        Some(("booking", _)) => enter(app, event, context, deadline).await,
        Some(("plan", _)) => dry_run(app, &json),
        // A captured API Gateway event, delivered again: its signature must fit, whatever its age.
        Some(("deliver", captured)) => {
            let captured = lambda_http::request::from_str(&captured.to_string());
            let captured = captured
                .ok()
                .filter(is_api_gateway)
                .ok_or_else(|| unknown_kind("deliver holds no API Gateway event"))?;
            webhook(app, &captured, Age::Any, deadline).await
        }
        Some(("replay", request)) => replay(app, request, deadline).await,
        Some(("status", request)) => status(app, request, deadline).await,
        // After a deployment, or when a secret was rotated.
        Some(("check", _)) => Ok(Box::pin(check(app, deadline)).await),
        // What the schedule sends.
        Some(("sweep", _)) => sweep(app, &context.request_id, app.lambda_remaining(context.deadline)).await,
        _ => Err(unknown_kind("the event is neither")),
    }
}

fn is_api_gateway(request: &Request) -> bool {
    matches!(request.request_context_ref(), Some(RequestContext::ApiGatewayV1(_) | RequestContext::ApiGatewayV2(_)))
}

fn unknown_kind(why: &str) -> Problem {
    let detail = format!(
        "Send an API Gateway event, or an object with exactly one of the keys booking, plan, deliver, replay, status, check and sweep: {why}"
    );
    Problem::new(StatusCode::BAD_REQUEST, "The invocation is of no known kind", detail)
}

/// A delivery: verified before anything of it is parsed.
async fn webhook(app: &App, request: &Request, age: Age, deadline: &Deadline) -> Result<Reply, Problem> {
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
            let (origin, order) = (Origin::Webhook, Order::of(&snapshot, as_of));
            let incoming = Incoming { snapshot: &snapshot, name: &name, body, origin, received_at, order };
            Ok(take_in(app, &incoming, deadline).await?.reply(app))
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
        return unreachable(error);
    }
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    tracing::error!(delivery_id = %id, ?pointers, "a delivery cannot be read, and is kept in quarantine");
    Problem { delivery_id: Some(id.to_string()), ..Problem::faulty(faults) }
}

/// A person enters a booking, whose time is the invocation's.
async fn enter(app: &App, event: &[u8], context: &Context, deadline: &Deadline) -> Result<Reply, Problem> {
    let received_at = received_at(deadline);
    let read = read(app, Origin::Person, event, received_at);
    let Read { snapshot, as_of, .. } = read.map_err(rejected)?;
    let name = if context.request_id.is_empty() { digest(event) } else { context.request_id.clone() };
    let (origin, order) = (Origin::Person, Order::of(&snapshot, as_of));
    let incoming = Incoming { snapshot: &snapshot, name: &name, body: event, origin, received_at, order };
    Ok(take_in(app, &incoming, deadline).await?.reply(app))
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
fn received_at(deadline: &Deadline) -> Timestamp {
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

/// Pointers only: what stands at them could be personal.
fn rejected(faults: Vec<Fault>) -> Problem {
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    tracing::warn!(?pointers, "a booking cannot be read");
    Problem::faulty(faults)
}

fn confirm(app: &App, mapping: &Mapping, booking_id: BookingId, sale: Sale) -> Result<(Confirmed, Address), Problem> {
    let id = charter_id(app, &booking_id);
    let terms = Terms::resolve(&sale.boat, &sale.assigned, &app.operator);
    let terms = terms.map_err(|faults| rejected(mapping.locate(faults)))?;
    let booking = Confirmed::assemble(booking_id, sale, terms, &app.operator, id);
    let address = Address::of(&booking.charter.id, &app.config.guest_page);
    Ok((booking, address))
}

fn charter_id(app: &App, booking_id: &BookingId) -> CharterId {
    let id = app.secrets.current().charter_id(booking_id);
    tracing::Span::current().record("charter_id", id.as_str());
    id
}

/// What a booking would lead to, with nothing sent.
fn dry_run(app: &App, event: &Value) -> Result<Reply, Problem> {
    let mapping = Mapping::canonical_at("/plan/booking");
    let Snapshot { booking_id, status, .. } =
        mapping.read(event, &app.operator, (app.clock)()).map_err(rejected)?.snapshot;
    tracing::Span::current().record("booking_id", booking_id.as_str());
    let why = match status {
        Status::Standing(sale) => {
            let (booking, address) = confirm(app, &mapping, booking_id, *sale)?;
            return plan(app, &booking, &address);
        }
        Status::Off => "the booking is off: whatever shows it would be told so, and nothing else",
        Status::Undecided => {
            "the booking's status decides nothing: only a confirmed or approved booking is sent anywhere"
        }
    };
    let charter_id = charter_id(app, &booking_id);
    let address = Address::of(&charter_id, &app.config.guest_page);
    Ok(plan_nothing(&booking_id, &charter_id, &address, why))
}

fn respond(reply: &Reply) -> Response<Body> {
    let status = reply.status();
    let response = Response::builder().status(status).header(header::CONTENT_TYPE, reply.content_type());
    let response = if status == StatusCode::SERVICE_UNAVAILABLE {
        response.header(header::RETRY_AFTER, RETRY_AFTER_SECONDS)
    } else {
        response
    };
    response.body(Body::Text(reply.body())).expect("a known status and constant headers make a response")
}
