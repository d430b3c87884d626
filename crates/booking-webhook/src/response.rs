//! What is answered: always JSON, errors as `application/problem+json` (RFC 9457), and always with what to do next. How the steps of a
//! booking add up to its state stands here and nowhere else.

use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    booking::{BookingId, Flag},
    inbound::Fault,
    ledger::{Journal, PerStep, READ_STATE, Step, StepStatus},
    outbound::{CallError, Class},
    reconcile::execute::{Outcomes, Work},
};

/// Where a booking stands as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BookingState {
    /// Every system shows the newest snapshot.
    InStep,
    /// Something is still owed.
    Due,
    /// Something needs a person.
    Parked,
    /// Understood, and nothing is sent anywhere.
    Recorded,
}

/// Where a booking stands, step by step.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Answer {
    /// The marketplace's id.
    pub(crate) booking_id: String,
    /// Ours.
    pub(crate) charter_id: String,
    /// As a whole.
    pub(crate) state: BookingState,
    /// What the guest opens.
    pub(crate) guest_page: String,
    /// For a person to look at.
    pub(crate) flags: Vec<Flag>,
    /// Step by step.
    pub(crate) steps: PerStep<StepReport>,
}

/// Why a request was not taken, in words for its sender.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Problem {
    /// In a few words, the same for every problem of its kind.
    pub(crate) title: &'static str,
    /// HTTP status.
    pub(crate) status: u16,
    /// What to do about this one.
    pub(crate) detail: String,
    /// Every fault of the body, by JSON pointer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<Fault>,
    /// Under which the body is kept, for a replay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delivery_id: Option<String>,
}

/// What goes back, to a webhook's sender and to a direct invocation alike.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// The booking was understood.
    Answer(Box<Answer>),
    /// What a person asked for: a plan, a timeline, the result of a sweep.
    Document(serde_json::Value),
    /// What a check found, with the status that says how it is.
    Report {
        /// 200, or 503 when something is not right.
        status: StatusCode,
        /// The single findings.
        document: serde_json::Value,
    },
    /// For a person's browser.
    Page {
        /// How it went.
        status: StatusCode,
        /// The page.
        html: String,
        /// Its `Content-Security-Policy`.
        policy: String,
    },
    /// It was done: the browser reads on there.
    SeeOther(String),
    /// It was not taken.
    Problem(Problem),
}

impl BookingState {
    /// The state of a booking whose steps stand like this. A person is needed before time is.
    pub(crate) fn of(journal: &Journal) -> Self {
        let any = |wanted| journal.steps().any(|step| step.status == wanted);
        if any(StepStatus::Parked) {
            Self::Parked
        } else if any(StepStatus::Due) {
            Self::Due
        } else if any(StepStatus::InStep) {
            Self::InStep
        } else {
            Self::Recorded
        }
    }
}

impl BookingState {
    /// The larger, the more a booking needs somebody.
    pub(crate) fn severity(self) -> u8 {
        match self {
            Self::Recorded => 0,
            Self::InStep => 1,
            Self::Due => 2,
            Self::Parked => 3,
        }
    }
}

impl Problem {
    /// A problem without single faults.
    pub(crate) fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Self { title, status: status.as_u16(), detail: detail.into(), errors: Vec::new(), delivery_id: None }
    }

    /// An authentic request whose content cannot be used.
    pub(crate) fn faulty(errors: Vec<Fault>) -> Self {
        let detail =
            "Mend the fields named in errors and send it again, or mend the mapping if the sender's shape has changed";
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "The booking cannot be read", detail) }
    }
}

impl Reply {
    /// The HTTP status: 202 as long as anything is owed, whether to time or to a person.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Answer(answer) if matches!(answer.state, BookingState::Due | BookingState::Parked) => {
                StatusCode::ACCEPTED
            }
            Self::Answer(_) | Self::Document(_) => StatusCode::OK,
            Self::Report { status, .. } | Self::Page { status, .. } => *status,
            Self::SeeOther(_) => StatusCode::SEE_OTHER,
            Self::Problem(problem) => {
                StatusCode::from_u16(problem.status).expect("problems are made from a StatusCode")
            }
        }
    }

    /// The media type of the body.
    pub(crate) fn content_type(&self) -> &'static str {
        match self {
            Self::Problem(_) => "application/problem+json",
            Self::Answer(_) | Self::Document(_) | Self::Report { .. } => "application/json",
            Self::Page { .. } | Self::SeeOther(_) => "text/html; charset=utf-8",
        }
    }

    /// The body.
    pub(crate) fn body(&self) -> String {
        let json = match self {
            Self::Answer(answer) => serde_json::to_string(answer),
            Self::Document(document) | Self::Report { document, .. } => serde_json::to_string(document),
            Self::Problem(problem) => serde_json::to_string(problem),
            Self::Page { html, .. } => return html.clone(),
            Self::SeeOther(_) => return String::new(),
        };
        json.expect("answers have text keys and serialise")
    }
}

/// The outcome of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct StepReport {
    /// Whether the system shows what it should.
    pub(crate) state: StepStatus,
    /// What the system calls its part of the booking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remote_id: Option<String>,
    /// How long it took in this invocation, in milliseconds.
    pub(crate) ms: u64,
    /// Tries since it was last in step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attempts: Option<u32>,
    /// What happened, when it is not the ordinary thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
    /// When it is tried next by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_try_at: Option<Timestamp>,
    /// For the log: how it stands, how long it took and what was done. Names and ids only; what a service said stays out of it.
    #[serde(skip)]
    pub(crate) log: String,
}

/// The outcome of each step in this invocation.
pub(crate) fn reports(outcomes: &Outcomes) -> PerStep<StepReport> {
    report(&outcomes.journal, outcomes.work.clone())
}

/// How each step stands, with nothing done in this invocation.
pub(crate) fn reports_of(journal: &Journal) -> PerStep<StepReport> {
    report(journal, PerStep::default())
}

fn report(journal: &Journal, work: PerStep<Work>) -> PerStep<StepReport> {
    journal.steps().zip(journal.remote_ids()).zip(work).map(|step, ((known, remote_id), work)| {
        let failure = known.failure.as_ref();
        let detail = match failure {
            Some(failure) => Some(failure.detail.clone()),
            None if known.status == StepStatus::Due => Some(waits_for(step).to_owned()),
            None => (!work.did.is_empty()).then(|| work.did.join("; ")),
        };
        StepReport {
            log: logged(known.status, &work),
            state: known.status,
            remote_id: remote_id.map(str::to_owned),
            ms: milliseconds(work.took),
            attempts: (known.attempts > 0).then_some(known.attempts),
            detail,
            next: failure.map(|failure| failure.next.clone()),
            next_try_at: known.next_try_at,
        }
    })
}

/// `in_step, 62 ms: created cal_1a2b`.
fn logged(status: StepStatus, work: &Work) -> String {
    let mut text = status.name().to_owned();
    if !work.did.is_empty() {
        text += &format!(", {} ms: {}", milliseconds(work.took), work.did.join("; "));
    }
    text
}

fn waits_for(step: Step) -> &'static str {
    match step {
        Step::CrewRedaction => "waits for the crew event",
        Step::Calendar | Step::CrewEvent | Step::GuestPage => "another invocation works on it, or will soon",
    }
}

fn milliseconds(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

/// The ledger cannot be used. When a repetition may mend that, nothing was promised, and the sender should send it again.
pub(crate) fn ledger_unavailable(error: CallError) -> Problem {
    let reason = error.to_string();
    if error.call.operation == READ_STATE {
        tracing::error!(
            reason,
            "a booking's state in the ledger cannot be read: restore that item (run book: One booking)"
        );
        let detail = format!("{reason}. Sending it again does not help: a person must restore the booking's item");
        return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The booking's state cannot be read", detail);
    }
    if error.class == Class::Refused {
        tracing::error!(reason, "the ledger refuses what it is asked: sending it again does not help");
        let detail = format!("{reason}. Sending it again does not help");
        return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The ledger refuses what it is asked", detail);
    }
    tracing::error!(reason, "the ledger cannot be reached: the sender is asked to send it again");
    let detail = format!("Nothing was promised and no other system was called; send it again in a minute ({reason})");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "The ledger cannot be reached", detail)
}

/// A booking that the ledger does not know.
pub(crate) fn no_such_booking(booking_id: &BookingId) -> Problem {
    let detail = format!("The ledger has no booking {booking_id}; compare the id with the marketplace's");
    Problem::new(StatusCode::NOT_FOUND, "No such booking", detail)
}
