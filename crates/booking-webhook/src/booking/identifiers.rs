//! Identifiers that exist only when they are valid.

use std::{fmt, sync::LazyLock};

use data_encoding::{Encoding, Specification};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

const LONGEST_IDENTIFIER: usize = 64;

/// Crockford's base32: no `I`, `L`, `O` or `U`, so that an id survives being read out over the phone.
static CROCKFORD: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    specification.encoding().expect("32 distinct ASCII symbols are a valid base32 alphabet")
});

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 of the characters A-Z a-z 0-9 . _ : -")]
pub struct IdentifierError;

fn is_identifier(text: &str) -> bool {
    (1..=LONGEST_IDENTIFIER).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'-'))
}

/// The marketplace's booking id; it stays the same through reschedules. Matches `[A-Za-z0-9._:-]{1,64}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct BookingId(String);

/// A crew member or captain as the roster and ShipCaptainCrew name them, e.g. `crew-1`. The same characters as a booking id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct PersonId(String);

macro_rules! identifier {
    ($name:ident) => {
        impl $name {
            /// Takes `text` if it is an identifier.
            ///
            /// # Errors
            /// [`IdentifierError`] when it is empty, longer than 64 bytes or holds another character.
            pub fn parse(text: &str) -> Result<Self, IdentifierError> {
                if is_identifier(text) { Ok(Self(text.to_owned())) } else { Err(IdentifierError) }
            }

            /// The identifier as it was sent.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdentifierError;

            fn try_from(text: String) -> Result<Self, IdentifierError> {
                Self::parse(&text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

identifier!(BookingId);
identifier!(PersonId);

/// Our id for a charter: SCC's `event_id`, the page's name, the end of `/g/{charter_id}`. 8 characters of upper-case Crockford base32.
///
/// Derived with HMAC-SHA256 from the secret link key and the booking id: the same booking always gets the same id, and without the key
/// a known booking id does not reveal the page.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CharterId(String);

impl CharterId {
    const CANARY: &str = "00000000";

    /// The id under which `{"check": …}` publishes a page of its own. No booking gets it.
    pub(crate) fn canary() -> Self {
        Self(Self::CANARY.to_owned())
    }

    /// The id of `booking_id` under `link_key`: the first 40 bits of the HMAC; of one in a million million, the next 40.
    pub fn derive(link_key: &[u8], booking_id: &BookingId) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(link_key).expect("HMAC takes a key of any length");
        mac.update(booking_id.as_str().as_bytes());
        Self::of_digest(&mac.finalize().into_bytes())
    }

    fn of_digest(digest: &[u8]) -> Self {
        let ids = digest.chunks_exact(5).map(|bytes| CROCKFORD.encode(bytes));
        Self(ids.into_iter().find(|id| id != Self::CANARY).expect("no digest is known that begins with 240 zeros"))
    }

    /// An id that was derived before.
    pub(crate) fn stored(id: &str) -> Option<Self> {
        let is_symbol = |byte: u8| CROCKFORD.specification().symbols.as_bytes().contains(&byte);
        (id.len() == 8 && id.bytes().all(is_symbol)).then(|| Self(id.to_owned()))
    }

    /// The eight characters.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CharterId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_booking_id_is_one_to_sixty_four_plain_characters() {
        let longest = "x".repeat(64);
        for good in ["BS-1048812", "a", "A.b_c:d-9", &longest] {
            assert_eq!(BookingId::parse(good).map(|id| id.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", " ", "BS 1", "../x", "BS/1", "é", &"x".repeat(65)] {
            assert_eq!(BookingId::parse(bad), Err(IdentifierError), "{bad:?}");
        }
    }

    /// The expected ids come from an independent implementation:
    /// `printf BS-1048812 | openssl dgst -sha256 -hmac KEY -binary | head -c 5`, written in Crockford base32.
    #[test]
    fn a_charter_id_follows_from_the_booking_and_the_key() {
        let booking = BookingId::parse("BS-1048812").expect("valid");
        let id = CharterId::derive(b"link-key", &booking);
        assert_eq!(id, CharterId::derive(b"link-key", &booking));
        assert_eq!(id.as_str(), "89B1THZR");
        assert_ne!(id, CharterId::derive(b"another-key", &booking));
        assert_ne!(id, CharterId::derive(b"link-key", &BookingId::parse("BS-1048813").expect("valid")));
    }

    #[test]
    fn no_booking_gets_the_canarys_id() {
        let mut digest = [0_u8; 32];
        digest[5..10].copy_from_slice(&[0xff; 5]);
        assert_eq!(CharterId::of_digest(&digest).as_str(), "ZZZZZZZZ");
        digest[4] = 1;
        assert_eq!(CharterId::of_digest(&digest).as_str(), "00000001");
    }

    proptest::proptest! {
        #[test]
        fn every_charter_id_fits_the_link_rule(booking in "[A-Za-z0-9._:-]{1,64}") {
            let id = CharterId::derive(b"k", &BookingId::parse(&booking).expect("generated valid"));
            proptest::prop_assert_eq!(id.as_str().len(), 8);
            proptest::prop_assert!(id.as_str().bytes().all(|byte| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(&byte)));
        }
    }
}
