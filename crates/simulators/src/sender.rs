//! Boatsetter, as far as we know it: a sender of signed snapshots.
//!
//! Signatures come from the official Standard Webhooks crate, so that the function's own check is not tested against itself.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan, Zoned, civil::time, tz::TimeZone};
use serde_json::{Value, json};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook, WebhookError};

const ZONE: &str = "America/Los_Angeles";
const DAYS_AHEAD: i64 = 10;

/// The worked example's booking id.
pub const SAMPLE_BOOKING_ID: &str = "BS-1048812";

/// Someone who holds a signing secret.
pub struct Sender(Webhook);

impl Sender {
    /// A sender with a secret of the form `whsec_` and base64.
    ///
    /// # Errors
    /// When the secret is not of that form.
    pub fn new(secret: &str) -> Result<Self, WebhookError> {
        Webhook::new(secret).map(Self)
    }

    /// The headers of the delivery `id` of `body`, sent at `at`.
    #[must_use]
    pub fn sign(&self, id: &str, body: &str, at: Timestamp) -> BTreeMap<String, String> {
        let signature = self.0.sign(id, at.as_second(), body.as_bytes()).expect("the body is text");
        [
            ("content-type", "application/json".to_owned()),
            ("user-agent", "Boatsetter-Webhooks/1".to_owned()),
            (HEADER_WEBHOOK_ID, id.to_owned()),
            (HEADER_WEBHOOK_TIMESTAMP, at.as_second().to_string()),
            (HEADER_WEBHOOK_SIGNATURE, signature),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}

/// Two in the afternoon in San Diego, ten days after `now`: a charter that is still ahead.
#[must_use]
pub fn upcoming_start(now: Timestamp) -> Zoned {
    let zone = TimeZone::get(ZONE).expect("the time zone database is compiled in");
    let day = now.to_zoned(zone.clone()).date().saturating_add(DAYS_AHEAD.days());
    day.to_datetime(time(14, 0, 0, 0)).to_zoned(zone).expect("no year ends within ten days of the calendar's end")
}

/// The canonical webhook body: the worked example's money, crew and guest, for three hours from `start`, as of `updated_at`.
#[must_use]
pub fn sample_booking(booking_id: &str, start: &Zoned, updated_at: Timestamp) -> Value {
    json!({
        "id": format!("evt_{:08x}", rand::random::<u32>()),
        "type": "booking.confirmed",
        "created_at": second(updated_at),
        "data": { "booking": {
            "id": booking_id,
            "status": "confirmed",
            "revision": 1,
            "updated_at": second(updated_at),
            "start_at": start.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            "duration_minutes": 180,
            "timezone": ZONE,
            "boat": { "id": "qosd", "name": "Queen of San Diego" },
            "party_size": 8,
            "currency": "USD",
            "gross": "840.75",
            "guest": { "name": "Dana Whitfield", "locale": "en" },
            "notes": "anniversary",
            "crew_ids": ["crew-1", "crew-2"],
            "captain_id": "captain-1",
        } },
    })
}

/// The sample booking, as the marketplace would send it at `now`.
#[must_use]
pub fn upcoming_booking(now: Timestamp) -> Value {
    sample_booking(SAMPLE_BOOKING_ID, &upcoming_start(now), now)
}

fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_of_the_specification() {
        let sender = Sender::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").expect("a valid secret");
        let at = Timestamp::from_second(1_649_367_553).expect("a valid time");
        let body = r#"{"email":"test@example.com","username":"test_user"}"#;
        let headers = sender.sign("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", body, at);
        assert_eq!(headers["webhook-signature"], "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
        assert_eq!(headers["webhook-timestamp"], "1649367553");
    }

    #[test]
    fn the_sample_starts_at_2_pm_on_both_sides_of_a_clock_change() {
        for (now, start) in [
            ("2025-05-20T18:03:10Z", "2025-05-30T14:00:00-07:00"),
            ("2025-10-28T18:00:00Z", "2025-11-07T14:00:00-08:00"),
        ] {
            let booking = upcoming_booking(now.parse().expect("a valid time"));
            assert_eq!(booking["data"]["booking"]["start_at"], start);
            assert_eq!(booking["data"]["booking"]["updated_at"], now);
        }
    }
}
