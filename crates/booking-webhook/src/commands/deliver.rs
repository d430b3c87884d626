//! A webhook delivery: verified before anything of it is parsed, then read, recorded and brought in step.

use std::sync::Arc;

use http::{HeaderMap, Method, StatusCode, header};
use jiff::Timestamp;
use lambda_http::Request;
use serde_json::{Value, json};

use crate::{
    booking::Snapshot,
    commands::accept::{Incoming, Progress, accept},
    inbound::{Age, Fault, Mapping, Reading, Received, Sender, SignatureError, Verifier, parse_body},
    ledger::{Delivery, DeliveryId, Origin, SnapshotVersion, digest},
    outbound::Deadline,
    response::{Problem, Reply, State, ledger_unavailable},
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
/// [`Problem`] for what is nobody's, not authentic, too large, or could not be recorded.
pub async fn deliver(app: &App, request: &Request, age: Age, deadline: &Deadline) -> Result<Reply, Problem> {
    let sender = addressee(app, request)?;
    let verifier = authenticate(app, sender, request, age, deadline).await?;
    let body: &[u8] = request.body();
    if body.len() > LARGEST_BODY_BYTES {
        return Err(too_large(app, sender, body));
    }
    let delivered = Delivered { sender, verifier: &verifier, headers: request.headers(), body };
    match interpret(app, sender, body, request.headers()) {
        Ok(Reading::Ignored { why }) => {
            app.metrics.count_of(Metric::IgnoredDeliveries, sender.name.as_str());
            tracing::info!(sender = %sender.name, why, "a delivery is no booking of ours");
            Ok(Reply::Report { status: StatusCode::OK, document: json!({ "state": "ignored", "why": why }) })
        }
        Ok(Reading::Bookings(bookings)) => take(app, &delivered, bookings, deadline).await,
        Err(faults) => quarantine(app, &delivered, None, faults, deadline).await.map(|kept| kept.reply()),
    }
}

/// An authentic delivery.
struct Delivered<'a> {
    sender: &'a Sender,
    verifier: &'a Verifier,
    headers: &'a HeaderMap,
    body: &'a [u8],
}

impl Delivered<'_> {
    /// What the sender calls it: its signed id, else the event's, else what it says. A name that somebody else could have chosen would make
    /// a captured request a new delivery.
    fn name(&self, event_id: Option<&str>) -> String {
        let vouched = self.verifier.vouches_for_headers();
        let from_header = self.sender.mapping.as_ref().is_ok_and(Mapping::event_id_is_in_a_header);
        let event_id = event_id.filter(|_| vouched || !from_header);
        let name = self.verifier.delivery_name(self.headers).or(event_id);
        name.map_or_else(|| digest(self.body), str::to_owned)
    }
}

/// Who is meant to have sent it, by the path's last segment: any stage, with or without a slash at its end.
fn addressee<'a>(app: &'a App, request: &Request) -> Result<&'a Sender, Problem> {
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

/// What a sender's body says.
///
/// # Errors
/// Why nothing can be made of any of it: no JSON, or a file of the operator's is faulty.
pub fn interpret(app: &App, sender: &Sender, body: &[u8], headers: &HeaderMap) -> Result<Reading, Vec<Fault>> {
    let whole = |detail: String| vec![Fault { pointer: String::new(), detail }];
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    // What is wrong with our own files is in the log; the sender cannot mend it.
    let mapping = sender.mapping.as_ref().map_err(|fault| {
        tracing::error!(sender = %sender.name, fault, "this sender's mapping cannot be used");
        whole("is not understood: the mapping of this sender cannot be used".into())
    })?;
    if let Some(fault) = &app.operator_fault {
        tracing::error!(fault, "the operator file cannot be used");
        return Err(whole("is not understood: the operator file cannot be used".into()));
    }
    let body = parse_body(body, content_type).map_err(whole)?;
    // Not the time of receipt: what lay ahead then may have come by now.
    Ok(mapping.interpret(&body, headers, &app.operator, (app.clock)()))
}

/// Takes in what can be read; keeps the delivery for the rest.
async fn take(
    app: &App,
    delivered: &Delivered<'_>,
    bookings: Vec<Result<Received, Vec<Fault>>>,
    deadline: &Deadline,
) -> Result<Reply, Problem> {
    let only_one = bookings.len() == 1;
    let mut taken: Vec<Progress> = Vec::new();
    let mut faults = Vec::new();
    let mut event_id = None;
    for booking in bookings {
        match booking {
            Ok(received) => {
                event_id = event_id.or_else(|| received.event_id.clone());
                taken.push(take_one(app, delivered, &received, deadline).await?);
            }
            Err(of_booking) => faults.extend(of_booking),
        }
    }
    let kept = match faults.is_empty() {
        true => None,
        false => Some(quarantine(app, delivered, event_id.as_deref(), faults, deadline).await?),
    };
    match (kept, only_one) {
        (Some(kept), true) => Ok(kept.reply()),
        (None, true) => Ok(taken.remove(0).reply(app)),
        (kept, false) => Ok(several(app, taken, kept)),
    }
}

async fn take_one(
    app: &App,
    delivered: &Delivered<'_>,
    received: &Received,
    deadline: &Deadline,
) -> Result<Progress, Problem> {
    let received_at = received_at(deadline);
    let snapshot = &received.snapshot;
    tracing::Span::current().record("booking_id", snapshot.booking_id.as_str());
    if !received.passed_over.is_empty() {
        tracing::warn!(fields = ?received.passed_over, "values that cannot be read were passed over: the booking does without them");
    }
    let order = SnapshotVersion::of(snapshot, received.as_of(received_at));
    let name = delivered.name(received.event_id.as_deref());
    let (body, origin) = (delivered.body, Origin::Webhook);
    accept(app, &Incoming { snapshot, name: &name, body, origin, received_at, order }, deadline).await
}

/// The answer for a delivery of several bookings: what most needs somebody, and each booking's own.
fn several(app: &App, taken: Vec<Progress>, kept: Option<Kept>) -> Reply {
    let severity = |state: State| match state {
        State::Parked => 3,
        State::Due => 2,
        State::InStep => 1,
        State::Recorded => 0,
    };
    let worst = taken.iter().map(|progress| progress.state).max_by_key(|state| severity(*state));
    let owed = kept.is_some() || worst.is_some_and(|state| severity(state) > 1);
    let bookings: Vec<Value> = taken
        .into_iter()
        .map(|progress| serde_json::from_str(&progress.reply(app).body()).expect("a reply's body is JSON"))
        .collect();
    let state = if kept.is_some() { json!("quarantined") } else { json!(worst) };
    let mut document = json!({ "state": state, "bookings": bookings });
    if let Some(Kept { delivery_id, errors }) = kept {
        (document["delivery_id"], document["errors"]) = (json!(delivery_id), json!(errors));
    }
    Reply::Report { status: if owed { StatusCode::ACCEPTED } else { StatusCode::OK }, document }
}

/// A delivery in quarantine.
struct Kept {
    delivery_id: String,
    errors: Vec<Fault>,
}

impl Kept {
    /// To the sender it is delivered: some switch a webhook off after five failures.
    fn reply(self) -> Reply {
        let Self { delivery_id, errors } = self;
        let detail =
            "It is kept and a person is told. It will be read again when the mapping is mended, or entered by hand";
        let document =
            json!({ "state": "quarantined", "delivery_id": delivery_id, "errors": errors, "detail": detail });
        Reply::Report { status: StatusCode::ACCEPTED, document }
    }
}

/// An authentic delivery that is not understood: it is kept for good, so that it can be replayed when what was wrong is mended.
async fn quarantine(
    app: &App,
    delivered: &Delivered<'_>,
    event_id: Option<&str>,
    errors: Vec<Fault>,
    deadline: &Deadline,
) -> Result<Kept, Problem> {
    let sender = &delivered.sender.name;
    let name = match delivered.verifier.delivery_name(delivered.headers).or(event_id) {
        Some(name) => name.to_owned(),
        None => "unnamed".to_owned(),
    };
    let id = DeliveryId::quarantined(&app.senders.qualified(sender, &name), delivered.body);
    let delivery = Delivery {
        id: id.clone(),
        body: delivered.body.to_vec(),
        origin: Origin::Webhook,
        received_at: received_at(deadline),
        says: None,
    };
    app.ledger.quarantine(&delivery, deadline).await.map_err(ledger_unavailable)?;
    let pointers: Vec<&str> = errors.iter().map(|fault| fault.pointer.as_str()).collect();
    tracing::error!(%sender, delivery_id = %id, ?pointers, "a delivery cannot be read, and is kept in quarantine");
    Ok(Kept { delivery_id: id.to_string(), errors })
}

/// As the ledger keeps it, so that a replay finds the same place for the same body.
pub(super) fn received_at(deadline: &Deadline) -> Timestamp {
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

/// Reads a kept body again, as its sender or a person wrote it.
///
/// # Errors
/// Everything that is wrong with it, by JSON pointer.
pub fn read_again(app: &App, delivery: &Delivery) -> Result<Read, Vec<Fault>> {
    let fault = |detail: &str| vec![Fault { pointer: String::new(), detail: detail.into() }];
    let received = match delivery.origin {
        Origin::Person => {
            let json: Value = serde_json::from_slice(&delivery.body).map_err(|_unreadable| fault("must be JSON"))?;
            Mapping::canonical_at("/booking").read(&json, &app.operator, (app.clock)())?
        }
        Origin::Webhook => {
            let sender = app.senders.of_delivery(&delivery.id.to_string(), delivery.id.is_quarantined());
            let sender = sender.ok_or_else(|| fault("is of a sender that there is no longer"))?;
            match interpret(app, sender, &delivery.body, &HeaderMap::new())? {
                Reading::Bookings(mut bookings) if bookings.len() == 1 => bookings.remove(0)?,
                Reading::Bookings(_) => return Err(fault("holds several bookings: have the sender send it again")),
                Reading::Ignored { why } => return Err(fault(&format!("is no booking: {why}"))),
            }
        }
    };
    tracing::Span::current().record("booking_id", received.snapshot.booking_id.as_str());
    let as_of = received.as_of(delivery.received_at);
    Ok(Read { snapshot: received.snapshot, as_of, name: received.event_id })
}
