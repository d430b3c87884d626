//! Amounts, and the ways in which people speak of them.

use std::sync::LazyLock;

use regex_lite::Regex;

use super::token::Token;
use crate::booking::{Statement, pattern};

/// `$840`, `840.75 USD`, `USD 840`, `250 dollars`, `€40`. A currency's code stands alone: `-cad3-` is a piece of a calendar id.
static CURRENCY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"[$€£¥]\s*\d|\d\s*[$€£¥]",
        r"|(?i:\b(?:usd|eur|gbp|mxn)[\s:]*\d|\d\s*(?:usd|eur|gbp|mxn|dollars?|d[oó]lares|bucks|euros?|pesos)\b)",
        r"|(?i:(?:^|[\s(:=])cad[\s:]+\d|\d\s+cad\b)",
        r"|(?:^|[\s(:=])CAD\d[\d,]*(?:\.\d{2})?(?:[\s,;)]|$)",
    ))
});

static NOTHING_BUT_AN_AMOUNT: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\W*\d[\d,]*\.\d{2}\W*$"));

/// Guests speak of prices in more ways than ledgers do; a part too many held back costs crew a question to the office.
static PRICES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(?:pay|pays|paid|paying|payments?|prices?|priced|costs?|fees?|deposits?|refund(?:s|ed)?|discounts?|invoices?",
        r"|charged?|cash|venmo|zelle|budget|dollars?|bucks|pag[oóaué]\w*|precios?|reembolsos?|descuentos?)\b",
        r"|\b(?:(?:sub)?total|balance|saldo|sum|owed?|owing|due)\b(?:\W+[a-z]+){0,3}\W*\d{2}",
        r"|\d{2}(?:\W+[a-z]+){0,2}\W+(?:total|balance|owed?|due)\b",
        r"|\d[.,]\d{2}\b|\b\d{1,3}[.,]\d{3}\b",
    ))
});

static TIPS: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(?:tips?|tipped|tipping|gratuity|propinas?)\b"));

pub(super) fn states_currency(text: &str) -> bool {
    CURRENCY.is_match(text)
}

/// Such a line says the amount of the label on the line above it.
pub(super) fn is_nothing_but_an_amount(text: &str) -> bool {
    NOTHING_BUT_AN_AMOUNT.is_match(text)
}

pub(super) fn speaks_of_prices(text: &str) -> bool {
    PRICES.is_match(text)
}

pub(super) fn speaks_of_tips(text: &str) -> bool {
    TIPS.is_match(text)
}

/// Whether a number looks like an amount by itself: `289.41`, `1,840`. `marked` (by a colon, a dash), `840` does too.
pub(super) fn is_amount(number: &str, marked: bool) -> bool {
    match number.rsplit_once(['.', ',']) {
        Some((_, last)) => last.len() == 2 || last.len() == 3,
        None => marked && number.len() >= 3 && !number.starts_with('0'),
    }
}

/// What crew measure and count in: "rate 4.5 kn", "net 140 lb", "net at channel 68".
const UNITS: [&str; 18] = [
    "amp", "ch", "channel", "cm", "feet", "foot", "ft", "gph", "kg", "kn", "knot", "kt", "kts", "lb", "lbs", "lph",
    "mph", "rpm",
];

/// Whether the tokens behind a number make it a measure: "40 A", "12 gph"; not "25 a day".
pub(super) fn is_measured(after: &[Token]) -> bool {
    match after {
        [Token::Word(unit), rest @ ..] if unit == "a" => !matches!(rest.first(), Some(Token::Word(_))),
        [unit, ..] => unit.is_one_of(&UNITS),
        [] => false,
    }
}

/// `12`, and `0830`, which is a time of day.
pub(super) fn is_count_or_time(number: &str) -> bool {
    number.bytes().all(|byte| byte.is_ascii_digit()) && (number.len() < 3 || number.starts_with('0'))
}

/// `2:00`, `2 PM`.
pub(super) fn is_clock(number: &str, next: Option<&Token>) -> bool {
    number.contains(':') || matches!(next, Some(Token::Word(word)) if word == "am" || word == "pm")
}

/// The lines of a statement, to be found in texts in whole dollars, with or without cents and thousands' separators.
pub(super) struct OwnAmounts(Option<Regex>);

impl OwnAmounts {
    pub(super) fn of(statement: &Statement) -> Self {
        let Statement { gross, crew, captain, port_tax, net } = statement;
        let lines = [gross, crew, captain, port_tax, net];
        let spelled: Vec<String> = lines.iter().flat_map(|line| whole_dollars(&line.to_string())).collect();
        Self((!spelled.is_empty()).then(|| pattern(&format!(r"(?:^|\D)(?:{})(?:\D|$)", spelled.join("|")))))
    }

    pub(super) fn are_in(&self, text: &str) -> bool {
        self.0.as_ref().is_some_and(|pattern| pattern.is_match(text))
    }
}

/// Fewer could be anything: an age, a party, a slip.
const FEWEST_TELLING_DOLLARS: u64 = 100;

/// Patterns for an amount's dollars, rounded down and up.
fn whole_dollars(amount: &str) -> Vec<String> {
    let (dollars, cents) = amount.trim_start_matches('-').split_once('.').unwrap_or((amount, "00"));
    let Ok(dollars) = dollars.parse::<u64>() else { return Vec::new() };
    let rounded_up = if cents == "00" { dollars } else { dollars + 1 };
    (dollars..=rounded_up)
        .filter(|dollars| *dollars >= FEWEST_TELLING_DOLLARS)
        .map(|dollars| grouped(&dollars.to_string()))
        .collect()
}

/// `1840` as a pattern that also finds `1,840`, `1.840` and `1 840`.
fn grouped(digits: &str) -> String {
    let mut pattern = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            pattern.push_str(r"[., '’\u{a0}\u{202f}]?");
        }
        pattern.push(digit);
    }
    pattern
}
