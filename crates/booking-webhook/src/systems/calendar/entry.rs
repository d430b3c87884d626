//! What the calendar shows of a booking, for the office and the captain.

use serde::Serialize;
use serde_json::{Map, Value};

use super::notes_block::block;
use crate::booking::{Booking, GuestMessage, Language, Money, News, PersonId, one_line, rfc3339, span};

/// A calendar entry as the office and the captain read it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Entry {
    date: String,
    start: String,
    end: String,
    title: String,
    booking_id: String,
    event_id: String,
    revenue: Money,
    expenses: Expenses,
    net: Money,
    crew_ids: Vec<String>,
    captain_id: String,
    notes: String,
}

#[derive(Debug, Clone, Serialize)]
struct Expenses {
    crew: Money,
    captain: Money,
    port_tax: Money,
}

impl Entry {
    /// What the calendar should show; `news` is what the message to the guest says.
    pub(crate) fn of(booking: &Booking, guest_page: &str, news: News) -> Self {
        let Booking { charter, office, .. } = booking;
        let statement = &office.statement;
        let time = &charter.time;
        Self {
            date: time.start().date().to_string(),
            start: rfc3339(time.start()),
            end: rfc3339(time.end()),
            title: title(booking),
            booking_id: charter.booking_id.to_string(),
            event_id: charter.id.to_string(),
            revenue: statement.gross,
            expenses: Expenses { crew: statement.crew, captain: statement.captain, port_tax: statement.port_tax },
            net: statement.net,
            crew_ids: charter.crew.iter().map(PersonId::to_string).collect(),
            captain_id: charter.captain.to_string(),
            notes: notes(booking, guest_page, news),
        }
    }

    /// Field by field, as the calendar is sent them.
    pub(crate) fn fields(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            _ => unreachable!("an entry is written as an object with text keys"),
        }
    }
}

/// A month view shows its first words: who, and how many.
fn title(booking: &Booking) -> String {
    let Booking { charter, office, .. } = booking;
    let guest = one_line(&office.guest_name);
    let guest = if guest.is_empty() { charter.guest_first_name.to_string() } else { guest };
    let span = span(charter.time.start(), charter.time.end(), Language::English);
    format!("{guest} · {} · {} · {span} · {}", charter.party_size, charter.boat.name, charter.booking_id)
}

/// Our block of the notes: what to check, where to find the charter elsewhere, what the guest wrote, and the message to paste.
fn notes(booking: &Booking, guest_page: &str, news: News) -> String {
    let Booking { charter, office, flags, .. } = booking;
    let mut lines: Vec<String> = flags.iter().map(|flag| format!("CHECK: {}", one_line(&flag.words()))).collect();
    lines.push(format!("{} charter {} + SCC event {}", charter.seller, charter.booking_id, charter.id));
    lines.push(format!("Guest page: {guest_page}"));
    if !office.guest_notes.is_empty() {
        lines.push("Guest's notes:".into());
        // Quoted: no line of a guest's may look like one of ours.
        lines.extend(office.guest_notes.lines().map(|line| format!("> {}", one_line(line))));
    }
    let message = GuestMessage { charter, operator_name: &office.operator_name, guest_page, news };
    lines.extend([String::new(), "Message for the guest, to copy and paste:".into(), String::new(), message.text()]);
    block(&lines.join("\n"))
}

#[cfg(test)]
mod tests;
