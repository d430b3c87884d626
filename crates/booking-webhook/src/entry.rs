//! Which kind of invocation it is, and what becomes of it.
//!
//! An API Gateway event, however it arrives, is always verified. Everything else is a direct invocation: IAM decided who may send one. The
//! difference is the event's shape, never a path: a path is the caller's to choose.

use http::{Method, Response, StatusCode, header};
use lambda_http::{Body, Context, Request, RequestExt, request::RequestContext};
use serde_json::Value;
use tracing::Instrument;

use crate::{
    app::App,
    booking::{BookingId, CharterId, Confirmed, Sale, Snapshot, Status, Terms},
    guest_page::Address,
    outbound::Deadline,
    plan::{plan, plan_nothing},
    reconcile::{StepReport, Steps, Work, bring_in_step},
    telemetry::invocation_span,
    webhook::{Age, Answer, Fault, Mapping, Problem, Reply, SignatureError, State},
};

const WEBHOOK_PATH: &str = "/webhooks/boatsetter";
const LARGEST_BODY_BYTES: usize = 256 * 1024;
const RETRY_AFTER_SECONDS: u32 = 60;

/// Handles one invocation of the function.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    let context: Context = request.lambda_context_ref().cloned().unwrap_or_default();
    let span = invocation_span(&context.request_id);
    let deadline = Deadline::after(app.time_for_calls(context.deadline));
    let reply = dispatch(app, &request, deadline).instrument(span).await;
    respond(&reply)
}

async fn dispatch(app: &App, request: &Request, deadline: Deadline) -> Reply {
    let outcome = if is_api_gateway(request) {
        webhook(app, request, Age::Fresh, deadline).await
    } else {
        direct(app, request.body(), deadline).await
    };
    outcome.unwrap_or_else(Reply::Problem)
}

/// A direct invocation: an object with exactly one key, which says what to do.
async fn direct(app: &App, event: &[u8], deadline: Deadline) -> Result<Reply, Problem> {
    let event: Value = serde_json::from_slice(event).map_err(|error| unknown_kind(&error.to_string()))?;
    let kind = event.as_object().filter(|keys| keys.len() == 1).and_then(|keys| keys.keys().next());
    match kind.map(String::as_str) {
        // A person enters a booking: the canonical booking object.
        Some("booking") => understand(app, &Mapping::canonical_at("/booking"), &event, deadline).await,
        Some("plan") => dry_run(app, &event),
        // A captured API Gateway event, delivered again: its signature must fit, whatever its age.
        Some("deliver") => {
            let captured = lambda_http::request::from_str(&event["deliver"].to_string());
            let captured = captured
                .ok()
                .filter(is_api_gateway)
                .ok_or_else(|| unknown_kind("deliver holds no API Gateway event"))?;
            webhook(app, &captured, Age::Any, deadline).await
        }
        _ => Err(unknown_kind("the event is neither")),
    }
}

fn is_api_gateway(request: &Request) -> bool {
    matches!(request.request_context_ref(), Some(RequestContext::ApiGatewayV1(_) | RequestContext::ApiGatewayV2(_)))
}

fn unknown_kind(why: &str) -> Problem {
    let detail = format!(
        "Send an API Gateway event, or an object with exactly one of the keys booking, plan and deliver: {why}"
    );
    Problem::new(StatusCode::BAD_REQUEST, "The invocation is of no known kind", detail)
}

/// A delivery: verified before anything of it is parsed.
async fn webhook(app: &App, request: &Request, age: Age, deadline: Deadline) -> Result<Reply, Problem> {
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
    let not_json = |error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        Problem::faulty(vec![Fault {
            pointer: String::new(),
            detail: format!("must be JSON: it breaks at line {line}, column {column}"),
        }])
    };
    let body = serde_json::from_slice(body).map_err(not_json)?;
    understand(app, &app.mapping, &body, deadline).await
}

/// When no secret fits, or the scheme does not, they may have been rotated since they were read: they are read again and the check is
/// repeated.
async fn verify(app: &App, request: &Request, body: &[u8], age: Age, deadline: Deadline) -> Result<(), Problem> {
    let now = (app.clock)();
    let secrets = app.secrets.current();
    let mut outcome = secrets.webhook.verify(request.headers(), body, now, age);
    if matches!(outcome, Err(SignatureError::NoMatch | SignatureError::Header(_))) {
        outcome = app.secrets.newer_than(&secrets, deadline).await.webhook.verify(request.headers(), body, now, age);
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

fn read(app: &App, mapping: &Mapping, body: &Value) -> Result<Snapshot, Problem> {
    let received = mapping.read(body, &app.operator).map_err(rejected)?;
    tracing::Span::current().record("booking_id", received.snapshot.booking_id.as_str());
    Ok(received.snapshot)
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

/// The snapshot decides what happens, not the event's name.
async fn understand(app: &App, mapping: &Mapping, body: &Value, deadline: Deadline) -> Result<Reply, Problem> {
    let Snapshot { booking_id, status, .. } = read(app, mapping, body)?;
    match status {
        Status::Standing(sale) => {
            let (booking, address) = confirm(app, mapping, booking_id, *sale)?;
            Ok(sail(app, &booking, &address, deadline).await)
        }
        Status::Off => {
            let manually = "cancellations are not carried out automatically yet";
            Ok(nothing_sent(app, &booking_id, Steps::all(&StepReport::parked("cancel", manually.into()))))
        }
        Status::Undecided => Ok(nothing_sent(app, &booking_id, Steps::all(&StepReport::not_needed()))),
    }
}

/// The same decision, with nothing sent.
fn dry_run(app: &App, event: &Value) -> Result<Reply, Problem> {
    let mapping = Mapping::canonical_at("/plan/booking");
    let Snapshot { booking_id, status, .. } = read(app, &mapping, event)?;
    let why = match status {
        Status::Standing(sale) => {
            let (booking, address) = confirm(app, &mapping, booking_id, *sale)?;
            return plan(app, &booking, &address);
        }
        Status::Off => {
            "the booking is off, and cancellations are not carried out automatically yet: a person makes them"
        }
        Status::Undecided => {
            "the booking's status decides nothing: only a confirmed or approved booking is sent anywhere"
        }
    };
    let charter_id = charter_id(app, &booking_id);
    let address = Address::of(&charter_id, &app.config.guest_page);
    Ok(plan_nothing(&booking_id, &charter_id, &address, why))
}

async fn sail(app: &App, booking: &Confirmed, address: &Address, deadline: Deadline) -> Reply {
    let now = (app.clock)();
    let work = Work { booking, address, now, fence: now.as_millisecond(), deadline };
    let steps = Box::pin(bring_in_step(&app.systems(), &work)).await;
    answer(&booking.charter.booking_id.to_string(), &booking.charter.id, address, booking.flags.clone(), steps)
}

fn nothing_sent(app: &App, booking_id: &BookingId, steps: Steps) -> Reply {
    let charter_id = charter_id(app, booking_id);
    let address = Address::of(&charter_id, &app.config.guest_page);
    answer(booking_id.as_str(), &charter_id, &address, Vec::new(), steps)
}

fn answer(
    booking_id: &str,
    charter_id: &CharterId,
    address: &Address,
    flags: Vec<crate::booking::Flag>,
    steps: Steps,
) -> Reply {
    let state = State::of(&steps);
    tracing::info!(?state, ?flags, "answered");
    Reply::Answer(Box::new(Answer {
        booking_id: booking_id.to_owned(),
        charter_id: charter_id.to_string(),
        state,
        guest_page: address.url.clone(),
        flags,
        steps,
    }))
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
