//! More than one sender: each has a path, a mapping and a secret of its own, and no fault of one is another's.

use std::collections::BTreeMap;

use rehearsal::{Answered, SIGNING_SECRET};
use serde_json::{Value, json};
use simulators::sender::Sender;

use crate::{
    cold_start::{CANONICAL_MAPPING, OperatorsFile},
    world::{World, later, now, sample, sample_with},
};

const TOKEN: &str = "a-token-of-some-length";

/// The canonical shape under another name, several bookings at a time.
fn harbor() -> String {
    let shape = CANONICAL_MAPPING.replace("booking = \"/data/booking\"", "bookings = \"/bookings/*\"");
    format!("prefix = \"HB-\"\nlabel = \"Harbor\"\n{shape}")
}

/// A world with a second sender, and the file that says how it writes.
async fn world_with(mapping: &str, secret: Value) -> (World, OperatorsFile) {
    let file = OperatorsFile::with("mappings/harbor.toml", mapping).await;
    let world = World::with_secrets(&[("MAPPINGS", &file.folder())], &[("webhook/harbor", secret)]).await;
    (world, file)
}

fn token() -> Value {
    json!({ "scheme": "bearer", "tokens": [TOKEN] })
}

async fn post(world: &World, sender: &str, content_type: &str, body: String) -> Answered {
    let headers = BTreeMap::from([
        ("authorization".to_owned(), format!("Bearer {TOKEN}")),
        ("content-type".to_owned(), content_type.to_owned()),
    ]);
    let url = format!("{}/webhooks/{sender}", world.front_door.url());
    world.post(&url, &headers, body).await.expect("an answer")
}

fn booking(changes: Value) -> Value {
    sample_with(changes)["data"]["booking"].clone()
}

#[tokio::test]
async fn each_sender_has_its_own_path_and_secret() {
    let (world, _file) = world_with(&harbor(), token()).await;
    let body = json!({ "bookings": [booking(json!({ "id": "77" }))] }).to_string();
    let answered = post(&world, "harbor", "application/json", body.clone()).await;
    assert_eq!((answered.status, &answered.body["booking_id"]), (200, &json!("HB-77")), "{:#}", answered.body);
    assert_eq!(world.deliver(&sample()).await.status, 200, "the built-in sender is as it was");
    let effects = world.effects().await;
    assert_eq!(effects.calendar.len(), 2);
    let names: Vec<&str> = effects.scc_events.iter().filter_map(|event| event["name"].as_str()).collect();
    for label in ["Harbor charter · ", "Boatsetter charter · "] {
        assert!(names.iter().any(|name| name.starts_with(label)), "{names:?}");
    }
    assert_eq!(post(&world, "boatsetter", "application/json", body.clone()).await.status, 401, "not its secret");
    assert_eq!(post(&world, "dock", "application/json", body).await.status, 404);
    world.line(&["AuthenticDeliveries", "\"Sender\":\"harbor\""]).await;
}

/// Crew would look for the booking at the wrong marketplace.
#[tokio::test]
async fn a_sender_without_a_label_is_called_by_its_name() {
    let (world, _file) = world_with(&harbor().replace("label = \"Harbor\"\n", ""), token()).await;
    let body = json!({ "bookings": [booking(json!({ "id": "77" }))] }).to_string();
    let answered = post(&world, "harbor", "application/json", body).await;
    assert_eq!(answered.status, 200, "{:#}", answered.body);
    let effects = world.effects().await;
    let name = effects.scc_events[0]["name"].as_str().expect("a name");
    assert!(name.starts_with("Harbor charter · "), "{name}");
}

/// Each booking is judged by itself; what is not understood of them is kept.
#[tokio::test]
async fn several_bookings_in_one_delivery_are_all_taken() {
    let (world, _file) = world_with(&harbor(), token()).await;
    let (first, second) =
        (booking(json!({ "id": "1" })), booking(json!({ "id": "2", "start_at": "2031-07-01T14:00:00-07:00" })));
    let both = json!({ "bookings": [first, second] }).to_string();
    let answered = post(&world, "harbor", "application/json", both).await;
    assert_eq!((answered.status, &answered.body["state"]), (200, &json!("in_step")), "{:#}", answered.body);
    let ids: Vec<&Value> =
        answered.body["bookings"].as_array().into_iter().flatten().map(|booking| &booking["booking_id"]).collect();
    assert_eq!(ids, ["HB-1", "HB-2"]);
    assert_eq!(world.effects().await.scc_events.len(), 2);

    let partly =
        json!({ "bookings": [booking(json!({ "id": "3" })), booking(json!({ "id": "4", "gross": "a lot" }))] });
    let answered = post(&world, "harbor", "application/json", partly.to_string()).await;
    assert_eq!((answered.status, &answered.body["state"]), (202, &json!("quarantined")), "{:#}", answered.body);
    assert_eq!(answered.body["errors"][0]["pointer"], "/bookings/1/gross");
    assert_eq!(answered.body["bookings"][0]["booking_id"], "HB-3");
    assert_eq!(world.effects().await.scc_events.len(), 3);
}

#[tokio::test]
async fn a_form_is_read_like_json() {
    let fields = "id=77&status=confirmed&start_at=2031-05-30T14:00:00-07:00&duration_minutes=180&boat[id]=qosd&party_size=8\
                  &currency=USD&gross=840.75&guest[name]=Dana+Whitfield&crew_ids=crew-1,crew-2&captain_id=captain-1\
                  &updated_at=2025-05-20T18:03:10Z";
    let mapping = format!("prefix = \"HB-\"\n{}", CANONICAL_MAPPING.replace("/data/booking", ""));
    let (world, _file) = world_with(&mapping, token()).await;
    let answered = post(&world, "harbor", "application/x-www-form-urlencoded", fields.to_owned()).await;
    assert_eq!((answered.status, &answered.body["booking_id"]), (200, &json!("HB-77")), "{:#}", answered.body);
}

/// A slip in one sender's file or secret is nobody else's.
#[tokio::test]
async fn a_fault_of_one_sender_stops_no_other() {
    let (world, file) = world_with("booking = 1", json!({ "scheme": "bearer", "tokens": ["short"] })).await;
    world.line(&["started with faults", "harbor.toml line 1", "token of fewer than 16 characters"]).await;
    let body = json!({ "bookings": [booking(json!({ "id": "77" }))] }).to_string();
    let unverified = post(&world, "harbor", "application/json", body.clone()).await;
    assert_eq!(unverified.status, 503, "{:#}", unverified.body);
    assert_eq!(world.deliver(&sample()).await.status, 200);

    world.put_secret("webhook/harbor", &token()).await.expect("stored");
    world.cold_start().await.expect("it starts: it has read the secrets just now, and does so only every half minute");
    let kept = post(&world, "harbor", "application/json", body).await;
    assert_eq!((kept.status, &kept.body["state"]), (202, &json!("quarantined")), "{:#}", kept.body);
    assert_eq!(world.deliver(&later(1, json!({ "party_size": 7 }))).await.status, 200);

    file.put(&harbor()).await;
    world.cold_start().await.expect("it starts");
    let replayed = world.ask(&json!({ "replay": { "delivery_id": kept.body["delivery_id"] } })).await;
    assert_eq!((&replayed["state"], &replayed["booking_id"]), (&json!("in_step"), &json!("HB-77")), "{replayed:#}");
}

/// The ids of one sender are never read as those of another.
#[tokio::test]
async fn an_id_of_another_sender_is_not_taken() {
    let (world, _file) = world_with(&harbor(), token()).await;
    let answered = world.deliver(&sample_with(json!({ "id": "HB-77" }))).await;
    assert_eq!((answered.status, &answered.body["state"]), (202, &json!("quarantined")), "{:#}", answered.body);
    assert_eq!(answered.body["errors"][0]["pointer"], "/data/booking/id");
}

/// The secret of a ready sender that signs, and its delivery.
async fn deliver_signed(world: &World, sender: &str, body: &Value) -> Answered {
    let body = body.to_string();
    let headers = Sender::new(SIGNING_SECRET).expect("a signing secret").sign("msg_1", &body, now());
    let url = format!("{}/webhooks/{sender}", world.front_door.url());
    world.post(&url, &headers, body).await.expect("an answer")
}

fn signing() -> Value {
    json!({ "scheme": "standard-webhooks", "signing_secrets": [SIGNING_SECRET] })
}

async fn mappings_line(world: &World) -> Value {
    let report = world.ask(&json!({ "check": {} })).await;
    let lines = report["checks"].as_array().expect("checks");
    lines.iter().find(|line| line["name"] == "mappings").expect("a line on mappings").clone()
}

#[tokio::test]
async fn a_ready_sender_needs_a_name_and_a_secret_alone() {
    let world = World::with_secrets(&[("READY_SENDERS", "getmyboat")], &[("webhook/getmyboat", signing())]).await;
    let answered = deliver_signed(&world, "getmyboat", &sample_with(json!({ "id": "77" }))).await;
    assert_eq!((answered.status, &answered.body["booking_id"]), (200, &json!("GMB-77")), "{:#}", answered.body);
    let effects = world.effects().await;
    let [entry] = &effects.calendar[..] else { panic!("{:#?}", effects.calendar) };
    assert_eq!(entry["booking_id"], "GMB-77");
    let [event] = &effects.scc_events[..] else { panic!("{:#?}", effects.scc_events) };
    assert!(event["name"].as_str().is_some_and(|name| name.starts_with("GetMyBoat charter · ")), "{event:#}");
    let page = effects.bucket.iter().find(|object| object.key.ends_with(".html")).expect("a guest page");
    assert!(page.body.contains("GMB-77"), "{}", page.body);

    let line = mappings_line(&world).await;
    assert_eq!(line["ok"], true, "{line:#}");
    assert!(line["detail"].as_str().is_some_and(|detail| detail.contains("of: boatsetter, getmyboat;")), "{line:#}");
    assert_eq!(deliver_signed(&world, "mailparser", &sample()).await.status, 404, "it is not switched on");
}

/// A slip in the list is one more fault of the cold start; those that are spelled right are served.
#[tokio::test]
async fn a_ready_sender_that_is_misspelled_is_named() {
    let env = [("READY_SENDERS", "boatsetter, getmyboat, getmyboats")];
    let world = World::with_secrets(&env, &[("webhook/getmyboat", signing())]).await;
    let words = "READY_SENDERS: there is no ready mapping getmyboats; there are checkfront, fareharbor, getmyboat and mailparser";
    world.line(&["started with faults", words]).await;
    let line = mappings_line(&world).await;
    assert_eq!(line["ok"], false, "{line:#}");
    assert_eq!(deliver_signed(&world, "getmyboat", &sample_with(json!({ "id": "77" }))).await.status, 200);
    assert_eq!(world.deliver(&sample()).await.status, 200);
}

#[tokio::test]
async fn a_file_replaces_the_ready_mapping_of_its_name() {
    let own = include_str!("../../mappings/getmyboat.toml").replace("GMB-", "BOAT-");
    let file = OperatorsFile::with("mappings/getmyboat.toml", &own).await;
    let env = [("READY_SENDERS", "getmyboat"), ("MAPPINGS", &file.folder())];
    let world = World::with_secrets(&env, &[("webhook/getmyboat", signing())]).await;
    let answered = deliver_signed(&world, "getmyboat", &sample_with(json!({ "id": "77" }))).await;
    assert_eq!((answered.status, &answered.body["booking_id"]), (200, &json!("BOAT-77")), "{:#}", answered.body);
}

/// The folder may hold a mapping that replaces the ready one: until it can be listed, the delivery is kept.
#[tokio::test]
async fn a_ready_senders_deliveries_are_kept_without_the_folder() {
    let env = [("READY_SENDERS", "getmyboat"), ("MAPPINGS", "/nowhere/mappings")];
    let world = World::with_secrets(&env, &[("webhook/getmyboat", signing())]).await;
    let kept = deliver_signed(&world, "getmyboat", &sample_with(json!({ "id": "77" }))).await;
    assert_eq!((kept.status, &kept.body["state"]), (202, &json!("quarantined")), "{:#}", kept.body);
}

/// The example mail script, on a mail of each platform.
#[tokio::test]
async fn the_mail_script_posts_both_platforms_mails() {
    const SECRET: &str = "whsec_dGhlLW1haWwtc2NyaXB0cy1vd24tc2VjcmV0";
    let file = OperatorsFile::with("mappings/getmyboat.toml", include_str!("../../mappings/getmyboat.toml")).await;
    let secret = json!({ "scheme": "standard-webhooks", "signing_secrets": [SECRET] });
    let secrets = [("webhook", secret.clone()), ("webhook/getmyboat", secret)];
    let operator = concat!(env!("CARGO_MANIFEST_DIR"), "/../operator.example.toml");
    let world = World::with_secrets(&[("MAPPINGS", &file.folder()), ("OPERATOR_FILE", operator)], &secrets).await;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/mail-script");
    for (sender, id, guest, start) in [
        ("boatsetter", "BS-2048812", "Dana", "2031-05-30T14:00:00-07:00"),
        ("getmyboat", "GMB-77", "Sam", "2031-06-07T10:00:00-07:00"),
    ] {
        for _ in 0..2 {
            let mail = std::fs::File::open(format!("{folder}/{sender}.eml")).expect("a mail");
            let script = tokio::process::Command::new("python3")
                .arg(format!("{folder}/mail_script.py"))
                .env("WEBHOOK_URL", format!("{}/webhooks/{sender}", world.front_door.url()))
                .env("WEBHOOK_SECRET", SECRET)
                .stdin(mail)
                .output();
            let output = script.await.expect("python runs");
            let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert!(output.status.success(), "{sender}: {out} {err}");
            let answer: Value = serde_json::from_str(&out).expect("an answer");
            assert_eq!((&answer["booking_id"], &answer["state"]), (&json!(id), &json!("in_step")), "{answer:#}");
        }
        let effects = world.effects().await;
        let event = effects.scc_events.iter().find(|event| event["date"] == start);
        let event = event.unwrap_or_else(|| panic!("{start}: {:#?}", effects.scc_events));
        assert_eq!(event["guest"]["first_name"], guest);
    }
    assert_eq!(world.effects().await.calendar.len(), 2, "a mail that is read again is a repeat");
}
