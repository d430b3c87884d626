//! Which words mean money.
//!
//! Crew never see money, and two things could show them some: a guest's free text, and attributes or notes that somebody (an older
//! program, a hand) wrote into SCC's items. Both are judged by the rules here. What crew log themselves (tips, mileage, supplies,
//! expenses) is theirs and stays. Source: `docs/decisions.md`, "Money in crew data".

use std::sync::LazyLock;

use regex_lite::Regex;
use serde::Deserialize;

/// Labels as people write them; case and separators do not matter.
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

/// Labels that are also everyday words ("net on deck", "first rate"): in running text they mean money only in front of a number or a colon.
const EVERYDAY: [&str; 3] = ["gross", "net", "rate"];

/// `$840`, `840.75 USD`, `USD 840`, `250 dollars`, `€40`.
static CURRENCY_AMOUNT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)[$€£¥]\s*\d|\d\s*[$€£¥]|\b(usd|us\$|eur|gbp|mxn|cad)\s*\d|\d\s*(usd|eur|gbp|mxn|cad|dollars?|d[oó]lares|bucks|euros?|pesos)\b",
    )
});

/// What crew log for themselves.
static CREWS_OWN: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(tips?|mileage|supplies|expenses?)\b"));

/// Guests speak of money in more ways than ledgers do; a line too many held back from crew costs nothing, the office reads it whole.
static GUESTS_TALK: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(pay|pays|paid|paying|payments?|prices?|priced|costs?|fees?|deposits?|refund(s|ed)?|discounts?|invoices?|charged?",
        r"|tips?|tipping|gratuity|cash|venmo|zelle|budget|dollars?|bucks|pag[oóaué]\w*|precios?|propinas?|reembolsos?|descuentos?)\b",
        r"|\d[.,]\d{2}\b",
    ))
});

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern that the tests compile")
}

/// The operator's money labels, ready to judge names and lines.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "Vec<String>")]
pub struct MoneyWords {
    /// Each label as its lower-case words.
    labels: Vec<Vec<String>>,
    in_text: Regex,
}

impl Default for MoneyWords {
    fn default() -> Self {
        Self::new(DEFAULT_LABELS.map(String::from).into())
    }
}

impl From<Vec<String>> for MoneyWords {
    fn from(labels: Vec<String>) -> Self {
        Self::new(labels)
    }
}

impl MoneyWords {
    fn new(labels: Vec<String>) -> Self {
        let labels: Vec<Vec<String>> =
            labels.iter().map(|label| words(label)).filter(|words| !words.is_empty()).collect();
        let alternatives: Vec<String> = labels.iter().map(|label| in_text(label)).collect();
        let in_text = if alternatives.is_empty() {
            pattern("[^\\s\\S]")
        } else {
            pattern(&format!("(?i){}", alternatives.join("|")))
        };
        Self { labels, in_text }
    }

    /// Whether an attribute of this name holds money: `revenue`, `grossAmount`, `Port-Tax`, `PORTTAX`; not `network`, not `rating`.
    pub fn names_money(&self, attribute: &str) -> bool {
        let words = words(attribute);
        let joined = words.concat();
        self.labels.iter().any(|label| {
            words.windows(label.len()).any(|window| window == label.as_slice()) || joined == label.concat()
        })
    }

    /// `notes` without the lines that state a charter's money; `None` when there are none. What crew log themselves stays.
    pub fn without_money(&self, notes: &str) -> Option<String> {
        self.keep(notes, |line| {
            !self.in_text.is_match(line) && (!CURRENCY_AMOUNT.is_match(line) || CREWS_OWN.is_match(line))
        })
    }

    /// What a guest wrote, without every line that speaks of money in any way.
    pub fn fit_for_crew(&self, guest_notes: &str) -> String {
        let quiet =
            |line: &str| !self.in_text.is_match(line) && !CURRENCY_AMOUNT.is_match(line) && !GUESTS_TALK.is_match(line);
        self.keep(guest_notes, quiet).unwrap_or_else(|| guest_notes.to_owned())
    }

    /// Keeps the parts of every line (notes join them with ` · `) that pass; `None` when all do.
    fn keep(&self, notes: &str, passes: impl Fn(&str) -> bool) -> Option<String> {
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
}

const PART_SEPARATOR: &str = " · ";

/// The lower-case words of a name, split at separators and at camelCase humps.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut previous = ' ';
    for character in name.chars() {
        let starts_word = !previous.is_alphanumeric() || (previous.is_lowercase() && character.is_uppercase());
        if character.is_alphanumeric() {
            if starts_word {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(character.to_lowercase());
            }
        }
        previous = character;
    }
    words
}

/// How a label is recognised in running text.
fn in_text(label: &[String]) -> String {
    let spelled: Vec<String> = label.iter().map(|word| regex_lite::escape(word)).collect();
    let spelled = spelled.join(r"[\s_-]*");
    if EVERYDAY.contains(&label.concat().as_str()) {
        format!(r"\b{spelled}\s*([:=]|((is|of|was|about|at)\s+)?[$€£]?\s*\d)")
    } else {
        format!(r"\b{spelled}s?\b")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attribute_names() {
        let rules = MoneyWords::default();
        for money in [
            "revenue",
            "Revenue",
            "gross",
            "grossAmount",
            "gross_revenue",
            "net",
            "net_profit",
            "NET",
            "payout",
            "rate",
            "hourly-rate",
            "captain_fee",
            "captainFee",
            "CaptainCost",
            "crew_cost",
            "crewCost",
            "port_tax",
            "Port-Tax",
            "PORTTAX",
            "port tax",
        ] {
            assert!(rules.names_money(money), "{money} is money");
        }
        for other in [
            "network",
            "planet",
            "rating",
            "separate",
            "port",
            "tax_id",
            "captain",
            "captain_id",
            "crew_ids",
            "notes",
            "tips",
            "mileage",
            "supplies",
            "expenses",
            "amount",
            "duration_hours",
            "checklist",
            "",
        ] {
            assert!(!rules.names_money(other), "{other} is not money");
        }
    }

    #[test]
    fn lines_of_notes() {
        let rules = MoneyWords::default();
        for money in [
            "Gross: $840.75",
            "gross 840.75",
            "Net: 289.41",
            "net = 289",
            "net is 289.41",
            "Revenue this month",
            "port tax 151.34",
            "Port-Tax 18%",
            "captain fee applies",
            "crew cost 250",
            "rate: 25/h",
            "rate 25",
            "$840",
            "840.75 USD",
            "USD 840",
            "250 dollars",
            "€40",
            "deposit of $200",
        ] {
            assert_eq!(rules.without_money(money), Some(String::new()), "{money:?} must go");
        }
        for other in [
            "Meet at Pier 5",
            "net on deck",
            "bring a net, 2 rods",
            "first rate crew",
            "gross weather expected",
            "8 guests at 2:00 PM",
            "tip: $40 cash, split",
            "mileage 31 miles, $20.77",
            "supplies $18.50 (ice)",
            "Slip 12, Harbor Island Dr 1880",
            "anniversary",
            "",
        ] {
            assert_eq!(rules.without_money(other), None, "{other:?} must stay");
        }
    }

    #[test]
    fn only_the_part_that_speaks_of_money_goes() {
        let rules = MoneyWords::default();
        let notes =
            "Boatsetter booking ref: BS-1 · Gross: $840.75 · Report 1:00 PM, released 6:00 PM\nnet 289.41\n\nPier 5";
        let kept = "Boatsetter booking ref: BS-1 · Report 1:00 PM, released 6:00 PM\n\nPier 5";
        assert_eq!(rules.without_money(notes).as_deref(), Some(kept));
        assert_eq!(rules.without_money(kept), None);
    }

    #[test]
    fn guests_speak_of_money_in_more_ways() {
        let rules = MoneyWords::default();
        let notes = "It is our anniversary\nwe paid 840.75 already\nwill tip well\nShellfish allergy\n¿cuánto pagamos?";
        assert_eq!(rules.fit_for_crew(notes), "It is our anniversary\nShellfish allergy");
        assert_eq!(rules.fit_for_crew("net on deck, Pier 5"), "net on deck, Pier 5");
    }

    #[test]
    fn an_operator_may_have_other_labels() {
        let rules = MoneyWords::from(vec!["Commission".into()]);
        assert!(rules.names_money("commission_usd") && !rules.names_money("revenue"));
        assert!(MoneyWords::from(vec![]).without_money("revenue").is_none());
    }
}
