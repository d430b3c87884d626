//! From the bytes of a delivery to JSON, generously: what is wrong with one character costs that character, not the delivery.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// JSON in a JSON string: bridges wrap once, and once more is the most we unwrap.
const MOST_WRAPPINGS: usize = 2;
const FORM: &str = "application/x-www-form-urlencoded";
/// Form fields nest by brackets, `booking[guest][name]`.
const DEEPEST_FORM: usize = 16;

/// What a delivery's body says, before a mapping gives it a meaning.
///
/// - JSON, also as a JSON string, with a byte order mark, with bytes that are no UTF-8, with half a surrogate pair (each becomes U+FFFD),
///   with bare control characters in its strings;
/// - a form, if the content type says so: an object of texts, nested where names have brackets. A field that holds a JSON object or list is
///   that object or list.
///
/// # Errors
/// Where it stops being JSON.
pub fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Value, String> {
    let media_type = content_type.and_then(|stated| stated.split(';').next()).unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case(FORM) {
        return Ok(form(bytes));
    }
    let text = text(bytes);
    let mut value = json(&text)?;
    for _ in 0..MOST_WRAPPINGS {
        match nested(&value) {
            Some(inner) => value = inner,
            None => break,
        }
    }
    Ok(value)
}

/// The JSON object or list that a text is, if it is one.
pub(super) fn nested(value: &Value) -> Option<Value> {
    let text = value.as_str()?.trim();
    if !text.starts_with(['{', '[', '"']) {
        return None;
    }
    json(text).ok().filter(|inner| !inner.is_number())
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        [0xff, 0xfe, rest @ ..] => utf_16(rest, u16::from_le_bytes).into(),
        [0xfe, 0xff, rest @ ..] => utf_16(rest, u16::from_be_bytes).into(),
        _ => String::from_utf8_lossy(bytes),
    }
}

fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

fn json(text: &str) -> Result<Value, String> {
    let error = match serde_json::from_str(text) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    serde_json::from_str(&repaired(text))
        .map_err(|_repaired| format!("must be JSON: it breaks at line {}, column {}", error.line(), error.column()))
}

/// The same text, with what a JSON string may not hold replaced: control characters by their escapes, half a surrogate pair by U+FFFD.
fn repaired(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_string = false;
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let length = match character {
            '\\' if in_string => escape(rest, &mut out),
            '"' => {
                in_string = !in_string;
                out.push('"');
                1
            }
            control if in_string && control.is_ascii_control() => {
                out.push_str(&format!("\\u{:04x}", u32::from(control)));
                1
            }
            other => {
                out.push(other);
                other.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    out
}

/// Copies the escape at the beginning of `rest`, and says how long it was.
fn escape(rest: &str, out: &mut String) -> usize {
    let unit = |at: usize| {
        let digits = rest.get(at..at + 6)?.strip_prefix("\\u")?;
        digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
    };
    let length = match unit(0) {
        Some(0xd800..=0xdbff) if matches!(unit(6), Some(0xdc00..=0xdfff)) => 12,
        Some(0xd800..=0xdfff) => {
            out.push_str("\\ufffd");
            return 6;
        }
        Some(_) => 6,
        None => 1 + rest.chars().nth(1).map_or(0, char::len_utf8),
    };
    out.push_str(&rest[..length]);
    length
}

fn form(bytes: &[u8]) -> Value {
    let mut root = Value::Object(Map::new());
    for (name, text) in form_urlencoded::parse(bytes) {
        let value = Value::String(text.into_owned());
        let value = nested(&value).filter(|inner| inner.is_object() || inner.is_array()).unwrap_or(value);
        put(&mut root, &path(&name), value);
    }
    root
}

/// `booking[guest][name]` is three keys deep.
fn path(name: &str) -> Vec<&str> {
    let name = name.trim_start_matches('\u{feff}');
    match name.split_once('[') {
        Some((first, rest)) if rest.ends_with(']') && !first.is_empty() => {
            let inner = &rest[..rest.len() - 1];
            std::iter::once(first).chain(inner.splitn(DEEPEST_FORM, "][")).collect()
        }
        _ => vec![name],
    }
}

/// A name that comes again makes a list.
fn put(target: &mut Value, path: &[&str], value: Value) {
    let Some((key, rest)) = path.split_first() else { return };
    let Value::Object(object) = target else { return };
    let key = if key.is_empty() { object.len().to_string() } else { (*key).to_owned() };
    match (object.get_mut(&key), rest.is_empty()) {
        (Some(Value::Array(list)), true) => list.push(value),
        (Some(there), true) => *there = Value::Array(vec![there.take(), value]),
        (None, true) => {
            object.insert(key, value);
        }
        (Some(there), false) => put(there, rest, value),
        (None, false) => {
            let mut inner = Value::Object(Map::new());
            put(&mut inner, rest, value);
            object.insert(key, inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: Value) {
        assert_eq!(parse(bytes, Some("application/json")), Ok(expected), "{}", String::from_utf8_lossy(bytes));
    }

    #[test]
    fn a_bad_character_costs_that_character() {
        check(b"\xef\xbb\xbf{\"a\": 1}", json!({ "a": 1 }));
        check(b"{\"a\": \"Jos\xe9\"}", json!({ "a": "Jos\u{fffd}" }));
        check(
            br#"{"a": "half \ud83d, whole \ud83d\ude00, low \ude00"}"#,
            json!({ "a": "half \u{fffd}, whole 😀, low \u{fffd}" }),
        );
        check(
            br#"{"a": "\ud83d", "b": "\ud83d\u0041", "c": "\\ud83d"}"#,
            json!({ "a": "\u{fffd}", "b": "\u{fffd}A", "c": "\\ud83d" }),
        );
        check(b"{\"a\": \"two\nlines\tand \x01\"}", json!({ "a": "two\nlines\tand \u{1}" }));
        check(b"\xff\xfe{\x00\"\x00a\x00\"\x00:\x001\x00}\x00", json!({ "a": 1 }));
        check(b"\xfe\xff\x00[\x00]", json!([]));
    }

    #[test]
    fn json_may_be_in_a_json_string() {
        check(br#""{\"a\": {\"b\": 1}}""#, json!({ "a": { "b": 1 } }));
        check(br#""\"[1]\"""#, json!([1]));
        check(br#""plain""#, json!("plain"));
        check(br#""12""#, json!("12"));
    }

    #[test]
    fn what_is_no_json_is_said_with_its_place() {
        for (body, words) in [
            ("", "line 1, column 0"),
            ("{\"a\": ", "line 1, column 6"),
            ("{\n  \"a\" 1}", "line 2, column 7"),
            ("<x/>", "line 1"),
        ] {
            let fault = parse(body.as_bytes(), None).expect_err(body);
            assert!(fault.starts_with("must be JSON") && fault.contains(words), "{body}: {fault}");
        }
    }

    #[test]
    fn a_form_is_an_object_of_texts() {
        let form = Some("application/x-www-form-urlencoded; charset=utf-8");
        for (body, expected) in [
            ("a=1&b=two+words&c=%C3%A9", json!({ "a": "1", "b": "two words", "c": "é" })),
            ("a=1&a=2&a=3", json!({ "a": ["1", "2", "3"] })),
            (
                "booking[guest][name]=Dana&booking[id]=7",
                json!({ "booking": { "guest": { "name": "Dana" }, "id": "7" } }),
            ),
            ("items[]=a&items[]=b", json!({ "items": { "0": "a", "1": "b" } })),
            ("payload=%7B%22a%22%3A%5B1%5D%7D", json!({ "payload": { "a": [1] } })),
            ("a=%ff", json!({ "a": "\u{fffd}" })),
            ("a=1&a[b]=2", json!({ "a": "1" })),
            ("", json!({})),
        ] {
            assert_eq!(parse(body.as_bytes(), form), Ok(expected), "{body}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_judged(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300), is_form: bool) {
            let content_type = if is_form { FORM } else { "application/json" };
            let _judged = parse(&bytes, Some(content_type));
        }

        #[test]
        fn text_with_any_escapes_is_judged(text in "[\\[\\]{}\":,\\\\ud83dce0a \\x00-\\x1f]{0,60}") {
            let _judged = parse(text.as_bytes(), None);
        }

        /// A repair changes nothing that is sound.
        #[test]
        fn sound_json_stays_as_it_is(text in "\\PC{0,40}") {
            let sound = serde_json::to_string(&json!({ "text": text })).expect("it serialises");
            proptest::prop_assert_eq!(repaired(&sound), sound);
        }
    }
}
