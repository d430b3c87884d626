//! Finds money in an SCC item, and says how to take it out.
//!
//! Pure: an item in, one conditional update out. SCC's items are open: older programs and people put attributes into them, and crew can
//! read all of them. What crew log themselves (tips, mileage, supplies, expenses) is left alone. Source: `docs/decisions.md`, "Money in crew data".

use std::{collections::HashMap, fmt};

use aws_sdk_dynamodb::types::AttributeValue;

use crate::booking::MoneyWords;

/// An item as DynamoDB answers it.
pub(super) type Item = HashMap<String, AttributeValue>;

/// More than this is left to the next round: an update expression may not grow without bound.
const MOST_CHANGES: usize = 50;

/// Attributes in which crew keep their own accounts.
const CREWS_OWN: [&str; 5] = ["tip", "tips", "mileage", "supplies", "expenses"];

/// One attribute that holds money.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    path: Path,
    found: AttributeValue,
    /// `None` takes the attribute away; notes keep their other lines.
    replacement: Option<String>,
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

/// Everything in `item` that speaks of money, at any depth, in the order of its paths.
pub(super) fn find_money(item: &Item, words: &MoneyWords) -> Vec<Finding> {
    let mut findings = Vec::new();
    search_map(item, &Path(Vec::new()), words, &mut findings);
    findings.sort_by_key(Finding::path);
    findings.truncate(MOST_CHANGES);
    findings
}

fn search_map(map: &Item, path: &Path, words: &MoneyWords, findings: &mut Vec<Finding>) {
    for (name, value) in map {
        let path = path.to(Step::Name(name.clone()));
        if holds_money(name, value, words) {
            findings.push(Finding { path, found: value.clone(), replacement: None });
        } else if is_crews_own(name) {
            search_crews_own(value, &path, words, findings);
        } else {
            search_value(name, value, &path, words, findings);
        }
    }
}

/// A tick under an everyday label is crew's: `ticks: {"Nets stowed": true}`.
fn holds_money(name: &str, value: &AttributeValue, words: &MoneyWords) -> bool {
    words.names_money(name) && (!value.is_bool() || words.surely_names_money(name))
}

fn search_value(name: &str, value: &AttributeValue, path: &Path, words: &MoneyWords, findings: &mut Vec<Finding>) {
    match value {
        AttributeValue::M(map) => search_map(map, path, words, findings),
        AttributeValue::L(list) => {
            for (index, element) in list.iter().enumerate() {
                search_value(name, element, &path.to(Step::Index(index)), words, findings);
            }
        }
        AttributeValue::S(text) if name.eq_ignore_ascii_case("notes") => {
            if let Some(replacement) = words.without_money(text) {
                findings.push(Finding { path: path.clone(), found: value.clone(), replacement: Some(replacement) });
            }
        }
        _ => {}
    }
}

fn is_crews_own(name: &str) -> bool {
    CREWS_OWN.iter().any(|own| name.eq_ignore_ascii_case(own))
}

/// `expenses: {crew, captain, port_tax}` is the calendar's statement under a name that crew use too, and so is an entry
/// `{captain_fee: 150}` among theirs: crew log no such thing. It goes whole; what they log themselves stays.
fn search_crews_own(value: &AttributeValue, path: &Path, words: &MoneyWords, findings: &mut Vec<Finding>) {
    match value {
        AttributeValue::M(map) if is_statement(map, words) => {
            findings.push(Finding { path: path.clone(), found: value.clone(), replacement: None });
        }
        AttributeValue::M(map) => {
            for (name, value) in map {
                search_crews_own(value, &path.to(Step::Name(name.clone())), words, findings);
            }
        }
        AttributeValue::L(list) => {
            for (index, element) in list.iter().enumerate() {
                search_crews_own(element, &path.to(Step::Index(index)), words, findings);
            }
        }
        _ => {}
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
            Some(text) => {
                let kept = update.value(format!(":kept{number}"), AttributeValue::S(text.clone()));
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
mod tests {
    use super::*;

    fn text(value: &str) -> AttributeValue {
        AttributeValue::S(value.into())
    }

    fn number(value: &str) -> AttributeValue {
        AttributeValue::N(value.into())
    }

    fn map<const N: usize>(entries: [(&str, AttributeValue); N]) -> AttributeValue {
        AttributeValue::M(item(entries))
    }

    fn item<const N: usize>(entries: [(&str, AttributeValue); N]) -> Item {
        entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn found(item: &Item) -> Vec<String> {
        find_money(item, &MoneyWords::default()).iter().map(Finding::path).collect()
    }

    #[test]
    fn money_goes_at_any_depth() {
        let leaky = item([
            ("event_id", text("XHQGMDH1")),
            ("revenue", number("840.75")),
            ("Port-Tax", number("151.34")),
            ("pay", map([("captain_fee", number("150")), ("crewCost", number("250")), ("currency", text("USD"))])),
            ("legs", AttributeValue::L(vec![map([("port", text("San Diego")), ("payout", number("1"))])])),
            ("expenses", map([("crew", number("250")), ("captain", number("150")), ("port_tax", number("151.34"))])),
            ("notes", text("Boatsetter booking ref: BS-1 · Report 1:00 PM\nGross: $840.75\nPier 5")),
        ]);
        let expected =
            ["Port-Tax", "expenses", "legs[0].payout", "notes", "pay.captain_fee", "pay.crewCost", "revenue"];
        assert_eq!(found(&leaky), expected);
    }

    #[test]
    fn a_statement_among_crews_own_entries_goes_and_their_entries_stay() {
        let entry =
            |amount| map([("by", text("crew-1")), ("amount", number(amount)), ("words", text("gross weather gear"))]);
        let statement = || map([("captain_fee", number("150"))]);
        let leaky = item([
            (
                "expenses",
                AttributeValue::L(vec![entry("62"), statement(), entry("18.50"), map([("crewCosts", number("1"))])]),
            ),
            ("supplies", map([("ice", number("18.50")), ("more", AttributeValue::L(vec![statement()]))])),
            ("tips", statement()),
            (
                "mileage",
                map([("rate_per_mile", number("0.67")), ("net", number("31")), ("legs", AttributeValue::L(vec![]))]),
            ),
        ]);
        assert_eq!(found(&leaky), ["expenses[1]", "expenses[3]", "supplies.more[0]", "tips"]);
        let update = update(&find_money(&leaky, &MoneyWords::default()));
        assert_eq!(update.expression, "REMOVE #n0[1], #n1[3], #n2.#n3[0], #n4");
    }

    #[test]
    fn what_is_crews_own_stays_and_so_do_everyday_words() {
        let innocent = item([
            ("notes", text("Meet at Pier 5, net on deck")),
            ("tips", AttributeValue::L(vec![map([("amount", number("40")), ("by", text("crew-1"))])])),
            ("mileage", map([("miles", number("31")), ("rate", number("0.67"))])),
            ("supplies", AttributeValue::L(vec![map([("what", text("ice")), ("amount", number("18.50"))])])),
            ("expenses", AttributeValue::L(vec![map([("what", text("fuel dock")), ("amount", number("62"))])])),
            ("checklist", AttributeValue::L(vec![text("Nets stowed")])),
            ("duration_hours", number("3")),
            ("network", text("marina wifi")),
            ("rating", number("5")),
        ]);
        assert_eq!(found(&innocent), [] as [&str; 0]);
    }

    #[test]
    fn an_everyday_label_alone_takes_nothing_from_crew() {
        let ticked = || AttributeValue::Bool(true);
        let innocent = item([
            ("ticks", map([("Nets stowed", ticked()), ("Ice", ticked())])),
            (
                "expenses",
                AttributeValue::L(vec![map([
                    ("what", text("fuel")),
                    ("amount", number("62")),
                    ("gross", number("62")),
                ])]),
            ),
            ("mileage", map([("miles", number("31")), ("rate_usd", number("0.67"))])),
        ]);
        assert_eq!(found(&innocent), [] as [&str; 0]);

        let leaky = item([
            ("net", number("289.41")),
            ("revenue", ticked()),
            ("expenses", map([("gross", number("840.75")), ("crew", number("250")), ("Net", number("289.41"))])),
        ]);
        assert_eq!(found(&leaky), ["expenses", "net", "revenue"]);
    }

    #[test]
    fn the_update_holds_only_while_the_item_is_what_was_read() {
        let leaky = item([("revenue", number("840.75")), ("notes", text("Pier 5\nnet 289.41"))]);
        let update = update(&find_money(&leaky, &MoneyWords::default()));
        assert_eq!(update.expression, "SET #n0 = :kept0 REMOVE #n1");
        assert_eq!(update.condition, "#n0 = :read0 AND #n1 = :read1");
        assert_eq!(update.values[":kept0"], text("Pier 5"));
        assert_eq!((update.names["#n0"].as_str(), update.names["#n1"].as_str()), ("notes", "revenue"));
    }
}
