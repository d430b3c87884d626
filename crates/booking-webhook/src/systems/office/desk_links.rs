//! Addresses of the desk's pages.

use jiff::{SignedDuration, Timestamp};

use super::desk_token::{DeskToken, Grant, Press, Subject};
use crate::runtime::secrets::DeskKey;

/// What every address of the desk begins with, after the host.
pub(crate) const DESK: &str = "/desk";
/// A page about one case: until its charter is nobody's concern any more, or the next mail has come.
pub(crate) const PAGE_LASTS: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A button: as long as somebody looks at a page before it has to be read again.
pub(crate) const BUTTON_LASTS: SignedDuration = SignedDuration::from_mins(15);

/// Makes links that open a page from anywhere.
#[derive(Debug, Clone)]
pub(crate) struct DeskLinks {
    key: DeskKey,
    base_url: String,
}

impl DeskLinks {
    /// Links of this host, signed with this key.
    pub(crate) fn new(key: DeskKey, base_url: &str) -> Self {
        Self { key, base_url: base_url.to_owned() }
    }

    /// A link that shows `subject` until `expires_at`.
    pub(crate) fn page(&self, subject: Subject, expires_at: Timestamp) -> String {
        let token = DeskToken { grants: Grant::Show, subject, expires_at };
        format!("{}{DESK}/{}", self.base_url, token.seal(&self.key))
    }

    /// A link that shows one case for as long as a mail's does.
    pub(crate) fn case(&self, subject: Subject, now: Timestamp) -> String {
        self.page(subject, now.saturating_add(PAGE_LASTS).unwrap_or(now))
    }
}

/// The address, on the same host, of a button of the page at `page`.
pub(crate) fn button(key: &DeskKey, page: &str, subject: Subject, press: Press, now: Timestamp) -> String {
    let expires_at = now.saturating_add(BUTTON_LASTS).unwrap_or(now);
    let token = DeskToken { grants: Grant::Press(press), subject, expires_at };
    format!("{page}/{}", token.seal(key))
}
