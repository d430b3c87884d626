//! The JADA internal calendar: the one place that shows money.
//!
//! Contract: `docs/contracts/calendar.openapi.yaml`. Creating is not idempotent there, so an entry is created only when a reading of its
//! day has shown that it is not there yet.

use std::collections::BTreeSet;

use http::header::HeaderName;
use jiff::Timestamp;
use rust_decimal::Decimal;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    booking::{Assigned, Confirmed, Money, PersonId, clock, rfc3339},
    outbound::{Call, CallError, Class, Deadline, Effect, Outbound, Service},
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
    /// Whom the booking itself named: what the roster adds is the operator's to change.
    #[serde(skip)]
    assigned: Assigned,
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
            assigned: confirmed.assigned.clone(),
        }
    }

    /// The first of the sender's fields in which an entry that is there differs. Title and notes are left out: people add to them.
    pub fn difference(&self, stored: &StoredEntry) -> Option<&'static str> {
        let people = |ids: &[String]| ids.iter().cloned().collect::<BTreeSet<String>>();
        let another_crew = |crew: &Vec<String>| self.assigned.crew.is_some() && people(crew) != people(&self.crew_ids);
        let another_captain = |captain: &String| self.assigned.captain.is_some() && *captain != self.captain_id;
        let instant = |text: &String| text.parse::<Timestamp>().ok();
        let moved = |mine: &String, theirs: &Option<String>| {
            theirs.as_ref().is_some_and(|theirs| instant(theirs) != instant(mine))
        };
        [
            (moved(&self.start, &stored.start), "start"),
            (moved(&self.end, &stored.end), "end"),
            (stored.revenue.is_some_and(|revenue| Money::rounded(revenue) != self.revenue), "revenue"),
            (stored.crew_ids.as_ref().is_some_and(another_crew), "crew"),
            (stored.captain_id.as_ref().is_some_and(another_captain), "captain"),
        ]
        .into_iter()
        .find_map(|(differs, field)| differs.then_some(field))
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
    lines.extend(office.location_note.iter().map(|words| format!("Location, withheld from crew and guests: {words}")));
    lines.join("\n")
}

/// The calendar's own id of an entry, e.g. `cal_1a2b`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub struct EntryId(String);

impl EntryId {
    /// The id as the calendar gave it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An entry that is there, with the fields that the sender decides. Other people's entries are not read: they may hold anything.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct StoredEntry {
    /// The calendar's own id.
    pub id: EntryId,
    start: Option<String>,
    end: Option<String>,
    #[serde(default, with = "rust_decimal::serde::arbitrary_precision_option")]
    revenue: Option<Decimal>,
    crew_ids: Option<Vec<String>>,
    captain_id: Option<String>,
}

#[derive(Deserialize)]
struct Created {
    id: EntryId,
}

#[derive(Deserialize)]
struct Day {
    entries: Vec<Value>,
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

    /// The charter's entries on its day, the lowest id first. More than one means that a request landed late.
    ///
    /// # Errors
    /// [`CallError`] of the reading; a refusal when an entry of ours cannot be understood.
    pub async fn find(&self, entry: &Entry, deadline: Deadline) -> Result<Vec<StoredEntry>, CallError> {
        let attempt = |secret: CalendarSecret| async move {
            let request = |http: &reqwest::Client| {
                authorised(http.get(format!("{}/calendar?date={}", secret.url, entry.date)), &secret)
            };
            let read = |body: &[u8]| serde_json::from_slice(body).map(|Day { entries }| (entries, None));
            self.outbound.exchange(FIND, deadline, request, read).await
        };
        let entries = self.secrets.present(FIND, |secrets| &secrets.calendar, deadline, attempt).await?;
        let is_ours = |stored: &Value| stored["event_id"] == entry.event_id;
        let ours = entries.into_iter().filter(is_ours).map(serde_json::from_value::<StoredEntry>);
        let mut ours = ours.collect::<Result<Vec<_>, _>>().map_err(|error| {
            let reason = format!("has an entry of this charter that cannot be read ({:?} fault)", error.classify());
            CallError::new(FIND, Class::Refused, reason)
        })?;
        ours.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(ours)
    }

    /// Creates the entry. An outcome that is not known is read back; when the request may still land later, nothing is written again.
    ///
    /// # Errors
    /// [`CallError`] of the creation.
    pub async fn create(&self, entry: &Entry, deadline: Deadline) -> Result<EntryId, CallError> {
        let create = |attempt| self.post(entry, attempt, deadline);
        let read_back = || async { Ok(self.find(entry, deadline).await?.into_iter().next().map(|stored| stored.id)) };
        self.outbound.create_or_read_back(deadline, create, read_back).await
    }

    async fn post(&self, entry: &Entry, attempt_number: u32, deadline: Deadline) -> Result<EntryId, CallError> {
        let key = &format!("{}/calendar/create", entry.booking_id);
        let attempt = |secret: CalendarSecret| async move {
            let request = |http: &reqwest::Client| {
                let post = authorised(http.post(format!("{}/calendar", secret.url)), &secret);
                post.header(IDEMPOTENCY_KEY, key).json(entry)
            };
            let read = |body: &[u8]| serde_json::from_slice(body).map(|Created { id }| (id.clone(), Some(id.0)));
            self.outbound.exchange_once(CREATE, attempt_number, deadline, request, read).await
        };
        self.secrets.present(CREATE, |secrets| &secrets.calendar, deadline, attempt).await
    }

    /// Removes an entry that is one too many. One that is gone already is removed.
    ///
    /// # Errors
    /// [`CallError`] of the deletion.
    pub async fn delete(&self, id: &EntryId, deadline: Deadline) -> Result<(), CallError> {
        let attempt = |secret: CalendarSecret| async move {
            let request = |http: &reqwest::Client| {
                authorised(http.delete(format!("{}/calendar/{}", secret.url, id.as_str())), &secret)
            };
            self.outbound.exchange(DELETE, deadline, request, |_| Ok(((), Some(id.0.clone())))).await
        };
        match self.secrets.present(DELETE, |secrets| &secrets.calendar, deadline, attempt).await {
            Err(error) if error.status == Some(404) => Ok(()),
            outcome => outcome,
        }
    }
}

fn authorised(request: reqwest::RequestBuilder, secret: &CalendarSecret) -> reqwest::RequestBuilder {
    request.header(TOKEN, secret.dashboard_token.expose_secret())
}
