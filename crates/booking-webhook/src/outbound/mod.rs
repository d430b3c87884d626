//! Calls to the outside: one HTTP client, one time-out, one layer of retries, one log line a call.
//!
//! Both our own calls and the AWS SDK's go through the same client and the same bounded series of attempts. The SDK's own retries are
//! off: nothing retries a retry.

mod aws;
mod error;

use std::{
    future::Future,
    time::{Duration, Instant},
};

pub use aws::{SharedClient, from_sdk, sdk_config};
pub use error::{CallError, Class, Effect, Service, classify};
use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use reqwest::{Client, RequestBuilder, redirect};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// A frozen environment thaws with dead connections in its pool; most are dropped unused before they can fail a call.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(10);
const MOST_ATTEMPTS: u32 = 3;
const LONGEST_REASON_CHARACTERS: usize = 300;

/// When the invocation must be done with outside calls. Lambda freezes the process after the answer, so nothing may still be running.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// `remaining` from now.
    pub fn after(remaining: Duration) -> Self {
        Self(Instant::now() + remaining)
    }

    /// Whether something that may take `needed` still fits.
    pub fn allows(self, needed: Duration) -> bool {
        Instant::now() + needed <= self.0
    }
}

/// One outside call, as the log names it.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Who is called.
    pub service: Service,
    /// What for, e.g. `create_entry`.
    pub operation: &'static str,
    /// What it does there, which decides what a failure means.
    pub effect: Effect,
}

/// What a call brought back.
#[derive(Debug)]
pub struct Answered<T> {
    /// The response's status.
    pub status: u16,
    /// What the other side calls the thing it answered with, for the log.
    pub remote_id: Option<String>,
    /// The answer.
    pub value: T,
}

/// The way out.
#[derive(Debug, Clone)]
pub struct Outbound {
    http: Client,
    call_timeout: Duration,
    retry_base: Duration,
}

impl Outbound {
    /// The one client, with the one TLS stack: rustls with ring and compiled-in roots.
    ///
    /// # Errors
    /// What the TLS stack refused; never with the compiled-in roots.
    pub fn new(call_timeout: Duration, retry_base: Duration) -> Result<Self, reqwest::Error> {
        let provider = rustls::crypto::ring::default_provider();
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let tls = rustls::ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .expect("ring supports the default TLS versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let http = Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("booking-webhook/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(call_timeout)
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .build()?;
        Ok(Self { http, call_timeout, retry_base })
    }

    /// The same client, for the AWS SDK.
    pub fn sdk_client(&self) -> SharedClient {
        SharedClient::new(self.http.clone())
    }

    /// Sends a request, up to three times as [`Outbound::attempts`] does, and reads a success with `read`.
    ///
    /// # Errors
    /// [`CallError`], classified by what the caller can do about it.
    pub async fn exchange<T>(
        &self,
        call: Call,
        deadline: Deadline,
        request: impl Fn(&Client) -> RequestBuilder,
        read: impl Fn(&[u8]) -> Result<(T, Option<String>), serde_json::Error>,
    ) -> Result<T, CallError> {
        let once = || async {
            let unreachable = |error: reqwest::Error| CallError::unreachable(call, error);
            let response = request(&self.http).send().await.map_err(unreachable)?;
            let (status, retry_after) = (response.status(), retry_after(response.headers()));
            let body = response.bytes().await.map_err(unreachable)?;
            if let Some(class) = classify(call.effect, status) {
                let error = CallError::answered(call, class, status, in_the_services_words(status, &body));
                return Err(CallError { retry_after, ..error });
            }
            let (value, remote_id) = read(&body).map_err(|error| CallError::unreadable(call, status, error))?;
            Ok(Answered { status: status.as_u16(), remote_id, value })
        };
        self.attempts(call, deadline, once).await
    }

    /// Tries until it succeeds, up to three times with full jitter (or the other side's `Retry-After`) between, as long as failures are
    /// transient and another attempt still fits before `deadline`. Logs each attempt.
    ///
    /// # Errors
    /// The last attempt's [`CallError`]; a transient one when no time was left to begin with.
    pub async fn attempts<T, F>(&self, call: Call, deadline: Deadline, once: impl Fn() -> F) -> Result<T, CallError>
    where
        F: Future<Output = Result<Answered<T>, CallError>>,
    {
        if !deadline.allows(self.call_timeout) {
            return Err(CallError::not_started(call));
        }
        for attempt in 1.. {
            let started = Instant::now();
            // Boxed: an SDK call's future is some kilobytes, and a fan-out holds several at once.
            let outcome = Box::pin(once()).await;
            log(call, attempt, started.elapsed(), &outcome);
            let error = match outcome {
                Ok(answered) => return Ok(answered.value),
                Err(error) => error,
            };
            if error.class != Class::Transient || !self.pause_after(&error, attempt, deadline).await {
                return Err(error);
            }
        }
        unreachable!("the series is bounded by MOST_ATTEMPTS")
    }

    /// Creates something on the far side of a call that is not idempotent, once.
    ///
    /// When a creation may have acted, what is there is read back at once. Only if the request is known to be over (it was answered) and
    /// nothing is there, it is created again, in the same bounded series; a request that may still land is never followed by another.
    ///
    /// # Errors
    /// The last creation's [`CallError`].
    pub async fn create_or_read_back<T, C, R>(
        &self,
        deadline: Deadline,
        create: impl Fn() -> C,
        read_back: impl Fn() -> R,
    ) -> Result<T, CallError>
    where
        C: Future<Output = Result<T, CallError>>,
        R: Future<Output = Result<Option<T>, CallError>>,
    {
        for attempt in 1.. {
            let error = match Box::pin(create()).await {
                Ok(created) => return Ok(created),
                Err(error) => error,
            };
            let Class::Unknown { answered } = error.class else { return Err(error) };
            match Box::pin(read_back()).await {
                Ok(Some(found)) => return Ok(found),
                Ok(None) if answered && self.pause_after(&error, attempt, deadline).await => {}
                Ok(None) | Err(_) => return Err(error),
            }
        }
        unreachable!("the series is bounded by MOST_ATTEMPTS")
    }

    /// Waits before the attempt after `attempt`, as long as the other side asks for; `false` when there is none, because the series is over
    /// or it would not fit before `deadline`.
    async fn pause_after(&self, error: &CallError, attempt: u32, deadline: Deadline) -> bool {
        let pause = error.retry_after.unwrap_or_else(|| self.jitter(attempt));
        let another = attempt < MOST_ATTEMPTS && deadline.allows(pause + self.call_timeout);
        if another {
            tokio::time::sleep(pause).await;
        }
        another
    }

    /// Full jitter: anything up to the doubled base, so that many functions do not come back at once.
    fn jitter(&self, attempt: u32) -> Duration {
        self.retry_base.mul_f64(f64::from(1_u32 << attempt.min(8)) * fastrand::f64())
    }
}

fn log<T>(call: Call, attempt: u32, took: Duration, outcome: &Result<Answered<T>, CallError>) {
    let Call { service, operation, .. } = call;
    let latency_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match outcome {
        Ok(Answered { status, remote_id, .. }) => {
            let remote_id = remote_id.as_deref();
            tracing::info!(%service, operation, status, latency_ms, attempt, remote_id, "called");
        }
        Err(error) => {
            let (status, class, cause) = (error.status, error.class.name(), error.cause());
            tracing::warn!(%service, operation, status, latency_ms, attempt, class, cause, "call failed");
        }
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// What the service says is wrong: its `error` or `message`, else the beginning of its answer.
fn in_the_services_words(status: StatusCode, body: &[u8]) -> String {
    let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let stated =
        json.as_ref().and_then(|json| json.get("error").or_else(|| json.get("message"))?.as_str().map(str::to_owned));
    let words = stated.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    let words: String = words.trim().chars().take(LONGEST_REASON_CHARACTERS).collect();
    if words.is_empty() { format!("answered {status}") } else { format!("answered {status}: {words}") }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const READ: Call = Call { service: Service::Calendar, operation: "find_entry", effect: Effect::Read };

    async fn attempts_until(succeeds_at: u32, class: Class, remaining_ms: u64) -> (u32, bool) {
        let outbound = Outbound::new(Duration::from_millis(50), Duration::from_millis(1)).expect("compiled-in roots");
        let tried = Cell::new(0);
        let once = || async {
            tried.set(tried.get() + 1);
            if tried.get() >= succeeds_at {
                return Ok(Answered { status: 200, remote_id: None, value: () });
            }
            Err(CallError::answered(READ, class, StatusCode::SERVICE_UNAVAILABLE, "busy".into()))
        };
        let outcome = outbound.attempts(READ, Deadline::after(Duration::from_millis(remaining_ms)), once).await;
        (tried.get(), outcome.is_ok())
    }

    #[tokio::test]
    async fn a_series_is_three_attempts_at_most_and_only_for_what_is_transient() {
        let transient = Class::Transient;
        assert_eq!(attempts_until(1, transient, 5_000).await, (1, true));
        assert_eq!(attempts_until(3, transient, 5_000).await, (3, true));
        assert_eq!(attempts_until(4, transient, 5_000).await, (3, false));
        for class in
            [Class::Unknown { answered: true }, Class::Unknown { answered: false }, Class::Denied, Class::Refused]
        {
            assert_eq!(attempts_until(2, class, 5_000).await, (1, false), "{class:?}");
        }
    }

    #[tokio::test]
    async fn nothing_starts_that_cannot_finish() {
        assert_eq!(attempts_until(1, Class::Transient, 40).await, (0, false));
    }
}
