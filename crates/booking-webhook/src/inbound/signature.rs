//! Whose delivery it is: the sender's signature over the raw bytes, checked before anything is parsed.
//!
//! `standard-webhooks` is the default (<https://www.standardwebhooks.com>): HMAC-SHA256, base64, over `id.timestamp.body`. `hmac-sha256`
//! (header, prefix and encoding configured) and `bearer` (bridges that cannot sign) take the same seat. Several secrets may be valid at
//! once, so that a rotation needs no moment of truth. All comparisons take constant time.

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// How far a signature's timestamp may be from now, either way.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(300);

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";
const SECRET_PREFIX: &str = "whsec_";

/// The secret `{prefix}/webhook`: how deliveries are signed, and with what.
#[derive(Debug, Deserialize)]
#[serde(tag = "scheme", rename_all = "kebab-case")]
pub enum Verifier {
    /// Standard Webhooks; secrets are `whsec_` and base64.
    StandardWebhooks {
        /// Every secret that is valid now.
        signing_secrets: Vec<SecretString>,
    },
    /// HMAC-SHA256 over the body alone.
    HmacSha256 {
        /// Every secret that is valid now, as raw text.
        signing_secrets: Vec<SecretString>,
        /// The header that carries the signature.
        header: String,
        /// What stands before the signature in the header, e.g. `sha256=`.
        #[serde(default)]
        prefix: String,
        /// How the signature is written.
        #[serde(default)]
        encoding: SignatureEncoding,
    },
    /// `Authorization: Bearer <token>`, for bridges that cannot sign.
    Bearer {
        /// Every token that is valid now.
        tokens: Vec<SecretString>,
    },
}

/// How a signature is written in its header.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureEncoding {
    /// Hexadecimal, either case.
    #[default]
    Hex,
    /// Base64 with padding.
    Base64,
}

/// Whether a signature's age counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// A live delivery: within 300 s of now.
    Fresh,
    /// A captured delivery that somebody with IAM rights delivers again.
    Any,
}

/// Why a delivery is not authentic. Says nothing that would help to forge one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A header is not there, or not readable.
    #[error("the header {0} is missing or malformed")]
    Header(&'static str),
    /// Signed too long ago, or in the future.
    #[error("the signature's timestamp is more than 300 s from now")]
    Expired,
    /// No secret fits. The only reason for which it is worth reading the secret again.
    #[error("the signature fits none of the secrets")]
    NoMatch,
}

impl Verifier {
    /// Whether there is at least one usable secret.
    ///
    /// # Errors
    /// What is wrong, in words for whoever stored the secret; nothing of its value.
    pub fn validate(&self) -> Result<(), &'static str> {
        match self {
            Self::StandardWebhooks { signing_secrets }
                if signing_secrets.iter().any(|secret| standard_key(secret).is_none()) =>
            {
                Err("a signing secret is not `whsec_` and base64")
            }
            Self::StandardWebhooks { signing_secrets: secrets }
            | Self::HmacSha256 { signing_secrets: secrets, .. }
            | Self::Bearer { tokens: secrets } => {
                if secrets.is_empty() || secrets.iter().any(|secret| secret.expose_secret().is_empty()) {
                    Err("it holds no secret, or an empty one")
                } else {
                    Ok(())
                }
            }
        }
    }

    /// Verifies `body` as it came over the wire.
    ///
    /// # Errors
    /// [`SignatureError`], of which only [`SignatureError::NoMatch`] could be mended by newer secrets.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp, age: Age) -> Result<(), SignatureError> {
        match self {
            Self::StandardWebhooks { signing_secrets } => standard_webhooks(signing_secrets, headers, body, now, age),
            Self::HmacSha256 { signing_secrets, header, prefix, encoding } => {
                let stated = headers.get(header).and_then(|value| value.to_str().ok()?.strip_prefix(prefix.as_str()));
                let signature = stated.and_then(|text| encoding.decode(text));
                let signature = signature.ok_or(SignatureError::Header("that carries the signature"))?;
                any(signing_secrets, |secret| fits(secret.expose_secret().as_bytes(), &[body], &signature))
            }
            Self::Bearer { tokens } => {
                let stated = text(headers, "authorization")?;
                let stated = stated.strip_prefix("Bearer ").ok_or(SignatureError::Header("authorization"))?;
                any(tokens, |token| token.expose_secret().as_bytes().ct_eq(stated.as_bytes()).into())
            }
        }
    }
}

impl SignatureEncoding {
    fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Hex => HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok(),
            Self::Base64 => BASE64.decode(text.as_bytes()).ok(),
        }
    }
}

fn standard_webhooks(
    secrets: &[SecretString],
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
    age: Age,
) -> Result<(), SignatureError> {
    let (id, timestamp) = (text(headers, ID)?, text(headers, TIMESTAMP)?);
    let signatures: Vec<Vec<u8>> = text(headers, SIGNATURE)?
        .split(' ')
        .filter_map(|signature| BASE64.decode(signature.strip_prefix("v1,")?.as_bytes()).ok())
        .collect();
    let signed_at = timestamp.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    let signed_at = signed_at.ok_or(SignatureError::Header(TIMESTAMP))?;
    if age == Age::Fresh && now.duration_since(signed_at).abs() > TOLERANCE {
        return Err(SignatureError::Expired);
    }
    let signed: [&[u8]; 5] = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
    any(secrets, |secret| {
        standard_key(secret).is_some_and(|key| signatures.iter().any(|signature| fits(&key, &signed, signature)))
    })
}

fn standard_key(secret: &SecretString) -> Option<Vec<u8>> {
    let key = BASE64.decode(secret.expose_secret().strip_prefix(SECRET_PREFIX)?.as_bytes()).ok()?;
    (!key.is_empty()).then_some(key)
}

fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, SignatureError> {
    headers.get(name).and_then(|value| value.to_str().ok()).ok_or(SignatureError::Header(name))
}

fn any(secrets: &[SecretString], fits: impl Fn(&SecretString) -> bool) -> Result<(), SignatureError> {
    if secrets.iter().any(fits) { Ok(()) } else { Err(SignatureError::NoMatch) }
}

fn fits(key: &[u8], parts: &[&[u8]], signature: &[u8]) -> bool {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.verify_slice(signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification's reference libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNED: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const SIGNED_AT: i64 = 1_614_265_330;

    fn standard(secrets: &[&str]) -> Verifier {
        Verifier::StandardWebhooks { signing_secrets: secrets.iter().map(|&secret| secret.into()).collect() }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|&(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    fn example(signature: &str) -> HeaderMap {
        headers(&[(ID, "msg_p5jXN8AQM9LWM0D4loKWxJek"), (TIMESTAMP, &SIGNED_AT.to_string()), (SIGNATURE, signature)])
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("in range")
    }

    #[test]
    fn the_specifications_example_verifies() {
        let now = at(SIGNED_AT);
        assert_eq!(standard(&[SECRET]).verify(&example(SIGNED), BODY, now, Age::Fresh), Ok(()));
        let several = format!("v1,AAAA v2,ignored {SIGNED}");
        assert_eq!(standard(&["whsec_AAAA", SECRET]).verify(&example(&several), BODY, now, Age::Fresh), Ok(()));
    }

    #[test]
    fn whatever_differs_is_refused() {
        let now = at(SIGNED_AT);
        let verifier = standard(&[SECRET]);
        let no_match = Err(SignatureError::NoMatch);
        assert_eq!(verifier.verify(&example(SIGNED), br#"{"test": 2432232315}"#, now, Age::Fresh), no_match);
        assert_eq!(standard(&["whsec_AAAA"]).verify(&example(SIGNED), BODY, now, Age::Fresh), no_match);
        assert_eq!(verifier.verify(&example("v1,not-base64"), BODY, now, Age::Fresh), no_match);
        assert_eq!(verifier.verify(&example(&SIGNED.replace("v1", "v2")), BODY, now, Age::Fresh), no_match);
        let mut other_id = example(SIGNED);
        other_id.insert(ID, "msg_other".parse().expect("a value"));
        assert_eq!(verifier.verify(&other_id, BODY, now, Age::Fresh), no_match);
        for name in [ID, TIMESTAMP, SIGNATURE] {
            let mut missing = example(SIGNED);
            missing.remove(name);
            assert_eq!(verifier.verify(&missing, BODY, now, Age::Fresh), Err(SignatureError::Header(name)));
        }
    }

    #[test]
    fn a_signature_is_good_for_five_minutes_either_way_unless_its_age_does_not_count() {
        for (seconds, expected) in
            [(-301, Err(SignatureError::Expired)), (-300, Ok(())), (300, Ok(())), (301, Err(SignatureError::Expired))]
        {
            assert_eq!(
                standard(&[SECRET]).verify(&example(SIGNED), BODY, at(SIGNED_AT + seconds), Age::Fresh),
                expected
            );
        }
        assert_eq!(standard(&[SECRET]).verify(&example(SIGNED), BODY, at(SIGNED_AT + 86_400), Age::Any), Ok(()));
    }

    #[test]
    fn the_other_schemes_take_the_same_seat() {
        let plain: Verifier = serde_json::from_str(
            r#"{"scheme": "hmac-sha256", "signing_secrets": ["old", "key"], "header": "X-Signature", "prefix": "sha256="}"#,
        )
        .expect("valid");
        // printf hello | openssl dgst -sha256 -hmac key
        let signed = "sha256=9307b3b915efb5171ff14d8cb55fbcc798c6c0ef1456d66ded1a6aa723a58b7b";
        let now = at(0);
        assert_eq!(plain.verify(&headers(&[("x-signature", signed)]), b"hello", now, Age::Fresh), Ok(()));
        assert_eq!(
            plain.verify(&headers(&[("x-signature", signed)]), b"hullo", now, Age::Fresh),
            Err(SignatureError::NoMatch)
        );
        assert!(matches!(plain.verify(&headers(&[]), b"hello", now, Age::Fresh), Err(SignatureError::Header(_))));

        let bearer: Verifier = serde_json::from_str(r#"{"scheme": "bearer", "tokens": ["t0ken"]}"#).expect("valid");
        assert_eq!(bearer.verify(&headers(&[("authorization", "Bearer t0ken")]), b"", now, Age::Fresh), Ok(()));
        assert_eq!(
            bearer.verify(&headers(&[("authorization", "Bearer t0keN")]), b"", now, Age::Fresh),
            Err(SignatureError::NoMatch)
        );
    }

    #[test]
    fn a_verifier_without_a_usable_secret_is_refused() {
        for (secrets, usable) in
            [(&[][..], false), (&["whsec_"], false), (&["no-prefix"], false), (&["whsec_%%"], false), (&[SECRET], true)]
        {
            assert_eq!(standard(secrets).validate().is_ok(), usable, "{secrets:?}");
        }
    }
}
