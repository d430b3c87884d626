//! What the harbour's buttons send: one marketplace that remembers what it said.
//!
//! A repeat must be the same delivery, byte for byte and with the same id, and a reschedule a later snapshot of the same
//! booking, or neither would prove anything.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use simulators::sender::{SAMPLE_BOOKING_ID, Sender, sample_booking, upcoming_start};

/// A secret that nobody agreed on.
const FORGERS_SECRET: &str = "whsec_bm90LXRoZS1tYXJrZXRwbGFjZXMtc2VjcmV0";
const BOOKINGS_KEPT: usize = 200;
const GROSS: Decimal = Decimal::from_parts(84_075, 0, 0, false, 2);
const DEARER_BY: Decimal = Decimal::from_parts(4_000, 0, 0, false, 2);
const CREW: [&str; 2] = ["crew-1", "crew-2"];
const OTHER_CREW: [&str; 2] = ["crew-1", "crew-3"];
/// How much older than the newest snapshot the one is that comes late.
const OLDER_BY: SignedDuration = SignedDuration::from_mins(1);

/// The kinds of delivery, in the order of the buttons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A booking that was never seen before: the worked example's money.
    Sample,
    /// The booking, one day later.
    Reschedule,
    /// The booking, on the day that it was made for.
    Return,
    /// Somebody else in the second place of the crew; once more, and the first one is back.
    CrewChange,
    /// The booking, for 40 dollars more.
    PriceChange,
    /// The booking, called off.
    Cancellation,
    /// The booking, confirmed after it was called off.
    StandsAgain,
    /// The last message about the booking once more.
    Repeat,
    /// A snapshot from a minute before the newest, which wanted the charter two days later.
    Late,
    /// A new booking, signed with somebody else's secret.
    BadSignature,
    /// A new booking with two faults.
    Malformed,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Sample,
        Self::Reschedule,
        Self::Return,
        Self::CrewChange,
        Self::PriceChange,
        Self::Cancellation,
        Self::StandsAgain,
        Self::Repeat,
        Self::Late,
        Self::BadSignature,
        Self::Malformed,
    ];

    /// What its button says.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Sample => "Sample booking",
            Self::Reschedule => "A day later",
            Self::Return => "Back to its day",
            Self::CrewChange => "Another crew",
            Self::PriceChange => "$40 more",
            Self::Cancellation => "Cancellation",
            Self::StandsAgain => "Stands again",
            Self::Repeat => "The same again",
            Self::Late => "An older one, late",
            Self::BadSignature => "Bad signature",
            Self::Malformed => "Malformed body",
        }
    }

    /// Whether it speaks of a booking that was sent before.
    #[must_use]
    pub fn follows(self) -> bool {
        !matches!(self, Self::Sample | Self::BadSignature | Self::Malformed)
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
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// The kind follows a booking, and there is none.
    #[error("Send the sample booking first: there is nothing to follow it with.")]
    NothingBefore,
    /// What was called off has no day, crew or price to change.
    #[error("The booking is cancelled: let it stand again first.")]
    IsCancelled,
    /// Only what was called off can stand again.
    #[error("The booking was not cancelled: it stands already.")]
    Stands,
}

/// A booking as the marketplace knows it.
#[derive(Clone, Debug)]
pub struct Booking {
    /// The marketplace's id.
    pub id: String,
    /// When the charter begins.
    pub start: Zoned,
    /// Whether it was called off.
    pub is_cancelled: bool,
    first_start: Zoned,
    crew: [&'static str; 2],
    gross: Decimal,
    revision: u32,
    updated_at: Timestamp,
}

/// A booking with the last message about it.
struct Sold {
    booking: Booking,
    last: Message,
}

/// The marketplace's memory: its newest bookings, the last one sold at the end.
#[derive(Default)]
pub(super) struct Marketplace {
    bookings: u32,
    sold: VecDeque<Sold>,
}

impl Marketplace {
    /// The next message of `kind`, about the booking `about` where the kind follows one, else about the last one sold.
    pub(super) fn say(&mut self, kind: Kind, about: Option<&str>, now: Timestamp) -> Result<Message, NotSent> {
        match kind {
            Kind::Sample => {
                let booking = self.next(now);
                let last = message(&booking);
                self.bookings += 1;
                if self.sold.len() == BOOKINGS_KEPT {
                    self.sold.pop_front();
                }
                self.sold.push_back(Sold { booking, last: last.clone() });
                return Ok(last);
            }
            Kind::BadSignature => return Ok(Message { forged: true, ..message(&self.next(now)) }),
            Kind::Malformed => return Ok(malformed(&self.next(now))),
            _ => {}
        }
        let sold = self.sold.iter_mut().rfind(|sold| about.is_none_or(|about| sold.booking.id == about));
        let sold = sold.ok_or(NotSent::NothingBefore)?;
        match kind {
            Kind::Repeat => {}
            Kind::Late => sold.last = message(&sold.booking.older()),
            _ => {
                sold.booking = sold.booking.changed(kind, now)?;
                sold.last = message(&sold.booking);
            }
        }
        Ok(sold.last.clone())
    }

    /// The last booking sold.
    pub(super) fn newest(&self) -> Option<&Booking> {
        self.sold.back().map(|sold| &sold.booking)
    }

    /// The last message about it.
    pub(super) fn last(&self) -> Option<&Message> {
        self.sold.back().map(|sold| &sold.last)
    }

    /// A booking that was never sent: each a number and a day further on.
    fn next(&self, now: Timestamp) -> Booking {
        let (letters, number) =
            SAMPLE_BOOKING_ID.split_once('-').expect("the sample's id is letters, a dash, a number");
        let number: u32 = number.parse().expect("the sample's id ends in a number");
        let start = upcoming_start(now).saturating_add(i64::from(self.bookings).days());
        Booking {
            id: format!("{letters}-{}", number + self.bookings),
            start: start.clone(),
            is_cancelled: false,
            first_start: start,
            crew: CREW,
            gross: GROSS,
            revision: 1,
            updated_at: now,
        }
    }
}

impl Booking {
    fn changed(&self, kind: Kind, now: Timestamp) -> Result<Self, NotSent> {
        match (kind, self.is_cancelled) {
            (Kind::Reschedule | Kind::Return | Kind::CrewChange | Kind::PriceChange | Kind::Cancellation, true) => {
                return Err(NotSent::IsCancelled);
            }
            (Kind::StandsAgain, false) => return Err(NotSent::Stands),
            _ => {}
        }
        let mut booking = Self { revision: self.revision + 1, updated_at: now, ..self.clone() };
        match kind {
            Kind::Reschedule => booking.start = self.start.saturating_add(1.day()),
            Kind::Return => booking.start = self.first_start.clone(),
            Kind::CrewChange => booking.crew = if self.crew == CREW { OTHER_CREW } else { CREW },
            Kind::PriceChange => booking.gross += DEARER_BY,
            _ => booking.is_cancelled = kind == Kind::Cancellation,
        }
        Ok(booking)
    }

    /// What was said a minute before the newest, and comes only now.
    fn older(&self) -> Self {
        let start = self.start.saturating_add(2.days());
        let updated_at = self.updated_at.saturating_sub(OLDER_BY).expect("a minute has no calendar units");
        Self { start, is_cancelled: false, revision: self.revision - 1, updated_at, ..self.clone() }
    }
}

fn message(booking: &Booking) -> Message {
    signed_later(booking, &snapshot(booking))
}

/// Two faults, and no more: what is answered must name them both.
fn malformed(booking: &Booking) -> Message {
    let mut body = snapshot(booking);
    let fields = &mut body["data"]["booking"];
    fields["gross"] = json!("a fair price");
    fields["start_at"] = Value::Null;
    signed_later(booking, &body)
}

fn snapshot(booking: &Booking) -> Value {
    let mut body = sample_booking(&booking.id, &booking.start, booking.updated_at);
    if booking.revision != 1 {
        body["type"] = json!(if booking.is_cancelled { "booking.cancelled" } else { "booking.updated" });
    }
    let fields = &mut body["data"]["booking"];
    fields["status"] = json!(if booking.is_cancelled { "cancelled" } else { "confirmed" });
    fields["revision"] = json!(booking.revision);
    fields["crew_ids"] = json!(booking.crew);
    fields["gross"] = json!(booking.gross.to_string());
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
mod tests;
