//! The page that guests open: rendered here, put into S3; what the edge may still show of an older one is invalidated exactly.
//!
//! Built from [`crate::booking::Charter`], which has no money and no full name in it. Anybody with the link can open it.

mod calendar_event;
#[cfg(test)]
mod compact;
mod content;
mod csp;
mod ics;
mod link_picture;
mod not_found_page;
mod operator_words;
mod page_input;
mod publisher;
mod render;
#[cfg(test)]
mod tests;
mod time_zone;
mod uploads;
mod words;

pub use link_picture::LinkPicture;
pub(crate) use page_input::{Moved, PageInput};
pub(crate) use publisher::{CACHE_CONTROL, CALENDAR, HTML, PNG, PUT_PAGE, Publisher, StandingPages};
pub use render::Renderer;
pub(crate) use render::{GuestPage, RenderError};
pub(crate) use uploads::Uploads;

use crate::{booking::CharterId, runtime::config::GuestPageConfig};

/// Where the page of one charter is. What guests open is fixed, because the edge's own rule rewrites it (`infra/viewer-request.js`); the
/// objects lie wherever the bucket's owner wants them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// What the guest opens: `{base}/g/{charter_id}`.
    pub(crate) url: String,
    /// The same on its site: `/g/{charter_id}`.
    pub(crate) path: String,
    /// The HTML object's key, `g/{charter_id}.html` unless configured otherwise.
    pub(crate) key: String,
    /// The calendar file's key, beside it.
    pub(crate) calendar_key: String,
}

impl Address {
    /// The address of `charter` under this configuration.
    pub(crate) fn of(charter: &CharterId, config: &GuestPageConfig) -> Self {
        let path = format!("/g/{charter}");
        let key = config.key.replace("{charter_id}", charter.as_str());
        let calendar_key = format!("{}.ics", key.strip_suffix(".html").unwrap_or(&key));
        Self { url: format!("{}{path}", config.base_url), path, key, calendar_key }
    }

    /// What guest links begin with: `https://queenofsandiego.com`.
    pub(crate) fn base_url(&self) -> &str {
        self.url.strip_suffix(&self.path).unwrap_or(&self.url)
    }

    /// Where guests get the calendar file: `/g/{charter_id}.ics`.
    pub(crate) fn calendar_path(&self) -> String {
        format!("{}.ics", self.path)
    }

    /// Exactly the paths under which the edge may hold the page.
    pub(crate) fn paths(&self) -> Vec<String> {
        vec![self.path.clone(), format!("{}.html", self.path), self.calendar_path()]
    }
}

/// A phone number as `tel:` and `sms:` links take it.
fn dial(number: &str) -> String {
    number.chars().filter(|character| character.is_ascii_digit() || *character == '+').collect()
}

#[cfg(test)]
mod address_tests {
    use super::*;
    use crate::booking::BookingId;

    #[test]
    fn the_key_moves_the_objects_and_not_what_guests_open() {
        let charter = CharterId::derive(b"link-key", &BookingId::parse("BS-1048812").expect("valid"));
        for (key, html, calendar) in [
            ("g/{charter_id}.html", "g/89B1THZR.html", "g/89B1THZR.ics"),
            ("site/g/{charter_id}.html", "site/g/89B1THZR.html", "site/g/89B1THZR.ics"),
            ("{charter_id}/index.html", "89B1THZR/index.html", "89B1THZR/index.ics"),
        ] {
            let base_url = "https://queenofsandiego.com".to_owned();
            let config = GuestPageConfig { bucket: "queenofsandiego.com".into(), base_url, key: key.into() };
            let address = Address::of(&charter, &config);
            assert_eq!((address.key.as_str(), address.calendar_key.as_str()), (html, calendar));
            assert_eq!(address.url, "https://queenofsandiego.com/g/89B1THZR");
            assert_eq!(address.paths(), ["/g/89B1THZR", "/g/89B1THZR.html", "/g/89B1THZR.ics"]);
        }
    }
}
