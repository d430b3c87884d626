//! Values as DynamoDB's own types. They need less room than JSON in a text, and a write costs a unit for each kilobyte of its item; and the
//! console shows them field by field. Numbers keep their value: DynamoDB's are decimals.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{
    Serialize,
    de::{DeserializeOwned, Error},
};
use serde_json::{Map, Number, Value};

use super::text;

/// `value` as maps, lists, texts, numbers and the like.
pub(super) fn document(value: &impl Serialize) -> AttributeValue {
    written(serde_json::to_value(value).expect("what the ledger keeps has text keys and serialises"))
}

/// What [`document`] made it from.
///
/// # Errors
/// When it holds something else.
pub(super) fn from_document<T: DeserializeOwned>(value: &AttributeValue) -> Result<T, serde_json::Error> {
    read(value).and_then(serde_json::from_value)
}

fn written(value: Value) -> AttributeValue {
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(bool) => AttributeValue::Bool(bool),
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::String(string) => text(string),
        Value::Array(values) => AttributeValue::L(values.into_iter().map(written).collect()),
        Value::Object(fields) => {
            AttributeValue::M(fields.into_iter().map(|(name, value)| (name, written(value))).collect())
        }
    }
}

fn read(value: &AttributeValue) -> Result<Value, serde_json::Error> {
    Ok(match value {
        AttributeValue::Bool(bool) => Value::Bool(*bool),
        AttributeValue::N(number) => Value::Number(number.parse::<Number>()?),
        AttributeValue::S(text) => Value::String(text.clone()),
        AttributeValue::L(values) => Value::Array(values.iter().map(read).collect::<Result<_, _>>()?),
        AttributeValue::M(fields) => {
            let read = |(name, value): (&String, _)| Ok((name.clone(), read(value)?));
            Value::Object(fields.iter().map(read).collect::<Result<Map<_, _>, serde_json::Error>>()?)
        }
        AttributeValue::Null(_) => Value::Null,
        _ => return Err(serde_json::Error::custom("sets and bytes stand in no document")),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_what_is_read() {
        let value = json!({
            "amounts": [840.75, "840.75", -0.1], "far": 18_446_744_073_709_551_615_u64, "nothing": null, "empty": [{}, [], ""], "is": true,
        });
        let written = document(&value);
        assert_eq!(from_document::<Value>(&written).expect("it is a document"), value);
        let amounts = written.as_m().expect("a map")["amounts"].as_l().expect("a list");
        assert_eq!(amounts[0], AttributeValue::N("840.75".into()));
    }

    #[test]
    fn what_was_edited_into_something_else_is_no_document() {
        let edited = [AttributeValue::N("seven".into()), AttributeValue::Ss(vec!["7".into()])];
        for value in edited {
            assert!(from_document::<Value>(&AttributeValue::L(vec![value])).is_err());
        }
        assert!(from_document::<Vec<u64>>(&AttributeValue::L(vec![text("7")])).is_err());
    }
}
