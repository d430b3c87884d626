//! The office at its desk: a mail's link opens a case, a button asks once more, and what it does is done once.

use std::time::Duration;

use jiff::SignedDuration;
use regex_lite::Regex;
use rehearsal::Options;
use reqwest::Client;
use serde_json::{Value, json};
use simulators::{aws::loopback_client, office::OfficeMail, sender::SAMPLE_BOOKING_ID, traffic::Service};

use crate::{
    prove::stage::{Process, Stage},
    world::{CHARTER_ID, REFUSED, World, later, sample, sample_with},
};

/// What a browser was answered.
struct Page {
    status: u16,
    headers: http::HeaderMap,
    html: String,
}

/// Somebody in the office, with a browser that follows nothing by itself.
struct Office(Client);

impl Office {
    fn new() -> Self {
        Self(loopback_client())
    }

    async fn open(&self, url: &str) -> Page {
        Page::of(self.0.get(url).send().await.expect("an answer")).await
    }

    async fn post(&self, url: &str, form: &[(&str, &str)]) -> Page {
        let body = form.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&");
        let post = self.0.post(url).header("content-type", "application/x-www-form-urlencoded").body(body);
        Page::of(post.send().await.expect("an answer")).await
    }

    /// Presses a button of `page`, and says yes; the page that follows.
    async fn press(&self, world: &World, page: &Page, label: &str, form: &[(&str, &str)]) -> Page {
        let button = world.url(&page.button(label));
        let asked = self.open(&button).await;
        assert_eq!(asked.status, 200, "{}", asked.html);
        let done = self.post(&button, form).await;
        assert_eq!(done.status, 303, "{}", done.html);
        self.open(&world.url(done.headers["location"].to_str().expect("text"))).await
    }
}

fn encoded(value: &str) -> String {
    value.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

impl Page {
    async fn of(answer: reqwest::Response) -> Self {
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Self { status, headers, html: unescaped(&answer.text().await.expect("text")) }
    }

    /// Where the button of this label leads.
    fn button(&self, label: &str) -> String {
        self.find_button(label).unwrap_or_else(|| panic!("no button {label:?}: {}", self.html))
    }

    fn find_button(&self, label: &str) -> Option<String> {
        let pattern = format!(r#"href="([^"]+)"[^>]*>{}</a>"#, label.replace('?', r"\?"));
        Some(Regex::new(&pattern).expect("a pattern").captures(&self.html)?[1].to_owned())
    }

    /// Where the form that *Sent* stands in posts to.
    fn form(&self) -> Option<String> {
        Some(Regex::new(r#"method="post" action="([^"]+)""#).expect("a pattern").captures(&self.html)?[1].to_owned())
    }

    #[track_caller]
    fn says(&self, words: &[&str]) {
        for words in words {
            assert!(self.html.contains(words), "{words:?} is missing: {}", self.html);
        }
    }

    #[track_caller]
    fn says_nothing_of(&self, words: &[&str]) {
        for words in words {
            assert!(!self.html.contains(words), "{words:?}: {}", self.html);
        }
    }

    /// What stands in a field of the form.
    fn value(&self, name: &str) -> String {
        let pattern = format!(r#"name="{name}"[^>]* value="([^"]*)""#);
        let found = Regex::new(&pattern).expect("a pattern");
        found.captures(&self.html).unwrap_or_else(|| panic!("no field {name}: {}", self.html))[1].to_owned()
    }
}

/// As a browser reads it.
fn unescaped(html: &str) -> String {
    [("&#x2F;", "/"), ("&#x27;", "'"), ("&#39;", "'"), ("&quot;", "\"")]
        .iter()
        .fold(html.to_owned(), |html, (escape, sign)| html.replace(escape, sign))
}

impl World {
    /// An address of the function's own API.
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.front_door.url())
    }

    /// The newest mail to the office, as soon as the schedule has come by.
    async fn mail(&self) -> OfficeMail {
        self.sweep().await;
        self.effects().await.office_mailbox.pop().expect("the office is mailed")
    }

    /// A link to the whole desk.
    async fn desk(&self) -> String {
        let answer = self.ask(&json!({ "desk_link": {} })).await;
        answer["url"].as_str().unwrap_or_else(|| panic!("{answer:#}")).to_owned()
    }

    /// No line of ours holds what opens the desk.
    async fn assert_no_log_holds(&self, links: &[String]) {
        let logs = self.logs().await;
        for token in links.iter().flat_map(|link| link.split('/')).filter(|part| part.len() > 40) {
            assert!(logs.iter().all(|line| !line.contains(token)), "a token stands in the log");
        }
    }
}

fn link_in(mail: &OfficeMail) -> String {
    let link = Regex::new(r"https?://\S+/desk/\S+").expect("a pattern");
    link.find(&mail.text).unwrap_or_else(|| panic!("no link: {}", mail.text)).as_str().to_owned()
}

/// The calendar refuses the booking once; the page behind the mail's link.
async fn parked(world: &World) -> (String, Page) {
    world.traffic.fail_next(Service::Calendar, "POST", REFUSED, 1);
    world.deliver(&sample()).await;
    let link = link_in(&world.mail().await);
    let page = Office::new().open(&link).await;
    assert_eq!(page.status, 200, "{}", page.html);
    (link, page)
}

#[tokio::test]
async fn a_parked_booking_comes_in_step_from_its_mail() {
    let (world, office) = (World::start().await, Office::new());
    let (link, page) = parked(&world).await;
    page.says(&[
        "Dana Whitfield",
        "Fri May 30 2031, 2:00 PM",
        "Queen of San Diego",
        "8 guests",
        "Needs you",
        "It is not in the calendar: it was refused",
        "<strong>Calendar</strong>: not there, needs you",
        "<strong>Crew (ShipCaptainCrew)</strong>: in step",
        "Hi Dana, this is JADA Sailing. Your charter on Queen of San Diego is confirmed for Friday, May 30",
        "<strong>Marketplace</strong>: ",
    ]);
    page.says_nothing_of(&["840", "289.41", "rehearsal-", "Bearer"]);
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("x-robots-tag", "noindex, nofollow"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(page.headers[name], value, "{name}");
    }
    let policy = page.headers["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-") && !policy.contains("unsafe"), "{policy}");

    let done = office.press(&world, &page, "Try again", &[]).await;
    done.says(&["In step everywhere", "<strong>Office</strong>: <bdi>Try again, by the mail's link ", "in step"]);
    assert!(done.find_button("Try again").is_none(), "nothing is left to do: {}", done.html);
    World::assert_one_of_everything(&world.effects().await);
    let over = world.mail().await;
    assert!(
        over.text.contains(": over. The calendar, the crew and the guest have it.\n\nSee it: http"),
        "{}",
        over.text
    );
    world.assert_no_log_holds(&[link, page.button("Try again")]).await;
}

#[tokio::test]
async fn a_mail_scanner_changes_nothing() {
    let (world, office) = (World::start().await, Office::new());
    let (link, page) = parked(&world).await;
    let before = world.effects().await;
    let calls = world.traffic.calls().len();
    for label in ["Try again", "Leave it", "Enter it"] {
        let asked = office.open(&world.url(&page.button(label))).await;
        assert_eq!(asked.status, 200, "{label}: {}", asked.html);
        asked.says(&[label, "method=\"post\""]);
    }
    assert_eq!(office.post(&link, &[]).await.status, 405, "a page presses nothing");
    let wrote: Vec<_> = world.traffic.calls()[calls..]
        .iter()
        .filter(|call| !["GetItem", "Query"].iter().any(|read| call.operation.contains(read)))
        .map(|call| format!("{:?} {}", call.service, call.operation))
        .collect();
    assert_eq!(wrote, [""; 0], "GETs read the ledger and nothing else");
    assert_eq!(world.effects().await, before);
}

#[tokio::test]
async fn it_sails_and_it_is_off_are_the_offices_to_say() {
    let (world, office) = (World::start().await, Office::new());
    world.deliver(&sample()).await;
    world.deliver(&later(1, json!({ "status": "cancelled" }))).await;
    let gone = world.effects().await;
    assert_eq!(gone.calendar.len(), 0);
    world.deliver(&later(2, json!({ "status": "confirmed" }))).await;
    let page = office.open(&link_in(&world.mail().await)).await;
    page.says(&["It waits for a decision: the booking is confirmed again after it was cancelled"]);
    assert!(page.find_button("Try again").is_none(), "trying again decides nothing: {}", page.html);
    let done = office.press(&world, &page, "It sails", &[]).await;
    done.says(&["In step everywhere", "Office</strong>: <bdi>It sails, by"]);
    assert_eq!(world.effects().await.calendar.len(), 1, "it is in the calendar again");
}

#[tokio::test]
async fn what_is_left_as_it_is_says_why_and_is_quiet() {
    let (world, office) = (World::start().await, Office::new());
    let (link, page) = parked(&world).await;
    let done = office.press(&world, &page, "Leave it", &[("why", "Jo typed it in <b>herself</b>")]).await;
    done.says(&["Left as it is: Jo typed it in &lt;b&gt;herself", "Office</strong>: <bdi>Leave it: Jo typed it in"]);
    done.says_nothing_of(&["<b>herself"]);
    assert_eq!(world.status().await["dismissed"]["why"], "Jo typed it in <b>herself</b>");
    let over = world.mail().await;
    assert!(over.text.contains("over. It stays as it is: Jo typed it in"), "{}", over.text);
    let again = office.post(&world.url(&page.button("Leave it")), &[]).await;
    assert_eq!(again.status, 409, "{}", again.html);
    again.says(&["Something happened meanwhile", "Leave it: Jo typed it in", "You did nothing"]);
    assert_eq!(office.open(&link).await.status, 200);
}

/// A booking of which the mapping cannot read the gross.
pub(crate) fn without_gross(id: &str) -> Value {
    let mut told = sample_with(json!({ "id": id }));
    told["data"]["booking"].as_object_mut().expect("an object").remove("gross");
    told
}

#[tokio::test]
async fn what_was_not_understood_is_entered_from_its_mail() {
    let (world, office) = (World::start().await, Office::new());
    assert_eq!(world.deliver(&without_gross("BS-77")).await.body["state"], "quarantined");
    let link = link_in(&world.mail().await);
    let page = office.open(&link).await;
    page.says(&["BS-77", "Not understood", "/data/booking/gross is missing"]);
    let form = world.url(&page.button("Enter it"));
    let asked = office.open(&form).await;
    for (name, value) in [
        ("id", "BS-77"),
        ("date", "2031-05-30"),
        ("time", "14:00"),
        ("hours", "3"),
        ("party_size", "8"),
        ("guest_name", "Dana Whitfield"),
        ("gross", ""),
        ("crew_ids", "crew-1, crew-2"),
    ] {
        assert_eq!(asked.value(name), value, "{name}");
    }
    let typed = |gross: &'static str| {
        [
            ("id", "BS-77"),
            ("status", "confirmed"),
            ("date", "2031-05-30"),
            ("time", "14:00"),
            ("hours", "3"),
            ("boat", "qosd"),
            ("party_size", "8"),
            ("guest_name", "Dana Whitfield"),
            ("locale", "en"),
            ("crew_ids", "crew-1, crew-2"),
            ("captain_id", "captain-1"),
            ("seen", ""),
            ("gross", gross),
        ]
    };
    let faulty = office.post(&form, &typed("eight hundred")).await;
    assert_eq!(faulty.status, 422, "{}", faulty.html);
    faulty.says(&["Nothing was entered yet", "What the guest paid", "aria-invalid=\"true\""]);
    assert_eq!((faulty.value("gross").as_str(), faulty.value("hours").as_str()), ("eight hundred", "3"));
    assert_eq!(world.effects().await.calendar.len(), 0, "nothing was entered");

    let done = office.post(&form, &typed("840.75")).await;
    assert_eq!(done.status, 303, "{}", done.html);
    let after = office.open(&link).await;
    after.says(&["Over: a person entered BS-77 from it", "Enter it: BS-77, by the mail's link"]);
    let effects = world.effects().await;
    assert_eq!((effects.calendar.len(), effects.scc_events.len()), (1, 1));
    assert_eq!(effects.calendar[0]["booking_id"], "BS-77");
    let again = office.post(&form, &typed("840.75")).await;
    assert_eq!(again.status, 409, "{}", again.html);
    assert_eq!(world.effects().await.mailbox.len(), effects.mailbox.len(), "nobody is mailed twice");
}

#[tokio::test]
async fn an_entry_never_covers_what_its_writer_had_not_seen() {
    let (world, office) = (World::start().await, Office::new());
    world.deliver(&without_gross("BS-77")).await;
    let page = office.open(&link_in(&world.mail().await)).await;
    let form = world.url(&page.button("Enter it"));
    world.deliver(&sample_with(json!({ "id": "BS-77", "party_size": 5 }))).await;
    let typed = [("id", "BS-77"), ("date", "2031-05-30"), ("time", "9:00"), ("gross", "1"), ("seen", "")];
    let refused = office.post(&form, &typed).await;
    assert_eq!(refused.status, 409, "{}", refused.html);
    assert_eq!(world.effects().await.calendar[0]["start"], "2031-05-30T14:00:00-07:00");
    if refused.html.contains("Enter it") && refused.html.contains("name=\"seen\"") {
        refused.says(&["BS-77 is on record, Fri May 30 2031, 2:00 PM", "that you had not seen"]);
        assert_eq!(refused.value("seen"), "1");
    }
}

#[tokio::test]
async fn of_two_who_press_at_once_one_wins() {
    let (world, office) = (World::with_options(Options { environments: 2, ..World::options() }).await, Office::new());
    let (_, page) = parked(&world).await;
    let buttons = ["Try again", "Leave it"].map(|label| world.url(&page.button(label)));
    let (one, other) = tokio::join!(office.post(&buttons[0], &[]), office.post(&buttons[1], &[("why", "by hand")]));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409], "{} {}", one.html, other.html);
    let (winner, loser) = if one.status == 303 { ("Try again", &other) } else { ("Leave it: by hand", &one) };
    // Who comes while the winner is at it is told to wait; who comes after reads what was done.
    assert!(loser.html.contains(winner) || loser.html.contains("being worked on"), "{}", loser.html);
    let status = world.status().await;
    let office_lines: Vec<&Value> =
        status["timeline"].as_array().expect("lines").iter().filter(|line| line["kind"] == "office").collect();
    assert_eq!(office_lines.len(), 1, "{office_lines:#?}");
    assert!(office_lines[0]["what"].as_str().is_some_and(|what| what.starts_with(winner)), "{office_lines:#?}");
    assert_eq!(status["dismissed"].is_null(), winner == "Try again", "{status:#}");
}

#[tokio::test]
async fn a_button_is_for_the_decision_that_was_seen() {
    let (world, office) = (World::start().await, Office::new());
    world.traffic.fail_next(Service::Calendar, "POST", REFUSED, 4);
    world.deliver(&sample()).await;
    let page = office.open(&link_in(&world.mail().await)).await;
    world.deliver(&later(1, json!({ "party_size": 9 }))).await;
    for label in ["Try again", "Leave it"] {
        let late = office.post(&world.url(&page.button(label)), &[("why", "late")]).await;
        assert_eq!(late.status, 409, "{label}: {}", late.html);
        late.says(&["Something newer came in from the marketplace"]);
        let asked = office.open(&world.url(&page.button(label))).await;
        assert_eq!(asked.status, 409, "{label}: it says so before anybody presses");
    }
    let status = world.status().await;
    assert_eq!((&status["state"], status["dismissed"].is_null()), (&json!("parked"), true), "{status:#}");
    assert!(!status.to_string().contains("\"office\""), "{status:#}");
}

#[tokio::test]
async fn a_link_is_good_for_nothing_else() {
    let (world, office) = (World::start().await, Office::new());
    let (link, page) = parked(&world).await;
    world.traffic.fail_next(Service::Calendar, "POST", REFUSED, 1);
    world.deliver(&sample_with(json!({ "id": "BS-2", "guest": { "name": "Ann Lee", "locale": "en" } }))).await;
    let other = link_in(&world.mail().await);
    assert_eq!(office.open(&other).await.status, 200);
    let button = page.button("Try again");
    let token = button.rsplit('/').next().expect("a token");
    let own = link.rsplit('/').next().expect("a token");
    let before = (world.effects().await, world.status().await);
    let flipped = |text: &str, at: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).expect("text")
    };
    for (what, path, status) in [
        ("another booking's button", format!("{other}/{token}"), 403),
        ("a page in a button's place", format!("{link}/{own}"), 403),
        ("a button in a page's place", world.url(&format!("/desk/{token}")), 404),
        ("a button twice", format!("{link}/{token}/{token}"), 404),
        ("a page that was changed", world.url(&format!("/desk/{}/{token}", flipped(own, 3))), 404),
        ("a button that was changed", format!("{link}/{}", flipped(token, 0)), 403),
        ("a button whose end was changed", format!("{link}/{}", flipped(token, token.len() - 2)), 403),
        ("a button that was cut off", format!("{link}/{}", &token[..token.len() - 1]), 403),
        ("nothing", world.url("/desk"), 404),
    ] {
        for page in [office.open(&path).await, office.post(&path, &[("action", "try_again")]).await] {
            assert_eq!(page.status, status, "{what}: {}", page.html);
            page.says(&["<h1>"]);
            page.says_nothing_of(&["Whitfield", "Ann Lee"]);
        }
    }
    assert_eq!((world.effects().await, world.status().await), before, "nothing happened");
}

impl Stage {
    async fn desk_process(&self) -> Process {
        self.process(SignedDuration::ZERO).await.expect("it starts")
    }
}

/// The path of a link in the newest mail to the office.
async fn path_in_mail(stage: &Stage) -> String {
    let mail = stage.look().await.office_mailbox.pop().expect("the office is mailed");
    let link = link_in(&mail);
    link[link.find("/desk/").expect("a desk")..].to_owned()
}

#[tokio::test]
async fn a_link_lasts_a_week_and_a_button_a_quarter_of_an_hour() {
    let stage = Stage::set().await;
    stage.traffic().fail_next(Service::Calendar, "POST", REFUSED, 1);
    stage.deliver(&sample()).await;
    stage.sweep().await;
    let path = path_in_mail(&stage).await;
    let process = stage.desk_process().await;
    let (status, html) = process.browse("GET", &path, "").await;
    assert_eq!(status, 200, "{html}");
    let button = Page { status, headers: http::HeaderMap::new(), html: unescaped(&html) }.button("Leave it");
    stage.pass(Duration::from_secs(14 * 60)).await;
    assert_eq!(process.browse("GET", &button, "").await.0, 200);
    stage.pass(Duration::from_secs(2 * 60)).await;
    for method in ["GET", "POST"] {
        let (status, html) = process.browse(method, &button, "why=late").await;
        assert!(status == 410 && html.contains("You waited a little too long"), "{method} {status}: {html}");
    }
    assert!(stage.status().await["dismissed"].is_null(), "nothing was done");
    stage.pass(Duration::from_secs(7 * 86_400)).await;
    let (status, html) = process.browse("GET", &path, "").await;
    assert!(status == 410 && html.contains("This link is too old") && !html.contains("Whitfield"), "{status}: {html}");
}

#[tokio::test]
async fn a_new_key_ends_every_link_within_a_minute() {
    let stage = Stage::set().await;
    stage.traffic().fail_next(Service::Calendar, "POST", REFUSED, 1);
    stage.deliver(&sample()).await;
    stage.sweep().await;
    let path = path_in_mail(&stage).await;
    let process = stage.desk_process().await;
    assert_eq!(process.browse("GET", &path, "").await.0, 200);
    let key = json!({ "key": "YW5vdGhlciBrZXksIGFzIGxvbmcgYXMgaXQgbXVzdCBiZQ==" });
    stage.rehearsal.put_secret("desk", &key).await.expect("it is put");
    stage.pass(Duration::from_secs(61)).await;
    let (status, html) = process.browse("GET", &path, "").await;
    assert!(status == 404 && html.contains("This link leads nowhere"), "{status}: {html}");
}

#[tokio::test]
async fn without_a_key_the_mail_says_that_there_is_no_desk() {
    for (secret, words) in [
        (Value::Null, "There is no link to the desk. Put a key into the secret "),
        (json!({ "key": "short" }), "has a key that is no base64 of 32 bytes or more"),
    ] {
        let world = World::with_secrets(&[], &[("desk", secret)]).await;
        world.traffic.fail_next(Service::Calendar, "POST", REFUSED, 1);
        assert_eq!(world.deliver(&sample()).await.status, 202, "bookings need no desk");
        let mail = world.mail().await;
        assert!(mail.text.contains(words) && !mail.text.contains("/desk/"), "{}", mail.text);
        let answer = world.ask(&json!({ "desk_link": { "days": 30 } })).await;
        assert_eq!((&answer["status"], &answer["title"]), (&json!(503), &json!("There is no desk")), "{answer:#}");
        assert_eq!(Office::new().open(&world.url("/desk/abc")).await.status, 404);
    }
}

#[tokio::test]
async fn the_whole_desk_shows_what_waits_and_what_sails() {
    let (world, office) = (World::start().await, Office::new());
    let day = |days: i64| {
        let start = crate::world::now().checked_add(SignedDuration::from_hours(24 * days)).expect("in range");
        json!(start.to_string())
    };
    for (id, name, days) in [("BS-11", "Ann Lee", 3), ("BS-12", "Bo Chen", 9), ("BS-13", "Far Away", 90)] {
        let told = sample_with(json!({ "id": id, "start_at": day(days), "guest": { "name": name, "locale": "en" } }));
        assert_eq!(world.deliver(&told).await.status, 200, "{id}");
    }
    world.traffic.fail_next(Service::Calendar, "POST", REFUSED, 1);
    world.deliver(&sample()).await;
    world.deliver(&without_gross("BS-77")).await;
    let link = world.desk().await;
    let page = office.open(&link).await;
    assert_eq!(page.status, 200, "{}", page.html);
    page.says(&[
        "Needs you (2)",
        "BS-77",
        "Could not be read: /data/booking/gross is missing",
        "It is not in the calendar: it was refused",
        "The next 60 days",
        ">Ann</bdi>",
        ">Bo</bdi>",
        "<span class=\"sr\">Calendar: in step</span>",
        "<span class=\"sr\">Calendar: not there, needs you</span>",
    ]);
    page.says_nothing_of(&[">Far</bdi>", "Whitfield", "840", "Chen"]);
    for (query, found, others) in [
        ("?q=lee", ">Ann</bdi>", ">Bo</bdi>"),
        ("?q=BS-13", ">Far</bdi>", ">Bo</bdi>"),
        (&*format!("?q={CHARTER_ID}"), ">Dana</bdi>", ">Bo</bdi>"),
        ("?date=2031-05-30", ">Dana</bdi>", ">Bo</bdi>"),
        ("?q=nobody", "No charter.", ">Bo</bdi>"),
    ] {
        let page = office.open(&format!("{link}{query}")).await;
        assert_eq!(page.status, 200, "{query}");
        page.says(&[found]);
        page.says_nothing_of(&[others]);
    }

    let case = Regex::new(r#"href="([^"]+)"><span class="time">[^<]*</span><span class="name"><bdi>Dana"#);
    let case = world.url(&case.expect("a pattern").captures(&page.html).expect("a line")[1]);
    let page = office.open(&case).await;
    page.says(&["‹ All charters", "Dana Whitfield", "Needs you"]);
    let done = office.press(&world, &page, "Try again", &[]).await;
    done.says(&["In step everywhere", "by the office's own link ", "‹ All charters"]);
    let all = office.open(&link).await;
    all.says(&["Needs you (1)"]);
    world.assert_no_log_holds(&[link, page.button("Leave it")]).await;
}

#[tokio::test]
async fn a_desk_link_is_as_long_as_it_is_asked_for() {
    let world = World::start().await;
    let asked = crate::world::now();
    let answer = world.ask(&json!({ "desk_link": { "days": 2 } })).await;
    let expires: jiff::Timestamp = answer["expires_at"].as_str().expect("a time").parse().expect("a time");
    let lasts = expires.duration_since(asked);
    let two_days = SignedDuration::from_hours(48);
    assert!(lasts > two_days - SignedDuration::from_mins(1) && lasts <= two_days + SignedDuration::from_mins(1));
    for days in [json!(0), json!(91), json!("many")] {
        assert_eq!(world.ask(&json!({ "desk_link": { "days": days } })).await["status"], 400, "{days}");
    }
}

#[tokio::test]
async fn what_the_guest_was_told_is_noted_once() {
    let (world, office) = (World::start().await, Office::new());
    world.deliver(&sample()).await;
    let desk = world.desk().await;
    let case = |page: &Page| {
        let case = Regex::new(r#"href="([^"]+)"><span class="time">"#).expect("a pattern");
        world.url(&case.captures(&page.html).expect("a line")[1])
    };
    let case = case(&office.open(&format!("{desk}?date=2031-05-30&q=whitfield")).await);
    let page = office.open(&case).await;
    page.says(&["is confirmed for Friday, May 30"]);
    let sent = world.url(&page.form().expect("Sent"));
    assert_eq!(office.post(&sent, &[]).await.status, 303);
    let after = office.open(&case).await;
    after.says(&[
        "Office</strong>: <bdi>message sent to the guest, by the office's own link",
        "<p class=\"hint\">Sent: ",
    ]);
    assert_eq!(after.form(), None);
    assert_eq!(office.post(&sent, &[]).await.status, 409, "it is noted once");

    // Another day is another message; a cancelled charter says so.
    world.deliver(&later(1, json!({ "start_at": "2031-05-31T14:00:00-07:00" }))).await;
    let moved = office.open(&case).await;
    moved.says(&["now on Saturday, May 31", "and no longer on Friday, May 30"]);
    assert!(moved.form().is_some(), "this one was not sent");
    world.deliver(&later(2, json!({ "status": "cancelled" }))).await;
    let off = office.open(&case).await;
    off.says(&["Cancelled, and everybody sees it", "on Saturday, May 31", "is cancelled."]);
    assert_eq!(world.effects().await.mailbox.iter().filter(|mail| mail.to == "guest").count(), 0);
}

#[tokio::test]
async fn nothing_that_a_guest_writes_is_markup() {
    let (world, office) = (World::start().await, Office::new());
    let name = "<script>alert(1)</script>\" onclick=\"x";
    world.traffic.fail_next(Service::Calendar, "POST", REFUSED, 1);
    world.deliver(&sample_with(json!({ "guest": { "name": name, "locale": "en" }, "notes": "<img src=x>" }))).await;
    let desk = world.desk().await;
    let raw = async |url: &str| loopback_client().get(url).send().await.expect("an answer").text().await.expect("text");
    let link = link_in(&world.mail().await);
    let page = office.open(&link).await;
    for html in [raw(&link).await, raw(&desk).await, raw(&world.url(&page.button("Enter it"))).await] {
        assert!(!html.contains("<script>alert") && !html.contains("<img") && !html.contains("\" onclick"), "{html}");
    }
    assert_eq!(world.status().await["booking_id"], SAMPLE_BOOKING_ID);
}
