//! How often and how long something is tried.

use std::{
    fmt,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::time::timeout;

use super::{Call, CallError, Class, Effect, Outbound};
use crate::runtime::metrics::Metric;

const MOST_ATTEMPTS: u32 = 3;
/// Creations that may have acted and of which nothing was found: one more could be one too many.
pub(crate) const MOST_UNSETTLED_CREATIONS: u32 = 3;
/// What may be repeated is worth a try in this part of a call's usual time; a creation never is cut short.
const SHORTEST_TRY: u32 = 10;

/// Reads the time. A value, so that tests can say what time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// When the invocation must be done with outside calls. Lambda freezes the process after the answer, so nothing may still be running.
///
/// It is read from the clock that leases are measured with, not from the machine's running time: a process that was frozen in the middle
/// must not go on where its lease is over.
#[derive(Clone)]
pub struct Deadline {
    clock: Clock,
    at: Timestamp,
}

impl fmt::Debug for Deadline {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Deadline({})", self.at)
    }
}

impl Deadline {
    /// `remaining` from now.
    pub fn after(clock: &Clock, remaining: Duration) -> Self {
        Self { clock: clock.clone(), at: clock() + remaining }
    }

    /// The same, but not later than `limit` from now.
    #[must_use]
    pub(crate) fn within(&self, limit: Duration) -> Self {
        Self { clock: self.clock.clone(), at: self.at.min(self.now() + limit) }
    }

    /// The same, but early enough for what takes `reserve` after it.
    #[must_use]
    pub(crate) fn reserving(&self, reserve: Duration) -> Self {
        Self { clock: self.clock.clone(), at: self.at - reserve }
    }

    /// The last permitted moment.
    pub(crate) fn at(&self) -> Timestamp {
        self.at
    }

    /// What time it is by the clock that it is read from.
    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// What is left.
    pub(crate) fn remaining(&self) -> Duration {
        Duration::try_from(self.now().duration_until(self.at)).unwrap_or_default()
    }

    /// Whether something that may take `needed` still fits.
    pub(crate) fn allows(&self, needed: Duration) -> bool {
        self.remaining() >= needed
    }
}

/// What a call brought back.
#[derive(Debug)]
pub(crate) struct Answered<T> {
    /// The response's status.
    pub(crate) status: u16,
    /// What the other side calls the thing it answered with, for the log.
    pub(crate) remote_id: Option<String>,
    /// The answer.
    pub(crate) value: T,
}

impl<T> Answered<T> {
    /// What came with a 200, from what has no name of its own.
    pub(crate) fn ok(value: T) -> Self {
        Self { status: 200, remote_id: None, value }
    }
}

impl Outbound {
    /// Tries until it succeeds, up to three times with full jitter (or the other side's `Retry-After`) between, as long as failures are
    /// transient and another attempt still fits before `deadline`. Logs each attempt at `debug`, and what fails in the end.
    ///
    /// # Errors
    /// The last attempt's [`CallError`]; a transient one when no time was left to begin with.
    pub(crate) async fn attempts<T, F>(
        &self,
        call: Call,
        deadline: &Deadline,
        once: impl Fn() -> F,
    ) -> Result<T, CallError>
    where
        F: Future<Output = Result<Answered<T>, CallError>>,
    {
        for attempt in 1.. {
            let started = Instant::now();
            // Boxed: an SDK call's future is some kilobytes, and a fan-out holds several at once.
            match self.attempt(call, attempt, deadline, Box::pin(once())).await {
                Err(error)
                    if error.class == Class::Transient
                        && self.pause_after(&error, attempt, self.call_timeout / SHORTEST_TRY, deadline).await => {}
                outcome => return outcome.inspect_err(|error| log_failure(error, attempt, started.elapsed())),
            }
        }
        unreachable!("the series is bounded by MOST_ATTEMPTS")
    }

    /// Creates something on the far side of a call that is not idempotent, once, in the same bounded series.
    ///
    /// When a creation may have acted, what is there is read back at once. Only if the request is known to be over (it was answered) and
    /// nothing is there, it is created again; a request that may still land is never followed by another.
    ///
    /// `unsettled` counts creations that may have acted and of which nothing was found: in a booking's life there are
    /// [`MOST_UNSETTLED_CREATIONS`] at most.
    ///
    /// # Errors
    /// The last creation's [`CallError`].
    pub(crate) async fn create_or_read_back<T, C, R>(
        &self,
        deadline: &Deadline,
        unsettled: &mut u32,
        create: impl Fn(u32) -> C,
        read_back: impl Fn() -> R,
    ) -> Result<T, CallError>
    where
        C: Future<Output = Result<T, CallError>>,
        R: Future<Output = Result<Option<T>, CallError>>,
    {
        for attempt in 1.. {
            let started = Instant::now();
            let error = match Box::pin(create(attempt)).await {
                Ok(created) => return Ok(created),
                Err(error) => error,
            };
            let took = started.elapsed();
            let may_be_repeated = match error.class {
                Class::Transient => true,
                _ if error.may_have_acted() => match Box::pin(read_back()).await {
                    Ok(found) => {
                        self.metrics.count(Metric::UnknownOutcomesReadBack);
                        match found {
                            Some(found) => return Ok(found),
                            None if error.class == (Class::Unknown { may_still_act: false }) => {
                                *unsettled += 1;
                                *unsettled < MOST_UNSETTLED_CREATIONS
                            }
                            None => false,
                        }
                    }
                    Err(_) => false,
                },
                _ => false,
            };
            if !may_be_repeated || !self.pause_after(&error, attempt, self.call_timeout, deadline).await {
                log_failure(&error, attempt, took);
                return Err(error);
            }
        }
        unreachable!("the series is bounded by MOST_ATTEMPTS")
    }

    /// One attempt, in the time that it may take, and its line in the log.
    pub(super) async fn attempt<T>(
        &self,
        call: Call,
        attempt: u32,
        deadline: &Deadline,
        once: impl Future<Output = Result<Answered<T>, CallError>>,
    ) -> Result<T, CallError> {
        let Some(limit) = self.limit(call.effect, deadline) else { return Err(CallError::not_started(call)) };
        let started = Instant::now();
        let outcome = timeout(limit, once).await;
        let outcome = outcome.unwrap_or_else(|_elapsed| Err(CallError::timed_out(call)));
        log(call, attempt, started.elapsed(), &outcome);
        if outcome.as_ref().is_err_and(|error| error.class == Class::Denied) {
            self.metrics.count(Metric::DeniedCalls);
        }
        outcome.map(|answered| answered.value)
    }

    /// How long a call that starts now may take; `None` when it must not start.
    fn limit(&self, effect: Effect, deadline: &Deadline) -> Option<Duration> {
        let limit = self.call_timeout.min(deadline.remaining());
        let needed = match effect {
            Effect::Create => self.call_timeout,
            Effect::Repeatable | Effect::Change => self.call_timeout / SHORTEST_TRY,
        };
        (limit >= needed).then_some(limit)
    }

    /// Waits before the attempt after `attempt`, as long as the other side asks for; `false` when there is none, because the series is over
    /// or the time that it needs would not fit before `deadline`.
    async fn pause_after(&self, error: &CallError, attempt: u32, needed: Duration, deadline: &Deadline) -> bool {
        let pause = error.retry_after.unwrap_or_else(|| self.jitter(attempt));
        let another = attempt < MOST_ATTEMPTS && deadline.allows(pause.saturating_add(needed));
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
    let latency_ms = milliseconds(took);
    match outcome {
        Ok(Answered { status, remote_id, .. }) => {
            let remote_id = remote_id.as_deref();
            tracing::debug!(%service, operation, status, latency_ms, attempt, remote_id, "called");
        }
        Err(error) => {
            let (status, class, reason, cause) = (error.status, error.class.name(), &error.reason, error.cause());
            tracing::debug!(%service, operation, status, latency_ms, attempt, class, reason, cause, "attempt failed");
        }
    }
}

/// What was given up at this `attempt`, which `took` so long.
fn log_failure(error: &CallError, attempt: u32, took: Duration) {
    let Call { service, operation, .. } = error.call;
    let (status, class, reason, cause) = (error.status, error.class.name(), &error.reason, error.cause());
    let latency_ms = milliseconds(took);
    tracing::warn!(%service, operation, status, latency_ms, attempt, class, reason, cause, "call failed");
}

fn milliseconds(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
