//! What the marketplace said about a booking at one moment.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{BookingId, CharterDuration, Money, PersonId};

/// The state of a booking that one delivery carries. Exists only when every field that its status needs is valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The marketplace's id.
    pub booking_id: BookingId,
    /// The sender's own count of changes, if it keeps one.
    pub revision: Option<u64>,
    /// When the sender last changed the booking.
    pub updated_at: Option<Timestamp>,
    /// Whether the charter sails.
    pub status: BookingStatus,
    /// What was sold; there exactly when the booking is confirmed.
    pub sale: Option<Box<Sale>>,
    /// The booking that this one takes the place of: some platforms give a rescheduled booking a new id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<BookingId>,
}

/// Whether a charter sails. The sender's words are mapped to these; only the snapshot decides, never the event's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BookingStatus {
    /// It sails.
    Confirmed,
    /// It does not. Senders often leave out what had been sold, and nothing needs it.
    Cancelled,
    /// Neither (an inquiry, a hold, a refund): recorded, and nothing is sent anywhere.
    Inconclusive,
}

impl BookingStatus {
    /// As the ledger, answers and logs name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
            Self::Inconclusive => "inconclusive",
        }
    }

    /// The status of this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Confirmed, Self::Cancelled, Self::Inconclusive].into_iter().find(|status| status.name() == name)
    }
}

/// What was sold, in the sender's words alone: nothing of the operator file is in it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sale {
    /// When the charter starts.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub start: Timestamp,
    /// The sender's local time happened twice that day and the first was taken.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) start_is_ambiguous: bool,
    /// How long it lasts.
    pub duration: CharterDuration,
    /// On which boat.
    pub boat: BoatReference,
    /// Guests, without crew and captain.
    pub party_size: u32,
    /// What the guest paid.
    pub gross: Money,
    /// Who booked.
    pub guest: Guest,
    /// What the guest wrote. The office reads it whole, crew without its money; guests never see it.
    pub notes: String,
    /// Where, if not at the boat's own meeting point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<String>,
    /// Who sails, if the booking says.
    pub assigned: Assigned,
    /// What people call who sold it, when that is not Boatsetter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seller: Option<String>,
    /// Fields whose values could not be read and that the booking can do without.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) passed_over: Vec<Field>,
}

impl Sale {
    /// The same without anything personal: for a charter that is long over.
    #[must_use]
    pub(crate) fn without_guest(self) -> Self {
        let guest = Guest { name: "Guest".into(), ..self.guest };
        Self { guest, notes: String::new(), location: None, ..self }
    }
}

/// Keeps what was paid, who paid it and what they wrote out of logs.
impl fmt::Debug for Sale {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Sale")
            .field("start", &self.start)
            .field("duration", &self.duration)
            .field("boat", &self.boat)
            .field("assigned", &self.assigned)
            .finish_non_exhaustive()
    }
}

/// Who sails, as far as the sender says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assigned {
    /// The list as it was sent; the captain may be in it, too.
    pub(crate) crew: Option<Vec<PersonId>>,
    /// The captain.
    pub(crate) captain: Option<PersonId>,
}

/// A boat as the sender names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoatReference {
    /// The sender's id of it.
    pub id: String,
    /// The sender's name of it.
    pub name: String,
}

/// Who booked.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guest {
    /// As the guest wrote it. Only the office sees the whole of it.
    pub name: String,
    /// BCP 47, e.g. `en` or `es-MX`.
    pub(crate) locale: String,
}

/// A name is personal.
impl fmt::Debug for Guest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Guest").field("locale", &self.locale).finish_non_exhaustive()
    }
}

/// A field of a booking, by its canonical name; the mapping knows where a sender keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the mapping file's own")]
pub enum Field {
    Id,
    Status,
    Revision,
    UpdatedAt,
    StartAt,
    EndAt,
    Duration,
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
    Replaces,
}

impl Field {
    /// Every field, in the order in which a booking is read.
    pub(crate) const ALL: [Self; 20] = [
        Self::Id,
        Self::Status,
        Self::Revision,
        Self::UpdatedAt,
        Self::StartAt,
        Self::EndAt,
        Self::Duration,
        Self::Timezone,
        Self::BoatId,
        Self::BoatName,
        Self::PartySize,
        Self::Currency,
        Self::Gross,
        Self::GuestName,
        Self::GuestLocale,
        Self::Notes,
        Self::Location,
        Self::CrewIds,
        Self::CaptainId,
        Self::Replaces,
    ];

    /// As a mapping file names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Status => "status",
            Self::Revision => "revision",
            Self::UpdatedAt => "updated_at",
            Self::StartAt => "start_at",
            Self::EndAt => "end_at",
            Self::Duration => "duration",
            Self::Timezone => "timezone",
            Self::BoatId => "boat_id",
            Self::BoatName => "boat_name",
            Self::PartySize => "party_size",
            Self::Currency => "currency",
            Self::Gross => "gross",
            Self::GuestName => "guest_name",
            Self::GuestLocale => "guest_locale",
            Self::Notes => "notes",
            Self::Location => "location",
            Self::CrewIds => "crew_ids",
            Self::CaptainId => "captain_id",
            Self::Replaces => "replaces",
        }
    }
}

/// What is wrong with a field, in words that the sender's engineer can act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    /// Which field.
    pub(crate) field: Field,
    /// What is wrong, e.g. "is missing".
    pub(crate) detail: String,
}

#[cfg(test)]
impl Sale {
    /// The worked example: 840.75 gross, 289.41 net.
    pub(crate) fn example() -> Self {
        let person = |id| PersonId::parse(id).expect("valid");
        Self {
            start: "2031-05-30T14:00:00-07:00".parse().expect("valid"),
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
            seller: None,
            passed_over: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sale() -> Sale {
        Sale { location: Some("gate 4821".into()), ..Sale::example() }
    }

    #[test]
    fn a_snapshot_survives_being_stored() {
        for (status, sale) in [
            (BookingStatus::Confirmed, Some(Box::new(sale()))),
            (BookingStatus::Cancelled, None),
            (BookingStatus::Inconclusive, None),
        ] {
            let snapshot = Snapshot {
                booking_id: BookingId::parse("BS-1048812").expect("valid"),
                revision: Some(u64::MAX),
                updated_at: Some("2031-05-20T18:03:10.123Z".parse().expect("valid")),
                status,
                sale,
                replaces: None,
            };
            let text = serde_json::to_string(&snapshot).expect("it serialises");
            assert_eq!(serde_json::from_str::<Snapshot>(&text).expect("it is read"), snapshot, "{text}");
            let value = serde_json::to_value(&snapshot).expect("it serialises");
            assert_eq!(serde_json::from_value::<Snapshot>(value).expect("it is read"), snapshot, "{text}");
        }
    }

    #[test]
    fn what_was_stored_is_no_way_round_the_rules() {
        let stored = serde_json::to_string(&sale()).expect("it serialises");
        for (good, bad) in [("\"duration\":180", "\"duration\":1"), ("crew-1", "crew 1")] {
            assert!(stored.contains(good), "{stored}");
            assert!(serde_json::from_str::<Sale>(&stored.replace(good, bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_formatted_snapshot_holds_nothing_personal_and_no_money() {
        let formatted = format!("{:?}", sale());
        assert!(formatted.contains("qosd") && formatted.contains("crew-1"), "{formatted}");
        for withheld in ["Dana", "Whitfield", "840", "anniversary", "4821"] {
            assert!(!formatted.contains(withheld), "{withheld}: {formatted}");
        }
    }
}
