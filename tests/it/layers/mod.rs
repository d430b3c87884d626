//! Imports run one way, without circles: the sentence of ARCHITECTURE.md, held by force. Names of tests stay readable.

mod imports;

use std::{fs, path::Path};

use imports::{Crate, Module};
use regex_lite::Regex;

/// The function's layers, low to high. A module imports from its own layer and from those before it; the longest entry that
/// begins a module's name is its layer.
const LAYERS: &[&str] = &[
    "booking",
    "runtime::metrics",
    "runtime::telemetry",
    "runtime::config",
    "outbound",
    "runtime::config::files", // Files of an `s3://` address are fetched as everything outside is.
    "inbound",
    "runtime::secrets",
    "systems",
    "ledger",
    "reconcile",
    "response",
    "runtime::app",
    "commands",
    "lambda",
];

/// Imports that are still wrong: who imports, and from where. None may be added.
const EXCEPTIONS: &[(&str, &str)] = &[];

const NAME_LENGTH_AT_MOST: usize = 60;

/// Where names of tests are measured.
const TESTED: &[&str] = &["crates", "fuzz", "tests"];

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the project")
}

fn sources(name: &str) -> Crate {
    Crate::read(&project().join("crates").join(name).join("src"))
}

/// The layer of a module by its position, low to high. The root and folders of several layers have none.
fn layer(module: &Module, layers: &[&str]) -> Option<usize> {
    let name = module.join("::");
    let fits = |layer: &str| name == layer || name.starts_with(&format!("{layer}::"));
    (0..layers.len()).filter(|&position| fits(layers[position])).max_by_key(|&position| layers[position].len())
}

/// Every import from a higher layer, and every module that imports and has no layer.
fn upward(sources: &Crate, layers: &[&str], exceptions: &[(&str, &str)]) -> Vec<String> {
    let mut found = Vec::new();
    for module in sources.modules() {
        for imported in sources.imports_of(module) {
            let (from, to) = (module.join("::"), imported.join("::"));
            if exceptions.contains(&(from.as_str(), to.as_str())) {
                continue;
            }
            match (layer(module, layers), layer(&imported, layers)) {
                (Some(own), Some(other)) if other <= own => {}
                (Some(_), Some(_)) => found.push(format!("{from} imports {to}, which is of a higher layer")),
                (None, _) => found.push(format!("{from} has no layer, and imports {to}")),
                (_, None) => found.push(format!("{from} imports {to}, which has no layer")),
            }
        }
    }
    found
}

/// Every circle of files, once, from the first of its modules. What a module takes from the files of its own folder makes none:
/// it is their face.
fn circles(sources: &Crate, exceptions: &[(&str, &str)]) -> Vec<String> {
    fn walk(sources: &Crate, path: &mut Vec<Module>, exceptions: &[(&str, &str)], found: &mut Vec<String>) {
        let last = path.last().expect("a path begins somewhere").clone();
        for next in sources.imports_of(&last) {
            let is_excepted = exceptions.contains(&(last.join("::").as_str(), next.join("::").as_str()));
            // Each circle is found from its first module only.
            if next.starts_with(&last) || next < path[0] || is_excepted {
                continue;
            }
            if next == path[0] {
                let names: Vec<_> = path.iter().map(|module| module.join("::")).collect();
                found.push(format!("{} → {}", names.join(" → "), names[0]));
            } else if !path.contains(&next) {
                path.push(next);
                walk(sources, path, exceptions, found);
                path.pop();
            }
        }
    }
    let mut found = Vec::new();
    for module in sources.modules() {
        walk(sources, &mut vec![module.clone()], exceptions, &mut found);
    }
    found
}

#[test]
fn the_function_imports_from_lower_layers_only() {
    let found = upward(&sources("booking-webhook"), LAYERS, EXCEPTIONS);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_crate_has_a_circle_of_files() {
    let names = ["booking-webhook", "rehearsal", "simulators"];
    let found: Vec<_> = names.iter().flat_map(|name| circles(&sources(name), EXCEPTIONS)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn exceptions_are_still_needed() {
    let sources = sources("booking-webhook");
    for (from, to) in EXCEPTIONS {
        let [from, to] = [from, to].map(|name| name.split("::").map(str::to_owned).collect::<Module>());
        let is_there = sources.modules().any(|module| *module == from) && sources.imports_of(&from).contains(&to);
        assert!(is_there, "{} does not import {} any more: take the exception away", from.join("::"), to.join("::"));
    }
}

#[test]
fn the_stand_ins_never_import_the_function() {
    for name in ["rehearsal", "simulators"] {
        let manifest = project().join("crates").join(name).join("Cargo.toml");
        let manifest = fs::read_to_string(manifest).expect("a manifest");
        assert!(!manifest.contains("booking-webhook"), "{name} depends on the function");
    }
}

/// A crate of these modules, each with what its file says.
fn crate_of(files: &[(&str, &str)]) -> Crate {
    let module = |name: &str| name.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect();
    Crate::of(files.iter().map(|(name, text)| (module(name), (*text).to_owned())))
}

#[test]
fn an_upward_import_is_found_however_it_is_written() {
    let layers = ["low", "high"];
    for (low, is_found) in [
        ("use crate::high::Item;", true),
        ("use crate::{high::{Item, Other}};", true),
        ("use super::high::Item as Renamed;", true),
        ("use crate::high;", true),
        ("pub use crate::high::Item;", true),
        ("fn call() { crate::high::call(); }", true),
        ("fn call(item: &super::high::Item) {}", true),
        ("mod inner { use crate::high::Item; }", true),
        ("use std::fmt; use high::Item;", false),
        ("/// See [`crate::high`].\nstruct Item;", false),
        ("#[cfg(test)] mod tests { use crate::high::Item; }", false),
    ] {
        let sources = crate_of(&[("", "mod high; mod low;"), ("high", "use crate::low::Other;"), ("low", low)]);
        assert_eq!(!upward(&sources, &layers, &[]).is_empty(), is_found, "{low}");
        assert_eq!(upward(&sources, &layers, &[("low", "high")]), [""; 0], "{low}");
        assert_eq!(!circles(&sources, &[]).is_empty(), is_found, "{low}");
    }
}

#[test]
fn a_module_without_a_layer_is_named() {
    let sources = crate_of(&[("low", ""), ("new", "use crate::low::Item;")]);
    assert_eq!(upward(&sources, &["low"], &[]), ["new has no layer, and imports low"]);
}

#[test]
fn a_circle_is_found_through_a_re_export() {
    let face = "mod a; mod b; mod c; pub use a::A; pub(crate) use b::B; use c::C;";
    for (a, c, circle) in [
        ("use super::B;", "use super::B;", vec![]),
        ("use super::C;", "use super::B;", vec!["room::a → room::c → room::b → room::a"]),
        ("use super::B;", "", vec!["room::a → room::b → room::a"]),
    ] {
        let b = if c.is_empty() || !circle.is_empty() { "use super::a::A;" } else { "" };
        let files = [("room", face), ("room::a", a), ("room::b", b), ("room::c", c)];
        assert_eq!(circles(&crate_of(&files), &[]), circle, "{a} {c}");
    }
}

/// The names of functions and of tests in JavaScript that are longer than [`NAME_LENGTH_AT_MOST`].
fn long_names(text: &str) -> Vec<String> {
    let names = Regex::new(r"\bfn (\w+)|\btest\('([^']+)'").expect("a pattern");
    let found = names.captures_iter(text).filter_map(|found| found.get(1).or(found.get(2)));
    let long = found.map(|name| name.as_str()).filter(|name| name.chars().count() > NAME_LENGTH_AT_MOST);
    long.map(str::to_owned).collect()
}

/// The sources below `folder`; what npm installs is not ours.
fn texts(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let texts = entries.filter(|path| !path.ends_with("node_modules")).flat_map(|path| {
        let is_source = path.extension().is_some_and(|extension| extension == "rs" || extension == "js");
        match path.is_dir() {
            true => texts(&path),
            false => is_source.then(|| fs::read_to_string(&path).expect("a readable file")).into_iter().collect(),
        }
    });
    texts.collect()
}

#[test]
fn names_of_tests_are_short() {
    let long: Vec<_> =
        TESTED.iter().flat_map(|folder| texts(&project().join(folder))).flat_map(|t| long_names(&t)).collect();
    assert!(long.is_empty(), "longer than {NAME_LENGTH_AT_MOST} characters:\n{}", long.join("\n"));
}

#[test]
fn a_long_name_is_found() {
    let name = "n".repeat(NAME_LENGTH_AT_MOST);
    assert_eq!(long_names(&format!("fn {name}() {{}} test('{name}', () => {{")), [""; 0]);
    assert_eq!(long_names(&format!("async fn {name}x() {{}}\ntest('{name}y', () => {{")).len(), 2);
}
