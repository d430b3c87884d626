//! What the office was told last of a booking, as its item keeps it.

use super::{Item, expression::Update, text};

/// The digest of why a person must look.
const CONCERNS: &str = "notice_sent";
/// The digest of what the guest is to be told.
const GUEST_MESSAGE: &str = "guest_message_sent";

/// What the office knows of a booking, or should know; each part by its digest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// Why a person must look; `None` when nothing is left that it should look at.
    pub(crate) concerns: Option<String>,
    /// What it is to tell the guest of a cancelled charter; `None` when that is nothing.
    pub(crate) guest_message: Option<String>,
}

impl Told {
    pub(super) fn from_item(item: &Item) -> Self {
        let digest = |attribute: &str| item.get(attribute)?.as_s().ok().cloned();
        Self { concerns: digest(CONCERNS), guest_message: digest(GUEST_MESSAGE) }
    }

    /// The update that keeps it.
    pub(super) fn keep(&self, update: Update) -> Update {
        [(CONCERNS, &self.concerns), (GUEST_MESSAGE, &self.guest_message)].into_iter().fold(
            update,
            |update, (attribute, digest)| match digest {
                Some(digest) => update.set(attribute, text(digest)),
                None => update.remove(&[attribute]),
            },
        )
    }
}
