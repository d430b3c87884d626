//! The office hears what needs it, can ask, and can decide.

use std::{pin::pin, process::Command, time::Duration};

use jiff::SignedDuration;
use serde_json::{Value, json};
use simulators::{office::OfficeMail, sender::SAMPLE_BOOKING_ID, traffic::Service};

use crate::{
    prove::stage::{Outcome, Stage},
    world::{ALWAYS, CHARTER_ID, DENIED, REFUSED, World, later, sample as sample_booking},
};

const MINUTE: Duration = Duration::from_secs(60);

async fn ask(stage: &Stage, question: Value) -> Value {
    match stage.invoke(&question).await {
        Outcome::Answered { body, .. } => body,
        other => panic!("{question} came to {other:?}"),
    }
}

/// A minute later the schedule comes by; what the office has been mailed until then.
async fn sweep(stage: &Stage) -> Vec<OfficeMail> {
    stage.pass(MINUTE).await;
    ask(stage, json!({ "sweep": {} })).await;
    stage.look().await.office_mailbox
}

/// A mail without its link to the desk.
fn words(mail: &OfficeMail) -> &str {
    let (words, link) = mail.text.rsplit_once("\n\n").expect("a way to the desk");
    assert!(link.starts_with("See it: http") || link.starts_with("See it and decide: http"), "{link}");
    words
}

async fn deliver(stage: &Stage, id: &str, booking: &Value) -> Option<u16> {
    stage.invoke(&stage.delivery(id, &json!({ "id": id, "data": { "booking": booking } }))).await.status()
}

/// A booking that cannot be read: its gross is missing.
fn unreadable(id: &str) -> Value {
    let mut booking = sample_booking()["data"]["booking"].clone();
    booking["id"] = json!(id);
    booking.as_object_mut().expect("an object").remove("gross");
    booking
}

fn readable(id: &str) -> Value {
    let mut booking = unreadable(id);
    booking["gross"] = json!("900.00");
    // Two of them would overlap.
    booking["start_at"] = json!(format!("2031-05-{}T14:00:00-07:00", if id == "B" { 31 } else { 30 }));
    booking
}

#[tokio::test]
async fn a_parked_booking_is_told_once_and_once_more_when_over() {
    let stage = Stage::set().await;
    stage.traffic().fail_next(Service::Calendar, "POST", REFUSED, 1);
    stage.invoke(&stage.delivery("evt_1", &sample_booking())).await;
    let mails = sweep(&stage).await;
    assert_eq!(mails.len(), 1, "{mails:#?}");
    assert_eq!(mails[0].subject, "BS-1048812 needs a person");
    let begins = "BS-1048812 · Dana · Fri May 30, 2:00 PM is not in the calendar: it was refused (";
    assert!(mails[0].text.starts_with(begins), "{}", mails[0].text);
    assert!(mails[0].text.contains("The crew and the guest have it.\n\nWhat to do: "), "{}", mails[0].text);
    assert_eq!(sweep(&stage).await, mails, "it is said once");
    let listed = ask(&stage, json!({ "list": { "state": "parked" } })).await;
    assert_eq!(
        (&listed["bookings"][0]["local"], listed["bookings"].as_array().map(Vec::len)),
        (&json!("2031 Fri May 30, 2:00 PM"), Some(1))
    );

    ask(&stage, json!({ "replay": { "booking_id": SAMPLE_BOOKING_ID } })).await;
    let mails = sweep(&stage).await;
    assert_eq!(mails.len(), 2, "{mails:#?}");
    let over = "BS-1048812 · Dana · Fri May 30, 2:00 PM: over. The calendar, the crew and the guest have it.";
    assert_eq!(words(&mails[1]), over);
    assert_eq!(sweep(&stage).await.len(), 2);
}

#[tokio::test]
async fn nothing_is_told_of_what_is_in_step() {
    let stage = Stage::set().await;
    stage.invoke(&stage.delivery("evt_1", &sample_booking())).await;
    assert!(sweep(&stage).await.is_empty());
    assert_eq!(stage.traffic().calls_to(Service::Sns).len(), 0);
}

/// An invocation whose process ends as soon as `calls` more calls have begun. `false` when it was over before.
pub(crate) async fn crash_after(stage: &Stage, event: &Value, calls: usize) -> bool {
    let process = stage.process(SignedDuration::ZERO).await.expect("it starts");
    let last = stage.traffic().calls().len() + calls;
    let end = pin!(stage.traffic().wait_for(|calls| calls.len() >= last));
    let invocation = pin!(process.invoke(event));
    tokio::select! {
        biased;
        () = end => true,
        _ = invocation => false,
    }
}

/// The office hears that it began, then nothing, and that it is over.
async fn heard_in_the_end(stage: &Stage, at: &str) {
    for _ in 0..3 {
        sweep(stage).await;
    }
    let mails = sweep(stage).await;
    assert!(mails.iter().any(|mail| mail.text.contains("is not in the calendar")), "{at}: {mails:#?}");
    assert_eq!(sweep(stage).await, mails, "{at}: then it is known to be told");
    stage.traffic().heal();
    let replayed = ask(stage, json!({ "replay": { "booking_id": SAMPLE_BOOKING_ID } })).await;
    assert_eq!(replayed["state"], "in_step", "{at}: {replayed:#}");
    let last = sweep(stage).await.pop().expect("one more");
    assert!(last.text.contains(": over. The calendar, the crew and the guest have it."), "{at}: {}", last.text);
}

async fn refusing_calendar() -> Stage {
    let stage = Stage::set().await;
    stage.traffic().fail_next(Service::Calendar, "POST", REFUSED, ALWAYS);
    stage
}

#[tokio::test]
async fn no_crash_of_a_delivery_loses_a_notice() {
    for calls in 1.. {
        let stage = refusing_calendar().await;
        let crashed = crash_after(&stage, &stage.delivery("evt_1", &sample_booking()), calls).await;
        // As senders do when no answer came.
        stage.pass(MINUTE).await;
        stage.invoke(&stage.delivery("evt_1", &sample_booking())).await;
        heard_in_the_end(&stage, &format!("the delivery ended at call {calls}")).await;
        if !crashed {
            assert!(calls > 8, "{calls} calls are too few for a delivery");
            return;
        }
    }
}

#[tokio::test]
async fn no_crash_of_a_sweep_loses_a_notice() {
    for calls in 1.. {
        let stage = refusing_calendar().await;
        stage.invoke(&stage.delivery("evt_1", &sample_booking())).await;
        stage.pass(MINUTE).await;
        let crashed = crash_after(&stage, &json!({ "sweep": {} }), calls).await;
        heard_in_the_end(&stage, &format!("the sweep ended at call {calls}")).await;
        if !crashed {
            assert!(calls > 5, "{calls} calls are too few for a sweep that mails");
            return;
        }
    }
}

#[tokio::test]
async fn a_mail_that_cannot_be_sent_is_sent_later() {
    let stage = refusing_calendar().await;
    stage.invoke(&stage.delivery("evt_1", &sample_booking())).await;
    stage.traffic().fail_next(Service::Sns, "Publish", DENIED, 1);
    assert!(sweep(&stage).await.is_empty());
    assert_eq!(sweep(&stage).await.len(), 1);
}

#[tokio::test]
async fn a_delivery_that_is_repeated_and_understood_leaves_quarantine() {
    let stage = Stage::set().await;
    let mut far_ahead = sample_booking();
    far_ahead["data"]["booking"]["updated_at"] = json!("2031-05-22T18:00:00Z");
    far_ahead["created_at"] = json!("2031-05-22T18:00:00Z");
    stage.invoke(&stage.delivery("evt_1", &far_ahead)).await;
    assert_eq!(sweep(&stage).await.len(), 1, "its time is too far ahead to be believed");
    stage.pass(Duration::from_secs(2 * 86_400)).await;
    assert_eq!(stage.invoke(&stage.delivery("evt_1", &far_ahead)).await.status(), Some(200));
    let mails = sweep(&stage).await;
    assert_eq!(mails.len(), 2, "{mails:#?}");
    assert!(mails[1].text.contains("over. Nothing to do: it was read again and accepted."), "{}", mails[1].text);
}

/// Runs `scripts/ask.py` with these arguments; its exit code, and all that it said.
pub(crate) fn run_ask(arguments: &[&str]) -> (Option<i32>, String) {
    run_script("ask.py", arguments)
}

fn run_script(name: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let script = format!(concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/{}"), name);
    let mut python = Command::new("python3");
    python.arg("-B").arg(script).args(arguments).env_clear().env("HOME", "/nonexistent").env("PATH", "/usr/bin:/bin");
    let ran = python.output().expect("Python runs");
    (ran.status.code(), String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned())
}

#[tokio::test]
async fn a_body_is_posted_as_its_sender_signs_it() {
    let world = World::start().await;
    let folder = std::env::temp_dir().join(format!("post-{:08x}", rand::random::<u32>()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let environment = world.environment_variables().iter().map(|(name, value)| format!("{name}={value}\n"));
    let secret = json!({ "scheme": "github", "signing_secrets": ["a-secret-of-their-own"] });
    for (name, text) in [
        ("invoke-port", world.lambda.address().port().to_string()),
        ("environment", environment.collect()),
        ("body.json", sample_booking().to_string()),
        ("secret.json", secret.to_string()),
        ("weak.json", secret.to_string().replace("-of-their-own", "")),
    ] {
        std::fs::write(folder.join(name), text).expect("a file");
    }
    let own = std::env::current_exe().expect("a path");
    let tool = own.ancestors().nth(2).expect("the folder of the binaries").join("sender");
    let posted = async |sender: &'static str, secret: &str| {
        let path = |name: &str| folder.join(name).to_str().expect("text").to_owned();
        let (rehearsal, body, secret, tool) =
            (path(""), path("body.json"), path(secret), tool.to_str().expect("text").to_owned());
        let ran = tokio::task::spawn_blocking(move || {
            let given =
                ["--rehearsal", &rehearsal, "--sender", sender, "--body", &body, "--secret", &secret, "--tool", &tool];
            run_script("post.py", &given)
        });
        ran.await.expect("it ends")
    };
    for (sender, secret, code, words) in [
        ("nobody", "secret.json", 2, "has no mapping nobody.toml"),
        ("boatsetter", "weak.json", 2, "fewer than 16 bytes"),
        ("boatsetter", "none.json", 2, "none.json names no file"),
        ("boatsetter", "secret.json", 0, "The rehearsal answered 200."),
    ] {
        let (ended, said) = posted(sender, secret).await;
        assert_eq!((ended, said.contains(words)), (Some(code), true), "{said}");
    }
    World::assert_one_of_everything(&world.effects().await);
    std::fs::remove_dir_all(folder).expect("it was ours");
}

#[tokio::test]
async fn an_answer_is_readable_and_a_problem_ends_with_1() {
    let world = World::start().await;
    world.deliver(&sample_booking()).await;
    let folder = std::env::temp_dir().join(format!("ask-{:08x}", rand::random::<u32>()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("invoke-port"), world.lambda.address().port().to_string()).expect("a file");
    let folder = folder.to_str().expect("text").to_owned();
    let asked = async |question: Value| {
        let (folder, question) = (folder.clone(), question.to_string());
        let asked = tokio::task::spawn_blocking(move || run_ask(&["--rehearsal", &folder, &question]));
        asked.await.expect("it ends")
    };
    let (code, said) = asked(json!({ "list": { "from": "2031-05-30" } })).await;
    let line = "BS-1048812 · Dana · 2031 Fri May 30, 2:00 PM · Queen of San Diego · boatsetter · in_step";
    assert_eq!((code, said.contains(line)), (Some(0), true), "{said}");
    world.deliver(&later(10, json!({ "status": "cancelled" }))).await;
    let (code, said) = asked(json!({ "list": { "from": "2031-05-30" } })).await;
    assert_eq!((code, said.contains("boatsetter · cancelled · in_step")), (Some(0), true), "{said}");
    let (code, said) = asked(json!({ "status": { "booking_id": "BS-1" } })).await;
    assert_eq!((code, said.contains("404 No such booking")), (Some(1), true), "{said}");
    let mut plan = sample_booking()["data"]["booking"].clone();
    plan["id"] = json!("BS-7");
    let (code, said) = asked(json!({ "plan": { "booking": plan } })).await;
    assert_eq!((code, said.contains("calendar        create POST http")), (Some(0), true), "{said}");
    std::fs::remove_dir_all(folder).expect("it was ours");
}

#[test]
fn without_a_rehearsal_or_credentials_nothing_is_asked() {
    for (arguments, words) in [
        (&["{}", "--rehearsal", "/nonexistent"][..], "No rehearsal is running"),
        (&["{}", "--env", "staging"], "no AWS credentials"),
        (&["{}", "--env", "prod"], "ENV=staging or ENV=production"),
        (&["{'list'"], "That is no JSON"),
        (&["--file", "/nonexistent"], "names no file"),
        (&[], "Nothing is asked"),
    ] {
        let (code, said) = run_ask(arguments);
        assert_eq!((code, said.contains(words)), (Some(2), true), "{arguments:?}: {said}");
    }
}

#[tokio::test]
async fn three_quarantined_deliveries_are_worked_off() {
    let stage = Stage::set().await;
    for id in ["A", "B", "C"] {
        deliver(&stage, &format!("evt_{id}"), &unreadable(id)).await;
    }
    // The sender tries again under another name: the same body does not pile up.
    let again = stage.delivery("evt_again", &json!({ "id": "evt_A", "data": { "booking": unreadable("A") } }));
    stage.invoke(&again).await;
    let mails = sweep(&stage).await;
    assert_eq!(mails.len(), 3, "{mails:#?}");
    assert!(mails[0].text.contains("/data/booking/gross is missing"), "{}", mails[0].text);
    assert!(!mails[0].text.contains("Dana"), "what was not understood is not told: {}", mails[0].text);

    let listed = ask(&stage, json!({ "quarantine": {} })).await;
    let listed = listed["quarantined"].as_array().expect("a list").clone();
    assert_eq!(listed.iter().map(|one| one["booking_ids"][0].clone()).collect::<Vec<_>>(), ["A", "B", "C"]);
    assert_eq!(ask(&stage, json!({ "status": { "booking_id": "A" } })).await["state"], "quarantined");
    let dry = ask(&stage, json!({ "replay": { "quarantined": "all", "dry_run": true } })).await;
    assert_eq!(dry["replayed"][2]["why"][0]["pointer"], "/data/booking/gross", "{dry:#}");

    let one = ask(&stage, json!({ "quarantine": { "delivery_id": listed[0]["delivery_id"] } })).await;
    assert_eq!(
        (&one["body"]["data"]["booking"]["id"], &one["why_then"]),
        (&json!("A"), &one["delivery"]["why"]),
        "{one:#}"
    );

    // A person enters A, the sender sends B again as it should be, and C is none of ours.
    stage.pass(MINUTE).await;
    assert_eq!(ask(&stage, json!({ "booking": readable("A") })).await["state"], "in_step");
    assert_eq!(deliver(&stage, "evt_B2", &readable("B")).await, Some(200));
    let dismissed = json!({ "dismiss": { "delivery_id": listed[2]["delivery_id"], "why": "a test of theirs" } });
    assert_eq!(ask(&stage, dismissed).await["dismissed"]["why"], "a test of theirs");
    let mails = sweep(&stage).await;
    assert_eq!(mails.len(), 6, "each is over: {mails:#?}");
    assert!(mails[3..].iter().all(|mail| mail.subject.ends_with(": over")), "{mails:#?}");
    assert_eq!(ask(&stage, json!({ "quarantine": {} })).await, json!({ "quarantined": [] }));
}

#[tokio::test]
async fn what_a_person_has_dismissed_may_come_again() {
    let stage = Stage::set().await;
    let event = stage.delivery("evt_1", &json!({ "id": "evt_1", "data": { "booking": unreadable("A") } }));
    let waits = stage.invoke(&event).await.into_body();
    let why = json!({ "dismiss": { "delivery_id": waits["delivery_id"], "why": "a test of theirs" } });
    ask(&stage, why).await;
    let mails = sweep(&stage).await;
    let again = stage.invoke(&event).await;
    let expected = json!({
        "state": "ignored",
        "delivery_id": waits["delivery_id"],
        "why": "a person dismissed it: a test of theirs",
    });
    assert_eq!((again.status(), again.into_body()), (Some(200), expected));
    assert_eq!(sweep(&stage).await, mails, "nobody is told of it again");
    assert_eq!(ask(&stage, json!({ "quarantine": {} })).await, json!({ "quarantined": [] }));
}

#[tokio::test]
async fn many_at_once_are_one_mail() {
    let stage = Stage::set().await;
    for number in 0..12 {
        deliver(&stage, &format!("evt_{number}"), &unreadable(&format!("B{number}"))).await;
    }
    let mails = sweep(&stage).await;
    assert_eq!(mails.len(), 1, "{mails:#?}");
    assert_eq!(mails[0].subject, "12 notices: 12 need a person, 0 are over");
}

#[tokio::test]
async fn a_dismissed_booking_is_quiet_until_something_newer() {
    let stage = Stage::set().await;
    stage.traffic().fail_next(Service::Calendar, "POST", REFUSED, 2);
    stage.invoke(&stage.delivery("evt_1", &sample_booking())).await;
    assert_eq!(sweep(&stage).await.len(), 1);
    let why = json!({ "dismiss": { "booking_id": SAMPLE_BOOKING_ID, "why": "entered by hand" } });
    assert_eq!(ask(&stage, why).await["dismissed"]["why"], "entered by hand");
    let mails = sweep(&stage).await;
    assert_eq!(words(&mails[1]), "BS-1048812 · Dana · Fri May 30, 2:00 PM: over. It stays as it is: entered by hand");
    assert_eq!(ask(&stage, json!({ "list": { "state": "parked" } })).await["bookings"], json!([]));
    let mut newer = sample_booking();
    newer["data"]["booking"]["revision"] = json!(2);
    newer["data"]["booking"]["updated_at"] = json!("2031-05-20T18:06:00Z");
    newer["data"]["booking"]["gross"] = json!("900.00");
    stage.invoke(&stage.delivery("evt_2", &newer)).await;
    assert_eq!(sweep(&stage).await.len(), 3, "it needs a person again");
    let nothing = ask(&stage, json!({ "dismiss": { "booking_id": SAMPLE_BOOKING_ID } })).await;
    assert_eq!(nothing["status"], 400, "{nothing:#}");
}

#[tokio::test]
async fn charters_are_found_by_day_name_and_charter_id() {
    let stage = Stage::set().await;
    stage.invoke(&stage.delivery("evt_1", &sample_booking())).await;
    let found = async |question: Value| {
        let listed = ask(&stage, json!({ "list": question })).await;
        listed["bookings"].as_array().unwrap_or_else(|| panic!("{listed:#}")).len()
    };
    for (question, expected) in [
        (json!({}), 1),
        (json!({ "from": "2031-05-30", "to": "2031-05-30" }), 1),
        (json!({ "from": "2031-05-31" }), 0),
        (json!({ "name": "whitfield" }), 1),
        (json!({ "name": "nobody" }), 0),
        (json!({ "state": "flagged" }), 0),
    ] {
        assert_eq!(found(question.clone()).await, expected, "{question}");
    }
    let status = ask(&stage, json!({ "status": { "charter_id": CHARTER_ID } })).await;
    assert_eq!(
        (&status["booking_id"], &status["local"]),
        (&json!(SAMPLE_BOOKING_ID), &json!("2031 Fri May 30, 2:00 PM"))
    );
    let delivery_id = &status["timeline"][0]["delivery_id"];
    assert_eq!(ask(&stage, json!({ "status": { "delivery_id": delivery_id } })).await["booking_id"], SAMPLE_BOOKING_ID);
    for wrong in [json!({ "state": "lost" }), json!({ "from": "May" }), json!({ "day": "2031-05-30" })] {
        assert_eq!(ask(&stage, json!({ "list": wrong })).await["status"], 400);
    }
}

#[tokio::test]
async fn a_guests_name_leaves_the_ledger_after_13_months() {
    let stage = Stage::set().await;
    stage.invoke(&stage.delivery("evt_1", &sample_booking())).await;
    let named = async || {
        let listed = ask(&stage, json!({ "list": { "from": "2031-05-30", "to": "2031-05-30" } })).await;
        listed["bookings"][0]["first_name"].clone()
    };
    stage.pass(Duration::from_secs(380 * 86_400)).await;
    sweep(&stage).await;
    assert_eq!(named().await, "Dana", "a year later it is still there");
    stage.pass(Duration::from_secs(40 * 86_400)).await;
    // Each minute of an hour, in one of which it is done.
    for _ in 0..60 {
        stage.pass(MINUTE).await;
        ask(&stage, json!({ "sweep": {} })).await;
    }
    let status = ask(&stage, json!({ "list": { "name": "Dana", "from": "2031-05-01" } })).await;
    assert_eq!(status["bookings"], json!([]), "{status:#}");
    assert_eq!(ask(&stage, json!({ "status": { "booking_id": SAMPLE_BOOKING_ID } })).await["state"], "in_step");
}

#[tokio::test]
async fn what_people_wrote_into_an_entrys_notes_stays() {
    let stage = Stage::set().await;
    stage.invoke(&stage.delivery("evt_1", &sample_booking())).await;
    let entry = stage.rehearsal.calendar.entries()[0].clone();
    let url = format!("{}/calendar/{}", stage.rehearsal.calendar.url(), entry["id"].as_str().expect("an id"));
    let notes = format!("Fuel is low\n\n{}\n\nAsk Jo", entry["notes"].as_str().expect("notes"));
    let patch = simulators::aws::loopback_client().patch(url).header("x-dashboard-token", rehearsal::DASHBOARD_TOKEN);
    let edited = patch.json(&json!({ "notes": notes })).send().await.expect("an answer");
    assert!(edited.status().is_success());
    let mut moved = sample_booking();
    moved["data"]["booking"]["revision"] = json!(2);
    moved["data"]["booking"]["updated_at"] = json!("2031-05-20T18:06:00Z");
    moved["data"]["booking"]["start_at"] = json!("2031-05-31T14:00:00-07:00");
    assert_eq!(stage.invoke(&stage.delivery("evt_2", &moved)).await.status(), Some(200));
    let notes = stage.rehearsal.calendar.entries()[0]["notes"].as_str().expect("notes").to_owned();
    assert!(notes.starts_with("Fuel is low\n\n===") && notes.ends_with("===\n\nAsk Jo"), "{notes}");
    assert!(notes.contains("now on Saturday, May 31") && !notes.contains("confirmed for"), "{notes}");
}
