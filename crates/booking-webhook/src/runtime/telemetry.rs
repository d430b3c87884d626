//! Logs for the person on call: JSON, one line a call, nothing secret and nothing personal.
//!
//! Every line inside an invocation carries `request_id`, `booking_id` and `charter_id` from its span; the calls add operation, service,
//! status, latency and attempt (see [`crate::outbound`]).

use std::{error::Error, iter::successors};

use tracing::Span;
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::booking::BookingId;

/// Starts logging to standard output, which Lambda hands to CloudWatch. `filter` (`RUST_LOG`) is a list of levels, each for all or for one
/// target (`info,booking_webhook=debug`); `info` without one, or with one that cannot be read.
pub fn start(filter: Option<&str>) {
    let filter =
        filter.and_then(|filter| filter.parse().ok()).unwrap_or(Targets::new().with_default(LevelFilter::INFO));
    let lines =
        tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(true).with_span_list(false);
    tracing_subscriber::registry().with(lines).with(filter).init();
}

/// The span of one invocation. Booking and charter are recorded when they are known.
pub(crate) fn invocation_span(request_id: &str) -> Span {
    tracing::info_span!(
        "invocation",
        request_id,
        booking_id = tracing::field::Empty,
        charter_id = tracing::field::Empty
    )
}

/// The span of one of several bookings that an invocation works on.
pub(crate) fn booking_span(request_id: &str, booking_id: &BookingId) -> Span {
    tracing::info_span!("booking", request_id, booking_id = booking_id.as_str(), charter_id = tracing::field::Empty)
}

/// An error and what caused it, down to the root, for one line of the log: `tracing`'s JSON holds only the first of them.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut words = error.to_string();
    for cause in successors(error.source(), |cause| (**cause).source()) {
        let cause = cause.to_string();
        // Some errors quote their source in their own words.
        if !words.contains(&cause) {
            words.push_str(": ");
            words.push_str(&cause);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{words}")]
    struct Layer {
        words: &'static str,
        source: Option<Box<dyn Error + Send + Sync>>,
    }

    #[test]
    fn every_cause_is_said_once() {
        let root = Layer { words: "connection reset", source: None };
        let quoting = Layer { words: "lost: connection reset", source: Some(root.into()) };
        let top = Layer { words: "the secrets cannot be read", source: Some(quoting.into()) };
        assert_eq!(with_causes(&top), "the secrets cannot be read: lost: connection reset");
    }
}
