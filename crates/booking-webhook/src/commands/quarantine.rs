//! What was delivered and could not be understood: who sent it, when, and why not, as of now.

use futures::{StreamExt, stream};
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    booking::BookingId,
    commands::intake::faults_now,
    inbound::Fault,
    ledger::{DeliveryId, NoticeOf, QuarantinedDelivery, Waiting},
    outbound::{CallError, Deadline},
    response::{Problem, Reply, ledger_unavailable},
    runtime::app::App,
};

/// What one answer holds: what is oldest comes first, and is worked off first.
const MOST_DELIVERIES: i32 = 100;
const MOST_KEYS: usize = 80;
const DEEPEST: usize = 6;
const AT_ONCE: usize = 10;

/// One delivery in quarantine; nothing of what the guest wrote is in it.
#[derive(Debug, Serialize)]
pub(super) struct QuarantineLine {
    pub(super) delivery_id: String,
    pub(super) sender: String,
    pub(super) received_at: Timestamp,
    /// Day and time at the dock.
    local: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) booking_ids: Vec<String>,
    /// The mapping was mended since: a replay will be understood.
    pub(super) readable: bool,
    pub(super) why: Vec<Fault>,
    /// JSON pointers to what the body has.
    keys: Vec<String>,
    next: &'static str,
}

/// Answers `{}` with everything in quarantine, and `{"delivery_id": …}` with that delivery and its body.
///
/// # Errors
/// [`Problem`] 404 when the ledger does not have it, and the ledger's problems.
pub(crate) async fn quarantine(app: &App, request: &Value, deadline: &Deadline) -> Result<Reply, Problem> {
    let Some(id) = request.get("delivery_id").and_then(Value::as_str) else {
        let lines = quarantined(app, None, deadline).await.map_err(ledger_unavailable)?;
        return Ok(Reply::Document(json!({ "quarantined": lines })));
    };
    let (id, found) = one(app, id, deadline).await?;
    let body = found.delivery.body().unwrap_or_default();
    let body =
        serde_json::from_slice(&body).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned()));
    let (waits, closed_because) = (found.waits, found.closed_because.clone());
    let why_then = found.faults.as_deref().and_then(|faults| serde_json::from_str::<Value>(faults).ok());
    let line = line(app, &id, &found);
    Ok(Reply::Document(
        json!({ "delivery": line, "waits": waits, "closed_because": closed_because, "why_then": why_then, "body": body }),
    ))
}

/// The delivery that a person names.
///
/// # Errors
/// [`Problem`] 404 when the ledger does not have it, and the ledger's problems.
pub(super) async fn one(
    app: &App,
    id: &str,
    deadline: &Deadline,
) -> Result<(DeliveryId, QuarantinedDelivery), Problem> {
    let missing = || {
        let detail = format!(r#"The ledger has no delivery {id}; {{"quarantine": {{}}}} lists what waits"#);
        Problem::new(StatusCode::NOT_FOUND, "No such delivery", detail)
    };
    let delivery_id = DeliveryId::parse(id).ok_or_else(missing)?;
    let found = app.ledger.quarantined(&delivery_id, deadline).await.map_err(ledger_unavailable)?;
    Ok((delivery_id, found.ok_or_else(missing)?))
}

/// What waits in quarantine, the oldest first; with `name`, only where a body has it.
pub(super) async fn quarantined(
    app: &App,
    name: Option<&str>,
    deadline: &Deadline,
) -> Result<Vec<QuarantineLine>, CallError> {
    let found = waiting(app, deadline).await?;
    let has = |delivery: &QuarantinedDelivery| {
        let Some(name) = name.map(str::to_lowercase) else { return true };
        let body = delivery.delivery.body().unwrap_or_default();
        String::from_utf8_lossy(&body).to_lowercase().contains(&name)
    };
    Ok(found.iter().filter(|delivery| has(delivery)).map(|found| line(app, &found.delivery.id, found)).collect())
}

/// What waits in quarantine for one booking.
pub(super) async fn quarantined_of(
    app: &App,
    booking_id: &BookingId,
    deadline: &Deadline,
) -> Result<Vec<QuarantineLine>, CallError> {
    let found = waiting(app, deadline).await?;
    let of_booking = found.iter().filter(|found| found.bookings.contains(booking_id));
    Ok(of_booking.map(|found| line(app, &found.delivery.id, found)).collect())
}

/// Everything that waits in quarantine, the oldest first.
pub(super) async fn waiting(app: &App, deadline: &Deadline) -> Result<Vec<QuarantinedDelivery>, CallError> {
    let of = app.ledger.waiting(Waiting::Quarantined, MOST_DELIVERIES, deadline).await?;
    let ids: Vec<DeliveryId> = of
        .into_iter()
        .filter_map(|of| match of {
            NoticeOf::Delivery(id) => Some(id),
            NoticeOf::Booking(_) | NoticeOf::Audit => None,
        })
        .collect();
    let each: Vec<_> = ids.iter().map(|id| Box::pin(app.ledger.quarantined(id, deadline))).collect();
    let found: Vec<_> = stream::iter(each).buffered(AT_ONCE).collect().await;
    let found = found.into_iter().collect::<Result<Vec<_>, _>>()?;
    // The index lags behind the table.
    Ok(found.into_iter().flatten().filter(|found| found.waits).collect())
}

pub(super) fn line(app: &App, id: &DeliveryId, found: &QuarantinedDelivery) -> QuarantineLine {
    let body = found.delivery.body().unwrap_or_default();
    let why = faults_now(app, &found.delivery);
    let readable = why.is_empty();
    let next = if readable {
        "Replay it: it can be read now"
    } else {
        "Have the mapping mended and replay it, or enter the booking by hand; dismiss it if it is none of ours"
    };
    QuarantineLine {
        delivery_id: id.to_string(),
        sender: id.sender().to_owned(),
        received_at: found.delivery.received_at,
        local: app.local(found.delivery.received_at),
        booking_ids: found.bookings.iter().map(BookingId::to_string).collect(),
        readable,
        why,
        keys: serde_json::from_slice(&body).map(|body| keys(&body)).unwrap_or_default(),
        next,
    }
}

/// Where the body has something, without what it is. Bounded: a body is anybody's.
fn keys(body: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, depth: usize, keys: &mut Vec<String>) {
        let Some(fields) = value.as_object().filter(|_| depth < DEEPEST) else {
            keys.push(at.to_owned());
            return;
        };
        for (name, value) in fields {
            if keys.len() < MOST_KEYS {
                walk(value, &format!("{at}/{name}"), depth + 1, keys);
            }
        }
    }
    let mut all = Vec::new();
    walk(body, "", 0, &mut all);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_without_their_values() {
        let body = json!({ "id": "evt", "data": { "guest": { "name": "Dana" }, "list": [1, { "name": "Dana" }] } });
        assert_eq!(keys(&body), ["/data/guest/name", "/data/list", "/id"]);
        let many: serde_json::Map<String, Value> = (0..500).map(|number| (number.to_string(), json!(1))).collect();
        assert_eq!(keys(&Value::Object(many)).len(), MOST_KEYS);
    }
}
