//! The whole desk: what waits first, then what sails, one line a charter.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{
    Refusal, Visit,
    case::{standing, systems},
};
use crate::{
    commands::{
        list::{BookingLine, Found, Question, find},
        quarantine::QuarantineLine,
    },
    reconcile::desired::DesiredState,
    response::BookingState,
    systems::office::{
        desk_page::{CharterLine, DayView, DeskPage, Standing, Tone, WholePage},
        desk_token::Subject,
    },
};

const DAYS: i64 = 60;
const LONGEST_NOTE_CHARACTERS: usize = 180;
const LONGEST_QUERY_CHARACTERS: usize = 80;

/// The desk, or what `query` (`q=…&date=…`) finds at it.
pub(super) async fn page(visit: &Visit<'_>, query: &str) -> Result<DeskPage, Refusal> {
    let asked = |name: &str| {
        let value = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value);
        value.unwrap_or_default().trim().chars().take(LONGEST_QUERY_CHARACTERS).collect::<String>()
    };
    let (name, day) = (asked("q"), asked("date").parse::<Date>().ok());
    let is_search = !name.is_empty() || day.is_some();
    let question = Question {
        from: day,
        to: day,
        name: (!name.is_empty()).then(|| name.clone()),
        days_ahead: (!is_search).then_some(DAYS),
        ..Question::default()
    };
    let Found { bookings, quarantined, left_off } = find(visit.app, &question, visit.deadline).await?;
    let zone = &visit.app.operator.time_zone;
    let today = visit.now.to_zoned(zone.clone()).date();
    let needs = bookings.iter().filter(|line| needs_a_person(line)).map(|line| line_of(visit, line, true));
    let waiting = quarantined.iter().map(|line| quarantined_line(visit, line)).chain(needs).collect();
    let mut days: BTreeMap<Date, Vec<CharterLine>> = BTreeMap::new();
    for line in &bookings {
        let Some(start) = line.starts_at else { continue };
        let date = start.to_zoned(zone.clone()).date();
        // What waits is listed above, whenever it sails.
        if is_search || date >= today {
            days.entry(date).or_default().push(line_of(visit, line, false));
        }
    }
    let days = days.into_iter().map(|(date, lines)| DayView { day: day_words(date, today), lines }).collect();
    let listed = if is_search { "Found".to_owned() } else { format!("The next {DAYS} days") };
    Ok(DeskPage::Whole(Box::new(WholePage {
        url: visit.path.clone(),
        expires: visit.dock(visit.expires_at),
        query: name,
        date: day.map(|day| day.to_string()).unwrap_or_default(),
        listed,
        waiting,
        days,
        left_off,
    })))
}

/// Flags alone stop nothing: they stand beside the charter.
fn needs_a_person(line: &BookingLine) -> bool {
    let parked = line.state == BookingState::Parked && !line.dismissed;
    parked || line.detail.len() > line.flags.len()
}

fn day_words(date: Date, today: Date) -> String {
    let words = if date.year() == today.year() { "%a %b %-d" } else { "%a %b %-d %Y" };
    let words = date.strftime(words).to_string();
    if date == today { format!("Today, {words}") } else { words }
}

fn line_of(visit: &Visit<'_>, line: &BookingLine, is_alone: bool) -> CharterLine {
    let start = line.starts_at.map(|start| start.to_zoned(visit.app.operator.time_zone.clone()));
    let time = match (start, is_alone) {
        (Some(start), false) => start.strftime("%-I:%M %p").to_string(),
        (Some(start), true) => visit.dock(start.timestamp()),
        (None, _) => String::new(),
    };
    let flags = line.flags.iter().map(|flag| format!("To look at: {}", flag.words()));
    let is_off = matches!(line.desired, DesiredState::Cancelled(_));
    let off = is_off.then(|| "Cancelled".to_owned());
    let notes: Vec<String> = if is_alone {
        line.detail.iter().map(|what| format!("It {what}")).collect()
    } else {
        off.into_iter().chain(flags).collect()
    };
    CharterLine {
        url: format!("{}/{}", visit.path, Subject::Booking(line.record.booking_id.clone()).segment()),
        time,
        name: line.first_name.clone().unwrap_or_else(|| "Guest".to_owned()),
        boat: line.boat.clone().unwrap_or_default(),
        id: line.booking_id.clone(),
        dots: systems(visit, &line.record, &line.desired),
        standing: standing(&line.record, &line.desired, needs_a_person(line)),
        notes: notes.iter().map(|note| cut(note)).collect(),
    }
}

fn quarantined_line(visit: &Visit<'_>, line: &QuarantineLine) -> CharterLine {
    let names = line.booking_ids.join(", ");
    let why: Vec<String> = line.why.iter().map(|fault| format!("{} {}", fault.pointer, fault.detail)).collect();
    let why = if line.readable {
        "It can be read now: try again".into()
    } else {
        format!("Could not be read: {}", why.join("; "))
    };
    CharterLine {
        url: format!("{}/{}", visit.path, Subject::Delivery(line.delivery_id.clone()).segment()),
        time: visit.dock(line.received_at),
        name: if names.is_empty() { "Not understood".to_owned() } else { names },
        boat: format!("from {}", line.sender),
        id: String::new(),
        dots: Vec::new(),
        standing: Standing { tone: Tone::Stop, words: "Not understood".into() },
        notes: vec![cut(&why)],
    }
}

fn cut(note: &str) -> String {
    match note.char_indices().nth(LONGEST_NOTE_CHARACTERS) {
        Some((end, _)) => format!("{}…", &note[..end]),
        None => note.to_owned(),
    }
}
