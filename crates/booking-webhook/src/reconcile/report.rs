//! What became of each step, in words that a person can act on.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::{Outcomes, StepOutcome};
use crate::ledger::{Journal, Standing, Step, StepRecord};

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// The system shows the newest snapshot.
    InStep,
    /// Not yet; another try can bring it there.
    Due,
    /// A person must look.
    Parked,
    /// The system has nothing to show.
    NotNeeded,
}

impl StepState {
    /// As the answer names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::InStep => "in_step",
            Self::Due => "due",
            Self::Parked => "parked",
            Self::NotNeeded => "not_needed",
        }
    }
}

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepReport {
    /// Where it stands.
    pub state: StepState,
    /// What the system calls its part of the booking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_id: Option<String>,
    /// How long it took in this invocation, in milliseconds.
    pub ms: u64,
    /// Tries since it was last in step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// What happened, when it is not the ordinary thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// When it is tried next by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_try_at: Option<Timestamp>,
}

/// What became of all four.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names are the steps' own")]
pub struct Steps {
    pub calendar: StepReport,
    pub crew_event: StepReport,
    pub crew_redaction: StepReport,
    pub guest_page: StepReport,
}

impl From<&Outcomes> for Steps {
    fn from(outcomes: &Outcomes) -> Self {
        let [calendar, crew_event, crew_redaction, guest_page] =
            outcomes.each().map(|(step, outcome)| StepReport::of(step, outcome));
        Self { calendar, crew_event, crew_redaction, guest_page }
    }
}

/// As nothing was done in this invocation.
impl From<&Journal> for Steps {
    fn from(journal: &Journal) -> Self {
        let [calendar, crew_event, crew_redaction, guest_page] =
            journal.each().map(|(step, known)| StepReport::of(step, &StepOutcome::unchanged(known.clone())));
        Self { calendar, crew_event, crew_redaction, guest_page }
    }
}

impl Steps {
    /// All four, in the order of the answer.
    pub fn each(&self) -> [&StepReport; 4] {
        [&self.calendar, &self.crew_event, &self.crew_redaction, &self.guest_page]
    }

    /// Whether any of them stands at `state`.
    pub fn any(&self, state: StepState) -> bool {
        self.each().into_iter().any(|step| step.state == state)
    }
}

impl StepReport {
    fn of(step: Step, outcome: &StepOutcome) -> Self {
        let StepRecord { standing, remote_id, attempts, failure, next_try_at, .. } = &outcome.known;
        let state = match standing {
            Standing::InStep => StepState::InStep,
            Standing::NotNeeded => StepState::NotNeeded,
            Standing::New | Standing::Due => StepState::Due,
            Standing::Parked { .. } => StepState::Parked,
        };
        let waiting = state == StepState::Due && failure.is_none();
        let detail = match failure {
            Some(failure) => Some(failure.detail.clone()),
            None if waiting => Some(waits_for(step).to_owned()),
            None => (!outcome.did.is_empty()).then(|| outcome.did.join("; ")),
        };
        Self {
            state,
            remote_id: remote_id.clone(),
            ms: milliseconds(outcome.took),
            attempts: (*attempts > 0).then_some(*attempts),
            detail,
            next: failure.as_ref().map(|failure| failure.next.clone()),
            next_try_at: *next_try_at,
        }
    }
}

fn waits_for(step: Step) -> &'static str {
    match step {
        Step::CrewRedaction => "waits for the crew event",
        Step::Calendar | Step::CrewEvent | Step::GuestPage => {
            "another invocation is at work on it, or it is taken up soon"
        }
    }
}

fn milliseconds(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}
