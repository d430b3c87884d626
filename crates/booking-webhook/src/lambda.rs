//! Tells the kinds of invocation apart and hands each to its command.
//!
//! An API Gateway event, however it arrives, is always verified. Everything else is a direct invocation: IAM decided who may send one. The
//! difference is the event's shape, never a path: a path is the caller's to choose.

use http::{Response, StatusCode, header};
use lambda_http::{Body, Context, Request, RequestExt, request::RequestContext};
use tracing::Instrument;

use crate::{
    commands::{
        accept::Upon, approve::approve, audit::audit, check::check, deliver::deliver, desk, dismiss::dismiss,
        door::Door, enter::enter, list::list, plan::plan, quarantine::quarantine, replay::replay, status::status,
        sweep::sweep,
    },
    inbound::{Age, parse_body},
    outbound::Deadline,
    response::{Problem, Reply},
    runtime::{app::App, telemetry::invocation_span},
};

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
        match desk::segments(request.uri().path()) {
            Some(segments) => Ok(desk::visit(app, request, &segments, context, &deadline).await),
            None => deliver(app, request, Age::Fresh, &deadline).await,
        }
    } else {
        direct(app, request.body(), context, &deadline).await
    };
    outcome.unwrap_or_else(Reply::Problem)
}

/// A direct invocation: an object with exactly one key, which says what to do.
async fn direct(app: &App, event: &[u8], context: &Context, deadline: &Deadline) -> Result<Reply, Problem> {
    let json = parse_body(event, None).map_err(|error| unknown_kind(&error))?;
    let kind = json.as_object().filter(|keys| keys.len() == 1).and_then(|keys| keys.iter().next());
    if let (Some(fault), Some(("booking" | "plan" | "replay" | "approve" | "sweep" | "audit", _))) =
        (&app.operator_fault, kind.map(|(kind, content)| (kind.as_str(), content)))
    {
        return Err(without_operator_file(fault));
    }
    match kind.map(|(kind, content)| (kind.as_str(), content)) {
        // A person enters a booking: the canonical booking object.
        Some(("booking", _)) => enter(app, &json, Upon::Newest, context, deadline).await,
        Some(("plan", _)) => plan(app, &json, deadline).await,
        // A captured API Gateway event, delivered again: its signature must fit, its age does not count.
        Some(("deliver", captured)) => {
            let captured = lambda_http::request::from_str(&captured.to_string());
            let captured = captured
                .ok()
                .filter(is_api_gateway)
                .ok_or_else(|| unknown_kind("deliver holds no API Gateway event"))?;
            deliver(app, &captured, Age::Any, deadline).await
        }
        Some(("replay", request)) => replay(app, request, Door::Command, deadline).await,
        Some(("approve", request)) => approve(app, request, Door::Command, deadline).await,
        Some(("dismiss", request)) => dismiss(app, request, Door::Command, deadline).await,
        Some(("desk_link", request)) => desk::link(app, request, deadline).await,
        Some(("list", request)) => list(app, request, deadline).await,
        Some(("quarantine", request)) => quarantine(app, request, deadline).await,
        Some(("status", request)) => status(app, request, deadline).await,
        // After a deployment, or when a secret was rotated.
        Some(("check", _)) => Ok(Box::pin(check(app, deadline)).await),
        // What the schedule sends at night.
        Some(("audit", request)) => Box::pin(audit(app, request, app.lambda_remaining(context.deadline))).await,
        // What the schedule sends.
        Some(("sweep", _)) => sweep(app, &context.request_id, app.lambda_remaining(context.deadline)).await,
        _ => Err(unknown_kind("the event is neither")),
    }
}

fn is_api_gateway(request: &Request) -> bool {
    matches!(request.request_context_ref(), Some(RequestContext::ApiGatewayV1(_) | RequestContext::ApiGatewayV2(_)))
}

/// With the defaults in its place every charter would be changed to them.
fn without_operator_file(fault: &str) -> Problem {
    tracing::error!(fault, "no booking can be processed: the operator file cannot be used");
    let detail = format!("Mend it, then start the function anew: {fault}");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "The operator file cannot be used", detail)
}

fn unknown_kind(why: &str) -> Problem {
    let detail = format!(
        "Send an API Gateway event, or an object with exactly one of the keys booking, plan, deliver, replay, approve, dismiss, desk_link, list, quarantine, status, check, audit and sweep: {why}"
    );
    Problem::new(StatusCode::BAD_REQUEST, "The invocation is of no known kind", detail)
}

fn respond(reply: &Reply) -> Response<Body> {
    let status = reply.status();
    let response = Response::builder().status(status).header(header::CONTENT_TYPE, reply.content_type());
    let response = match reply {
        Reply::Page { policy, .. } => for_people(response).header(header::CONTENT_SECURITY_POLICY, policy),
        Reply::SeeOther(place) => for_people(response).header(header::LOCATION, place),
        Reply::Answer(_) | Reply::Document(_) | Reply::Report { .. } | Reply::Problem(_) => response,
    };
    let response = if status == StatusCode::SERVICE_UNAVAILABLE {
        response.header(header::RETRY_AFTER, RETRY_AFTER_SECONDS)
    } else {
        response
    };
    response.body(Body::Text(reply.body())).expect("a known status and constant headers make a response")
}

/// Nobody keeps a page, and nobody hears from it where its reader was: its address opens it.
fn for_people(response: http::response::Builder) -> http::response::Builder {
    response
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::REFERRER_POLICY, "no-referrer")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header("x-robots-tag", "noindex, nofollow")
}
