//! Who may do what: services by the key whose hash SCC holds, crew by the link that their mail carries.

use std::sync::OnceLock;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, header};
use sha2::{Digest as _, Sha256};

use crate::{
    contract::Object,
    scc::event::{assigned, text},
};

/// Cheap on purpose: it guards nothing here, and every request is checked.
const BCRYPT_COST: u32 = 4;

/// What SCC knows of the service key: `SERVICE_KEY_HASH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceKeyHash {
    /// Lower-case hex of the key's SHA-256.
    Sha256Hex(String),
    /// bcrypt of the key.
    Bcrypt(String),
}

impl ServiceKeyHash {
    /// The SHA-256 of `key`.
    #[must_use]
    pub fn sha256(key: &str) -> Self {
        Self::Sha256Hex(sha256_hex(key))
    }

    /// The bcrypt of `key`.
    ///
    /// # Panics
    /// When the machine has no random numbers.
    #[must_use]
    pub fn bcrypt(key: &str) -> Self {
        Self::Bcrypt(bcrypt::hash(key, BCRYPT_COST).expect("the cost is valid and random numbers are to be had"))
    }

    /// Whether `headers` carry the key: `Authorization: Bearer` or `X-Service-Key`. There a SHA-256 may come in its place.
    pub(crate) fn admits(&self, headers: &HeaderMap) -> bool {
        let value = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = value(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        let service_key = value(header::HeaderName::from_static("x-service-key"));
        let mut keys = [bearer, service_key].into_iter().flatten();
        match self {
            Self::Sha256Hex(hash) => keys.any(|key| sha256_hex(key) == *hash) || service_key == Some(hash),
            Self::Bcrypt(hash) => keys.any(|key| bcrypt::verify(key, hash).unwrap_or(false)),
        }
    }
}

fn sha256_hex(key: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(key))
}

/// Makes and reads magic links. A token is derived from a secret, the event and the person, so none need be stored.
pub struct MagicLinks {
    secret: Hmac<Sha256>,
    site: OnceLock<String>,
}

impl MagicLinks {
    /// Links that nobody can make who does not know `secret`, which may have any length.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        let secret = Hmac::new_from_slice(secret).expect("HMAC takes a key of any length");
        Self { secret, site: OnceLock::new() }
    }

    /// The same links, leading to `site`: a URL without a slash at the end.
    #[must_use]
    pub fn leading_to(self, site: String) -> Self {
        self.lead_to(site);
        self
    }

    /// Links lead to `site` from now on. A server's own address is known only when it listens.
    pub(crate) fn lead_to(&self, site: String) {
        self.site.get_or_init(|| site);
    }

    pub(crate) fn link(&self, event: &Object, person: &str) -> String {
        let event_id = text(event, "event_id");
        let site = self.site.get().map(String::as_str).unwrap_or_default();
        format!("{site}/crew/{event_id}?token={}", self.token(event_id, person))
    }

    /// Whose token it is, among the people assigned now.
    pub(crate) fn person<'a>(&self, event: &'a Object, token: &str) -> Option<&'a str> {
        assigned(event).into_iter().find(|person| self.token(text(event, "event_id"), person) == token)
    }

    fn token(&self, event_id: &str, person: &str) -> String {
        let mut mac = self.secret.clone();
        mac.update(format!("{event_id}\n{person}").as_bytes());
        BASE64URL_NOPAD.encode(&mac.finalize().into_bytes()[..16])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), value.parse().expect("a header value"))])
    }

    #[test]
    fn a_key_is_taken_raw_and_hashed_where_the_hash_is_plain() {
        let (plain, salted) = (ServiceKeyHash::sha256("key"), ServiceKeyHash::bcrypt("key"));
        for (name, value, by_plain, by_salted) in [
            ("authorization", "Bearer key".to_owned(), true, true),
            ("x-service-key", "key".to_owned(), true, true),
            ("x-service-key", sha256_hex("key"), true, false),
            ("authorization", format!("Bearer {}", sha256_hex("key")), false, false),
            ("authorization", "key".to_owned(), false, false),
            ("x-service-key", "another".to_owned(), false, false),
            ("accept", "key".to_owned(), false, false),
        ] {
            let headers = headers(name, &value);
            assert_eq!((plain.admits(&headers), salted.admits(&headers)), (by_plain, by_salted), "{name}: {value}");
        }
    }
}
