//! What stands beside a booking in the calendar is read beside its steps: never before the crew event, and never on its way.
//!
//! It begins when the entry is placed, after which every later look of another booking sees it: of two bookings that meet, at least one finds
//! the other. It ends with the steps: a calendar that is slow or fails leaves a look that is owed, and the sweep looks again.

use std::{collections::BTreeMap, pin::pin};

use futures::{StreamExt, stream};
use jiff::civil::Date;
use tokio::sync::watch;

use super::ReconcileContext;
use crate::{
    booking::{Booking, BookingId, BookingStatus, KnownBooking, Neighbour, Operator, Overlap, Sailing},
    ledger::{Known, Ledger, Overlaps, ShownEntry},
    outbound::{CallError, Deadline},
    reconcile::desired::DesiredState,
    systems::calendar::{Calendar, neighbour},
};

/// Days at once: a charter of a week is over a calendar's ordinary load for a moment only.
const AT_ONCE: usize = 4;
/// What says where an entry stands, and beside whom.
const PLACE: [&str; 6] = ["date", "start", "end", "title", "crew_ids", "captain_id"];

/// What became of the look beside a booking.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Beside {
    /// The booking stands where it stood: nobody looked.
    #[default]
    NotLooked,
    /// This stands there.
    Found(Vec<Overlap>),
    /// It could not be read in time.
    Owed,
}

/// Whether an entry was created, or moved to another place or other people.
pub(super) fn is_placed(before: &Known<ShownEntry>, now: &Known<ShownEntry>) -> bool {
    let place = |known: &Known<ShownEntry>| {
        let applied = known.shown.as_ref().map(|shown| shown.fields.applied.clone())?;
        Some(PLACE.map(|field| applied.get(field).cloned()))
    };
    !now.step.unknown && now.shown.is_some() && place(before) != place(now)
}

/// Does `steps`; and looks, as soon as the entry is `placed`, for as long as they take.
pub(super) async fn beside<T>(
    context: &ReconcileContext<'_>,
    mut placed: watch::Receiver<bool>,
    steps: impl Future<Output = T>,
) -> (T, Beside) {
    let mut is_placed = placed.clone();
    let looking = async {
        if placed.wait_for(|placed| *placed).await.is_err() {
            return Beside::NotLooked;
        }
        match context.desired {
            DesiredState::Confirmed(booking) => look_for(context, booking).await,
            _ => Beside::NotLooked,
        }
    };
    let (mut steps, mut looking) = (pin!(steps), pin!(looking));
    // The steps first: what they have to send leaves before what is only read.
    tokio::select! {
        biased;
        steps = &mut steps => {
            let owed = *is_placed.borrow_and_update();
            (steps, if owed { Beside::Owed } else { Beside::NotLooked })
        }
        found = &mut looking => (steps.await, found),
    }
}

async fn look_for(context: &ReconcileContext<'_>, booking: &Booking) -> Beside {
    let look = Look { calendar: context.calendar, ledger: context.ledger, operator: context.operator };
    match Box::pin(look.beside(booking, &context.deadline)).await {
        Ok(found) => Beside::Found(found),
        Err(error) => {
            not_looked(context.record.booking_id.as_str(), &error);
            Beside::Owed
        }
    }
}

/// Said once for each look that failed; the calls that led to it have lines of their own.
pub(crate) fn not_looked(booking_id: &str, error: &CallError) {
    let reason = error.to_string();
    tracing::warn!(
        booking_id,
        reason,
        "{booking_id}: what else is in the calendar then could not be read: the next sweep looks again"
    );
}

/// What a look needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look<'a> {
    /// Where entries are.
    pub(crate) calendar: Calendar<'a>,
    /// What is known of ours.
    pub(crate) ledger: &'a Ledger,
    /// The boats.
    pub(crate) operator: &'a Operator,
}

impl Look<'_> {
    /// What stands beside a booking: each day of it is read once, and of ours that are near what the ledger knows of them.
    ///
    /// # Errors
    /// [`CallError`] of the first reading that fails.
    pub(crate) async fn beside(&self, booking: &Booking, deadline: &Deadline) -> Result<Vec<Overlap>, CallError> {
        let sailing = Sailing::of(booking);
        let days: Vec<Date> = sailing.days().into_iter().collect();
        let each: Vec<_> = days.into_iter().map(|day| Box::pin(self.on(day, deadline))).collect();
        let days: Vec<_> = stream::iter(each).buffered(AT_ONCE).collect().await;
        let days: Vec<Vec<Neighbour>> = days.into_iter().collect::<Result<_, _>>()?;
        let entries: Vec<Neighbour> = days.into_iter().flatten().collect();
        let mut ours = BTreeMap::new();
        for booking_id in sailing.near(&entries).into_iter().filter_map(|entry| entry.booking_id.as_ref()) {
            if !ours.contains_key(booking_id)
                && let Some(known) = self.known(booking_id, deadline).await?
            {
                ours.insert(booking_id.clone(), known);
            }
        }
        Ok(sailing.overlaps(&entries, &ours, self.operator))
    }

    async fn on(&self, day: Date, deadline: &Deadline) -> Result<Vec<Neighbour>, CallError> {
        let entries = self.calendar.listed(day, deadline).await?;
        Ok(entries.iter().map(|entry| neighbour(entry, day, &self.operator.time_zone)).collect())
    }

    /// What is known of a booking that an entry names; `None` when it is none of ours.
    ///
    /// # Errors
    /// [`CallError`] of the ledger.
    pub(crate) async fn known(
        &self,
        booking_id: &BookingId,
        deadline: &Deadline,
    ) -> Result<Option<KnownBooking>, CallError> {
        let record = self.ledger.state(booking_id, deadline).await?;
        Ok(record.and_then(|record| {
            let sails = record.decision.as_ref().is_none_or(|decision| decision.status == BookingStatus::Confirmed);
            Some(KnownBooking { boat: record.sale?.boat, sails })
        }))
    }
}

/// Writes down what was found beside a booking; whether anything is new. Nothing stands beside what does not sail.
pub(crate) fn learn(overlaps: &mut Overlaps, beside: Beside, desired: &DesiredState) -> bool {
    match (desired, beside) {
        (DesiredState::Cancelled(_) | DesiredState::Nothing, _) => overlaps.learn(Vec::new(), false),
        (_, Beside::Found(found)) => overlaps.learn(found, true),
        (_, Beside::Owed) => {
            overlaps.look_owed = true;
            false
        }
        (_, Beside::NotLooked) => false,
    }
}
