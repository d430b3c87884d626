//! What one rendering of a charter's page is made from.

use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};

use super::{Address, Uploads};
use crate::booking::{Charter, Operator};

/// What one rendering of a charter's page is made from. The same input renders to the same bytes, so that whether a page must be put
/// again can be told from its digest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageInput<'a> {
    /// What everybody may know of the charter.
    pub(crate) charter: &'a Charter,
    /// Where the page is.
    pub(crate) address: &'a Address,
    /// Whose charter it is.
    pub(crate) operator: &'a Operator,
    /// The charter is cancelled: the page stays and says so.
    pub(crate) cancelled: bool,
    /// How many changes there were before this one (RFC 5545, `SEQUENCE`).
    pub(crate) sequence: u64,
    /// When the sender made the newest change.
    pub(crate) changed_at: Timestamp,
    /// The last time that a page which guests may have seen named another start.
    pub(crate) moved: Option<Moved>,
    /// Where guests send their photos to; `None` leaves photos out of the page.
    pub(crate) uploads: Option<&'a Uploads>,
}

impl PageInput<'_> {
    pub(super) fn start(&self) -> &Zoned {
        self.charter.time.start()
    }

    pub(super) fn end(&self) -> &Zoned {
        self.charter.time.end()
    }

    /// When guests should be at the dock.
    pub(super) fn arrive_by(&self) -> Zoned {
        self.start().saturating_sub(self.charter.boat.check_in())
    }
}

/// A charter that starts at another time than its page said. The ledger stores it: the fields' names are its item's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Moved {
    /// The start that the page said before.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub(crate) from: Timestamp,
    /// When the sender changed it.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub(crate) at: Timestamp,
}
