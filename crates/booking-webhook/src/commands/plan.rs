//! A dry run: what would be done, given the record. Nothing is sent.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    booking::{Snapshot, Terms},
    commands::{accept::charter_time, enter::rejected},
    inbound::Mapping,
    ledger::{BookingRecord, Trigger},
    outbound::Deadline,
    reconcile::{
        desired::DesiredState,
        plan::{Action, Preview},
    },
    response::{Problem, Reply, ledger_unavailable},
    runtime::app::App,
    systems::guest_page::Address,
};

/// Answers `{"plan": {"booking": {…}}}` with what would be done about each step if a person entered this booking now. Reads the ledger,
/// calls no other system, changes nothing.
///
/// # Errors
/// [`Problem`] 422 for a booking that cannot be read, and the ledger's problems.
pub async fn plan(app: &App, event: &Value, deadline: &Deadline) -> Result<Reply, Problem> {
    let mapping = Mapping::canonical_at("/plan/booking");
    let snapshot = mapping.read(event, &app.operator, (app.clock)()).map_err(rejected)?.snapshot;
    tracing::Span::current().record("booking_id", snapshot.booking_id.as_str());
    let on_record = app.ledger.state(&snapshot.booking_id, deadline).await.map_err(ledger_unavailable)?;
    let before = on_record.as_ref().map(|record| record.status);
    let record = entered(app, on_record, snapshot, deadline);
    let desired = DesiredState::of(&record, &app.operator, false);
    let planning = app.planning(&record, &desired, Trigger::Delivery);
    let steps =
        planning.preview(deadline.now()).map(|step, preview| shown(app, step.name(), preview, &planning.address));
    Ok(Reply::Document(json!({
        "booking_id": record.booking_id.as_str(),
        "charter_id": record.charter_id.as_str(),
        "guest_page": planning.address.url,
        "on_record": before,
        "desired": desired.name(),
        "flags": desired.flags(&record),
        "steps": steps,
    })))
}

/// The record as it would be after this entry.
fn entered(app: &App, on_record: Option<BookingRecord>, snapshot: Snapshot, deadline: &Deadline) -> BookingRecord {
    let sale = snapshot.sale.as_deref();
    let terms = sale.and_then(|sale| Terms::resolve(&sale.boat, &sale.assigned, &app.operator).ok());
    let date = sale.map(|sale| charter_time(app, sale).start().date());
    let charter_id = app.secrets.current().charter_id(&snapshot.booking_id);
    let before =
        on_record.unwrap_or_else(|| BookingRecord::new(snapshot.booking_id.clone(), charter_id, snapshot.status));
    let dates: BTreeSet<_> = before.dates.iter().copied().chain(date).collect();
    BookingRecord { terms: before.terms.clone().or(terms), dates, ..before.with_entry(snapshot, deadline.now()) }
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
