//! The crew's page, opened by the magic link of a mail: no login, no script, no money.
//!
//! It shows the stored record as well, because crew can read all of it: leaked money is seen here.

mod deed;

use axum::{
    Form,
    extract::{Path, Query, State},
    response::{Html, IntoResponse, Redirect, Response},
};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tera::{Context, Tera};

use self::deed::{Deed, LOGS, Written};
use super::{
    Desk, Failure,
    event::{assigned, clock_time, text, texts},
    uploads::Photo,
};
use crate::contract::Object;

const PAGE: &str = "crew_page.html";
const CLOSED: &str = "crew_closed.html";

/// The page's templates.
pub(super) struct CrewPage(Tera);

impl CrewPage {
    pub(super) fn new() -> Self {
        let mut templates = Tera::default();
        templates
            .add_raw_templates([
                ("crew_style.css", include_str!("crew_style.css")),
                (PAGE, include_str!("crew_page.html")),
                (CLOSED, include_str!("crew_closed.html")),
            ])
            .expect("the templates are compiled in and well-formed");
        Self(templates)
    }

    fn render(&self, status: StatusCode, template: &str, context: &Context) -> Response {
        let page = self.0.render(template, context).expect("every variable of the template is given");
        let headers = [
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "no-referrer"),
            (
                header::CONTENT_SECURITY_POLICY,
                "default-src 'none'; style-src 'unsafe-inline'; img-src * data:; form-action 'self'",
            ),
        ];
        (status, headers, Html(page)).into_response()
    }
}

#[derive(Deserialize)]
pub(super) struct Link {
    #[serde(default)]
    token: String,
}

pub(super) async fn show(
    State(desk): State<Desk>,
    Path(event_id): Path<String>,
    Query(link): Query<Link>,
) -> Result<Response, Failure> {
    page(&desk, &event_id, &link.token, None).await
}

pub(super) async fn write(
    State(desk): State<Desk>,
    Path(event_id): Path<String>,
    Form(written): Form<Written>,
) -> Result<Response, Failure> {
    let token = written.token.clone();
    let Some(event) = desk.0.events.find(&event_id).await? else {
        return Ok(closed(&desk));
    };
    let Some(person) = desk.0.links.person(&event, &token) else {
        return Ok(closed(&desk));
    };
    let deed = match Deed::parse(written) {
        Ok(deed) => deed,
        Err(words) => return page(&desk, &event_id, &token, Some(words)).await,
    };
    desk.0.events.change(&event_id, |event| deed.changes(event, person)).await?;
    Ok(Redirect::to(&format!("/crew/{event_id}?token={token}#{}", deed.section())).into_response())
}

async fn page(desk: &Desk, event_id: &str, token: &str, fault: Option<&str>) -> Result<Response, Failure> {
    let Some(event) = desk.0.events.find(event_id).await? else {
        return Ok(closed(desk));
    };
    let Some(person) = desk.0.links.person(&event, token) else {
        return Ok(closed(desk));
    };
    let photos = desk.0.uploads.photos(event_id).await;
    let view = View::new(&event, person, token, fault, photos);
    let context = Context::from_serialize(&view).expect("a view is a plain structure");
    let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(desk.0.crew_page.render(status, PAGE, &context))
}

/// The same for a wrong token and an unknown event: a guess learns nothing.
fn closed(desk: &Desk) -> Response {
    desk.0.crew_page.render(StatusCode::FORBIDDEN, CLOSED, &Context::new())
}

/// Everything that the page shows.
#[derive(Serialize)]
struct View<'a> {
    event_id: &'a str,
    token: &'a str,
    you: &'a str,
    your_answer: &'a str,
    name: &'a str,
    status: &'a str,
    when: &'a str,
    hours: Option<String>,
    report: Option<String>,
    released: Option<String>,
    location: &'a str,
    guest_name: &'a str,
    party_size: Option<u64>,
    guest_page: Option<&'a str>,
    notes: &'a str,
    people: Vec<Person<'a>>,
    checklist: Vec<Item<'a>>,
    logs: Vec<Log<'a>>,
    photos: Vec<Photo>,
    photos_known: bool,
    fault: Option<&'a str>,
    raw: String,
}

#[derive(Serialize)]
struct Person<'a> {
    id: &'a str,
    role: &'static str,
    answer: &'a str,
}

#[derive(Serialize)]
struct Item<'a> {
    text: &'a str,
    ticked: bool,
}

#[derive(Serialize)]
struct Log<'a> {
    kind: &'static str,
    unit: &'static str,
    entries: Vec<LogEntry<'a>>,
}

#[derive(Serialize)]
struct LogEntry<'a> {
    by: &'a str,
    amount: String,
    words: &'a str,
}

impl<'a> View<'a> {
    fn new(
        event: &'a Object,
        you: &'a str,
        token: &'a str,
        fault: Option<&'a str>,
        photos: Option<Vec<Photo>>,
    ) -> Self {
        let guest = event.get("guest").unwrap_or(&Value::Null);
        let answer =
            |person: &str| event.get("answers").and_then(|answers| answers[person].as_str()).unwrap_or_default();
        let captain = text(event, "captain_id");
        let role = |person: &str| if person == captain { "Captain" } else { "Crew" };
        let people = assigned(event).into_iter().map(|id| Person { id, role: role(id), answer: answer(id) });
        let ticked = texts(event, "ticked");
        let checklist = texts(event, "checklist").into_iter();
        Self {
            event_id: text(event, "event_id"),
            token,
            you,
            your_answer: answer(you),
            name: text(event, "name"),
            status: text(event, "status"),
            when: Some(text(event, "local_time")).filter(|when| !when.is_empty()).unwrap_or(text(event, "date")),
            hours: event.get("duration_hours").map(Value::to_string),
            report: clock_time(event, "report_at"),
            released: clock_time(event, "released_at"),
            location: text(event, "location"),
            guest_name: guest["first_name"].as_str().unwrap_or_default(),
            party_size: guest["party_size"].as_u64(),
            guest_page: Some(text(event, "guest_page")).filter(|url| url.starts_with("http")),
            notes: text(event, "notes"),
            people: people.collect(),
            checklist: checklist.map(|text| Item { text, ticked: ticked.contains(&text) }).collect(),
            logs: LOGS
                .into_iter()
                .map(|(kind, unit)| Log { kind, unit, entries: entries(event, kind, unit) })
                .collect(),
            photos_known: photos.is_some(),
            photos: photos.unwrap_or_default(),
            fault,
            raw: serde_json::to_string_pretty(event).expect("an event is JSON"),
        }
    }
}

fn entries<'a>(event: &'a Object, kind: &str, unit: &str) -> Vec<LogEntry<'a>> {
    let text = |entry: &'a Value, name: &str| entry[name].as_str().unwrap_or_default();
    let amount = |entry: &Value| match unit {
        "$" => format!("${}", with_cents(entry["amount"].to_string())),
        unit => format!("{} {unit}", entry["amount"]),
    };
    let logged = event.get(kind).and_then(Value::as_array).into_iter().flatten();
    logged.map(|entry| LogEntry { by: text(entry, "by"), amount: amount(entry), words: text(entry, "words") }).collect()
}

/// DynamoDB drops the zeros at the end of a number.
fn with_cents(amount: String) -> String {
    match amount.split_once('.') {
        Some((_, cents)) if cents.len() == 1 => amount + "0",
        _ => amount,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event() -> Object {
        serde_json::from_value(json!({
            "event_id": "XHQGMDH1", "name": "Boatsetter charter", "date": "2025-05-30T14:00:00-07:00",
            "crew_ids": ["crew-1"], "captain_id": "captain-1", "status": "pending_confirmation",
            "notes": "", "checklist": ["Fuel", "Ice"], "guest": { "first_name": "<script>alert(x)</script>" },
        }))
        .expect("an object")
    }

    #[test]
    fn text_stays_text_and_missing_parts_leave_no_gap() {
        let event = event();
        let view = View::new(&event, "crew-1", "token", None, None);
        let context = Context::from_serialize(&view).expect("a plain structure");
        let page = CrewPage::new().0.render(PAGE, &context).expect("it renders");
        assert!(page.contains("&lt;script&gt;alert(x)") && !page.contains("<script"), "{page}");
        assert!(!page.contains("Report") && !page.contains("party of"), "{page}");
    }
}
