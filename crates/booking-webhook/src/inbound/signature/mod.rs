//! Whose delivery it is: a sender's signature over the raw bytes, or its token, checked before anything is parsed.
//!
//! There is one parameterised HMAC ([`Scheme`]); the senders' own schemes are presets of it (`secret/presets.rs`). Several secrets may be valid at
//! once, so that they can be rotated at leisure. A check costs one HMAC for each secret and a fixed number of comparisons, however many
//! signatures a stranger sends; all comparisons take constant time.

mod explain;
mod secret;

use data_encoding::{BASE64, BASE64URL, BASE64URL_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::{Sha256, Sha512};
use subtle::{Choice, ConstantTimeEq};

/// A sender sends one signature for each of its valid secrets; more come from strangers.
const MOST_SIGNATURES: usize = 8;
/// From here on a Unix time can only be in milliseconds: as seconds it would be the year 5138.
const FIRST_IN_MILLISECONDS: i64 = 100_000_000_000;

/// How a sender's deliveries are told from everybody else's, and with which secrets.
#[derive(Debug)]
pub enum Verifier {
    /// It signs them.
    Signature(Scheme),
    /// It shows a token.
    Token(Token),
}

/// An HMAC over some of a request, written into a header.
#[derive(Debug)]
pub struct Scheme {
    header: HeaderName,
    signed: Vec<Part>,
    id: Option<Source>,
    timestamp: Option<Source>,
    hash: Hash,
    encoding: Encoding,
    /// What stands before each signature.
    prefix: String,
    /// How far the timestamp may be from now, either way.
    tolerance: SignedDuration,
    /// As the sender calls us.
    url: String,
    keys: Vec<SecretSlice<u8>>,
}

/// Part of what is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Id,
    Timestamp,
    Body,
    Url,
    Literal(String),
}

/// Where the id or the timestamp of a request is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Header(HeaderName),
    /// In the signature's own header, a comma-separated list: the entry that begins so, e.g. `t=`.
    Entry(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha512,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Hex,
    Base64,
    Base64Url,
}

/// A secret text in a header.
#[derive(Debug)]
pub struct Token {
    header: HeaderName,
    /// The authentication scheme's name (`Bearer`, `Basic`), in any case; none for a header of its own.
    kind: Option<&'static str>,
    tokens: Vec<SecretString>,
}

/// Whether a signature's age counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// A live delivery: within the scheme's tolerance.
    Fresh,
    /// A captured delivery that somebody with IAM rights delivers again.
    Any,
}

/// Why a delivery is not authentic. Says nothing that would help to forge one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A header is not there, or not readable.
    #[error("the header {0} is missing or malformed")]
    Header(HeaderName),
    /// Signed too long ago, or in the future.
    #[error("the signature's timestamp is more than {} s from now", .tolerance.as_secs())]
    Expired {
        /// How far it may be.
        tolerance: SignedDuration,
    },
    /// No secret fits.
    #[error("the signature fits none of the secrets")]
    NoMatch,
}

impl Verifier {
    /// Verifies `body` as it came over the wire.
    ///
    /// # Errors
    /// [`SignatureError`]; newer secrets cannot mend [`SignatureError::Expired`].
    pub fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp, age: Age) -> Result<(), SignatureError> {
        match self {
            Self::Signature(scheme) => scheme.verify(headers, body, now, age),
            Self::Token(token) => token.verify(headers),
        }
    }

    /// The sender's id of the request, if the signature covers it. A header that no signature covers can be changed by anybody who
    /// has captured one request, and a new name would make an old delivery a new one.
    pub fn delivery_name<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        match self {
            Self::Signature(scheme) => scheme.id.as_ref().and_then(|source| scheme.stated(source, headers).ok()),
            Self::Token(_) => headers.get("webhook-id").and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty()),
        }
    }

    /// Whether the other headers of an authentic request are the sender's own: those beside a token are, those beside a signature may have
    /// been changed.
    pub fn vouches_for_headers(&self) -> bool {
        matches!(self, Self::Token(_))
    }
}

impl Scheme {
    fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp, age: Age) -> Result<(), SignatureError> {
        let stated = text(headers, &self.header)?;
        let id = self.id.as_ref().map(|source| self.stated(source, headers)).transpose()?.unwrap_or_default();
        let timestamp = self.timestamp.as_ref().map(|source| self.stated(source, headers)).transpose()?;
        if let Some(timestamp) = timestamp {
            let signed_at = instant(timestamp).ok_or_else(|| self.malformed_timestamp())?;
            if age == Age::Fresh && now.duration_since(signed_at).abs() > self.tolerance {
                return Err(SignatureError::Expired { tolerance: self.tolerance });
            }
        }
        let signatures = self.signatures(stated);
        let parts = self.parts(id, timestamp.unwrap_or_default(), body);
        let mut fits = Choice::from(0);
        for key in &self.keys {
            let expected = self.hash.of(key.expose_secret(), &parts);
            for signature in &signatures {
                fits |= expected.ct_eq(signature);
            }
        }
        if fits.into() { Ok(()) } else { Err(SignatureError::NoMatch) }
    }

    /// The first few of a header's signatures, decoded.
    fn signatures(&self, stated: &str) -> Vec<Vec<u8>> {
        let with_prefix = stated.split(self.separator()).filter_map(|entry| entry.trim().strip_prefix(&*self.prefix));
        with_prefix
            .filter(|text| !text.is_empty())
            .take(MOST_SIGNATURES)
            .filter_map(|text| self.encoding.decode(text))
            .collect()
    }

    fn separator(&self) -> char {
        let in_the_header = |source: &Option<Source>| matches!(source, Some(Source::Entry(_)));
        if in_the_header(&self.id) || in_the_header(&self.timestamp) { ',' } else { ' ' }
    }

    fn stated<'h>(&self, source: &Source, headers: &'h HeaderMap) -> Result<&'h str, SignatureError> {
        match source {
            Source::Header(name) => text(headers, name),
            Source::Entry(begin) => {
                let mut entries = text(headers, &self.header)?.split(',');
                let entry = entries.find_map(|entry| entry.trim().strip_prefix(&**begin));
                entry.filter(|entry| !entry.is_empty()).ok_or_else(|| SignatureError::Header(self.header.clone()))
            }
        }
    }

    fn malformed_timestamp(&self) -> SignatureError {
        match &self.timestamp {
            Some(Source::Header(name)) => SignatureError::Header(name.clone()),
            Some(Source::Entry(_)) | None => SignatureError::Header(self.header.clone()),
        }
    }

    fn parts<'p>(&'p self, id: &'p str, timestamp: &'p str, body: &'p [u8]) -> Vec<&'p [u8]> {
        let bytes = |part: &'p Part| match part {
            Part::Id => id.as_bytes(),
            Part::Timestamp => timestamp.as_bytes(),
            Part::Body => body,
            Part::Url => self.url.as_bytes(),
            Part::Literal(text) => text.as_bytes(),
        };
        self.signed.iter().map(bytes).collect()
    }
}

impl Token {
    fn verify(&self, headers: &HeaderMap) -> Result<(), SignatureError> {
        let stated = text(headers, &self.header)?;
        let stated = match self.kind {
            None => stated,
            Some(kind) => stated
                .split_once(' ')
                .filter(|(stated, _)| stated.eq_ignore_ascii_case(kind))
                .map(|(_, token)| token.trim())
                .ok_or_else(|| SignatureError::Header(self.header.clone()))?,
        };
        let fits = |token: &SecretString| token.expose_secret().as_bytes().ct_eq(stated.as_bytes());
        let fits = self.tokens.iter().fold(Choice::from(0), |found, token| found | fits(token));
        if fits.into() { Ok(()) } else { Err(SignatureError::NoMatch) }
    }
}

impl Hash {
    fn of(self, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Sha256 => mac::<Hmac<Sha256>>(key, parts),
            Self::Sha512 => mac::<Hmac<Sha512>>(key, parts),
        }
    }
}

fn mac<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

impl Encoding {
    fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Hex => HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok(),
            Self::Base64 => BASE64.decode(text.as_bytes()).ok(),
            Self::Base64Url => BASE64URL_NOPAD.decode(text.trim_end_matches('=').as_bytes()).ok(),
        }
    }

    fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => HEXLOWER.encode(bytes),
            Self::Base64 => BASE64.encode(bytes),
            Self::Base64Url => BASE64URL.encode(bytes),
        }
    }
}

/// Unix time in seconds or milliseconds.
fn instant(text: &str) -> Option<Timestamp> {
    let number: i64 = text.parse().ok()?;
    if number >= FIRST_IN_MILLISECONDS {
        Timestamp::from_millisecond(number).ok()
    } else {
        Timestamp::from_second(number).ok()
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<&'h str, SignatureError> {
    let value = headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    value.filter(|value| !value.is_empty()).ok_or_else(|| SignatureError::Header(name.clone()))
}

#[cfg(test)]
mod tests;
