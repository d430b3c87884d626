//! The bench itself: everything measured once, with the function as it is built for tests.

use rehearsal::benchmark::{BenchmarkError, Extent, Plan, Programs, Progress, PythonPeer, measure};
use serde_json::Value;

use crate::world::World;

/// All but `sizes`, which an unoptimised function takes long for.
const SECTIONS: [&str; 7] = ["cold", "warm", "delay", "pause", "stored", "sweep", "load"];

fn function_alone() -> Programs {
    Programs { function: World::binaries().join("booking-webhook"), baseline: None, bare: None, python: None }
}

#[tokio::test]
async fn sections_are_measured_and_the_world_is_right_after() {
    let plan = Plan::of(Extent::Smoke, SECTIONS.map(str::to_owned).to_vec()).expect("sections");
    let mut said = Vec::new();
    let report = Box::pin(measure(&function_alone(), &plan, &mut Progress::to(&mut said))).await.expect("figures");
    let report: Value = serde_json::from_str(&report.to_json()).expect("JSON");
    let sections = report["sections"].as_array().expect("sections");
    let names: Vec<&Value> = sections.iter().map(|section| &section["name"]).collect();
    assert_eq!(names, SECTIONS);
    let median = |section: usize, row: &str| {
        let rows = sections[section]["rows"].as_array().expect("rows");
        let row = rows.iter().find(|known| known["name"] == row).unwrap_or_else(|| panic!("no {row} in {rows:#?}"));
        row["of"]["function"]["median"].as_f64().expect("a figure")
    };
    // What a delivery costs is said by the proof (`prove/counts.rs`); here, that it is seen at all.
    for row in ["first, wall ms", "first, calls", "first, write units", "first, log bytes", "repeat, write units"] {
        assert!(median(1, row) > 0.0, "{row}");
    }
    assert!(median(3, "after a pause, wall ms") > 0.0);
    assert!(median(5, "1 due, in step afterwards") > 0.0);
    assert!((median(6, "10 % of calls fail: right, of 4") - 4.0).abs() < f64::EPSILON, "{:#}", sections[6]);
    assert!(report["costs"]["lines"].as_array().is_some_and(|lines| lines.len() > 5), "{:#}", report["costs"]);
    assert!(report["limits"].as_array().is_some_and(|limits| !limits.is_empty()));
    let said = String::from_utf8(said).expect("text");
    assert_eq!(said.lines().count(), names.len(), "a line a section: {said}");
}

#[tokio::test]
async fn what_is_missing_is_named_before_anything_begins() {
    let peer = PythonPeer { bootstrap: "/nowhere/bootstrap".into(), interpreter: "/nowhere/python".into() };
    let programs = Programs { baseline: Some("/nowhere/earlier".into()), python: Some(peer), ..function_alone() };
    let plan = Plan::of(Extent::Full, Vec::new()).expect("all sections");
    let mut said = Vec::new();
    let error =
        Box::pin(measure(&programs, &plan, &mut Progress::to(&mut said))).await.expect_err("three files are missing");
    let Err(BenchmarkError::Missing(sections)) = Plan::of(Extent::Quick, vec!["warm".into(), "wram".into()]) else {
        panic!("there is no section of that name")
    };
    assert_eq!((sections.len(), said.len()), (1, 0), "{sections:?}");
    for words in ["/nowhere/earlier", "/nowhere/bootstrap", "/nowhere/python"] {
        assert!(error.to_string().contains(words), "{error}");
    }
}
