//! How the stand-ins themselves reach AWS: mostly the emulator, by plain HTTP on loopback with test credentials and no retries;
//! in staging the account itself.
//!
//! The AWS SDK without default features has no HTTP client, and its own would bring a second HTTP and TLS stack into the
//! build. The adapter below hands its requests to `reqwest`, which is there anyway.

use std::time::Duration;

use aws_config::{
    BehaviorVersion, Region, SdkConfig,
    environment::{EnvironmentVariableCredentialsProvider, region::EnvironmentVariableRegionProvider},
    meta::region::RegionProviderChain,
    retry::RetryConfig,
};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_s3::error::DisplayErrorContext;
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;

/// The region that everything here lives in.
pub const REGION: &str = "us-west-2";
/// The access key id, and the secret, that the emulator accepts for presigned forms.
pub const TEST_CREDENTIAL: &str = "test";

/// SDK configuration for the emulator at `endpoint_url`. Its connections belong to the runtime that first uses it, so each
/// test makes its own.
#[must_use]
pub fn sdk_config(endpoint_url: &str) -> SdkConfig {
    let credentials = Credentials::new(TEST_CREDENTIAL, TEST_CREDENTIAL, None, None, "emulator");
    let connector = SharedHttpConnector::new(Adapter(loopback_client()));
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint_url)
        .region(Region::from_static(REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::disabled())
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build()
}

/// An S3 client with path-style addresses: a bucket's name with dots is no part of a host name on loopback.
#[must_use]
pub fn s3_client(sdk: &SdkConfig) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(sdk).force_path_style(true).build())
}

/// SDK configuration for the account that the environment describes, as Lambda and CI do: `AWS_REGION`, `AWS_ACCESS_KEY_ID` and
/// the rest of the SDK's own variables.
pub async fn account_config() -> SdkConfig {
    let connector = SharedHttpConnector::new(Adapter(internet_client()));
    let region =
        RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new()).or_else(Region::from_static(REGION));
    aws_config::defaults(BehaviorVersion::latest())
        .region(region)
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .load()
        .await
}

/// The time within which anything outside this machine answers, or will not.
const INTERNET_TIME_OUT: Duration = Duration::from_secs(20);

/// An HTTP client for the internet, which sees through no proxy and follows no redirect.
///
/// # Panics
/// When the TLS stack refuses the roots that are compiled in.
#[must_use]
pub fn internet_client() -> reqwest::Client {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let tls = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("ring supports the default TLS versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(INTERNET_TIME_OUT)
        .build()
        .expect("a client with compiled-in roots has nothing that can fail")
}

/// The emulator closes a connection that was idle for 5 s. A request that leaves by it at that moment is lost.
const IDLE_AT_MOST: Duration = Duration::from_secs(2);

/// An HTTP client for loopback: no proxy, no certificates to load, redirects handed on as a proxy must.
pub fn loopback_client() -> reqwest::Client {
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .pool_idle_timeout(IDLE_AT_MOST)
        .tls_certs_only([])
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client without proxy and certificates has nothing that can fail")
}

#[derive(Debug)]
struct Adapter(reqwest::Client);

impl HttpConnector for Adapter {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let request = request.map(reqwest::Body::wrap).try_into().map_err(into_connector_error)?;
            let response = client.execute(request).await.map_err(into_connector_error)?;
            let response = http::Response::<reqwest::Body>::from(response).map(SdkBody::from_body_1_x);
            HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

fn into_connector_error(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() { ConnectorError::timeout(error.into()) } else { ConnectorError::io(error.into()) }
}

/// What the emulator did not do.
#[derive(Debug, thiserror::Error)]
#[error("the emulator could not {action}: {}", DisplayErrorContext(&**source))]
pub struct CloudError {
    action: String,
    source: Box<dyn std::error::Error + Send + Sync>,
}

pub(crate) fn failed<E: std::error::Error + Send + Sync + 'static>(action: &str) -> impl FnOnce(E) -> CloudError {
    move |error| CloudError { action: action.to_owned(), source: Box::new(error) }
}
