//! By which door a person's decision comes. Every decision stands in the timeline.

use jiff::Timestamp;

use crate::ledger::OfficeAct;

/// By which door a person's decision comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door<'a> {
    /// A direct invocation: what is decided is noted in the write that carries it out.
    Command,
    /// The desk, by this link. It has noted what was decided already, because of two people who press at once only one may act.
    Desk(&'a str),
}

impl Door<'_> {
    /// What is to be noted of the case that the decision is about.
    pub(super) fn note(self, what: impl Into<String>, at: Timestamp) -> Option<OfficeAct> {
        (self == Self::Command).then(|| self.act(what, at))
    }

    /// What is to be noted of something else that it concerns.
    pub(super) fn act(self, what: impl Into<String>, at: Timestamp) -> OfficeAct {
        let by = match self {
            Self::Command => "command",
            Self::Desk(link) => link,
        };
        OfficeAct { at, what: what.into(), by: by.to_owned(), message: None }
    }
}
