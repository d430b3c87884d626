//! CORS: pages of the guest site, and of no other, may read what they are answered.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};

/// `https://queenofsandiego.com`, as browsers say where a page is from.
pub(super) type SiteOrigin = Arc<str>;

/// Answers preflights, and marks every answer to a page of the site as its to read. What stands behind has no say in it: the
/// emulator's own answers invite everybody.
pub(super) async fn share_with_the_guest_site(
    State(site): State<SiteOrigin>,
    request: Request,
    next: Next,
) -> Response {
    let shared = request.headers().get(header::ORIGIN).filter(|origin| **origin == *site).cloned();
    let mut answer = match *request.method() {
        Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        _ => next.run(request).await,
    };
    let headers = answer.headers_mut();
    headers.remove(header::ACCESS_CONTROL_ALLOW_ORIGIN);
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = shared {
        let allow = |name: HeaderName, value: &'static str| (name, HeaderValue::from_static(value));
        headers.extend([
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, origin),
            allow(header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
            allow(header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type"),
            allow(header::ACCESS_CONTROL_MAX_AGE, "600"),
        ]);
    }
    answer
}
