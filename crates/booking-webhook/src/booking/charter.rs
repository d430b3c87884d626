//! A booking that stands, split by who may see what.
//!
//! [`Charter`] is what crew and guests may know; it *has no money in it*, so nothing built from it can leak any. [`Office`] is the rest
//! and goes to the calendar alone.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{
    Boat, BookingId, CharterId, CharterTime, Field, FieldFault, MeetingPoint, Operator, PersonId, Rates, Snapshot,
    Statement,
};

/// What is settled when a booking is first confirmed, and stays: editing the operator file changes no existing charter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Crew beside the captain; at least one.
    pub crew: Vec<PersonId>,
    /// The captain.
    pub captain: PersonId,
    /// What they, and the port, cost.
    pub rates: Rates,
}

impl Terms {
    /// The snapshot's own crew and captain, else the boat's roster; the operator's rates.
    ///
    /// # Errors
    /// One fault for each of crew and captain that neither of them names.
    pub fn resolve(snapshot: &Snapshot, operator: &Operator) -> Result<Self, Vec<FieldFault>> {
        let roster = operator.boat(&snapshot.boat).map(|boat| boat.roster.clone()).unwrap_or_default();
        let crew = snapshot.crew.clone().unwrap_or(roster.crew);
        let captain = snapshot.captain.clone().or(roster.captain);
        let missing = |field, who| FieldFault {
            field,
            detail: format!("is missing, and the operator file has no {who} for the boat {:?}", snapshot.boat.id),
        };
        match captain {
            Some(captain) if !crew.is_empty() => Ok(Self { crew, captain, rates: operator.rates.clone() }),
            captain => {
                let mut faults = Vec::new();
                if crew.is_empty() {
                    faults.push(missing(Field::CrewIds, "crew"));
                }
                if captain.is_none() {
                    faults.push(missing(Field::CaptainId, "captain"));
                }
                Err(faults)
            }
        }
    }
}

/// Something that a person should look at; it stops nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// The start is a local time that happens twice that day; the first was taken.
    AmbiguousStart,
    /// Party and captain are more than the boat takes.
    OverCapacity,
    /// The operator file has boats, but not this one.
    UnknownBoat,
}

/// A standing charter as crew and guests may know it. No money, no full name, no free text but what is fit for crew.
#[derive(Debug, Clone)]
pub struct Charter {
    /// Ours.
    pub id: CharterId,
    /// The marketplace's.
    pub booking_id: BookingId,
    /// When, in the operator's zone.
    pub time: CharterTime,
    /// The boat, with what guests are told about it.
    pub boat: Boat,
    /// Where guests and crew meet.
    pub place: Option<Place>,
    /// Guests, without crew and captain.
    pub party_size: u32,
    /// What to call whoever booked.
    pub guest_first_name: String,
    /// The language of the guest page, BCP 47.
    pub guest_locale: String,
    /// Crew beside the captain.
    pub crew: Vec<PersonId>,
    /// The captain.
    pub captain: PersonId,
    /// What crew tick off.
    pub checklist: Vec<String>,
    /// The guest's notes without every line that speaks of money.
    pub crew_notes: String,
}

/// Where a charter starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The boat's own meeting point, with address and map.
    MeetingPoint(MeetingPoint),
    /// Somewhere else, in the booking's own words.
    Elsewhere(String),
}

impl Place {
    /// Where the booking says, else at the boat's meeting point.
    fn of(location: Option<String>, meeting_point: Option<&MeetingPoint>) -> Option<Self> {
        match (location, meeting_point) {
            (Some(location), Some(point)) if location == point.name => Some(Self::MeetingPoint(point.clone())),
            (Some(location), _) => Some(Self::Elsewhere(location)),
            (None, point) => point.cloned().map(Self::MeetingPoint),
        }
    }

    /// In a few words.
    pub fn name(&self) -> &str {
        match self {
            Self::MeetingPoint(point) => &point.name,
            Self::Elsewhere(words) => words,
        }
    }

    /// Address and map, if it is the boat's own place.
    pub fn meeting_point(&self) -> Option<&MeetingPoint> {
        match self {
            Self::MeetingPoint(point) => Some(point),
            Self::Elsewhere(_) => None,
        }
    }
}

/// What only the office and the captain may know.
#[derive(Debug, Clone)]
pub struct Office {
    /// The money.
    pub statement: Statement,
    /// The guest's whole name.
    pub guest_name: String,
    /// The guest's notes, whole.
    pub guest_notes: String,
}

/// A booking that stands: what each system should show can be built from it.
#[derive(Debug, Clone)]
pub struct Confirmed {
    /// For everybody.
    pub charter: Charter,
    /// For the office alone.
    pub office: Office,
    /// For a person to look at.
    pub flags: Vec<Flag>,
}

impl Confirmed {
    /// Puts a standing snapshot together with what was settled for it.
    ///
    /// # Errors
    /// The fault of a duration that no charter has.
    pub fn assemble(
        snapshot: Snapshot,
        terms: Terms,
        operator: &Operator,
        id: CharterId,
    ) -> Result<Self, Vec<FieldFault>> {
        let start = snapshot.start.to_zoned(operator.time_zone.clone());
        let time = CharterTime::lasting(start, whole_minutes(snapshot.duration))
            .map_err(|fault| vec![FieldFault { field: Field::DurationMinutes, detail: fault.to_string() }])?;
        let known = operator.boat(&snapshot.boat);
        let boat = known.cloned().unwrap_or_else(|| Boat {
            id: snapshot.boat.id.clone(),
            name: snapshot.boat.name.clone(),
            ..Boat::default()
        });
        let flags = flags(&snapshot, &boat, !operator.boats.is_empty() && known.is_none());
        let office = Office {
            statement: Statement::of(snapshot.gross, &time, terms.crew.len(), &terms.rates),
            guest_name: snapshot.guest.name.clone(),
            guest_notes: snapshot.notes.clone(),
        };
        let charter = Charter {
            id,
            booking_id: snapshot.booking_id,
            time,
            place: Place::of(snapshot.location, boat.meeting_point.as_ref()),
            boat,
            party_size: snapshot.party_size,
            guest_first_name: snapshot.guest.first_name().to_owned(),
            guest_locale: snapshot.guest.locale,
            crew: terms.crew,
            captain: terms.captain,
            checklist: operator.checklist.clone(),
            crew_notes: operator.money_words.fit_for_crew(&snapshot.notes),
        };
        Ok(Self { charter, office, flags })
    }
}

fn whole_minutes(duration: SignedDuration) -> i64 {
    if duration.subsec_nanos() == 0 && duration.as_secs() % 60 == 0 { duration.as_mins() } else { 0 }
}

fn flags(snapshot: &Snapshot, boat: &Boat, unknown_boat: bool) -> Vec<Flag> {
    let over_capacity = boat.capacity.is_some_and(|capacity| snapshot.party_size.saturating_add(1) > capacity);
    [
        (snapshot.start_is_ambiguous, Flag::AmbiguousStart),
        (over_capacity, Flag::OverCapacity),
        (unknown_boat, Flag::UnknownBoat),
    ]
    .into_iter()
    .filter_map(|(raised, flag)| raised.then_some(flag))
    .collect()
}
