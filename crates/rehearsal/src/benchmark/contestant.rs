//! The programs that are held against each other, each in a world of its own.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::DeflateEncoder};
use simulators::runtime_api::{Environment, FunctionProcess, Lambda, TIME_OUT};

use super::{BenchmarkError, Programs, world::World};

/// What a contestant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// The webhook function.
    Function,
    /// An earlier build of it.
    Baseline,
    /// A function that does nothing.
    Bare,
    /// The Python peer.
    Python,
}

impl Role {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Baseline => "baseline",
            Self::Bare => "bare",
            Self::Python => "python",
        }
    }

    /// Whether it does the job at all.
    pub(super) fn takes_bookings(self) -> bool {
        self != Self::Bare
    }

    /// Whether it has a sweep.
    pub(super) fn sweeps(self) -> bool {
        matches!(self, Self::Function | Self::Baseline)
    }
}

pub(super) struct Contestant {
    pub(super) role: Role,
    program: PathBuf,
    /// Beside those of the world.
    env: BTreeMap<String, String>,
    pub(super) world: World,
}

/// A process of a contestant, with a Lambda that has no other.
pub(super) struct Running {
    pub(super) role: Role,
    pub(super) lambda: Lambda,
    pub(super) environment: Environment,
}

impl Contestant {
    pub(super) async fn all(programs: &Programs) -> Result<Vec<Self>, BenchmarkError> {
        let mut all = vec![Self::new(Role::Function, &programs.function, BTreeMap::new()).await?];
        if let Some(program) = &programs.baseline {
            all.push(Self::new(Role::Baseline, program, BTreeMap::new()).await?);
        }
        if let Some(program) = &programs.bare {
            all.push(Self::new(Role::Bare, program, BTreeMap::new()).await?);
        }
        if let Some(peer) = &programs.python {
            let interpreter = peer.interpreter.display().to_string();
            let env = [("PEER_PYTHON", interpreter), ("PEER_TABLE", super::world::PEER_TABLE.to_owned())];
            let env = env.map(|(name, value)| (name.to_owned(), value)).into();
            all.push(Self::new(Role::Python, &peer.bootstrap, env).await?);
        }
        Ok(all)
    }

    async fn new(role: Role, program: &Path, env: BTreeMap<String, String>) -> Result<Self, BenchmarkError> {
        // An absolute path: the process has no folder to begin from.
        let program = std::path::absolute(program)?;
        Ok(Self { role, program, env, world: World::start().await? })
    }

    /// The same in an empty world, with these variables set otherwise.
    pub(super) async fn fresh(&self, changes: &[(&str, &str)]) -> Result<Self, BenchmarkError> {
        let changes = changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let env = self.env.clone().into_iter().chain(changes).collect();
        Self::new(self.role, &self.program, env).await
    }

    pub(super) async fn lambda() -> io::Result<Lambda> {
        Lambda::start(TIME_OUT).await
    }

    /// Starts a process that takes what `lambda` is asked.
    pub(super) fn spawn(&self, lambda: &Lambda) -> io::Result<Environment> {
        let mut env = self.world.environment_variables();
        env.extend(self.env.clone());
        lambda.spawn(&FunctionProcess { binary: self.program.clone(), env })
    }

    /// Starts a process and waits until it polls.
    pub(super) async fn run(&self) -> Result<Running, BenchmarkError> {
        let lambda = Self::lambda().await?;
        let environment = self.spawn(&lambda)?;
        environment.ready().await?;
        Ok(Running { role: self.role, lambda, environment })
    }

    /// What is deployed, in megabytes: unpacked, and compressed as a zip is.
    pub(super) fn sizes_mb(&self) -> io::Result<(f64, f64)> {
        let folders = match self.env.get("PEER_PYTHON") {
            Some(interpreter) => packages_of(Path::new(interpreter)),
            None => vec![self.program.clone()],
        };
        let (mut bytes, mut zip) = (0, DeflateEncoder::new(Counter(0), Compression::fast()));
        for file in folders.iter().flat_map(|folder| files_below(folder)) {
            bytes += io::copy(&mut std::fs::File::open(file)?, &mut zip)?;
        }
        Ok((bytes as f64 / 1e6, zip.finish()?.0 as f64 / 1e6))
    }
}

/// The packages beside an interpreter, pip aside: nobody deploys that.
fn packages_of(interpreter: &Path) -> Vec<PathBuf> {
    let libraries = interpreter.ancestors().nth(2).map(|venv| venv.join("lib")).unwrap_or_default();
    let versions = std::fs::read_dir(libraries).into_iter().flatten().filter_map(Result::ok);
    let packages =
        versions.flat_map(|version| std::fs::read_dir(version.path().join("site-packages")).into_iter().flatten());
    let is_tool =
        |name: &str| ["pip", "setuptools", "pkg_resources", "_distutils"].iter().any(|tool| name.starts_with(tool));
    let packages = packages.filter_map(Result::ok).filter(|package| !is_tool(&package.file_name().to_string_lossy()));
    packages.map(|package| package.path()).collect()
}

fn files_below(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().filter_map(Result::ok);
    let sources = entries.map(|entry| entry.path()).filter(|path| !path.ends_with("__pycache__"));
    sources.flat_map(|path| files_below(&path)).collect()
}

struct Counter(u64);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
