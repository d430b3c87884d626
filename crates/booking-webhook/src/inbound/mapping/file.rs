//! A mapping file, read slip by slip: each is named with its line, all of them at once.
//!
//! Not by serde's derive: for a form that may be a text or one of several tables it could only say that no variant fits.

use std::{collections::HashMap, fmt, ops::Range};

use http::HeaderName;
use serde_json::Value;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Condition, Ignore, Mapping, Statuses,
    form::{Form, Source, Unit},
    pointer::Pointer,
    values::is_usable_format,
};
use crate::booking::{BookingId, Field};

const LONGEST_LABEL_CHARACTERS: usize = 40;
const LONGEST_PREFIX: usize = 16;
const DEEPEST_FORM: usize = 4;
const SOURCES: [&str; 8] = ["at", "root", "header", "constant", "join", "sum", "count", "first_of"];
const TOP: [&str; 9] =
    ["prefix", "label", "ignore", "booking", "bookings", "event_id", "event_created_at", "fields", "statuses"];

/// Everything that keeps a mapping file from being used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingFault {
    /// As the operator knows the file.
    pub file: String,
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

/// What a field holds, as far as a form of it can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Amount,
    Duration,
    Time,
    Other,
}

impl Kind {
    fn of(field: Field) -> Self {
        match field {
            Field::Gross => Self::Amount,
            Field::Duration => Self::Duration,
            Field::StartAt | Field::EndAt | Field::UpdatedAt => Self::Time,
            _ => Self::Other,
        }
    }

    fn units(self) -> &'static [(&'static str, Unit)] {
        match self {
            Self::Amount => &[("dollars", Unit::Dollars), ("cents", Unit::Cents)],
            Self::Duration => &[("hours", Unit::Hours), ("minutes", Unit::Minutes), ("seconds", Unit::Seconds)],
            Self::Time => &[("unix_seconds", Unit::UnixSeconds), ("unix_milliseconds", Unit::UnixMilliseconds)],
            Self::Other => &[],
        }
    }
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

    fn form(&mut self, name: &str, node: &Node<'t>, kind: Kind, deepest: usize) -> Option<Form> {
        let form = match node.get_ref() {
            DeValue::String(_) => Form::of(Source::At(self.pointer(name, node)?)),
            DeValue::Table(table) => self.form_of_table(name, node, table, kind, deepest)?,
            other => {
                let words = format!(
                    "{name} must be a pointer such as \"/id\" or a form such as {{ at = \"/id\" }}, not {}",
                    other.type_str()
                );
                return self.slip(node.span(), words);
            }
        };
        if form.unit.is_none() && matches!(kind, Kind::Amount | Kind::Duration) {
            let units: Vec<String> = kind.units().iter().map(|(unit, _)| format!("in = {unit:?}")).collect();
            return self.slip(node.span(), format!("{name} needs a unit: {}", units.join(" or ")));
        }
        Some(form)
    }

    fn form_of_table(
        &mut self,
        name: &str,
        node: &Node<'t>,
        table: &DeTable<'t>,
        kind: Kind,
        deepest: usize,
    ) -> Option<Form> {
        let known: Vec<&str> = SOURCES.into_iter().chain(["match", "format", "in"]).collect();
        self.refuse_unknown(table, &known, &format!("{name}."));
        let mut stated = SOURCES.into_iter().filter_map(|source| Some((source, table.get(source)?)));
        let Some((source, value)) = stated.next() else {
            return self.slip(node.span(), format!("{name} needs one of {}", SOURCES.join(", ")));
        };
        if let Some((second, _)) = stated.next() {
            return self.slip(node.span(), format!("{name} has two sources, {source} and {second}: say one"));
        }
        let source = self.source(&format!("{name}.{source}"), source, value, deepest)?;
        let pattern = match table.get("match") {
            Some(node) => Some(self.pattern(name, node)?),
            None => None,
        };
        let format = match table.get("format") {
            Some(node) => Some(self.format(name, node, kind)?),
            None => None,
        };
        let unit = match table.get("in") {
            Some(node) => Some(self.unit(name, node, kind)?),
            None => None,
        };
        if format.is_some() && unit.is_some() {
            return self.slip(node.span(), format!("{name} has both in and format: a time is written in one way"));
        }
        Some(Form { source, pattern, format, unit })
    }

    fn source(&mut self, name: &str, source: &str, node: &Node<'t>, deepest: usize) -> Option<Source> {
        Some(match source {
            "at" => Source::At(self.pointer(name, node)?),
            "root" => Source::Root(self.pointer(name, node)?),
            "header" => Source::Header(self.header(node)?),
            "constant" => Source::Constant(self.constant(name, node)?),
            "count" => {
                let pointer = self.pointer(name, node)?;
                if !pointer.means_every() {
                    return self.slip(node.span(), format!("{name} needs a * for what is counted, e.g. \"/guests/*\""));
                }
                Source::Count(pointer)
            }
            "sum" => match node.get_ref() {
                DeValue::Array(_) => {
                    let pointers: Vec<Option<Pointer>> =
                        self.array(name, node)?.iter().map(|node| self.pointer(name, node)).collect();
                    Source::Sum(pointers.into_iter().collect::<Option<_>>()?)
                }
                _ => Source::Sum(vec![self.pointer(name, node)?]),
            },
            "join" => Source::Join(self.forms(name, node, deepest)?),
            _ => Source::FirstOf(self.forms(name, node, deepest)?),
        })
    }

    fn forms(&mut self, name: &str, node: &Node<'t>, deepest: usize) -> Option<Vec<Form>> {
        let Some(deepest) = deepest.checked_sub(1) else {
            return self.slip(node.span(), format!("{name} is nested too deeply"));
        };
        let forms: Vec<Option<Form>> =
            self.array(name, node)?.iter().map(|node| self.form(name, node, Kind::Other, deepest)).collect();
        forms.into_iter().collect()
    }

    fn header(&mut self, node: &Node<'t>) -> Option<HeaderName> {
        let text = self.text("header", node)?;
        HeaderName::try_from(&text).ok().or_else(|| self.slip(node.span(), format!("{text:?} is no header's name")))
    }

    fn constant(&mut self, name: &str, node: &Node<'t>) -> Option<Value> {
        let plain = |value: &DeValue<'t>| match value {
            DeValue::String(text) => Some(Value::String(text.to_string())),
            DeValue::Integer(number) => serde_json::from_str(number.as_str()).ok().filter(|_| number.radix() == 10),
            DeValue::Float(number) => serde_json::from_str(number.as_str()).ok(),
            _ => None,
        };
        let value = match node.get_ref() {
            DeValue::Array(list) => {
                list.iter().map(|node| plain(node.get_ref())).collect::<Option<Vec<_>>>().map(Value::Array)
            }
            value => plain(value),
        };
        let words = format!("{name} must be a text, a number or a list of them, not {}", node.get_ref().type_str());
        value.or_else(|| self.slip(node.span(), words))
    }

    fn pattern(&mut self, name: &str, node: &Node<'t>) -> Option<regex_lite::Regex> {
        let text = self.text(&format!("{name}.match"), node)?;
        match regex_lite::RegexBuilder::new(&text).size_limit(1 << 20).build() {
            Ok(pattern) => Some(pattern),
            Err(error) => self.slip(node.span(), format!("{name}.match is no regular expression: {error}")),
        }
    }

    fn format(&mut self, name: &str, node: &Node<'t>, kind: Kind) -> Option<String> {
        let format = self.text(&format!("{name}.format"), node)?;
        if kind != Kind::Time {
            return self.slip(node.span(), format!("{name}.format: only a time has a format"));
        }
        if is_usable_format(&format) {
            return Some(format);
        }
        self.slip(
            node.span(),
            format!("{name}.format {format:?} does not say a day and a time to the minute, e.g. \"%m/%d/%Y %I:%M %p\""),
        )
    }

    fn unit(&mut self, name: &str, node: &Node<'t>, kind: Kind) -> Option<Unit> {
        let text = self.text(&format!("{name}.in"), node)?;
        if let Some((_, unit)) = kind.units().iter().find(|(unit, _)| *unit == text) {
            return Some(*unit);
        }
        let units: Vec<&str> = kind.units().iter().map(|(unit, _)| *unit).collect();
        let words = if units.is_empty() { "has no unit".to_owned() } else { format!("is in {}", units.join(" or ")) };
        self.slip(node.span(), format!("{name}.in: it {words}, not {text:?}"))
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

fn in_the_whole_body(form: &mut Form) {
    match &mut form.source {
        Source::At(pointer) => form.source = Source::Root(pointer.clone()),
        Source::Join(forms) | Source::FirstOf(forms) => forms.iter_mut().for_each(in_the_whole_body),
        Source::Root(_) | Source::Header(_) | Source::Constant(_) | Source::Sum(_) | Source::Count(_) => {}
    }
}
