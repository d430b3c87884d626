//! For people who connect a sender: signing a body, and saying which part of a header does not fit.

use http::{HeaderMap, HeaderName};
use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::{Age, Encoding, Hash, Scheme, SignatureError, Source, Verifier, text};

impl Verifier {
    /// The headers that make `body` authentic, with the first of the secrets.
    pub fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> Vec<(HeaderName, String)> {
        match self {
            Self::Token(token) => {
                let secret = token.tokens.first().map(ExposeSecret::expose_secret).unwrap_or_default();
                let value = token.kind.map_or_else(|| secret.to_owned(), |kind| format!("{kind} {secret}"));
                vec![(token.header.clone(), value)]
            }
            Self::Signature(scheme) => scheme.sign(id, at, body),
        }
    }

    /// What a person should look at, when a request is not authentic; empty when it is.
    pub fn explain(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Vec<String> {
        let error = match self.verify(headers, body, now, Age::Fresh) {
            Ok(()) => return Vec::new(),
            Err(error) => error,
        };
        let mut words = vec![error.to_string()];
        match (self, &error) {
            (Self::Signature(scheme), SignatureError::NoMatch) => words.extend(scheme.differences(headers, body)),
            (Self::Signature(scheme), SignatureError::Expired { .. }) => {
                let fits = scheme.verify(headers, body, now, Age::Any).is_ok();
                words.push(format!(
                    "beside its age the signature {}",
                    if fits { "fits" } else { "does not fit either" }
                ));
            }
            (Self::Token(_), SignatureError::NoMatch) => {
                words.push("another token is stored than the one that was sent".into())
            }
            (_, SignatureError::Header(name)) => {
                let sent: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
                words.push(format!("{name} is looked for; sent were: {}", sent.join(", ")));
            }
            (Self::Token(_), SignatureError::Expired { .. }) => {}
        }
        words
    }
}

impl Scheme {
    fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> Vec<(HeaderName, String)> {
        let timestamp = at.as_second().to_string();
        let key = self.keys.first().map(ExposeSecret::expose_secret).unwrap_or_default();
        let mac = self.hash.of(key, &self.parts(id, &timestamp, body));
        let mut entries = Vec::new();
        let mut headers = Vec::new();
        for (source, value) in [(&self.id, id), (&self.timestamp, &*timestamp)] {
            match source {
                Some(Source::Header(name)) => headers.push((name.clone(), value.to_owned())),
                Some(Source::Entry(begin)) => entries.push(format!("{begin}{value}")),
                None => {}
            }
        }
        entries.push(format!("{}{}", self.prefix, self.encoding.encode(&mac)));
        headers.push((self.header.clone(), entries.join(",")));
        headers
    }

    /// Signatures that would have fitted, had one thing been otherwise.
    fn differences(&self, headers: &HeaderMap, body: &[u8]) -> Vec<String> {
        let Ok(stated) = text(headers, &self.header) else { return Vec::new() };
        if !stated.split(self.separator()).any(|entry| entry.trim().starts_with(&*self.prefix)) {
            return vec![format!("{} holds no signature that begins with {:?}", self.header, self.prefix)];
        }
        let source = |source: &Option<Source>| {
            source.as_ref().and_then(|source| self.stated(source, headers).ok()).unwrap_or_default()
        };
        let (id, timestamp) = (source(&self.id), source(&self.timestamp));
        let fits = |parts: &[&[u8]], hash: Hash| {
            self.keys.iter().any(|key| {
                let mac = hash.of(key.expose_secret(), parts);
                [Encoding::Hex, Encoding::Base64, Encoding::Base64Url].iter().any(|encoding| {
                    let expected = encoding.encode(&mac);
                    stated.to_ascii_lowercase().contains(&expected.to_ascii_lowercase())
                        || stated.contains(expected.trim_end_matches('='))
                })
            })
        };
        let whole = self.parts(id, timestamp, body);
        let trimmed = body.trim_ascii();
        let with_line_end = [trimmed, b"\n"].concat();
        let other_hash = if self.hash == Hash::Sha256 { Hash::Sha512 } else { Hash::Sha256 };
        let tries: [(bool, &str); 6] = [
            (fits(&whole, self.hash), "the key and what is signed are right, but it is written in another encoding"),
            (fits(&whole, other_hash), "it is made with the other hash"),
            (fits(&self.parts(id, timestamp, trimmed), self.hash), "it is over the body without the blanks around it"),
            (
                fits(&self.parts(id, timestamp, &with_line_end), self.hash),
                "it is over the body with a line break at its end",
            ),
            (fits(&[body], self.hash), "it is over the body alone"),
            (fits(&[timestamp.as_bytes(), b".", body], self.hash), "it is over timestamp.body"),
        ];
        let found = tries.iter().find(|(fits, _)| *fits).map(|(_, words)| (*words).to_owned());
        vec![found.unwrap_or_else(|| {
            "another key, or another body: compare the stored secret with the sender's, and send the body byte for byte".into()
        })]
    }
}
