//! Reading the operator file: a key that nobody knows is a slip, and is refused with its line.
//!
//! What the ledger keeps of the same things ignores such keys, or the release before could not read what this one has added. So the
//! types do not refuse them; the file's reader does.

use serde::Deserialize;
use toml::de::{DeTable, DeValue};

use super::Operator;

/// Why an operator file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OperatorFileError {
    /// It is no TOML, or a value is not what its key needs.
    #[error(transparent)]
    Malformed(#[from] toml::de::Error),
    /// A key that nobody knows.
    #[error("line {line}: unknown field `{path}`")]
    UnknownField {
        /// Where, counted from 1.
        line: usize,
        /// Its name, after those of the tables that hold it: `boats.0.roster.captian`.
        path: String,
    },
}

impl Operator {
    /// The operator file that has this text.
    ///
    /// # Errors
    /// [`OperatorFileError`] for the first slip.
    pub fn parse(text: &str) -> Result<Self, OperatorFileError> {
        let mut unknown = None;
        let file = toml::Deserializer::parse(text)?;
        let mut note = |path: serde_ignored::Path<'_>| _ = unknown.get_or_insert_with(|| path.to_string());
        let operator = Self::deserialize(serde_ignored::Deserializer::new(file, &mut note))?;
        match unknown {
            None => Ok(operator),
            Some(path) => Err(OperatorFileError::UnknownField { line: line_of(text, &path)?, path }),
        }
    }
}

/// The line on which the key at `path` stands.
fn line_of(text: &str, path: &str) -> Result<usize, toml::de::Error> {
    let file = DeTable::parse(text)?;
    let mut start = 0;
    let mut value = DeValue::Table(file.into_inner());
    // Paths pass through `?` where a value is optional.
    for segment in path.split('.').filter(|segment| *segment != "?") {
        let next = match value {
            DeValue::Table(table) => table.into_iter().find(|(key, _)| key.get_ref() == segment).map(|(key, value)| {
                start = key.span().start;
                value
            }),
            DeValue::Array(array) => segment.parse().ok().and_then(|index| array.into_iter().nth(index)),
            _ => None,
        };
        let Some(next) = next else { break };
        value = next.into_inner();
    }
    Ok(1 + text[..start].matches('\n').count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_key_is_refused_with_its_line() {
        for (mistyped, line, key) in [
            ("captain_rate = 50", 1, "captain_rate"),
            ("[rates]\ncrew = 25", 2, "crew"),
            ("[[boats]]\nid = \"qosd\"\ncapcity = 13", 3, "capcity"),
            ("[[boats]]\n[[boats]]\nrates = { captain = 60 }", 3, "captain"),
            ("[[boats]]\nroster = { captian = \"captain-1\" }", 2, "captian"),
            ("[[boats]]\nroster = { crew = [], phones = {} }\n[boats.rates]\n\ncrew = 1", 5, "crew"),
            ("[[boats]]\nemergency_contact = { name = \"Jo\", phone = \"+1 619 555 0100\", fax = \"\" }", 2, "fax"),
            (
                "[[boats]]\n[boats.meeting_point]\nname = \"Dock\"\naddress = \"1\"\nmap_url = \"https://x\"\nmap = \"\"",
                6,
                "map",
            ),
        ] {
            let refused = Operator::parse(mistyped).expect_err(mistyped).to_string();
            assert!(refused.contains(&format!("line {line}")), "{mistyped}: {refused}");
            assert!(refused.contains("unknown field") && refused.contains(key), "{mistyped}: {refused}");
        }
    }

    #[test]
    fn a_value_that_is_wrong_is_refused_with_its_line() {
        let refused = Operator::parse("name = \"JADA\"\n[rates]\nport_tax_share = \"18\"").expect_err("a share");
        assert!(refused.to_string().contains("line 3"), "{refused}");
    }
}
