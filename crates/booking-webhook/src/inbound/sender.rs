//! Who may post to us. A sender is a name, a mapping and a webhook secret; nothing of one is read by another's rules.

use std::{
    borrow::Borrow,
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{BUILT_IN_SENDER, Mapping, MappingFault};

const LONGEST_NAME: usize = 32;

/// The compiled-in mappings of senders that `READY_SENDERS` can name.
const READY: [(&str, &str); 4] = [
    ("checkfront", include_str!("../../../../mappings/checkfront.toml")),
    ("fareharbor", include_str!("../../../../mappings/fareharbor.toml")),
    ("getmyboat", include_str!("../../../../mappings/getmyboat.toml")),
    ("mailparser", include_str!("../../../../mappings/mailparser.toml")),
];

/// As a sender's path, its mapping file and its secret name it: `[a-z0-9-]{1,32}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SenderName(String);

impl SenderName {
    /// The name, if it is one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        ((1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(plain)).then(|| Self(text.to_owned()))
    }

    /// The built-in sender's.
    pub(crate) fn built_in() -> Self {
        Self(BUILT_IN_SENDER.into())
    }

    /// The name itself.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// What follows the secrets' prefix: `webhook` for the built-in sender.
    pub(crate) fn secret(&self) -> String {
        if self.0 == BUILT_IN_SENDER { "webhook".into() } else { format!("webhook/{}", self.0) }
    }
}

impl Borrow<str> for SenderName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SenderName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Who may post, as of the last cold start.
#[derive(Debug)]
pub(crate) struct Sender {
    /// Its path's last segment.
    pub(crate) name: SenderName,
    /// How its bodies are read. Without it, its deliveries are kept and not understood.
    pub(crate) mapping: Result<Mapping, String>,
}

/// Every sender by its name.
#[derive(Debug)]
pub(crate) struct Senders {
    by_name: BTreeMap<SenderName, Sender>,
    /// Files that belong to no sender.
    faults: Vec<String>,
    /// False if the mappings could not be listed: then other senders are unknown.
    complete: bool,
}

/// A mapping file: whose it is (or its name, if that is no sender's), where, and its text or why it cannot be had.
pub(crate) type MappingFile = (Result<SenderName, String>, String, Result<String, String>);

impl Senders {
    /// The built-in sender, the `ready` ones and those of these files. A file replaces the compiled-in mapping of its name.
    pub(crate) fn of(ready: &[String], files: Vec<MappingFile>) -> Self {
        let mut mappings: BTreeMap<SenderName, Result<Mapping, String>> =
            [(SenderName::built_in(), Ok(Mapping::canonical()))].into();
        let (ready, mut faults) = ready_files(ready);
        for (name, file, text) in ready.into_iter().chain(files) {
            let Ok(name) = name else {
                faults.push(format!("{file}: a sender's name is 1 to {LONGEST_NAME} of the characters a-z 0-9 -"));
                continue;
            };
            let parsed = text.map_err(|why| format!("{file}: {why}"));
            let parsed = parsed.and_then(|text| {
                Mapping::parse(name.as_str(), &file, &text).map_err(|fault: MappingFault| fault.to_string())
            });
            mappings.insert(name, parsed);
        }
        keep_prefixes_apart(&mut mappings);
        let by_name = mappings.into_iter().map(|(name, mapping)| (name.clone(), Sender { name, mapping })).collect();
        Self { by_name, faults, complete: true }
    }

    /// What is left when the mappings cannot be listed: the built-in sender and the `ready` ones, whose mappings may be among them.
    pub(crate) fn unlisted(ready: &[String], why: &str) -> Self {
        let Self { mut by_name, faults, .. } = Self::of(ready, Vec::new());
        for sender in by_name.values_mut() {
            sender.mapping = Err(why.to_owned());
        }
        Self { by_name, faults, complete: false }
    }

    /// The sender of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Sender> {
        self.by_name.get(name)
    }

    /// Whether there are no others.
    pub(crate) fn are_complete(&self) -> bool {
        self.complete
    }

    /// All of them, by name.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Sender> {
        self.by_name.values()
    }

    /// What is wrong with their mappings, each fault once.
    pub(crate) fn faults(&self) -> BTreeSet<&str> {
        let of_senders = self.all().filter_map(|sender| sender.mapping.as_ref().err());
        of_senders.chain(&self.faults).map(String::as_str).collect()
    }
}

/// The compiled-in mappings of these names, as files, and a fault for each other name.
fn ready_files(names: &[String]) -> (Vec<MappingFile>, Vec<String>) {
    let (mut files, mut faults) = (Vec::new(), Vec::new());
    for name in names.iter().filter(|name| *name != BUILT_IN_SENDER) {
        match READY.iter().find(|(ready, _)| ready == name) {
            Some((_, text)) => {
                files.push((Ok(SenderName(name.clone())), format!("mappings/{name}.toml"), Ok((*text).to_owned())));
            }
            None => {
                let [others @ .., last] = READY.map(|(ready, _)| ready);
                let others = others.join(", ");
                faults.push(format!("READY_SENDERS: there is no ready mapping {name}; there are {others} and {last}"));
            }
        }
    }
    (files, faults)
}

/// Two senders whose ids could collide are both faulty: a booking could be either's.
fn keep_prefixes_apart(mappings: &mut BTreeMap<SenderName, Result<Mapping, String>>) {
    let prefix = |mapping: &Result<Mapping, String>| {
        mapping.as_ref().map_or(String::new(), |mapping| mapping.prefix().to_owned())
    };
    let prefixes: Vec<(SenderName, String)> =
        mappings.iter().map(|(name, mapping)| (name.clone(), prefix(mapping))).collect();
    for (name, mapping) in mappings.iter_mut() {
        let own = prefix(mapping);
        let others = || prefixes.iter().filter(|(other, prefix)| other != name && !prefix.is_empty());
        let clash =
            others().find(|(_, other)| !own.is_empty() && (own.starts_with(&**other) || other.starts_with(&*own)));
        match (mapping.as_mut(), clash) {
            (Ok(_), Some((other, prefix))) => {
                *mapping =
                    Err(format!("{name}: the prefix {own:?} is not told apart from {prefix:?}, which is {other}'s"));
            }
            (Ok(sound), None) => sound.keep_apart_from(others().map(|(_, prefix)| prefix.clone()).collect()),
            (Err(_), _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn senders(files: &[(&str, &str)]) -> Senders {
        let canonical = include_str!("mapping/boatsetter.toml");
        let file = |(name, head): &(&str, &str)| {
            let name = SenderName::parse(name).expect("a name");
            (Ok(name.clone()), format!("{name}.toml"), Ok(format!("{head}\n{canonical}")))
        };
        Senders::of(&[], files.iter().map(file).collect())
    }

    #[test]
    fn a_name_is_what_a_path_and_a_secret_may_hold() {
        for (text, secret) in
            [("boatsetter", Some("webhook")), ("getmyboat", Some("webhook/getmyboat")), ("a-1", Some("webhook/a-1"))]
        {
            assert_eq!(SenderName::parse(text).map(|name| name.secret()).as_deref(), secret, "{text}");
        }
        for text in ["", "Harbor", "a/b", "..", "a_b", "é", &"a".repeat(33)] {
            assert_eq!(SenderName::parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_mapping_of_the_folder_is_ready() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../mappings");
        let files = std::fs::read_dir(folder).expect("mappings/").map(|entry| entry.expect("a file").path());
        let names: BTreeSet<String> =
            files.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect();
        assert_eq!(names, READY.map(|(name, _)| name.to_owned()).into());
        let senders = Senders::of(&Vec::from_iter(names), Vec::new());
        assert_eq!((senders.faults(), senders.all().count()), (BTreeSet::new(), READY.len() + 1));
    }

    #[test]
    fn prefixes_keep_senders_apart() {
        for (files, faulty) in [
            (&[][..], &[][..]),
            (&[("harbor", "prefix = \"HB-\"")], &[]),
            (&[("boatsetter", "")], &[]),
            (&[("harbor", "")], &["harbor"]),
            (&[("harbor", "prefix = \"HB-\""), ("dock", "prefix = \"HB-\"")], &["dock", "harbor"]),
            (&[("harbor", "prefix = \"HB-\""), ("dock", "prefix = \"HB-2-\"")], &["dock", "harbor"]),
            (&[("harbor", "prefix = \"HB-\""), ("dock", "prefix = \"DK-\"")], &[]),
        ] {
            let senders = senders(files);
            let found: Vec<&str> =
                senders.all().filter(|sender| sender.mapping.is_err()).map(|sender| sender.name.as_str()).collect();
            assert_eq!(found, faulty, "{files:?}");
        }
    }
}
