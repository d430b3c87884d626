//! The ledger's own conditions, on two DynamoDB emulators that share no code: what a late, lost or repeated write must not do.

use std::{sync::Arc, time::Duration};

use booking_webhook::{
    booking::{BookingId, BookingStatus, CharterId, Snapshot},
    ledger::{
        Backlog, Claim, Delivery, DeliveryId, LeaseRequest, Ledger, NewSnapshot, Only, Origin, RecordOutcome,
        ReleaseOutcome, SnapshotVersion, Standing, Step, StepRecord, StoreOutcome,
    },
    outbound::{Clock, Deadline, Outbound},
};
use futures::future::join_all;
use jiff::{Timestamp, civil::date};
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
    a_newer_snapshot_during_a_lease_is_recorded_and_left_to_the_holder,
    what_an_older_snapshot_decides_counts_when_the_newer_one_decides_nothing,
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
);

/// A ledger, and a time that stands still until it is told.
struct Desk {
    ledger: Ledger,
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
        let ledger = Ledger::new(client, table, &outbound);
        Self { ledger, clock: Arc::new(|| at(0)), _dynoxide: dynoxide }
    }

    fn deadline(&self) -> Deadline {
        Deadline::after(&self.clock, Duration::from_secs(3_600))
    }

    async fn record(&self, version: i64, status: BookingStatus, lease: &LeaseRequest) -> RecordOutcome {
        let snapshot = Snapshot {
            booking_id: booking_id(),
            revision: None,
            updated_at: Some(at(version)),
            status,
            sale: None,
            replaces: None,
        };
        let order = SnapshotVersion::of(&snapshot, at(version));
        let charter_id = CharterId::derive(b"link-key", &booking_id());
        let date = Some(date(2031, 5, i8::try_from(version).expect("a day")));
        let new = NewSnapshot { snapshot: &snapshot, order: &order, charter_id: &charter_id, terms: None, date };
        self.ledger.record(&new, lease, &self.deadline()).await.expect("the ledger answers")
    }

    async fn claimed(&self, version: i64, lease: &LeaseRequest) -> Claim {
        match self.record(version, BookingStatus::Inconclusive, lease).await {
            RecordOutcome::Claimed(claim) => *claim,
            other => panic!("{other:?}"),
        }
    }

    async fn claim(&self, only: Only, lease: &LeaseRequest) -> Option<Claim> {
        self.ledger.claim(&booking_id(), only, lease, &self.deadline()).await.expect("the ledger answers")
    }

    async fn release(&self, claim: &Claim) -> ReleaseOutcome {
        self.ledger.release(&claim.record, None, &self.deadline()).await.expect("the ledger answers")
    }

    async fn state(&self) -> booking_webhook::ledger::BookingRecord {
        self.ledger.state(&booking_id(), &self.deadline()).await.expect("the ledger answers").expect("it is on record")
    }
}

fn at(second: i64) -> Timestamp {
    "2031-05-20T18:00:00Z".parse::<Timestamp>().expect("an instant") + Duration::from_secs(second.unsigned_abs())
}

fn booking_id() -> BookingId {
    BookingId::parse("BS-1048812").expect("valid")
}

/// A lease that `holder` asks for at this second.
fn lease(holder: &str, second: i64) -> LeaseRequest {
    LeaseRequest { holder: holder.to_owned(), now: at(second), until: at(second + LEASE_S) }
}

fn in_step(remote_id: &str) -> StepRecord {
    StepRecord { remote_id: Some(remote_id.into()), standing: Standing::InStep, ..StepRecord::default() }
}

fn due_at(second: i64) -> StepRecord {
    StepRecord { standing: Standing::Due, next_try_at: Some(at(second)), ..StepRecord::default() }
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
        let RecordOutcome::Unclaimed(record) = recorded else { panic!("{version}: {recorded:?}") };
        assert_eq!((record.order.at(), record.seq), (at(2), 1), "{version}");
    }
    let state = desk.state().await;
    assert_eq!((state.order.at(), state.seq, state.fence, state.lease, state.due_at), (at(2), 1, 1, None, None));
}

async fn a_newer_snapshot_during_a_lease_is_recorded_and_left_to_the_holder(desk: &Desk) {
    desk.claimed(1, &lease("first", 1)).await;
    let recorded = desk.record(2, BookingStatus::Inconclusive, &lease("second", 2)).await;
    let RecordOutcome::Unclaimed(record) = recorded else { panic!("{recorded:?}") };
    assert_eq!((record.order.at(), record.seq, record.fence), (at(2), 2, 1));
    assert_eq!(record.lease.map(|lease| lease.holder), Some("first".into()));
    assert!(desk.claim(Only::Owed, &lease("second", 2)).await.is_none(), "the lease holds");
}

async fn what_an_older_snapshot_decides_counts_when_the_newer_one_decides_nothing(desk: &Desk) {
    let holder = desk.claimed(4, &lease("first", 1)).await;
    for (version, decided, seq) in [(2, 2, 2), (3, 3, 3), (1, 3, 3), (3, 3, 3)] {
        let recorded = desk.record(version, BookingStatus::Cancelled, &lease("second", 2)).await;
        let RecordOutcome::Unclaimed(record) = recorded else { panic!("{version}: {recorded:?}") };
        assert_eq!(
            (record.order.at(), record.latest, record.seq),
            (at(4), BookingStatus::Inconclusive, seq),
            "{version}"
        );
        assert_eq!(
            record.decision.map(|decision| (decision.status, decision.order.at())),
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
    let next = desk.claim(Only::Due, &lease("next", 3)).await.expect("it is due");
    assert_eq!((next.record.order.at(), next.crashed), (at(2), false));
    assert_eq!(next.record.journal.calendar.remote_id.as_deref(), Some("cal_1"), "with all that is known");
}

async fn a_write_of_an_earlier_fence_changes_nothing(desk: &Desk) {
    let mut late = desk.claimed(1, &lease("late", 1)).await;
    let over = 1 + LEASE_S + 1;
    let next = desk.claim(Only::Due, &lease("next", over)).await.expect("the lease is over");
    assert_eq!((next.record.fence, next.crashed), (2, true));
    late.record.journal.calendar = in_step("cal_late");
    let journalled = desk.ledger.journal(&late.record, Step::Calendar, &in_step("cal_late"), &desk.deadline()).await;
    assert!(!journalled.expect("an answer"));
    assert!(matches!(desk.release(&late).await, ReleaseOutcome::Lost));
    desk.ledger.release_due(&late.record, at(over), &desk.deadline()).await.expect("an answer");
    assert!(desk.ledger.claim_newer(&late.record, &desk.deadline()).await.expect("an answer").is_none());
    let state = desk.state().await;
    assert_eq!((state.lease.map(|lease| lease.holder), state.journal.calendar.remote_id), (Some("next".into()), None));
}

async fn a_write_that_arrives_after_the_release_changes_nothing(desk: &Desk) {
    let claim = desk.claimed(1, &lease("first", 1)).await;
    assert!(matches!(desk.release(&claim).await, ReleaseOutcome::Done));
    let late = desk.ledger.journal(&claim.record, Step::Calendar, &due_at(5), &desk.deadline()).await;
    assert!(!late.expect("an answer"));
    // A claim that arrives twice, the second time when its work is done.
    assert!(desk.claim(Only::Owed, &lease("first", 1)).await.is_none());
    let state = desk.state().await;
    assert_eq!((state.journal.calendar, state.lease), (StepRecord::default(), None));
}

async fn a_holder_who_never_let_go_is_told_from_one_who_did(desk: &Desk) {
    let mut claim = desk.claimed(1, &lease("first", 1)).await;
    claim.record.journal.calendar = due_at(5);
    assert!(matches!(desk.release(&claim).await, ReleaseOutcome::Done));
    let second = desk.claim(Only::Owed, &lease("second", 2)).await.expect("it is owed");
    assert!(!second.crashed);
    let third = desk.claim(Only::Owed, &lease("third", 2 + LEASE_S + 1)).await.expect("the lease is over");
    assert!(third.crashed, "the second never let go");
    let fourth = desk.record(2, BookingStatus::Inconclusive, &lease("fourth", 3 + 2 * (LEASE_S + 1))).await;
    assert!(matches!(fourth, RecordOutcome::Claimed(claim) if claim.crashed), "nor did the third");
}

async fn only_what_is_due_is_claimed_by_the_sweep(desk: &Desk) {
    let mut claim = desk.claimed(1, &lease("first", 1)).await;
    claim.record.journal.calendar = due_at(100);
    assert!(matches!(desk.release(&claim).await, ReleaseOutcome::Done));
    let found = |second| async move { desk.ledger.due(at(second), 10, &desk.deadline()).await.expect("an answer") };
    assert!(found(99).await.is_empty() && desk.claim(Only::Due, &lease("sweep", 99)).await.is_none());
    assert_eq!(found(100).await, [booking_id()]);
    let claim = desk.claim(Only::Due, &lease("sweep", 100)).await.expect("it is due");
    assert!(matches!(
        desk.release(&Claim { record: with_calendar(claim, in_step("cal_1")), crashed: false }).await,
        ReleaseOutcome::Done
    ));
    assert!(found(10_000).await.is_empty(), "what is in step is not due");
    assert!(desk.claim(Only::Owed, &lease("nudge", 101)).await.is_none(), "nor owed");
}

fn with_calendar(claim: Claim, calendar: StepRecord) -> booking_webhook::ledger::BookingRecord {
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
    let approved = desk.claim(Only::Approved, &lease("person", 2)).await.expect("it is free");
    assert!(approved.record.approved);
    desk.release(&approved).await;
    let RecordOutcome::Claimed(undecided) = desk.record(2, BookingStatus::Inconclusive, &lease("third", 3)).await
    else {
        panic!("it is free")
    };
    assert!(undecided.record.approved, "nothing new was decided");
    desk.release(&undecided).await;
    let RecordOutcome::Claimed(newer) = desk.record(3, BookingStatus::Cancelled, &lease("fourth", 4)).await else {
        panic!("it is free")
    };
    assert!(!newer.record.approved);
}

async fn a_cancellation_keeps_the_time_at_which_it_first_came(desk: &Desk) {
    for (version, second) in [(1, 1), (2, 100)] {
        let recorded = desk.record(version, BookingStatus::Cancelled, &lease("holder", second)).await;
        let RecordOutcome::Claimed(claim) = recorded else { panic!("{recorded:?}") };
        assert_eq!(claim.record.cancelled_at, Some(at(1)));
        desk.release(&claim).await;
    }
}

async fn a_delivery_is_kept_once_and_another_body_beside_it(desk: &Desk) {
    let delivery = |body: &str| Delivery {
        id: DeliveryId::of_booking(&booking_id(), "msg_1"),
        body: body.as_bytes().to_vec(),
        origin: Origin::Webhook,
        received_at: at(1),
        says: None,
    };
    for (body, expected) in [
        ("one", StoreOutcome::New),
        ("one", StoreOutcome::Repeated),
        ("another", StoreOutcome::AnotherBody),
        ("another", StoreOutcome::AnotherBody),
    ] {
        let kept = desk.ledger.keep(&delivery(body), &desk.deadline()).await.expect("an answer");
        assert_eq!(kept, expected, "{body}");
    }
    let kept = desk.ledger.deliveries(&booking_id(), &desk.deadline()).await.expect("an answer");
    let mut bodies = Vec::new();
    for summary in &kept {
        let delivery = desk.ledger.delivery(&summary.id, &desk.deadline()).await.expect("an answer");
        bodies.push(String::from_utf8(delivery.expect("it is there").body).expect("text"));
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
    let both = [date(2031, 5, 1), date(2031, 5, 2)];
    assert_eq!(second.record.dates, both.into());
    desk.ledger.release(&second.record, Some(both[1]), &desk.deadline()).await.expect("an answer");
    assert_eq!(desk.state().await.dates, [both[1]].into());
}

fn parked() -> StepRecord {
    StepRecord { standing: Standing::Parked { content: "refused".into() }, ..StepRecord::default() }
}

impl Desk {
    /// Takes the booking up at this second, and lets go of it with these steps.
    async fn worked_on(&self, only: Only, second: i64, calendar: StepRecord, crew_event: StepRecord) {
        let mut claim = self.claim(only, &lease("holder", second)).await.expect("it may be claimed");
        claim.record.journal.calendar = calendar;
        claim.record.journal.crew_event = crew_event;
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

    desk.worked_on(Only::Due, 100, due_at(200), parked()).await;
    assert_eq!(desk.backlog().await, Backlog { parked: 1, ..due }, "it waits for both, since it first was due");
    desk.worked_on(Only::Owed, 150, in_step("cal_1"), parked()).await;
    assert_eq!(desk.backlog().await, Backlog { parked: 1, ..Backlog::default() }, "for a person alone");
    desk.worked_on(Only::Approved, 300, in_step("cal_1"), in_step("evt_1")).await;
    assert_eq!(desk.backlog().await, Backlog::default());
    assert_eq!(desk.state().await.due_since, None);
}

async fn what_waits_for_a_person_is_claimed_by_nobody_else(desk: &Desk) {
    let claim = desk.claimed(1, &lease("first", 1)).await;
    assert!(matches!(
        desk.release(&Claim { record: with_calendar(claim, parked()), crashed: false }).await,
        ReleaseOutcome::Done
    ));
    assert!(desk.ledger.due(at(10_000), 10, &desk.deadline()).await.expect("an answer").is_empty());
    for only in [Only::Due, Only::Owed] {
        assert!(desk.claim(only, &lease("sweep", 10_000)).await.is_none(), "{only:?}");
    }
    assert_eq!(desk.state().await.due_at, None);
    // The sender says something newer, and that is tried.
    let newer = desk.claimed(2, &lease("newer", 10_000)).await;
    assert_eq!(newer.record.due_since, Some(at(10_000)), "due anew");
    let over = 10_000 + LEASE_S + 1;
    assert!(desk.claim(Only::Due, &lease("sweep", over)).await.expect("it is due").crashed);
}

async fn a_delivery_in_quarantine_is_counted_until_it_is_replayed(desk: &Desk) {
    let delivery = Delivery {
        id: DeliveryId::quarantined("msg_1", b"{}"),
        body: b"{}".to_vec(),
        origin: Origin::Webhook,
        received_at: at(1),
        says: None,
    };
    let quarantined = Backlog { quarantined: 1, ..Backlog::default() };
    for kept in [StoreOutcome::New, StoreOutcome::Repeated] {
        assert_eq!(desk.ledger.quarantine(&delivery, &desk.deadline()).await.expect("an answer"), kept);
        assert_eq!(desk.backlog().await, quarantined);
    }
    assert!(desk.ledger.due(at(10_000), 10, &desk.deadline()).await.expect("an answer").is_empty(), "it is no booking");
    desk.ledger.end_quarantine(&delivery, at(2), &desk.deadline()).await.expect("an answer");
    assert_eq!(desk.backlog().await, Backlog::default());
    assert!(desk.ledger.delivery(&delivery.id, &desk.deadline()).await.expect("an answer").is_some(), "and is kept");
}
