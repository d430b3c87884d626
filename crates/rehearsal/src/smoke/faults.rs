//! What is not as it should be, in words for the person who has just deployed.
//!
//! Nothing here knows what the function does, or at which rates: what a system shows is held against what was booked.

use http::{
    HeaderName, StatusCode,
    header::{
        CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    },
};
use jiff::Zoned;
use rust_decimal::Decimal;
use serde_json::Value;
use simulators::{
    office::OfficeMail,
    scc::{Mail, MailKind},
};

use super::{
    booking::{Booking, CAPTAIN, CREW, GROSS, GUEST_FIRST_NAME, HOURS, Stage},
    look::{Names, Page, Read, World, without_query},
};

/// Names of money, in lower case, that crew and guests find in nothing of theirs.
const MONEY_WORDS: [&str; 6] = ["revenue", "gross", "payout", "captain_fee", "crew_cost", "port_tax"];
const EXPENSES: [&str; 3] = ["crew", "captain", "port_tax"];
/// What the distribution adds to each guest page, and what of its value counts.
static SITE_HEADERS: [(HeaderName, &str); 5] = [
    (STRICT_TRANSPORT_SECURITY, "max-age="),
    (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
    (CONTENT_SECURITY_POLICY, "frame-ancestors 'none'"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
];

/// What `world` should show at `stage` and does not, each in a sentence; nothing when all is well.
pub(super) fn faults(world: &World, booking: &Booking, names: &Names, stage: Stage) -> Vec<String> {
    let start = booking.start(stage);
    let mut faults = Vec::new();
    note(&mut faults, "calendar", &world.entries, |entries| calendar(entries, &names.charter_id, &start, stage));
    note(&mut faults, "ShipCaptainCrew", &world.event, |event| crew_event(event, &start, stage));
    note(&mut faults, "crew mail", &world.mails, |mails| mail(mails, booking.changes(stage)));
    for page in &world.crew_pages {
        note(&mut faults, "crew page", page, |page| crew_page(page, &start, stage));
    }
    note(&mut faults, "guest page", &world.guest_page, |page| guest_page(page, names, &start, stage));
    note(&mut faults, "guest's calendar file", &world.calendar_file, |page| calendar_file(page, &start, stage));
    note(&mut faults, "guest page, link in lower case", &world.typed_link, |page| {
        guest_page(page, names, &start, stage)
    });
    note(&mut faults, "unknown link", &world.unknown_link, |(status, page)| unknown_link(*status, page));
    if let Some(bucket) = &world.bucket {
        note(&mut faults, "the guest pages' bucket", bucket, |(status, _)| open_bucket(*status));
        note(&mut faults, "guest page", &world.guest_page, site_headers);
    }
    if let Some(desk) = &world.desk {
        note(&mut faults, "the office's desk", desk, |page| desk_page(page, names, stage));
    }
    if let Some(mails) = &world.office_mails {
        note(&mut faults, "the office's mailbox", mails, |mails| office_mail(mails, names, stage));
    }
    faults
}

/// A notice may come twice, but it comes: the message for the guest of a cancelled charter.
fn office_mail(mails: &[OfficeMail], names: &Names, stage: Stage) -> Vec<String> {
    let message = [GUEST_FIRST_NAME, "is cancelled. ", names.guest_page.as_str()];
    let is_told = mails.iter().any(|mail| message.iter().all(|words| mail.text.contains(words)));
    let is_missing = stage == Stage::Cancelled && !is_told;
    is_missing
        .then(|| "no mail has the message for the guest of the cancelled charter".to_owned())
        .into_iter()
        .collect()
}

/// One line for the charter, by its booking's id.
fn desk_page(page: &Page, names: &Names, stage: Stage) -> Vec<String> {
    let mut faults = Vec::new();
    if !page.body.contains(&format!(">{}<", names.booking_id)) {
        faults.push(format!("it does not show {}", names.booking_id));
    }
    if (stage == Stage::Cancelled) != page.body.contains(">Cancelled<") {
        faults.push("what it says of the cancellation is not so".to_owned());
    }
    faults
}

/// Adds what is wrong with what was read, under the name of its system.
fn note<T>(faults: &mut Vec<String>, system: &str, read: &Read<T>, check: impl FnOnce(&T) -> Vec<String>) {
    let found = read.as_ref().map_or_else(|error| vec![error.clone()], check);
    faults.extend(found.into_iter().map(|fault| format!("{system}: {fault}")));
}

fn calendar(entries: &[Value], charter_id: &str, start: &Zoned, stage: Stage) -> Vec<String> {
    let entry = match (stage, entries) {
        (Stage::Cancelled, []) => return Vec::new(),
        (Stage::Cancelled, entries) => return vec![format!("{} entries instead of none", entries.len())],
        (_, [entry]) => entry,
        (_, entries) => return vec![format!("{} entries instead of one", entries.len())],
    };
    let mut faults = Vec::new();
    if entry["event_id"] != charter_id {
        faults.push(format!("its event_id is {} instead of {charter_id}", entry["event_id"]));
    }
    if entry["date"] != start.date().to_string() {
        faults.push(format!("it is on {} instead of {}", entry["date"], start.date()));
    }
    faults.extend(wrong_start(&entry["start"], start));
    faults.extend(wrong_money(entry));
    faults
}

fn wrong_start(shown: &Value, start: &Zoned) -> Option<String> {
    let instant = shown.as_str().and_then(|shown| shown.parse().ok());
    (instant != Some(start.timestamp())).then(|| format!("it starts at {shown} instead of {}", in_words(start)))
}

fn wrong_money(entry: &Value) -> Option<String> {
    let amount = |value: &Value| value.to_string().parse::<Decimal>().ok();
    let expenses: Option<Vec<_>> = EXPENSES.iter().map(|line| amount(&entry["expenses"][*line])).collect();
    let Some((revenue, net, expenses)) =
        amount(&entry["revenue"]).zip(amount(&entry["net"])).zip(expenses).map(|((one, two), all)| (one, two, all))
    else {
        return Some(format!(
            "its money is incomplete: revenue {}, expenses {}, net {}",
            entry["revenue"], entry["expenses"], entry["net"]
        ));
    };
    let sold: Decimal = GROSS.parse().expect("it is a number");
    let adds_up = revenue == sold && net == revenue - expenses.iter().sum::<Decimal>();
    (!adds_up).then(|| format!("revenue {revenue} (sold for {GROSS}) less {expenses:?} is not net {net}"))
}

fn crew_event(event: &Value, start: &Zoned, stage: Stage) -> Vec<String> {
    let mut faults: Vec<_> = wrong_start(&event["date"], start).into_iter().collect();
    if event["duration_hours"].as_f64() != Some(HOURS) {
        faults.push(format!("it takes {} hours instead of {HOURS}", event["duration_hours"]));
    }
    let crew: Vec<_> = event["crew_ids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if crew != CREW || event["captain_id"] != CAPTAIN {
        faults.push(format!("{crew:?} and {} are on it instead of {CREW:?} and {CAPTAIN}", event["captain_id"]));
    }
    if (event["status"] == "cancelled") != (stage == Stage::Cancelled) {
        faults.push(format!("its status is {} although it is {}", event["status"], stage.name()));
    }
    faults.extend(money_in(&event.to_string()));
    faults
}

/// Everybody assigned: one magic link at first, and one notice for each change since. Nobody twice.
fn mail(mails: &[Mail], changes: usize) -> Vec<String> {
    let mut faults = Vec::new();
    for person in CREW.into_iter().chain([CAPTAIN]) {
        for (kind, name, due) in
            [(MailKind::MagicLink, "magic links", 1), (MailKind::Change, "notices of a change", changes)]
        {
            let sent = mails.iter().filter(|mail| mail.to == person && mail.kind == kind).count();
            if sent != due {
                faults.push(format!("{sent} {name} to {person} instead of {due}"));
            }
        }
    }
    let removed = mails.iter().filter(|mail| mail.kind == MailKind::Removed).count();
    if removed > 0 {
        faults.push(format!("{removed} people were told that they are off the charter"));
    }
    faults.extend(mails.iter().find_map(|mail| money_in(&format!("{} {}", mail.subject, mail.text))));
    faults
}

fn crew_page(page: &Page, start: &Zoned, stage: Stage) -> Vec<String> {
    let day = start.strftime("%-d %b %Y").to_string();
    let mut said = vec![GUEST_FIRST_NAME, day.as_str(), "2:00 PM"];
    said.extend((stage == Stage::Cancelled).then_some("This charter is cancelled"));
    page.wrong("text/html", &said)
}

fn guest_page(page: &Page, names: &Names, start: &Zoned, stage: Stage) -> Vec<String> {
    let day = start.strftime("%B %-d, %Y").to_string();
    // A page that says that nothing will take place greets nobody.
    let greeting = if stage == Stage::Cancelled { "This charter is cancelled" } else { GUEST_FIRST_NAME };
    let said = [greeting, names.booking_id.as_str(), day.as_str(), "2:00"];
    page.wrong("text/html", &said)
}

fn calendar_file(page: &Page, start: &Zoned, stage: Stage) -> Vec<String> {
    let status = if stage == Stage::Cancelled { "STATUS:CANCELLED" } else { "STATUS:CONFIRMED" };
    let mut faults = page.wrong("text/calendar", &["BEGIN:VEVENT", status]);
    // In UTC, or in the charter's own zone.
    let utc = start.timestamp().strftime("%Y%m%dT%H%M%SZ").to_string();
    let local = start.strftime("%Y%m%dT%H%M%S").to_string();
    let shown: Vec<_> = page.body.lines().filter(|line| line.starts_with("DTSTART")).collect();
    let right = |line: &&str| line.ends_with(&format!(":{utc}")) || line.contains("TZID") && line.ends_with(&local);
    if !shown.iter().any(right) {
        faults.push(format!("it starts at {shown:?} instead of {}", in_words(start)));
    }
    faults
}

/// A guest with a mistyped link reads a page, not the bucket's XML.
fn unknown_link(status: StatusCode, page: &Page) -> Vec<String> {
    let mut faults = page.wrong("text/html", &[]);
    if status != StatusCode::NOT_FOUND {
        faults.push(format!("it is answered {status} instead of 404"));
    }
    faults
}

/// Only the distribution may read the bucket.
fn open_bucket(status: StatusCode) -> Vec<String> {
    let closed = status == StatusCode::FORBIDDEN;
    if closed { Vec::new() } else { vec![format!("it answers everybody {status} instead of 403")] }
}

fn site_headers(page: &Page) -> Vec<String> {
    let missing = SITE_HEADERS.iter().filter(|(name, value)| !page.header(name).contains(value));
    missing.map(|(name, value)| format!("its {name} is \"{}\", without {value}", page.header(name))).collect()
}

impl Page {
    fn header(&self, name: &HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn wrong(&self, content_type: &str, said: &[&str]) -> Vec<String> {
        let address = without_query(&self.url);
        let is = self.header(&CONTENT_TYPE);
        if !is.starts_with(content_type) {
            return vec![format!("{address} has the {CONTENT_TYPE} \"{is}\" instead of {content_type}")];
        }
        let missing = said.iter().filter(|words| !self.body.contains(**words));
        let mut faults: Vec<_> = missing.map(|words| format!("{address} does not say \"{words}\"")).collect();
        faults.extend(money_in(&self.body));
        faults
    }
}

/// The price, or a name of money, in what crew or guests can read.
fn money_in(text: &str) -> Option<String> {
    let text = text.to_lowercase();
    let money = MONEY_WORDS.into_iter().chain([GROSS]).find(|words| text.contains(words));
    money.map(|words| format!("it speaks of money: \"{words}\""))
}

fn in_words(start: &Zoned) -> String {
    start.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

#[cfg(test)]
mod tests;
