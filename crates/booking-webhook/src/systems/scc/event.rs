//! What crew read of a charter. Built from [`Charter`], which has no money in it.

use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    booking::{Charter, PersonId, rfc3339},
    systems::remote_id::{EntryId, EventId},
};

/// Tells crew that a sentence was withheld: one that was withheld by mistake may matter to them.
const MORE_AT_THE_OFFICE: &str = "The office has more of the guest's notes";
const REFERENCE: &str = " booking ref: ";

/// An event as SCC takes it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Event {
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
    pub(crate) fn of(charter: &Charter, guest_page: &str, calendar: Option<&EntryId>) -> Self {
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
            guest: EventGuest { first_name: charter.guest_first_name.to_string(), party_size: charter.party_size },
            guest_page: guest_page.to_owned(),
            crew_ids: charter.crew.iter().map(PersonId::to_string).collect(),
            captain_id: charter.captain.to_string(),
            status: "pending_confirmation",
            notes: notes(charter, calendar),
            checklist: charter.checklist.clone(),
        }
    }

    /// Field by field, as SCC is sent them.
    pub(crate) fn fields(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            _ => unreachable!("an event is written as an object with text keys"),
        }
    }
}

/// The guest's words first: an allergy must not stand below references. Every line is of a kind that [`is_ours`] knows again.
fn notes(charter: &Charter, calendar: Option<&EntryId>) -> String {
    let guest = charter.crew_notes.iter().map(|line| format!("Guest: “{line}”"));
    let withheld = charter.crew_notes_withheld.then(|| MORE_AT_THE_OFFICE.to_owned());
    let reference = format!("{}{REFERENCE}{}", charter.seller, charter.booking_id);
    let references = [reference].into_iter().chain(calendar.map(|id| format!("calendar {}", id.as_str())));
    let ours = [charter.time.crew_hours(), references.collect::<Vec<_>>().join(" · ")];
    guest.chain(withheld).chain(ours).collect::<Vec<_>>().join("\n")
}

/// The notes as they are now, with our lines in them brought up to date. What people wrote stays where it is.
pub(crate) fn merge_notes(current: &str, ours: &str) -> String {
    let lines: Vec<&str> = current.lines().map(str::trim_end).collect();
    let first = lines.iter().position(|line| is_ours(line)).unwrap_or(0);
    let people = |lines: &[&'_ str]| lines.iter().copied().filter(|line| !is_ours(line)).collect::<Vec<_>>().join("\n");
    let parts = [people(&lines[..first]), ours.to_owned(), people(&lines[first..])];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn is_ours(line: &str) -> bool {
    (line.starts_with("Guest: “") && line.ends_with('”'))
        || line == MORE_AT_THE_OFFICE
        || (line.starts_with("Report ") && line.contains(", released "))
        || line.split_once(REFERENCE).is_some_and(|(seller, _)| !seller.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_into_the_notes_stays() {
        let ours =
            "Guest: “nuts”\nReport Sat 31 May 1:00 PM, released 6:00 PM\nBoatsetter booking ref: BS-1 · calendar cal_2";
        let old = "Guest: “anniversary”\nReport Fri 30 May 1:00 PM, released 6:00 PM\nBoatsetter booking ref: BS-1";
        for (current, expected) in [
            (String::new(), ours.to_owned()),
            (old.to_owned(), ours.to_owned()),
            (format!("{old}\nDock gate sticks"), format!("{ours}\nDock gate sticks")),
            (format!("Ice!\n{old}\n\nDock gate sticks"), format!("Ice!\n{ours}\n\nDock gate sticks")),
            (old.replace("\nReport", "\nBring ice\nReport"), format!("{ours}\nBring ice")),
            ("Dock gate sticks".into(), format!("{ours}\nDock gate sticks")),
            (format!("{old}\r\n{MORE_AT_THE_OFFICE}\r\n"), ours.to_owned()),
        ] {
            let merged = merge_notes(&current, ours);
            assert_eq!(merged, expected, "{current:?}");
            assert_eq!(merge_notes(&merged, ours), merged, "{current:?}");
        }
    }
}
