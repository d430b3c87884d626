//! `make run`: the real function between stand-ins, one signed booking, and a page to watch and to break it.

use std::{
    collections::BTreeMap,
    error::Error,
    ffi::OsStr,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use rehearsal::{
    BUILT_IN_SENDER, Options, Rehearsal, SIGNING_SECRET, WEBHOOK_PATH,
    harbour::{Harbour, Kind, Programs, REDRIVE_BASE, SETTLE, console, files::Files, inspection::Inspection},
};
use serde_json::{Value, json};
use simulators::settings::variable;
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "usage: rehearsal [--once | --stage]
  --once   deliver a booking, move it by a day, cancel it, verify all four systems each time, and leave
  --stage  deliver nothing, say in one line of JSON where everything is, and stay until standard input ends";

/// The example of the repository: what guests read on the page is the operator's to say.
const OPERATOR_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../operator.example.toml");

/// Who may post beside Boatsetter, unless `MAPPINGS` names another folder. Each of them signs with the same secret as Boatsetter.
const MAPPINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../mappings");

/// A person who presses a button must not wait for the schedule's sweep.
const ENVIRONMENTS: usize = 3;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let rehearsed = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Box::pin(rehearse(false)).await,
        ["--once"] => Box::pin(rehearse(true)).await,
        ["--stage"] => Box::pin(set_the_stage()).await,
        _ => return complain(USAGE),
    };
    match rehearsed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => complain(&format!("The rehearsal failed: {}", with_sources(&*error))),
    }
}

/// Answers whether the world was as it should be.
async fn rehearse(once: bool) -> Result<bool, Box<dyn Error>> {
    let binaries = binaries()?;
    let mut out = io::stdout();
    writeln!(out, "Starting the emulator, the stand-ins and the function…")?;

    let rehearsal = start(&binaries).await?;
    let harbour = Harbour::open(Arc::clone(&rehearsal), Some(programs(&binaries)?)).await?;
    writeln!(out, "Health check: all {} are right.", check(&rehearsal).await?)?;
    let delivery = harbour.send(Kind::Sample).await?;
    let world = Inspection::of(&rehearsal).await;
    console::print_booking(&mut out, &delivery, &world)?;
    let is_well = verify(&mut out, &harbour, &rehearsal, &world, 0)?;
    if once {
        let followed = change(&mut out, &harbour, &rehearsal).await?;
        return Ok(is_well && followed);
    }
    let folder = binaries.parent().unwrap_or(&binaries).join("rehearsal");
    let _files = Files::write(folder, &rehearsal, harbour.captured().as_ref())?;
    print_addresses(&mut out, &harbour, &rehearsal, &world)?;
    tokio::select! {
        () = harbour.keep_sweeping() => {}
        stopped = asked_to_stop() => stopped?,
    }
    writeln!(out, "\nStopping.")?;
    Ok(true)
}

/// What the function finds in its environment beside what every rehearsal sets.
fn environment() -> BTreeMap<String, Option<String>> {
    [
        ("OPERATOR_FILE", OPERATOR_FILE.to_owned()),
        ("MAPPINGS", mappings()),
        ("REDRIVE_BASE_MS", REDRIVE_BASE.as_millis().to_string()),
        ("UNKNOWN_SETTLE_MS", SETTLE.as_millis().to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), Some(value)))
    .into()
}

fn mappings() -> String {
    variable("MAPPINGS").unwrap_or_else(|| MAPPINGS.to_owned())
}

/// A webhook secret for each sender whose mapping is there.
fn secrets() -> Result<BTreeMap<String, Value>, Box<dyn Error>> {
    let secret = json!({ "scheme": "standard-webhooks", "signing_secrets": [SIGNING_SECRET] });
    let mut secrets = BTreeMap::new();
    for entry in std::fs::read_dir(mappings()).map_err(|error| format!("MAPPINGS ({}): {error}", mappings()))? {
        let path = entry?.path();
        if let (Some(name), Some("toml")) =
            (path.file_stem().and_then(OsStr::to_str), path.extension().and_then(OsStr::to_str))
            && name != BUILT_IN_SENDER
        {
            secrets.insert(format!("webhook/{name}"), secret.clone());
        }
    }
    Ok(secrets)
}

/// Moves the booking by a day, then cancels it; answers whether the world followed each time.
async fn change(out: &mut impl Write, harbour: &Harbour, rehearsal: &Rehearsal) -> Result<bool, Box<dyn Error>> {
    let mut is_well = true;
    for (kind, changes) in [(Kind::Reschedule, 1), (Kind::Cancellation, 2)] {
        let mails_before = rehearsal.scc.mailbox().len();
        let delivery = harbour.send(kind).await?;
        let world = Inspection::of(rehearsal).await;
        console::print_change(out, &delivery, &world, mails_before)?;
        is_well &= verify(out, harbour, rehearsal, &world, changes)?;
    }
    Ok(is_well)
}

/// Prints what the world does not show of the booking, and the function's log if there is anything.
fn verify(
    out: &mut impl Write,
    harbour: &Harbour,
    rehearsal: &Rehearsal,
    world: &Inspection,
    changes: usize,
) -> Result<bool, Box<dyn Error>> {
    let faults = world.faults(&harbour.newest().ok_or("no booking was sold")?, changes);
    console::print_faults(out, &faults)?;
    if !faults.is_empty() {
        writeln!(out, "\nThe function's log:\n{}", rehearsal.logs().join("\n"))?;
    }
    Ok(faults.is_empty())
}

/// For programs that play the marketplace and the guests themselves. Standard input ends when such a program does, however it ends.
async fn set_the_stage() -> Result<bool, Box<dyn Error>> {
    let binaries = binaries()?;
    let rehearsal = start(&binaries).await?;
    let harbour = Harbour::open(Arc::clone(&rehearsal), Some(programs(&binaries)?)).await?;
    check(&rehearsal).await?;
    let stage = json!({
        "webhook": format!("{}{WEBHOOK_PATH}", rehearsal.front_door.url()),
        "signing_secret": SIGNING_SECRET,
        "site": rehearsal.edge.url(),
        "scc": rehearsal.scc.url(),
        "upload": rehearsal.scc.upload_url(),
        "s3": rehearsal.emulator_url(),
        "bucket": rehearsal.cloud.bucket,
        "harbour": harbour.url(),
    });
    writeln!(io::stdout(), "{stage}")?;
    tokio::io::copy(&mut tokio::io::stdin(), &mut tokio::io::sink()).await?;
    Ok(true)
}

/// What follows every deployment: it puts what belongs to no booking, too. Answers how many things were looked at.
async fn check(rehearsal: &Rehearsal) -> Result<usize, Box<dyn Error>> {
    let report = rehearsal.invoke(&json!({ "check": {} })).await?.payload;
    let checks = report["checks"].as_array().map(Vec::len).unwrap_or_default();
    if report["ok"] == true { Ok(checks) } else { Err(format!("the health check says: {report:#}").into()) }
}

async fn start(binaries: &Path) -> Result<Arc<Rehearsal>, Box<dyn Error>> {
    let options = Options {
        function: Some(function(binaries)?),
        link_pictures: Some(program(binaries, "link-pictures")?),
        environments: ENVIRONMENTS,
        env: environment(),
        secrets: secrets()?,
        ..Options::default()
    };
    Ok(Arc::new(Rehearsal::start(options).await?))
}

fn binaries() -> Result<PathBuf, Box<dyn Error>> {
    let own_binary = std::env::current_exe()?;
    Ok(own_binary.parent().ok_or("this binary is in no folder")?.to_owned())
}

fn programs(binaries: &Path) -> Result<Programs, String> {
    Ok(Programs { function: function(binaries)?, signer: program(binaries, "sender")? })
}

fn function(binaries: &Path) -> Result<PathBuf, String> {
    program(binaries, "booking-webhook")
}

fn program(binaries: &Path, name: &str) -> Result<PathBuf, String> {
    let binary = binaries.join(name);
    if binary.is_file() { Ok(binary) } else { Err(format!("{} is not there; run `make run`", binary.display())) }
}

fn print_addresses(
    out: &mut impl Write,
    harbour: &Harbour,
    rehearsal: &Rehearsal,
    world: &Inspection,
) -> io::Result<()> {
    writeln!(out)?;
    for (name, address) in console::addresses(rehearsal) {
        writeln!(out, "  {name:<19} {address}")?;
    }
    writeln!(out, "  {:<19} {}", "Guest page", world.guest_page.url)?;
    writeln!(out, "  {:<19} {}", "Harbour", harbour.url())?;
    writeln!(out, "\nOpen the harbour page in a browser. Ctrl-C stops everything.")
}

async fn asked_to_stop() -> io::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminated.recv() => Ok(()),
    }
}

fn complain(words: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "{words}"); // Where nobody reads, nobody is told.
    ExitCode::from(2)
}

fn with_sources(error: &(dyn Error + 'static)) -> String {
    let sources = std::iter::successors(Some(error), |&error| error.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
