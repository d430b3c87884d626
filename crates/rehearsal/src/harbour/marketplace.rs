//! What the harbour's buttons send: one marketplace that remembers what it said.
//!
//! A repeat must be the same delivery, byte for byte and with the same id, and a reschedule a later snapshot of the same
//! booking, or neither would prove anything.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp, ToSpan, Zoned, civil::DateTime, tz::TimeZone};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use simulators::sender::{SAMPLE_BOOKING_ID, Sender, sample_booking, upcoming_start};

/// A secret that nobody agreed on.
const FORGERS_SECRET: &str = "whsec_bm90LXRoZS1tYXJrZXRwbGFjZXMtc2VjcmV0";
const BOOKINGS_KEPT: usize = 200;
const ZONE: &str = "America/Los_Angeles";
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
            Self::StandsAgain => "Confirmed again",
            Self::Repeat => "The same again",
            Self::Late => "An older snapshot",
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
    pub(super) webhook_id: String,
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
    #[error("Send the sample booking first.")]
    NothingBefore,
    /// It is another sender's, or was sold too long ago.
    #[error("Boatsetter knows no such booking: post the next body of its sender.")]
    UnknownBooking,
    /// What was called off has no day, crew or price to change.
    #[error("The booking is cancelled: confirm it again first.")]
    IsCancelled,
    /// Only a cancelled booking can be confirmed again.
    #[error("The booking was not cancelled.")]
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
    /// The booking object of the canonical body, as it was said last.
    said: Map<String, Value>,
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
                self.remember(Sold { booking, last: last.clone() });
                return Ok(last);
            }
            Kind::BadSignature => return Ok(Message { forged: true, ..message(&self.next(now)) }),
            Kind::Malformed => return Ok(malformed(&self.next(now))),
            _ => {}
        }
        let unknown = if self.sold.is_empty() { NotSent::NothingBefore } else { NotSent::UnknownBooking };
        let sold = self.sold.iter_mut().rfind(|sold| about.is_none_or(|about| sold.booking.id == about));
        let sold = sold.ok_or(unknown)?;
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

    /// Remembers what somebody else said of a booking, so that a button can follow it; whether it is in the canonical form.
    pub(super) fn overhear(&mut self, webhook_id: Option<&str>, body: &str, now: Timestamp) -> bool {
        let parsed: Value = serde_json::from_str(body).unwrap_or_default();
        let said = [&parsed["data"]["booking"], &parsed["booking"]].into_iter().find_map(Value::as_object);
        let Some(mut booking) = said.and_then(|said| Booking::read(said, now)) else { return false };
        let before = self.sold.iter().position(|sold| sold.booking.id == booking.id);
        if let Some(known) = before.and_then(|position| self.sold.remove(position)) {
            booking.first_start = known.booking.first_start;
        }
        let last = match webhook_id {
            Some(id) => Message { webhook_id: id.to_owned(), body: body.to_owned(), ..message(&booking) },
            None => message(&booking),
        };
        self.remember(Sold { booking, last });
        true
    }

    fn remember(&mut self, sold: Sold) {
        if self.sold.len() == BOOKINGS_KEPT {
            self.sold.pop_front();
        }
        self.sold.push_back(sold);
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
        let id = format!("{letters}-{}", number + self.bookings);
        let mut body = sample_booking(&id, &start, now);
        let Value::Object(said) = body["data"]["booking"].take() else { unreachable!("a sample has a booking") };
        Booking { id, start: start.clone(), is_cancelled: false, first_start: start, said, updated_at: now }
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
        let mut booking = Self { updated_at: now, ..self.clone() };
        match kind {
            Kind::Reschedule => booking.start = self.start.saturating_add(1.day()),
            Kind::Return => booking.start = self.first_start.clone(),
            Kind::CrewChange => {
                let other = if self.said.get("crew_ids") == Some(&json!(CREW)) { OTHER_CREW } else { CREW };
                booking.said.insert("crew_ids".to_owned(), json!(other));
            }
            Kind::PriceChange => {
                let dearer = self.gross().unwrap_or_default() + DEARER_BY;
                booking.said.insert("gross".to_owned(), json!(dearer.to_string()));
            }
            _ => booking.is_cancelled = kind == Kind::Cancellation,
        }
        booking.revise(1);
        Ok(booking)
    }

    /// What was said a minute before the newest, and comes only now.
    fn older(&self) -> Self {
        let start = self.start.saturating_add(2.days());
        let updated_at = self.updated_at.saturating_sub(OLDER_BY).expect("a minute has no calendar units");
        let mut older = Self { start, is_cancelled: false, updated_at, ..self.clone() };
        older.revise(-1);
        older
    }

    /// What a canonical booking object says; `None` when it has no id, or no start that can be read.
    fn read(said: &Map<String, Value>, now: Timestamp) -> Option<Self> {
        let text = |name: &str| said.get(name).and_then(Value::as_str);
        let zone = TimeZone::get(text("timezone").unwrap_or(ZONE)).or_else(|_| TimeZone::get(ZONE)).ok()?;
        let start = text("start_at")?;
        let instant = start.parse::<Timestamp>().map(|at| at.to_zoned(zone.clone()));
        let start = instant.or_else(|_| start.parse::<DateTime>().and_then(|naive| naive.to_zoned(zone))).ok()?;
        Some(Self {
            id: text("id")?.to_owned(),
            start: start.clone(),
            is_cancelled: matches!(text("status"), Some("cancelled" | "canceled" | "declined")),
            first_start: start,
            said: said.clone(),
            updated_at: text("updated_at").and_then(|at| at.parse().ok()).unwrap_or(now),
        })
    }

    fn gross(&self) -> Option<Decimal> {
        let gross = self.said.get("gross")?;
        gross.as_str().map_or_else(|| gross.to_string(), str::to_owned).parse().ok()
    }

    /// Counts the revision on; a sender that states none goes without.
    fn revise(&mut self, by: i64) {
        if let Some(revision) = self.said.get("revision").and_then(Value::as_i64) {
            self.said.insert("revision".to_owned(), json!(revision + by));
        }
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

/// The canonical body: what was said of the booking, with its start, status and time of change as they are now.
fn snapshot(booking: &Booking) -> Value {
    let mut body = sample_booking(&booking.id, &booking.start, booking.updated_at);
    let mut said = booking.said.clone();
    // A charter that moves keeps its length: the sample states it, and others may state when it ends.
    if let Some(end) = said.get("end_at").and_then(Value::as_str).and_then(|end| end.parse::<Timestamp>().ok()) {
        let before =
            Booking::read(&booking.said, booking.updated_at).map_or_else(|| booking.start.clone(), |said| said.start);
        let length = end.duration_since(before.timestamp());
        said.insert("end_at".to_owned(), json!(rfc3339(&booking.start.saturating_add(length))));
    }
    for name in ["start_at", "updated_at"] {
        said.insert(name.to_owned(), body["data"]["booking"][name].take());
    }
    said.insert("status".to_owned(), json!(if booking.is_cancelled { "cancelled" } else { "confirmed" }));
    if booking.is_cancelled {
        body["type"] = json!("booking.cancelled");
    } else if said.get("revision") != Some(&json!(1)) {
        body["type"] = json!("booking.updated");
    }
    body["data"]["booking"] = Value::Object(said);
    body
}

fn rfc3339(at: &Zoned) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
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
