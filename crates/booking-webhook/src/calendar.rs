//! The JADA internal calendar: the one place that shows money.
//!
//! Contract: `docs/contracts/calendar.openapi.yaml`. Creating is not idempotent there, so an entry is created only when a reading of its
//! day has shown that it is not there yet.

use http::header::HeaderName;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use crate::{
    booking::{Confirmed, Money, PersonId, clock, rfc3339},
    outbound::{Call, CallError, Deadline, Effect, Outbound, Service},
    secrets::{CalendarSecret, SecretStore},
};

const TOKEN: HeaderName = HeaderName::from_static("x-dashboard-token");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

const FIND: Call = Call { service: Service::Calendar, operation: "find_entry", effect: Effect::Read };
const CREATE: Call = Call { service: Service::Calendar, operation: "create_entry", effect: Effect::Create };
const DELETE: Call = Call { service: Service::Calendar, operation: "delete_duplicate_entry", effect: Effect::Change };

/// A calendar entry as the office and the captain read it.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
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
    /// What the calendar should show for a booking that stands.
    pub fn of(confirmed: &Confirmed, guest_page: &str) -> Self {
        let Confirmed { charter, office, .. } = confirmed;
        let statement = &office.statement;
        let time = &charter.time;
        let guests = if charter.party_size == 1 { "guest" } else { "guests" };
        Self {
            date: time.start().date().to_string(),
            start: rfc3339(time.start()),
            end: rfc3339(time.end()),
            title: format!(
                "{} · {} · {} {guests} · {} · {}",
                time.clock_range(),
                office.guest_name,
                charter.party_size,
                charter.boat.name,
                charter.booking_id,
            ),
            booking_id: charter.booking_id.to_string(),
            event_id: charter.id.to_string(),
            revenue: statement.gross,
            expenses: Expenses { crew: statement.crew, captain: statement.captain, port_tax: statement.port_tax },
            net: statement.net,
            crew_ids: charter.crew.iter().map(PersonId::to_string).collect(),
            captain_id: charter.captain.to_string(),
            notes: notes(confirmed, guest_page),
        }
    }
}

/// For the office: how to find the charter elsewhere, what the guest wrote, and a message to paste, because nobody else sends the guest
/// the link.
fn notes(confirmed: &Confirmed, guest_page: &str) -> String {
    let Confirmed { charter, office, .. } = confirmed;
    let start = charter.time.start();
    let mut lines = vec![
        format!("Boatsetter charter {} + SCC event {}", charter.booking_id, charter.id),
        format!("Guest page: {guest_page}"),
        format!(
            "Message for the guest: Hi {}, everything for {} at {}: {guest_page}",
            charter.guest_first_name,
            start.strftime("%A, %B %-d"),
            clock(start),
        ),
    ];
    if !office.guest_notes.is_empty() {
        lines.push(format!("Guest's notes: {}", office.guest_notes));
    }
    lines.join("\n")
}

/// The calendar's own id of an entry, e.g. `cal_1a2b`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryId(String);

impl EntryId {
    /// The id as the calendar gave it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What we read of entries that are there.
#[derive(Debug, Deserialize)]
struct StoredEntry {
    id: String,
    event_id: Option<String>,
}

#[derive(Deserialize)]
struct Day {
    entries: Vec<StoredEntry>,
}

/// The calendar's client.
#[derive(Debug, Clone, Copy)]
pub struct Calendar<'a> {
    outbound: &'a Outbound,
    secrets: &'a SecretStore,
}

impl<'a> Calendar<'a> {
    /// Calls go through `outbound`, to the URL and with the token that `secrets` holds at the time.
    pub fn new(outbound: &'a Outbound, secrets: &'a SecretStore) -> Self {
        Self { outbound, secrets }
    }

    /// The entry's id, creating the entry if its day does not show it yet. An outcome that is not known is read back; when the request
    /// may still land later, nothing is written again.
    ///
    /// # Errors
    /// [`CallError`] of the reading or the creation.
    pub async fn put_in_step(&self, entry: &Entry, deadline: Deadline) -> Result<EntryId, CallError> {
        match self.find(entry, deadline).await? {
            Some(id) => Ok(id),
            None => {
                let (create, read_back) = (|| self.create(entry, deadline), || self.find(entry, deadline));
                self.outbound.create_or_read_back(deadline, create, read_back).await
            }
        }
    }

    async fn create(&self, entry: &Entry, deadline: Deadline) -> Result<EntryId, CallError> {
        let key = &format!("{}/calendar/create", entry.booking_id);
        let attempt = |secret: CalendarSecret| async move {
            let request = |http: &reqwest::Client| {
                authorised(http.post(format!("{}/calendar", secret.url)), &secret)
                    .header(IDEMPOTENCY_KEY, key)
                    .json(entry)
            };
            let read = |body: &[u8]| {
                serde_json::from_slice(body).map(|StoredEntry { id, .. }| (EntryId(id.clone()), Some(id)))
            };
            self.outbound.exchange(CREATE, deadline, request, read).await
        };
        self.secrets.present(CREATE, |secrets| &secrets.calendar, attempt).await
    }

    /// The entry of this charter on its day. Two of them (a request that landed late) are one too many: the lower id stays.
    async fn find(&self, entry: &Entry, deadline: Deadline) -> Result<Option<EntryId>, CallError> {
        let attempt = |secret: CalendarSecret| async move {
            let request = |http: &reqwest::Client| {
                authorised(http.get(format!("{}/calendar?date={}", secret.url, entry.date)), &secret)
            };
            let read = |body: &[u8]| serde_json::from_slice(body).map(|Day { entries }| (entries, None));
            self.outbound.exchange(FIND, deadline, request, read).await
        };
        let entries = self.secrets.present(FIND, |secrets| &secrets.calendar, attempt).await?;
        let ours = entries.into_iter().filter(|stored| stored.event_id.as_ref() == Some(&entry.event_id));
        let mut ids: Vec<EntryId> = ours.map(|stored| EntryId(stored.id)).collect();
        ids.sort();
        for duplicate in ids.iter().skip(1) {
            self.delete(duplicate, deadline).await?;
        }
        Ok(ids.into_iter().next())
    }

    async fn delete(&self, id: &EntryId, deadline: Deadline) -> Result<(), CallError> {
        let attempt = |secret: CalendarSecret| async move {
            let request = |http: &reqwest::Client| {
                authorised(http.delete(format!("{}/calendar/{}", secret.url, id.as_str())), &secret)
            };
            self.outbound.exchange(DELETE, deadline, request, |_| Ok(((), Some(id.0.clone())))).await
        };
        match self.secrets.present(DELETE, |secrets| &secrets.calendar, attempt).await {
            Err(error) if error.status == Some(404) => Ok(()),
            outcome => outcome,
        }
    }
}

fn authorised(request: reqwest::RequestBuilder, secret: &CalendarSecret) -> reqwest::RequestBuilder {
    request.header(TOKEN, secret.dashboard_token.expose_secret())
}
