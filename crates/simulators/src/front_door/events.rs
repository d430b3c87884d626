//! The two shapes in which API Gateway hands a request to a function.

use std::collections::BTreeMap;

use axum::{body::Bytes, extract::Query};
use data_encoding::BASE64;
use http::{HeaderMap, Request, Uri, header};
use serde_json::{Map, Value, json};

use crate::clock::Clock;

const ACCOUNT: &str = "123456789012";
const API: &str = "a1b2c3d4e5";
const DOMAIN: &str = "a1b2c3d4e5.execute-api.us-west-2.amazonaws.com";
const REST_STAGE: &str = "prod";

/// How the body travels in the event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyEncoding {
    /// Text for text content types, base64 for all others, as an API does by itself.
    #[default]
    ByContentType,
    /// Base64 in any case, as an API does whose `binaryMediaTypes` are `*/*`.
    Base64,
}

/// The event of an HTTP API (payload format 2.0, stage `$default`).
#[must_use]
pub fn http_api_event(request: &Request<Bytes>, encoding: BodyEncoding) -> Value {
    let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
    let now = Clock::system().now();
    let mut headers: Map<String, Value> = values(request.headers())
        .into_iter()
        .filter(|(name, _)| name != "cookie")
        .map(|(name, values)| (name, values.join(",").into()))
        .collect();
    headers.extend(gateway_headers());
    let (body, is_base64) = encoded(request, encoding);
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": API,
            "domainName": DOMAIN,
            "domainPrefix": API,
            "http": {
                "method": request.method().as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": user_agent(request.headers()),
            },
            "requestId": request_id(),
            "routeKey": "$default",
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": now.as_millisecond(),
        },
        "isBase64Encoded": is_base64,
    });
    // What a request does not have is absent, not null, in this format.
    if !body.is_empty() {
        event["body"] = body.into();
    }
    if !query.is_empty() {
        let joined = parameters(request.uri()).into_iter().map(|(name, values)| (name, values.join(",").into()));
        event["queryStringParameters"] = Value::Object(joined.collect());
    }
    if let Some(cookies) = values(request.headers()).get("cookie") {
        event["cookies"] = cookies.iter().flat_map(|line| line.split("; ")).collect();
    }
    event
}

/// The event of a REST API (payload format 1.0, stage `prod`).
#[must_use]
pub fn rest_event(request: &Request<Bytes>, encoding: BodyEncoding) -> Value {
    let path = request.uri().path();
    let now = Clock::system().now();
    let mut headers = values(request.headers());
    headers.extend(gateway_headers().map(|(name, value)| (name, vec![value])));
    let parameters = request.uri().query().map(|_| parameters(request.uri()));
    let (body, is_base64) = encoded(request, encoding);
    json!({
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": request.method().as_str(),
        "headers": last_of_each(&headers),
        "multiValueHeaders": headers,
        "queryStringParameters": parameters.as_ref().map(last_of_each),
        "multiValueQueryStringParameters": parameters,
        "pathParameters": { "proxy": path.trim_start_matches('/') },
        "stageVariables": null,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": API,
            "domainName": DOMAIN,
            "domainPrefix": API,
            "extendedRequestId": "JKJaXmPLvHcESHA=",
            "httpMethod": request.method().as_str(),
            "identity": { "sourceIp": "127.0.0.1", "userAgent": user_agent(request.headers()) },
            "path": format!("/{REST_STAGE}{path}"),
            "protocol": "HTTP/1.1",
            "requestId": request_id(),
            "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "requestTimeEpoch": now.as_millisecond(),
            "resourceId": "123456",
            "resourcePath": "/{proxy+}",
            "stage": REST_STAGE,
        },
        "body": if body.is_empty() { Value::Null } else { body.into() },
        "isBase64Encoded": is_base64,
    })
}

type Values = BTreeMap<String, Vec<String>>;

fn values(headers: &HeaderMap) -> Values {
    let mut all = Values::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        all.entry(name.as_str().to_owned()).or_default().push(value);
    }
    all
}

fn parameters(uri: &Uri) -> Values {
    let mut all = Values::new();
    let pairs: Vec<(String, String)> = Query::try_from_uri(uri).map(|Query(pairs)| pairs).unwrap_or_default();
    for (name, value) in pairs {
        all.entry(name).or_default().push(value);
    }
    all
}

fn last_of_each(values: &Values) -> BTreeMap<&String, Option<&String>> {
    values.iter().map(|(name, values)| (name, values.last())).collect()
}

/// What stands in front of the function sets these itself.
fn gateway_headers<V: From<&'static str>>() -> [(String, V); 4] {
    [("host", DOMAIN), ("x-forwarded-for", "127.0.0.1"), ("x-forwarded-port", "443"), ("x-forwarded-proto", "https")]
        .map(|(name, value)| (name.to_owned(), V::from(value)))
}

fn user_agent(headers: &HeaderMap) -> &str {
    headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn encoded(request: &Request<Bytes>, encoding: BodyEncoding) -> (String, bool) {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let by_type = encoding == BodyEncoding::ByContentType && content_type.is_none_or(is_text);
    match std::str::from_utf8(request.body()) {
        Ok(text) if by_type => (text.to_owned(), false),
        _ => (BASE64.encode(request.body()), true),
    }
}

fn is_text(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type.starts_with("text/")
        || ["application/json", "application/javascript", "application/xml", "application/x-www-form-urlencoded"]
            .contains(&media_type.as_str())
        || media_type.ends_with("+json")
        || media_type.ends_with("+xml")
}

fn request_id() -> String {
    format!("{:015x}=", rand::random::<u64>() >> 4)
}
