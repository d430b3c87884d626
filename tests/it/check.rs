//! `{"check": {}}`: each thing that can be wrong turns its own line red, and the line says what to do.

use rehearsal::{LINK_KEY, Options};
use serde_json::{Value, json};
use simulators::{scc::ServiceKeyHash, traffic::Service};

use crate::{
    cold_start::OperatorsFile,
    world::{DENIED, World},
};

/// What a check looks at, in order.
pub(crate) const ALL: [&str; 16] = [
    "environment",
    "secrets",
    "operator_file",
    "mappings",
    "ledger",
    "ledger_index",
    "calendar",
    "scc",
    "scc_events",
    "guest_page_bucket",
    "distribution",
    "guest_page",
    "guest_page_calendar",
    "not_found_page",
    "link_picture",
    "notices",
];

/// A world whose guests are sent to its own edge, with what a deployment puts there.
async fn world(env: &[(&str, &str)]) -> World {
    let mut options = World::options();
    options.link_pictures = Some(World::binaries().join("link-pictures"));
    options.env.remove("GUEST_PAGE_BASE_URL");
    options.env.extend(env.iter().map(|&(name, value)| (name.to_owned(), Some(value.to_owned()))));
    World::exactly(options).await
}

async fn check(world: &World) -> Value {
    world.ask(&json!({ "check": {} })).await
}

/// The lines that are red, and nothing else is; each says what to do.
#[track_caller]
fn red(report: &Value, expected: &[(&str, &str)]) {
    let checks = report["checks"].as_array().expect("a list");
    let names: Vec<&str> = checks.iter().filter_map(|check| check["name"].as_str()).collect();
    assert_eq!(names, ALL);
    let wrong = checks.iter().filter(|check| check["ok"] != true);
    let wrong: Vec<(&str, &str)> = wrong
        .map(|check| (check["name"].as_str().expect("a name"), check["next"].as_str().expect("what to do")))
        .collect();
    let names = |lines: &[(&str, &str)]| lines.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&wrong), names(expected), "{report:#}");
    for ((name, next), (_, words)) in wrong.iter().zip(expected) {
        assert!(next.contains(words), "{name}: {words} is not in: {next}");
    }
    let status = if expected.is_empty() { 200 } else { 503 };
    assert_eq!((&report["ok"], &report["status"]), (&json!(expected.is_empty()), &json!(status)));
}

#[tokio::test]
async fn a_healthy_world_is_green_and_nobody_notices() {
    let world = world(&[]).await;
    for _ in 0..2 {
        red(&check(&world).await, &[]);
    }
    let effects = world.effects().await;
    assert!(effects.calendar.is_empty() && effects.scc_events.is_empty() && effects.mailbox.is_empty(), "{effects:#?}");
    let keys: Vec<&str> = effects.bucket.iter().map(|object| object.key.as_str()).collect();
    let (pictures, pages): (Vec<&str>, Vec<&str>) = keys.into_iter().partition(|key| key.ends_with(".png"));
    assert_eq!(pages, ["g/00000000.html", "g/00000000.ics", "g/not-found.html"], "pages of its own, and no charter's");
    let [of_no_boat, touch_icon] = *pictures else { panic!("without boats, one picture and the icon: {pictures:?}") };
    assert!(of_no_boat.starts_with("g/link-") && touch_icon == "g/touch-icon.png", "{pictures:?}");
    let puts = world.traffic.calls_to(Service::S3);
    assert!(!puts.iter().any(|call| call.operation.contains(".png")), "the deployment put them: {puts:#?}");
    let denied = world.logs().await.iter().any(|line| line.contains("DeniedCalls"));
    assert!(!denied, "what is asked without a key on purpose is no alarm");
    let status = world.ask(&json!({ "status": { "booking_id": "00000000" } })).await;
    assert_eq!(status["status"], 404, "the ledger has learned of no booking: {status:#}");
}

#[tokio::test]
async fn what_was_stored_after_the_start_is_what_is_checked() {
    let world = world(&[]).await;
    let sound = world.secret("calendar").await.expect("a secret");
    let with = |name: &str, value: Value| {
        let mut secret = sound.clone();
        secret[name] = value;
        secret
    };
    for (secret, expected) in [
        (with("dashboard_token", json!("another")), &[("calendar", "dashboard_token")][..]),
        (json!("{\"url\": "), &[("secrets", "Secrets Manager")][..]),
        (
            with("url", json!(format!("{}/nowhere", world.calendar.url()))),
            &[("calendar", "url in the calendar secret")][..],
        ),
        (sound.clone(), &[][..]),
    ] {
        world.put_secret("calendar", &secret).await.expect("stored");
        let report = check(&world).await;
        match expected {
            // The version before stays in use: here the wrong token.
            [("secrets", _)] => red(&report, &[expected[0], ("calendar", "dashboard_token")]),
            expected => red(&report, expected),
        }
    }
}

#[tokio::test]
async fn a_wrong_key_is_told_from_a_wrong_service() {
    let world = world(&[]).await;
    world.scc.set_service_key_hash(ServiceKeyHash::sha256("another"));
    red(&check(&world).await, &[("scc", "SERVICE_KEY_HASH")]);

    let mut secret = world.secret("scc").await.expect("a secret");
    // Any gateway answers 404 to a path that it does not know, with any key.
    secret["url"] = json!(world.calendar.url());
    world.put_secret("scc", &secret).await.expect("stored");
    let report = check(&world).await;
    red(&report, &[("scc", "url in the scc secret")]);
    assert!(report.to_string().contains("to a request without a key"), "{report:#}");
}

#[tokio::test]
async fn tables_and_a_bucket_that_are_not_there() {
    let world = world(&[
        ("LEDGER_TABLE", "no-such-ledger"),
        ("SCC_EVENTS_TABLE", "no-such-events"),
        ("GUEST_PAGE_BUCKET", "no-such-bucket"),
        ("RETRY_BASE_MS", "soon"),
    ]);
    red(
        &check(&world.await).await,
        &[
            ("environment", "variables"),
            ("ledger", "LEDGER_TABLE"),
            ("ledger_index", "LEDGER_TABLE"),
            ("scc_events", "SCC_EVENTS_TABLE"),
            ("guest_page_bucket", "GUEST_PAGE_BUCKET"),
            ("distribution", "bucket first"),
            ("guest_page", "viewer-request"),
            ("guest_page_calendar", "viewer-request"),
            ("not_found_page", "g/not-found.html"),
        ],
    );
}

/// Nothing but a deployment draws: the check says what to run, and puts none itself.
#[tokio::test]
async fn pictures_of_links_that_were_never_put() {
    let options = World::options();
    let env = options.env.into_iter().filter(|(name, _)| name != "GUEST_PAGE_BASE_URL").collect();
    let world = World::exactly(Options { env, ..options }).await;
    let report = check(&world).await;
    red(&report, &[("link_picture", "make fresh")]);
    let said = report["checks"][ALL.len() - 2]["detail"].as_str().expect("a detail");
    assert!(said.contains("/g/link-") && said.contains("/g/touch-icon.png answers 404"), "{said}");
    let effects = world.effects().await;
    assert!(!effects.bucket.iter().any(|object| object.key.ends_with(".png")), "{:#?}", effects.bucket);
}

/// Another name of the operator's is on another picture.
#[tokio::test]
async fn pictures_of_an_operator_file_that_was_changed_since() {
    let file = OperatorsFile::with("config/operator.toml", "name = \"JADA\"\n[[boats]]\nname = \"Queen\"").await;
    let world = world(&[("OPERATOR_FILE", &file.location)]).await;
    red(&check(&world).await, &[]);
    file.put("name = \"JADA\"\n[[boats]]\nname = \"Queen\"\n[[boats]]\nname = \"Star\"").await;
    let report = check(&world).await;
    red(&report, &[("link_picture", "make operator")]);
    assert_eq!(report.to_string().matches("/g/link-").count(), 1, "the new boat's alone is missing: {report:#}");
}

#[tokio::test]
async fn a_right_that_is_missing_is_named() {
    let world = world(&[]).await;
    for (service, operation, name, next) in [
        (Service::S3, "PutObject", "guest_page_bucket", "PutObject"),
        (Service::Cloudfront, "", "distribution", "CreateInvalidation"),
        (Service::Secretsmanager, "", "secrets", "BatchGetSecretValue"),
    ] {
        red(&check(&world).await, &[]);
        world.traffic.fail_next(service, operation, DENIED, 2);
        let report = check(&world).await;
        world.traffic.heal();
        match name {
            "guest_page_bucket" => red(&report, &[(name, next), ("distribution", "bucket first")]),
            _ => red(&report, &[(name, next)]),
        }
    }
}

#[tokio::test]
async fn a_distribution_that_is_another() {
    let world = world(&[]).await;
    let secret = json!({ "distribution_id": "ENOSUCH", "link_key": LINK_KEY });
    world.put_secret("guest-page", &secret).await.expect("stored");
    red(&check(&world).await, &[("distribution", "distribution_id")]);
}

/// The rule is missing, or leads past the object: what was published is there, and guests cannot open it.
#[tokio::test]
async fn a_clean_link_that_is_not_rewritten_to_the_page() {
    let world = world(&[]).await;
    world.traffic.fail_when(|call| call.service == Service::Edge && call.operation == "GET /g/00000000", DENIED);
    red(&check(&world).await, &[("guest_page", "viewer-request.js")]);

    let elsewhere = self::world(&[("GUEST_PAGE_KEY", "elsewhere/{charter_id}.html")]).await;
    let (key, error_page) = ("GUEST_PAGE_KEY", "g/not-found.html");
    red(&check(&elsewhere).await, &[("guest_page", key), ("guest_page_calendar", key), ("not_found_page", error_page)]);
}

#[tokio::test]
async fn a_site_that_is_not_there_or_somebody_elses() {
    let nowhere = world(&[("GUEST_PAGE_BASE_URL", "http://127.0.0.1:1")]).await;
    let base_url = "GUEST_PAGE_BASE_URL";
    let expected = [
        ("guest_page", base_url),
        ("guest_page_calendar", base_url),
        ("not_found_page", "guest pages"),
        ("link_picture", "without a picture"),
    ];
    red(&check(&nowhere).await, &expected);
}

/// Found out by a cold start at night otherwise.
#[tokio::test]
async fn a_file_that_the_next_cold_start_would_fail_on() {
    let file = OperatorsFile::with("config/operator.toml", "name = \"JADA Sailing\"").await;
    let world = world(&[("OPERATOR_FILE", &file.location)]).await;
    red(&check(&world).await, &[]);
    file.put("nmae = \"JADA Sailing\"").await;
    red(&check(&world).await, &[("operator_file", "next cold start")]);
}
