//! The guest page's step.

use super::{
    ReconcileContext,
    attempt::{Attempt, StepOutcome},
};
use crate::{
    ledger::{Known, ShownEvent, ShownPage, Step, StepStatus},
    outbound::{CallError, Class},
    reconcile::{
        desired::{Desired, DesiredPage},
        plan::{self, Action},
    },
    runtime::telemetry::with_causes,
    systems::guest_page::PUT_PAGE,
};

const STEP: Step = Step::GuestPage;

/// Brings the page in step.
pub(super) async fn bring_in_step(context: &ReconcileContext<'_>) -> StepOutcome<Known<ShownPage>> {
    let before = &context.record.journal.guest_page;
    let desired = context.page();
    let action = plan::guest_page(&desired, before, &context.when());
    let mut attempt =
        Attempt::begin(context, STEP, plan::page_digest(&desired), StepOutcome::untouched(before.clone()));
    let (Desired::Shown(page) | Desired::Withdrawn(page), &Action::Publish { invalidate }) = (desired, &action) else {
        return attempt.end(action);
    };
    match publish(context, &page, invalidate).await {
        Ok(()) => {
            attempt.shows(ShownPage { content: Some(page.digest), ..page.shown });
            attempt.did("published");
            attempt.end(Action::Done(StepStatus::InStep))
        }
        Err(error) => {
            // It is unknown what arrived: the page may not show the old content any more.
            attempt.known.step.unknown = true;
            if let Some(shown) = &mut attempt.known.shown {
                shown.content = None;
            }
            attempt.fail(&error)
        }
    }
}

async fn publish(context: &ReconcileContext<'_>, page: &DesiredPage, invalidate: bool) -> Result<(), CallError> {
    let page = page.page.as_ref().map_err(|error| CallError::new(PUT_PAGE, Class::Refused, with_causes(error)))?;
    let reference = invalidate.then(|| format!("{}-{}", context.record.charter_id, context.record.fence));
    context.publisher.publish(page, &context.address, reference.as_deref(), &context.deadline).await
}

/// When SCC has told an id of its own meanwhile, the page still asks for photos under ours: it is due again at once.
pub(super) fn with_the_id_of(
    crew_event: &StepOutcome<Known<ShownEvent>>,
    context: &ReconcileContext<'_>,
    page: StepOutcome<Known<ShownPage>>,
) -> StepOutcome<Known<ShownPage>> {
    let before = context.event_id();
    let now = crew_event.known.shown.as_ref().map_or(before, |event| event.id.as_str());
    let asks_for_photos = context.publisher.uploads(now).is_some();
    if now == before || !asks_for_photos || page.known.step.status != StepStatus::InStep {
        return page;
    }
    let StepOutcome { mut known, work } = page;
    known.step.status = StepStatus::Due;
    known.step.next_try_at = Some(context.now());
    if let Some(shown) = &mut known.shown {
        shown.content = None;
    }
    StepOutcome { known, work }
}
