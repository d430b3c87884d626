//! Does the world show what the marketplace said last of the sample booking?
//!
//! Looks where people look: the calendar, the crew's records and mail, the guest page through the edge, the crew page behind
//! each magic link. What the function answered is not asked.

use std::{collections::BTreeSet, time::Instant};

use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;
use simulators::{
    aws::loopback_client,
    scc::{Mail, MailKind},
};

use super::Booking;
use crate::Rehearsal;

/// The money of the worked example, by its place in the calendar's entry.
const MONEY: [(&str, &str); 5] = [
    ("/revenue", "840.75"),
    ("/expenses/crew", "250.00"),
    ("/expenses/captain", "150.00"),
    ("/expenses/port_tax", "151.34"),
    ("/net", "289.41"),
];
const ASSIGNED: [&str; 3] = ["crew-1", "crew-2", "captain-1"];
const GUEST: &str = "Dana";
/// How the guest page says that nothing will take place.
pub(super) const CANCELLED: &str = "This charter is cancelled";
/// What crew may read nowhere, in lower case: the labels of money, and the amounts that cannot be anything else.
const NOT_FOR_CREW: [&str; 10] =
    ["revenue", "gross", "payout", "captain_fee", "crew_cost", "port_tax", "840.75", "151.34", "289.41", "$"];

/// The four systems, as they were when they were looked at.
pub struct Inspection {
    /// The calendar's entries.
    pub entries: Vec<Value>,
    /// The crew's events.
    pub events: Vec<Value>,
    /// The crew's mail.
    pub mails: Vec<Mail>,
    /// The guest page at its clean address.
    pub guest_page: Page,
    /// The guest's calendar file.
    pub calendar_file: Page,
    /// The crew page, behind each magic link.
    pub crew_pages: Vec<Page>,
}

/// What a browser got.
pub struct Page {
    /// Its address.
    pub url: String,
    /// The answer's status; 0 when there was no answer.
    pub status: u16,
    /// The answer's content type.
    pub content_type: String,
    /// The answer's body.
    pub body: String,
    /// How long it took.
    pub milliseconds: u128,
}

impl Inspection {
    /// Looks at all four systems.
    pub async fn of(rehearsal: &Rehearsal) -> Self {
        let (entries, events, mails) =
            (rehearsal.calendar.entries(), rehearsal.scc.events().await, rehearsal.scc.mailbox());
        let charter_id = events.iter().chain(&entries).find_map(|record| record["event_id"].as_str()).unwrap_or("none");
        let guest_page = format!("{}/g/{charter_id}", rehearsal.edge.url());
        let mut crew_pages = Vec::new();
        let links: BTreeSet<&str> = mails.iter().filter_map(|mail| mail.link.as_deref()).collect();
        for link in links {
            crew_pages.push(Page::get(link).await);
        }
        Self {
            calendar_file: Page::get(&format!("{guest_page}.ics")).await,
            guest_page: Page::get(&guest_page).await,
            crew_pages,
            entries,
            events,
            mails,
        }
    }

    /// What does not show `booking`, each in a sentence; nothing when all is well. Of its start and status, `changes` must
    /// have been announced to everybody assigned.
    #[must_use]
    pub fn faults(&self, booking: &Booking, changes: usize) -> Vec<String> {
        let mut faults = [self.calendar_faults(booking), self.crew_faults(booking), self.mail_faults(changes)].concat();
        let start = booking.start.strftime("DTSTART;TZID=America/Los_Angeles:%Y%m%dT%H%M%S").to_string();
        let status = if booking.is_cancelled { "STATUS:CANCELLED" } else { "STATUS:CONFIRMED" };
        let day = booking.start.strftime("%A, %B %-d, %Y").to_string();
        // A page that says that nothing will take place greets nobody.
        let greeting = if booking.is_cancelled { CANCELLED } else { GUEST };
        faults.extend(self.guest_page.fault("guest page", "text/html", &[greeting, &day]));
        faults.extend(self.calendar_file.fault("guest's calendar file", "text/calendar", &[&start, status]));
        faults.extend(self.crew_pages.iter().filter_map(|page| page.fault("crew page", "text/html", &[GUEST])));
        if self.guest_page.body.contains(CANCELLED) != booking.is_cancelled {
            let says = if booking.is_cancelled { "does not say" } else { "says" };
            faults.push(format!("guest page: {} {says} \"{CANCELLED}\"", self.guest_page.url));
        }
        faults
    }

    fn calendar_faults(&self, booking: &Booking) -> Vec<String> {
        if booking.is_cancelled {
            let entries = self.entries.len();
            return if entries == 0 {
                Vec::new()
            } else {
                vec![format!("calendar: {entries} entries instead of none")]
            };
        }
        let [entry] = self.entries.as_slice() else {
            return vec![format!("calendar: {} entries instead of one", self.entries.len())];
        };
        let wrong = |(place, amount): &(&str, &str)| {
            let shown = entry.pointer(place).unwrap_or(&Value::Null).to_string();
            let expected: Decimal = amount.parse().expect("the worked example's amounts are decimal numbers");
            (shown.parse() != Ok(expected)).then(|| format!("calendar: {place} is {shown} instead of {amount}"))
        };
        let start = start_fault("calendar", &entry["start"], booking);
        start.into_iter().chain(MONEY.iter().filter_map(wrong)).collect()
    }

    fn crew_faults(&self, booking: &Booking) -> Vec<String> {
        let [event] = self.events.as_slice() else {
            return vec![format!("ShipCaptainCrew: {} events instead of one", self.events.len())];
        };
        let record = event.to_string().to_lowercase();
        let money = NOT_FOR_CREW.iter().filter(|words| record.contains(**words));
        let money = money.map(|words| format!("ShipCaptainCrew: crew can read \"{words}\" in the event"));
        let status = &event["status"];
        let wrong = (status == "cancelled") != booking.is_cancelled;
        let status = wrong.then(|| format!("ShipCaptainCrew: the event's status is {status}"));
        start_fault("ShipCaptainCrew", &event["date"], booking).into_iter().chain(status).chain(money).collect()
    }

    fn mail_faults(&self, changes: usize) -> Vec<String> {
        let count =
            |who: &str, kind: MailKind| self.mails.iter().filter(|mail| mail.to == who && mail.kind == kind).count();
        let mut faults = Vec::new();
        for who in ASSIGNED {
            let (links, notices) = (count(who, MailKind::MagicLink), count(who, MailKind::Change));
            if links != 1 {
                faults.push(format!("crew mailbox: {links} magic links to {who} instead of one"));
            }
            if notices != changes {
                faults.push(format!("crew mailbox: {notices} notices of a change to {who} instead of {changes}"));
            }
        }
        let expected = ASSIGNED.len() * (1 + changes);
        if self.mails.len() > expected {
            faults.push(format!("crew mailbox: {} mails instead of {expected}", self.mails.len()));
        }
        faults
    }
}

fn start_fault(system: &str, shown: &Value, booking: &Booking) -> Option<String> {
    let start = shown.as_str().and_then(|start| start.parse::<Timestamp>().ok());
    let expected = booking.start.timestamp();
    (start != Some(expected)).then(|| format!("{system}: the charter starts at {shown} instead of {expected}"))
}

impl Page {
    async fn get(url: &str) -> Self {
        let since = Instant::now();
        let (status, content_type, body) = match loopback_client().get(url).send().await {
            Err(error) => (0, String::new(), error.to_string()),
            Ok(answer) => {
                let content_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
                let content_type = content_type.unwrap_or_default().to_owned();
                (answer.status().as_u16(), content_type, answer.text().await.unwrap_or_default())
            }
        };
        Self { url: url.to_owned(), status, content_type, body, milliseconds: since.elapsed().as_millis() }
    }

    fn fault(&self, name: &str, content_type: &str, words: &[&str]) -> Option<String> {
        let Self { url, status, .. } = self;
        if *status != 200 {
            return Some(format!("{name}: {url} answered {status} instead of 200"));
        }
        if !self.content_type.starts_with(content_type) {
            return Some(format!("{name}: {url} is \"{}\" instead of {content_type}", self.content_type));
        }
        let missing = words.iter().find(|words| !self.body.contains(**words))?;
        Some(format!("{name}: {url} does not say \"{missing}\""))
    }
}

#[cfg(test)]
mod tests;
