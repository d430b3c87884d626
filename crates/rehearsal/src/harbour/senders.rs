//! Who may post from the page, each with bodies to begin from.

use std::{ffi::OsStr, fs, io, path::Path};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{BUILT_IN_SENDER, Rehearsal};

/// Pairs of a body and the booking that must come out, by which the ready mappings are tested.
const PAIRS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/senders");
/// The folder of the ready mappings, as pairs name it. The other pairs belong to mappings of tests.
const READY: &str = "mappings";
const BUILT_IN_EXAMPLE: &str = include_str!("../../../../tests/fixtures/booking-confirmed.json");
const JSON: &str = "application/json";

/// One who may post.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Sender {
    name: String,
    examples: Vec<Example>,
}

/// A body as the sender posts it.
#[derive(Clone, Debug, Serialize)]
struct Example {
    name: String,
    /// One `Name: value` a line.
    headers: String,
    body: String,
}

#[derive(Deserialize)]
struct Pair {
    /// The mapping's file, from the project's folder on.
    mapping: String,
    content_type: String,
    /// A body of JSON.
    #[serde(default)]
    body: Value,
    /// A body of any other type.
    text: Option<String>,
}

impl Example {
    fn new(name: &str, content_type: &str, body: String) -> Self {
        Self { name: name.to_owned(), headers: format!("content-type: {content_type}"), body }
    }
}

/// Everybody whom the rehearsal has a webhook secret for, by name.
pub(super) fn known(rehearsal: &Rehearsal) -> io::Result<Vec<Sender>> {
    let examples = examples()?;
    let sender = |name: &String| {
        let own = examples.iter().filter(|(sender, _)| sender == name).map(|(_, example)| example.clone());
        Sender { name: name.clone(), examples: own.collect() }
    };
    Ok(rehearsal.senders().keys().map(sender).collect())
}

/// The examples of all ready mappings, each with its sender.
fn examples() -> io::Result<Vec<(String, Example)>> {
    let built_in = Example::new("booking-confirmed", JSON, BUILT_IN_EXAMPLE.to_owned());
    let mut examples = vec![(BUILT_IN_SENDER.to_owned(), built_in)];
    let files = fs::read_dir(PAIRS)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    for file in files.iter().filter(|file| file.extension() == Some(OsStr::new("json"))) {
        let pair: Pair = serde_json::from_slice(&fs::read(file)?)?;
        let mapping = Path::new(&pair.mapping);
        if let (true, Some(sender), Some(name)) = (mapping.starts_with(READY), stem(mapping), stem(file)) {
            let body = pair.text.unwrap_or_else(|| format!("{:#}", pair.body));
            examples.push((sender.to_owned(), Example::new(name, &pair.content_type, body)));
        }
    }
    examples.sort_by(|(_, one), (_, other)| one.name.cmp(&other.name));
    Ok(examples)
}

fn stem(file: &Path) -> Option<&str> {
    file.file_stem().and_then(OsStr::to_str)
}
