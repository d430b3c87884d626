//! Which texts state money.
//!
//! One rule: a label or a currency beside an amount, in one line or sentence. It judges what a guest wrote before crew read it, and what
//! somebody wrote into SCC's items. Text that is withheld by mistake can be restored; an amount that was read cannot be unread.
//! Source: `docs/decisions.md`, "Money in crew data".

use std::{ops::Range, sync::LazyLock};

use regex_lite::{Regex, escape};
use serde::Deserialize;

use super::{
    Statement, pattern,
    plain::{folded, humps_split, sentences},
};

/// Case, separators, plurals and an "and" do not matter.
const DEFAULT_LABELS: [&str; 15] = [
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
    "net profit",
    "hourly rate",
    "daily rate",
];
/// A label of one short word ("net") is an everyday word too: its amount must be near. A longer one is found inside words as well.
const LONGEST_EVERYDAY_CHARS: usize = 5;
/// "net to the owner 289": with more words between them, an everyday label and a number have nothing to do with each other.
const MOST_WORDS_BETWEEN: usize = 3;

static CURRENCY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"\$\W*\d|\d\s*\$|\b(?:usd|eur|gbp|mxn|cad)[\s:]*\d|\d\s*(?:usd|eur|gbp|mxn|cad)\b",
        r"|(?:\d|\b(?:ten|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|cien|cientos|cincuenta|mil))",
        r"[\s-]*(?:dollars?|dolares|bucks|euros?|pesos)\b|\d\s*(?:/\s*(?:h|hr|hour|pp)|(?:an|per) hour|per (?:person|head))\b",
    ))
});
/// How guests speak of prices, in both languages.
static PRICES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"\b(?:pay|pays|paid|paying|payments?|pric(?:es?|ed|ing)|costs?|fees?|deposits?|refund(?:s|ed)?|discounts?|invoices?",
        r"|charge[sd]?|cash|venmo|zelle|paypal|budget|(?:sub)?total|balance|sum|owed?|owing|due",
        r"|pag(?:os?|ar|ado|amos|ue|aron|an?)|precios?|cuestan?|costos?|saldo|reembolsos?|descuentos?)\b",
    ))
});
static TIPS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(?:tips?|tipped|tipping|gratuity|gratuities|propinas?)\b"));
/// A number, then what makes it a measure, a count or a time of day.
static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(\d+(?:[.,:'/]\d+)*)(\s*(?:[ap]\.?\s?m|kn|kts?|knots?|gph|lph|rpm|mph|ft|feet|cm|kg|lbs?|amps?|nm|mi|miles?|hours?|min",
        r"|minutes?|years?|guests?|people|persons?|adults?|kids|tons?)\b)?",
    ))
});
/// Everyday labels that mean something else here.
static INNOCENT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?:safety|fishing|cargo|landing|trampoline|lifeline|cruisers?'?|morning)[\W_]*nets?",
        r"|(?:heart|pulse|refresh|burn|flow|fuel|tide|descent|mileage|first)[\W_]*rates?|rates?\W+per\W+(?:nm|miles?)",
        r"|(?:gross|net)[\W_]*(?:ton(?:s|nage|nes?)?|weight|register)",
    ))
});
/// What crew log for themselves stays, whatever it cost.
static CREWS_OWN: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\W*(?:tips?|mileage|suppl(?:y|ies)|expenses?)\b"));
static NOTHING_BUT_AN_AMOUNT: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\W*\d[\d,]*\.\d{2}\W*$"));
/// Ids of ours may look like anything: `RATE-100`, `cal_7eur`.
static OURS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?:Boatsetter booking ref: [A-Za-z0-9._:-]{1,64}|calendar [A-Za-z0-9_-]+)$"));

/// The operator's money labels, ready to judge names and texts.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "Vec<String>")]
pub struct MoneyWords {
    /// Money wherever they stand.
    sure: Regex,
    everyday: Regex,
}

impl Default for MoneyWords {
    fn default() -> Self {
        Self::from(DEFAULT_LABELS.map(String::from).to_vec())
    }
}

impl From<Vec<String>> for MoneyWords {
    fn from(labels: Vec<String>) -> Self {
        let words = |label: &String| -> Vec<String> {
            let label = folded(label);
            let words = label.split(|letter: char| !letter.is_alphanumeric());
            words.filter(|word| !word.is_empty() && *word != "and").map(escape).collect()
        };
        let labels: Vec<_> = labels.iter().map(words).filter(|words| !words.is_empty()).collect();
        let (everyday, sure): (Vec<_>, Vec<_>) =
            labels.into_iter().partition(|words| words.len() == 1 && words[0].len() <= LONGEST_EVERYDAY_CHARS);
        let any_of = |labels: Vec<Vec<String>>| {
            let joined = labels.iter().map(|words| match words.as_slice() {
                [word] => word.clone(),
                words => format!(r"\b{}(?:s|es)?(?:\b|\d)", words.join(r"(?:'?s|es)?\W*(?:and\W*)?")),
            });
            joined.collect::<Vec<_>>().join("|")
        };
        let or_nothing = |labels: String| if labels.is_empty() { r"\d\b\D\b\d".to_owned() } else { labels };
        Self {
            sure: pattern(&or_nothing(any_of(sure))),
            everyday: pattern(&format!(r"(?:\b|\d)(?:{})s?(?:\b|\d)", or_nothing(any_of(everyday)))),
        }
    }
}

/// Whose text is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writer {
    /// Everything that could be money is.
    Guest,
    /// A program or a person at SCC.
    Colleague,
    /// Crew, about what they spent or were given.
    Crew,
}

impl MoneyWords {
    /// Whether an attribute of this name means money: `revenue`, `grossAmount`, `PORTTAX`; not `network`, not `safety_net`.
    pub fn names_money(&self, attribute: &str) -> bool {
        let name = words(attribute);
        self.sure.is_match(&name) || self.everyday.is_match(&INNOCENT.replace_all(&name, " "))
    }

    /// Whether an attribute of this name means money and nothing else: not with an everyday label alone.
    pub fn surely_names_money(&self, attribute: &str) -> bool {
        self.sure.is_match(&words(attribute))
    }

    /// A text of an SCC item without the sentences that state money; `None` when there are none. `allowed` are the operator's own words.
    pub fn without_money<'a>(&self, text: &'a str, allowed: impl Fn(&str) -> bool) -> Option<String> {
        let mut before = "";
        let mut dropped = false;
        let mut stays = |sentence: &'a str, writer| {
            // "Captain fee", and on the next line "150": without a word of its own a number belongs to what stands before it.
            let context = if sentence.chars().any(char::is_alphabetic) { "" } else { before };
            if !sentence.trim().is_empty() {
                before = sentence;
            }
            let stays = !self.states_money(&format!("{context} {sentence}"), writer);
            dropped |= !stays;
            stays
        };
        let kept = text.lines().filter_map(|line| {
            let writer = if CREWS_OWN.is_match(&folded(line)) { Writer::Crew } else { Writer::Colleague };
            let parts = line.split(PART_SEPARATOR).map(|part| {
                let ours = OURS.is_match(part) || allowed(part);
                sentences(part).into_iter().filter(|sentence| ours || stays(sentence, writer)).collect::<String>()
            });
            let parts: Vec<String> =
                parts.map(|part| part.trim_end().to_owned()).filter(|part| !part.is_empty()).collect();
            (line.is_empty() || !parts.is_empty()).then(|| parts.join(PART_SEPARATOR))
        });
        let kept = kept.collect::<Vec<_>>().join("\n");
        dropped.then(|| kept.trim().to_owned())
    }

    /// Whether crew's own account of what they spent states a charter's money: with a label; a price of theirs is none.
    pub fn crews_own_states_money(&self, text: &str) -> bool {
        sentences(text).into_iter().any(|sentence| self.states_money(sentence, Writer::Crew))
    }

    /// Whether a guest's sentence, a boat's name or a place states an amount or a price. Tips do not count: Shelter Island has a tip.
    pub fn speaks_of_money(&self, text: &str) -> bool {
        self.states_money(text, Writer::Guest)
    }

    /// The same for guests' notes, where a tip is money and so is an amount of this charter in any words.
    pub(super) fn notes_speak_of_money(&self, sentence: &str, statement: &Statement) -> bool {
        let text = words(sentence);
        let numbers = numbers(&text);
        self.speaks_of_money(sentence)
            || beside(&TIPS, &text, &numbers)
            || numbers
                .iter()
                .any(|number| number.kind != Kind::Other && statement.has_dollars(&text[number.at.clone()]))
    }

    fn states_money(&self, text: &str, writer: Writer) -> bool {
        let text = words(text);
        let text = INNOCENT.replace_all(&text, " ");
        let numbers = numbers(&text);
        if numbers.is_empty() && !CURRENCY.is_match(&text) {
            return false;
        }
        let stated = numbers.iter().any(|number| number.kind != Kind::Other);
        let own_rate = writer == Writer::Crew && text.contains("rate");
        (stated && self.sure.is_match(&text))
            || (!own_rate && beside(&self.everyday, &text, &numbers))
            || (writer != Writer::Crew && (CURRENCY.is_match(&text) || NOTHING_BUT_AN_AMOUNT.is_match(&text)))
            || (writer == Writer::Guest && beside(&PRICES, &text, &numbers))
    }
}

/// A name or a text as the patterns read it: `grossAmount_2` is "gross amount 2".
fn words(text: &str) -> String {
    folded(&humps_split(text)).replace('_', " ")
}

const PART_SEPARATOR: &str = " · ";

struct Number {
    at: Range<usize>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `289.41`.
    Amount,
    /// Three digits or more: an amount or an address.
    Large,
    /// Two digits: an amount, or a count.
    Small,
    /// A time, a measure, one digit.
    Other,
}

fn numbers(text: &str) -> Vec<Number> {
    let number = |found: regex_lite::Captures<'_>| {
        let number = found.get(1).expect("the pattern's own group");
        let (digits, cents) = (number.as_str(), number.as_str().rsplit_once('.').map(|(_, cents)| cents.len()));
        let count = digits.bytes().filter(u8::is_ascii_digit).count();
        let kind = match (found.get(2).is_some() || digits.contains([':', '/']), cents, count) {
            (true, ..) => Kind::Other,
            (false, Some(2), _) => Kind::Amount,
            (false, ..) if digits.starts_with('0') => Kind::Other,
            (false, _, 3..) => Kind::Large,
            (false, _, 2) => Kind::Small,
            (false, ..) => Kind::Other,
        };
        Number { at: number.range(), kind }
    };
    NUMBER.captures_iter(text).map(number).collect()
}

/// Whether the number next to one of the labels, before it or behind, is near enough for its kind.
fn beside(labels: &Regex, text: &str, numbers: &[Number]) -> bool {
    labels.find_iter(text).any(|label| {
        let next = numbers.partition_point(|number| number.at.end <= label.start() + 1);
        let behind = numbers.get(next).map(|number| (number, label.end().min(number.at.start)..number.at.start));
        let before = next.checked_sub(1).and_then(|before| numbers.get(before));
        let before = before.map(|number| (number, number.at.end.min(label.start())..label.start()));
        [before, behind].into_iter().flatten().any(|(number, gap)| {
            let gap = &text[gap];
            let words = gap.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
            let between = words.take(MOST_WORDS_BETWEEN + 1).count();
            match number.kind {
                Kind::Amount => true,
                Kind::Large => between == 0 || (between <= MOST_WORDS_BETWEEN && !gap.contains(',')),
                Kind::Small => between <= 1 && !gap.contains(','),
                Kind::Other => false,
            }
        })
    })
}
