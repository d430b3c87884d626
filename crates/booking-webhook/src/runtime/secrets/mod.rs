//! The secrets, read at cold start in one call and again when one of them no longer fits.
//!
//! A cold start fails only where no delivery could be named: the link key. A faulty webhook secret costs its sender a 503, every other
//! fault (a mistyped calendar secret, a refused host) makes that system's steps due. All are reported together, by the field's name: a typo
//! must not lose webhooks.

mod reading;

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use reading::Reading;
pub(crate) use reading::{SecretSource, Webhooks};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use tokio::sync::Mutex;

use crate::{
    booking::{BookingId, CharterId},
    outbound::{Call, CallError, Class, Deadline},
    runtime::metrics::Metric,
    runtime::telemetry::with_causes,
};

/// Wrong signatures make us read the secrets at most this often.
const SHORTEST_REFRESH_INTERVAL: SignedDuration = SignedDuration::from_secs(30);
/// A refresh happens in the middle of a delivery, whose sender is waiting.
const LONGEST_REFRESH: Duration = Duration::from_secs(1);

/// Everything secret: of each secret the newest version that could be used.
#[derive(Debug)]
pub(crate) struct Secrets {
    /// How each sender's deliveries are verified.
    pub(crate) webhooks: Webhooks,
    /// What charter ids are derived with.
    link_key: SecretString,
    /// The CloudFront distribution in front of the guest pages.
    pub(crate) distribution_id: Result<String, SecretFault>,
    /// The JADA calendar.
    pub(crate) calendar: Result<Secret<CalendarSecret>, SecretFault>,
    /// ShipCaptainCrew.
    pub(crate) scc: Result<Secret<SccSecret>, SecretFault>,
    /// What links to the office's desk are signed with; `None` when the operator has no desk.
    pub(crate) desk: Result<Option<DeskKey>, SecretFault>,
    /// Everything that was wrong when they were last read.
    pub(crate) faults: Vec<SecretFault>,
}

/// One secret's content and the version that it was read at.
#[derive(Debug, Clone)]
pub(crate) struct Secret<T> {
    /// What is in it.
    pub(crate) content: T,
    version: String,
}

/// `{prefix}/calendar`.
#[derive(Debug, Clone)]
pub(crate) struct CalendarSecret {
    /// The API Gateway URL including the stage, without a slash at its end.
    pub(crate) url: String,
    /// Sent as `X-Dashboard-Token`.
    pub(crate) dashboard_token: SecretString,
}

/// `{prefix}/scc`.
#[derive(Debug, Clone)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub(crate) struct SccSecret {
    /// The API Gateway URL including the stage, without a slash at its end.
    pub(crate) url: String,
    /// The service key.
    pub(crate) service_key: SecretString,
    /// How the key is shown.
    #[cfg_attr(test, serde(skip))]
    pub(crate) auth: SccAuthentication,
    /// Where guests' browsers ask for an upload form; holds `{event_id}`. Without it guest pages take no photos.
    pub(crate) presign_url: Option<String>,
    /// What those forms say as `url`: the bucket, as browsers call it. Without it guest pages may call every bucket of the region.
    pub(crate) upload_url: Option<String>,
}

/// `{prefix}/desk`: what links to the office's desk are signed with. Another key ends them all.
#[derive(Clone)]
pub(crate) struct DeskKey(Arc<SecretBox<Vec<u8>>>);

impl DeskKey {
    /// These bytes.
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(Arc::new(SecretBox::new(Box::new(bytes))))
    }

    /// For the one function that signs.
    pub(crate) fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

impl fmt::Debug for DeskKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DeskKey")
    }
}

/// How SCC wants to see the service key.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum SccAuthentication {
    /// `Authorization: Bearer <key>`.
    #[default]
    Bearer,
    /// `X-Service-Key: <key>`.
    XServiceKey,
    /// `X-Service-Key: <lower-case hex of the key's SHA-256>`.
    XServiceKeySha256,
}

/// What is wrong with one secret, without a character of its content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the secret {name} {reason}")]
pub(crate) struct SecretFault {
    name: String,
    reason: String,
}

/// Why the secrets cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretsError {
    /// Secrets Manager did not answer.
    #[error("the secrets under {prefix}/ cannot be read")]
    Unreachable {
        /// `SECRETS_PREFIX`.
        prefix: String,
        /// What Secrets Manager says.
        source: Box<CallError>,
    },
    /// Among these faults is one without whose mending no delivery could be named.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Unusable(Vec<SecretFault>),
}

impl Secrets {
    /// Our id for a booking.
    pub(crate) fn charter_id(&self, booking_id: &BookingId) -> CharterId {
        CharterId::derive(self.link_key.expose_secret().as_bytes(), booking_id)
    }

    fn of(reading: Reading) -> Result<Self, SecretsError> {
        let Reading { webhooks, link_key, distribution_id, calendar, scc, desk, faults } = reading;
        match link_key {
            Ok(link_key) => Ok(Self { webhooks, link_key, distribution_id, calendar, scc, desk, faults }),
            Err(_) => Err(SecretsError::Unusable(faults)),
        }
    }
}

/// The newest secrets that are known, shared by all who need one.
pub(crate) struct SecretStore {
    source: SecretSource,
    current: RwLock<Arc<Secrets>>,
    last_refresh: Mutex<Option<Timestamp>>,
    loaded_at: Timestamp,
}

impl fmt::Debug for SecretStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SecretStore").field("source", &self.source).finish_non_exhaustive()
    }
}

impl SecretStore {
    /// Reads all secrets in one `BatchGetSecretValue`.
    ///
    /// # Errors
    /// [`SecretsError`] when Secrets Manager cannot be reached, or no delivery could be named with what it holds.
    pub(crate) async fn load(source: SecretSource, deadline: &Deadline) -> Result<Self, SecretsError> {
        let secrets = Secrets::of(source.read(deadline).await?)?;
        Ok(Self {
            source,
            current: RwLock::new(Arc::new(secrets)),
            last_refresh: Mutex::new(None),
            loaded_at: deadline.now(),
        })
    }

    /// The secrets as they were last read.
    pub(crate) fn current(&self) -> Arc<Secrets> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The secrets, read again if nobody has since `stale` was taken, and then only if the last reading is long enough ago and there is time
    /// for it before `deadline`. One flight however many ask at once. What cannot be used leaves what there was, secret by secret.
    pub(crate) async fn newer_than(&self, stale: &Arc<Secrets>, deadline: &Deadline) -> Arc<Secrets> {
        let mut last_refresh = self.last_refresh.lock().await;
        let current = self.current();
        let now = deadline.now();
        let too_soon = last_refresh.is_some_and(|at| is_too_soon(at, now));
        if !Arc::ptr_eq(&current, stale) || too_soon || !deadline.allows(LONGEST_REFRESH) {
            return current;
        }
        *last_refresh = Some(now);
        // Boxed: every call that shows a secret holds this future.
        Box::pin(self.read_again(&current, &deadline.within(LONGEST_REFRESH))).await.unwrap_or(current)
    }

    /// The secrets, read again if the last reading is older than `age`: so soon does a key that was replaced end what it signed.
    pub(crate) async fn no_older_than(&self, age: SignedDuration, deadline: &Deadline) -> Arc<Secrets> {
        let read_at = self.last_refresh.lock().await.unwrap_or(self.loaded_at);
        let is_fresh = (SignedDuration::ZERO..age).contains(&deadline.now().duration_since(read_at));
        let current = self.current();
        if is_fresh { current } else { self.newer_than(&current, deadline).await }
    }

    /// The secrets as they are stored now, whenever they were read before; for a person who asks.
    ///
    /// # Errors
    /// [`SecretsError`] when Secrets Manager cannot be reached; the ones in use stay.
    pub(crate) async fn refresh(&self, deadline: &Deadline) -> Result<Arc<Secrets>, SecretsError> {
        *self.last_refresh.lock().await = Some(deadline.now());
        self.read_again(&self.current(), deadline).await
    }

    async fn read_again(&self, current: &Secrets, deadline: &Deadline) -> Result<Arc<Secrets>, SecretsError> {
        let reading = self.source.read(deadline).await;
        let secrets = reading.and_then(|reading| Secrets::of(reading.keeping_what_works_in(current)));
        let secrets = secrets.inspect_err(|error| {
            tracing::error!(error = with_causes(error), "the secrets cannot be read again; the ones in use stay");
        })?;
        if !secrets.faults.is_empty() {
            let faults: Vec<String> = secrets.faults.iter().map(ToString::to_string).collect();
            tracing::error!(
                ?faults,
                "the secrets were read again, with faults: what could be used before stays in use"
            );
        }
        let secrets = Arc::new(secrets);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = secrets.clone();
        Ok(secrets)
    }

    /// Makes a call with one service's secret. When the service denies it, or the secret is faulty, the secrets are read again and a new
    /// version is tried at once.
    ///
    /// # Errors
    /// The call's [`CallError`]; a denial that says what is wrong with the secret, when it cannot be used.
    pub(crate) async fn present<S: Clone, T, F>(
        &self,
        call: Call,
        pick: impl Fn(&Secrets) -> &Result<Secret<S>, SecretFault>,
        deadline: &Deadline,
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
            Err(fault) => {
                self.source.outbound.metrics().count(Metric::DeniedCalls);
                (CallError::misconfigured(call, fault.to_string()), None)
            }
        };
        match pick(&*self.newer_than(&secrets, deadline).await) {
            Ok(newer) if tried_version != Some(&newer.version) => attempt(newer.content.clone()).await,
            _ => Err(denied),
        }
    }
}

/// By the clock: a process's own running time may stand still while Lambda has it frozen. A clock that was set back since blocks nothing.
fn is_too_soon(last_refresh: Timestamp, now: Timestamp) -> bool {
    (SignedDuration::ZERO..SHORTEST_REFRESH_INTERVAL).contains(&now.duration_since(last_refresh))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_minute_lies_between_two_readings() {
        let at = |second| Timestamp::from_second(second).expect("in range");
        for (now, too_soon) in [(1_000, true), (1_029, true), (1_030, false), (4_600, false), (999, false), (0, false)]
        {
            assert_eq!(is_too_soon(at(1_000), at(now)), too_soon, "{now}");
        }
    }
}
