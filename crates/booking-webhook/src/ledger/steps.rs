//! The four steps, each one effect on one system, and what is known of each.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The four steps, as the ledger, answers and logs name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the steps' own")]
pub enum Step {
    Calendar,
    CrewEvent,
    CrewRedaction,
    GuestPage,
}

impl Step {
    /// The step's attribute, and its name in idempotency keys and logs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Calendar => "calendar",
            Self::CrewEvent => "crew_event",
            Self::CrewRedaction => "crew_redaction",
            Self::GuestPage => "guest_page",
        }
    }
}

/// One value for each step, in the order of the answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names are the steps' own")]
pub(crate) struct PerStep<T> {
    pub(crate) calendar: T,
    pub(crate) crew_event: T,
    pub(crate) crew_redaction: T,
    pub(crate) guest_page: T,
}

impl<T> PerStep<T> {
    /// Each value with its step.
    pub(crate) fn each(&self) -> [(Step, &T); 4] {
        [
            (Step::Calendar, &self.calendar),
            (Step::CrewEvent, &self.crew_event),
            (Step::CrewRedaction, &self.crew_redaction),
            (Step::GuestPage, &self.guest_page),
        ]
    }

    /// Whether `is` holds for any of them.
    pub(crate) fn any(&self, is: impl Fn(&T) -> bool) -> bool {
        self.each().into_iter().any(|(_, value)| is(value))
    }

    /// The values that `make` makes of these.
    pub(crate) fn map<U>(self, mut make: impl FnMut(Step, T) -> U) -> PerStep<U> {
        PerStep {
            calendar: make(Step::Calendar, self.calendar),
            crew_event: make(Step::CrewEvent, self.crew_event),
            crew_redaction: make(Step::CrewRedaction, self.crew_redaction),
            guest_page: make(Step::GuestPage, self.guest_page),
        }
    }

    /// The values that `make` makes of these, which stay.
    pub(crate) fn map_ref<'a, U>(&'a self, make: impl Fn(&'a T) -> U) -> PerStep<U> {
        PerStep {
            calendar: make(&self.calendar),
            crew_event: make(&self.crew_event),
            crew_redaction: make(&self.crew_redaction),
            guest_page: make(&self.guest_page),
        }
    }

    /// Each value beside the other's.
    pub(crate) fn zip<U>(self, other: PerStep<U>) -> PerStep<(T, U)> {
        PerStep {
            calendar: (self.calendar, other.calendar),
            crew_event: (self.crew_event, other.crew_event),
            crew_redaction: (self.crew_redaction, other.crew_redaction),
            guest_page: (self.guest_page, other.guest_page),
        }
    }
}

/// Whether a system shows what it should.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// It does.
    InStep,
    /// Not yet; another try can bring it there.
    #[default]
    Due,
    /// Not until a person has looked, as long as the same content is wanted ([`Failure::content`]).
    Parked,
    /// It has nothing to show.
    NotNeeded,
}

impl StepStatus {
    /// As answers and metrics name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::InStep => "in_step",
            Self::Due => "due",
            Self::Parked => "parked",
            Self::NotNeeded => "not_needed",
        }
    }
}

/// What is known of any step, apart from what its system shows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StepRecord {
    /// Whether the system shows what it should.
    pub status: StepStatus,
    /// Whether anything exists there is not known: it is read back before anything is created.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unknown: bool,
    /// Nothing is written there before this: a request may still land.
    #[serde(skip_serializing_if = "Option::is_none", with = "jiff::fmt::serde::timestamp::millisecond::optional")]
    pub settles_at: Option<Timestamp>,
    /// How many of its parts of the booking are gone; tells one creation from another.
    #[serde(skip_serializing_if = "is_zero")]
    pub generation: u32,
    /// A creation may have acted and was not read back yet.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub creating: bool,
    /// Creations that may have acted and of which nothing was found, in the booking's life.
    #[serde(skip_serializing_if = "is_zero")]
    pub unsettled_creations: u32,
    /// Tries since it was last in step.
    #[serde(skip_serializing_if = "is_zero")]
    pub attempts: u32,
    /// When it is tried next, if it is due.
    #[serde(skip_serializing_if = "Option::is_none", with = "jiff::fmt::serde::timestamp::millisecond::optional")]
    pub next_try_at: Option<Timestamp>,
    /// Why it is not in step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// Why a step is not in step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The class of the failure, as the log names it.
    pub(crate) class: String,
    /// What happened.
    pub(crate) detail: String,
    /// What to do.
    pub(crate) next: String,
    /// The digest of the content that the system should show.
    #[serde(default)]
    pub(crate) content: String,
}

impl StepRecord {
    /// Whether a request of an earlier try may still land at `now`.
    pub(crate) fn is_settling(&self, now: Timestamp) -> bool {
        self.settles_at.is_some_and(|settled| now < settled)
    }

    /// Whether `content` is what failed last.
    pub(crate) fn failed_with(&self, content: &str) -> bool {
        self.failure.as_ref().is_some_and(|failure| failure.content == content)
    }

    /// The record that the next holder must start from after a crash: nothing waits for a later time.
    #[must_use]
    pub(super) fn after_a_crash(self, shows_nothing: bool) -> Self {
        Self { unknown: self.unknown || shows_nothing, next_try_at: None, ..self }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
