//! Is the world as it should be after the sample booking?
//!
//! Looks where people look: the calendar, the crew's records and mail, the guest page through the edge, the crew page behind
//! each magic link. What the function answered is not asked.

use std::time::Instant;

use http::header::CONTENT_TYPE;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::{
    aws::loopback_client,
    rehearsal::Rehearsal,
    scc::{Mail, MailKind},
};

/// The money of the worked example, by its place in the calendar's entry.
const MONEY: [(&str, &str); 5] = [
    ("/revenue", "840.75"),
    ("/expenses/crew", "250.00"),
    ("/expenses/captain", "150.00"),
    ("/expenses/port_tax", "151.34"),
    ("/net", "289.41"),
];
const ASSIGNED: [&str; 3] = ["crew-1", "crew-2", "captain-1"];
const GUEST: &str = "Dana";
/// What crew may read nowhere, in lower case: the labels of money, and the amounts that cannot be anything else.
const NOT_FOR_CREW: [&str; 10] =
    ["revenue", "gross", "payout", "captain_fee", "crew_cost", "port_tax", "840.75", "151.34", "289.41", "$"];

/// The four systems, as they were when they were looked at.
pub struct Inspection {
    /// The calendar's entries.
    pub entries: Vec<Value>,
    /// The crew's events.
    pub events: Vec<Value>,
    /// The crew's mail.
    pub mails: Vec<Mail>,
    /// The guest page at its clean address.
    pub guest_page: Page,
    /// The guest's calendar file.
    pub calendar_file: Page,
    /// The crew page, behind each magic link.
    pub crew_pages: Vec<Page>,
}

/// What a browser got.
pub struct Page {
    /// Its address.
    pub url: String,
    /// The answer's status; 0 when there was no answer.
    pub status: u16,
    /// The answer's content type.
    pub content_type: String,
    /// The answer's body.
    pub body: String,
    /// How long it took.
    pub milliseconds: u128,
}

impl Inspection {
    /// Looks at all four systems.
    pub async fn of(rehearsal: &Rehearsal) -> Self {
        let (entries, events, mails) =
            (rehearsal.calendar.entries(), rehearsal.scc.events().await, rehearsal.scc.mailbox());
        let charter_id = events.iter().chain(&entries).find_map(|record| record["event_id"].as_str()).unwrap_or("none");
        let guest_page = format!("{}/g/{charter_id}", rehearsal.edge.url());
        let mut crew_pages = Vec::new();
        for link in mails.iter().filter_map(|mail| mail.link.as_deref()) {
            crew_pages.push(Page::get(link).await);
        }
        Self {
            calendar_file: Page::get(&format!("{guest_page}.ics")).await,
            guest_page: Page::get(&guest_page).await,
            crew_pages,
            entries,
            events,
            mails,
        }
    }

    /// What is not as it should be, each in a sentence; nothing when all is well.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = [self.calendar_faults(), self.crew_faults(), self.mail_faults()].concat();
        faults.extend(self.guest_page.fault("guest page", "text/html", GUEST));
        faults.extend(self.calendar_file.fault("guest's calendar file", "text/calendar", "BEGIN:VEVENT"));
        faults.extend(self.crew_pages.iter().filter_map(|page| page.fault("crew page", "text/html", GUEST)));
        faults
    }

    fn calendar_faults(&self) -> Vec<String> {
        let [entry] = self.entries.as_slice() else {
            return vec![format!("calendar: {} entries instead of one", self.entries.len())];
        };
        let wrong = |(place, amount): &(&str, &str)| {
            let shown = entry.pointer(place).unwrap_or(&Value::Null).to_string();
            let expected: Decimal = amount.parse().expect("the worked example's amounts are decimal numbers");
            (shown.parse() != Ok(expected)).then(|| format!("calendar: {place} is {shown} instead of {amount}"))
        };
        MONEY.iter().filter_map(wrong).collect()
    }

    fn crew_faults(&self) -> Vec<String> {
        let [event] = self.events.as_slice() else {
            return vec![format!("ShipCaptainCrew: {} events instead of one", self.events.len())];
        };
        let record = event.to_string().to_lowercase();
        let money = NOT_FOR_CREW.iter().filter(|words| record.contains(**words));
        money.map(|words| format!("ShipCaptainCrew: crew can read \"{words}\" in the event")).collect()
    }

    fn mail_faults(&self) -> Vec<String> {
        let first = |who: &str| {
            self.mails.iter().filter(|mail| mail.to == who && matches!(mail.kind, MailKind::MagicLink)).count()
        };
        let mut faults: Vec<_> = ASSIGNED
            .into_iter()
            .map(|who| (who, first(who)))
            .filter(|(_, mails)| *mails != 1)
            .map(|(who, mails)| format!("crew mailbox: {mails} magic links to {who} instead of one"))
            .collect();
        if self.mails.len() > ASSIGNED.len() {
            faults.push(format!("crew mailbox: {} mails instead of {}", self.mails.len(), ASSIGNED.len()));
        }
        faults
    }
}

impl Page {
    async fn get(url: &str) -> Self {
        let since = Instant::now();
        let (status, content_type, body) = match loopback_client().get(url).send().await {
            Err(error) => (0, String::new(), error.to_string()),
            Ok(answer) => {
                let content_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
                let content_type = content_type.unwrap_or_default().to_owned();
                (answer.status().as_u16(), content_type, answer.text().await.unwrap_or_default())
            }
        };
        Self { url: url.to_owned(), status, content_type, body, milliseconds: since.elapsed().as_millis() }
    }

    fn fault(&self, name: &str, content_type: &str, words: &str) -> Option<String> {
        let Self { url, status, .. } = self;
        if *status != 200 {
            return Some(format!("{name}: {url} answered {status} instead of 200"));
        }
        if !self.content_type.starts_with(content_type) {
            return Some(format!("{name}: {url} is \"{}\" instead of {content_type}", self.content_type));
        }
        (!self.body.contains(words)).then(|| format!("{name}: {url} does not say \"{words}\""))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page(content_type: &str, body: &str) -> Page {
        Page {
            url: "http://127.0.0.1/page".to_owned(),
            status: 200,
            content_type: content_type.to_owned(),
            body: body.to_owned(),
            milliseconds: 1,
        }
    }

    fn magic_link(to: &str) -> Mail {
        Mail {
            to: to.to_owned(),
            kind: MailKind::MagicLink,
            event_id: "XHQGMDH1".to_owned(),
            subject: String::new(),
            text: String::new(),
            link: None,
        }
    }

    fn well() -> Inspection {
        Inspection {
            entries: vec![json!({
                "revenue": 840.75,
                "expenses": { "crew": 250, "captain": 150.0, "port_tax": 151.34 },
                "net": 289.41,
            })],
            events: vec![json!({ "event_id": "XHQGMDH1", "notes": "Pier 5", "tips": 40 })],
            mails: ASSIGNED.map(magic_link).into(),
            guest_page: page("text/html; charset=utf-8", "Hello Dana"),
            calendar_file: page("text/calendar", "BEGIN:VEVENT"),
            crew_pages: vec![page("text/html", "Dana and 7 more")],
        }
    }

    fn fault_after(spoil: impl FnOnce(&mut Inspection)) -> String {
        let mut world = well();
        spoil(&mut world);
        world.faults().join("\n")
    }

    #[test]
    fn a_world_in_step_has_no_faults() {
        assert_eq!(well().faults(), Vec::<String>::new());
    }

    #[test]
    fn each_fault_is_named() {
        for (fault, named) in [
            (fault_after(|world| world.entries.clear()), "calendar: 0 entries instead of one"),
            (
                fault_after(|world| world.entries[0]["net"] = json!(289.42)),
                "calendar: /net is 289.42 instead of 289.41",
            ),
            (
                fault_after(|world| world.events[0]["pay"] = json!({ "captain_fee": 1 })),
                "crew can read \"captain_fee\"",
            ),
            (fault_after(|world| world.mails.push(magic_link("crew-2"))), "2 magic links to crew-2 instead of one"),
            (fault_after(|world| world.guest_page.status = 403), "answered 403 instead of 200"),
            (fault_after(|world| world.calendar_file.content_type.clear()), "is \"\" instead of text/calendar"),
            (fault_after(|world| world.crew_pages[0].body.clear()), "does not say \"Dana\""),
        ] {
            assert!(fault.contains(named), "{fault}");
        }
    }
}
