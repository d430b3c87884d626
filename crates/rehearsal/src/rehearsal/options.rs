//! What differs from one rehearsal to the next.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use serde_json::Value;

use simulators::{dynamodb::DynamoDbKind, emulator::Emulator, runtime_api::TIME_OUT, scc::ServiceKeyHash};

/// How ShipCaptainCrew knows the service key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HashKind {
    /// By its SHA-256.
    #[default]
    Sha256,
    /// By its bcrypt.
    Bcrypt,
}

impl HashKind {
    pub(super) fn of(self, key: &str) -> ServiceKeyHash {
        match self {
            Self::Sha256 => ServiceKeyHash::sha256(key),
            Self::Bcrypt => ServiceKeyHash::bcrypt(key),
        }
    }
}

/// How a rehearsal starts. The default has everything but the function.
#[derive(Clone, Debug)]
pub struct Options {
    /// The function's executable; `None` starts none.
    pub function: Option<PathBuf>,
    /// The program that draws what a deployment puts beside the pages; `None` leaves the bucket empty.
    pub link_pictures: Option<PathBuf>,
    /// How many environments of it run.
    pub environments: usize,
    /// How long an invocation may take before Lambda ends it.
    pub time_out: Duration,
    /// Environment variables to set otherwise, or (`None`) not at all.
    pub env: BTreeMap<String, Option<String>>,
    /// Secrets to put otherwise, by name: a string goes as it is (a typo), `null` leaves the secret out.
    pub secrets: BTreeMap<String, Value>,
    /// How ShipCaptainCrew knows the service key.
    pub service_key_hash: HashKind,
    /// The emulator to use instead of the one that this process shares.
    pub emulator: Option<Arc<Emulator>>,
    /// Which emulator holds the tables.
    pub dynamodb: DynamoDbKind,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            function: None,
            link_pictures: None,
            environments: 1,
            time_out: TIME_OUT,
            env: BTreeMap::new(),
            secrets: BTreeMap::new(),
            service_key_hash: HashKind::default(),
            emulator: None,
            dynamodb: DynamoDbKind::default(),
        }
    }
}
