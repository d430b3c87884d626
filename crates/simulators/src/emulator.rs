//! The AWS emulator (ministack) as a child process that cannot outlive us.
//!
//! Tests are killed, run into time-outs and lose their terminals. A shell therefore stands between us and the emulator and
//! reads a pipe that only we hold: when we end, however we end, the pipe closes and the shell stops the emulator.

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::OnceCell;

use crate::aws;

/// Another process may take the free port between our look and the emulator's start.
const START_ATTEMPTS: u32 = 3;
const START_WITHIN: Duration = Duration::from_secs(60);
/// A question that was asked too early may never be answered.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
const ASK_EVERY: Duration = Duration::from_millis(20);
const LOG_TAIL_LINES: usize = 20;

const SUPERVISOR: &str = r#"
exec 3<&0
"$0" </dev/null >"$TMPDIR/log" 2>&1 3<&- &
emulator=$!
{ cat >/dev/null; kill -9 $emulator; rm -rf "$TMPDIR"; } <&3 2>/dev/null &
wait $emulator 2>/dev/null
"#;

/// A running emulator: S3, DynamoDB, Secrets Manager and CloudFront at one URL, all state in memory. Dropping it stops it.
#[derive(Debug)]
pub struct Emulator {
    port: u16,
    /// Holds the write end of the pipe.
    supervisor: Child,
}

impl Emulator {
    /// The emulator that all tests of this process share, and that ends with it; they keep apart by unique names.
    ///
    /// # Errors
    /// As [`Emulator::start`].
    pub async fn shared() -> io::Result<Arc<Self>> {
        static SHARED: OnceCell<Arc<Emulator>> = OnceCell::const_new();
        SHARED.get_or_try_init(|| async { Self::start().await.map(Arc::new) }).await.cloned()
    }

    /// Starts an emulator on a free port and waits until it answers.
    ///
    /// # Errors
    /// When ministack is not installed (`make setup` does that), or does not start: then with the end of its output.
    pub async fn start() -> io::Result<Self> {
        let executable = find_executable()?;
        let mut attempt = 1;
        loop {
            match Self::start_on(free_port()?, &executable).await {
                Err(_) if attempt < START_ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}:{}", Ipv4Addr::LOCALHOST, self.port)
    }

    async fn start_on(port: u16, executable: &Path) -> io::Result<Self> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let count = STARTED.fetch_add(1, Ordering::Relaxed);
        let name = format!("booking-webhook-emulator-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(&name);
        std::fs::create_dir_all(&folder)?;
        let mut emulator = Self { port, supervisor: supervise(executable, port, &name, &folder)? };
        match emulator.answers(&name).await {
            Ok(()) => Ok(emulator),
            Err(reason) => {
                let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
                let lines: Vec<_> = log.lines().collect();
                let tail = lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n");
                Err(io::Error::other(format!("the AWS emulator {} {reason}:\n{tail}", executable.display())))
            }
        }
    }

    /// Waits until the emulator of this `name` answers: another process's may have taken the port, and would end with that process.
    async fn answers(&mut self, name: &str) -> Result<(), String> {
        let client = aws::loopback_client();
        let health = format!("{}/_ministack/health", self.url());
        let since = Instant::now();
        while since.elapsed() < START_WITHIN {
            if let Ok(Some(status)) = self.supervisor.try_wait() {
                return Err(format!("ended at start ({status})"));
            }
            let ask =
                async { client.get(&health).timeout(ANSWER_WITHIN).send().await?.error_for_status()?.text().await };
            match ask.await {
                Ok(health) if health.contains(&format!("\"{name}\"")) => return Ok(()),
                _ => tokio::time::sleep(ASK_EVERY).await,
            }
        }
        Err(format!("did not answer within {} s", START_WITHIN.as_secs()))
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait(); // Nothing to do about a supervisor that is gone already.
    }
}

fn supervise(executable: &Path, port: u16, name: &str, folder: &Path) -> io::Result<Child> {
    Command::new("/bin/sh")
        .arg("-c")
        .arg(SUPERVISOR)
        .arg(executable)
        .env("TMPDIR", folder)
        .env("BIND_HOST", Ipv4Addr::LOCALHOST.to_string())
        .env("GATEWAY_PORT", port.to_string())
        .env("MINISTACK_REGION", aws::REGION)
        .env("AWS_ACCESS_KEY_ID", aws::TEST_CREDENTIAL)
        .env("AWS_SECRET_ACCESS_KEY", aws::TEST_CREDENTIAL)
        .env("LOG_LEVEL", "WARNING")
        // It repeats this when it is asked for its health.
        .env("MINISTACK_EDITION", name)
        .envs(["PERSIST_STATE", "S3_PERSIST", "LOCALSTACK_PERSISTENCE"].map(|name| (name, "0")))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Out of the terminal's group: Ctrl-C reaches us, and we stop the emulator when we are done with it.
        .process_group(0)
        .spawn()
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// `$MINISTACK`, else `.venv/bin/ministack` in a folder above this crate or above the current folder.
#[expect(clippy::disallowed_methods, reason = "where a tool is installed belongs to the machine, not to a test")]
fn find_executable() -> io::Result<PathBuf> {
    if let Some(named) = std::env::var_os("MINISTACK") {
        return Ok(named.into());
    }
    let here = std::env::current_dir().unwrap_or_default();
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().chain(here.ancestors());
    above.map(|folder| folder.join(".venv/bin/ministack")).find(|candidate| candidate.is_file()).ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, "the AWS emulator (ministack) is not installed: run `make setup`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_while_held_and_is_gone_when_dropped() {
        let emulator = Emulator::start().await.expect("ministack starts");
        let dynamodb = aws_sdk_dynamodb::Client::new(&aws::sdk_config(&emulator.url()));
        dynamodb.list_tables().send().await.expect("DynamoDB answers");

        let port = emulator.port;
        drop(emulator);
        std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect_err("nobody listens any more");
    }

    #[tokio::test]
    async fn a_failed_start_shows_what_the_emulator_said() {
        let error = Emulator::start_on(1, Path::new("/bin/ls")).await.expect_err("that is no emulator");
        let error = error.to_string();
        assert!(error.contains("ended at start") && error.contains("Cargo.toml"), "what it lists: {error}");
    }

    #[tokio::test]
    async fn an_emulator_that_has_the_port_already_is_not_taken_for_ours() {
        let first = Emulator::start().await.expect("ministack starts");
        let second = Emulator::start_on(first.port, &find_executable().expect("it is installed")).await;
        assert!(second.is_err(), "it would end with its own process");
    }
}
