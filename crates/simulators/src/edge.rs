//! CloudFront, as far as visitors and callers can tell.
//!
//! Half of what can go wrong with a guest page goes wrong here: a clean link that is not rewritten, a page that is not
//! invalidated, a service that is called through a distribution and never sees its credentials.

mod cache;
#[cfg(test)]
mod tests;
mod viewer_request;

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_sdk_cloudfront::Client as CloudFront;
use axum::{
    Router,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use cache::{Cache, Invalidation, Object};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header, request};
use jiff::Timestamp;

use crate::{
    aws::sdk_config,
    clock::Clock,
    origin::Origin,
    server::Server,
    traffic::{Service, Traffic},
};

const BODY_LIMIT_BYTES: usize = 32 * 1024 * 1024;
const VIA: HeaderValue = HeaderValue::from_static("1.1 d111111abcdef8.cloudfront.net (CloudFront)");
const X_CACHE: &str = "x-cache";
const ACCESS_DENIED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
/// The distribution's custom error response, as `infra/guest-site.yaml` configures it: for a 403 or 404 of the bucket, visitors get this
/// page with a 404.
const NOT_FOUND_PAGE: &str = "/g/not-found.html";
const METHOD_REFUSED: &str = "<H1>403 ERROR</H1>This distribution is not configured to allow the HTTP request method \
    that was used for this request. The distribution supports only cachable requests.";

/// Which bucket stands behind the edge.
pub struct EdgeOptions {
    /// Logs the visitors' requests as [`Service::Edge`].
    pub traffic: Traffic,
    /// Where S3 and CloudFront's control plane are.
    pub emulator_url: String,
    /// The private bucket that only the edge reads.
    pub bucket: String,
    /// The distribution whose invalidations count.
    pub distribution_id: String,
    /// How old what it has is.
    pub clock: Clock,
}

/// A running edge.
pub struct Edge(Server);

impl Edge {
    /// The guest site: the bucket behind the viewer-request function and a cache, `GET` and `HEAD` only.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(options: EdgeOptions) -> io::Result<Self> {
        let distribution = Arc::new(Distribution {
            control_plane: CloudFront::new(&sdk_config(&options.emulator_url)),
            id: options.distribution_id,
            clock: options.clock,
            bucket: Origin::new(&format!("{}/{}", options.emulator_url, options.bucket)),
            cache: Mutex::default(),
        });
        let router = Router::new().fallback(visit).with_state(distribution);
        Server::start(router, options.traffic, name).await.map(Self)
    }

    /// A distribution in front of the service at `base_url`: every method, no cache, and the same loss of headers.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn in_front_of(base_url: &str, traffic: Traffic) -> io::Result<Self> {
        let router = Router::new().fallback(pass_through).with_state(Origin::new(base_url));
        Server::start(router, traffic, name).await.map(Self)
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        self.0.url()
    }
}

fn name(request: &request::Parts) -> Option<(Service, String)> {
    Some((Service::Edge, format!("{} {}", request.method, request.uri.path())))
}

async fn pass_through(State(origin): State<Origin>, mut request: Request<Body>) -> Response {
    drop_credentials(request.headers_mut());
    let mut answer = origin.ask(request).await;
    mark(answer.headers_mut(), "Miss from cloudfront");
    answer
}

/// CloudFront sends on what its policies name. They name neither credentials nor headers of the caller's own.
fn drop_credentials(headers: &mut HeaderMap) {
    let dropped: Vec<_> = headers
        .keys()
        .filter(|name| **name == header::AUTHORIZATION || name.as_str().starts_with("x-"))
        .cloned()
        .collect();
    for name in dropped {
        headers.remove(name);
    }
    headers.insert(header::USER_AGENT, HeaderValue::from_static("Amazon CloudFront"));
    headers.insert(header::VIA, VIA);
}

fn mark(headers: &mut HeaderMap, x_cache: &'static str) {
    headers.insert(X_CACHE, HeaderValue::from_static(x_cache));
    headers.insert(header::VIA, VIA);
}

struct Distribution {
    control_plane: CloudFront,
    id: String,
    clock: Clock,
    bucket: Origin,
    cache: Mutex<Cache>,
}

async fn visit(State(distribution): State<Arc<Distribution>>, request: Request<Body>) -> Response {
    let (parts, _) = request.into_parts();
    if ![Method::GET, Method::HEAD].contains(&parts.method) {
        return own_words(StatusCode::FORBIDDEN, "text/html", METHOD_REFUSED.to_owned());
    }
    let path = match viewer_request::rewrite(viewer_request::SOURCE, &parts) {
        Ok(path) => path,
        Err(error) => return own_words(StatusCode::SERVICE_UNAVAILABLE, "text/plain", error.to_string()),
    };
    if let Err(error) = distribution.apply_invalidations().await {
        return own_words(StatusCode::BAD_GATEWAY, "text/plain", format!("invalidations cannot be read: {error}"));
    }
    let (object, x_cache) = distribution.look_up(path, &parts.headers).await;
    if ![StatusCode::FORBIDDEN, StatusCode::NOT_FOUND].contains(&object.status) {
        return deliver(object, x_cache, &parts.headers, distribution.clock.now());
    }
    let (page, _) = distribution.look_up(NOT_FOUND_PAGE.to_owned(), &HeaderMap::new()).await;
    let unknown = if page.status.is_success() { page.with(StatusCode::NOT_FOUND) } else { object };
    deliver(unknown, x_cache, &HeaderMap::new(), distribution.clock.now())
}

impl Distribution {
    /// Learns which invalidations were made since the last visitor.
    async fn apply_invalidations(&self) -> Result<(), aws_sdk_cloudfront::Error> {
        let mut pages =
            self.control_plane.list_invalidations().distribution_id(&self.id).into_paginator().items().send();
        while let Some(summary) = pages.try_next().await? {
            if self.cache().has_applied(&summary.id) {
                continue;
            }
            let asked = self.control_plane.get_invalidation().distribution_id(&self.id).id(&summary.id).send().await?;
            let batch = asked.invalidation.and_then(|invalidation| invalidation.invalidation_batch);
            let paths = batch.and_then(|batch| batch.paths).and_then(|paths| paths.items).unwrap_or_default();
            self.cache().apply(Invalidation { id: summary.id, paths });
        }
        Ok(())
    }

    /// What there is at `path`, and whether the edge had it.
    async fn look_up(&self, path: String, headers: &HeaderMap) -> (Object, &'static str) {
        let hit = self.cache().get(&path, self.clock.now());
        match hit {
            Some(object) => (object, "Hit from cloudfront"),
            None => (self.fetch(path, headers.clone()).await, "Miss from cloudfront"),
        }
    }

    async fn fetch(&self, path: String, mut headers: HeaderMap) -> Object {
        let generation = self.cache().generation();
        drop_credentials(&mut headers);
        for name in [header::RANGE, header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE, header::COOKIE] {
            headers.remove(name);
        }
        let object = match path.parse::<Uri>() {
            Ok(uri) if path != "/" && !has_dot_segments(&path) => self.ask_bucket(uri, headers).await,
            _ => self.missing(),
        };
        self.cache().put(path, object.clone(), generation);
        object
    }

    async fn ask_bucket(&self, uri: Uri, headers: HeaderMap) -> Object {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        let (mut parts, body) = self.bucket.ask(request).await.into_parts();
        // The edge may read objects, not list them: then S3 does not tell what is missing from what is forbidden.
        if parts.status == StatusCode::NOT_FOUND {
            return self.missing();
        }
        for name in [header::ACCESS_CONTROL_ALLOW_ORIGIN, header::ACCESS_CONTROL_ALLOW_METHODS] {
            parts.headers.remove(name); // The emulator's, not the bucket's.
        }
        match axum::body::to_bytes(body, BODY_LIMIT_BYTES).await {
            Ok(body) => Object::new(parts.status, parts.headers, body, self.clock.now()),
            Err(error) => {
                Object::new(StatusCode::BAD_GATEWAY, HeaderMap::new(), error.to_string().into(), self.clock.now())
            }
        }
    }

    fn missing(&self) -> Object {
        let headers = [(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"))].into_iter().collect();
        Object::new(StatusCode::FORBIDDEN, headers, ACCESS_DENIED.into(), self.clock.now())
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// S3 takes `..` as a name; the HTTP client below would resolve it.
fn has_dot_segments(path: &str) -> bool {
    let plain = path.to_ascii_lowercase().replace("%2e", ".");
    plain.split('/').any(|segment| segment == "." || segment == "..")
}

fn deliver(object: Object, x_cache: &'static str, asked: &HeaderMap, now: Timestamp) -> Response {
    let etag = object.headers.get(header::ETAG);
    let unchanged = etag.is_some() && etag == asked.get(header::IF_NONE_MATCH);
    let age = object.age(now).as_secs();
    let mut response = Response::new(Body::from(object.body));
    *response.status_mut() = object.status;
    *response.headers_mut() = object.headers;
    if unchanged {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    response.headers_mut().insert(header::AGE, HeaderValue::from(age));
    mark(response.headers_mut(), if object.status.is_success() { x_cache } else { "Error from cloudfront" });
    response
}

fn own_words(status: StatusCode, content_type: &'static str, words: String) -> Response {
    let mut response = (status, [(header::CONTENT_TYPE, content_type)], words).into_response();
    mark(response.headers_mut(), "Error from cloudfront");
    response
}
