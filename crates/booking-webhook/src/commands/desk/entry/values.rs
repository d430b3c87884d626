//! What stands in the form for a booking, and the booking that it says. Pure.

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Visit;
use crate::{
    booking::{Field, Sale},
    inbound::Readable,
    ledger::BookingRecord,
};

/// What stands in the form, by the names of its fields.
pub(super) type Values = BTreeMap<&'static str, String>;

pub(super) fn of_readable(readable: Readable) -> Values {
    let read = |wanted: Field| readable.iter().find(|(field, _)| *field == wanted).map(|(_, text)| text.clone());
    let (start, end) = (read(Field::StartAt), read(Field::EndAt));
    let between = || {
        let at = |text: &Option<String>| text.as_ref()?.parse::<DateTime>().ok();
        let minutes = at(&start)?.duration_until(at(&end)?).as_mins();
        (minutes > 0).then(|| minutes.to_string())
    };
    let minutes = read(Field::Duration).or_else(between);
    let (date, time) = start.as_deref().and_then(|start| start.split_once('T')).unzip();
    let values = [
        ("id", read(Field::Id)),
        ("status", read(Field::Status).filter(|status| status == "cancelled")),
        ("date", date.map(str::to_owned)),
        ("time", time.map(str::to_owned)),
        ("hours", minutes.and_then(|minutes| hours(minutes.parse().ok()?))),
        ("boat", read(Field::BoatId).or_else(|| read(Field::BoatName))),
        ("party_size", read(Field::PartySize)),
        ("gross", read(Field::Gross)),
        ("guest_name", read(Field::GuestName)),
        ("locale", read(Field::GuestLocale)),
        ("notes", read(Field::Notes)),
        ("crew_ids", read(Field::CrewIds)),
        ("captain_id", read(Field::CaptainId)),
    ];
    values.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

pub(super) fn of_record(visit: &Visit<'_>, record: &BookingRecord) -> Values {
    let mut values = Values::from([("id", record.booking_id.to_string())]);
    if record.decision.as_ref().is_some_and(|decision| decision.status.name() == "cancelled") {
        values.insert("status", "cancelled".to_owned());
    }
    let Some(Sale { start, duration, boat, party_size, gross, guest, notes, assigned, .. }) = &record.sale else {
        return values;
    };
    let start = start.to_zoned(visit.app.operator.time_zone.clone());
    let minutes: u64 = (*duration).into();
    values.extend([
        ("date", start.strftime("%Y-%m-%d").to_string()),
        ("time", start.strftime("%H:%M").to_string()),
        ("hours", hours(minutes).unwrap_or_default()),
        ("boat", visit.app.operator.boat(boat).map_or_else(|| boat.id.clone(), |boat| boat.id.clone())),
        ("party_size", party_size.to_string()),
        ("gross", gross.to_string()),
        ("guest_name", guest.name.clone()),
        ("locale", guest.locale.clone()),
        ("notes", notes.clone()),
    ]);
    let crew = assigned.crew.as_ref().map(|crew| crew.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    values.extend(crew.map(|crew| ("crew_ids", crew)));
    values.extend(assigned.captain.as_ref().map(|captain| ("captain_id", captain.to_string())));
    values
}

/// `3`, `2.5`: as people say how long.
fn hours(minutes: u64) -> Option<String> {
    Some((Decimal::from(minutes).checked_div(Decimal::from(60))?).round_dp(4).normalize().to_string())
}

/// The canonical booking of what was typed. What is no number goes as it is: the reading says what is wrong with it.
pub(super) fn booking(values: &Values) -> Value {
    let value = |name: &str| values.get(name).cloned();
    let mut booking = json!({ "status": value("status").unwrap_or_else(|| "confirmed".into()) });
    let minutes = value("hours").map(|hours| {
        let minutes = hours.replace(',', ".").parse::<Decimal>().ok().and_then(|hours| hours.checked_mul(60.into()));
        minutes.map_or(hours, |minutes| minutes.round().normalize().to_string())
    });
    let start_at = match (value("date"), value("time")) {
        (Some(date), Some(time)) => Some(format!("{date}T{time}")),
        (date, time) => date.or(time),
    };
    let plain = ["id", "party_size", "gross", "notes", "crew_ids", "captain_id"];
    let plain = plain.into_iter().map(|name| (name, value(name)));
    for (name, value) in plain.chain([("duration_minutes", minutes), ("start_at", start_at)]) {
        if let Some(value) = value {
            booking[name] = json!(value);
        }
    }
    if let Some(boat) = value("boat") {
        booking["boat"] = json!({ "id": boat });
    }
    let guest: serde_json::Map<String, Value> = [("name", value("guest_name")), ("locale", value("locale"))]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), json!(value?))))
        .collect();
    booking["guest"] = Value::Object(guest);
    booking
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_becomes_a_booking() {
        let typed = [
            ("id", "BS-7"),
            ("date", "2031-05-30"),
            ("time", "14:00"),
            ("hours", "2,5"),
            ("boat", "qosd"),
            ("guest_name", "Dana"),
        ];
        let values: Values = typed.iter().map(|&(name, value)| (name, value.to_owned())).collect();
        assert_eq!(
            booking(&values),
            json!({
                "id": "BS-7", "status": "confirmed", "start_at": "2031-05-30T14:00", "duration_minutes": "150",
                "boat": { "id": "qosd" }, "guest": { "name": "Dana" },
            })
        );
    }

    #[test]
    fn what_was_read_stands_in_the_form() {
        let read = |pairs: &[(Field, &str)]| {
            of_readable(pairs.iter().map(|&(field, text)| (field, text.to_owned())).collect())
        };
        let values =
            read(&[(Field::StartAt, "2031-05-30T14:00"), (Field::EndAt, "2031-05-30T16:30"), (Field::Gross, "8")]);
        let shown: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(shown, [("date", "2031-05-30"), ("gross", "8"), ("hours", "2.5"), ("time", "14:00")]);
        assert_eq!(read(&[(Field::Duration, "180")]).get("hours").map(String::as_str), Some("3"));
        assert!(read(&[(Field::Status, "confirmed")]).is_empty(), "that is what the form says by itself");
    }
}
