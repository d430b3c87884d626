//! Where a charter starts, as everybody may read it.
//!
//! A sender's `location` is free text that anybody can have typed anything into, and it would go onto a public page and to the crew. So
//! it is shown only when it looks like a place and nothing else. What is withheld, the office reads whole.

use std::sync::LazyLock;

use regex_lite::Regex;

use super::{MeetingPoint, MoneyWords, pattern};

/// Longer, and it is not a place but a letter.
const LONGEST_SHOWN_CHARS: usize = 200;

/// The shortest local phone numbers have seven digits.
const FEWEST_PHONE_DIGITS: usize = 7;

static EMAIL_ADDRESS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\S@\S"));

/// Digits and what people put between them; a ZIP+4 ("92101-1234") comes first, so that it is not taken for a phone number.
static DIGITS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b\d{5}-\d{4}\b|\d[\d ().+/\u{a0}\u{2010}-\u{2015}-]*"));

/// What opens a gate: "gate code 4821#", "PIN4821", "gate 48-21", "the gate's number is 4821", "4821 opens the gate", "*4821". Behind
/// "key" and "access", which places are named with ("Key West, 1204 Duval St"), only words that lead to a code may stand before it.
static CODE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(?:(?:pass|key|door|gate|entry|access)?codes?|passwords?|combos?|combination|lock ?box|key ?pad|key ?box",
        r"|c[oó]digo|contraseña|clave)(?:[^a-z]|$)",
        r"|\b(?:(?:pin|gate|door|entry|buzzer|use|enter|press|dial|punch)(?:\W+(?:(?:s|numbers?|no|is|opens?|with|by|to|the)\W+)*(?:[a-z]+\W+)?)?",
        r"|(?:keys?|access|pwd?)(?:\W+(?:(?:s|numbers?|no|is|opens?|with|by|to|the)\W+)*)?)(?:\d{3}|\d\d[ .-]\d\d|\d[ .-]\d[ .-]\d)",
        r"|\d{3,}\W+(?:(?:opens?|unlocks?)\b|(?:for|is)\W+(?:the\W+)?(?:gate|door|lock|pin|key))",
        r"|\d{3,}\s*#|\*\s*\d{3,}",
    ))
});

/// "ZIP code 92101" opens nothing.
static POSTAL_CODE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(?:zip|postal)[ -]?code\b"));

/// Where a charter starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The boat's own meeting point, with address and map.
    MeetingPoint(MeetingPoint),
    /// Somewhere else, in the booking's own words.
    Elsewhere(String),
}

impl Place {
    /// Where the booking says, else at the boat's meeting point. Second, the booking's own words when they are for the office alone.
    pub(super) fn of(
        location: Option<String>,
        meeting_point: Option<&MeetingPoint>,
        money_words: &MoneyWords,
    ) -> (Option<Self>, Option<String>) {
        let at_meeting_point = || meeting_point.cloned().map(Self::MeetingPoint);
        match location {
            None => (at_meeting_point(), None),
            Some(location) if meeting_point.is_some_and(|point| *point.name.english() == location) => {
                (at_meeting_point(), None)
            }
            Some(location) if is_for_everybody(&location, money_words) => (Some(Self::Elsewhere(location)), None),
            Some(location) => (at_meeting_point(), Some(location)),
        }
    }

    /// In a few words.
    pub fn name(&self) -> &str {
        match self {
            Self::MeetingPoint(point) => point.name.english(),
            Self::Elsewhere(words) => words,
        }
    }

    /// Address and map, if it is the boat's own place.
    pub fn meeting_point(&self) -> Option<&MeetingPoint> {
        match self {
            Self::MeetingPoint(point) => Some(point),
            Self::Elsewhere(_) => None,
        }
    }
}

fn is_for_everybody(location: &str, money_words: &MoneyWords) -> bool {
    location.chars().count() <= LONGEST_SHOWN_CHARS
        && !EMAIL_ADDRESS.is_match(location)
        && !has_phone_number(location)
        && !CODE.is_match(&POSTAL_CODE.replace_all(location, "ZIP"))
        && !location.lines().any(|line| money_words.speaks_of_money(line))
}

fn has_phone_number(text: &str) -> bool {
    let is_zip_plus_4 =
        |found: &str| found.len() == 10 && found.as_bytes()[5] == b'-' && found.matches('-').count() == 1;
    DIGITS
        .find_iter(text)
        .map(|found| found.as_str())
        .filter(|found| !is_zip_plus_4(found))
        .any(|found| found.bytes().filter(u8::is_ascii_digit).count() >= FEWEST_PHONE_DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meeting_point() -> MeetingPoint {
        MeetingPoint {
            name: "Harbor Island, guest dock, gate code 1234".to_owned().into(),
            address: "1880 Harbor Island Drive".into(),
            map_url: "https://example.com/map".into(),
            position: None,
        }
    }

    fn place(location: &str) -> (Option<Place>, Option<String>) {
        Place::of(Some(location.to_owned()), Some(&meeting_point()), &MoneyWords::default())
    }

    #[test]
    fn a_place_is_shown() {
        for location in [
            "Coronado Ferry Landing",
            "Coronado <Ferry> Landing",
            "Slip 12, 1880 Harbor Island Dr, San Diego, CA 92101-1234",
            "Slip #1204, Gate 5",
            "ZIP code 92101",
            "Pier 5, 12 Oak St",
            "Tip of Shelter Island, 2240 Shelter Island Dr",
            "Meet @ the dock",
            "Net Loft, 85 Harbor Dr",
            "Muelle 3, Ensenada",
            "Slip #1204",
            "1880 Harbor Island Dr",
            "San Diego, CA 92101-1234",
            "Pier 5",
            "Tip of Shelter Island",
            "Pine Dock 482",
            "Key West, 1204 Duval St",
            "Gate 5, 1880 Harbor Island Dr",
            "Access ramp 3, 1880 Harbor Island Dr",
        ] {
            assert_eq!(place(location), (Some(Place::Elsewhere(location.into())), None), "{location}");
        }
    }

    #[test]
    fn what_is_more_than_a_place_is_for_the_office_alone() {
        let long = "Dock ".repeat(41);
        for location in [
            "12 Oak St, gate code 4821#, dana@example.com, $50 parking",
            "12 Oak St, gate code 4821",
            "12 Oak St, gatecode: 4821",
            "gate 4821, then left",
            "PIN 4821",
            "4821# at the gate",
            "press *4821",
            "enter the 4821",
            "lockbox on the rail",
            "código 4821",
            "Slip 12, combo 4821",
            "gate code4821",
            "PIN4821",
            "gate 48-21",
            "gate 4 8 2 1",
            "access 4821",
            "access code: 4821",
            "key 4821",
            "key is 4821",
            "pw 4821",
            "the gate's number is 4821",
            "gate opens with 4821",
            "4821 opens the gate",
            "4821 for the gate",
            "write dana@example.com",
            "call 555-0123",
            "Dock 5 (619) 555 0123",
            "+1.619.555.0123",
            "619–555–0123",
            "6195550123",
            "$50 parking",
            "parking 50 USD",
            "Harbor\nparking fee at kiosk",
            "gross 840.75",
            &long,
        ] {
            let withheld = (Some(Place::MeetingPoint(meeting_point())), Some(location.to_owned()));
            assert_eq!(place(location), withheld, "{location}");
        }
        let nowhere = Place::of(Some("PIN 4821".into()), None, &MoneyWords::default());
        assert_eq!(nowhere, (None, Some("PIN 4821".into())));
    }

    #[test]
    fn the_boats_own_place_is_the_operators_to_word() {
        let own = (Some(Place::MeetingPoint(meeting_point())), None);
        assert_eq!(place(meeting_point().name.english()), own);
        assert_eq!(Place::of(None, Some(&meeting_point()), &MoneyWords::default()), own);
    }
}
