//! The AWS SDK over the one HTTP client: one connection pool, one TLS stack, one set of time-outs, and none of the SDK's own retries.

use std::{
    error::Error,
    sync::{Arc, LazyLock},
};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableCredentialsProvider, retry::RetryConfig,
};
use aws_sdk_dynamodb::config::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::{ConnectorError, SdkError},
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::{body::SdkBody, error::metadata::ProvideErrorMetadata, retry::ReconnectMode};
use http::StatusCode;

use super::{
    Call, CallError, Class, Outbound, classify,
    connections::{Calls, Connections},
    error::class_without_answer,
};

const DEFAULT_REGION: &str = "us-west-2";

/// The SDK's configuration, from its own variables `AWS_REGION` and `AWS_ENDPOINT_URL`, and the credentials that Lambda hands in by the
/// environment. It is put together here, because the SDK's loader would bring every other source of credentials into the zip, and none is
/// ever asked.
///
/// Connections are the one client's business: after a transient failure the SDK would look for the one that it used, which it never sees,
/// and log an error for it.
pub fn sdk_config(outbound: &Outbound, variable: impl Fn(&str) -> Option<String>) -> SdkConfig {
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(variable("AWS_REGION").unwrap_or_else(|| DEFAULT_REGION.to_owned())))
        .credentials_provider(SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()))
        .retry_config(RetryConfig::disabled().with_reconnect_mode(ReconnectMode::ReuseAllConnections))
        .http_client(outbound.sdk_client());
    config.set_endpoint_url(variable("AWS_ENDPOINT_URL"));
    config.build()
}

/// An SDK client, or what is made of one, that is made when it is first used: each reads its service's partitions and rules, which takes as
/// long as a call, and a cold start calls few of them.
pub(crate) type WhenUsed<T> = LazyLock<T, Box<dyn FnOnce() -> T + Send>>;

/// What `make` makes, when it is first used.
pub(crate) fn when_used<T>(make: impl FnOnce() -> T + Send + 'static) -> WhenUsed<T> {
    LazyLock::new(Box::new(make))
}

/// The one HTTP client, as the SDK wants it.
#[derive(Debug, Clone)]
pub struct SharedClient {
    connections: Arc<Connections>,
    calls: Calls,
}

impl SharedClient {
    pub(super) fn new(connections: Arc<Connections>, calls: Calls) -> Self {
        Self { connections, calls }
    }
}

impl HttpClient for SharedClient {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for SharedClient {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.connections.client(self.calls);
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let request = reqwest::Request::try_from(request.map(reqwest::Body::wrap)).map_err(connector_error)?;
            let response: http::Response<reqwest::Body> =
                client.execute(request).await.map_err(connector_error)?.into();
            HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

fn connector_error(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() { ConnectorError::timeout(error.into()) } else { ConnectorError::io(error.into()) }
}

/// Gives an SDK error its class, by the same rules as our own calls.
pub(crate) fn from_sdk<E>(call: Call, error: SdkError<E, HttpResponse>) -> CallError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let status = error.raw_response().and_then(|response| StatusCode::from_u16(response.status().as_u16()).ok());
    let (Some(status), Some(service_error)) = (status, error.as_service_error()) else {
        return without_answer(call, error);
    };
    let code = service_error.code().unwrap_or("no code").to_owned();
    // A success that the SDK could not read also reaches this point: the call may have acted.
    let by_status = || classify(call, status, false).unwrap_or(Class::Unknown { may_still_act: false });
    let class = class_of_code(&code).unwrap_or_else(by_status);
    CallError { reason: format!("answered {status}: {code}"), ..CallError::answered(call, class, status) }
}

/// What a code means that AWS sends with status 400 (some also with 403 or 503), so that the status would say that it is for ever.
fn class_of_code(code: &str) -> Option<Class> {
    match code {
        // Too much at once, or too slowly sent: nothing was done. The SDK's own lists are private.
        "BandwidthLimitExceeded"
        | "LimitExceededException"
        | "PriorRequestNotComplete"
        | "ProvisionedThroughputExceededException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "RequestTimeout"
        | "RequestTimeoutException"
        | "SlowDown"
        | "ThrottledException"
        | "Throttling"
        | "ThrottlingException"
        | "TooManyInvalidationsInProgress"
        | "TooManyRequestsException" => Some(Class::Transient),
        // Credentials that are over, or not known everywhere yet: the next environment has others.
        "ExpiredToken"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "InvalidToken"
        | "MissingAuthenticationTokenException"
        | "UnrecognizedClientException" => Some(Class::Denied),
        _ if code.starts_with("AccessDenied") => Some(Class::Denied),
        _ => None,
    }
}

fn without_answer<E: Error + Send + Sync + 'static>(call: Call, error: SdkError<E, HttpResponse>) -> CallError {
    let transport = std::iter::successors(Some(&error as &dyn Error), |error| (**error).source())
        .find_map(|error| error.downcast_ref::<reqwest::Error>());
    let never_left =
        matches!(error, SdkError::ConstructionFailure(_)) || transport.is_some_and(reqwest::Error::is_connect);
    let reason = match transport {
        Some(transport) if transport.is_connect() => "could not be reached",
        Some(transport) if transport.is_timeout() => "did not answer in time",
        _ => "could not be called",
    };
    let class = class_without_answer(call.effect, never_left);
    CallError { source: Some(error.into()), ..CallError::new(call, class, reason) }
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;
    use crate::outbound::{Effect, Service};

    #[track_caller]
    fn check(status: u16, codes: &[&str], expected: Class) {
        let call = Call { service: Service::SccEvents, operation: "redact_event_item", effect: Effect::Change };
        for &code in codes {
            let error = ErrorMetadata::builder().code(code).build();
            let response = HttpResponse::new(status.try_into().expect("a status"), SdkBody::empty());
            let error = from_sdk(call, SdkError::service_error(error, response));
            assert_eq!((error.class, error.status), (expected, Some(status)), "{status} {code}");
            assert!(error.reason.contains(code), "{}", error.reason);
        }
    }

    #[test]
    fn a_code_says_more_than_its_status() {
        let throttled =
            ["ProvisionedThroughputExceededException", "ThrottlingException", "Throttling", "RequestLimitExceeded"];
        check(400, &throttled, Class::Transient);
        check(400, &["LimitExceededException", "RequestTimeout", "TooManyInvalidationsInProgress"], Class::Transient);
        check(503, &["SlowDown"], Class::Transient);
        let expired = ["ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "InvalidToken"];
        check(400, &expired, Class::Denied);
        check(403, &["InvalidSignatureException", "InvalidClientTokenId", "AccessDenied"], Class::Denied);
        check(400, &["AccessDeniedException", "AccessDenied", "InvalidSignatureException"], Class::Denied);
        check(400, &["ValidationException", "ResourceNotFoundException"], Class::Refused);
        check(404, &["NoSuchDistribution", "NoSuchBucket"], Class::Refused);
        check(403, &["SignatureDoesNotMatch"], Class::Denied);
        check(500, &["InternalServerError"], Class::Transient);
    }
}
