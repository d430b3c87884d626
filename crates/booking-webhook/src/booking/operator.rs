//! What the operator decides once for all charters: rates, rosters, boats, and the words that guests and crew read.
//!
//! Comes from the operator file (`operator.example.toml` shows one); without a file the defaults of the worked example apply.

use jiff::{SignedDuration, tz::TimeZone};
use serde::Deserialize;

use super::{
    GuestLink, GuestSection, PersonId, Position, Rates, Translated, WebAddress, guest_words::text_number,
    money_words::MoneyWords, snapshot::BoatReference,
};

/// The operator's standing decisions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Operator {
    /// As guests know it.
    pub name: String,
    /// IANA name of the zone of the dock; every time is shown in it.
    #[serde(deserialize_with = "time_zone")]
    pub time_zone: TimeZone,
    /// What crew, captain and port cost.
    pub rates: Rates,
    /// What crew tick off before and after every charter.
    pub checklist: Vec<String>,
    /// What guests are told about weather and cancelling.
    pub cancellation_note: Translated<String>,
    /// Labels that mean money, in attributes' names and in lines of notes.
    pub money_words: MoneyWords,
    /// The boats, with what differs between them.
    pub boats: Vec<Boat>,
}

impl Default for Operator {
    fn default() -> Self {
        Self {
            name: "JADA Sailing".into(),
            time_zone: TimeZone::get("America/Los_Angeles").expect("the bundled time zone database has it"),
            rates: Rates::default(),
            checklist: [
                "Life jackets counted",
                "Radio checked",
                "Engine and fuel checked",
                "Guest safety briefing given",
                "Boat cleaned and secured",
            ]
            .map(String::from)
            .into(),
            cancellation_note: "If the weather is unsafe we call you and find another day.".to_owned().into(),
            money_words: MoneyWords::default(),
            boats: Vec::new(),
        }
    }
}

impl Operator {
    /// The boat that the sender means, by id, name or alias, ignoring case.
    pub fn boat(&self, reference: &BoatReference) -> Option<&Boat> {
        let meant = |name: &str| name.eq_ignore_ascii_case(&reference.id) || name.eq_ignore_ascii_case(&reference.name);
        self.boats
            .iter()
            .find(|boat| meant(&boat.id) || meant(&boat.name) || boat.aliases.iter().any(|alias| meant(alias)))
    }
}

/// One boat.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Boat {
    /// The marketplace's id of it.
    pub id: String,
    /// As people say it.
    pub name: String,
    /// Other ids and names under which senders know it.
    pub aliases: Vec<String>,
    /// How many people may be aboard beside the crew; it counts the captain.
    pub capacity: Option<u32>,
    /// Who sails when the booking does not say.
    pub roster: Roster,
    /// Where guests come to.
    pub meeting_point: Option<MeetingPoint>,
    /// How long before the start guests should be there, in minutes.
    pub check_in_minutes: Option<u32>,
    /// What guests should bring.
    pub bring: Translated<Vec<String>>,
    /// What guests should leave at home.
    pub leave_at_home: Translated<Vec<String>>,
    /// The safety briefing, a line each.
    pub safety: Translated<Vec<String>>,
    /// Whom guests call on the day.
    pub emergency_contact: Option<EmergencyContact>,
    /// Where guests send text messages to, in international form.
    #[serde(deserialize_with = "text_number")]
    pub text_number: Option<String>,
    /// What guests call the captain.
    pub captain_name: Option<String>,
    /// 1200 x 630 pixels, for the preview of a link in a chat; without one the function draws it.
    pub picture: Option<WebAddress>,
    /// What guests can open.
    pub links: Vec<GuestLink>,
    /// What guests can read beside the page's own words.
    pub sections: Vec<GuestSection>,
}

impl Boat {
    /// How long before the start guests should be there; a quarter of an hour unless the operator says otherwise.
    pub fn check_in(&self) -> SignedDuration {
        SignedDuration::from_mins(self.check_in_minutes.unwrap_or(15).into())
    }
}

/// Who sails by default.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Roster {
    /// Crew beside the captain.
    pub crew: Vec<PersonId>,
    /// The captain.
    pub captain: Option<PersonId>,
}

/// Where guests come to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeetingPoint {
    /// Marina and dock.
    pub name: Translated<String>,
    /// Street address.
    pub address: String,
    /// A map of it.
    pub map_url: String,
    /// Where it is on the globe.
    pub position: Option<Position>,
}

/// Whom guests call on the day.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmergencyContact {
    /// Who answers.
    pub name: Translated<String>,
    /// In international form, e.g. `+1 619 555 0100`.
    pub phone: String,
}

fn time_zone<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<TimeZone, D::Error> {
    let name = String::deserialize(deserializer)?;
    TimeZone::get(&name).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::booking::{Language, Phase};

    fn example() -> Operator {
        toml::from_str(include_str!("../../../../operator.example.toml")).expect("the example is valid")
    }

    #[test]
    fn the_example_is_the_worked_example_and_describes_its_boat_whole() {
        let operator = example();
        assert_eq!(operator.rates, Rates::default(), "25, 50 and 0.18, to the digit");
        assert_eq!(operator.time_zone.iana_name(), Some("America/Los_Angeles"));
        for name in ["qosd", "QUEEN OF SAN DIEGO", "queen-of-san-diego"] {
            let boat = operator.boat(&BoatReference { id: "?".into(), name: name.into() }).expect(name);
            let crew: Vec<&str> = boat.roster.crew.iter().map(PersonId::as_str).collect();
            assert_eq!(
                (crew, boat.roster.captain.as_ref().map(PersonId::as_str)),
                (vec!["crew-1", "crew-2"], Some("captain-1"))
            );
            assert!(boat.capacity > Some(8) && boat.check_in() == SignedDuration::from_mins(15));
            assert!(boat.meeting_point.as_ref().is_some_and(|point| point.map_url.starts_with("https://")));
            assert!(boat.emergency_contact.as_ref().is_some_and(|contact| contact.phone.contains(" 555 ")));
            assert!(boat.meeting_point.as_ref().is_some_and(|point| point.position.is_some()));
            assert!(boat.text_number.is_some() && boat.captain_name.is_some());
            for phase in [Phase::Upcoming, Phase::Today, Phase::After, Phase::Cancelled] {
                assert!(boat.links.iter().any(|link| link.phases.contains(phase)), "something to press: {phase:?}");
            }
            assert!(boat.sections.iter().any(|section| section.phases.contains(Phase::Cancelled)), "about the money");
            for language in Language::ALL {
                let translated = |text: &Translated<String>| text.in_language(language).1 == language;
                assert!(boat.links.iter().all(|link| translated(&link.label)));
                assert!(boat.sections.iter().all(|section| translated(&section.title) && translated(&section.text)));
                for list in [&boat.bring, &boat.leave_at_home, &boat.safety] {
                    let (lines, said_in) = list.in_language(language);
                    assert!(!lines.is_empty() && said_in == language, "{lines:?}");
                }
            }
        }
    }

    #[test]
    fn the_examples_list_of_money_labels_is_the_built_in_one() {
        let text = include_str!("../../../../operator.example.toml");
        let (_, list) = text.split_once("# money_words = [").expect("it is there as a comment");
        let (list, _) = list.split_once(']').expect("it ends");
        let list = format!("money_words = [{}]", list.replace('#', ""));
        let stated: Operator = toml::from_str(&list).expect("uncommented, it is valid");
        assert_eq!(format!("{:?}", stated.money_words), format!("{:?}", MoneyWords::default()));
    }

    #[test]
    fn a_mistyped_key_is_refused_and_not_ignored() {
        for mistyped in ["captain_rate = 50", "[rates]\ncrew = 25", "[[boats]]\nid = \"qosd\"\ncapcity = 13"] {
            assert!(toml::from_str::<Operator>(mistyped).is_err(), "{mistyped}");
        }
    }

    #[test]
    fn a_person_who_cannot_be_an_identifier_is_refused_with_the_reason() {
        for roster in ["crew = [\"crew-1\", \"crew 2\"]", "captain = \"captain/1\""] {
            let refused = toml::from_str::<Operator>(&format!("[[boats]]\n[boats.roster]\n{roster}"));
            assert!(refused.expect_err(roster).to_string().contains("must be 1 to 64 of the characters"), "{roster}");
        }
    }
}
