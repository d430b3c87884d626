//! The page's own words, one file for each language in `templates/`.
//!
//! Texts are data, so that a speaker of a language can mend its words without reading code. What grammar needs (the order of a date,
//! singular and plural) is data too. A placeholder such as `{name}` stands for what differs from charter to charter.

use std::{collections::BTreeMap, sync::OnceLock};

use jiff::Zoned;
use serde::Deserialize;
use tera::{Kwargs, State, Value};

use crate::booking::Language;

/// A page's own words in one language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    /// The language's own name: `Español`.
    pub(super) name: String,
    pub(super) time: TimeWords,
    pub(super) charter: CharterWords,
    /// For the template, by key.
    pub(super) page: BTreeMap<String, String>,
    /// For the script, by key.
    pub(super) script: BTreeMap<String, String>,
}

/// How dates and times are said.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeWords {
    /// From Monday on.
    weekdays: [String; 7],
    months: [String; 12],
    day: String,
    clock: String,
    /// Before noon and after.
    halves: [String; 2],
    clock_on_next_day: String,
    clock_on_later_date: String,
    two_parts: String,
    three_parts: String,
    days: Count,
    hours: Count,
    minutes: Count,
    pub(super) guests: Count,
    zone: String,
    /// By IANA name; zones without one go by their abbreviation alone.
    zones: BTreeMap<String, String>,
}

/// A number of things.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Count {
    one: String,
    other: String,
}

/// What the charter is called outside its page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CharterWords {
    pub(super) title: String,
    pub(super) title_cancelled: String,
    pub(super) details_arrive: String,
    pub(super) details_map: String,
    pub(super) details_call: String,
    pub(super) details_text: String,
    pub(super) details_page: String,
    pub(super) details_cancelled: String,
    pub(super) alarm: String,
    pub(super) preview_when: String,
    pub(super) preview_arrive: String,
}

/// The words in every language, each from its compiled-in file when somebody first speaks it.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    english: OnceLock<Words>,
    spanish: OnceLock<Words>,
}

impl Vocabulary {
    pub(super) fn of(&self, language: Language) -> &Words {
        let words = match language {
            Language::English => &self.english,
            Language::Spanish => &self.spanish,
        };
        words.get_or_init(|| toml::from_str(file(language)).expect("a test reads the files"))
    }
}

fn file(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("../../../../../templates/guest-page.en.toml"),
        Language::Spanish => include_str!("../../../../../templates/guest-page.es.toml"),
    }
}

impl Count {
    /// `1 hour`, `3 hours`.
    pub(super) fn of(&self, number: i64) -> String {
        fill(if number == 1 { &self.one } else { &self.other }, &[("count", &number.to_string())])
    }
}

impl TimeWords {
    /// `Friday, May 30, 2025`.
    pub(super) fn day(&self, time: &Zoned) -> String {
        let (day, year) = (time.day().to_string(), time.year().to_string());
        fill(&self.day, &[("weekday", self.weekday(time)), ("month", self.month(time)), ("day", &day), ("year", &year)])
    }

    /// `2:00 PM`.
    pub(super) fn clock(&self, time: &Zoned) -> String {
        let half = &self.halves[usize::from(time.hour() >= 12)];
        let (hour, minute) = (time.strftime("%-I").to_string(), time.strftime("%M").to_string());
        fill(&self.clock, &[("hour", &hour), ("minute", &minute), ("half", half)])
    }

    /// `5:00 PM` on the day of `start`, `Saturday 1:00 AM` on the day before or after it, `Sunday, June 1, 5:00 PM` on any other: beyond
    /// a week a weekday alone would be another day.
    pub(super) fn clock_on(&self, start: &Zoned, time: &Zoned) -> String {
        let clock = self.clock(time);
        let days_apart = (time.date() - start.date()).get_days().abs();
        let text = match days_apart {
            0 => return clock,
            1 => &self.clock_on_next_day,
            _ => &self.clock_on_later_date,
        };
        let day = time.day().to_string();
        let values = [("weekday", self.weekday(time)), ("month", self.month(time)), ("day", &day), ("clock", &clock)];
        fill(text, &values)
    }

    /// `3 hours`, `1 hour 30 minutes`, `2 days 3 hours`.
    pub(super) fn duration(&self, minutes: i64) -> String {
        let parts = [(&self.days, minutes / 1440), (&self.hours, minutes / 60 % 24), (&self.minutes, minutes % 60)];
        let said: Vec<String> =
            parts.into_iter().filter(|(_, number)| *number > 0).map(|(count, number)| count.of(number)).collect();
        match &*said {
            [] => self.minutes.of(0),
            [one] => one.clone(),
            [one, two] => fill(&self.two_parts, &[("first", one), ("second", two)]),
            [one, two, three, ..] => fill(&self.three_parts, &[("first", one), ("second", two), ("third", three)]),
        }
    }

    /// `Pacific Time (PDT)`.
    pub(super) fn zone(&self, time: &Zoned) -> String {
        let abbreviation = abbreviation(time);
        match time.time_zone().iana_name().and_then(|name| self.zones.get(name)) {
            Some(name) => fill(&self.zone, &[("name", name), ("abbreviation", &abbreviation)]),
            None => abbreviation,
        }
    }

    fn month(&self, time: &Zoned) -> &str {
        &self.months[usize::try_from(time.month() - 1).expect("months are 1 to 12")]
    }

    fn weekday(&self, time: &Zoned) -> &str {
        &self.weekdays[usize::try_from(time.weekday().to_monday_zero_offset()).expect("weekdays are 0 to 6")]
    }
}

/// `PDT`.
pub(super) fn abbreviation(time: &Zoned) -> String {
    time.strftime("%Z").to_string()
}

/// Puts each value in the place of its `{name}`; a value is text, even if it looks like a placeholder.
pub(super) fn fill(text: &str, values: &[(&str, &str)]) -> String {
    parts(text)
        .map(|part| match part {
            Part::Text(text) => text,
            Part::Placeholder(name) => {
                let value = values.iter().find(|(known, _)| *known == name);
                value.map(|(_, value)| *value).expect("a test holds placeholders against their use")
            }
        })
        .collect()
}

/// Tera's filter `fill`: the same for HTML. Each value stands in `<bdi>`, so that no direction of writing leaks out of it; `lang` says
/// in which language the values are if it is not the page's.
pub(super) fn fill_html(text: &str, values: Kwargs, state: &State<'_>) -> tera::TeraResult<Value> {
    let lang = values.get::<&str>("lang")?.filter(|lang| !lang.is_empty());
    let lang = lang.map(|lang| format!(" lang=\"{lang}\"")).unwrap_or_default();
    let mut html = String::new();
    for part in parts(text) {
        match part {
            Part::Text(text) => html += &state.escape(text)?,
            Part::Placeholder(name) => {
                html += &format!("<bdi{lang}>{}</bdi>", state.escape(values.must_get::<&str>(name)?)?);
            }
        }
    }
    Ok(Value::safe_string(&html))
}

#[derive(Debug, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    Placeholder(&'a str),
}

/// A text's own words and its placeholders, in order.
fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut chunks = text.split('{');
    let first = chunks.next().map(Part::Text);
    let rest = chunks.flat_map(|chunk| match chunk.split_once('}') {
        Some((name, text)) => [Part::Placeholder(name), Part::Text(text)],
        None => [Part::Text(chunk), Part::Text("")],
    });
    first.into_iter().chain(rest)
}

#[cfg(test)]
mod tests;
