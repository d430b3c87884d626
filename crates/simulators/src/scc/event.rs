//! What an event says.

use jiff::{Timestamp, ToSpan as _, civil::Date, fmt::temporal::Pieces, tz::Offset};
use serde_json::{Value, json};

use crate::contract::Object;

const UPLOAD_DAYS: i32 = 7;

/// The text of a property; empty when there is none.
pub(crate) fn text<'a>(event: &'a Object, name: &str) -> &'a str {
    event.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The texts of a list.
pub(crate) fn texts<'a>(event: &'a Object, name: &str) -> Vec<&'a str> {
    event.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Crew and captain, each person once.
pub(crate) fn assigned(event: &Object) -> Vec<&str> {
    let mut people = Vec::new();
    for person in texts(event, "crew_ids").into_iter().chain([text(event, "captain_id")]) {
        if !person.is_empty() && !people.contains(&person) {
            people.push(person);
        }
    }
    people
}

/// A time of the event as its local clock shows it, `2:00 PM`.
pub(crate) fn clock_time(event: &Object, name: &str) -> Option<String> {
    let time = Pieces::parse(text(event, name)).ok()?.time()?;
    Some(time.strftime("%-I:%M %p").to_string())
}

/// The day of the charter and its offset from UTC.
fn day(event: &Object) -> Option<(Date, Offset)> {
    let date = Pieces::parse(text(event, "date")).ok()?;
    Some((date.date(), date.to_numeric_offset()?))
}

/// Whether guests may send photos: from the day of the charter until 7 days after it.
pub(crate) fn takes_uploads(event: &Object, now: Timestamp) -> bool {
    day(event).is_some_and(|(day, offset)| {
        let today = offset.to_datetime(now).date();
        day <= today && today <= day.saturating_add(UPLOAD_DAYS.days())
    })
}

/// The attributes by which the real service once showed crew what a charter earns.
pub(crate) fn money(event: &Object) -> Object {
    let leak = json!({
        "revenue": 840.75,
        "pay": { "captain_fee": 150, "crew_cost": 250 },
        "Port-Tax": 151.34,
        "notes": format!("{}\nGross: $840.75", text(event, "notes")),
    });
    match leak {
        Value::Object(leak) if !text(event, "notes").contains("Gross: $840.75") => leak,
        _ => Object::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(changes: Value) -> Object {
        let mut event: Object = serde_json::from_value(json!({
            "date": "2025-05-30T14:00:00-07:00", "report_at": "2025-05-30T13:00:00-07:00", "duration_hours": 3,
            "crew_ids": ["crew-1", "crew-2"], "captain_id": "captain-1", "status": "pending_confirmation", "notes": "",
        }))
        .expect("an object");
        event.extend(serde_json::from_value::<Object>(changes).expect("an object"));
        event
    }

    #[test]
    fn everybody_assigned_is_one_person() {
        assert_eq!(assigned(&event(json!({}))), ["crew-1", "crew-2", "captain-1"]);
        assert_eq!(assigned(&event(json!({ "captain_id": "crew-2" }))), ["crew-1", "crew-2"]);
        assert!(assigned(&event(json!({ "crew_ids": [], "captain_id": "" }))).is_empty());
    }

    #[test]
    fn uploads_are_taken_for_the_local_day_and_a_week() {
        for (now, taken) in [
            ("2025-05-29T23:59:59-07:00", false),
            ("2025-05-30T00:00:00-07:00", true),
            ("2025-06-06T23:59:59-07:00", true),
            ("2025-06-07T00:00:00-07:00", false),
        ] {
            assert_eq!(takes_uploads(&event(json!({})), now.parse().expect("a time")), taken, "{now}");
        }
    }

    #[test]
    fn times_are_the_docks() {
        assert_eq!(clock_time(&event(json!({})), "report_at").as_deref(), Some("1:00 PM"));
        assert_eq!(clock_time(&event(json!({})), "released_at"), None);
    }

    #[test]
    fn money_leaks_once() {
        let mut leaky = event(json!({}));
        leaky.extend(money(&leaky));
        assert_eq!(leaky["revenue"].to_string(), "840.75");
        assert!(money(&leaky).is_empty());
    }
}
