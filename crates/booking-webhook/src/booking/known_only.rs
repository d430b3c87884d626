//! The operator file is refused with a key that nobody knows: it is a slip. What the ledger keeps of the same things is not, or the release
//! before could not read what this one has added. So these types ignore such keys, and the file's fields look for them.

use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned, de::Error as _};
use toml::Value;

/// Reads a part of the operator file, in which every key is one that its type writes.
pub(super) fn known_only<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: DeserializeOwned + Serialize,
    D: Deserializer<'de>,
{
    let written = Value::deserialize(deserializer)?;
    let read: T = T::deserialize(written.clone()).map_err(D::Error::custom)?;
    let known = Value::try_from(&read).map_err(D::Error::custom)?;
    match unknown(&written, &known) {
        Some(key) => Err(D::Error::custom(format!("unknown field `{key}`"))),
        None => Ok(read),
    }
}

/// The first key that is written and not known.
fn unknown<'a>(written: &'a Value, known: &Value) -> Option<&'a str> {
    let (written, known) = (written.as_table()?, known.as_table()?);
    written.iter().find_map(|(key, value)| known.get(key).map_or(Some(&**key), |known| unknown(value, known)))
}
