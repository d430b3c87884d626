//! What the world must hold in the end, after anything that may happen on the way. Reads the world, never the ledger.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan as _;
use rehearsal::world::{Effects, Visit};
use serde_json::Value;
use simulators::{scc::MailKind, sender::SAMPLE_BOOKING_ID};

use super::story::{NOTE_BY_HAND, TICKED_BY_HAND, TITLE_BY_HAND, Told};

/// What every charter of these stories earns and costs: gross, crew, captain, port and tax, net.
const MONEY: [&str; 5] = ["840.75", "250", "150", "151.34", "289.41"];
const MONEY_NAMES: [&str; 9] = ["revenue", "gross", "net", "payout", "rate", "expense", "cost", "fee", "tax"];

/// What the world was told, in the order of the snapshots.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    /// Every snapshot that decides something, so that a system may have shown it, the newest last.
    pub(crate) told: Vec<Told>,
    /// The last snapshot that all systems are known to have shown. People worked by hand on it.
    pub(crate) shown: Option<Told>,
    /// It was cancelled before the newest snapshot, and the office says that it sails: who is on it hears that, too.
    pub(crate) sails_again: bool,
}

impl Expected {
    pub(crate) fn new(mut told: Vec<Told>, shown: Option<Told>) -> Self {
        told.retain(|told| !told.undecided);
        told.sort_by_key(|told| told.version);
        told.dedup();
        Self { told, shown, sails_again: false }
    }

    fn newest(&self) -> &Told {
        self.told.last().expect("something was told")
    }

    /// Whether there may be nothing at all: a charter that nobody was shown needs no cancelling.
    fn may_be_absent(&self) -> bool {
        self.shown.is_none() && !self.newest().standing
    }

    /// Whether nobody can ever have been shown a standing charter.
    fn must_be_absent(&self) -> bool {
        self.shown.is_none() && self.told.iter().all(|told| !told.standing)
    }

    /// What is wrong with `world`, in words; nothing when it is as it must be.
    pub(crate) fn differences(&self, world: &Effects) -> Vec<String> {
        let mut wrong = Vec::new();
        self.calendar(world, &mut wrong);
        self.crew_event(world, &mut wrong);
        self.mail(world, &mut wrong);
        self.guest_page(world, &mut wrong);
        no_money(world, &mut wrong);
        wrong
    }

    fn calendar(&self, world: &Effects, wrong: &mut Vec<String>) {
        let newest = self.newest();
        let expected = usize::from(newest.standing);
        if world.calendar.len() != expected {
            let ids: Vec<String> = world.calendar.iter().map(|entry| text(&entry["id"])).collect();
            wrong.push(format!("{} calendar entries instead of {expected}: {}", ids.len(), ids.join(", ")));
        }
        let Some(entry) = world.calendar.first().filter(|_| newest.standing) else { return };
        let start = newest.start();
        let mut expect = |what: &str, is: &Value, expected: String| {
            if text(is) != expected {
                wrong.push(format!("the calendar's {what} is {is} instead of {expected}"));
            }
        };
        expect("date", &entry["date"], start.date().to_string());
        expect("start", &entry["start"], start.strftime("%Y-%m-%dT14:00:00%:z").to_string());
        expect("end", &entry["end"], start.strftime("%Y-%m-%dT17:00:00%:z").to_string());
        expect("crew", &entry["crew_ids"], serde_json::to_string(&newest.crew).expect("a list of texts"));
        expect("captain", &entry["captain_id"], "captain-1".to_owned());
        expect("booking", &entry["booking_id"], SAMPLE_BOOKING_ID.to_owned());
        let costs = &entry["expenses"];
        let lines = [&entry["revenue"], &costs["crew"], &costs["captain"], &costs["port_tax"], &entry["net"]];
        for (line, expected) in lines.into_iter().zip(MONEY) {
            let is = line.as_f64().unwrap_or(f64::NAN);
            expect("money", &format!("{is}").into(), expected.to_owned());
        }
        if self.shown.is_some() && !text(&entry["title"]).ends_with(TITLE_BY_HAND) {
            wrong.push(format!("the title that somebody changed is {}", entry["title"]));
        }
        if let Some(event) = world.scc_events.first()
            && entry["event_id"] != event["event_id"]
        {
            wrong.push(format!("the calendar knows the event as {}", entry["event_id"]));
        }
    }

    fn crew_event(&self, world: &Effects, wrong: &mut Vec<String>) {
        let newest = self.newest();
        let count = world.scc_events.len();
        if count > 1 || (count == 0 && !self.may_be_absent()) || (count > 0 && self.must_be_absent()) {
            let created: Vec<String> = world.scc_events.iter().map(|event| text(&event["created_timestamp"])).collect();
            wrong.push(format!("{count} SCC events, created {}", created.join(", ")));
        }
        let Some(event) = world.scc_events.first() else { return };
        let mut expect = |name: &str, holds: bool| {
            if !holds {
                wrong.push(format!("the SCC event's {name} is {}", event[name]));
            }
        };
        let (status, notes) = (text(&event["status"]), text(&event["notes"]));
        // All had answered, and new people have not taken that back.
        let standing = if self.shown.is_some() { "confirmed" } else { "pending_confirmation" };
        expect("status", status == if newest.standing { standing } else { "cancelled" });
        if self.shown.is_some() {
            expect("notes", notes.contains(NOTE_BY_HAND));
            expect("ticked", text(&event["ticked"]).contains(TICKED_BY_HAND));
        }
        if newest.standing {
            let start = newest.start();
            expect("date", text(&event["date"]) == start.strftime("%Y-%m-%dT14:00:00%:z").to_string());
            expect("crew_ids", text(&event["crew_ids"]) == serde_json::to_string(&newest.crew).expect("texts"));
            expect("captain_id", text(&event["captain_id"]) == "captain-1");
            expect("local_time", text(&event["local_time"]).contains(&start.strftime("%a %-d %b %Y").to_string()));
            let entry = world.calendar.first().map(|entry| text(&entry["id"])).unwrap_or_default();
            let hours = start.strftime("Report %a %-d %b 1:00 PM, released 6:00 PM").to_string();
            let said = [SAMPLE_BOOKING_ID, &hours, &format!("calendar {entry}")];
            expect("notes", said.iter().all(|words| notes.contains(words)));
        }
    }

    /// Each person gets one magic link, and another one only after having been told to be off the charter; each real change is told once at
    /// most.
    fn mail(&self, world: &Effects, wrong: &mut Vec<String>) {
        let mut got: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
        for mail in &world.mailbox {
            let kind = match mail.kind {
                MailKind::MagicLink => "magic links",
                MailKind::Change => "change notices",
                MailKind::Removed => "removal notices",
            };
            *got.entry(mail.to.as_str()).or_default().entry(kind).or_default() += 1;
        }
        let newest = self.newest();
        let told = self.told.iter().flat_map(Told::people).map(str::to_owned);
        let everybody: BTreeSet<String> = told.chain(world.mailbox.iter().map(|mail| mail.to.clone())).collect();
        for person in everybody.iter().map(String::as_str) {
            let count = |kind: &str| got.get(person).and_then(|kinds| kinds.get(kind)).copied().unwrap_or_default();
            let mut expect = |kind: &str, least: usize, most: usize| {
                if !(least..=most).contains(&count(kind)) {
                    wrong.push(format!("{person} got {} {kind} instead of {least} to {most}", count(kind)));
                }
            };
            let on = |told: &Told| told.standing && told.people().contains(&person);
            let must_know = self.shown.iter().chain([newest]).any(on);
            let joins = self.changes(|before, after| before.is_none_or(|before| !on(before)) && on(after));
            expect("magic links", must_know.into(), joins.min(1 + count("removal notices")));
            let moved = self.changes(|before, after| before.is_some_and(|before| on(before) && tells(before, after)));
            let must_hear = self.shown.as_ref().is_some_and(|shown| on(shown) && tells(shown, newest))
                && (!newest.standing || on(newest));
            let again = usize::from(self.sails_again && on(newest));
            expect("change notices", usize::from(must_hear) + again, moved + again);
            let leaves = self.changes(|before, after| before.is_some_and(on) && after.standing && !on(after));
            let must_leave = self.shown.as_ref().is_some_and(on) && newest.standing && !on(newest);
            expect("removal notices", must_leave.into(), leaves);
        }
    }

    /// How many snapshots may be told as a change from some earlier one: those in between may never have been shown.
    fn changes(&self, count: impl Fn(Option<&Told>, &Told) -> bool) -> usize {
        let may_be_told = |(position, after): &(usize, &Told)| {
            let mut before = std::iter::once(None).chain(self.told[..*position].iter().map(Some));
            before.any(|before| count(before, after))
        };
        self.told.iter().enumerate().filter(may_be_told).count()
    }

    fn guest_page(&self, world: &Effects, wrong: &mut Vec<String>) {
        if self.must_be_absent() && !world.visits.is_empty() {
            wrong.push("there is a guest page of a charter that never stood".to_owned());
        }
        if world.visits.is_empty() && self.may_be_absent() {
            return;
        }
        let event = world.scc_events.first().or(world.calendar.first());
        let paths: Vec<&str> = world.visits.iter().map(|visit| visit.path.as_str()).collect();
        if let Some(id) = event.map(|event| text(&event["event_id"]))
            && paths != [format!("/g/{id}"), format!("/g/{id}.ics")]
        {
            wrong.push(format!("the guest site has {paths:?}"));
        }
        for visit in &world.visits {
            let start = self.newest().start();
            let said = if visit.path.ends_with(".ics") && !self.newest().standing {
                // Of which day does not matter: the file is known by its UID.
                vec!["STATUS:CANCELLED".to_owned()]
            } else if visit.path.ends_with(".ics") {
                let local = |name: &str, hour: i64| {
                    (&start + hour.hours())
                        .strftime(&format!("{name};TZID=America/Los_Angeles:%Y%m%dT%H%M%S"))
                        .to_string()
                };
                vec![local("DTSTART", 0), local("DTEND", 3), "STATUS:CONFIRMED".to_owned()]
            } else if self.newest().standing {
                vec![start.strftime("%B %-d, %Y").to_string(), "2:00".to_owned(), SAMPLE_BOOKING_ID.to_owned()]
            } else {
                vec!["cancelled".to_owned(), SAMPLE_BOOKING_ID.to_owned()]
            };
            says(visit, &said, wrong);
        }
    }
}

/// Whether people on the charter are told of the step from `before` to `after`.
fn tells(before: &Told, after: &Told) -> bool {
    (before.standing, before.day) != (after.standing, after.day)
}

fn says(visit: &Visit, said: &[String], wrong: &mut Vec<String>) {
    let body =
        if visit.path.ends_with(".ics") { visit.body.clone() } else { visit.body.replace("Cancelled", "cancelled") };
    for words in said {
        if visit.status != 200 || !body.contains(words) {
            wrong.push(format!("{} ({}) does not say {words:?}", visit.path, visit.status));
        }
    }
}

/// Crew and guests read no money, under no name.
fn no_money(world: &Effects, wrong: &mut Vec<String>) {
    for event in &world.scc_events {
        let names = event.as_object().into_iter().flatten().map(|(name, _)| name.to_lowercase());
        let named: Vec<String> = names.filter(|name| MONEY_NAMES.iter().any(|money| name.contains(money))).collect();
        if !named.is_empty() || holds_amount(&event.to_string()) {
            wrong.push(format!("crew can read money: {event}"));
        }
    }
    for visit in world.visits.iter().filter(|visit| holds_amount(&visit.body)) {
        wrong.push(format!("guests can read money at {}", visit.path));
    }
}

/// The amounts that can be nothing but money.
fn holds_amount(text: &str) -> bool {
    MONEY.iter().filter(|amount| amount.contains('.')).any(|amount| text.contains(amount))
}

/// A text as it is, anything else as JSON.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
