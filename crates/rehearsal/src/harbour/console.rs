//! The rehearsal in a terminal: what became of one booking, and where to look.

use std::io::{self, Write};

use rust_decimal::Decimal;
use serde_json::Value;
use simulators::scc::Mail;

use super::{
    Entry,
    inspection::{CANCELLED, Inspection, Page},
};
use crate::{Rehearsal, WEBHOOK_PATH};

/// Where everything listens, by name, in the order of interest.
#[must_use]
pub fn addresses(rehearsal: &Rehearsal) -> Vec<(&'static str, String)> {
    vec![
        ("Webhook", format!("{}{WEBHOOK_PATH}", rehearsal.front_door.url())),
        ("Webhook, REST", format!("{}{WEBHOOK_PATH}", rehearsal.front_door.rest_url())),
        ("Guest pages, edge", rehearsal.edge.url()),
        ("Calendar", rehearsal.calendar.url()),
        ("ShipCaptainCrew", rehearsal.scc.url()),
        ("Invoke API", format!("http://{}", rehearsal.lambda.address())),
    ]
}

/// Prints what became of a booking: what the function says of each step, beside what the world shows.
///
/// # Errors
/// When `out` cannot be written.
pub fn print_booking(out: &mut impl Write, entry: &Entry, world: &Inspection) -> io::Result<()> {
    let booking = format!("Booking {} was", entry.booking_id.as_deref().unwrap_or("-"));
    let rows = [
        ("Calendar", "calendar", id(&world.entries, "id")),
        ("ShipCaptainCrew", "crew_event", id(&world.events, "event_id")),
        ("  redaction check", "crew_redaction", "scc-events".to_owned()),
        ("Guest page", "guest_page", world.guest_page.url.clone()),
    ];
    print_steps(out, &booking, entry, "id or address", rows)?;
    let (state, milliseconds, url) = world.crew_pages.first().map_or_else(
        || ("-".to_owned(), "-".to_owned(), "no magic link"),
        |page| (page.status.to_string(), page.milliseconds.to_string(), &*page.url),
    );
    writeln!(out, "  {:<19} {state:<11} {milliseconds:>6}  {url}", "Crew page")?;
    print_money(out, world)?;
    writeln!(out, "  mail      {}", recipients(&world.mails))
}

/// Prints what became of a change to it, in the same way; `mails_before` were there before.
///
/// # Errors
/// When `out` cannot be written.
pub fn print_change(out: &mut impl Write, entry: &Entry, world: &Inspection, mails_before: usize) -> io::Result<()> {
    let entry_shown = world.entries.first().map(|entry| format!("{}, {}", text(&entry["id"]), when(&entry["start"])));
    let event_shown = world.events.first().map(|event| match &event["status"] {
        status if status == "cancelled" => "cancelled".to_owned(),
        _ => when(&event["date"]),
    });
    let rows = [
        ("Calendar", "calendar", entry_shown.unwrap_or_else(|| "no entry".to_owned())),
        ("ShipCaptainCrew", "crew_event", event_shown.unwrap_or_else(|| "no event".to_owned())),
        ("  redaction check", "crew_redaction", "scc-events".to_owned()),
        ("Guest page", "guest_page", page_says(&world.guest_page)),
    ];
    print_steps(out, &format!("{}:", entry.label), entry, "shows", rows)?;
    let told = world.mails.get(mails_before..).unwrap_or_default();
    let subject = told.first().map(|mail| format!(": \"{}\"", mail.subject)).unwrap_or_default();
    writeln!(out, "\n  mail      {}{subject}", recipients(told))
}

fn recipients(mails: &[Mail]) -> String {
    let recipients: Vec<_> = mails.iter().map(|mail| mail.to.as_str()).collect();
    if recipients.is_empty() { "nobody".to_owned() } else { recipients.join(", ") }
}

fn print_steps(
    out: &mut impl Write,
    what: &str,
    entry: &Entry,
    shown: &str,
    rows: [(&str, &str, String); 4],
) -> io::Result<()> {
    let answer = entry.answer.as_ref().unwrap_or(&Value::Null);
    let outcome = match (&entry.error, entry.status) {
        (Some(error), _) => format!("not answered: {error}"),
        (None, status) => {
            format!("answered {} {}", status.unwrap_or_default(), text(answer.get("state").unwrap_or(&answer["title"])))
        }
    };
    writeln!(out, "\n{what} {outcome}, after {} ms.\n", entry.milliseconds.unwrap_or(0))?;
    writeln!(out, "  {:<19} {:<11} {:>6}  {shown}", "system", "state", "ms")?;
    for (system, step, shown) in rows {
        let step = &answer["steps"][step];
        writeln!(out, "  {system:<19} {:<11} {:>6}  {shown}", text(&step["state"]), text_of_number(&step["ms"]))?;
    }
    Ok(())
}

fn id(records: &[Value], field: &str) -> String {
    records.first().map_or("-", |record| text(&record[field])).to_owned()
}

/// `Fri, Dec 1, 2:00 PM`, at the dock: an offset is the dock's, and needs no zone.
fn when(start: &Value) -> String {
    let start = text(start);
    let parsed = jiff::fmt::temporal::DateTimeParser::new().parse_datetime(start);
    parsed.map_or(start.to_owned(), |start| start.strftime("%a, %b %-d, %-I:%M %p").to_string())
}

/// What a browser's tab would say, and whether the page is a cancelled one's.
fn page_says(page: &Page) -> String {
    let title = page.body.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
    let title = title.map_or("no page", |(title, _)| title);
    let cancelled = if page.body.contains(CANCELLED) { format!("; {CANCELLED}") } else { String::new() };
    format!("{title}{cancelled}")
}

fn print_money(out: &mut impl Write, world: &Inspection) -> io::Result<()> {
    writeln!(out)?;
    for entry in &world.entries {
        let [revenue, crew, captain, port_tax, net] =
            ["/revenue", "/expenses/crew", "/expenses/captain", "/expenses/port_tax", "/net"]
                .map(|place| dollars(entry, place));
        writeln!(
            out,
            "  money     revenue {revenue} - crew {crew} - captain {captain} - port and tax {port_tax} = net {net}"
        )?;
    }
    Ok(())
}

fn dollars(entry: &Value, place: &str) -> String {
    let shown = entry.pointer(place).unwrap_or(&Value::Null).to_string();
    shown.parse::<Decimal>().map_or(shown, |amount| format!("{amount:.2}"))
}

/// Prints what is not as it should be, or that all is well.
///
/// # Errors
/// When `out` cannot be written.
pub fn print_faults(out: &mut impl Write, faults: &[String]) -> io::Result<()> {
    if faults.is_empty() {
        return writeln!(out, "\nAll four systems are as they should be.");
    }
    writeln!(out, "\nNot as it should be:")?;
    faults.iter().try_for_each(|fault| writeln!(out, "  - {fault}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

fn text_of_number(value: &Value) -> String {
    if value.is_number() { value.to_string() } else { "-".to_owned() }
}
