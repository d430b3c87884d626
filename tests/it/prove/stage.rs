//! A world whose time is a value, with the function in the test's own process.
//!
//! Starting a process a case would take minutes for what these proofs do in seconds, and a lease or a settling time that has to be waited
//! for would never be tested. A crash is the future of an invocation dropped at a call, and everything that the process knew with it.

use std::{
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::body::Bytes;
use booking_webhook::{App, Config, Outbound, handle};
use jiff::{SignedDuration, Timestamp};
use lambda_http::{Context, Request, RequestExt as _};
use rehearsal::{Options, Rehearsal, WEBHOOK_PATH, world::Effects};
use serde_json::{Value, json};
use simulators::{
    aws::sdk_config,
    dynamodb::DynamoDbKind,
    emulator::Emulator,
    front_door::{BodyEncoding, http_api_event},
    traffic::{Call, Traffic},
};

use super::story::{Source, Told};

/// Nothing in these proofs takes longer than this unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);
/// Long enough for a busy machine, so that only scripted calls time out.
pub(crate) const CALL_TIMEOUT_MS: u64 = 2_000;
const ANSWER_WITHIN_MS: u64 = 8_000;
const SHORT_WAIT_MS: u64 = 30;
/// How long passes between one try to heal and the next: within the lease, after settling, past every distance between tries.
pub(crate) const HEALING: [Duration; 12] = {
    let mut rounds = [Duration::from_hours(2); 12];
    rounds[0] = Duration::from_secs(1);
    rounds[1] = Duration::from_secs(40);
    rounds[2] = Duration::from_secs(61);
    rounds[3] = Duration::from_mins(5);
    rounds
};

/// Time as the proofs set it. It runs, so that order is told apart, and it jumps.
#[derive(Clone)]
pub(crate) struct Time {
    started: Instant,
    now: Arc<Mutex<Timestamp>>,
}

impl Time {
    fn starting_at(now: &str) -> Self {
        let now = now.parse().expect("an instant");
        Self { started: Instant::now(), now: Arc::new(Mutex::new(now)) }
    }

    pub(crate) fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) + self.started.elapsed()
    }

    pub(crate) fn advance(&self, by: Duration) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now += by;
    }
}

/// One operator's world, with nothing running in it yet.
pub(crate) struct Stage {
    pub(crate) rehearsal: Rehearsal,
    pub(crate) time: Time,
}

/// What an invocation came to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// It answered.
    Answered { status: u16, body: Value },
    /// Its process ended before it answered.
    Crashed,
    /// No process could be started for it, in these words.
    NotStarted(String),
}

impl Outcome {
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Answered { status, .. } => Some(*status),
            _ => None,
        }
    }
}

impl Stage {
    /// A stage on which crew hardly wait for the calendar, so that the entry's id often comes too late for the event's first notes.
    pub(crate) async fn set() -> Self {
        Self::with(SHORT_WAIT_MS, None, None).await
    }

    /// The same on this emulator, and not on the one that all tests of the process share.
    pub(crate) async fn set_on(emulator: &Arc<Emulator>) -> Self {
        Self::with(SHORT_WAIT_MS, Some(Arc::clone(emulator)), None).await
    }

    /// A stage on which crew wait so many milliseconds for the calendar.
    pub(crate) async fn waiting_for_the_calendar(milliseconds: u64) -> Self {
        Self::with(milliseconds, None, None).await
    }

    /// A stage on which crew wait for the calendar, and guest pages have an address that is the same in every run.
    pub(crate) async fn at(guest_page_base_url: &str) -> Self {
        Self::with(CALL_TIMEOUT_MS, None, Some(guest_page_base_url)).await
    }

    async fn with(milliseconds: u64, emulator: Option<Arc<Emulator>>, site: Option<&str>) -> Self {
        let env = [
            ("ANSWER_WITHIN_MS", ANSWER_WITHIN_MS.to_string()),
            ("CALL_TIMEOUT_MS", CALL_TIMEOUT_MS.to_string()),
            ("CREW_EVENT_WAIT_MS", milliseconds.to_string()),
            ("RETRY_BASE_MS", "1".to_owned()),
        ];
        let site = site.map(|url| ("GUEST_PAGE_BASE_URL", url.to_owned()));
        let env = env.into_iter().chain(site).map(|(name, value)| (name.to_owned(), Some(value))).collect();
        let options = Options { env, emulator, dynamodb: DynamoDbKind::Dynoxide, ..Options::default() };
        let rehearsal = Rehearsal::start(options).await.expect("the world starts");
        Self { rehearsal, time: Time::starting_at("2031-05-20T18:05:00Z") }
    }

    pub(crate) fn traffic(&self) -> &Traffic {
        &self.rehearsal.traffic
    }

    /// A new process of the function, whose clock is off by `skew`.
    pub(crate) async fn process(&self, skew: SignedDuration) -> Result<Process, String> {
        let env = self.rehearsal.environment_variables();
        let config = Config::from_vars(|name| env.get(name).cloned()).map_err(|error| error.to_string())?;
        let outbound = Outbound::new(config.call_timeout, config.retry_base).map_err(|error| error.to_string())?;
        let sdk = sdk_config(&self.rehearsal.aws_gateway_url()).into_builder();
        let sdk = sdk.http_client(outbound.sdk_client()).build();
        let time = self.time.clone();
        let clock = Arc::new(move || time.now() + skew);
        let app = Box::pin(App::cold_start(config, outbound, &sdk, clock)).await;
        app.map(Process).map_err(|error| error.to_string())
    }

    /// One invocation by a process of its own.
    pub(crate) async fn invoke(&self, event: &Value) -> Outcome {
        match self.process(SignedDuration::ZERO).await {
            Ok(process) => process.invoke(event).await,
            Err(words) => Outcome::NotStarted(words),
        }
    }

    /// Lets time pass. What is still on its way arrives first: nothing in the world takes longer than the function is told to wait.
    pub(crate) async fn pass(&self, duration: Duration) {
        let idle = tokio::time::timeout(PATIENCE, self.traffic().idle()).await;
        idle.expect("the world comes to rest");
        self.time.advance(duration);
    }

    /// Delivers a snapshot, signed, to a process of its own; or has a person enter it.
    pub(crate) async fn tell(&self, told: &Told) -> Outcome {
        self.invoke(&self.delivery_of(told)).await
    }

    /// The event of a snapshot's delivery; delivered again, it has the same id.
    pub(crate) fn delivery_of(&self, told: &Told) -> Value {
        match told.source {
            Source::Person => json!({ "booking": told.body()["data"]["booking"] }),
            Source::Marketplace | Source::Timeless => self.delivery(&told.delivery_id(), &told.body()),
        }
    }

    /// The world as people see it.
    pub(crate) async fn look(&self) -> Effects {
        self.rehearsal.effects().await.expect("the world can be looked at")
    }

    /// The API Gateway event of the delivery `id` of `body`, signed now.
    pub(crate) fn delivery(&self, id: &str, body: &Value) -> Value {
        let body = body.to_string();
        let mut request = http::Request::post(WEBHOOK_PATH);
        for (name, value) in self.rehearsal.sender().sign(id, &body, self.time.now()) {
            request = request.header(name, value);
        }
        let request = request.body(Bytes::from(body)).expect("a path and plain headers make a request");
        http_api_event(&request, BodyEncoding::ByContentType)
    }
}

/// A process of the function, cold-started. Dropping it is its end.
pub(crate) struct Process(App);

impl Process {
    pub(crate) async fn invoke(&self, event: &Value) -> Outcome {
        let answered = tokio::time::timeout(PATIENCE, Box::pin(handle(&self.0, request(event)))).await;
        let response = answered.expect("an invocation ends by itself");
        let status = response.status().as_u16();
        let is_page = response.headers()["content-type"].to_str().is_ok_and(|of| of.starts_with("text/html"));
        let body = match is_page {
            true => json!(String::from_utf8_lossy(response.body())),
            false => serde_json::from_slice(response.body()).expect("every other answer is JSON"),
        };
        Outcome::Answered { status, body }
    }

    /// A browser asks for a page: the status, and the page.
    pub(crate) async fn browse(&self, method: &str, path: &str, form: &str) -> (u16, String) {
        let Outcome::Answered { status, body } = self.invoke(&browsed(method, path, form)).await else {
            unreachable!("it answers by itself")
        };
        (status, body.as_str().expect("a page").to_owned())
    }

    /// An invocation that ends with its process as soon as a call `is_last`.
    pub(crate) async fn invoke_until(
        self,
        event: &Value,
        traffic: &Traffic,
        is_last: impl Fn(&Call) -> bool,
    ) -> Outcome {
        let mut invocation = pin!(self.invoke(event));
        let end = pin!(traffic.wait_for(|calls| calls.iter().any(&is_last)));
        // The end first: the function must not get to see what its last call came to.
        tokio::select! {
            biased;
            () = end => Outcome::Crashed,
            outcome = &mut invocation => outcome,
        }
    }
}

/// The event of a browser's request.
pub(crate) fn browsed(method: &str, path: &str, form: &str) -> Value {
    let asked = http::Request::builder().method(method).uri(path).body(Bytes::from(form.to_owned()));
    http_api_event(&asked.expect("a path makes a request"), BodyEncoding::ByContentType)
}

fn request(event: &Value) -> Request {
    let request = lambda_http::request::from_str(&event.to_string()).expect("every event has a shape");
    request.with_lambda_context(Context::default())
}
