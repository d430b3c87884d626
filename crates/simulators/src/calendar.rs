//! The JADA internal calendar, the one place that shows money: exactly as `docs/contracts/calendar.openapi.yaml` says.
//!
//! It is as careless as the contract allows. Creating twice makes two entries, even with the same `Idempotency-Key`, so a caller
//! that relies on the calendar's help is found out.

use std::{
    io,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{patch, post},
};
use http::{StatusCode, request};
use jiff::{
    civil::{Date, Time},
    fmt::temporal::Pieces,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    contract::{Object, Refusal, Shape},
    records::{Memory, Records, RecordsError},
    server::Server,
    traffic::{Service, Traffic},
};

const CONTRACT: &str = include_str!("../../../docs/contracts/calendar.openapi.yaml");
const STAGE: &str = "/prod";
const FIRST_ID: u64 = 0x1a2b;

/// A running calendar; dropping it stops it.
pub struct Calendar {
    server: Server,
    book: Book,
    entries: Memory,
}

impl Calendar {
    /// Starts an empty calendar that knows its callers by `dashboard_token`.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(traffic: Traffic, dashboard_token: &str) -> io::Result<Self> {
        let entries = Memory::default();
        let book = Book::new(dashboard_token, Records::Memory(entries.clone()));
        let server = Server::start(routes(&book), traffic, name).await?;
        Ok(Self { server, book, entries })
    }

    /// The base URL, with the stage.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url() + STAGE
    }

    /// The stored entries in the order of their creation.
    #[must_use]
    pub fn entries(&self) -> Vec<Value> {
        self.entries.all().into_iter().map(Value::Object).collect()
    }

    /// What somebody in the office types into an entry: sets the properties in `changes`, unchecked.
    ///
    /// # Panics
    /// When there is no such entry or `changes` is not an object.
    pub fn put_by_hand(&self, id: &str, changes: Value) {
        let Value::Object(changes) = changes else { panic!("changes are properties of an entry, not {changes}") };
        self.entries.change(id, &changes).expect("the entry that is edited exists");
    }

    /// What somebody in the office, or another platform, puts in: an entry `id` with these properties, unchecked, and no more.
    ///
    /// # Panics
    /// When `entry` is not an object.
    pub fn add_by_hand(&self, id: &str, entry: Value) {
        let Value::Object(mut entry) = entry else { panic!("an entry is an object, not {entry}") };
        entry.insert("id".to_owned(), json!(id));
        self.entries.put(id, &entry);
    }

    /// What somebody in the office deletes; whether it was there.
    #[must_use]
    pub fn remove_by_hand(&self, id: &str) -> bool {
        self.entries.remove(id)
    }

    /// A rotation: only `dashboard_token` opens the calendar from now on.
    pub fn set_token(&self, dashboard_token: &str) {
        dashboard_token.clone_into(&mut self.book.0.token.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// From now on a new entry's id is a JSON number, which the contract does not foresee; its path is the number's digits.
    pub fn number_entries(&self) {
        self.book.0.numbers.store(true, Ordering::Relaxed);
    }
}

/// The same calendar without a server of its own, for staging: it keeps its `entries` where it is told to.
pub fn service(dashboard_token: &str, entries: Records) -> Router {
    routes(&Book::new(dashboard_token, entries))
}

#[derive(Clone)]
struct Book(Arc<Shared>);

struct Shared {
    shape: Shape,
    token: RwLock<String>,
    numbers: AtomicBool,
    entries: Records,
}

impl Book {
    fn new(dashboard_token: &str, entries: Records) -> Self {
        Self(Arc::new(Shared {
            shape: Shape::of(CONTRACT, "Entry", &["booking_id", "event_id"]),
            token: RwLock::new(dashboard_token.to_owned()),
            numbers: AtomicBool::new(false),
            entries,
        }))
    }
}

fn routes(book: &Book) -> Router {
    let routes = Router::new()
        .route("/calendar", post(create).get(of_one_day))
        .route("/calendar/{id}", patch(change).delete(remove))
        .layer(from_fn_with_state(book.clone(), authenticate))
        .with_state(book.clone());
    Router::new().nest(STAGE, routes)
}

fn name(request: &request::Parts) -> Option<(Service, String)> {
    let target = request.uri.path_and_query()?.as_str();
    let target = target.strip_prefix(STAGE).unwrap_or(target);
    Some((Service::Calendar, format!("{} {target}", request.method)))
}

async fn authenticate(State(book): State<Book>, request: Request, next: Next) -> Response {
    let token = request.headers().get("x-dashboard-token").cloned();
    let known = book.0.token.read().unwrap_or_else(PoisonError::into_inner).clone();
    if token.is_some_and(|token| token == known.as_str()) {
        next.run(request).await
    } else {
        (StatusCode::UNAUTHORIZED, Json(json!({ "error": "X-Dashboard-Token is missing or wrong" }))).into_response()
    }
}

async fn create(State(book): State<Book>, body: Bytes) -> Result<Response, Failure> {
    let mut entry = book.0.shape.whole(&body)?;
    check_amounts(&entry)?;
    let number = FIRST_ID + book.0.entries.next_number().await?;
    let (id, shown) = match book.0.numbers.load(Ordering::Relaxed) {
        true => (number.to_string(), json!(number)),
        false => (format!("cal_{number:04x}"), json!(format!("cal_{number:04x}"))),
    };
    entry.insert("id".to_owned(), shown);
    book.0.entries.put(&id, &entry).await?;
    Ok((StatusCode::CREATED, Json(entry)).into_response())
}

#[derive(Deserialize)]
struct Day {
    date: Option<String>,
}

async fn of_one_day(State(book): State<Book>, Query(day): Query<Day>) -> Result<Json<Value>, Failure> {
    let date = day.date.filter(|date| date.parse::<Date>().is_ok_and(|parsed| parsed.to_string() == *date));
    let date = date.ok_or_else(|| Refusal("date: a day is needed, as 2025-05-30".to_owned()))?;
    let mut entries = book.0.entries.all().await?;
    entries.retain(|entry| is_on(entry, &date));
    Ok(Json(json!({ "entries": entries })))
}

/// An entry is listed on its own day and on every other one that it spans; until midnight is not on the next day.
fn is_on(entry: &Object, date: &str) -> bool {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    let local =
        |name: &str| Some(Pieces::parse(text(name)).ok()?).and_then(|at| Some(at.date().to_datetime(at.time()?)));
    let spans = |day: Date| {
        let (start, end) = (local("start")?, local("end")?);
        Some(start.date() <= day && (day < end.date() || (day == end.date() && end.time() != Time::midnight())))
    };
    text("date") == date || date.parse().is_ok_and(|day| spans(day) == Some(true))
}

async fn change(State(book): State<Book>, Path(id): Path<String>, body: Bytes) -> Result<Response, Failure> {
    let changes = book.0.shape.change(&body)?;
    check_amounts(&changes)?;
    let changed = book.0.entries.change(&id, &changes).await?;
    Ok(changed.map_or_else(no_such_entry, |entry| Json(entry).into_response()))
}

async fn remove(State(book): State<Book>, Path(id): Path<String>) -> Result<Response, Failure> {
    let removed = book.0.entries.remove(&id).await?;
    Ok(if removed { StatusCode::NO_CONTENT.into_response() } else { no_such_entry() })
}

/// Why a route did not do what it was asked.
enum Failure {
    Refused(Refusal),
    Forgetful(RecordsError),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<RecordsError> for Failure {
    fn from(error: RecordsError) -> Self {
        Self::Forgetful(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(refusal) => refusal.into_response(),
            Self::Forgetful(error) => error.into_response(),
        }
    }
}

fn no_such_entry() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({ "error": "no such entry" }))).into_response()
}

/// US dollars have at most two decimals, which a schema cannot say of numbers that keep their digits.
fn check_amounts(entry: &Object) -> Result<(), Refusal> {
    let expenses = entry.get("expenses").and_then(Value::as_object).into_iter().flatten();
    let lines = entry.iter().filter(|(name, _)| ["revenue", "net"].contains(&name.as_str())).chain(expenses);
    for (name, value) in lines {
        let Value::Number(amount) = value else { continue };
        let digits = amount.to_string();
        let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        if decimals > 2 || digits.contains(['e', 'E']) {
            return Err(Refusal(format!("{name}: {digits} is not an amount with at most two decimals")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_numbered_entry_is_found_and_changed_by_its_number() {
        let calendar = Calendar::start(Traffic::new(), "token").await.expect("a free port");
        calendar.number_entries();
        let client = crate::aws::loopback_client();
        let entry = json!({
            "date": "2031-05-30", "start": "2031-05-30T14:00:00-07:00", "end": "2031-05-30T17:00:00-07:00", "title": "Dana",
            "booking_id": "BS-1", "event_id": "XHQGMDH1", "revenue": 840.75, "net": 289.41, "notes": "",
            "expenses": { "crew": 250, "captain": 150, "port_tax": 151.34 },
        });
        let post =
            client.post(format!("{}/calendar", calendar.url())).header("x-dashboard-token", "token").json(&entry);
        let created: Value = post.send().await.expect("an answer").json().await.expect("JSON");
        assert_eq!(created["id"], json!(FIRST_ID));

        let path = format!("{}/calendar/{FIRST_ID}", calendar.url());
        let patch = client.patch(path).header("x-dashboard-token", "token").json(&json!({ "notes": "moved" }));
        assert_eq!(patch.send().await.expect("an answer").status(), 200);
        assert_eq!(
            (&calendar.entries()[0]["id"], &calendar.entries()[0]["notes"]),
            (&json!(FIRST_ID), &json!("moved"))
        );
    }

    #[test]
    fn an_entry_is_listed_on_each_day_that_it_spans() {
        let on = |entry: Value| {
            let entry: Object = serde_json::from_value(entry).expect("an object");
            let days = ["2031-05-29", "2031-05-30", "2031-05-31", "2031-06-01"];
            days.into_iter().filter(|day| is_on(&entry, day)).map(|day| &day[8..]).collect::<Vec<_>>()
        };
        for (entry, days) in [
            (json!({ "date": "2031-05-30" }), vec!["30"]),
            (
                json!({ "date": "2031-05-30", "start": "2031-05-30T22:00:00-07:00", "end": "2031-05-31T01:00:00-07:00" }),
                vec!["30", "31"],
            ),
            (
                json!({ "date": "2031-05-30", "start": "2031-05-30T22:00:00-07:00", "end": "2031-05-31T00:00:00-07:00" }),
                vec!["30"],
            ),
            (json!({ "start": "2031-05-29T08:00", "end": "2031-06-01T08:00" }), vec!["29", "30", "31", "01"]),
            (json!({ "title": "some day" }), vec![]),
        ] {
            assert_eq!(on(entry.clone()), days, "{entry}");
        }
    }

    #[test]
    fn amounts_have_at_most_two_decimals() {
        for (entry, refused) in [
            (
                r#"{"revenue": 840.75, "net": -1, "expenses": {"crew": 250.0, "captain": 150, "port_tax": 151.34}}"#,
                None,
            ),
            (r#"{"revenue": 840.755}"#, Some("revenue")),
            (r#"{"net": 28941e-2}"#, Some("net")),
            (r#"{"expenses": {"port_tax": 151.335}}"#, Some("port_tax")),
        ] {
            let entry = serde_json::from_str(entry).expect("JSON");
            let refusal = check_amounts(&entry).err().map(|Refusal(words)| words);
            assert_eq!(refusal.as_deref().and_then(|words| words.split(':').next()), refused, "{entry:?}");
        }
    }
}
