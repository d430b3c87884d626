//! What differs between what a system should show and what it was last known to show. Pure.

use serde_json::{Map, Value};

use crate::ledger::{FieldDigest, ShownFields, digest};

/// What a system is sent, field by field.
pub(crate) type Fields = Map<String, Value>;

/// As if all of `fields` had been applied.
pub(super) fn applied(fields: &Fields) -> ShownFields {
    let applied = fields.iter().map(|(name, value)| (name.clone(), value_digest(value))).collect();
    ShownFields { applied, ..ShownFields::default() }
}

/// As if we had applied what was seen there, of the fields that are `desired` only.
pub(super) fn observed(desired: &Fields, seen: &Fields) -> ShownFields {
    let of_ours = seen.iter().filter(|(name, _)| desired.contains_key(*name));
    let applied = of_ours.map(|(name, value)| (name.clone(), value_digest(value))).collect();
    ShownFields { applied, ..ShownFields::default() }
}

/// The digest of all of it.
pub(super) fn content_digest(fields: &Fields) -> String {
    digest(canonical(&Value::Object(fields.clone())).to_string().as_bytes())
}

/// The fields that must be sent: those whose desired value is not the one that was last applied, and those of which it is unknown what was
/// applied. Fields that are `left_alone` go only if they are in flight: people change them by hand.
pub(super) fn changes(desired: &Fields, shown: &ShownFields, left_alone: &[&str]) -> Fields {
    let must_go = |name: &String, value: &Value| {
        let changed = shown.applied.get(name) != Some(&value_digest(value));
        shown.in_flight.contains(name) || (changed && !left_alone.contains(&name.as_str()))
    };
    desired
        .iter()
        .filter(|(name, value)| must_go(name, value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The digest of one value.
pub(super) fn value_digest(value: &Value) -> FieldDigest {
    FieldDigest::of(canonical(value).to_string().as_bytes())
}

/// The same value in one way of writing: 250, 250.0 and 250.00 are one number.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Number(number) => {
            let decimal = number.to_string().parse::<rust_decimal::Decimal>();
            decimal.map_or_else(
                |_beyond_decimal| value.clone(),
                |decimal| Value::String(format!("#{}", decimal.normalize())),
            )
        }
        Value::Array(values) => values.iter().map(canonical).collect(),
        Value::Object(fields) => {
            let mut fields: Vec<(String, Value)> =
                fields.iter().map(|(name, value)| (name.clone(), canonical(value))).collect();
            fields.sort_by(|one, other| one.0.cmp(&other.0));
            Value::Object(fields.into_iter().collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Fields {
        value.as_object().expect("an object").clone()
    }

    fn shown(value: Value) -> ShownFields {
        applied(&fields(value))
    }

    #[test]
    fn only_what_changed_goes() {
        let known = shown(json!({ "date": "2025-05-30", "revenue": 840.75, "crew_ids": ["crew-1"], "title": "old" }));
        let desired =
            fields(json!({ "date": "2025-05-31", "revenue": 840.750, "crew_ids": ["crew-2"], "title": "old" }));
        assert_eq!(changes(&desired, &known, &["crew_ids"]), fields(json!({ "date": "2025-05-31" })));
        assert_eq!(changes(&desired, &known, &[]), fields(json!({ "date": "2025-05-31", "crew_ids": ["crew-2"] })));
        assert_eq!(changes(&desired, &ShownFields::default(), &[]), desired, "nothing is known to be applied");
    }

    #[test]
    fn there_and_back_goes_when_the_way_there_is_in_flight() {
        let mut known = shown(json!({ "date": "2025-05-30", "crew_ids": [] }));
        let desired = fields(json!({ "date": "2025-05-30", "crew_ids": [] }));
        assert!(changes(&desired, &known, &[]).is_empty());
        known.in_flight = BTreeSet::from(["date".to_owned(), "crew_ids".to_owned()]);
        assert_eq!(changes(&desired, &known, &["crew_ids"]), desired);
    }

    #[test]
    fn a_number_is_one_number_in_every_notation() {
        let one = |text: &str| value_digest(&serde_json::from_str(text).expect("JSON"));
        for (same, other) in [("250", "250.00"), ("3.50", "3.5"), (r#"{"a":1,"b":2.0}"#, r#"{"b":2,"a":1.0}"#)] {
            assert_eq!(one(same), one(other));
        }
        for (one_way, another) in [("250", "\"250\""), ("[1,2]", "[2,1]"), ("1", "1.01")] {
            assert_ne!(one(one_way), one(another));
        }
    }

    proptest! {
        #[test]
        fn what_was_observed_never_goes_again(values in prop::collection::btree_map("[a-z]{1,8}", -1_000_i64..1_000, 0..8)) {
            let desired: Fields = values.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            let known = observed(&desired, &desired);
            prop_assert_eq!(&known, &applied(&desired));
            prop_assert!(changes(&desired, &known, &[]).is_empty());
        }
    }
}
