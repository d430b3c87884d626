//! The JADA internal calendar, the one place that shows money: exactly as `docs/contracts/calendar.openapi.yaml` says.
//!
//! It is as careless as the contract allows. Creating twice makes two entries, whatever `Idempotency-Key` says, so a caller
//! that relies on the calendar's help is found out.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    contract::{Object, Refusal, Shape},
    server::Server,
    traffic::{Service, Traffic},
};

const CONTRACT: &str = include_str!("../../../docs/contracts/calendar.openapi.yaml");
const STAGE: &str = "/prod";
const FIRST_ID: usize = 0x1a2b;

/// A running calendar; dropping it stops it.
pub struct Calendar {
    server: Server,
    book: Book,
}

impl Calendar {
    /// Starts an empty calendar that knows its callers by `dashboard_token`.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(traffic: Traffic, dashboard_token: &str) -> io::Result<Self> {
        let book = Book(Arc::new(Shared {
            shape: Shape::of(CONTRACT, "Entry", &["booking_id", "event_id"]),
            contents: Mutex::new(Contents { token: dashboard_token.to_owned(), created: 0, entries: Vec::new() }),
        }));
        let routes = Router::new()
            .route("/calendar", post(create).get(of_one_day))
            .route("/calendar/{id}", patch(change).delete(remove))
            .layer(from_fn_with_state(book.clone(), authenticate))
            .with_state(book.clone());
        let server = Server::start(Router::new().nest(STAGE, routes), traffic, name).await?;
        Ok(Self { server, book })
    }

    /// The base URL, with the stage.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url() + STAGE
    }

    /// The stored entries in the order of their creation.
    #[must_use]
    pub fn entries(&self) -> Vec<Value> {
        self.book.contents().entries.iter().cloned().map(Value::Object).collect()
    }

    /// What somebody in the office types into an entry: sets the properties in `changes`, unchecked.
    ///
    /// # Panics
    /// When there is no such entry or `changes` is not an object.
    pub fn put_by_hand(&self, id: &str, changes: Value) {
        let Value::Object(changes) = changes else { panic!("changes are properties of an entry, not {changes}") };
        self.book.contents().change(id, changes).expect("the entry that is edited exists");
    }

    /// A rotation: only `dashboard_token` opens the calendar from now on.
    pub fn set_token(&self, dashboard_token: &str) {
        dashboard_token.clone_into(&mut self.book.contents().token);
    }
}

#[derive(Clone)]
struct Book(Arc<Shared>);

struct Shared {
    shape: Shape,
    contents: Mutex<Contents>,
}

struct Contents {
    token: String,
    created: usize,
    entries: Vec<Object>,
}

impl Book {
    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    fn create(&mut self, mut entry: Object) -> Object {
        entry.insert("id".to_owned(), json!(format!("cal_{:04x}", FIRST_ID + self.created)));
        self.created += 1;
        self.entries.push(entry.clone());
        entry
    }

    fn change(&mut self, id: &str, changes: Object) -> Option<Object> {
        let entry = self.entries.iter_mut().find(|entry| entry["id"] == id)?;
        entry.extend(changes);
        Some(entry.clone())
    }

    fn remove(&mut self, id: &str) -> Option<Object> {
        let position = self.entries.iter().position(|entry| entry["id"] == id)?;
        Some(self.entries.remove(position))
    }
}

fn name(request: &request::Parts) -> Option<(Service, String)> {
    let target = request.uri.path_and_query()?.as_str();
    let target = target.strip_prefix(STAGE).unwrap_or(target);
    Some((Service::Calendar, format!("{} {target}", request.method)))
}

async fn authenticate(State(book): State<Book>, request: Request, next: Next) -> Response {
    let token = request.headers().get("x-dashboard-token").cloned();
    if token.is_some_and(|token| token == book.contents().token.as_str()) {
        next.run(request).await
    } else {
        (StatusCode::UNAUTHORIZED, Json(json!({ "error": "X-Dashboard-Token is missing or wrong" }))).into_response()
    }
}

async fn create(State(book): State<Book>, body: Bytes) -> Result<Response, Refusal> {
    let entry = book.0.shape.whole(&body)?;
    check_amounts(&entry)?;
    Ok((StatusCode::CREATED, Json(book.contents().create(entry))).into_response())
}

#[derive(Deserialize)]
struct Day {
    date: Option<String>,
}

async fn of_one_day(State(book): State<Book>, Query(day): Query<Day>) -> Result<Json<Value>, Refusal> {
    let date = day.date.filter(|date| date.parse::<Date>().is_ok_and(|parsed| parsed.to_string() == *date));
    let date = date.ok_or_else(|| Refusal("date: a day is needed, as 2025-05-30".to_owned()))?;
    let contents = book.contents();
    let entries: Vec<_> = contents.entries.iter().filter(|entry| entry["date"] == *date).collect();
    Ok(Json(json!({ "entries": entries })))
}

async fn change(State(book): State<Book>, Path(id): Path<String>, body: Bytes) -> Result<Response, Refusal> {
    let changes = book.0.shape.change(&body)?;
    check_amounts(&changes)?;
    let changed = book.contents().change(&id, changes);
    Ok(changed.map_or_else(no_such_entry, |entry| Json(entry).into_response()))
}

async fn remove(State(book): State<Book>, Path(id): Path<String>) -> Response {
    let removed = book.contents().remove(&id);
    removed.map_or_else(no_such_entry, |_entry| StatusCode::NO_CONTENT.into_response())
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

    #[test]
    fn ids_are_not_used_again() {
        let mut contents = Contents { token: String::new(), created: 0, entries: Vec::new() };
        let first = contents.create(Object::new());
        assert_eq!(first["id"], "cal_1a2b");
        assert!(contents.remove("cal_1a2b").is_some());
        assert_eq!(contents.create(Object::new())["id"], "cal_1a2c");
    }
}
