//! Entries of the calendar as they are listed: ours, other platforms', holds. Those that are not ours may have no more than an id.

use std::collections::BTreeSet;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Map, Value};

use crate::booking::{BookingId, Neighbour, read_time};

/// An entry as the calendar lists it on `day`. Without times that can be read it is there all day: a hold that is not understood stands
/// in the way rather than being overlooked.
pub(crate) fn neighbour(entry: &Map<String, Value>, day: Date, zone: &TimeZone) -> Neighbour {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    let time = |name: &str| read_time(text(name), || zone.clone()).ok().map(|read| read.instant);
    let times = time("start").zip(time("end")).filter(|(from, to)| from < to);
    let (from, to) = times.unwrap_or_else(|| whole_day(day, zone));
    let crew = entry.get("crew_ids").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    Neighbour {
        booking_id: BookingId::parse(text("booking_id")).ok(),
        event_id: Some(text("event_id").to_owned()).filter(|id| !id.is_empty()),
        title: text("title").to_owned(),
        from,
        to,
        all_day: times.is_none(),
        crew: crew.map(str::to_owned).collect::<BTreeSet<_>>(),
        captain: Some(text("captain_id").to_owned()).filter(|id| !id.is_empty()),
    }
}

/// From midnight to midnight at the dock, however long the clocks make that.
fn whole_day(day: Date, zone: &TimeZone) -> (Timestamp, Timestamp) {
    let begins = |day: Date| day.to_zoned(zone.clone()).map_or(Timestamp::UNIX_EPOCH, |midnight| midnight.timestamp());
    (begins(day), day.tomorrow().map_or(Timestamp::MAX, begins))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_that_has_no_more_than_an_id_is_there_all_day() {
        let zone = TimeZone::get("America/Los_Angeles").expect("bundled");
        let (day, next) = (
            ("2031-03-09T08:00:00Z", "2031-03-10T07:00:00Z", true),
            ("2031-03-09T17:00:00Z", "2031-03-09T19:00:00Z", false),
        );
        for (entry, (from, to, all_day)) in [
            (json!({ "id": 7 }), day),
            (json!({ "id": "a", "date": "2031-03-09", "start": "2031-03-09T10:00:00-07:00" }), day),
            (json!({ "id": "a", "start": "ten", "end": "noon" }), day),
            (json!({ "id": "a", "start": "2031-03-09T12:00", "end": "2031-03-09T10:00" }), day),
            (json!({ "id": "a", "start": "2031-03-09T10:00:00-07:00", "end": "2031-03-09T19:00:00Z" }), next),
            (json!({ "id": "a", "start": "2031-03-09T10:00", "end": "2031-03-09T12:00" }), next),
        ] {
            let read = neighbour(entry.as_object().expect("an object"), date(2031, 3, 9), &zone);
            assert_eq!(
                (read.from.to_string(), read.to.to_string(), read.all_day),
                (from.into(), to.into(), all_day),
                "{entry}"
            );
        }
    }

    #[test]
    fn what_cannot_be_read_is_as_good_as_missing() {
        let entry = json!({ "id": "a", "title": 7, "booking_id": "no id!", "event_id": "", "crew_ids": ["crew-1", 3], "captain_id": null });
        let read = neighbour(entry.as_object().expect("an object"), date(2031, 5, 30), &TimeZone::UTC);
        assert_eq!((read.booking_id, read.event_id, &*read.title, read.captain), (None, None, "", None));
        assert_eq!(read.crew.into_iter().collect::<Vec<_>>(), ["crew-1"]);
    }
}
