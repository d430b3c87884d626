//! Who sails and what it costs: settled when a booking is first confirmed, and kept.
//!
//! Editing the operator file changes no existing charter. What changes one is the sender, or a person's entry: who they name last stays
//! named, and another boat means that boat's roster and rates.

use serde::{Deserialize, Serialize};

use super::{
    Assigned, Boat, BoatReference, EmergencyContact, Field, FieldFault, Flag, MeetingPoint, Operator, PersonId,
    PublicText, Rates, Roster,
};

/// What is settled for one booking. Stored with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Crew beside the captain, each once; at least one. The money is computed from them.
    pub crew: Vec<PersonId>,
    /// The captain.
    pub captain: PersonId,
    /// What they, and the port, cost.
    pub rates: Rates,
    /// The boat for which all this was settled, as the sender named it.
    #[serde(default)]
    reference: BoatReference,
    /// The same boat as the operator file had it.
    #[serde(default)]
    boat: Option<Box<SettledBoat>>,
    /// Who sails when nobody is named.
    #[serde(default)]
    roster: Roster,
    /// Who was named last: each list stays until another one is named.
    #[serde(default)]
    named: Assigned,
    /// Those of `named` who were named for another boat than this.
    #[serde(default)]
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

impl Terms {
    /// The terms of a booking that has none yet. See [`Self::settle`].
    ///
    /// # Errors
    /// One fault for each of crew and captain that nobody names.
    pub fn resolve(boat: &BoatReference, assigned: &Assigned, operator: &Operator) -> Result<Self, Vec<FieldFault>> {
        Self::settle(None, boat, assigned, operator)
    }

    /// The terms that follow when a snapshot names this boat and these people. On the same boat as before, roster and rates stay as they
    /// were settled; another boat brings its own. People whom anybody named stay. The captain is not paid as crew, too.
    ///
    /// # Errors
    /// One fault for each of crew and captain that neither snapshots nor roster name.
    pub fn settle(
        previous: Option<&Self>,
        boat: &BoatReference,
        assigned: &Assigned,
        operator: &Operator,
    ) -> Result<Self, Vec<FieldFault>> {
        let same_boat = previous.filter(|terms| terms.are_for(boat, operator));
        let found = operator.boat(boat);
        let (roster, rates, settled_boat) = match same_boat {
            Some(terms) => (terms.roster_or_people(), terms.rates.clone(), terms.boat.clone()),
            None => (
                found.map(|boat| boat.roster.clone()).unwrap_or_default(),
                found.and_then(|boat| boat.rates.clone()).unwrap_or_else(|| operator.rates.clone()),
                found.map(|boat| Box::new(SettledBoat::of(boat))),
            ),
        };
        let before = previous.map(|terms| terms.named.clone()).unwrap_or_default();
        let kept = Assigned {
            crew: before.crew.filter(|_| assigned.crew.is_none()),
            captain: before.captain.filter(|_| assigned.captain.is_none()),
        };
        let named_for_another_boat = match (previous, same_boat) {
            (_, Some(terms)) => {
                terms.named_for_another_boat.iter().filter(|person| people(&kept).contains(person)).cloned().collect()
            }
            (Some(_), None) => people(&kept),
            (None, None) => Vec::new(),
        };
        let named =
            Assigned { crew: assigned.crew.clone().or(kept.crew), captain: assigned.captain.clone().or(kept.captain) };
        let captain = named.captain.clone().or(roster.captain.clone());
        let beside = |people: &[PersonId]| crew_beside(captain.as_ref(), people);
        let crew = named.crew.as_deref().and_then(beside).or_else(|| beside(&roster.crew));
        let crew = crew.or_else(|| same_boat.and_then(|terms| beside(&terms.crew)));
        let (crew, captain) = both(crew, captain)?;
        let reference = boat.clone();
        Ok(Self { crew, captain, rates, reference, boat: settled_boat, roster, named, named_for_another_boat })
    }

    /// The same terms with the people that the newest snapshot names, on the same boat.
    #[must_use]
    pub fn with(self, assigned: &Assigned) -> Self {
        let reference = self.reference.clone();
        Self::settle(Some(&self), &reference, assigned, &Operator::default()).unwrap_or(self)
    }

    /// The boat as it was settled, for when the operator file has it no more.
    pub(super) fn boat(&self) -> Option<Boat> {
        let SettledBoat { id, name, capacity, check_in_minutes, meeting_point, emergency_contact } =
            *self.boat.clone()?;
        Some(Boat { id, name, capacity, check_in_minutes, meeting_point, emergency_contact, ..Boat::default() })
    }

    /// What a person should look at.
    pub(super) fn flag(&self) -> Option<Flag> {
        let people = self.named_for_another_boat.clone();
        (!people.is_empty()).then_some(Flag::NamedForAnotherBoat { people })
    }

    /// Whether a sender means the boat for which these terms were settled, whatever the operator file calls it by now.
    fn are_for(&self, boat: &BoatReference, operator: &Operator) -> bool {
        let same = |one: &str, other: &str| one.trim().eq_ignore_ascii_case(other.trim());
        let settled_before_boats_were_kept = self.reference == BoatReference::default();
        settled_before_boats_were_kept
            || same(&self.reference.id, &boat.id)
            || match (&self.boat, operator.boat(boat)) {
                (Some(settled), Some(found)) => same(&settled.id, &found.id),
                (Some(settled), None) => same(&settled.id, &boat.id) || same(&settled.name, &boat.name),
                (None, _) => false,
            }
    }

    fn roster_or_people(&self) -> Roster {
        let was_kept = !self.roster.crew.is_empty() || self.roster.captain.is_some();
        if was_kept || self.named != Assigned::default() {
            return self.roster.clone();
        }
        Roster { crew: self.crew.clone(), captain: Some(self.captain.clone()) }
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

/// Everybody but the captain, once; `None` when nobody is left.
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
