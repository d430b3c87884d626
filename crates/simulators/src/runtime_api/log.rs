//! What the function writes, line by line, so that a test can read it and wait for it.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    sync::watch,
};

const LINES_KEPT: usize = 10_000;

/// The newest 10,000 lines that were written. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    lines: Mutex<VecDeque<String>>,
    grown: watch::Sender<()>,
    bytes: AtomicU64,
}

impl Log {
    /// The lines, in order of arrival.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.kept().iter().cloned().collect()
    }

    /// How many bytes were written, line ends included.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// The first line that `predicate` accepts, as soon as it has arrived: a function answers before its output is read.
    pub async fn wait_for(&self, predicate: impl Fn(&str) -> bool) -> String {
        let mut grown = self.0.grown.subscribe();
        loop {
            if let Some(line) = self.kept().iter().find(|line| predicate(line)) {
                return line.clone();
            }
            grown.changed().await.expect("self keeps the sender alive");
        }
    }

    /// Copies `output` line by line, to its end, here and into `group`.
    pub(super) async fn follow(self, group: Log, output: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(output).split(b'\n');
        while let Ok(Some(line)) = lines.next_segment().await {
            let line = String::from_utf8_lossy(&line).into_owned();
            group.push(line.clone());
            self.push(line);
        }
    }

    fn push(&self, line: String) {
        self.0.bytes.fetch_add(line.len() as u64 + 1, Ordering::Relaxed);
        let mut lines = self.kept();
        if lines.len() == LINES_KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
        drop(lines);
        self.0.grown.send_replace(());
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
