//! What crew read of a charter. Built from [`Charter`], which has no money in it.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    booking::{Charter, CharterId, PersonId, clock, rfc3339},
    systems::calendar::EntryId,
};

/// SCC's id of an event: our charter id, unless SCC answered another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(String);

impl EventId {
    /// An id that SCC gave before.
    pub fn stored(id: String) -> Self {
        Self(id)
    }

    /// The id that `event` is sent with.
    pub(super) fn of(event: &Map<String, Value>) -> Self {
        Self(event.get("event_id").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    /// The id as SCC keeps it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&CharterId> for EventId {
    fn from(id: &CharterId) -> Self {
        Self(id.to_string())
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// An event as SCC takes it.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    event_id: EventId,
    name: String,
    date: String,
    report_at: String,
    released_at: String,
    local_time: String,
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    duration_hours: Decimal,
    /// Empty when nothing names a place: a place that was taken back must not stay.
    location: String,
    guest: EventGuest,
    guest_page: String,
    crew_ids: Vec<String>,
    captain_id: String,
    status: &'static str,
    notes: String,
    checklist: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct EventGuest {
    first_name: String,
    party_size: u32,
}

impl Event {
    /// What SCC should show for a charter; the notes name the calendar entry if it is known already.
    pub fn of(charter: &Charter, guest_page: &str, calendar: Option<&EntryId>) -> Self {
        let time = &charter.time;
        let hours = Decimal::from(time.duration_minutes()) / Decimal::from(60);
        Self {
            event_id: (&charter.id).into(),
            name: format!("{} charter · {}", charter.seller, charter.boat.name),
            date: rfc3339(time.start()),
            report_at: rfc3339(&time.report_at()),
            released_at: rfc3339(&time.released_at()),
            local_time: time.start().strftime("%a %-d %b %Y, %-I:%M %p %Z").to_string(),
            duration_hours: hours.round_dp(2).normalize(),
            location: charter.place.as_ref().map(|place| place.name().to_owned()).unwrap_or_default(),
            guest: EventGuest { first_name: charter.guest_first_name.clone(), party_size: charter.party_size },
            guest_page: guest_page.to_owned(),
            crew_ids: charter.crew.iter().map(PersonId::to_string).collect(),
            captain_id: charter.captain.to_string(),
            status: "pending_confirmation",
            notes: notes(charter, calendar),
            checklist: charter.checklist.clone(),
        }
    }

    /// Field by field, as SCC is sent them.
    pub fn fields(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            _ => unreachable!("an event is written as an object with text keys"),
        }
    }
}

fn notes(charter: &Charter, calendar: Option<&EntryId>) -> String {
    let mut parts = vec![format!("{} booking ref: {}", charter.seller, charter.booking_id)];
    parts.extend(calendar.map(|id| format!("calendar {}", id.as_str())));
    let (report, release) = (clock(&charter.time.report_at()), clock(&charter.time.released_at()));
    parts.push(format!("Report {report}, released {release}"));
    let mut notes = parts.join(" · ");
    if !charter.crew_notes.is_empty() {
        notes.push('\n');
        notes.push_str(&charter.crew_notes);
    }
    notes
}
