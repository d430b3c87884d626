//! Deliveries in any order, any number of times, at once, by processes whose clocks disagree, one of which may come late.

use std::{future::Future, ops::RangeInclusive, pin::Pin, time::Duration};

use jiff::SignedDuration;
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};
use serde_json::{Value, json};
use simulators::{
    sender::SAMPLE_BOOKING_ID,
    traffic::{Fault, Service},
};

use super::{
    oracle::Expected,
    scenarios::sweep,
    stage::{Outcome, Process, Stage},
    story::Told,
};

const PROCESSES: usize = 3;
/// A lease and a settling time, and then some.
const PAST_ANY_LEASE: Duration = Duration::from_mins(2);
/// Within this time everything that a process has sent has arrived: also what still had to connect, on a busy machine.
const DOZE_MS: u64 = 250;
/// Shorter by far than the 1 s within which the ledger must answer. How far another process gets meanwhile does not matter.
const FROZEN_MS: u64 = 400;
/// How many of its calls a late first holder has made when it falls asleep.
const CALLS_BEFORE_SLEEP: RangeInclusive<usize> = 1..=24;

/// One delivery: which snapshot, to which process.
type Delivery = (usize, usize);

/// Who is told what when.
#[derive(Clone, Debug)]
struct Schedule {
    /// The snapshots, the newest last.
    told: Vec<Told>,
    /// Deliveries that come at once, one wave after another.
    waves: Vec<Vec<Delivery>>,
    /// By how many seconds each process's clock is off.
    skews: [i64; PROCESSES],
    /// The process of the very first delivery falls asleep at this call of its, and goes on when everything else is over.
    asleep_at: Option<usize>,
}

fn snapshots() -> impl Strategy<Value = Vec<Told>> {
    let change = (prop_oneof![Just(30_i8), Just(31)], prop_oneof![Just("crew-2"), Just("crew-3")]);
    (prop::collection::vec(change, 0..3), any::<[bool; 2]>()).prop_map(|(changes, [cancelled, refunded])| {
        let mut told = vec![Told::version(1)];
        for (version, (day, second)) in (2..).zip(changes) {
            told.push(Told::version(version).on(day).with_crew(["crew-1", second]));
        }
        let newest = told.last().expect("there is a first").clone();
        let next = |told: &[Told]| Told { version: told.last().map_or(0, |last| last.version) + 1, ..newest.clone() };
        if cancelled {
            told.push(next(&told).cancelled());
        }
        if refunded {
            told.push(next(&told).refunded());
        }
        told
    })
}

/// Every snapshot once in any order, some of them again, in waves of up to three.
fn schedules() -> impl Strategy<Value = Schedule> {
    let deliveries = snapshots().prop_flat_map(|told| {
        let repeats = prop::collection::vec(0..told.len(), 0..3);
        let once: Vec<usize> = (0..told.len()).collect();
        let all = repeats.prop_map(move |repeats| once.iter().copied().chain(repeats).collect::<Vec<_>>());
        (Just(told), all.prop_shuffle())
    });
    let waves = deliveries.prop_flat_map(|(told, order)| {
        let size = order.len();
        let processes = prop::collection::vec(0..PROCESSES, size);
        let breaks = prop::collection::vec(any::<bool>(), size);
        (Just(told), Just(order), processes, breaks)
    });
    let skew = || prop_oneof![Just(0_i64), Just(-5), Just(5)];
    let asleep_at = prop::option::of(CALLS_BEFORE_SLEEP);
    (waves, [skew(), skew(), skew()], asleep_at).prop_map(|((told, order, processes, breaks), skews, asleep_at)| {
        let mut waves: Vec<Vec<Delivery>> = Vec::new();
        for ((told, process), begins) in order.into_iter().zip(processes).zip(breaks) {
            match waves.last_mut().filter(|wave| !begins && wave.len() < 3) {
                Some(wave) => wave.push((told, process)),
                None => waves.push(vec![(told, process)]),
            }
        }
        Schedule { told, waves, skews, asleep_at }
    })
}

/// What is wrong in the end.
async fn follow(schedule: &Schedule) -> Vec<String> {
    let stage = Stage::set().await;
    let mut processes = Vec::new();
    for skew in schedule.skews {
        processes.push(stage.process(SignedDuration::from_secs(skew)).await.expect("it starts"));
    }
    let mut outcomes = Vec::new();
    let sleeper = match schedule.asleep_at {
        Some(calls) => {
            let (told, process) = schedule.waves[0][0];
            let sleeper = fall_asleep(&stage, &processes[process], &schedule.told[told], calls).await;
            stage.pass(PAST_ANY_LEASE).await;
            Some(sleeper)
        }
        None => None,
    };
    for wave in &schedule.waves {
        outcomes.extend(deliver(&stage, &processes, schedule, wave).await);
        stage.pass(Duration::from_secs(1)).await;
    }
    let mut differences = Vec::new();
    match sleeper {
        Some(Sleeper::Awake(outcome)) => outcomes.push(outcome),
        Some(Sleeper::Asleep(invocation)) => {
            // In step before it wakes up, so that anything it does then is one too many.
            differences.extend(sweep(&stage).await);
            let woken = invocation.await;
            // A process that slept through the ledger's answer has promised nothing; the same snapshot came again in the waves.
            if woken.status() != Some(503) {
                outcomes.push(woken);
            }
        }
        None => {}
    }
    for outcome in outcomes.iter().filter(|outcome| !matches!(outcome.status(), Some(200 | 202))) {
        differences.push(format!("a delivery came to {outcome:?}"));
    }
    differences.extend(sweep(&stage).await);
    let told = schedule.waves.iter().flatten().map(|&(told, _)| schedule.told[told].clone()).collect();
    differences.extend(Expected::new(told, None).differences(&stage.look().await));
    differences
}

async fn deliver(stage: &Stage, processes: &[Process], schedule: &Schedule, wave: &[Delivery]) -> Vec<Outcome> {
    let tell = |&(told, process): &Delivery| {
        let event = stage.delivery_of(&schedule.told[told]);
        async move { processes[process].invoke(&event).await }
    };
    // Up to three: an array of futures would need a crate for what `join!` does.
    let at = |position: usize| async move { Some(tell(wave.get(position)?).await) };
    let (first, second, third) = Box::pin(async { tokio::join!(at(0), at(1), at(2)) }).await;
    [first, second, third].into_iter().flatten().collect()
}

/// An invocation whose process is not given any time, in the middle of it: a frozen machine, for which no clock ran meanwhile but the world's.
enum Sleeper<'a> {
    Asleep(Pin<Box<dyn Future<Output = Outcome> + 'a>>),
    /// It was over before it made that many calls.
    Awake(Outcome),
}

/// What the process has sent by then arrives and acts at once, and its answers are there when it wakes up: that a request is still on its
/// way after settling is what only the services could guard against.
async fn fall_asleep<'a>(stage: &Stage, process: &'a Process, told: &Told, calls: usize) -> Sleeper<'a> {
    let (traffic, event) = (stage.traffic(), stage.delivery_of(told));
    traffic.forget();
    let mut invocation: Pin<Box<dyn Future<Output = Outcome> + 'a>> =
        Box::pin(async move { process.invoke(&event).await });
    tokio::select! {
        biased;
        () = traffic.wait_for(|made| made.len() >= calls) => {}
        outcome = &mut invocation => return Sleeper::Awake(outcome),
    }
    for service in [Service::Calendar, Service::Scc, Service::Dynamodb, Service::S3, Service::Cloudfront] {
        traffic.fail_next(service, "", Fault::Delay { milliseconds: 2 * DOZE_MS }, u32::MAX);
    }
    let dozing = tokio::time::timeout(Duration::from_millis(DOZE_MS), &mut invocation).await;
    traffic.heal();
    dozing.map_or_else(|_still_at_it| Sleeper::Asleep(invocation), Sleeper::Awake)
}

/// Follows `cases` schedules; a failure comes with the smallest schedule that still fails.
fn follow_many(cases: u32, rng: TestRng) {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let outcome = TestRunner::new_with_rng(config, rng).run(&schedules(), |schedule| {
        let differences = runtime.block_on(follow(&schedule));
        if differences.is_empty() { Ok(()) } else { Err(TestCaseError::fail(differences.join("\n"))) }
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

#[test]
fn the_newest_wins_in_any_schedule() {
    follow_many(12, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
}

#[test]
#[ignore = "takes minutes: make prove"]
fn the_newest_wins_in_any_schedule_many_times() {
    follow_many(400, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
}

async fn holds(schedule: Schedule) {
    let differences = follow(&schedule).await;
    assert!(differences.is_empty(), "{schedule:?}:\n{}", differences.join("\n"));
}

#[tokio::test]
async fn two_snapshots_in_the_wrong_order() {
    let told = vec![Told::version(1), Told::version(2).on(31)];
    holds(Schedule { told, waves: vec![vec![(1, 0)], vec![(0, 1)]], skews: [0, -5, 5], asleep_at: None }).await;
}

/// Off the charter and on it again: told each time, and no more often.
#[tokio::test]
async fn who_is_put_back_is_told_so() {
    let told = vec![
        Told::version(1),
        Told::version(2).on(31).with_crew(["crew-1", "crew-3"]),
        Told::version(3).on(31),
        Told::version(4).on(31).cancelled(),
    ];
    let waves = (0..4).map(|told| vec![(told, 0), (told, 1)]).collect();
    holds(Schedule { told, waves, skews: [0, -5, -5], asleep_at: None }).await;
}

#[tokio::test]
async fn a_confirmation_after_its_cancellation_notifies_nobody() {
    let stage = Stage::set().await;
    for told in [Told::version(2).cancelled(), Told::version(1)] {
        assert_eq!(stage.tell(&told).await.status(), Some(200), "{told:?}");
    }
    assert_eq!(sweep(&stage).await, None);
    assert!(stage.look().await.is_empty(), "there was never anything to tell");
}

/// A person enters something while a delivery is worked on: it is on record at once, and the holder carries it out.
#[tokio::test]
async fn an_entry_during_a_delivery_is_what_holds() {
    let stage = Stage::set().await;
    let (sender, person) = (Told::version(1), Told::version(2).on(31).by_a_person());
    let entering = async {
        stage.traffic().wait_for(|calls| calls.iter().any(|call| call.operation == "POST /calendar")).await;
        stage.tell(&person).await
    };
    stage.traffic().fail_next(Service::Calendar, "POST", Fault::Delay { milliseconds: FROZEN_MS }, 1);
    let (delivered, entered) = Box::pin(async { tokio::join!(stage.tell(&sender), entering) }).await;
    assert_eq!((delivered.status(), entered.status()), (Some(200), Some(202)), "{delivered:?} {entered:?}");
    let differences = Expected::new(vec![sender.clone(), person], None).differences(&stage.look().await);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    let before = stage.look().await;
    assert_eq!(stage.tell(&sender).await.status(), Some(200), "a repeat is no newer than the entry");
    assert_eq!(stage.look().await, before);
}

/// It hears that it has claimed the booking when that lease is long over, and somebody newer has been everywhere.
#[tokio::test]
async fn a_process_frozen_past_its_lease_sends_nothing() {
    let stage = Stage::set().await;
    let (old, new) = (Told::version(1), Told::version(2).on(31));
    let frozen = stage.process(SignedDuration::ZERO).await.expect("it starts");
    let (traffic, event) = (stage.traffic(), stage.delivery_of(&old));
    traffic.forget();
    traffic.fail_next(Service::Dynamodb, "UpdateItem", Fault::Delay { milliseconds: FROZEN_MS }, 1);
    let meanwhile = async {
        traffic.wait_for(|calls| calls.iter().any(|call| call.operation == "UpdateItem")).await;
        stage.time.advance(PAST_ANY_LEASE);
        stage.tell(&new).await
    };
    let (thawed, newer) = Box::pin(async { tokio::join!(frozen.invoke(&event), meanwhile) }).await;
    assert_eq!((thawed.status(), newer.status()), (Some(202), Some(200)), "{thawed:?} {newer:?}");
    assert_eq!(sweep(&stage).await, None);
    let differences = Expected::new(vec![old, new], None).differences(&stage.look().await);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Nobody knows whether the entry is gone when a person decides that the charter sails after all.
#[tokio::test]
async fn an_unanswered_removal_is_settled_at_a_new_confirmation() {
    for fault in [Fault::DropAfter, Fault::DropBefore] {
        let stage = Stage::set().await;
        assert_eq!(stage.tell(&Told::version(1)).await.status(), Some(200));
        stage.traffic().fail_next(Service::Calendar, "DELETE", fault, 1);
        for told in [Told::version(2).cancelled(), Told::version(3)] {
            assert_eq!(stage.tell(&told).await.status(), Some(202), "{told:?}");
        }
        stage.pass(PAST_ANY_LEASE).await;
        let replayed = stage.invoke(&json!({ "replay": { "booking_id": SAMPLE_BOOKING_ID } })).await;
        assert_eq!(replayed.status(), Some(202), "a replay decides nothing: {replayed:?}");
        let approved = stage.approve().await;
        assert_eq!(approved.status(), Some(200), "{approved:?}");
        let days: Vec<Value> = stage.look().await.calendar.iter().map(|entry| entry["date"].clone()).collect();
        assert_eq!(days, ["2031-05-30"]);
    }
}
