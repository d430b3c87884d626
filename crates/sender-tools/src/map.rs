//! What a mapping makes of a body: field by field, then what would become of the booking.

use std::{fmt::Write as _, path::Path};

use booking_webhook::{
    Booking, CharterId, Fault, Field, FieldReading, Language, Mapping, Operator, Reading, Received, Sale, Snapshot,
    Terms, parse_body, span,
};
use http::{HeaderMap, header::CONTENT_TYPE};
use jiff::Timestamp;
use serde_json::Value;

use crate::{Options, Outcome};

const LONGEST_SHOWN: usize = 48;

pub(crate) fn map(options: &Options<'_>, now: Timestamp) -> Outcome {
    let path = options.needed("mapping")?;
    let sender = Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let mapping = match Mapping::parse(sender, path, &options.text("mapping")?) {
        Ok(mapping) => mapping,
        Err(fault) => {
            let slips: Vec<String> =
                fault.slips.iter().map(|(line, what)| format!("  line {line}: {what}\n")).collect();
            return Ok((format!("{path} cannot be used:\n{}", slips.concat()), false));
        }
    };
    let operator = match options.optional("operator") {
        Some(file) => Operator::parse(&options.text("operator")?).map_err(|error| format!("{file}: {error}"))?,
        None => Operator::default(),
    };
    let headers = options.headers()?;
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let body = match parse_body(&options.file("body")?, content_type) {
        Ok(body) => body,
        Err(detail) => return Ok((format!("the body {detail}\n"), false)),
    };
    Ok(made_of(&mapping, &body, &headers, &operator, now))
}

/// What the mapping makes of a body, in words, and whether all of it is understood.
fn made_of(
    mapping: &Mapping,
    body: &Value,
    headers: &HeaderMap,
    operator: &Operator,
    now: Timestamp,
) -> (String, bool) {
    let fields = mapping.fields_of(body, headers, operator);
    match mapping.interpret(body, headers, operator, now) {
        Reading::Ignored { why } => (format!("ignored: {why}. It is answered 200 and not kept.\n"), true),
        Reading::Bookings(bookings) => {
            let well = bookings.iter().all(Result::is_ok);
            let mut out = String::new();
            for (index, booking) in bookings.iter().enumerate() {
                let fields = fields.get(index).map_or(&[][..], Vec::as_slice);
                let _infallible = write!(out, "booking {} of {}\n\n{}", index + 1, bookings.len(), table(fields));
                out += &match booking {
                    Ok(received) => understood(received, operator),
                    Err(faults) => quarantined(faults),
                };
                out.push('\n');
            }
            let event = mapping.pointers_of_the_event(body);
            (out + &unread(body, fields.iter().flatten().flat_map(|field| &field.pointers).chain(&event)), well)
        }
    }
}

fn table(fields: &[FieldReading]) -> String {
    let (there, absent): (Vec<_>, Vec<_>) = fields.iter().partition(|reading| reading.found.is_some());
    let width = there.iter().map(|reading| reading.source.chars().count()).max().unwrap_or_default().max(34);
    let mut out = format!("  {:<14} {:<width$} {:<32} read as\n", "field", "where", "what stands there");
    for reading in there {
        let found = reading.found.as_deref().unwrap_or_default().replace('\n', " ");
        let shown: String = found.chars().take(LONGEST_SHOWN).collect();
        let cut = if shown.len() < found.len() { "…" } else { "" };
        let shown = format!("{shown}{cut}");
        let read = reading.read.as_deref().unwrap_or_default();
        let line = format!("  {:<14} {:<width$} {shown:<32} {read}", reading.field.name(), reading.source);
        let _infallible = writeln!(out, "{}", line.trim_end());
    }
    if !absent.is_empty() {
        let absent: Vec<String> =
            absent.iter().map(|reading| format!("{} ({})", reading.field.name(), reading.source)).collect();
        let _infallible = writeln!(out, "\n  resolved to nothing: {}", absent.join(", "));
    }
    out
}

fn quarantined(faults: &[Fault]) -> String {
    let mut out = "\n  not understood: it would be answered 202, kept in quarantine, and a person told\n".to_owned();
    for fault in faults {
        let place = if fault.pointer.is_empty() { "the body" } else { &fault.pointer };
        let _infallible = writeln!(out, "    {place} {}", fault.detail);
    }
    out
}

fn understood(received: &Received, operator: &Operator) -> String {
    let Received { snapshot, passed_over, event_id, .. } = received;
    let mut out = format!("\n  {} is {}", snapshot.booking_id, snapshot.status.name());
    let version = match (snapshot.revision, snapshot.updated_at.or(received.event_created_at)) {
        (None, None) => "as of its first receipt".to_owned(),
        (revision, at) => {
            let revision = revision.map(|revision| format!("revision {revision}"));
            let at = at.map(|at| {
                format!("as of {}", at.to_zoned(operator.time_zone.clone()).strftime("%a %b %-d %Y, %-I:%M %p"))
            });
            revision.into_iter().chain(at).collect::<Vec<_>>().join(", ")
        }
    };
    let _infallible =
        writeln!(out, ", {version}; the event is {}", event_id.as_deref().unwrap_or("named by its content"));
    // The flags of what was sold say it again.
    if snapshot.sale.is_none() && !passed_over.is_empty() {
        let names: Vec<&str> = passed_over.iter().copied().map(Field::name).collect();
        let _infallible = writeln!(out, "  passed over, and flagged: {}", names.join(", "));
    }
    if let Some(before) = &snapshot.replaces {
        let _infallible = writeln!(out, "  replaces {before}: parked for a person if that one is on record");
    }
    out += &match &snapshot.sale {
        Some(sale) => plan(snapshot, sale, operator),
        None => "  plan: recorded; systems that show it are told, and nothing else\n".to_owned(),
    };
    out
}

/// What would be made of a booking that is not on record yet.
fn plan(snapshot: &Snapshot, sale: &Sale, operator: &Operator) -> String {
    let start = sale.start.to_zoned(operator.time_zone.clone());
    let booking = Terms::resolve(&sale.boat, &sale.assigned, operator).ok().map(|terms| {
        let id = CharterId::derive(b"a dry run", &snapshot.booking_id);
        Booking::assemble(snapshot.booking_id.clone(), sale.clone(), terms, operator, id)
    });
    let named = if sale.boat.name.is_empty() { &sale.boat.id } else { &sale.boat.name };
    let mut out = format!(
        "  sails {} for {} min · {} guests · {} · gross ${}\n",
        start.strftime("%a %b %-d %Y, %-I:%M %p %Z"),
        u64::from(sale.duration),
        sale.party_size,
        booking.as_ref().map_or(named.as_str(), |booking| &*booking.charter.boat.name),
        sale.gross,
    );
    let Some(booking) = booking else {
        let why = match operator.boat(&sale.boat) {
            Some(_) => "its boat's roster in the operator file is not complete".to_owned(),
            None => format!("the operator file has no boat with the id, name or alias {named:?} (OPERATOR=…)"),
        };
        let _infallible = writeln!(
            out,
            "  plan: parked, unless it is on record: the booking does not name crew and captain, and {why}"
        );
        return out;
    };
    for flag in booking.to_look_at() {
        let _infallible = writeln!(out, "  flagged {flag}");
    }
    let money = &booking.office.statement;
    let crew: Vec<&str> = booking.charter.crew.iter().map(|person| person.as_str()).collect();
    let _infallible = writeln!(
        out,
        "  plan: a calendar entry, a crew event and a guest page for {} on {}, {}\n    crew {} and captain {}\n    crew ${}, \
         captain ${}, port and tax ${}, net ${}",
        booking.charter.guest_first_name,
        start.strftime("%a %b %-d %Y"),
        span(booking.charter.time.start(), booking.charter.time.end(), Language::English),
        crew.join(", "),
        booking.charter.captain,
        money.crew,
        money.captain,
        money.port_tax,
        money.net,
    );
    out
}

/// The parts of the body that the mapping does not read.
fn unread<'a>(body: &Value, read: impl Iterator<Item = &'a String>) -> String {
    let read: Vec<Vec<&str>> = read.map(|pointer| pointer.split('/').skip(1).collect()).collect();
    let covered = |leaf: &str| {
        let leaf: Vec<&str> = leaf.split('/').skip(1).collect();
        let fits = |read: &Vec<&str>| {
            read.len() <= leaf.len() && read.iter().zip(&leaf).all(|(read, leaf)| *read == "*" || read == leaf)
        };
        read.iter().any(fits)
    };
    let mut leaves = Vec::new();
    collect(body, String::new(), &mut leaves);
    leaves.retain(|leaf| !covered(leaf));
    if leaves.is_empty() { String::new() } else { format!("nobody reads: {}\n", leaves.join(", ")) }
}

fn collect(value: &Value, pointer: String, leaves: &mut Vec<String>) {
    match value {
        Value::Object(object) if !object.is_empty() => {
            for (key, inner) in object {
                collect(inner, format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")), leaves);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            for (index, inner) in list.iter().enumerate() {
                collect(inner, format!("{pointer}/{index}"), leaves);
            }
        }
        _ => leaves.push(pointer),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MAPPING: &str = r#"
        prefix = "HH-"
        booking = "/resv"
        [fields]
        id = "/ref"
        status = "/state"
        start_at = { join = ["/day", "/from"], format = "%Y-%m-%d %I:%M %p" }
        duration = { at = "/hours", in = "hours" }
        boat_id = "/vessel"
        party_size = { sum = ["/adults", "/kids"] }
        gross = { at = "/minor", in = "cents" }
        currency = { constant = "USD" }
        guest_name = "/lead"
        notes = { first_of = ["/remarks", "/comment"] }
        [statuses]
        confirmed = ["CONFIRMED"]
        cancelled = ["CANCELLED"]
    "#;

    fn shown(vessel: &str) -> String {
        let body = json!({ "resv": { "ref": "7", "state": "CONFIRMED", "vessel": vessel, "day": "2031-07-04", "from": "2:30 PM", "hours": "3",
            "adults": 15, "kids": 2, "minor": 118_500, "lead": "Marisol Quint", "remarks": "Call 619 555 0199" } });
        let mapping = Mapping::parse("harborhop", "harborhop.toml", MAPPING).expect("a mapping");
        let operator = Operator::parse(include_str!("../../../operator.example.toml")).expect("an operator file");
        let (words, well) = made_of(&mapping, &body, &HeaderMap::new(), &operator, Timestamp::UNIX_EPOCH);
        assert!(well, "{words}");
        words
    }

    #[test]
    fn every_place_the_known_boat_and_each_flag_are_shown() {
        let words = shown("QOSD");
        for part in [
            "/resv/adults + /resv/kids",
            "/resv/day, /resv/from",
            "/resv/remarks or /resv/comment",
            "17 guests · Queen of San Diego ·",
            "flagged over_capacity: ",
            "flagged notes_withheld: ",
        ] {
            assert!(words.contains(part), "{part}: {words}");
        }
    }

    #[test]
    fn a_boat_that_the_operator_file_does_not_have_is_named() {
        let words = shown("qosx");
        assert!(words.contains(r#"no boat with the id, name or alias "qosx""#), "{words}");
    }
}
