//! Every ready mapping, and those of other platforms that prove the language, on bodies as the platforms publish them.

use std::{fs, path::Path};

use booking_webhook::{Mapping, Operator, Reading, Received, Snapshot, parse_body};
use http::HeaderMap;
use serde_json::{Value, json};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

fn files(folder: &str, extension: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut files: Vec<String> = paths
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .map(|path| path.strip_prefix(root()).expect("in the workspace").to_str().expect("text").to_owned())
        .collect();
    files.sort();
    files
}

fn mapping(file: &str) -> Mapping {
    let sender = Path::new(file).file_stem().and_then(|stem| stem.to_str()).expect("a name");
    let text = fs::read_to_string(root().join(file)).expect(file);
    Mapping::parse(sender, file, &text).unwrap_or_else(|fault| panic!("{fault}"))
}

/// As a pair's `expected` says it.
fn said(snapshot: &Snapshot) -> Value {
    let mut said = json!({ "booking_id": snapshot.booking_id.as_str(), "status": snapshot.status.name() });
    if let Some(sale) = &snapshot.sale {
        said["start"] = json!(sale.start.to_string());
        said["minutes"] = json!(u64::from(sale.duration));
        said["boat"] = json!([sale.boat.id, sale.boat.name]);
        said["party"] = json!(sale.party_size);
        said["gross"] = json!(sale.gross.to_string());
        said["guest"] = json!(sale.guest.name);
        said["notes"] = json!(sale.notes);
    }
    if let Some(before) = &snapshot.replaces {
        said["replaces"] = json!(before.as_str());
    }
    said
}

#[test]
fn each_pair_of_body_and_booking_holds() {
    let now = "2025-07-02T00:00:00Z".parse().expect("an instant");
    for file in files("tests/fixtures/senders", "json") {
        let text = fs::read_to_string(root().join(&file)).expect(&file);
        let pair: Value = serde_json::from_str(&text).expect(&file);
        let body = pair["text"].as_str().map_or_else(|| pair["body"].to_string(), str::to_owned);
        let body = parse_body(body.as_bytes(), pair["content_type"].as_str()).expect(&file);
        let mapping = mapping(pair["mapping"].as_str().expect("a mapping"));
        let found = match mapping.interpret(&body, &HeaderMap::new(), &Operator::default(), now) {
            Reading::Ignored { .. } => json!("ignored"),
            Reading::Bookings(bookings) => {
                let read = |booking| match booking {
                    Ok(Received { snapshot, .. }) => said(&snapshot),
                    Err(faults) => panic!("{file}: {faults:#?}"),
                };
                bookings.into_iter().map(read).collect()
            }
        };
        assert_eq!(found, pair["expected"], "{file}");
    }
}

/// A mapping that nobody has tried is no ready mapping.
#[test]
fn each_mapping_has_a_pair() {
    let pairs = files("tests/fixtures/senders", "json").into_iter();
    let pairs: Vec<String> = pairs.map(|file| fs::read_to_string(root().join(file)).expect("a pair")).collect();
    for file in [files("mappings", "toml"), files("tests/fixtures/senders", "toml")].concat() {
        mapping(&file);
        assert!(
            pairs.iter().any(|pair| pair.contains(&file)),
            "{file} has no pair: a body and its booking, in tests/fixtures/senders"
        );
    }
}
