//! Items as DynamoDB's own JSON, and what they are made of.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::prove::stage::Stage;

/// How an attribute can look that no reader knows.
pub(super) const KINDS: usize = 6;
/// What is text for people may be worded otherwise; these are words that a program reads.
const WORDS: [&str; 10] =
    ["status", "decided_status", "state", "step", "class", "due", "notice", "says", "replaces", "sk"];
/// Objects whose keys are no names of ours: fields by name, paths of what was removed, systems that could not be read.
const MAPS: [&str; 3] = ["applied", "removed", "unread"];

/// Of each place (kind of item, attribute, keys within its JSON): the forms that its values have.
pub(super) type Forms = BTreeMap<String, BTreeSet<String>>;

async fn dynamodb(stage: &Stage, operation: &str, request: Value) -> Value {
    let client = simulators::aws::loopback_client().post(stage.rehearsal.aws_gateway_url());
    let scope =
        "AWS4-HMAC-SHA256 Credential=test/20310101/us-west-2/dynamodb/aws4_request, SignedHeaders=host, Signature=0";
    let request = client
        .header("authorization", scope)
        .header("x-amz-date", "20310101T000000Z")
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
        .body(request.to_string());
    let answer = request.send().await.expect("an answer");
    let (status, text) = (answer.status(), answer.text().await.expect("a body"));
    assert!(status.is_success(), "{operation}: {text}");
    serde_json::from_str(&text).expect("DynamoDB answers JSON")
}

/// The ledger's items, in the order of their keys.
pub(super) async fn scan(stage: &Stage) -> Vec<Value> {
    let request = json!({ "TableName": stage.rehearsal.cloud.ledger_table, "ConsistentRead": true });
    let mut answer = dynamodb(stage, "Scan", request).await;
    assert_eq!(answer.get("LastEvaluatedKey"), None, "a booking's items are one page");
    let Value::Array(mut items) = answer["Items"].take() else { panic!("items") };
    items.sort_by_key(|item| (item["pk"].to_string(), item["sk"].to_string()));
    items
}

pub(super) async fn put(stage: &Stage, items: &[Value]) {
    for item in items {
        let request = json!({ "TableName": stage.rehearsal.cloud.ledger_table, "Item": item });
        dynamodb(stage, "PutItem", request).await;
    }
}

/// `booking/state`, `booking/delivery`, `booking/removed`, `delivery`, `charter`.
fn kind_of(item: &Value) -> String {
    let first = |key: &str| {
        let text = item[key]["S"].as_str().expect("keys are text");
        text.split('#').next().unwrap_or_default().to_owned()
    };
    match &*first("pk") {
        "booking" => format!("booking/{}", first("sk")),
        kind => kind.to_owned(),
    }
}

pub(super) fn forms(items: &[Value]) -> Forms {
    let mut forms = Forms::new();
    for item in items {
        let kind = kind_of(item);
        for (name, value) in item.as_object().expect("an item") {
            let place = format!("{kind} {name}");
            let (of, _) = typed(value);
            forms.entry(place.clone()).or_default().insert(of.to_owned());
            walk(&json_in(value).unwrap_or_else(|| typed(value).1.clone()), &place, name, &mut forms);
        }
    }
    forms
}

/// A value's type, as DynamoDB names it, and the value.
fn typed(value: &Value) -> (&str, &Value) {
    let (of, value) = value.as_object().and_then(|value| value.iter().next()).expect("a typed value");
    (of, value)
}

/// The JSON that an attribute holds, as a text or in DynamoDB's own types.
fn json_in(value: &Value) -> Option<Value> {
    match typed(value) {
        ("S", Value::String(text)) if text.starts_with(['{', '[']) => serde_json::from_str(text).ok(),
        ("M" | "L", _) => Some(plain(value)),
        _ => None,
    }
}

/// The attribute with what `change` made of the JSON in it.
fn changed(value: &Value, change: impl FnOnce(&mut Value)) -> Value {
    let Some(mut json) = json_in(value) else { return value.clone() };
    change(&mut json);
    if typed(value).0 == "S" { json!({ "S": json.to_string() }) } else { document(&json) }
}

/// DynamoDB's own types as JSON.
fn plain(value: &Value) -> Value {
    match typed(value) {
        ("M", Value::Object(fields)) => fields.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        ("L", Value::Array(values)) => values.iter().map(plain).collect(),
        ("N", Value::String(number)) => serde_json::from_str(number).expect("DynamoDB's numbers are JSON's"),
        ("NULL", _) => Value::Null,
        (_, plain) => plain.clone(),
    }
}

/// JSON in DynamoDB's own types.
fn document(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            json!({ "M": fields.iter().map(|(name, value)| (name.clone(), document(value))).collect::<Map<_, _>>() })
        }
        Value::Array(values) => json!({ "L": values.iter().map(document).collect::<Vec<_>>() }),
        Value::Number(number) => json!({ "N": number.to_string() }),
        Value::Null => json!({ "NULL": true }),
        Value::String(text) => json!({ "S": text }),
        Value::Bool(bool) => json!({ "BOOL": bool }),
    }
}

fn walk(value: &Value, place: &str, name: &str, forms: &mut Forms) {
    let mut add = |form: &str| forms.entry(place.to_owned()).or_default().insert(form.to_owned());
    match value {
        Value::Null => drop(add("null")),
        Value::Bool(_) => drop(add("bool")),
        Value::Number(_) => drop(add("number")),
        Value::String(text) if text.parse::<Timestamp>().is_ok() => drop(add("time")),
        Value::String(text) if WORDS.contains(&name) => drop(add(&format!("the word {text}"))),
        Value::String(_) => drop(add("text")),
        Value::Array(values) => values.iter().for_each(|value| walk(value, &format!("{place}/*"), name, forms)),
        Value::Object(_) if MAPS.contains(&name) => drop(add("map")),
        Value::Object(fields) => {
            for (name, value) in fields {
                walk(value, &format!("{place}/{name}"), name, forms);
            }
        }
    }
}

/// The item without what stands in none of the places.
pub(super) fn keep_known(item: &Value, known: &Forms) -> Value {
    let kind = kind_of(item);
    let is_known = |place: &str| known.keys().any(|known| known == place || known.starts_with(&format!("{place}/")));
    let item = item.as_object().expect("an item").iter();
    let kept = item.filter(|(name, _)| is_known(&format!("{kind} {name}"))).map(|(name, value)| {
        (name.clone(), changed(value, |json| prune(json, &format!("{kind} {name}"), name, &is_known)))
    });
    Value::Object(kept.collect())
}

fn prune(value: &mut Value, place: &str, name: &str, is_known: &impl Fn(&str) -> bool) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| prune(value, &format!("{place}/*"), name, is_known)),
        Value::Object(fields) if !MAPS.contains(&name) => {
            fields.retain(|name, _| is_known(&format!("{place}/{name}")));
            for (name, value) in fields {
                prune(value, &format!("{place}/{name}"), name, is_known);
            }
        }
        _ => {}
    }
}

/// The item with an attribute that nobody knows, and as much in every object of its JSON.
pub(super) fn add_unknown(item: &Value, name: &str, kind: usize) -> Value {
    let known = item.as_object().expect("an item").iter();
    let mut more: Map<String, Value> = known
        .map(|(attribute, value)| (attribute.clone(), changed(value, |json| add_in(json, attribute, name, kind))))
        .collect();
    let unknown = [
        json!({ "S": "later" }),
        json!({ "N": "7" }),
        json!({ "BOOL": true }),
        json!({ "SS": ["a", "b"] }),
        json!({ "M": { "deeper": { "L": [{ "NULL": true }] } } }),
        json!({ "B": "AAEC" }),
    ];
    more.insert(name.to_owned(), unknown[kind].clone());
    Value::Object(more)
}

fn add_in(value: &mut Value, at: &str, name: &str, kind: usize) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| add_in(value, at, name, kind)),
        // What is said in languages is one or the other: a third one is no addition that is ignored.
        Value::Object(fields) if !MAPS.contains(&at) && !fields.contains_key("en") => {
            fields.iter_mut().for_each(|(at, value)| add_in(value, at, name, kind));
            let unknown =
                [json!("later"), json!(7), json!(true), json!(["a"]), json!({ "deeper": [null] }), json!(null)];
            fields.insert(name.to_owned(), unknown[kind].clone());
        }
        _ => {}
    }
}
