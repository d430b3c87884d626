//! What differs between what a system should show and what it was last known to show. Pure.
//!
//! The ledger keeps digests, not values: they tell whether something changed, need little room and give nobody's name or money away.

use serde_json::{Map, Value};

use crate::{
    booking::Booking,
    ledger::{Applied, StepRecord, digest},
};

/// What a system is sent, field by field.
pub type Fields = Map<String, Value>;

/// A field's digest is shorter than a content's: it only has to differ from the one before.
const FIELD_DIGEST_CHARACTERS: usize = 16;

/// The digest of every field.
pub fn digests(fields: &Fields) -> Applied {
    fields.iter().map(|(name, value)| (name.clone(), value_digest(value))).collect()
}

/// The digest of all of it.
pub fn content(fields: &Fields) -> String {
    digest(canonical(&Value::Object(fields.clone())).to_string().as_bytes())
}

/// The fields that must be sent: those whose desired value is not the one that was last applied, and those of which nobody knows what was
/// applied. Fields that are `left_alone` go only in doubt: people change them by hand.
pub fn changes(desired: &Fields, known: &StepRecord, left_alone: &[&str]) -> Fields {
    let must_go = |name: &String, value: &Value| {
        let changed = known.applied.get(name) != Some(&value_digest(value));
        known.doubtful.contains(name) || (changed && !left_alone.contains(&name.as_str()))
    };
    desired
        .iter()
        .filter(|(name, value)| must_go(name, value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// What was seen there, as if we had applied it: of the fields that are `desired` only.
pub fn observed(desired: &Fields, seen: &Fields) -> Applied {
    seen.iter()
        .filter(|(name, _)| desired.contains_key(*name))
        .map(|(name, value)| (name.clone(), value_digest(value)))
        .collect()
}

/// Who sails is the operator's to change as long as the sender names nobody.
pub fn not_named(booking: &Booking) -> Vec<&'static str> {
    let assigned = &booking.assigned;
    let unnamed = [(assigned.crew.is_none(), "crew_ids"), (assigned.captain.is_none(), "captain_id")];
    unnamed.into_iter().filter_map(|(unnamed, field)| unnamed.then_some(field)).collect()
}

/// The digest of one value.
pub fn value_digest(value: &Value) -> String {
    let mut digest = digest(canonical(value).to_string().as_bytes());
    digest.truncate(FIELD_DIGEST_CHARACTERS);
    digest
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

    fn applied(value: Value) -> StepRecord {
        StepRecord { applied: digests(&fields(value)), ..StepRecord::default() }
    }

    #[test]
    fn only_what_changed_goes() {
        let known = applied(json!({ "date": "2025-05-30", "revenue": 840.75, "crew_ids": ["crew-1"], "title": "old" }));
        let desired =
            fields(json!({ "date": "2025-05-31", "revenue": 840.750, "crew_ids": ["crew-2"], "title": "old" }));
        assert_eq!(changes(&desired, &known, &["crew_ids"]), fields(json!({ "date": "2025-05-31" })));
        assert_eq!(changes(&desired, &known, &[]), fields(json!({ "date": "2025-05-31", "crew_ids": ["crew-2"] })));
        assert_eq!(changes(&desired, &StepRecord::default(), &[]), desired, "nothing is known to be applied");
    }

    #[test]
    fn there_and_back_again_goes_when_the_way_there_is_in_doubt() {
        let mut known = applied(json!({ "date": "2025-05-30", "crew_ids": [] }));
        let desired = fields(json!({ "date": "2025-05-30", "crew_ids": [] }));
        assert!(changes(&desired, &known, &[]).is_empty());
        known.doubtful = BTreeSet::from(["date".to_owned(), "crew_ids".to_owned()]);
        assert_eq!(changes(&desired, &known, &["crew_ids"]), desired);
    }

    #[test]
    fn a_number_is_the_same_however_it_is_written() {
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
        fn what_was_applied_and_observed_never_goes_again(values in prop::collection::btree_map("[a-z]{1,8}", -1_000_i64..1_000, 0..8)) {
            let desired: Fields = values.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            let known = StepRecord { applied: observed(&desired, &desired), ..StepRecord::default() };
            prop_assert_eq!(&known.applied, &digests(&desired));
            prop_assert!(changes(&desired, &known, &[]).is_empty());
        }
    }
}
