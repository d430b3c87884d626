//! Who is asked, who is free, who has died: the part of Lambda between its two APIs.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::body::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::{
    sync::{oneshot, watch},
    time::timeout,
};

use crate::clock::Clock;

const QUEUED_AT_MOST: usize = 1_000;
const PAST_KEPT: usize = 500;

/// What an invocation came to.
#[derive(Clone, Debug, Serialize)]
pub struct Invocation {
    /// The function's answer, or the description of its error.
    pub payload: Value,
    /// `Unhandled` when the function failed, timed out or died.
    pub function_error: Option<String>,
    /// From the hand-over to a free environment until the answer.
    pub milliseconds: u64,
}

/// An invocation that is over.
#[derive(Clone, Debug)]
pub struct PastInvocation {
    /// From 1, in the order of their ends.
    pub number: u64,
    /// When it was asked for.
    pub at: Timestamp,
    /// What the function was given.
    pub event: Value,
    /// What it came to.
    pub invocation: Invocation,
}

impl Invocation {
    /// Whether Lambda ended it, because it took too long.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.payload["errorType"] == TIMED_OUT
    }
}

/// Why an invocation did not reach the function.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// Every environment is busy or gone.
    #[error("no environment of the function took the invocation within {0:?}: is one running?")]
    NotTaken(Duration),
    /// A thousand invocations are waiting.
    #[error("too many invocations are waiting")]
    Throttled,
}

const TIMED_OUT: &str = "Sandbox.Timedout";

/// How an environment's work on an invocation ended.
pub(super) enum Outcome {
    Answered(Bytes),
    Failed(Bytes),
    Exited(String),
    TimedOut(Duration),
}

impl Outcome {
    fn into_invocation(self, request_id: &str, milliseconds: u64) -> Invocation {
        let (payload, failed) = match self {
            Self::Answered(body) => match serde_json::from_slice(&body) {
                Ok(payload) => (payload, false),
                Err(error) => (described("Runtime.InvalidResponse", format!("the answer is not JSON: {error}")), true),
            },
            Self::Failed(body) => {
                let text = || Value::String(String::from_utf8_lossy(&body).into_owned());
                (serde_json::from_slice(&body).unwrap_or_else(|_| text()), true)
            }
            Self::Exited(how) => {
                let message = format!("RequestId: {request_id} Error: Runtime exited with error: {how}");
                (described("Runtime.ExitError", message), true)
            }
            Self::TimedOut(after) => {
                let seconds = after.as_secs_f64();
                let message = format!("RequestId: {request_id} Error: Task timed out after {seconds:.2} seconds");
                (described(TIMED_OUT, message), true)
            }
        };
        Invocation { payload, function_error: failed.then(|| "Unhandled".to_owned()), milliseconds }
    }
}

fn described(kind: &str, message: String) -> Value {
    json!({ "errorType": kind, "errorMessage": message })
}

/// How far an environment has come.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Phase {
    Starting,
    Ready(Instant),
    InitFailed(String),
    Ended(String),
}

/// What an environment is handed when it polls.
pub(super) struct Taken {
    pub(super) request_id: String,
    pub(super) payload: Bytes,
    pub(super) deadline_ms: i128,
}

struct Queued {
    request_id: String,
    payload: Bytes,
    taken_by: oneshot::Sender<String>,
    outcome: oneshot::Sender<Outcome>,
}

struct InFlight {
    environment: String,
    outcome: oneshot::Sender<Outcome>,
}

struct Registered {
    phase: watch::Sender<Phase>,
    /// Set before the process is killed, so that its last poll takes nothing any more.
    retired: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    closed: bool,
    queue: VecDeque<Queued>,
    in_flight: HashMap<String, InFlight>,
    environments: HashMap<String, Registered>,
    past: VecDeque<PastInvocation>,
}

/// The queue of invocations and the environments that feed on it.
pub(super) struct Invocations {
    time_out: Duration,
    clock: Clock,
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

impl Invocations {
    pub(super) fn new(time_out: Duration) -> Self {
        Self { time_out, clock: Clock::system(), state: Mutex::default(), changed: watch::Sender::new(()) }
    }

    pub(super) async fn invoke(&self, payload: Bytes) -> Result<Invocation, InvokeError> {
        let (request_id, at) = (request_id(), self.clock.now());
        let event = serde_json::from_slice(&payload).unwrap_or_default();
        let (taken_by, taken) = oneshot::channel();
        let (outcome, ended) = oneshot::channel();
        {
            let mut state = self.state();
            if state.queue.len() >= QUEUED_AT_MOST {
                return Err(InvokeError::Throttled);
            }
            state.queue.push_back(Queued { request_id: request_id.clone(), payload, taken_by, outcome });
        }
        self.changed.send_replace(());

        let Ok(Ok(environment)) = timeout(self.time_out, taken).await else {
            return Err(InvokeError::NotTaken(self.time_out));
        };
        let since = Instant::now();
        let outcome = match timeout(self.time_out, ended).await {
            Ok(outcome) => outcome.unwrap_or_else(|_| Outcome::Exited("Lambda was stopped".to_owned())),
            Err(_elapsed) => {
                self.retire(&environment);
                Outcome::TimedOut(self.time_out)
            }
        };
        let milliseconds = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let invocation = outcome.into_invocation(&request_id, milliseconds);
        self.state().remember(at, event, &invocation);
        Ok(invocation)
    }

    /// The newest invocations that are over, in the order of their ends.
    pub(super) fn past(&self) -> Vec<PastInvocation> {
        self.state().past.iter().cloned().collect()
    }

    /// The next invocation for `environment`, or `None` when it shall take none any more.
    pub(super) async fn take(&self, environment: &str) -> Option<Taken> {
        let mut changed = self.changed.subscribe();
        loop {
            {
                let mut state = self.state();
                if state.closed || state.environments.get(environment).is_some_and(|known| *known.retired.borrow()) {
                    return None;
                }
                state.ready(environment);
                if let Some(queued) = state.hand_over(environment) {
                    let time_out_ms = i128::try_from(self.time_out.as_millis()).unwrap_or(i128::MAX);
                    let deadline_ms = i128::from(self.clock.now().as_millisecond()).saturating_add(time_out_ms);
                    return Some(Taken { request_id: queued.0, payload: queued.1, deadline_ms });
                }
            }
            changed.changed().await.ok()?;
        }
    }

    /// Whether the invocation was known.
    pub(super) fn finish(&self, request_id: &str, outcome: Outcome) -> bool {
        let Some(in_flight) = self.state().in_flight.remove(request_id) else { return false };
        let _ = in_flight.outcome.send(outcome); // The caller may have gone away.
        true
    }

    /// Lists an environment; the first receiver tells its phases, the second that its process must be killed.
    pub(super) fn register(&self, environment: &str) -> (watch::Receiver<Phase>, watch::Receiver<bool>) {
        let (phase, phases) = watch::channel(Phase::Starting);
        let (retired, retire) = watch::channel(false);
        self.state().environments.insert(environment.to_owned(), Registered { phase, retired });
        (phases, retire)
    }

    pub(super) fn init_failed(&self, environment: &str, reason: &str) {
        if let Some(known) = self.state().environments.get(environment) {
            known.phase.send_replace(Phase::InitFailed(reason.to_owned()));
        }
    }

    /// From now on `environment` takes nothing, and its process is on its way out.
    pub(super) fn retire(&self, environment: &str) {
        if let Some(known) = self.state().environments.get(environment) {
            known.retired.send_replace(true);
        }
        self.changed.send_replace(());
    }

    /// The process of `environment` has ended; so has what it was working on.
    pub(super) fn ended(&self, environment: &str, how: &str) {
        self.retire(environment);
        let mut state = self.state();
        for (_, lost) in state.in_flight.extract_if(|_, in_flight| in_flight.environment == environment) {
            let _ = lost.outcome.send(Outcome::Exited(how.to_owned())); // The caller may have gone away.
        }
        if let Some(known) = state.environments.get(environment) {
            known.phase.send_modify(|phase| {
                *phase = match std::mem::replace(phase, Phase::Starting) {
                    Phase::InitFailed(why) | Phase::Ended(why) => Phase::Ended(why),
                    Phase::Starting | Phase::Ready(_) => Phase::Ended(how.to_owned()),
                }
            });
        }
    }

    /// Ends every poll and every invocation.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.queue.clear();
        state.in_flight.clear();
        drop(state);
        self.changed.send_replace(());
    }

    /// How many polls are waiting.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.changed.receiver_count()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn remember(&mut self, at: Timestamp, event: Value, invocation: &Invocation) {
        if self.past.len() == PAST_KEPT {
            self.past.pop_front();
        }
        let number = self.past.back().map_or(1, |last| last.number + 1);
        self.past.push_back(PastInvocation { number, at, event, invocation: invocation.clone() });
    }

    fn ready(&self, environment: &str) {
        if let Some(known) = self.environments.get(environment) {
            known.phase.send_if_modified(|phase| {
                let first = *phase == Phase::Starting;
                if first {
                    *phase = Phase::Ready(Instant::now());
                }
                first
            });
        }
    }

    fn hand_over(&mut self, environment: &str) -> Option<(String, Bytes)> {
        while let Some(queued) = self.queue.pop_front() {
            // A caller that has gone away is not worked for.
            if queued.taken_by.send(environment.to_owned()).is_ok() {
                let in_flight = InFlight { environment: environment.to_owned(), outcome: queued.outcome };
                self.in_flight.insert(queued.request_id.clone(), in_flight);
                return Some((queued.request_id, queued.payload));
            }
        }
        None
    }
}

/// In the form of a UUID, as Lambda's are.
fn request_id() -> String {
    let hex = format!("{:032x}", rand::random::<u128>());
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
