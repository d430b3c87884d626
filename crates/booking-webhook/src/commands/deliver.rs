//! A webhook delivery: verified before anything of it is parsed, then read, recorded and brought in step.

use std::sync::Arc;

use http::{HeaderMap, Method, StatusCode, header};
use jiff::Timestamp;
use lambda_http::Request;
use serde_json::{Value, json};

use crate::{
    booking::BookingId,
    commands::accept::{Incoming, Progress, Source, charter_time, record, work_on_recorded},
    inbound::{Age, Fault, Mapping, Reading, Received, Sender, SignatureError, Verifier, parse_body},
    ledger::{Delivery, DeliveryId, TooLarge, digest},
    outbound::Deadline,
    response::{BookingState, Problem, Reply, ledger_unavailable},
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

/// What a sender's body says.
///
/// # Errors
/// Why nothing can be made of any of it: no JSON, or a file of the operator's is faulty.
pub(crate) fn interpret(app: &App, sender: &Sender, body: &[u8], headers: &HeaderMap) -> Result<Reading, Vec<Fault>> {
    let whole = |detail: String| vec![Fault { pointer: String::new(), detail }];
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    // What is wrong with our own files is in the log; the sender cannot mend it.
    let faulty = |file: &str| whole(format!("is not understood: {file} cannot be used"));
    let mapping = sender.mapping.as_ref().map_err(|_in_the_log| faulty("the mapping of this sender"))?;
    if app.operator_fault.is_some() {
        return Err(faulty("the operator file"));
    }
    let body = parse_body(body, content_type).map_err(whole)?;
    // Not the time of receipt: what lay ahead then may have come by now.
    Ok(mapping.interpret(&body, headers, &app.operator, (app.clock)()))
}

/// The outcome of a delivery that was understood, at least in part.
pub(super) struct Accepted {
    pub(super) bookings: Vec<Progress>,
    /// Kept for what was not understood of it.
    quarantined: Option<Quarantined>,
    one_booking: bool,
}

/// Records all bookings that were understood before any is worked on; keeps the delivery for the rest.
pub(super) async fn accept_all(
    app: &App,
    delivery: &Delivery,
    source: Source,
    bookings: Vec<Result<Received, Vec<Fault>>>,
    deadline: &Deadline,
) -> Result<Accepted, Problem> {
    let one_booking = bookings.len() == 1;
    let (understood, faults): (Vec<_>, Vec<_>) = bookings.into_iter().partition(Result::is_ok);
    let faults: Vec<Fault> = faults.into_iter().filter_map(Result::err).flatten().collect();
    let quarantined = if faults.is_empty() { None } else { Some(quarantine(app, delivery, faults, deadline).await?) };
    let ends = latest_end(app, understood.iter().flatten());
    let mut recorded = Vec::new();
    for mut received in understood.into_iter().flatten() {
        if let Some(sale) = &mut received.snapshot.sale {
            sale.passed_over.clone_from(&received.passed_over);
        }
        let snapshot = &received.snapshot;
        tracing::Span::current().record("booking_id", snapshot.booking_id.as_str());
        if !received.passed_over.is_empty() {
            let (booking_id, fields) = (snapshot.booking_id.as_str(), &received.passed_over);
            tracing::warn!(booking_id, ?fields, "{booking_id}: values that cannot be read were passed over");
        }
        let event_created_at = received.event_created_at;
        let incoming = Incoming { snapshot, event_created_at, delivery, source };
        recorded.push(record(app, &incoming, deadline).await?);
    }
    if quarantined.is_none() && recorded.iter().any(|recorded| recorded.was_quarantined) {
        end_quarantine(app, &delivery.id, ends, deadline).await;
    }
    let mut progress = Vec::new();
    for recorded in recorded {
        progress.push(work_on_recorded(app, recorded, deadline).await?);
    }
    Ok(Accepted { bookings: progress, quarantined, one_booking })
}

/// When the last of these charters ends.
pub(super) fn latest_end<'a>(app: &App, received: impl Iterator<Item = &'a Received>) -> Option<Timestamp> {
    let sales = received.filter_map(|received| received.snapshot.sale.as_deref());
    sales.map(|sale| charter_time(app, sale).end().timestamp()).max()
}

/// What was not understood before is understood now.
pub(super) async fn end_quarantine(app: &App, id: &DeliveryId, ends: Option<Timestamp>, deadline: &Deadline) {
    if let Err(error) = app.ledger.end_quarantine(id, ends, deadline.now(), deadline).await {
        let reason = error.to_string();
        tracing::warn!(delivery_id = %id, reason, "{id} stays in quarantine, although it was accepted: replay it again");
    }
}

impl Accepted {
    /// One booking's own answer; of several, what most needs somebody, and each booking's own.
    pub(super) fn reply(mut self, app: &App) -> Reply {
        match self.quarantined {
            Some(quarantined) if self.one_booking => quarantined.reply(app),
            None if self.one_booking => self.bookings.remove(0).reply(app),
            quarantined => several(app, self.bookings, quarantined),
        }
    }
}

fn several(app: &App, bookings: Vec<Progress>, quarantined: Option<Quarantined>) -> Reply {
    let quarantined = quarantined.filter(|quarantined| quarantined.closed_because.is_none());
    let worst = bookings.iter().map(|progress| progress.state).max_by_key(|state| state.severity());
    let owed =
        quarantined.is_some() || worst.is_some_and(|state| matches!(state, BookingState::Due | BookingState::Parked));
    let bookings: Vec<Value> = bookings
        .into_iter()
        .map(|progress| serde_json::from_str(&progress.reply(app).body()).expect("a reply's body is JSON"))
        .collect();
    let state = if quarantined.is_some() { json!("quarantined") } else { json!(worst) };
    let mut document = json!({ "state": state, "bookings": bookings });
    if let Some(Quarantined { delivery_id, errors, .. }) = quarantined {
        (document["delivery_id"], document["errors"]) = (json!(delivery_id), json!(errors));
    }
    Reply::Report { status: if owed { StatusCode::ACCEPTED } else { StatusCode::OK }, document }
}

/// A delivery that was not understood.
struct Quarantined {
    delivery_id: String,
    sender: String,
    errors: Vec<Fault>,
    /// Why it does not wait in quarantine: it came before, and somebody or something has settled it since.
    closed_because: Option<String>,
}

impl Quarantined {
    /// To the sender it is delivered: some switch a webhook off after five failures.
    fn reply(self, app: &App) -> Reply {
        let Self { delivery_id, sender, errors, closed_because } = self;
        if let Some(why) = closed_because {
            app.metrics.count_of(Metric::IgnoredDeliveries, &sender);
            tracing::info!(sender, delivery_id, why, "a delivery came again that is settled");
            let document = json!({ "state": "ignored", "delivery_id": delivery_id, "why": why });
            return Reply::Report { status: StatusCode::OK, document };
        }
        let detail =
            "It is kept and a person is told. It will be read again when the mapping is mended, or entered by hand";
        let document =
            json!({ "state": "quarantined", "delivery_id": delivery_id, "errors": errors, "detail": detail });
        Reply::Report { status: StatusCode::ACCEPTED, document }
    }
}

/// Keeps an authentic delivery that is not understood, without expiry, so that it can be replayed once the mapping is mended.
async fn quarantine(
    app: &App,
    delivery: &Delivery,
    errors: Vec<Fault>,
    deadline: &Deadline,
) -> Result<Quarantined, Problem> {
    let faults = serde_json::to_string(&errors).expect("faults have text keys and serialise");
    let delivery = delivery.clone().not_understood(faults, named_in(app, delivery));
    let outcome = app.ledger.quarantine(&delivery, deadline).await.map_err(ledger_unavailable)?;
    let (id, sender) = (&delivery.id, delivery.id.sender());
    // The same again of what somebody has left as it is needs nobody a second time.
    if outcome.closed_because.is_none() {
        let pointers: Vec<&str> = errors.iter().map(|fault| fault.pointer.as_str()).collect();
        tracing::error!(sender, delivery_id = %id, ?pointers, "{id} is not understood and is kept in quarantine: mend the mapping, then replay it");
    }
    let closed_because = outcome.closed_because;
    Ok(Quarantined { delivery_id: id.to_string(), sender: sender.to_owned(), errors, closed_because })
}

/// The bookings that a delivery names, although they are not understood.
fn named_in(app: &App, delivery: &Delivery) -> Vec<BookingId> {
    let mapping = app.senders.get(delivery.id.sender()).and_then(|sender| sender.mapping.as_ref().ok());
    let headers = delivery.headers();
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let body = delivery.body().and_then(|body| parse_body(&body, content_type).ok());
    mapping.zip(body).map_or_else(Vec::new, |(mapping, body)| {
        mapping.not_understood_in(&body, &headers, &app.operator, (app.clock)())
    })
}

/// A body that is too large for the ledger, although it is authentic.
fn unkept(app: &App, sender: &Sender, error: TooLarge) -> Problem {
    app.metrics.count_of(Metric::OversizedDeliveries, sender.name.as_str());
    tracing::error!(sender = %sender.name, %error, "an authentic delivery is too large and was not kept: enter its booking by hand");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large", error.to_string())
}

/// As the ledger keeps it, so that a replay finds the same place for the same body.
pub(super) fn received_at(deadline: &Deadline) -> Timestamp {
    let now = deadline.now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

/// Who sends what people enter, among the senders of deliveries.
pub(super) const PERSON: &str = "person";

/// Reads a kept body again, as its sender or a person wrote it.
///
/// # Errors
/// Everything that is wrong with it as a whole.
pub(super) fn read_again(app: &App, delivery: &Delivery) -> Result<Vec<Result<Received, Vec<Fault>>>, Vec<Fault>> {
    let fault = |detail: String| vec![Fault { pointer: String::new(), detail }];
    let body = delivery.body().ok_or_else(|| fault("cannot be unpacked: its item was edited".into()))?;
    if delivery.id.sender() == PERSON {
        let json: Value = serde_json::from_slice(&body).map_err(|_unreadable| fault("must be JSON".into()))?;
        return Ok(vec![Mapping::canonical_at("/booking").read(&json, &app.operator, (app.clock)())]);
    }
    let sender = app.senders.get(delivery.id.sender());
    let sender = sender.ok_or_else(|| fault("is of a sender that there is no longer".into()))?;
    match interpret(app, sender, &body, &delivery.headers())? {
        Reading::Bookings(bookings) => Ok(bookings),
        Reading::Ignored { why } => Err(fault(format!("is no booking: {why}"))),
    }
}

/// What cannot be understood of a kept delivery as of now; nothing when a replay will succeed.
pub(super) fn faults_now(app: &App, delivery: &Delivery) -> Vec<Fault> {
    match read_again(app, delivery) {
        Ok(bookings) => bookings.into_iter().filter_map(Result::err).flatten().collect(),
        Err(faults) => faults,
    }
}
