//! What crew read of a charter. Built from [`Charter`], which has no money in it.

use std::fmt;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::StandingEvent;
use crate::{
    booking::{Charter, CharterId, PersonId, clock, rfc3339},
    calendar::EntryId,
};

/// SCC's id of an event: our charter id, unless SCC answered another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(String);

impl EventId {
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
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    guest: EventGuest,
    guest_page: String,
    crew_ids: Vec<String>,
    captain_id: String,
    status: &'static str,
    notes: String,
    checklist: Vec<String>,
    #[serde(skip)]
    booking_id: String,
    /// The place that the booking itself named: the boat's own is the operator's to change.
    #[serde(skip)]
    elsewhere: Option<String>,
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
            name: format!("Boatsetter charter · {}", charter.boat.name),
            date: rfc3339(time.start()),
            report_at: rfc3339(&time.report_at()),
            released_at: rfc3339(&time.released_at()),
            local_time: time.start().strftime("%a %-d %b %Y, %-I:%M %p %Z").to_string(),
            duration_hours: hours.round_dp(2).normalize(),
            location: charter.place.as_ref().map(|place| place.name().to_owned()),
            guest: EventGuest { first_name: charter.guest_first_name.clone(), party_size: charter.party_size },
            guest_page: guest_page.to_owned(),
            crew_ids: charter.crew.iter().map(PersonId::to_string).collect(),
            captain_id: charter.captain.to_string(),
            status: "pending_confirmation",
            notes: notes(charter, calendar),
            checklist: charter.checklist.clone(),
            booking_id: charter.booking_id.to_string(),
            elsewhere: charter
                .place
                .as_ref()
                .filter(|place| place.meeting_point().is_none())
                .map(|place| place.name().to_owned()),
        }
    }

    /// Ours.
    pub fn id(&self) -> &EventId {
        &self.event_id
    }

    /// What crew read.
    pub fn notes(&self) -> &str {
        &self.notes
    }

    /// The marketplace's id.
    pub fn booking_id(&self) -> &str {
        &self.booking_id
    }

    /// The event as it stands once SCC has taken it.
    pub(super) fn standing(&self) -> StandingEvent {
        StandingEvent { id: self.event_id.clone(), notes: self.notes.clone(), fields: Map::new() }
    }

    /// Whether an event that is there was made for the same booking: it names our guest page, or our booking among its notes' words.
    pub fn is_same_booking(&self, standing: &StandingEvent) -> bool {
        standing.fields.get("guest_page").is_some_and(|page| *page == self.guest_page)
            || standing.notes.split_whitespace().any(|word| word == self.booking_id)
    }

    /// The first of the sender's fields in which an event that is there differs. What crew and office change by hand is left out.
    pub fn difference(&self, standing: &StandingEvent) -> Option<&'static str> {
        let stored = |field: &str| standing.fields.get(field);
        let text = |field: &str| stored(field).and_then(Value::as_str);
        let differs = |field: &str, mine: &str| text(field).is_some_and(|theirs| theirs != mine);
        let number = |value: Option<&Value>| value.and_then(|value| value.to_string().parse::<Decimal>().ok());
        let instant = |text: &str| text.parse::<Timestamp>().ok();
        let party = stored("guest").and_then(|guest| guest.get("party_size"));
        [
            (text("date").is_some_and(|date| instant(date) != instant(&self.date)), "date"),
            (number(stored("duration_hours")).is_some_and(|hours| hours != self.duration_hours), "duration"),
            (number(party).is_some_and(|size| size != Decimal::from(self.guest.party_size)), "party size"),
            (differs("name", &self.name), "boat"),
            (self.elsewhere.as_ref().is_some_and(|words| differs("location", words)), "location"),
        ]
        .into_iter()
        .find_map(|(differs, field)| differs.then_some(field))
    }
}

fn notes(charter: &Charter, calendar: Option<&EntryId>) -> String {
    let mut parts = vec![format!("Boatsetter booking ref: {}", charter.booking_id)];
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
