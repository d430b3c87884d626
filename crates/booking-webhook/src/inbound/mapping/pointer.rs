//! JSON pointers (RFC 6901) in which a `*` segment means every element.

use std::fmt;

use serde_json::Value;

use crate::inbound::body::nested;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pointer {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Key(String),
    Every,
}

/// Something in a body, and the pointer to exactly that.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) pointer: String,
    pub(super) value: Value,
}

impl Pointer {
    /// # Errors
    /// What is wrong with it, to stand behind the pointer itself.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Ok(Self { text: String::new(), segments: Vec::new() });
        }
        let Some(rest) = text.strip_prefix('/') else {
            return Err("is no JSON pointer: it must be empty or begin with /");
        };
        let segment = |segment: &str| match segment {
            "*" => Ok(Segment::Every),
            _ if segment.replace("~0", "").replace("~1", "").contains('~') => {
                Err("is no JSON pointer: ~ is written ~0, and / in a key ~1")
            }
            _ => Ok(Segment::Key(segment.replace("~1", "/").replace("~0", "~"))),
        };
        let segments = rest.split('/').map(segment).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), segments })
    }

    pub(super) fn means_every(&self) -> bool {
        self.segments.contains(&Segment::Every)
    }

    /// What stands there, `null` apart. A text that is JSON is looked into.
    pub(super) fn all(&self, root: &Value) -> Vec<Found> {
        let mut found = Vec::new();
        walk(root, &self.segments, String::new(), &mut found);
        found
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

fn walk(value: &Value, segments: &[Segment], pointer: String, found: &mut Vec<Found>) {
    let Some((segment, rest)) = segments.split_first() else {
        if !value.is_null() {
            found.push(Found { pointer, value: value.clone() });
        }
        return;
    };
    let below = |key: &str| format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
    match (segment, value) {
        (_, Value::String(_)) => {
            if let Some(inner) = nested(value).filter(|inner| inner.is_object() || inner.is_array()) {
                walk(&inner, segments, pointer, found);
            }
        }
        (Segment::Key(key), Value::Object(object)) => {
            if let Some(inner) = object.get(key) {
                walk(inner, rest, below(key), found);
            }
        }
        (Segment::Key(key), Value::Array(list)) => {
            if let Some(inner) = key.parse::<usize>().ok().and_then(|index| list.get(index)) {
                walk(inner, rest, below(key), found);
            }
        }
        (Segment::Every, Value::Array(list)) => {
            for (index, inner) in list.iter().enumerate() {
                walk(inner, rest, below(&index.to_string()), found);
            }
        }
        (Segment::Every, Value::Object(object)) => {
            for (key, inner) in object {
                walk(inner, rest, below(key), found);
            }
        }
        (_, Value::Null | Value::Bool(_) | Value::Number(_)) => {}
    }
}
