//! Logs for the person on call: JSON, one line a call, nothing secret and nothing personal.
//!
//! Every line inside an invocation carries `request_id`, `booking_id` and `charter_id` from its span; the calls add operation, service,
//! status, latency and attempt (see [`crate::outbound`]).

use tracing::Span;
use tracing_subscriber::EnvFilter;

/// Starts logging to standard output, which Lambda hands to CloudWatch; `RUST_LOG` filters, `info` by default.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .init();
}

/// The span of one invocation. Booking and charter are recorded when they are known.
pub fn invocation_span(request_id: &str) -> Span {
    tracing::info_span!(
        "invocation",
        request_id,
        booking_id = tracing::field::Empty,
        charter_id = tracing::field::Empty
    )
}
