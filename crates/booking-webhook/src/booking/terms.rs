//! Who sails and what it costs: settled when a booking is first confirmed, and kept.
//!
//! Editing the operator file changes no existing charter. What changes one is the sender, or a person's entry: who they name last stays
//! named, and another boat means that boat's roster and rates.

use serde::{Deserialize, Serialize};

use super::{
    Assigned, Boat, BoatReference, EmergencyContact, Field, FieldFault, Flag, MeetingPoint, Operator, PersonId,
    PublicText, Rates, Roster,
};

/// What is settled for one booking. Stored with it, but for the people, who follow from the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Settlement", into = "Settlement")]
pub struct Terms {
    /// Crew beside the captain, each once; at least one. The money is computed from them.
    pub(crate) crew: Vec<PersonId>,
    /// The captain.
    pub(crate) captain: PersonId,
    settlement: Settlement,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Settlement {
    rates: Rates,
    /// The sender's id of the boat for which all this was settled.
    boat_id: String,
    /// The same boat as the operator file had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    boat: Option<Box<SettledBoat>>,
    /// Who sails if the booking names no people.
    #[serde(default, skip_serializing_if = "Roster::is_empty")]
    roster: Roster,
    /// The people who were named last. Each list stays until another one is named.
    #[serde(default)]
    named: Assigned,
    /// Those of `named` who were named for another boat than this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    named_for_another_boat: Vec<PersonId>,
}

/// What guests must still be told when the boat has left the operator file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SettledBoat {
    id: String,
    name: PublicText,
    capacity: Option<u32>,
    check_in_minutes: Option<u32>,
    meeting_point: Option<MeetingPoint>,
    emergency_contact: Option<EmergencyContact>,
}

/// Settled terms that name no crew or no captain; the function stores none.
#[derive(Debug, thiserror::Error)]
#[error("not everybody who must sail is named: {0:?}")]
struct NobodySails(Vec<FieldFault>);

impl TryFrom<Settlement> for Terms {
    type Error = NobodySails;

    fn try_from(settlement: Settlement) -> Result<Self, NobodySails> {
        Self::of(settlement).map_err(NobodySails)
    }
}

impl From<Terms> for Settlement {
    fn from(terms: Terms) -> Self {
        terms.settlement
    }
}

impl Terms {
    /// The terms of a booking that has none yet. See [`Self::settle`].
    ///
    /// # Errors
    /// One fault for each of crew and captain that nobody names.
    pub fn resolve(boat: &BoatReference, assigned: &Assigned, operator: &Operator) -> Result<Self, Vec<FieldFault>> {
        Self::settle(None, boat, assigned, operator)
    }

    /// The terms that follow when a snapshot names this boat and these people. On the same boat as before, roster and rates stay as they
    /// were settled; another boat brings its own. People who were named stay. The captain is not paid as crew, too: a list that
    /// names the captain alone names no crew.
    ///
    /// # Errors
    /// One fault for each of crew and captain that neither snapshots nor roster name.
    pub(crate) fn settle(
        previous: Option<&Self>,
        boat: &BoatReference,
        assigned: &Assigned,
        operator: &Operator,
    ) -> Result<Self, Vec<FieldFault>> {
        let previous = previous.map(|terms| &terms.settlement);
        let same_boat = previous.filter(|settled| settled.is_for(boat, operator));
        let found = operator.boat(boat);
        let (roster, rates, settled_boat) = match same_boat {
            Some(settled) => (settled.roster.clone(), settled.rates.clone(), settled.boat.clone()),
            None => (
                found.map(|boat| boat.roster.without_phones()).unwrap_or_default(),
                found.and_then(|boat| boat.rates.clone()).unwrap_or_else(|| operator.rates.clone()),
                found.map(|boat| Box::new(SettledBoat::of(boat))),
            ),
        };
        let before = previous.map(|settled| settled.named.clone()).unwrap_or_default();
        let captain = assigned.captain.clone().or(before.captain.clone()).or(roster.captain.clone());
        let crew = assigned.crew.clone().filter(|crew| crew_beside(captain.as_ref(), crew).is_some());
        let kept = Assigned {
            crew: before.crew.filter(|_| crew.is_none()),
            captain: before.captain.filter(|_| assigned.captain.is_none()),
        };
        let named_for_another_boat = match (previous, same_boat) {
            (_, Some(settled)) => {
                settled.named_for_another_boat.iter().filter(|person| people(&kept).contains(person)).cloned().collect()
            }
            (Some(_), None) => people(&kept),
            (None, None) => Vec::new(),
        };
        let named = Assigned { crew: crew.or(kept.crew), captain: assigned.captain.clone().or(kept.captain) };
        let boat_id = boat.id.clone();
        Self::of(Settlement { rates, boat_id, boat: settled_boat, roster, named, named_for_another_boat })
    }

    /// Who was named sails, else the roster.
    fn of(settlement: Settlement) -> Result<Self, Vec<FieldFault>> {
        let Settlement { roster, named, .. } = &settlement;
        let captain = named.captain.clone().or(roster.captain.clone());
        let beside = |people: &[PersonId]| crew_beside(captain.as_ref(), people);
        let crew = named.crew.as_deref().and_then(beside).or_else(|| beside(&roster.crew));
        let (crew, captain) = both(crew, captain)?;
        Ok(Self { crew, captain, settlement })
    }

    /// What crew, captain and the port cost.
    pub(crate) fn rates(&self) -> &Rates {
        &self.settlement.rates
    }

    /// The boat as it was settled, for when the operator file has it no more.
    pub(super) fn boat(&self) -> Option<Boat> {
        let SettledBoat { id, name, capacity, check_in_minutes, meeting_point, emergency_contact } =
            *self.settlement.boat.clone()?;
        Some(Boat { id, name, capacity, check_in_minutes, meeting_point, emergency_contact, ..Boat::default() })
    }

    /// What a person should look at.
    pub(super) fn flag(&self) -> Option<Flag> {
        let people = self.settlement.named_for_another_boat.clone();
        (!people.is_empty()).then_some(Flag::NamedForAnotherBoat { people })
    }
}

impl Settlement {
    /// Whether a sender means the boat for which this was settled, even if the operator file has renamed it.
    fn is_for(&self, boat: &BoatReference, operator: &Operator) -> bool {
        let same = |one: &str, other: &str| one.trim().eq_ignore_ascii_case(other.trim());
        same(&self.boat_id, &boat.id)
            || match (&self.boat, operator.boat(boat)) {
                (Some(settled), Some(found)) => same(&settled.id, &found.id),
                (Some(settled), None) => same(&settled.id, &boat.id) || same(&settled.name, &boat.name),
                (None, _) => false,
            }
    }
}

impl SettledBoat {
    fn of(boat: &Boat) -> Self {
        Self {
            id: boat.id.clone(),
            name: boat.name.clone(),
            capacity: boat.capacity,
            check_in_minutes: boat.check_in_minutes,
            meeting_point: boat.meeting_point.clone(),
            emergency_contact: boat.emergency_contact.clone(),
        }
    }
}

fn people(assigned: &Assigned) -> Vec<PersonId> {
    assigned.crew.iter().flatten().chain(&assigned.captain).cloned().collect()
}

fn both(crew: Option<Vec<PersonId>>, captain: Option<PersonId>) -> Result<(Vec<PersonId>, PersonId), Vec<FieldFault>> {
    let missing = |field, who| FieldFault {
        field,
        detail: format!("names no {who}, and neither does the operator file's roster for this boat"),
    };
    match (crew, captain) {
        (Some(crew), Some(captain)) => Ok((crew, captain)),
        (crew, captain) => {
            let no_crew = crew.is_none().then(|| missing(Field::CrewIds, "crew beside the captain"));
            let no_captain = captain.is_none().then(|| missing(Field::CaptainId, "captain"));
            Err(no_crew.into_iter().chain(no_captain).collect())
        }
    }
}

/// The people without the captain and without repeats; `None` if none is left.
fn crew_beside(captain: Option<&PersonId>, people: &[PersonId]) -> Option<Vec<PersonId>> {
    let mut crew: Vec<PersonId> = Vec::new();
    for person in people {
        if Some(person) != captain && !crew.contains(person) {
            crew.push(person.clone());
        }
    }
    (!crew.is_empty()).then_some(crew)
}

#[cfg(test)]
mod tests;
