//! The uploads' bucket, as a guest's browser meets it: on an origin of its own, with a CORS rule for the guest site alone.
//!
//! The emulator invites pages of every origin and never fails, so a page that breaks against a real bucket would pass. Here an
//! upload is logged as `PostObject` of [`Service::S3`] and meets the faults that are scripted for it.

use std::{io, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::State,
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
};
use http::{Method, Request, StatusCode};

use super::{
    sharing::{SiteOrigin, share_with_the_guest_site},
    uploads::Uploads,
};
use crate::{
    origin::Origin,
    server::Server,
    traffic::{Service, Traffic},
};

/// Stands in front of the bucket, with path-style addresses; takes forms and nothing else.
pub(super) async fn start(uploads: &Uploads, traffic: Traffic, site_origin: &SiteOrigin) -> io::Result<Server> {
    let shared = from_fn_with_state(Arc::clone(site_origin), share_with_the_guest_site);
    let router = Router::new().fallback(take).layer(shared).with_state(Origin::new(&uploads.endpoint_url));
    // Preflights are the browser's own: neither logged nor failed.
    let name = |request: &http::request::Parts| {
        (request.method != Method::OPTIONS).then(|| (Service::S3, "PostObject".to_owned()))
    };
    Server::start(router, traffic, name).await
}

async fn take(State(bucket): State<Origin>, request: Request<Body>) -> Response {
    if request.method() == Method::POST { bucket.ask(request).await } else { StatusCode::FORBIDDEN.into_response() }
}
