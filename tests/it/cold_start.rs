//! The function starts with what it finds, or says all at once why it cannot.

use rehearsal::{Options, Rehearsal, RehearsalError};
use serde_json::{Value, json};
use simulators::{
    cloud::Cloud,
    emulator::Emulator,
    traffic::{Fault, Service},
};

use crate::world::{ALWAYS, UNAVAILABLE, World, sample};

pub(crate) const CANONICAL_MAPPING: &str =
    include_str!("../../crates/booking-webhook/src/inbound/mapping/boatsetter.toml");

/// A file of the operator's that is an object, and there before the function starts.
pub(crate) struct OperatorsFile {
    cloud: Cloud,
    key: String,
    pub(crate) location: String,
}

impl OperatorsFile {
    pub(crate) async fn with(key: &str, content: &str) -> Self {
        let emulator = Emulator::shared().await.expect("it starts");
        let cloud = Cloud::create(&emulator.url()).await.expect("a bucket");
        let location = format!("s3://{}/{key}", cloud.bucket);
        let file = Self { cloud, key: key.to_owned(), location };
        file.put(content).await;
        file
    }

    /// Where it is, for a variable that names a folder.
    pub(crate) fn folder(&self) -> String {
        let (folder, _) = self.location.rsplit_once('/').expect("a key has a folder");
        format!("{folder}/")
    }

    /// Somebody edits it; the next cold start reads it.
    pub(crate) async fn put(&self, content: &str) {
        let put = self.cloud.s3.put_object().bucket(&self.cloud.bucket).key(&self.key);
        put.body(content.as_bytes().to_vec().into()).send().await.expect("stored");
    }
}

/// The function's last words, when it is started with these variables and secrets.
async fn last_words(env: &[(&str, &str)], secrets: &[(&str, Value)]) -> Value {
    let mut options = World::options();
    options.env.extend(env.iter().map(|&(name, value)| (name.to_owned(), Some(value.to_owned()))));
    let secrets = secrets.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    match Rehearsal::start(Options { secrets, ..options }).await {
        Err(RehearsalError::Init(error)) => the_one_line(&error.log),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it must not start"),
    }
}

/// All that is wrong is in one line: there is no other at this level, and nothing beside the log.
#[track_caller]
fn the_one_line(log: &[String]) -> Value {
    let lines: Vec<Value> = log
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not a log line: {line}")))
        .collect();
    let errors: Vec<&Value> = lines.iter().filter(|line| line["level"] == "ERROR").collect();
    let [line] = errors[..] else { panic!("{lines:#?}") };
    assert!(line["message"].as_str().is_some_and(|text| text.starts_with("cannot start")), "{line:#}");
    line.clone()
}

#[track_caller]
fn assert_says(line: &Value, words: &[&str]) {
    let text = line["error"].as_str().unwrap_or_else(|| panic!("no error in {line:#}"));
    for words in words {
        assert!(text.contains(words), "{words} is not in: {text}");
    }
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once() {
    let webhook = json!({ "scheme": "standard-webhooks", "signing_secrets": ["oops"] });
    let guest_page = json!({ "distribution_id": "E1" });
    let env =
        [("OPERATOR_FILE", "/nowhere/operator.toml"), ("MAPPINGS", "/nowhere/mappings"), ("RETRY_BASE_MS", "soon")];
    let secrets = [
        ("webhook", webhook),
        ("calendar", json!("{\"url\": ")),
        ("scc", json!({ "url": "https://x.example" })),
        ("guest-page", guest_page),
    ];
    let line = last_words(&env, &secrets).await;
    assert_says(&line, &["/webhook", "whsec_", "/calendar", "is not JSON: it breaks at line 1, column 8"]);
    assert_says(&line, &["OPERATOR_FILE", "/nowhere/operator.toml", "MAPPINGS", "/nowhere/mappings", "No such file"]);
    assert_says(
        &line,
        &["/scc", "has a url that is not called", "and has no service_key", "has no link_key", "RETRY_BASE_MS"],
    );
}

#[tokio::test]
async fn a_cold_start_survives_one_failure_and_logs_attempts() {
    let file = OperatorsFile::with("config/operator.toml", "name = \"JADA Sailing\"").await;
    let world = World::with(&[("OPERATOR_FILE", &file.location), ("RUST_LOG", "info,booking_webhook=debug")]).await;
    for service in [Service::Secretsmanager, Service::S3] {
        for fault in [UNAVAILABLE, Fault::DropBefore] {
            world.traffic.fail_next(service, "", fault, 1);
        }
    }
    world.cold_start().await.expect("it starts at the third attempt");
    let logs: Vec<Value> = world.logs().await.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    for (service, operation) in [("secrets_manager", "read_secrets"), ("configuration_files", "read_file")] {
        let of_it = logs.iter().filter(|line| line["service"] == service && line["operation"] == operation);
        let attempts: Vec<&Value> = of_it.map(|line| &line["attempt"]).collect();
        assert_eq!(attempts, [&json!(1), &json!(1), &json!(2), &json!(3)], "{service}: two cold starts");
    }
    assert_eq!(world.deliver(&sample()).await.status, 200);
}

#[tokio::test]
async fn what_keeps_failing_is_logged_with_its_cause() {
    let world = World::start().await;
    world.traffic.fail_next(Service::Secretsmanager, "", Fault::DropBefore, ALWAYS);
    match world.cold_start().await {
        Err(RehearsalError::Init(error)) => {
            assert_says(&the_one_line(&error.log), &["cannot be read", "secrets_manager", "connection closed"]);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_operators_file_may_be_an_object() {
    let file = OperatorsFile::with("config/operator.toml", "[rates]\ncrew_hourly = \"30\"").await;
    let world = World::with(&[("OPERATOR_FILE", &file.location)]).await;
    assert_eq!(world.deliver(&sample()).await.status, 200);
    let entry = &world.effects().await.calendar[0];
    assert!(entry.to_string().contains("300.00"), "two crew, five hours, at the file's 30: {entry:#}");
}

#[tokio::test]
async fn mappings_may_be_objects() {
    let mapping = CANONICAL_MAPPING.replace("booking = \"/data/booking\"", "booking = \"/payload\"");
    let file = OperatorsFile::with("mappings/boatsetter.toml", &mapping).await;
    let world = World::with(&[("MAPPINGS", &file.folder())]).await;
    let answered = world.deliver(&json!({ "payload": sample()["data"]["booking"] })).await;
    assert_eq!(answered.status, 200, "{:#}", answered.body);
    World::assert_one_of_everything(&world.effects().await);
}

/// A slip in the operator file makes nothing of any booking: with the defaults in its place every charter would be changed.
#[tokio::test]
async fn a_faulty_operator_file_quarantines_and_stops_no_start() {
    for (content, words) in
        [("name = \"JADA\"\n[rates]\ncrew_hourley = \"30\"", "line 3"), ("[rates]\nport_tax_share = \"18\"", "line 2")]
    {
        let file = OperatorsFile::with("config/operator.toml", content).await;
        let world = World::with(&[("OPERATOR_FILE", &file.location)]).await;
        world.line(&["started with faults", "OPERATOR_FILE", &file.location, words]).await;
        let answered = world.deliver(&sample()).await;
        assert_eq!((answered.status, &answered.body["state"]), (202, &json!("quarantined")), "{:#}", answered.body);
        for event in [json!({ "booking": sample()["data"]["booking"] }), json!({ "sweep": {} })] {
            let problem = world.ask(&event).await;
            assert_eq!(problem["status"], 503, "{problem:#}");
        }
        assert!(world.effects().await.is_empty());

        file.put("").await;
        world.cold_start().await.expect("it starts");
        let id = answered.body["delivery_id"].as_str().expect("it is kept");
        let replayed = world.ask(&json!({ "replay": { "delivery_id": id } })).await;
        assert_eq!(replayed["state"], "in_step", "{replayed:#}");
    }
}

#[tokio::test]
async fn a_faulty_mapping_quarantines_that_senders_deliveries() {
    for (content, words) in [
        ("booking = 1", "line 1: booking must be a text"),
        ("booking = \"data\"\n[fields]\n[statuses]\nconfirmed = []\ncancelled = []", "is no JSON pointer"),
    ] {
        let file = OperatorsFile::with("mappings/boatsetter.toml", content).await;
        let world = World::with(&[("MAPPINGS", &file.folder())]).await;
        world.line(&["started with faults", "boatsetter.toml", words]).await;
        let answered = world.deliver(&sample()).await;
        assert_eq!((answered.status, &answered.body["state"]), (202, &json!("quarantined")), "{:#}", answered.body);
        assert!(world.effects().await.is_empty());
    }
}

#[tokio::test]
async fn impossible_times_are_reported_and_replaced() {
    let world = World::with(&[("ANSWER_WITHIN_MS", "4000"), ("CALL_TIMEOUT_MS", "4000")]).await;
    world.line(&["started with faults", "CALL_TIMEOUT_MS"]).await;
    assert_eq!(world.deliver(&sample()).await.status, 200);
}
