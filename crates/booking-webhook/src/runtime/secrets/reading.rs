//! One reading of Secrets Manager: what it gave, what is wrong with it, and what of it stays usable.

use std::{collections::BTreeMap, sync::Arc};

use aws_sdk_secretsmanager::{
    Client,
    operation::batch_get_secret_value::{BatchGetSecretValueError, BatchGetSecretValueOutput},
    types::ApiErrorType,
};
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD};
use http::HeaderValue;
use reqwest::Url;
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::{CalendarSecret, DeskKey, SccAuthentication, SccSecret, Secret, SecretFault, Secrets, SecretsError};
use crate::{
    inbound::{SenderName, Verifier},
    outbound::{Answered, Call, CallError, Deadline, Effect, Outbound, Service, from_sdk},
    runtime::config::{AllowedHosts, Fields, json_object},
};

const CALENDAR: &str = "calendar";
const SCC: &str = "scc";
const GUEST_PAGE: &str = "guest-page";
/// The one secret that may be missing.
const DESK: &str = "desk";
/// Of the desk's key: as many as its HMAC has.
const SHORTEST_KEY_BYTES: usize = 32;
/// `BatchGetSecretValue` takes no more names.
const MOST_NAMES: usize = 20;

const READ: Call = Call { service: Service::SecretsManager, operation: "read_secrets", effect: Effect::Repeatable };

/// Where the secrets are, and where their tokens may be sent.
#[derive(Debug)]
pub(crate) struct SecretSource {
    /// Secrets Manager.
    pub(crate) client: Client,
    /// The way to it.
    pub(crate) outbound: Outbound,
    /// `SECRETS_PREFIX`.
    pub(crate) prefix: String,
    /// The hosts that a service's URL may name.
    pub(crate) hosts: AllowedHosts,
    /// Each of them has a secret of its own.
    pub(crate) senders: Vec<SenderName>,
}

/// How each sender's deliveries are verified, or why they cannot be.
pub(crate) type Webhooks = BTreeMap<SenderName, Result<Arc<Verifier>, SecretFault>>;

/// Each secret as it was found, usable or not.
pub(super) struct Reading {
    pub(super) webhooks: Webhooks,
    pub(super) link_key: Result<SecretString, SecretFault>,
    pub(super) distribution_id: Result<String, SecretFault>,
    pub(super) calendar: Result<Secret<CalendarSecret>, SecretFault>,
    pub(super) scc: Result<Secret<SccSecret>, SecretFault>,
    pub(super) desk: Result<Option<DeskKey>, SecretFault>,
    /// All that is wrong with them, each fault once.
    pub(super) faults: Vec<SecretFault>,
}

impl SecretSource {
    /// Reads all of them in one call (20 at a time), which is tried again like any other that reads.
    pub(super) async fn read(&self, deadline: &Deadline) -> Result<Reading, SecretsError> {
        let senders = self.senders.iter().map(SenderName::secret);
        let names = [CALENDAR, SCC, GUEST_PAGE, DESK].map(str::to_owned).into_iter().chain(senders);
        let names: Vec<String> = names.map(|name| format!("{}/{name}", self.prefix)).collect();
        let unreachable = |error| SecretsError::Unreachable { prefix: self.prefix.clone(), source: Box::new(error) };
        let mut answers = Vec::new();
        for names in names.chunks(MOST_NAMES) {
            answers.push(self.read_some(names, deadline).await.map_err(unreachable)?);
        }
        Ok(Reading::of(&Batch { prefix: &self.prefix, answers: &answers }, &self.hosts, &self.senders))
    }

    async fn read_some(&self, names: &[String], deadline: &Deadline) -> Result<BatchGetSecretValueOutput, CallError> {
        let once = || async {
            let request = self.client.batch_get_secret_value().set_secret_id_list(Some(names.to_vec()));
            let value = request.send().await.map_err(|error| from_sdk::<BatchGetSecretValueError>(READ, error))?;
            Ok(Answered::ok(value))
        };
        self.outbound.attempts(READ, deadline, once).await
    }
}

impl Reading {
    fn of(batch: &Batch<'_>, hosts: &AllowedHosts, senders: &[SenderName]) -> Self {
        let (link_key, distribution_id) = batch.guest_page();
        let mut reading = Self {
            webhooks: senders.iter().map(|name| (name.clone(), batch.webhook(name))).collect(),
            link_key,
            distribution_id,
            calendar: batch.calendar(hosts),
            scc: batch.scc(hosts),
            desk: batch.desk(),
            faults: Vec::new(),
        };
        let of_senders = reading.webhooks.values().filter_map(|webhook| webhook.as_ref().err());
        let others = [
            reading.link_key.as_ref().err(),
            reading.distribution_id.as_ref().err(),
            reading.calendar.as_ref().err(),
            reading.scc.as_ref().err(),
            reading.desk.as_ref().err(),
        ];
        let mut faults: Vec<&SecretFault> = of_senders.chain(others.into_iter().flatten()).collect();
        faults.dedup();
        reading.faults = faults.into_iter().cloned().collect();
        if let Ok(scc) = &mut reading.scc {
            reading.faults.extend(batch.drop_unusable_upload_urls(&mut scc.content));
        }
        reading
    }

    /// This reading, with the version before in the place of each secret that cannot be used any more.
    pub(super) fn keeping_what_works_in(self, before: &Secrets) -> Self {
        let webhook = |(name, new): (SenderName, Result<Arc<Verifier>, SecretFault>)| {
            let usable = match before.webhooks.get(&name) {
                Some(before) => usable(new, before),
                None => new,
            };
            (name, usable)
        };
        Self {
            webhooks: self.webhooks.into_iter().map(webhook).collect(),
            link_key: self.link_key.or_else(|_fault| Ok(before.link_key.clone())),
            distribution_id: usable(self.distribution_id, &before.distribution_id),
            calendar: usable(self.calendar, &before.calendar),
            scc: usable(self.scc, &before.scc),
            // The key was replaced to end its links: the version before would keep them alive.
            desk: self.desk,
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

/// What Secrets Manager answered: what it gave, and what it would not give (which comes with a success).
struct Batch<'a> {
    prefix: &'a str,
    answers: &'a [BatchGetSecretValueOutput],
}

/// One secret's text and version.
struct Stored<'a> {
    json: &'a str,
    version: String,
}

impl Batch<'_> {
    fn fault(&self, name: &str, reason: impl Into<String>) -> SecretFault {
        SecretFault { name: format!("{}/{name}", self.prefix), reason: reason.into() }
    }

    fn stored(&self, name: &str) -> Result<Stored<'_>, SecretFault> {
        let full_name = format!("{}/{name}", self.prefix);
        let mut values = self.answers.iter().flat_map(BatchGetSecretValueOutput::secret_values);
        let Some(entry) = values.find(|entry| entry.name() == Some(&full_name)) else {
            let mut errors = self.answers.iter().flat_map(BatchGetSecretValueOutput::errors);
            let denied = errors.find(|error| error.secret_id() == Some(&full_name));
            let why = denied.and_then(|error| error.error_code()).unwrap_or("it is not among the answers");
            return Err(self.fault(name, format!("cannot be read: {why}")));
        };
        let version = entry.version_id().unwrap_or_default().to_owned();
        Ok(Stored { json: entry.secret_string().unwrap_or_default(), version })
    }

    fn webhook(&self, sender: &SenderName) -> Result<Arc<Verifier>, SecretFault> {
        let name = sender.secret();
        let verifier = Verifier::parse(self.stored(&name)?.json);
        verifier.map(Arc::new).map_err(|faults| self.fault(&name, faults.join(", and ")))
    }

    /// What `read` makes of a secret's fields, if it notes no fault.
    fn read<T>(&self, name: &str, read: impl FnOnce(&mut Fields<'_>) -> Option<T>) -> Result<Secret<T>, SecretFault> {
        let stored = self.stored(name)?;
        let object: Map<String, Value> = json_object(stored.json).map_err(|reason| self.fault(name, reason))?;
        let mut fields = Fields::of(&object);
        let content = read(&mut fields);
        match (content, fields.into_faults()) {
            (Some(content), faults) if faults.is_empty() => Ok(Secret { content, version: stored.version }),
            (_, faults) => Err(self.fault(name, faults.join(", and "))),
        }
    }

    /// The link key and the distribution's id, each of which can be faulty alone.
    fn guest_page(&self) -> (Result<SecretString, SecretFault>, Result<String, SecretFault>) {
        let link_key = self.read(GUEST_PAGE, |fields| fields.text("link_key").map(SecretString::from));
        let distribution_id = self.read(GUEST_PAGE, |fields| fields.text("distribution_id").map(str::to_owned));
        (link_key.map(|secret| secret.content), distribution_id.map(|secret| secret.content))
    }

    fn calendar(&self, hosts: &AllowedHosts) -> Result<Secret<CalendarSecret>, SecretFault> {
        self.read(CALENDAR, |fields| {
            let (url, dashboard_token) = (callable(fields, hosts), sendable(fields, "dashboard_token"));
            Some(CalendarSecret { url: url?, dashboard_token: dashboard_token? })
        })
    }

    fn scc(&self, hosts: &AllowedHosts) -> Result<Secret<SccSecret>, SecretFault> {
        self.read(SCC, |fields| {
            let (url, service_key) = (callable(fields, hosts), sendable(fields, "service_key"));
            let auth = match fields.word("auth", &["bearer", "x-service-key", "x-service-key-sha256"])? {
                "x-service-key" => SccAuthentication::XServiceKey,
                "x-service-key-sha256" => SccAuthentication::XServiceKeySha256,
                _ => SccAuthentication::Bearer,
            };
            // What is no text is no URL either, and costs no more than the photos.
            let mut browsers = |name| fields.value(name).map(|url| url.as_str().unwrap_or_default().to_owned());
            let (presign_url, upload_url) = (browsers("presign_url"), browsers("upload_url"));
            Some(SccSecret { url: url?, service_key: service_key?, auth, presign_url, upload_url })
        })
    }

    /// The desk's key; `None` when there is no such secret.
    fn desk(&self) -> Result<Option<DeskKey>, SecretFault> {
        if !self.is_there(DESK) {
            return Ok(None);
        }
        let key = self.read(DESK, |fields| {
            let key = fields.text("key")?;
            let key = [BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD]
                .iter()
                .find_map(|encoding| encoding.decode(key.trim().as_bytes()).ok())
                .filter(|key| key.len() >= SHORTEST_KEY_BYTES);
            let no_key = || format!("has a key that is no base64 of {SHORTEST_KEY_BYTES} bytes or more");
            key.map(DeskKey::new).or_else(|| fields.fault(no_key()))
        });
        key.map(|secret| Some(secret.content))
    }

    /// Whether there is a secret of this name, readable or not.
    fn is_there(&self, name: &str) -> bool {
        let full_name = format!("{}/{name}", self.prefix);
        let missing = |error: &ApiErrorType| error.error_code() == Some("ResourceNotFoundException");
        let mut values = self.answers.iter().flat_map(BatchGetSecretValueOutput::secret_values);
        let mut errors = self.answers.iter().flat_map(BatchGetSecretValueOutput::errors);
        values.any(|entry| entry.name() == Some(&full_name))
            || errors.any(|error| error.secret_id() == Some(&full_name) && !missing(error))
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
}

/// A URL that may be called, without a slash at its end.
fn callable(fields: &mut Fields<'_>, hosts: &AllowedHosts) -> Option<String> {
    let url = fields.text("url")?;
    hosts.check(url).map_err(|error| fields.fault::<()>(format!("has a url that is not called: {error}"))).ok()
}

/// The commonest slip in storing a token is a line break at its end, and no service would name it.
fn sendable(fields: &mut Fields<'_>, name: &'static str) -> Option<SecretString> {
    let token = fields.text(name)?;
    if token.trim() == token && HeaderValue::from_str(token).is_ok() {
        return Some(token.into());
    }
    fields.fault(format!(
        "has a {name} that no header can carry: it holds a line break, a space at an end or another character beyond visible ASCII"
    ))
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
    use aws_sdk_secretsmanager::types::SecretValueEntry;
    use secrecy::ExposeSecret;

    use super::*;

    const WEBHOOK: &str = "webhook";

    const SOUND: [(&str, &str); 4] = [
        (WEBHOOK, r#"{"scheme": "bearer", "tokens": ["t0ken-t0ken-t0ken"]}"#),
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
        Reading::of(&Batch { prefix: "p", answers: &[answer] }, &AllowedHosts::default(), &[SenderName::built_in()])
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
            (WEBHOOK, r#"{"scheme": "s3cret", "tokens": []}"#, "has a scheme that is none of"),
            (WEBHOOK, r#"{"scheme": "#, "is not JSON: it breaks at line 1, column 11"),
            (CALENDAR, r#"{"url": "http://localhost/prod"}"#, "has no dashboard_token"),
            (CALENDAR, r#"{"url": 1}"#, "has a url that is not text, and has no dashboard_token"),
            (CALENDAR, r#"["s3cret"]"#, "is not a JSON object"),
            (
                CALENDAR,
                r#"{"url": "http://localhost/prod", "dashboard_token": "s3cret\n"}"#,
                "dashboard_token that no header",
            ),
            (CALENDAR, r#"{"url": "http://localhost/prod", "dashboard_token": ""}"#, "has an empty dashboard_token"),
            (CALENDAR, r#"{"url": "s3cret", "dashboard_token": "t"}"#, "no absolute URL"),
            (SCC, r#"{"url": "http://localhost/prod", "service_key": " s3cret"}"#, "service_key that no header"),
            (SCC, r#"{"url": "http://localhost/prod", "service_key": "s3cr\u0007t"}"#, "service_key that no header"),
            (
                SCC,
                r#"{"url": "http://localhost/prod", "service_key": "s3cret", "auth": "s3cret"}"#,
                "has a auth that is none of",
            ),
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
            (GUEST_PAGE, r#"{"link_key": "s3cret", "distribution_id": 1}"#, "has a distribution_id that is not text"),
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
    fn the_desks_key_may_be_missing_and_not_faulty() {
        let with = |json: &str| read(&[&SOUND[..], &[(DESK, json)]].concat());
        let sound = with(r#"{"key": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}"#);
        assert_eq!((sound.desk.map(|key| key.is_some()), sound.faults), (Ok(true), vec![]));
        assert_eq!(read(&SOUND).desk.map(|key| key.is_some()), Ok(false));
        for (json, words) in [
            (r#"{"key": "czNjcmV0"}"#, "the secret p/desk has a key that is no base64 of 32 bytes or more"),
            (r#"{"key": "s3cret s3cret s3cret s3cret s3cret s3cret s3cret"}"#, "has a key that is no base64"),
            (r#"{"Key": "s3cret"}"#, "the secret p/desk has no key"),
            ("s3cret", "the secret p/desk is not JSON"),
        ] {
            let faulty = with(json);
            let [fault] = &faulty.faults[..] else { panic!("{json}: {:?}", faulty.faults) };
            assert!(faulty.desk.is_err() && fault.to_string().contains(words), "{fault}");
            assert!(!fault.to_string().contains("s3cr"), "{fault}");
        }
    }

    #[test]
    fn any_new_key_of_the_desk_ends_the_old_one() {
        let key = (DESK, r#"{"key": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}"#);
        let before = Secrets::of(read(&[&SOUND[..], &[key]].concat())).expect("sound");
        assert!(matches!(before.desk, Ok(Some(_))));
        let gone = Secrets::of(read(&SOUND).keeping_what_works_in(&before)).expect("sound");
        assert!(matches!(gone.desk, Ok(None)));
        let faulty = read(&[&SOUND[..], &[(DESK, r#"{"key": "short"}"#)]].concat());
        assert!(Secrets::of(faulty.keeping_what_works_in(&before)).expect("sound").desk.is_err());
    }

    #[test]
    fn a_faulty_address_for_photos_costs_the_photos_alone() {
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
