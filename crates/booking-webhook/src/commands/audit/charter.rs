//! One charter, read back in all four systems; what is put right of it, and what the office hears.

use std::collections::BTreeMap;

use super::days::Days;
use crate::{
    booking::{BookingId, Sailing},
    commands::{notify::case_of, work::resume},
    ledger::{BookingRecord, Drift, DriftFound, Journal, StepStatus, Trigger},
    outbound::{CallError, Deadline},
    reconcile::{
        concerns::should_know,
        desired::{DesiredState, content_of},
        drift::{of_calendar, of_crew, of_money, taken_out},
        execute::overlap::Look,
    },
    runtime::app::App,
    systems::{guest_page::Address, remote_id::EventId},
};

/// What reading one charter back came to.
#[derive(Debug, Clone, Default)]
pub(super) struct Audited {
    pub(super) was_read: bool,
    /// There is nothing to be read: it never was confirmed, or a person must decide.
    pub(super) is_none: bool,
    pub(super) page_put: bool,
    pub(super) page_left: bool,
    pub(super) money_removed: bool,
    pub(super) money_left: bool,
    pub(super) drifted: bool,
    pub(super) overlaps_changed: bool,
    /// Systems that could not be read.
    pub(super) unread: Vec<&'static str>,
}

/// What was seen of one charter.
#[derive(Debug, Default)]
struct Seen {
    drift: Vec<Drift>,
    /// What of it holds money, by attributes' names.
    money: Vec<String>,
    page_is_other: bool,
    overlaps_changed: bool,
    unread: Vec<&'static str>,
}

/// Reads one charter back. What fails is said, and is the next night's.
pub(super) async fn audited(
    app: &App,
    booking_id: &BookingId,
    days: &Days,
    may_publish: bool,
    deadline: &Deadline,
) -> Audited {
    match one(app, booking_id, days, may_publish, deadline).await {
        Ok(audited) => audited,
        Err(error) => {
            let (booking_id, reason) = (booking_id.as_str(), error.to_string());
            tracing::warn!(booking_id, reason, "{booking_id} was not audited: the next audit reads it");
            Audited::default()
        }
    }
}

async fn one(
    app: &App,
    booking_id: &BookingId,
    days: &Days,
    may_publish: bool,
    deadline: &Deadline,
) -> Result<Audited, CallError> {
    let Some(record) = app.ledger.state(booking_id, deadline).await? else { return Ok(Audited::default()) };
    // Another invocation is working on it.
    if record.lease.is_some() {
        return Ok(Audited::default());
    }
    let desired = DesiredState::of(&record, &app.operator, false);
    // Where a person must decide, crew still read what they were shown before.
    if desired.booking().is_none() && record.journal.crew_event.shown.is_none() {
        return Ok(Audited { is_none: true, ..Audited::default() });
    }
    let seen = look(app, &record, &desired, days, deadline).await?;
    let mut done = Audited {
        was_read: true,
        overlaps_changed: seen.overlaps_changed,
        unread: seen.unread.clone(),
        ..Audited::default()
    };
    if seen.overlaps_changed {
        // The sweep looks again, writes its CHECK lines and asks the others.
        app.ledger.ask_to_look(booking_id, deadline.now(), deadline).await?;
    }
    let money = seen.money.clone();
    let is_told = should_know(&case_of(app, &record, deadline)) == record.told;
    let mut drift = seen.drift;
    drift.extend(of_money(record.drifted(), seen.money, is_told));
    done.drifted = !drift.is_empty();
    // Before the repair, so that the office hears of it even if the repair fails. If an invocation has claimed the booking meanwhile, what
    // was read may no longer hold.
    if !note(app, &record, &drift, deadline).await? {
        return Ok(Audited::default());
    }
    let put = seen.page_is_other && may_publish && !record.is_dismissed();
    done.page_left = seen.page_is_other && !may_publish;
    if !put && money.is_empty() {
        return Ok(done);
    }
    let Some(repaired) = repair(app, booking_id, put, !money.is_empty(), deadline).await? else {
        return Ok(Audited::default());
    };
    done.page_put = put && repaired.journal.guest_page.step.status == StepStatus::InStep;
    done.page_left |= put && !done.page_put;
    done.money_removed = !money.is_empty() && is_without_money(&repaired.journal);
    done.money_left = !money.is_empty() && !done.money_removed;
    if done.money_removed {
        // Only now: should this invocation end before it, the next audit finds no money and says so.
        drift.retain(|drift| !matches!(drift, Drift::Money { .. }));
        drift.push(taken_out(&money));
        note(app, &repaired, &drift, deadline).await?;
    }
    Ok(done)
}

/// The check went through. While the event itself is due it is looked at once more, and the money is out all the same.
fn is_without_money(journal: &Journal) -> bool {
    let check = &journal.crew_redaction;
    journal.crew_event.shown.is_some() && check.failure.is_none() && check.next_try_at.is_none()
}

/// Puts right what may be put right without anybody being told: under a lease, by the same way as everything else. `None` when
/// somebody else is at work on it. Of a booking that a person leaves as it is, money is taken out and nothing else is done.
async fn repair(
    app: &App,
    booking_id: &BookingId,
    page: bool,
    money: bool,
    deadline: &Deadline,
) -> Result<Option<BookingRecord>, CallError> {
    let deadline = deadline.within(app.config.answer_within);
    let Some(mut claim) = app.ledger.claim_in_step(booking_id, &app.lease(&deadline), &deadline).await? else {
        return Ok(None);
    };
    let journal = &mut claim.record.journal;
    if page {
        // What is there is not what was published: it is published again.
        journal.guest_page.step.unknown = true;
        if let Some(shown) = &mut journal.guest_page.shown {
            shown.content = None;
        }
    }
    if money {
        journal.crew_redaction.status = StepStatus::Due;
        journal.crew_redaction.next_try_at = None;
    }
    tracing::info!(page, money, "{booking_id}: the audit puts right what was changed");
    Ok(resume(app, claim, Trigger::Schedule, &deadline).await.ok().map(|progress| progress.record))
}

/// Writes down what was found, if that is new, or if the office should know it in other words by now. `false` when somebody is at work
/// on the booking.
async fn note(app: &App, record: &BookingRecord, drift: &[Drift], deadline: &Deadline) -> Result<bool, CallError> {
    let found = DriftFound { seq: record.seq, found: drift.to_vec() };
    let newer = BookingRecord { drift: found, ..record.clone() };
    let is_news = should_know(&case_of(app, &newer, deadline)) != record.told;
    if newer.drifted() != record.drifted() || (is_news && !drift.is_empty()) {
        return app.ledger.note_drift(record, drift, deadline.now(), deadline).await;
    }
    Ok(true)
}

async fn look(
    app: &App,
    record: &BookingRecord,
    desired: &DesiredState,
    days: &Days,
    deadline: &Deadline,
) -> Result<Seen, CallError> {
    let (crew, page, overlaps_changed) = tokio::join!(
        crew(app, record, deadline),
        page_is_other(app, record, deadline),
        overlaps(app, record, desired, days, deadline),
    );
    let mut seen = Seen { overlaps_changed: overlaps_changed?, ..Seen::default() };
    let (journal, zone) = (&record.journal, &app.operator.time_zone);
    if let Some(entries) = days.of_charter(&record.charter_id) {
        seen.drift.extend(of_calendar(desired, journal, entries, zone));
    }
    match crew {
        Ok((events, money)) => {
            seen.drift.extend(of_crew(desired, journal, &events, zone, deadline.now()));
            seen.money = money;
        }
        Err(error) => seen.unread.push(unread(record, "scc", &error)),
    }
    match page {
        Ok(other) => seen.page_is_other = other,
        Err(error) => seen.unread.push(unread(record, "guest_page", &error)),
    }
    Ok(seen)
}

fn unread(record: &BookingRecord, system: &'static str, error: &CallError) -> &'static str {
    let (booking_id, reason) = (record.booking_id.as_str(), error.to_string());
    tracing::warn!(booking_id, system, reason, "{booking_id}: the audit could not read it back in {system}");
    system
}

type Events = (Vec<serde_json::Map<String, serde_json::Value>>, Vec<String>);

async fn crew(app: &App, record: &BookingRecord, deadline: &Deadline) -> Result<Events, CallError> {
    let shown = record.journal.crew_event.shown.as_ref();
    let id = shown.map_or_else(|| EventId::from(&record.charter_id), |event| event.id.clone());
    app.scc().seen(&id, &app.operator, deadline).await
}

/// Whether the guest's page or calendar file is gone, or other than what was published: in the bucket, or at the edge.
async fn page_is_other(app: &App, record: &BookingRecord, deadline: &Deadline) -> Result<bool, CallError> {
    let known = &record.journal.guest_page;
    let content = known.shown.as_ref().and_then(|shown| shown.content.as_deref());
    let Some(content) = content.filter(|_| known.step.status == StepStatus::InStep && !known.step.unknown) else {
        return Ok(false);
    };
    let address = Address::of(&record.charter_id, &app.config.guest_page);
    let publisher = app.publisher();
    let (html, calendar) = publisher.stored(&address, deadline).await?;
    let stored = html.zip(calendar).map(|(html, calendar)| content_of(&html, &calendar));
    if stored.as_deref() != Some(content) {
        return Ok(true);
    }
    let calendar_url = format!("{}{}", app.config.guest_page.base_url, address.calendar_path());
    let (html, calendar) =
        tokio::join!(publisher.visit(&address.url, deadline), publisher.visit(&calendar_url, deadline));
    let (html, calendar) = (html?, calendar?);
    Ok(content_of(html.body.as_bytes(), calendar.body.as_bytes()) != content)
}

/// Whether something else stands beside the charter than was known.
async fn overlaps(
    app: &App,
    record: &BookingRecord,
    desired: &DesiredState,
    days: &Days,
    deadline: &Deadline,
) -> Result<bool, CallError> {
    let DesiredState::Confirmed(booking) = desired else { return Ok(false) };
    let sailing = Sailing::of(booking);
    let in_step = record.journal.calendar.step.status == StepStatus::InStep;
    let Some(entries) = days.on(sailing.days()).filter(|_| in_step && !record.is_dismissed()) else { return Ok(false) };
    let look = Look { calendar: app.calendar(), ledger: &app.ledger, operator: &app.operator };
    let mut ours = BTreeMap::new();
    for other in sailing.near(&entries).into_iter().filter_map(|entry| entry.booking_id.as_ref()) {
        if let Some(known) = look.known(other, deadline).await? {
            ours.insert(other.clone(), known);
        }
    }
    Ok(sailing.overlaps(&entries, &ours, &app.operator) != record.overlaps.found)
}
