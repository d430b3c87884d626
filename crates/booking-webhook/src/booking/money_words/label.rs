//! One label that means money, and where it does.
//!
//! Most labels mean money wherever they stand. A few are everyday words too ("net on deck", "first rate", "gross weather"): a name is
//! money with them unless its other words say otherwise, a text only with an amount near them.

use super::{
    CREWS_OWN,
    amount::{is_amount, is_clock, is_count_or_time, is_measured},
    token::{Token, words},
};

const EVERYDAY: [&str; 3] = ["gross", "net", "rate"];

/// A label this long is found inside a word too: `GROSSREVENUE`, `ownerpayout`. A shorter one needs a [`COMPANIONS`] beside it.
const LONG_ENOUGH_INSIDE_A_WORD: usize = 6;

/// Words that go with money: `netprofit`, "gross amount 840".
const COMPANIONS: [&str; 40] = [
    "amount", "boat", "booking", "captain", "charge", "charter", "cost", "crew", "daily", "day", "dollar", "due",
    "earning", "fee", "final", "gross", "guest", "hour", "hourly", "income", "margin", "net", "owner", "paid", "pay",
    "payment", "payout", "price", "profit", "rate", "receipt", "revenue", "sale", "share", "sum", "take", "total",
    "trip", "usd", "value",
];

/// Words that lead from a label to its amount: "net is about 289".
const LEADING: [&str; 8] = ["about", "approx", "around", "at", "est", "is", "of", "was"];

/// Words that lead nowhere by themselves: "net for 12 guests", but "net for the owner 289".
const LINKING: [&str; 12] = ["a", "after", "be", "before", "for", "our", "per", "the", "this", "to", "will", "with"];

/// Other words between an everyday label and its amount; with more, the two have nothing to do with each other.
const MOST_WORDS_BETWEEN: usize = 2;

/// What makes an everyday label something else: before it, beside [`CREWS_OWN`] ...
const INNOCENT_BEFORE: [&str; 16] = [
    "burn",
    "cargo",
    "cast",
    "climb",
    "cruiser",
    "dip",
    "drift",
    "fishing",
    "frame",
    "heart",
    "landing",
    "lifeline",
    "pulse",
    "refresh",
    "safety",
    "trampoline",
];

/// ... right before a rate, though not before a net, which may be one of charges and fuel ...
const INNOCENT_BEFORE_RATE: [&str; 6] = ["charge", "descent", "drip", "flow", "fuel", "tide"];

/// ... and after it.
const INNOCENT_AFTER: [&str; 7] = ["knot", "mile", "register", "ton", "tonnage", "tonne", "weight"];

/// A label as its words.
#[derive(Debug, Clone)]
pub(super) struct Label(Vec<String>);

impl Label {
    /// `None` when there is no word in it.
    pub(super) fn new(label: &str) -> Option<Self> {
        let words = words(label);
        (!words.is_empty()).then_some(Self(words))
    }

    pub(super) fn is(&self, word: &str) -> bool {
        self.0 == [word]
    }

    fn is_everyday(&self) -> bool {
        EVERYDAY.iter().any(|everyday| self.is(everyday))
    }

    /// Whether it is an everyday word for a thing that crew count: two nets, a gross of cups.
    fn is_countable(&self) -> bool {
        self.is("gross") || self.is("net")
    }

    /// Whether an attribute whose name has these words holds money, and can hold nothing else.
    pub(super) fn surely_names(&self, words: &[String]) -> bool {
        (!self.is_everyday() && self.names(words)) || words.iter().any(|word| self.is_inside(word))
    }

    /// Whether an attribute whose name has these words holds money.
    pub(super) fn names(&self, words: &[String]) -> bool {
        let stated = |at: usize| {
            let (before, after) = (at.checked_sub(1).map(|before| words[before].as_str()), &words[at + self.0.len()..]);
            !self.is_everyday()
                || !(before.is_some_and(|before| innocent_before(before) || self.is_innocent_right_behind(before))
                    || after.iter().any(|word| innocent_after(word)))
        };
        let mut places = words.windows(self.0.len()).enumerate().filter(|(_, window)| *window == self.0);
        places.any(|(at, _)| stated(at)) || words.iter().any(|word| self.is_inside(word))
    }

    /// Whether words that stand together in a text state it, whatever else the text says.
    pub(super) fn is_stated_in(&self, run: &[String]) -> bool {
        (!self.is_everyday() && run.windows(self.0.len()).any(|window| window == self.0))
            || run.iter().any(|word| self.is_inside(word))
    }

    /// Whether an everyday label has an amount near it: "net 289.41", "Gross (USD): 840.75", "840.75 gross".
    pub(super) fn is_stated_with_amount_in(&self, tokens: &[Token]) -> bool {
        if !self.is_everyday() {
            return false;
        }
        let mut places =
            tokens.iter().enumerate().filter(|(_, token)| matches!(token, Token::Word(word) if self.is(word)));
        places.any(|(at, _)| {
            let (before, after) = (&tokens[..at], &tokens[at + 1..]);
            let word_before = before.iter().rev().find(|token| !matches!(token, Token::Mark(_)));
            match word_before {
                Some(Token::Word(word)) if innocent_before(word) => false,
                _ if matches!(before.last(), Some(Token::Word(word)) if self.is_innocent_right_behind(word)) => false,
                _ => amount_follows(after, self.is_countable()) || amount_precedes(before, after),
            }
        })
    }

    fn is_innocent_right_behind(&self, word: &str) -> bool {
        self.is("rate") && INNOCENT_BEFORE_RATE.contains(&word)
    }

    /// Whether `word` is this label squashed, or squashed together with something that goes with money.
    fn is_inside(&self, word: &str) -> bool {
        [self.0.concat(), self.0.join("and")].iter().any(|label| {
            let rests = [word.strip_prefix(label.as_str()), word.strip_suffix(label.as_str())];
            rests.into_iter().flatten().any(|rest| {
                if rest.is_empty() {
                    self.0.len() > 1
                } else {
                    label.len() >= LONG_ENOUGH_INSIDE_A_WORD || COMPANIONS.contains(&rest)
                }
            })
        })
    }
}

fn innocent_before(word: &str) -> bool {
    INNOCENT_BEFORE.contains(&word) || CREWS_OWN.contains(&word)
}

fn innocent_after(word: &str) -> bool {
    INNOCENT_AFTER.contains(&word)
}

/// Any number is an amount behind words that go with money; behind others ("net on deck 2") it must look like one. A measure ("4.5 kn")
/// and, behind a `countable` label, a small number ("nets: 2 port") are passed over like a word.
fn amount_follows(after: &[Token], countable: bool) -> bool {
    let (mut words_between, mut marked, mut strange, mut linked) = (0, false, false, false);
    for (at, token) in after.iter().enumerate() {
        match token {
            Token::Number(number) if is_measured(&after[at + 1..]) || (countable && is_count_or_time(number)) => {
                if is_clock(number, after.get(at + 1)) {
                    return false;
                }
                strange = true;
            }
            Token::Number(number) => {
                let any_will_do = !strange && !linked;
                return !is_clock(number, after.get(at + 1)) && (any_will_do || is_amount(number, marked));
            }
            Token::Word(_) if token.is_one_of(&LEADING) => {}
            Token::Word(_) if token.is_one_of(&LINKING) => linked = true,
            Token::Word(_) if token.is_one_of(&INNOCENT_AFTER) || words_between == MOST_WORDS_BETWEEN => return false,
            Token::Word(_) if token.is_one_of(&COMPANIONS) => (words_between, linked) = (words_between + 1, false),
            Token::Word(_) => (words_between, strange) = (words_between + 1, true),
            Token::Mark('(' | ')' | '[' | ']' | '/' | '~' | '≈' | '$' | '€' | '£') => {}
            // "est. 840" goes on, "Bring the net. 12 guests" does not.
            Token::Mark('.') if at > 0 && after[at - 1].is_one_of(&LEADING) => {}
            Token::Mark(':' | '=' | '-' | '–' | '—') => marked = true,
            Token::Mark(_) => return false,
        }
    }
    false
}

/// "840.75 gross", "289 net"; not "65 gross tons", not "at 1400 net on deck".
fn amount_precedes(before: &[Token], after: &[Token]) -> bool {
    let ends_there = match after.first() {
        Some(next @ Token::Word(_)) => next.is_one_of(&COMPANIONS),
        Some(Token::Number(_)) => false,
        Some(Token::Mark(_)) | None => true,
    };
    matches!(before.last(), Some(Token::Number(number)) if ends_there && is_amount(number, true))
}
