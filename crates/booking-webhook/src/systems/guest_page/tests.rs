//! What guests are told, and what they are not.

use jiff::Timestamp;
use regex_lite::Regex;

use super::{Address, GuestPage, Moved, PageInput, Renderer, Uploads};
use crate::{
    booking::{BoatReference, Booking, BookingId, CharterId, Guest, Money, Operator, Sale, Terms},
    runtime::config::GuestPageConfig,
};

const EXAMPLE: &str = include_str!("../../../../../operator.example.toml");

pub(super) fn sale() -> Sale {
    Sale { start: instant("2025-05-30T21:00:00Z"), ..Sale::example() }
}

pub(super) fn example() -> Operator {
    toml::from_str(EXAMPLE).expect("the example is valid")
}

/// What differs between the pages of these tests.
#[derive(Default)]
pub(super) struct Story {
    pub(super) cancelled: bool,
    pub(super) sequence: u64,
    pub(super) moved: Option<Moved>,
    pub(super) uploads: Option<Uploads>,
}

pub(super) fn render(sale: Sale, operator: &Operator, story: &Story) -> GuestPage {
    let terms = Terms::resolve(&sale.boat, &sale.assigned, operator).expect("crew and captain are named");
    let booking_id = BookingId::parse("BS-1048812").expect("valid");
    let id = CharterId::derive(b"link-key", &booking_id);
    let config = GuestPageConfig {
        bucket: "example.com".into(),
        base_url: "https://example.com".into(),
        key: "g/{charter_id}.html".into(),
    };
    let address = Address::of(&id, &config);
    let confirmed = Booking::assemble(booking_id, sale, terms, operator, id);
    let input = PageInput {
        charter: &confirmed.charter,
        address: &address,
        operator,
        cancelled: story.cancelled,
        sequence: story.sequence,
        changed_at: instant("2025-05-20T18:03:10Z"),
        moved: story.moved,
        uploads: story.uploads.as_ref(),
    };
    Renderer::default().render(&input).expect("it renders")
}

fn instant(text: &str) -> Timestamp {
    text.parse().expect("valid")
}

fn page(sale: Sale, operator: &Operator) -> String {
    render(sale, operator, &Story::default()).html
}

fn spanish(sale: Sale) -> Sale {
    Sale { guest: Guest { locale: "es-MX".into(), ..sale.guest }, ..sale }
}

fn uploads() -> Uploads {
    let secret = serde_json::json!({
        "url": "", "service_key": "",
        "presign_url": "https://a2.execute-api.us-west-2.amazonaws.com/prod/g/{event_id}/presign",
        "upload_url": "https://photos.s3.us-west-2.amazonaws.com/",
    });
    let secret = serde_json::from_value(secret).expect("valid");
    Uploads::of(&secret, "89B1THZR", "us-west-2").expect("it is known")
}

/// The part of the page that is in one language.
fn in_language<'a>(page: &'a str, lang: &str) -> &'a str {
    let (_, view) = page.split_once(&format!(r#"id="{lang}" lang="{lang}""#)).expect("the language is there");
    view.split_once("</footer>").expect("it ends").0
}

#[track_caller]
fn check(page: &str, said: &[&str], unsaid: &[&str]) {
    for text in said {
        assert!(page.contains(text), "the page should say {text:?}");
    }
    for text in unsaid {
        assert!(!page.contains(text), "the page should not say {text:?}");
    }
}

#[test]
fn a_described_boat_has_everything_on_its_page() {
    let page = page(sale(), &example());
    let said = [
        "Welcome aboard, <bdi>Dana</bdi>",
        "Friday, May 30, 2025",
        "2:00 PM",
        "5:00 PM",
        "Pacific Time (PDT)",
        "1:45 PM",
        "3 hours",
        "Queen of San Diego",
        "8 guests",
        "Harbor Island, guest dock",
        "1880 Harbor Island Drive",
        "?api=1&amp;query=1880",
        "Soft-soled shoes",
        "High heels",
        "overboard",
        "If it is not safe to sail",
        r#"href="tel:+16195550100""#,
        "+1 619 555 0100",
        "BS-1048812",
        r#"href="/g/89B1THZR.ics""#,
        r#"datetime="2025-05-30T14:00:00-07:00""#,
    ];
    check(in_language(&page, "en"), &said, &["Viernes", "viernes"]);
    let head = [r#"<html lang="en" data-phase="upcoming">"#, r#"content="noindex""#, r#"content="no-referrer""#];
    check(&page, &head, &["Whitfield", "anniversary", "crew-1", "captain-1", "{{", "{%", "style=\""]);
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
}

#[test]
fn the_fullest_page_is_light() {
    let guest = Guest { name: "W".repeat(200), locale: "es".into() };
    let moved = Some(Moved { from: instant("2025-05-29T21:00:00Z"), at: instant("2025-05-20T18:03:10Z") });
    let story = Story { uploads: Some(uploads()), moved, ..Story::default() };
    let page = render(Sale { guest, ..sale() }, &example(), &story).html;
    assert!(page.len() < 50_000, "{} bytes", page.len());
}

#[test]
fn the_same_in_spanish() {
    let page = page(spanish(sale()), &example());
    let said = [
        "Bienvenidos a bordo, <bdi>Dana</bdi>",
        "viernes, 30 de mayo de 2025",
        "2:00 p.\u{a0}m.",
        "hora del Pacífico (PDT)",
        "3 horas",
        "8 personas",
        "muelle de visitas",
        "Zapatos de suela blanda",
        "Tacones altos",
        "Llamar a <bdi>la oficina del muelle</bdi>",
        "Si no es seguro navegar",
        "Niños",
    ];
    check(in_language(&page, "es"), &said, &["Friday", "3 hours", "8 guests", "the dock office"]);
    assert!(page.contains(r#"<html lang="es" "#) && page.contains("<title>Paseo en velero: Queen of San Diego"));
}

#[test]
fn both_languages_are_there_and_the_guests_own_comes_last() {
    for (sale, own, other) in [(sale(), "en", "es"), (spanish(sale()), "es", "en")] {
        let page = page(sale, &example());
        let own_at = page.find(&format!(r#"class="page own" id="{own}""#)).expect("the guest's own");
        let other_at = page.find(&format!(r#"class="page" id="{other}""#)).expect("the other one");
        assert!(other_at < own_at, "CSS hides only what comes later");
        check(in_language(&page, own), &[&format!(r##"href="#{other}" hreflang="{other}" lang="{other}""##)], &[]);
    }
}

#[test]
fn what_the_operator_says_in_english_alone_is_marked_as_english() {
    let plain = EXAMPLE
        .replace(", es = \"la oficina del muelle\"", "")
        .replace(", es = \"Harbor Island, muelle de visitas\"", "");
    let operator: Operator = toml::from_str(&plain).expect("valid");
    let page = page(sale(), &operator);
    let said =
        [r#"Llamar a <bdi lang="en">the dock office</bdi>"#, r#"<bdi lang="en">Harbor Island, guest dock</bdi>"#];
    check(in_language(&page, "es"), &said, &[]);
    check(in_language(&page, "en"), &["Call <bdi>the dock office</bdi>"], &[r#"<bdi lang="#]);
}

#[test]
fn what_has_nothing_to_say_is_left_out() {
    let bare = Operator { cancellation_note: String::new().into(), ..Operator::default() };
    let page = page(Sale { party_size: 1, ..sale() }, &bare);
    let said = ["<bdi>Dana</bdi>", "Friday, May 30, 2025", "1:45 PM", "1 guest<", "Queen of San Diego", "89B1THZR.ics"];
    let unsaid = [
        "Where to meet",
        "What to bring",
        "at home",
        "Safety",
        "Weather",
        "tel:",
        "Running late",
        "Open map",
        "Share your photos",
    ];
    check(in_language(&page, "en"), &said, &unsaid);
}

#[test]
fn another_place_is_not_mixed_up_with_the_boats_own() {
    let page = page(Sale { location: Some("Coronado <Ferry> Landing".into()), ..sale() }, &example());
    check(&page, &["<bdi>Coronado &lt;Ferry&gt; Landing</bdi>"], &["1880 Harbor Island", "Open map"]);
}

#[test]
fn no_money_is_on_the_page_in_any_language_or_phase() {
    let dearer = || Money::gross("9731.20".parse().expect("valid")).expect("plausible");
    for cancelled in [false, true] {
        let story = Story { cancelled, uploads: Some(uploads()), ..Story::default() };
        let worked = render(sale(), &example(), &story);
        assert_eq!(worked, render(Sale { gross: dearer(), ..sale() }, &example(), &story), "the price changes nothing");
        let said: String = ["en", "es"].map(|lang| in_language(&worked.html, lang)).concat() + &worked.calendar;
        check(&said, &[], &["$", "840", "289", "151", "150.00", "gross", "USD"]);
    }
}

#[test]
fn what_a_guest_typed_stays_text() {
    for (typed, shown) in [
        ("<script>alert(x)</script>", "<bdi>&lt;script&gt;alert(x)&lt;/script&gt;</bdi>"),
        ("\"><img/src=x>", "<bdi>&quot;&gt;&lt;img/src=x&gt;</bdi>"),
        ("{{boat}}", "<bdi>{{boat}}</bdi>"),
        ("{name}", "<bdi>{name}</bdi>"),
        ("دانا", "<bdi>دانا</bdi>"),
        ("⛵️🌊", "<bdi>⛵️🌊</bdi>"),
    ] {
        let guest = Guest { name: typed.into(), locale: "en".into() };
        check(&page(Sale { guest, ..sale() }, &example()), &[shown], &["<script>alert", "<img"]);
    }
    let boat = BoatReference { id: "x".into(), name: "\" data-x=\"<b>".into() };
    let page = page(Sale { boat, ..sale() }, &Operator::default());
    check(&page, &["&quot; data-x=&quot;&lt;b&gt;"], &["\" data-x=\"<", "<b>"]);
}

#[test]
fn times_that_leave_the_day_or_the_zone_say_so() {
    let starting = |start: &str| Sale { start: start.parse().expect("valid"), ..sale() };
    let night = page(starting("2025-05-30T22:30:00-07:00"), &example());
    check(&night, &["Friday, May 30", ">10:30 PM<", ">Saturday 1:30 AM<"], &[]);
    let several_days = Sale { duration: 3060_u64.try_into().expect("valid"), ..sale() };
    let several_days = page(several_days, &example());
    check(in_language(&several_days, "en"), &[">Sunday, June 1, 5:00 PM<", ">2 days 3 hours<"], &[]);
    check(in_language(&several_days, "es"), &[">domingo, 1 de junio, 5:00 p.\u{a0}m.<", ">2 días y 3 horas<"], &[]);
    let after_midnight = page(starting("2025-05-31T00:05:00-07:00"), &example());
    let day_of_arrival = [r#"data-date="2025-05-31""#, r#"data-arrival="2025-05-30""#, "<strong>Friday 11:50 PM<"];
    check(&after_midnight, &day_of_arrival, &[]);
    let clocks_go_back = page(starting("2025-11-02T00:10:00-07:00"), &example());
    check(&clocks_go_back, &[">12:10 AM PDT<", ">2:10 AM<", "(PST)<", "Saturday 11:55 PM"], &[]);
}

#[test]
fn a_new_time_is_marked_with_the_one_before_and_until_when() {
    let moved = Some(Moved { from: instant("2025-05-29T21:00:00Z"), at: instant("2025-05-20T18:03:10Z") });
    let page = render(sale(), &example(), &Story { moved, ..Story::default() }).html;
    let until = instant("2025-05-27T18:03:10Z").as_millisecond();
    check(&page, &[&format!(r#"data-moved-until="{until}""#)], &[]);
    check(in_language(&page, "en"), &["New time", "no longer on <bdi>Thursday, May 29, 2025, 2:00 PM</bdi>"], &[]);
    check(in_language(&page, "es"), &["Antes: <bdi>jueves, 29 de mayo de 2025, 2:00 p.\u{a0}m.</bdi>"], &[]);
}

#[test]
fn a_cancelled_charter_leaves_peoples_calendars() {
    let standing = render(sale(), &example(), &Story::default());
    assert!(standing.calendar.contains("STATUS:CONFIRMED") && !standing.html.contains("This charter is cancelled"));
    let story = Story { cancelled: true, sequence: 3, uploads: Some(uploads()), ..Story::default() };
    let off = render(sale(), &example(), &story);
    assert!(off.calendar.contains("STATUS:CANCELLED") && off.calendar.contains("SEQUENCE:3"), "{}", off.calendar);
    let said = [
        "<h1>This charter is cancelled</h1>",
        "Friday, May 30, 2025",
        "BS-1048812",
        "89B1THZR.ics",
        "tel:+16195550100",
    ];
    let unsaid =
        ["Welcome", "arrive by", "What to bring", "Where to meet", "Share your photos", "calendar.google", "data-on="];
    check(in_language(&off.html, "en"), &said, &unsaid);
    check(
        &off.html,
        &[r#"data-phase="cancelled""#, "<title>Cancelled: ", "connect-src &#39;none&#39;"],
        &["data-presign"],
    );
}

#[test]
fn each_phase_has_the_operators_own_words() {
    let sailing = page(sale(), &example());
    let said = [
        r#"<li data-on="upcoming today"><a href="https://forecast.weather.gov/"#,
        r#"<span class="host">forecast.weather.gov</span>"#,
        r#"<li data-on="after" hidden><a href="https://example.com/review">Tell others how it was</a>"#,
        r#"<section class="card links" aria-labelledby="links-en" data-links data-on="upcoming today after">"#,
        "Parking and finding the dock",
        "<p>Walk down the ramp",
        r#"href="sms:+16195550100""#,
        "<dd><bdi>Kim</bdi></dd>",
    ];
    check(in_language(&sailing, "en"), &said, &["What about the money?", "Find another day"]);
    check(in_language(&sailing, "es"), &["https://example.com/waiver/es", "Mareas"], &["Tides", "Sign the"]);
    let off = render(sale(), &example(), &Story { cancelled: true, ..Story::default() }).html;
    let said = ["What about the money?", "Find another day", "tel:+16195550100", "sms:+16195550100"];
    check(in_language(&off, "en"), &said, &["Parking", "Tell others", "Tides", "Open map", " hidden>"]);
    let bare = page(sale(), &Operator::default());
    check(in_language(&bare, "en"), &[], &["data-links", "data-section", "sms:", "Captain", "Where to meet"]);
}

/// What a chat shows to everybody in it.
#[test]
fn a_shared_link_shows_when_and_where_and_nobodys_name() {
    let (html, operator) = (page(sale(), &example()), example());
    let (head, _) = html.split_once("<style>").expect("a head");
    let content = |property: &str| {
        let tag = Regex::new(&format!(r#"property="{property}" content="([^"]*)""#)).expect("valid");
        tag.captures_iter(head).next().unwrap_or_else(|| panic!("{property} in {head}"))[1].to_owned()
    };
    assert_eq!(content("og:title"), "Sailing on Queen of San Diego");
    assert_eq!(
        content("og:description"),
        "Friday, May 30, 2025, 2:00 PM – 5:00 PM PDT · Please arrive by 1:45 PM · Harbor Island, guest dock, 1880 Harbor Island Drive, San Diego, CA 92101"
    );
    assert_eq!(
        (content("og:url").as_str(), content("og:locale").as_str()),
        ("https://example.com/g/89B1THZR", "en_US")
    );
    assert_eq!(content("og:site_name"), "JADA Sailing");
    assert!(!head.contains("Dana") && head.contains(r#"rel="apple-touch-icon" href="/g/touch-icon.png""#), "{head}");
    let pictures = Renderer::default().link_pictures(&operator).expect("they render");
    assert!(pictures.iter().any(|picture| content("og:image") == format!("https://example.com{}", picture.path())));
    let own = EXAMPLE.replace("# picture =", "picture =");
    let own = self::page(sale(), &toml::from_str(&own).expect("uncommented, it is valid"));
    check(&own, &[r#"property="og:image" content="https://example.com/queen-of-san-diego.jpg""#], &["/g/link-"]);
}

#[test]
fn the_calendar_file_has_what_a_guest_needs_without_signal() {
    let unfolded = |file: GuestPage| file.calendar.replace("\r\n ", "");
    let file = unfolded(render(sale(), &example(), &Story::default()));
    let description = "DESCRIPTION:Please arrive by 1:45 PM.\\nHarbor Island\\, guest dock\\, 1880 Harbor Island Drive\\, San Diego\\, CA 92101\\nMap: https://www.google.com/maps/";
    let said = [
        description,
        "Call the dock office: +1 619 555 0100",
        "GEO:32.7258;-117.2005\r\n",
        "URL:https://example.com/g/89B1THZR\r\n",
        "ACTION:DISPLAY\r\nTRIGGER:-P1D\r\nDESCRIPTION:Sailing on Queen of San Diego. Please arrive by 1:45 PM.",
        "TRIGGER:-PT2H\r\n",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n",
    ];
    check(&file, &said, &[]);
    let off = unfolded(render(sale(), &example(), &Story { cancelled: true, ..Story::default() }));
    check(&off, &["STATUS:CANCELLED", "Call the dock office"], &["VALARM", "Map:"]);
}

#[test]
fn a_moved_charter_says_what_to_do_with_each_calendar() {
    let moved = Some(Moved { from: instant("2025-05-29T21:00:00Z"), at: instant("2025-05-20T18:03:10Z") });
    let page = render(sale(), &example(), &Story { moved, ..Story::default() }).html;
    let said = ["Replace the entry</a>", "One added through Google or Outlook stays at the old time"];
    check(in_language(&page, "en"), &said, &["Add to calendar"]);
    let subscribe = r#"href="webcal://example.com/g/89B1THZR.ics" data-subscribe"#;
    check(in_language(&page, "en"), &[subscribe, "in Google Calendar within a day"], &[]);
}

#[test]
fn outlook_gets_the_same_event() {
    let page = page(sale(), &example());
    let link = Regex::new(r#"href="(https://outlook\.live\.com/[^"]*)""#).expect("valid");
    let link = link.captures_iter(in_language(&page, "en")).next().expect("a link")[1].replace("&amp;", "&");
    let link = reqwest::Url::parse(&link).expect("an address");
    let values: Vec<(String, String)> = link.query_pairs().into_owned().collect();
    for (name, value) in [
        ("rru", "addevent"),
        ("subject", "Sailing on Queen of San Diego"),
        ("startdt", "2025-05-30T21:00:00Z"),
        ("enddt", "2025-05-31T00:00:00Z"),
        ("body", &DETAILS.replace('\n', "<br>")),
    ] {
        assert!(values.contains(&(name.into(), value.into())), "{name}: {values:?}");
    }
}

#[test]
fn photos_are_asked_for_when_somebody_takes_them() {
    let page = render(sale(), &example(), &Story { uploads: Some(uploads()), ..Story::default() }).html;
    let presign = r#"data-presign="https://a2.execute-api.us-west-2.amazonaws.com/prod/g/89B1THZR/presign""#;
    check(&page, &[presign, "Share your photos", "Compartan sus fotos"], &[]);
}

const DETAILS: &str = "Please arrive by 1:45 PM.
Call the dock office: +1 619 555 0100
Text message: +1 619 555 0100
Everything for the day: https://example.com/g/89B1THZR";

#[test]
fn google_calendar_gets_the_same_event() {
    let page = page(sale(), &example());
    let link = Regex::new(r#"href="(https://calendar\.google\.com/[^"]*)""#).expect("valid");
    let link = link.captures_iter(in_language(&page, "en")).next().expect("a link")[1].replace("&amp;", "&");
    let link = reqwest::Url::parse(&link).expect("an address");
    let values: Vec<(String, String)> = link.query_pairs().into_owned().collect();
    for (name, value) in [
        ("action", "TEMPLATE"),
        ("text", "Sailing on Queen of San Diego"),
        ("dates", "20250530T210000Z/20250531T000000Z"),
        ("ctz", "America/Los_Angeles"),
        ("details", DETAILS),
        ("location", "Harbor Island, guest dock, 1880 Harbor Island Drive, San Diego, CA 92101"),
    ] {
        assert!(values.contains(&(name.into(), value.into())), "{name}: {values:?}");
    }
}

/// A browser hashes what stands between the tags; so does this test.
#[test]
fn the_policy_lets_exactly_the_pages_own_script_and_style_run() {
    for (uploads, connect) in [
        (None, "connect-src 'none';"),
        (
            Some(uploads()),
            "connect-src https://a2.execute-api.us-west-2.amazonaws.com https://photos.s3.us-west-2.amazonaws.com;",
        ),
    ] {
        let page = render(sale(), &example(), &Story { uploads, ..Story::default() }).html;
        let between = |open: &str, close: &str| {
            assert_eq!(page.matches(open).count(), 1, "one {open}");
            page.split_once(open).and_then(|(_, rest)| rest.split_once(close)).expect("it is closed").0
        };
        let (script, style) = (between("<script>", "</script>"), between("<style>", "</style>"));
        let policy = between(r#"<meta http-equiv="Content-Security-Policy" content=""#, "\"").replace("&#39;", "'");
        let hash = |text: &str| {
            let digest = <sha2::Sha256 as sha2::Digest>::digest(text.as_bytes());
            format!("'sha256-{}'", data_encoding::BASE64.encode(&digest))
        };
        for part in [
            "default-src 'none';",
            &format!("script-src {};", hash(script)),
            &format!("style-src {};", hash(style)),
            connect,
            "base-uri 'none'",
            "form-action 'none'",
        ] {
            assert!(policy.contains(part), "{part} in {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}

#[test]
fn the_same_input_is_the_same_bytes() {
    let story = Story { uploads: Some(uploads()), ..Story::default() };
    assert_eq!(render(sale(), &example(), &story), render(sale(), &example(), &story));
}
