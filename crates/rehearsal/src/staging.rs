//! Staging on this machine: the stand-ins' real binaries under Lambda's stand-in, behind API Gateway's.
//!
//! What is deployed is what is tested, except for what only AWS can show: permissions, and the real gateway.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use serde_json::{Value, json};
use simulators::{
    aws::{REGION, TEST_CREDENTIAL},
    cloud::Cloud,
    emulator::Emulator,
    front_door::FrontDoor,
    runtime_api::{Environment, FunctionProcess, Invocation, Lambda, TIME_OUT},
    scc::create_events_table,
    template::Table,
    traffic::Traffic,
};
use tokio::sync::Mutex;

use crate::{DASHBOARD_TOKEN, RehearsalError, SERVICE_KEY};

/// An account with what the stand-ins of staging need: tables, a bucket and secrets. Each has the tokens of a rehearsal.
pub struct Account {
    /// Its clients and names.
    pub cloud: Cloud,
    binaries: PathBuf,
    env: BTreeMap<String, String>,
}

impl Account {
    /// Makes all of it on the emulator that this process shares. The stand-ins are programs in the folder `binaries`; pages of
    /// `guest_page_base_url` may ask for upload forms.
    ///
    /// # Errors
    /// When the emulator does not start or refuses something.
    pub async fn create(binaries: PathBuf, guest_page_base_url: &str) -> Result<Self, RehearsalError> {
        let emulator = Emulator::shared().await?;
        let cloud = Cloud::create(&emulator.url()).await?;
        let records_table = format!("staging-records-{:08x}", rand::random::<u32>());
        Table::in_template("StagingRecords").create(&cloud.dynamodb, &records_table).await?;
        create_events_table(&cloud.dynamodb, &cloud.events_table).await?;
        for (name, value) in [
            ("calendar", json!({ "dashboard_token": DASHBOARD_TOKEN })),
            ("scc", json!({ "service_key": SERVICE_KEY })),
            ("staging", json!({ "magic_link_key": "a key that outlives environments" })),
        ] {
            cloud.put_secret(name, &value).await?;
        }
        let env = [
            ("AWS_ACCESS_KEY_ID", TEST_CREDENTIAL.to_owned()),
            ("AWS_ENDPOINT_URL", emulator.url()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", TEST_CREDENTIAL.to_owned()),
            ("GUEST_PAGE_BASE_URL", guest_page_base_url.to_owned()),
            ("RECORDS_TABLE", records_table),
            ("SCC_EVENTS_TABLE", cloud.events_table.clone()),
            ("SECRETS_PREFIX", cloud.secrets_prefix.clone()),
            ("UPLOADS_BUCKET", cloud.bucket.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        Ok(Self { cloud, binaries, env })
    }

    /// Starts the calendar.
    ///
    /// # Errors
    /// When it does not become ready; [`RehearsalError::Init`] holds its own words.
    pub async fn start_calendar(&self) -> Result<Deployed, RehearsalError> {
        self.start("staging-calendar", |_| {}).await
    }

    /// Starts ShipCaptainCrew.
    ///
    /// # Errors
    /// When it does not become ready; [`RehearsalError::Init`] holds its own words.
    pub async fn start_scc(&self) -> Result<Deployed, RehearsalError> {
        self.start("staging-scc", |_| {}).await
    }

    /// Starts the program `name` with an environment that `change` has changed.
    ///
    /// # Errors
    /// When it does not become ready; [`RehearsalError::Init`] holds its own words.
    pub async fn start(
        &self,
        name: &str,
        change: impl FnOnce(&mut BTreeMap<String, String>),
    ) -> Result<Deployed, RehearsalError> {
        let mut env = self.env.clone();
        let lambda = Arc::new(Lambda::start(TIME_OUT).await?);
        let front_door = FrontDoor::start(Arc::clone(&lambda), Traffic::new()).await?;
        env.insert("LINK_BASE_URL".to_owned(), front_door.url());
        change(&mut env);
        let process = FunctionProcess { binary: self.binaries.join(name), env };
        let environment = lambda.spawn(&process)?;
        environment.ready().await?;
        Ok(Deployed { process, environment: Mutex::new(environment), lambda, front_door })
    }
}

/// A running stand-in of staging. Dropping it kills its process.
pub struct Deployed {
    process: FunctionProcess,
    environment: Mutex<Environment>,
    lambda: Arc<Lambda>,
    front_door: FrontDoor,
}

impl Deployed {
    /// Where it is reached, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        self.front_door.url()
    }

    /// The base URL of its API.
    #[must_use]
    pub fn api_url(&self) -> String {
        self.url() + "/prod"
    }

    /// Invokes it directly, as AWS's own services do.
    ///
    /// # Errors
    /// When no environment takes the invocation.
    pub async fn invoke(&self, event: &Value) -> Result<Invocation, RehearsalError> {
        Ok(self.lambda.invoke(event).await?)
    }

    /// Kills its environment and starts another, as Lambda does every now and then.
    ///
    /// # Errors
    /// When the new one does not become ready.
    pub async fn start_anew(&self) -> Result<(), RehearsalError> {
        let mut environment = self.environment.lock().await;
        environment.kill().await;
        *environment = self.lambda.spawn(&self.process)?;
        environment.ready().await?;
        Ok(())
    }

    /// What all its environments have logged.
    #[must_use]
    pub fn logs(&self) -> Vec<String> {
        self.lambda.log().lines()
    }
}
