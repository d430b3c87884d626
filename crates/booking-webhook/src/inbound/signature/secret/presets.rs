//! The schemes of known senders.

use super::{Encoding, KeyEncoding};

/// A known sender's scheme. The sources are in the tests, beside each one's published example.
pub(super) struct Preset {
    pub(super) header: &'static str,
    pub(super) signed: &'static str,
    pub(super) id: Option<&'static str>,
    pub(super) timestamp: Option<&'static str>,
    pub(super) encoding: Encoding,
    pub(super) keys: KeyEncoding,
    pub(super) prefix: &'static str,
}

pub(super) fn preset(name: &str) -> Option<Preset> {
    let standard = Preset {
        header: "webhook-signature",
        signed: "{id}.{timestamp}.{body}",
        id: Some("webhook-id"),
        timestamp: Some("webhook-timestamp"),
        encoding: Encoding::Base64,
        keys: KeyEncoding::Whsec,
        prefix: "v1,",
    };
    let over_the_body = |header, prefix| Preset {
        header,
        signed: "{body}",
        id: None,
        timestamp: None,
        encoding: Encoding::Hex,
        keys: KeyEncoding::Text,
        prefix,
    };
    Some(match name {
        "standard-webhooks" => standard,
        "svix" => {
            Preset { header: "svix-signature", id: Some("svix-id"), timestamp: Some("svix-timestamp"), ..standard }
        }
        "github" => over_the_body("x-hub-signature-256", "sha256="),
        "stripe" => {
            Preset { signed: "{timestamp}.{body}", timestamp: Some("t="), ..over_the_body("stripe-signature", "v1=") }
        }
        "square" => Preset {
            signed: "{url}{body}",
            encoding: Encoding::Base64,
            ..over_the_body("x-square-hmacsha256-signature", "")
        },
        "cal.com" => over_the_body("x-cal-signature-256", ""),
        _ => return None,
    })
}
