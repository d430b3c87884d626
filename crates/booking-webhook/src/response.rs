//! What we answer: always JSON, errors as `application/problem+json` (RFC 9457), and always with what to do next.

use http::StatusCode;
use serde::Serialize;

use crate::{
    booking::{BookingId, Flag},
    inbound::Fault,
    outbound::CallError,
    reconcile::report::{StepState, Steps},
};

/// Where a booking stands as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
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
pub struct Answer {
    /// The marketplace's id.
    pub booking_id: String,
    /// Ours.
    pub charter_id: String,
    /// As a whole.
    pub state: State,
    /// What the guest opens.
    pub guest_page: String,
    /// For a person to look at.
    pub flags: Vec<Flag>,
    /// Step by step.
    pub steps: Steps,
}

/// What keeps a request from being taken, for whoever sent it.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    /// In a few words, the same for every problem of its kind.
    pub title: &'static str,
    /// HTTP status.
    pub status: u16,
    /// What to do about this one.
    pub detail: String,
    /// Every fault of the body, by JSON pointer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
    /// Under which the body is kept, for a replay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_id: Option<String>,
}

/// What goes back, to a webhook's sender and to a direct invocation alike.
#[derive(Debug, Clone)]
pub enum Reply {
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
    /// It was not taken.
    Problem(Problem),
}

impl State {
    /// The state of a booking whose steps stand like this. A person is needed before time is.
    pub fn of(steps: &Steps) -> Self {
        if steps.any(StepState::Parked) {
            Self::Parked
        } else if steps.any(StepState::Due) {
            Self::Due
        } else if steps.any(StepState::InStep) {
            Self::InStep
        } else {
            Self::Recorded
        }
    }
}

impl Problem {
    /// A problem without single faults.
    pub fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Self { title, status: status.as_u16(), detail: detail.into(), errors: Vec::new(), delivery_id: None }
    }

    /// An authentic request whose content cannot be used.
    pub fn faulty(errors: Vec<Fault>) -> Self {
        let detail =
            "Mend the fields named in errors and send it again, or mend the mapping if the sender's shape has changed";
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "The booking cannot be read", detail) }
    }
}

impl Reply {
    /// The HTTP status: 202 as long as anything is owed, whether to time or to a person.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Answer(answer) if matches!(answer.state, State::Due | State::Parked) => StatusCode::ACCEPTED,
            Self::Answer(_) | Self::Document(_) => StatusCode::OK,
            Self::Report { status, .. } => *status,
            Self::Problem(problem) => {
                StatusCode::from_u16(problem.status).expect("problems are made from a StatusCode")
            }
        }
    }

    /// The media type of the body.
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Problem(_) => "application/problem+json",
            Self::Answer(_) | Self::Document(_) | Self::Report { .. } => "application/json",
        }
    }

    /// The body.
    pub fn body(&self) -> String {
        let json = match self {
            Self::Answer(answer) => serde_json::to_string(answer),
            Self::Document(document) | Self::Report { document, .. } => serde_json::to_string(document),
            Self::Problem(problem) => serde_json::to_string(problem),
        };
        json.expect("answers have text keys and serialise")
    }
}

/// Nothing was promised: whoever asked should ask again.
pub fn ledger_unavailable(error: CallError) -> Problem {
    tracing::error!(reason = error.to_string(), "the ledger cannot be used");
    let detail = format!("Nothing was promised and nobody else was called; send it again in a minute ({error})");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "The ledger cannot be reached", detail)
}

/// A booking that the ledger does not know.
pub fn no_such_booking(booking_id: &BookingId) -> Problem {
    let detail = format!("The ledger has no booking {booking_id}; compare the id with the marketplace's");
    Problem::new(StatusCode::NOT_FOUND, "No such booking", detail)
}
