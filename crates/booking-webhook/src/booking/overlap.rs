//! What a charter overlaps, and what the office reads of it.

use std::collections::BTreeSet;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{
    BookingId, Language,
    time::{short_day, span},
};

/// What an overlapping entry says of the boat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnBoat {
    /// The same one.
    Same,
    /// It names none, and there are several.
    Perhaps,
    /// Another one.
    Another,
}

/// One entry that a charter overlaps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Overlap {
    /// The booking, if it is one of ours.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) booking_id: Option<BookingId>,
    /// The title of somebody else's entry.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub(crate) title: String,
    /// Whether it is on the same boat.
    pub(crate) boat: OnBoat,
    /// It has the same captain.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub(crate) same_captain: bool,
    /// Who else is on both.
    #[serde(skip_serializing_if = "BTreeSet::is_empty", default)]
    pub(crate) people: BTreeSet<String>,
    /// When the other one begins.
    pub(crate) from: Timestamp,
    /// When it is over.
    pub(crate) to: Timestamp,
    /// It is there all day.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub(crate) all_day: bool,
}

impl Overlap {
    /// One line for the office. The reader knows that the charter sails on `day`: `overlaps BS-A1, same boat, 2:00–5:00 PM`.
    pub(crate) fn words(&self, day: Date, zone: &TimeZone) -> String {
        let verb = if self.is_certain() { "overlaps" } else { "may overlap" };
        let other = self.booking_id.as_ref().map_or_else(|| format!("\"{}\"", self.title), ToString::to_string);
        let boat = match self.boat {
            OnBoat::Same => Some("same boat".to_owned()),
            OnBoat::Perhaps => Some("which names no boat".to_owned()),
            OnBoat::Another => None,
        };
        let captain = self.same_captain.then(|| "same captain".to_owned());
        let people: Vec<&str> = self.people.iter().map(String::as_str).collect();
        let people = (!people.is_empty()).then(|| format!("{} on both", people.join(" and ")));
        let parts = [Some(format!("{verb} {other}")), boat, captain, people, Some(self.when(day, zone))];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// It names this boat or these people; what names no boat only may.
    pub(crate) fn is_certain(&self) -> bool {
        self.boat == OnBoat::Same || self.same_captain || !self.people.is_empty()
    }

    fn when(&self, day: Date, zone: &TimeZone) -> String {
        let (from, to) = (self.from.to_zoned(zone.clone()), self.to.to_zoned(zone.clone()));
        let that_day = short_day(&from, Language::English);
        match (self.all_day, from.date() == day) {
            (true, true) => "all day".to_owned(),
            (true, false) => format!("all of {that_day}"),
            (false, false) if from.date() == to.date() => format!("{that_day} {}", span(&from, &to, Language::English)),
            (false, _) => span(&from, &to, Language::English),
        }
    }
}
