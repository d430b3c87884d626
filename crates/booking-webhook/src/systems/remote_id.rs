//! What other systems call their part of a booking. Their ids go into our URLs, so none is used before it was looked at.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

const LONGEST_BYTES: usize = 200;
/// All but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why a value is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a text of 1 to {LONGEST_BYTES} bytes without control characters, or a number, and not . or ..")]
pub struct RemoteIdError;

fn parse(value: &Value) -> Result<String, RemoteIdError> {
    let id = match value {
        Value::String(id) => id.clone(),
        Value::Number(id) => id.to_string(),
        _ => return Err(RemoteIdError),
    };
    let fits = (1..=LONGEST_BYTES).contains(&id.len()) && id != "." && id != ".." && !id.chars().any(char::is_control);
    if fits { Ok(id) } else { Err(RemoteIdError) }
}

macro_rules! remote_id {
    ($(#[$doc:meta])* $visibility:vis $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "Value")]
        $visibility struct $name(String);

        impl $name {
            /// The id as the other system gave it.
            $visibility fn as_str(&self) -> &str {
                &self.0
            }

            /// The id as one segment of a URL's path.
            pub(crate) fn segment(&self) -> String {
                utf8_percent_encode(&self.0, RESERVED).to_string()
            }
        }

        impl TryFrom<Value> for $name {
            type Error = RemoteIdError;

            fn try_from(value: Value) -> Result<Self, RemoteIdError> {
                parse(&value).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

remote_id!(
    /// The calendar's id of an entry, e.g. `cal_1a2b`.
    pub EntryId
);
remote_id!(
    /// ShipCaptainCrew's id of an event: our charter id, unless SCC answered another.
    pub(crate) EventId
);

impl From<&crate::booking::CharterId> for EventId {
    fn from(id: &crate::booking::CharterId) -> Self {
        Self(id.to_string())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_id_is_one_bounded_segment_of_a_path() {
        for (value, segment) in [
            (json!("cal_1a2b"), "cal_1a2b"),
            (json!(48_812), "48812"),
            (json!("../users?all=true"), "..%2Fusers%3Fall%3Dtrue"),
            (json!("chr 1/é"), "chr%201%2F%C3%A9"),
        ] {
            assert_eq!(EntryId::try_from(value).map(|id| id.segment()), Ok(segment.to_owned()));
        }
        for value in
            [json!(""), json!("."), json!(".."), json!("a\nb"), json!("x".repeat(201)), json!(null), json!(["a"])]
        {
            assert_eq!(EventId::try_from(value), Err(RemoteIdError));
        }
    }

    #[test]
    fn what_is_stored_is_no_way_round_the_rules() {
        let stored = serde_json::to_string(&EntryId::try_from(json!("cal_1")).expect("valid")).expect("it serialises");
        assert_eq!(serde_json::from_str::<EntryId>(&stored).expect("it is read").as_str(), "cal_1");
        assert!(serde_json::from_str::<EntryId>("\"..\"").is_err());
    }
}
