//! One reading of Secrets Manager: what it gave, what is wrong with it, and what of it stays usable.

use std::sync::Arc;

use aws_sdk_secretsmanager::{
    Client,
    operation::batch_get_secret_value::{BatchGetSecretValueError, BatchGetSecretValueOutput},
};
use http::HeaderValue;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, de::DeserializeOwned};

use super::{CalendarSecret, SccSecret, Secret, SecretFault, Secrets, SecretsError};
use crate::{
    inbound::Verifier,
    outbound::{Answered, Call, Deadline, Effect, Outbound, Service, from_sdk},
    runtime::config::AllowedHosts,
};

const WEBHOOK: &str = "webhook";
const CALENDAR: &str = "calendar";
const SCC: &str = "scc";
const GUEST_PAGE: &str = "guest-page";

const READ: Call = Call { service: Service::SecretsManager, operation: "read_secrets", effect: Effect::Repeatable };

/// Where the secrets are, and where their tokens may be sent.
#[derive(Debug)]
pub struct SecretSource {
    /// Secrets Manager.
    pub client: Client,
    /// The way to it.
    pub outbound: Outbound,
    /// `SECRETS_PREFIX`.
    pub prefix: String,
    /// The hosts that a service's URL may name.
    pub hosts: AllowedHosts,
}

/// Each secret as it was found, usable or not.
pub(super) struct Reading {
    pub(super) webhook: Result<Arc<Verifier>, SecretFault>,
    pub(super) link_key: Result<SecretString, SecretFault>,
    pub(super) distribution_id: Result<String, SecretFault>,
    pub(super) calendar: Result<Secret<CalendarSecret>, SecretFault>,
    pub(super) scc: Result<Secret<SccSecret>, SecretFault>,
    /// All that is wrong with them, each fault once.
    pub(super) faults: Vec<SecretFault>,
}

#[derive(Clone, Deserialize)]
struct GuestPageSecret {
    distribution_id: Option<String>,
    link_key: SecretString,
}

impl SecretSource {
    /// Reads all four in one call, which is tried again like any other that reads.
    pub(super) async fn read(&self, deadline: &Deadline) -> Result<Reading, SecretsError> {
        let names = [WEBHOOK, CALENDAR, SCC, GUEST_PAGE].map(|name| format!("{}/{name}", self.prefix));
        let once = || async {
            let request = self.client.batch_get_secret_value().set_secret_id_list(Some(names.to_vec()));
            let value = request.send().await.map_err(|error| from_sdk::<BatchGetSecretValueError>(READ, error))?;
            Ok(Answered { status: 200, remote_id: None, value })
        };
        let answer = self.outbound.attempts(READ, deadline, once).await;
        let unreachable = |error| SecretsError::Unreachable { prefix: self.prefix.clone(), source: Box::new(error) };
        let answer = answer.map_err(unreachable)?;
        Ok(Reading::of(&Batch { prefix: &self.prefix, answer: &answer }, &self.hosts))
    }
}

impl Reading {
    fn of(batch: &Batch<'_>, hosts: &AllowedHosts) -> Self {
        let (link_key, distribution_id) = batch.guest_page();
        let mut reading = Self {
            webhook: batch.webhook(),
            link_key,
            distribution_id,
            calendar: batch.service(CALENDAR, hosts, |secret: &mut CalendarSecret| {
                (&mut secret.url, "dashboard_token", &secret.dashboard_token)
            }),
            scc: batch
                .service(SCC, hosts, |secret: &mut SccSecret| (&mut secret.url, "service_key", &secret.service_key)),
            faults: Vec::new(),
        };
        let mut faults: Vec<&SecretFault> = [
            reading.webhook.as_ref().err(),
            reading.link_key.as_ref().err(),
            reading.distribution_id.as_ref().err(),
            reading.calendar.as_ref().err(),
            reading.scc.as_ref().err(),
        ]
        .into_iter()
        .flatten()
        .collect();
        faults.dedup();
        reading.faults = faults.into_iter().cloned().collect();
        if let Ok(scc) = &mut reading.scc {
            reading.faults.extend(batch.drop_unusable_upload_urls(&mut scc.content));
        }
        reading
    }

    /// This reading, with the version before in the place of each secret that cannot be used any more.
    pub(super) fn keeping_what_works_in(self, before: &Secrets) -> Self {
        Self {
            webhook: self.webhook.or_else(|_fault| Ok(before.webhook.clone())),
            link_key: self.link_key.or_else(|_fault| Ok(before.link_key.clone())),
            distribution_id: usable(self.distribution_id, &before.distribution_id),
            calendar: usable(self.calendar, &before.calendar),
            scc: usable(self.scc, &before.scc),
            faults: self.faults,
        }
    }
}

fn usable<T: Clone>(new: Result<T, SecretFault>, before: &Result<T, SecretFault>) -> Result<T, SecretFault> {
    match (new, before) {
        (Err(_), Ok(before)) => Ok(before.clone()),
        (new, _) => new,
    }
}

/// One answer of Secrets Manager: what it gave, and what it would not give (which comes with a success).
struct Batch<'a> {
    prefix: &'a str,
    answer: &'a BatchGetSecretValueOutput,
}

impl Batch<'_> {
    fn fault(&self, name: &str, reason: impl Into<String>) -> SecretFault {
        SecretFault { name: format!("{}/{name}", self.prefix), reason: reason.into() }
    }

    fn parse<T: DeserializeOwned>(&self, name: &str) -> Result<Secret<T>, SecretFault> {
        let full_name = format!("{}/{name}", self.prefix);
        let Some(entry) = self.answer.secret_values().iter().find(|entry| entry.name() == Some(&full_name)) else {
            let denied = self.answer.errors().iter().find(|error| error.secret_id() == Some(&full_name));
            let why = denied.and_then(|error| error.error_code()).unwrap_or("it is not among the answers");
            return Err(self.fault(name, format!("cannot be read: {why}")));
        };
        let json = entry.secret_string().unwrap_or_default();
        // serde's own message could quote a value; line, column and kind are enough to find a typo.
        let content = serde_json::from_str(json).map_err(|error| {
            let (line, column, kind) = (error.line(), error.column(), error.classify());
            self.fault(
                name,
                format!("is not the JSON that it should be: {kind:?} fault at line {line}, column {column}"),
            )
        })?;
        Ok(Secret { content, version: entry.version_id().unwrap_or_default().to_owned() })
    }

    fn webhook(&self) -> Result<Arc<Verifier>, SecretFault> {
        let verifier = self.parse::<Verifier>(WEBHOOK)?.content;
        verifier.validate().map_err(|reason| self.fault(WEBHOOK, reason))?;
        match &verifier {
            Verifier::Bearer { tokens } => {
                tokens.iter().try_for_each(|token| self.sendable(WEBHOOK, "token", token))?
            }
            Verifier::StandardWebhooks { .. } | Verifier::HmacSha256 { .. } => {}
        }
        Ok(Arc::new(verifier))
    }

    /// The link key and the distribution's id.
    fn guest_page(&self) -> (Result<SecretString, SecretFault>, Result<String, SecretFault>) {
        let secret = match self.parse::<GuestPageSecret>(GUEST_PAGE) {
            Ok(secret) => secret.content,
            Err(fault) => return (Err(fault.clone()), Err(fault)),
        };
        let link_key = Some(secret.link_key).filter(|key| !key.expose_secret().is_empty());
        let distribution_id = secret.distribution_id.filter(|id| !id.is_empty());
        (
            link_key.ok_or_else(|| self.fault(GUEST_PAGE, "has an empty link_key")),
            distribution_id.ok_or_else(|| self.fault(GUEST_PAGE, "has no distribution_id")),
        )
    }

    /// A service's secret, with a URL that may be called and a token (of this name) that can be shown; `parts` finds them in it.
    fn service<T: DeserializeOwned>(
        &self,
        name: &str,
        hosts: &AllowedHosts,
        parts: impl Fn(&mut T) -> (&mut String, &'static str, &SecretString),
    ) -> Result<Secret<T>, SecretFault> {
        let mut secret = self.parse::<T>(name)?;
        let (url, token_name, token) = parts(&mut secret.content);
        let checked = hosts.check(url);
        *url = checked.map_err(|error| self.fault(name, format!("has a url that is not called: {error}")))?;
        self.sendable(name, token_name, token)?;
        Ok(secret)
    }

    /// Photos are not worth a charter that crew are not told of: a faulty address is reported and counts as absent.
    fn drop_unusable_upload_urls(&self, scc: &mut SccSecret) -> impl Iterator<Item = SecretFault> {
        let presign_url = scc.presign_url.take_if(|url| !url.contains("{event_id}") || !is_for_browsers(url));
        let upload_url = scc.upload_url.take_if(|url| !is_for_browsers(url));
        let faults = [
            presign_url.map(|_| self.fault(SCC, "has a presign_url that is no https URL with {event_id} in it")),
            upload_url.map(|_| self.fault(SCC, "has an upload_url that is no https URL")),
        ];
        faults.into_iter().flatten()
    }

    /// A line break at a token's end is the commonest slip of whoever stores one, and no service would say so.
    fn sendable(&self, name: &str, token_name: &str, token: &SecretString) -> Result<(), SecretFault> {
        let token = token.expose_secret();
        if !token.is_empty() && token.trim() == token && HeaderValue::from_str(token).is_ok() {
            return Ok(());
        }
        let reason = format!(
            "has a {token_name} that no header can carry: it is empty, or holds a line break, a space at an end or another character \
             beyond visible ASCII"
        );
        Err(self.fault(name, reason))
    }
}

/// Browsers call it from the guest site, and a page's policy names it: nothing that would end a part of that policy may be in it.
fn is_for_browsers(url: &str) -> bool {
    let Ok(parsed) = Url::parse(url) else { return false };
    let loopback = matches!(parsed.host_str(), Some("127.0.0.1" | "localhost"));
    (parsed.scheme() == "https" || parsed.scheme() == "http" && loopback)
        && !parsed.as_str().contains([';', ',', ' ', '\''])
}

#[cfg(test)]
mod tests {
    use aws_sdk_secretsmanager::types::{ApiErrorType, SecretValueEntry};

    use super::*;

    const SOUND: [(&str, &str); 4] = [
        (WEBHOOK, r#"{"scheme": "bearer", "tokens": ["t0ken"]}"#),
        (CALENDAR, r#"{"url": " https://a1.execute-api.us-west-2.amazonaws.com/prod/ ", "dashboard_token": "d4sh"}"#),
        (SCC, r#"{"url": "https://a2.execute-api.us-west-2.amazonaws.com/prod", "service_key": "k3y"}"#),
        (GUEST_PAGE, r#"{"distribution_id": "E1", "link_key": "l1nk"}"#),
    ];

    fn read(secrets: &[(&str, &str)]) -> Reading {
        let entry = |(name, json): &(&str, &str)| {
            SecretValueEntry::builder().name(format!("p/{name}")).secret_string(*json).version_id(*json).build()
        };
        let denied = ApiErrorType::builder().secret_id("p/scc").error_code("AccessDeniedException").build();
        let answer = BatchGetSecretValueOutput::builder()
            .set_secret_values(Some(secrets.iter().map(entry).collect()))
            .errors(denied)
            .build();
        Reading::of(&Batch { prefix: "p", answer: &answer }, &AllowedHosts::default())
    }

    fn read_with(name: &str, json: &str) -> Reading {
        read(&SOUND.map(|(known, sound)| (known, if known == name { json } else { sound })))
    }

    #[test]
    fn sound_secrets_are_taken_and_a_url_is_what_is_called() {
        let reading = read(&SOUND);
        assert_eq!(reading.faults, []);
        let calendar = reading.calendar.expect("sound").content;
        assert_eq!(calendar.url, "https://a1.execute-api.us-west-2.amazonaws.com/prod");
    }

    #[test]
    fn each_fault_is_said_once_without_a_character_of_the_secret() {
        for (name, json, words) in [
            (WEBHOOK, r#"{"scheme": "bearer", "tokens": ["s3cret\n"]}"#, "token that no header can carry"),
            (WEBHOOK, r#"{"scheme": "s3cret", "tokens": []}"#, "Data fault at line 1"),
            (
                CALENDAR,
                r#"{"url": "http://localhost/prod", "dashboard_token": "s3cret\n"}"#,
                "dashboard_token that no header",
            ),
            (CALENDAR, r#"{"url": "http://localhost/prod", "dashboard_token": ""}"#, "dashboard_token that no header"),
            (CALENDAR, r#"{"url": "s3cret", "dashboard_token": "t"}"#, "no absolute URL"),
            (SCC, r#"{"url": "http://localhost/prod", "service_key": " s3cret"}"#, "service_key that no header"),
            (SCC, r#"{"url": "http://localhost/prod", "service_key": "s3cr\u0007t"}"#, "service_key that no header"),
            (SCC, r#"{"url": "http://localhost/prod", "service_key": "s3cret", "auth": "s3cret"}"#, "Data fault"),
            (
                SCC,
                r#"{"url": "http://localhost/prod", "service_key": "k", "presign_url": "https://s3cret.example/presign"}"#,
                "presign_url that is no https URL with {event_id}",
            ),
            (
                SCC,
                r#"{"url": "http://localhost/prod", "service_key": "k", "presign_url": "http://s3cret.example/{event_id}"}"#,
                "presign_url that is no https URL",
            ),
            (
                SCC,
                r#"{"url": "http://localhost/prod", "service_key": "k", "upload_url": "https://s3cret.example/;a"}"#,
                "upload_url that is no https URL",
            ),
            (GUEST_PAGE, r#"{"link_key": "s3cret", "distribution_id": 1}"#, "Data fault"),
            (GUEST_PAGE, r#"{"link_key": "s3cret"}"#, "no distribution_id"),
            (GUEST_PAGE, r#"{"link_key": "", "distribution_id": "E1"}"#, "empty link_key"),
        ] {
            let faults: Vec<String> = read_with(name, json).faults.iter().map(ToString::to_string).collect();
            let [fault] = &faults[..] else { panic!("{json}: {faults:?}") };
            assert!(fault.starts_with(&format!("the secret p/{name} ")) && fault.contains(words), "{json}: {fault}");
            assert!(!fault.contains("s3cr"), "{fault}");
        }
        let denied = read(&[SOUND[0], SOUND[1], SOUND[3]]).faults;
        assert!(denied[0].to_string().ends_with("cannot be read: AccessDeniedException"), "{denied:?}");
    }

    #[test]
    fn a_faulty_address_for_photos_costs_the_photos_and_nothing_else() {
        let with = |presign_url: &str, upload_url: &str| {
            let json = SOUND[2]
                .1
                .replace('}', &format!(r#", "presign_url": "{presign_url}", "upload_url": "{upload_url}"}}"#));
            let reading = read_with(SCC, &json);
            let scc = reading.scc.expect("it can be called").content;
            (scc.presign_url.is_some(), scc.upload_url.is_some(), reading.faults.len())
        };
        assert_eq!(with("https://a2.example/g/{event_id}/presign", "https://photos.example/"), (true, true, 0));
        assert_eq!(with("http://127.0.0.1:1/g/{event_id}/presign", "http://127.0.0.1:2/photos"), (true, true, 0));
        assert_eq!(with("/g/{event_id}/presign", "https://photos.example/"), (false, true, 1));
        assert_eq!(with("javascript:{event_id}", "photos"), (false, false, 2));
    }

    #[test]
    fn what_cannot_be_used_any_more_leaves_the_version_before() {
        let before = Secrets::of(read(&SOUND)).expect("sound");
        let worse = Secrets::of(read(&[]).keeping_what_works_in(&before)).expect("what was there can be used");
        assert_eq!(worse.calendar.expect("kept").version, SOUND[1].1);
        assert_eq!(worse.scc.expect("kept").content.service_key.expose_secret(), "k3y");
        assert_eq!((worse.link_key.expose_secret(), worse.distribution_id), ("l1nk", Ok("E1".to_owned())));
        assert_eq!(worse.faults.len(), 4, "{:?}", worse.faults);

        let rotated = SOUND[1].1.replace("d4sh", "n3w");
        let mended = Secrets::of(read_with(CALENDAR, &rotated).keeping_what_works_in(&before)).expect("sound");
        assert_eq!(mended.calendar.expect("sound").content.dashboard_token.expose_secret(), "n3w");
    }
}
