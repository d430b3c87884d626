//! Calls to the outside: one HTTP client, one time-out, one layer of retries, one log line a call.
//!
//! Both our own calls and the AWS SDK's go through the same client and the same bounded series of attempts. The SDK's own retries are
//! off: nothing retries a retry.

mod attempts;
mod aws;
mod connections;
mod error;

use std::{sync::Arc, time::Duration};

pub(crate) use attempts::{Answered, MOST_UNSETTLED_CREATIONS};
pub use attempts::{Clock, Deadline};
pub use aws::sdk_config;
pub(crate) use aws::{SharedClient, WhenUsed, from_sdk, when_used};
pub(crate) use error::{CallError, Class, Effect, Service, classify, worse_of};
use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use jiff::Timestamp;
use reqwest::{Client, RequestBuilder};

use self::{
    connections::{Calls, Connections},
    error::is_wrong_endpoint,
};
use crate::runtime::metrics::Metrics;

/// A day of a busy calendar has some kilobytes.
const LONGEST_ANSWER_BYTES: usize = 1024 * 1024;
const LONGEST_REASON_CHARACTERS: usize = 300;
/// Enough to know a page by.
const LONGEST_PAGE_BYTES: usize = 64 * 1024;

/// One outside call, as the log names it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    /// Who is called.
    pub(crate) service: Service,
    /// What for, e.g. `create_entry`.
    pub(crate) operation: &'static str,
    /// What it does there, which decides what a failure means.
    pub(crate) effect: Effect,
}

/// What anybody is answered at a public address.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    /// The status.
    pub(crate) status: StatusCode,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The beginning of the body, some 64 KiB.
    pub(crate) body: String,
}

/// The way out.
#[derive(Debug, Clone)]
pub struct Outbound {
    connections: Arc<Connections>,
    call_timeout: Duration,
    retry_base: Duration,
    metrics: Metrics,
}

impl Outbound {
    /// The one client, with the one TLS stack: rustls with ring and compiled-in roots.
    ///
    /// # Errors
    /// What the TLS stack refused; never with the compiled-in roots.
    pub fn new(call_timeout: Duration, retry_base: Duration) -> Result<Self, reqwest::Error> {
        let connections = Arc::new(Connections::new(call_timeout)?);
        Ok(Self { connections, call_timeout, retry_base, metrics: Metrics::default() })
    }

    /// The counters; other modules count here too.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Says that an invocation begins. After a pause the connections of the one before are not used again: Lambda freezes the process in
    /// between, and what happened to its connections meanwhile went unnoticed.
    ///
    /// # Errors
    /// What the TLS stack refused; never with the compiled-in roots.
    pub(crate) fn invoked_at(&self, now: Timestamp) -> Result<(), reqwest::Error> {
        self.connections.invoked_at(now)
    }

    /// The same way out for calls that must be over sooner.
    #[must_use]
    pub(crate) fn within(&self, call_timeout: Duration) -> Self {
        Self { call_timeout: call_timeout.min(self.call_timeout), ..self.clone() }
    }

    /// The same client, for the AWS SDK.
    pub fn sdk_client(&self) -> SharedClient {
        SharedClient::new(self.connections.clone(), Calls::Any)
    }

    /// The same for a service all of whose calls may be repeated: its connections outlive a pause, and one that died meanwhile costs an
    /// attempt.
    pub(crate) fn repeatable_sdk_client(&self) -> SharedClient {
        SharedClient::new(self.connections.clone(), Calls::Repeatable)
    }

    /// Sends a request that may be repeated, as [`Outbound::attempts`] does, and reads a success with `read`.
    ///
    /// # Errors
    /// [`CallError`], classified by what the caller can do about it.
    pub(crate) async fn exchange<T>(
        &self,
        call: Call,
        deadline: &Deadline,
        request: impl Fn(&Client) -> RequestBuilder,
        read: impl Fn(StatusCode, &[u8]) -> Result<(T, Option<String>), Misread>,
    ) -> Result<T, CallError> {
        self.attempts(call, deadline, || self.send(call, &request, &read)).await
    }

    /// Sends a request that creates something, once; [`Outbound::create_or_read_back`] knows when it may be sent again, and which
    /// `attempt` this is.
    ///
    /// # Errors
    /// [`CallError`], classified by what the caller can do about it.
    pub(crate) async fn exchange_once<T>(
        &self,
        call: Call,
        attempt: u32,
        deadline: &Deadline,
        request: impl Fn(&Client) -> RequestBuilder,
        read: impl Fn(StatusCode, &[u8]) -> Result<(T, Option<String>), Misread>,
    ) -> Result<T, CallError> {
        self.attempt(call, attempt, deadline, self.send(call, &request, &read)).await
    }

    /// Opens a public address without credentials, and takes any status for an answer.
    ///
    /// # Errors
    /// [`CallError`] when no whole answer came.
    pub(crate) async fn visit(&self, call: Call, deadline: &Deadline, url: &str) -> Result<Page, CallError> {
        let once = || async {
            let unreachable = |error: reqwest::Error| CallError::unreachable(call, error);
            let mut response = self.connections.client(Calls::Any).get(url).send().await.map_err(unreachable)?;
            let mut body = Vec::new();
            while body.len() < LONGEST_PAGE_BYTES
                && let Some(chunk) = response.chunk().await.map_err(unreachable)?
            {
                body.extend_from_slice(&chunk);
            }
            let (status, headers) = (response.status(), response.headers().clone());
            let page = Page { status, headers, body: String::from_utf8_lossy(&body).into_owned() };
            Ok(Answered { status: status.as_u16(), remote_id: None, value: page })
        };
        self.attempts(call, deadline, once).await
    }

    async fn send<T>(
        &self,
        call: Call,
        request: &impl Fn(&Client) -> RequestBuilder,
        read: &impl Fn(StatusCode, &[u8]) -> Result<(T, Option<String>), Misread>,
    ) -> Result<Answered<T>, CallError> {
        let unreachable = |error: reqwest::Error| CallError::unreachable(call, error);
        let mut response = request(&self.connections.client(Calls::Any)).send().await.map_err(unreachable)?;
        let (status, retry_after) = (response.status(), retry_after(response.headers()));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST_ANSWER_BYTES {
                return Err(CallError::not_believed(call, status, "more than any answer of the service"));
            }
        }
        if let Some(class) = classify(call, status, retry_after.is_some()) {
            let error = CallError::answered(call, class, status);
            let error = if is_wrong_endpoint(call, status) { error.wrong_endpoint() } else { error };
            return Err(CallError { retry_after, words: words_of_the_service(&body), ..error });
        }
        if body.trim_ascii_start().starts_with(b"<") {
            return Err(CallError::not_believed(call, status, "a web page"));
        }
        match read(status, &body) {
            Ok((value, remote_id)) => Ok(Answered { status: status.as_u16(), remote_id, value }),
            Err(Misread::Json(error)) if call.effect == Effect::Change => {
                Err(CallError::unreadable(call, status, &error).wrong_endpoint())
            }
            Err(Misread::Json(error)) => Err(CallError::unreadable(call, status, &error)),
            Err(Misread::NotOurs) => Err(CallError::not_believed(call, status, "something that is not ours")),
        }
    }
}

/// Why the body of a success is not what was asked for.
#[derive(Debug)]
pub(crate) enum Misread {
    /// It is not the JSON that the contract names.
    Json(serde_json::Error),
    /// It is about something else.
    NotOurs,
}

impl From<serde_json::Error> for Misread {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// What the service says is wrong: its `error` or `message`, else the beginning of its answer.
fn words_of_the_service(body: &[u8]) -> Option<String> {
    let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let stated =
        json.as_ref().and_then(|json| json.get("error").or_else(|| json.get("message"))?.as_str().map(str::to_owned));
    let words = stated.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    let words: String = words.trim().chars().take(LONGEST_REASON_CHARACTERS).collect();
    (!words.is_empty()).then_some(words)
}
