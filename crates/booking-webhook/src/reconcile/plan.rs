//! What must be done to get from what a system is known to show to what it should show. Pure: one action at a time, planned again after each.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::{
    desired::{Desired, DesiredEntry, DesiredEvent, DesiredPage},
    fields::{Fields, changes, value_digest},
    guard_rails::NeedsDecision,
};
use crate::{
    ledger::{Known, ShownEntry, ShownEvent, ShownPage, StepRecord, StepStatus, Trigger},
    outbound::MOST_UNSETTLED_CREATIONS,
};

/// What is wanted of a calendar that should show nothing.
pub(super) const REMOVED: &str = "removed";
/// What is wanted of an event that is off, and the word that SCC has for it.
pub(super) const CANCELLED: &str = "cancelled";

/// What to do next about one step.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// Nothing, and nothing new is known.
    Keep,
    /// Nothing: the step has this status.
    Done(StepStatus),
    /// Nothing before this: an earlier request may still land, or the schedule comes before the step's time.
    WaitUntil(Timestamp),
    /// Nothing before a person has looked: this very content was refused.
    WaitForPerson,
    /// Nothing before there is a crew event.
    WaitForCrewEvent,
    /// Nothing before a person has decided.
    Park(NeedsDecision),
    /// Read back what is there: its state is unknown.
    ReadBack,
    /// Look what people wrote into the notes, for it stays; these fields change then.
    ReadNotes(Fields),
    /// Make it.
    Create,
    /// Change these fields and no others.
    Change(Fields),
    /// Take it away.
    Remove,
    /// Put the page and its calendar file; and have the edge forget older ones, unless there never were any.
    Publish {
        /// Something was published before, or may have been.
        invalidate: bool,
    },
    /// Make sure that crew can see no money.
    CheckForMoney,
}

impl Action {
    /// In one word, for a person who reads a plan.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Keep | Self::Done(_) => "nothing",
            Self::WaitUntil(_) => "wait",
            Self::WaitForPerson => "wait_for_person",
            Self::WaitForCrewEvent => "wait_for_crew_event",
            Self::Park(_) => "park",
            Self::ReadBack => "read_back",
            Self::ReadNotes(_) => "read_notes",
            Self::Create => "create",
            Self::Change(_) => "change",
            Self::Remove => "remove",
            Self::Publish { .. } => "publish",
            Self::CheckForMoney => "check_for_money",
        }
    }
}

/// What would be done about one step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Preview {
    /// The first action.
    pub(crate) action: Action,
    /// What the system calls its part of the booking.
    pub(crate) remote_id: Option<String>,
    /// All that the system should show, field by field.
    pub(crate) sends: Option<Fields>,
    /// The size of the guest page.
    pub(crate) page_bytes: Option<usize>,
}

/// What an action depends on beside the booking.
#[derive(Debug, Clone, Copy)]
pub(super) struct When {
    pub(super) trigger: Trigger,
    pub(super) now: Timestamp,
    /// The charter's end: after it crew are told nothing any more.
    pub(super) ends: Timestamp,
    /// A person has approved what was decided, and knows that crew are not told after the end.
    pub(super) approved: bool,
    /// A person leaves the booking as it is: nothing is done but to take money out.
    pub(super) left_as_it_is: bool,
}

impl When {
    fn is_over(&self) -> bool {
        self.ends <= self.now
    }

    /// Why a step must not be touched now, if it must not.
    fn holds_back(&self, known: &StepRecord, content: &str) -> Option<Action> {
        let failed = known.failed_with(content);
        // First: an unanswered step is tried at growing distances, not as soon as it has settled.
        let early = known.next_try_at.filter(|at| self.trigger == Trigger::Schedule && failed && self.now < *at);
        let settling = known.settles_at.filter(|_| known.is_settling(self.now));
        let parked = known.status == StepStatus::Parked && failed && self.trigger != Trigger::Operator;
        early.or(settling).map(Action::WaitUntil).or(parked.then_some(Action::WaitForPerson))
    }
}

impl<T> Desired<T> {
    /// What should be shown or withdrawn, or the action that follows from there being neither.
    fn content(&self) -> Result<(&T, bool), Action> {
        match self {
            Self::Nothing => Err(Action::Done(StepStatus::NotNeeded)),
            Self::NeedsDecision(needs_decision) => Err(Action::Park(needs_decision.clone())),
            Self::Shown(content) => Ok((content, true)),
            Self::Withdrawn(content) => Ok((content, false)),
        }
    }
}

/// What the calendar step works towards: the same as long as the same is wanted.
pub(super) fn entry_digest(desired: &Desired<DesiredEntry>) -> &str {
    match desired {
        Desired::Shown(entry) => &entry.digest,
        _ => REMOVED,
    }
}

/// The calendar step: exactly one entry while the booking is confirmed, none when it is cancelled. `notes_read`: what people wrote into the
/// notes is known, so that they may be changed.
pub(super) fn calendar(
    desired: &Desired<DesiredEntry>,
    known: &Known<ShownEntry>,
    when: &When,
    notes_read: bool,
) -> Action {
    if when.left_as_it_is {
        return Action::Keep;
    }
    let (entry, is_shown) = match desired.content() {
        Ok(content) => content,
        Err(action) => return action,
    };
    if let Some(held_back) = when.holds_back(&known.step, entry_digest(desired)) {
        return held_back;
    }
    match (is_shown, &known.shown) {
        _ if known.step.unknown => Action::ReadBack,
        (true, None) => create(&known.step),
        (true, Some(shown)) => match changes(&entry.fields, &shown.fields, &entry.left_alone) {
            changes if changes.contains_key("notes") && !notes_read => Action::ReadNotes(changes),
            changes => change_or_done(changes),
        },
        (false, Some(_)) => Action::Remove,
        (false, None) => {
            let was_shown = known.step.generation > 0 || known.step.status == StepStatus::InStep;
            Action::Done(if was_shown { StepStatus::InStep } else { StepStatus::NotNeeded })
        }
    }
}

/// What the crew event's step works towards.
pub(super) fn event_digest(desired: &Desired<DesiredEvent>) -> &str {
    match desired {
        Desired::Shown(event) => &event.digest,
        _ => CANCELLED,
    }
}

/// The crew event's step: created once, changed only where the sender changed something. `notes_read`: it is known what people wrote into
/// the notes, which stays when our part of them is replaced.
pub(super) fn crew_event(
    desired: &Desired<DesiredEvent>,
    known: &Known<ShownEvent>,
    when: &When,
    notes_read: bool,
) -> Action {
    if when.left_as_it_is {
        return Action::Keep;
    }
    let (event, is_shown) = match desired.content() {
        Ok(content) => content,
        Err(action) => return action,
    };
    if when.is_over() && matches!(known.step.status, StepStatus::InStep | StepStatus::NotNeeded) {
        return Action::Keep;
    }
    if let Some(held_back) = when.holds_back(&known.step, event_digest(desired)) {
        return held_back;
    }
    let action = match (is_shown, &known.shown) {
        // Crew can still read it, and must not find money in it.
        _ if known.step.unknown => return Action::ReadBack,
        (true, None) => create(&known.step),
        (true, Some(shown)) => {
            let mut changes = changes(&event.fields, &shown.fields, &event.left_alone);
            if is_cancelled(shown) {
                // A person has decided that it sails after all.
                changes.insert("status".into(), event.fields["status"].clone());
            }
            if !notes_read && changes.contains_key("notes") {
                Action::ReadNotes(changes)
            } else {
                change_or_done(changes)
            }
        }
        (false, Some(shown)) if is_cancelled(shown) && !shown.fields.in_flight.contains("status") => {
            Action::Done(StepStatus::InStep)
        }
        (false, Some(_)) => Action::Change(Fields::from_iter([("status".to_owned(), json!(CANCELLED))])),
        (false, None) => Action::Done(StepStatus::NotNeeded),
    };
    match action {
        Action::Change(_) if when.is_over() && when.approved => Action::Done(StepStatus::NotNeeded),
        Action::Create | Action::Change(_) | Action::ReadNotes(_) if when.is_over() => {
            Action::Park(NeedsDecision::CREW_NEVER_TOLD)
        }
        action => action,
    }
}

fn is_cancelled(shown: &ShownEvent) -> bool {
    shown.fields.applied.get("status") == Some(&value_digest(&CANCELLED.into()))
}

/// The most creations whose outcome reading back could not settle: each may mail the crew or make another entry.
fn create(known: &StepRecord) -> Action {
    if known.unsettled_creations < MOST_UNSETTLED_CREATIONS {
        Action::Create
    } else {
        Action::Park(NeedsDecision::NEVER_SETTLED)
    }
}

fn change_or_done(changes: Fields) -> Action {
    if changes.is_empty() { Action::Done(StepStatus::InStep) } else { Action::Change(changes) }
}

/// The redaction check: after everything that was written to the event, and until it was seen once without money. `content` names what is
/// checked; `touched`: something was written in this round.
pub(super) fn redaction(
    event: &Known<ShownEvent>,
    touched: bool,
    known: &StepRecord,
    content: &str,
    when: &When,
) -> Action {
    if event.shown.is_none() {
        return match event.step.status {
            StepStatus::NotNeeded => Action::Done(StepStatus::NotNeeded),
            _ => Action::WaitForCrewEvent,
        };
    }
    if !touched && when.trigger != Trigger::Operator && known.status == StepStatus::InStep {
        return Action::Keep;
    }
    when.holds_back(known, content).unwrap_or(Action::CheckForMoney)
}

/// What the page's step works towards.
pub(super) fn page_digest(desired: &Desired<DesiredPage>) -> &str {
    match desired {
        Desired::Shown(page) | Desired::Withdrawn(page) => &page.digest,
        Desired::Nothing | Desired::NeedsDecision(_) => "",
    }
}

/// The guest page's step: the newest page in the bucket and at the edge. Both may be put again at any time with the same effect.
pub(super) fn guest_page(desired: &Desired<DesiredPage>, known: &Known<ShownPage>, when: &When) -> Action {
    if when.left_as_it_is {
        return Action::Keep;
    }
    let (page, is_shown) = match desired.content() {
        Ok(content) => content,
        Err(action) => return action,
    };
    if !is_shown && !known.may_show_something() {
        return Action::Done(StepStatus::NotNeeded);
    }
    if let Some(held_back) = when.holds_back(&known.step, &page.digest) {
        return held_back;
    }
    let shows_it = known.shown.as_ref().is_some_and(|shown| shown.content.as_ref() == Some(&page.digest));
    if shows_it && !known.step.unknown && when.trigger != Trigger::Operator {
        Action::Done(StepStatus::InStep)
    } else {
        // Of a path that nobody was ever told the edge holds nothing but, for seconds, that it leads nowhere.
        Action::Publish { invalidate: known.may_show_something() }
    }
}

#[cfg(test)]
mod tests;
