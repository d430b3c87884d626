//! What the function takes for AWS: every call is logged and can be made to fail on its way to the emulator.
//!
//! The emulator itself behaves; what the function has to survive (a throttled table, a lost answer of S3) happens here. The
//! stand-ins go to the emulator directly, so the log holds the function's calls only.

use std::io;

use axum::{Router, body::Body, extract::State, response::Response};
use http::{HeaderMap, Method, Request, header, request};

use crate::{
    origin::Origin,
    server::{SAID_BY_THE_BODY, Server},
    traffic::{Service, Traffic},
};

const CLOUDFRONT_API: &str = "/2020-05-31/distribution/";
pub(crate) const DYNAMODB: &str = "dynamodb";

/// A running gateway to the emulators; `AWS_ENDPOINT_URL` for the function.
pub struct AwsGateway(Server);

#[derive(Clone)]
struct Origins {
    dynamodb: Origin,
    all_else: Origin,
}

impl AwsGateway {
    /// Stands in front of the emulator at `emulator_url`, and of the one at `dynamodb_url` for DynamoDB.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(traffic: Traffic, emulator_url: &str, dynamodb_url: &str) -> io::Result<Self> {
        let origins = Origins { dynamodb: Origin::new(dynamodb_url), all_else: Origin::new(emulator_url) };
        let router = Router::new().fallback(hand_on).with_state(origins);
        Server::start(router, traffic, name).await.map(Self)
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        self.0.url()
    }
}

async fn hand_on(State(origins): State<Origins>, request: Request<Body>) -> Response {
    let origin = match signed_for(request.headers()) {
        Some(DYNAMODB) => &origins.dynamodb,
        _ => &origins.all_else,
    };
    origin.ask(request).await
}

/// The service in the scope of the signature.
pub(crate) fn signed_for(headers: &HeaderMap) -> Option<&str> {
    let signature = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    signature.split("Credential=").nth(1)?.split('/').nth(3)
}

/// What is not signed is a browser's upload to S3.
pub(crate) fn name(request: &request::Parts) -> Option<(Service, String)> {
    let named = match signed_for(&request.headers) {
        Some(DYNAMODB) => (Service::Dynamodb, target(request)),
        Some("secretsmanager") => (Service::Secretsmanager, target(request)),
        Some("sns") => (Service::Sns, SAID_BY_THE_BODY.to_owned()),
        Some("cloudfront") => (Service::Cloudfront, cloudfront_operation(request)),
        _ => (Service::S3, s3_operation(request)),
    };
    Some(named)
}

/// `DynamoDB_20120810.PutItem` is `PutItem`.
fn target(request: &request::Parts) -> String {
    let target = request.headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    target.rsplit('.').next().unwrap_or_default().to_owned()
}

fn cloudfront_operation(request: &request::Parts) -> String {
    let path = request.uri.path();
    let mut below = path.strip_prefix(CLOUDFRONT_API).unwrap_or_default().split('/').skip(1);
    match (&request.method, below.next(), below.next()) {
        (&Method::POST, Some("invalidation"), None) => "CreateInvalidation".to_owned(),
        (&Method::GET, Some("invalidation"), None) => "ListInvalidations".to_owned(),
        (&Method::GET, Some("invalidation"), Some(_)) => "GetInvalidation".to_owned(),
        (method, ..) => format!("{method} {path}"),
    }
}

/// With path-style addresses: `/bucket/key`.
fn s3_operation(request: &request::Parts) -> String {
    let (_bucket, key) = request.uri.path()[1..].split_once('/').unwrap_or_default();
    let operation = match (&request.method, key) {
        (&Method::GET, "") => "ListObjects",
        (&Method::POST, "") => "PostObject",
        (&Method::GET, _) => "GetObject",
        (&Method::PUT, _) => "PutObject",
        (&Method::HEAD, _) => "HeadObject",
        (&Method::DELETE, _) => "DeleteObject",
        (method, _) => method.as_str(),
    };
    format!("{operation} {key}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudfront::types::{InvalidationBatch, Paths};

    use super::*;
    use crate::{cloud::Cloud, emulator::Emulator, traffic::Fault};

    #[tokio::test]
    async fn each_call_is_named_handed_on_and_can_fail() {
        let emulator = Emulator::shared().await.expect("ministack starts");
        let traffic = Traffic::new();
        let gateway = AwsGateway::start(traffic.clone(), &emulator.url(), &emulator.url()).await.expect("a free port");
        let Cloud { s3, dynamodb, secrets, cloudfront, bucket, .. } =
            Cloud::create(&gateway.url()).await.expect("a bucket and a distribution");
        traffic.forget();
        let put = || s3.put_object().bucket(&bucket).key("g/XHQGMDH1.html").body(b"ahoy".to_vec().into()).send();
        traffic.fail_next(Service::S3, "PutObject", Fault::Answer { status: 503, acted: false, retry_after: None }, 1);
        put().await.expect_err("the scripted fault");
        put().await.expect("the emulator takes it");
        let got = s3.get_object().bucket(&bucket).key("g/XHQGMDH1.html").send().await.expect("the object");
        assert_eq!(got.body.collect().await.expect("its body").into_bytes(), "ahoy");

        dynamodb.list_tables().send().await.expect("tables");
        let batch = secrets.batch_get_secret_value().secret_id_list("gateway/missing").send().await.expect("an answer");
        assert_eq!(batch.errors().len(), 1);
        let paths = Paths::builder().quantity(1).items("/g/XHQGMDH1").build().expect("complete");
        let batch = InvalidationBatch::builder().paths(paths).caller_reference("1").build().expect("complete");
        let missing = cloudfront.create_invalidation().distribution_id("ENONE").invalidation_batch(batch).send().await;
        assert!(missing.expect_err("no such distribution").into_service_error().is_no_such_distribution());

        let seen: Vec<_> =
            traffic.calls().into_iter().map(|call| (call.service, call.operation, call.status)).collect();
        let expected = [
            (Service::S3, "PutObject g/XHQGMDH1.html", 503),
            (Service::S3, "PutObject g/XHQGMDH1.html", 200),
            (Service::S3, "GetObject g/XHQGMDH1.html", 200),
            (Service::Dynamodb, "ListTables", 200),
            (Service::Secretsmanager, "BatchGetSecretValue", 200),
            (Service::Cloudfront, "CreateInvalidation", 404),
        ];
        assert_eq!(seen, expected.map(|(service, operation, status)| (service, operation.to_owned(), Some(status))));
    }
}
