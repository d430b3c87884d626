//! DynamoDB's attributes as JSON and back, digit for digit.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;

use crate::contract::Object;

/// A DynamoDB item.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The item that holds `object`.
pub(crate) fn to_item(object: &Object) -> Item {
    object.iter().map(|(name, value)| (name.clone(), to_attribute(value))).collect()
}

/// The object that `item` holds.
pub(crate) fn to_object(item: &Item) -> Object {
    item.iter().map(|(name, attribute)| (name.clone(), to_value(attribute))).collect()
}

/// The attribute that holds `value`.
pub(crate) fn to_attribute(value: &Value) -> AttributeValue {
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(flag) => AttributeValue::Bool(*flag),
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::String(text) => AttributeValue::S(text.clone()),
        Value::Array(values) => AttributeValue::L(values.iter().map(to_attribute).collect()),
        Value::Object(object) => AttributeValue::M(to_item(object)),
    }
}

fn to_value(attribute: &AttributeValue) -> Value {
    match attribute {
        AttributeValue::Bool(flag) => Value::Bool(*flag),
        AttributeValue::N(digits) => number(digits),
        AttributeValue::S(text) => Value::String(text.clone()),
        AttributeValue::L(attributes) => attributes.iter().map(to_value).collect(),
        AttributeValue::M(item) => Value::Object(to_object(item)),
        AttributeValue::Ss(texts) => texts.iter().cloned().map(Value::String).collect(),
        AttributeValue::Ns(numbers) => numbers.iter().map(|digits| number(digits)).collect(),
        AttributeValue::B(bytes) => Value::String(format!("({} bytes)", bytes.as_ref().len())),
        _ => Value::Null,
    }
}

fn number(digits: &str) -> Value {
    serde_json::from_str(digits).unwrap_or_else(|_not_json| Value::String(digits.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_changes_on_the_way_there_and_back() {
        let event = r#"{"a": 840.75, "b": 0.1000000000000000055, "c": [null, true, "x"], "d": {"e": -3}}"#;
        let event: Object = serde_json::from_str(event).expect("JSON");
        assert_eq!(to_object(&to_item(&event)), event);
    }
}
