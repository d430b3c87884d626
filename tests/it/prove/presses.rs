//! A scenario whose run is a press at the office's desk: what was told before it waits for just that.

use std::time::Duration;

use serde_json::Value;
use simulators::traffic::Service;

use super::{
    stage::{HEALING, Stage, browsed},
    story::{Told, button, case_in_mail},
};
use crate::world::REFUSED;

/// A little later than the charter begins, and long before it ends.
const AFTER_ITS_START: Duration = Duration::from_mins(10);

/// What the office presses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Press {
    /// The button's words.
    pub(crate) label: &'static str,
    /// Why it waits.
    pub(crate) because: Waits,
}

/// Why a booking waits for the office.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waits {
    /// The calendar refused its entry.
    Refused,
    /// It was cancelled when it had begun.
    Begun,
    /// It is confirmed again after it was cancelled.
    Cancelled,
}

/// Tells `run`, which waits then; the case at the desk, and what went wrong.
pub(crate) async fn wait_for_the_office(stage: &Stage, run: &Told, press: Press) -> (String, Vec<String>) {
    match press.because {
        Waits::Refused => stage.traffic().fail_next(Service::Calendar, "POST", REFUSED, 1),
        Waits::Begun => {
            let until = run.start().timestamp().duration_since(stage.time.now());
            stage.pass(Duration::try_from(until).expect("it is to come") + AFTER_ITS_START).await;
        }
        Waits::Cancelled => {}
    }
    let outcome = stage.tell(run).await;
    let differences = (outcome.status() != Some(202)).then(|| format!("it does not wait: {outcome:?}"));
    stage.pass(Duration::from_mins(1)).await;
    stage.sweep().await;
    (case_in_mail(stage).await, differences.into_iter().collect())
}

/// The event of the press, by the case as it is drawn now; `None` when it has no such button.
pub(crate) async fn pressing(stage: &Stage, case: &str, press: Press) -> Option<Value> {
    button(stage, case, press.label).await.map(|path| browsed("POST", &path, ""))
}

/// Whoever pressed and got no page looks again, and presses again as long as the button is there; what is wrong with what the timeline
/// has of it then.
pub(crate) async fn press_again(stage: &Stage, case: &str, press: Press) -> Vec<String> {
    for pause in HEALING {
        stage.pass(pause).await;
        match pressing(stage, case, press).await {
            Some(event) => drop(stage.invoke(&event).await),
            None => return differences(stage, press).await,
        }
    }
    vec![format!("{:?} can be pressed for ever", press.label)]
}

/// Of one press that nobody answered and the next: each stands there, in the button's words.
async fn differences(stage: &Stage, press: Press) -> Vec<String> {
    let status = stage.status().await;
    let lines = status["timeline"].as_array().into_iter().flatten();
    let acts: Vec<&str> =
        lines.filter(|line| line["kind"] == "office").map(|line| line["what"].as_str().unwrap_or_default()).collect();
    let are_right = (1..=2).contains(&acts.len()) && acts.iter().all(|act| act.starts_with(press.label));
    (!are_right).then(|| format!("the timeline has {acts:?} of one press of {:?}", press.label)).into_iter().collect()
}
