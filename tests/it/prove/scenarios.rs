//! The scenarios that the crash matrix goes through, and one telling of a scenario with something going wrong in it.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use serde_json::{Value, json};
use simulators::{
    emulator::Emulator,
    scc::ServiceKeyHash,
    traffic::{Call, Service},
};
use tokio::sync::oneshot;

use super::{
    crashes::{Fault, Place, places},
    oracle::Expected,
    presses::{Press, SEE_OTHER, Waits, press_again, pressing, wait_for_the_office},
    stage::{HEALING, Outcome, Process, Stage},
    story::{Told, delete_entry_by_hand, work_by_hand},
};

/// The longest distance between two tries is an hour: when nothing was due for longer, nothing will be.
const LONGER_THAN_ANY_DISTANCE: Duration = Duration::from_hours(2);

/// Something that happens to one booking.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// Told and in step before anything goes wrong; then people work on it by hand.
    before: Vec<Told>,
    /// Told and in step, too, and nobody works on it.
    upon: Vec<Told>,
    /// Whether both services get new tokens before the run.
    rotated: bool,
    /// Whether somebody deletes the calendar's entry before the run.
    deleted: bool,
    /// The run in which something goes wrong.
    run: Told,
    /// What the office presses at its desk: that is the run then, and what is to be told waits for it.
    press: Option<Press>,
    /// Told to another process while the run creates its calendar entry.
    during: Option<Told>,
    /// Told right after the run.
    after: Vec<Told>,
}

impl Scenario {
    fn of(name: &'static str, before: Vec<Told>, run: Told) -> Self {
        let (upon, after) = (Vec::new(), Vec::new());
        Self { name, before, upon, run, press: None, rotated: false, deleted: false, during: None, after }
    }

    fn pressing(self, label: &'static str, because: Waits) -> Self {
        Self { press: Some(Press { label, because }), ..self }
    }

    /// All of them.
    pub(crate) fn all() -> Vec<Self> {
        let first = || Told::version(1);
        let moved = || Told::version(2).on(31);
        let back = || Told::version(3);
        vec![
            Self::of("create", vec![], first()),
            Self::of("reschedule", vec![first()], moved()),
            Self::of("there and back again", vec![first(), moved()], back()),
            Self { after: vec![back()], ..Self::of("back again before it was there", vec![first()], moved()) },
            Self::of("cancel", vec![first()], Told::version(2).cancelled()),
            Self {
                after: vec![Told::version(2).cancelled()],
                ..Self::of("cancel before it was created", vec![], first())
            },
            Self::of("crew change", vec![first()], Told::version(2).with_crew(["crew-1", "crew-3"])),
            Self { rotated: true, ..Self::of("tokens rotated in between", vec![first()], moved()) },
            Self { during: Some(moved()), ..Self::of("newer snapshot during the run", vec![], first()) },
            Self::of("cancel after its refund came", vec![first(), back().refunded()], Told::version(2).cancelled()),
            Self {
                deleted: true,
                after: vec![back().cancelled()],
                ..Self::of("cancel while the entry is made anew", vec![first()], moved())
            },
            Self::of("a sender without times", vec![first().timeless()], moved().timeless()),
            Self::of("a person enters it", vec![], first().by_a_person()),
            Self::of("a person moves it", vec![first()], moved().by_a_person()),
            Self { after: vec![moved().cancelled()], ..Self::of("contradicting snapshots", vec![first()], moved()) },
            Self::of("try again", vec![], first()).pressing("Try again", Waits::Refused),
            Self::of("it is off", vec![first()], Told::version(2).cancelled()).pressing("It is off", Waits::Begun),
            Self {
                upon: vec![first(), Told::version(2).cancelled()],
                ..Self::of("it sails", vec![], back()).pressing("It sails", Waits::Cancelled)
            },
        ]
    }

    /// Whether its run is a press at the desk.
    pub(crate) fn is_a_press(&self) -> bool {
        self.press.is_some()
    }

    /// Everything that is told from the run on, in the order of telling.
    fn told_now(&self) -> impl Iterator<Item = &Told> {
        std::iter::once(&self.run).chain(&self.during).chain(&self.after)
    }

    fn expected(&self, told_now: bool) -> Expected {
        let told = self.before.iter().chain(&self.upon).chain(self.told_now().filter(|_| told_now));
        let shown = self.before.iter().rfind(|told| !told.undecided);
        let sails_again = self.press.is_some_and(|press| press.because == Waits::Cancelled);
        Expected { sails_again, ..Expected::new(told.cloned().collect(), shown.cloned()) }
    }
}

/// Who tries again after something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// The sender, until it is told that the booking is in step.
    Redeliver,
    /// The schedule, until nothing was due for a while.
    Sweep,
    /// The sender at once, then the schedule.
    Both,
}

/// What a telling came to.
#[derive(Debug)]
pub(crate) struct Played {
    /// The outside calls of the run.
    pub(crate) places: Vec<Place>,
    /// Whether a call met the fault.
    pub(crate) met: bool,
    /// What is wrong in the end; nothing when all is well.
    pub(crate) differences: Vec<String>,
}

/// Tells `scenario` in a world of its own at `emulator`, with `fault` at `place`, and looks at the world when it is quiet again.
pub(crate) async fn play(
    emulator: &Arc<Emulator>,
    scenario: &Scenario,
    fault: Option<(&Place, Fault)>,
    then: Then,
) -> Played {
    let stage = Stage::set_on(emulator).await;
    let mut differences = prepare(&stage, scenario).await;
    let case = match scenario.press {
        Some(press) => {
            let (case, wrong) = wait_for_the_office(&stage, &scenario.run, press).await;
            differences.extend(wrong);
            Some((case, press))
        }
        None => None,
    };
    let event = match &case {
        Some((case, press)) => pressing(&stage, case, *press).await.expect("it waits for this button"),
        None => stage.delivery_of(&scenario.run),
    };
    // It knows the tokens of its start: of a rotation it must find out by itself.
    let process = stage.process(SignedDuration::ZERO).await.expect("it starts");
    if scenario.rotated {
        rotate_tokens(&stage).await;
    }
    let traffic = stage.traffic();
    traffic.forget();
    if let Some((place, fault)) = fault {
        traffic.fail_when(place.reached(&stage), fault.fault());
    }
    let outcomes = Box::pin(run(&stage, process, &event, scenario, fault.map(|(_, fault)| fault))).await;
    let calls = traffic.calls();
    let (places, met) = (places(&stage, &calls), calls.iter().any(|call| call.fault.is_some()));
    traffic.heal();
    // Told while another process is at work on the booking, a snapshot is recorded and left to that one.
    let may_be_busy = |told: usize| scenario.during.is_some() && told == 1;
    let as_it_should = |(told, outcome): (usize, &Outcome)| {
        let done = if scenario.is_a_press() { SEE_OTHER } else { 200 };
        outcome.status() == Some(done) || (outcome.status() == Some(202) && may_be_busy(told))
    };
    if fault.is_none() && !outcomes.iter().enumerate().all(as_it_should) {
        differences.push(format!("without a fault it came to {outcomes:?}"));
    }
    // A sender that was answered 2xx does not send again: from there on, the ledger alone must bring it in step. So it must what was pressed.
    let promised =
        scenario.is_a_press() || outcomes.iter().all(|outcome| outcome.status().is_some_and(|status| status < 300));
    if let Some((case, press)) = &case {
        differences.extend(press_again(&stage, case, *press, &outcomes[0]).await);
    }
    differences.extend(heal(&stage, scenario, then, promised).await);
    Played { places, met, differences }
}

/// Brings the scenario to where the run begins. On a busy machine a call may time out here as anywhere; what that leads to is not this
/// case's question, so it is told again as after a fault.
async fn prepare(stage: &Stage, scenario: &Scenario) -> Vec<String> {
    let mut differences = Vec::new();
    for told in scenario.before.iter().chain(&scenario.upon) {
        differences.extend(redeliver(stage, &[told]).await);
    }
    if !scenario.before.is_empty() && differences.is_empty() {
        work_by_hand(stage).await;
    }
    if scenario.deleted {
        delete_entry_by_hand(&stage.rehearsal).await;
    }
    // What is still on its way belongs to no run.
    stage.pass(Duration::from_secs(1)).await;
    differences
}

async fn rotate_tokens(stage: &Stage) {
    let world = &stage.rehearsal;
    world.calendar.set_token("rotated-dashboard-token");
    world.scc.set_service_key_hash(ServiceKeyHash::sha256("rotated-service-key"));
    for (secret, field, token) in
        [("calendar", "dashboard_token", "rotated-dashboard-token"), ("scc", "service_key", "rotated-service-key")]
    {
        let mut value = world.secret(secret).await.expect("a secret");
        value[field] = json!(token);
        world.put_secret(secret, &value).await.expect("stored");
    }
}

/// The run and what is told during and after it; what each delivery came to.
async fn run(
    stage: &Stage,
    process: Process,
    event: &Value,
    scenario: &Scenario,
    fault: Option<Fault>,
) -> Vec<Outcome> {
    let (over, first_is_over) = oneshot::channel();
    let first = async {
        let outcome = match fault.and_then(Fault::last_call) {
            Some(is_last) => process.invoke_until(event, stage.traffic(), is_last).await,
            None => process.invoke(event).await,
        };
        let _ = over.send(()); // Nobody waits for it where nothing is told meanwhile.
        outcome
    };
    let second = async {
        let told = scenario.during.as_ref()?;
        let creating = |call: &Call| call.service == Service::Calendar && call.operation == "POST /calendar";
        tokio::select! {
            () = stage.traffic().wait_for(|calls| calls.iter().any(creating)) => {}
            _ = first_is_over => {}
        }
        Some(stage.tell(told).await)
    };
    let (first, second) = Box::pin(async { tokio::join!(first, second) }).await;
    let mut outcomes: Vec<_> = std::iter::once(first).chain(second).collect();
    for told in &scenario.after {
        // Guests open the link as soon as it is there, and the edge holds what they saw.
        stage.look().await;
        outcomes.push(stage.tell(told).await);
    }
    outcomes
}

/// Lets the world come to rest, and says what is wrong with it then.
async fn heal(stage: &Stage, scenario: &Scenario, then: Then, promised: bool) -> Vec<String> {
    let told_now: Vec<&Told> = scenario.told_now().collect();
    let mut differences = Vec::new();
    match then {
        Then::Redeliver => differences.extend(redeliver(stage, &told_now).await),
        Then::Sweep => {
            differences.extend(sweep(stage).await);
            if !promised {
                // The sender was not told that it is safe: either way is right, but only one of them at a time.
                let world = stage.look().await;
                let (old, new) = (scenario.expected(false), scenario.expected(true));
                let untouched = scenario.before.is_empty() && world.is_empty();
                if !untouched && (scenario.before.is_empty() || !old.differences(&world).is_empty()) {
                    differences.extend(new.differences(&world));
                }
                differences.extend(redeliver(stage, &told_now).await);
            }
        }
        Then::Both => {
            for told in told_now {
                stage.tell(told).await;
            }
            differences.extend(sweep(stage).await);
        }
    }
    let world = stage.look().await;
    differences.extend(scenario.expected(true).differences(&world));
    differences
}

/// Delivers `snapshots`, again after growing pauses, until all of it is in step; what it came to if it never is.
async fn redeliver(stage: &Stage, snapshots: &[&Told]) -> Option<String> {
    let mut last = Vec::new();
    for pause in HEALING {
        stage.pass(pause).await;
        last.clear();
        for told in snapshots {
            last.push(stage.tell(told).await);
        }
        if last.iter().all(|outcome| outcome.status() == Some(200)) {
            return None;
        }
    }
    Some(format!("delivered again and again, it comes to {last:?}"))
}

/// Sweeps until nothing was due for longer than any distance between tries; what went wrong with that.
pub(crate) async fn sweep(stage: &Stage) -> Option<String> {
    let mut last = None;
    for pause in HEALING {
        stage.pass(pause).await;
        let outcome =
            stage.process(SignedDuration::ZERO).await.expect("it starts").invoke(&json!({ "sweep": {} })).await;
        let Outcome::Answered { status: 200, body } = &outcome else {
            return Some(format!("a sweep came to {outcome:?}"));
        };
        if body["swept"] == 0 && pause >= LONGER_THAN_ANY_DISTANCE {
            return None;
        }
        last = Some(outcome);
    }
    Some(format!("after {} sweeps something is still due: {last:?}", HEALING.len()))
}
