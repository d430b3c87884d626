//! The one gate for texts from outside that crew or guests read.
//!
//! [`PublicText`] can only be made here. It is one line that is never blank, without control, direction-override and invisible characters,
//! and it states no amount, e-mail address, phone number, web address or code. Source: `docs/decisions.md`, "Texts from outside".

use std::{fmt, ops::Deref, sync::LazyLock};

use regex_lite::Regex;
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use super::{
    MoneyWords, Statement,
    pattern::pattern,
    plain::{folded, one_line, sentences, shows_something},
};

/// Longer, and it is no name and no place.
const LONGEST_CHARS: usize = 200;
const LONGEST_FIRST_NAME_CHARS: usize = 40;
/// In digits.
const SHORTEST_PHONE_NUMBER: usize = 7;
/// An e-mail or web address, or a phone number: the shortest local ones have seven digits.
static CONTACT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"\S@\S|\s(?:dot|punto) com\b|[a-z]+://|\bwww\.|\w\.[a-z]{2,}/",
        r"|[a-z0-9-]\.(?:com|net|org|io|co|us|info|biz|me|app|link|ly|gl|xyz|site|shop|dev|mx|es)\b|(?:\d[ ().+/-]*){7}",
    ))
});
/// What opens a gate: "gate code 4821", "PIN4821", "gate 48-21", "the gate's number is 4821", "4821 opens the gate", "*4821".
static CODE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?:codes?|pass(?:word|code)s?|\bpin|\bcombos?|\bcombination|\bcodigo|\bcontrasena|\bclave)(?:[^a-z].*)?\d",
        r"|\d.*\b(?:codes?|pass(?:word|code)s?|pin|combo)\b|\b(?:lock ?box|key ?(?:pad|box))\b",
        r"|\b(?:gate|door|entry|buzzer|use|enter|press|dial|punch|keys?|access|pwd?)",
        r"(?:\W+(?:s|numbers?|no|is|opens?|with|by|to|the))*\W*(?:\d{3}|\d\d[ .-]\d\d|\d[ .-]\d[ .-]\d)",
        r"|\d{3,}\W+(?:(?:opens?|unlocks?)\b|(?:for|is)\W+(?:the\W+)?(?:gate|door|lock|pin|key))|\d{3,}\s*#|\*\s*\d{3,}",
    ))
});
/// A date has the digits of a phone number, a postal code the name of what opens a gate.
static HARMLESS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b\d{5}-\d{4}\b|\b\d{4}-\d\d-\d\d\b|\b(?:zip|postal)[ -]?code\b"));
static TITLE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?:mrs?|ms|miss|dr|prof|capt|captain|sra?|srta|don|dona)\.?$"));
/// Behind a comma these are no first name: "Dana Whitfield, Jr."
static SUFFIX: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?:jr|sr|ii|iii|iv|md|phd|esq)\.?$"));

/// A text that crew and guests may read.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PublicText(String);

/// It may be somebody's name.
impl fmt::Debug for PublicText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PublicText(…)")
    }
}

impl Deref for PublicText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PublicText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What a boat without a name is called.
impl Default for PublicText {
    fn default() -> Self {
        Self("your boat".into())
    }
}

/// The operator's own words, as they are in the operator file.
impl<'de> Deserialize<'de> for PublicText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let line = one_line(&String::deserialize(deserializer)?);
        if line.is_empty() { Err(D::Error::custom("must not be blank")) } else { Ok(Self(line)) }
    }
}

impl PublicText {
    /// A boat's name or a place; `None` when it may not be shown. What `is_known` to the operator file always may.
    pub(super) fn pass(text: &str, words: &MoneyWords, is_known: impl Fn(&str) -> bool) -> Option<Self> {
        let line = one_line(text);
        let passes = is_known(&line)
            || (line.chars().count() <= LONGEST_CHARS
                && shows_something(&line)
                && is_harmless(&line)
                && !words.speaks_of_money(&line));
        (passes && !line.is_empty()).then_some(Self(line))
    }

    /// What to call the guest: "Dana" of "Dana Whitfield" and of "Whitfield, Dana". `None` when it is no name.
    pub(crate) fn first_name(name: &str) -> Option<Self> {
        let name = one_line(name);
        let (before, after) = name.split_once(',').unwrap_or((&name, ""));
        let given = if after.trim().is_empty() || SUFFIX.is_match(&folded(after.trim())) { before } else { after };
        let mut words = given.split_whitespace().filter(|word| !TITLE.is_match(&folded(word)));
        let first = words.next().or_else(|| given.split_whitespace().next())?;
        let first = first.trim_end_matches([',', ';']);
        let first = first.strip_prefix('"').and_then(|first| first.strip_suffix('"')).unwrap_or(first);
        let plain = folded(first);
        let is_name = shows_something(first)
            && first.chars().count() <= LONGEST_FIRST_NAME_CHARS
            && !plain.contains(|letter: char| letter.is_numeric() || "@$".contains(letter))
            && is_harmless(first);
        is_name.then(|| Self(first.to_owned()))
    }

    /// The text itself.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Words of our own.
    pub(super) fn ours(words: &'static str) -> Self {
        Self(words.into())
    }
}

fn is_harmless(line: &str) -> bool {
    let plain = folded(line);
    let (may_be_contact, may_be_code) = (may_be_contact(&plain), may_be_code(&plain));
    if !may_be_contact && !may_be_code {
        return true;
    }
    let plain = HARMLESS.replace_all(&plain, "zip");
    let is_harmful = (may_be_contact && CONTACT.is_match(&plain)) || (may_be_code && CODE.is_match(&plain));
    !is_harmful
}

/// Whether a text has anything that an alternative of [`CONTACT`] needs. Matching patterns is slow, and most texts have none of it.
fn may_be_contact(plain: &str) -> bool {
    let dot_within = || plain.as_bytes().windows(2).any(|pair| pair[0] == b'.' && pair[1].is_ascii_lowercase());
    let number = |text: &str| text.bytes().filter(u8::is_ascii_digit).count() >= SHORTEST_PHONE_NUMBER;
    ["@", "://", "www.", "dot com", "punto com"].iter().any(|word| plain.contains(word))
        || dot_within()
        || plain.split(|letter: char| !letter.is_ascii_digit() && !" ().+/-".contains(letter)).any(number)
}

/// The same of [`CODE`].
fn may_be_code(plain: &str) -> bool {
    let opens = "code,pass,pin,combo,combination,codigo,contrasena,clave,lock,key,gate,door,entry,buzzer,use,enter,\
                 press,dial,punch,access,pw,open,#,*";
    let has_digit = plain.contains(|letter: char| letter.is_ascii_digit());
    (has_digit || plain.contains("box") || plain.contains("pad")) && opens.split(',').any(|word| plain.contains(word))
}

/// A guest's notes, divided by who may read them.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct DividedNotes {
    /// For crew, line by line.
    pub(super) for_crew: Vec<PublicText>,
    /// The sentences that the office alone reads.
    pub(super) withheld: Vec<String>,
}

impl DividedNotes {
    /// Sentence by sentence: an allergy beside a tip reaches the crew.
    pub(super) fn of(notes: &str, statement: &Statement, words: &MoneyWords) -> Self {
        let mut divided = Self::default();
        for line in notes.lines() {
            let judged = sentences(line).into_iter().map(|sentence| {
                let sentence = one_line(sentence);
                let passes = is_harmless(&sentence) && !words.notes_speak_of_money(&sentence, statement);
                (passes, sentence)
            });
            let (kept, withheld): (Vec<_>, Vec<_>) = judged.partition(|(passes, _)| *passes);
            let several = kept.len() > 1;
            let joined = one_line(&kept.into_iter().map(|(_, sentence)| sentence).collect::<Vec<_>>().join(" "));
            if several && words.parts_state_money(&joined) {
                // "Gross." and then "840": each is harmless, the line is not.
                divided.withheld.push(joined);
            } else if !joined.is_empty() {
                divided.for_crew.push(PublicText(joined));
            }
            divided.withheld.extend(withheld.into_iter().map(|(_, sentence)| sentence));
        }
        divided
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What is not looked at closely holds nothing that a closer look would find.
        #[test]
        fn what_is_passed_at_a_glance_is_harmless(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "gate", "code", "codes", "passcode", "pin", "combo", "lock box", "lockbox", "key pad", "keybox", "access", "enter", "is", "the",
                "dana", "at", "example", "dot com", "punto com", ".com", ".org/", "www", "www.", "http", "://", "dot", "punto", "com", "lock", "key", "box", "pad", "@", "sail.", "a", "b", ".", "/",
                "1", "48", "4821", "#", "*", "-", " ", "  ", ",", "zip", "postal code", "number", "opens", "for", "ten", "Gate", "LOCK",
            ]), 0..10),
            spaced in any::<bool>(),
        ) {
            let text = pieces.join(if spaced { " " } else { "" });
            let plain = folded(&text);
            let replaced = HARMLESS.replace_all(&plain, "zip");
            let closely = (CONTACT.is_match(&replaced), CODE.is_match(&replaced));
            prop_assert!(may_be_contact(&plain) || !closely.0, "{text:?}");
            prop_assert!(may_be_code(&plain) || !closely.1, "{text:?}");
        }
    }
}
