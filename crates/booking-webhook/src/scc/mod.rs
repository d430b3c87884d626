//! ShipCaptainCrew: the crew's own system. It e-mails everyone assigned when an event is created, and it never gets money.
//!
//! Contract: `docs/contracts/scc.openapi.yaml`. Events are created over HTTP and read back from SCC's table, whose sort key means that
//! two creations at once could both succeed: the 409 is only a second belt.

mod event;
mod events_table;
mod redaction;

use data_encoding::HEXLOWER;
pub use event::{Event, EventId};
pub use events_table::EventsTable;
use http::header::{AUTHORIZATION, HeaderName};
use reqwest::RequestBuilder;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::{
    booking::MoneyWords,
    outbound::{Call, CallError, Class, Deadline, Effect, Outbound, Service},
    secrets::{SccAuthentication, SccSecret, SecretStore},
};

const SERVICE_KEY: HeaderName = HeaderName::from_static("x-service-key");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

const CREATE: Call = Call { service: Service::Scc, operation: "create_event", effect: Effect::Create };
const PATCH: Call = Call { service: Service::Scc, operation: "patch_event_notes", effect: Effect::Change };

/// An event that is there, as far as the next decision needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingEvent {
    /// SCC's id of it; ours, unless SCC answered another.
    pub id: EventId,
    /// What crew read.
    pub notes: String,
    /// All of it, as crew can read it.
    pub fields: Map<String, Value>,
}

/// SCC's client.
#[derive(Debug, Clone, Copy)]
pub struct Scc<'a> {
    outbound: &'a Outbound,
    secrets: &'a SecretStore,
    events: &'a EventsTable,
}

#[derive(Deserialize)]
struct Created {
    event_id: EventId,
}

impl<'a> Scc<'a> {
    /// Calls go through `outbound`, to the URL and with the key that `secrets` holds at the time; SCC's items are in `events`.
    pub fn new(outbound: &'a Outbound, secrets: &'a SecretStore, events: &'a EventsTable) -> Self {
        Self { outbound, secrets, events }
    }

    /// The event of this id, if it is there.
    ///
    /// # Errors
    /// [`CallError`] of the table.
    pub async fn find(&self, id: &EventId, deadline: Deadline) -> Result<Option<StandingEvent>, CallError> {
        self.events.find(self.outbound, id, deadline).await
    }

    /// Creates the event, which e-mails everyone assigned. An outcome that is not known is read back; when the request may still land
    /// later, nothing is written again.
    ///
    /// # Errors
    /// [`CallError`] of the creation; a refusal when the id is taken by somebody else's event.
    pub async fn create(&self, event: &Event, deadline: Deadline) -> Result<StandingEvent, CallError> {
        let create = |attempt| self.post(event, attempt, deadline);
        self.outbound.create_or_read_back(deadline, create, || self.find(event.id(), deadline)).await
    }

    async fn post(&self, event: &Event, attempt_number: u32, deadline: Deadline) -> Result<StandingEvent, CallError> {
        let key = &format!("{}/crew_event/create", event.booking_id());
        let attempt = |secret: SccSecret| async move {
            let request = |http: &reqwest::Client| {
                authorised(http.post(format!("{}/events", secret.url)), &secret)
                    .header(IDEMPOTENCY_KEY, key)
                    .json(event)
            };
            let read = |body: &[u8]| {
                serde_json::from_slice(body).map(|Created { event_id }| (event_id.clone(), Some(event_id.to_string())))
            };
            self.outbound.exchange_once(CREATE, attempt_number, deadline, request, read).await
        };
        match self.secrets.present(CREATE, |secrets| &secrets.scc, deadline, attempt).await {
            Ok(id) => Ok(StandingEvent { id, ..event.standing() }),
            Err(error) if error.status == Some(409) => self.adopt(event, deadline).await,
            Err(error) => Err(error),
        }
    }

    /// The id was taken already: by our own earlier request, or by somebody else's event, which only a person can sort out.
    async fn adopt(&self, event: &Event, deadline: Deadline) -> Result<StandingEvent, CallError> {
        match self.find(event.id(), deadline).await? {
            Some(standing) if event.is_same_booking(&standing) => Ok(standing),
            _ => Err(CallError::new(CREATE, Class::Refused, format!("has an event {} that is not ours", event.id()))),
        }
    }

    /// Replaces an event's notes and nothing else, which notifies nobody.
    ///
    /// # Errors
    /// [`CallError`] of the change.
    pub async fn patch_notes(
        &self,
        id: &EventId,
        notes: &str,
        idempotency_key: &str,
        deadline: Deadline,
    ) -> Result<(), CallError> {
        let attempt = |secret: SccSecret| async move {
            let request = |http: &reqwest::Client| {
                let url = format!("{}/events/{id}", secret.url);
                authorised(http.patch(url), &secret)
                    .header(IDEMPOTENCY_KEY, idempotency_key)
                    .json(&json!({ "notes": notes }))
            };
            self.outbound.exchange(PATCH, deadline, request, |_| Ok(((), Some(id.to_string())))).await
        };
        self.secrets.present(PATCH, |secrets| &secrets.scc, deadline, attempt).await
    }

    /// Takes every trace of money out of an event's items, whoever put it there, and makes sure that it is gone. Returns the names of what
    /// went.
    ///
    /// # Errors
    /// [`CallError`] of the table; while it fails, crew might see money, so the booking is not in step.
    pub async fn redact(&self, id: &EventId, words: &MoneyWords, deadline: Deadline) -> Result<Vec<String>, CallError> {
        self.events.redact(self.outbound, id, words, deadline).await
    }
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
