//! What the marketplace says of one booking, time after time, and what people do by hand meanwhile.

use jiff::{SignedDuration, Timestamp, ToSpan as _, Zoned, civil::date, tz::TimeZone};
use regex_lite::Regex;
use rehearsal::{DASHBOARD_TOKEN, Rehearsal, SERVICE_KEY};
use serde_json::{Value, json};
use simulators::sender::{SAMPLE_BOOKING_ID, sample_booking};

use super::stage::Stage;

/// What somebody in the office and on the dock wrote, which no delivery may undo.
pub(crate) const NOTE_BY_HAND: &str = "Dock gate sticks";
pub(crate) const TITLE_BY_HAND: &str = " (deposit paid)";
pub(crate) const TICKED_BY_HAND: &str = "Radio checked";

/// A snapshot of the booking. Of two, the one with the larger version is newer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) version: u8,
    /// The day in May 2031.
    pub(crate) day: i8,
    pub(crate) crew: [&'static str; 2],
    pub(crate) standing: bool,
    /// It decides nothing: what was decided last holds.
    pub(crate) undecided: bool,
    /// Who says so, and how.
    pub(crate) source: Source,
}

/// Who tells a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The marketplace, with the time of the change.
    Marketplace,
    /// A sender that states neither time nor revision.
    Timeless,
    /// A person who enters it by hand.
    Person,
}

impl Told {
    pub(crate) fn version(version: u8) -> Self {
        Self {
            version,
            day: 30,
            crew: ["crew-1", "crew-2"],
            standing: true,
            undecided: false,
            source: Source::Marketplace,
        }
    }

    pub(crate) fn on(self, day: i8) -> Self {
        Self { day, ..self }
    }

    pub(crate) fn with_crew(self, crew: [&'static str; 2]) -> Self {
        Self { crew, ..self }
    }

    pub(crate) fn cancelled(self) -> Self {
        Self { standing: false, ..self }
    }

    pub(crate) fn refunded(self) -> Self {
        Self { undecided: true, ..self }
    }

    pub(crate) fn timeless(self) -> Self {
        Self { source: Source::Timeless, ..self }
    }

    pub(crate) fn by_a_person(self) -> Self {
        Self { source: Source::Person, ..self }
    }

    /// Crew and captain.
    pub(crate) fn people(&self) -> [&'static str; 3] {
        [self.crew[0], self.crew[1], "captain-1"]
    }

    /// Always from two to five in the afternoon, so that what a person adds to a title or to notes is not in the way of a new day.
    pub(crate) fn start(&self) -> Zoned {
        let zone = TimeZone::get("America/Los_Angeles").expect("the time zone database is compiled in");
        date(2031, 5, self.day).at(14, 0, 0, 0).to_zoned(zone).expect("no clock changes in May")
    }

    /// The webhook id of its delivery.
    pub(crate) fn delivery_id(&self) -> String {
        format!("msg_{}{}", self.version, if self.standing { "" } else { "_off" })
    }

    pub(crate) fn body(&self) -> Value {
        let first: Timestamp = "2025-05-20T18:00:00Z".parse().expect("an instant");
        let mut body = sample_booking(SAMPLE_BOOKING_ID, &self.start(), first + i64::from(self.version).seconds());
        body["id"] = json!(format!("evt_{}", self.version));
        let booking = &mut body["data"]["booking"];
        booking["crew_ids"] = json!(self.crew);
        booking["status"] = json!(match self {
            Self { undecided: true, .. } => "refunded",
            Self { standing: true, .. } => "confirmed",
            Self { standing: false, .. } => "cancelled",
        });
        if self.source == Source::Timeless {
            for stated in ["updated_at", "revision"] {
                booking.as_object_mut().expect("an object").remove(stated);
            }
            body.as_object_mut().expect("an object").remove("created_at");
        }
        body
    }
}

/// Somebody in the office deletes the booking's only entry.
pub(crate) async fn delete_entry_by_hand(world: &Rehearsal) {
    let calendar = &world.calendar;
    let entry = calendar.entries().pop().expect("an entry");
    let url = format!("{}/calendar/{}", calendar.url(), entry["id"].as_str().expect("an id"));
    let delete = simulators::aws::loopback_client().delete(url).header("x-dashboard-token", DASHBOARD_TOKEN);
    assert!(delete.send().await.expect("an answer").status().is_success(), "it is deleted");
}

/// What people do once a booking is in step.
pub(crate) async fn work_by_hand(stage: &Stage) {
    let world = stage.rehearsal.effects().await.expect("the world can be looked at");
    let (entry, event) = (&world.calendar[0], &world.scc_events[0]);
    let title = format!("{}{TITLE_BY_HAND}", entry["title"].as_str().expect("a title"));
    stage.rehearsal.calendar.put_by_hand(entry["id"].as_str().expect("an id"), json!({ "title": title }));

    let client = simulators::aws::loopback_client();
    let notes = format!("{}\n{NOTE_BY_HAND}", event["notes"].as_str().expect("notes"));
    let url = format!("{}/events/{}", stage.rehearsal.scc.url(), event["event_id"].as_str().expect("an id"));
    let noted = client.patch(url).bearer_auth(SERVICE_KEY).json(&json!({ "notes": notes })).send().await;
    assert!(noted.expect("an answer").status().is_success(), "the note is taken");

    for mail in world.mailbox.iter().filter(|mail| mail.link.is_some()) {
        let (page, token) = mail.link.as_deref().and_then(|link| link.split_once("?token=")).expect("a token");
        for deed in ["answer=yes".to_owned(), format!("tick={}", TICKED_BY_HAND.replace(' ', "+"))] {
            let form = client.post(page).header("content-type", "application/x-www-form-urlencoded");
            let done = form.body(format!("token={token}&{deed}")).send().await.expect("an answer");
            assert!(done.status().is_redirection(), "{deed} is taken: {}", done.status());
        }
    }
}

/// The path of the case that the newest mail to the office leads to.
pub(crate) async fn case_in_mail(stage: &Stage) -> String {
    let mail = stage.look().await.office_mailbox.pop().expect("the office is mailed");
    let link = Regex::new(r"/desk/\S+").expect("a pattern");
    link.find(&mail.text).unwrap_or_else(|| panic!("no link: {}", mail.text)).as_str().to_owned()
}

/// Where the button of this label leads, as the case is drawn now; `None` when it has no such button.
pub(crate) async fn button(stage: &Stage, case: &str, label: &str) -> Option<String> {
    let process = stage.process(SignedDuration::ZERO).await.expect("it starts");
    let (_, page) = process.browse("GET", case, "").await;
    let pattern = Regex::new(&format!(r#"href="([^"]+)"[^>]*>{label}</a>"#)).expect("a pattern");
    Some(pattern.captures(&page.replace("&#x2F;", "/"))?[1].to_owned())
}
