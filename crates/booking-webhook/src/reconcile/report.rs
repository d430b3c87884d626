//! What became of each step, in words that a person can act on.

use std::time::Duration;

use serde::Serialize;

use crate::outbound::{CallError, Class, Service};

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

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepReport {
    /// Where it stands.
    pub state: StepState,
    /// What the system calls its part of the booking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_id: Option<String>,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// What happened, when it is not the ordinary thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
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

impl Steps {
    /// The same for all four.
    pub fn all(report: &StepReport) -> Self {
        let [calendar, crew_event, crew_redaction, guest_page] = std::array::from_fn(|_| report.clone());
        Self { calendar, crew_event, crew_redaction, guest_page }
    }

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
    /// The report of a step that was tried. What went wrong is logged here, once, whether or not it came to a call.
    pub fn of(step: &'static str, outcome: Result<Option<String>, CallError>, took: Duration) -> Self {
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        match outcome {
            Ok(remote_id) => Self { state: StepState::InStep, remote_id, ms, detail: None, next: None },
            Err(error) => {
                let state = if error.class == Class::Refused { StepState::Parked } else { StepState::Due };
                let (class, service, reason) = (error.class.name(), error.call.service, &error.reason);
                match error.class {
                    Class::Refused => {
                        tracing::error!(step, class, %service, reason, "a step is parked: a person must look")
                    }
                    Class::Denied => {
                        tracing::error!(step, class, %service, reason, "a step is due: our credentials do not fit")
                    }
                    Class::Transient | Class::Unknown { .. } => {
                        tracing::warn!(step, class, %service, reason, "a step is due");
                    }
                }
                Self { state, remote_id: None, ms, detail: Some(error.to_string()), next: Some(next(&error)) }
            }
        }
    }

    /// Nothing was tried, and nothing will be until a person has looked.
    pub fn parked(step: &'static str, detail: String) -> Self {
        tracing::error!(step, reason = detail, "a step is parked: a person must look");
        let next = "A person must look: make the change in this system by hand, or mend what is in the way and deliver the booking again";
        Self { state: StepState::Parked, remote_id: None, ms: 0, detail: Some(detail), next: Some(next.into()) }
    }

    /// Not tried yet, because what it needs is not there; it stands where that does.
    pub fn waiting(needed: &str, report: &Self) -> Self {
        let detail = Some(format!("waits for {needed}"));
        Self { state: report.state, remote_id: None, ms: 0, detail, next: report.next.clone() }
    }

    /// The system has nothing to show.
    pub fn not_needed() -> Self {
        Self { state: StepState::NotNeeded, remote_id: None, ms: 0, detail: None, next: None }
    }

    /// The same report with something to add.
    #[must_use]
    pub fn noting(self, detail: Option<String>) -> Self {
        Self { detail: self.detail.or(detail), ..self }
    }

    /// One step done in two parts: it stands where the worse of them does.
    #[must_use]
    pub fn and(self, later: Self) -> Self {
        let ms = self.ms.saturating_add(later.ms);
        let (worse, other) = if later.state == StepState::InStep { (self, later) } else { (later, self) };
        Self { ms, remote_id: worse.remote_id.or(other.remote_id), detail: worse.detail.or(other.detail), ..worse }
    }
}

const DELIVER_AGAIN: &str = "Deliver the booking again (senders do so by themselves); what is in step stays as it is";

fn next(error: &CallError) -> String {
    match error.class {
        Class::Transient | Class::Unknown { answered: true } => DELIVER_AGAIN.into(),
        Class::Unknown { answered: false } => {
            format!(
                "Wait a minute, for the request may still land, then: {DELIVER_AGAIN}. It is read back before anything is created"
            )
        }
        Class::Denied => format!("{}. Then: {DELIVER_AGAIN}", credentials(error.call.service)),
        Class::Refused => "Mend what the service objects to, then deliver the booking again".into(),
    }
}

fn credentials(service: Service) -> &'static str {
    match service {
        Service::Calendar => "Compare dashboard_token and url in the calendar secret with the dashboard Lambda's",
        Service::Scc => "Compare service_key and url in the scc secret with SERVICE_KEY_HASH in SCC's environment",
        Service::SccEvents => "Check the function's rights on the scc-events table (Query, UpdateItem)",
        Service::GuestPageBucket => "Check the function's right to PutObject under the guest pages' prefix",
        Service::Cloudfront => {
            "Check distribution_id in the guest-page secret, and the function's right to CreateInvalidation on it"
        }
        Service::SecretsManager => {
            "Check the function's right to BatchGetSecretValue and GetSecretValue on the secrets"
        }
        Service::ConfigurationFiles => "Check the function's right to GetObject on the configuration files",
    }
}
