//! The office's mailbox in staging: SNS hands each notice to this Lambda, and the calendar's token opens them.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Extension, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, StatusCode};
use lambda_http::request::RequestContext;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    contract::Object,
    office::OfficeMail,
    records::{Records, RecordsError},
};

/// Where `lambda_http` puts what no API Gateway sent.
const EVENTS: &str = "/events";
/// Beside the calendar's API, not below its stage.
const OFFICE: &str = "/office";

/// What SNS invokes a Lambda with.
#[derive(Deserialize)]
struct Event {
    #[serde(rename = "Records")]
    records: Vec<Notification>,
}

#[derive(Deserialize)]
struct Notification {
    #[serde(rename = "Sns")]
    sns: Notice,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Notice {
    message_id: String,
    timestamp: String,
    #[serde(default)]
    subject: Option<String>,
    message: String,
}

struct Mailbox {
    mails: Records,
    token: String,
}

/// Takes what SNS brings, and shows it to who has `token`.
pub(super) fn service(token: &str, mails: Records) -> Router {
    let mailbox = Arc::new(Mailbox { mails, token: token.to_owned() });
    Router::new().route(EVENTS, post(take)).route(OFFICE, get(show)).with_state(mailbox)
}

/// The shape of the event says that it came from AWS, never its path: that is for everybody to choose.
async fn take(
    State(mailbox): State<Arc<Mailbox>>,
    context: Option<Extension<RequestContext>>,
    body: Bytes,
) -> Result<Response, RecordsError> {
    if !matches!(context, Some(Extension(RequestContext::PassThrough))) {
        return Ok(StatusCode::NOT_FOUND.into_response());
    }
    let Event { records } = serde_json::from_slice(&body)?;
    for Notification { sns } in records {
        let mail = OfficeMail { subject: sns.subject.unwrap_or_default(), text: sns.message };
        let Value::Object(record) = serde_json::to_value(mail)? else { unreachable!("a mail is an object") };
        // SNS may bring it twice.
        mailbox.mails.put(&format!("{}~{}", sns.timestamp, sns.message_id), &record).await?;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The mails, oldest first.
async fn show(State(mailbox): State<Arc<Mailbox>>, headers: HeaderMap) -> Result<Response, RecordsError> {
    if headers.get("x-dashboard-token").is_none_or(|token| token != mailbox.token.as_str()) {
        let error = json!({ "error": "X-Dashboard-Token is missing or wrong" });
        return Ok((StatusCode::UNAUTHORIZED, Json(error)).into_response());
    }
    let mails: Vec<Object> = mailbox.mails.all().await?;
    Ok(Json(json!({ "mails": mails })).into_response())
}
