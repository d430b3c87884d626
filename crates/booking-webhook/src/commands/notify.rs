//! What the office hears. Only the sweep sends: what a booking or delivery should say, compared with what the office was told last.

use futures::{StreamExt, stream};

use crate::{
    booking::BookingId,
    commands::{intake::faults_now, overlap::settle},
    ledger::{BookingRecord, DeliveryId, Figures, NoticeOf, PendingNotice, QuarantinedDelivery, Told, Waiting, digest},
    outbound::{CallError, Deadline},
    reconcile::{
        concerns::{case, should_know},
        desired::DesiredState,
    },
    runtime::app::App,
    systems::{
        guest_page::Address,
        office::{Case, Change, Concern, DeskWay, Notice, desk_token, mails, notices::dock_time},
    },
};

/// In one sweep; the rest is the next one's.
const MOST_NOTICES: i32 = 100;
/// Looked at in one sweep, to close what is not needed any more.
const MOST_QUARANTINED: i32 = 100;
const AT_ONCE: usize = 5;
/// One that overlaps, the other one, and once more: the rest is the next sweep's.
const MOST_PASSES: usize = 3;

/// One notice as it stands now, and how it is written back.
struct Prepared {
    pending: PendingNotice,
    subject: Subject,
    should_know: Told,
    /// `None` when the office knows already.
    notice: Option<Notice>,
}

enum Subject {
    Booking(Box<BookingRecord>),
    Delivery(DeliveryId),
    Audit,
}

/// Closes what is not needed any more in quarantine, if `something_waits` there, then tells the office what is new; answers how many notices were sent.
///
/// # Errors
/// [`CallError`] of the ledger, or of the first mail that could not be sent: what was not written back is looked at again.
pub(crate) async fn tell_the_office(app: &App, something_waits: bool, deadline: &Deadline) -> Result<usize, CallError> {
    if something_waits {
        close_what_is_superseded(app, deadline).await?;
    }
    let prepared = settled(app, deadline).await?;
    let notices: Vec<Notice> = prepared.iter().filter_map(|prepared| prepared.notice.clone()).collect();
    send(app, &notices, deadline).await?;
    for prepared in &prepared {
        write_back(app, prepared, deadline).await?;
    }
    Ok(notices.len())
}

/// What is to be told, once what bookings owe beside the calendar is worked off: the office should hear of both that overlap at once.
async fn settled(app: &App, deadline: &Deadline) -> Result<Vec<Prepared>, CallError> {
    let mut prepared = prepare_all(app, deadline).await?;
    for _ in 0..MOST_PASSES {
        let mut is_new = false;
        for booking_id in prepared.iter().filter_map(Prepared::owing) {
            is_new |= Box::pin(settle(app, booking_id, deadline)).await?;
        }
        if !is_new {
            break;
        }
        prepared = prepare_all(app, deadline).await?;
    }
    Ok(prepared)
}

async fn prepare_all(app: &App, deadline: &Deadline) -> Result<Vec<Prepared>, CallError> {
    let pending = app.ledger.pending_notices(MOST_NOTICES, deadline).await?;
    let each: Vec<_> = pending.into_iter().map(|pending| Box::pin(prepare(app, pending, deadline))).collect();
    let prepared: Vec<_> = stream::iter(each).buffered(AT_ONCE).collect().await;
    Ok(prepared.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

impl Prepared {
    /// The booking, if it owes something beside the calendar.
    fn owing(&self) -> Option<&BookingId> {
        match &self.subject {
            Subject::Booking(record) if record.owes_a_look() => Some(&record.booking_id),
            _ => None,
        }
    }
}

async fn send(app: &App, notices: &[Notice], deadline: &Deadline) -> Result<(), CallError> {
    let Some(office) = app.notices() else {
        // Names are personal: the log says which booking, the status says the rest.
        for Notice { case: Case { id, concerns, .. }, change, .. } in notices {
            let (concerns, says) = (concerns.len(), says(*change));
            tracing::warn!(notice_of = id, ?change, concerns, "{id}: {says} (no NOTICES_TOPIC: nobody is mailed)");
        }
        return Ok(());
    };
    for mail in mails(notices) {
        office.send(&mail, deadline).await?;
    }
    Ok(())
}

fn says(change: Change) -> &'static str {
    match change {
        Change::Begins => "begins to need a person",
        Change::Changed => "still needs a person, and something has changed",
        Change::Over => "does not need a person any more",
        Change::Cancelled => "is cancelled, and its guest is to be told",
    }
}

/// What a notice should say now. `None` when the booking is being worked on: its release says it anew.
async fn prepare(app: &App, pending: PendingNotice, deadline: &Deadline) -> Result<Option<Prepared>, CallError> {
    match &pending.of {
        NoticeOf::Booking(booking_id) => of_booking(app, booking_id, &pending, deadline).await,
        NoticeOf::Delivery(id) => of_delivery(app, id, &pending, deadline).await,
        NoticeOf::Audit => of_audit(app, &pending, deadline).await,
    }
}

async fn of_booking(
    app: &App,
    booking_id: &BookingId,
    pending: &PendingNotice,
    deadline: &Deadline,
) -> Result<Option<Prepared>, CallError> {
    let Some(record) = app.ledger.state(booking_id, deadline).await? else { return Ok(None) };
    if record.lease.is_some() {
        return Ok(None);
    }
    let case = case_of(app, &record, deadline);
    let (should_know, told) = (should_know(&case), &record.told);
    // It is said once.
    let guest_message = case.guest_message.filter(|_| should_know.guest_message != told.guest_message);
    let is_news = should_know.concerns != told.concerns || guest_message.is_some();
    let way = || way(app, desk_token::Subject::Booking(booking_id.clone()), deadline);
    let notice = is_news.then(|| Notice::new(Case { guest_message, ..case }, told.concerns.is_some()).with(way()));
    Ok(Some(Prepared { pending: pending.clone(), subject: Subject::Booking(Box::new(record)), should_know, notice }))
}

/// The link by which the office sees a case, made when its mail is.
fn way(app: &App, of: desk_token::Subject, deadline: &Deadline) -> DeskWay {
    match app.desk_links() {
        Some(links) => DeskWay::Link(links.case(of, deadline.now())),
        None => DeskWay::None(app.no_desk()),
    }
}

/// What the office should know of a booking, as it is now.
pub(super) fn case_of(app: &App, record: &BookingRecord, deadline: &Deadline) -> Case {
    let desired = DesiredState::of(record, &app.operator, false);
    let guest_page = Address::of(&record.charter_id, &app.config.guest_page).url;
    case(record, &desired, &app.operator, &guest_page, deadline.now())
}

async fn of_delivery(
    app: &App,
    id: &DeliveryId,
    pending: &PendingNotice,
    deadline: &Deadline,
) -> Result<Option<Prepared>, CallError> {
    let Some(found) = app.ledger.quarantined(id, deadline).await? else { return Ok(None) };
    let case = case_of_delivery(app, id, &found);
    // Why it cannot be read may change with the mapping; the office hears once that it waits.
    let should_know = found.waits.then(|| digest(id.to_string().as_bytes()));
    let way = || way(app, desk_token::Subject::Delivery(id.to_string()), deadline);
    let notice = (should_know != found.told).then(|| Notice::new(case, found.told.is_some()).with(way()));
    let should_know = Told { concerns: should_know, guest_message: None };
    Ok(Some(Prepared { pending: pending.clone(), subject: Subject::Delivery(id.clone()), should_know, notice }))
}

/// The figures of a night in which something was wrong.
async fn of_audit(app: &App, pending: &PendingNotice, deadline: &Deadline) -> Result<Option<Prepared>, CallError> {
    let Some(run) = app.ledger.audit_run(deadline).await? else { return Ok(None) };
    let began = dock_time(&run.began_at.to_zoned(app.operator.time_zone.clone()));
    let notice = figures_in_words(&run.figures).map(|what| {
        let case = Case {
            id: "The audit".into(),
            heading: format!("The audit of {began}"),
            concerns: vec![Concern {
                what: format!("read {} back: {what}", counted(run.figures.charters, "charter")),
                next: "Read the other notices: each charter that needs a person has one. What could not be read is read the next night; \
                       if it says so again, have the log looked at"
                    .into(),
            }],
            besides: String::new(),
            guest_message: None,
        };
        Notice::new(case, false)
    });
    Ok(Some(Prepared { pending: pending.clone(), subject: Subject::Audit, should_know: Told::default(), notice }))
}

fn counted(number: usize, of: &str) -> String {
    format!("{number} {of}{}", if number == 1 { "" } else { "s" })
}

/// What was wrong; `None` when nothing was.
fn figures_in_words(figures: &Figures) -> Option<String> {
    let Figures { left, pages, pages_left, money, money_left, drifted, overlaps, ref unread, .. } = *figures;
    let said = |number: usize, of: &str, what: &str| (number > 0).then(|| format!("{} {what}", counted(number, of)));
    let of_systems = unread.iter().map(|(system, times)| match &**system {
        "calendar" => format!("{} of the calendar could not be read", counted(*times, "day")),
        "scc" => format!("ShipCaptainCrew could not be read for {}", counted(*times, "charter")),
        _ => format!("{} could not be read", counted(*times, "guest page")),
    });
    let parts = [
        said(drifted, "charter", "shown otherwise than sold, somewhere"),
        said(overlaps, "charter", "beside which something else stands in the calendar than before"),
        said(pages, "guest page", "put again"),
        said(pages_left, "guest page", "other than published and not put again: look at the guest site"),
        said(money, "crew event", "out of which money was taken"),
        said(money_left, "crew event", "in which money still stands"),
        said(left, "charter", "left out: something was at work on them"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().chain(of_systems).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// What the office should know of a delivery, as it is now.
pub(super) fn case_of_delivery(app: &App, id: &DeliveryId, found: &QuarantinedDelivery) -> Case {
    let came = dock_time(&found.delivery.received_at.to_zoned(app.operator.time_zone.clone()));
    let names: Vec<&str> = found.bookings.iter().map(BookingId::as_str).collect();
    let what = if names.is_empty() { "A delivery".to_owned() } else { format!("A delivery for {}", names.join(", ")) };
    let concerns = if found.waits { vec![why_it_waits(app, found)] } else { Vec::new() };
    let over = found.closed_because.as_deref().unwrap_or("it is kept no longer");
    Case {
        id: names.first().map_or_else(|| id.to_string(), |name| format!("{name} (a delivery)")),
        heading: format!("{what} · from {} · {came}", id.sender()),
        besides: if found.waits {
            format!("It is kept as {id}; nothing was done.")
        } else {
            format!("Nothing to do: {over}.")
        },
        concerns,
        guest_message: None,
    }
}

/// As of now: the mapping may have been mended since it came in. Pointers and rules, no values.
fn why_it_waits(app: &App, found: &QuarantinedDelivery) -> Concern {
    let faults = faults_now(app, &found.delivery);
    let (why, next) = if faults.is_empty() {
        ("it could not be read when it came in, and can be now".to_owned(), "Replay it")
    } else {
        let faults: Vec<String> = faults.iter().map(|fault| format!("{} {}", fault.pointer, fault.detail)).collect();
        (
            faults.join("; "),
            "Enter the booking by hand, or have the mapping mended and replay it. If it is none of ours, dismiss it",
        )
    };
    Concern { what: format!("could not be read: {why}"), next: next.to_owned() }
}

async fn write_back(app: &App, prepared: &Prepared, deadline: &Deadline) -> Result<(), CallError> {
    let Prepared { pending, subject, should_know, .. } = prepared;
    // Where something was written since, the next sweep looks again.
    match subject {
        Subject::Booking(record) => app.ledger.told_of_booking(record, pending, should_know, deadline).await?,
        Subject::Delivery(id) => app.ledger.told_of_delivery(id, pending, should_know, deadline).await?,
        Subject::Audit => app.ledger.told_of_audit(pending, deadline).await?,
    };
    Ok(())
}

/// Deliveries that no longer need a person: the same body under another name, and what a newer snapshot or an entry superseded.
async fn close_what_is_superseded(app: &App, deadline: &Deadline) -> Result<(), CallError> {
    let waiting = app.ledger.waiting(Waiting::Quarantined, MOST_QUARANTINED, deadline).await?;
    let mut seen: Vec<(String, String)> = Vec::new();
    for of in waiting {
        let NoticeOf::Delivery(id) = of else { continue };
        let body = (id.sender().to_owned(), id.digest().to_owned());
        let why = if seen.contains(&body) {
            Some("the same body waits under another name".to_owned())
        } else {
            seen.push(body);
            superseded(app, &id, deadline).await?
        };
        if let Some(why) = why {
            tracing::info!(delivery_id = %id, why, "{id} leaves quarantine: {why}");
            app.ledger.close_quarantine(&id, &why, None, deadline.now(), deadline).await?;
        }
    }
    Ok(())
}

async fn superseded(app: &App, id: &DeliveryId, deadline: &Deadline) -> Result<Option<String>, CallError> {
    let Some(found) = app.ledger.quarantined(id, deadline).await? else { return Ok(None) };
    let [booking_id] = &*found.bookings else { return Ok(None) };
    let Some(record) = app.ledger.state(booking_id, deadline).await? else { return Ok(None) };
    let came = found.delivery.received_at;
    let entered = record.decision.as_ref().filter(|decision| decision.version.is_none() && decision.recorded_at > came);
    // The delivery itself, since the mapping was mended, or a newer one.
    let delivered =
        record.content.as_ref().filter(|content| content.delivery == id.to_string() || content.received_at > came);
    Ok(match (entered, delivered) {
        (Some(_), _) => Some(format!("a person entered {booking_id} since")),
        (None, Some(_)) => Some(format!("a delivery of {booking_id} was understood since")),
        (None, None) => None,
    })
}
