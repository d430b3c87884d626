//! What the harbour's visitors let fail, and for how long.
//!
//! The ledger and the crew's records are two tables of one service, and what the function does when one of them is gone is not
//! what it does when the other one is. So a fault is aimed at what people know, not at what is called.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use simulators::{
    cloud::Cloud,
    traffic::{Call, Fault, Service, Traffic},
};

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

/// The faults that last until they are healed.
#[derive(Default)]
pub(super) struct Weather(Mutex<Vec<Script>>);

impl Weather {
    /// Scripts a fault.
    pub(super) fn turn(&self, script: Script, traffic: &Traffic, cloud: &Cloud) {
        let (service, table) = script.target.place(cloud);
        let operation = script.operation.clone();
        let fits = move |call: &Call| {
            call.service == service && call.operation.starts_with(&operation) && call.request_body.contains(&table)
        };
        traffic.fail_each(fits, script.fault.clone(), script.times.unwrap_or(u32::MAX));
        let mut lasting = self.lasting();
        if script.times.is_none() && !lasting.contains(&script) {
            lasting.push(script);
        }
    }

    /// Everything behaves again.
    pub(super) fn clear(&self, traffic: &Traffic) {
        traffic.heal();
        self.lasting().clear();
    }

    /// What fails until it is healed.
    pub(super) fn now(&self) -> Vec<Script> {
        self.lasting().clone()
    }

    fn lasting(&self) -> MutexGuard<'_, Vec<Script>> {
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
