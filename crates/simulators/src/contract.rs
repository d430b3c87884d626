//! What a stand-in refuses is what the published contract refuses: request bodies are checked against the very file that
//! `docs/contracts` publishes, so the two cannot drift apart.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

/// A JSON object.
pub(crate) type Object = serde_json::Map<String, Value>;

/// A schema of a contract, for whole bodies and for changes.
pub(crate) struct Shape {
    whole: Validator,
    change: Validator,
    fixed: &'static [&'static str],
}

impl Shape {
    /// The schema `name` of an OpenAPI document. `fixed` names the properties that a change may not carry.
    pub(crate) fn of(contract: &str, name: &str, fixed: &'static [&'static str]) -> Self {
        let contract: Value = serde_yaml_ng::from_str(contract).expect("the contract is compiled in and is YAML");
        let schema = &contract["components"]["schemas"][name];
        Self {
            whole: validator(schema),
            change: validator(&json!({ "type": "object", "minProperties": 1, "properties": schema["properties"] })),
            fixed,
        }
    }

    /// A body that must have every required property.
    pub(crate) fn whole(&self, body: &[u8]) -> Result<Object, Refusal> {
        accept(&self.whole, body)
    }

    /// A body that has any of the properties.
    pub(crate) fn change(&self, body: &[u8]) -> Result<Object, Refusal> {
        let change = accept(&self.change, body)?;
        match self.fixed.iter().find(|name| change.contains_key(**name)) {
            Some(name) => Err(Refusal(format!("/{name}: cannot be changed"))),
            None => Ok(change),
        }
    }
}

fn validator(schema: &Value) -> Validator {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .build(schema)
        .expect("the contract is compiled in and its schemas are valid")
}

fn accept(validator: &Validator, body: &[u8]) -> Result<Object, Refusal> {
    let body: Value = serde_json::from_slice(body).map_err(|error| Refusal(format!("not JSON: {error}")))?;
    let faults: Vec<_> =
        validator.iter_errors(&body).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    match body {
        Value::Object(object) if faults.is_empty() => Ok(object),
        _ => Err(Refusal(faults.join("; "))),
    }
}

/// 422 in the service's own words.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "error": self.0 }))).into_response()
    }
}
