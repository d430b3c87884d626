//! Texts from outside, made plain: for showing, and for judging.

use icu_normalizer::DecomposingNormalizerBorrowed;
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory},
};
use unicode_segmentation::UnicodeSegmentation;

/// A letter that is there and shows nothing (Unicode names it a symbol).
const BRAILLE_BLANK: char = '\u{2800}';
/// Behind a symbol it asks for the coloured picture.
const EMOJI_STYLE: char = '\u{fe0f}';

/// One line without control, direction-override and invisible characters, its words one space apart.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::new();
    for letter in text.chars() {
        if letter.is_whitespace() || letter.is_control() || letter == BRAILLE_BLANK {
            line.push(' ');
        } else if letter.is_ascii() || !is_invisible(letter) || (letter == EMOJI_STYLE && line.ends_with(is_symbol)) {
            line.push(letter);
        }
    }
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether there is more to see than punctuation.
pub(super) fn shows_something(line: &str) -> bool {
    line.chars().any(|letter| letter.is_alphanumeric() || is_symbol(letter))
}

fn is_symbol(letter: char) -> bool {
    CodePointMapData::<GeneralCategory>::new().get(letter) == GeneralCategory::OtherSymbol
}

fn is_invisible(letter: char) -> bool {
    use GeneralCategory as Category;
    let category = CodePointMapData::<Category>::new().get(letter);
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(letter)
        || matches!(category, Category::Format | Category::PrivateUse | Category::Unassigned)
}

/// A text as the patterns read it: in lower case, without accents and invisible characters; every digit and sign is its ASCII form, every
/// currency's sign is `$`.
pub(super) fn folded(text: &str) -> String {
    use GeneralCategory as Category;
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let category = CodePointMapData::<Category>::new();
    let decomposed = DecomposingNormalizerBorrowed::new_nfkd().normalize(text);
    let plain = decomposed.chars().filter_map(|letter| match category.get(letter) {
        _ if letter.is_ascii() => Some(letter),
        _ if is_invisible(letter) => None,
        Category::NonspacingMark => None,
        Category::DecimalNumber => Some('1'),
        Category::CurrencySymbol => Some('$'),
        Category::DashPunctuation => Some('-'),
        Category::InitialPunctuation | Category::FinalPunctuation => Some('\''),
        _ => Some(letter),
    });
    plain.flat_map(char::to_lowercase).collect()
}

/// `grossAmount` as `gross_Amount`.
pub(super) fn humps_split(name: &str) -> String {
    let mut split = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && split.ends_with(char::is_lowercase) {
            split.push('_');
        }
        split.push(letter);
    }
    split
}

/// The sentences of a text (UAX 29), and its parts between semicolons; together they are the text.
pub(super) fn sentences(text: &str) -> Vec<&str> {
    text.split_sentence_bounds().flat_map(|sentence| sentence.split_inclusive(';')).collect()
}
