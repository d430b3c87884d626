//! One invocation, and all that it took.

use std::{collections::BTreeMap, time::Instant};

use serde_json::{Value, json};
use simulators::{
    local_aws::Units,
    runtime_api::Invocation,
    traffic::{Call, Service},
};

use super::{
    BenchmarkError,
    contestant::{Contestant, Running},
    process::processor_ms_at_rest,
    world::{Kind, World},
};

/// What an invocation took.
#[derive(Clone, Debug)]
pub(super) struct Spent {
    pub(super) wall_ms: f64,
    /// All that the process computed, until it polls again.
    pub(super) processor_ms: Option<f64>,
    pub(super) calls: BTreeMap<Service, usize>,
    pub(super) units: Units,
    pub(super) log_bytes: f64,
    pub(super) connections: usize,
    pub(super) invalidated_paths: usize,
    /// What was answered.
    pub(super) answer: Value,
}

impl Spent {
    pub(super) fn all_calls(&self) -> usize {
        self.calls.values().sum()
    }

    pub(super) fn calls_to(&self, service: Service) -> usize {
        self.calls.get(&service).copied().unwrap_or_default()
    }
}

impl Running {
    /// Delivers the booking of this number, which must be taken.
    pub(super) async fn deliver(&self, world: &World, number: u32, kind: Kind) -> Result<Spent, BenchmarkError> {
        self.deliver_body(world, &world.body(number, kind), kind.name()).await
    }

    pub(super) async fn deliver_body(&self, world: &World, body: &Value, what: &str) -> Result<Spent, BenchmarkError> {
        let spent = self.invoke(world, &world.event(body)).await?;
        let status = spent.answer["statusCode"].as_u64();
        if status == Some(200) { Ok(spent) } else { Err(self.failed(what, &spent.answer)) }
    }

    /// What the schedule sends.
    pub(super) async fn sweep(&self, world: &World) -> Result<Spent, BenchmarkError> {
        let spent = self.invoke(world, &json!({ "sweep": {} })).await?;
        if spent.answer["found"].is_u64() { Ok(spent) } else { Err(self.failed("sweep", &spent.answer)) }
    }

    pub(super) async fn invoke(&self, world: &World, event: &Value) -> Result<Spent, BenchmarkError> {
        let pid = self.environment.pid();
        let processor_before = processor_ms_at_rest(pid).await;
        world.traffic.forget();
        let _of_others = world.tables.take_units();
        let (log, connections) = (self.environment.log_bytes(), world.traffic.connections());
        let paths = world.aws.invalidated_paths();
        let began = Instant::now();
        let Invocation { payload, .. } = self.lambda.invoke(event).await?;
        let wall_ms = began.elapsed().as_secs_f64() * 1e3;
        let processor_after = processor_ms_at_rest(pid).await;
        Ok(Spent {
            wall_ms,
            processor_ms: processor_after.zip(processor_before).map(|(after, before)| after - before),
            calls: by_service(&world.traffic.calls()),
            units: world.tables.take_units(),
            log_bytes: (self.environment.log_bytes() - log) as f64,
            connections: world.traffic.connections() - connections,
            invalidated_paths: world.aws.invalidated_paths() - paths,
            answer: payload,
        })
    }

    fn failed(&self, what: &str, answer: &Value) -> BenchmarkError {
        let log = self.environment.log();
        let last =
            log.iter().rev().find(|line| line.contains("ERROR") || line.contains("Error")).cloned().unwrap_or_default();
        BenchmarkError::Failed {
            contestant: self.role.name(),
            what: what.to_owned(),
            answer: format!("{answer}\n{last}"),
        }
    }
}

impl Contestant {
    /// Makes a process warm: what it does once is done.
    pub(super) async fn warm(&self, running: &Running, number: u32) -> Result<(), BenchmarkError> {
        for kind in Kind::ALL {
            running.deliver(&self.world, number, kind).await?;
        }
        Ok(())
    }
}

fn by_service(calls: &[Call]) -> BTreeMap<Service, usize> {
    let mut count = BTreeMap::new();
    for call in calls {
        *count.entry(call.service).or_default() += 1;
    }
    count
}
