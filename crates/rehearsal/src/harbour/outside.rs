//! What others had the function do: a delivery that was sent by hand, an invocation from another terminal.
//!
//! Lambda has seen every invocation. Those that the harbour asked for itself are taken out by what they were given; what is left
//! came from outside.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use serde_json::Value;
use simulators::runtime_api::PastInvocation;

use crate::WEBHOOK_PATH;

const OWN_KEPT: usize = 200;
/// Questions change nothing.
const QUESTIONS: [&str; 7] = ["check", "status", "plan", "list", "quarantine", "desk_link", "map"];

#[derive(Default)]
pub(super) struct Outside(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    last: u64,
    own: VecDeque<String>,
}

/// An API Gateway event by its delivery, or by what was posted where it names none; anything else by all of it.
pub(super) fn key(event: &Value) -> String {
    match webhook_id(event) {
        Some(id) => id.to_owned(),
        None if event["headers"].is_object() => format!("{} {}", event["rawPath"], event["body"]),
        None => event.to_string(),
    }
}

pub(super) fn webhook_id(event: &Value) -> Option<&str> {
    event["headers"]["webhook-id"].as_str()
}

impl Outside {
    /// The harbour is about to ask for this itself.
    pub(super) fn is_own(&self, key: String) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.own.len() == OWN_KEPT {
            seen.own.pop_front();
        }
        seen.own.push_back(key);
    }

    /// Those of `past` that were not seen before, and that somebody else asked for.
    pub(super) fn others(&self, past: Vec<PastInvocation>) -> Vec<PastInvocation> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = past.into_iter().filter(|invocation| invocation.number > seen.last).collect::<Vec<_>>();
        seen.last = new.last().map_or(seen.last, |newest| newest.number);
        let others = new.into_iter().filter(|invocation| {
            let key = key(&invocation.event);
            let own = seen.own.iter().position(|own| *own == key);
            own.is_none_or(|position| seen.own.remove(position).is_none())
        });
        others.filter(|invocation| !is_question(&invocation.event)).collect()
    }
}

fn is_question(event: &Value) -> bool {
    // A page of the desk; what a button did is in the timeline. Its path opens it, so it stands in no logbook.
    if event["rawPath"].as_str().is_some_and(|path| path.starts_with("/desk/")) {
        return true;
    }
    let kind = event.as_object().filter(|keys| keys.len() == 1).and_then(|keys| keys.keys().next());
    kind.is_some_and(|kind| QUESTIONS.contains(&kind.as_str()))
}

/// Whether the buttons, which speak as Boatsetter, can follow its booking: a delivery of Boatsetter's, or what a person invoked.
pub(super) fn is_boatsetters(event: &Value) -> bool {
    let path = event["rawPath"].as_str().or_else(|| event["path"].as_str());
    path.is_none_or(|path| path.trim_end_matches('/').ends_with(WEBHOOK_PATH))
}

/// What somebody did, in words.
pub(super) fn label(event: &Value) -> &'static str {
    let has = |kind: &str| !event[kind].is_null();
    match () {
        () if has("headers") => "Delivery, from outside",
        () if has("booking") => "Entry by a person, from outside",
        () if has("deliver") => "Captured delivery, from outside",
        () if has("replay") => "Replay, from outside",
        () if has("sweep") => "Sweep, from outside",
        () => "Invocation, from outside",
    }
}

/// What the function answered: its status and its body.
pub(super) fn answer(invocation: &PastInvocation) -> (Option<u16>, Value) {
    let payload = &invocation.invocation.payload;
    let code = |value: &Value| value.as_u64().and_then(|status| u16::try_from(status).ok());
    match payload["body"].as_str() {
        Some(body) if payload["statusCode"].is_u64() => {
            (code(&payload["statusCode"]), serde_json::from_str(body).unwrap_or_else(|_| body.into()))
        }
        _ => (code(&payload["status"]), payload.clone()),
    }
}
