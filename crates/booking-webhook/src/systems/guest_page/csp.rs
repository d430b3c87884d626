//! What the page may do in a browser: run its own script and style, and send photos. Nothing else.
//!
//! The policy stands in the page itself, because a distribution may have none. A `<meta>` cannot say `frame-ancestors`; that one is the
//! response headers' to say (`infra/`).

use super::Uploads;

/// The page's script and style by their digests (SHA-256, base64), taken when the function is built: a letter more in either, and a browser
/// runs neither.
const SCRIPT: &str = include_str!(concat!(env!("OUT_DIR"), "/guest-page.js.sha256"));
const STYLE: &str = include_str!(concat!(env!("OUT_DIR"), "/guest-page.css.sha256"));

/// The content of `Content-Security-Policy`. Without uploads the page makes no connections.
pub(super) fn policy(uploads: Option<&Uploads>) -> String {
    let connect = uploads.map_or("'none'", Uploads::sources);
    format!(
        "default-src 'none'; script-src 'sha256-{SCRIPT}'; style-src 'sha256-{STYLE}'; img-src 'self' data:; connect-src {connect}; \
         base-uri 'none'; form-action 'none'"
    )
}
