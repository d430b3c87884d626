//! What the operator adds to the guest page in words of its own: links, sections, a place on the globe.
//!
//! Each is checked when the operator file is read, so that no guest meets a dead button, and a mistake is named with its line.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use url::Url;

use super::Translated;

/// A part of a charter's life that the guest page tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// Until the day that guests come to the dock.
    Upcoming,
    /// That day, until the start.
    Today,
    /// From the start to the end.
    Underway,
    /// From the end on.
    After,
    /// The charter is cancelled, on any day.
    Cancelled,
}

impl Phase {
    /// As the operator file and the page's `data-on` name it.
    pub(crate) fn token(self) -> &'static str {
        match self {
            Self::Upcoming => "upcoming",
            Self::Today => "today",
            Self::Underway => "underway",
            Self::After => "after",
            Self::Cancelled => "cancelled",
        }
    }
}

/// When something is on the page: `phase = "after"` or `phase = ["today", "underway"]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "WrittenPhases")]
pub(crate) struct Phases(Vec<Phase>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "phase must be upcoming, today, underway, after or cancelled, or a list of them")]
enum WrittenPhases {
    One(Phase),
    Several(Vec<Phase>),
}

impl From<WrittenPhases> for Phases {
    fn from(written: WrittenPhases) -> Self {
        match written {
            WrittenPhases::One(phase) => Self(vec![phase]),
            WrittenPhases::Several(phases) => Self(phases),
        }
    }
}

/// Until the end of the charter, unless the operator says otherwise.
impl Default for Phases {
    fn default() -> Self {
        Self(vec![Phase::Upcoming, Phase::Today, Phase::Underway])
    }
}

impl Phases {
    /// Each phase that one of `several` has.
    pub(crate) fn union<'a>(several: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut union = Vec::new();
        for phase in several.into_iter().flat_map(|phases| &phases.0) {
            if !union.contains(phase) {
                union.push(*phase);
            }
        }
        Self(union)
    }

    /// Whether `phase` is one of them.
    pub(crate) fn contains(&self, phase: Phase) -> bool {
        self.0.contains(&phase)
    }

    /// The phases of a charter that is not cancelled, as the page's `data-on` names them; empty if there are none.
    pub(crate) fn tokens(&self) -> String {
        let sailing = self.0.iter().filter(|phase| **phase != Phase::Cancelled);
        sailing.map(|phase| phase.token()).collect::<Vec<_>>().join(" ")
    }
}

/// An address that a guest's phone opens in safety: `https://` and a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WebAddress(Url);

impl WebAddress {
    /// # Errors
    /// What is wrong with `text`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match Url::parse(text) {
            Ok(url) if url.scheme() == "https" && url.host_str().is_some_and(|host| host.contains('.')) => {
                Ok(Self(url))
            }
            _ => Err(format!("must be an address that begins with https:// and a host, not {text:?}")),
        }
    }

    /// The whole address.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The site's name as people say it: `weather.gov`.
    pub(crate) fn host(&self) -> &str {
        let host = self.0.host_str().unwrap_or_default();
        host.strip_prefix("www.").unwrap_or(host)
    }
}

impl<'de> Deserialize<'de> for WebAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Something to open: a forecast, a waiver, a place for reviews.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "WrittenLink")]
pub(crate) struct GuestLink {
    /// What it is.
    pub(crate) label: Translated<String>,
    /// Where it leads to; a site may have a page for each language.
    pub(crate) url: Translated<WebAddress>,
    /// When it is on the page.
    pub(crate) phases: Phases,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLink {
    label: Translated<String>,
    url: Translated<String>,
    #[serde(default)]
    phase: Phases,
}

impl TryFrom<WrittenLink> for GuestLink {
    type Error = String;

    fn try_from(WrittenLink { label, url, phase }: WrittenLink) -> Result<Self, String> {
        let url = url.try_map(|url| WebAddress::parse(&url).map_err(|why| format!("url {why}")))?;
        Ok(Self { label: label.try_map(|text| not_blank("label", text))?, url, phases: phase })
    }
}

/// Something to read: parking, how to find the dock, what about the money when a charter is cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "WrittenSection")]
pub(crate) struct GuestSection {
    /// Its heading.
    pub(crate) title: Translated<String>,
    /// What it says; each line is a paragraph.
    pub(crate) text: Translated<String>,
    /// When it is on the page.
    pub(crate) phases: Phases,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSection {
    title: Translated<String>,
    text: Translated<String>,
    #[serde(default)]
    phase: Phases,
}

impl TryFrom<WrittenSection> for GuestSection {
    type Error = String;

    fn try_from(WrittenSection { title, text, phase }: WrittenSection) -> Result<Self, String> {
        let title = title.try_map(|title| not_blank("title", title))?;
        Ok(Self { title, text: text.try_map(|text| not_blank("text", text))?, phases: phase })
    }
}

fn not_blank(key: &str, text: String) -> Result<String, String> {
    if text.trim().is_empty() {
        Err(format!("{key} must say something, or the whole entry be left out"))
    } else {
        Ok(text)
    }
}

/// A point on the globe, in degrees; for calendars that lead to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenPosition")]
pub(crate) struct Position {
    /// -90 to 90, north of the equator positive.
    pub(crate) latitude: Decimal,
    /// -180 to 180, east of Greenwich positive.
    pub(crate) longitude: Decimal,
}

#[derive(Deserialize)]
struct WrittenPosition {
    latitude: Decimal,
    longitude: Decimal,
}

impl TryFrom<WrittenPosition> for Position {
    type Error = String;

    fn try_from(WrittenPosition { latitude, longitude }: WrittenPosition) -> Result<Self, String> {
        for (key, value, most) in [("latitude", latitude, 90), ("longitude", longitude, 180)] {
            if value.abs() > Decimal::from(most) {
                return Err(format!("{key} must be from -{most} to {most}, not {value}"));
            }
        }
        Ok(Self { latitude, longitude })
    }
}

/// A number to which guests send text messages; blank is none.
pub(super) fn text_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let number = String::deserialize(deserializer)?;
    match number.chars().filter(char::is_ascii_digit).count() {
        7..=15 => Ok(Some(number)),
        _ => Err(D::Error::custom(format!("text_number must be a phone number of 7 to 15 digits, not {number:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::booking::{Language, Operator};

    #[test]
    fn a_link_has_its_language_host_and_phases() {
        let link: GuestLink = toml::from_str(
            "label = { en = \"Waiver\", es = \"Exención\" }\nurl = \"https://www.example.com/waiver?a=1\"\nphase = [\"today\", \"after\"]",
        )
        .expect("valid");
        let (url, _) = link.url.in_language(Language::Spanish);
        assert_eq!((url.host(), url.as_str()), ("example.com", "https://www.example.com/waiver?a=1"));
        assert_eq!((link.phases.tokens().as_str(), link.phases.contains(Phase::Cancelled)), ("today after", false));
        assert_eq!(Phases::default().tokens(), "upcoming today underway");
        let cancelled: GuestSection =
            toml::from_str("title = \"a\"\ntext = \"b\"\nphase = \"cancelled\"").expect("valid");
        assert_eq!(cancelled.phases.tokens(), "", "never on the page of a charter that sails");
    }

    #[test]
    fn a_faulty_key_is_refused_with_what_to_do() {
        let link = |rest: &str| format!("[[boats]]\n[[boats.links]]\n{rest}");
        for (file, why) in [
            (link("label = \"a\"\nurl = \"http://example.com\""), "url must be an address that begins with https://"),
            (link("label = \"a\"\nurl = \"javascript:alert(1)\""), "begins with https://"),
            (link("label = \"a\"\nurl = \"https://localhost\""), "begins with https:// and a host"),
            (link("label = \" \"\nurl = \"https://example.com\""), "label must say something"),
            (link("label = \"a\"\nurl = \"https://example.com\"\nphase = \"later\""), "phase must be upcoming, today"),
            ("[[boats]]\n[[boats.sections]]\ntitle = \"a\"\ntext = \"\"".into(), "text must say something"),
            ("[[boats]]\ntext_number = \"soon\"".into(), "text_number must be a phone number"),
            ("[[boats]]\npicture = \"queen.jpg\"".into(), "begins with https://"),
            (
                "[[boats]]\n[boats.meeting_point]\nname = \"a\"\naddress = \"\"\nmap_url = \"\"\nposition = { latitude = 117.2, longitude = 32.7 }"
                    .into(),
                "latitude must be from -90 to 90, not 117.2",
            ),
        ] {
            let refused = toml::from_str::<Operator>(&file).expect_err(&file).to_string();
            assert!(refused.contains(why) && refused.contains("line "), "{file}: {refused}");
        }
    }

    #[test]
    fn a_position_keeps_its_digits() {
        let position: Position = toml::from_str("latitude = 32.7265\nlongitude = -117.2012").expect("valid");
        assert_eq!(format!("{};{}", position.latitude, position.longitude), "32.7265;-117.2012");
    }
}
