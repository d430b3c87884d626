//! Everything around the function, wired up as it is in the operator's account.
//!
//! A rehearsal is one operator's world: the real function under Lambda behind API Gateway, calendar and ShipCaptainCrew, the
//! guest site behind its edge, secrets and tables. Tests and `make run` start the same one; many run side by side on one
//! emulator.

mod configuration;
mod link_pictures;
mod options;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::body::Bytes;
pub use configuration::{BUILT_IN_SENDER, DASHBOARD_TOKEN, LINK_KEY, SERVICE_KEY, SIGNING_SECRET};
use http::{HeaderMap, HeaderName, HeaderValue};
pub use options::{HashKind, Options};
use serde::Serialize;
use serde_json::Value;
use simulators::{
    aws::{REGION, TEST_CREDENTIAL, loopback_client},
    aws_gateway::AwsGateway,
    calendar::Calendar,
    clock::Clock,
    cloud::Cloud,
    dynamodb::{DynamoDb, DynamoDbKind},
    edge::{Edge, EdgeOptions},
    emulator::Emulator,
    front_door::FrontDoor,
    runtime_api::{Environment, FunctionProcess, Invocation, Lambda},
    scc::{Scc, SccOptions, Uploads, create_events_table},
    sender::Sender,
    traffic::Traffic,
};
use tokio::sync::Mutex;

use crate::{RehearsalError, world::Effects};

/// The webhook's path behind the front door.
pub const WEBHOOK_PATH: &str = "/webhooks/boatsetter";

/// What came back through the front door.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body; a string when it is not JSON.
    pub body: Value,
}

/// A running world. Dropping it stops all of it but the emulator that this process shares, which ends with the process.
pub struct Rehearsal {
    environments: Mutex<Vec<Environment>>,
    process: Option<FunctionProcess>,
    env: BTreeMap<String, String>,
    count: usize,
    client: reqwest::Client,
    sender: Sender,
    senders: BTreeMap<String, String>,
    gateway: AwsGateway,
    /// API Gateway.
    pub front_door: FrontDoor,
    /// Lambda.
    pub lambda: Arc<Lambda>,
    /// The guest site.
    pub edge: Edge,
    /// ShipCaptainCrew.
    pub scc: Scc,
    /// The JADA calendar.
    pub calendar: Calendar,
    /// The AWS account.
    pub cloud: Cloud,
    /// The log of all calls, and the script of faults.
    pub traffic: Traffic,
    /// The time at ShipCaptainCrew's upload desk and at the edge.
    pub clock: Clock,
    emulator: Arc<Emulator>,
    /// None when the emulator holds the tables too.
    _dynamodb: Option<DynamoDb>,
}

impl Rehearsal {
    /// Starts everything, and waits until the function is ready to take webhooks.
    ///
    /// # Errors
    /// When a part does not start; [`RehearsalError::Init`] holds the function's own words.
    pub async fn start(options: Options) -> Result<Self, RehearsalError> {
        let emulator = match options.emulator {
            Some(emulator) => emulator,
            None => Emulator::shared().await?,
        };
        let dynamodb = match options.dynamodb {
            DynamoDbKind::Ministack => None,
            DynamoDbKind::Dynoxide => Some(DynamoDb::start().await?),
        };
        let dynamodb_url = dynamodb.as_ref().map_or_else(|| emulator.url(), DynamoDb::url);
        let (traffic, clock) = (Traffic::new(), Clock::system());
        let cloud = Cloud::create_with_dynamodb(&emulator.url(), &dynamodb_url).await?;
        create_events_table(&cloud.dynamodb, &cloud.events_table).await?;
        let gateway = AwsGateway::start(traffic.clone(), &emulator.url(), &dynamodb_url).await?;
        let edge = Edge::start(EdgeOptions {
            traffic: traffic.clone(),
            emulator_url: emulator.url(),
            bucket: cloud.bucket.clone(),
            distribution_id: cloud.distribution_id.clone(),
            clock: clock.clone(),
        });
        let edge = edge.await?;
        let calendar = Calendar::start(traffic.clone(), DASHBOARD_TOKEN).await?;
        let scc = SccOptions {
            service_key_hash: options.service_key_hash.of(SERVICE_KEY),
            dynamodb: cloud.dynamodb.clone(),
            events_table: cloud.events_table.clone(),
            uploads: Uploads {
                endpoint_url: emulator.url(),
                bucket: cloud.bucket.clone(),
                region: REGION.to_owned(),
                access_key_id: TEST_CREDENTIAL.to_owned(),
                secret_access_key: TEST_CREDENTIAL.to_owned(),
                session_token: None,
            },
            site_origin: edge.url(),
            clock: clock.clone(),
        };
        let scc = Scc::start(traffic.clone(), scc).await?;
        let secrets = configuration::secrets(&calendar, &scc, &cloud, options.secrets);
        for (name, value) in &secrets {
            cloud.put_secret(name, value).await?;
        }
        let lambda = Arc::new(Lambda::start(options.time_out).await?);
        let front_door = FrontDoor::start(Arc::clone(&lambda), traffic.clone()).await?;
        let env = configuration::environment_variables(&cloud, &gateway, &edge, &front_door, options.env);
        link_pictures::publish(options.link_pictures.as_deref(), &env, &cloud).await?;
        let rehearsal = Self {
            environments: Mutex::default(),
            process: options.function.map(|binary| FunctionProcess { binary, env: env.clone() }),
            env,
            count: options.environments,
            client: loopback_client(),
            sender: Sender::new(SIGNING_SECRET).expect("the secret is well formed"),
            senders: configuration::senders(secrets.into_keys()),
            gateway,
            front_door,
            lambda,
            edge,
            scc,
            calendar,
            cloud,
            traffic,
            clock,
            emulator,
            _dynamodb: dynamodb,
        };
        rehearsal.cold_start().await?;
        Ok(rehearsal)
    }

    /// Sends `body` as the marketplace would now: a new webhook id, signed, through the front door.
    ///
    /// # Errors
    /// When nothing was answered.
    pub async fn deliver(&self, body: &Value) -> Result<Answered, RehearsalError> {
        let (id, body) = (format!("msg_{:016x}", rand::random::<u64>()), body.to_string());
        self.deliver_raw(&self.sender.sign(&id, &body, Clock::system().now()), body).await
    }

    /// Sends these headers and bytes to the webhook as they are.
    ///
    /// # Errors
    /// When a header is none, or nothing was answered.
    pub async fn deliver_raw(
        &self,
        headers: &BTreeMap<String, String>,
        body: impl Into<Bytes>,
    ) -> Result<Answered, RehearsalError> {
        self.post(&format!("{}{WEBHOOK_PATH}", self.front_door.url()), headers, body).await
    }

    /// Sends these headers and bytes to `url`: to the REST API, say, or through another edge.
    ///
    /// # Errors
    /// As [`Rehearsal::deliver_raw`].
    pub async fn post(
        &self,
        url: &str,
        headers: &BTreeMap<String, String>,
        body: impl Into<Bytes>,
    ) -> Result<Answered, RehearsalError> {
        let request = self.client.post(url).headers(header_map(headers)?).body(body.into());
        let answer = request.send().await?;
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = answer.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let status = answer.status().as_u16();
        let body = answer.text().await?;
        Ok(Answered { status, headers, body: serde_json::from_str(&body).unwrap_or(Value::String(body)) })
    }

    /// Invokes the function directly, as a person or the schedule does.
    ///
    /// # Errors
    /// When no environment takes it.
    pub async fn invoke(&self, payload: &Value) -> Result<Invocation, RehearsalError> {
        Ok(self.lambda.invoke(payload).await?)
    }

    /// Puts a new version of the secret `name`: `webhook`, `calendar`, `scc`, `guest-page` or `desk`.
    ///
    /// # Errors
    /// When Secrets Manager refuses it.
    pub async fn put_secret(&self, name: &str, value: &Value) -> Result<(), RehearsalError> {
        Ok(self.cloud.put_secret(name, value).await?)
    }

    /// The current version of the secret `name`.
    ///
    /// # Errors
    /// When there is none.
    pub async fn secret(&self, name: &str) -> Result<Value, RehearsalError> {
        Ok(self.cloud.secret(name).await?)
    }

    /// Kills every environment of the function in the middle of its work.
    pub async fn kill(&self) {
        for environment in self.environments.lock().await.drain(..) {
            environment.kill().await;
        }
    }

    /// Kills every environment, starts as many anew, and tells how long the slowest took from start to first poll.
    ///
    /// # Errors
    /// When the function does not become ready.
    pub async fn cold_start(&self) -> Result<Duration, RehearsalError> {
        self.kill().await;
        let mut environments = Vec::new();
        for process in self.process.iter().cycle().take(self.count) {
            environments.push(self.lambda.spawn(process)?);
        }
        let mut slowest = Duration::ZERO;
        for environment in &environments {
            slowest = slowest.max(environment.ready().await?);
        }
        *self.environments.lock().await = environments;
        Ok(slowest)
    }

    /// The process ids of the environments that were started last.
    pub async fn pids(&self) -> Vec<u32> {
        self.environments.lock().await.iter().map(Environment::pid).collect()
    }

    /// What the function has logged, over all environments.
    #[must_use]
    pub fn logs(&self) -> Vec<String> {
        self.lambda.log().lines()
    }

    /// The world as people see it now.
    ///
    /// # Errors
    /// When the emulator or the edge does not answer.
    pub async fn effects(&self) -> Result<Effects, RehearsalError> {
        Effects::look(&self.calendar, &self.scc, &self.cloud, &self.edge, &self.client).await
    }

    /// The marketplace, which holds the signing secret.
    #[must_use]
    pub fn sender(&self) -> &Sender {
        &self.sender
    }

    /// Who may post, each with the name of its webhook secret.
    #[must_use]
    pub fn senders(&self) -> &BTreeMap<String, String> {
        &self.senders
    }

    /// What the function finds in its environment: with these it can also run by hand.
    #[must_use]
    pub fn environment_variables(&self) -> &BTreeMap<String, String> {
        &self.env
    }

    /// What the function takes for AWS.
    #[must_use]
    pub fn aws_gateway_url(&self) -> String {
        self.gateway.url()
    }

    /// AWS itself: what is asked here is neither logged nor failed.
    #[must_use]
    pub fn emulator_url(&self) -> String {
        self.emulator.url()
    }
}

fn header_map(headers: &BTreeMap<String, String>) -> Result<HeaderMap, RehearsalError> {
    let parsed = headers.iter().map(|(name, value)| {
        let (parsed_name, parsed_value) = (HeaderName::try_from(name), HeaderValue::try_from(value));
        parsed_name.ok().zip(parsed_value.ok()).ok_or_else(|| RehearsalError::Header(format!("{name}: {value}")))
    });
    parsed.collect()
}
