//! The guest page's step: the newest page in the bucket and at the edge. Both may be written again at any time with the same effect.

use std::ops::ControlFlow;

use jiff::Timestamp;

use super::{ReconcileContext, StepOutcome, Trigger, attempt::Attempt, course::DesiredState};
use crate::{
    booking::Booking,
    ledger::{Applied, Standing, Step, StepRecord, digest},
    outbound::{CallError, Class},
    runtime::telemetry::with_causes,
    systems::guest_page::{GuestPage, Moved, PUT_PAGE, PageInput, RenderError},
};

const STEP: Step = Step::GuestPage;
/// The names under which the ledger keeps which start the page said, and which one before that.
const START: &str = "start";
const MOVED_FROM: &str = "moved_from";
const MOVED_AT: &str = "moved_at";
/// The names under which it keeps the page's stamp.
const SEQUENCE: &str = "sequence";
const CHANGED_AT: &str = "changed_at";

/// Counts and dates the changes that guests can see (RFC 5545, `SEQUENCE` and `DTSTAMP`): another price is none of them.
#[derive(Debug, Clone, Copy)]
struct Stamp {
    sequence: u64,
    changed_at: Timestamp,
}

impl Stamp {
    /// The newest decision's.
    fn new(round: &ReconcileContext<'_>) -> Self {
        let decisions = round.record.decision.as_ref().map_or(0, |decision| decision.seq);
        Self { sequence: decisions.saturating_sub(1), changed_at: round.changed_at() }
    }

    /// The one that the page had last.
    fn kept_in(applied: &Applied) -> Option<Self> {
        let (sequence, changed_at) = (applied.get(SEQUENCE)?.parse().ok()?, applied.get(CHANGED_AT)?.parse().ok()?);
        Some(Self { sequence, changed_at })
    }

    fn keep_in(self, applied: &mut Applied) {
        applied.insert(SEQUENCE.into(), self.sequence.to_string());
        applied.insert(CHANGED_AT.into(), self.changed_at.to_string());
    }
}

/// Brings the page in step.
pub(super) async fn bring_in_step(round: &ReconcileContext<'_>) -> StepOutcome {
    let known = &round.record.journal.guest_page;
    let (booking, cancelled) = match round.course {
        DesiredState::Stands(booking) => (booking, false),
        DesiredState::Cancelled(_) if !known.may_show_something() => {
            return StepOutcome::not_needed(known.clone(), None);
        }
        DesiredState::Cancelled(booking) => (booking, true),
        DesiredState::NeedsDecision(held) => return StepOutcome::held(round, STEP, *held),
        DesiredState::Nothing => return StepOutcome::not_needed(known.clone(), None),
    };
    let mut applied = starts(round, booking, known);
    let render = |stamp: Stamp, applied: &Applied| {
        let uploads = round.systems.publisher.uploads(event_id(round));
        let input = PageInput { uploads: uploads.as_ref(), ..page_input(round, booking, applied, stamp) };
        round.systems.renderer.render(&PageInput { cancelled, ..input })
    };
    // With the stamp that it has, the page tells whether guests would see anything new.
    let last = Stamp::kept_in(&known.applied);
    let unchanged = last.and_then(|stamp| render(stamp, &applied).ok().filter(|page| known.shows(&content(page))));
    let stamp = last.filter(|_| unchanged.is_some()).unwrap_or_else(|| Stamp::new(round));
    let page = unchanged.map_or_else(|| render(stamp, &applied), Ok);
    stamp.keep_in(&mut applied);
    let content = page.as_ref().map_or_else(|_unrenderable| "unrenderable".to_owned(), content);
    let mut attempt = match Attempt::begin(round, STEP, content.clone()) {
        ControlFlow::Continue(attempt) => attempt,
        ControlFlow::Break(outcome) => return outcome,
    };
    if attempt.known.shows(&content) && !attempt.known.unknown && round.trigger != Trigger::Person {
        return attempt.end(Ok(Standing::InStep));
    }
    let published = publish(round, page).await;
    if published.is_ok() {
        let shown = applied.into_iter().chain([(StepRecord::CONTENT.to_owned(), content)]);
        attempt.stands(&round.address.key, shown.collect());
        attempt.did("published");
    } else {
        // Whatever arrived of it, the page may not show the old content any more.
        attempt.known.forget_applied(StepRecord::CONTENT);
        attempt.known.unknown = true;
    }
    let outcome = attempt.end(published.map(|()| Standing::InStep));
    round.journal(STEP, &outcome).await;
    outcome
}

async fn publish(round: &ReconcileContext<'_>, page: Result<GuestPage, RenderError>) -> Result<(), CallError> {
    let page = page.map_err(|error| CallError::new(PUT_PAGE, Class::Refused, with_causes(&error)))?;
    let reference = format!("{}-{}", round.record.charter_id, round.record.fence);
    round.systems.publisher.publish(&page, round.address, &reference, &round.deadline).await
}

fn content(page: &GuestPage) -> String {
    digest([page.html.as_bytes(), page.calendar.as_bytes()].join(&0).as_slice())
}

/// When SCC has told an id of its own meanwhile, the page still asks for photos under ours: it is due again at once.
pub(super) fn with_the_id_of(crew_event: &StepOutcome, round: &ReconcileContext<'_>, page: StepOutcome) -> StepOutcome {
    let id = crew_event.known.remote_id.as_deref().unwrap_or(event_id(round));
    let asks_for_photos = round.systems.publisher.uploads(id).is_some();
    if id == event_id(round) || !asks_for_photos || page.known.standing != Standing::InStep {
        return page;
    }
    let mut known = StepRecord { standing: Standing::Due, next_try_at: Some(round.deadline.now()), ..page.known };
    known.forget_applied(StepRecord::CONTENT);
    StepOutcome { known, ..page }
}

/// What SCC takes photos under: its own id of the event, ours as long as it has told none.
fn event_id<'a>(round: &'a ReconcileContext<'_>) -> &'a str {
    let record = round.record;
    record.journal.crew_event.remote_id.as_deref().unwrap_or(record.charter_id.as_str())
}

/// Which start the page will say, and which one it said before, if it said another.
fn starts(round: &ReconcileContext<'_>, booking: &Booking, known: &StepRecord) -> Applied {
    let start = booking.charter.time.start().timestamp().to_string();
    let before = |name: &str| known.applied.get(name).cloned();
    let changed_at = round.changed_at().to_string();
    let (from, at) = match before(START) {
        Some(said) if said != start => (Some(said), Some(changed_at)),
        _ => (before(MOVED_FROM), before(MOVED_AT)),
    };
    let named = [(START, Some(start)), (MOVED_FROM, from), (MOVED_AT, at)];
    named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn page_input<'a>(
    round: &'a ReconcileContext<'_>,
    booking: &'a Booking,
    applied: &Applied,
    stamp: Stamp,
) -> PageInput<'a> {
    let instant = |name: &str| applied.get(name)?.parse::<Timestamp>().ok();
    PageInput {
        charter: &booking.charter,
        address: round.address,
        operator: round.systems.operator,
        cancelled: false,
        sequence: stamp.sequence,
        changed_at: stamp.changed_at,
        moved: instant(MOVED_FROM).zip(instant(MOVED_AT)).map(|(from, at)| Moved { from, at }),
        uploads: None,
    }
}
