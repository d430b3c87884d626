//! AWS in our own process, for measurements: an emulator in another process, behind a proxy, would be most of what is measured.
//!
//! DynamoDB is dynoxide, called as a library. S3, CloudFront, Secrets Manager and SNS keep what they are given and answer in the shape that
//! the SDKs read, no more: whether a request is right is what the rehearsal's emulator is for.

mod tables;

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, StatusCode, Uri, header};
use serde_json::{Value, json};

pub use self::tables::{Tables, Units};
use crate::{
    aws_gateway::{DYNAMODB, name, signed_for},
    server::Server,
    traffic::Traffic,
};

const TARGET: &str = "x-amz-target";

/// A running account. Dropping it stops it.
pub struct LocalAws {
    function_side: Server,
    inner_side: Server,
    account: Account,
}

#[derive(Clone, Default)]
struct Account(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    objects: BTreeMap<String, Bytes>,
    secrets: BTreeMap<String, String>,
    invalidated_paths: usize,
    notices: usize,
}

#[derive(Clone)]
struct Side {
    account: Account,
    tables: Tables,
    /// Whether what is asked here is the function's consumption.
    metered: bool,
}

impl LocalAws {
    /// Starts an empty account, whose calls by the function `traffic` logs.
    ///
    /// # Errors
    /// When no port can be bound, or SQLite has no memory.
    pub async fn start(traffic: Traffic, tables: &Tables) -> io::Result<Self> {
        let account = Account::default();
        let side = |metered| {
            let side = Side { account: account.clone(), tables: tables.clone(), metered };
            Router::new().fallback(answer).with_state(side)
        };
        let function_side = Server::start(side(true), traffic, name).await?;
        let inner_side = Server::start(side(false), Traffic::new(), |_| None).await?;
        Ok(Self { function_side, inner_side, account })
    }

    /// `AWS_ENDPOINT_URL` for the function: logged, failed and delayed on demand, and metered.
    #[must_use]
    pub fn url(&self) -> String {
        self.function_side.url()
    }

    /// The same account for other stand-ins.
    #[must_use]
    pub fn inner_url(&self) -> String {
        self.inner_side.url()
    }

    /// Puts the secret of this whole name.
    pub fn put_secret(&self, name: &str, value: &Value) {
        self.account.kept().secrets.insert(name.to_owned(), value.to_string());
    }

    /// The objects of all buckets: `bucket/key`, and what they hold.
    #[must_use]
    pub fn objects(&self) -> BTreeMap<String, Bytes> {
        self.account.kept().objects.clone()
    }

    /// How many paths CloudFront was asked to forget.
    #[must_use]
    pub fn invalidated_paths(&self) -> usize {
        self.account.kept().invalidated_paths
    }

    /// How many notices SNS was given.
    #[must_use]
    pub fn notices(&self) -> usize {
        self.account.kept().notices
    }
}

impl Account {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn s3(&self, method: &Method, uri: &Uri, body: Bytes) -> Response {
        let key = uri.path().trim_start_matches('/').to_owned();
        let mut kept = self.kept();
        match *method {
            Method::PUT => {
                kept.objects.insert(key, body);
                ([(header::ETAG, "\"0\"")], StatusCode::OK).into_response()
            }
            Method::DELETE => {
                kept.objects.remove(&key);
                StatusCode::NO_CONTENT.into_response()
            }
            _ => match kept.objects.get(&key) {
                Some(content) => ([(header::ETAG, "\"0\"")], content.clone()).into_response(),
                None => {
                    let words = "<Error><Code>NoSuchKey</Code><Message>The key does not exist.</Message></Error>";
                    (StatusCode::NOT_FOUND, words).into_response()
                }
            },
        }
    }

    fn cloudfront(&self, body: &Bytes) -> Response {
        let batch = String::from_utf8_lossy(body);
        self.kept().invalidated_paths += batch.matches("<Path>").count();
        let batch = batch.find("<InvalidationBatch").map_or("", |start| &batch[start..]);
        let answer = format!(
            "<Invalidation xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Id>I1</Id><Status>InProgress</Status>\
             <CreateTime>2031-01-01T00:00:00Z</CreateTime>{batch}</Invalidation>"
        );
        (StatusCode::CREATED, answer).into_response()
    }

    fn secrets_manager(&self, operation: &str, body: &Bytes) -> Response {
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let kept = self.kept();
        let secret = |name: &Value| {
            let text = kept.secrets.get(name.as_str().unwrap_or_default())?;
            Some(json!({ "Name": name, "SecretString": text, "VersionId": "1", "VersionStages": ["AWSCURRENT"] }))
        };
        let missing = |name: &Value| json!({ "SecretId": name, "ErrorCode": "ResourceNotFoundException", "Message": "no such secret" });
        if operation == "GetSecretValue" {
            return match secret(&request["SecretId"]) {
                Some(found) => axum::Json(found).into_response(),
                None => {
                    let error = json!({ "__type": "ResourceNotFoundException", "Message": "no such secret" });
                    (StatusCode::BAD_REQUEST, axum::Json(error)).into_response()
                }
            };
        }
        let asked = request["SecretIdList"].as_array().into_iter().flatten();
        let (found, errors): (Vec<_>, Vec<_>) =
            asked.map(|name| secret(name).ok_or_else(|| missing(name))).partition(Result::is_ok);
        let found: Vec<Value> = found.into_iter().filter_map(Result::ok).collect();
        let errors: Vec<Value> = errors.into_iter().filter_map(Result::err).collect();
        axum::Json(json!({ "SecretValues": found, "Errors": errors })).into_response()
    }

    fn sns(&self) -> Response {
        self.kept().notices += 1;
        let answer = "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>1</MessageId>\
                      </PublishResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></PublishResponse>";
        answer.into_response()
    }
}

async fn answer(State(side): State<Side>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get(TARGET).and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    match signed_for(&headers) {
        Some(DYNAMODB) => {
            let (status, answer) = side.tables.answer(operation, &body, side.metered);
            let json = [(header::CONTENT_TYPE, "application/x-amz-json-1.0")];
            (status, json, Body::from(answer)).into_response()
        }
        Some("secretsmanager") => side.account.secrets_manager(operation, &body),
        Some("cloudfront") => side.account.cloudfront(&body),
        Some("sns") => side.account.sns(),
        _ => side.account.s3(&method, &uri, body),
    }
}

#[cfg(test)]
mod tests;
