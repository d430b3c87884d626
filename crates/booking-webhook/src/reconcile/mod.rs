//! Bringing a booking in step: what should be, what must be done, doing it.
//!
//! One path serves a first delivery, a reschedule, a cancellation, a retry, a replay and a repair.
//!
//! - [`desired`]: everything about *what should be*. Pure.
//! - [`guard_rails`]: what only a person can decide. Pure.
//! - [`plan`]: what must be done to get there, step by step. Pure; a dry run shows just this.
//! - [`concerns`]: why a person must look at a booking. Pure.
//! - [`drift`]: what a system shows otherwise than it should. Pure.
//! - [`guest_news`]: what the guest has to be told. Pure.
//! - [`execute`]: the fan-out. Does what is planned, decides nothing.
//! - [`retry`]: what follows from a failure. Pure.

pub(crate) mod concerns;
pub(crate) mod desired;
pub(crate) mod drift;
pub(crate) mod execute;
mod fields;
pub(crate) mod guard_rails;
pub(crate) mod guest_news;
pub(crate) mod plan;
pub(crate) mod retry;

use jiff::Timestamp;
use serde_json::json;

use self::{
    desired::{Desired, DesiredEvent, DesiredPage, DesiredState},
    plan::{Action, Preview, When},
};
use crate::{
    booking::Operator,
    ledger::{BookingRecord, PerStep, Step, Trigger},
    systems::{
        guest_page::{Address, Publisher, Renderer},
        remote_id::EntryId,
    },
};

/// What a plan for one booking depends on.
#[derive(Debug, Clone)]
pub(crate) struct Planning<'a> {
    /// What is known, as it was claimed or read.
    pub(crate) record: &'a BookingRecord,
    /// What should be.
    pub(crate) desired: &'a DesiredState,
    /// What sets it off.
    pub(crate) trigger: Trigger,
    /// Where the booking's guest page is.
    pub(crate) address: Address,
    /// The operator's standing decisions.
    pub(crate) operator: &'a Operator,
    /// What guests see.
    pub(crate) renderer: &'a Renderer,
    /// Where guests see it.
    pub(crate) publisher: Publisher<'a>,
}

impl<'a> Planning<'a> {
    /// What would be done first about each step if it were done at `now`. Makes no calls.
    pub(crate) fn preview(&self, now: Timestamp) -> PerStep<Preview> {
        let when = self.when(now);
        let journal = &self.record.journal;
        let entry_id = journal.calendar.shown.as_ref().map(|entry| &entry.id);
        let (entry, event) = (desired::entry(self.desired, self.record, &self.address.url), self.event(entry_id));
        let page = self.page();
        let content = self.redaction_content(&json!(journal.crew_event.shown));
        let crew_event = plan::crew_event(&event, &journal.crew_event, &when, true);
        let mut crew_event_after = journal.crew_event.clone();
        if let Action::Done(status) = crew_event {
            crew_event_after.step.status = status;
        }
        let actions = PerStep {
            calendar: plan::calendar(&entry, &journal.calendar, &when, true),
            crew_event,
            crew_redaction: plan::redaction(&crew_event_after, false, &journal.crew_redaction, &content, &when),
            guest_page: plan::guest_page(&page, &journal.guest_page, &when),
        };
        let sends = PerStep {
            calendar: entry.shown().map(|entry| entry.fields.clone()),
            crew_event: event.shown().map(|event| event.fields.clone()),
            crew_redaction: None,
            guest_page: None,
        };
        let page_bytes = page.shown().and_then(|page| page.page.as_ref().ok()).map(|page| page.html.len());
        actions.zip(sends).zip(journal.remote_ids()).map(|step, ((action, sends), remote_id)| Preview {
            page_bytes: page_bytes.filter(|_| step == Step::GuestPage),
            remote_id: remote_id.map(str::to_owned),
            action,
            sends,
        })
    }

    fn when(&self, now: Timestamp) -> When {
        When {
            trigger: self.trigger,
            now,
            ends: self.desired.ends(),
            approved: self.record.approved,
            left_as_it_is: self.record.is_dismissed(),
        }
    }

    /// What ShipCaptainCrew should show, as far as the calendar entry's id is known.
    fn event(&self, entry_id: Option<&EntryId>) -> Desired<DesiredEvent> {
        let shown = self.record.journal.crew_event.shown.as_ref().and_then(|event| event.entry_id.as_ref());
        desired::event(self.desired, &self.address.url, entry_id, shown)
    }

    /// What the guest page should show.
    fn page(&self) -> Desired<DesiredPage> {
        let uploads = self.publisher.uploads(self.event_id());
        desired::page(self.desired, self.record, self.operator, (self.renderer, &self.address, uploads.as_ref()))
    }

    /// What SCC takes photos under: its own id of the event, ours as long as it has told none.
    fn event_id(&self) -> &'a str {
        let event = self.record.journal.crew_event.shown.as_ref();
        event.map_or(self.record.charter_id.as_str(), |event| event.id.as_str())
    }

    /// Names what a redaction check looks at: what was written there since is other content, and looking at that does not wait.
    fn redaction_content(&self, event: &serde_json::Value) -> String {
        format!("{}|{}", self.record.seq, fields::value_digest(event))
    }
}
