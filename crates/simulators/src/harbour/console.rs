//! The rehearsal in a terminal: what became of one booking, and where to look.

use std::io::{self, Write};

use rust_decimal::Decimal;
use serde_json::Value;

use super::{Delivery, inspection::Inspection};
use crate::rehearsal::{Rehearsal, WEBHOOK_PATH};

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
pub fn print_delivery(out: &mut impl Write, delivery: &Delivery, world: &Inspection) -> io::Result<()> {
    let answer = delivery.answer.as_ref().unwrap_or(&Value::Null);
    let outcome = match (&delivery.error, delivery.status) {
        (Some(error), _) => format!("not answered: {error}"),
        (None, status) => {
            format!("answered {} {}", status.unwrap_or_default(), text(answer.get("state").unwrap_or(&answer["title"])))
        }
    };
    writeln!(
        out,
        "\nBooking {} was {outcome}, after {} ms.\n",
        delivery.booking_id,
        delivery.milliseconds.unwrap_or(0)
    )?;

    let id =
        |records: &[Value], field| records.first().map_or("-".to_owned(), |record| text(&record[field]).to_owned());
    let step = |name: &str, shown: String| {
        let step = &answer["steps"][name];
        (text(&step["state"]).to_owned(), shown, text_of_number(&step["ms"]))
    };
    let crew_page = world.crew_pages.first().map_or_else(
        || ("-".to_owned(), "no magic link".to_owned(), "-".to_owned()),
        |page| (page.status.to_string(), page.url.clone(), page.milliseconds.to_string()),
    );
    let rows = [
        ("Calendar", step("calendar", id(&world.entries, "id"))),
        ("ShipCaptainCrew", step("crew_event", id(&world.events, "event_id"))),
        ("  redaction check", step("crew_redaction", "scc-events".to_owned())),
        ("Guest page", step("guest_page", world.guest_page.url.clone())),
        ("Crew page", crew_page),
    ];
    writeln!(out, "  {:<19} {:<11} {:>6}  id or address", "system", "state", "ms")?;
    for (system, (state, shown, milliseconds)) in rows {
        writeln!(out, "  {system:<19} {state:<11} {milliseconds:>6}  {shown}")?;
    }
    print_money(out, world)?;
    let recipients: Vec<_> = world.mails.iter().map(|mail| mail.to.as_str()).collect();
    writeln!(out, "  mail      {}", if recipients.is_empty() { "nobody".to_owned() } else { recipients.join(", ") })
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
