//! The seeds: bodies, mapping files and secrets of the repository.

use std::{fs, path::Path};

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

/// The texts of a folder's files with this extension, each with its path in the repository.
pub(crate) fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    let entries = fs::read_dir(root().join(folder)).expect("a folder of the repository");
    let mut files: Vec<(String, String)> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .map(|path| {
            let name = path.strip_prefix(root()).expect("in the repository").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("text"))
        })
        .collect();
    files.sort();
    files
}

/// Every mapping file: path and text.
pub(crate) fn mappings() -> Vec<(String, String)> {
    [
        files("mappings", "toml"),
        files("tests/fixtures/senders", "toml"),
        files("crates/booking-webhook/src/inbound/mapping", "toml"),
    ]
    .concat()
}

/// Every body that a pair holds: its mapping's path, its content type, its text.
pub(crate) fn bodies() -> Vec<(String, String, String)> {
    let pair = |(_, text): (String, String)| {
        let pair: Value = serde_json::from_str(&text).expect("JSON");
        let text = |name: &str| pair[name].as_str().unwrap_or_default().to_owned();
        let body = pair["text"].as_str().map_or_else(|| pair["body"].to_string(), str::to_owned);
        (text("mapping"), text("content_type"), body)
    };
    files("tests/fixtures/senders", "json").into_iter().map(pair).collect()
}
