//! What reached the stand-ins, and what shall go wrong.
//!
//! A test about failures needs two things at one place: a script of what the next calls shall meet, and a log of what
//! arrived and what the caller saw. Both are kept under one lock, so a fault and the call that met it never come apart.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::clock::Clock;

const CALLS_KEPT: usize = 10_000;
const BODY_KEPT_BYTES: usize = 256 * 1024;

/// The services that traffic is told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// The JADA internal calendar.
    Calendar,
    /// ShipCaptainCrew.
    Scc,
    /// DynamoDB.
    Dynamodb,
    /// S3.
    S3,
    /// CloudFront's control plane: invalidations.
    Cloudfront,
    /// Secrets Manager.
    Secretsmanager,
    /// SNS: notices to the office.
    Sns,
    /// CloudFront's edge: what browsers talk to.
    Edge,
}

/// One request that reached a stand-in.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    /// Grows by one with each call, over all services; never reused.
    pub sequence: u64,
    /// When the whole request had arrived.
    pub at: Timestamp,
    /// Where it arrived.
    pub service: Service,
    /// What was asked: `POST /calendar`, `PutItem`, `PutObject g/XHQGMDH1.html`.
    pub operation: String,
    /// The request's headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The request's body when it is text of at most 256 KiB, else `(n bytes)`.
    pub request_body: String,
    /// What the caller was told; `None` while running, or when nothing was answered.
    pub status: Option<u16>,
    /// The scripted fault that the call met.
    pub fault: Option<Fault>,
    /// From arrival to answer or hang-up; `None` while running.
    pub milliseconds: Option<u64>,
}

/// What a stand-in does instead of behaving.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// Answers `status`.
    Answer {
        /// The HTTP status.
        status: u16,
        /// Whether it acts before it answers.
        #[serde(default)]
        acted: bool,
        /// `Retry-After`, in seconds.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// Takes long to arrive: a caller who is gone by then has not asked for anything.
    ArriveLate {
        /// How long.
        milliseconds: u64,
    },
    /// Acts, then answers late.
    Delay {
        /// How late.
        milliseconds: u64,
    },
    /// Acts, then answers as soon as [`Traffic::answer_held`] is called.
    Hold,
    /// Closes the connection without a byte of an answer and without acting.
    DropBefore,
    /// Acts, then closes the connection without a byte of an answer.
    DropAfter,
    /// Answers at once, and acts later: a gateway's 504 whose backend goes on.
    ActLate {
        /// How much later it acts.
        milliseconds: u64,
        /// What is answered at once; `None` hangs up.
        #[serde(default)]
        status: Option<u16>,
    },
    /// Answers what the service never says: a maintenance page, somebody else's JSON, a redirect.
    AnswerWith {
        /// The HTTP status.
        status: u16,
        /// Whether it acts before it answers.
        #[serde(default)]
        acted: bool,
        /// `content-type`, `location`.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// The whole body.
        body: String,
    },
    /// Acts, and answers as it would, but for these properties of the JSON: another id, say.
    AlterAnswer {
        /// The properties, and what they are set to.
        properties: serde_json::Map<String, serde_json::Value>,
    },
    /// Acts, and answers as it would, followed by blanks: the same JSON, in far too many bytes.
    LongAnswer {
        /// How many blanks.
        bytes: usize,
    },
}

impl Fault {
    /// A gateway's 503 whose function goes on and acts half a second later. No `Retry-After`: nobody knows what became of it.
    pub const UNAVAILABLE_ACTS_LATE: Self = Self::ActLate { milliseconds: 500, status: Some(503) };

    /// A 200 with a page that asks for patience; nothing was done.
    #[must_use]
    pub fn maintenance_page() -> Self {
        let body = "<!doctype html><title>Maintenance</title><p>We will be back soon.".to_owned();
        Self::AnswerWith { status: 200, acted: false, headers: content_type("text/html; charset=utf-8"), body }
    }

    /// A 200 with JSON that is not about the caller's booking; nothing was done.
    #[must_use]
    pub fn somebody_else() -> Self {
        let body = r#"{"ok":true,"id":"order-7","service":"another team's"}"#.to_owned();
        Self::AnswerWith { status: 200, acted: false, headers: content_type("application/json"), body }
    }

    /// A 201 to what was done, in a shape that no contract describes.
    #[must_use]
    pub fn created_unreadable() -> Self {
        let body = r#"{"event":{"id":"chr_1"}}"#.to_owned();
        Self::AnswerWith { status: 201, acted: true, headers: content_type("application/json"), body }
    }

    /// A redirect to another host; nothing was done.
    #[must_use]
    pub fn moved_permanently() -> Self {
        let headers = [("location".to_owned(), "https://moved.example.com/".to_owned())].into();
        Self::AnswerWith { status: 301, acted: false, headers, body: String::new() }
    }

    /// The id of what was created is `id`, of any type.
    #[must_use]
    pub fn other_id(property: &str, id: serde_json::Value) -> Self {
        Self::AlterAnswer { properties: [(property.to_owned(), id)].into_iter().collect() }
    }
}

fn content_type(value: &str) -> BTreeMap<String, String> {
    [("content-type".to_owned(), value.to_owned())].into()
}

/// The log of calls and the script of faults, shared by all stand-ins of one world.
#[derive(Clone)]
pub struct Traffic(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: watch::Sender<()>,
    answer_held: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    next_sequence: u64,
    calls: VecDeque<Call>,
    script: Vec<Scripted>,
    /// How many routes are acting, or will act late.
    acting: usize,
    latency: Duration,
    connections: usize,
}

struct Scripted {
    fits: Box<dyn FnMut(&Call) -> bool + Send>,
    fault: Fault,
    times_left: u32,
}

impl Traffic {
    /// An empty log and no faults.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            state: Mutex::default(),
            changed: watch::Sender::new(()),
            answer_held: watch::Sender::new(()),
        }))
    }

    /// The next `times` calls of `service` whose operation starts with `operation` (`""` is any) meet `fault`. Of several
    /// scripts that fit a call, the one scripted first is used up first.
    pub fn fail_next(&self, service: Service, operation: &str, fault: Fault, times: u32) {
        let operation = operation.to_owned();
        self.fail_each(move |call| call.service == service && call.operation.starts_with(&operation), fault, times);
    }

    /// The first call that `fits` meets `fault`. Asked of each call that no earlier script took, in the order of arrival, so
    /// it can count them; the log is locked meanwhile, so it must not ask this `Traffic` anything.
    pub fn fail_when(&self, fits: impl FnMut(&Call) -> bool + Send + 'static, fault: Fault) {
        self.fail_each(fits, fault, 1);
    }

    /// The first `times` calls that fit meet `fault`; asked as in [`Traffic::fail_when`].
    pub fn fail_each(&self, fits: impl FnMut(&Call) -> bool + Send + 'static, fault: Fault, times: u32) {
        self.state().script.push(Scripted { fits: Box::new(fits), fault, times_left: times });
    }

    /// Forgets the faults that have not been met yet.
    pub fn heal(&self) {
        self.state().script.clear();
    }

    /// From now on every answer takes this much longer, as if its service were that far away.
    pub fn set_latency(&self, latency: Duration) {
        self.state().latency = latency;
    }

    /// How many connections were made to the stand-ins.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.state().connections
    }

    /// The calls that have met [`Fault::Hold`] up to now are answered.
    pub fn answer_held(&self) {
        self.0.answer_held.send_replace(());
    }

    /// The calls in the order of arrival; the newest 10,000.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.iter().cloned().collect()
    }

    /// The calls that reached one service.
    #[must_use]
    pub fn calls_to(&self, service: Service) -> Vec<Call> {
        let state = self.state();
        state.calls.iter().filter(|call| call.service == service).cloned().collect()
    }

    /// Empties the log.
    pub fn forget(&self) {
        self.state().calls.clear();
        self.0.changed.send_replace(());
    }

    /// Resolves as soon as `predicate` holds for the log. The log is locked while `predicate` looks at it, so it must not
    /// ask this `Traffic` anything.
    pub async fn wait_for(&self, predicate: impl Fn(&[Call]) -> bool) {
        let mut changed = self.0.changed.subscribe();
        while !predicate(self.state().calls.make_contiguous()) {
            changed.changed().await.expect("self keeps the sender alive");
        }
    }

    /// Resolves as soon as every call is over and no stand-in is acting any more, late ones included: from then on nothing
    /// changes until somebody calls again.
    pub async fn idle(&self) {
        let mut changed = self.0.changed.subscribe();
        while !self.state().is_idle() {
            changed.changed().await.expect("self keeps the sender alive");
        }
    }

    /// Logs a call that has arrived, and takes the fault that it shall meet off the script.
    pub(crate) fn arrive(
        &self,
        service: Service,
        operation: String,
        headers: &http::HeaderMap,
        body: &[u8],
    ) -> (Running, Option<Fault>) {
        let mut state = self.state();
        let sequence = state.next_sequence;
        state.next_sequence += 1;
        let mut call = Call {
            sequence,
            at: Clock::system().now(),
            service,
            operation,
            headers: headers
                .iter()
                .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
                .collect(),
            request_body: loggable(body),
            status: None,
            fault: None,
            milliseconds: None,
        };
        let fault = state.take_fault(&call);
        call.fault.clone_from(&fault);
        if state.calls.len() == CALLS_KEPT {
            state.calls.pop_front();
        }
        state.calls.push_back(call);
        drop(state);
        self.0.changed.send_replace(());
        let running = Running { traffic: self.clone(), sequence, since: Instant::now(), status: None };
        (running, fault)
    }

    /// A route begins to act, or is bound to act later; it is done when the answer is dropped.
    pub(crate) fn act(&self) -> Acting {
        self.state().acting += 1;
        Acting(self.clone())
    }

    pub(crate) fn connected(&self) {
        self.state().connections += 1;
    }

    pub(crate) fn latency(&self) -> Duration {
        self.state().latency
    }

    /// Resolves as soon as the calls are answered that are held now.
    pub(crate) fn held(&self) -> impl Future<Output = ()> + use<> {
        let mut answer_held = self.0.answer_held.subscribe();
        async move {
            let _ = answer_held.changed().await; // An error: the world has ended.
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Traffic {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    fn is_idle(&self) -> bool {
        self.acting == 0 && self.calls.iter().rev().all(|call| call.milliseconds.is_some())
    }

    fn take_fault(&mut self, call: &Call) -> Option<Fault> {
        let scripted = self
            .script
            .iter_mut()
            .find_map(|scripted| (scripted.times_left > 0 && (scripted.fits)(call)).then_some(scripted))?;
        scripted.times_left -= 1;
        let fault = scripted.fault.clone();
        self.script.retain(|scripted| scripted.times_left > 0);
        Some(fault)
    }
}

/// A route at work, whether or not somebody waits for its answer.
pub(crate) struct Acting(Traffic);

impl Drop for Acting {
    fn drop(&mut self) {
        self.0.state().acting -= 1;
        self.0.0.changed.send_replace(());
    }
}

/// A call under way. Dropping it ends the call in the log, also when the caller hung up and the work was cancelled.
pub(crate) struct Running {
    traffic: Traffic,
    sequence: u64,
    since: Instant,
    status: Option<u16>,
}

impl Running {
    /// The caller is told `status`.
    pub(crate) fn answered(mut self, status: http::StatusCode) {
        self.status = Some(status.as_u16());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.traffic.state();
        // From the back, because a call usually ends before many others have arrived.
        if let Some(call) = state.calls.iter_mut().rev().find(|call| call.sequence == self.sequence) {
            call.status = self.status;
            call.milliseconds = u64::try_from(self.since.elapsed().as_millis()).ok();
        }
        drop(state);
        self.traffic.0.changed.send_replace(());
    }
}

fn loggable(body: &[u8]) -> String {
    match std::str::from_utf8(body) {
        Ok(text) if text.len() <= BODY_KEPT_BYTES => text.to_owned(),
        _ => format!("({} bytes)", body.len()),
    }
}

#[cfg(test)]
mod tests;
