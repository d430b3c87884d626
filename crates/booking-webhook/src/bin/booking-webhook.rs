//! Cold start: configuration, clients, run. Nothing else.

use std::{convert::Infallible, sync::Arc};

use booking_webhook::{
    app::App,
    config::Config,
    entry,
    outbound::{Outbound, sdk_config},
    telemetry,
};
use lambda_http::{Error, Request, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let app = match start().await {
        Ok(app) => app,
        Err(error) => {
            tracing::error!(
                error = &*error as &dyn std::error::Error,
                "cannot start: no delivery could be verified or named"
            );
            return Err(error);
        }
    };
    let app = &app;
    lambda_http::run(service_fn(
        |request: Request| async move { Ok::<_, Infallible>(entry::handle(app, request).await) },
    ))
    .await
}

async fn start() -> Result<App, Error> {
    #[expect(clippy::disallowed_methods, reason = "the one clock; everybody else is handed it")]
    let clock = Arc::new(jiff::Timestamp::now);
    let config = Config::from_env()?;
    let outbound = Outbound::new(config.call_timeout, config.retry_base)?;
    let sdk = sdk_config(&outbound).await;
    Ok(Box::pin(App::cold_start(config, outbound, &sdk, clock)).await?)
}
