//! A mapping file, read slip by slip: each is named with its line, all of them at once.
//!
//! Not by serde's derive: for a form that may be a text or one of several tables it could only say that no variant fits.

mod forms;

use std::{collections::HashMap, fmt, ops::Range};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Condition, Ignore, Mapping, Statuses,
    form::{Form, Source},
    pointer::Pointer,
};
use forms::{Kind, in_the_whole_body};

use crate::booking::{BookingId, Field};

const LONGEST_LABEL_CHARACTERS: usize = 40;
const LONGEST_PREFIX: usize = 16;
/// Forms in forms.
const DEEPEST_FORM: usize = 4;
const TOP: [&str; 9] =
    ["prefix", "label", "ignore", "booking", "bookings", "event_id", "event_created_at", "fields", "statuses"];

/// Everything that keeps a mapping file from being used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingFault {
    /// As the operator knows the file.
    pub(crate) file: String,
    /// Each with its line, from 1 on.
    pub slips: Vec<(usize, String)>,
}

impl std::error::Error for MappingFault {}

impl fmt::Display for MappingFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slips: Vec<String> =
            self.slips.iter().map(|(line, what)| format!("{} line {line}: {what}", self.file)).collect();
        formatter.write_str(&slips.join("; "))
    }
}

type Node<'t> = Spanned<DeValue<'t>>;

struct File<'t> {
    text: &'t str,
    slips: Vec<(usize, String)>,
}

/// Reads a mapping file's text. `needs_prefix`: every sender but the built-in one.
pub(super) fn parse(file: &str, text: &str, needs_prefix: bool) -> Result<Mapping, MappingFault> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut reader = File { text, slips: Vec::new() };
    for error in errors {
        let line = reader.line(error.span().unwrap_or_default());
        reader.slips.push((line, error.message().to_owned()));
    }
    let mapping = reader.slips.is_empty().then(|| reader.mapping(table.get_ref(), needs_prefix)).flatten();
    let mut slips = reader.slips;
    if let Some(mapping) = &mapping {
        slips.extend(mapping.faulty_constants());
    }
    slips.sort();
    slips.dedup();
    match mapping {
        Some(mapping) if slips.is_empty() => Ok(mapping),
        _ => Err(MappingFault { file: file.to_owned(), slips }),
    }
}

impl<'t> File<'t> {
    fn line(&self, span: Range<usize>) -> usize {
        let before = self.text.get(..span.start.min(self.text.len())).unwrap_or_default();
        before.matches('\n').count() + 1
    }

    fn slip<T>(&mut self, span: Range<usize>, what: impl Into<String>) -> Option<T> {
        let line = self.line(span);
        self.slips.push((line, what.into()));
        None
    }

    fn mapping(&mut self, table: &DeTable<'t>, needs_prefix: bool) -> Option<Mapping> {
        self.refuse_unknown(table, &TOP, "");
        let prefix = self.prefix(table, needs_prefix);
        let label = table.get("label").and_then(|node| self.label(node));
        let ignore = table.get("ignore").map(|node| self.ignore(node)).unwrap_or_default();
        let bookings = self.bookings(table);
        let event_id = table.get("event_id").and_then(|node| self.event_form("event_id", node, Kind::Other));
        let created = "event_created_at";
        let event_created_at = table.get(created).and_then(|node| self.event_form(created, node, Kind::Time));
        let fields = self.fields(table);
        let statuses = self.statuses(table);
        Some(Mapping {
            prefix: prefix.unwrap_or_default(),
            foreign_prefixes: Vec::new(),
            label,
            ignore,
            bookings: bookings?,
            event_id,
            event_created_at,
            fields: fields?,
            statuses: statuses?,
            default_currency: false,
        })
    }

    fn refuse_unknown(&mut self, table: &DeTable<'t>, known: &[&str], within: &str) {
        for key in table.keys().filter(|key| !known.contains(&&**key.get_ref())) {
            self.slip::<()>(
                key.span(),
                format!("nobody reads {within}{}; known are {}", key.get_ref(), known.join(", ")),
            );
        }
    }

    fn text(&mut self, name: &str, node: &Node<'t>) -> Option<String> {
        match node.get_ref().as_str() {
            Some(text) => Some(text.to_owned()),
            None => self.slip(node.span(), format!("{name} must be a text, not {}", node.get_ref().type_str())),
        }
    }

    fn prefix(&mut self, table: &DeTable<'t>, needed: bool) -> Option<String> {
        let Some(node) = table.get("prefix") else {
            let words = "a prefix of booking ids is missing, e.g. prefix = \"HB-\": two senders may use the same id";
            return if needed { self.slip(0..0, words) } else { None };
        };
        let prefix = self.text("prefix", node)?;
        if prefix.len() > LONGEST_PREFIX || BookingId::parse(&prefix).is_err() {
            return self.slip(
                node.span(),
                format!("prefix must be 1 to {LONGEST_PREFIX} of the characters A-Z a-z 0-9 . _ : -"),
            );
        }
        Some(prefix)
    }

    fn label(&mut self, node: &Node<'t>) -> Option<String> {
        let label = self.text("label", node)?;
        let usable = (1..=LONGEST_LABEL_CHARACTERS).contains(&label.trim().chars().count())
            && label.chars().all(|character| character.is_alphabetic() || " .&'-".contains(character));
        if usable {
            return Some(label.trim().to_owned());
        }
        self.slip(
            node.span(),
            format!("label must be a name of 1 to {LONGEST_LABEL_CHARACTERS} letters and . & ' -: crew read it"),
        )
    }

    fn bookings(&mut self, table: &DeTable<'t>) -> Option<Pointer> {
        match (table.get("booking"), table.get("bookings")) {
            (Some(one), None) => {
                let pointer = self.pointer("booking", one)?;
                let words = "booking is one booking: for every element say bookings";
                if pointer.means_every() { self.slip(one.span(), words) } else { Some(pointer) }
            }
            (None, Some(every)) => {
                let pointer = self.pointer("bookings", every)?;
                let words = "bookings needs a * for the list's elements, e.g. \"/items/*\"";
                if pointer.means_every() { Some(pointer) } else { self.slip(every.span(), words) }
            }
            (Some(_), Some(every)) => self.slip(every.span(), "say either booking or bookings, not both"),
            (None, None) => {
                self.slip(0..0, "booking is missing: the pointer to the booking, \"\" if it is the whole body")
            }
        }
    }

    fn pointer(&mut self, name: &str, node: &Node<'t>) -> Option<Pointer> {
        let text = self.text(name, node)?;
        match Pointer::parse(&text) {
            Ok(pointer) => Some(pointer),
            Err(why) => self.slip(node.span(), format!("{name}: {text:?} {why}")),
        }
    }

    fn array<'n>(&mut self, name: &str, node: &'n Node<'t>) -> Option<&'n [Node<'t>]> {
        match node.get_ref().as_array() {
            Some(array) if array.is_empty() => self.slip(node.span(), format!("{name} must not be empty")),
            Some(array) => Some(&**array),
            None => self.slip(node.span(), format!("{name} must be a list, not {}", node.get_ref().type_str())),
        }
    }

    fn words(&mut self, name: &str, node: &Node<'t>) -> Option<Vec<String>> {
        let words: Vec<Option<String>> = self.array(name, node)?.iter().map(|word| self.word(name, word)).collect();
        words.into_iter().collect()
    }

    fn word(&mut self, name: &str, node: &Node<'t>) -> Option<String> {
        let word = self.text(name, node)?.trim().to_owned();
        if word.is_empty() { self.slip(node.span(), format!("{name} holds an empty word")) } else { Some(word) }
    }

    fn ignore(&mut self, node: &Node<'t>) -> Vec<Ignore> {
        let entries = self.array("ignore", node).unwrap_or_default();
        entries.iter().filter_map(|entry| self.ignored(entry)).collect()
    }

    fn ignored(&mut self, node: &Node<'t>) -> Option<Ignore> {
        let words =
            "an entry of ignore is { at = \"/type\", is = [\"ping\"] } or { at = \"/type\", begins = [\"message.\"] }";
        let Some(table) = node.get_ref().as_table() else { return self.slip(node.span(), words) };
        self.refuse_unknown(table, &["at", "header", "is", "begins"], "ignore.");
        let source = match (table.get("at"), table.get("header")) {
            (Some(at), None) => Source::Root(self.pointer("ignore.at", at)?),
            (None, Some(header)) => Source::Header(self.header(header)?),
            _ => return self.slip(node.span(), words),
        };
        let condition = match (table.get("is"), table.get("begins")) {
            (Some(is), None) => Condition::Is(self.words("ignore.is", is)?),
            (None, Some(begins)) => Condition::Begins(self.words("ignore.begins", begins)?),
            _ => return self.slip(node.span(), words),
        };
        Some(Ignore { form: Form::of(source), condition })
    }

    /// Outside the booking a pointer starts at the whole body.
    fn event_form(&mut self, name: &str, node: &Node<'t>, kind: Kind) -> Option<Form> {
        let mut form = self.form(name, node, kind, DEEPEST_FORM)?;
        in_the_whole_body(&mut form);
        Some(form)
    }

    fn fields(&mut self, table: &DeTable<'t>) -> Option<HashMap<Field, (Form, usize)>> {
        let Some(node) = table.get("fields") else { return self.slip(0..0, "[fields] is missing") };
        let Some(fields) = node.get_ref().as_table() else {
            return self.slip(node.span(), "fields must be a table: [fields]");
        };
        self.refuse_unknown(fields, &Field::ALL.map(Field::name), "fields.");
        let mut forms = HashMap::new();
        let mut sound = true;
        for field in Field::ALL {
            if let Some(node) = fields.get(field.name()) {
                let name = format!("fields.{}", field.name());
                match self.form(&name, node, Kind::of(field), DEEPEST_FORM) {
                    Some(form) => drop(forms.insert(field, (form, self.line(node.span())))),
                    None => sound = false,
                }
            }
        }
        let named = |field: Field| fields.contains_key(field.name());
        let needed = [
            Field::Id,
            Field::Status,
            Field::StartAt,
            Field::PartySize,
            Field::Currency,
            Field::Gross,
            Field::GuestName,
        ];
        let mut missing: Vec<String> =
            needed.into_iter().filter(|field| !named(*field)).map(|field| field.name().to_owned()).collect();
        for (one, other) in [(Field::Duration, Field::EndAt), (Field::BoatId, Field::BoatName)] {
            if !named(one) && !named(other) {
                missing.push(format!("{} or {}", one.name(), other.name()));
            }
        }
        for name in &missing {
            self.slip::<()>(node.span(), format!("[fields] does not say where {name} is"));
        }
        (sound && missing.is_empty()).then_some(forms)
    }

    fn statuses(&mut self, table: &DeTable<'t>) -> Option<Statuses> {
        let Some(node) = table.get("statuses") else { return self.slip(0..0, "[statuses] is missing") };
        let Some(lists) = node.get_ref().as_table() else {
            return self.slip(node.span(), "statuses must be a table: [statuses]");
        };
        const LISTS: [&str; 3] = ["confirmed", "cancelled", "inconclusive"];
        self.refuse_unknown(lists, &LISTS, "statuses.");
        let mut words: [Vec<String>; 3] = Default::default();
        let mut seen: HashMap<String, &str> = HashMap::new();
        for (list, words) in LISTS.into_iter().zip(&mut words) {
            let Some(node) = lists.get(list) else { continue };
            let name = format!("statuses.{list}");
            let Some(array) = node.get_ref().as_array() else {
                return self.slip(node.span(), format!("{name} must be a list, not {}", node.get_ref().type_str()));
            };
            for node in array.iter() {
                let word = self.word(&name, node)?;
                match seen.insert(word.to_lowercase(), list) {
                    Some(before) if before != list => {
                        return self.slip(node.span(), format!("{word:?} is in two lists, {before} and {list}"));
                    }
                    _ => words.push(word),
                }
            }
        }
        let [confirmed, cancelled, inconclusive] = words;
        for (list, words) in [("confirmed", &confirmed), ("cancelled", &cancelled)] {
            if words.is_empty() {
                return self.slip(
                    node.span(),
                    format!("[statuses] has no words in {list}: such a booking would never be understood"),
                );
            }
        }
        Some(Statuses { confirmed, cancelled, inconclusive })
    }
}
