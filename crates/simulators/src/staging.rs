//! The stand-ins as Lambdas of their own: staging has four systems, and nothing in it can reach a guest or a crew member.
//!
//! They are the services of the rehearsal, route for route, behind `lambda_http` instead of a socket. The faults and the log of
//! calls stay behind, and what a rehearsal keeps in memory is in DynamoDB. The crew's mail is kept in the outbox and the office's in its
//! mailbox: there is no code in here that could send any. The tokens are those of the function's own secrets, so both sides always agree.

mod mailbox;
mod secrets;

use std::process::ExitCode;

use aws_config::SdkConfig;
use axum::Router;
pub use secrets::{SecretError, Secrets};
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::{
    aws, calendar,
    clock::Clock,
    records::{Records, RecordsTable},
    scc::{self, MagicLinks, SccOptions, ServiceKeyHash, Uploads},
    settings::{Missing, needed, needed_url, variable},
};

/// Why a stand-in does not start.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says itself what it is")]
pub enum StagingError {
    #[error(transparent)]
    Missing(#[from] Missing),
    #[error(transparent)]
    Secret(#[from] SecretError),
}

/// The calendar, and the office's mailbox beside it, as their environment describes them.
///
/// # Errors
/// When a variable or a secret is missing.
pub async fn calendar() -> Result<Router, StagingError> {
    let sdk = aws::account_config().await;
    let (entries, mails) = (records(&sdk, "calendar")?, records(&sdk, "office")?);
    let dashboard_token = Secrets::from_env(&sdk)?.text("calendar", "dashboard_token").await?;
    Ok(calendar::service(&dashboard_token, entries).merge(mailbox::service(&dashboard_token, mails)))
}

/// ShipCaptainCrew, as its environment describes it.
///
/// # Errors
/// When a variable or a secret is missing.
pub async fn scc() -> Result<Router, StagingError> {
    let sdk = aws::account_config().await;
    let outbox = records(&sdk, "outbox")?;
    let secrets = Secrets::from_env(&sdk)?;
    let magic_link_key = secrets.text("staging", "magic_link_key").await?;
    let links = MagicLinks::new(magic_link_key.as_bytes()).leading_to(needed_url("LINK_BASE_URL")?);
    let options = SccOptions {
        service_key_hash: ServiceKeyHash::sha256(&secrets.text("scc", "service_key").await?),
        dynamodb: aws_sdk_dynamodb::Client::new(&sdk),
        events_table: needed("SCC_EVENTS_TABLE")?,
        uploads: uploads()?,
        site_origin: needed_url("GUEST_PAGE_BASE_URL")?,
        clock: Clock::system(),
    };
    Ok(scc::service(options, outbox, links))
}

fn records(sdk: &SdkConfig, collection: &'static str) -> Result<Records, Missing> {
    let table = needed("RECORDS_TABLE")?;
    Ok(Records::Table(RecordsTable::new(aws_sdk_dynamodb::Client::new(sdk), table, collection)))
}

/// The role's own credentials sign for uploads: they live as long as this environment does.
fn uploads() -> Result<Uploads, Missing> {
    let region = needed("AWS_REGION")?;
    Ok(Uploads {
        endpoint_url: variable("AWS_ENDPOINT_URL").unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com")),
        bucket: needed("UPLOADS_BUCKET")?,
        region,
        access_key_id: needed("AWS_ACCESS_KEY_ID")?,
        secret_access_key: needed("AWS_SECRET_ACCESS_KEY")?,
        session_token: variable("AWS_SESSION_TOKEN"),
    })
}

/// Runs `service` under Lambda, until Lambda ends it.
pub async fn serve(service: impl Future<Output = Result<Router, StagingError>>) -> ExitCode {
    let filter = variable("RUST_LOG").and_then(|filter| filter.parse().ok());
    let filter = filter.unwrap_or(Targets::new().with_default(LevelFilter::INFO));
    tracing_subscriber::registry().with(tracing_subscriber::fmt::layer().json()).with(filter).init();
    let router = match service.await {
        Ok(router) => router,
        Err(error) => {
            tracing::error!(%error, "cannot start");
            return ExitCode::FAILURE;
        }
    };
    match lambda_http::run(router).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the runtime has ended");
            ExitCode::FAILURE
        }
    }
}
