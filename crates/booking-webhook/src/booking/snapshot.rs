//! What the marketplace said about a booking at one moment.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{BookingId, Money, PersonId};

/// The state of a booking that one delivery carries. Exists only when every field is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The marketplace's id.
    pub booking_id: BookingId,
    /// Whether the charter stands.
    pub status: Status,
    /// The sender's own count of changes, if it keeps one.
    pub revision: Option<u64>,
    /// When the sender last changed the booking.
    pub updated_at: Option<Timestamp>,
    /// When the charter starts.
    pub start: Timestamp,
    /// The sender's local time happened twice that day and the first was taken.
    pub start_is_ambiguous: bool,
    /// How long it lasts.
    pub duration: SignedDuration,
    /// On which boat.
    pub boat: BoatReference,
    /// Guests, without crew and captain.
    pub party_size: u32,
    /// What the guest paid.
    pub gross: Money,
    /// Who booked.
    pub guest: Guest,
    /// What the guest wrote. The office reads it whole, crew without its money, nobody else.
    pub notes: String,
    /// Where, if not at the boat's own meeting point.
    pub location: Option<String>,
    /// Crew beside the captain, if the booking says.
    pub crew: Option<Vec<PersonId>>,
    /// The captain, if the booking says.
    pub captain: Option<PersonId>,
}

/// Whether a charter stands. The sender's words are mapped to these; only the snapshot decides, never the event's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Confirmed or approved: it sails.
    Standing,
    /// Cancelled or declined: it does not.
    Off,
    /// Anything else (an inquiry, a hold, a refund): nothing is sent anywhere.
    Undecided,
}

/// A boat as the sender names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoatReference {
    /// The sender's id of it.
    pub id: String,
    /// The sender's name of it.
    pub name: String,
}

/// Who booked.
#[derive(Clone, PartialEq, Eq)]
pub struct Guest {
    /// As the guest wrote it. Only the office sees the whole of it.
    pub name: String,
    /// BCP 47, e.g. `en` or `es-MX`.
    pub locale: String,
}

impl Guest {
    /// What crew and the guest's party call them. Some people book under an e-mail address or a phone number, which is nobody else's to
    /// read: they are called "Guest".
    pub fn first_name(&self) -> &str {
        let first = self.name.split_whitespace().next().unwrap_or_default();
        let digits = self.name.bytes().filter(u8::is_ascii_digit).count();
        if first.contains('@') || digits >= FEWEST_PHONE_DIGITS { "Guest" } else { first }
    }
}

/// The shortest local phone numbers have seven digits; no name has.
const FEWEST_PHONE_DIGITS: usize = 7;

/// Personal data stays out of logs, whoever formats a snapshot.
impl fmt::Debug for Guest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Guest").field("locale", &self.locale).finish_non_exhaustive()
    }
}

/// A field of a booking, by its canonical name; the mapping knows where a sender keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the canonical body's own")]
pub enum Field {
    Id,
    Status,
    Revision,
    UpdatedAt,
    StartAt,
    EndAt,
    DurationMinutes,
    Timezone,
    BoatId,
    BoatName,
    PartySize,
    Currency,
    Gross,
    GuestName,
    GuestLocale,
    Notes,
    Location,
    CrewIds,
    CaptainId,
}

/// What is wrong with a field, in words that the sender's engineer can act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    /// Which field.
    pub field: Field,
    /// What is wrong, e.g. "is missing".
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_name_is_never_contact_data() {
        for (name, first) in [
            ("Dana Whitfield", "Dana"),
            ("  Zoë  ", "Zoë"),
            ("Prince", "Prince"),
            ("dana@example.com", "Guest"),
            ("619 555 0123", "Guest"),
            ("+1 (619) 555-0123 Dana", "Guest"),
            ("Dana 2nd", "Dana"),
        ] {
            assert_eq!(Guest { name: name.into(), locale: "en".into() }.first_name(), first);
        }
    }
}
