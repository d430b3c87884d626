//! Staging's stand-ins as Lambda treats them: any request may meet an environment that knows nothing of the one before it, and
//! nothing that was told to the one may be lost on the other.

use rehearsal::{
    DASHBOARD_TOKEN, RehearsalError, SERVICE_KEY,
    staging::{Account, Deployed},
};
use serde_json::{Value, json};
use simulators::aws;

use crate::world::{SITE, World};

async fn account() -> Account {
    Account::create(World::binaries(), SITE).await.expect("an account")
}

/// What `url` answers to somebody who holds `token` of `header`.
async fn get(url: &str, header: &str, token: &str) -> (u16, String) {
    let answer = aws::loopback_client().get(url).header(header, token).send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("text"))
}

fn entry() -> Value {
    json!({
        "date": "2031-05-30", "start": "2031-05-30T14:00:00-07:00", "end": "2031-05-30T17:00:00-07:00", "title": "Dana",
        "booking_id": "BS-1", "event_id": "XHQGMDH1", "revenue": 840.75,
        "expenses": { "crew": 250, "captain": 150, "port_tax": 151.34 }, "net": 289.41, "notes": "",
    })
}

fn event() -> Value {
    json!({
        "event_id": "XHQGMDH1", "name": "Boatsetter charter", "date": "2031-05-30T14:00:00-07:00", "duration_hours": 3,
        "crew_ids": ["crew-1"], "captain_id": "captain-1", "status": "pending_confirmation", "notes": "BS-1",
        "checklist": ["Fuel"], "guest": { "first_name": "Dana", "party_size": 8 },
    })
}

async fn create_event(scc: &Deployed) {
    let request = aws::loopback_client().post(scc.api_url() + "/events").bearer_auth(SERVICE_KEY);
    assert_eq!(request.json(&event()).send().await.expect("an answer").status(), 201);
}

/// The mails about the event, as `kind to`, and the first one's link.
async fn outbox(scc: &Deployed) -> (Vec<String>, String) {
    let (status, body) =
        get(&format!("{}/outbox/XHQGMDH1", scc.url()), "authorization", &format!("Bearer {SERVICE_KEY}")).await;
    assert_eq!(status, 200, "{body}");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let mails = body["mails"].as_array().expect("mails");
    let told = mails.iter().map(|mail| format!("{} {}", text(&mail["kind"]), text(&mail["to"]))).collect();
    (told, text(&mails[0]["link"]))
}

#[tokio::test]
async fn an_entry_outlives_the_environment_that_took_it() {
    let calendar = account().await.start_calendar().await.expect("it starts");
    let day = calendar.api_url() + "/calendar?date=2031-05-30";
    let create = || async {
        let request = aws::loopback_client().post(calendar.api_url() + "/calendar");
        let request = request.header("x-dashboard-token", DASHBOARD_TOKEN).json(&entry());
        let created = request.send().await.expect("an answer");
        assert_eq!(created.status(), 201);
        created.text().await.expect("text")
    };
    let first = create().await;
    calendar.start_anew().await.expect("another environment");
    let (status, body) = get(&day, "x-dashboard-token", DASHBOARD_TOKEN).await;
    assert_eq!((status, body), (200, format!(r#"{{"entries":[{first}]}}"#)));
    let second = create().await;
    assert!(first.contains("cal_1a2b") && second.contains("cal_1a2c"), "ids go on where they were: {first} {second}");
    assert_eq!(get(&day, "x-dashboard-token", "a guess").await.0, 401);
}

/// What SNS invokes a Lambda with.
fn notice(id: &str, at: &str, subject: &str) -> Value {
    json!({ "Records": [{ "EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": "arn:aws:sns:::x", "Sns": {
        "Type": "Notification", "MessageId": id, "TopicArn": "arn:aws:sns:::x", "Subject": subject, "Timestamp": at,
        "Message": "Tell the guest.", "MessageAttributes": {},
    } }] })
}

#[tokio::test]
async fn notices_are_kept_for_who_has_the_calendars_token() {
    let calendar = account().await.start_calendar().await.expect("it starts");
    let mailbox = calendar.url() + "/office";
    let (first, second) =
        (notice("b", "2031-05-30T20:00:00.000Z", "first"), notice("a", "2031-05-30T20:01:00.000Z", "second"));
    for event in [&second, &first, &first] {
        let taken = calendar.invoke(event).await.expect("it is invoked");
        assert_eq!(taken.function_error, None, "{}", taken.payload);
    }
    calendar.start_anew().await.expect("another environment");
    let (status, body) = get(&mailbox, "x-dashboard-token", DASHBOARD_TOKEN).await;
    let mails: Value = serde_json::from_str(&body).expect("JSON");
    let expected = ["first", "second"].map(|subject| json!({ "subject": subject, "text": "Tell the guest." }));
    assert_eq!((status, &mails["mails"]), (200, &json!(expected)), "each once, by their times");

    assert_eq!(get(&mailbox, "x-dashboard-token", "a guess").await.0, 401);
    // The API hands on every path; what comes by it is no notice.
    let forged = aws::loopback_client().post(calendar.url() + "/events").header("x-dashboard-token", DASHBOARD_TOKEN);
    let forged = forged.json(&notice("c", "2031-05-30T20:02:00.000Z", "forged")).send().await.expect("an answer");
    assert_eq!(forged.status(), 404);
    assert_eq!(get(&mailbox, "x-dashboard-token", DASHBOARD_TOKEN).await.1, body);
}

#[tokio::test]
async fn mail_links_open_from_any_environment() {
    let scc = account().await.start_scc().await.expect("it starts");
    create_event(&scc).await;
    let (told, link) = outbox(&scc).await;
    assert_eq!(told, ["magic_link crew-1", "magic_link captain-1"]);
    assert!(link.starts_with(&format!("{}/crew/XHQGMDH1?token=", scc.url())), "{link}");

    scc.start_anew().await.expect("another environment");
    assert_eq!(outbox(&scc).await, (told, link.clone()), "kept");
    let (status, page) = get(&link, "accept", "text/html").await;
    assert!(status == 200 && page.contains("<!doctype html>") && page.contains("Dana"), "{status}: {page}");
    assert_eq!(get(&format!("{}x", &link[..link.len() - 1]), "accept", "text/html").await.0, 403, "a guess");

    // A form goes through the gateway as well: what crew answer is what the next environment shows.
    let (address, token) = link.split_once("?token=").expect("a magic link");
    let form = aws::loopback_client().post(address).header("content-type", "application/x-www-form-urlencoded");
    let answered = form.body(format!("token={token}&answer=yes")).send().await.expect("an answer");
    assert_eq!(answered.status(), 303);
    scc.start_anew().await.expect("another environment");
    assert!(get(&link, "accept", "text/html").await.1.contains("You said yes"));
}

#[tokio::test]
async fn the_outbox_and_the_api_are_closed_to_strangers() {
    let scc = account().await.start_scc().await.expect("it starts");
    create_event(&scc).await;
    for path in ["/outbox/XHQGMDH1", "/prod/events/XHQGMDH1"] {
        for token in ["", "Bearer a guess", SERVICE_KEY] {
            let (status, body) = get(&format!("{}{path}", scc.url()), "authorization", token).await;
            assert!(status == 401 && !body.contains("token="), "{path} {token}: {status} {body}");
        }
    }
    // What an environment wrote has been read when it is gone.
    scc.start_anew().await.expect("another environment");
    assert!(!scc.logs().join("\n").contains(SERVICE_KEY), "no token is logged");
}

#[tokio::test]
async fn browsers_of_the_guest_site_may_ask_for_upload_forms() {
    let scc = account().await.start_scc().await.expect("it starts");
    let url = scc.api_url() + "/g/XHQGMDH1/presign";
    for (origin, allowed) in [(SITE, Some(SITE)), ("https://example.com", None)] {
        let preflight = aws::loopback_client().request(http::Method::OPTIONS, &url).header("origin", origin);
        let answer = preflight.send().await.expect("an answer");
        let shared = answer.headers().get("access-control-allow-origin").and_then(|value| value.to_str().ok());
        assert_eq!((answer.status().as_u16(), shared), (204, allowed), "{origin}");
    }
}

#[tokio::test]
async fn what_is_missing_is_named_before_anything_is_served() {
    let account = account().await;
    for (program, missing) in [
        ("staging-calendar", "RECORDS_TABLE"),
        ("staging-calendar", "SECRETS_PREFIX"),
        ("staging-scc", "LINK_BASE_URL"),
        ("staging-scc", "UPLOADS_BUCKET"),
    ] {
        let started = account.start(program, |env| drop(env.remove(missing))).await;
        let Err(RehearsalError::Init(error)) = started else { panic!("{program} starts without {missing}") };
        assert!(error.to_string().contains(&format!("the environment variable {missing} is missing")), "{error}");
    }
    account.cloud.put_secret("scc", &json!({ "service_key": "" })).await.expect("a version");
    let Err(RehearsalError::Init(error)) = account.start_scc().await else { panic!("it starts without a key") };
    assert!(error.to_string().contains("/scc has no service_key"), "{error}");
}
