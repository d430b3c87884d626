use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;
use crate::{
    ledger::{Failure, ShownFields},
    systems::guest_page::GuestPage,
};

const NOW: i64 = 1_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

fn when(trigger: Trigger) -> When {
    When { trigger, now: at(NOW), ends: at(NOW + 10_000), approved: false, left_as_it_is: false }
}

fn over() -> When {
    When { ends: at(NOW), ..when(Trigger::Delivery) }
}

fn fields(value: Value) -> Fields {
    value.as_object().expect("an object").clone()
}

fn shown_fields(value: Value) -> ShownFields {
    crate::reconcile::fields::applied(&fields(value))
}

fn step(status: StepStatus) -> StepRecord {
    StepRecord { status, ..StepRecord::default() }
}

fn unknown() -> StepRecord {
    StepRecord { unknown: true, ..StepRecord::default() }
}

fn unsettled(creations: u32) -> StepRecord {
    StepRecord { unsettled_creations: creations, ..StepRecord::default() }
}

/// A step that failed while it worked towards `content`.
fn failed(status: StepStatus, content: &str, next_try_at: Option<i64>, settles_at: Option<i64>) -> StepRecord {
    let failure = Failure { class: "c".into(), detail: "d".into(), next: "n".into(), content: content.into() };
    StepRecord {
        status,
        failure: Some(failure),
        next_try_at: next_try_at.map(at),
        settles_at: settles_at.map(at),
        ..StepRecord::default()
    }
}

fn entry() -> DesiredEntry {
    DesiredEntry {
        fields: fields(json!({ "date": "2031-05-30", "crew_ids": ["crew-1"] })),
        digest: "wanted".into(),
        left_alone: vec!["crew_ids"],
        days: BTreeSet::new(),
    }
}

fn shown_entry(value: Value) -> Option<ShownEntry> {
    let id = json!("cal_1").try_into().expect("an id");
    Some(ShownEntry { id, fields: shown_fields(value) })
}

fn change(value: Value) -> Action {
    Action::Change(fields(value))
}

#[test]
fn notes_of_an_entry_are_read_before_they_are_changed() {
    let with = |notes: &str, date: &str| json!({ "date": date, "crew_ids": ["crew-1"], "notes": notes });
    let desired = Desired::Shown(DesiredEntry { fields: fields(with("new", "2031-05-30")), ..entry() });
    let mut in_flight = shown_entry(with("new", "2031-05-30"));
    in_flight.as_mut().expect("shown").fields.in_flight = BTreeSet::from(["notes".to_owned()]);
    let read = |value: Value| Action::ReadNotes(fields(value));
    for (shown, notes_read, expected) in [
        (shown_entry(with("old", "2031-05-29")), false, read(json!({ "date": "2031-05-30", "notes": "new" }))),
        (shown_entry(with("old", "2031-05-29")), true, change(json!({ "date": "2031-05-30", "notes": "new" }))),
        (shown_entry(with("new", "2031-05-29")), false, change(json!({ "date": "2031-05-30" }))),
        (shown_entry(with("new", "2031-05-30")), false, Action::Done(StepStatus::InStep)),
        (in_flight, false, read(json!({ "notes": "new" }))),
        (None, false, Action::Create),
    ] {
        let known = Known { step: StepRecord::default(), shown };
        assert_eq!(calendar(&desired, &known, &when(Trigger::Delivery), notes_read), expected, "{known:?}");
    }
}

#[test]
fn of_what_is_left_as_it_is_only_money_is_looked_for() {
    let when = When { left_as_it_is: true, ..when(Trigger::Schedule) };
    let nothing = Known { step: StepRecord::default(), shown: None };
    assert_eq!(calendar(&Desired::Shown(entry()), &nothing, &when, false), Action::Keep);
    assert_eq!(crew_event(&Desired::Nothing, &Known { step: unknown(), shown: None }, &when, false), Action::Keep);
    assert_eq!(guest_page(&Desired::Nothing, &Known { step: unknown(), shown: None }, &when), Action::Keep);
    let event =
        ShownEvent { id: json!("chr_1").try_into().expect("an id"), fields: ShownFields::default(), entry_id: None };
    let shown = Known { step: StepRecord::default(), shown: Some(event) };
    assert_eq!(redaction(&shown, false, &StepRecord::default(), "", &when), Action::CheckForMoney);
}

#[test]
fn the_calendar_shows_one_entry_or_none() {
    let as_wanted = || shown_entry(json!({ "date": "2031-05-30", "crew_ids": ["crew-1"] }));
    let other_day = || shown_entry(json!({ "date": "2031-05-29", "crew_ids": ["crew-2"] }));
    let mut in_flight = as_wanted();
    in_flight.as_mut().expect("shown").fields.in_flight = BTreeSet::from(["crew_ids".to_owned()]);
    let removed = StepRecord { generation: 1, ..StepRecord::default() };
    let (shown, withdrawn) = (|| Desired::Shown(entry()), || Desired::Withdrawn(entry()));
    for (desired, step, known, expected) in [
        (shown(), StepRecord::default(), None, Action::Create),
        (shown(), unknown(), None, Action::ReadBack),
        (shown(), unsettled(2), None, Action::Create),
        (shown(), unsettled(3), None, Action::Park(NeedsDecision::NEVER_SETTLED)),
        (shown(), unknown(), other_day(), Action::ReadBack),
        (shown(), StepRecord::default(), other_day(), change(json!({ "date": "2031-05-30" }))),
        (shown(), StepRecord::default(), in_flight, change(json!({ "crew_ids": ["crew-1"] }))),
        (shown(), StepRecord::default(), as_wanted(), Action::Done(StepStatus::InStep)),
        (withdrawn(), StepRecord::default(), as_wanted(), Action::Remove),
        (withdrawn(), unknown(), None, Action::ReadBack),
        (withdrawn(), StepRecord::default(), None, Action::Done(StepStatus::NotNeeded)),
        (withdrawn(), removed, None, Action::Done(StepStatus::InStep)),
        (Desired::Nothing, StepRecord::default(), None, Action::Done(StepStatus::NotNeeded)),
        (
            Desired::NeedsDecision(NeedsDecision::NOBODY_SAILS),
            unknown(),
            as_wanted(),
            Action::Park(NeedsDecision::NOBODY_SAILS),
        ),
    ] {
        let known = Known { step, shown: known };
        assert_eq!(calendar(&desired, &known, &when(Trigger::Delivery), false), expected, "{known:?}");
    }
}

#[test]
fn a_step_is_held_back_by_time_and_by_people() {
    let later = NOW + 50;
    for (record, trigger, expected) in [
        (failed(StepStatus::Due, "wanted", Some(later), None), Trigger::Schedule, Action::WaitUntil(at(later))),
        (failed(StepStatus::Due, "wanted", Some(later), None), Trigger::Delivery, Action::Create),
        (failed(StepStatus::Due, "wanted", Some(NOW), None), Trigger::Schedule, Action::Create),
        (failed(StepStatus::Due, "older", Some(later), None), Trigger::Schedule, Action::Create),
        (failed(StepStatus::Due, "wanted", None, Some(later)), Trigger::Operator, Action::WaitUntil(at(later))),
        (failed(StepStatus::Due, "older", None, Some(later)), Trigger::Delivery, Action::WaitUntil(at(later))),
        (failed(StepStatus::Due, "wanted", None, Some(NOW)), Trigger::Delivery, Action::Create),
        (failed(StepStatus::Parked, "wanted", None, None), Trigger::Delivery, Action::WaitForPerson),
        (failed(StepStatus::Parked, "wanted", None, None), Trigger::Schedule, Action::WaitForPerson),
        (failed(StepStatus::Parked, "wanted", None, None), Trigger::Operator, Action::Create),
        (failed(StepStatus::Parked, "older", None, None), Trigger::Delivery, Action::Create),
    ] {
        let known = Known { step: record, shown: None };
        assert_eq!(
            calendar(&Desired::Shown(entry()), &known, &when(trigger), false),
            expected,
            "{trigger:?} {known:?}"
        );
    }
}

fn event(entry_id: &str) -> DesiredEvent {
    let notes = |entry: &str| json!(format!("calendar {entry}"));
    DesiredEvent {
        fields: fields(json!({ "date": "2031-05-30", "status": "pending_confirmation", "notes": notes(entry_id) })),
        digest: "wanted".into(),
        left_alone: vec!["status"],
        entry_id: Some(json!(entry_id).try_into().expect("an id")),
    }
}

fn shown_event(value: Value) -> Option<ShownEvent> {
    let id = json!("chr_1").try_into().expect("an id");
    Some(ShownEvent { id, fields: shown_fields(value), entry_id: None })
}

#[test]
fn the_crew_event_is_made_once_and_then_changed() {
    let as_wanted =
        || shown_event(json!({ "date": "2031-05-30", "status": "pending_confirmation", "notes": "calendar cal_1" }));
    let cancelled = || shown_event(json!({ "date": "2031-05-30", "status": "cancelled", "notes": "calendar cal_1" }));
    let (shown, withdrawn) = (|| Desired::Shown(event("cal_1")), || Desired::Withdrawn(event("cal_1")));
    for (desired, step, known, expected) in [
        (shown(), StepRecord::default(), None, Action::Create),
        (shown(), unsettled(3), None, Action::Park(NeedsDecision::NEVER_SETTLED)),
        (shown(), unknown(), as_wanted(), Action::ReadBack),
        (shown(), StepRecord::default(), as_wanted(), Action::Done(StepStatus::InStep)),
        (shown(), StepRecord::default(), cancelled(), change(json!({ "status": "pending_confirmation" }))),
        (withdrawn(), StepRecord::default(), as_wanted(), change(json!({ "status": "cancelled" }))),
        (withdrawn(), StepRecord::default(), cancelled(), Action::Done(StepStatus::InStep)),
        (withdrawn(), StepRecord::default(), None, Action::Done(StepStatus::NotNeeded)),
        (withdrawn(), unknown(), None, Action::ReadBack),
        (Desired::Nothing, StepRecord::default(), None, Action::Done(StepStatus::NotNeeded)),
        (
            Desired::NeedsDecision(NeedsDecision::CONFIRMED_AGAIN),
            StepRecord::default(),
            cancelled(),
            Action::Park(NeedsDecision::CONFIRMED_AGAIN),
        ),
    ] {
        let known = Known { step, shown: known };
        assert_eq!(crew_event(&desired, &known, &when(Trigger::Delivery), false), expected, "{known:?}");
    }
}

#[test]
fn notes_are_read_before_they_are_changed() {
    let known = Known { step: StepRecord::default(), shown: shown_event(event("cal_1").fields.into()) };
    let desired = Desired::Shown(event("cal_2"));
    let now = when(Trigger::Delivery);
    assert_eq!(
        crew_event(&desired, &known, &now, false),
        Action::ReadNotes(fields(json!({ "notes": "calendar cal_2" })))
    );
    assert_eq!(crew_event(&desired, &known, &now, true), change(json!({ "notes": "calendar cal_2" })));
}

#[test]
fn crew_are_told_nothing_after_the_end() {
    let as_wanted = || shown_event(event("cal_1").fields.into());
    let moved =
        || shown_event(json!({ "date": "2031-05-29", "status": "pending_confirmation", "notes": "calendar cal_1" }));
    let never_told = || Action::Park(NeedsDecision::CREW_NEVER_TOLD);
    let (shown, withdrawn) = (|| Desired::Shown(event("cal_1")), || Desired::Withdrawn(event("cal_1")));
    for (desired, step, known, expected) in [
        (shown(), step(StepStatus::InStep), moved(), Action::Keep),
        (shown(), step(StepStatus::NotNeeded), None, Action::Keep),
        (shown(), step(StepStatus::Due), None, never_told()),
        (shown(), step(StepStatus::Due), moved(), never_told()),
        (shown(), step(StepStatus::Due), as_wanted(), Action::Done(StepStatus::InStep)),
        (withdrawn(), step(StepStatus::Due), as_wanted(), never_told()),
        (withdrawn(), step(StepStatus::Due), None, Action::Done(StepStatus::NotNeeded)),
        (shown(), unknown(), None, Action::ReadBack),
    ] {
        let known = Known { step, shown: known };
        assert_eq!(crew_event(&desired, &known, &over(), false), expected, "{known:?}");
    }
    let known = Known { step: step(StepStatus::Parked), shown: as_wanted() };
    let approved = When { approved: true, ..over() };
    let action = crew_event(&withdrawn(), &known, &approved, false);
    assert_eq!(action, Action::Done(StepStatus::NotNeeded), "a person has approved that after the end");
}

#[test]
fn crew_data_is_checked_after_every_write() {
    let there = |status| Known { step: step(status), shown: shown_event(json!({})) };
    let absent = |status| Known { step: step(status), shown: None };
    let delivery = Trigger::Delivery;
    for (event, touched, known, trigger, expected) in [
        (absent(StepStatus::Due), true, step(StepStatus::Due), delivery, Action::WaitForCrewEvent),
        (absent(StepStatus::NotNeeded), false, step(StepStatus::Due), delivery, Action::Done(StepStatus::NotNeeded)),
        (there(StepStatus::InStep), false, step(StepStatus::InStep), delivery, Action::Keep),
        (there(StepStatus::InStep), true, step(StepStatus::InStep), delivery, Action::CheckForMoney),
        (there(StepStatus::InStep), false, step(StepStatus::Due), delivery, Action::CheckForMoney),
        (there(StepStatus::InStep), false, step(StepStatus::InStep), Trigger::Operator, Action::CheckForMoney),
        (
            there(StepStatus::InStep),
            false,
            failed(StepStatus::Due, "wanted", Some(NOW + 9), None),
            Trigger::Schedule,
            Action::WaitUntil(at(NOW + 9)),
        ),
    ] {
        assert_eq!(redaction(&event, touched, &known, "wanted", &when(trigger)), expected, "{event:?} {known:?}");
    }
}

fn page(content: Option<&str>) -> ShownPage {
    ShownPage {
        key: "g/89B1THZR.html".into(),
        content: content.map(str::to_owned),
        start: at(0),
        moved: None,
        sequence: 0,
        changed_at: at(0),
    }
}

#[test]
fn the_page_is_put_whenever_it_may_be_another() {
    let wanted = || DesiredPage {
        page: Ok(GuestPage { html: String::new(), calendar: String::new() }),
        digest: "wanted".into(),
        shown: page(None),
    };
    let in_step = || Action::Done(StepStatus::InStep);
    let delivery = Trigger::Delivery;
    let publish = |invalidate| Action::Publish { invalidate };
    for (is_shown, step, known, trigger, expected) in [
        (true, StepRecord::default(), None, delivery, publish(false)),
        (true, unknown(), None, delivery, publish(true)),
        (true, StepRecord::default(), Some(page(Some("older"))), delivery, publish(true)),
        (true, StepRecord::default(), Some(page(None)), delivery, publish(true)),
        (true, unknown(), Some(page(Some("wanted"))), delivery, publish(true)),
        (true, StepRecord::default(), Some(page(Some("wanted"))), delivery, in_step()),
        (true, StepRecord::default(), Some(page(Some("wanted"))), Trigger::Operator, publish(true)),
        (false, StepRecord::default(), None, delivery, Action::Done(StepStatus::NotNeeded)),
        (false, unknown(), None, delivery, publish(true)),
        (false, StepRecord::default(), Some(page(Some("older"))), delivery, publish(true)),
        (true, failed(StepStatus::Parked, "wanted", None, None), None, delivery, Action::WaitForPerson),
    ] {
        let desired = if is_shown { Desired::Shown(wanted()) } else { Desired::Withdrawn(wanted()) };
        let known = Known { step, shown: known };
        assert_eq!(guest_page(&desired, &known, &when(trigger)), expected, "{known:?}");
    }
    let nothing = guest_page(&Desired::Nothing, &Known::default(), &when(delivery));
    assert_eq!(nothing, Action::Done(StepStatus::NotNeeded));
}

#[test]
fn every_action_has_a_word_of_its_own() {
    let actions = [
        Action::Done(StepStatus::InStep),
        Action::WaitUntil(at(0)),
        Action::WaitForPerson,
        Action::WaitForCrewEvent,
        Action::Park(NeedsDecision::NOBODY_SAILS),
        Action::ReadBack,
        Action::ReadNotes(Fields::new()),
        Action::Create,
        Action::Change(Fields::new()),
        Action::Remove,
        Action::Publish { invalidate: true },
        Action::CheckForMoney,
    ];
    let names: BTreeMap<&str, &Action> = actions.iter().map(|action| (action.name(), action)).collect();
    assert_eq!(names.len(), actions.len());
    assert_eq!(Action::Keep.name(), "nothing");
}
