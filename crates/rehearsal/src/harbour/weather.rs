//! What the harbour's visitors let fail, and for how long.
//!
//! The ledger and the crew's records are two tables of one service, and what the function does when one of them is gone is not
//! what it does when the other one is. So a fault is aimed at what people know, not at what is called.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use serde::{Deserialize, Serialize};
use simulators::{
    cloud::Cloud,
    traffic::{Call, Fault, Service, Traffic},
};

const ARMED_SHOWN: usize = 8;

/// What can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Target {
    Calendar,
    Crew,
    Ledger,
    CrewRecords,
    Bucket,
    Cloudfront,
    Secrets,
    Notices,
    Edge,
}

/// What shall go wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Script {
    target: Target,
    /// How the calls' operations begin; any where nothing is said.
    #[serde(default)]
    operation: String,
    fault: Fault,
    /// How often; until it is healed where nothing is said.
    times: Option<u32>,
}

/// A script, and how often it has been met.
#[derive(Clone, Serialize)]
pub(super) struct Armed {
    #[serde(flatten)]
    script: Script,
    #[serde(serialize_with = "count")]
    fired: Arc<AtomicU32>,
}

fn count<S: serde::Serializer>(fired: &AtomicU32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u32(fired.load(Ordering::Relaxed))
}

/// What was armed since everything was healed, in that order; the newest few.
#[derive(Default)]
pub(super) struct Weather(Mutex<VecDeque<Armed>>);

impl Weather {
    /// Scripts a fault.
    pub(super) fn turn(&self, script: Script, traffic: &Traffic, cloud: &Cloud) {
        let (service, table) = script.target.place(cloud);
        let operation = script.operation.clone();
        let fired = Arc::new(AtomicU32::new(0));
        let met = Arc::clone(&fired);
        let fits = move |call: &Call| {
            let fits =
                call.service == service && call.operation.starts_with(&operation) && call.request_body.contains(&table);
            met.fetch_add(u32::from(fits), Ordering::Relaxed);
            fits
        };
        let mut armed = self.armed();
        if script.times.is_none() && armed.iter().any(|known| known.script == script) {
            return; // It lasts already.
        }
        traffic.fail_each(fits, script.fault.clone(), script.times.unwrap_or(u32::MAX));
        if armed.len() == ARMED_SHOWN {
            armed.pop_front();
        }
        armed.push_back(Armed { script, fired });
    }

    /// Everything behaves again.
    pub(super) fn clear(&self, traffic: &Traffic) {
        traffic.heal();
        self.armed().clear();
    }

    /// What was armed since everything was healed, and how often each was met.
    pub(super) fn now(&self) -> Vec<Armed> {
        self.armed().iter().cloned().collect()
    }

    fn armed(&self) -> MutexGuard<'_, VecDeque<Armed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Target {
    /// The service, and the table that its calls must name.
    fn place(self, cloud: &Cloud) -> (Service, String) {
        match self {
            Self::Ledger => (Service::Dynamodb, cloud.ledger_table.clone()),
            Self::CrewRecords => (Service::Dynamodb, cloud.events_table.clone()),
            Self::Calendar => (Service::Calendar, String::new()),
            Self::Crew => (Service::Scc, String::new()),
            Self::Bucket => (Service::S3, String::new()),
            Self::Cloudfront => (Service::Cloudfront, String::new()),
            Self::Secrets => (Service::Secretsmanager, String::new()),
            Self::Notices => (Service::Sns, String::new()),
            Self::Edge => (Service::Edge, String::new()),
        }
    }
}
