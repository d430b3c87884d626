//! The AWS SDK over the one HTTP client: one connection pool, one TLS stack, one set of time-outs, and none of the SDK's own retries.

use std::error::Error;

use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::region::EnvironmentVariableRegionProvider,
    meta::region::RegionProviderChain, retry::RetryConfig,
};
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::{ConnectorError, SdkError},
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::{body::SdkBody, error::metadata::ProvideErrorMetadata};
use http::StatusCode;

use super::{Call, CallError, Class, Outbound, classify, error::class_without_answer};

const DEFAULT_REGION: &str = "us-west-2";

/// The SDK's configuration, from its own environment variables (`AWS_REGION`, `AWS_ENDPOINT_URL`, …).
pub async fn sdk_config(outbound: &Outbound) -> SdkConfig {
    let region =
        RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new()).or_else(Region::new(DEFAULT_REGION));
    aws_config::defaults(BehaviorVersion::latest())
        .region(region)
        .retry_config(RetryConfig::disabled())
        .http_client(outbound.sdk_client())
        .load()
        .await
}

/// The one HTTP client, as the SDK wants it.
#[derive(Debug, Clone)]
pub struct SharedClient(reqwest::Client);

impl SharedClient {
    pub(super) fn new(client: reqwest::Client) -> Self {
        Self(client)
    }
}

impl HttpClient for SharedClient {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for SharedClient {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
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
pub fn from_sdk<E>(call: Call, error: SdkError<E, HttpResponse>) -> CallError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let status = error.raw_response().and_then(|response| StatusCode::from_u16(response.status().as_u16()).ok());
    let (Some(status), Some(service_error)) = (status, error.as_service_error()) else {
        return without_answer(call, error);
    };
    let code = service_error.code().unwrap_or("no code").to_owned();
    let class = if is_throttling(&code) {
        Class::Transient
    } else if code == "AccessDeniedException" {
        Class::Denied
    } else {
        // A success that the SDK could not read still reaches this point; whatever it did, it may have done.
        classify(call.effect, status).unwrap_or(Class::Unknown { answered: true })
    };
    CallError::answered(call, class, status, format!("answered {status}: {code}"))
}

/// The SDK's own list of throttling codes is private; these are the ones that our services document, all with status 400 or 503.
fn is_throttling(code: &str) -> bool {
    matches!(
        code,
        "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "ThrottlingException"
            | "Throttling"
            | "SlowDown"
            | "TooManyInvalidationsInProgress"
    )
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
