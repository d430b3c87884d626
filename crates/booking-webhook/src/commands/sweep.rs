//! The schedule's work: bring in step each due step whose time has come.
//!
//! The index is asked for what is due, so the cost grows with that and not with what is stored; the claim checks again on the table itself.

use std::time::Duration;

use futures::{StreamExt, stream};
use jiff::Timestamp;
use serde_json::json;
use tracing::Instrument;

use crate::{
    booking::BookingId,
    commands::{housekeeping::forget_guests, notify::tell_the_office, work::resume},
    ledger::{Backlog, PerStep, Trigger},
    outbound::Deadline,
    response::{BookingState, Problem, Reply, ledger_unavailable},
    runtime::app::App,
    runtime::metrics::{Metric, Metrics},
    runtime::telemetry::booking_span,
};

/// The schedule fires every minute and the function may run for 29 s.
const LONGEST: Duration = Duration::from_secs(20);
const MOST_BOOKINGS: i32 = 100;
/// What a booking usually takes when the services are a bit slow: some dependent calls.
const USUAL_BOOKING: Duration = Duration::from_millis(500);
/// A sweep aims to be done in one part in so many of its time: services that are slower than usual then still fit.
const PARTS_OF_THE_TIME: u32 = 5;
/// Few bookings are worked on at once all the same: they wait for nobody but the services.
const AT_ONCE_AT_LEAST: usize = 5;

/// The outcome for one booking that looked due.
enum Swept {
    To(BookingState),
    /// Somebody else was faster, or the index lagged behind.
    NotDue,
    /// No time was left for it, or the ledger did not let it be claimed.
    Left,
}

/// Brings in step what is due, as far as the time goes.
///
/// # Errors
/// [`Problem`] 503 when the ledger cannot be reached.
pub(crate) async fn sweep(app: &App, request_id: &str, lambda_remaining: Duration) -> Result<Reply, Problem> {
    let deadline = Deadline::after(&app.clock, LONGEST.min(lambda_remaining));
    // One after the other, over one connection: most sweeps find nothing, and a handshake costs more than the wait.
    let due = app.ledger.due(deadline.now(), MOST_BOOKINGS, &deadline).await;
    let backlog = app.ledger.backlog(&deadline).await;
    let quarantined = backlog.as_ref().map_or(0, |backlog| backlog.quarantined);
    match backlog {
        Ok(backlog) => gauge(&app.metrics, &backlog, deadline.now()),
        Err(error) => tracing::warn!(reason = error.to_string(), "what waits was not counted"),
    }
    let due = due.map_err(ledger_unavailable)?;
    let found = due.len();
    let each = due.iter().map(|booking_id| {
        let span = booking_span(request_id, booking_id);
        Box::pin(one(app, booking_id, &deadline).instrument(span))
    });
    // Collected first: a stream over a lazy map of borrowed ids is not `Send`.
    let each: Vec<_> = each.collect();
    let at_once = at_once(found, deadline.remaining(), app.config.sweep_at_once);
    let swept: Vec<Swept> = stream::iter(each).buffer_unordered(at_once).collect().await;
    let count = |wanted: BookingState| {
        swept.iter().filter(|swept| matches!(swept, Swept::To(state) if *state == wanted)).count()
    };
    let worked_on = swept.iter().filter(|swept| matches!(swept, Swept::To(_))).count();
    let left = swept.iter().filter(|swept| matches!(swept, Swept::Left)).count();
    let (in_step, due, parked) = (
        count(BookingState::InStep) + count(BookingState::Recorded),
        count(BookingState::Due),
        count(BookingState::Parked),
    );
    let told = tell_the_office(app, quarantined > 0, &deadline).await.unwrap_or_else(|error| {
        let reason = error.to_string();
        tracing::error!(reason, "not all notices were sent to the office: the next sweep tries again");
        0
    });
    if let Err(error) = forget_guests(app, &deadline).await {
        tracing::warn!(
            reason = error.to_string(),
            "guests' names of charters long over were not removed: the next sweep tries again"
        );
    }
    tracing::info!(found, told, swept = worked_on, in_step, due, parked, left, "swept");
    Ok(Reply::Document(json!({
        "found": found, "swept": worked_on, "in_step": in_step, "due": due, "parked": parked, "left": left,
    })))
}

/// How many bookings are worked on at once: as many as bring `due` of them in step well within the time that `remains`, and no more than the
/// services bear.
fn at_once(due: usize, remains: Duration, most: usize) -> usize {
    let aim = remains / PARTS_OF_THE_TIME;
    let needed = USUAL_BOOKING.as_millis().saturating_mul(due as u128).div_ceil(aim.as_millis().max(1));
    usize::try_from(needed).unwrap_or(usize::MAX).max(AT_ONCE_AT_LEAST).min(most)
}

/// Reports what waits as the sweep begins; zeros too, so that silence can be told from health.
fn gauge(metrics: &Metrics, backlog: &Backlog, now: Timestamp) {
    let Backlog { due, due_since, parked, quarantined } = *backlog;
    let oldest = due_since.and_then(|since| Duration::try_from(now.duration_since(since)).ok()).unwrap_or_default();
    metrics.gauge(Metric::OldestDueSeconds, oldest.as_secs());
    for (metric, count) in
        [(Metric::DueBookings, due), (Metric::ParkedBookings, parked), (Metric::QuarantinedDeliveries, quarantined)]
    {
        metrics.gauge(metric, u64::try_from(count).unwrap_or(u64::MAX));
    }
}

async fn one(app: &App, booking_id: &BookingId, deadline: &Deadline) -> Swept {
    // Also when the calendar hangs: what cannot start would count as a try that failed.
    if !deadline.allows(app.config.crew_event_wait + app.config.kept_for_a_round()) {
        return Swept::Left;
    }
    let deadline = deadline.within(app.config.answer_within);
    match app.ledger.claim(booking_id, Trigger::Schedule, &app.lease(&deadline), &deadline).await {
        Ok(Some(claim)) => match resume(app, claim, Trigger::Schedule, &deadline).await {
            Ok(progress) => {
                let (state, fence) = (progress.state, progress.record.fence);
                let PerStep { calendar, crew_event, crew_redaction, guest_page } =
                    progress.steps.map_ref(|step| &*step.log);
                tracing::info!(?state, fence, calendar, crew_event, crew_redaction, guest_page, "swept a booking");
                Swept::To(progress.state)
            }
            Err(_logged) => Swept::To(BookingState::Due),
        },
        Ok(None) => Swept::NotDue,
        Err(error) => {
            ledger_unavailable(error);
            Swept::Left
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_is_done_at_once_when_more_is_due_or_less_time_is_left() {
        for (due, seconds, most, expected) in [
            (0, 20, 16, 5),
            (10, 20, 16, 5),
            (60, 20, 16, 8),
            (100, 20, 16, 13),
            (100, 10, 16, 16),
            (100, 20, 3, 3),
            (100, 0, 16, 16),
        ] {
            assert_eq!(at_once(due, Duration::from_secs(seconds), most), expected, "{due} due, {seconds} s");
        }
    }
}
