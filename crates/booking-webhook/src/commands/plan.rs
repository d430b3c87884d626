//! A dry run: what would be done, given the record. Nothing is sent.

use std::collections::BTreeSet;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    booking::{BookingStatus, Snapshot, Terms},
    commands::{
        accept::{charter_time, version_of},
        deliver::addressee,
        enter::rejected,
        intake::{interpret, read_again},
        quarantine::one,
    },
    inbound::{Fault, Mapping, Reading, Received},
    ledger::{BookingRecord, Decision, Trigger},
    outbound::Deadline,
    reconcile::{
        desired::DesiredState,
        plan::{Action, Preview},
    },
    response::{Problem, Reply, ledger_unavailable},
    runtime::app::App,
    systems::guest_page::Address,
};

/// Answers `{"plan": {"booking": {…}}}` with what would be done about each step if a person entered this booking now, and
/// `{"plan": {"delivery": …}}` with the same for each booking of a delivery: a kept one by its `delivery_id`, a captured API Gateway event,
/// or any `body` of a `sender`. Reads the ledger, asks nobody else, changes nothing.
///
/// # Errors
/// [`Problem`] 422 for a booking that cannot be read, 400 and 404 for a delivery that is none, and what the ledger's reading comes to.
pub(crate) async fn plan(app: &App, event: &Value, deadline: &Deadline) -> Result<Reply, Problem> {
    if let Some(delivery) = event.pointer("/plan/delivery") {
        return of_delivery(app, delivery, deadline).await;
    }
    let mapping = Mapping::canonical_at("/plan/booking");
    let snapshot = mapping.read(event, &app.operator, (app.clock)()).map_err(rejected)?.snapshot;
    tracing::Span::current().record("booking_id", snapshot.booking_id.as_str());
    let on_record = app.ledger.state(&snapshot.booking_id, deadline).await.map_err(ledger_unavailable)?;
    let before = on_record.as_ref().map(|record| record.status);
    let record = told(app, on_record, snapshot, deadline.now(), deadline);
    Ok(Reply::Document(planned(app, &record, before, deadline)))
}

async fn of_delivery(app: &App, delivery: &Value, deadline: &Deadline) -> Result<Reply, Problem> {
    let (reading, received_at) = read(app, delivery, deadline).await?;
    let bookings = match reading {
        Ok(Reading::Ignored { why }) => return Ok(Reply::Document(json!({ "planned": [], "ignored": why }))),
        Ok(Reading::Bookings(bookings)) => bookings,
        Err(faults) => vec![Err(faults)],
    };
    let mut plans = Vec::new();
    for booking in bookings {
        plans.push(match booking {
            Ok(received) => of_received(app, received, received_at, deadline).await?,
            Err(faults) => json!({ "state": "quarantined", "errors": faults }),
        });
    }
    Ok(Reply::Document(json!({ "planned": plans })))
}

/// What a delivery says by the mapping as it is now, and when it came in first.
async fn read(
    app: &App,
    delivery: &Value,
    deadline: &Deadline,
) -> Result<(Result<Reading, Vec<Fault>>, Timestamp), Problem> {
    let named = |key: &str| delivery.get(key).and_then(Value::as_str);
    if let Some(id) = delivery.as_str().or(named("delivery_id")) {
        let (_, found) = one(app, id, deadline).await?;
        return Ok((read_again(app, &found.delivery).map(Reading::Bookings), found.delivery.received_at));
    }
    if let (Some(name), Some(body)) = (named("sender"), delivery.get("body")) {
        let sender = app.senders.get(name).ok_or_else(|| {
            Problem::new(StatusCode::NOT_FOUND, "No such sender", format!("There is no sender {name} here"))
        })?;
        let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        let headers = delivery.get("headers").map_or_else(HeaderMap::new, headers_in);
        return Ok((interpret(app, sender, body.as_bytes(), &headers), deadline.now()));
    }
    let captured = delivery.get("requestContext").map(|_| lambda_http::request::from_str(&delivery.to_string()));
    let captured = captured.and_then(Result::ok).ok_or_else(|| {
        let detail = r#"Send {"plan": {"delivery": …}} with {"delivery_id": "…"}, {"sender": "…", "body": …}, or a captured API Gateway event"#;
        Problem::new(StatusCode::BAD_REQUEST, "No delivery is named", detail)
    })?;
    let sender = addressee(app, &captured)?;
    Ok((interpret(app, sender, captured.body(), captured.headers()), deadline.now()))
}

fn headers_in(headers: &Value) -> HeaderMap {
    let pair = |(name, value): (&String, &Value)| Some((name.parse().ok()?, value.as_str()?.parse().ok()?));
    headers
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(pair)
        .collect::<Vec<(HeaderName, HeaderValue)>>()
        .into_iter()
        .collect()
}

async fn of_received(
    app: &App,
    received: Received,
    received_at: Timestamp,
    deadline: &Deadline,
) -> Result<Value, Problem> {
    let Received { event_created_at, mut snapshot, passed_over, .. } = received;
    let version = version_of(&snapshot, event_created_at, received_at);
    if let Some(sale) = &mut snapshot.sale {
        sale.passed_over = passed_over;
    }
    let on_record = app.ledger.state(&snapshot.booking_id, deadline).await.map_err(ledger_unavailable)?;
    let before = on_record.as_ref().map(|record| record.status);
    let record = match on_record {
        Some(record) if !version.is_newer_than(record.version.as_ref(), record.unrevised) => {
            let mut plan = planned(app, &record, before, deadline);
            plan["not_newer"] = json!("it is not newer than what is on record: this is what is planned without it");
            return Ok(plan);
        }
        on_record => told(app, on_record, snapshot, version.changed_at.at(), deadline),
    };
    Ok(planned(app, &record, before, deadline))
}

fn planned(app: &App, record: &BookingRecord, before: Option<BookingStatus>, deadline: &Deadline) -> Value {
    let desired = DesiredState::of(record, &app.operator, false);
    let planning = app.planning(record, &desired, Trigger::Delivery);
    let steps =
        planning.preview(deadline.now()).map(|step, preview| shown(app, step.name(), preview, &planning.address));
    json!({
        "booking_id": record.booking_id.as_str(),
        "charter_id": record.charter_id.as_str(),
        "guest_page": planning.address.url,
        "on_record": before,
        "desired": desired.name(),
        "flags": desired.flags(record),
        "steps": steps,
    })
}

/// The record as it would be after this snapshot, which holds since `at`.
fn told(
    app: &App,
    on_record: Option<BookingRecord>,
    snapshot: Snapshot,
    at: Timestamp,
    deadline: &Deadline,
) -> BookingRecord {
    let sale = snapshot.sale.as_deref();
    let terms = sale.and_then(|sale| Terms::resolve(&sale.boat, &sale.assigned, &app.operator).ok());
    let date = sale.map(|sale| charter_time(app, sale).start().date());
    let charter_id = app.secrets.current().charter_id(&snapshot.booking_id);
    let before =
        on_record.unwrap_or_else(|| BookingRecord::new(snapshot.booking_id.clone(), charter_id, snapshot.status));
    let dates: BTreeSet<_> = before.dates.iter().copied().chain(date).collect();
    let told = BookingRecord { terms: before.terms.clone().or(terms), dates, ..before.with_entry(snapshot, at) };
    let seq = told.seq;
    let recorded_now = |decision: Decision| {
        if decision.seq == seq { Decision { recorded_at: deadline.now(), ..decision } } else { decision }
    };
    BookingRecord { decision: told.decision.map(recorded_now), ..told }
}

/// One step, as a person reads it: where what would be sent, what is in the way.
fn shown(app: &App, step: &str, preview: Preview, address: &Address) -> Value {
    let Preview { action, remote_id, sends, page_bytes } = preview;
    let secrets = app.secrets.current();
    let url = match step {
        "calendar" => secrets.calendar.as_ref().map(|secret| format!("{}/calendar", secret.content.url)),
        "crew_event" => secrets.scc.as_ref().map(|secret| format!("{}/events", secret.content.url)),
        _ => Ok(String::new()),
    };
    let url = url.unwrap_or_else(|fault| format!("not callable: {fault}"));
    let one = || format!("{url}/{}", remote_id.as_deref().unwrap_or_default());
    match &action {
        Action::Create => json!({ "action": "create", "method": "POST", "url": url, "body": sends }),
        Action::Change(fields) => json!({ "action": "change", "method": "PATCH", "url": one(), "body": fields }),
        Action::Remove => json!({ "action": "remove", "method": "DELETE", "url": one() }),
        Action::Publish { invalidate } => json!({
            "action": "publish", "bucket": app.config.guest_page.bucket, "bytes": page_bytes,
            "objects": [address.key, address.calendar_key],
            "invalidate": if *invalidate { address.paths() } else { Vec::new() },
        }),
        Action::Park(needs_decision) => {
            json!({ "action": "park", "why": needs_decision.why, "next": needs_decision.next })
        }
        Action::WaitUntil(at) => json!({ "action": "wait", "until": at }),
        Action::Done(status) => json!({ "action": "nothing", "because": status.name() }),
        other => json!({ "action": other.name() }),
    }
}
