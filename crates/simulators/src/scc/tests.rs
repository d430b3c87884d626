use super::*;
use crate::{aws, emulator::Emulator};

const KEY: &str = "service-key";

struct World {
    scc: Scc,
    clock: Clock,
    s3: aws_sdk_s3::Client,
    bucket: String,
    client: reqwest::Client,
}

impl World {
    async fn start() -> Self {
        let emulator = Emulator::shared().await.expect("the emulator starts");
        let configuration = aws::sdk_config(&emulator.url());
        let unique = format!("{:x}", rand::random::<u64>());
        let dynamodb = aws_sdk_dynamodb::Client::new(&configuration);
        let (events_table, bucket) = (format!("scc-events-{unique}"), format!("uploads-{unique}"));
        create_events_table(&dynamodb, &events_table).await.expect("a table");
        let s3 = aws::s3_client(&configuration);
        let placed = aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(aws::REGION.into());
        s3.create_bucket().bucket(&bucket).create_bucket_configuration(placed.build()).send().await.expect("a bucket");
        let clock = Clock::system();
        let options = SccOptions {
            service_key_hash: ServiceKeyHash::sha256(KEY),
            dynamodb,
            events_table,
            uploads: Uploads {
                endpoint_url: emulator.url(),
                bucket: bucket.clone(),
                region: aws::REGION.to_owned(),
                access_key_id: aws::TEST_CREDENTIAL.to_owned(),
                secret_access_key: aws::TEST_CREDENTIAL.to_owned(),
                session_token: None,
            },
            site_origin: "https://queenofsandiego.com".to_owned(),
            clock: clock.clone(),
        };
        let scc = Scc::start(Traffic::new(), options).await.expect("a free port");
        Self { scc, clock, s3, bucket, client: aws::loopback_client() }
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> reqwest::Response {
        let url = self.scc.url() + path;
        self.client.request(method, url).bearer_auth(KEY).json(body).send().await.expect("an answer")
    }

    async fn create(&self) {
        assert_eq!(self.ask(Method::POST, "/events", &event()).await.status(), 201);
    }

    async fn patch(&self, changes: Value) {
        assert_eq!(self.ask(Method::PATCH, "/events/XHQGMDH1", &changes).await.status(), 200);
    }

    /// Every mail as `kind to`.
    fn mails(&self) -> Vec<String> {
        let mails = self.scc.mailbox();
        mails.iter().map(|mail| format!("{} {}", json!(mail.kind).as_str().unwrap_or("?"), mail.to)).collect()
    }

    fn link(&self, person: &str) -> String {
        let mails = self.scc.mailbox();
        let mail = mails.iter().find(|mail| mail.to == person).expect("a mail");
        mail.link.clone().expect("a magic link")
    }

    async fn page(&self, link: &str) -> (u16, String) {
        let answer = self.client.get(link).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    }

    /// Sends a form of the page behind `link`; the page that the browser is led to.
    async fn submit(&self, link: &str, field: &str) -> (u16, String) {
        let (page, token) = link.split_once("?token=").expect("a magic link");
        let form = self.client.post(page).header("content-type", "application/x-www-form-urlencoded");
        let answer = form.body(format!("token={token}&{field}")).send().await.expect("an answer");
        match answer.headers().get("location") {
            Some(location) => {
                let location = location.to_str().expect("a path");
                self.page(&format!("{}{location}", self.scc.server.url())).await
            }
            None => (answer.status().as_u16(), answer.text().await.expect("text")),
        }
    }
}

fn event() -> Value {
    json!({
        "event_id": "XHQGMDH1", "name": "Boatsetter charter · Queen of San Diego", "date": "2025-05-30T14:00:00-07:00",
        "report_at": "2025-05-30T13:00:00-07:00", "released_at": "2025-05-30T18:00:00-07:00",
        "local_time": "Fri 30 May 2025, 2:00 PM PDT", "duration_hours": 3, "location": "Pier 5",
        "guest": { "first_name": "Dana", "party_size": 8 }, "guest_page": "https://queenofsandiego.com/g/XHQGMDH1",
        "crew_ids": ["crew-1", "crew-2"], "captain_id": "captain-1", "status": "pending_confirmation",
        "notes": "Boatsetter booking ref: BS-1048812", "checklist": ["Fuel", "Ice"],
    })
}

#[tokio::test]
async fn creating_mails_everybody_once_and_a_repeat_nobody() {
    let world = World::start().await;
    world.create().await;
    assert_eq!(world.ask(Method::POST, "/events", &event()).await.status(), 409);
    assert_eq!(world.mails(), ["magic_link crew-1", "magic_link crew-2", "magic_link captain-1"]);
    let text = &world.scc.mailbox()[0].text;
    assert!(text.contains("Report 1:00 PM, released 6:00 PM"), "{text}");
    assert_eq!(world.scc.events().await.len(), 1);
}

#[tokio::test]
async fn the_same_change_twice_notifies_once_also_at_once() {
    let world = World::start().await;
    world.create().await;
    let change = json!({ "date": "2025-05-31T14:00:00-07:00", "crew_ids": ["crew-1", "crew-3"], "notes": "x" });
    tokio::join!(world.patch(change.clone()), world.patch(change.clone()), world.patch(change));
    assert_eq!(world.mails()[3..], ["change crew-1", "magic_link crew-3", "change captain-1", "removed crew-2"]);
    world.patch(json!({ "notes": "y", "checklist": [] })).await;
    assert_eq!(world.mails().len(), 7);
    assert_eq!(world.page(&world.link("crew-2")).await.0, 403, "the link of a person taken off opens nothing");
}

#[tokio::test]
async fn money_leaks_when_told_and_crew_would_see_it() {
    let world = World::start().await;
    world.create().await;
    world.scc.leak_money_into("XHQGMDH1").await.expect("the table is there");
    let leaky = &world.scc.events().await[0];
    assert_eq!(leaky["revenue"].to_string(), "840.75");
    assert_eq!(leaky["pay"]["captain_fee"].to_string(), "150");
    assert_eq!(leaky["Port-Tax"].to_string(), "151.34");
    let (_, page) = world.page(&world.link("crew-1")).await;
    assert!(page.contains("Gross: $840.75") && page.contains("151.34"), "{page}");

    world.scc.leak_on_create(true);
    let mut second = event();
    second["event_id"] = json!("ABCDEFGH");
    let answer = world.ask(Method::POST, "/events", &second).await;
    let created: Value = serde_json::from_str(&answer.text().await.expect("text")).expect("JSON");
    assert_eq!(created["revenue"].to_string(), "840.75");
}

#[tokio::test]
async fn crew_confirm_tick_and_log_without_a_script() {
    let world = World::start().await;
    world.create().await;
    let link = world.link("crew-1");
    let (status, page) = world.page(&link).await;
    assert_eq!(status, 200);
    for shown in
        ["Queen of San Diego", "2:00 PM PDT", "1:00 PM", "6:00 PM", "Dana", "party of 8", "Pier 5", "captain-1"]
    {
        assert!(page.contains(shown), "{shown} is missing: {page}");
    }

    let (_, page) = world.submit(&link, "tick=Ice").await;
    assert!(page.contains(r#"value="Ice" aria-pressed="true""#), "{page}");
    let (_, page) = world.submit(&link, "kind=tips&amount=20.50&words=thanks").await;
    assert!(page.contains("$20.50") && page.contains("thanks"), "{page}");
    let (status, page) = world.submit(&link, "kind=tips&amount=much").await;
    assert!(status == 422 && page.contains("as a number"), "{page}");

    for person in ["crew-1", "crew-2", "captain-1"] {
        assert_eq!(world.submit(&world.link(person), "answer=yes").await.0, 200);
    }
    let event = &world.scc.events().await[0];
    assert_eq!(event["status"], "confirmed");
    assert_eq!(event["tips"][0]["amount"].as_f64(), Some(20.5));
    assert_eq!(world.mails().len(), 3, "crew's own answers are no change of the charter");

    let (guess, _) = link.split_once("?token=").expect("a magic link");
    assert_eq!(world.page(&format!("{guess}?token=wrong")).await.0, 403);
    assert_eq!(world.page(guess).await.0, 403);
    assert_eq!(world.submit(&format!("{guess}?token=wrong"), "tick=Fuel").await.0, 403);
}

#[tokio::test]
async fn a_photo_goes_from_the_guests_browser_to_the_crew() {
    let world = World::start().await;
    world.create().await;
    world.clock.set("2025-05-31T10:00:00-07:00".parse().expect("a time"));
    let wanted = json!({ "filename": "sunset.jpg", "content_type": "image/jpeg", "bytes": 5 });
    let form = world.ask(Method::POST, "/g/XHQGMDH1/presign", &wanted).await.text().await.expect("text");
    let form: Value = serde_json::from_str(&form).expect("JSON");

    assert_eq!(world.upload(&form, "123456").await, 400, "larger than was asked for");
    assert!((200..300).contains(&world.upload(&form, "12345").await));
    let listed = world.s3.list_objects_v2().bucket(&world.bucket).send().await.expect("a list");
    assert_eq!(listed.contents()[0].key(), form["key"].as_str());
    let (_, page) = world.page(&world.link("crew-1")).await;
    assert!(page.contains(r#"alt="sunset.jpg""#), "{page}");
}

impl World {
    async fn upload(&self, form: &Value, bytes: &str) -> u16 {
        let fields = form["fields"].as_object().expect("fields");
        let mut parts = String::new();
        for (name, value) in fields {
            let value = value.as_str().expect("text");
            parts += &format!("--part\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        }
        parts += &format!(
            "--part\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\n\
             Content-Type: image/jpeg\r\n\r\n{bytes}\r\n--part--\r\n"
        );
        let upload = self.client.post(form["url"].as_str().expect("a URL"));
        let upload = upload.header("content-type", "multipart/form-data; boundary=part").body(parts);
        upload.send().await.expect("an answer").status().as_u16()
    }
}

#[tokio::test]
async fn only_the_guest_site_may_ask_for_forms_and_send_them() {
    let world = World::start().await;
    world.create().await;
    world.clock.set("2025-05-31T10:00:00-07:00".parse().expect("a time"));
    let wanted = json!({ "filename": "sunset.jpg", "content_type": "image/jpeg", "bytes": 5 });
    let form = world.ask(Method::POST, "/g/XHQGMDH1/presign", &wanted).await.text().await.expect("text");
    let form: Value = serde_json::from_str(&form).expect("JSON");
    let upload = form["url"].as_str().expect("a URL").to_owned();

    for url in [format!("{}/g/XHQGMDH1/presign", world.scc.url()), upload.clone()] {
        for (origin, readable) in [("https://queenofsandiego.com", true), ("https://example.com", false)] {
            for method in [Method::OPTIONS, Method::POST] {
                let answer =
                    world.client.request(method, &url).header("origin", origin).send().await.expect("an answer");
                let allowed = answer.headers().get("access-control-allow-origin").and_then(|value| value.to_str().ok());
                assert_eq!(allowed, readable.then_some(origin), "{url} for {origin}");
                assert_eq!(answer.headers()["vary"], "Origin");
            }
        }
    }
    let listing = world.client.get(&upload).send().await.expect("an answer");
    assert_eq!(listing.status(), 403, "nobody lists what guests sent");
}

#[tokio::test]
async fn a_rotation_closes_the_old_key_out() {
    let world = World::start().await;
    world.scc.set_service_key_hash(ServiceKeyHash::bcrypt("new"));
    assert_eq!(world.ask(Method::POST, "/events", &event()).await.status(), 401);
    let url = format!("{}/events", world.scc.url());
    let answer = world.client.post(url).header("x-service-key", "new").json(&event()).send().await;
    assert_eq!(answer.expect("an answer").status(), 201);
}
