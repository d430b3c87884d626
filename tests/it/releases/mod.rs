//! Going forward and going back: a release reads what the release before it left in the ledger, and leaves what that one can read.
//!
//! Each release's items are kept in `tests/fixtures/ledger/{release}/`, one file for each of the [`cases`], written by a recorded run
//! (`make ledger-fixtures`) before the release is made. With them stands what its reader made of them.
//!
//! - *Forward*: this release's reader makes the same of every kept release's items, and does nothing anew because of them.
//! - *Back*: a reader ignores what it does not know, in every item and at any depth; so an attribute that is only added does no harm. What an
//!   older release wrote, this one still writes, in the same form and the same words. `make previous-reader RELEASE=…` has the older
//!   release's own code read this one's items.

mod cases;
mod items;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};
use simulators::sender::SAMPLE_BOOKING_ID;

use self::{
    cases::{DIFFERS_FROM_RUN_TO_RUN, NAMES, play},
    items::{add_unknown, forms, keep_known, put, scan},
};
use crate::{
    prove::stage::{Outcome, Stage},
    world::SITE,
};

const RELEASE: &str = env!("CARGO_PKG_VERSION");
const UNLESS_UNRELEASED: &str = "If nobody has that release yet, record its items anew: make ledger-fixtures";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/ledger")
}

/// A ledger as a release left it.
struct Recorded {
    /// When it was looked at.
    now: Timestamp,
    items: Vec<Value>,
    /// What the release's reader made of it.
    read: Value,
}

/// Every kept release's items of every case.
fn kept() -> BTreeMap<(String, String), Recorded> {
    let entries = |path: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        entries.map(|entry| entry.expect("an entry").path()).collect()
    };
    let stem = |path: &Path| path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
    let releases = entries(&folder());
    let files = releases.iter().flat_map(|release| {
        let name = release.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        entries(release).into_iter().map(move |file| (name.clone(), file))
    });
    files
        .map(|(release, file)| {
            let text = fs::read_to_string(&file).expect("it is a file");
            let mut recorded: Value = serde_json::from_str(&text).expect("fixtures are JSON");
            let now = recorded["now"].as_str().and_then(|now| now.parse().ok()).expect("a time");
            let items = recorded["items"].as_array().expect("items").clone();
            ((release, stem(&file)), Recorded { now, items, read: recorded["read"].take() })
        })
        .collect()
}

/// A stage on which no port of this run gets into the ledger, and crew wait for the calendar's entry.
async fn stage() -> Stage {
    Stage::at(SITE).await
}

async fn record(name: &str) -> Recorded {
    let stage = stage().await;
    play(name, &stage).await;
    let (now, items) = (stage.time.now(), scan(&stage).await);
    // In a world like the ones in which it will be read: nothing is there but these items.
    let read = read(&restored(&items, now).await).await;
    Recorded { now, items, read }
}

/// A world in which somebody restored these items, at that time, and nothing else has happened.
async fn restored(items: &[Value], now: Timestamp) -> Stage {
    let stage = stage().await;
    stage.time.advance((now - stage.time.now()).try_into().expect("fixtures are of later than a stage's first moment"));
    put(&stage, items).await;
    stage
}

/// What a reader makes of a ledger: what people are answered, and what the next sweep and a repeat of the newest delivery do.
async fn read(stage: &Stage) -> Value {
    let process = stage.process(SignedDuration::ZERO).await.expect("it starts");
    let ask = async |question: Value| match process.invoke(&question).await {
        Outcome::Answered { status, body } => (status, body),
        other => panic!("{question} came to {other:?}"),
    };
    let (status, booking) = ask(json!({ "status": { "booking_id": SAMPLE_BOOKING_ID } })).await;
    let (_, listed) = ask(json!({ "list": {} })).await;
    let (_, waiting) = ask(json!({ "quarantine": {} })).await;
    let mut bodies = Vec::new();
    for id in delivery_ids(&booking, &waiting) {
        let (status, kept) = ask(json!({ "quarantine": { "delivery_id": id } })).await;
        bodies.push(json!({ "status": status, "waits": kept["waits"], "body": kept["body"] }));
    }
    let before = stage.look().await;
    stage.pass(Duration::from_mins(1)).await;
    let (swept, _) = ask(json!({ "sweep": {} })).await;
    let after = stage.look().await;
    json!({
        "status": status,
        "booking": meaning(&booking),
        "listed": each(&listed["bookings"], &["booking_id", "state", "first_name", "boat", "local", "flags"]),
        "quarantined": each(&waiting["quarantined"], &["delivery_id", "booking_ids", "readable", "keys"]),
        "deliveries": bodies,
        "next_sweep": {
            "status": swept,
            "mails_to_the_office": after.office_mailbox.len() - before.office_mailbox.len(),
            "mails_to_crew": after.mailbox.len() - before.mailbox.len(),
        },
    })
}

fn delivery_ids(booking: &Value, waiting: &Value) -> Vec<Value> {
    let of = |lines: &Value| {
        let lines = lines.as_array().cloned().unwrap_or_default();
        lines.into_iter().filter_map(|line| line.get("delivery_id").cloned()).collect::<Vec<_>>()
    };
    [of(&booking["timeline"]), of(&waiting["quarantined"])].concat()
}

/// What a booking's status says, without its wording, which every release may change.
fn meaning(booking: &Value) -> Value {
    let keys = ["booking_id", "charter_id", "state", "guest_page", "flags", "newest_snapshot", "decided_seq"];
    let more = ["starts_at", "dismissed", "cancelled_at", "due_at", "worked_on_until", "claims"];
    let mut meaning = pick(booking, &[&keys[..], &more[..]].concat());
    let steps = booking["steps"].as_object().cloned().unwrap_or_default();
    let steps = steps.into_iter().map(|(step, of)| (step, pick(&of, &["state", "remote_id"])));
    meaning["steps"] = Value::Object(steps.collect());
    meaning["timeline"] = each(&booking["timeline"], &["at", "kind", "step", "delivery_id"]);
    meaning["quarantined"] = each(&booking["quarantined"], &["delivery_id"]);
    meaning
}

fn pick(from: &Value, keys: &[&str]) -> Value {
    keys.iter().filter_map(|&key| Some((key.to_owned(), from.get(key)?.clone()))).collect()
}

fn each(list: &Value, keys: &[&str]) -> Value {
    list.as_array().into_iter().flatten().map(|line| pick(line, keys)).collect()
}

#[track_caller]
fn assert_same(read: &Value, expected: &Value, of: &str) {
    let differences = differences("", read, expected);
    assert!(differences.is_empty(), "{of}: {differences:#?}");
}

/// Where two documents differ, by pointer.
fn differences(at: &str, read: &Value, expected: &Value) -> Vec<String> {
    match (read, expected) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let keys: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
            keys.into_iter().flat_map(|key| differences(&format!("{at}/{key}"), &read[key], &expected[key])).collect()
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            let pairs = ours.iter().zip(theirs).enumerate();
            pairs.flat_map(|(index, (ours, theirs))| differences(&format!("{at}/{index}"), ours, theirs)).collect()
        }
        _ if read == expected => Vec::new(),
        _ => vec![format!("{at}: {read} instead of {expected}")],
    }
}

#[tokio::test]
async fn this_release_reads_what_every_release_left() {
    let kept = kept();
    assert!(!kept.is_empty());
    for ((release, case), recorded) in kept {
        let stage = restored(&recorded.items, recorded.now).await;
        assert_same(&read(&stage).await, &recorded.read, &format!("{release}, {case}"));
    }
}

#[tokio::test]
async fn an_older_reader_finds_all_that_its_release_wrote() {
    for ((release, case), recorded) in kept() {
        if !NAMES.contains(&&*case) || case == DIFFERS_FROM_RUN_TO_RUN {
            continue;
        }
        let now = record(&case).await;
        let (wrote, writes) = (forms(&recorded.items), forms(&now.items));
        for (place, forms) in &wrote {
            let Some(new) = writes.get(place) else {
                panic!("{release} wrote {place} for {case}, and it is gone. {UNLESS_UNRELEASED}")
            };
            let known = format!("the reader of {release} knows {forms:?}. {UNLESS_UNRELEASED}");
            assert!(new.is_subset(forms), "{place} of {case} is {new:?} now; {known}");
        }
        // Nor is anything needed of what came later.
        let pruned: Vec<Value> = now.items.iter().map(|item| keep_known(item, &wrote)).collect();
        let stage = restored(&pruned, now.now).await;
        assert_same(&read(&stage).await, &now.read, &format!("{case}, as {release} would have written it"));
    }
}

#[test]
fn what_a_later_release_adds_is_ignored() {
    let kept: Vec<_> = kept().into_iter().collect();
    let added = ("[a-z]{3,9}", 0..items::KINDS, any::<prop::sample::Index>());
    let config = Config { cases: 12, failure_persistence: None, max_shrink_iters: 30, ..Config::default() };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let outcome = TestRunner::new_with_rng(config, rng).run(&added, |(name, kind, index)| {
        let ((release, case), recorded) = index.get(&kept);
        let items: Vec<Value> =
            recorded.items.iter().map(|item| add_unknown(item, &format!("x_{name}"), kind)).collect();
        let read = runtime.block_on(async { read(&restored(&items, recorded.now).await).await });
        let differences = differences("", &read, &recorded.read);
        prop_assert!(differences.is_empty(), "{} {}: {:#?}", release, case, differences);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

/// So that no release is made without its fixtures, and no case is left out.
#[test]
fn this_releases_fixtures_are_kept() {
    let missing: Vec<&str> =
        NAMES.into_iter().filter(|name| !folder().join(RELEASE).join(format!("{name}.json")).exists()).collect();
    assert!(missing.is_empty(), "make ledger-fixtures records {RELEASE}'s items: {missing:?} are missing");
}

#[tokio::test]
#[ignore = "writes tests/fixtures/ledger: make ledger-fixtures"]
async fn record_this_releases_items() {
    let folder = folder().join(RELEASE);
    fs::create_dir_all(&folder).expect("a folder");
    for name in NAMES {
        let Recorded { now, items, read } = record(name).await;
        let text = serde_json::to_string_pretty(&json!({ "now": now, "items": items, "read": read })).expect("JSON");
        fs::write(folder.join(format!("{name}.json")), text + "\n").expect("written");
    }
}
