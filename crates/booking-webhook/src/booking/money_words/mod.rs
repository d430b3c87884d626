//! Which words mean money.
//!
//! Crew never see money, and two things could show them some: a guest's free text, and attributes or notes that somebody (an older
//! program, a hand) wrote into SCC's items. Both are judged by the rules here. What crew log themselves (tips, mileage, supplies,
//! expenses) is theirs and stays. Source: `docs/decisions.md`, "Money in crew data".

mod amount;
mod label;
mod token;

use std::sync::LazyLock;

use regex_lite::Regex;
use serde::Deserialize;

use self::{
    amount::{OwnAmounts, is_nothing_but_an_amount, speaks_of_prices, speaks_of_tips, states_currency},
    label::Label,
    token::{Token, runs, tokens, words},
};
use super::Statement;

/// Labels as people write them; case, separators, plurals and an "and" do not matter.
const DEFAULT_LABELS: [&str; 12] = [
    "revenue",
    "gross",
    "net",
    "payout",
    "rate",
    "captain fee",
    "captain cost",
    "captain pay",
    "crew fee",
    "crew cost",
    "crew pay",
    "port tax",
];

/// Stands in for what is held back of a guest's notes.
const MORE_AT_THE_OFFICE: &str = "The office has more of the guest's notes: ask";

/// The parts of an event's notes that are ids of ours, which may look like anything: `RATE-100`, `cal_7eur`.
static OURS: LazyLock<Regex> = LazyLock::new(|| {
    let ids = r"^(?:Boatsetter booking ref: [A-Za-z0-9._:-]{1,64}|calendar [A-Za-z0-9_-]+)$";
    Regex::new(ids).expect("a constant pattern that the tests compile")
});

/// What crew log for themselves, as [`token::words`] spells it.
const CREWS_OWN: [&str; 4] = ["tip", "mileage", "supply", "expense"];

/// The operator's money labels, ready to judge names and lines.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "Vec<String>")]
pub struct MoneyWords {
    labels: Vec<Label>,
}

impl Default for MoneyWords {
    fn default() -> Self {
        Self::from(DEFAULT_LABELS.map(String::from).to_vec())
    }
}

impl From<Vec<String>> for MoneyWords {
    fn from(labels: Vec<String>) -> Self {
        Self { labels: labels.iter().filter_map(|label| Label::new(label)).collect() }
    }
}

impl MoneyWords {
    /// Whether an attribute of this name holds money: `revenue`, `grossAmount`, `port_and_taxes`, `PORTTAX`; not `network`, not
    /// `safety_net`.
    pub fn names_money(&self, attribute: &str) -> bool {
        let words = words(attribute);
        self.labels.iter().any(|label| label.names(&words))
    }

    /// Whether an attribute of this name holds money and can hold nothing else: not with an everyday label alone, `gross`, `rate_usd`.
    pub fn surely_names_money(&self, attribute: &str) -> bool {
        let words = words(attribute);
        self.labels.iter().any(|label| label.surely_names(&words))
    }

    /// `notes` without the parts that state a charter's money; `None` when there are none. What crew log themselves stays.
    pub fn without_money(&self, notes: &str) -> Option<String> {
        keep(notes, |part| OURS.is_match(part) || !self.states_money(part))
    }

    /// What a guest wrote, without every part that speaks of money in any way or names an amount of this charter, and with a line that
    /// says so: what is held back may matter to crew. `None` when nothing is.
    pub fn fit_for_crew(&self, guest_notes: &str, statement: &Statement) -> Option<String> {
        let amounts = OwnAmounts::of(statement);
        let fit = |part: &str| !self.speaks_of_money(part) && !speaks_of_tips(part) && !amounts.are_in(part);
        keep(guest_notes, fit).map(|kept| format!("{kept}\n{MORE_AT_THE_OFFICE}").trim_start().to_owned())
    }

    /// Whether a text states an amount or a price, in whatever words. Tips do not count: Shelter Island has a tip.
    pub fn speaks_of_money(&self, text: &str) -> bool {
        let tokens = tokens(text);
        self.labels_money(&tokens) || states_currency(text) || is_nothing_but_an_amount(text) || speaks_of_prices(text)
    }

    fn states_money(&self, part: &str) -> bool {
        let tokens = tokens(part);
        let crews_own = matches!(first_word(&tokens), Some(word) if CREWS_OWN.contains(&word));
        self.labels_money(&tokens) || (!crews_own && states_currency(part)) || is_nothing_but_an_amount(part)
    }

    fn labels_money(&self, tokens: &[Token]) -> bool {
        let runs = runs(tokens);
        // "Mileage 31 miles, rate 0.67": on a line that begins so, a rate is one per mile.
        let of_mileage = first_word(tokens) == Some("mileage");
        self.labels.iter().any(|label| {
            runs.iter().any(|run| label.is_stated_in(run))
                || (!(of_mileage && label.is("rate")) && label.is_stated_with_amount_in(tokens))
        })
    }
}

/// The first word of a line, behind bullets.
fn first_word(tokens: &[Token]) -> Option<&str> {
    match tokens.iter().find(|token| !matches!(token, Token::Mark(_)))? {
        Token::Word(word) => Some(word),
        Token::Number(_) | Token::Mark(_) => None,
    }
}

const PART_SEPARATOR: &str = " · ";

/// Keeps the parts of every line (notes join them with ` · `) that pass; `None` when all do.
fn keep(notes: &str, passes: impl Fn(&str) -> bool) -> Option<String> {
    let kept: Vec<String> = notes
        .lines()
        .filter_map(|line| {
            let parts: Vec<&str> = line.split(PART_SEPARATOR).filter(|part| passes(part)).collect();
            (line.is_empty() || !parts.is_empty()).then(|| parts.join(PART_SEPARATOR))
        })
        .collect();
    let all_pass = notes.lines().all(|line| line.split(PART_SEPARATOR).all(&passes));
    (!all_pass).then(|| kept.join("\n").trim().to_owned())
}

#[cfg(test)]
mod tests;
