//! Reads every upcoming charter back in all four systems, each night: what somebody deletes or types in by hand is noticed.
//!
//! It changes what nobody is told of: a guest page is put again, money in crew data is taken out. It never creates an entry or an event:
//! that would mail people, so the office hears instead. The schedule sends several invocations a night. Each works for as long as a sweep
//! may, and goes on where the one before ended; when the night's audit has ended, the rest of them are one reading.

mod charter;
mod days;

use std::{collections::BTreeSet, time::Duration};

use futures::{StreamExt, stream};
use http::StatusCode;
use jiff::{Timestamp, ToSpan, civil::Date};
use serde::Deserialize;
use serde_json::{Value, json};

use self::{
    charter::{Audited, audited},
    days::Days,
};
use crate::{
    booking::BookingId,
    ledger::{AuditRun, Figures},
    outbound::{CallError, Class, Deadline},
    response::{Problem, Reply, ledger_unavailable},
    runtime::app::App,
    runtime::metrics::Metric,
};

/// As a sweep: the function may run for 29 s.
const LONGEST: Duration = Duration::from_secs(20);
/// How far ahead charters are read back.
const DAYS_AHEAD: i32 = 60;
const AT_ONCE: usize = 5;
/// After so many charters it is written down how far the audit came.
const CHARTERS_IN_A_PART: i32 = 20;
/// What one charter may take: nothing is begun that would be cut off.
const FOR_A_CHARTER: Duration = Duration::from_secs(6);
/// Kept to write down how far the audit came.
const FOR_THE_END: Duration = Duration::from_secs(2);
/// More than these in one night are no accident: somebody changed the site, and publishing all of it each night mends nothing.
const MOST_PAGES: usize = 25;
/// Somebody else is at work on a charter for some seconds; after a crash, until a sweep has taken it up.
const TRIED_FOR: Duration = Duration::from_mins(20);
/// Months that 60 days can touch.
const MOST_MONTHS: usize = 4;

/// What is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Request {
    /// Although the night's audit has ended.
    again: bool,
}

/// Audits as far as the time goes.
///
/// # Errors
/// [`Problem`] 400 for a request that cannot be read, 503 when the ledger cannot be reached.
pub(crate) async fn audit(app: &App, request: &Value, lambda_remaining: Duration) -> Result<Reply, Problem> {
    let Request { again } = serde_json::from_value(request.clone()).map_err(|error| {
        let detail = format!("audit takes an object, at most with \"again\": true: {error}");
        Problem::new(StatusCode::BAD_REQUEST, "The question is not understood", detail)
    })?;
    let deadline = Deadline::after(&app.clock, LONGEST.min(lambda_remaining));
    let now = deadline.now();
    let tonight = now.to_zoned(app.operator.time_zone.clone()).date();
    let last = app.ledger.audit_run(&deadline).await.map_err(ledger_unavailable)?;
    let mut run = match last.filter(|last| last.night == tonight && !(again && last.ended_at.is_some())) {
        Some(ended) if ended.ended_at.is_some() => return Ok(reply(&ended)),
        Some(begun) => begun,
        None => AuditRun {
            night: tonight,
            began_at: now,
            done_until: now,
            done_just_then: BTreeSet::new(),
            left: Vec::new(),
            ended_at: None,
            figures: Figures::default(),
        },
    };
    go_on(app, &mut run, &deadline).await.map_err(ledger_unavailable)?;
    Ok(reply(&run))
}

fn reply(run: &AuditRun) -> Reply {
    let state = if run.ended_at.is_some() { "ended" } else { "to_be_continued" };
    Reply::Document(json!({ "state": state, "night": run.night, "began_at": run.began_at, "figures": run.figures }))
}

/// Goes on where the last invocation ended.
async fn go_on(app: &App, run: &mut AuditRun, deadline: &Deadline) -> Result<(), CallError> {
    let reading = deadline.reserving(FOR_THE_END);
    let days = Days::read(app, run.night, DAYS_AHEAD, &reading.within(LONGEST / 2)).await;
    if days.unread() > 0 {
        run.figures.unread.insert("calendar".into(), days.unread());
    }
    let again = std::mem::take(&mut run.left);
    if !walk(app, run, &days, deadline).await? || !read_part(app, run, &again, &days, &reading).await {
        // No time is left: the next invocation begins with the part that was cut off.
        run.left.extend(again);
        return app.ledger.save_audit(run, deadline).await;
    }
    run.figures.left = run.left.len();
    if run.left.is_empty() || deadline.now() >= run.began_at + TRIED_FOR {
        run.ended_at = Some(deadline.now());
        end_of(app, run, deadline).await;
    }
    app.ledger.save_audit(run, deadline).await
}

/// Reads back what the night's audit has not come to yet; `false` when no time was left for all of it.
async fn walk(app: &App, run: &mut AuditRun, days: &Days, deadline: &Deadline) -> Result<bool, CallError> {
    let end = window_end(app, run.night);
    loop {
        let part = starting(app, run.done_until, end, deadline).await?;
        let is_last = part.len() < usize::try_from(CHARTERS_IN_A_PART).unwrap_or(usize::MAX);
        let part: Vec<_> = part.into_iter().filter(|(id, _)| !run.done_just_then.contains(id)).collect();
        let ids: Vec<BookingId> = part.iter().map(|(id, _)| id.clone()).collect();
        if !read_part(app, run, &ids, days, &deadline.reserving(FOR_THE_END)).await {
            return Ok(false);
        }
        done(run, &part);
        if is_last {
            return Ok(true);
        }
        app.ledger.save_audit(run, deadline).await?;
    }
}

/// The first moment that is not audited any more.
fn window_end(app: &App, night: Date) -> Timestamp {
    let day = night.saturating_add(DAYS_AHEAD.days());
    day.to_zoned(app.operator.time_zone.clone()).map_or(Timestamp::MAX, |midnight| midnight.timestamp())
}

/// Marks the audit as done up to the last of these. Other charters that start at the same moment are still to be read.
fn done(run: &mut AuditRun, part: &[(BookingId, Timestamp)]) {
    // More start at one moment than a part holds, and all that it holds are done.
    let last = part.last().map_or(run.done_until + Duration::from_millis(1), |(_, starts)| *starts);
    if last > run.done_until {
        run.done_just_then.clear();
    }
    run.done_until = last;
    run.done_just_then.extend(part.iter().filter(|(_, starts)| *starts == last).map(|(id, _)| id.clone()));
}

/// The next charters, the earliest first, each with its start in the index.
async fn starting(
    app: &App,
    from: Timestamp,
    end: Timestamp,
    deadline: &Deadline,
) -> Result<Vec<(BookingId, Timestamp)>, CallError> {
    let zone = &app.operator.time_zone;
    let mut month = from.to_zoned(zone.clone()).date().first_of_month();
    let mut found = Vec::new();
    for _ in 0..MOST_MONTHS {
        let left = CHARTERS_IN_A_PART - i32::try_from(found.len()).unwrap_or(CHARTERS_IN_A_PART);
        if left <= 0 || month.to_zoned(zone.clone()).is_ok_and(|begins| begins.timestamp() > end) {
            break;
        }
        found.extend(app.ledger.starting(month, (from, end), left, deadline).await?);
        month = month.saturating_add(1.month());
    }
    Ok(found)
}

/// Reads these charters back, and writes into `run` what it came to; `false` when no time was left for all: then nothing of it counts.
async fn read_part(app: &App, run: &mut AuditRun, part: &[BookingId], days: &Days, deadline: &Deadline) -> bool {
    let (mut figures, mut left) = (run.figures.clone(), Vec::new());
    for some in part.chunks(AT_ONCE) {
        if !deadline.allows(FOR_A_CHARTER) {
            return false;
        }
        let may_publish = figures.pages + figures.pages_left < MOST_PAGES;
        let each: Vec<_> =
            some.iter().map(|booking_id| Box::pin(audited(app, booking_id, days, may_publish, deadline))).collect();
        let each: Vec<Audited> = stream::iter(each).buffered(AT_ONCE).collect().await;
        for (booking_id, one) in some.iter().zip(each) {
            count(&mut figures, &one);
            left.extend((!one.was_read && !one.is_none).then(|| booking_id.clone()));
        }
    }
    run.figures = figures;
    run.left.extend(left);
    true
}

fn count(figures: &mut Figures, one: &Audited) {
    figures.charters += usize::from(one.was_read);
    figures.pages += usize::from(one.page_put);
    figures.pages_left += usize::from(one.page_left);
    figures.money += usize::from(one.money_removed);
    figures.money_left += usize::from(one.money_left);
    figures.drifted += usize::from(one.drifted);
    figures.overlaps += usize::from(one.overlaps_changed);
    for system in &one.unread {
        *figures.unread.entry((*system).to_owned()).or_default() += 1;
    }
}

async fn end_of(app: &App, run: &AuditRun, deadline: &Deadline) {
    let Figures { charters, left, pages, pages_left, money, money_left, drifted, overlaps, ref unread } = run.figures;
    let value = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    app.metrics.count(Metric::AuditsEnded);
    app.metrics.gauge(Metric::AuditedCharters, value(charters));
    app.metrics.gauge(Metric::AuditRepairs, value(pages + money));
    app.metrics.gauge(Metric::DriftedCharters, value(drifted));
    tracing::info!(
        charters,
        left,
        pages,
        pages_left,
        money,
        money_left,
        drifted,
        overlaps,
        ?unread,
        "the audit has ended"
    );
    if let Some(office) = app.notices()
        && let Err(error) = office.subscribers(deadline).await
    {
        let reason = error.to_string();
        if error.class == Class::Refused {
            tracing::error!(reason, "nobody hears of any notice: subscribe the office's mailbox, and confirm it");
        } else {
            tracing::warn!(reason, "whether anybody hears of notices could not be read");
        }
    }
}
