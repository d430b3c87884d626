//! Patterns that are part of rules.

use std::sync::OnceLock;

use regex_lite::Regex;

/// A pattern that is part of a rule.
pub(super) fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern that the tests compile")
}

/// A pattern, compiled when a text first needs it: a cold start needs none. Matching is slow, and most texts have none of its `beginnings`.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    /// One of these stands in everything that it matches.
    beginnings: Vec<String>,
    source: String,
    compiled: OnceLock<Regex>,
}

impl Pattern {
    /// `beginnings` are separated by commas.
    pub(super) fn new(beginnings: &str, source: impl Into<String>) -> Self {
        let beginnings = beginnings.split(',').filter(|beginning| !beginning.is_empty()).map(str::to_owned).collect();
        Self { beginnings, source: source.into(), compiled: OnceLock::new() }
    }

    pub(super) fn may_match(&self, text: &str) -> bool {
        self.beginnings.iter().any(|beginning| text.contains(beginning))
    }

    pub(super) fn compiled(&self) -> &Regex {
        self.compiled.get_or_init(|| pattern(&self.source))
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        self.may_match(text) && self.compiled().is_match(text)
    }
}
