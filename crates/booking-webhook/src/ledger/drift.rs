//! What a system shows otherwise than it should, as the audit found it.

use serde::{Deserialize, Serialize};

/// What was found of a booking, as JSON.
pub(super) const DRIFT: &str = "drift";

/// One thing that a system shows otherwise than it should. Nothing is made again because of it: that would mail people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Drift {
    /// The calendar has no entry of it.
    EntryGone,
    /// The calendar has several, with these ids.
    EntryTwice {
        /// The calendar's own.
        ids: Vec<String>,
    },
    /// Its entry begins at another time than the charter.
    EntryElsewhere {
        /// As it stands in the calendar: a day, with a time if there is one.
        shown: String,
    },
    /// It is cancelled, and the calendar has an entry of it.
    EntryStillThere,
    /// SCC has no event of it.
    EventGone,
    /// SCC has several.
    EventTwice {
        /// How many.
        count: usize,
    },
    /// Its event begins at another time than the charter.
    EventElsewhere {
        /// As it stands there.
        shown: String,
    },
    /// SCC has it as cancelled, and it is not.
    EventCancelled,
    /// It is cancelled, and SCC does not say so.
    EventNotCancelled,
    /// Crew can see money, or could until it was taken out.
    #[serde(rename = "money_removed")]
    Money {
        /// What holds it, or held it: attributes' names.
        attributes: Vec<String>,
        /// It was found, and is not known to be taken out.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        still_there: bool,
    },
}

/// What was found of a booking; counts as long as nothing newer came in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct DriftFound {
    /// How many snapshots had been accepted by then.
    pub(crate) seq: u64,
    /// What.
    pub(crate) found: Vec<Drift>,
}
