//! What the documents name must be there: links, files, verbs, variables, commands, flags, log messages.
//!
//! Each check reads the documents and the code, and lists what one of them has and the other has not. A second test shows each check
//! a document with that fault.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use regex_lite::Regex;

use crate::{check, infrastructure};

const DOCUMENTS: [&str; 7] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "tests/fixtures/README.md",
    "examples/mail-script/README.md",
];
/// Where code and templates may lead a person to a document.
const LEADING: [&str; 7] = ["crates", "infra", "scripts", "mappings", "templates", "tests", ".github"];
/// Documents that name modules.
const OF_THE_CODE: [&str; 2] = ["ARCHITECTURE.md", "CONTRIBUTING.md"];
const WIDEST_TERMINAL: usize = 80;
const NOTHING: [&str; 0] = [];
/// What the AWS CLI is told looks like an invocation.
const KEY_OF_AN_ITEM: &str = "pk";
/// Set by AWS or read by its SDK, not by the function.
const NOT_OURS: [&str; 1] = ["AWS_REGION"];

/// The project's documents by their path, a made-up one beside them if a check is being checked.
struct Documents(BTreeMap<String, String>);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern")
}

impl Documents {
    fn all() -> Self {
        let folder = fs::read_dir(root().join("docs")).expect("docs/");
        let names = folder.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let of_folder = names.filter(|name| name.ends_with(".md")).map(|name| format!("docs/{name}"));
        let all = DOCUMENTS.into_iter().map(str::to_owned).chain(of_folder);
        Self(all.map(|path| (path.clone(), read(&path))).collect())
    }

    fn with(text: &str) -> Self {
        let mut all = Self::all();
        all.0.insert("docs/made-up.md".into(), text.into());
        all
    }

    /// What `found` finds in lines that hold `word`: looking for a word first is many times faster.
    fn find<'a>(&'a self, word: &'a str, found: &'a Regex) -> impl Iterator<Item = (&'a str, &'a str)> {
        let lines = self.0.iter().flat_map(|(path, text)| text.lines().map(move |line| (&**path, line)));
        let lines = lines.filter(move |(_, line)| line.contains(word));
        lines.flat_map(move |(path, line)| {
            found.captures_iter(line).map(move |found| (path, found.get(1).expect("a group").as_str()))
        })
    }
}

/// The anchors that a document has, as GitHub makes them of its headings. A `#` in a block of code is no heading.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut in_code = false;
    let mut anchors = BTreeSet::new();
    for line in text.lines() {
        in_code ^= line.trim_start().starts_with("```");
        let heading = line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#') && !in_code);
        let kept = heading.map(|heading| {
            let kept = heading
                .to_lowercase()
                .chars()
                .filter(|it| it.is_alphanumeric() || " -_".contains(*it))
                .collect::<String>();
            kept.replace(' ', "-")
        });
        anchors.extend(kept);
    }
    anchors
}

/// Links to nothing, within the repository.
fn dead_links(documents: &Documents) -> Vec<String> {
    let mut dead = Vec::new();
    let (links, pictures) = (pattern(r"\]\(([^)\s]+)\)"), pattern("src=\"([^\"]+)\""));
    for (path, link) in documents.find("](", &links).chain(documents.find("src=", &pictures)) {
        if link.starts_with("http") {
            continue;
        }
        let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
        let target =
            if file.is_empty() { root().join(path) } else { root().join(path).parent().expect("a folder").join(file) };
        let is_there = if anchor.is_empty() {
            target.exists()
        } else {
            let text = fs::read_to_string(&target).ok().or_else(|| documents.0.get(path).cloned()).unwrap_or_default();
            anchors(&text).contains(anchor)
        };
        if !is_there {
            dead.push(format!("{path}: {link}"));
        }
    }
    dead
}

/// Files that are named in `code`, and are not there.
fn missing_files(documents: &Documents) -> Vec<String> {
    let named = pattern(
        r"`((?:crates|docs|examples|fuzz|infra|mappings|scripts|templates|tests|\.ci|\.github)/[A-Za-z0-9_./-]*)`",
    );
    let is_there = |file: &str| root().join(file).exists() || root().join(format!("{file}.rs")).exists();
    let found = documents.find("`", &named).filter(|(_, file)| !is_there(file));
    found.map(|(path, file)| format!("{path}: {file}")).collect()
}

/// Modules that are named by their path in the function's source.
fn missing_modules(documents: &Documents) -> Vec<String> {
    let source = root().join("crates/booking-webhook/src");
    let named =
        pattern(r"`((?:booking|commands|inbound|ledger|outbound|reconcile|runtime|systems)/[a-z_/]*(?:\.rs)?)`");
    let is_there = |module: &str| source.join(module).exists() || source.join(format!("{module}.rs")).is_file();
    let found = documents.find("`", &named).filter(|(path, module)| OF_THE_CODE.contains(path) && !is_there(module));
    found.map(|(path, module)| format!("{path}: {module}")).collect()
}

/// The verbs of the Makefile, each with what `make help` says of it.
fn verbs() -> BTreeMap<String, String> {
    let makefile = read("Makefile");
    let verb = pattern(r"(?m)^([a-z-]+):[^#\n]*(?:## (.*))?$");
    verb.captures_iter(&makefile)
        .map(|found| (found[1].to_owned(), found.get(2).map_or("", |said| said.as_str()).to_owned()))
        .collect()
}

fn unknown_verbs(documents: &Documents) -> Vec<String> {
    let verbs = verbs();
    // In code only: "make sure" is no verb of the Makefile.
    let used = pattern(r"(?m)(?:^ *|`|\$\(|&& |; |-qr ')make (?:-s )?([a-z-]+)");
    let found = documents.find("make ", &used).filter(|(_, verb)| !verbs.contains_key(*verb));
    found.map(|(path, verb)| format!("{path}: make {verb}")).collect()
}

/// The keys of direct invocations, as the function names them to a person who sends another one.
fn commands() -> BTreeSet<String> {
    let source = read("crates/booking-webhook/src/lambda.rs");
    let kinds = pattern(r#"Some\(\("([a-z_]+)", \w+\)\)"#);
    kinds.captures_iter(&source).map(|found| found[1].to_owned()).collect()
}

fn unknown_commands(documents: &Documents) -> Vec<String> {
    let commands = commands();
    // One key whose value is an object is an invocation; what the function answers looks otherwise.
    let sent = pattern(r#"[`'"]\{\\?"([a-z_]+)\\?": \{"#);
    let found = documents.find("{", &sent).filter(|(_, key)| !commands.contains(*key) && *key != KEY_OF_AN_ITEM);
    let mut wrong: Vec<String> = found.map(|(path, key)| format!("{path}: {key}")).collect();
    for path in ["README.md", "docs/usage.md"] {
        let text = &documents.0[path];
        let missing = commands.iter().filter(|command| !text.contains(&format!("{{\"{command}\": {{")));
        wrong.extend(missing.map(|command| format!("{path} does not name {command}")));
    }
    wrong
}

/// The first cells of the table below a heading.
fn first_column(text: &str, heading: &str) -> BTreeSet<String> {
    let (_, below) = text.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no heading {heading}"));
    let below = below.split("\n#").next().unwrap_or_default();
    let rows = below.lines().filter_map(|line| line.strip_prefix("| `"));
    let quoted = pattern("`([^`]+)`");
    rows.flat_map(|row| {
        let cell = format!("`{}", row.split(" |").next().unwrap_or_default());
        quoted.captures_iter(&cell).map(|found| found[1].to_owned()).collect::<Vec<_>>()
    })
    .collect()
}

/// What a document lists and the code does not have, and the other way round.
fn difference(what: &str, said: &BTreeSet<String>, is: &BTreeSet<String>) -> Vec<String> {
    let unknown = said.difference(is).map(|name| format!("no {what} {name}"));
    unknown.chain(is.difference(said).map(|name| format!("{what} {name} is not explained"))).collect()
}

fn variables(documents: &Documents) -> Vec<String> {
    let mut said = first_column(&documents.0["docs/configuration.md"], "## Environment variables");
    said.retain(|name| !NOT_OURS.contains(&&**name));
    difference("variable", &said, &infrastructure::variables_of_the_function())
}

fn flags(documents: &Documents) -> Vec<String> {
    let source = read("crates/booking-webhook/src/booking/flag.rs");
    let named = pattern(r#"=> "([a-z_]+)","#);
    let is = named.captures_iter(&source).map(|found| found[1].to_owned()).collect();
    difference("flag", &first_column(&documents.0["docs/answers.md"], "## Flags"), &is)
}

fn checks(documents: &Documents) -> Vec<String> {
    let is = check::ALL.into_iter().map(str::to_owned).collect();
    difference("check", &first_column(&documents.0["docs/answers.md"], "## The health check"), &is)
}

/// Messages that a query of the log looks for, and that nothing writes.
fn unwritten_messages(documents: &Documents) -> Vec<String> {
    let mut source = String::new();
    for file in files("crates/booking-webhook/src") {
        source.push_str(&fs::read_to_string(file).unwrap_or_default());
    }
    let queries = pattern(r"message ((?:=|like|in) (?:\[[^\]]+\]|'[^']+'|\x22[^\x22]+\x22))");
    let quoted = pattern(r#"["']([^"']+)["']"#);
    let mut wrong = Vec::new();
    for (path, query) in documents.find("message", &queries) {
        let messages = quoted.captures_iter(query).map(|found| found[1].to_owned());
        wrong.extend(
            messages
                .filter(|message| !source.contains(message.trim_end_matches('*')))
                .map(|message| format!("{path}: {message}")),
        );
    }
    wrong
}

/// Every text file below a folder of the repository.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().into_string().unwrap_or_default();
            if path.is_dir() && !["node_modules", ".venv", "target", "__pycache__"].contains(&&*name) {
                folders.push(path);
            } else if path.is_file() {
                found.push(path);
            }
        }
    }
    found
}

/// Where code and templates lead a person to a chapter that is not there.
fn misleading_code(documents: &Documents) -> Vec<String> {
    let chapter = pattern(r"((?:docs/[a-z]+|README|SECURITY|ARCHITECTURE|CONTRIBUTING)\.md)(#[a-z0-9-]+)?");
    let decision = pattern(r#"`docs/decisions.md`, "([^"]+)""#);
    let decisions = &documents.0["docs/decisions.md"];
    let mut wrong = Vec::new();
    for file in LEADING.into_iter().flat_map(files) {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let shown = file.display();
        if shown.to_string().ends_with("it/documents.rs") {
            continue;
        }
        let chapters = text.lines().filter(|line| line.contains(".md"));
        for found in chapters.clone().flat_map(|line| chapter.captures_iter(line)) {
            let anchor = found.get(2).map(|anchor| anchor.as_str().trim_start_matches('#').to_owned());
            let is_there =
                documents.0.get(&found[1]).is_some_and(|text| anchor.is_none_or(|it| anchors(text).contains(&it)));
            if !is_there && !found[0].ends_with('#') {
                wrong.push(format!("{shown}: {}", &found[0]));
            }
        }
        for found in chapters.flat_map(|line| decision.captures_iter(line)) {
            if !decisions.contains(&format!("### {}\n", &found[1])) {
                wrong.push(format!("{shown}: no decision {}", &found[1]));
            }
        }
    }
    wrong
}

type Check = fn(&Documents) -> Vec<String>;

const CHECKS: [(Check, &str, &str); 8] = [
    (dead_links, "[there](#no-such-heading)", "docs/made-up.md: #no-such-heading"),
    (missing_files, "see `infra/no-such-file.yaml`", "docs/made-up.md: infra/no-such-file.yaml"),
    (unknown_verbs, "`make nothing`", "docs/made-up.md: make nothing"),
    (unknown_commands, "`{\"forget\": {}}`", "docs/made-up.md: forget"),
    (unwritten_messages, "filter message = \"all is lost\"", "docs/made-up.md: all is lost"),
    (dead_links, "[there](nowhere.md)", "docs/made-up.md: nowhere.md"),
    (unknown_verbs, "```sh\nmake everything\n```", "docs/made-up.md: make everything"),
    (dead_links, "```sh\n# A comment\n```\n[there](#a-comment)", "docs/made-up.md: #a-comment"),
];

#[test]
fn what_documents_name_is_there() {
    let documents = Documents::all();
    let all: [Check; 10] = [
        dead_links,
        missing_files,
        missing_modules,
        unknown_verbs,
        unknown_commands,
        variables,
        flags,
        checks,
        unwritten_messages,
        misleading_code,
    ];
    let wrong: Vec<String> = all.into_iter().flat_map(|check| check(&documents)).collect();
    assert_eq!(wrong, NOTHING);
}

#[test]
fn what_documents_name_wrongly_is_seen() {
    for (check, text, expected) in CHECKS {
        assert_eq!(check(&Documents::with(text)), [expected]);
    }
    let mut documents = Documents::all();
    for text in documents.0.values_mut() {
        *text = text.replace("| `MAPPINGS` |", "| `MAPPING` |").replace("| `notes_cut` |", "| `notes_are_cut` |");
        *text = text.replace("### Time\n", "### Clocks\n");
    }
    assert_eq!(variables(&documents), ["no variable MAPPING", "variable MAPPINGS is not explained"]);
    assert_eq!(flags(&documents), ["no flag notes_are_cut", "flag notes_cut is not explained"]);
    assert!(misleading_code(&documents).iter().any(|wrong| wrong.ends_with("time.rs: no decision Time")));
}

#[test]
fn every_verb_is_explained_in_one_line_of_a_terminal() {
    let help = verbs();
    let verbs: Vec<&String> = help.keys().filter(|verb| *verb != "prerequisites").collect();
    for verb in verbs {
        let said = &help[verb];
        assert!(!said.is_empty(), "make help does not explain {verb}");
        assert!(format!("  make {verb:16} {said}").chars().count() <= WIDEST_TERMINAL, "{verb}: {said}");
    }
}
