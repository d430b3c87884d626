//! The secret `{prefix}/webhook` or `{prefix}/webhook/{sender}`: which scheme, and the keys. A slip in it is found when it is read, by the
//! field's name.

mod presets;

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use http::{HeaderName, HeaderValue};
use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use self::presets::preset;
use super::{Encoding, Hash, Part, Scheme, Source, Token, Verifier};
use crate::runtime::config::{Fields, json_object};

/// A shorter key or token can be guessed, and is more likely a slip.
const SHORTEST_SECRET: usize = 16;
/// A rotation needs two; more make every check slower.
const MOST_SECRETS: usize = 10;
const TOLERANCE_SECONDS: u64 = 300;
const LARGEST_TOLERANCE_SECONDS: u64 = 24 * 3_600;

const SCHEMES: [&str; 11] = [
    "standard-webhooks",
    "svix",
    "github",
    "stripe",
    "square",
    "cal.com",
    "hmac",
    "hmac-sha256",
    "bearer",
    "header",
    "basic",
];

#[derive(Clone, Copy)]
enum KeyEncoding {
    /// The key is the text.
    Text,
    /// `whsec_` and base64.
    Whsec,
    Base64,
    Base64Url,
    Hex,
}

impl Verifier {
    /// Reads the secret's JSON.
    ///
    /// # Errors
    /// Every fault in it, by field; nothing of a value.
    pub fn parse(json: &str) -> Result<Self, Vec<String>> {
        let object = json_object(json).map_err(|fault| vec![fault])?;
        let mut fields = Fields::of(&object);
        if fields.value("scheme").is_none() {
            return Err(vec!["has no scheme".into()]);
        }
        let verifier = match fields.word("scheme", &SCHEMES) {
            Some(name @ ("bearer" | "header" | "basic")) => token(name, &mut fields).map(Self::Token),
            Some(name) => scheme(name, &mut fields).map(Self::Signature),
            None => return Err(fields.into_faults()),
        };
        fields.refuse_unknown(&[]);
        match (verifier, fields.into_faults()) {
            (Some(verifier), faults) if faults.is_empty() => Ok(verifier),
            (_, faults) => Err(faults),
        }
    }
}

fn scheme(name: &str, fields: &mut Fields<'_>) -> Option<Scheme> {
    let Some(preset) = preset(name) else { return stated_scheme(fields) };
    let signed = parts(preset.signed).expect("a test reads every preset");
    let source = |stated: Option<&'static str>| stated.map(|text| source(text).expect("a test reads every preset"));
    Some(Scheme {
        url: url(&signed, fields)?,
        keys: keys(preset.keys, fields)?,
        tolerance: tolerance(preset.timestamp.is_some(), fields)?,
        header: HeaderName::from_static(preset.header),
        signed,
        id: source(preset.id),
        timestamp: source(preset.timestamp),
        hash: Hash::Sha256,
        encoding: preset.encoding,
        prefix: preset.prefix.into(),
    })
}

/// Reads every field before it gives up on any.
fn stated_scheme(fields: &mut Fields<'_>) -> Option<Scheme> {
    let header = fields.text("header").and_then(|text| header(text, "header", fields));
    let signed = match parts(fields.optional_text("signed").unwrap_or("{body}")) {
        Ok(parts) => Some(parts),
        Err(why) => fields.fault(format!("has a signed {why}")),
    };
    let id = stated_source("id", Part::Id, signed.as_deref(), fields);
    let timestamp = stated_source("timestamp", Part::Timestamp, signed.as_deref(), fields);
    let hash = fields.word("hash", &["sha256", "sha512"]);
    let encoding = fields.word("encoding", &["hex", "base64", "base64url"]);
    let key_encoding = match fields.word("key_encoding", &["text", "base64", "base64url", "hex", "whsec"]) {
        Some("base64") => KeyEncoding::Base64,
        Some("base64url") => KeyEncoding::Base64Url,
        Some("hex") => KeyEncoding::Hex,
        Some("whsec") => KeyEncoding::Whsec,
        _ => KeyEncoding::Text,
    };
    let prefix = fields.optional_text("prefix").unwrap_or_default().to_owned();
    let tolerance = tolerance(matches!(timestamp, Some(Some(_))), fields);
    let url = url(signed.as_deref().unwrap_or_default(), fields);
    let keys = keys(key_encoding, fields);
    Some(Scheme {
        header: header?,
        signed: signed?,
        id: id?,
        timestamp: timestamp?,
        hash: if hash? == "sha512" { Hash::Sha512 } else { Hash::Sha256 },
        encoding: match encoding? {
            "base64" => Encoding::Base64,
            "base64url" => Encoding::Base64Url,
            _ => Encoding::Hex,
        },
        prefix,
        tolerance: tolerance?,
        url: url?,
        keys: keys?,
    })
}

fn token(name: &str, fields: &mut Fields<'_>) -> Option<Token> {
    let authorization = http::header::AUTHORIZATION;
    Some(match name {
        "basic" => Token { header: authorization, kind: Some("Basic"), tokens: users(fields)? },
        "bearer" => Token { header: authorization, kind: Some("Bearer"), tokens: tokens(fields)? },
        _ => {
            let header = fields.text("header").and_then(|text| header(text, "header", fields));
            let tokens = tokens(fields);
            Token { header: header?, kind: None, tokens: tokens? }
        }
    })
}

fn tokens(fields: &mut Fields<'_>) -> Option<Vec<SecretString>> {
    let tokens = fields.secrets("tokens");
    check_count(tokens.len(), "tokens", fields)?;
    tokens.iter().try_for_each(|token| check_token(token.expose_secret(), "token", fields))?;
    (!tokens.is_empty()).then_some(tokens)
}

/// As a client writes them: base64 of `name:password`.
fn users(fields: &mut Fields<'_>) -> Option<Vec<SecretString>> {
    let Some(value) = fields.value("users") else { return fields.fault("has no users") };
    let users = value.as_object().map(|users| users.iter().map(|(name, password)| Some((name, password.as_str()?))));
    let users: Option<Vec<(&String, &str)>> = users.and_then(Iterator::collect);
    let Some(users) = users else { return fields.fault("has users that are not names with passwords") };
    if users.is_empty() {
        return fields.fault("has no users: the object is empty");
    }
    check_count(users.len(), "users", fields)?;
    if users.iter().any(|(name, _)| name.is_empty() || name.contains(':')) {
        return fields.fault("has a user's name that is empty or holds a colon: no client can send it");
    }
    users.iter().try_for_each(|(_, password)| check_token(password, "password", fields))?;
    Some(
        users
            .into_iter()
            .map(|(name, password)| BASE64.encode(format!("{name}:{password}").as_bytes()).into())
            .collect(),
    )
}

/// A line break at a token's end is the commonest slip, and no request could ever carry it.
fn check_token(token: &str, what: &str, fields: &mut Fields<'_>) -> Option<()> {
    if token.is_empty() || token.trim() != token || HeaderValue::from_str(token).is_err() {
        return fields.fault(format!(
            "has a {what} that no header can carry: it is empty, or holds a line break, a space at an end or another character beyond \
             visible ASCII"
        ));
    }
    if token.chars().count() < SHORTEST_SECRET {
        return fields.fault(format!("has a {what} of fewer than {SHORTEST_SECRET} characters: it can be guessed"));
    }
    Some(())
}

fn check_count(count: usize, what: &str, fields: &mut Fields<'_>) -> Option<()> {
    if count > MOST_SECRETS {
        return fields.fault(format!("has more than {MOST_SECRETS} {what}: take out those that are no longer valid"));
    }
    Some(())
}

fn keys(encoding: KeyEncoding, fields: &mut Fields<'_>) -> Option<Vec<secrecy::SecretSlice<u8>>> {
    let secrets = fields.secrets("signing_secrets");
    check_count(secrets.len(), "signing_secrets", fields)?;
    let mut keys = Vec::new();
    for secret in &secrets {
        let Some(key) = encoding.decode(secret.expose_secret()) else {
            return fields.fault(format!("has a signing secret that is not {}", encoding.name()));
        };
        if key.len() < SHORTEST_SECRET {
            return fields
                .fault(format!("has a signing secret of fewer than {SHORTEST_SECRET} bytes: it can be guessed"));
        }
        keys.push(key.into());
    }
    (!keys.is_empty()).then_some(keys)
}

impl KeyEncoding {
    fn decode(self, secret: &str) -> Option<Vec<u8>> {
        match self {
            Self::Text => (secret.trim() == secret).then(|| secret.as_bytes().to_vec()),
            Self::Whsec => BASE64.decode(secret.strip_prefix("whsec_")?.as_bytes()).ok(),
            Self::Base64 => BASE64.decode(secret.as_bytes()).ok(),
            Self::Base64Url => BASE64URL_NOPAD.decode(secret.trim_end_matches('=').as_bytes()).ok(),
            Self::Hex => HEXLOWER_PERMISSIVE.decode(secret.as_bytes()).ok(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Text => "a text without spaces or a line break at its ends",
            Self::Whsec => "whsec_ and base64",
            Self::Base64 => "base64",
            Self::Base64Url => "base64url",
            Self::Hex => "hexadecimal",
        }
    }
}

fn header(text: &str, field: &str, fields: &mut Fields<'_>) -> Option<HeaderName> {
    HeaderName::try_from(text).ok().or_else(|| fields.fault(format!("has a {field} that is no header's name")))
}

/// `Some(None)` when the scheme has none. A timestamp or id that is not signed would protect nothing.
#[expect(clippy::option_option, reason = "absent and faulty are told apart")]
fn stated_source(
    name: &'static str,
    part: Part,
    signed: Option<&[Part]>,
    fields: &mut Fields<'_>,
) -> Option<Option<Source>> {
    let stated = fields.optional_text(name);
    let is_signed = signed?.contains(&part);
    match stated {
        None if is_signed => {
            fields.fault(format!("has no {name}, but {{{name}}} in signed: say in which header it is"))
        }
        Some(_) if !is_signed => {
            fields.fault(format!("has {name}, but no {{{name}}} in signed: it would protect nothing"))
        }
        None => Some(None),
        Some(text) => match source(text) {
            Some(source) => Some(Some(source)),
            None => fields.fault(format!("has a {name} that is no header's name, nor an entry such as t=")),
        },
    }
}

fn source(text: &str) -> Option<Source> {
    if text.ends_with('=') {
        return (!text.contains(',')).then(|| Source::Entry(text.to_owned()));
    }
    HeaderName::try_from(text).ok().map(Source::Header)
}

fn tolerance(has_timestamp: bool, fields: &mut Fields<'_>) -> Option<SignedDuration> {
    let seconds = |seconds: u64| SignedDuration::from_secs(seconds.try_into().unwrap_or(i64::MAX));
    match fields.value("tolerance_seconds") {
        None => Some(seconds(TOLERANCE_SECONDS)),
        Some(_) if !has_timestamp => fields.fault("has tolerance_seconds, but no signed timestamp to compare with"),
        Some(stated) => {
            let usable = stated.as_u64().filter(|stated| (1..=LARGEST_TOLERANCE_SECONDS).contains(stated));
            let words = format!("has tolerance_seconds that is no whole number from 1 to {LARGEST_TOLERANCE_SECONDS}");
            usable.map(seconds).or_else(|| fields.fault(words))
        }
    }
}

fn url(signed: &[Part], fields: &mut Fields<'_>) -> Option<String> {
    if signed.contains(&Part::Url) {
        return fields.text("url").map(str::to_owned);
    }
    match fields.value("url") {
        Some(Value::Null) | None => Some(String::new()),
        Some(_) => fields.fault("has a url, but no {url} in what is signed"),
    }
}

/// Takes `"{timestamp}.{body}"` apart.
fn parts(template: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        let (literal, placeholder) = rest.split_at(at);
        let end = placeholder.find('}').ok_or("with a brace that is not closed")?;
        if !literal.is_empty() {
            parts.push(Part::Literal(literal.to_owned()));
        }
        parts.push(match &placeholder[1..end] {
            "id" => Part::Id,
            "timestamp" => Part::Timestamp,
            "body" => Part::Body,
            "url" => Part::Url,
            _ => return Err("with a placeholder other than {id}, {timestamp}, {body} and {url}".into()),
        });
        rest = &placeholder[end + 1..];
    }
    if !rest.is_empty() {
        parts.push(Part::Literal(rest.to_owned()));
    }
    if parts.contains(&Part::Body) { Ok(parts) } else { Err("without {body}: anybody could change it".into()) }
}
