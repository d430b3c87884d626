//! The fan-out: look at what is there, then bring each system to where it should be.
//!
//! ```text
//!            ┌▶ calendar ─▶ crew event ─▶ redaction check
//! observe ───┤
//!            └▶ guest page                                  (beside it)
//! ```
//!
//! Two branches run at once and neither can stop the other: each step reports for itself. The crew event's notes carry the calendar
//! entry's id, so it waits for that, but not for long: crew must know. The redaction check needs the crew event, so a wrong order does
//! not compile.
//!
//! Nothing is remembered between invocations yet, so every system is looked at before anything is created: a delivery can be repeated
//! without a second effect, and a booking that is seen to have changed is left to a person as a whole. What cannot be seen (a system that
//! cannot be read while the booking moves to another day) needs a memory.

mod observation;
mod report;
mod steps;

use std::time::Duration;

use jiff::Timestamp;
pub use report::{StepReport, StepState, Steps};
use tokio::sync::watch;

use self::observation::{Desired, Observed, observe};
use crate::{
    booking::{Charter, Confirmed, Operator},
    calendar::{Calendar, EntryId, StoredEntry},
    guest_page::{Address, Edition, GuestPage, Publisher, RenderError, Renderer},
    outbound::{CallError, Deadline},
    scc::{Scc, StandingEvent},
};

/// Everything that a booking is brought in step with.
#[derive(Debug)]
pub struct Systems<'a> {
    /// The office's calendar.
    pub calendar: Calendar<'a>,
    /// The crew's system.
    pub scc: Scc<'a>,
    /// Where guests look.
    pub publisher: Publisher<'a>,
    /// What guests see.
    pub renderer: &'a Renderer,
    /// The operator's standing decisions.
    pub operator: &'a Operator,
    /// How long the crew event waits for the calendar entry's id.
    pub crew_event_wait: Duration,
}

impl Systems<'_> {
    /// What guests would see of a charter.
    ///
    /// # Errors
    /// [`RenderError`] when the template and its content do not fit.
    pub fn page(&self, charter: &Charter, address: &Address, changed_at: Timestamp) -> Result<GuestPage, RenderError> {
        let operator = self.operator;
        let uploads = self.publisher.uploads(charter.id.as_str());
        self.renderer.render(&Edition {
            charter,
            address,
            operator,
            cancelled: false,
            sequence: 0,
            changed_at,
            moved: None,
            uploads: uploads.as_ref(),
        })
    }
}

/// One booking on its way.
#[derive(Debug)]
pub struct Work<'a> {
    /// What was sold.
    pub booking: &'a Confirmed,
    /// Where its guest page is.
    pub address: &'a Address,
    /// When this invocation began.
    pub now: Timestamp,
    /// Tells this round of changes from every other one of the same booking.
    pub fence: i64,
    /// When the last call must be over.
    pub deadline: Deadline,
}

impl Work<'_> {
    /// After its end a charter is history: crew are told nothing about it any more.
    fn is_over(&self) -> bool {
        self.booking.charter.time.end().timestamp() <= self.now
    }
}

/// Makes all four systems show the booking, as far as they let us, and says for each how that went.
pub async fn bring_in_step(systems: &Systems<'_>, work: &Work<'_>) -> Steps {
    let desired = Desired::of(work);
    let observed = observe(systems, &desired, work.deadline).await;
    if let Some(conflict) = observed.conflict(&desired) {
        return parked(systems, work, &desired, &observed, conflict).await;
    }
    let ((calendar, crew_event, crew_redaction), guest_page) = tokio::join!(
        calendar_then_crew(systems, work, &desired, observed.entries, observed.event),
        steps::guest_page(systems, work)
    );
    Steps { calendar, crew_event, crew_redaction, guest_page }
}

/// A person must decide about the booking, but not about money that crew can see: that goes whatever else is wrong.
async fn parked(
    systems: &Systems<'_>,
    work: &Work<'_>,
    desired: &Desired,
    observed: &Observed,
    conflict: String,
) -> Steps {
    let steps = Steps::all(&StepReport::parked("observe", conflict));
    match observed.event() {
        Some(event) if desired.event.is_same_booking(event) => {
            Steps { crew_redaction: steps::redaction(systems, work, event).await, ..steps }
        }
        _ => steps,
    }
}

async fn calendar_then_crew(
    systems: &Systems<'_>,
    work: &Work<'_>,
    desired: &Desired,
    entries: Result<Vec<StoredEntry>, CallError>,
    event: Result<Option<StandingEvent>, CallError>,
) -> (StepReport, StepReport, StepReport) {
    let (announce, entry_id) = watch::channel(None);
    let (calendar, (crew_event, crew_redaction)) = tokio::join!(
        steps::calendar(systems, work, desired, entries, announce),
        crew(systems, work, desired, event, entry_id)
    );
    (calendar, crew_event, crew_redaction)
}

/// The entry's id as soon as the calendar step has it; the channel closes when it has failed.
type EntryIdChannel = watch::Receiver<Option<EntryId>>;

async fn crew(
    systems: &Systems<'_>,
    work: &Work<'_>,
    desired: &Desired,
    standing: Result<Option<StandingEvent>, CallError>,
    mut entry_id: EntryIdChannel,
) -> (StepReport, StepReport) {
    let (mut report, event) = steps::crew_event(systems, work, desired, standing, &mut entry_id).await;
    let Some(event) = event else {
        let redaction = StepReport::waiting("the crew event", &report);
        return (report, redaction);
    };
    let mut redaction = steps::redaction(systems, work, &event).await;
    if let Some(patched) = steps::late_entry_id(systems, work, &event, &mut entry_id).await {
        report = report.and(patched);
        redaction = redaction.and(steps::redaction(systems, work, &event).await);
    }
    (report, redaction)
}
