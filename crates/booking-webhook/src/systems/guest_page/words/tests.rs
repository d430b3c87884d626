use std::collections::{BTreeMap, BTreeSet};

use regex_lite::Regex;
use toml::{Table, Value};

use super::*;

const TEMPLATE: &str = include_str!("../../../../../../templates/guest-page.html");
const SCRIPT: &str = include_str!("../../../../../../templates/guest-page.js");

/// Every text by its whole key, with its placeholders.
fn placeholders(table: &Table, prefix: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    for (key, value) in table {
        let key = format!("{prefix}{key}");
        match value {
            Value::Table(table) => found.extend(placeholders(table, &format!("{key}."))),
            Value::String(text) => {
                assert!(!text.trim().is_empty(), "{key} says nothing");
                let names = parts(text).filter_map(|part| match part {
                    Part::Placeholder(name) => Some(name.to_owned()),
                    Part::Text(_) => None,
                });
                found.insert(key, names.collect());
            }
            Value::Array(texts) => {
                assert!(texts.iter().all(|text| text.as_str().is_some_and(|text| !text.is_empty())), "{key}");
                found.insert(key, BTreeSet::new());
            }
            other => panic!("{key} is no text: {other:?}"),
        }
    }
    found
}

fn keys_used(source: &str, pattern: &str) -> BTreeSet<String> {
    let pattern = Regex::new(pattern).expect("valid");
    pattern.captures_iter(source).map(|found| found[1].to_owned()).collect()
}

fn keys(words: &BTreeMap<String, String>) -> BTreeSet<String> {
    words.keys().cloned().collect()
}

#[test]
fn each_language_has_the_same_keys_with_the_same_placeholders() {
    let read = |language| file(language).parse::<Table>().expect("valid TOML");
    let english = placeholders(&read(Language::English), "");
    for language in Language::ALL {
        assert_eq!(placeholders(&read(language), ""), english, "{language:?}");
    }
}

#[test]
fn each_text_is_used_and_none_is_missing() {
    // The script names its texts in quotes, and quotes nothing else with an underscore.
    for language in Language::ALL {
        let words: Words = toml::from_str(file(language)).expect("every key that the code needs, and no other");
        assert_eq!(keys(&words.page), keys_used(TEMPLATE, r"\bt\.([a-z_]+)"), "{language:?}");
        assert_eq!(keys(&words.script), keys_used(SCRIPT, r"'([a-z]+(?:_[a-z]+)+)'"), "{language:?}");
    }
}

#[test]
fn a_value_stays_what_it_is() {
    assert_eq!(fill("{a}, {b}!", &[("a", "{b}"), ("b", "}x{")]), "{b}, }x{!");
    assert_eq!(fill("no more", &[("a", "b")]), "no more");
}

fn at(text: &str) -> Zoned {
    text.parse().expect("valid")
}

#[test]
fn times_are_said_as_people_say_them() {
    let vocabulary = Vocabulary::default();
    let [english, spanish] = Language::ALL.map(|language| &vocabulary.of(language).time);
    let start = at("2025-05-30T14:00:00[America/Los_Angeles]");
    assert_eq!((english.day(&start), english.clock(&start)), ("Friday, May 30, 2025".into(), "2:00 PM".into()));
    assert_eq!(spanish.day(&start), "viernes, 30 de mayo de 2025");
    assert_eq!(spanish.clock(&start), "2:00 p.\u{a0}m.");
    assert_eq!(english.zone(&start), "Pacific Time (PDT)");
    assert_eq!(spanish.zone(&start), "hora del Pacífico (PDT)");
    assert_eq!(english.zone(&at("2025-05-30T14:00:00[Europe/Lisbon]")), "WEST");
    let night = at("2025-06-01T00:05:00[America/Los_Angeles]");
    assert_eq!(english.clock_on(&start, &night), "Sunday, June 1, 12:05 AM");
    assert_eq!(english.clock(&at("2025-05-30T12:00:00[America/Los_Angeles]")), "12:00 PM");
}

/// The start is Friday, May 30, 2 PM.
#[test]
fn a_time_on_another_day_names_it() {
    let vocabulary = Vocabulary::default();
    let [english, spanish] = Language::ALL.map(|language| &vocabulary.of(language).time);
    let start = at("2025-05-30T14:00:00[America/Los_Angeles]");
    for (time, in_english, in_spanish) in [
        ("2025-05-30T17:00:00", "5:00 PM", "5:00 p. m."),
        ("2025-05-31T00:30:00", "Saturday 12:30 AM", "12:30 a. m. del sábado"),
        ("2025-05-29T23:50:00", "Thursday 11:50 PM", "11:50 p. m. del jueves"),
        ("2025-06-01T17:00:00", "Sunday, June 1, 5:00 PM", "domingo, 1 de junio, 5:00 p. m."),
        ("2025-06-06T10:00:00", "Friday, June 6, 10:00 AM", "viernes, 6 de junio, 10:00 a. m."),
        ("2026-01-01T10:00:00", "Thursday, January 1, 10:00 AM", "jueves, 1 de enero, 10:00 a. m."),
    ] {
        let time = at(&format!("{time}[America/Los_Angeles]"));
        assert_eq!(english.clock_on(&start, &time), in_english);
        assert_eq!(spanish.clock_on(&start, &time).replace('\u{a0}', " "), in_spanish);
    }
}

#[test]
fn durations_are_said_as_people_say_them() {
    let vocabulary = Vocabulary::default();
    for (minutes, english, spanish) in [
        (45, "45 minutes", "45 minutos"),
        (60, "1 hour", "1 hora"),
        (61, "1 hour 1 minute", "1 hora y 1 minuto"),
        (90, "1 hour 30 minutes", "1 hora y 30 minutos"),
        (180, "3 hours", "3 horas"),
        (1440, "1 day", "1 día"),
        (3060, "2 days 3 hours", "2 días y 3 horas"),
        (4291, "2 days 23 hours 31 minutes", "2 días, 23 horas y 31 minutos"),
    ] {
        assert_eq!(vocabulary.of(Language::English).time.duration(minutes), english);
        assert_eq!(vocabulary.of(Language::Spanish).time.duration(minutes), spanish);
    }
}
