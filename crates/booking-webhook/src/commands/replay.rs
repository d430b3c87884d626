//! After a person has mended something: tries a booking again, or reads a delivery again. Neither approves a decision.

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    booking::BookingId,
    commands::{
        accept::{Source, Upon},
        door::Door,
        intake::{PERSON, accept_all, end_quarantine, faults_now, latest_end, read_again},
        quarantine::waiting,
        work::{Progress, resume, retry_if_due},
    },
    inbound::Received,
    ledger::{BookingRecord, DeliveryId, OfficeAct, QuarantinedDelivery, Trigger},
    outbound::Deadline,
    response::{BookingState, Problem, Reply, ledger_unavailable, no_such_booking},
    runtime::app::App,
};

/// Replays what `request` names: `{"booking_id": …}`, `{"delivery_id": …}`, or `{"quarantined": "all" | [ids], "dry_run": …}`.
///
/// # Errors
/// [`Problem`] 400 when it names neither, 404 when the ledger does not have it, 409 when another invocation works on the booking, 422 when
/// the delivery still cannot be read, 503 when the ledger cannot be reached.
pub(crate) async fn replay(app: &App, request: &Value, door: Door<'_>, deadline: &Deadline) -> Result<Reply, Problem> {
    if let Some(which) = request.get("quarantined") {
        let dry_run = request.get("dry_run").and_then(Value::as_bool).unwrap_or_default();
        return replay_quarantined(app, which, dry_run, door, deadline).await;
    }
    let named = |key: &str| request.get(key).and_then(Value::as_str);
    match (named("booking_id"), named("delivery_id")) {
        (Some(id), None) => {
            let booking_id = booking_id(id)?;
            tracing::Span::current().record("booking_id", booking_id.as_str());
            let note = door.note("replay", deadline.now());
            Ok(try_again(app, &booking_id, note, deadline).await?.reply(app))
        }
        (None, Some(id)) => deliver_again(app, id, door, deadline).await,
        _ => {
            let detail = r#"Send {"replay": {"booking_id": "BS-…"}}, {"replay": {"delivery_id": "…"}} or {"replay": {"quarantined": "all"}}"#;
            Err(Problem::new(StatusCode::BAD_REQUEST, "Nothing to replay is named", detail))
        }
    }
}

/// The booking id that a person typed.
///
/// # Errors
/// [`Problem`] 400 when it is none.
pub(crate) fn booking_id(id: &str) -> Result<BookingId, Problem> {
    BookingId::parse(id)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, "No booking is named", format!("booking_id {error}")))
}

/// Tries a booking again, what is parked too.
async fn try_again(
    app: &App,
    booking_id: &BookingId,
    note: Option<OfficeAct>,
    deadline: &Deadline,
) -> Result<Progress, Problem> {
    let lease = app.lease(deadline).noting(note);
    let claimed = app.ledger.claim(booking_id, Trigger::Operator, &lease, deadline).await;
    if let Some(claim) = claimed.map_err(ledger_unavailable)? {
        return resume(app, claim, Trigger::Operator, deadline).await;
    }
    let record = app.ledger.state(booking_id, deadline).await.map_err(ledger_unavailable)?;
    Err(record.map_or_else(|| no_such_booking(booking_id), |record| at_work(&record)))
}

/// What a person wants cannot be left to the holder: that one tries only what it would have tried anyway.
pub(super) fn at_work(record: &BookingRecord) -> Problem {
    let until = record.lease.as_ref().map_or_else(String::new, |lease| format!(" until {} at most", lease.until));
    let detail = format!("Another invocation works on {}{until}: send it again then", record.booking_id);
    Problem::new(StatusCode::CONFLICT, "Nothing was done", detail)
}

/// Works off quarantine, the oldest first, as far as the time goes; `dry_run` says what would be understood and changes nothing.
async fn replay_quarantined(
    app: &App,
    which: &Value,
    dry_run: bool,
    door: Door<'_>,
    deadline: &Deadline,
) -> Result<Reply, Problem> {
    let ids = which.as_array().map(|ids| ids.iter().filter_map(Value::as_str).collect::<Vec<_>>());
    if ids.is_none() && which != "all" {
        let detail = r#""quarantined" is "all" or a list of delivery ids"#;
        return Err(Problem::new(StatusCode::BAD_REQUEST, "Nothing to replay is named", detail));
    }
    let waiting = waiting(app, deadline).await.map_err(ledger_unavailable)?;
    let is_meant = |id: &str| ids.as_ref().is_none_or(|ids| ids.contains(&id));
    let meant: Vec<_> = waiting.into_iter().filter(|found| is_meant(&found.delivery.id.to_string())).collect();
    let unknown: Vec<&str> = ids
        .iter()
        .flatten()
        .copied()
        .filter(|id| !meant.iter().any(|found| found.delivery.id.to_string() == *id))
        .collect();
    let (mut worked_off, mut left) = (Vec::new(), 0);
    for found in &meant {
        let id = found.delivery.id.to_string();
        if dry_run {
            worked_off.push(dry_run_of(app, found));
        } else if deadline.allows(app.config.crew_event_wait + app.config.kept_for_a_round()) {
            worked_off.push(match deliver_again(app, &id, door, deadline).await {
                Ok(reply) => replayed(&id, &reply),
                Err(problem) => json!({ "delivery_id": id, "state": "quarantined", "problem": problem }),
            });
        } else {
            left += 1;
        }
    }
    Ok(Reply::Document(
        json!({ "dry_run": dry_run, "replayed": worked_off, "left": left, "not_in_quarantine": unknown }),
    ))
}

/// Each booking's own answer under the delivery's id.
fn replayed(id: &str, reply: &Reply) -> Value {
    let mut document: Value = serde_json::from_str(&reply.body()).expect("a reply's body is JSON");
    document["delivery_id"] = json!(id);
    document
}

/// What a replay would do: the same reading, without effects.
fn dry_run_of(app: &App, found: &QuarantinedDelivery) -> Value {
    let delivery_id = found.delivery.id.to_string();
    let why = faults_now(app, &found.delivery);
    if !why.is_empty() {
        return json!({ "delivery_id": delivery_id, "state": "quarantined", "why": why });
    }
    let says: Vec<Value> = read_again(app, &found.delivery)
        .into_iter()
        .flatten()
        .flatten()
        .map(|Received { snapshot, .. }| json!({ "booking_id": snapshot.booking_id.as_str(), "says": snapshot.status.name() }))
        .collect();
    json!({ "delivery_id": delivery_id, "state": "readable", "bookings": says })
}

/// Reads a delivery with the mapping as it is now. It keeps its place in the order. What was refused before is tried again.
async fn deliver_again(app: &App, id: &str, door: Door<'_>, deadline: &Deadline) -> Result<Reply, Problem> {
    let missing = || {
        let detail = format!("The ledger has no delivery {id}; deliveries that were understood are kept for 90 days");
        Problem::new(StatusCode::NOT_FOUND, "No such delivery", detail)
    };
    let delivery_id = DeliveryId::parse(id).ok_or_else(missing)?;
    let delivery =
        app.ledger.delivery(&delivery_id, deadline).await.map_err(ledger_unavailable)?.ok_or_else(missing)?;
    let faulty = |faults| Problem { delivery_id: Some(id.to_owned()), ..Problem::faulty(faults) };
    let bookings = read_again(app, &delivery).map_err(faulty)?;
    if bookings.iter().all(Result::is_err) {
        return Err(faulty(bookings.into_iter().filter_map(Result::err).flatten().collect()));
    }
    let is_whole = bookings.iter().all(Result::is_ok);
    let ends = latest_end(app, bookings.iter().flatten());
    let is_entry = delivery_id.sender() == PERSON;
    if let (true, Some(Ok(entered))) = (is_entry, bookings.first()) {
        let on_record = app.ledger.state(&entered.snapshot.booking_id, deadline).await.map_err(ledger_unavailable)?;
        // The entry came after what was on record then: made again now, it would come after what was said since.
        if let Some(record) = on_record {
            return Ok(Box::pin(retry_if_due(app, record, deadline)).await?.reply(app));
        }
    }
    let act = door.act("replay of a delivery", deadline.now());
    let source = if is_entry { Source::Entry(Upon::Newest) } else { Source::ReadAgain(&act) };
    let mut accepted = accept_all(app, &delivery, source, bookings, deadline).await?;
    if is_whole {
        end_quarantine(app, &delivery_id, ends, deadline).await;
    }
    for progress in &mut accepted.bookings {
        if progress.state == BookingState::Parked {
            let note = (!progress.record.acts.entries.contains(&act)).then(|| act.clone());
            *progress = try_again(app, &progress.record.booking_id.clone(), note, deadline).await?;
        }
    }
    Ok(accepted.reply(app))
}
