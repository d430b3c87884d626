//! The smoke test from its first stage to its last, against a function that is played here: it takes its time, and can be told to
//! forget a system.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::Method;
use jiff::{ToSpan as _, Zoned};
use serde_json::json;
use simulators::{
    aws,
    calendar::Calendar,
    dynamodb::DynamoDb,
    scc::{Scc, SccOptions, ServiceKeyHash, Uploads, create_events_table},
    sender::Sender,
    server::Server,
    traffic::Traffic,
};
use tokio::sync::Mutex;

use super::*;
use crate::{DASHBOARD_TOKEN, SERVICE_KEY, SIGNING_SECRET};

const CHARTER_ID: &str = "XHQGMDH1";
/// The second sender's charter.
const OTHER_CHARTER_ID: &str = "XHQGMDH2";

/// The calendar, ShipCaptainCrew, and a function between them and the marketplace.
struct Scene {
    services: Services,
    scc: Scc,
    calendar: Arc<Calendar>,
    function: Server,
    _dynamodb: DynamoDb,
}

/// The function, as far as a smoke test can tell.
#[derive(Clone)]
struct Player {
    calendar: Arc<Calendar>,
    scc_url: String,
    forgets_to_move_entries: bool,
    site: Arc<Mutex<Site>>,
}

/// A site whose edge shows yesterday's page once more after each change, unless a system is forgotten, which alone shall be found then.
#[derive(Default)]
struct Site {
    deliveries: usize,
    shown: BTreeMap<String, String>,
    pending: BTreeMap<String, String>,
}

async fn start(forgets_to_move_entries: bool) -> Scene {
    let dynamodb = DynamoDb::start().await.expect("a free port");
    let client = aws_sdk_dynamodb::Client::new(&aws::sdk_config(&dynamodb.url()));
    create_events_table(&client, "scc-events").await.expect("a table");
    let options = SccOptions {
        service_key_hash: ServiceKeyHash::sha256(SERVICE_KEY),
        dynamodb: client,
        events_table: "scc-events".to_owned(),
        uploads: Uploads {
            endpoint_url: dynamodb.url(),
            bucket: "none".to_owned(),
            region: aws::REGION.to_owned(),
            access_key_id: aws::TEST_CREDENTIAL.to_owned(),
            secret_access_key: aws::TEST_CREDENTIAL.to_owned(),
            session_token: None,
        },
        site_origin: "https://queenofsandiego.com".to_owned(),
        clock: Clock::system(),
    };
    let scc = Scc::start(Traffic::new(), options).await.expect("a free port");
    let calendar = Arc::new(Calendar::start(Traffic::new(), DASHBOARD_TOKEN).await.expect("a free port"));
    let player =
        Player { calendar: Arc::clone(&calendar), scc_url: scc.url(), forgets_to_move_entries, site: Arc::default() };
    let routes =
        Router::new().route("/webhooks/{sender}", post(take)).route("/g/{name}", get(visit)).with_state(player);
    let function = Server::start(routes, Traffic::new(), |_| None).await.expect("a free port");
    let services = Services {
        client: aws::loopback_client(),
        boatsetter: marketplace(&function, "boatsetter"),
        second: None,
        guest_page_base_url: function.url(),
        guest_page_bucket_url: None,
        calendar_url: calendar.url(),
        dashboard_token: DASHBOARD_TOKEN.to_owned(),
        scc_url: scc.url(),
        service_key: SERVICE_KEY.to_owned(),
        desk_link: None,
        mailbox_url: None,
        within: Duration::from_secs(30),
        between_looks: Duration::from_millis(1),
    };
    Scene { services, scc, calendar, function, _dynamodb: dynamodb }
}

fn marketplace(function: &Server, name: &str) -> Marketplace {
    Marketplace {
        webhook_url: format!("{}/webhooks/{name}", function.url()),
        sender: Sender::new(SIGNING_SECRET).expect("the secret is well formed"),
        has_prefix: name != "boatsetter",
    }
}

async fn take(
    State(player): State<Player>,
    Path(sender): Path<String>,
    headers: http::HeaderMap,
    body: Bytes,
) -> Response {
    let mut site = player.site.lock().await;
    site.deliveries += 1;
    // The ledger is out of reach, at first.
    if site.deliveries == 1 {
        return (StatusCode::SERVICE_UNAVAILABLE, "try later").into_response();
    }
    let (charter_id, prefix) = match &*sender {
        "boatsetter" => (CHARTER_ID, ""),
        "getmyboat" => (OTHER_CHARTER_ID, "GMB-"),
        _ => (OTHER_CHARTER_ID, ""),
    };
    let mut body: Value = serde_json::from_slice(&body).expect("JSON");
    let booking = &mut body["data"]["booking"];
    booking["id"] = json!(format!("{prefix}{}", booking["id"].as_str().expect("text")));
    let start: Zoned =
        format!("{}[America/Los_Angeles]", booking["start_at"].as_str().expect("text")).parse().expect("a time");
    let cancelled = booking["status"] == "cancelled";
    player.act(charter_id, booking, &start, cancelled).await;

    let called_off = if cancelled { "This charter is cancelled" } else { "" };
    let page = format!("Dana {} {} {called_off}", booking["id"], start.strftime("%B %-d, %Y, %-I:%M"));
    let status = if cancelled { "CANCELLED" } else { "CONFIRMED" };
    let utc = start.timestamp().strftime("%Y%m%dT%H%M%SZ");
    let file = format!("BEGIN:VEVENT\r\nDTSTART:{utc}\r\nSTATUS:{status}\r\n");
    site.pending = [(charter_id.to_owned(), page), (format!("{charter_id}.ics"), file)].into();
    let guest_page = format!("http://{}/g/{charter_id}", headers["host"].to_str().expect("text"));
    let answer = json!({
        "booking_id": booking["id"], "charter_id": charter_id, "guest_page": guest_page, "state": "due",
    });
    (StatusCode::ACCEPTED, axum::Json(answer)).into_response()
}

async fn visit(State(player): State<Player>, Path(name): Path<String>) -> Response {
    let (id, extension) =
        name.split_once('.').map_or((&*name, String::new()), |(id, extension)| (id, format!(".{extension}")));
    let name = format!("{}{extension}", id.to_uppercase());
    let mut site = player.site.lock().await;
    let yesterdays = site.shown.get(&name).cloned();
    if let Some(pending) = site.pending.remove(&name) {
        site.shown.insert(name.clone(), pending);
    }
    let shown = if player.forgets_to_move_entries { site.shown.get(&name).cloned() } else { yesterdays };
    let content_type = if name.ends_with(".ics") { "text/calendar" } else { "text/html" };
    shown.map_or_else(
        || (StatusCode::NOT_FOUND, [(http::header::CONTENT_TYPE, "text/html")], "no such charter").into_response(),
        |body| ([(http::header::CONTENT_TYPE, content_type)], body).into_response(),
    )
}

impl Player {
    /// Brings the calendar and SCC where the booking is.
    async fn act(&self, charter_id: &str, booking: &Value, start: &Zoned, cancelled: bool) {
        let end = start + 3.hours();
        let time = |time: &Zoned| time.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
        let when = json!({ "date": start.date().to_string(), "start": time(start), "end": time(&end) });
        let event =
            json!({ "date": time(start), "local_time": start.strftime("%a %-d %b %Y, %-I:%M %p %Z").to_string() });
        let entry = self.calendar.entries().first().map(|entry| entry["id"].as_str().expect("an id").to_owned());
        match entry {
            None => {
                let money = json!({ "crew": 250.00, "captain": 150, "port_tax": 332.52 });
                let entry = json!({
                    "title": "Dana", "booking_id": booking["id"], "event_id": charter_id, "revenue": 1847.35,
                    "expenses": money, "net": 1114.83, "notes": "",
                });
                self.calendar(Method::POST, "", &merged(entry, when)).await;
                let crew = json!({
                    "event_id": charter_id, "name": "Charter", "duration_hours": 3, "crew_ids": booking["crew_ids"],
                    "captain_id": booking["captain_id"], "status": "pending_confirmation", "notes": "", "checklist": [],
                    "guest": { "first_name": "Dana" },
                });
                self.scc(Method::POST, "", &merged(crew, event)).await;
            }
            Some(id) if cancelled => {
                self.calendar(Method::DELETE, &format!("/{id}"), &json!({})).await;
                self.scc(Method::PATCH, &format!("/{charter_id}"), &json!({ "status": "cancelled" })).await;
            }
            Some(id) => {
                if !self.forgets_to_move_entries {
                    self.calendar(Method::PATCH, &format!("/{id}"), &when).await;
                }
                self.scc(Method::PATCH, &format!("/{charter_id}"), &event).await;
            }
        }
    }

    async fn calendar(&self, method: Method, path: &str, body: &Value) {
        let request = aws::loopback_client().request(method, format!("{}/calendar{path}", self.calendar.url()));
        let answer = request.header("x-dashboard-token", DASHBOARD_TOKEN).json(body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    async fn scc(&self, method: Method, path: &str, body: &Value) {
        let request = aws::loopback_client().request(method, format!("{}/events{path}", self.scc_url));
        let answer = request.bearer_auth(SERVICE_KEY).json(body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
    }
}

fn merged(mut one: Value, other: Value) -> Value {
    let Value::Object(other) = other else { panic!("an object") };
    one.as_object_mut().expect("an object").extend(other);
    one
}

async fn smoke(scene: &Scene) -> (bool, String) {
    let mut out = Vec::new();
    let well = run(&scene.services, &mut out).await.expect("it can be run");
    (well, String::from_utf8(out).expect("text"))
}

#[tokio::test]
async fn a_booking_is_followed_to_its_end_with_patience() {
    let scene = start(false).await;
    let (well, said) = smoke(&scene).await;
    assert!(well, "{said}");
    let stages = said.lines().filter(|line| line.contains("answered 202 due")).count();
    let shown = said.lines().filter(|line| line.contains("shown by all four systems")).count();
    assert_eq!((stages, shown), (3, 3), "{said}");
    assert!(scene.calendar.entries().is_empty(), "nothing is left in the calendar");
    assert_eq!(scene.scc.mailbox().len(), 9, "three people, three times");
}

#[tokio::test]
async fn a_second_sender_is_followed_under_its_prefix() {
    let mut scene = start(false).await;
    scene.services.second = Some(marketplace(&scene.function, "getmyboat"));
    let (well, said) = smoke(&scene).await;
    assert!(well, "{said}");
    let stages: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("answered 202 due"))
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(stages, ["booked", "rescheduled", "cancelled", "booked", "cancelled"], "{said}");
    assert!(scene.calendar.entries().is_empty(), "nothing is left in the calendar");
    assert_eq!(scene.scc.mailbox().len(), 9 + 6, "three people, three times and twice");
}

#[tokio::test]
async fn a_second_sender_without_a_prefix_is_a_fault() {
    let mut scene = start(false).await;
    scene.services.second = Some(marketplace(&scene.function, "dock"));
    let (well, said) = smoke(&scene).await;
    assert!(!well && said.contains("202 Accepted, but the booking is called SMOKE-"), "{said}");
}

#[tokio::test]
async fn a_booking_that_goes_wrong_is_named_and_called_off() {
    let mut scene = start(true).await;
    let mut out = Vec::new();
    let booking = Booking::new(Clock::system().now(), &Stage::ALL);
    let Services { boatsetter: marketplace, .. } = &scene.services;
    let mut run = Run { services: &scene.services, marketplace, booking: booking.clone(), out: &mut out };
    assert!(run.pass_all(&[Stage::Booked]).await.expect("it can be printed"));
    // What goes wrong from here on stays so: one look is enough.
    scene.services.within = Duration::ZERO;
    let Services { boatsetter: marketplace, .. } = &scene.services;
    let mut run = Run { services: &scene.services, marketplace, booking, out: &mut out };
    let well = run.pass_all(&[Stage::Rescheduled, Stage::Cancelled]).await.expect("it can be printed");
    let said = String::from_utf8(out).expect("text");
    assert!(!well, "{said}");
    let faults: Vec<_> = said.lines().filter(|line| line.starts_with("  - ")).collect();
    assert!(
        matches!(faults[..], [day, start] if day.starts_with("  - calendar: it is on ") && start.starts_with("  - calendar: it starts at ")),
        "{said}"
    );
    assert!(said.contains(" was sent: 202"), "{said}");
    assert!(scene.calendar.entries().is_empty(), "nothing is left in the calendar");
    assert_eq!(scene.scc.events().await[0]["status"], "cancelled");
}
