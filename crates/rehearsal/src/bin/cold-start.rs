//! `make bench`: the function's cold start, memory and size beside a bare `lambda_http` function's.

use std::{
    error::Error,
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use rehearsal::benchmark::{Figures, Programs};

const USAGE: &str = "usage: cold-start FOLDER RUNS\n  FOLDER  where the programs were built, e.g. target/release\n  RUNS    \
                     cold starts of each program, 1 to 1000";
const RUNS_AT_MOST: u32 = 1_000;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [folder, runs] = &arguments[..] else { return complain(USAGE) };
    match runs.parse() {
        Ok(runs @ 1..=RUNS_AT_MOST) => match Box::pin(bench(Path::new(folder), runs)).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => complain(&format!("There are no figures: {error}")),
        },
        _ => complain(USAGE),
    }
}

async fn bench(folder: &Path, runs: u32) -> Result<(), Box<dyn Error>> {
    let programs =
        Programs { function: folder.join("booking-webhook"), hello_world: folder.join("examples/hello-world") };
    let mut out = io::stdout();
    writeln!(out, "Starting each program cold {runs} times, by turns…")?;
    let figures = Figures::measure(&programs, runs).await?;
    Ok(figures.print(&mut out)?)
}

fn complain(words: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "{words}"); // Where nobody reads, nobody is told.
    ExitCode::from(2)
}
