//! Whether the world is as it should be: each booking once in every system, as it was told last, and each person told once of each thing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use simulators::scc::MailKind;

use crate::benchmark::{
    contestant::Contestant,
    world::{BUCKET, Kind, booking_id},
};

/// What a booking should have come to.
#[derive(Debug)]
pub(super) struct Expected {
    booking_id: String,
    /// As the function said it.
    pub(super) charter_id: Option<String>,
    starts_at: Option<Timestamp>,
    is_cancelled: bool,
    /// Changes that people may have been told of; one that came before the first was done is none.
    changes_at_most: usize,
    people: usize,
}

impl Expected {
    pub(super) fn new(contestant: &Contestant, number: u32, kinds: &[Kind]) -> Self {
        let moved = if kinds.contains(&Kind::Reschedule) { Kind::Reschedule } else { Kind::First };
        let last = *kinds.last().unwrap_or(&Kind::First);
        let told = if last == Kind::Cancellation { last } else { moved };
        let body = contestant.world.body(number, told);
        let booking = &body["data"]["booking"];
        Self {
            booking_id: booking_id(number),
            charter_id: None,
            starts_at: booking["start_at"].as_str().and_then(|start| start.parse().ok()),
            is_cancelled: last == Kind::Cancellation,
            changes_at_most: kinds.len() - 1,
            people: booking["crew_ids"].as_array().map_or(0, Vec::len) + 1,
        }
    }
}

/// How many bookings are right, and what is the matter with the others.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) right: usize,
    pub(super) twice: usize,
    pub(super) wrong: usize,
    /// What there is of those that are not right, a line each.
    pub(super) not_right: Vec<String>,
}

/// What there is of one booking.
#[derive(Debug, Default)]
struct Found {
    entries: Vec<Value>,
    events: Vec<Value>,
    /// By person and kind.
    mails: BTreeMap<(String, bool), usize>,
    page: bool,
}

impl Verdict {
    pub(super) async fn look(contestant: &Contestant, bookings: impl Iterator<Item = Expected>) -> Self {
        let world = &contestant.world;
        let mut by_booking: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for entry in world.calendar.entries() {
            by_booking.entry(entry["booking_id"].as_str().unwrap_or_default().to_owned()).or_default().push(entry);
        }
        let mut by_charter: BTreeMap<String, Found> = BTreeMap::new();
        for event in world.scc.events().await {
            let id = event["event_id"].as_str().unwrap_or_default().to_owned();
            by_charter.entry(id).or_default().events.push(event);
        }
        for mail in world.scc.mailbox() {
            let of_charter = by_charter.entry(mail.event_id).or_default();
            *of_charter.mails.entry((mail.to, mail.kind == MailKind::MagicLink)).or_default() += 1;
        }
        let objects = world.aws.objects();
        let mut verdict = Self::default();
        for expected in bookings {
            let charter_id = expected.charter_id.clone().unwrap_or_default();
            let mut found = by_charter.remove(&charter_id).unwrap_or_default();
            found.entries = by_booking.remove(&expected.booking_id).unwrap_or_default();
            found.page = objects.contains_key(&format!("{BUCKET}/g/{charter_id}.html"));
            verdict.count(&expected, &found);
        }
        verdict
    }

    fn count(&mut self, expected: &Expected, found: &Found) {
        let told_twice = found
            .mails
            .iter()
            .any(|((_, is_first), times)| *times > if *is_first { 1 } else { expected.changes_at_most });
        if found.entries.len() > 1 || found.events.len() > 1 || told_twice {
            self.twice += 1;
        } else if is_right(expected, found) {
            self.right += 1;
            return;
        } else {
            self.wrong += 1;
        }
        self.not_right.push(format!("{expected:?}: {found:?}"));
    }
}

fn is_right(expected: &Expected, found: &Found) -> bool {
    let starts_at = |value: &Value| value.as_str().and_then(|start| start.parse::<Timestamp>().ok());
    if expected.is_cancelled {
        let nobody_knows_of_it = found.events.is_empty();
        let is_off = found.events.iter().all(|event| event["status"] == "cancelled");
        return found.entries.is_empty() && (nobody_knows_of_it || is_off);
    }
    let [entry] = &found.entries[..] else { return false };
    let [event] = &found.events[..] else { return false };
    let everybody_knows = found.mails.keys().filter(|(_, is_first)| *is_first).count() == expected.people;
    let on_time = starts_at(&entry["start"]) == expected.starts_at && starts_at(&event["date"]) == expected.starts_at;
    let no_money = event
        .as_object()
        .is_some_and(|event| !event.keys().any(|name| ["gross", "net", "revenue"].contains(&name.as_str())));
    on_time && everybody_knows && no_money && found.page
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use serde_json::json;

    use super::*;

    const START: &str = "2031-05-30T14:00:00-07:00";

    fn expected(is_cancelled: bool) -> Expected {
        Expected {
            booking_id: "BS-1".to_owned(),
            charter_id: Some("C".to_owned()),
            starts_at: START.parse().ok(),
            is_cancelled,
            changes_at_most: 1,
            people: 1,
        }
    }

    fn found(entries: usize, events: &[Value], mails: &[(bool, usize)]) -> Found {
        let mails = mails.iter().map(|(is_first, times)| (("crew-1".to_owned(), *is_first), *times));
        Found {
            entries: vec![json!({ "start": START }); entries],
            events: events.to_vec(),
            mails: mails.collect(),
            page: true,
        }
    }

    #[track_caller]
    fn check(is_cancelled: bool, found: &Found, (right, twice, wrong): (usize, usize, usize)) {
        let mut verdict = Verdict::default();
        verdict.count(&expected(is_cancelled), found);
        assert_eq!((verdict.right, verdict.twice, verdict.wrong), (right, twice, wrong));
        assert_eq!(verdict.not_right.len(), twice + wrong, "each of them is described");
    }

    #[test]
    fn a_booking_is_right_twice_or_wrong() {
        let event = json!({ "date": "2031-05-30T21:00:00Z", "status": "pending_confirmation" });
        let moved = json!({ "date": "2031-05-31T21:00:00Z" });
        let off = json!({ "status": "cancelled" });
        let with_money = json!({ "date": START, "gross": 840.75 });
        let (right, twice, wrong) = ((1, 0, 0), (0, 1, 0), (0, 0, 1));
        check(false, &found(1, from_ref(&event), &[(true, 1)]), right);
        check(false, &found(1, from_ref(&event), &[(true, 1), (false, 1)]), right);
        check(false, &found(2, from_ref(&event), &[(true, 1)]), twice);
        check(false, &found(1, &[event.clone(), event.clone()], &[(true, 2)]), twice);
        check(false, &found(1, from_ref(&event), &[(true, 2)]), twice);
        check(false, &found(1, from_ref(&event), &[(true, 1), (false, 2)]), twice);
        check(false, &found(0, from_ref(&event), &[(true, 1)]), wrong);
        check(false, &found(1, from_ref(&event), &[]), wrong);
        check(false, &found(1, &[moved], &[(true, 1)]), wrong);
        check(false, &found(1, &[with_money], &[(true, 1)]), wrong);
        check(false, &Found { page: false, ..found(1, from_ref(&event), &[(true, 1)]) }, wrong);
        check(true, &found(0, &[off], &[(true, 1), (false, 1)]), right);
        check(true, &found(0, &[], &[]), right);
        check(true, &found(0, &[event], &[(true, 1)]), wrong);
    }
}
