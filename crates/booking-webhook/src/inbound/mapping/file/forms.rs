//! The forms of a mapping file: one source, and how the value is written there.

use http::HeaderName;
use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::{File, Node};
use crate::{
    booking::Field,
    inbound::mapping::{
        form::{Form, Source, Unit},
        pointer::Pointer,
        values::is_usable_format,
    },
};

const SOURCES: [&str; 8] = ["at", "root", "header", "constant", "join", "sum", "count", "first_of"];

/// What a field holds, as far as a form of it can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Amount,
    Duration,
    Time,
    Other,
}

impl Kind {
    pub(super) fn of(field: Field) -> Self {
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

impl<'t> File<'t> {
    pub(super) fn form(&mut self, name: &str, node: &Node<'t>, kind: Kind, deepest: usize) -> Option<Form> {
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

    pub(super) fn header(&mut self, node: &Node<'t>) -> Option<HeaderName> {
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
}

/// Outside the booking every pointer starts at the whole body.
pub(super) fn in_the_whole_body(form: &mut Form) {
    match &mut form.source {
        Source::At(pointer) => form.source = Source::Root(pointer.clone()),
        Source::Join(forms) | Source::FirstOf(forms) => forms.iter_mut().for_each(in_the_whole_body),
        Source::Root(_) | Source::Header(_) | Source::Constant(_) | Source::Sum(_) | Source::Count(_) => {}
    }
}
