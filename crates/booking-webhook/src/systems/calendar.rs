//! The JADA internal calendar: the one place that shows money.
//!
//! Contract: `docs/contracts/calendar.openapi.yaml`. Creating is not idempotent there, so what may have been created is read back before
//! anything is created again, on every day that it could be on.

mod entry;
mod listed;
mod notes_block;

use std::collections::BTreeSet;

pub(crate) use entry::Entry;
use http::{StatusCode, header::HeaderName};
use jiff::civil::Date;
pub(crate) use listed::neighbour;
pub(crate) use notes_block::merge_block;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    outbound::{Call, CallError, Class, Deadline, Effect, Misread, Outbound, Service},
    runtime::secrets::{CalendarSecret, SecretStore},
    systems::remote_id::EntryId,
};

const TOKEN: HeaderName = HeaderName::from_static("x-dashboard-token");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

pub(crate) const FIND: Call = Call { service: Service::Calendar, operation: "find_entry", effect: Effect::Repeatable };
const LIST: Call = Call { service: Service::Calendar, operation: "list_day", effect: Effect::Repeatable };
const CREATE: Call = Call { service: Service::Calendar, operation: "create_entry", effect: Effect::Create };
const PATCH: Call = Call { service: Service::Calendar, operation: "patch_entry", effect: Effect::Change };
const DELETE: Call = Call { service: Service::Calendar, operation: "delete_entry", effect: Effect::Change };

/// An entry that is there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StandingEntry {
    /// The calendar's own id.
    pub(crate) id: EntryId,
    /// What it shows, if it was read; `None` when it was created just now, and shows what it was created with.
    pub(crate) seen: Option<Map<String, Value>>,
}

/// An answer without the charter's id is not the calendar's.
#[derive(Deserialize)]
struct Created {
    id: EntryId,
    event_id: String,
}

#[derive(Deserialize)]
struct Stored {
    id: EntryId,
}

#[derive(Deserialize)]
struct Day {
    entries: Vec<Map<String, Value>>,
}

/// The calendar's client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Calendar<'a> {
    outbound: &'a Outbound,
    secrets: &'a SecretStore,
}

impl<'a> Calendar<'a> {
    /// Calls go through `outbound`, to the URL and with the token that `secrets` holds at the time.
    pub(crate) fn new(outbound: &'a Outbound, secrets: &'a SecretStore) -> Self {
        Self { outbound, secrets }
    }

    /// The charter's entries on these days, the lowest id first. More than one means that a request landed late.
    ///
    /// # Errors
    /// [`CallError`] of the first reading that fails.
    pub(crate) async fn find(
        &self,
        event_id: &str,
        days: &BTreeSet<Date>,
        deadline: &Deadline,
    ) -> Result<Vec<StandingEntry>, CallError> {
        let mut found = Vec::new();
        for day in days {
            let entries = self.on(*day, deadline).await?;
            let ours = entries.into_iter().filter(|seen| seen.get("event_id").is_some_and(|id| id == event_id));
            found.extend(ours.filter_map(|seen| {
                let id = EntryId::try_from(seen.get("id")?.clone()).ok()?;
                Some(StandingEntry { id, seen: Some(seen) })
            }));
        }
        found.sort_by(|one, other| one.id.cmp(&other.id));
        // One that spans days is listed on each.
        found.dedup_by(|one, other| one.id == other.id);
        Ok(found)
    }

    /// The notes of an entry that is on one of these days, as they are now; `None` when it is on none of them.
    ///
    /// # Errors
    /// [`CallError`] of the first reading that fails.
    pub(crate) async fn notes_of(
        &self,
        id: &EntryId,
        days: &BTreeSet<Date>,
        deadline: &Deadline,
    ) -> Result<Option<String>, CallError> {
        for day in days {
            let entries = self.on(*day, deadline).await?;
            let is_it = |entry: &&Map<String, Value>| {
                entry.get("id").cloned().is_some_and(|found| EntryId::try_from(found).as_ref() == Ok(id))
            };
            if let Some(entry) = entries.iter().find(is_it) {
                return Ok(Some(entry.get("notes").and_then(Value::as_str).unwrap_or_default().to_owned()));
            }
        }
        Ok(None)
    }

    /// All entries of a day: ours, other platforms', and holds that people typed in.
    ///
    /// # Errors
    /// [`CallError`] of the reading.
    pub(crate) async fn listed(&self, day: Date, deadline: &Deadline) -> Result<Vec<Map<String, Value>>, CallError> {
        self.read_day(LIST, day, deadline).await
    }

    async fn on(&self, day: Date, deadline: &Deadline) -> Result<Vec<Map<String, Value>>, CallError> {
        self.read_day(FIND, day, deadline).await
    }

    async fn read_day(&self, call: Call, day: Date, deadline: &Deadline) -> Result<Vec<Map<String, Value>>, CallError> {
        let attempt = |secret: CalendarSecret| async move {
            let request =
                |http: &reqwest::Client| authorised(http.get(format!("{}/calendar?date={day}", secret.url)), &secret);
            let read = |_, body: &[u8]| {
                let Day { entries } = serde_json::from_slice(body)?;
                Ok((entries, None))
            };
            self.outbound.exchange(call, deadline, request, read).await
        };
        self.secrets.present(call, |secrets| &secrets.calendar, deadline, attempt).await
    }

    /// Creates an entry. An outcome that is not known is read back, on `days`; when the request may still land later, nothing is written
    /// again.
    ///
    /// # Errors
    /// [`CallError`] of the creation; an unknown one means that there may be an entry now, or later.
    pub(crate) async fn create(
        &self,
        entry: &Map<String, Value>,
        days: &BTreeSet<Date>,
        idempotency_key: &str,
        unsettled: &mut u32,
        deadline: &Deadline,
    ) -> Result<StandingEntry, CallError> {
        let event_id = entry.get("event_id").and_then(Value::as_str).unwrap_or_default();
        let create = |attempt| self.post(entry, idempotency_key, attempt, deadline);
        let read_back = || async {
            let mut found = self.find(event_id, days, deadline).await?;
            if found.len() > 1 {
                let reason = "has several entries of the charter: which of them stays is decided at the next try";
                return Err(CallError::new(FIND, Class::Refused, reason));
            }
            Ok(found.pop())
        };
        self.outbound.create_or_read_back(deadline, unsettled, create, read_back).await
    }

    async fn post(
        &self,
        entry: &Map<String, Value>,
        idempotency_key: &str,
        attempt_number: u32,
        deadline: &Deadline,
    ) -> Result<StandingEntry, CallError> {
        let attempt = |secret: CalendarSecret| async move {
            let request = |http: &reqwest::Client| {
                let post = authorised(http.post(format!("{}/calendar", secret.url)), &secret);
                post.header(IDEMPOTENCY_KEY, idempotency_key).json(entry)
            };
            let read = |_, body: &[u8]| {
                let Created { id, event_id } = serde_json::from_slice(body)?;
                let ours = entry.get("event_id").and_then(Value::as_str);
                if Some(&*event_id) == ours { Ok((id.clone(), Some(id.to_string()))) } else { Err(Misread::NotOurs) }
            };
            self.outbound.exchange_once(CREATE, attempt_number, deadline, request, read).await
        };
        let id = self.secrets.present(CREATE, |secrets| &secrets.calendar, deadline, attempt).await?;
        Ok(StandingEntry { id, seen: None })
    }

    /// Changes these fields of an entry and no others.
    ///
    /// # Errors
    /// [`CallError`]; status 404 when the entry is not there.
    pub(crate) async fn patch(
        &self,
        id: &EntryId,
        changes: &Map<String, Value>,
        idempotency_key: &str,
        deadline: &Deadline,
    ) -> Result<(), CallError> {
        let attempt = |secret: CalendarSecret| async move {
            let request = |http: &reqwest::Client| {
                let patch = authorised(http.patch(format!("{}/calendar/{}", secret.url, id.segment())), &secret);
                patch.header(IDEMPOTENCY_KEY, idempotency_key).json(changes)
            };
            self.outbound.exchange(PATCH, deadline, request, |_, body| is_of(id, body)).await
        };
        self.secrets.present(PATCH, |secrets| &secrets.calendar, deadline, attempt).await
    }

    /// Removes an entry. One that is gone already is removed, if it is on none of `days` either: on a wrong path nobody knows an entry.
    ///
    /// # Errors
    /// [`CallError`] of the deletion, or of the look at the days.
    pub(crate) async fn delete(
        &self,
        id: &EntryId,
        days: &BTreeSet<Date>,
        idempotency_key: &str,
        deadline: &Deadline,
    ) -> Result<(), CallError> {
        let attempt = |secret: CalendarSecret| async move {
            let request = |http: &reqwest::Client| {
                let delete = authorised(http.delete(format!("{}/calendar/{}", secret.url, id.segment())), &secret);
                delete.header(IDEMPOTENCY_KEY, idempotency_key)
            };
            self.outbound.exchange(DELETE, deadline, request, |status, _| is_removed(id, status)).await
        };
        match self.secrets.present(DELETE, |secrets| &secrets.calendar, deadline, attempt).await {
            Err(error) if error.status == Some(404) => self.make_sure_it_is_gone(id, days, deadline).await,
            outcome => outcome,
        }
    }

    async fn make_sure_it_is_gone(
        &self,
        id: &EntryId,
        days: &BTreeSet<Date>,
        deadline: &Deadline,
    ) -> Result<(), CallError> {
        for day in days {
            let entries = self.on(*day, deadline).await?;
            if entries.iter().any(|seen| EntryId::try_from(seen["id"].clone()).as_ref() == Ok(id)) {
                let reason = format!("does not find the entry to remove, which is still listed on {day}");
                return Err(CallError::new(DELETE, Class::Transient, reason));
            }
        }
        Ok(())
    }
}

/// Only an answer that carries the entry's id is the calendar's.
fn is_of(id: &EntryId, body: &[u8]) -> Result<((), Option<String>), Misread> {
    let stored: Stored = serde_json::from_slice(body)?;
    if stored.id == *id { Ok(((), Some(id.to_string()))) } else { Err(Misread::NotOurs) }
}

/// The calendar answers a removal with nothing.
fn is_removed(id: &EntryId, status: StatusCode) -> Result<((), Option<String>), Misread> {
    if status == StatusCode::NO_CONTENT { Ok(((), Some(id.to_string()))) } else { Err(Misread::NotOurs) }
}

fn authorised(request: reqwest::RequestBuilder, secret: &CalendarSecret) -> reqwest::RequestBuilder {
    request.header(TOKEN, secret.dashboard_token.expose_secret())
}
