//! Which texts state money.
//!
//! One rule: a label or a currency beside an amount, in one line or sentence. It judges what a guest wrote before crew read it, and what
//! somebody wrote into SCC's items. Text that is withheld by mistake can be restored; an amount that was read cannot be unread.
//! `goes_and_stays.rs` is the table of examples. Source: `docs/decisions.md`, "Money in crew data".

use std::{cell::LazyCell, sync::LazyLock};

use regex_lite::{Captures, Regex, escape};
use serde::{Deserialize, Deserializer, de::Error};

use super::{
    Statement,
    pattern::{Pattern, pattern},
    plain::{folded, humps_split, sentences},
};

/// Case, separators, plurals and an "and" do not matter.
const DEFAULT_LABELS: &str = "revenue, gross, net, payout, rate, captain fee, captain cost, captain pay, crew fee, crew cost, crew pay, \
     port tax, net profit, hourly rate, daily rate";
/// A label of one short word ("net") is an everyday word too: its amount must be near. A longer one is found inside words as well.
const LONGEST_EVERYDAY_CHARS: usize = 5;
const MOST_LABELS: usize = 100;
const LONGEST_LABEL_CHARS: usize = 40;

static CURRENCY: LazyLock<Pattern> = LazyLock::new(|| {
    let beginnings = "$,usd,eur,gbp,mxn,cad,dol,buck,peso,/,hour,per ,.0,.1,.2,.3,.4,.5,.6,.7,.8,.9";
    Pattern::new(
        beginnings,
        concat!(
            r"\$\W*\d|\d\s*\$|\b(?:usd|eur|gbp|mxn|cad)[\s:]*\d|\d\s*(?:usd|eur|gbp|mxn|cad)\b",
            r"|(?:\d|\b(?:ten|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|cien|cientos|cincuenta|mil))",
            r"[\s-]*(?:dollars?|dolares|bucks|euros?|pesos)\b|\d\s*(?:/\s*(?:h|hr|hour|pp)|(?:an|per) hour|per (?:person|head))\b",
            r"|^\W*\d[\d,]*\.\d{2}\W*$",
        ),
    )
});
/// How guests speak of prices, in both languages.
static PRICES: LazyLock<Labels> = LazyLock::new(|| {
    let beginnings = "pay,paid,pric,cost,fee,deposit,refund,discount,invoice,charge,cash,venmo,zelle,budget,total,balance,sum,ow,due,pag,\
         precio,cuesta,saldo,reembolso,descuento";
    Labels::new(
        beginnings,
        concat!(
            r"pay|paid|paying|payment|pric(?:e|ed|ing)|cost|fee|deposit|refund(?:ed)?|discount|invoice|charged?|cash|venmo|zelle|paypal",
            r"|budget|(?:sub)?total|balance|sum|owed?|owing|due|pag(?:o|ar|ado|amo|ue|aron|an?)|precio|cuestan?|costo|saldo|reembolso|descuento",
        ),
    )
});
static TIPS: LazyLock<Labels> =
    LazyLock::new(|| Labels::new("tip,gratuit,propina", r"tip|tipped|tipping|gratuity|gratuitie|propina"));
/// Times, measures, counts of people, and everyday labels that mean something else here: no money.
static HARMLESS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"\b\d+(?:[:.]\d\d)?\s*[ap]\.?\s?m\b|\b\d+[:/]\d+|(?:^|[^\d.,])0\d+\b|\b[\d.,]+\s*(?:kn|kts?|knots?|gph|lph|rpm|mph|ft|feet|cm|kg|lbs?|amps?",
        r"|nm|mi|miles?|hours?|min|minutes?|years?|guests?|people|persons?|adults?|kids|tons?|personas|horas|minutos)\b",
        r"|(?:safety|fishing|cargo|landing|trampoline|lifeline|cruisers?'?|morning)[\W_]*nets?",
        r"|(?:heart|pulse|refresh|burn|flow|fuel|tide|descent|mileage|first)[\W_]*rates?|rates?\W+per\W+(?:nm|miles?)",
        r"|(?:gross|net)[\W_]*(?:ton(?:s|nage|nes?)?|weight|register)",
    ))
});
static CENTS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\d[.,]\d{2}\b"));
static NUMBER: LazyLock<Regex> = LazyLock::new(|| pattern(r"\d+(?:[.,']\d+)*"));
/// What crew log for themselves stays, costs included.
static CREWS_OWN: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\W*(?:tips?|mileage|suppl(?:y|ies)|expenses?)\b"));
/// Ids of ours may look like anything: `RATE-100`, `cal_7eur`.
static OURS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?:Boatsetter booking ref: [A-Za-z0-9._:-]{1,64}|calendar [A-Za-z0-9_-]+)$"));

const PART_SEPARATOR: &str = " · ";

/// Words that are money beside an amount.
#[derive(Debug, Clone)]
struct Labels {
    anywhere: Pattern,
    beside_amount: Pattern,
}

impl Labels {
    /// Beside: a number of two digits within a word, one of three within three words and no comma.
    fn new(beginnings: &str, words: &str) -> Self {
        let (one, three) = (r"(?:[^\w,]+[a-z]+)?[^\w,]*", r"(?:[^\w,]+[a-z]+){0,3}[^\w,]*");
        let (label, large) = (format!("(?:{words})s?"), r"\d(?:[,.']?\d){2}");
        let behind = format!(r"\b{label}(?:{one}\d\d|{three}{large})");
        let beside = format!(r"{behind}|(?:\d\d{one}|{large}{three})\b{label}\b|\d\d{label}\b");
        Self {
            anywhere: Pattern::new(beginnings, format!(r"(?:\b|\d){label}(?:\b|\d)")),
            beside_amount: Pattern::new(beginnings, beside),
        }
    }

    fn state_money_in(&self, text: &str) -> bool {
        self.beside_amount.is_match(text) || (self.anywhere.is_match(text) && CENTS.is_match(text))
    }
}

/// The operator's money labels, ready to judge names and texts.
#[derive(Debug, Clone)]
pub(crate) struct MoneyWords {
    /// Money wherever they stand.
    sure: Pattern,
    everyday: Labels,
}

/// A number of so many digits may be an amount of the charter: less than a hundred could be anything.
const DIGITS_OF_AN_AMOUNT: usize = 3;

impl Default for MoneyWords {
    fn default() -> Self {
        Self::from(DEFAULT_LABELS.split(", ").map(String::from).collect::<Vec<_>>())
    }
}

/// Bounded, so that the patterns which are made of them can be compiled.
impl<'de> Deserialize<'de> for MoneyWords {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let labels = Vec::<String>::deserialize(deserializer)?;
        if labels.len() > MOST_LABELS || labels.iter().any(|label| label.chars().count() > LONGEST_LABEL_CHARS) {
            let bounds = format!("at most {MOST_LABELS} labels of at most {LONGEST_LABEL_CHARS} characters each");
            return Err(D::Error::custom(bounds));
        }
        Ok(Self::from(labels))
    }
}

impl From<Vec<String>> for MoneyWords {
    fn from(labels: Vec<String>) -> Self {
        let words = |label: &String| -> Vec<String> {
            let label = folded(label);
            let words = label.split(|letter: char| !letter.is_alphanumeric());
            words.filter(|word| !word.is_empty() && *word != "and").map(escape).collect()
        };
        let labels: Vec<Vec<String>> = labels.iter().map(words).filter(|words| !words.is_empty()).collect();
        let (everyday, sure): (Vec<_>, Vec<_>) =
            labels.into_iter().partition(|words| words.len() == 1 && words[0].len() <= LONGEST_EVERYDAY_CHARS);
        let first_words = |labels: &[Vec<String>]| {
            labels.iter().filter_map(|words| words.first()).cloned().collect::<Vec<_>>().join(",")
        };
        let beginnings = [first_words(&sure), first_words(&everyday)];
        let sure = sure.iter().map(|words| match words.as_slice() {
            [word] => word.clone(),
            words => format!(r"\b{}(?:s|es)?(?:\b|\d)", words.join(r"(?:'?s|es)?\W*(?:and\W*)?")),
        });
        // Without beginnings nothing matches.
        let sure = sure.collect::<Vec<_>>().join("|");
        Self {
            sure: Pattern::new(&beginnings[0], sure),
            everyday: Labels::new(&beginnings[1], &everyday.concat().join("|")),
        }
    }
}

impl MoneyWords {
    /// Whether an attribute of this name means money: `revenue`, `grossAmount`, `PORTTAX`; not `network`, not `safety_net`.
    pub(crate) fn names_money(&self, attribute: &str) -> bool {
        self.looked_at(attribute, Self::may_be_labelled)
            .is_some_and(|name| self.sure.is_match(&name) || self.everyday.anywhere.is_match(&name))
    }

    /// Whether an attribute of this name means money and nothing else: not with an everyday label alone.
    pub(crate) fn surely_names_money(&self, attribute: &str) -> bool {
        self.looked_at(attribute, Self::may_be_labelled).is_some_and(|name| self.sure.is_match(&name))
    }

    /// A text of an SCC item without the sentences that state money; `None` when there are none. `allowed` are the operator's own words.
    pub(crate) fn without_money(&self, text: &str, allowed: impl Fn(&str) -> bool) -> Option<String> {
        self.without(text, allowed, |line| CREWS_OWN.is_match(&folded(line)))
    }

    /// Whether the redaction would take something out of a text that crew did not write.
    pub(super) fn parts_state_money(&self, text: &str) -> bool {
        self.without(text, |_| false, |_| false).is_some()
    }

    fn without<'a>(
        &self,
        text: &'a str,
        allowed: impl Fn(&str) -> bool,
        is_crews_own: impl Fn(&str) -> bool,
    ) -> Option<String> {
        let mut before = "";
        let mut dropped = false;
        let mut stays = |sentence: &'a str, crews_own: bool| {
            // "Captain fee", and on the next line "150": without a word of its own a number belongs to what stands before it.
            let context = if sentence.chars().any(char::is_alphabetic) { "" } else { before };
            // A closing quotation mark states nothing, and is no context.
            if !sentence.contains(char::is_alphanumeric) && !folded(sentence).contains('$') {
                return true;
            }
            before = sentence;
            let judged = format!("{context} {sentence}");
            let money = match crews_own {
                _ if !may_have_amount(&judged) => false,
                true => self.crews_own_states_money(&judged),
                false => {
                    self.looked_at(&judged, Self::may_state_money).is_some_and(|words| self.words_state_money(&words))
                }
            };
            dropped |= money;
            !money
        };
        let kept = text.lines().filter_map(|line| {
            let crews_own = is_crews_own(line);
            let parts = line.split(PART_SEPARATOR).map(|part| {
                let ours = OURS.is_match(part) || allowed(part);
                sentences(part).into_iter().filter(|sentence| ours || stays(sentence, crews_own)).collect::<String>()
            });
            let parts = parts.map(|part| part.trim_end().to_owned()).filter(|part| !part.is_empty());
            let parts: Vec<String> = parts.collect();
            (line.is_empty() || !parts.is_empty()).then(|| parts.join(PART_SEPARATOR))
        });
        let kept = kept.collect::<Vec<_>>().join("\n");
        dropped.then(|| kept.trim().to_owned())
    }

    /// Whether crew's own account states a charter's money: with a label; their prices, tips and rates per mile are none.
    pub(crate) fn crews_own_states_money(&self, text: &str) -> bool {
        self.looked_at(text, Self::may_be_labelled).is_some_and(|words| self.labels_money(&words.replace("rate", " ")))
    }

    /// Whether a boat's name, a place or a guest's sentence states an amount or a price. Tips do not count: Shelter Island has a tip.
    pub(crate) fn speaks_of_money(&self, text: &str) -> bool {
        self.looked_at(text, Self::may_speak_of_money).is_some_and(|words| self.words_speak_of_money(text, &words))
    }

    /// The same for a sentence of guests' notes, where a tip is money and so is an amount of this charter in any words.
    pub(super) fn notes_speak_of_money(&self, sentence: &str, statement: &Statement) -> bool {
        if !may_have_amount(sentence) {
            return false;
        }
        let may = |words: &Self, plain: &str| {
            words.may_speak_of_money(plain) || TIPS.anywhere.may_match(plain) || has_amount(plain)
        };
        let Some(words) = self.looked_at(sentence, may) else { return false };
        self.words_speak_of_money(sentence, &words)
            || TIPS.state_money_in(&words)
            || NUMBER.find_iter(&words).any(|number| statement.has_dollars(number.as_str()))
    }

    /// `words` are the text's, as the patterns read them.
    fn words_speak_of_money(&self, text: &str, words: &str) -> bool {
        self.words_state_money(words) || PRICES.state_money_in(words) || self.parts_state_money(text)
    }

    /// A text as the patterns read it; `None` when a glance shows that none of them can match.
    fn looked_at(&self, text: &str, may: impl Fn(&Self, &str) -> bool) -> Option<String> {
        let plain = plain(text);
        may(self, &plain).then(|| without_harmless(&plain))
    }

    fn may_be_labelled(&self, plain: &str) -> bool {
        self.sure.may_match(plain) || self.everyday.anywhere.may_match(plain)
    }

    fn may_state_money(&self, plain: &str) -> bool {
        self.may_be_labelled(plain) || CURRENCY.may_match(plain)
    }

    fn may_speak_of_money(&self, plain: &str) -> bool {
        self.may_state_money(plain) || PRICES.anywhere.may_match(plain)
    }

    fn words_state_money(&self, words: &str) -> bool {
        self.labels_money(words) || CURRENCY.is_match(words)
    }

    fn labels_money(&self, text: &str) -> bool {
        (self.sure.is_match(text) && NUMBER.is_match(text)) || self.everyday.state_money_in(text)
    }
}

/// Most texts have none, and matching patterns is slow.
fn may_have_amount(text: &str) -> bool {
    let in_words = ["dollar", "dolar", "dólar", "buck", "euro", "peso"];
    let named = |text: &str| in_words.iter().any(|currency| text.contains(currency));
    text.chars().any(char::is_numeric) || named(&text.to_lowercase())
}

/// Whether there is a number of three digits, or one that ends in cents.
fn has_amount(plain: &str) -> bool {
    plain
        .split(|letter: char| !letter.is_ascii_digit() && !".,'".contains(letter))
        .any(|number| number.bytes().filter(u8::is_ascii_digit).count() >= DIGITS_OF_AN_AMOUNT)
}

/// Case, accents and separators do not matter: `grossAmount_2` is "gross amount 2".
fn plain(text: &str) -> String {
    folded(&humps_split(text)).replace('_', " ")
}

/// What stands beside a currency is an amount, also where it looks like a time or a telephone number: "$5:00", "555-$0123".
fn without_harmless(plain: &str) -> String {
    let amounts = LazyCell::new(|| CURRENCY.compiled().find_iter(plain).map(|found| found.range()).collect::<Vec<_>>());
    let replaced = HARMLESS.replace_all(plain, |found: &Captures<'_>| {
        let found = found.get(0).expect("all that matched");
        let is_amount = amounts.iter().any(|amount| amount.start < found.end() && found.start() < amount.end);
        if is_amount { found.as_str().to_owned() } else { " ".to_owned() }
    });
    replaced.into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Each alternative of the patterns has its beginning in the list.
    #[test]
    fn each_word_for_a_price_is_found_beside_an_amount() {
        let prices = "pay paid paying payment price priced pricing cost fee deposit refund refunded discount invoice charge charged cash venmo \
             zelle paypal budget total subtotal balance sum owe owed owing due pago pagar pagado pagamos pague pagaron paga pagan precio cuesta \
             cuestan costo saldo reembolso descuento";
        for word in prices.split_whitespace() {
            assert!(PRICES.state_money_in(&format!("{word} 840")), "{word}");
        }
        for word in ["tip", "tipped", "tipping", "gratuity", "gratuities", "propina", "propinas"] {
            assert!(TIPS.state_money_in(&format!("{word} 840")), "{word}");
        }
        let amounts = "$5|5 $|usd 5|eur:5|gbp 5|mxn 5|cad5|5 usd|5eur|5 gbp|5 mxn|5 cad|5 dollars|5 dolares|five hundred bucks|1 euro|ten euros|\
             mil pesos|5/h|5 / hr|5/hour|5/pp|5 an hour|5 per hour|5 per person|5 per head|1,840.75|0.00|7.25";
        for amount in amounts.split('|') {
            assert!(CURRENCY.is_match(amount), "{amount}");
        }
    }

    #[test]
    fn as_many_labels_as_there_may_be_can_be_compiled() {
        let labels = |count: usize, length: usize| serde_json::json!(vec!["ñ".repeat(length); count]);
        let words: MoneyWords =
            serde_json::from_value(labels(MOST_LABELS, LONGEST_LABEL_CHARS)).expect("within bounds");
        assert!(words.surely_names_money(&"ñ".repeat(LONGEST_LABEL_CHARS)));
        for (count, length) in [(MOST_LABELS + 1, 1), (1, LONGEST_LABEL_CHARS + 1)] {
            let refused = serde_json::from_value::<MoneyWords>(labels(count, length)).expect_err("beyond them");
            assert!(refused.to_string().contains("at most 100 labels"), "{refused}");
        }
        let everyday: MoneyWords =
            serde_json::from_value(labels(MOST_LABELS, LONGEST_EVERYDAY_CHARS / 2)).expect("within bounds");
        assert!(everyday.names_money("ññ"));
    }

    proptest! {
        /// What is not looked at closely holds nothing that a closer look would find.
        #[test]
        fn what_is_passed_at_a_glance_states_no_money(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "net", "gross", "Gross_Amount", "rate", "captain fee", "crew's pay", "revenue", "port & tax", "pay", "paid", "owe", "tips", "tip",
                "gratuities", "total", "subtotal", "cuesta", "pago", "1", "12", "840", "8.40", "0.75", "1,840", "$", "€", "USD", "/h", "/ hr",
                "an hour", "per head", "5 pm", "2:00", "9 guests", "of", "to the", "ten", "forty", "dollars", "bucks", "pesos", ",", ".", "!", "-",
            ]), 0..10),
            spaced in any::<bool>(),
        ) {
            let (judge, plain) = (MoneyWords::default(), plain(&pieces.join(if spaced { " " } else { "" })));
            let closely = without_harmless(&plain);
            let labels = [&judge.everyday, &PRICES, &TIPS].map(|labels| [&labels.anywhere, &labels.beside_amount]);
            for pattern in labels.concat().into_iter().chain([&judge.sure, &CURRENCY]) {
                for text in [&plain, &closely] {
                    prop_assert!(pattern.may_match(text) || !pattern.compiled().is_match(&closely), "{text:?}");
                }
            }
            let is_amount = |number: &str| number.bytes().filter(u8::is_ascii_digit).count() >= DIGITS_OF_AN_AMOUNT;
            prop_assert!(has_amount(&plain) || !NUMBER.find_iter(&closely).any(|number| is_amount(number.as_str())));
        }

        #[test]
        fn an_amount_with_its_currency_is_never_harmless(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "$", "usd", " eur", "dollars", "0123", "5:0", "5", "2:00 pm", "10/12", "12.50", "3 hours", "per hour", "/hr", "555-", " ", ".", "a",
            ]), 0..8),
        ) {
            let plain = plain(&pieces.concat());
            prop_assert!(!CURRENCY.compiled().is_match(&plain) || CURRENCY.is_match(&without_harmless(&plain)), "{plain:?}");
        }
    }
}
