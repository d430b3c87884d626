//! The four secrets, read at cold start in one call and again when one of them no longer fits.
//!
//! A cold start fails only where a delivery could be neither verified nor named: the webhook secret and the link key. Every other fault
//! (a mistyped calendar secret, a refused host) is reported with all the rest and makes that system's steps due: a typo must not lose
//! webhooks.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use aws_sdk_secretsmanager::{Client, types::SecretValueEntry};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::{sync::Mutex, time::Instant};

use crate::{
    booking::{BookingId, CharterId},
    config::AllowedHosts,
    outbound::{Call, CallError, Class},
    webhook::Verifier,
};

const WEBHOOK: &str = "webhook";
const CALENDAR: &str = "calendar";
const SCC: &str = "scc";
const GUEST_PAGE: &str = "guest-page";
/// Anybody can send a wrong signature; nobody can make us read the secrets more often than this.
const SHORTEST_REFRESH_INTERVAL: Duration = Duration::from_secs(30);

/// Everything secret, as it was read at one moment.
#[derive(Debug)]
pub struct Secrets {
    /// How deliveries are signed.
    pub webhook: Verifier,
    /// What charter ids are derived with.
    link_key: SecretString,
    /// The CloudFront distribution in front of the guest pages.
    pub distribution_id: Result<String, SecretFault>,
    /// The JADA calendar.
    pub calendar: Result<Secret<CalendarSecret>, SecretFault>,
    /// ShipCaptainCrew.
    pub scc: Result<Secret<SccSecret>, SecretFault>,
}

/// One secret's content and the version that it was read at.
#[derive(Debug, Clone)]
pub struct Secret<T> {
    /// What is in it.
    pub content: T,
    version: String,
}

/// `{prefix}/calendar`.
#[derive(Debug, Clone, Deserialize)]
pub struct CalendarSecret {
    /// The API Gateway URL including the stage, without a slash at its end.
    pub url: String,
    /// Sent as `X-Dashboard-Token`.
    pub dashboard_token: SecretString,
}

/// `{prefix}/scc`.
#[derive(Debug, Clone, Deserialize)]
pub struct SccSecret {
    /// The API Gateway URL including the stage, without a slash at its end.
    pub url: String,
    /// The service key.
    pub service_key: SecretString,
    /// How the key is shown.
    #[serde(default)]
    pub auth: SccAuthentication,
}

/// How SCC wants to see the service key.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SccAuthentication {
    /// `Authorization: Bearer <key>`.
    #[default]
    Bearer,
    /// `X-Service-Key: <key>`.
    XServiceKey,
    /// `X-Service-Key: <lower-case hex of the key's SHA-256>`.
    XServiceKeySha256,
}

#[derive(Deserialize)]
struct GuestPageSecret {
    distribution_id: Option<String>,
    link_key: SecretString,
}

/// What is wrong with one secret, without a character of its content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the secret {name} {reason}")]
pub struct SecretFault {
    name: String,
    reason: String,
}

/// Why the secrets cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// Secrets Manager did not answer.
    #[error("the secrets under {prefix}/ cannot be read")]
    Unreachable {
        /// `SECRETS_PREFIX`.
        prefix: String,
        /// What the SDK says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Without these a delivery could be neither verified nor named.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Unusable(Vec<SecretFault>),
}

impl Secrets {
    /// Our id for a booking.
    pub fn charter_id(&self, booking_id: &BookingId) -> CharterId {
        CharterId::derive(self.link_key.expose_secret().as_bytes(), booking_id)
    }

    /// Everything that is wrong but stops nothing.
    pub fn faults(&self) -> Vec<&SecretFault> {
        [self.distribution_id.as_ref().err(), self.calendar.as_ref().err(), self.scc.as_ref().err()]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// The newest secrets that are known, shared by all who need one.
pub struct SecretStore {
    client: Client,
    prefix: String,
    hosts: AllowedHosts,
    current: RwLock<Arc<Secrets>>,
    last_refresh: Mutex<Option<Instant>>,
}

impl fmt::Debug for SecretStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SecretStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl SecretStore {
    /// Reads all four secrets in one `BatchGetSecretValue`.
    ///
    /// # Errors
    /// [`SecretsError`] when Secrets Manager cannot be reached, or no delivery could be verified or named with what it holds.
    pub async fn load(client: Client, prefix: String, hosts: AllowedHosts) -> Result<Self, SecretsError> {
        let secrets = read(&client, &prefix, &hosts).await?;
        Ok(Self { client, prefix, hosts, current: RwLock::new(Arc::new(secrets)), last_refresh: Mutex::new(None) })
    }

    /// The secrets as they were last read.
    pub fn current(&self) -> Arc<Secrets> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The secrets, read again if nobody has since `stale` was taken, and then only if the last reading is long enough ago. One flight
    /// however many ask at once. A reading that cannot be used leaves what there was.
    pub async fn newer_than(&self, stale: &Arc<Secrets>) -> Arc<Secrets> {
        let mut last_refresh = self.last_refresh.lock().await;
        let current = self.current();
        let too_soon = last_refresh.is_some_and(|at| at.elapsed() < SHORTEST_REFRESH_INTERVAL);
        if !Arc::ptr_eq(&current, stale) || too_soon {
            return current;
        }
        *last_refresh = Some(Instant::now());
        match read(&self.client, &self.prefix, &self.hosts).await {
            Ok(secrets) => {
                let secrets = Arc::new(secrets);
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = secrets.clone();
                secrets
            }
            Err(error) => {
                tracing::error!(%error, "the secrets cannot be read again; the ones in use stay");
                current
            }
        }
    }

    /// Makes a call with one service's secret. When the service denies it, or the secret is faulty, the secrets are read again and a new
    /// version is tried at once.
    ///
    /// # Errors
    /// The call's [`CallError`]; a denial that says what is wrong with the secret, when it cannot be used.
    pub async fn present<S: Clone, T, F>(
        &self,
        call: Call,
        pick: impl Fn(&Secrets) -> &Result<Secret<S>, SecretFault>,
        attempt: impl Fn(S) -> F,
    ) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let secrets = self.current();
        let (denied, tried_version) = match pick(&secrets) {
            Ok(secret) => match attempt(secret.content.clone()).await {
                Err(error) if error.class == Class::Denied => (error, Some(&secret.version)),
                outcome => return outcome,
            },
            Err(fault) => (CallError::misconfigured(call, fault.to_string()), None),
        };
        match pick(&*self.newer_than(&secrets).await) {
            Ok(newer) if tried_version != Some(&newer.version) => attempt(newer.content.clone()).await,
            _ => Err(denied),
        }
    }
}

async fn read(client: &Client, prefix: &str, hosts: &AllowedHosts) -> Result<Secrets, SecretsError> {
    let names = [WEBHOOK, CALENDAR, SCC, GUEST_PAGE].map(|name| format!("{prefix}/{name}"));
    let answer = client.batch_get_secret_value().set_secret_id_list(Some(names.to_vec())).send().await;
    let answer = answer.map_err(|error| SecretsError::Unreachable { prefix: prefix.into(), source: error.into() })?;
    let batch = Batch { prefix, found: answer.secret_values(), denied: answer.errors() };
    let usable = |secret: Secret<Verifier>| {
        let valid = secret.content.validate().map_err(|reason| batch.fault(WEBHOOK, reason));
        valid.map(|()| secret.content)
    };
    let webhook = batch.parse(WEBHOOK).and_then(usable);
    let guest_page = batch.parse::<GuestPageSecret>(GUEST_PAGE).and_then(|secret| {
        let empty = secret.content.link_key.expose_secret().is_empty();
        if empty { Err(batch.fault(GUEST_PAGE, "has an empty link_key")) } else { Ok(secret.content) }
    });
    let (webhook, guest_page) = match (webhook, guest_page) {
        (Ok(webhook), Ok(guest_page)) => (webhook, guest_page),
        (webhook, guest_page) => {
            return Err(SecretsError::Unusable([webhook.err(), guest_page.err()].into_iter().flatten().collect()));
        }
    };
    let distribution_id = guest_page.distribution_id.filter(|id| !id.is_empty());
    Ok(Secrets {
        webhook,
        link_key: guest_page.link_key,
        distribution_id: distribution_id.ok_or_else(|| batch.fault(GUEST_PAGE, "has no distribution_id")),
        calendar: batch.service(CALENDAR, hosts, |secret: &mut CalendarSecret| &mut secret.url),
        scc: batch.service(SCC, hosts, |secret: &mut SccSecret| &mut secret.url),
    })
}

/// One answer of Secrets Manager: what it gave, and what it would not give (which comes with a success).
struct Batch<'a> {
    prefix: &'a str,
    found: &'a [SecretValueEntry],
    denied: &'a [aws_sdk_secretsmanager::types::ApiErrorType],
}

impl Batch<'_> {
    fn fault(&self, name: &str, reason: impl Into<String>) -> SecretFault {
        SecretFault { name: format!("{}/{name}", self.prefix), reason: reason.into() }
    }

    fn parse<T: DeserializeOwned>(&self, name: &str) -> Result<Secret<T>, SecretFault> {
        let full_name = format!("{}/{name}", self.prefix);
        let Some(entry) = self.found.iter().find(|entry| entry.name() == Some(&full_name)) else {
            let denied = self.denied.iter().find(|error| error.secret_id() == Some(&full_name));
            let why = denied.and_then(|error| error.error_code()).unwrap_or("it is not among the answers");
            return Err(self.fault(name, format!("cannot be read: {why}")));
        };
        let json = entry.secret_string().unwrap_or_default();
        // serde's own message could quote a value; line, column and kind are enough to find a typo.
        let content = serde_json::from_str(json).map_err(|error| {
            let (line, column, kind) = (error.line(), error.column(), error.classify());
            self.fault(
                name,
                format!("is not the JSON that it should be: {kind:?} fault at line {line}, column {column}"),
            )
        })?;
        Ok(Secret { content, version: entry.version_id().unwrap_or_default().to_owned() })
    }

    /// A secret with the URL of a service, which must be one that may be called.
    fn service<T: DeserializeOwned>(
        &self,
        name: &str,
        hosts: &AllowedHosts,
        url: impl Fn(&mut T) -> &mut String,
    ) -> Result<Secret<T>, SecretFault> {
        let mut secret = self.parse::<T>(name)?;
        let url = url(&mut secret.content);
        hosts.check(url).map_err(|error| self.fault(name, format!("has a url that is not called: {error}")))?;
        url.truncate(url.trim_end_matches('/').len());
        Ok(secret)
    }
}
