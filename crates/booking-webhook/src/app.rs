//! The function as it stands between invocations: everything that a cold start loads, once.

use std::{sync::Arc, time::Duration};

use aws_config::SdkConfig;
use jiff::Timestamp;

use crate::{
    booking::Operator,
    calendar::Calendar,
    config::{Config, FileLocation},
    guest_page::{Publisher, Renderer},
    outbound::Outbound,
    reconcile::Systems,
    scc::{EventsTable, Scc},
    secrets::{SecretStore, SecretsError},
    webhook::{Mapping, MappingError},
};

/// Reads the time. A value, so that tests can say what time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Everything that outlives an invocation.
pub struct App {
    /// What the environment decided.
    pub config: Config,
    /// What the operator decided.
    pub operator: Operator,
    /// What senders' JSON means.
    pub mapping: Mapping,
    /// The newest secrets.
    pub secrets: SecretStore,
    /// What time it is.
    pub clock: Clock,
    outbound: Outbound,
    events: EventsTable,
    s3: aws_sdk_s3::Client,
    cloudfront: aws_sdk_cloudfront::Client,
    renderer: Renderer,
}

impl std::fmt::Debug for App {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("App").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Why the function cannot start. Everything else only makes steps due.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No delivery could be verified or named.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// A file that the environment names cannot be read.
    #[error("{variable} cannot be read from {location:?}")]
    File {
        /// The environment's name for it.
        variable: &'static str,
        /// Where it should be.
        location: FileLocation,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The operator file is there, but malformed.
    #[error("the operator file is malformed: {0}")]
    Operator(#[from] toml::de::Error),
    /// The mapping file is there, but malformed.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// The compiled-in template is malformed.
    #[error(transparent)]
    Template(#[from] crate::guest_page::RenderError),
}

impl App {
    /// Loads the secrets (one call) and the operator's files, all at once, and reports everything that is wrong with them together.
    ///
    /// # Errors
    /// [`StartError`] when the function could do nothing useful with a delivery.
    pub async fn cold_start(
        config: Config,
        outbound: Outbound,
        sdk: &SdkConfig,
        clock: Clock,
    ) -> Result<Self, StartError> {
        let s3 = aws_sdk_s3::Client::new(sdk);
        let (secrets, operator, mapping) = tokio::join!(
            load_secrets(sdk, &config),
            read("OPERATOR_FILE", config.operator_file.as_ref(), &s3),
            read("MAPPING_FILE", config.mapping_file.as_ref(), &s3),
        );
        let app = Self {
            secrets: secrets?,
            operator: operator?.map_or_else(|| Ok(Operator::default()), |file| toml::from_str(&file))?,
            mapping: mapping?.map_or_else(|| Ok(Mapping::canonical()), |file| Mapping::parse(&file))?,
            events: EventsTable::new(aws_sdk_dynamodb::Client::new(sdk), config.scc_events_table.clone()),
            cloudfront: aws_sdk_cloudfront::Client::new(sdk),
            renderer: Renderer::new()?,
            outbound,
            s3,
            config,
            clock,
        };
        app.report_faults();
        Ok(app)
    }

    /// What is wrong but stops nothing, in one line, so that one look is enough.
    fn report_faults(&self) {
        let secrets = self.secrets.current();
        let faults: Vec<String> =
            self.config.faults.iter().cloned().chain(secrets.faults().into_iter().map(ToString::to_string)).collect();
        if faults.is_empty() {
            tracing::info!("started");
        } else {
            tracing::error!(
                ?faults,
                "started with faults: the systems that they concern stay due until they are mended"
            );
        }
    }

    /// The four systems, as this invocation reaches them.
    pub fn systems(&self) -> Systems<'_> {
        Systems {
            calendar: Calendar::new(&self.outbound, &self.secrets),
            scc: Scc::new(&self.outbound, &self.secrets, &self.events),
            publisher: Publisher::new(
                &self.outbound,
                &self.secrets,
                &self.config.guest_page,
                &self.s3,
                &self.cloudfront,
            ),
            renderer: &self.renderer,
            operator: &self.operator,
            crew_event_wait: self.config.crew_event_wait,
        }
    }

    /// How long outside calls may take in an invocation that Lambda ends at `lambda_deadline_ms` (Unix time). A deadline that is over was
    /// never one: local runtimes send 0 or a duration.
    pub fn time_for_calls(&self, lambda_deadline_ms: u64) -> Duration {
        let now_ms = u64::try_from((self.clock)().as_millisecond()).unwrap_or_default();
        match lambda_deadline_ms.saturating_sub(now_ms) {
            0 => self.config.answer_within,
            remaining => self.config.answer_within.min(Duration::from_millis(remaining)),
        }
    }
}

async fn load_secrets(sdk: &SdkConfig, config: &Config) -> Result<SecretStore, SecretsError> {
    let client = aws_sdk_secretsmanager::Client::new(sdk);
    SecretStore::load(client, config.secrets_prefix.clone(), config.allowed_hosts.clone()).await
}

async fn read(
    variable: &'static str,
    location: Option<&FileLocation>,
    s3: &aws_sdk_s3::Client,
) -> Result<Option<String>, StartError> {
    let Some(location) = location else { return Ok(None) };
    let text = match location {
        FileLocation::Path(path) => std::fs::read_to_string(path).map_err(Into::into),
        FileLocation::S3 { bucket, key } => object(s3, bucket, key).await,
    };
    text.map(Some).map_err(|source| StartError::File { variable, location: location.clone(), source })
}

async fn object(
    s3: &aws_sdk_s3::Client,
    bucket: &str,
    key: &str,
) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let object = s3.get_object().bucket(bucket).key(key).send().await?;
    Ok(String::from_utf8(object.body.collect().await?.to_vec())?)
}
