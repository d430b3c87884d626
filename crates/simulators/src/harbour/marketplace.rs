//! What the harbour's buttons send: one marketplace that remembers what it said.
//!
//! A repeat must be the same delivery, byte for byte and with the same id, and a reschedule a later snapshot of the same
//! booking, or neither would prove anything.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan, Zoned};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::sender::{SAMPLE_BOOKING_ID, Sender, sample_booking, upcoming_start};

/// A secret that nobody agreed on.
const FORGERS_SECRET: &str = "whsec_bm90LXRoZS1tYXJrZXRwbGFjZXMtc2VjcmV0";

/// The kinds of delivery, in the order of the buttons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A booking that was never seen before: the worked example's money.
    Sample,
    /// The last message once more.
    Repeat,
    /// The last booking, one day later.
    Reschedule,
    /// The last booking, called off.
    Cancellation,
    /// A new booking, signed with somebody else's secret.
    BadSignature,
    /// A new booking with two faults.
    Malformed,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Sample, Self::Repeat, Self::Reschedule, Self::Cancellation, Self::BadSignature, Self::Malformed];

    /// What its button says.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Sample => "Sample booking",
            Self::Repeat => "The same again",
            Self::Reschedule => "Reschedule",
            Self::Cancellation => "Cancellation",
            Self::BadSignature => "Bad signature",
            Self::Malformed => "Malformed body",
        }
    }

    /// Why it cannot be sent, if it cannot. To enable a kind, remove it here.
    #[must_use]
    pub fn not_yet(self) -> Option<&'static str> {
        match self {
            Self::Reschedule | Self::Cancellation => Some("not yet: comes with the ledger"),
            _ => None,
        }
    }
}

/// One message as it is sent.
#[derive(Clone, Debug)]
pub(super) struct Message {
    webhook_id: String,
    pub(super) booking_id: String,
    pub(super) body: String,
    forged: bool,
}

impl Message {
    /// The headers that it is sent with at `at`: a repeat is signed again, as senders do.
    pub(super) fn signed(&self, sender: &Sender, at: Timestamp) -> BTreeMap<String, String> {
        if self.forged {
            let forger = Sender::new(FORGERS_SECRET).expect("the secret is well formed");
            return forger.sign(&self.webhook_id, &self.body, at);
        }
        sender.sign(&self.webhook_id, &self.body, at)
    }
}

/// Why nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum NotSent {
    /// The kind waits for a later version.
    #[error("{0}")]
    NotYet(&'static str),
    /// The kind follows a booking, and there is none.
    #[error("send the sample booking first: there is nothing to follow it with")]
    NothingBefore,
}

#[derive(Clone)]
struct Booking {
    id: String,
    start: Zoned,
    status: &'static str,
    revision: u32,
}

/// The marketplace's memory: the newest booking, and the last message about it.
#[derive(Default)]
pub(super) struct Marketplace {
    bookings: u32,
    newest: Option<Booking>,
    last: Option<Message>,
}

impl Marketplace {
    /// The next message of `kind`.
    pub(super) fn say(&mut self, kind: Kind, now: Timestamp) -> Result<Message, NotSent> {
        if let Some(reason) = kind.not_yet() {
            return Err(NotSent::NotYet(reason));
        }
        let booking = match kind {
            Kind::Repeat => return self.last.clone().ok_or(NotSent::NothingBefore),
            Kind::BadSignature => return Ok(Message { forged: true, ..message(&self.next(now), now) }),
            Kind::Malformed => return Ok(malformed(&self.next(now), now)),
            Kind::Sample => self.next(now),
            Kind::Reschedule => {
                let booking = self.newest.clone().ok_or(NotSent::NothingBefore)?;
                let start = booking.start.saturating_add(1.day());
                Booking { start, revision: booking.revision + 1, ..booking }
            }
            Kind::Cancellation => {
                let booking = self.newest.clone().ok_or(NotSent::NothingBefore)?;
                Booking { status: "cancelled", revision: booking.revision + 1, ..booking }
            }
        };
        self.bookings += u32::from(kind == Kind::Sample);
        let said = message(&booking, now);
        self.newest = Some(booking);
        self.last = Some(said.clone());
        Ok(said)
    }

    /// The last message about a booking.
    pub(super) fn last(&self) -> Option<&Message> {
        self.last.as_ref()
    }

    /// A booking that was never sent: each a number and a day further on.
    fn next(&self, now: Timestamp) -> Booking {
        let (letters, number) =
            SAMPLE_BOOKING_ID.split_once('-').expect("the sample's id is letters, a dash, a number");
        let number: u32 = number.parse().expect("the sample's id ends in a number");
        Booking {
            id: format!("{letters}-{}", number + self.bookings),
            start: upcoming_start(now).saturating_add(i64::from(self.bookings).days()),
            status: "confirmed",
            revision: 1,
        }
    }
}

fn message(booking: &Booking, now: Timestamp) -> Message {
    signed_later(booking, &snapshot(booking, now))
}

/// Two faults, and no more: what is answered must name them both.
fn malformed(booking: &Booking, now: Timestamp) -> Message {
    let mut body = snapshot(booking, now);
    let fields = &mut body["data"]["booking"];
    fields["gross"] = json!("a fair price");
    fields["start_at"] = Value::Null;
    signed_later(booking, &body)
}

fn snapshot(booking: &Booking, now: Timestamp) -> Value {
    let mut body = sample_booking(&booking.id, &booking.start, now);
    if booking.revision > 1 {
        body["type"] = json!(if booking.status == "cancelled" { "booking.cancelled" } else { "booking.updated" });
    }
    body["data"]["booking"]["status"] = json!(booking.status);
    body["data"]["booking"]["revision"] = json!(booking.revision);
    body
}

fn signed_later(booking: &Booking, body: &Value) -> Message {
    Message {
        webhook_id: format!("msg_{:016x}", rand::random::<u64>()),
        booking_id: booking.id.clone(),
        body: body.to_string(),
        forged: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2025-05-20T18:03:10Z".parse().expect("a valid time")
    }

    fn booking(message: &Message) -> Value {
        serde_json::from_str::<Value>(&message.body).expect("the body is JSON")["data"]["booking"].take()
    }

    #[test]
    fn a_repeat_is_the_same_delivery_and_needs_one_before_it() {
        let mut marketplace = Marketplace::default();
        assert!(matches!(marketplace.say(Kind::Repeat, now()), Err(NotSent::NothingBefore)));
        let first = marketplace.say(Kind::Sample, now()).expect("a sample can always be sent");
        marketplace.say(Kind::Malformed, now()).expect("so can a malformed body");
        let again = marketplace.say(Kind::Repeat, now()).expect("there was one before");
        assert_eq!((again.webhook_id, again.body), (first.webhook_id, first.body));
    }

    #[test]
    fn each_sample_is_another_booking_on_another_day_and_what_is_refused_uses_up_none() {
        let mut marketplace = Marketplace::default();
        let mut say = |kind| booking(&marketplace.say(kind, now()).expect("it can be sent"));
        assert_eq!(say(Kind::Sample)["id"], SAMPLE_BOOKING_ID);
        assert_eq!(say(Kind::BadSignature)["id"], "BS-1048813");
        let second = say(Kind::Sample);
        assert_eq!(second["id"], "BS-1048813");
        assert_eq!(second["start_at"], "2025-05-31T14:00:00-07:00");
    }
}
