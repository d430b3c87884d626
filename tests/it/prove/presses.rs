//! A scenario whose run is a press at the office's desk: what was told before it waits for just that.

use std::time::Duration;

use serde_json::Value;
use simulators::traffic::Service;

use super::{
    stage::{HEALING, Outcome, Stage, browsed},
    story::{Told, button, case_in_mail},
};
use crate::world::REFUSED;

/// What a press that was carried out is answered: see the case as it is now.
pub(crate) const SEE_OTHER: u16 = 303;
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

/// A person who pressed and got no page looks again, and presses again as long as the button is there; what is wrong with what the timeline
/// has of it then.
pub(crate) async fn press_again(stage: &Stage, case: &str, press: Press, outcome: &Outcome) -> Vec<String> {
    let is_answered = |outcome: &Outcome| outcome.status() == Some(SEE_OTHER);
    let (mut pressed, mut answered) = (1, is_answered(outcome));
    for pause in HEALING {
        if answered {
            break;
        }
        stage.pass(pause).await;
        let Some(event) = pressing(stage, case, press).await else { break };
        pressed += 1;
        answered = is_answered(&stage.invoke(&event).await);
    }
    differences(stage, press, pressed).await
}

/// What nobody answered may have been noted; what was answered is.
async fn differences(stage: &Stage, press: Press, pressed: usize) -> Vec<String> {
    let status = stage.status().await;
    let lines = status["timeline"].as_array().into_iter().flatten();
    let acts: Vec<&str> =
        lines.filter(|line| line["kind"] == "office").map(|line| line["what"].as_str().unwrap_or_default()).collect();
    let are_right = (1..=pressed).contains(&acts.len()) && acts.iter().all(|act| act.starts_with(press.label));
    let wrong =
        (!are_right).then(|| format!("{:?} was pressed {pressed} times, and the timeline has {acts:?}", press.label));
    wrong.into_iter().collect()
}
