//! When to try a failed step again, and when a person is needed instead. Pure.
//!
//! Source: `docs/decisions.md`, "Classes of failure".

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    ledger::{Failure, StepRecord, StepStatus},
    outbound::{CallError, Class, Service},
    runtime::config::Redrive,
};

/// The distance between tries grows to this many times the first one: one minute, up to an hour.
const MOST_BASES: u32 = 60;
/// The longest `Retry-After` that is obeyed.
const LONGEST_ASKED: Duration = Duration::from_hours(1);
/// A service's words are cut at this length: the ledger keeps them for each of four steps.
const LONGEST_DETAIL_CHARACTERS: usize = 320;
/// From this try on a person should look, although the step may still heal by itself.
const ALARM_FROM_ATTEMPT: u32 = 3;

/// What a step was trying to do when it failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tried<'a> {
    /// The digest of the content that the system should show.
    pub(crate) content: &'a str,
    /// When it failed.
    pub(crate) at: Timestamp,
    /// The charter's start: before it people must know.
    pub(crate) starts: Timestamp,
    /// The charter's end: until then time may bring what is due.
    pub(crate) ends: Timestamp,
}

/// What is known of a step after it failed with `error`.
pub(super) fn after_failure(known: StepRecord, error: &CallError, tried: Tried<'_>, redrive: Redrive) -> StepRecord {
    let attempts = known.attempts.saturating_add(1);
    let over = tried.at >= tried.ends;
    let (status, next_try_at) = match error.class {
        Class::Refused | Class::Unreadable => (StepStatus::Parked, None),
        _ if over => (StepStatus::Parked, None),
        Class::Denied => (StepStatus::Due, Some(tried.at + redrive.base * MOST_BASES)),
        Class::Unknown { may_still_act: true } => {
            let distance = if attempts > 1 { distance(redrive, attempts - 1) } else { Duration::ZERO };
            (StepStatus::Due, Some(tried.at + distance.max(redrive.settle)))
        }
        Class::Transient | Class::Unknown { may_still_act: false } => {
            let asked = error.retry_after.unwrap_or_default().min(longest_asked(&tried));
            (StepStatus::Due, Some(tried.at + distance(redrive, attempts).max(asked)))
        }
    };
    let settles_at = match error.class {
        Class::Unknown { may_still_act: true } => Some(tried.at + redrive.settle),
        _ => None,
    };
    let failure = Failure {
        class: error.class.name().to_owned(),
        detail: error.to_string().chars().take(LONGEST_DETAIL_CHARACTERS).collect(),
        next: next(error, next_try_at),
        content: tried.content.to_owned(),
    };
    StepRecord { status, attempts, next_try_at, settles_at, failure: Some(failure), ..known }
}

/// How long a service may ask us to wait: never beyond half the time until the start.
fn longest_asked(tried: &Tried<'_>) -> Duration {
    let until_start = Duration::try_from(tried.starts.duration_since(tried.at)).unwrap_or_default();
    LONGEST_ASKED.min(until_start / 2)
}

/// Before the try after `attempts` of them.
fn distance(redrive: Redrive, attempts: u32) -> Duration {
    let doublings = 1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(MOST_BASES);
    redrive.base * doublings.clamp(1, MOST_BASES)
}

/// Whether a person should look at a step after this failure.
pub(crate) fn deserves_an_alarm(known: &StepRecord, class: Class) -> bool {
    let parked = known.status == StepStatus::Parked;
    parked || class == Class::Denied || known.attempts >= ALARM_FROM_ATTEMPT
}

const BY_ITSELF: &str = "Nothing to do: it is tried again by itself";

/// What a person should do about a failure.
fn next(error: &CallError, next_try_at: Option<Timestamp>) -> String {
    let by_itself = match error.class {
        Class::Unknown { may_still_act: true } => {
            format!("{BY_ITSELF} when the request can no longer land; what is there is read back first")
        }
        _ => BY_ITSELF.to_owned(),
    };
    match (error.class, next_try_at) {
        (Class::Denied, Some(_)) => format!("{}. It is tried again every hour", credentials(error.call.service)),
        (_, Some(_)) => by_itself,
        (Class::Unreadable, None) => {
            "Look whether it is there. If it is, mend what the service answers; if not, make it by hand: it is never created twice".into()
        }
        (Class::Refused, None) => {
            "Mend what the service objects to, then replay the booking. A newer snapshot is tried by itself"
                .into()
        }
        (_, None) => {
            "The charter is over: make the change by hand if it still matters, or replay the booking by its id".into()
        }
    }
}

/// What to compare if a service refuses our credentials.
pub(crate) fn credentials(service: Service) -> &'static str {
    match service {
        Service::Ledger => "Check the function's rights on the ledger's table and index",
        Service::Calendar => "Compare dashboard_token and url in the calendar secret with the dashboard Lambda's",
        Service::Scc => "Compare service_key and url in the scc secret with SERVICE_KEY_HASH in SCC's environment",
        Service::SccEvents => "Check the function's rights on the scc-events table (Query, UpdateItem)",
        Service::GuestPageBucket => "Check the function's right to PutObject under the guest pages' prefix",
        Service::Cloudfront => {
            "Check distribution_id in the guest-page secret, and the function's right to CreateInvalidation on it"
        }
        Service::GuestSite => "Check that the guest site lets everybody read",
        Service::SecretsManager => {
            "Check the function's right to BatchGetSecretValue and GetSecretValue on the secrets"
        }
        Service::ConfigurationFiles => "Check the function's right to GetObject on the configuration files",
        Service::Notices => {
            "Check the function's rights on the topic of NOTICES_TOPIC (Publish, ListSubscriptionsByTopic)"
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;

    use super::*;
    use crate::outbound::{Call, Effect};

    const REDRIVE: Redrive = Redrive { settle: Duration::from_secs(35), base: Duration::from_secs(60) };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn fail(known: StepRecord, class: Class, retry_after_s: u64, now: i64) -> StepRecord {
        let call = Call { service: Service::Scc, operation: "create_event", effect: Effect::Create };
        let mut error = CallError::new(call, class, "failed");
        error.retry_after = (retry_after_s > 0).then(|| Duration::from_secs(retry_after_s));
        after_failure(
            known,
            &error,
            Tried { content: "c", at: at(now), starts: at(90_000), ends: at(100_000) },
            REDRIVE,
        )
    }

    #[test]
    fn distances_double_up_to_an_hour() {
        let mut known = StepRecord::default();
        let mut distances = Vec::new();
        for _ in 0..9 {
            known = fail(known, Class::Transient, 0, 0);
            distances.push(known.next_try_at.expect("it is due").as_second() / 60);
        }
        assert_eq!(distances, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        let long = (0..60).fold(StepRecord::default(), |known, _| fail(known, Class::Transient, 0, 0));
        assert_eq!(long.next_try_at, Some(at(3_600)));
    }

    #[test]
    fn what_hangs_is_asked_less_and_less_often() {
        let unanswered = Class::Unknown { may_still_act: true };
        let mut known = StepRecord::default();
        let mut distances = Vec::new();
        for _ in 0..5 {
            known = fail(known, unanswered, 0, 0);
            distances.push(known.next_try_at.expect("it is due").as_second());
        }
        assert_eq!(distances, [35, 60, 120, 240, 480]);
        assert_eq!(known.settles_at, Some(at(35)));
    }

    #[test]
    fn each_class_has_its_own_way_on() {
        for (class, now, status, next, settles) in [
            (Class::Transient, 0, StepStatus::Due, Some(60), None),
            (Class::Unknown { may_still_act: false }, 0, StepStatus::Due, Some(60), None),
            (Class::Unknown { may_still_act: true }, 0, StepStatus::Due, Some(35), Some(35)),
            (Class::Unknown { may_still_act: true }, 100_000, StepStatus::Parked, None, Some(100_035)),
            (Class::Unknown { may_still_act: false }, 100_000, StepStatus::Parked, None, None),
            (Class::Denied, 0, StepStatus::Due, Some(3_600), None),
            (Class::Refused, 0, StepStatus::Parked, None, None),
            (Class::Unreadable, 0, StepStatus::Parked, None, None),
            (Class::Transient, 99_999, StepStatus::Due, Some(100_059), None),
            (Class::Transient, 100_000, StepStatus::Parked, None, None),
            (Class::Denied, 100_000, StepStatus::Parked, None, None),
        ] {
            let known = fail(StepRecord::default(), class, 0, now);
            let expected = (status, next.map(at), settles.map(at));
            assert_eq!((known.status, known.next_try_at, known.settles_at), expected, "{class:?} at {now}");
        }
        assert_eq!(fail(StepRecord::default(), Class::Transient, 300, 0).next_try_at, Some(at(0) + 300.seconds()));
        assert_eq!(fail(StepRecord::default(), Class::Transient, 5, 0).next_try_at, Some(at(60)), "never sooner");
        let for_ever = fail(StepRecord::default(), Class::Transient, u64::MAX, 0);
        assert_eq!(for_ever.next_try_at, Some(at(3_600)), "an hour at most");
        let soon = fail(StepRecord::default(), Class::Transient, 86_400, 88_000);
        assert_eq!(soon.next_try_at, Some(at(89_000)), "half the time until the start");
    }

    #[test]
    fn somebody_looks_at_what_does_not_heal() {
        let tries = |count: u32| StepRecord { attempts: count, status: StepStatus::Due, ..StepRecord::default() };
        assert!(!deserves_an_alarm(&tries(2), Class::Transient));
        assert!(deserves_an_alarm(&tries(3), Class::Transient));
        assert!(deserves_an_alarm(&tries(1), Class::Denied));
        let parked = StepRecord { status: StepStatus::Parked, ..tries(1) };
        assert!(deserves_an_alarm(&parked, Class::Refused));
    }
}
