//! Staging: four systems that can reach nobody, and the smoke test that CI runs against them.

use std::{collections::BTreeMap, process::Output, time::Duration};

use rehearsal::{
    DASHBOARD_TOKEN, Options, Rehearsal, SERVICE_KEY, WEBHOOK_PATH,
    staging::{Account, Deployed},
};
use serde_json::json;
use simulators::traffic::{Fault, Service};
use tokio::process::Command;

use crate::world::{SITE, World, sample, states};

/// A world whose guest site is where its edge is, so that the smoke test finds it.
fn options(env: &[(&str, &str)]) -> Options {
    let env = [("RETRY_BASE_MS", "1")].iter().chain(env);
    let env = env.map(|&(name, value)| (name.to_owned(), Some(value.to_owned()))).collect();
    Options { env, ..World::options() }
}

async fn start(options: Options) -> Rehearsal {
    Rehearsal::start(options).await.expect("the world starts")
}

/// As after a deployment: the health check puts the page that unknown links lead to.
async fn deployed(options: Options) -> Rehearsal {
    let rehearsal = start(options).await;
    rehearsal.invoke(&json!({ "check": {} })).await.expect("an answer");
    rehearsal
}

/// The smoke test as CI runs it, with what it is told about `rehearsal`; `null` takes a variable away.
async fn smoke(rehearsal: &Rehearsal, changes: &[(&str, Option<&str>)]) -> Output {
    let mut env: BTreeMap<&str, String> = BTreeMap::from([
        ("WEBHOOK_URL", format!("{}{WEBHOOK_PATH}", rehearsal.front_door.url())),
        ("SMOKE_WITHIN_SECONDS", "60".to_owned()),
    ]);
    let desk = rehearsal.invoke(&json!({ "desk_link": { "days": 1 } })).await.expect("an answer").payload;
    env.insert("DESK_LINK", desk["url"].as_str().expect("a link").to_owned());
    env.extend(rehearsal.environment_variables().iter().map(|(name, value)| (name.as_str(), value.clone())));
    for (name, value) in changes {
        match value {
            Some(value) => env.insert(name, (*value).to_owned()),
            None => env.remove(name),
        };
    }
    let mut program = Command::new(World::binaries().join("smoke"));
    program.env_clear().envs(env).kill_on_drop(true).output().await.expect("the program runs")
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat()
}

#[tokio::test]
async fn the_smoke_test_passes_against_a_rehearsal() {
    let world = deployed(options(&[])).await;
    let output = smoke(&world, &[]).await;
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}\n{}", world.logs().join("\n"));
    assert!(
        said.contains("answered 200 in_step") && said.contains("All four systems are as they should be."),
        "{said}"
    );
    for secret in [DASHBOARD_TOKEN, SERVICE_KEY, "token=", "/desk/"] {
        assert!(!said.contains(secret), "{secret} is in {said}");
    }
}

/// The function, the calendar and ShipCaptainCrew each under a Lambda of its own; the function may call these two and nothing else.
#[tokio::test]
async fn the_smoke_test_passes_against_all_of_staging() {
    let account = Account::create(World::binaries(), SITE).await.expect("an account");
    let calendar = account.start_calendar().await.expect("the calendar starts");
    let scc = account.start_scc().await.expect("ShipCaptainCrew starts");
    let own_key = "whsec_dGhlLXNlY29uZC1zZW5kZXItb2Ytc3RhZ2luZw==";
    let secrets = [
        ("webhook/getmyboat", json!({ "scheme": "standard-webhooks", "signing_secrets": [own_key] })),
        ("calendar", json!({ "url": calendar.api_url(), "dashboard_token": DASHBOARD_TOKEN })),
        ("scc", json!({ "url": scc.api_url(), "service_key": SERVICE_KEY })),
    ];
    let world = deployed(Options {
        secrets: secrets.map(|(name, value)| (name.to_owned(), value)).into(),
        ..options(&[
            ("READY_SENDERS", "getmyboat"),
            ("SERVICE_HOSTS", "listed"),
            ("ALLOWED_SERVICE_HOSTS", "127.0.0.1"),
            ("SCC_EVENTS_TABLE", &account.cloud.events_table),
        ])
    })
    .await;
    let mailbox = calendar.url() + "/office";
    let both = [("MAILBOX_URL", Some(&*mailbox)), ("SECOND_SENDER", Some("getmyboat"))];
    let output = tokio::select! {
        output = smoke(&world, &both) => output,
        () = notices_arrive(&world, &calendar) => unreachable!("the schedule never ends"),
    };
    let logs = [world.logs(), calendar.logs(), scc.logs()].concat().join("\n");
    assert_eq!(output.status.code(), Some(0), "{}\n{logs}", said(&output));
    let stages = said(&output).lines().filter(|line| line.contains("shown by all four systems")).count();
    assert!(stages == 3 + 2 && said(&output).contains(" GMB-SMOKE-"), "{}", said(&output));
    assert!(
        world.calendar.entries().is_empty() && world.scc.mailbox().is_empty(),
        "the rehearsal's own were not asked"
    );

    // And once more, with environments that have never seen the first booking.
    calendar.start_anew().await.expect("another environment");
    scc.start_anew().await.expect("another environment");
    let output = smoke(&world, &[]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

/// The schedule comes by, and SNS hands each notice to the mailbox.
async fn notices_arrive(world: &Rehearsal, mailbox: &Deployed) {
    let mut schedule = tokio::time::interval(Duration::from_millis(200));
    let mut handed_on = 0;
    loop {
        schedule.tick().await;
        world.invoke(&json!({ "sweep": {} })).await.expect("an answer");
        let mails = world.effects().await.expect("a look").office_mailbox;
        for mail in &mails[handed_on..] {
            let sns = json!({
                "MessageId": handed_on.to_string(), "Timestamp": world.clock.now().to_string(),
                "Subject": mail.subject, "Message": mail.text,
            });
            let event = json!({ "Records": [{ "EventSource": "aws:sns", "Sns": sns }] });
            let taken = mailbox.invoke(&event).await.expect("it is invoked");
            assert_eq!(taken.function_error, None, "{}", taken.payload);
            handed_on += 1;
        }
    }
}

#[tokio::test]
async fn the_smoke_test_sees_that_no_notice_arrives() {
    let account = Account::create(World::binaries(), SITE).await.expect("an account");
    let calendar = account.start_calendar().await.expect("the calendar starts");
    let world = deployed(options(&[])).await;
    let mailbox = calendar.url() + "/office";
    let output = smoke(&world, &[("MAILBOX_URL", Some(&mailbox)), ("SMOKE_WITHIN_SECONDS", Some("5"))]).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("the office's mailbox: no mail has the message"), "{}", said(&output));
}

#[tokio::test]
async fn the_smoke_test_sees_what_the_function_does_not() {
    let world = start(options(&[])).await;
    let missing = Fault::Answer { status: 404, acted: false, retry_after: None };
    world.traffic.fail_next(Service::Edge, "GET /g/", missing, 1_000);
    let output = smoke(&world, &[("SMOKE_WITHIN_SECONDS", Some("0"))]).await;
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("answered 200 in_step"), "{said}");
    let named: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("  - ")).collect();
    assert!(
        matches!(named[..], [page, file, typed, unknown] if page.starts_with("guest page: http")
            && page.ends_with("answered 404 Not Found") && file.starts_with("guest's calendar file: http")
            && typed.starts_with("guest page, link in lower case: http") && unknown.starts_with("unknown link: http")),
        "{said}"
    );
}

#[tokio::test]
async fn the_smoke_test_names_a_refusal_and_what_it_lacks() {
    let world = start(options(&[])).await;
    let down = Fault::Answer { status: 503, acted: false, retry_after: None };
    world.traffic.fail_next(Service::Calendar, "", down, 1_000);
    let output = smoke(&world, &[("SMOKE_WITHIN_SECONDS", Some("0"))]).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("calendar"), "{}", said(&output));

    for variable in ["WEBHOOK_URL", "GUEST_PAGE_BASE_URL", "SECRETS_PREFIX"] {
        let output = smoke(&world, &[(variable, None)]).await;
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(&format!("{variable} is missing")), "{}", said(&output));
    }
    let output = smoke(&world, &[("SECOND_SENDER", Some("dock"))]).await;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("/webhook/dock cannot be read"), "{}", said(&output));
    let output = smoke(&world, &[("SECRETS_PREFIX", Some("nobody"))]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("the secret nobody/webhook cannot be read"), "{}", said(&output));
}

#[tokio::test]
async fn the_smoke_test_sends_nothing_where_mail_might_leave() {
    let world = start(options(&[])).await;
    let real = json!({ "url": world.calendar.url(), "service_key": SERVICE_KEY });
    world.put_secret("scc", &real).await.expect("a version");
    let output = smoke(&world, &[]).await;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("has no outbox") && said(&output).contains("nothing was sent"), "{}", said(&output));
    assert!(world.effects().await.expect("a look").is_empty());
}

#[tokio::test]
async fn staging_calls_no_host_outside_its_list() {
    for list in ["", "calendar.execute-api.us-west-2.amazonaws.com, scc.execute-api.us-west-2.amazonaws.com"] {
        let world = World::with(&[("SERVICE_HOSTS", "listed"), ("ALLOWED_SERVICE_HOSTS", list)]).await;
        let answered = world.deliver(&sample()).await;
        let calendar = &answered.body["steps"]["calendar"];
        assert_eq!(calendar["state"], "due", "{:#}", answered.body);
        assert_eq!(states(&answered)[3], "in_step", "the guest page is staging's own: {:#}", answered.body);
        assert_eq!((world.count(Service::Calendar, ""), world.count(Service::Scc, "")), (0, 0), "nobody was called");
        assert!(world.effects().await.mailbox.is_empty());
        world.line(&["ALLOWED_SERVICE_HOSTS, which alone decides"]).await;
    }
}

#[tokio::test]
async fn the_smoke_test_looks_at_the_desk() {
    let world = start(options(&[])).await;
    let nowhere = format!("{}/desk/abc", world.front_door.url());
    let within = ("SMOKE_WITHIN_SECONDS", Some("1"));
    let output = smoke(&world, &[("DESK_LINK", Some(nowhere.as_str())), within]).await;
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("the office's desk: ") && said.contains("answered 404"), "{said}");
    assert!(!said.contains("/desk/abc"), "{said}");
}
