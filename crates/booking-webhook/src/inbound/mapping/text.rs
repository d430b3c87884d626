//! How a JSON value becomes a text, and a text a number.

use rust_decimal::Decimal;
use serde_json::Value;

const LONGEST_TEXT_CHARACTERS: usize = 10_000;

/// A text, or a number as it was written; trimmed, and absent when nothing is left. `{}` and `[]` are what converters from XML make of an
/// empty element.
pub(super) fn text_of(value: &Value) -> Result<Option<String>, String> {
    let text = match value {
        Value::Null => return Ok(None),
        Value::Object(object) if object.is_empty() => return Ok(None),
        Value::Array(list) if list.is_empty() => return Ok(None),
        Value::String(text) => printable(text),
        Value::Number(number) => number.to_string(),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => return Err("must be a text".into()),
    };
    if text.chars().count() > LONGEST_TEXT_CHARACTERS {
        return Err(format!("must be at most {LONGEST_TEXT_CHARACTERS} characters"));
    }
    Ok((!text.is_empty()).then_some(text))
}

/// A word that decides something; `true` and `false` are words, too.
pub(super) fn word_of(value: &Value) -> Result<Option<String>, String> {
    match value {
        Value::Bool(word) => Ok(Some(word.to_string())),
        value => text_of(value),
    }
}

/// Trimmed, and without control characters but ends of lines: they show nowhere, and take up much room where texts are stored.
pub(super) fn printable(text: &str) -> String {
    let printable = |character: char| if character.is_control() && character != '\n' { ' ' } else { character };
    let text: String = text.replace("\r\n", "\n").chars().map(printable).collect();
    text.trim().to_owned()
}

/// `840.75`, `1,840.75`, `8.4075e2`. A comma stands before three digits, or the number is written otherwise than we read it.
pub(super) fn decimal(text: &str) -> Option<Decimal> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    if whole.contains(',') {
        let mut groups = whole.trim_start_matches('-').split(',');
        let is_digits = |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
        let first = groups.next().is_some_and(|first| first.len() <= 3 && is_digits(first));
        let rest = groups.all(|group| group.len() == 3 && is_digits(group));
        if !first || !rest || fraction.is_some_and(|fraction| !is_digits(fraction)) {
            return None;
        }
    }
    if text.contains('_') || fraction.is_some_and(|fraction| fraction.contains(',')) {
        return None;
    }
    let plain = text.replace(',', "");
    plain.parse().ok().or_else(|| Decimal::from_scientific(&plain).ok())
}
