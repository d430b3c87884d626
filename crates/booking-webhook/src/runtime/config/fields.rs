//! A secret's JSON, read field by field: every fault by the field's name, and nothing of its value.
//!
//! serde would stop at the first fault, and its message may quote what stands there.

use secrecy::SecretString;
use serde_json::{Map, Value};

/// One JSON object and what is wrong with it so far. A fault completes the sentence "the secret NAME …".
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    object: &'a Map<String, Value>,
    asked: Vec<&'static str>,
    faults: Vec<String>,
}

/// The object in `json`.
///
/// # Errors
/// Where it stops being JSON, or that it is no object.
pub(crate) fn json_object(json: &str) -> Result<Map<String, Value>, String> {
    match serde_json::from_str(json) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("is not a JSON object".into()),
        Err(error) => Err(format!("is not JSON: it breaks at line {}, column {}", error.line(), error.column())),
    }
}

impl<'a> Fields<'a> {
    /// Nothing is read yet.
    pub(crate) fn of(object: &'a Map<String, Value>) -> Self {
        Self { object, asked: Vec::new(), faults: Vec::new() }
    }

    /// Notes what is wrong with the value of a field.
    pub(crate) fn fault<T>(&mut self, what: impl Into<String>) -> Option<T> {
        self.faults.push(what.into());
        None
    }

    /// What stands there; `null` counts as absent.
    pub(crate) fn value(&mut self, name: &'static str) -> Option<&'a Value> {
        self.asked.push(name);
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// A text that may be missing, but not empty.
    pub(crate) fn optional_text(&mut self, name: &'static str) -> Option<&'a str> {
        match self.value(name)? {
            Value::String(text) if text.is_empty() => self.fault(format!("has an empty {name}")),
            Value::String(text) => Some(text),
            _ => self.fault(format!("has a {name} that is not text")),
        }
    }

    /// A text that must be there.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<&'a str> {
        if self.object.get(name).is_none_or(Value::is_null) {
            self.asked.push(name);
            return self.fault(format!("has no {name}"));
        }
        self.optional_text(name)
    }

    /// One of these words, the first when there is none.
    pub(crate) fn word(&mut self, name: &'static str, words: &[&'static str]) -> Option<&'static str> {
        let Some(value) = self.value(name) else { return words.first().copied() };
        let known = value.as_str().and_then(|text| words.iter().find(|word| **word == text)).copied();
        known.or_else(|| self.fault(format!("has a {name} that is none of {}", words.join(", "))))
    }

    /// A list of texts, at least one.
    pub(crate) fn secrets(&mut self, name: &'static str) -> Vec<SecretString> {
        let Some(value) = self.value(name) else {
            self.fault::<()>(format!("has no {name}"));
            return Vec::new();
        };
        let texts = value.as_array().map(|list| list.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
        match texts.flatten() {
            Some(texts) if texts.is_empty() => {
                self.fault::<()>(format!("has no {name}: the list is empty"));
                Vec::new()
            }
            Some(texts) => texts.into_iter().map(SecretString::from).collect(),
            None => {
                self.fault::<()>(format!("has {name} that are not a list of texts"));
                Vec::new()
            }
        }
    }

    /// Reports every key that was not read and is not in `known`.
    pub(crate) fn refuse_unknown(&mut self, known: &[&str]) {
        let unknown = self.object.keys().filter(|key| !self.asked.contains(&key.as_str()));
        // A value that slipped into the place of a key must not be shown: fields have lower-case names, keys and tokens hardly ever.
        let plain = |key: &str| key.len() <= 24 && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let unknown: Vec<&str> = unknown.map(String::as_str).filter(|key| !known.contains(key)).collect();
        for key in unknown {
            let shown = if plain(key) { key } else { "(a key that is no name)" };
            self.faults.push(format!("has a key that nobody reads: {shown}"));
        }
    }

    /// Everything that was noted.
    pub(crate) fn into_faults(self) -> Vec<String> {
        self.faults
    }
}
