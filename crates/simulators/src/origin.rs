//! Handing a request on to the server behind, which the edge and the AWS gateway both do.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, Request, StatusCode, header};

use crate::aws::loopback_client;

const BODY_LIMIT_BYTES: usize = 32 * 1024 * 1024;
/// Headers that speak about one connection, not about the message. The client sets its own.
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::HOST,
    HeaderName::from_static("keep-alive"),
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The server behind a proxy.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    client: reqwest::Client,
    base_url: String,
}

impl Origin {
    pub(crate) fn new(base_url: &str) -> Self {
        Self { client: loopback_client(), base_url: base_url.trim_end_matches('/').to_owned() }
    }

    /// The origin's answer, or a 502 when there is none.
    pub(crate) async fn ask(&self, request: Request<Body>) -> Response {
        self.try_ask(request).await.unwrap_or_else(|error| {
            let words = format!("the origin {} does not answer: {error}", self.base_url);
            (StatusCode::BAD_GATEWAY, words).into_response()
        })
    }

    async fn try_ask(&self, request: Request<Body>) -> Result<Response, Box<dyn std::error::Error + Send + Sync>> {
        let (mut parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, BODY_LIMIT_BYTES).await?;
        forget_the_hop(&mut parts.headers);
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let request = self.client.request(parts.method, format!("{}{target}", self.base_url));
        let answer = request.headers(parts.headers).body(body).send().await?;
        let mut answer = http::Response::<reqwest::Body>::from(answer).map(Body::new);
        forget_the_hop(answer.headers_mut());
        Ok(answer)
    }
}

fn forget_the_hop(headers: &mut HeaderMap) {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}
