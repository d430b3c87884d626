//! One case as it is now: what the ledger has of it, and what a page says of that.

use super::{Refusal, Visit, buttons};
use crate::{
    booking::{BookingId, one_line},
    commands::{
        list::boat,
        notify::case_of,
        quarantine::{QuarantineLine, line, one, quarantined_of},
        status::{Line, act_line, timeline},
        work::Progress,
    },
    ledger::{
        BookingRecord, DeliveryId, DeliverySummary, Failure, PerStep, QuarantinedDelivery, Step, StepRecord,
        StepStatus, digest,
    },
    reconcile::{desired::DesiredState, guest_news::guest_message},
    response::{BookingState, ledger_unavailable, no_such_booking},
    systems::{
        guest_page::Address,
        office::{
            Case as Told,
            desk_links::button,
            desk_page::{ButtonView, CasePage, ConcernView, LineView, MessageView, Standing, SystemView, Tone},
            desk_token::{Press, Seen, Subject},
        },
    },
};

/// What a visitor looks at.
pub(super) enum Case {
    Booking(Box<OnRecord>),
    Delivery { id: DeliveryId, found: Box<QuarantinedDelivery> },
}

/// A booking, and what was said of it.
pub(super) struct OnRecord {
    pub(super) record: BookingRecord,
    pub(super) desired: DesiredState,
    deliveries: Vec<DeliverySummary>,
    quarantined: Vec<QuarantineLine>,
}

impl Case {
    pub(super) async fn load(visit: &Visit<'_>) -> Result<Self, Refusal> {
        let (app, deadline) = (visit.app, visit.deadline);
        match &visit.subject {
            Subject::Booking(booking_id) => {
                tracing::Span::current().record("booking_id", booking_id.as_str());
                let (record, deliveries, quarantined) = tokio::join!(
                    app.ledger.state(booking_id, deadline),
                    app.ledger.deliveries(booking_id, deadline),
                    quarantined_of(app, booking_id, deadline),
                );
                let record = record.map_err(ledger_unavailable)?.ok_or_else(|| no_such_booking(booking_id))?;
                let desired = DesiredState::of(&record, &app.operator, false);
                let deliveries = deliveries.map_err(ledger_unavailable)?;
                let quarantined = quarantined.map_err(ledger_unavailable)?;
                Ok(Self::Booking(Box::new(OnRecord { record, desired, deliveries, quarantined })))
            }
            Subject::Delivery(id) => {
                let (id, found) = one(app, id, deadline).await?;
                Ok(Self::Delivery { id, found: Box::new(found) })
            }
            Subject::Everything => Err(super::no_such_link()),
        }
    }

    /// The state that somebody sees who looks now.
    pub(super) fn seen(&self) -> Seen {
        match self {
            Self::Booking(on_record) => seen(&on_record.record),
            Self::Delivery { found, .. } => Seen { decided_seq: 0, acts: found.acts.count },
        }
    }

    /// The newest thing that the office did.
    pub(super) fn last_act(&self, visit: &Visit<'_>) -> Option<String> {
        let acts = match self {
            Self::Booking(on_record) => &on_record.record.acts,
            Self::Delivery { found, .. } => &found.acts,
        };
        acts.entries.last().map(|act| format!("{}: {}, by {}", visit.dock(act.at), act.what, act.by))
    }

    /// Why a person must look.
    pub(super) fn told(&self, visit: &Visit<'_>) -> Told {
        match self {
            Self::Booking(on_record) => case_of(visit.app, &on_record.record, visit.deadline),
            Self::Delivery { id, found } => crate::commands::notify::case_of_delivery(visit.app, id, found),
        }
    }

    /// Its buttons, without the one under the message.
    pub(super) fn buttons(&self, visit: &Visit<'_>) -> Vec<buttons::Button> {
        match self {
            Self::Booking(on_record) => {
                let needs_a_person = !self.told(visit).concerns.is_empty();
                buttons::of_booking(&on_record.record, &on_record.desired, needs_a_person)
            }
            Self::Delivery { id, found } => buttons::of_delivery(found, line(visit.app, id, found).readable),
        }
    }

    /// The message for the guest, if there is something to tell.
    pub(super) fn message(&self, visit: &Visit<'_>) -> Option<String> {
        let Self::Booking(on_record) = self else { return None };
        let address = Address::of(&on_record.record.charter_id, &visit.app.config.guest_page);
        guest_message(&on_record.desired, &on_record.record, &address.url)
    }
}

/// The state of a booking that somebody sees who looks now.
pub(super) fn seen(record: &BookingRecord) -> Seen {
    let decided_seq = record.decision.as_ref().map_or(0, |decision| decision.seq);
    Seen { decided_seq, acts: record.acts.count }
}

/// A case, as a page says it.
pub(super) fn page(visit: &Visit<'_>, case: &Case) -> CasePage {
    let told = case.told(visit);
    let views = |(place, button): (usize, buttons::Button)| ButtonView {
        label: button.label,
        hint: button.hint,
        url: url_of(visit, case, button),
        is_first: place == 0,
    };
    let buttons = case.buttons(visit).into_iter().enumerate().map(views).collect();
    match case {
        Case::Booking(on_record) => of_booking(visit, case, on_record, told, buttons),
        Case::Delivery { id, found } => of_delivery(visit, id, found, told, buttons),
    }
}

fn url_of(visit: &Visit<'_>, case: &Case, pressed: buttons::Button) -> String {
    let press = Press { action: pressed.action, seen: case.seen() };
    button(&visit.key, &visit.path, visit.subject.clone(), press, visit.now)
}

fn of_booking(visit: &Visit<'_>, case: &Case, on_record: &OnRecord, told: Told, buttons: Vec<ButtonView>) -> CasePage {
    let OnRecord { record, desired, deliveries, quarantined } = on_record;
    let sale = record.sale.as_ref();
    let guests = sale.map(|sale| match sale.party_size {
        1 => "1 guest".to_owned(),
        guests => format!("{guests} guests"),
    });
    let flags: Vec<String> = desired.flags(record).iter().map(|flag| flag.words()).collect();
    let concerns = concerns(told.concerns, &flags);
    let is_shown = record.journal.guest_page.shown.is_some();
    let guest_page = is_shown.then(|| Address::of(&record.charter_id, &visit.app.config.guest_page).url);
    let message = case.message(visit).map(|text| message(visit, case, record, text));
    let mut lines = timeline(visit.app, record, deliveries);
    lines.reverse();
    CasePage {
        id: record.booking_id.to_string(),
        who: who(record),
        when: sale.map(|sale| visit.dock(sale.start)),
        facts: [boat(visit.app, record), guests, Some(record.booking_id.to_string())].into_iter().flatten().collect(),
        standing: standing(record, desired, !concerns.is_empty()),
        besides: (!concerns.is_empty()).then_some(told.besides).filter(|besides| !besides.is_empty()),
        concerns,
        flags,
        systems: systems(visit, record, desired),
        guest_page,
        message,
        buttons,
        timeline: lines.into_iter().map(|line| line_view(visit, line)).collect(),
        waiting: quarantined.iter().map(|line| not_understood(visit, line)).collect(),
        back: visit.desk.clone(),
    }
}

fn of_delivery(
    visit: &Visit<'_>,
    id: &DeliveryId,
    found: &QuarantinedDelivery,
    told: Told,
    buttons: Vec<ButtonView>,
) -> CasePage {
    let names: Vec<&str> = found.bookings.iter().map(BookingId::as_str).collect();
    let who = if names.is_empty() { "A message that is not understood".to_owned() } else { names.join(", ") };
    let standing = match (found.waits, &found.closed_because) {
        (true, _) => Standing { tone: Tone::Stop, words: "Not understood: nothing was made of it".into() },
        (false, because) => {
            let because = because.clone().unwrap_or_else(|| "it was understood".into());
            Standing { tone: Tone::Quiet, words: format!("Over: {because}") }
        }
    };
    let came = came_in(visit, found);
    let acted = found.acts.entries.iter().map(|act| act_line(visit.app, act));
    let mut lines: Vec<Line> = std::iter::once(came).chain(acted).collect();
    lines.reverse();
    CasePage {
        id: id.to_string(),
        who,
        when: Some(format!("came {}", visit.dock(found.delivery.received_at))),
        facts: vec![id.sender().to_owned()],
        standing,
        besides: None,
        concerns: concerns(told.concerns, &[]),
        flags: Vec::new(),
        systems: Vec::new(),
        guest_page: None,
        message: None,
        buttons,
        timeline: lines.into_iter().map(|line| line_view(visit, line)).collect(),
        waiting: Vec::new(),
        back: visit.desk.clone(),
    }
}

fn came_in(visit: &Visit<'_>, found: &QuarantinedDelivery) -> Line {
    let at = found.delivery.received_at;
    Line { at, local: visit.app.local(at), kind: "delivery", step: None, what: "came in".into(), delivery_id: None }
}

fn who(record: &BookingRecord) -> String {
    let name = record.sale.as_ref().map(|sale| one_line(&sale.guest.name)).filter(|name| !name.is_empty());
    name.unwrap_or_else(|| record.booking_id.to_string())
}

/// What is the matter, without the flags: these have a place of their own.
fn concerns(concerns: Vec<crate::systems::office::Concern>, flags: &[String]) -> Vec<ConcernView> {
    let is_a_flag = |what: &str| flags.iter().any(|flag| what.ends_with(flag.as_str()));
    let others = concerns.into_iter().filter(|concern| !is_a_flag(&concern.what));
    others
        .map(|concern| ConcernView {
            what: format!("It {}", concern.what),
            next: concern.next.trim_end_matches('.').to_owned(),
        })
        .collect()
}

pub(super) fn standing(record: &BookingRecord, desired: &DesiredState, needs_a_person: bool) -> Standing {
    let (tone, words) = match (record.dismissed.as_ref().filter(|_| record.is_dismissed()), needs_a_person) {
        (Some(dismissed), _) => (Tone::Quiet, format!("Left as it is: {}", dismissed.why)),
        (None, true) => (Tone::Stop, "Needs you".to_owned()),
        (None, false) => match (Progress::seen(record.clone()).state, desired) {
            (BookingState::Parked, _) => (Tone::Stop, "Needs you".to_owned()),
            (BookingState::Due, _) => (Tone::Waits, "Not everywhere yet: it is tried again by itself".to_owned()),
            (BookingState::Recorded, _) => (Tone::Quiet, "On record; nothing is sent anywhere".to_owned()),
            (BookingState::InStep, DesiredState::Cancelled(_)) => {
                (Tone::Good, "Cancelled, and everybody sees it".to_owned())
            }
            (BookingState::InStep, _) => (Tone::Good, "In step everywhere".to_owned()),
        },
    };
    Standing { tone, words }
}

/// The four systems, each in words.
pub(super) fn systems(visit: &Visit<'_>, record: &BookingRecord, desired: &DesiredState) -> Vec<SystemView> {
    let names = PerStep {
        calendar: "Calendar",
        crew_event: "Crew (ShipCaptainCrew)",
        crew_redaction: "Crew see no money",
        guest_page: "Guest page",
    };
    let is_off = matches!(desired, DesiredState::Cancelled(_));
    let of_step = |(step, ((known, remote_id), name)): (Step, &((&StepRecord, Option<&str>), &'static str))| {
        let failure = known.failure.as_ref().filter(|_| known.status != StepStatus::InStep);
        SystemView {
            name,
            standing: stands(step, known, remote_id.is_some(), is_off),
            detail: failure.map(why),
            next: failure.map(|failure| failure.next.clone()),
            again: known.next_try_at.filter(|_| known.status == StepStatus::Due).map(|at| visit.dock(at)),
        }
    };
    let steps = record.journal.steps().zip(record.journal.remote_ids()).zip(names);
    steps.each().into_iter().map(of_step).collect()
}

fn why(failure: &Failure) -> String {
    failure.detail.clone()
}

fn stands(step: Step, known: &StepRecord, is_shown: bool, is_off: bool) -> Standing {
    let (tone, words) = match (known.status, step) {
        (StepStatus::InStep, Step::CrewRedaction) => (Tone::Good, "checked"),
        (StepStatus::InStep, _) if is_off => (Tone::Good, "says that it is cancelled"),
        (StepStatus::InStep, _) => (Tone::Good, "in step"),
        (StepStatus::NotNeeded, _) => (Tone::Quiet, "nothing to show"),
        (StepStatus::Due, Step::CrewRedaction) => (Tone::Waits, "not checked yet"),
        (StepStatus::Due, _) if is_shown => (Tone::Waits, "not up to date yet"),
        (StepStatus::Due, _) => (Tone::Waits, "not there yet"),
        (StepStatus::Parked, Step::CrewRedaction) => (Tone::Stop, "not checked, needs you"),
        (StepStatus::Parked, _) if is_shown => (Tone::Stop, "not up to date, needs you"),
        (StepStatus::Parked, _) => (Tone::Stop, "not there, needs you"),
    };
    Standing { tone, words: words.to_owned() }
}

fn message(visit: &Visit<'_>, case: &Case, record: &BookingRecord, text: String) -> MessageView {
    let this = digest(text.as_bytes());
    let sent = record.acts.entries.iter().rfind(|act| act.message.as_ref() == Some(&this));
    let sent = sent.map(|act| format!("{}, by {}", visit.dock(act.at), act.by));
    let url = sent.is_none().then(|| url_of(visit, case, buttons::sent()));
    MessageView { text, sent, url }
}

fn line_view(visit: &Visit<'_>, line: Line) -> LineView {
    let entered = line.delivery_id.as_ref().is_some_and(|id| id.starts_with("person~"));
    let who = match (line.kind, line.step) {
        ("office", _) => "Office",
        ("delivery", _) if entered => "Entered by hand",
        ("delivery", _) => "Marketplace",
        (_, Some(Step::Calendar)) => "Calendar",
        (_, Some(Step::CrewEvent)) => "Crew",
        (_, Some(Step::CrewRedaction)) => "Money check",
        (_, Some(Step::GuestPage)) => "Guest page",
        _ => "Next",
    };
    // A delivery's own time is in UTC there, and says the office nothing: when it came in stands beside it.
    let what = line.what.split(", as of ").next().unwrap_or_default().to_owned();
    LineView { when: visit.dock(line.at), kind: line.kind, who, what }
}

/// A delivery in quarantine, in one line.
pub(super) fn not_understood(visit: &Visit<'_>, line: &QuarantineLine) -> String {
    let why: Vec<String> = line.why.iter().map(|fault| format!("{} {}", fault.pointer, fault.detail)).collect();
    let why = if line.readable { "it can be read now: try again".to_owned() } else { why.join("; ") };
    format!("{} from {}: {why}", visit.dock(line.received_at), line.sender)
}
