//! What bookings owe because of what stands beside them in the calendar: a look that could not be made in time, their own `CHECK` lines,
//! and a word to the other booking. It waits beside the notices, so that no booking is due because of it; each sweep works it off.

use crate::{
    booking::BookingId,
    commands::work::resume,
    ledger::{BookingRecord, Claim, Trigger},
    outbound::{CallError, Deadline},
    reconcile::{
        desired::DesiredState,
        execute::overlap::{Look, not_looked},
    },
    runtime::app::App,
};

/// Works off what one booking owes, as far as the time goes. `false` when nothing could be done.
///
/// # Errors
/// [`CallError`] of the ledger: the next sweep goes on.
pub(crate) async fn settle(app: &App, booking_id: &BookingId, deadline: &Deadline) -> Result<bool, CallError> {
    if !deadline.allows(app.config.crew_event_wait + app.config.kept_for_a_round()) {
        return Ok(false);
    }
    let deadline = deadline.within(app.config.answer_within);
    let Some(mut claim) = app.ledger.claim_in_step(booking_id, &app.lease(&deadline), &deadline).await? else {
        return Ok(false);
    };
    let looked = look_again(app, &mut claim, &deadline).await;
    tell_others(app, &mut claim.record, &deadline).await;
    // Any problem of it was logged, and leaves the booking due.
    let resumed = resume(app, claim, Trigger::Schedule, &deadline).await;
    Ok(looked && resumed.is_ok())
}

/// Looks for a booking that owes it; whether nothing is owed any more.
async fn look_again(app: &App, claim: &mut Claim, deadline: &Deadline) -> bool {
    if !claim.record.overlaps.look_owed {
        return true;
    }
    let found = match DesiredState::of(&claim.record, &app.operator, false) {
        DesiredState::Confirmed(booking) => {
            let look = Look { calendar: app.calendar(), ledger: &app.ledger, operator: &app.operator };
            let deadline = deadline.reserving(app.config.kept_for_a_round());
            match Box::pin(look.beside(&booking, &deadline)).await {
                Ok(found) => found,
                Err(error) => {
                    not_looked(claim.record.booking_id.as_str(), &error);
                    return false;
                }
            }
        }
        _ => Vec::new(),
    };
    claim.record.overlaps.learn(found, false);
    true
}

/// Asks the others to look for themselves, unless they know already. The next sweep asks those that an invocation holds now.
async fn tell_others(app: &App, record: &mut BookingRecord, deadline: &Deadline) {
    for other in record.overlaps.to_tell.clone() {
        match ask(app, record, &other, deadline).await {
            Ok(true) => {
                record.overlaps.to_tell.remove(&other);
            }
            Ok(false) => {}
            Err(error) => {
                let (booking_id, reason) = (record.booking_id.as_str(), error.to_string());
                tracing::warn!(
                    booking_id,
                    reason,
                    "{booking_id}: {other} does not know yet that it overlaps: the next sweep asks it"
                );
            }
        }
    }
}

async fn ask(app: &App, record: &BookingRecord, other: &BookingId, deadline: &Deadline) -> Result<bool, CallError> {
    let Some(known) = app.ledger.state(other, deadline).await? else { return Ok(true) };
    let own = known.overlaps.found.iter().find(|overlap| overlap.booking_id.as_ref() == Some(&record.booking_id));
    let overlaps = record.overlaps.found.iter().any(|overlap| overlap.booking_id.as_ref() == Some(other));
    let starts = record.sale.as_ref().map(|sale| sale.start);
    let knows = match own {
        Some(own) => overlaps && Some(own.from) == starts,
        None => !overlaps,
    };
    if knows || known.is_dismissed() { Ok(true) } else { app.ledger.ask_to_look(other, deadline.now(), deadline).await }
}
