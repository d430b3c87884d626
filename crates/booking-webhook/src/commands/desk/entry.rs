//! The form for a person's own entry, prefilled with what is known; what it sends goes the way of every entry.

mod values;

use http::{StatusCode, header};
use serde_json::json;

use self::values::{Values, booking, of_readable, of_record};
use super::{
    Refusal, Visit,
    buttons::Button,
    case::Case,
    noting::{field, note},
    show,
};
use crate::{
    booking::BookingId,
    commands::{accept::Upon, enter::enter},
    inbound::{Fault, Readable, parse_body},
    ledger::{BookingRecord, QuarantinedDelivery},
    response::{Reply, ledger_unavailable},
    systems::office::desk_page::{DeskPage, EntryPage, FieldView},
};

const NAMES: [&str; 13] = [
    "id",
    "status",
    "date",
    "time",
    "hours",
    "boat",
    "party_size",
    "gross",
    "guest_name",
    "locale",
    "notes",
    "crew_ids",
    "captain_id",
];

/// The form with what is known of the case.
pub(super) async fn form(visit: &Visit<'_>, case: &Case) -> Result<DeskPage, Refusal> {
    let (values, on_record) = match case {
        Case::Booking(on_record) => (of_record(visit, &on_record.record), Some(on_record.record.clone())),
        Case::Delivery { id, found } => {
            let values = of_readable(readable(visit, id.sender(), found));
            let on_record = on_record(visit, values.get("id")).await?;
            (values, on_record)
        }
    };
    Ok(DeskPage::Entry(Box::new(drawn(visit, case, &values, on_record.as_ref(), &[]))))
}

/// Enters what the form says, upon what its writer saw.
pub(super) async fn enter_it(visit: &Visit<'_>, case: &Case, button: Button, sent: &[u8]) -> Result<Reply, Refusal> {
    let mut values: Values = NAMES.iter().filter_map(|name| Some((*name, field(sent, name)?))).collect();
    if let Case::Booking(on_record) = case {
        values.insert("id", on_record.record.booking_id.to_string());
    }
    let record = on_record(visit, values.get("id")).await?;
    let seen = field(sent, "seen").and_then(|seen| seen.parse().ok());
    let now = record.as_ref().map(|record| record.seq);
    if seen != now {
        let fault = Fault { pointer: String::new(), detail: "Something was on record that you had not seen.".into() };
        let page = drawn(visit, case, &values, record.as_ref(), &[fault]);
        return Ok(show(visit.app, StatusCode::CONFLICT, &DeskPage::Entry(Box::new(page))));
    }
    let event = json!({ "booking": booking(&values) });
    if let Err(faults) = crate::commands::enter::readable(visit.app, &event) {
        let page = drawn(visit, case, &values, record.as_ref(), &faults);
        return Ok(show(visit.app, StatusCode::UNPROCESSABLE_ENTITY, &DeskPage::Entry(Box::new(page))));
    }
    let id = values.get("id").cloned().unwrap_or_default();
    note(visit, case, format!("{}: {id}", button.label), None).await?;
    let entered = Box::pin(enter(visit.app, &event, Upon::Seen(seen), visit.context, visit.deadline)).await;
    entered.map_err(|problem| Refusal::from(problem).back_to(visit))?;
    if let Case::Delivery { id: delivery, .. } = case {
        let because = format!("a person entered {id} from it");
        let (ledger, now) = (&visit.app.ledger, visit.deadline.now());
        ledger
            .close_quarantine(delivery, &because, None, now, visit.deadline)
            .await
            .map_err(|error| Refusal::from(ledger_unavailable(error)).back_to(visit))?;
    }
    Ok(Reply::SeeOther(visit.path.clone()))
}

async fn on_record(visit: &Visit<'_>, id: Option<&String>) -> Result<Option<BookingRecord>, Refusal> {
    let Some(id) = id.and_then(|id| BookingId::parse(id).ok()) else { return Ok(None) };
    Ok(visit.app.ledger.state(&id, visit.deadline).await.map_err(ledger_unavailable)?)
}

/// What the sender's mapping can read of a body that is not understood.
fn readable(visit: &Visit<'_>, sender: &str, found: &QuarantinedDelivery) -> Readable {
    let app = visit.app;
    let mapping = app.senders.get(sender).and_then(|sender| sender.mapping.as_ref().ok());
    let headers = found.delivery.headers();
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let body = found.delivery.body().and_then(|body| parse_body(&body, content_type).ok());
    mapping
        .zip(body)
        .map_or_else(Readable::new, |(mapping, body)| mapping.readable_in(&body, &headers, &app.operator, visit.now))
}

/// The form as it is shown, with these values and what is wrong with them.
fn drawn(
    visit: &Visit<'_>,
    case: &Case,
    values: &Values,
    on_record: Option<&BookingRecord>,
    faults: &[Fault],
) -> EntryPage {
    let fixed = matches!(case, Case::Booking(_));
    let mut fields = fields(visit, values);
    if fixed {
        fields.retain(|field| field.name != "id");
    }
    let mut others = Vec::new();
    for fault in faults {
        let name = field_of(&fault.pointer);
        match fields.iter_mut().find(|field| Some(field.name) == name) {
            Some(field) => {
                field.fault = Some(fault.detail.clone());
                others.push((field.label.to_owned(), fault.detail.clone()));
            }
            None => others.push((String::new(), fault.detail.clone())),
        }
    }
    let mut notes = Vec::new();
    if let (Some(record), false) = (on_record, fixed) {
        let start = record.sale.as_ref().map(|sale| format!(", {}", visit.dock(sale.start))).unwrap_or_default();
        notes.push(format!("{} is on record{start}: what you enter takes its place.", record.booking_id));
    }
    EntryPage {
        heading: case.told(visit).heading,
        notes,
        faults: others,
        fields,
        seen: on_record.map(|record| record.seq.to_string()).unwrap_or_default(),
        back: visit.path.clone(),
    }
}

fn fields(visit: &Visit<'_>, values: &Values) -> Vec<FieldView> {
    let field = |name: &'static str, label: &'static str, kind: &'static str| FieldView {
        name,
        label,
        kind,
        value: values.get(name).cloned().unwrap_or_default(),
        choices: Vec::new(),
        hint: None,
        fault: None,
        is_needed: true,
        keyboard: None,
    };
    let may_be_empty = |field: FieldView| FieldView { is_needed: false, ..field };
    let choice = |value: &str, words: &str| (value.to_owned(), words.to_owned());
    let boats: Vec<(String, String)> =
        visit.app.operator.boats.iter().map(|boat| (boat.id.clone(), boat.name.to_string())).collect();
    let mut boat = field("boat", "Boat", if boats.is_empty() { "text" } else { "select" });
    if !boats.is_empty() {
        let is_known = boats.iter().any(|(id, _)| *id == boat.value);
        let as_it_is = (!is_known).then(|| (boat.value.clone(), boat.value.clone()));
        boat.choices = as_it_is.into_iter().chain(boats).collect();
    }
    let locale = field("locale", "Language", "select");
    let spanish = if locale.value.starts_with("es") { "es" } else { "en" };
    vec![
        FieldView { hint: Some("The marketplace's id"), ..field("id", "Booking", "text") },
        FieldView {
            choices: vec![choice("confirmed", "It sails"), choice("cancelled", "It is cancelled")],
            ..field("status", "Does it sail?", "select")
        },
        field("date", "Day", "date"),
        FieldView { hint: Some("At the dock"), ..field("time", "Start", "time") },
        FieldView { keyboard: Some("decimal"), ..field("hours", "Hours", "text") },
        boat,
        FieldView { keyboard: Some("numeric"), ..field("party_size", "Guests", "text") },
        field("guest_name", "Guest's name", "text"),
        FieldView {
            value: spanish.to_owned(),
            choices: vec![choice("en", "English"), choice("es", "Spanish")],
            ..locale
        },
        FieldView {
            hint: Some("US dollars. The calendar alone shows it."),
            keyboard: Some("decimal"),
            ..field("gross", "What the guest paid", "text")
        },
        may_be_empty(field("notes", "The guest's notes", "textarea")),
        may_be_empty(FieldView {
            hint: Some("Ids with commas between them; empty for the boat's own crew"),
            ..field("crew_ids", "Crew", "text")
        }),
        may_be_empty(FieldView { hint: Some("Empty for the boat's own"), ..field("captain_id", "Captain", "text") }),
    ]
}

/// Which of the form's fields a fault is about.
fn field_of(pointer: &str) -> Option<&'static str> {
    let found = match pointer.strip_prefix("/booking/")? {
        "start_at" => "date",
        "duration_minutes" | "end_at" => "hours",
        "boat/id" | "boat/name" => "boat",
        "guest/name" => "guest_name",
        "guest/locale" => "locale",
        other => NAMES.into_iter().find(|name| *name == other)?,
    };
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_shown_at_its_field() {
        for (pointer, name) in [
            ("/booking/start_at", Some("date")),
            ("/booking/duration_minutes", Some("hours")),
            ("/booking/guest/name", Some("guest_name")),
            ("/booking/gross", Some("gross")),
            ("/booking/timezone", None),
            ("", None),
        ] {
            assert_eq!(field_of(pointer), name, "{pointer}");
        }
    }
}
