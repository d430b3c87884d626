//! What the page says.

use jiff::{Timestamp, Zoned};
use serde::Serialize;
use tera::{Context, Tera};

use super::{Address, invitation::invitation};
use crate::booking::{Charter, EmergencyContact, MeetingPoint, Operator, Place, clock, rfc3339};

const TEMPLATE: &str = "guest-page.html";

/// What one rendering of a charter's page is made from. The same edition renders to the same bytes, so that whether a page must be put
/// again can be told from its digest.
#[derive(Debug, Clone, Copy)]
pub struct Edition<'a> {
    /// What everybody may know of the charter.
    pub charter: &'a Charter,
    /// Where the page is.
    pub address: &'a Address,
    /// Whose charter it is.
    pub operator: &'a Operator,
    /// The charter is off: the page stays and says so.
    pub cancelled: bool,
    /// How many changes there were before this one (RFC 5545, `SEQUENCE`).
    pub sequence: u64,
    /// When the sender made the newest change.
    pub changed_at: Timestamp,
    /// The last time that a page which guests may have seen named another start.
    pub moved: Option<Moved>,
}

/// A charter that starts at another time than its page said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// The start that the page said before.
    pub from: Timestamp,
    /// When the sender changed it.
    pub at: Timestamp,
}

/// Both files of a charter's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestPage {
    /// The page.
    pub html: String,
    /// The file that adds the charter to a calendar (RFC 5545).
    pub calendar: String,
}

/// The page's template, ready to render. Everything that it prints is escaped.
#[derive(Debug)]
pub struct Renderer(Tera);

/// The template and what it was given do not fit.
#[derive(Debug, thiserror::Error)]
#[error("the guest page cannot be rendered")]
pub struct RenderError(#[from] tera::Error);

/// What the template may say: nothing that is not in here can reach a guest.
#[derive(Debug, Serialize)]
struct Content<'a> {
    operator: &'a str,
    first_name: &'a str,
    boat: &'a str,
    booking_reference: &'a str,
    party_size: u32,
    /// `Friday, May 30, 2025`.
    day: String,
    /// `2:00 PM`; with its zone when the clocks change before the end.
    start: String,
    /// `5:00 PM`; with its weekday when the charter ends on another day.
    end: String,
    /// `PDT`, the zone of the end.
    zone: String,
    /// `1:45 PM`; with its weekday when that is another day than the start's.
    arrive_by: String,
    /// `3 hours`.
    duration: String,
    /// RFC 3339, for `<time>`.
    starts_at: String,
    ends_at: String,
    /// Where to meet, in a line; all there is to say when the booking names another place than the boat's meeting point.
    location: Option<&'a str>,
    /// The boat's meeting point, when that is where this charter meets.
    meeting_point: Option<&'a MeetingPoint>,
    bring: &'a [String],
    leave_at_home: &'a [String],
    safety: &'a [String],
    cancellation_note: &'a str,
    contact: Option<Contact<'a>>,
    calendar_file: String,
    cancelled: bool,
}

#[derive(Debug, Serialize)]
struct Contact<'a> {
    name: &'a str,
    phone: &'a str,
    /// For a `tel:` link.
    dial: String,
}

impl<'a> From<&'a EmergencyContact> for Contact<'a> {
    fn from(contact: &'a EmergencyContact) -> Self {
        let dial = contact.phone.chars().filter(|character| character.is_ascii_digit() || *character == '+').collect();
        Self { name: &contact.name, phone: &contact.phone, dial }
    }
}

impl Renderer {
    /// Parses the compiled-in template.
    ///
    /// # Errors
    /// [`RenderError`] when the template is malformed; a test renders it.
    pub fn new() -> Result<Self, RenderError> {
        let mut tera = Tera::default();
        tera.add_raw_template(TEMPLATE, include_str!("../../../../templates/guest-page.html"))?;
        Ok(Self(tera))
    }

    /// Renders both files.
    ///
    /// # Errors
    /// [`RenderError`] when the template asks for something that it is not given.
    pub fn render(&self, edition: &Edition<'_>) -> Result<GuestPage, RenderError> {
        let html = self.0.render(TEMPLATE, &Context::from_serialize(&Content::of(edition))?)?;
        Ok(GuestPage { html, calendar: invitation(edition) })
    }
}

impl<'a> Content<'a> {
    fn of(edition: &Edition<'a>) -> Self {
        let Edition { charter, address, operator, .. } = *edition;
        let (start, end) = (charter.time.start(), charter.time.end());
        let arrive_by = start.saturating_sub(charter.boat.check_in());
        let zone = abbreviation(end);
        Self {
            operator: &operator.name,
            first_name: &charter.guest_first_name,
            boat: &charter.boat.name,
            booking_reference: charter.booking_id.as_str(),
            party_size: charter.party_size,
            day: start.strftime("%A, %B %-d, %Y").to_string(),
            start: if abbreviation(start) == zone {
                clock(start)
            } else {
                format!("{} {}", clock(start), abbreviation(start))
            },
            end: clock_on(start, end),
            zone,
            arrive_by: clock_on(start, &arrive_by),
            duration: in_words(charter.time.duration_minutes()),
            starts_at: rfc3339(start),
            ends_at: rfc3339(end),
            location: charter.place.as_ref().map(Place::name),
            meeting_point: charter.place.as_ref().and_then(Place::meeting_point),
            bring: &charter.boat.bring,
            leave_at_home: &charter.boat.leave_at_home,
            safety: &charter.boat.safety,
            cancellation_note: &operator.cancellation_note,
            contact: charter.boat.emergency_contact.as_ref().map(Contact::from),
            calendar_file: address.calendar_path(),
            cancelled: edition.cancelled,
        }
    }
}

/// `5:00 PM` on the day of `start`, `Saturday 1:00 AM` on another.
fn clock_on(start: &Zoned, time: &Zoned) -> String {
    if time.date() == start.date() { clock(time) } else { time.strftime("%A %-I:%M %p").to_string() }
}

/// `PDT`.
fn abbreviation(time: &Zoned) -> String {
    time.strftime("%Z").to_string()
}

/// `3 hours`, `1 hour 30 minutes`, `45 minutes`.
fn in_words(minutes: i64) -> String {
    let count = |number: i64, unit: &str| match number {
        0 => None,
        1 => Some(format!("1 {unit}")),
        _ => Some(format!("{number} {unit}s")),
    };
    [count(minutes / 60, "hour"), count(minutes % 60, "minute")].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        booking::{Assigned, BoatReference, BookingId, CharterId, Confirmed, Guest, Money, PersonId, Sale, Terms},
        config::GuestPageConfig,
    };

    const EXAMPLE: &str = include_str!("../../../../operator.example.toml");

    /// The worked example: 840.75 gross, 289.41 net.
    fn sale() -> Sale {
        let person = |id| PersonId::parse(id).expect("valid");
        Sale {
            start: "2025-05-30T14:00:00-07:00".parse().expect("valid"),
            start_is_ambiguous: false,
            duration: 180.try_into().expect("valid"),
            boat: BoatReference { id: "qosd".into(), name: "Queen of San Diego".into() },
            party_size: 8,
            gross: Money::gross("840.75".parse().expect("valid")).expect("plausible"),
            guest: Guest { name: "Dana Whitfield".into(), locale: "en".into() },
            notes: "anniversary".into(),
            location: None,
            assigned: Assigned {
                crew: Some(vec![person("crew-1"), person("crew-2")]),
                captain: Some(person("captain-1")),
            },
        }
    }

    fn example() -> Operator {
        toml::from_str(EXAMPLE).expect("the example is valid")
    }

    fn page(sale: Sale, operator: &Operator) -> String {
        render(sale, operator, false).html
    }

    fn render(sale: Sale, operator: &Operator, cancelled: bool) -> GuestPage {
        let terms = Terms::resolve(&sale.boat, &sale.assigned, operator).expect("crew and captain are named");
        let booking_id = BookingId::parse("BS-1048812").expect("valid");
        let id = CharterId::derive(b"link-key", &booking_id);
        let config = GuestPageConfig {
            bucket: "example.com".into(),
            base_url: "https://example.com".into(),
            key: "g/{charter_id}.html".into(),
        };
        let address = Address::of(&id, &config);
        let confirmed = Confirmed::assemble(booking_id, sale, terms, operator, id);
        let edition = Edition {
            charter: &confirmed.charter,
            address: &address,
            operator,
            cancelled,
            sequence: 3,
            changed_at: Timestamp::UNIX_EPOCH,
            moved: None,
        };
        Renderer::new().expect("the template is well-formed").render(&edition).expect("it renders")
    }

    #[test]
    fn a_cancelled_charter_says_so_and_its_file_takes_it_out_of_calendars() {
        let standing = render(sale(), &example(), false);
        assert!(standing.calendar.contains("STATUS:CONFIRMED") && !standing.html.contains("is cancelled"));
        let off = render(sale(), &example(), true);
        assert!(off.calendar.contains("STATUS:CANCELLED") && off.calendar.contains("SEQUENCE:3"), "{}", off.calendar);
        assert!(off.calendar.contains("UID:89B1THZR@booking-webhook"), "{}", off.calendar);
        assert!(off.html.contains("This charter is cancelled"));
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
    fn a_boat_that_the_operator_describes_has_everything_on_its_page() {
        let page = page(sale(), &example());
        let said = [
            "<bdi>Dana</bdi>",
            "Friday, May 30, 2025",
            "2:00 PM",
            "5:00 PM",
            "PDT",
            "1:45 PM",
            "3 hours",
            "Queen of San Diego",
            "8 guests",
            "BS-1048812",
            "Harbor Island, guest dock",
            "1880 Harbor Island Drive",
            "?api=1&amp;query=1880",
            "Soft-soled shoes",
            "High heels",
            "overboard",
            "If it is not safe to sail",
            r#"href="tel:+16195550100""#,
            "+1 619 555 0100",
            r#"href="/g/89B1THZR.ics""#,
            r#"datetime="2025-05-30T14:00:00-07:00""#,
            r#"<html lang="en">"#,
            r#"content="noindex""#,
            r#"content="no-referrer""#,
        ];
        check(&page, &said, &["Whitfield", "anniversary", "crew-1", "captain-1", "{{", "{%"]);
        assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
        assert!(page.len() < 50_000, "{} bytes", page.len());
    }

    #[test]
    fn what_has_nothing_to_say_is_left_out() {
        let bare = Operator { cancellation_note: String::new(), ..Operator::default() };
        let page = page(Sale { party_size: 1, ..sale() }, &bare);
        let said =
            ["<bdi>Dana</bdi>", "Friday, May 30, 2025", "1:45 PM", "1 guest<", "Queen of San Diego", "89B1THZR.ics"];
        check(
            &page,
            &said,
            &["Where to meet", "bring</h2>", "at home", "Safety", "Weather", "tel:", "Running late", "Open map"],
        );
    }

    #[test]
    fn another_place_than_the_boats_own_is_not_mixed_up_with_its_address() {
        let page = page(Sale { location: Some("Coronado <Ferry> Landing".into()), ..sale() }, &example());
        check(&page, &["<bdi>Coronado &lt;Ferry&gt; Landing</bdi>"], &["Harbor Island", "Open map"]);
    }

    #[test]
    fn no_money_is_on_the_page() {
        let worked = page(sale(), &example());
        check(&worked, &[], &["$", "840", "289", "151", "250", "150.00", "gross", "USD"]);
        let dearer = Money::gross("9731.20".parse().expect("valid")).expect("plausible");
        assert_eq!(worked, page(Sale { gross: dearer, ..sale() }, &example()), "the price must change nothing");
    }

    #[test]
    fn what_a_guest_typed_stays_text() {
        for (typed, shown) in [
            ("<script>alert(x)</script>", "<bdi>&lt;script&gt;alert(x)&lt;/script&gt;</bdi>"),
            ("\"><img/src=x>", "<bdi>&quot;&gt;&lt;img/src=x&gt;</bdi>"),
            ("{{boat}}", "<bdi>{{boat}}</bdi>"),
            ("دانا", "<bdi>دانا</bdi>"),
            ("⛵️🌊", "<bdi>⛵️🌊</bdi>"),
        ] {
            let guest = Guest { name: typed.into(), locale: "en".into() };
            check(&page(Sale { guest, ..sale() }, &example()), &[shown], &["<script", "<img"]);
        }
    }

    #[test]
    fn times_that_leave_the_day_or_the_zone_say_so() {
        let starting = |start: &str| Sale { start: start.parse().expect("valid"), ..sale() };
        let night = page(starting("2025-05-30T22:30:00-07:00"), &example());
        check(&night, &["Friday, May 30", ">10:30 PM<", ">Saturday 1:30 AM<"], &[]);
        let clocks_go_back = page(starting("2025-11-02T00:10:00-07:00"), &example());
        check(&clocks_go_back, &[">12:10 AM PDT<", ">2:10 AM<", ">PST<", "Saturday 11:55 PM"], &[]);
    }

    #[test]
    fn durations_in_words() {
        for (minutes, words) in
            [(45, "45 minutes"), (60, "1 hour"), (90, "1 hour 30 minutes"), (180, "3 hours"), (61, "1 hour 1 minute")]
        {
            assert_eq!(in_words(minutes), words);
        }
    }
}
