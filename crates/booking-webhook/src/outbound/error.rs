//! What can go wrong with a call, by what to do about it. Only this module gives statuses their meaning.
//!
//! Source: `docs/decisions.md`, "Classes of failure".

use std::{error::Error, fmt, time::Duration};

use http::StatusCode;

use super::Call;

/// Who is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub(crate) enum Service {
    Ledger,
    Calendar,
    Scc,
    SccEvents,
    GuestPageBucket,
    Cloudfront,
    GuestSite,
    SecretsManager,
    ConfigurationFiles,
    Notices,
}

impl fmt::Display for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Ledger => "ledger",
            Self::Calendar => "calendar",
            Self::Scc => "scc",
            Self::SccEvents => "scc_events",
            Self::GuestPageBucket => "guest_page_bucket",
            Self::Cloudfront => "cloudfront",
            Self::GuestSite => "guest_site",
            Self::SecretsManager => "secrets_manager",
            Self::ConfigurationFiles => "configuration_files",
            Self::Notices => "notices",
        })
    }
}

/// The effect of a call on the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Harmless however often and however late it arrives: a read, or a write conditional on what it was based on.
    Repeatable,
    /// Idempotent: a change, a deletion, a put.
    Change,
    /// Makes one more thing each time it arrives.
    Create,
}

/// What the caller does about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// It did not act; try again.
    Transient,
    /// It may have acted: read back before anything is written again.
    Unknown {
        /// Whether the request may still be on its way, and land later.
        may_still_act: bool,
    },
    /// The service says that it created something, but not what.
    Unreadable,
    /// Our token is refused, or something other than the service answers: read the secrets again.
    Denied,
    /// The service will never accept it: a person must look.
    Refused,
}

impl Class {
    /// As the log names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Unknown { may_still_act: false } => "unknown_ended",
            Self::Unknown { may_still_act: true } => "unknown_may_still_act",
            Self::Unreadable => "unreadable",
            Self::Denied => "denied",
            Self::Refused => "refused",
        }
    }

    /// The larger, the less is known of the call's effect.
    fn severity(self) -> u8 {
        match self {
            Self::Transient => 0,
            Self::Refused => 1,
            Self::Denied => 2,
            Self::Unknown { may_still_act: false } => 3,
            Self::Unreadable => 4,
            Self::Unknown { may_still_act: true } => 5,
        }
    }
}

/// What a status means for a call; `None` is success. `asked_to_wait`: the answer has a `Retry-After`, so the service itself says that it
/// did not act.
pub(crate) fn classify(call: Call, status: StatusCode, asked_to_wait: bool) -> Option<Class> {
    // API Gateway gives up while the function behind it still runs: its 503 has no `Retry-After`.
    let behind_a_gateway = matches!(call.service, Service::Calendar | Service::Scc);
    match (status.as_u16(), call.effect) {
        (200..=299, _) => None,
        (300..=399 | 401 | 403, _) => Some(Class::Denied),
        (429, _) | (408 | 500..=599, Effect::Repeatable) => Some(Class::Transient),
        (503, _) if asked_to_wait => Some(Class::Transient),
        (504, _) => Some(Class::Unknown { may_still_act: true }),
        (408 | 503, _) if behind_a_gateway => Some(Class::Unknown { may_still_act: true }),
        (408 | 500..=599, Effect::Change) => Some(Class::Transient),
        (408 | 500..=599, Effect::Create) => Some(Class::Unknown { may_still_act: false }),
        _ => Some(Class::Refused),
    }
}

/// Of two failures, the one after which less is known: a request that may still land must be waited for.
pub(crate) fn worse_of(one: Result<(), CallError>, other: Result<(), CallError>) -> Result<(), CallError> {
    match (one, other) {
        (Err(one), Err(other)) if one.class.severity() < other.class.severity() => Err(other),
        (Err(error), _) | (Ok(()), Err(error)) => Err(error),
        (Ok(()), Ok(())) => Ok(()),
    }
}

/// Whether something other than the service must have answered, because the service has what was called: every collection, even an empty one, and each verb that
/// we use.
pub(super) fn is_wrong_endpoint(call: Call, status: StatusCode) -> bool {
    let is_to_a_collection = match call.service {
        Service::Calendar => matches!(call.effect, Effect::Repeatable | Effect::Create),
        Service::Scc => call.effect == Effect::Create,
        _ => false,
    };
    match status {
        status if status.is_redirection() => true,
        StatusCode::NOT_FOUND => is_to_a_collection,
        StatusCode::METHOD_NOT_ALLOWED => matches!(call.service, Service::Calendar | Service::Scc),
        _ => false,
    }
}

/// A call that failed.
#[derive(Debug)]
pub struct CallError {
    /// Which call.
    pub(crate) call: Call,
    /// What to do about it.
    pub(crate) class: Class,
    /// The response's status, if one came.
    pub(crate) status: Option<u16>,
    /// What happened, in our words; fit for a log.
    pub(crate) reason: String,
    /// What the service says. May quote what it was sent, so it goes into the answer and never into a log.
    pub(crate) words: Option<String>,
    /// How long the service asks us to wait.
    pub(crate) retry_after: Option<Duration>,
    pub(super) source: Option<Box<dyn Error + Send + Sync>>,
}

impl CallError {
    /// The service answered with a failure.
    pub(crate) fn answered(call: Call, class: Class, status: StatusCode) -> Self {
        Self { status: Some(status.as_u16()), ..Self::new(call, class, format!("answered {status}")) }
    }

    /// The same error, after it turned out that something other than the service answered.
    #[must_use]
    pub(crate) fn wrong_endpoint(self) -> Self {
        let reason = format!("{}: somebody else answers at the url in the {} secret", self.reason, self.call.service);
        Self { class: Class::Denied, reason, ..self }
    }

    /// No whole answer came: refused, lost or timed out. What could not even be sent is our own configuration's fault.
    pub(crate) fn unreachable(call: Call, error: reqwest::Error) -> Self {
        let (class, reason) = if error.is_builder() {
            (Class::Denied, "cannot be called with what the secret holds")
        } else if error.is_connect() {
            (Class::Transient, "could not be reached")
        } else if error.is_timeout() {
            (class_without_answer(call.effect, false), "did not answer in time")
        } else {
            (class_without_answer(call.effect, false), "lost the connection before its answer was whole")
        };
        Self { source: Some(error.without_url().into()), ..Self::new(call, class, reason) }
    }

    /// A success of which only the service's own answer is proof, and this is not one.
    pub(crate) fn not_believed(call: Call, status: StatusCode, what: &str) -> Self {
        let error = Self::new(call, Class::Denied, format!("answered {status} with {what}"));
        Self { status: Some(status.as_u16()), ..error }.wrong_endpoint()
    }

    /// A success that cannot be understood. Where it breaks is said, what stands there is not: it could be personal.
    pub(crate) fn unreadable(call: Call, status: StatusCode, error: &serde_json::Error) -> Self {
        let class = match call.effect {
            Effect::Create => Class::Unreadable,
            Effect::Change => Class::Denied,
            Effect::Repeatable => Class::Transient,
        };
        let (kind, line, column) = (error.classify(), error.line(), error.column());
        let reason =
            format!("answered {status}, but not as its contract says ({kind:?} fault at line {line}, column {column})");
        Self { status: Some(status.as_u16()), ..Self::new(call, class, reason) }
    }

    /// No answer came in time.
    pub(crate) fn timed_out(call: Call) -> Self {
        Self::new(call, class_without_answer(call.effect, false), "did not answer in time")
    }

    /// A failure that no single response states.
    pub(crate) fn new(call: Call, class: Class, reason: impl Into<String>) -> Self {
        Self { call, class, status: None, reason: reason.into(), words: None, retry_after: None, source: None }
    }

    /// Too little time was left to start.
    pub(crate) fn not_started(call: Call) -> Self {
        Self::new(call, Class::Transient, "was not called: too little of the answer's time was left")
    }

    /// The system's configuration keeps us from calling it at all.
    pub(crate) fn misconfigured(call: Call, reason: impl Into<String>) -> Self {
        Self::new(call, Class::Denied, reason)
    }

    /// Whether the call may have acted, although it failed.
    pub(crate) fn may_have_acted(&self) -> bool {
        let answered_success = self.status.is_some_and(|status| (200..300).contains(&status));
        match self.class {
            Class::Unknown { .. } | Class::Unreadable => true,
            Class::Denied => answered_success && self.call.effect == Effect::Create,
            Class::Transient | Class::Refused => false,
        }
    }

    /// The chain of causes below the reason, for the log. Transport errors only: never a body.
    pub(super) fn cause(&self) -> Option<String> {
        let chain: Vec<String> =
            std::iter::successors(self.source(), |error| (**error).source()).map(ToString::to_string).collect();
        (!chain.is_empty()).then(|| chain.join(": "))
    }
}

/// A request that never left has done nothing; one that left may have.
pub(super) fn class_without_answer(effect: Effect, never_left: bool) -> Class {
    match effect {
        Effect::Change | Effect::Create if !never_left => Class::Unknown { may_still_act: true },
        _ => Class::Transient,
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.call.service, self.reason)?;
        self.words.as_ref().map_or(Ok(()), |words| write!(formatter, ": {words}"))
    }
}

impl Error for CallError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests;
