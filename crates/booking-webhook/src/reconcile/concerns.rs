//! Why a person must look at a booking, in the office's words. Pure: it follows from the record alone.

use jiff::{SignedDuration, Timestamp};

use super::{desired::DesiredState, drift, guest_news::by_mail};
use crate::{
    booking::{Operator, PublicText},
    ledger::{BookingRecord, Failure, PerStep, Step, StepRecord, StepStatus, Told, digest},
    systems::office::{Case, Concern, notices::heading},
};

/// Credentials that do not fit may be mended before anybody needs to hear of it.
const DENIED_FOR: SignedDuration = SignedDuration::from_hours(1);

/// What the office should know of a booking at `now`; its guest's page is at `guest_page`.
pub(crate) fn case(
    record: &BookingRecord,
    desired: &DesiredState,
    operator: &Operator,
    guest_page: &str,
    now: Timestamp,
) -> Case {
    let sale = record.sale.as_ref();
    let start = sale.map(|sale| sale.start.to_zoned(operator.time_zone.clone()));
    let id = record.booking_id.to_string();
    let concerns = if record.is_dismissed() { Vec::new() } else { concerns(record, desired, operator, now) };
    Case {
        heading: heading(
            &id,
            sale.and_then(|sale| PublicText::first_name(&sale.guest.name)).as_deref(),
            start.as_ref(),
        ),
        besides: besides(record, concerns.is_empty()),
        guest_message: by_mail(desired, record, guest_page, now),
        concerns,
        id,
    }
}

/// Names what the office should know, so that it is told once.
pub(crate) fn should_know(case: &Case) -> Told {
    let words: Vec<String> =
        case.concerns.iter().map(|concern| format!("{}\n{}", concern.what, concern.next)).collect();
    Told {
        concerns: (!words.is_empty()).then(|| digest(words.join("\n\n").as_bytes())),
        guest_message: case.guest_message.as_ref().map(|message| digest(message.as_bytes())),
    }
}

fn concerns(record: &BookingRecord, desired: &DesiredState, operator: &Operator, now: Timestamp) -> Vec<Concern> {
    let shown = record.journal.remote_ids();
    let due_for_long = record.due_since.is_some_and(|since| now.duration_since(since) >= DENIED_FOR);
    let of_step = |(step, (known, remote_id)): (Step, &(&StepRecord, Option<&str>))| {
        let failure = known.failure.as_ref()?;
        let is_denied = known.status == StepStatus::Due && failure.class == "denied" && due_for_long;
        let concerns = known.status == StepStatus::Parked || is_denied;
        concerns.then(|| of_failure(step, failure, remote_id.is_some()))
    };
    let steps = record.journal.steps().zip(shown);
    let mut concerns: Vec<Concern> = Vec::new();
    // One decision keeps all four steps waiting: the office hears of it once.
    for concern in steps.each().into_iter().filter_map(of_step) {
        if !concerns.contains(&concern) {
            concerns.push(concern);
        }
    }
    concerns.extend(record.drifted().iter().map(|drift| drift::concern(drift, desired, operator, now)));
    let flags = desired.booking().map(|booking| &*booking.flags).unwrap_or_default();
    concerns.extend(flags.iter().map(|flag| Concern {
        what: format!("has something to look at: {}", flag.words()),
        next: "Look at the calendar entry; nothing was stopped by it. Dismiss it, and it is not said again".into(),
    }));
    concerns
}

fn of_failure(step: Step, failure: &Failure, is_shown: bool) -> Concern {
    let Failure { class, detail, next, .. } = failure;
    if class == "needs_decision" {
        return Concern { what: format!("waits for a decision: {detail}"), next: next.clone() };
    }
    let where_not = match (step, is_shown) {
        (Step::Calendar, false) => "is not in the calendar",
        (Step::Calendar, true) => "is not up to date in the calendar",
        (Step::CrewEvent, false) => "is not with the crew (ShipCaptainCrew)",
        (Step::CrewEvent, true) => "is not up to date with the crew (ShipCaptainCrew)",
        (Step::CrewRedaction, _) => "may show money to the crew: ShipCaptainCrew's table was not checked",
        (Step::GuestPage, false) => "has no guest page",
        (Step::GuestPage, true) => "is not up to date on its guest page",
    };
    let why = match class.as_str() {
        "refused" => "it was refused",
        "denied" => "our credentials do not fit",
        _ => "it could not be done",
    };
    Concern { what: format!("{where_not}: {why} ({detail})"), next: next.clone() }
}

/// Who has the booking despite the concerns, or how the case ended.
fn besides(record: &BookingRecord, is_over: bool) -> String {
    if let Some(dismissed) = record.dismissed.as_ref().filter(|_| record.is_dismissed()) {
        return format!("It stays as it is: {}", dismissed.why);
    }
    let readers =
        PerStep { calendar: "the calendar", crew_event: "the crew", crew_redaction: "", guest_page: "the guest" };
    let has_it = |(_, (known, reader)): (Step, &(&StepRecord, &'static str))| {
        (known.status == StepStatus::InStep && !reader.is_empty()).then_some(*reader)
    };
    let all: Vec<&str> = record.journal.steps().zip(readers).each().into_iter().filter_map(has_it).collect();
    let readers = match &*all {
        [] if is_over => return "Nothing is left to be done.".into(),
        [] => return "Nobody has it yet.".into(),
        [one] => return upper(format!("{one} has it.")),
        [one, other] => format!("{one} and {other}"),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    };
    upper(format!("{readers} have it."))
}

fn upper(text: String) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        booking::{BookingId, BookingStatus, CharterId},
        ledger::Dismissal,
    };

    fn failure(class: &str, detail: &str) -> Option<Failure> {
        Some(Failure { class: class.into(), detail: detail.into(), next: "do it".into(), content: String::new() })
    }

    fn step(status: StepStatus, failure: Option<Failure>) -> StepRecord {
        StepRecord { status, failure, ..StepRecord::default() }
    }

    fn record(calendar: StepRecord, others: &StepRecord) -> BookingRecord {
        let charter_id = CharterId::stored("544EK27M").expect("a charter id");
        let id = BookingId::parse("BS-1").expect("an id");
        let mut record = BookingRecord::new(id, charter_id, BookingStatus::Confirmed);
        record.journal.calendar.step = calendar;
        record.journal.crew_event.step = others.clone();
        record.journal.crew_redaction = others.clone();
        record.journal.guest_page.step = others.clone();
        record
    }

    fn told(record: &BookingRecord, now: Timestamp) -> (Vec<String>, String) {
        let case = case(record, &DesiredState::Nothing, &Operator::default(), "", now);
        assert_eq!(should_know(&case).concerns.is_some(), !case.concerns.is_empty());
        (case.concerns.into_iter().map(|concern| concern.what).collect(), case.besides)
    }

    #[test]
    fn what_needs_a_person_is_said_once_and_where() {
        let in_step = step(StepStatus::InStep, None);
        let decide = step(StepStatus::Parked, failure("needs_decision", "it was cancelled before"));
        let rows = [
            (record(in_step.clone(), &in_step), vec![], "The calendar, the crew and the guest have it."),
            (
                record(step(StepStatus::Parked, failure("refused", "calendar answered 422")), &in_step),
                vec!["is not in the calendar: it was refused (calendar answered 422)"],
                "The crew and the guest have it.",
            ),
            (
                record(decide.clone(), &decide),
                vec!["waits for a decision: it was cancelled before"],
                "Nobody has it yet.",
            ),
            (
                record(step(StepStatus::Due, failure("transient", "503")), &in_step),
                vec![],
                "The crew and the guest have it.",
            ),
        ];
        for (record, concerns, besides) in rows {
            let (told, said) = told(&record, Timestamp::UNIX_EPOCH);
            assert_eq!((told, said.as_str()), (concerns.into_iter().map(str::to_owned).collect(), besides));
        }
    }

    #[test]
    fn a_denial_is_said_when_it_has_lasted_an_hour() {
        let in_step = step(StepStatus::InStep, None);
        let mut record = record(step(StepStatus::Due, failure("denied", "calendar answered 401")), &in_step);
        record.due_since = Some(Timestamp::UNIX_EPOCH);
        let after = |minutes: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);
        assert!(told(&record, after(59)).0.is_empty());
        assert_eq!(
            told(&record, after(60)).0,
            ["is not in the calendar: our credentials do not fit (calendar answered 401)"]
        );
    }

    #[test]
    fn what_is_dismissed_is_quiet_until_something_newer() {
        let parked = step(StepStatus::Parked, failure("refused", "422"));
        let mut record = record(parked.clone(), &parked);
        record.dismissed = Some(Dismissal { seq: 0, at: Timestamp::UNIX_EPOCH, why: "entered by hand".into() });
        assert_eq!(told(&record, Timestamp::UNIX_EPOCH), (vec![], "It stays as it is: entered by hand".to_owned()));
        record.seq = 1;
        assert_eq!(told(&record, Timestamp::UNIX_EPOCH).0.len(), 4);
    }
}
