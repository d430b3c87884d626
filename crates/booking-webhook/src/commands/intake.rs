//! What becomes of a delivery, at once or on a replay: what is understood of it is accepted, the rest kept in quarantine.

use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    booking::BookingId,
    commands::{
        accept::{Incoming, Source, charter_time, record, work_on_recorded},
        work::Progress,
    },
    inbound::{Fault, Mapping, Reading, Received, Sender, parse_body},
    ledger::{Delivery, DeliveryId},
    outbound::Deadline,
    response::{BookingState, Problem, Reply, ledger_unavailable},
    runtime::{app::App, metrics::Metric},
};

/// Who sends what people enter, among the senders of deliveries.
pub(super) const PERSON: &str = "person";

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
    source: Source<'_>,
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
pub(super) struct Quarantined {
    delivery_id: String,
    sender: String,
    errors: Vec<Fault>,
    /// Why it does not wait in quarantine: it came before, and somebody or something has settled it since.
    closed_because: Option<String>,
}

impl Quarantined {
    /// To the sender it is delivered: some switch a webhook off after five failures.
    pub(super) fn reply(self, app: &App) -> Reply {
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
pub(super) async fn quarantine(
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

/// As the ledger keeps it, so that a replay finds the same place for the same body.
pub(super) fn received_at(deadline: &Deadline) -> Timestamp {
    let now = deadline.now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

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
