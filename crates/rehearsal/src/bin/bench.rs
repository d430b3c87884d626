//! `make bench`: what the function costs, beside a bare `lambda_http` function and a Python function that does the same job.

use std::{
    error::Error,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use rehearsal::benchmark::{Extent, Plan, Programs, Progress, PythonPeer, measure};

const USAGE: &str = "usage: bench quick|full FOLDER [--baseline PROGRAM] [--python INTERPRETER] [--runs N] [--only SECTION,…] [--json FILE]
  FOLDER      where the programs were built, e.g. target/release
  --baseline  an earlier build of the function, to be measured by turns with this one
  --python    the interpreter that runs bench/peers/python; without it that peer is left out
  --runs      rounds of each repeated section, 1 to 1000
  --only      cold, warm, delay, sizes, pause, stored, sweep, load
  --json      where the figures go, e.g. target/bench/quick.json";
const RUNS_AT_MOST: u32 = 1_000;
const BOOTSTRAP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../bench/peers/python/bootstrap");

struct Wanted {
    programs: Programs,
    plan: Plan,
    json: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let Some(wanted) = read(&arguments) else { return complain(USAGE) };
    match Box::pin(bench(wanted)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format!("There are no figures: {error}")),
    }
}

fn read(arguments: &[String]) -> Option<Wanted> {
    let [extent, folder, options @ ..] = arguments else { return None };
    let extent = match extent.as_str() {
        "quick" => Extent::Quick,
        "full" => Extent::Full,
        _ => return None,
    };
    let folder = PathBuf::from(folder);
    let mut programs = Programs {
        function: folder.join("booking-webhook"),
        baseline: None,
        bare: Some(folder.join("examples/hello-world")),
        python: None,
    };
    let (mut only, mut runs, mut json) = (Vec::new(), None, None);
    let (pairs, []) = options.as_chunks::<2>() else { return None };
    for [name, value] in pairs.iter().filter(|[_, value]| !value.is_empty()) {
        match name.as_str() {
            "--baseline" => programs.baseline = Some(value.into()),
            "--python" => {
                programs.python = Some(PythonPeer { bootstrap: BOOTSTRAP.into(), interpreter: value.into() });
            }
            "--only" => only = value.split(',').map(|name| name.trim().to_owned()).collect(),
            "--runs" => runs = Some(value.parse().ok().filter(|runs| (1..=RUNS_AT_MOST).contains(runs))?),
            "--json" => json = Some(PathBuf::from(value)),
            _ => return None,
        }
    }
    let plan = Plan::of(extent, only).ok()?;
    Some(Wanted { programs, plan: if let Some(runs) = runs { plan.with_rounds(runs) } else { plan }, json })
}

async fn bench(wanted: Wanted) -> Result<(), Box<dyn Error>> {
    let (mut out, mut progress) = (io::stdout(), io::stderr());
    let report = measure(&wanted.programs, &wanted.plan, &mut Progress::to(&mut progress)).await?;
    report.print(&mut out)?;
    if let Some(file) = wanted.json {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&file, report.to_json())?;
        writeln!(out, "\nThe same as JSON: {}", file.display())?;
    }
    Ok(())
}

fn complain(words: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "{words}"); // Where nobody reads, nobody is told.
    ExitCode::from(2)
}
