//! Finds money in an SCC item, and says how to take it out.
//!
//! Pure: an item in, one conditional update out. SCC's items are open: older programs and people put attributes into them, and crew can
//! read all of them. What crew log themselves (tips, mileage, supplies, expenses) is left alone. Source: `docs/decisions.md`, "Money in crew data".

use std::{collections::HashMap, fmt};

use aws_sdk_dynamodb::types::AttributeValue;

use crate::booking::{MoneyWords, Operator};

/// An item as DynamoDB answers it.
pub(super) type Item = HashMap<String, AttributeValue>;

/// More than this is left to the next round: an update expression may not grow without bound.
const MOST_CHANGES: usize = 50;

/// Keys, ids and times of our own, which may look like anything.
const OURS: [&str; 8] =
    ["event_id", "created_timestamp", "guest_page", "crew_ids", "captain_id", "date", "report_at", "released_at"];

/// Attributes in which crew keep their own accounts.
const CREWS_OWN: [&str; 5] = ["tip", "tips", "mileage", "supplies", "expenses"];

/// One attribute that holds money.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    path: Path,
    found: AttributeValue,
    /// `None` takes the attribute away; a text keeps its other sentences, a set its other elements.
    replacement: Option<AttributeValue>,
}

/// Where an attribute is, from the item down.
#[derive(Debug, Clone, PartialEq)]
struct Path(Vec<Step>);

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Name(String),
    Index(usize),
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, step) in self.0.iter().enumerate() {
            match step {
                Step::Name(name) if depth == 0 => formatter.write_str(name)?,
                Step::Name(name) => write!(formatter, ".{name}")?,
                Step::Index(index) => write!(formatter, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl Finding {
    /// Where it was found, e.g. `pay.captain_fee`.
    pub(super) fn path(&self) -> String {
        self.path.to_string()
    }

    /// What was found there.
    pub(super) fn found(&self) -> &AttributeValue {
        &self.found
    }
}

/// Everything in `item` that states money, at any depth, in the order of its paths.
pub(super) fn find_money(item: &Item, operator: &Operator) -> Vec<Finding> {
    let mut search = Search { operator, words: &operator.money_words, findings: Vec::new() };
    search.map(item, &Path(Vec::new()));
    search.findings.sort_by_key(Finding::path);
    search.findings.truncate(MOST_CHANGES);
    search.findings
}

struct Search<'a> {
    operator: &'a Operator,
    words: &'a MoneyWords,
    findings: Vec<Finding>,
}

impl Search<'_> {
    fn map(&mut self, map: &Item, path: &Path) {
        for (name, value) in map {
            let path = path.to(Step::Name(name.clone()));
            if path.0.len() == 1 && OURS.contains(&name.as_str()) {
                continue;
            }
            if self.holds_money(name, value) {
                self.take(&path, value, None);
            } else if CREWS_OWN.iter().any(|own| name.eq_ignore_ascii_case(own)) {
                self.crews_own(value, &path);
            } else {
                self.value(value, &path);
            }
        }
    }

    /// A label beside an amount: under an everyday label a tick is crew's, `ticks: {"Nets stowed": true}`.
    fn holds_money(&self, name: &str, value: &AttributeValue) -> bool {
        let says_something = !matches!(value, AttributeValue::Bool(_) | AttributeValue::Null(_));
        self.words.names_money(name) && says_something && (has_digit(value) || self.words.surely_names_money(name))
    }

    fn value(&mut self, value: &AttributeValue, path: &Path) {
        match value {
            AttributeValue::M(map) => self.map(map, path),
            AttributeValue::L(list) => {
                for (index, element) in list.iter().enumerate() {
                    self.value(element, &path.to(Step::Index(index)));
                }
            }
            AttributeValue::S(text) => {
                if let Some(kept) = self.without_money(text) {
                    self.take(path, value, Some(AttributeValue::S(kept)));
                }
            }
            AttributeValue::Ss(texts) => {
                let kept: Vec<String> =
                    texts.iter().filter(|text| self.without_money(text).is_none()).cloned().collect();
                if kept.len() < texts.len() {
                    self.take(path, value, (!kept.is_empty()).then_some(AttributeValue::Ss(kept)));
                }
            }
            _ => {}
        }
    }

    fn without_money(&self, text: &str) -> Option<String> {
        self.words.without_money(text, |part| self.operator.knows(part))
    }

    /// `expenses: {crew, captain, port_tax}` is the calendar's statement under a name that crew use too, and so is an entry
    /// `{captain_fee: 150}` among theirs: crew log no such thing. It goes whole; what they log themselves stays.
    fn crews_own(&mut self, value: &AttributeValue, path: &Path) {
        match value {
            AttributeValue::M(map) if is_statement(map, self.words) => self.take(path, value, None),
            AttributeValue::M(map) => {
                for (name, value) in map {
                    self.crews_own(value, &path.to(Step::Name(name.clone())));
                }
            }
            AttributeValue::L(list) => {
                for (index, element) in list.iter().enumerate() {
                    self.crews_own(element, &path.to(Step::Index(index)));
                }
            }
            AttributeValue::S(text) if self.words.crews_own_states_money(text) => {
                self.take(path, value, Some(AttributeValue::S(String::new())));
            }
            _ => {}
        }
    }

    fn take(&mut self, path: &Path, found: &AttributeValue, replacement: Option<AttributeValue>) {
        self.findings.push(Finding { path: path.clone(), found: found.clone(), replacement });
    }
}

fn has_digit(value: &AttributeValue) -> bool {
    let in_text = |text: &String| text.contains(|letter: char| letter.is_numeric());
    match value {
        AttributeValue::N(_) | AttributeValue::Ns(_) => true,
        AttributeValue::S(text) => in_text(text),
        AttributeValue::Ss(texts) => texts.iter().any(in_text),
        AttributeValue::M(map) => map.values().any(has_digit),
        AttributeValue::L(list) => list.iter().any(has_digit),
        _ => false,
    }
}

/// Crew may log mileage with its rate, a gross expense and a tip net of something, but not gross and net beside each other.
fn is_statement(map: &Item, words: &MoneyWords) -> bool {
    let has = |label: &str| map.keys().any(|name| name.eq_ignore_ascii_case(label));
    map.keys().any(|name| words.surely_names_money(name)) || (has("gross") && has("net"))
}

impl Path {
    fn to(&self, step: Step) -> Self {
        Self([self.0.as_slice(), &[step]].concat())
    }
}

/// The update that takes findings out, on condition that each is still what was read.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Update {
    pub(super) expression: String,
    pub(super) condition: String,
    pub(super) names: HashMap<String, String>,
    pub(super) values: HashMap<String, AttributeValue>,
}

/// Writes `findings` (at least one) as one conditional update.
pub(super) fn update(findings: &[Finding]) -> Update {
    let mut update = Update::default();
    let (mut set, mut remove, mut unchanged) = (Vec::new(), Vec::new(), Vec::new());
    for (number, finding) in findings.iter().enumerate() {
        let place = update.place(&finding.path);
        let read = update.value(format!(":read{number}"), finding.found.clone());
        unchanged.push(format!("{place} = {read}"));
        match &finding.replacement {
            Some(kept) => {
                let kept = update.value(format!(":kept{number}"), kept.clone());
                set.push(format!("{place} = {kept}"));
            }
            None => remove.push(place),
        }
    }
    let clause = |verb: &str, parts: &[String]| (!parts.is_empty()).then(|| format!("{verb} {}", parts.join(", ")));
    let clauses = [clause("SET", &set), clause("REMOVE", &remove)];
    update.expression = clauses.into_iter().flatten().collect::<Vec<_>>().join(" ");
    update.condition = unchanged.join(" AND ");
    update
}

impl Update {
    fn place(&mut self, path: &Path) -> String {
        let mut place = String::new();
        for step in &path.0 {
            match step {
                Step::Index(index) => place.push_str(&format!("[{index}]")),
                Step::Name(name) => {
                    let placeholder = format!("#n{}", self.names.len());
                    let dot = if place.is_empty() { "" } else { "." };
                    place.push_str(&format!("{dot}{placeholder}"));
                    self.names.insert(placeholder, name.clone());
                }
            }
        }
        place
    }

    fn value(&mut self, placeholder: String, value: AttributeValue) -> String {
        self.values.insert(placeholder.clone(), value);
        placeholder
    }
}

#[cfg(test)]
mod tests;
