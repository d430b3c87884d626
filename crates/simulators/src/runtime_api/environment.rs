//! One execution environment: a process of the function that starts cold, polls, and can be killed at any moment.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    path::PathBuf,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    process::{Child, Command},
    sync::watch,
    task::JoinHandle,
};

use super::{
    FUNCTION_NAME, Log,
    invocations::{Invocations, Phase},
};

/// A grandchild may keep the output open after the function has ended.
const OUTPUT_ENDS_WITHIN: Duration = Duration::from_secs(1);

/// What to start.
#[derive(Clone, Debug)]
pub struct FunctionProcess {
    /// The function's executable.
    pub binary: PathBuf,
    /// Its environment variables, beside those that Lambda sets.
    pub env: BTreeMap<String, String>,
}

/// Why an environment never became ready.
#[derive(Debug, thiserror::Error)]
#[error("the function did not start: {reason}\n{}", log.join("\n"))]
pub struct InitError {
    /// What it reported, or how its process ended.
    pub reason: String,
    /// All that it had logged.
    pub log: Vec<String>,
}

/// A running process of the function. Dropping it kills the process.
pub struct Environment {
    name: String,
    pid: u32,
    started: Instant,
    phase: watch::Receiver<Phase>,
    log: Log,
    invocations: Arc<Invocations>,
    task: JoinHandle<()>,
}

impl Environment {
    pub(super) fn spawn(
        process: &FunctionProcess,
        api: SocketAddr,
        invocations: &Arc<Invocations>,
        group: Log,
    ) -> io::Result<Self> {
        let name = format!("{:08x}", rand::random::<u32>());
        let (phase, retired) = invocations.register(&name);
        let started = Instant::now();
        let mut child = command(process, &name, api).spawn().map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("the function {} cannot be started: {error}", process.binary.display()),
            )
        })?;
        let pid = child.id().expect("a child that was just started has an id");
        let log = Log::default();
        let stdout = child.stdout.take().expect("stdout is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        let output =
            [tokio::spawn(log.clone().follow(group.clone(), stdout)), tokio::spawn(log.clone().follow(group, stderr))];
        let task = tokio::spawn(look_after(child, output, retired, name.clone(), Arc::clone(invocations)));
        Ok(Self { name, pid, started, phase, log, invocations: Arc::clone(invocations), task })
    }

    /// Waits for the first poll, and tells how long the cold start took.
    ///
    /// # Errors
    /// When the function reports an error of its initialisation, or ends before it polls.
    pub async fn ready(&self) -> Result<Duration, InitError> {
        let mut phases = self.phase.clone();
        let phase = phases.wait_for(|phase| *phase != Phase::Starting).await.map(|phase| phase.clone());
        let reason = match phase {
            Ok(Phase::Ready(at)) => return Ok(at.duration_since(self.started)),
            Ok(Phase::Starting) | Err(_) => "Lambda was stopped".to_owned(),
            Ok(Phase::InitFailed(reason) | Phase::Ended(reason)) => reason,
        };
        // A function that has reported its error says the rest in its log before it ends.
        let _ = tokio::time::timeout(OUTPUT_ENDS_WITHIN, self.ended()).await;
        Err(InitError { reason, log: self.log.lines() })
    }

    /// What this process has written to its standard output and error.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.log.lines()
    }

    /// How many bytes it has written there.
    #[must_use]
    pub fn log_bytes(&self) -> u64 {
        self.log.bytes()
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// SIGKILL, and waits until the process is gone. What it was working on ends as an error.
    pub async fn kill(&self) {
        self.invocations.retire(&self.name);
        self.ended().await;
    }

    async fn ended(&self) {
        let mut phases = self.phase.clone();
        let _ = phases.wait_for(|phase| matches!(phase, Phase::Ended(_))).await; // An error: Lambda has ended, too.
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        self.task.abort(); // The child goes with it: it is killed on drop.
        self.invocations.ended(&self.name, "the environment was stopped");
    }
}

#[expect(clippy::disallowed_methods, reason = "the one variable that the machine, not the deployment, sets")]
fn command(process: &FunctionProcess, name: &str, api: SocketAddr) -> Command {
    let mut command = Command::new(&process.binary);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("AWS_LAMBDA_RUNTIME_API", format!("http://{api}/.rt/{name}"))
        .env("AWS_LAMBDA_FUNCTION_NAME", FUNCTION_NAME)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{FUNCTION_NAME}"))
        .env("AWS_LAMBDA_LOG_STREAM_NAME", name)
        .envs(&process.env)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Kills the process when it is retired, reads its output to the end, and says that it has ended.
async fn look_after(
    mut child: Child,
    output: [JoinHandle<()>; 2],
    mut retired: watch::Receiver<bool>,
    name: String,
    invocations: Arc<Invocations>,
) {
    let retirement = async { retired.wait_for(|retired| *retired).await.is_ok() };
    let status = tokio::select! {
        status = child.wait() => status,
        _ = retirement => child.kill().await.and(child.wait().await),
    };
    let _ = tokio::time::timeout(OUTPUT_ENDS_WITHIN, futures::future::join_all(output)).await;
    invocations.ended(&name, &status.map_or_else(|error| error.to_string(), |status| status.to_string()));
}
