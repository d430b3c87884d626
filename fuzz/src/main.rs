//! `fuzz SECONDS [TARGET]`: each target for so many seconds, on stable Rust. proptest mutates what the fixtures hold, and shrinks what fails.
//!
//! Not coverage-guided: the seeds are whole bodies, files and requests, so that mutations of them get deep by themselves.

mod corpus;
mod targets;

use std::{
    cell::Cell,
    process::ExitCode,
    time::{Duration, Instant},
};

use proptest::{
    collection::vec,
    prelude::{Strategy, any},
    sample::{Index, select},
    test_runner::{Config, TestCaseError, TestRunner},
};

/// Between two looks at the clock.
const BATCH: u32 = 256;
const MOST_EDITS: usize = 6;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().and_then(|text| text.parse().ok());
    let Some(seconds) = seconds else { return ExitCode::from(2) };
    let wanted = arguments.next();
    let targets = targets::all();
    let targets = targets.into_iter().filter(|target| wanted.as_deref().is_none_or(|name| name == target.name));
    let mut sound = true;
    for target in targets {
        sound &= run(&target, Duration::from_secs(seconds));
    }
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(target: &targets::Target, budget: Duration) -> bool {
    let input = mutated((target.seeds)());
    let executions = Cell::new(0_u64);
    let since = Instant::now();
    while since.elapsed() < budget {
        // A runner counts its successes for life: each batch has its own.
        let config = Config { cases: BATCH, failure_persistence: None, ..Config::default() };
        let outcome = TestRunner::new(config).run(&input, |bytes| {
            executions.set(executions.get() + 1);
            (target.check)(&bytes).map_err(TestCaseError::fail)
        });
        if let Err(found) = outcome {
            say(&format!("{}: FOUND after {} executions: {found}", target.name, executions.get()));
            return false;
        }
    }
    say(&format!("{}: {} executions in {} s, nothing found", target.name, executions.get(), since.elapsed().as_secs()));
    true
}

#[expect(clippy::print_stdout, reason = "what a person or CI reads")]
fn say(words: &str) {
    println!("{words}");
}

/// One thing done to a seed.
#[derive(Debug, Clone)]
enum Edit {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, Index),
    Repeat(Index, Index),
    Token(Index, &'static str),
}

/// What breaks parsers: ends, escapes, extremes, and the words of the formats themselves.
const TOKENS: [&str; 28] = [
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "true",
    "-1",
    "1e999",
    "8.0",
    "99999999999999999999",
    "\\ud83d",
    "\\u0000",
    "\u{feff}",
    "\n",
    "/",
    "*",
    "~",
    "=",
    "t=",
    "v1,",
    "2031-13-45T25:61:00Z",
    "1,84",
    "'''",
    "#",
];

fn mutated(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let edit = (any::<Index>(), any::<Index>(), any::<u8>(), vec(any::<u8>(), 0..8), select(&TOKENS[..]), 0..5_u8)
        .prop_map(|(at, to, byte, bytes, token, kind)| match kind {
            0 => Edit::Set(at, byte),
            1 => Edit::Insert(at, bytes),
            2 => Edit::Remove(at, to),
            3 => Edit::Repeat(at, to),
            _ => Edit::Token(at, token),
        });
    (select(seeds), vec(edit, 0..MOST_EDITS)).prop_map(|(seed, edits)| edits.iter().fold(seed, apply))
}

fn apply(mut bytes: Vec<u8>, edit: &Edit) -> Vec<u8> {
    let place = |at: &Index| at.index(bytes.len() + 1);
    let span = |at: &Index, to: &Index| {
        let (one, other) = (place(at), place(to));
        one.min(other)..one.max(other).min(one.min(other) + 64)
    };
    match edit {
        Edit::Set(at, byte) if !bytes.is_empty() => {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        Edit::Set(..) => {}
        Edit::Insert(at, inserted) => {
            let at = place(at);
            bytes.splice(at..at, inserted.iter().copied());
        }
        Edit::Remove(at, to) => {
            let span = span(at, to);
            bytes.drain(span);
        }
        Edit::Repeat(at, to) => {
            let span = span(at, to);
            let part = bytes[span.clone()].to_vec();
            bytes.splice(span.start..span.start, part);
        }
        Edit::Token(at, token) => {
            let at = place(at);
            bytes.splice(at..at, token.bytes());
        }
    }
    bytes
}
