//! The declared forms in which a mapping says where a value is. No expression language: what these cannot say, a bridge must do first.

use http::{HeaderMap, HeaderName};
use regex_lite::Regex;
use rust_decimal::Decimal;
use serde_json::Value;

use super::{
    pointer::Pointer,
    text::{decimal, text_of},
};

/// Where a value comes from, and how it is written there.
#[derive(Debug, Clone)]
pub(super) struct Form {
    pub(super) source: Source,
    /// Only what this finds in the text counts: its first group, else all of it.
    pub(super) pattern: Option<Regex>,
    /// strftime's, of a time.
    pub(super) format: Option<String>,
    pub(super) unit: Option<Unit>,
}

#[derive(Debug, Clone)]
pub(super) enum Source {
    /// From the booking on.
    At(Pointer),
    /// From the whole body on.
    Root(Pointer),
    Header(HeaderName),
    Constant(Value),
    /// Those that are there, with a space between them.
    Join(Vec<Form>),
    /// Of every number that these pointers find in the booking.
    Sum(Vec<Pointer>),
    /// How many the pointer finds in the booking.
    Count(Pointer),
    /// The first that is there.
    FirstOf(Vec<Form>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Dollars,
    Cents,
    Hours,
    Minutes,
    Seconds,
    UnixSeconds,
    UnixMilliseconds,
}

/// One booking in one request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) body: &'a Value,
    pub(super) booking: &'a Value,
    /// To the booking, in the body.
    pub(super) pointer: &'a str,
    pub(super) headers: &'a HeaderMap,
}

impl Form {
    pub(super) fn of(source: Source) -> Self {
        Self { source, pattern: None, format: None, unit: None }
    }

    /// What stands there; `None` when nothing does.
    ///
    /// # Errors
    /// Why the form cannot be applied to what stands there.
    pub(super) fn read(&self, place: &Place<'_>) -> Result<Option<Value>, String> {
        let Some(value) = self.source.read(place)? else { return Ok(None) };
        let Some(pattern) = &self.pattern else { return Ok(Some(value)) };
        let Some(text) = text_of(&value)? else { return Ok(None) };
        let captures = pattern.captures(&text).ok_or("holds nothing that the mapping's match finds")?;
        let group = captures.get(1).or_else(|| captures.get(0)).map(|group| group.as_str().to_owned());
        Ok(group.filter(|text| !text.is_empty()).map(Value::String))
    }

    /// To what is read, or to where it should be, in the whole body.
    pub(super) fn pointer(&self, place: &Place<'_>) -> String {
        let in_booking = |pointer: &Pointer| format!("{}{pointer}", place.pointer);
        match &self.source {
            Source::At(pointer) | Source::Count(pointer) => in_booking(pointer),
            Source::Sum(pointers) => pointers.first().map(in_booking).unwrap_or_default(),
            Source::Root(pointer) => pointer.to_string(),
            Source::Join(forms) | Source::FirstOf(forms) => {
                forms.first().map(|form| form.pointer(place)).unwrap_or_default()
            }
            Source::Header(_) | Source::Constant(_) => place.pointer.to_owned(),
        }
    }

    /// To everything that is read; `*` stands for every element.
    pub(super) fn pointers(&self, place: &Place<'_>) -> Vec<String> {
        match &self.source {
            Source::Sum(pointers) => pointers.iter().map(|pointer| format!("{}{pointer}", place.pointer)).collect(),
            Source::Join(forms) | Source::FirstOf(forms) => {
                forms.iter().flat_map(|form| form.pointers(place)).collect()
            }
            Source::At(_) | Source::Count(_) | Source::Root(_) => vec![self.pointer(place)],
            Source::Header(_) | Source::Constant(_) => Vec::new(),
        }
    }

    /// Whether the value is a constant.
    pub(super) fn is_constant(&self) -> bool {
        matches!(self.source, Source::Constant(_))
    }

    /// Whether it starts at the booking.
    pub(super) fn is_in_the_booking(&self) -> bool {
        match &self.source {
            Source::At(_) | Source::Sum(_) | Source::Count(_) => true,
            Source::Root(_) | Source::Header(_) | Source::Constant(_) => false,
            Source::Join(forms) | Source::FirstOf(forms) => forms.iter().any(Self::is_in_the_booking),
        }
    }

    /// The headers that it reads.
    pub(super) fn headers(&self) -> Vec<&HeaderName> {
        match &self.source {
            Source::Header(name) => vec![name],
            Source::Join(forms) | Source::FirstOf(forms) => forms.iter().flat_map(Self::headers).collect(),
            Source::At(_) | Source::Root(_) | Source::Constant(_) | Source::Sum(_) | Source::Count(_) => Vec::new(),
        }
    }
}

impl Source {
    fn read(&self, place: &Place<'_>) -> Result<Option<Value>, String> {
        match self {
            Self::At(pointer) => Ok(at(pointer, place.booking)),
            Self::Root(pointer) => Ok(at(pointer, place.body)),
            Self::Header(name) => {
                let text = place.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
                Ok(text.filter(|text| !text.trim().is_empty()).map(Value::String))
            }
            Self::Constant(value) => Ok(Some(value.clone())),
            Self::Join(forms) => join(forms, place),
            Self::Sum(pointers) => sum(pointers, place.booking),
            Self::Count(pointer) => {
                let found = pointer.all(place.booking).len();
                Ok((found > 0).then(|| Value::from(found)))
            }
            Self::FirstOf(forms) => first_of(forms, place),
        }
    }
}

/// One value; with a `*`, the list of all.
fn at(pointer: &Pointer, root: &Value) -> Option<Value> {
    let mut found = pointer.all(root).into_iter().map(|found| found.value);
    if pointer.means_every() {
        let all: Vec<Value> = found.collect();
        return (!all.is_empty()).then_some(Value::Array(all));
    }
    found.next()
}

fn join(forms: &[Form], place: &Place<'_>) -> Result<Option<Value>, String> {
    let mut texts = Vec::new();
    for form in forms {
        if let Some(value) = form.read(place)? {
            texts.extend(text_of(&value)?);
        }
    }
    Ok((!texts.is_empty()).then(|| Value::String(texts.join(" "))))
}

fn sum(pointers: &[Pointer], booking: &Value) -> Result<Option<Value>, String> {
    let mut total = None;
    for found in pointers.iter().flat_map(|pointer| pointer.all(booking)) {
        let Some(text) = text_of(&found.value)? else { continue };
        let number = decimal(&text).ok_or("must be numbers: they are added")?;
        let before = total.unwrap_or(Decimal::ZERO);
        total = Some(before.checked_add(number).ok_or("adds up to more than any number here can be")?);
    }
    Ok(total.map(|total| Value::String(total.normalize().to_string())))
}

fn first_of(forms: &[Form], place: &Place<'_>) -> Result<Option<Value>, String> {
    let mut faulty = None;
    for form in forms {
        match form.read(place) {
            Ok(Some(value)) if !matches!(text_of(&value), Ok(None)) => return Ok(Some(value)),
            Ok(_) => {}
            Err(detail) => faulty = faulty.or(Some(detail)),
        }
    }
    faulty.map_or(Ok(None), Err)
}
