//! API Gateway in front of the function: what the marketplace's webhook really talks to.
//!
//! The function never sees HTTP, only events, and the two kinds of API shape them differently. The builders are public,
//! because a captured event is also what a person replays.

mod events;

use std::{collections::BTreeMap, io, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Json, Response},
};
use data_encoding::BASE64;
pub use events::{BodyEncoding, http_api_event, rest_event};
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::{runtime_api::Lambda, server::Server, traffic::Traffic};

const BODY_LIMIT_BYTES: usize = 10 * 1024 * 1024;
/// Below this path stands a REST API, which has a stage in its paths.
const REST: &str = "/rest";

/// A running API Gateway with an HTTP API (payload 2.0) at its root and a REST API (payload 1.0) under `/rest`.
pub struct FrontDoor {
    server: Server,
}

impl FrontDoor {
    /// Serves both APIs in front of `lambda` on a free port.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(lambda: Arc<Lambda>, traffic: Traffic) -> io::Result<Self> {
        let router = Router::new().fallback(answer).with_state(lambda);
        Ok(Self { server: Server::start(router, traffic, |_| None).await? })
    }

    /// The HTTP API, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The REST API, without a slash at the end.
    #[must_use]
    pub fn rest_url(&self) -> String {
        format!("{}{REST}", self.server.url())
    }
}

async fn answer(State(lambda): State<Arc<Lambda>>, request: Request<Body>) -> Response {
    let (mut parts, body) = request.into_parts();
    let rest = rest_path(parts.uri.path());
    let words = if rest.is_some() { &REST_WORDS } else { &HTTP_API_WORDS };
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT_BYTES).await else {
        return words.too_large.into_response();
    };
    let event = if let Some(path) = rest {
        let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        parts.uri = format!("{path}{query}").parse().expect("the end of a valid path is one");
        rest_event(&Request::from_parts(parts, body), BodyEncoding::ByContentType)
    } else {
        http_api_event(&Request::from_parts(parts, body), BodyEncoding::ByContentType)
    };
    match lambda.invoke(&event).await {
        Ok(invocation) if invocation.timed_out() => words.timed_out.into_response(),
        Ok(invocation) if invocation.function_error.is_some() => words.failed.into_response(),
        Ok(invocation) => proxied(invocation.payload).unwrap_or_else(|| words.failed.into_response()),
        Err(_not_taken) => words.timed_out.into_response(),
    }
}

fn rest_path(path: &str) -> Option<&str> {
    path.strip_prefix(REST).filter(|path| path.starts_with('/'))
}

/// What the gateway says by itself.
#[derive(Clone, Copy)]
struct Words(StatusCode, &'static str);

impl IntoResponse for Words {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "message": self.1 }))).into_response()
    }
}

struct GatewayWords {
    failed: Words,
    timed_out: Words,
    too_large: Words,
}

static HTTP_API_WORDS: GatewayWords = GatewayWords {
    failed: Words(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
    timed_out: Words(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
    too_large: Words(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
};

static REST_WORDS: GatewayWords = GatewayWords {
    failed: Words(StatusCode::BAD_GATEWAY, "Internal server error"),
    timed_out: Words(StatusCode::GATEWAY_TIMEOUT, "Endpoint request timed out"),
    too_large: Words(StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long"),
};

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct FunctionAnswer {
    status_code: u16,
    #[serde(default)]
    headers: Option<BTreeMap<String, String>>,
    #[serde(default)]
    multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
    #[serde(default)]
    cookies: Option<Vec<String>>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// The function's answer as HTTP; `None` when it is not of the form that API Gateway understands.
fn proxied(payload: Value) -> Option<Response> {
    let answer: FunctionAnswer = serde_json::from_value(payload).ok()?;
    let body = answer.body.unwrap_or_default().into_bytes();
    let body = if answer.is_base64_encoded { BASE64.decode(&body).ok()? } else { body };
    let mut response = Response::builder().status(answer.status_code);
    // As API Gateway: a header in the multi-value map wins over its single value.
    let many = answer.multi_value_headers.unwrap_or_default();
    let single = answer.headers.unwrap_or_default().into_iter().filter(|(name, _)| !many.contains_key(name));
    for (name, value) in single {
        response = response.header(name, value);
    }
    for (name, values) in &many {
        for value in values {
            response = response.header(name, value);
        }
    }
    for cookie in answer.cookies.unwrap_or_default() {
        response = response.header(http::header::SET_COOKIE, cookie);
    }
    response.body(Body::from(Bytes::from(body))).ok()
}

#[cfg(test)]
mod tests;
