//! The booking that a smoke test makes: one of its own in each run, so that two runs never meet.

use std::collections::BTreeSet;

use jiff::{Timestamp, ToSpan, Zoned};
use serde_json::{Value, json};

use simulators::sender::{sample_booking, upcoming_start};

/// Far enough ahead that nobody takes it for a real charter, and that no rule about a charter that is near applies.
const DAYS_AHEAD: i64 = 200;
/// Runs that overlap should not share a day: a person who looks at the calendar meanwhile sees each by itself.
const DAYS_APART: i64 = 100;

/// Written to no other system, and not a sum or a product of what else a page says: found in a text, it is this price.
pub(super) const GROSS: &str = "1847.35";
pub(super) const GUEST_FIRST_NAME: &str = "Dana";
pub(super) const CREW: [&str; 2] = ["crew-1", "crew-2"];
pub(super) const CAPTAIN: &str = "captain-1";
pub(super) const HOURS: f64 = 3.0;

/// Where the booking stands. Each stage follows the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It was made.
    Booked,
    /// It was moved to the next day.
    Rescheduled,
    /// It was called off.
    Cancelled,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::Booked, Self::Rescheduled, Self::Cancelled];
    /// Those of a booking that stays on its day.
    pub const UNMOVED: [Self; 2] = [Self::Booked, Self::Cancelled];

    /// One word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Rescheduled => "rescheduled",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A synthetic booking.
#[derive(Clone, Debug)]
pub(super) struct Booking {
    /// As the marketplace calls it.
    pub(super) id: String,
    /// What becomes of it.
    pub(super) stages: &'static [Stage],
    first_start: Zoned,
}

impl Booking {
    /// A booking that was never made before, as of `now`.
    pub(super) fn new(now: Timestamp, stages: &'static [Stage]) -> Self {
        let days = DAYS_AHEAD + i64::from(rand::random::<u32>()) % DAYS_APART;
        Self {
            id: format!("SMOKE-{}-{:04x}", now.strftime("%Y%m%dT%H%M%SZ"), rand::random::<u16>()),
            stages,
            first_start: upcoming_start(now).saturating_add(days.days()),
        }
    }

    /// When the charter starts at `stage`.
    pub(super) fn start(&self, stage: Stage) -> Zoned {
        let is_moved = self.stages[..=self.changes(stage)].contains(&Stage::Rescheduled);
        if is_moved { self.first_start.saturating_add(1.day()) } else { self.first_start.clone() }
    }

    /// How often it was changed up to `stage`.
    pub(super) fn changes(&self, stage: Stage) -> usize {
        self.stages.iter().position(|one| *one == stage).expect("a booking is looked at in stages of its own")
    }

    /// The local days that it was ever on, as the calendar writes them.
    pub(super) fn days(&self) -> BTreeSet<String> {
        self.stages.iter().map(|stage| self.start(*stage).date().to_string()).collect()
    }

    /// What the marketplace would send of it at `now`.
    pub(super) fn webhook(&self, stage: Stage, now: Timestamp) -> Value {
        let mut body = sample_booking(&self.id, &self.start(stage), now);
        let (kind, status) = match stage {
            Stage::Booked => ("booking.confirmed", "confirmed"),
            Stage::Rescheduled => ("booking.updated", "confirmed"),
            Stage::Cancelled => ("booking.cancelled", "cancelled"),
        };
        body["type"] = json!(kind);
        let booking = &mut body["data"]["booking"];
        booking["status"] = json!(status);
        booking["revision"] = json!(1 + self.changes(stage));
        booking["gross"] = json!(GROSS);
        booking["notes"] = json!("Synthetic: made by the smoke test, which cancels it.");
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_books_its_own_charter_and_moves_it_by_a_day() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().expect("a time");
        let [one, other] = [(); 2].map(|()| Booking::new(now, &Stage::ALL));
        assert!(one.id.starts_with("SMOKE-20261120T120000Z-") && one.id.len() <= 64, "{}", one.id);
        assert!(one.id != other.id || one.first_start != other.first_start);
        assert!(one.first_start.timestamp() > now + (180 * 24).hours(), "{}", one.first_start);

        let [booked, moved] = [Stage::Booked, Stage::Cancelled].map(|stage| one.webhook(stage, now));
        let start = |body: &Value| body["data"]["booking"]["start_at"].as_str().map(str::to_owned).expect("a start");
        assert_ne!(start(&booked), start(&moved));
        assert!(start(&moved).contains("T14:00:00-0"), "two in the afternoon, also across a clock change: {moved}");
        assert_eq!(moved["data"]["booking"]["status"], "cancelled");
        assert_eq!(one.days().len(), 2);

        let unmoved = Booking::new(now, &Stage::UNMOVED);
        let cancelled = unmoved.webhook(Stage::Cancelled, now);
        assert_eq!(start(&cancelled), start(&unmoved.webhook(Stage::Booked, now)));
        assert_eq!((&cancelled["data"]["booking"]["revision"], unmoved.days().len()), (&json!(2), 1));
    }
}
