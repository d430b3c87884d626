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
mod tests;
