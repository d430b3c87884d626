//! What the page may do in a browser: run its own script and style, and send photos. Nothing else.
//!
//! The policy stands in the page itself, because a distribution may have none. A `<meta>` cannot say `frame-ancestors`; that one is the
//! response headers' to say (`infra/`).

use data_encoding::BASE64;
use sha2::{Digest, Sha256};

use super::Uploads;

/// The page's script and style, by their digests: a letter more in either, and a browser runs neither.
#[derive(Debug)]
pub(super) struct ContentSecurityPolicy {
    script: String,
    style: String,
}

impl ContentSecurityPolicy {
    /// For exactly this script and this style.
    pub(super) fn of(script: &str, style: &str) -> Self {
        let [script, style] = [script, style].map(|text| format!("'sha256-{}'", BASE64.encode(&Sha256::digest(text))));
        Self { script, style }
    }

    /// The content of `Content-Security-Policy`. Without uploads the page makes no connections.
    pub(super) fn text(&self, uploads: Option<&Uploads>) -> String {
        let Self { script, style } = self;
        let connect = uploads.map_or("'none'", Uploads::sources);
        format!(
            "default-src 'none'; script-src {script}; style-src {style}; img-src 'self' data:; connect-src {connect}; \
             base-uri 'none'; form-action 'none'"
        )
    }
}
