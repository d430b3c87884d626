//! Which buttons a case has, and what stands on them. Pure.

use crate::{
    booking::BookingStatus,
    ledger::{BookingRecord, QuarantinedDelivery, StepStatus},
    reconcile::desired::DesiredState,
    systems::office::desk_token::DeskAction,
};

/// A button of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Button {
    pub(super) action: DeskAction,
    pub(super) label: &'static str,
    pub(super) hint: &'static str,
}

const TRY_AGAIN: Button = Button {
    action: DeskAction::TryAgain,
    label: "Try again",
    hint: "Replays it: what is missing is tried once more, now. What is there already stays, and nobody is told twice.",
};
const READ_AGAIN: Button = Button {
    action: DeskAction::TryAgain,
    label: "Try again",
    hint: "Replays it: it is read once more, as its sender wrote it. This helps when the mapping was mended.",
};
const IT_SAILS: Button = Button {
    action: DeskAction::Approve,
    label: "It sails",
    hint: "Approves what was decided last: calendar, crew and guest page show the charter again, and crew are mailed.",
};
const IT_IS_OFF: Button = Button {
    action: DeskAction::Approve,
    label: "It is off",
    hint: "Approves the cancellation: it leaves the calendar, crew are told, and the guest's page says so.",
};
const IT_IS_RIGHT: Button = Button {
    action: DeskAction::Approve,
    label: "It is right: send it",
    hint: "Approves what was decided last: it goes to calendar, crew and guest page as it stands here.",
};
const LEAVE_IT: Button = Button {
    action: DeskAction::LeaveIt,
    label: "Leave it",
    hint: "Dismisses it: everything stays as it is, and you are not told again until something newer comes in.",
};
const LEAVE_THE_DELIVERY: Button = Button {
    action: DeskAction::LeaveIt,
    label: "Leave it",
    hint: "Dismisses it: it is none of ours, or is in order already. You are not told again.",
};
const ENTER_IT: Button = Button {
    action: DeskAction::EnterIt,
    label: "Enter it",
    hint: "Opens a form with what is known. What you enter counts until the marketplace says something newer.",
};
const SENT: Button = Button {
    action: DeskAction::Sent,
    label: "Sent",
    hint: "Notes that the guest has the message as it stands here. Nothing is sent by this.",
};

/// The buttons of a booking, the one that decides first; `needs_a_person` says whether anything is left to dismiss.
pub(super) fn of_booking(record: &BookingRecord, desired: &DesiredState, needs_a_person: bool) -> Vec<Button> {
    let any = |status| record.journal.steps().any(|step| step.status == status);
    let owes = any(StepStatus::Parked) || any(StepStatus::Due);
    let mut buttons = Vec::new();
    match desired {
        DesiredState::NeedsDecision(what) if what.can_be_approved() => buttons.push(approval(record)),
        _ if owes => buttons.push(TRY_AGAIN),
        _ => {}
    }
    if needs_a_person {
        buttons.push(LEAVE_IT);
    }
    if needs_a_person || owes {
        buttons.push(ENTER_IT);
    }
    buttons
}

/// The buttons of a delivery in quarantine.
pub(super) fn of_delivery(found: &QuarantinedDelivery, is_readable: bool) -> Vec<Button> {
    match (found.waits, is_readable) {
        (false, _) => Vec::new(),
        (true, true) => vec![READ_AGAIN, ENTER_IT, LEAVE_THE_DELIVERY],
        (true, false) => vec![ENTER_IT, READ_AGAIN, LEAVE_THE_DELIVERY],
    }
}

/// The button under the message for the guest.
pub(super) fn sent() -> Button {
    SENT
}

/// What approving means, by what was decided.
fn approval(record: &BookingRecord) -> Button {
    let decided = record.decision.as_ref().map(|decision| decision.status);
    match decided {
        Some(BookingStatus::Cancelled) => IT_IS_OFF,
        _ if record.cancelled_at.is_some() => IT_SAILS,
        _ => IT_IS_RIGHT,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{
        booking::{BookingId, CharterId},
        ledger::Decision,
        reconcile::guard_rails::NeedsDecision,
    };

    fn record(status: BookingStatus, cancelled_before: bool, steps: StepStatus) -> BookingRecord {
        let charter_id = CharterId::stored("544EK27M").expect("a charter id");
        let mut record = BookingRecord::new(BookingId::parse("BS-1").expect("an id"), charter_id, status);
        let (at, recorded_at) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
        record.decision = Some(Decision { status, version: None, seq: 1, at, recorded_at });
        record.cancelled_at = cancelled_before.then_some(at);
        record.journal.calendar.step.status = steps;
        record.journal.crew_event.step.status = steps;
        record.journal.crew_redaction.status = steps;
        record.journal.guest_page.step.status = steps;
        record
    }

    #[test]
    fn each_case_has_the_buttons_that_help() {
        use BookingStatus::{Cancelled, Confirmed};
        use StepStatus::{Due, InStep, Parked};
        let decide = |why: NeedsDecision| DesiredState::NeedsDecision(why);
        for (record, desired, needs_a_person, labels) in [
            (record(Confirmed, false, InStep), DesiredState::Nothing, false, vec![]),
            (record(Confirmed, false, InStep), DesiredState::Nothing, true, vec!["Leave it", "Enter it"]),
            (record(Confirmed, false, Due), DesiredState::Nothing, false, vec!["Try again", "Enter it"]),
            (record(Confirmed, false, Parked), DesiredState::Nothing, true, vec!["Try again", "Leave it", "Enter it"]),
            (
                record(Confirmed, true, Parked),
                decide(NeedsDecision::CONFIRMED_AGAIN),
                true,
                vec!["It sails", "Leave it", "Enter it"],
            ),
            (
                record(Cancelled, true, Parked),
                decide(NeedsDecision::CANCELLED_TOO_LATE),
                true,
                vec!["It is off", "Leave it", "Enter it"],
            ),
            (
                record(Confirmed, false, Parked),
                decide(NeedsDecision::INTO_THE_PAST),
                true,
                vec!["It is right: send it", "Leave it", "Enter it"],
            ),
            (
                record(Confirmed, false, Parked),
                decide(NeedsDecision::NOBODY_SAILS),
                true,
                vec!["Try again", "Leave it", "Enter it"],
            ),
        ] {
            let buttons = of_booking(&record, &desired, needs_a_person);
            let found: Vec<&str> = buttons.iter().map(|button| button.label).collect();
            assert_eq!(found, labels, "{desired:?}");
        }
    }
}
