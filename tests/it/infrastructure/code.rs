//! What the function reads from its environment, and what it calls in AWS.
//!
//! Variables are recorded while the function's own configuration is read. Calls are found in its source: every operation that one of
//! its AWS crates has is looked for in every file that uses that crate, so a new call needs no entry anywhere.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use booking_webhook::Config;
use regex_lite::Regex;
use serde_json::Value;

/// A part of the function that calls AWS, by where its code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Area {
    Secrets,
    Ledger,
    Crew,
    GuestPages,
    Files,
    Notices,
}

const AREAS: [(&str, Area); 6] = [
    ("runtime/secrets/", Area::Secrets),
    ("ledger/", Area::Ledger),
    ("systems/scc/", Area::Crew),
    ("systems/guest_page/", Area::GuestPages),
    ("runtime/config/files.rs", Area::Files),
    ("systems/office/", Area::Notices),
];

/// The names of all variables that the function reads, those that Lambda sets aside.
pub(crate) fn variables() -> BTreeSet<String> {
    let read = RefCell::new(BTreeSet::new());
    let config = Config::from_vars(|name| {
        read.borrow_mut().insert(name.to_owned());
        Some("1".to_owned())
    });
    config.expect("everything is there");
    // What is needed before there is a configuration: the binary asks for it by name.
    let by_name = Regex::new(r#"\bvariable\(\s*"([A-Z0-9_]+)""#).expect("a pattern");
    let mut read = read.into_inner();
    for (_, source) in sources() {
        read.extend(by_name.captures_iter(&source).map(|found| found[1].to_owned()));
    }
    read.retain(|name| !name.starts_with("AWS_"));
    read
}

/// The names of all variables that staging's stand-ins read, those that Lambda sets aside.
pub(super) fn variables_of_stand_ins() -> BTreeSet<String> {
    let by_name = Regex::new(r#"\b(?:variable|needed|needed_url)\(\s*"([A-Z0-9_]+)""#).expect("a pattern");
    let sources = [
        include_str!("../../../crates/simulators/src/staging.rs"),
        include_str!("../../../crates/simulators/src/staging/secrets.rs"),
    ];
    let read = sources.into_iter().flat_map(|source| by_name.captures_iter(source)).map(|found| found[1].to_owned());
    read.filter(|name| !name.starts_with("AWS_")).collect()
}

/// Every message of the function at `WARN` and `ERROR`: its level and its words, and the file that logs it.
pub(crate) fn messages_for_people() -> Vec<(String, String, String)> {
    let macros = Regex::new(r"\b(?:warn|error)!\(").expect("a pattern");
    // The message comes last.
    let whole = Regex::new(r#"\b(warn|error)!\((?s:.*?)"([^"]+)",?\s*\)"#).expect("a pattern");
    let mut messages = Vec::new();
    for (path, source) in sources() {
        let found = whole.captures_iter(&source);
        let found = found.map(|found| (found[1].to_ascii_uppercase(), found[2].to_owned(), path.clone()));
        let before = messages.len();
        messages.extend(found);
        let logged = macros.find_iter(&source).count();
        assert_eq!(messages.len() - before, logged, "{path}: a message is a literal, and comes last");
    }
    assert!(messages.len() > 20, "the messages are found");
    messages
}

/// The IAM actions that each part of the function needs.
pub(super) fn calls() -> BTreeMap<Area, BTreeSet<String>> {
    let crates = aws_crates();
    assert!(crates.len() >= 4 && crates.values().all(|operations| operations.len() > 10), "the AWS crates are found");
    let mut calls: BTreeMap<Area, BTreeSet<String>> = BTreeMap::new();
    for (path, source) in sources() {
        let area = AREAS.iter().find(|(start, _)| path.starts_with(start)).map(|(_, area)| *area);
        for (service, operations) in crates.iter().filter(|(service, _)| source.contains(&format!("aws_sdk_{service}")))
        {
            for operation in operations.iter().filter(|operation| is_called(&source, operation)) {
                let area =
                    area.unwrap_or_else(|| panic!("{path} calls {service}: give it an area, and the area a statement"));
                calls.entry(area).or_default().insert(format!("{service}:{}", pascal_case(operation)));
            }
        }
    }
    calls
}

/// `.put_item()`, wherever rustfmt has broken the line. Builders take nothing; methods of other things with such a name do.
fn is_called(source: &str, operation: &str) -> bool {
    source.contains(&format!(".{operation}()"))
}

/// The operations of each AWS crate in the lock file, by the crate's service: the files of its source are named after them.
fn aws_crates() -> BTreeMap<String, BTreeSet<String>> {
    // Of this platform: what others need was never fetched.
    let asked = ["metadata", "--format-version=1", "--locked", "--offline", "--filter-platform", "host-tuple"];
    let answer = Command::new(env!("CARGO")).args(asked).output().expect("cargo runs");
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    let metadata: Value = serde_json::from_slice(&answer.stdout).expect("cargo tells what is there");
    let packages = metadata["packages"].as_array().expect("packages");
    let aws = packages.iter().filter_map(|package| {
        let service = package["name"].as_str()?.strip_prefix("aws-sdk-")?;
        let manifest = Path::new(package["manifest_path"].as_str()?);
        let operations = fs::read_dir(manifest.with_file_name("src").join("operation")).expect("its source is here");
        let names = operations.filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.to_owned()));
        Some((service.to_owned(), names.collect()))
    });
    aws.collect()
}

/// Every file of the function without its tests, by its path in `src`.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/booking-webhook/src");
    let mut folders: Vec<PathBuf> = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the function's source").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") && !entry.ends_with("tests.rs") {
                let path = entry.strip_prefix(&root).expect("it is below").to_str().expect("text").to_owned();
                let source = fs::read_to_string(&entry).expect("readable");
                let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
                sources.push((path, code));
            }
        }
    }
    assert!(sources.len() > 30, "the function's source is found");
    sources
}

fn pascal_case(operation: &str) -> String {
    let word = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    operation.split('_').map(word).collect()
}
