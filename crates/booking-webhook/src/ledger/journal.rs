//! What is known of the four steps: one effect on one system each.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{BookingRecord, Ledger, Updated, json, number, text};
use crate::outbound::{CallError, Deadline};

/// What a system was last known to show, field by field: digests of values, or short words of our own where a later step needs them.
pub type Applied = BTreeMap<String, String>;

/// The four steps, as the ledger names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the steps' own")]
pub enum Step {
    Calendar,
    CrewEvent,
    CrewRedaction,
    GuestPage,
}

/// What is known of the four steps.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs, reason = "the names are the steps' own")]
pub struct Journal {
    pub calendar: StepRecord,
    pub crew_event: StepRecord,
    pub crew_redaction: StepRecord,
    pub guest_page: StepRecord,
}

/// What is known of one step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StepRecord {
    /// What the system calls its part of the booking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_id: Option<String>,
    /// What it was last known to show.
    #[serde(skip_serializing_if = "Applied::is_empty")]
    pub applied: Applied,
    /// Fields whose change was begun and not yet seen to end.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub doubtful: BTreeSet<String>,
    /// Whether anything exists there is not known: it is read back before anything is created.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unknown: bool,
    /// Nothing is written there before this: a request may still land.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settles_at: Option<Timestamp>,
    /// How many of its parts of the booking are gone; tells one creation from another.
    #[serde(skip_serializing_if = "is_zero")]
    pub generation: u32,
    /// Where it stands.
    pub standing: Standing,
    /// Tries since it was last in step.
    #[serde(skip_serializing_if = "is_zero")]
    pub attempts: u32,
    /// When it is tried next, if it is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_try_at: Option<Timestamp>,
    /// Why it is not in step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// Where a step stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Never tried.
    #[default]
    New,
    /// The system shows what it should.
    InStep,
    /// The system has nothing to show.
    NotNeeded,
    /// It will be tried again.
    Due,
    /// A person must look, as long as the same content is wanted.
    Parked {
        /// The digest of what was refused.
        content: String,
    },
}

/// Why a step is not in step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The class of the failure, as the log names it.
    pub class: String,
    /// What happened.
    pub detail: String,
    /// What to do.
    pub next: String,
    /// The digest of what the system should have come to show.
    #[serde(default)]
    pub content: String,
}

impl Step {
    /// All four, in the order of the answer.
    pub const ALL: [Self; 4] = [Self::Calendar, Self::CrewEvent, Self::CrewRedaction, Self::GuestPage];

    /// The step's attribute, and its name in idempotency keys and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Calendar => "calendar",
            Self::CrewEvent => "crew_event",
            Self::CrewRedaction => "crew_redaction",
            Self::GuestPage => "guest_page",
        }
    }
}

impl Journal {
    /// What is known of `step`.
    pub fn of(&self, step: Step) -> &StepRecord {
        match step {
            Step::Calendar => &self.calendar,
            Step::CrewEvent => &self.crew_event,
            Step::CrewRedaction => &self.crew_redaction,
            Step::GuestPage => &self.guest_page,
        }
    }

    /// All four, by name.
    pub fn each(&self) -> [(Step, &StepRecord); 4] {
        Step::ALL.map(|step| (step, self.of(step)))
    }

    /// The earliest moment at which a due step is tried next; `None` when no step is due.
    pub fn next_try_at(&self) -> Option<Timestamp> {
        self.each().into_iter().filter_map(|(_, step)| step.next_try_at).min()
    }

    /// Whether a step waits for a person.
    pub fn is_parked(&self) -> bool {
        self.each().into_iter().any(|(_, step)| matches!(step.standing, Standing::Parked { .. }))
    }

    /// The journal as the next holder must read it after one that never let go: whatever that one began may have happened, and
    /// nothing of it waits for a later time.
    #[must_use]
    pub fn after_a_crash(self) -> Self {
        let existence_in_doubt = |step: StepRecord| {
            let unknown = step.unknown || step.remote_id.is_none();
            StepRecord { unknown, next_try_at: None, ..step }
        };
        let mut guest_page = self.guest_page;
        guest_page.forget_applied(StepRecord::CONTENT);
        let crew_redaction = StepRecord { standing: Standing::Due, next_try_at: None, ..self.crew_redaction };
        Self {
            calendar: existence_in_doubt(self.calendar),
            crew_event: existence_in_doubt(self.crew_event),
            crew_redaction,
            guest_page: StepRecord { unknown: true, next_try_at: None, ..guest_page },
        }
    }
}

impl StepRecord {
    /// The name under which a system that is written as a whole keeps the digest of all of it.
    pub const CONTENT: &str = "content";

    /// The system may no longer show this.
    pub fn forget_applied(&mut self, field: &str) {
        self.applied.remove(field);
    }

    /// Whether the system was last known to show exactly `content`.
    pub fn shows(&self, content: &str) -> bool {
        self.applied.get(Self::CONTENT).is_some_and(|shown| shown == content)
    }

    /// Whether a request of an earlier try may still land at `now`.
    pub fn is_settling(&self, now: Timestamp) -> bool {
        self.settles_at.is_some_and(|settled| now < settled)
    }

    /// Whether the system shows anything of the booking, or may.
    pub fn may_show_something(&self) -> bool {
        self.remote_id.is_some() || self.unknown
    }
}

impl Ledger {
    /// Writes what is known of one step while the lease is held. `false` when it is lost.
    ///
    /// Each step has an attribute of its own, so that two of these writes in flight cannot overwrite each other; and it needs the holder,
    /// so that one that arrives after the release changes nothing.
    ///
    /// # Errors
    /// [`CallError`] when the ledger cannot be reached.
    pub async fn journal(
        &self,
        record: &BookingRecord,
        step: Step,
        known: &StepRecord,
        deadline: &Deadline,
    ) -> Result<bool, CallError> {
        let Some(lease) = &record.lease else { return Ok(false) };
        let updated = self.update("journal_step", &record.booking_id, deadline, |update| {
            update
                .update_expression(format!("SET {} = :known", step.name()))
                .condition_expression("fence = :fence AND holder = :holder")
                .expression_attribute_values(":known", json(known))
                .expression_attribute_values(":fence", number(record.fence))
                .expression_attribute_values(":holder", text(&lease.holder))
        });
        Ok(matches!(updated.await?, Updated::Done(_)))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_crash_everything_is_in_doubt_and_nothing_waits() {
        let step = |remote_id: Option<&str>| StepRecord {
            remote_id: remote_id.map(str::to_owned),
            applied: Applied::from([(StepRecord::CONTENT.to_owned(), "c".to_owned())]),
            standing: Standing::InStep,
            next_try_at: Some(Timestamp::UNIX_EPOCH),
            settles_at: Some(Timestamp::UNIX_EPOCH),
            ..StepRecord::default()
        };
        let before = Journal {
            calendar: step(None),
            crew_event: step(Some("chr_1")),
            crew_redaction: step(None),
            guest_page: step(Some("index.html")),
        };
        let after = before.after_a_crash();
        assert_eq!(
            [&after.calendar, &after.crew_event, &after.guest_page].map(|step| step.unknown),
            [true, false, true]
        );
        assert_eq!(after.crew_redaction.standing, Standing::Due, "what crew can read is looked at again");
        assert!(!after.guest_page.shows("c") && after.crew_event.shows("c"), "a page is written as a whole");
        assert_eq!(after.next_try_at(), None);
        assert!(after.each().iter().all(|(_, step)| step.settles_at.is_some()), "a request may still land");
    }
}
