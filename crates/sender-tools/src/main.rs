//! `sender map|sign|verify`: what `make map`, `make sign` and `make verify` run. Nothing leaves this machine.
//!
//! Exit codes: 0 when everything is understood (or the signature fits), 1 when something is not, 2 when it was asked wrongly.

mod map;
mod signature;

use std::{fs, io::Write as _, process::ExitCode};

use http::{HeaderMap, HeaderName, HeaderValue};

const USAGE: &str = "usage: sender map --mapping FILE --body FILE [--headers FILE] [--operator FILE]
       sender sign --secret FILE --body FILE [--id ID]
       sender verify --secret FILE --body FILE --headers FILE
HEADERS is a file with a line `Name: value` for each header.
";

/// What a command found out, and whether all is well.
type Outcome = Result<(String, bool), String>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.split_first() {
        Some((command, rest)) => run(command, rest),
        None => Err(USAGE.into()),
    };
    match outcome {
        Ok((words, well)) => {
            let written = std::io::stdout().lock().write_all(words.as_bytes());
            if well && written.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(1) }
        }
        Err(words) => {
            let _nobody_reads_it = writeln!(std::io::stderr().lock(), "{words}");
            ExitCode::from(2)
        }
    }
}

fn run(command: &str, arguments: &[String]) -> Outcome {
    let options = Options::of(arguments)?;
    #[expect(clippy::disallowed_methods, reason = "a person asks, now")]
    let now = jiff::Timestamp::now();
    match command {
        "map" => map::map(&options, now),
        "sign" => signature::sign(&options, now),
        "verify" => signature::verify(&options, now),
        _ => Err(USAGE.into()),
    }
}

/// `--name value` pairs.
struct Options<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Options<'a> {
    fn of(arguments: &'a [String]) -> Result<Self, String> {
        const KNOWN: [&str; 6] = ["mapping", "body", "headers", "operator", "secret", "id"];
        let pair = |pair: &'a [String]| match pair {
            [name, value] => {
                let name = name.strip_prefix("--").filter(|name| KNOWN.contains(name)).ok_or(USAGE)?;
                Ok((name, value.as_str()))
            }
            _ => Err(USAGE.to_owned()),
        };
        arguments.chunks(2).map(pair).collect::<Result<_, _>>().map(Self)
    }

    fn optional(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, value)| *known == name && !value.is_empty()).map(|(_, value)| *value)
    }

    fn needed(&self, name: &str) -> Result<&'a str, String> {
        self.optional(name).ok_or_else(|| format!("say {}=…\n{USAGE}", name.to_uppercase()))
    }

    fn file(&self, name: &str) -> Result<Vec<u8>, String> {
        let path = self.needed(name)?;
        fs::read(path).map_err(|error| format!("{path} cannot be read: {error}"))
    }

    fn text(&self, name: &str) -> Result<String, String> {
        String::from_utf8(self.file(name)?)
            .map_err(|_not_text| format!("the file of {} is not UTF-8", name.to_uppercase()))
    }

    /// A line each, as `curl -H` takes them.
    fn headers(&self) -> Result<HeaderMap, String> {
        if self.optional("headers").is_none() {
            return Ok(HeaderMap::new());
        }
        let text = self.text("headers")?;
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            let name = HeaderName::try_from(name.trim()).ok()?;
            Some((name, HeaderValue::from_str(value.trim()).ok()?))
        };
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(|line| header(line).ok_or_else(|| format!("{line:?} is no header: write Name: value"))).collect()
    }
}
