//! `docs/openapi.yaml` says what the function answers, and the function answers what it says.

use std::{collections::BTreeMap, path::Path};

use rehearsal::Answered;
use serde_json::{Value, json};

use crate::{
    cold_start::{CANONICAL_MAPPING, OperatorsFile},
    world::{DENIED, World, sample, sample_with},
};

const DESCRIPTION: &str = include_str!("../../docs/openapi.yaml");
const TOKEN: &str = "a-token-of-some-length";

fn description() -> Value {
    serde_yaml_ng::from_str(DESCRIPTION).expect("YAML")
}

/// An answer, judged by the schema of its status and media type.
#[track_caller]
fn check(answered: &Answered, status: u16) {
    assert_eq!(answered.status, status, "{:#}", answered.body);
    let description = description();
    let response = &description["paths"]["/webhooks/{sender}"]["post"]["responses"][status.to_string()];
    let response = match response["$ref"].as_str() {
        Some(reference) => description.pointer(&reference[1..]).expect("it is there"),
        None => response,
    };
    let schema = &response["content"][&*answered.headers["content-type"]]["schema"];
    assert!(schema.is_object(), "{status} {} is not described", answered.headers["content-type"]);
    let whole = json!({ "components": description["components"], "allOf": [schema] });
    let validator = jsonschema::validator_for(&whole).expect("a schema");
    let errors: Vec<String> = validator.iter_errors(&answered.body).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}: {:#}", answered.body);
    for header in response["headers"].as_object().into_iter().flatten().map(|(name, _)| name.to_lowercase()) {
        assert!(answered.headers.contains_key(&header), "{status} has no {header}");
    }
}

/// A world in which `harbor` posts several bookings under a token.
async fn world() -> (World, OperatorsFile) {
    let shape = CANONICAL_MAPPING.replace("booking = \"/data/booking\"", "bookings = \"/bookings/*\"");
    let file = OperatorsFile::with("mappings/harbor.toml", &format!("prefix = \"HB-\"\n{shape}")).await;
    let token = json!({ "scheme": "bearer", "tokens": [TOKEN] });
    (World::with_secrets(&[("MAPPINGS", &file.folder())], &[("webhook/harbor", token)]).await, file)
}

fn under_the_token() -> BTreeMap<String, String> {
    BTreeMap::from([("authorization".to_owned(), format!("Bearer {TOKEN}"))])
}

#[tokio::test]
async fn every_answer_is_as_described() {
    let (world, _file) = world().await;
    check(&world.deliver(&sample()).await, 200);
    check(&world.deliver(&json!({ "type": "ping" })).await, 200);
    check(&world.deliver(&sample_with(json!({ "id": "BS-2", "status": "booked" }))).await, 202);
    check(&world.deliver_raw(&BTreeMap::new(), "{}").await.expect("an answer"), 401);
    check(&world.deliver(&json!({ "notes": "x".repeat(1024 * 1024) })).await, 413);
    let harbor = format!("{}/webhooks/harbor", world.front_door.url());
    let nobody = format!("{}/webhooks/nobody", world.front_door.url());
    check(&world.post(&nobody, &under_the_token(), "{}").await.expect("an answer"), 404);
    let booking = |id: &str, gross: &str| sample_with(json!({ "id": id, "gross": gross }))["data"]["booking"].clone();
    let both = json!({ "bookings": [booking("1", "840.75"), booking("2", "840.75")] }).to_string();
    check(&world.post(&harbor, &under_the_token(), both).await.expect("an answer"), 200);
    let partly = json!({ "bookings": [booking("3", "840.75"), booking("4", "a lot")] }).to_string();
    check(&world.post(&harbor, &under_the_token(), partly).await.expect("an answer"), 202);
    world.calendar.set_token("another");
    check(&world.deliver(&sample_with(json!({ "id": "BS-3" }))).await, 202);
    world.fail_table(&world.cloud.ledger_table, &DENIED);
    check(&world.deliver(&sample_with(json!({ "id": "BS-4" }))).await, 503);
}

/// The description with one sender that is there, and bodies that it reads: else all would be 404, or quarantined.
fn for_one_sender() -> Value {
    let mut description = description();
    let path = &mut description["paths"]["/webhooks/{sender}"];
    path["parameters"][0]["schema"] = json!({ "const": "harbor" });
    let canonical = json!({ "$ref": "#/components/schemas/CanonicalBody" });
    path["post"]["requestBody"]["content"] = json!({ "application/json": { "schema": canonical } });
    description
}

/// `make check-openapi` installs schemathesis, then runs this: bodies of its own making, as an authentic sender would post them.
#[tokio::test]
#[ignore = "needs schemathesis; make check-openapi runs it"]
async fn schemathesis_finds_no_fault() {
    let file = OperatorsFile::with("mappings/harbor.toml", &format!("prefix = \"HB-\"\n{CANONICAL_MAPPING}")).await;
    let token = json!({ "scheme": "bearer", "tokens": [TOKEN] });
    let world = World::with_secrets(&[("MAPPINGS", &file.folder())], &[("webhook/harbor", token)]).await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let narrowed = root.join("target/openapi.json");
    std::fs::write(&narrowed, for_one_sender().to_string()).expect("stored");
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
    let schemathesis = tokio::process::Command::new(root.join(".venv/openapi/bin/schemathesis"))
        .arg("run")
        .arg(&narrowed)
        .args(["--url", &world.front_door.url(), "--checks", checks, "--max-examples", "200"])
        .args(["--header", &format!("Authorization: Bearer {TOKEN}"), "--phases", "coverage,fuzzing"])
        .args(["--generation-database", "none"])
        .current_dir(root)
        .output()
        .await
        .expect("make check-openapi has installed it");
    let out = String::from_utf8_lossy(&schemathesis.stdout);
    std::fs::write(root.join("target/schemathesis.log"), out.as_bytes()).expect("stored");
    assert!(schemathesis.status.success(), "{out}\n{}", String::from_utf8_lossy(&schemathesis.stderr));
    let status = world.ask(&json!({ "sweep": {} })).await;
    assert!(status["status"].is_null(), "the function is as well as before: {status:#}");
}
