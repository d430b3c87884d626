//! Cold start: configuration, clients, run. Nothing else.

use std::{convert::Infallible, io, process::ExitCode, sync::Arc};

use booking_webhook::{App, Config, Outbound, handle, sdk_config, telemetry, variable};
use lambda_http::{Adapter, Request};
use lambda_runtime::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    telemetry::start(variable("RUST_LOG").as_deref());
    let ended = match start().await {
        Ok(app) => run(&app).await.map_err(|error| ("the runtime has ended", error)),
        Err(error) => Err(("cannot start: no delivery could be verified or named", error)),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err((what, error)) => {
            tracing::error!(error = telemetry::with_causes(&*error), "{what}");
            ExitCode::FAILURE
        }
    }
}

async fn start() -> Result<App, Error> {
    #[expect(clippy::disallowed_methods, reason = "the one clock; everybody else is handed it")]
    let clock = Arc::new(jiff::Timestamp::now);
    let config = Config::from_env()?;
    let outbound = Outbound::new(config.call_timeout, config.retry_base)?;
    let sdk = sdk_config(&outbound, variable);
    Ok(Box::pin(App::cold_start(config, outbound, &sdk, clock)).await?)
}

async fn run(app: &App) -> Result<(), Error> {
    let invocation = |request: Request| async move {
        let response = handle(app, request).await;
        app.end(io::stdout().lock());
        Ok::<_, Infallible>(response)
    };
    lambda_runtime::run(Adapter::from(service_fn(invocation))).await
}
