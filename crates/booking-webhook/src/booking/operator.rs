//! What the operator decides once for all charters: rates, rosters, boats, and the words that guests and crew read.
//!
//! Comes from the operator file (`operator.example.toml` shows one); without a file the defaults of the worked example apply.

use std::collections::BTreeMap;

use jiff::{SignedDuration, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{
    GuestLink, GuestSection, Language, PersonId, Position, PublicText, Rates, SanityBounds, Translated, WebAddress,
    guest_words::text_number, money_words::MoneyWords, snapshot::BoatReference,
};

/// The operator's standing decisions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Operator {
    /// As guests know it.
    pub(crate) name: String,
    /// IANA name of the zone of the dock; every time is shown in it.
    #[serde(deserialize_with = "time_zone")]
    pub time_zone: TimeZone,
    /// What crew, captain and port cost.
    pub(crate) rates: Rates,
    /// What crew tick off before and after every charter.
    pub(crate) checklist: Vec<String>,
    /// What guests are told about weather and cancelling.
    pub(crate) cancellation_note: Translated<String>,
    /// Labels that mean money, in attributes' names and in lines of notes.
    pub(crate) money_words: MoneyWords,
    /// What a plausible booking is within.
    pub(crate) bounds: SanityBounds,
    /// The boats, with what differs between them.
    pub(crate) boats: Vec<Boat>,
}

/// The boat that a sender means.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct IdentifiedBoat<'a> {
    /// By its id, else by its name.
    pub(crate) boat: Option<&'a Boat>,
    /// The sender's name for it is this other boat's.
    pub(crate) named: Option<&'a Boat>,
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
            bounds: SanityBounds::default(),
            boats: Vec::new(),
        }
    }
}

impl Operator {
    /// A boat's name or a place from outside, if everybody may read it. What this file calls a boat or a place always may.
    pub(crate) fn pass(&self, text: &str) -> Option<PublicText> {
        PublicText::pass(text, &self.money_words, |line| self.knows(line))
    }

    /// The boat that the sender means. An exact id beats an alias, an alias beats a name; case does not matter.
    pub(crate) fn identify(&self, reference: &BoatReference) -> IdentifiedBoat<'_> {
        let same = |one: &str, other: &str| one.trim().eq_ignore_ascii_case(other.trim());
        let find = |called: &str| {
            let by_id = self.boats.iter().find(|boat| same(&boat.id, called));
            let by_alias = || self.boats.iter().find(|boat| boat.aliases.iter().any(|alias| same(alias, called)));
            let by_name = || self.boats.iter().find(|boat| same(&boat.name, called));
            by_id.or_else(by_alias).or_else(by_name)
        };
        let (by_id, by_name) = (find(&reference.id), find(&reference.name));
        let disagree = matches!((by_id, by_name), (Some(one), Some(other)) if !std::ptr::eq(one, other));
        IdentifiedBoat { boat: by_id.or(by_name), named: by_name.filter(|_| disagree) }
    }

    /// The boat that the sender means, by id, alias or name.
    pub fn boat(&self, reference: &BoatReference) -> Option<&Boat> {
        self.identify(reference).boat
    }

    /// How somebody who sails is reached, as far as any boat's roster says.
    pub(crate) fn phone(&self, person: &PersonId) -> Option<&str> {
        self.boats.iter().find_map(|boat| boat.roster.phones.get(person.as_str())).map(String::as_str)
    }

    /// Whether the operator file itself has these words for a boat or a place, or on the checklist.
    pub(crate) fn knows(&self, words: &str) -> bool {
        let words = words.trim();
        let of_boat = |boat: &Boat| {
            let place = boat.meeting_point.as_ref();
            let places = place.into_iter().flat_map(|place| [place.name.english(), &place.address].map(String::as_str));
            let spanish = place.map(|place| place.name.in_language(Language::Spanish).0.as_str());
            let boat = [&boat.id, &*boat.name].into_iter().chain(boat.aliases.iter().map(String::as_str));
            boat.chain(places).chain(spanish).any(|known| known.trim().eq_ignore_ascii_case(words))
        };
        !words.is_empty() && (self.boats.iter().any(of_boat) || self.checklist.iter().any(|line| line.trim() == words))
    }
}

/// One boat.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Boat {
    /// The marketplace's id of it.
    pub(crate) id: String,
    /// As people say it.
    pub name: PublicText,
    /// Other ids and names under which senders know it.
    pub(crate) aliases: Vec<String>,
    /// How many people may be aboard beside the crew; it counts the captain.
    pub(crate) capacity: Option<u32>,
    /// Who sails when the booking does not say.
    pub(crate) roster: Roster,
    /// What crew, captain and port cost on this boat, if not what they cost on all.
    pub(crate) rates: Option<Rates>,
    /// Where guests come to.
    pub(crate) meeting_point: Option<MeetingPoint>,
    /// How long before the start guests should be there, in minutes.
    pub(crate) check_in_minutes: Option<u32>,
    /// How long before and after a charter the boat is taken, in minutes: another entry in this time overlaps it.
    pub(crate) turnaround_minutes: Option<u16>,
    /// What guests should bring.
    pub(crate) bring: Translated<Vec<String>>,
    /// What guests should leave at home.
    pub(crate) leave_at_home: Translated<Vec<String>>,
    /// The safety briefing, a line each.
    pub(crate) safety: Translated<Vec<String>>,
    /// Whom guests call on the day.
    pub(crate) emergency_contact: Option<EmergencyContact>,
    /// Where guests send text messages to, in international form.
    #[serde(deserialize_with = "text_number")]
    pub(crate) text_number: Option<String>,
    /// What guests call the captain.
    pub(crate) captain_name: Option<String>,
    /// 1200 x 630 pixels, for the preview of a link in a chat; without one the function draws it.
    pub(crate) picture: Option<WebAddress>,
    /// What guests can open.
    pub(crate) links: Vec<GuestLink>,
    /// What guests can read beside the page's own words.
    pub(crate) sections: Vec<GuestSection>,
}

impl Boat {
    /// How long before the start guests should be there; a quarter of an hour unless the operator says otherwise.
    pub(crate) fn check_in(&self) -> SignedDuration {
        SignedDuration::from_mins(self.check_in_minutes.unwrap_or(15).into())
    }

    /// How long before and after a charter the boat is taken; not at all unless the operator says so.
    pub(crate) fn turnaround(&self) -> SignedDuration {
        SignedDuration::from_mins(self.turnaround_minutes.unwrap_or_default().into())
    }
}

/// Who sails by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Roster {
    /// Crew beside the captain.
    pub(crate) crew: Vec<PersonId>,
    /// The captain.
    pub(crate) captain: Option<PersonId>,
    /// How any of them is reached, in international form. Read where it is needed, and never stored with a booking.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) phones: BTreeMap<String, String>,
}

impl Roster {
    /// Whether it names nobody.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Who sails, as it is settled with a booking.
    pub(super) fn without_phones(&self) -> Self {
        Self { phones: BTreeMap::new(), ..self.clone() }
    }
}

/// Where guests come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeetingPoint {
    /// Marina and dock.
    pub(crate) name: Translated<String>,
    /// Street address.
    pub(crate) address: String,
    /// A map of it.
    pub(crate) map_url: String,
    /// Where it is on the globe.
    pub(crate) position: Option<Position>,
}

/// Whom guests call on the day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EmergencyContact {
    /// Who answers.
    pub(crate) name: Translated<String>,
    /// In international form, e.g. `+1 619 555 0100`.
    pub(crate) phone: String,
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
    fn the_example_file_is_the_worked_example() {
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
    fn a_person_who_is_no_identifier_is_refused() {
        for roster in ["crew = [\"crew-1\", \"crew 2\"]", "captain = \"captain/1\""] {
            let refused = toml::from_str::<Operator>(&format!("[[boats]]\n[boats.roster]\n{roster}"));
            assert!(refused.expect_err(roster).to_string().contains("must be 1 to 64 of the characters"), "{roster}");
        }
    }
}
