//! The stand-ins against the published contracts: each route is walked over HTTP until every documented answer has been seen,
//! and no answer may be one that the contract does not describe. The stand-ins of staging are their real binaries under Lambda's
//! stand-in, and walk the same way.

use std::{collections::BTreeSet, path::Path, sync::Mutex};

use http::Method;
use jiff::ToSpan as _;
use jsonschema::Draft;
use rehearsal::{DASHBOARD_TOKEN, SERVICE_KEY, staging::Account};
use serde_json::{Value, json};
use simulators::{
    aws,
    calendar::Calendar,
    clock::Clock,
    emulator::Emulator,
    scc::{Scc, SccOptions, ServiceKeyHash, Uploads, create_events_table},
    traffic::{Fault, Service, Traffic},
};

use crate::world::{SITE, World};

/// A service's client that holds every answer against the contract.
struct Checked<'a> {
    contract: Value,
    base_url: String,
    credentials: (&'a str, &'a str),
    seen: Mutex<BTreeSet<String>>,
    client: reqwest::Client,
}

impl<'a> Checked<'a> {
    fn new(file: &str, base_url: String, credentials: (&'a str, &'a str)) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/contracts").join(file);
        let contract = std::fs::read_to_string(path).expect("the contract is published");
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        Self {
            contract: serde_yaml_ng::from_str(&contract).expect("the contract is YAML"),
            base_url,
            credentials,
            seen: Mutex::default(),
            client: reqwest::Client::new(),
        }
    }

    /// Asks with credentials; `route` is the contract's path, with `{…}` replaced by `id`.
    async fn ask(&self, method: Method, route: &str, id: &str, body: &Value) -> (u16, Value) {
        let (name, value) = self.credentials;
        let request = self.request(&method, route, id).header(name, value);
        self.check(&method, route, request.json(body)).await
    }

    /// Asks each route without credentials.
    async fn assert_closed_to_strangers(&self, id: &str, routes: &[(Method, &str)]) {
        for (method, route) in routes {
            let request = self.request(method, route, id).json(&json!({}));
            assert_eq!(self.check(method, route, request).await.0, 401, "{method} {route}");
        }
    }

    fn request(&self, method: &Method, route: &str, id: &str) -> reqwest::RequestBuilder {
        let path: Vec<_> = route.split('/').map(|part| if part.starts_with('{') { id } else { part }).collect();
        self.client.request(method.clone(), self.base_url.clone() + &path.join("/"))
    }

    async fn check(&self, method: &Method, route: &str, request: reqwest::RequestBuilder) -> (u16, Value) {
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let body = answer.text().await.expect("text");
        let body: Value = if body.is_empty() { Value::Null } else { serde_json::from_str(&body).expect("JSON") };

        let seen = format!("{method} {} {status}", route.split('?').next().unwrap_or(route));
        let operation =
            &self.contract["paths"][route.split('?').next().unwrap_or(route)][method.as_str().to_lowercase()];
        let response = &operation["responses"][status.to_string()];
        // The security section of the document says 401 for every route, and the calendar's GET leaves it at that.
        assert!(response.is_object() || status == 401, "not in the contract: {seen}: {body}");
        if let Value::Object(schema) = &response["content"]["application/json"]["schema"] {
            let mut schema = schema.clone();
            schema.insert("components".to_owned(), self.contract["components"].clone());
            let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
            let validator = options.build(&Value::Object(schema)).expect("the contract's schemas are valid");
            let faults: Vec<_> = validator.iter_errors(&body).map(|fault| fault.to_string()).collect();
            assert!(faults.is_empty(), "{seen}: {faults:?}: {body}");
        }
        self.seen.lock().expect("no test panicked with it").insert(seen);
        (status, body)
    }

    /// Every answer that the contract documents has been seen, but those of the statuses `left_out`.
    fn assert_complete(&self, left_out: &[u16]) {
        let seen = self.seen.lock().expect("no test panicked with it");
        for (route, operations) in self.contract["paths"].as_object().expect("paths") {
            for (method, operation) in operations.as_object().expect("operations") {
                let statuses = operation["responses"].as_object().into_iter().flatten().map(|(status, _)| status);
                for status in
                    statuses.filter(|status| !left_out.iter().any(|left_out| left_out.to_string() == **status))
                {
                    let documented = format!("{} {route} {status}", method.to_uppercase());
                    assert!(seen.contains(&documented), "never seen: {documented}");
                }
            }
        }
    }
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().expect("an object").remove(name).expect("it was there");
    object
}

/// What comes from a gateway or a throttle in front of a service, and so from no service's own code.
const GATEWAYS_OWN: [u16; 2] = [429, 503];

fn busy(status: u16) -> Fault {
    Fault::Answer { status, acted: false, retry_after: Some(1) }
}

/// The account of a staging, with the programs that were built for this test.
async fn staging() -> Account {
    Account::create(World::binaries(), SITE).await.expect("an account")
}

fn entry() -> Value {
    serde_json::from_str(
        r#"{
            "date": "2025-05-30", "start": "2025-05-30T14:00:00-07:00", "end": "2025-05-30T17:00:00-07:00",
            "title": "2:00–5:00 PM · Dana Whitfield", "booking_id": "BS-1048812", "event_id": "XHQGMDH1",
            "revenue": 840.75, "expenses": {"crew": 250.00, "captain": 150, "port_tax": 151.34}, "net": 289.41,
            "crew_ids": ["crew-1", "crew-2"], "captain_id": "captain-1", "notes": "", "of the future": [1]
        }"#,
    )
    .expect("JSON")
}

/// What every calendar must answer, wherever it runs. Its token is `token`.
async fn walk_the_calendar(checked: &Checked<'_>) {
    let create = async |entry: Value| checked.ask(Method::POST, "/calendar", "", &entry).await;
    let (status, created) = create(entry()).await;
    assert_eq!((status, created["expenses"]["crew"].to_string()), (201, "250.00".to_owned()), "digit for digit");
    let id = created["id"].as_str().expect("an id");
    let (status, second) = create(entry()).await;
    assert!(status == 201 && second["id"] != id, "not idempotent: {second}");
    for (refused, named) in [
        (without(entry(), "net"), "net"),
        (with(entry(), "revenue", json!("840.75")), "/revenue"),
        (with(entry(), "date", json!("30 May")), "/date"),
        (with(entry(), "net", json!(289.411)), "net"),
        (json!([]), "object"),
    ] {
        let (status, body) = create(refused).await;
        assert!(status == 422 && body["error"].as_str().is_some_and(|words| words.contains(named)), "{named}: {body}");
    }

    for (date, found) in [("2025-05-30", 2), ("2025-05-31", 0)] {
        let (_, day) = checked.ask(Method::GET, &format!("/calendar?date={date}"), "", &json!({})).await;
        assert_eq!(day["entries"].as_array().map(Vec::len), Some(found), "{date}");
        assert_eq!(day["entries"].get(0), (found > 0).then_some(&created), "in the order of creation");
    }

    let change = async |id, change: Value| checked.ask(Method::PATCH, "/calendar/{id}", id, &change).await;
    let (status, changed) = change(id, json!({ "net": 300 })).await;
    assert_eq!((status, &changed["title"], changed["net"].as_u64()), (200, &created["title"], Some(300)));
    assert_eq!(change("cal_none", json!({ "net": 300 })).await.0, 404);
    for refused in [json!({}), json!({ "booking_id": "BS-2" }), json!({ "event_id": "A" }), json!({ "net": null })] {
        assert_eq!(change(id, refused.clone()).await.0, 422, "{refused}");
    }

    let one = "/calendar/{id}";
    let routes = [
        (Method::POST, "/calendar"),
        (Method::GET, "/calendar?date=2025-05-30"),
        (Method::PATCH, one),
        (Method::DELETE, one),
    ];
    checked.assert_closed_to_strangers(id, &routes).await;
    for status in [204, 404] {
        assert_eq!(checked.ask(Method::DELETE, one, id, &json!({})).await.0, status);
    }
    let (_, third) = create(entry()).await;
    assert!(third["id"] != id && third["id"] != second["id"], "no id is used again: {third}");
}

#[tokio::test]
async fn the_calendar_answers_as_its_contract_says() {
    let traffic = Traffic::new();
    let calendar = Calendar::start(traffic.clone(), "token").await.expect("a free port");
    let checked = Checked::new("calendar.openapi.yaml", calendar.url(), ("x-dashboard-token", "token"));
    walk_the_calendar(&checked).await;

    let create = async || checked.ask(Method::POST, "/calendar", "", &entry()).await.0;
    for status in GATEWAYS_OWN {
        traffic.fail_next(Service::Calendar, "POST /calendar", busy(status), 1);
        assert_eq!(create().await, status);
    }
    checked.assert_complete(&[]);

    let id = calendar.entries()[0]["id"].as_str().expect("an id").to_owned();
    calendar.put_by_hand(&id, json!({ "notes": "bring the cake" }));
    let (_, changed) = checked.ask(Method::PATCH, "/calendar/{id}", &id, &json!({ "net": 300 })).await;
    assert_eq!(changed["notes"], "bring the cake");
    calendar.set_token("rotated");
    assert_eq!(create().await, 401);
}

#[tokio::test]
async fn the_calendar_of_staging_answers_as_its_contract_says() {
    let calendar = staging().await.start_calendar().await.expect("it starts");
    let checked = Checked::new("calendar.openapi.yaml", calendar.api_url(), ("x-dashboard-token", DASHBOARD_TOKEN));
    walk_the_calendar(&checked).await;
    checked.assert_complete(&GATEWAYS_OWN);
}

fn event() -> Value {
    json!({
        "event_id": "XHQGMDH1", "name": "Boatsetter charter", "date": "2025-05-30T14:00:00-07:00",
        "report_at": "2025-05-30T13:00:00-07:00", "released_at": "2025-05-30T18:00:00-07:00", "duration_hours": 3,
        "guest": { "first_name": "Dana", "party_size": 8 }, "guest_page": "https://queenofsandiego.com/g/XHQGMDH1",
        "crew_ids": ["crew-1", "crew-2"], "captain_id": "captain-1", "status": "pending_confirmation",
        "notes": "BS-1048812", "checklist": ["Fuel"],
    })
}

/// SCC on a table of its own.
async fn start_scc(traffic: Traffic) -> Scc {
    let emulator = Emulator::shared().await.expect("the emulator starts");
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws::sdk_config(&emulator.url()));
    let events_table = format!("scc-events-{:x}", rand::random::<u64>());
    create_events_table(&dynamodb, &events_table).await.expect("a table");
    let options = SccOptions {
        service_key_hash: ServiceKeyHash::sha256("key"),
        dynamodb,
        events_table,
        uploads: Uploads {
            endpoint_url: emulator.url(),
            bucket: "uploads".to_owned(),
            region: aws::REGION.to_owned(),
            access_key_id: aws::TEST_CREDENTIAL.to_owned(),
            secret_access_key: aws::TEST_CREDENTIAL.to_owned(),
            session_token: None,
        },
        site_origin: SITE.to_owned(),
        clock: Clock::system(),
    };
    Scc::start(traffic, options).await.expect("a free port")
}

/// What every SCC must answer, wherever it runs. Its key is `key`.
async fn walk_scc(checked: &Checked<'_>) {
    let create = async |event: Value| checked.ask(Method::POST, "/events", "", &event).await.0;
    assert_eq!(create(event()).await, 201);
    assert_eq!(create(event()).await, 409);
    assert_eq!(create(without(event(), "crew_ids")).await, 422);
    assert_eq!(create(with(event(), "date", json!("2025-05-30"))).await, 422);

    let route = "/events/{event_id}";
    for (id, status) in [("XHQGMDH1", 200), ("NONE", 404)] {
        assert_eq!(checked.ask(Method::GET, route, id, &json!({})).await.0, status);
        assert_eq!(checked.ask(Method::PATCH, route, id, &json!({ "notes": "x" })).await.0, status);
    }
    for refused in [json!({}), json!({ "event_id": "A" }), json!({ "crew_ids": "crew-1" })] {
        assert_eq!(checked.ask(Method::PATCH, route, "XHQGMDH1", &refused).await.0, 422, "{refused}");
    }
    let routes = [(Method::POST, "/events"), (Method::GET, route), (Method::PATCH, route)];
    checked.assert_closed_to_strangers("XHQGMDH1", &routes).await;

    let now = Clock::system().now();
    for (id, hours) in [("YESTERDY", -24), ("TOMORROW", 48)] {
        let date = (now + hours.hours()).strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string();
        assert_eq!(create(with(with(event(), "event_id", json!(id)), "date", json!(date))).await, 201);
    }
    let photo =
        |content_type: &str, bytes: u64| json!({ "filename": "a", "content_type": content_type, "bytes": bytes });
    for (id, photo, status) in [
        ("TOMORROW", photo("image/png", 1), 403),
        ("YESTERDY", photo("image/png", 1), 200),
        ("YESTERDY", photo("video/quicktime", 26_214_400), 200),
        ("YESTERDY", photo("video/mp4", 26_214_401), 413),
        ("YESTERDY", photo("image/svg+xml", 1), 415),
        ("NONE", photo("image/png", 1), 404),
    ] {
        let answered = checked.ask(Method::POST, "/g/{event_id}/presign", id, &photo).await.0;
        assert_eq!(answered, status, "{id} {photo}");
    }
}

#[tokio::test]
async fn scc_answers_as_its_contract_says() {
    let traffic = Traffic::new();
    let scc = start_scc(traffic.clone()).await;
    let checked = Checked::new("scc.openapi.yaml", scc.url(), ("authorization", "Bearer key"));
    walk_scc(&checked).await;
    for status in GATEWAYS_OWN {
        traffic.fail_next(Service::Scc, "POST /events", busy(status), 1);
        assert_eq!(checked.ask(Method::POST, "/events", "", &event()).await.0, status);
    }
    checked.assert_complete(&[]);
}

#[tokio::test]
async fn scc_of_staging_answers_as_its_contract_says() {
    let scc = staging().await.start_scc().await.expect("it starts");
    let bearer = format!("Bearer {SERVICE_KEY}");
    let checked = Checked::new("scc.openapi.yaml", scc.api_url(), ("authorization", &bearer));
    walk_scc(&checked).await;
    checked.assert_complete(&GATEWAYS_OWN);
}
