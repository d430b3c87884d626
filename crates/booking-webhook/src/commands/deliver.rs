//! A webhook delivery at the front door: whose it is, whether it is authentic (before anything of it is parsed), and what it is called.

use std::sync::Arc;

use http::{Method, StatusCode, header};
use lambda_http::Request;
use serde_json::json;

use crate::{
    commands::{
        accept::Source,
        intake::{accept_all, interpret, quarantine, received_at},
    },
    inbound::{Age, Mapping, Reading, Sender, SignatureError, Verifier},
    ledger::{Delivery, DeliveryId, TooLarge, digest},
    outbound::Deadline,
    response::{Problem, Reply},
    runtime::{
        app::App,
        metrics::Metric,
        secrets::{SecretFault, Secrets},
    },
};

const WEBHOOKS: &str = "/webhooks";
/// API Gateway takes ten; no booking needs one.
const LARGEST_BODY_BYTES: usize = 1024 * 1024;

/// Accepts what API Gateway hands over.
///
/// # Errors
/// [`Problem`] for what has no known sender, is not authentic, is too large, or could not be recorded.
pub(crate) async fn deliver(app: &App, request: &Request, age: Age, deadline: &Deadline) -> Result<Reply, Problem> {
    let sender = addressee(app, request)?;
    let verifier = authenticate(app, sender, request, age, deadline).await?;
    let body: &[u8] = request.body();
    if body.len() > LARGEST_BODY_BYTES {
        return Err(too_large(app, sender, body));
    }
    let reading = interpret(app, sender, body, request.headers());
    let event_id = match &reading {
        Ok(Reading::Bookings(bookings)) => bookings.iter().flatten().find_map(|received| received.event_id.clone()),
        _ => None,
    };
    let name = name(sender, &verifier, request, event_id.as_deref());
    let delivery = || {
        let id = DeliveryId::new(sender.name.as_str(), &name, body);
        let delivery = Delivery::new(id, body, received_at(deadline)).map_err(|error| unkept(app, sender, error))?;
        Ok(delivery.with_headers(headers(sender, request)))
    };
    match reading {
        Ok(Reading::Ignored { why }) => {
            app.metrics.count_of(Metric::IgnoredDeliveries, sender.name.as_str());
            tracing::info!(sender = %sender.name, why, "ignored a delivery that is not one of our bookings");
            Ok(Reply::Report { status: StatusCode::OK, document: json!({ "state": "ignored", "why": why }) })
        }
        Ok(Reading::Bookings(bookings)) => {
            let accepted = accept_all(app, &delivery()?, Source::Sender, bookings, deadline).await?;
            Ok(accepted.reply(app))
        }
        Err(faults) => {
            report_own_faults(app, sender);
            Ok(quarantine(app, &delivery()?, faults, deadline).await?.reply(app))
        }
    }
}

/// Why this delivery is not understood, if that is no fault of its own. Reading a kept one again says it in its answer.
fn report_own_faults(app: &App, sender: &Sender) {
    if let Err(fault) = &sender.mapping {
        tracing::error!(sender = %sender.name, fault, "this sender's mapping cannot be used");
    } else if let Some(fault) = &app.operator_fault {
        tracing::error!(fault, "the operator file cannot be used");
    }
}

/// What the sender calls a delivery: its signed id, else the event's, else what it says. A name that somebody else could have chosen would
/// make a captured request a new delivery.
fn name(sender: &Sender, verifier: &Verifier, request: &Request, event_id: Option<&str>) -> String {
    let vouched = verifier.vouches_for_headers();
    let from_header = sender.mapping.as_ref().is_ok_and(Mapping::event_id_is_in_a_header);
    let event_id = event_id.filter(|_| vouched || !from_header);
    let name = verifier.delivery_name(request.headers()).or(event_id);
    name.map_or_else(|| digest(request.body()), str::to_owned)
}

/// The headers without which the body cannot be read again.
fn headers(sender: &Sender, request: &Request) -> Vec<(String, String)> {
    let of_mapping = sender.mapping.iter().flat_map(Mapping::headers);
    let names = of_mapping.chain([&header::CONTENT_TYPE]);
    names
        .filter_map(|name| Some((name.as_str().to_owned(), request.headers().get(name)?.to_str().ok()?.to_owned())))
        .collect()
}

/// Who is meant to have sent it, by the path's last segment: any stage, with or without a slash at its end.
pub(super) fn addressee<'a>(app: &'a App, request: &Request) -> Result<&'a Sender, Problem> {
    let path = request.uri().path().trim_end_matches('/');
    let name = path.rsplit_once('/').filter(|(before, _)| before.ends_with(WEBHOOKS)).map(|(_, name)| name);
    let nothing = || {
        let detail = format!("Post deliveries to {WEBHOOKS}/{{sender}}; there is no such sender here");
        Problem::new(StatusCode::NOT_FOUND, "There is nothing here", detail)
    };
    let name = name.ok_or_else(nothing)?;
    let sender = match app.senders.get(name) {
        Some(sender) => sender,
        None if app.senders.are_complete() => return Err(nothing()),
        None => {
            tracing::error!("the mappings could not be listed: whether there is such a sender is not known");
            let detail = "Nothing was recorded; send it again later";
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "The senders are not known", detail));
        }
    };
    if request.method() != Method::POST {
        return Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "Deliveries are posted", "Use POST"));
    }
    Ok(sender)
}

/// When no secret fits, or the scheme does not, they may have been rotated since they were read: they are read again and the check is
/// repeated.
async fn authenticate(
    app: &App,
    sender: &Sender,
    request: &Request,
    age: Age,
    deadline: &Deadline,
) -> Result<Arc<Verifier>, Problem> {
    let now = (app.clock)();
    let check = |secrets: &Secrets| match secrets.webhooks.get(&sender.name) {
        Some(Ok(verifier)) => {
            let outcome = verifier.verify(request.headers(), request.body(), now, age);
            Ok(outcome.map(|()| verifier.clone()))
        }
        Some(Err(fault)) => Err(Some(fault.clone())),
        None => Err(None),
    };
    let secrets = app.secrets.current();
    let mut outcome = check(&secrets);
    if !matches!(outcome, Ok(Ok(_) | Err(SignatureError::Expired { .. }))) {
        outcome = check(&*app.secrets.newer_than(&secrets, deadline).await);
    }
    let outcome = outcome.map_err(|fault| unverifiable(sender, fault))?;
    // What a person delivers again says nothing about who sends to us.
    if age == Age::Fresh {
        let metric = if outcome.is_ok() { Metric::AuthenticDeliveries } else { Metric::SignatureFailures };
        app.metrics.count_of(metric, sender.name.as_str());
    }
    outcome.map_err(|error| {
        tracing::warn!(sender = %sender.name, %error, "a delivery was not authentic");
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "The delivery is not authentic",
            format!("{error}; nothing was recorded"),
        )
    })
}

/// Whether it is authentic cannot be said, so it may be: the sender should keep it.
fn unverifiable(sender: &Sender, fault: Option<SecretFault>) -> Problem {
    let reason = fault.map_or_else(|| "its secret was not read".to_owned(), |fault| fault.to_string());
    tracing::error!(sender = %sender.name, reason, "no delivery of this sender can be verified: mend its webhook secret");
    let detail = "Nothing was recorded; send it again later. The operator has been told";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Deliveries cannot be verified", detail)
}

fn too_large(app: &App, sender: &Sender, body: &[u8]) -> Problem {
    app.metrics.count_of(Metric::OversizedDeliveries, sender.name.as_str());
    let bytes = body.len();
    tracing::error!(
        sender = %sender.name,
        bytes,
        "an authentic delivery is too large and was not kept: ask the sender what it holds, and enter its booking by hand"
    );
    let detail = format!("A delivery is at most {LARGEST_BODY_BYTES} bytes; this one has {bytes}");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large", detail)
}

/// A body that is too large for the ledger, although it is authentic.
fn unkept(app: &App, sender: &Sender, error: TooLarge) -> Problem {
    app.metrics.count_of(Metric::OversizedDeliveries, sender.name.as_str());
    tracing::error!(sender = %sender.name, %error, "an authentic delivery is too large and was not kept: enter its booking by hand");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large", error.to_string())
}
