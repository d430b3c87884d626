//! What the machine tells of a process; Linux only, nothing elsewhere.

use std::{fs, time::Duration};

/// Long enough for a function that has answered to poll again, and to fall asleep.
const QUIET_FOR: Duration = Duration::from_millis(2);
const LOOKS_AT_MOST: u32 = 200;

/// The processor time of all threads that live.
pub(super) fn processor_ms(pid: u32) -> Option<f64> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let of_thread = |folder: fs::DirEntry| {
        let scheduled = fs::read_to_string(folder.path().join("schedstat")).ok()?;
        scheduled.split(' ').next()?.parse::<f64>().ok()
    };
    Some(threads.filter_map(Result::ok).filter_map(of_thread).sum::<f64>() / 1e6)
}

/// The same, when the process has come to rest: what it does after its answer is part of the work, and its output is read.
pub(super) async fn processor_ms_at_rest(pid: u32) -> Option<f64> {
    let mut seen = processor_ms(pid)?;
    for _ in 0..LOOKS_AT_MOST {
        tokio::time::sleep(QUIET_FOR).await;
        let now = processor_ms(pid)?;
        if (now - seen).abs() < f64::EPSILON {
            break;
        }
        seen = now;
    }
    Some(seen)
}

/// The most memory that the process ever held (`VmHWM`), and what it holds now (`VmRSS`).
pub(super) fn memory_mb(pid: u32) -> Option<(f64, f64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let megabytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kibibytes * 1024.0 / 1e6)
    };
    megabytes("VmHWM:").zip(megabytes("VmRSS:"))
}
