//! What people read, printed: `cargo test --workspace --locked --test it printed:: -- --nocapture`. What it must say stands in the tests of
//! each part; here a person can judge how it reads.

use std::{io::Write as _, time::Duration};

use jiff::tz::TimeZone;
use serde_json::{Value, json};
use simulators::{sender::SAMPLE_BOOKING_ID, traffic::Service};

use crate::{
    cold_start::OperatorsFile,
    office::run_ask,
    prove::stage::Stage,
    world::{REFUSED, World, later, now, sample, sample_with},
};

const MINUTE: Duration = Duration::from_secs(60);

/// With `--nocapture` alone: what is printed otherwise is nobody's to read.
fn say(words: &str) {
    writeln!(std::io::stdout().lock(), "{words}").expect("a terminal");
}

fn at(stage: &Stage) -> String {
    stage.time.now().to_zoned(TimeZone::UTC).strftime("%H:%M:%S").to_string()
}

/// A minute later the schedule comes by; the mails to the office that are new then.
async fn sweep(stage: &Stage) -> usize {
    let before = stage.look().await.office_mailbox.len();
    stage.pass(MINUTE).await;
    stage.ask(&json!({ "sweep": {} })).await;
    let mails = stage.look().await.office_mailbox;
    for mail in &mails[before..] {
        say(&format!("\n{} · mail to the office\nSubject: {}\n\n{}\n", at(stage), mail.subject, mail.text));
    }
    mails.len() - before
}

fn unreadable(id: &str) -> Value {
    sample_with(json!({ "id": id, "gross": null }))
}

async fn deliver(stage: &Stage, id: &str, body: &Value) {
    let outcome = stage.invoke(&stage.delivery(id, body)).await;
    say(&format!("{} · {id} is delivered, and answered {}", at(stage), outcome.status().unwrap_or_default()));
}

#[tokio::test]
async fn a_parked_booking_from_its_notice_to_its_replay() {
    let stage = Stage::set().await;
    stage.traffic().fail_next(Service::Calendar, "POST", REFUSED, 1);
    deliver(&stage, "evt_1", &sample()).await;
    assert_eq!(sweep(&stage).await, 1);
    let listed = stage.ask(&json!({ "list": { "state": "parked" } })).await;
    say(&format!("{} · list of what is parked: {:#}", at(&stage), listed["bookings"][0]));
    stage.pass(5 * MINUTE).await;
    let replayed = stage.ask(&json!({ "replay": { "booking_id": SAMPLE_BOOKING_ID } })).await;
    say(&format!("{} · replayed: {}", at(&stage), replayed["state"]));
    assert_eq!(replayed["state"], "in_step");
    assert_eq!(sweep(&stage).await, 1);
}

#[tokio::test]
async fn the_notices_of_each_kind() {
    let stage = Stage::set().await;
    deliver(&stage, "evt_quarantined", &unreadable("A")).await;
    let tip = "Two of us are allergic to nuts. Can we pay the captain a $50 tip?";
    deliver(&stage, "evt_flagged", &sample_with(json!({ "id": "BS-2", "notes": tip }))).await;
    assert_eq!(sweep(&stage).await, 2);
    for number in 0..12 {
        stage.invoke(&stage.delivery(&format!("evt_{number}"), &unreadable(&format!("B{number}")))).await;
    }
    say("12 more cannot be read");
    assert_eq!(sweep(&stage).await, 1);
}

#[tokio::test]
async fn three_quarantined_deliveries_by_make_ask() {
    let world = World::start().await;
    for id in ["BS-11", "BS-12", "BS-13"] {
        assert_eq!(world.deliver(&unreadable(id)).await.body["state"], "quarantined");
    }
    let folder = std::env::temp_dir().join(format!("printed-{:08x}", rand::random::<u32>()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("invoke-port"), world.lambda.address().port().to_string()).expect("a file");
    let rehearsal = folder.to_str().expect("text").to_owned();
    let ask = async |question: Value| {
        let (rehearsal, asked) = (rehearsal.clone(), question.to_string());
        let ran = tokio::task::spawn_blocking(move || run_ask(&["--rehearsal", &rehearsal, &asked]));
        let (code, said) = ran.await.expect("it ends");
        say(&format!("\n{} $ make ask Q='{question}'\n{}(exit {})", now(), said, code.unwrap_or(-1)));
        code
    };
    assert_eq!(ask(json!({ "quarantine": {} })).await, Some(0));
    let waits = world.ask(&json!({ "quarantine": {} })).await["quarantined"].take();
    let id = |number: usize| waits[number]["delivery_id"].clone();
    assert_eq!(ask(json!({ "replay": { "quarantined": "all", "dry_run": true } })).await, Some(0));
    let entered = sample_with(json!({ "id": "BS-11" }))["data"]["booking"].take();
    assert_eq!(ask(json!({ "booking": entered })).await, Some(0));
    let mended = sample_with(json!({ "id": "BS-12" }));
    say(&format!("\n{} the sender sends BS-12 again, whole: {}", now(), world.deliver(&mended).await.status));
    assert_eq!(ask(json!({ "dismiss": { "delivery_id": id(2), "why": "a test of theirs" } })).await, Some(0));
    world.sweep().await;
    assert_eq!(ask(json!({ "quarantine": {} })).await, Some(0));
    assert_eq!(world.ask(&json!({ "quarantine": {} })).await, json!({ "quarantined": [] }));
    std::fs::remove_dir_all(folder).expect("it was ours");
}

#[tokio::test]
async fn the_entry_of_a_flagged_booking_and_the_crews_notes() {
    let example = include_str!("../../operator.example.toml");
    let file = OperatorsFile::with("config/operator.toml", example).await;
    let world = World::with(&[("OPERATOR_FILE", &file.location)]).await;
    let flagged = json!({
        "party_size": 20,
        "location": "Gate code 4821, slip 9",
        "notes": "anniversary\nTwo of us are allergic to nuts. Can we pay the captain a $50 tip?",
    });
    let answered = world.deliver(&sample_with(flagged)).await;
    let effects = world.effects().await;
    let (entry, event) = (&effects.calendar[0], &effects.scc_events[0]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    say(&format!(
        "flags: {}\n\ncalendar · {}\n{}",
        answered.body["flags"],
        text(&entry["title"]),
        text(&entry["notes"])
    ));
    say(&format!("\ncrew · {} · {}\n{}", text(&event["name"]), text(&event["location"]), text(&event["notes"])));
    assert_eq!(answered.body["flags"].as_array().map(Vec::len), Some(3), "{}", answered.body["flags"]);
}

#[tokio::test]
async fn the_messages_for_guests_in_both_languages() {
    let example = include_str!("../../operator.example.toml");
    let file = OperatorsFile::with("config/operator.toml", example).await;
    for locale in ["en", "es-MX"] {
        let world = World::with(&[("OPERATOR_FILE", &file.location)]).await;
        let guest = json!({ "name": "Dana Whitfield", "locale": locale });
        let moved = json!({ "guest": guest, "start_at": "2031-05-31T14:00:00-07:00" });
        for (what, body) in [("new", sample_with(json!({ "guest": guest }))), ("moved", later(1, moved))] {
            assert_eq!(world.deliver(&body).await.status, 200);
            let notes = world.effects().await.calendar[0]["notes"].as_str().expect("notes").to_owned();
            say(&format!("\n{locale}, {what}: the entry's notes\n{notes}"));
        }
        // Its entry is gone, so its message comes by mail.
        assert_eq!(world.deliver(&later(2, json!({ "guest": guest, "status": "cancelled" }))).await.status, 200);
        world.sweep().await;
        for mail in world.effects().await.office_mailbox {
            say(&format!("\n{locale}, cancelled: mail to the office\nSubject: {}\n\n{}", mail.subject, mail.text));
        }
    }
}
