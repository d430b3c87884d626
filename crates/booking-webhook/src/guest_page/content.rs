//! What the page says.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tera::{Context, Tera};

use super::{Address, invitation::invitation};
use crate::booking::{Charter, EmergencyContact, MeetingPoint, clock, rfc3339};

const TEMPLATE: &str = "guest-page.html";

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
    /// `2:00 PM`.
    start: String,
    /// `5:00 PM`.
    end: String,
    /// `PDT`.
    zone: String,
    /// `1:45 PM`.
    arrive_by: String,
    /// `3 hours`.
    duration: String,
    /// RFC 3339, for `<time>`.
    starts_at: String,
    ends_at: String,
    location: Option<&'a str>,
    meeting_point: Option<&'a MeetingPoint>,
    bring: &'a [String],
    leave_at_home: &'a [String],
    safety: &'a [String],
    cancellation_note: &'a str,
    contact: Option<Contact<'a>>,
    calendar_file: String,
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

    /// Renders both files. `changed_at` stamps the calendar file.
    ///
    /// # Errors
    /// [`RenderError`] when the template asks for something that it is not given.
    pub fn render(
        &self,
        charter: &Charter,
        address: &Address,
        operator: &str,
        cancellation_note: &str,
        changed_at: Timestamp,
    ) -> Result<GuestPage, RenderError> {
        let content = Content::of(charter, address, operator, cancellation_note);
        let html = self.0.render(TEMPLATE, &Context::from_serialize(&content)?)?;
        Ok(GuestPage { html, calendar: invitation(charter, address, operator, changed_at) })
    }
}

impl<'a> Content<'a> {
    fn of(charter: &'a Charter, address: &Address, operator: &'a str, cancellation_note: &'a str) -> Self {
        let (start, end) = (charter.time.start(), charter.time.end());
        let arrive_by = start - SignedDuration::from_mins(charter.boat.check_in_minutes.into());
        let calendar_file = address.calendar_key.rsplit('/').next().unwrap_or_default();
        Self {
            operator,
            first_name: &charter.guest_first_name,
            boat: &charter.boat.name,
            booking_reference: charter.booking_id.as_str(),
            party_size: charter.party_size,
            day: start.strftime("%A, %B %-d, %Y").to_string(),
            start: clock(start),
            end: clock(end),
            zone: start.strftime("%Z").to_string(),
            arrive_by: clock(&arrive_by),
            duration: in_words(charter.time.duration_minutes()),
            starts_at: rfc3339(start),
            ends_at: rfc3339(end),
            location: charter.location.as_deref(),
            meeting_point: charter.boat.meeting_point.as_ref(),
            bring: &charter.boat.bring,
            leave_at_home: &charter.boat.leave_at_home,
            safety: &charter.boat.safety,
            cancellation_note,
            contact: charter.boat.emergency_contact.as_ref().map(Contact::from),
            calendar_file: calendar_file.to_owned(),
        }
    }
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

    #[test]
    fn durations_in_words() {
        for (minutes, words) in
            [(45, "45 minutes"), (60, "1 hour"), (90, "1 hour 30 minutes"), (180, "3 hours"), (61, "1 hour 1 minute")]
        {
            assert_eq!(in_words(minutes), words);
        }
    }
}
