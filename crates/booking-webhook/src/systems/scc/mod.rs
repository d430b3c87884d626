//! ShipCaptainCrew: the crew's own system. It e-mails everyone assigned when an event is created, and it never gets money.
//!
//! Contract: `docs/contracts/scc.openapi.yaml`. Events are created over HTTP and read back from SCC's table, whose sort key means that
//! two creations at once could both succeed: the 409 is only a second belt.

mod event;
mod events_table;
mod redaction;

use data_encoding::HEXLOWER;
pub(crate) use event::{Event, merge_notes};
pub(crate) use events_table::EventsTable;
use http::{
    StatusCode,
    header::{AUTHORIZATION, HeaderName},
};
use reqwest::RequestBuilder;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{
    booking::{BookingId, Operator},
    outbound::{Call, CallError, Class, Deadline, Effect, Misread, Outbound, Service},
    runtime::metrics::Metric,
    runtime::secrets::{SccAuthentication, SccSecret, SecretStore},
    systems::remote_id::EventId,
};

const SERVICE_KEY: HeaderName = HeaderName::from_static("x-service-key");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

const CREATE: Call = Call { service: Service::Scc, operation: "create_event", effect: Effect::Create };
const CHECK: Call = Call { service: Service::Scc, operation: "check_key", effect: Effect::Repeatable };
pub(crate) const PATCH: Call = Call { service: Service::Scc, operation: "patch_event", effect: Effect::Change };

/// An event that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StandingEvent {
    /// SCC's id of it; ours, unless SCC answered another.
    pub(crate) id: EventId,
    /// What it shows, if it was read; `None` when it was created just now, and shows what it was created with.
    pub(crate) seen: Option<Map<String, Value>>,
}

impl StandingEvent {
    /// Whether it was made for the same booking as `event`: it names our guest page, or the booking among its notes' words.
    fn is_of_the_booking(&self, event: &Map<String, Value>, booking_id: &BookingId) -> bool {
        let Some(seen) = &self.seen else { return true };
        let notes = seen.get("notes").and_then(Value::as_str).unwrap_or_default();
        seen.get("guest_page").is_some_and(|page| event.get("guest_page") == Some(page))
            || notes.split_whitespace().any(|word| word == booking_id.as_str())
    }
}

/// SCC's client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scc<'a> {
    outbound: &'a Outbound,
    secrets: &'a SecretStore,
    events: &'a EventsTable,
}

#[derive(Deserialize)]
struct Stored {
    event_id: EventId,
}

impl<'a> Scc<'a> {
    /// Calls go through `outbound`, to the URL and with the key that `secrets` holds at the time; SCC's items are in `events`.
    pub(crate) fn new(outbound: &'a Outbound, secrets: &'a SecretStore, events: &'a EventsTable) -> Self {
        Self { outbound, secrets, events }
    }

    /// The booking's event, if it is there.
    ///
    /// # Errors
    /// [`CallError`] of the table; a refusal when the id is taken by somebody else's event, which only a person can sort out.
    pub(crate) async fn find(
        &self,
        id: &EventId,
        event: &Map<String, Value>,
        booking_id: &BookingId,
        deadline: &Deadline,
    ) -> Result<Option<StandingEvent>, CallError> {
        match self.events.find(self.outbound, id, deadline).await? {
            Some(standing) if !standing.is_of_the_booking(event, booking_id) => {
                Err(CallError::new(CREATE, Class::Refused, format!("has an event {id} that is not ours")))
            }
            standing => Ok(standing),
        }
    }

    /// Creates the event, which e-mails everyone assigned. An outcome that is not known is read back; when the request may still land
    /// later, nothing is written again.
    ///
    /// # Errors
    /// [`CallError`] of the creation; an unknown one means that there may be an event now, or later.
    pub(crate) async fn create(
        &self,
        id: &EventId,
        event: &Map<String, Value>,
        booking_id: &BookingId,
        idempotency_key: &str,
        unsettled: &mut u32,
        deadline: &Deadline,
    ) -> Result<StandingEvent, CallError> {
        let create = |attempt| async move {
            match self.post(event, idempotency_key, attempt, deadline).await {
                // Our own earlier request was faster, or it is somebody else's.
                Err(error) if error.status == Some(409) => {
                    self.find(id, event, booking_id, deadline).await?.ok_or(error)
                }
                outcome => outcome,
            }
        };
        self.outbound
            .create_or_read_back(deadline, unsettled, create, || self.find(id, event, booking_id, deadline))
            .await
    }

    async fn post(
        &self,
        event: &Map<String, Value>,
        idempotency_key: &str,
        attempt_number: u32,
        deadline: &Deadline,
    ) -> Result<StandingEvent, CallError> {
        let attempt = |secret: SccSecret| async move {
            let request = |http: &reqwest::Client| {
                authorised(http.post(format!("{}/events", secret.url)), &secret)
                    .header(IDEMPOTENCY_KEY, idempotency_key)
                    .json(event)
            };
            let read = |_, body: &[u8]| {
                let Stored { event_id } = serde_json::from_slice(body)?;
                Ok((event_id.clone(), Some(event_id.to_string())))
            };
            self.outbound.exchange_once(CREATE, attempt_number, deadline, request, read).await
        };
        let id = self.secrets.present(CREATE, |secrets| &secrets.scc, deadline, attempt).await?;
        Ok(StandingEvent { id, seen: None })
    }

    /// Changes these fields of an event and no others. SCC tells its people what they have to know of it.
    ///
    /// # Errors
    /// [`CallError`] of the change; a refusal with status 404 when the event is not there.
    pub(crate) async fn patch(
        &self,
        id: &EventId,
        changes: &Map<String, Value>,
        idempotency_key: &str,
        deadline: &Deadline,
    ) -> Result<(), CallError> {
        let attempt = |secret: SccSecret| async move {
            let request = |http: &reqwest::Client| {
                let url = format!("{}/events/{}", secret.url, id.segment());
                authorised(http.patch(url), &secret).header(IDEMPOTENCY_KEY, idempotency_key).json(changes)
            };
            match self.outbound.exchange(PATCH, deadline, request, |_, body| is_of(id, body)).await {
                Err(error) if error.status == Some(404) => Err(self.who_denies(id, error, deadline).await),
                outcome => outcome,
            }
        };
        self.secrets.present(PATCH, |secrets| &secrets.scc, deadline, attempt).await
    }

    /// An answer that an event is gone although SCC's table has it does not come from SCC.
    async fn who_denies(&self, id: &EventId, error: CallError, deadline: &Deadline) -> CallError {
        match self.events.find(self.outbound, id, deadline).await {
            Ok(None) => error,
            Ok(Some(_)) => {
                self.outbound.metrics().count(Metric::DeniedCalls);
                error.wrong_endpoint()
            }
            Err(unread) => unread,
        }
    }

    /// Makes sure that SCC takes our key: with it an event that does not exist is 404, without it 401 or 403.
    ///
    /// # Errors
    /// [`CallError`] if the key is denied, or if a request without a key is answered: then it is not SCC that answers.
    pub(crate) async fn check_key(&self, nobodys_id: &EventId, deadline: &Deadline) -> Result<(), CallError> {
        let attempt = |secret: SccSecret| async move {
            let url = format!("{}/events/{}", secret.url, nobodys_id.segment());
            let request = |http: &reqwest::Client| authorised(http.get(&url), &secret);
            match self.outbound.exchange(CHECK, deadline, request, |_, _| Ok(((), None))).await {
                Err(error) if error.status != Some(StatusCode::NOT_FOUND.as_u16()) => return Err(error),
                _ => {}
            }
            let without = self.outbound.visit(CHECK, deadline, &url).await?.status;
            if matches!(without, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
                return Ok(());
            }
            let reason = format!("answers {without} to a request without a key, so it is not known whether ours fits");
            Err(CallError::new(CHECK, Class::Refused, reason))
        };
        self.secrets.present(CHECK, |secrets| &secrets.scc, deadline, attempt).await
    }

    /// Makes sure that SCC's table can be queried.
    ///
    /// # Errors
    /// [`CallError`] of the table.
    pub(crate) async fn check_table(&self, nobodys_id: &EventId, deadline: &Deadline) -> Result<(), CallError> {
        self.events.find(self.outbound, nobodys_id, deadline).await.map(|_| ())
    }

    /// Every item of an event as crew can read it, and the names of what holds money in them. Changes nothing.
    ///
    /// # Errors
    /// [`CallError`] of the table.
    pub(crate) async fn seen(
        &self,
        id: &EventId,
        operator: &Operator,
        deadline: &Deadline,
    ) -> Result<(Vec<Map<String, Value>>, Vec<String>), CallError> {
        self.events.seen(self.outbound, id, operator, deadline).await
    }
}

/// Only an answer that carries the event's id is SCC's.
fn is_of(id: &EventId, body: &[u8]) -> Result<((), Option<String>), Misread> {
    let stored: Stored = serde_json::from_slice(body)?;
    if stored.event_id == *id { Ok(((), Some(id.to_string()))) } else { Err(Misread::NotOurs) }
}

fn authorised(request: RequestBuilder, secret: &SccSecret) -> RequestBuilder {
    let key = secret.service_key.expose_secret();
    match secret.auth {
        SccAuthentication::Bearer => request.header(AUTHORIZATION, format!("Bearer {key}")),
        SccAuthentication::XServiceKey => request.header(SERVICE_KEY, key),
        SccAuthentication::XServiceKeySha256 => {
            request.header(SERVICE_KEY, HEXLOWER.encode(&Sha256::digest(key.as_bytes())))
        }
    }
}
