//! Posts any body as any sender, as `make post` does: signed by the tool `sender` with the sender's secret as it stands now.

use std::{collections::BTreeMap, io, sync::Arc};

use axum::{
    body::Bytes,
    extract::{Json, Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::Value;
use tokio::{fs, process::Command};

use super::{About, Desk, Entry, gateway_event, outside};
use crate::{BUILT_IN_SENDER, RehearsalError};

/// Headers that name the delivery, by the schemes that have one.
const IDS: [&str; 2] = ["webhook-id", "svix-id"];
/// What each connection says for itself. A captured request has them, and they would not fit this one.
const OF_THE_CONNECTION: [HeaderName; 4] =
    [header::CONNECTION, header::CONTENT_LENGTH, header::HOST, header::TRANSFER_ENCODING];

/// What a person wants to have posted.
#[derive(Deserialize)]
pub(super) struct Posting {
    /// One `Name: value` a line.
    headers: String,
    body: String,
}

/// Why nothing was posted.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotPosted {
    #[error("The rehearsal has no sender {0}. It reads mappings when it starts: start it again.")]
    UnknownSender(String),
    #[error("The body is empty: paste one, or start from an example.")]
    EmptyBody,
    #[error("{0:?} is no header: write Name: value, one a line.")]
    NoHeader(String),
    #[error("Nothing was posted, because it cannot be signed: {0}")]
    NotSigned(#[from] RehearsalError),
}

impl NotPosted {
    fn status(&self) -> StatusCode {
        match self {
            Self::UnknownSender(_) => StatusCode::NOT_FOUND,
            Self::EmptyBody | Self::NoHeader(_) => StatusCode::BAD_REQUEST,
            Self::NotSigned(_) => StatusCode::CONFLICT,
        }
    }
}

pub(super) async fn post(
    State(desk): State<Arc<Desk>>,
    Path(sender): Path<String>,
    Json(posting): Json<Posting>,
) -> Response {
    match desk.post(&sender, posting).await {
        Ok(entry) => Json(entry).into_response(),
        Err(reason) => (reason.status(), reason.to_string()).into_response(),
    }
}

impl Desk {
    async fn post(&self, sender: &str, Posting { headers, body }: Posting) -> Result<Entry, NotPosted> {
        let secret = self.rehearsal.senders().get(sender);
        let secret = secret.ok_or_else(|| NotPosted::UnknownSender(sender.to_owned()))?;
        if body.trim().is_empty() {
            return Err(NotPosted::EmptyBody);
        }
        let mut headers = parsed(&headers)?;
        let named = IDS.iter().find_map(|name| headers.get(*name)).cloned();
        let id = named.unwrap_or_else(|| format!("msg_{:016x}", rand::random::<u64>()));
        headers.extend(self.signed(&self.rehearsal.secret(secret).await?, &id, &body).await?);

        let path = format!("/webhooks/{sender}");
        let event = gateway_event(&path, &headers, Bytes::from(body.clone()));
        self.outside.is_own(outside::key(&event));
        let answered = async {
            let url = format!("{}{path}", self.rehearsal.front_door.url());
            let answered = self.rehearsal.post(&url, &headers, body.clone()).await?;
            Ok((Some(answered.status), answered.body))
        };
        let entry = self.enter(format!("Delivery of {sender}"), About::default(), answered).await;
        if sender == BUILT_IN_SENDER {
            self.remember(&entry, outside::webhook_id(&event), &body);
        }
        Ok(entry)
    }

    /// The headers that make the body authentic.
    async fn signed(&self, secret: &Value, id: &str, body: &str) -> Result<BTreeMap<String, String>, RehearsalError> {
        let signer = self.signer.as_ref().ok_or_else(|| io::Error::other("there is no program to sign with"))?;
        let folder = tempfile::tempdir()?; // Nobody else may read it: it holds a secret, and perhaps a guest's data.
        let (secret_file, body_file) = (folder.path().join("secret.json"), folder.path().join("body"));
        fs::write(&secret_file, secret.as_str().map_or_else(|| secret.to_string(), str::to_owned)).await?;
        fs::write(&body_file, body).await?;
        let mut sign = Command::new(signer);
        sign.arg("sign").arg("--secret").arg(secret_file).arg("--body").arg(body_file).args(["--id", id]);
        let ended = sign.output().await?;
        if !ended.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&ended.stderr).trim()).into());
        }
        let lines = String::from_utf8_lossy(&ended.stdout);
        let header = |line: &str| header(line).ok_or_else(|| RehearsalError::Header(line.to_owned()));
        lines.lines().map(header).collect()
    }
}

/// Written headers; JSON unless they say otherwise.
fn parsed(text: &str) -> Result<BTreeMap<String, String>, NotPosted> {
    let mut headers = BTreeMap::from([(header::CONTENT_TYPE.to_string(), "application/json".to_owned())]);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, value) = header(line).ok_or_else(|| NotPosted::NoHeader(line.to_owned()))?;
        if !OF_THE_CONNECTION.iter().any(|own| *own == *name) {
            headers.insert(name, value);
        }
    }
    Ok(headers)
}

/// The name in lower case, and the value.
fn header(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    let (name, value) = (HeaderName::try_from(name.trim()).ok()?, value.trim());
    HeaderValue::try_from(value).ok()?;
    Some((name.to_string(), value.to_owned()))
}
