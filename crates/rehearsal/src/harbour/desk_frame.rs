//! The office's desk in a frame: its own site may frame it, so the harbour hands its pages on under its own address.

use axum::{
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderName, Method, StatusCode, Uri, header};
use serde_json::json;

use crate::Rehearsal;

const DESK: &str = "/desk/";
/// What the pages say about themselves, and where a button leads.
const HANDED_ON: [HeaderName; 6] = [
    header::CONTENT_TYPE,
    header::CONTENT_SECURITY_POLICY,
    header::CACHE_CONTROL,
    header::REFERRER_POLICY,
    header::LOCATION,
    header::X_CONTENT_TYPE_OPTIONS,
];

/// The way to the function's own API.
#[derive(Clone)]
pub(super) struct DeskFrame {
    client: reqwest::Client,
    api: String,
}

impl DeskFrame {
    pub(super) fn of(rehearsal: &Rehearsal) -> Self {
        Self { client: simulators::aws::loopback_client(), api: rehearsal.front_door.url() }
    }
}

/// The path of a link to the whole desk; `None` when there is no function to ask, or it has no desk.
pub(super) async fn whole(rehearsal: &Rehearsal) -> Option<String> {
    if rehearsal.pids().await.is_empty() {
        return None;
    }
    let answer = rehearsal.invoke(&json!({ "desk_link": {} })).await.ok()?.payload;
    let url = answer["url"].as_str()?;
    Some(url[url.find(DESK)?..].to_owned())
}

/// Hands a request for a page on, and the page back.
pub(super) async fn hand_on(State(frame): State<DeskFrame>, method: Method, uri: Uri, body: Bytes) -> Response {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let asked = frame.client.request(method, format!("{}{path}", frame.api));
    let asked = asked.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
    let Ok(answer) = asked.send().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let mut response = Response::builder().status(answer.status());
    for name in &HANDED_ON {
        if let Some(value) = answer.headers().get(name) {
            response = response.header(name, value);
        }
    }
    let page = answer.bytes().await.unwrap_or_default();
    response.body(Body::from(page)).unwrap_or_else(|_no_response| StatusCode::BAD_GATEWAY.into_response())
}
