//! Every scenario, at every outside call, with everything that can go wrong there. Enumerated, not sampled.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    io::Write as _,
    sync::Arc,
    time::Instant,
};

use rehearsal::DASHBOARD_TOKEN;
use serde_json::{Value, json};
use simulators::{
    aws::loopback_client,
    emulator::Emulator,
    traffic::{self, Call, Service},
};
use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    scenarios::{Played, Scenario, Then, play},
    stage::{CALL_TIMEOUT_MS, Stage},
};

/// Worlds at once: most of a case is waiting for the emulator or for a time-out.
const AT_ONCE: usize = 8;
/// A fault that meets no call proves nothing: one in so many may, because concurrent calls do not always come in the same number.
const CASES_PER_UNMET: usize = 10;
/// The emulator is the slower the more it keeps, so after so many cases the next ones get a new one, with a line to those who wait.
const CASES_PER_EMULATOR: usize = 250;
/// When a late one acts: after the function has read back and tried again, before time passes.
const LATE_MS: u64 = 400;

/// One outside call of a run: the `nth` of its kind, from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    service: Service,
    operation: String,
    nth: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} {} #{}", self.service, self.operation, self.nth)
    }
}

impl Place {
    /// Whether a call is this one; to be asked of every call of the run.
    pub(crate) fn reached(&self, stage: &Stage) -> impl FnMut(&Call) -> bool + Send + 'static {
        let events_table = stage.rehearsal.cloud.events_table.clone();
        let (place, mut seen) = (self.clone(), 0);
        move |call| {
            let same = call.service == place.service && operation(call, &events_table) == place.operation;
            seen += usize::from(same);
            same && seen == place.nth
        }
    }
}

/// What a call does. Ids are the same in every world; tables have names of their own.
fn operation(call: &Call, events_table: &str) -> String {
    match call.service {
        Service::Dynamodb if call.request_body.contains(events_table) => format!("{} scc-events", call.operation),
        Service::Dynamodb => format!("{} {}", call.operation, ledger_item(&call.request_body).unwrap_or_default()),
        _ => call.operation.clone(),
    }
}

/// The kind of the ledger's item that a request is about: how its key begins.
fn ledger_item(request: &str) -> Option<String> {
    let request: Value = serde_json::from_str(request).ok()?;
    let key = [&request["Key"], &request["Item"]].into_iter().find(|key| key.is_object())?;
    let kind = |name: &str| key[name]["S"].as_str()?.split(['#', '/', ':']).next().map(str::to_owned);
    Some([kind("pk"), kind("sk")].into_iter().flatten().collect::<Vec<_>>().join(" "))
}

/// The places of `calls`, in the order of arrival.
pub(crate) fn places(stage: &Stage, calls: &[Call]) -> Vec<Place> {
    let mut seen = BTreeMap::new();
    let calls = calls.iter().filter(|call| call.service != Service::Edge);
    let place = calls.map(|call| {
        let operation = operation(call, &stage.rehearsal.cloud.events_table);
        let nth = seen.entry((call.service, operation.clone())).or_insert(0);
        *nth += 1;
        Place { service: call.service, operation, nth: *nth }
    });
    place.collect()
}

/// What goes wrong at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    GoneBeforeItLeaves,
    GoneAfterItActed,
    AnswerLost,
    LostAndActsLate,
    BadGatewayAfterActing,
    Unavailable,
    GatewayTimeoutAndActsLate,
    SlowDown,
    TimeOut,
    DroppedBeforeActing,
    UnavailableAndActsLate,
    SomebodyElse,
    CreatedUnreadable,
}

impl Fault {
    pub(crate) const ALL: [Self; 13] = [
        Self::GoneBeforeItLeaves,
        Self::GoneAfterItActed,
        Self::AnswerLost,
        Self::LostAndActsLate,
        Self::BadGatewayAfterActing,
        Self::Unavailable,
        Self::GatewayTimeoutAndActsLate,
        Self::SlowDown,
        Self::TimeOut,
        Self::DroppedBeforeActing,
        Self::UnavailableAndActsLate,
        Self::SomebodyElse,
        Self::CreatedUnreadable,
    ];

    /// Services that break their word.
    pub(crate) const BROKEN_WORD: [Self; 3] =
        [Self::UnavailableAndActsLate, Self::SomebodyElse, Self::CreatedUnreadable];

    /// Whether a call there can meet it: only what stands behind a gateway breaks its word, and each in its own way.
    fn can_happen_at(self, place: &Place) -> bool {
        let behind_a_gateway = matches!(place.service, Service::Calendar | Service::Scc);
        let is = |verbs: &[&str]| verbs.iter().any(|verb| place.operation.starts_with(verb));
        match self {
            Self::UnavailableAndActsLate => behind_a_gateway && is(&["POST", "PATCH", "DELETE"]),
            Self::SomebodyElse => behind_a_gateway && is(&["PATCH", "DELETE"]),
            Self::CreatedUnreadable => behind_a_gateway && is(&["POST"]),
            _ => true,
        }
    }

    pub(crate) fn fault(self) -> traffic::Fault {
        use traffic::Fault::{ActLate, Answer, Delay, DropAfter, DropBefore};
        let answer = |status, acted, retry_after| Answer { status, acted, retry_after };
        match self {
            Self::GoneBeforeItLeaves | Self::DroppedBeforeActing => DropBefore,
            Self::GoneAfterItActed | Self::AnswerLost => DropAfter,
            Self::LostAndActsLate => ActLate { milliseconds: LATE_MS, status: None },
            Self::BadGatewayAfterActing => answer(502, true, None),
            Self::Unavailable => answer(503, false, None),
            Self::GatewayTimeoutAndActsLate => ActLate { milliseconds: LATE_MS, status: Some(504) },
            Self::SlowDown => answer(429, false, Some(5)),
            Self::TimeOut => Delay { milliseconds: CALL_TIMEOUT_MS + 50 },
            Self::UnavailableAndActsLate => ActLate { milliseconds: LATE_MS, status: Some(503) },
            Self::SomebodyElse => traffic::Fault::somebody_else(),
            Self::CreatedUnreadable => traffic::Fault::created_unreadable(),
        }
    }

    /// For the crashes: which call is the process's last.
    pub(crate) fn last_call(self) -> Option<fn(&Call) -> bool> {
        match self {
            Self::GoneBeforeItLeaves => Some(|call| call.fault.is_some()),
            Self::GoneAfterItActed => Some(|call| call.fault.is_some() && call.milliseconds.is_some()),
            _ => None,
        }
    }
}

/// One line of the matrix.
#[derive(Clone, Debug)]
struct Case {
    scenario: Arc<Scenario>,
    place: Place,
    fault: Fault,
    then: Then,
}

impl fmt::Display for Case {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} · {:?} at {} · then {:?}", self.scenario.name, self.fault, self.place, self.then)
    }
}

/// What a matrix came to.
#[derive(Debug, Default)]
struct Report {
    cases: usize,
    /// Cases whose call was not made this time: concurrent calls do not always come in the same number.
    unmet: Vec<String>,
    failures: Vec<String>,
}

/// Plays every scenario without a fault, and gives the cases of those calls that `wanted` picks.
async fn enumerate(
    scenarios: Vec<Scenario>,
    faults: &[Fault],
    thens: &[Then],
    wanted: impl Fn(&Place) -> bool,
) -> (Vec<Case>, Vec<String>) {
    let (mut cases, mut failures) = (Vec::new(), Vec::new());
    let emulator = Emulator::shared().await.expect("ministack starts");
    for scenario in scenarios.into_iter().map(Arc::new) {
        let Played { places, differences, .. } = Box::pin(play(&emulator, &scenario, None, Then::Redeliver)).await;
        failures
            .extend(differences.into_iter().map(|difference| format!("{} · no fault: {difference}", scenario.name)));
        for place in places.into_iter().filter(&wanted).collect::<BTreeSet<_>>() {
            let faults = faults.iter().filter(|fault| fault.can_happen_at(&place));
            for (&fault, &then) in faults.flat_map(|fault| thens.iter().map(move |then| (fault, then))) {
                cases.push(Case { scenario: Arc::clone(&scenario), place: place.clone(), fault, then });
            }
        }
    }
    (cases, failures)
}

async fn play_all(cases: Vec<Case>) -> Report {
    let mut report = Report { cases: cases.len(), ..Report::default() };
    let mut cases = cases.into_iter();
    while cases.len() > 0 {
        let some = cases.by_ref().take(CASES_PER_EMULATOR).collect();
        play_some(some, &mut report).await;
        let (played, failed) = (report.cases - cases.len(), report.failures.len());
        say(&format!("{played} of {} cases, {failed} failed", report.cases));
    }
    report.failures.sort();
    report
}

async fn play_some(cases: Vec<Case>, report: &mut Report) {
    let emulator = Arc::new(Emulator::start().await.expect("ministack starts"));
    let (turns, mut running) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    for case in cases {
        let (turns, emulator) = (Arc::clone(&turns), Arc::clone(&emulator));
        running.spawn(async move {
            let _turn = turns.acquire().await.expect("nobody closes it");
            let fault = Some((&case.place, case.fault));
            let played = Box::pin(play(&emulator, &case.scenario, fault, case.then)).await;
            (case, played)
        });
    }
    while let Some(ended) = running.join_next().await {
        let (case, played) = ended.expect("no case panics");
        if !played.met {
            report.unmet.push(case.to_string());
        }
        if !played.differences.is_empty() {
            report.failures.push(format!("{case}:\n  {}", played.differences.join("\n  ")));
        }
    }
}

async fn prove(scenarios: Vec<Scenario>, faults: &[Fault], thens: &[Then], wanted: impl Fn(&Place) -> bool) {
    let (since, without_fault) = (Instant::now(), scenarios.len());
    let (cases, failures) = enumerate(scenarios, faults, thens, wanted).await;
    let mut report = play_all(cases).await;
    report.failures.extend(failures);
    let (cases, unmet, failed) = (report.cases + without_fault, report.unmet.len(), report.failures.len());
    say(&format!("{cases} cases, {unmet} not met, {failed} failed, {:?}", since.elapsed()));
    for unmet in &report.unmet {
        say(&format!("not met: {unmet}"));
    }
    assert!(report.failures.is_empty(), "{failed} of {cases} cases:\n{}", report.failures.join("\n"));
    assert!(faults.is_empty() || report.cases > 0, "nothing was tried");
    assert!(unmet * CASES_PER_UNMET <= report.cases, "{unmet} faults of {} met no call", report.cases);
}

fn named(names: &[&str]) -> Vec<Scenario> {
    let scenarios: Vec<_> = Scenario::all().into_iter().filter(|scenario| names.contains(&scenario.name)).collect();
    assert_eq!(scenarios.len(), names.len(), "{names:?}");
    scenarios
}

/// A line for those who wait; written past the test harness, which would keep it until a test fails.
fn say(line: &str) {
    writeln!(std::io::stdout().lock(), "crash matrix: {line}").expect("a terminal");
}

/// The calls that leave something behind.
fn has_an_effect(place: &Place) -> bool {
    ["POST", "PATCH", "DELETE", "PutObject", "CreateInvalidation", "UpdateItem"]
        .iter()
        .any(|operation| place.operation.starts_with(operation))
}

/// What a caller sees of each new fault at a creation, and what is there afterwards.
#[tokio::test]
async fn services_break_their_word_as_scripted() {
    let seen = [(503, false, true), (200, false, false), (201, true, true)];
    for (fault, (status, is_there_at_once, is_there_later)) in Fault::BROKEN_WORD.into_iter().zip(seen) {
        let stage = Stage::set().await;
        stage.traffic().fail_next(Service::Calendar, "POST", fault.fault(), 1);
        let entry = json!({
            "date": "2031-05-30", "start": "2031-05-30T14:00:00-07:00", "end": "2031-05-30T17:00:00-07:00", "title": "Dana",
            "booking_id": "BS-1", "event_id": "XHQGMDH1", "revenue": 840.75, "net": 289.41, "notes": "",
            "expenses": { "crew": 250, "captain": 150, "port_tax": 151.34 },
        });
        let post = loopback_client().post(format!("{}/calendar", stage.rehearsal.calendar.url())).json(&entry);
        let answer = post.header("x-dashboard-token", DASHBOARD_TOKEN).send().await.expect("an answer");
        let is_there = || !stage.rehearsal.calendar.entries().is_empty();
        assert_eq!((answer.status().as_u16(), is_there()), (status, is_there_at_once), "{fault:?}");
        stage.traffic().idle().await;
        assert_eq!(is_there(), is_there_later, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_creation_survives_every_fault_at_every_call() {
    prove(named(&["create"]), &Fault::ALL, &[Then::Redeliver], |_| true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scenario_comes_in_step_when_nothing_goes_wrong() {
    prove(Scenario::all(), &[], &[], |_| false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_happens_twice_and_nothing_is_lost() {
    let quick = named(&["create", "back again before it was there", "cancel", "cancel while the entry is made anew"]);
    let faults = [Fault::GoneAfterItActed, Fault::GatewayTimeoutAndActsLate];
    prove(quick, &faults, &[Then::Both], has_an_effect).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_press_at_the_desk_is_carried_out_once() {
    let presses = Scenario::all().into_iter().filter(Scenario::is_a_press).collect();
    prove(presses, &[Fault::GoneAfterItActed], &[Then::Sweep], |_| true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: make prove"]
async fn every_scenario_survives_every_fault_at_every_call() {
    let thens = [Then::Redeliver, Then::Sweep, Then::Both];
    prove(Scenario::all(), &Fault::ALL, &thens, |_| true).await;
}
