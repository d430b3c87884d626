//! What waits, and what sails when, for people without a console or an engineer.

use futures::{StreamExt, stream};
use http::StatusCode;
use jiff::{Timestamp, ToSpan, Zoned, civil::Date};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};

use crate::{
    booking::{BookingId, Flag, PublicText},
    commands::{
        notify::case_of,
        quarantine::{QuarantineLine, quarantined},
        work::Progress,
    },
    ledger::{BookingRecord, NoticeOf, Waiting},
    outbound::{CallError, Deadline},
    reconcile::desired::DesiredState,
    response::{BookingState, Problem, Reply, ledger_unavailable},
    runtime::app::App,
};

/// What one answer holds; a narrower question gets the rest.
const MOST_BOOKINGS: usize = 200;
const AT_ONCE: usize = 10;
/// Without a question for other days: from yesterday, for as long as charters are sold ahead.
const DAYS_AHEAD: i64 = 400;
const MOST_MONTHS: usize = 36;

/// What is asked for. Every key is optional.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Question {
    pub(super) state: Option<AskedState>,
    pub(super) from: Option<Date>,
    pub(super) to: Option<Date>,
    pub(super) name: Option<String>,
    /// How far ahead of today, unless days are asked for.
    #[serde(skip)]
    pub(super) days_ahead: Option<i64>,
}

/// What was found.
pub(super) struct Found {
    pub(super) bookings: Vec<BookingLine>,
    pub(super) quarantined: Vec<QuarantineLine>,
    /// There is more than one answer holds.
    pub(super) left_off: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AskedState {
    Parked,
    Due,
    Quarantined,
    Flagged,
}

/// One booking, as the office speaks of it.
#[derive(Debug, Serialize)]
pub(super) struct BookingLine {
    pub(super) booking_id: String,
    charter_id: String,
    /// `None` when only people have entered it.
    sender: Option<String>,
    pub(super) starts_at: Option<Timestamp>,
    /// Day and time at the dock.
    local: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) boat: Option<String>,
    pub(super) state: BookingState,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) dismissed: bool,
    pub(super) flags: Vec<Flag>,
    /// What is the matter, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) detail: Vec<String>,
    /// As it is on record, for who says more of it.
    #[serde(skip)]
    pub(super) record: BookingRecord,
    /// Whether it sails, in one word.
    #[serde(serialize_with = "in_one_word")]
    pub(super) desired: DesiredState,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    next: Vec<String>,
}

/// Answers `{"state": …, "from": "2031-05-01", "to": …, "name": …}`; with nothing asked, what waits and what sails from yesterday on.
///
/// # Errors
/// [`Problem`] 400 for a question that cannot be read, and the ledger's problems.
pub(crate) async fn list(app: &App, request: &Value, deadline: &Deadline) -> Result<Reply, Problem> {
    let question: Question =
        serde_json::from_value(request.clone()).map_err(|error| not_understood(&error.to_string()))?;
    let Found { bookings, quarantined, left_off } = find(app, &question, deadline).await?;
    Ok(Reply::Document(json!({ "bookings": bookings, "quarantined": quarantined, "left_off": left_off })))
}

/// What fits the question, the earliest start first.
///
/// # Errors
/// As [`list`].
pub(super) async fn find(app: &App, question: &Question, deadline: &Deadline) -> Result<Found, Problem> {
    let today = deadline.now().to_zoned(app.operator.time_zone.clone());
    let (from, to) = (
        question.from.unwrap_or(yesterday(&today)),
        question.to.unwrap_or(ahead(question.from.unwrap_or(today.date()), question.days_ahead)),
    );
    if from > to {
        return Err(not_understood("from is later than to"));
    }
    let (mut ids, whole) = candidates(app, question, (from, to), deadline).await.map_err(ledger_unavailable)?;
    let whole = whole && ids.len() <= MOST_BOOKINGS;
    ids.truncate(MOST_BOOKINGS);
    let each: Vec<_> = ids.iter().map(|id| Box::pin(app.ledger.state(id, deadline))).collect();
    let records: Vec<_> = stream::iter(each).buffered(AT_ONCE).collect().await;
    let records = records.into_iter().collect::<Result<Vec<_>, _>>().map_err(ledger_unavailable)?;
    let fits =
        |record: &BookingRecord| is_on(record, app, question, (from, to)) && is_named(record, question.name.as_deref());
    let mut lines: Vec<BookingLine> =
        records.into_iter().flatten().filter(fits).map(|record| line(app, record, deadline)).collect();
    lines.retain(|line| question.state.is_none_or(|state| line.is(state)));
    lines.sort_by_key(|line| line.starts_at);
    let quarantined = match question.state {
        None | Some(AskedState::Quarantined) => {
            quarantined(app, question.name.as_deref(), deadline).await.map_err(ledger_unavailable)?
        }
        Some(_) => Vec::<QuarantineLine>::new(),
    };
    Ok(Found { bookings: lines, quarantined, left_off: !whole })
}

fn in_one_word<S: Serializer>(desired: &DesiredState, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(desired.name())
}

fn not_understood(why: &str) -> Problem {
    let detail = format!(
        r#"{why}. Send {{"list": {{}}}}, with any of "state" (parked, due, quarantined, flagged), "from", "to" (2031-05-01) and "name""#
    );
    Problem::new(StatusCode::BAD_REQUEST, "The question is not understood", detail)
}

fn yesterday(today: &Zoned) -> Date {
    today.date().saturating_sub(1.day())
}

fn ahead(from: Date, days: Option<i64>) -> Date {
    from.saturating_add(days.unwrap_or(DAYS_AHEAD).days())
}

/// The bookings that may fit, and whether these are all.
async fn candidates(
    app: &App,
    question: &Question,
    (from, to): (Date, Date),
    deadline: &Deadline,
) -> Result<(Vec<BookingId>, bool), CallError> {
    let most = i32::try_from(MOST_BOOKINGS).unwrap_or(i32::MAX) + 1;
    let waiting = async |waits| app.ledger.waiting(waits, most, deadline).await;
    let (mut ids, mut whole) = (Vec::new(), true);
    // A booking may be due and parked at once: its steps differ.
    if matches!(question.state, None | Some(AskedState::Due | AskedState::Parked)) {
        let (due, parked) = tokio::join!(waiting(Waiting::Due), waiting(Waiting::Parked));
        ids.extend(parked?.into_iter().chain(due?).filter_map(|of| match of {
            NoticeOf::Booking(id) => Some(id),
            NoticeOf::Delivery(_) | NoticeOf::Audit => None,
        }));
    }
    if matches!(question.state, None | Some(AskedState::Flagged)) {
        let months = months(from, to);
        whole = months.len() <= MOST_MONTHS;
        for month in months.into_iter().take(MOST_MONTHS) {
            let (first, last) = (midnight(app, from), midnight(app, to.saturating_add(1.day())));
            let starting = app.ledger.starting(month, (first, last), most, deadline).await?;
            ids.extend(starting.into_iter().map(|(id, _)| id));
            if ids.len() > MOST_BOOKINGS {
                whole = false;
                break;
            }
        }
    }
    let mut seen = std::collections::HashSet::new();
    ids.retain(|id| seen.insert(id.clone()));
    Ok((ids, whole))
}

/// The first day of each month from one day to another.
fn months(from: Date, to: Date) -> Vec<Date> {
    std::iter::successors(Some(from.first_of_month()), |month| month.checked_add(1.month()).ok())
        .take_while(|month| *month <= to)
        .take(MOST_MONTHS + 1)
        .collect()
}

fn midnight(app: &App, day: Date) -> Timestamp {
    day.to_zoned(app.operator.time_zone.clone()).map_or(Timestamp::MAX, |midnight| midnight.timestamp())
}

/// Days count only where they were asked for, or for what does not wait.
fn is_on(record: &BookingRecord, app: &App, question: &Question, (from, to): (Date, Date)) -> bool {
    if question.from.is_none() && question.to.is_none() {
        return true;
    }
    let day = record.sale.as_ref().map(|sale| sale.start.to_zoned(app.operator.time_zone.clone()).date());
    day.is_some_and(|day| (from..=to).contains(&day))
}

fn is_named(record: &BookingRecord, name: Option<&str>) -> bool {
    let Some(name) = name.map(str::to_lowercase) else { return true };
    let guest = record.sale.as_ref().map_or("", |sale| &*sale.guest.name);
    [guest, record.booking_id.as_str(), record.charter_id.as_str()]
        .iter()
        .any(|text| text.to_lowercase().contains(&name))
}

impl BookingLine {
    fn is(&self, state: AskedState) -> bool {
        match state {
            AskedState::Parked => self.state == BookingState::Parked && !self.dismissed,
            AskedState::Due => self.state == BookingState::Due,
            AskedState::Flagged => !self.flags.is_empty(),
            AskedState::Quarantined => false,
        }
    }
}

fn line(app: &App, record: BookingRecord, deadline: &Deadline) -> BookingLine {
    let concerns = case_of(app, &record, deadline).concerns;
    let desired = DesiredState::of(&record, &app.operator, false);
    let flags = desired.booking().map(|booking| booking.flags.clone()).unwrap_or_default();
    let Progress { record, state, .. } = Progress::seen(record);
    let boat = boat(app, &record);
    let sale = record.sale.as_ref();
    let (detail, next) = concerns.into_iter().map(|concern| (concern.what, concern.next)).unzip();
    BookingLine {
        booking_id: record.booking_id.to_string(),
        charter_id: record.charter_id.to_string(),
        sender: record.sender().map(str::to_owned),
        starts_at: sale.map(|sale| sale.start),
        local: sale.map(|sale| app.local(sale.start)),
        first_name: sale.and_then(|sale| PublicText::first_name(&sale.guest.name)).map(|name| name.to_string()),
        boat,
        state,
        dismissed: record.is_dismissed(),
        flags,
        detail,
        next,
        record,
        desired,
    }
}

/// What the office calls the boat that was sold.
pub(super) fn boat(app: &App, record: &BookingRecord) -> Option<String> {
    let sold = &record.sale.as_ref()?.boat;
    let known = app.operator.boat(sold).map(|boat| boat.name.clone());
    let named = if sold.name.is_empty() { &sold.id } else { &sold.name };
    Some(known.map_or_else(|| named.clone(), |known| known.to_string()))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn each_month_between_two_days_is_asked_once() {
        assert_eq!(months(date(2031, 5, 31), date(2031, 7, 1)), [date(2031, 5, 1), date(2031, 6, 1), date(2031, 7, 1)]);
        assert_eq!(months(date(2031, 5, 1), date(2031, 5, 1)), [date(2031, 5, 1)]);
        assert_eq!(months(date(2031, 5, 1), date(2099, 5, 1)).len(), MOST_MONTHS + 1);
    }
}
