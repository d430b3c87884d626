//! The ledger's own conditions, on two DynamoDB emulators that share no code: what a late, lost or repeated write must not do.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use booking_webhook::{
    Backlog, BookingId, BookingRecord, BookingStatus, ChangedAt, CharterId, Claim, Clock, Deadline, Delivery,
    DeliveryId, JournalledStep, Known, LeaseRequest, Ledger, NewSnapshot, OfficeAct, Outbound, Place, RecordOutcome,
    ReleaseOutcome, ShownEntry, Snapshot, SnapshotVersion, Spoke, Step, StepRecord, StepStatus, StoreOutcome, Trigger,
};
use futures::future::join_all;
use jiff::{
    Timestamp,
    civil::{Date, date},
};
use simulators::{aws::sdk_config, dynamodb::DynamoDb, emulator::Emulator, template::Table};

const LEASE_S: i64 = 45;

/// Each check, on each emulator, on a ledger of its own.
macro_rules! on_both {
    ($($check:ident),+ $(,)?) => {
        mod ministack {
            $(#[tokio::test] async fn $check() { super::$check(&super::Desk::at_ministack().await).await; })+
        }
        mod dynoxide {
            $(#[tokio::test] async fn $check() { super::$check(&super::Desk::at_dynoxide().await).await; })+
        }
    };
}

on_both!(
    a_first_snapshot_is_recorded_and_claimed_in_one_write,
    an_older_or_equal_snapshot_changes_nothing,
    a_newer_snapshot_during_a_lease_is_left_to_the_holder,
    an_older_decision_counts_beside_a_newer_inconclusive_one,
    a_release_that_missed_a_newer_snapshot_does_not_let_go,
    what_a_holder_leaves_to_the_next_is_due_at_once,
    a_write_of_an_earlier_fence_changes_nothing,
    a_write_that_arrives_after_the_release_changes_nothing,
    a_holder_who_never_let_go_is_told_from_one_who_did,
    only_what_is_due_is_claimed_by_the_sweep,
    of_many_claims_at_once_one_wins,
    what_a_person_approved_holds_for_that_snapshot_alone,
    a_cancellation_keeps_the_time_at_which_it_first_came,
    a_delivery_is_kept_once_and_another_body_beside_it,
    a_charter_id_belongs_to_one_booking,
    days_are_gathered_until_the_calendar_is_known,
    what_waits_is_counted_for_whom_it_waits,
    what_waits_for_a_person_is_claimed_by_nobody_else,
    a_delivery_in_quarantine_is_counted_until_it_is_replayed,
    a_revision_beats_a_clock,
    a_cancellation_of_the_same_version_counts,
    an_entry_leaves_the_senders_order_as_it_is,
    a_mark_of_a_restored_ledger_is_no_booking,
    an_act_needs_the_sight_that_it_acts_on,
    what_is_noted_with_a_claim_is_kept_and_bounded,
);

fn calendar(known: &Known<ShownEntry>) -> [JournalledStep; 1] {
    [JournalledStep::new(Step::Calendar, known)]
}

/// A ledger, and a time that stands still until it is told.
struct Desk {
    ledger: Ledger,
    client: aws_sdk_dynamodb::Client,
    table: String,
    clock: Clock,
    _dynoxide: Option<DynamoDb>,
}

impl Desk {
    async fn at_ministack() -> Self {
        Self::at(&Emulator::shared().await.expect("ministack starts").url(), None).await
    }

    async fn at_dynoxide() -> Self {
        let dynoxide = DynamoDb::start().await.expect("a free port");
        Self::at(&dynoxide.url(), Some(dynoxide)).await
    }

    async fn at(url: &str, dynoxide: Option<DynamoDb>) -> Self {
        let table = format!("ledger-{:08x}", rand::random::<u32>());
        let outbound = Outbound::new(Duration::from_secs(5), Duration::from_millis(1)).expect("compiled-in roots");
        let sdk = sdk_config(url).into_builder().http_client(outbound.sdk_client()).build();
        let client = aws_sdk_dynamodb::Client::new(&sdk);
        Table::in_template("Ledger").create(&client, &table).await.expect("a table");
        let ledger = Ledger::new(client.clone(), table.clone(), &outbound);
        Self { ledger, client, table, clock: Arc::new(|| at(0)), _dynoxide: dynoxide }
    }

    fn deadline(&self) -> Deadline {
        Deadline::after(&self.clock, Duration::from_secs(3_600))
    }

    async fn record(&self, version: i64, status: BookingStatus, lease: &LeaseRequest) -> RecordOutcome {
        self.record_version(&timed(version), status, lease).await
    }

    /// Records a snapshot of this version, which says `status`.
    async fn record_version(
        &self,
        version: &SnapshotVersion,
        status: BookingStatus,
        lease: &LeaseRequest,
    ) -> RecordOutcome {
        let (snapshot, delivery) = (snapshot(version, status), delivery_of(version, status));
        let charter_id = CharterId::derive(b"link-key", &booking_id());
        let new = new(&snapshot, Place::Version(version), &delivery.id, &charter_id, lease.now);
        match self.ledger.record(&new, lease, &self.deadline()).await.expect("the ledger answers") {
            RecordOutcome::NotClaimed(record) => {
                let beside = self.ledger.record_beside(&new, *record, &self.deadline()).await;
                RecordOutcome::NotClaimed(Box::new(beside.expect("the ledger answers").expect("no entry")))
            }
            claimed => claimed,
        }
    }

    async fn claimed(&self, version: i64, lease: &LeaseRequest) -> Claim {
        match self.record(version, BookingStatus::Inconclusive, lease).await {
            RecordOutcome::Claimed(claim) => *claim,
            other => panic!("{other:?}"),
        }
    }

    async fn claim(&self, trigger: Trigger, lease: &LeaseRequest) -> Option<Claim> {
        self.ledger.claim(&booking_id(), trigger, lease, &self.deadline()).await.expect("the ledger answers")
    }

    /// What the run book does to every booking that was touched since the moment to which a ledger was restored.
    async fn mark_as_in_doubt(&self) {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let number = |number: i64| AttributeValue::N(number.to_string());
        let mark = self.client.update_item().table_name(&self.table);
        let mark = mark.key("pk", text(&format!("booking#{}", booking_id()))).key("sk", text("state"));
        let mark = mark.update_expression(
            "SET holder = :restored, lease_until = :past, due = :due, due_at = :then ADD fence :leap, seq :leap",
        );
        let values = [(":restored", text("restored")), (":past", number(0)), (":due", text("due"))];
        let mark = values.into_iter().fold(mark, |mark, (name, value)| mark.expression_attribute_values(name, value));
        let mark = mark
            .expression_attribute_values(":then", number(at(5).as_millisecond()))
            .expression_attribute_values(":leap", number(1_000));
        mark.send().await.expect("it is marked");
    }

    async fn release(&self, claim: &Claim) -> ReleaseOutcome {
        self.ledger.release(&claim.record, None, &self.deadline()).await.expect("the ledger answers")
    }

    async fn state(&self) -> BookingRecord {
        self.ledger.state(&booking_id(), &self.deadline()).await.expect("the ledger answers").expect("it is on record")
    }
}

fn changed_at(record: &BookingRecord) -> Timestamp {
    record.version.as_ref().expect("a sender's").changed_at.at()
}

fn at(second: i64) -> Timestamp {
    "2031-05-20T18:00:00Z".parse::<Timestamp>().expect("an instant") + Duration::from_secs(second.unsigned_abs())
}

fn booking_id() -> BookingId {
    BookingId::parse("BS-1048812").expect("valid")
}

/// A version that states a time alone.
fn timed(second: i64) -> SnapshotVersion {
    SnapshotVersion { revision: None, changed_at: ChangedAt::new(at(second), None), states_time: true }
}

fn snapshot(version: &SnapshotVersion, status: BookingStatus) -> Snapshot {
    let updated_at = Some(version.changed_at.at());
    Snapshot { booking_id: booking_id(), revision: version.revision, updated_at, status, sale: None, replaces: None }
}

fn delivery_of(version: &SnapshotVersion, status: BookingStatus) -> Delivery {
    let name = format!("{:?} {}", version.revision, version.changed_at.as_str());
    let body = status.name().as_bytes();
    Delivery::new(DeliveryId::new("boatsetter", &name, body), body, at(1)).expect("small")
}

fn new<'a>(
    snapshot: &'a Snapshot,
    place: Place<'a>,
    delivery: &'a DeliveryId,
    charter_id: &'a CharterId,
    now: Timestamp,
) -> NewSnapshot<'a> {
    let date = snapshot.updated_at.map(day_of);
    NewSnapshot { snapshot, place, delivery, received_at: now, charter_id, terms: None, date, at: now, note: None }
}

/// The day of a snapshot of this time: another one each second.
fn day_of(updated_at: Timestamp) -> Date {
    let seconds = updated_at.duration_since(at(0)).as_secs();
    date(2031, 5, i8::try_from(seconds % 28).expect("small") + 1)
}

/// A lease that `holder` asks for at this second.
fn lease(holder: &str, second: i64) -> LeaseRequest {
    LeaseRequest { holder: holder.to_owned(), now: at(second), until: at(second + LEASE_S), note: None }
}

fn in_step(id: &str) -> Known<ShownEntry> {
    let id = serde_json::json!(id).try_into().expect("an id");
    let step = StepRecord { status: StepStatus::InStep, ..StepRecord::default() };
    Known { step, shown: Some(ShownEntry { id, fields: Default::default() }) }
}

fn due_at(second: i64) -> Known<ShownEntry> {
    Known { step: StepRecord { next_try_at: Some(at(second)), ..StepRecord::default() }, shown: None }
}

async fn a_first_snapshot_is_recorded_and_claimed_in_one_write(desk: &Desk) {
    let claim = desk.claimed(1, &lease("first", 1)).await;
    assert_eq!((claim.record.fence, claim.record.seq, claim.crashed), (1, 1, false));
    assert_eq!(claim.record.due_at, Some(at(1 + LEASE_S)), "due from the first write on");
    // The answer was lost, and the same write is sent again.
    let again = desk.claimed(1, &lease("first", 1)).await;
    assert_eq!((again.record.fence, again.record.seq, again.crashed), (1, 1, false), "it counts once");
}

async fn an_older_or_equal_snapshot_changes_nothing(desk: &Desk) {
    let claim = desk.claimed(2, &lease("first", 1)).await;
    assert!(matches!(desk.release(&claim).await, ReleaseOutcome::Done));
    for version in [1, 2] {
        let recorded = desk.record(version, BookingStatus::Inconclusive, &lease("second", 2)).await;
        let RecordOutcome::NotClaimed(record) = recorded else { panic!("{version}: {recorded:?}") };
        assert_eq!((changed_at(&record), record.seq), (at(2), 1), "{version}");
    }
    let state = desk.state().await;
    assert_eq!((changed_at(&state), state.seq, state.fence, state.lease, state.due_at), (at(2), 1, 1, None, None));
}

async fn a_newer_snapshot_during_a_lease_is_left_to_the_holder(desk: &Desk) {
    desk.claimed(1, &lease("first", 1)).await;
    let recorded = desk.record(2, BookingStatus::Inconclusive, &lease("second", 2)).await;
    let RecordOutcome::NotClaimed(record) = recorded else { panic!("{recorded:?}") };
    assert_eq!((changed_at(&record), record.seq, record.fence), (at(2), 2, 1));
    assert_eq!(record.lease.map(|lease| lease.holder), Some("first".into()));
    assert!(desk.claim(Trigger::Delivery, &lease("second", 2)).await.is_none(), "the lease holds");
}

async fn an_older_decision_counts_beside_a_newer_inconclusive_one(desk: &Desk) {
    let holder = desk.claimed(4, &lease("first", 1)).await;
    for (version, decided, seq) in [(2, 2, 2), (3, 3, 3), (1, 3, 3), (3, 3, 3)] {
        let recorded = desk.record(version, BookingStatus::Cancelled, &lease("second", 2)).await;
        let RecordOutcome::NotClaimed(record) = recorded else { panic!("{version}: {recorded:?}") };
        assert_eq!(
            (changed_at(&record), record.status, record.seq),
            (at(4), BookingStatus::Inconclusive, seq),
            "{version}"
        );
        assert_eq!(
            record.decision.map(|decision| (decision.status, decision.at)),
            Some((BookingStatus::Cancelled, at(decided)))
        );
        assert_eq!(record.due_at, Some(at(2)), "it is owed from now on");
    }
    assert!(matches!(desk.release(&holder).await, ReleaseOutcome::Newer), "the holder sees it");
}

async fn a_release_that_missed_a_newer_snapshot_does_not_let_go(desk: &Desk) {
    let first = desk.claimed(1, &lease("first", 1)).await;
    desk.record(2, BookingStatus::Inconclusive, &lease("second", 2)).await;
    assert!(matches!(desk.release(&first).await, ReleaseOutcome::Newer));
    let newer = desk.ledger.claim_newer(&first.record, &desk.deadline()).await.expect("an answer").expect("still ours");
    assert_eq!((newer.record.fence, newer.record.seq, newer.crashed), (2, 2, false));
    let again = desk.ledger.claim_newer(&first.record, &desk.deadline()).await.expect("an answer");
    assert_eq!(again.map(|claim| claim.record.fence), Some(2), "its answer was lost");
    assert!(matches!(desk.release(&newer).await, ReleaseOutcome::Done));
    assert!(matches!(desk.release(&newer).await, ReleaseOutcome::Done), "its answer was lost, too");
    assert_eq!(desk.state().await.due_at, None);
}

/// It has no time left for what came in meanwhile.
async fn what_a_holder_leaves_to_the_next_is_due_at_once(desk: &Desk) {
    let mut first = desk.claimed(1, &lease("first", 1)).await;
    desk.record(2, BookingStatus::Inconclusive, &lease("second", 2)).await;
    first.record.journal.calendar = in_step("cal_1");
    assert!(matches!(desk.release(&first).await, ReleaseOutcome::Newer));
    desk.ledger.release_due(&first.record, at(3), &desk.deadline()).await.expect("an answer");
    let next = desk.claim(Trigger::Schedule, &lease("next", 3)).await.expect("it is due");
    assert_eq!((changed_at(&next.record), next.crashed), (at(2), false));
    assert_eq!(
        next.record.journal.calendar.shown.as_ref().map(|entry| entry.id.as_str()),
        Some("cal_1"),
        "with all that is known"
    );
}

async fn a_write_of_an_earlier_fence_changes_nothing(desk: &Desk) {
    let mut late = desk.claimed(1, &lease("late", 1)).await;
    let over = 1 + LEASE_S + 1;
    let next = desk.claim(Trigger::Schedule, &lease("next", over)).await.expect("the lease is over");
    assert_eq!((next.record.fence, next.crashed), (2, true));
    late.record.journal.calendar = in_step("cal_late");
    let journalled = desk.ledger.journal(&late.record, &calendar(&in_step("cal_late")), &desk.deadline()).await;
    assert!(!journalled.expect("an answer"));
    assert!(matches!(desk.release(&late).await, ReleaseOutcome::Lost));
    desk.ledger.release_due(&late.record, at(over), &desk.deadline()).await.expect("an answer");
    assert!(desk.ledger.claim_newer(&late.record, &desk.deadline()).await.expect("an answer").is_none());
    let state = desk.state().await;
    assert_eq!((state.lease.map(|lease| lease.holder), state.journal.calendar.shown), (Some("next".into()), None));
}

async fn a_write_that_arrives_after_the_release_changes_nothing(desk: &Desk) {
    let claim = desk.claimed(1, &lease("first", 1)).await;
    assert!(matches!(desk.release(&claim).await, ReleaseOutcome::Done));
    let late = desk.ledger.journal(&claim.record, &calendar(&due_at(5)), &desk.deadline()).await;
    assert!(!late.expect("an answer"));
    // A claim that arrives twice, the second time when its work is done.
    assert!(desk.claim(Trigger::Delivery, &lease("first", 1)).await.is_none());
    let state = desk.state().await;
    assert_eq!((state.journal.calendar, state.lease), (Known::default(), None));
}

async fn a_holder_who_never_let_go_is_told_from_one_who_did(desk: &Desk) {
    let mut claim = desk.claimed(1, &lease("first", 1)).await;
    claim.record.journal.calendar = due_at(5);
    assert!(matches!(desk.release(&claim).await, ReleaseOutcome::Done));
    let second = desk.claim(Trigger::Delivery, &lease("second", 2)).await.expect("it is owed");
    assert!(!second.crashed);
    let third = desk.claim(Trigger::Delivery, &lease("third", 2 + LEASE_S + 1)).await.expect("the lease is over");
    assert!(third.crashed, "the second never let go");
    let fourth = desk.record(2, BookingStatus::Inconclusive, &lease("fourth", 3 + 2 * (LEASE_S + 1))).await;
    assert!(matches!(fourth, RecordOutcome::Claimed(claim) if claim.crashed), "nor did the third");
}

async fn only_what_is_due_is_claimed_by_the_sweep(desk: &Desk) {
    let mut claim = desk.claimed(1, &lease("first", 1)).await;
    claim.record.journal.calendar = due_at(100);
    assert!(matches!(desk.release(&claim).await, ReleaseOutcome::Done));
    let found = |second| async move { desk.ledger.due(at(second), 10, &desk.deadline()).await.expect("an answer") };
    assert!(found(99).await.is_empty() && desk.claim(Trigger::Schedule, &lease("sweep", 99)).await.is_none());
    assert_eq!(found(100).await, [booking_id()]);
    let claim = desk.claim(Trigger::Schedule, &lease("sweep", 100)).await.expect("it is due");
    assert!(matches!(
        desk.release(&Claim { record: with_calendar(claim, in_step("cal_1")), crashed: false }).await,
        ReleaseOutcome::Done
    ));
    assert!(found(10_000).await.is_empty(), "what is in step is not due");
    assert!(desk.claim(Trigger::Delivery, &lease("nudge", 101)).await.is_none(), "nor owed");
}

fn with_calendar(claim: Claim, calendar: Known<ShownEntry>) -> BookingRecord {
    let mut record = claim.record;
    record.journal.calendar = calendar;
    record
}

async fn of_many_claims_at_once_one_wins(desk: &Desk) {
    let claims = join_all((0..12).map(|number| async move {
        let recorded = desk.record(1, BookingStatus::Inconclusive, &lease(&format!("holder-{number}"), 1)).await;
        matches!(recorded, RecordOutcome::Claimed(_))
    }));
    assert_eq!(claims.await.into_iter().filter(|claimed| *claimed).count(), 1);
    let state = desk.state().await;
    assert_eq!((state.fence, state.seq), (1, 1));
}

async fn what_a_person_approved_holds_for_that_snapshot_alone(desk: &Desk) {
    let RecordOutcome::Claimed(claim) = desk.record(1, BookingStatus::Cancelled, &lease("first", 1)).await else {
        panic!("it is free")
    };
    assert!(!claim.record.approved);
    desk.release(&claim).await;
    assert!(!desk.claim(Trigger::Operator, &lease("person", 2)).await.expect("it is free").record.approved);
    let approve = async |seq, second| {
        let lease = lease("approval", second);
        desk.ledger.claim_approved(&booking_id(), seq, &lease, &desk.deadline()).await.expect("an answer")
    };
    assert!(approve(1, 3).await.is_none(), "another holds the lease");
    let free = 2 + LEASE_S + 1;
    assert!(approve(2, free).await.is_none(), "that is no decision that anybody saw");
    let approved = approve(1, free).await.expect("it is free");
    assert!(approved.record.approved);
    desk.release(&approved).await;
    let later = free + LEASE_S + 1;
    let inconclusive = desk.record(2, BookingStatus::Inconclusive, &lease("third", later)).await;
    let RecordOutcome::Claimed(inconclusive) = inconclusive else { panic!("it is free") };
    assert!(inconclusive.record.approved, "nothing new was decided");
    desk.release(&inconclusive).await;
    let newer = desk.record(3, BookingStatus::Cancelled, &lease("fourth", later + 1)).await;
    let RecordOutcome::Claimed(newer) = newer else { panic!("it is free") };
    assert!(!newer.record.approved);
    desk.release(&newer).await;
    assert!(approve(1, later + 2).await.is_none(), "something else was decided since");
}

async fn a_cancellation_keeps_the_time_at_which_it_first_came(desk: &Desk) {
    for (version, second) in [(1, 1), (2, 100)] {
        let recorded = desk.record(version, BookingStatus::Cancelled, &lease("holder", second)).await;
        let RecordOutcome::Claimed(claim) = recorded else { panic!("{recorded:?}") };
        assert_eq!(claim.record.cancelled_at, Some(at(1)));
        desk.release(&claim).await;
    }
}

fn delivered(name: &str, body: &str, second: i64) -> Delivery {
    Delivery::new(DeliveryId::new("boatsetter", name, body.as_bytes()), body.as_bytes(), at(second)).expect("small")
}

async fn a_delivery_is_kept_once_and_another_body_beside_it(desk: &Desk) {
    let booking_id = booking_id();
    let spoke = [Spoke { booking_id: &booking_id, status: BookingStatus::Confirmed, as_of: None, ends: None }];
    for (body, second, repeated, first, name_reused) in [
        ("one", 1, false, 1, false),
        ("one", 2, true, 1, false),
        ("another", 3, false, 3, true),
        ("another", 4, true, 3, true),
    ] {
        let kept = desk.ledger.keep(&delivered("msg_1", body, second), &spoke, &desk.deadline()).await;
        let expected = StoreOutcome { received_at: at(first), repeated, quarantined: false, name_reused };
        assert_eq!(kept.expect("an answer"), expected, "{body} at {second}");
    }
    let kept = desk.ledger.deliveries(&booking_id, &desk.deadline()).await.expect("an answer");
    let mut bodies = Vec::new();
    for summary in &kept {
        let delivery = desk.ledger.delivery(&summary.id, &desk.deadline()).await.expect("an answer");
        bodies.push(String::from_utf8(delivery.and_then(|it| it.body()).expect("it is there")).expect("text"));
    }
    bodies.sort();
    assert_eq!(bodies, ["another", "one"]);
}

async fn a_charter_id_belongs_to_one_booking(desk: &Desk) {
    let charter_id = CharterId::derive(b"link-key", &booking_id());
    let other = BookingId::parse("BS-2").expect("valid");
    for (booking_id, expected) in [(booking_id(), true), (other, false), (booking_id(), true)] {
        let reserved = desk.ledger.reserve(&charter_id, &booking_id, &desk.deadline()).await;
        assert_eq!(reserved.expect("an answer"), expected, "{booking_id}");
    }
}

async fn days_are_gathered_until_the_calendar_is_known(desk: &Desk) {
    let first = desk.claimed(1, &lease("first", 1)).await;
    desk.release(&first).await;
    let second = desk.claimed(2, &lease("second", 2)).await;
    let both = [day_of(at(1)), day_of(at(2))];
    assert_eq!(second.record.dates, both.into());
    desk.ledger.release(&second.record, Some(both[1]), &desk.deadline()).await.expect("an answer");
    assert_eq!(desk.state().await.dates, [both[1]].into());
}

fn parked() -> StepRecord {
    StepRecord { status: StepStatus::Parked, ..StepRecord::default() }
}

impl Desk {
    /// Takes the booking up at this second, and lets go of it with these steps.
    async fn worked_on(&self, trigger: Trigger, second: i64, calendar: Known<ShownEntry>, crew_event: StepRecord) {
        let mut claim = self.claim(trigger, &lease("holder", second)).await.expect("it may be claimed");
        claim.record.journal.calendar = calendar;
        claim.record.journal.crew_event.step = crew_event;
        assert!(matches!(self.release(&claim).await, ReleaseOutcome::Done));
    }

    async fn backlog(&self) -> Backlog {
        self.ledger.backlog(&self.deadline()).await.expect("the ledger answers")
    }
}

async fn what_waits_is_counted_for_whom_it_waits(desk: &Desk) {
    assert_eq!(desk.backlog().await, Backlog::default());
    let claim = desk.claimed(1, &lease("first", 1)).await;
    assert_eq!(claim.record.due_since, Some(at(1)));
    let due = Backlog { due: 1, due_since: Some(at(1)), ..Backlog::default() };
    assert_eq!(desk.backlog().await, due, "from the first write on");
    assert!(matches!(
        desk.release(&Claim { record: with_calendar(claim, due_at(100)), crashed: false }).await,
        ReleaseOutcome::Done
    ));
    assert_eq!(desk.backlog().await, due, "also before its time has come");

    desk.worked_on(Trigger::Schedule, 100, due_at(200), parked()).await;
    assert_eq!(desk.backlog().await, Backlog { parked: 1, ..due }, "it waits for both, since it first was due");
    desk.worked_on(Trigger::Delivery, 150, in_step("cal_1"), parked()).await;
    assert_eq!(desk.backlog().await, Backlog { parked: 1, ..Backlog::default() }, "for a person alone");
    desk.worked_on(
        Trigger::Operator,
        300,
        in_step("cal_1"),
        StepRecord { status: StepStatus::InStep, ..StepRecord::default() },
    )
    .await;
    assert_eq!(desk.backlog().await, Backlog::default());
    assert_eq!(desk.state().await.due_since, None);
}

async fn what_waits_for_a_person_is_claimed_by_nobody_else(desk: &Desk) {
    let claim = desk.claimed(1, &lease("first", 1)).await;
    assert!(matches!(
        desk.release(&Claim { record: with_calendar(claim, Known { step: parked(), shown: None }), crashed: false })
            .await,
        ReleaseOutcome::Done
    ));
    assert!(desk.ledger.due(at(10_000), 10, &desk.deadline()).await.expect("an answer").is_empty());
    for trigger in [Trigger::Schedule, Trigger::Delivery] {
        assert!(desk.claim(trigger, &lease("sweep", 10_000)).await.is_none(), "{trigger:?}");
    }
    assert_eq!(desk.state().await.due_at, None);
    // The sender says something newer, and that is tried.
    let newer = desk.claimed(2, &lease("newer", 10_000)).await;
    assert_eq!(newer.record.due_since, Some(at(10_000)), "due anew");
    let over = 10_000 + LEASE_S + 1;
    assert!(desk.claim(Trigger::Schedule, &lease("sweep", over)).await.expect("it is due").crashed);
}

async fn a_delivery_in_quarantine_is_counted_until_it_is_replayed(desk: &Desk) {
    let quarantined = Backlog { quarantined: 1, ..Backlog::default() };
    for (second, repeated) in [(1, false), (2, true)] {
        let delivery = delivered("msg_1", "{}", second);
        let kept = desk.ledger.quarantine(&delivery, &desk.deadline()).await.expect("an answer");
        assert_eq!((kept.received_at, kept.repeated), (at(1), repeated), "it keeps its first receipt");
        assert_eq!(desk.backlog().await, quarantined);
    }
    let due = desk.ledger.due(at(10_000), 10, &desk.deadline()).await.expect("an answer");
    assert!(due.is_empty(), "it is no booking");
    let delivery = delivered("msg_1", "{}", 3);
    let kept = desk.ledger.keep(&delivery, &[], &desk.deadline()).await.expect("an answer");
    assert_eq!((kept.received_at, kept.quarantined), (at(1), true), "understood by now, it came in then");
    desk.ledger.end_quarantine(&delivery.id, None, at(4), &desk.deadline()).await.expect("an answer");
    assert_eq!(desk.backlog().await, Backlog::default());
    assert!(desk.ledger.delivery(&delivery.id, &desk.deadline()).await.expect("an answer").is_some(), "and is kept");
}

/// A sender's revision beats its clock, and a clock counts where there is no revision.
async fn a_revision_beats_a_clock(desk: &Desk) {
    let version = |revision: Option<u64>, second| SnapshotVersion { revision, ..timed(second) };
    let mut second = 1;
    for (revision, clock, newest) in [
        (Some(2), 10, (Some(2), 10)),
        (Some(3), 8, (Some(3), 8)),
        (Some(2), 12, (Some(3), 8)),
        (Some(3), 9, (Some(3), 9)),
        (Some(3), 9, (Some(3), 9)),
        (None, 20, (None, 20)),
        (Some(4), 19, (None, 20)),
        (Some(3), 21, (Some(3), 21)),
    ] {
        second += LEASE_S + 1;
        let status = BookingStatus::Inconclusive;
        desk.record_version(&version(revision, clock), status, &lease(&format!("holder-{second}"), second)).await;
        let recorded = desk.state().await.version.expect("a sender's");
        let is = (recorded.revision, recorded.changed_at.at());
        assert_eq!(is, (newest.0, at(newest.1)), "after {revision:?} at {clock}");
    }
}

/// Of two snapshots of one version a cancellation counts, whichever came first, and a person hears of it.
async fn a_cancellation_of_the_same_version_counts(desk: &Desk) {
    use BookingStatus::{Cancelled, Confirmed};
    let mut second = 1;
    for (version, first, other) in [(1, Confirmed, Cancelled), (2, Cancelled, Confirmed)] {
        for status in [first, other, first, other] {
            second += LEASE_S + 1;
            desk.record(version, status, &lease(&format!("holder-{second}"), second)).await;
        }
        let state = desk.state().await;
        assert_eq!((state.status, state.contradicted), (Cancelled, true), "{first:?} first");
        assert_eq!(state.decision.map(|decision| decision.status), Some(Cancelled));
    }
    desk.record(3, Confirmed, &lease("newer", second + LEASE_S + 1)).await;
    assert!(!desk.state().await.contradicted, "something newer came");
}

/// A person knows of everything that is on record; what a sender says next is newer, and a repeat is not.
async fn an_entry_leaves_the_senders_order_as_it_is(desk: &Desk) {
    use BookingStatus::{Cancelled, Confirmed};
    let sender = desk.record(5, Confirmed, &lease("sender", 1)).await;
    let RecordOutcome::Claimed(claim) = sender else { panic!("it is free") };
    desk.release(&claim).await;
    let enter = async |seq, second| {
        let (snapshot, delivery) = (snapshot(&timed(9), Cancelled), delivered("entry", "{}", second));
        let charter_id = CharterId::derive(b"link-key", &booking_id());
        let entry = new(&snapshot, Place::Entry { seq }, &delivery.id, &charter_id, at(second));
        desk.ledger.record(&entry, &lease("person", second), &desk.deadline()).await.expect("an answer")
    };
    assert!(matches!(enter(Some(7), 2).await, RecordOutcome::NotClaimed(_)), "something newer came in meanwhile");
    assert!(matches!(enter(None, 2).await, RecordOutcome::NotClaimed(_)), "it is known by now");
    let RecordOutcome::Claimed(entered) = enter(Some(1), 3).await else { panic!("it is free") };
    assert_eq!((entered.record.status, changed_at(&entered.record)), (Cancelled, at(5)));
    desk.release(&entered).await;
    let later = 4 + LEASE_S;
    let repeat = desk.record(5, Confirmed, &lease("repeat", later)).await;
    let RecordOutcome::NotClaimed(record) = repeat else { panic!("{repeat:?}") };
    assert_eq!((record.status, record.contradicted), (Cancelled, false));
    let newer = desk.record(6, Confirmed, &lease("newer", later + 1)).await;
    assert!(matches!(newer, RecordOutcome::Claimed(claim) if claim.record.status == Confirmed));
}

/// A restored ledger marks bookings as in doubt, also those that it does not know: a mark is no booking.
async fn a_mark_of_a_restored_ledger_is_no_booking(desk: &Desk) {
    desk.mark_as_in_doubt().await;
    let state = desk.ledger.state(&booking_id(), &desk.deadline()).await.expect("it can be read");
    assert!(state.is_none());
    for trigger in [Trigger::Schedule, Trigger::Delivery, Trigger::Operator] {
        assert!(desk.claim(trigger, &lease("sweep", 10_000)).await.is_none(), "{trigger:?}");
    }
    let first = desk.claimed(1, &lease("first", 10_000)).await;
    assert!(first.crashed, "what may be there is looked for");
}

/// Two at the office's desk saw the same case: one of them acts. What was decided since, or is being done, was seen by neither.
async fn an_act_needs_the_sight_that_it_acts_on(desk: &Desk) {
    let act = |what: &str, second| {
        let (what, by) = (what.to_owned(), "the mail's link abc123".to_owned());
        OfficeAct { at: at(second), what, by, message: None }
    };
    let acts = async |record: &BookingRecord, act: &OfficeAct| {
        desk.ledger.act_on_booking(record, act, &desk.deadline()).await.expect("an answer")
    };
    let confirmed = async |version, lease: &LeaseRequest| {
        let recorded = desk.record(version, BookingStatus::Confirmed, lease).await;
        let RecordOutcome::Claimed(claim) = recorded else { panic!("it is free") };
        claim
    };
    let claim = confirmed(1, &lease("first", 1)).await;
    assert!(!acts(&desk.state().await, &act("Leave it", 2)).await, "somebody is at it");
    desk.release(&claim).await;
    let seen = desk.state().await;
    let (first, second) = (act("Try again", 3), act("Leave it", 4));
    assert!(acts(&seen, &first).await);
    assert!(acts(&seen, &first).await, "the same again: its answer was lost");
    assert!(!acts(&seen, &second).await, "the other saw what was before");
    let known = desk.state().await.acts;
    assert_eq!((known.count, known.entries), (1, vec![first]));
    let seen = desk.state().await;
    let newer = confirmed(2, &lease("newer", 5)).await;
    desk.release(&newer).await;
    assert!(!acts(&seen, &second).await, "something was decided since");
    assert!(acts(&desk.state().await, &second).await);
    assert_eq!(desk.state().await.acts.count, 2);
}

/// What a person decides by command is noted with the claim, and the oldest of it makes room at the release.
async fn what_is_noted_with_a_claim_is_kept_and_bounded(desk: &Desk) {
    let act = |second| OfficeAct {
        at: at(second),
        what: format!("replay {second}"),
        by: "command".to_owned(),
        message: None,
    };
    let first = desk.claimed(1, &lease("first", 1)).await;
    desk.release(&first).await;
    for second in 2..=41 {
        let noting = lease("person", second).noting(Some(act(second)));
        let claim = desk.claim(Trigger::Operator, &noting).await.expect("it is free");
        assert_eq!(claim.record.acts.entries.last(), Some(&act(second)), "as soon as it is claimed");
        let other = lease("another", second).noting(Some(act(99)));
        assert!(desk.claim(Trigger::Operator, &other).await.is_none(), "who gets no claim decides nothing");
        desk.release(&claim).await;
    }
    let known = desk.state().await.acts;
    let kept: Vec<_> = known.entries.iter().map(|act| act.at).collect();
    assert_eq!((known.count, kept), (40, (12..=41).map(at).collect()));
    assert!(desk.ledger.act_on_booking(&desk.state().await, &act(50), &desk.deadline()).await.expect("an answer"));
    let entries = desk.state().await.acts.entries;
    assert_eq!((entries.len(), entries[0].at, entries[29].at), (30, at(13), at(50)), "so they do at the desk");
}
