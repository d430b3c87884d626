//! A booking that stands, split by who may see what.
//!
//! [`Charter`] is what crew and guests may know; it *has no money in it*, so nothing built from it can leak any. [`Office`] is the rest
//! and goes to the calendar alone.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    Assigned, Boat, BoatReference, BookingId, CharterId, CharterTime, Field, FieldFault, Language, Operator, PersonId,
    Place, Rates, Sale, Statement,
};

/// What is settled when a booking is first confirmed, and stays: editing the operator file changes no existing charter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Crew beside the captain, each once; at least one.
    pub crew: Vec<PersonId>,
    /// The captain.
    pub captain: PersonId,
    /// What they, and the port, cost.
    pub rates: Rates,
}

impl Terms {
    /// The booking's own crew and captain, else the boat's roster; the operator's rates. Whoever is captain is not paid as crew, too.
    ///
    /// # Errors
    /// One fault for each of crew and captain that neither of them names.
    pub fn resolve(boat: &BoatReference, assigned: &Assigned, operator: &Operator) -> Result<Self, Vec<FieldFault>> {
        let roster = operator.boat(boat).map(|boat| boat.roster.clone()).unwrap_or_default();
        let captain = assigned.captain.clone().or(roster.captain);
        let beside_captain = |people: &[PersonId]| crew_beside(captain.as_ref(), people);
        let crew = assigned.crew.as_deref().and_then(beside_captain).or_else(|| beside_captain(&roster.crew));
        let missing = |field, who| FieldFault {
            field,
            detail: format!("names no {who}, and neither does the operator file's roster for this boat"),
        };
        match (crew, captain) {
            (Some(crew), Some(captain)) => Ok(Self { crew, captain, rates: operator.rates.clone() }),
            (crew, captain) => {
                let no_crew = crew.is_none().then(|| missing(Field::CrewIds, "crew beside the captain"));
                let no_captain = captain.is_none().then(|| missing(Field::CaptainId, "captain"));
                Err(no_crew.into_iter().chain(no_captain).collect())
            }
        }
    }
}

impl Terms {
    /// The same terms with whoever the newest snapshot names; who it does not name stays.
    #[must_use]
    pub fn with(self, assigned: &Assigned) -> Self {
        let captain = assigned.captain.clone().unwrap_or(self.captain);
        let named = assigned.crew.as_deref().and_then(|crew| crew_beside(Some(&captain), crew));
        let crew = named.or_else(|| crew_beside(Some(&captain), &self.crew)).unwrap_or(self.crew);
        Self { crew, captain, rates: self.rates }
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
    /// The booking's location says more than everybody may read; the office finds it in the calendar.
    LocationWithheld,
    /// The guest's notes say more than crew may read; the office finds it in the calendar.
    NotesWithheld,
    /// Two snapshots of the same time and revision say different things; the larger digest won.
    Contradicted,
    /// Only time decides, because some snapshots state a revision and some do not, and the newest one's revision says otherwise.
    RevisionDisagrees,
    /// The newest snapshot decides nothing any more (pending, refunded); the last one that did stays.
    UndecidedAgain,
}

impl Flag {
    /// For the office, in one line.
    pub fn words(&self) -> String {
        match self {
            Self::AmbiguousStart => "the clocks go back that night and this start comes twice; the first was taken",
            Self::OverCapacity => "more guests than the boat has room for",
            Self::UnknownBoat => "the operator file has no such boat",
            Self::LocationWithheld => "crew and guest do not see the location that the booking names",
            Self::NotesWithheld => "crew do not see all of the guest's notes",
            Self::Contradicted => "the sender said two different things at one time",
            Self::RevisionDisagrees => "the sender's count of changes and its times say different things",
            Self::UndecidedAgain => "the sender's newest word decides nothing; what was decided before stays",
        }
        .to_owned()
    }
}

/// A standing charter as crew and guests may know it. No money, no full name, no free text but what is fit for crew.
#[derive(Clone)]
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
    /// What whoever booked speaks.
    pub language: Language,
    /// Crew beside the captain.
    pub crew: Vec<PersonId>,
    /// The captain.
    pub captain: PersonId,
    /// What crew tick off.
    pub checklist: Vec<String>,
    /// The guest's notes without every part that speaks of money or names an amount of this charter, and whether there are such.
    pub crew_notes: String,
}

/// What a guest wrote, and who it was, stays out of logs.
impl fmt::Debug for Charter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Charter")
            .field("id", &self.id)
            .field("booking_id", &self.booking_id)
            .field("time", &self.time)
            .field("crew", &self.crew)
            .field("captain", &self.captain)
            .finish_non_exhaustive()
    }
}

/// What only the office and the captain may know.
#[derive(Clone)]
pub struct Office {
    /// The money.
    pub statement: Statement,
    /// The guest's whole name.
    pub guest_name: String,
    /// The guest's notes, whole.
    pub guest_notes: String,
    /// The booking's own words on where it starts, when they are withheld from crew and guests.
    pub location_note: Option<String>,
}

/// All of it stays out of logs.
impl fmt::Debug for Office {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Office").finish_non_exhaustive()
    }
}

/// A booking that stands: what each system should show can be built from it.
#[derive(Debug, Clone)]
pub struct Booking {
    /// For everybody.
    pub charter: Charter,
    /// For the office alone.
    pub office: Office,
    /// Whom the booking itself named; the rest comes from the roster.
    pub assigned: Assigned,
    /// For a person to look at.
    pub flags: Vec<Flag>,
}

impl Booking {
    /// Puts what was sold together with what was settled for it.
    pub fn assemble(booking_id: BookingId, sale: Sale, terms: Terms, operator: &Operator, id: CharterId) -> Self {
        let time = CharterTime::lasting(sale.start.to_zoned(operator.time_zone.clone()), sale.duration);
        let known = operator.boat(&sale.boat);
        let boat = known.cloned().unwrap_or_else(|| Boat {
            id: sale.boat.id.clone(),
            name: sale.boat.name.clone(),
            ..Boat::default()
        });
        let mut flags = flags(&sale, &boat, !operator.boats.is_empty() && known.is_none());
        let (place, location_note) = Place::of(sale.location, boat.meeting_point.as_ref(), &operator.money_words);
        flags.extend(location_note.is_some().then_some(Flag::LocationWithheld));
        let office = Office {
            statement: Statement::of(sale.gross, &time, terms.crew.len(), &terms.rates),
            guest_name: sale.guest.name.clone(),
            guest_notes: sale.notes.clone(),
            location_note,
        };
        let fit_for_crew = operator.money_words.fit_for_crew(&sale.notes, &office.statement);
        flags.extend(fit_for_crew.is_some().then_some(Flag::NotesWithheld));
        let charter = Charter {
            id,
            booking_id,
            time,
            place,
            boat,
            party_size: sale.party_size,
            guest_first_name: sale.guest.first_name().to_owned(),
            language: Language::of(&sale.guest.locale),
            crew: terms.crew,
            captain: terms.captain,
            checklist: operator.checklist.clone(),
            crew_notes: fit_for_crew.unwrap_or(sale.notes),
        };
        Self { charter, office, assigned: sale.assigned, flags }
    }
}

fn flags(sale: &Sale, boat: &Boat, unknown_boat: bool) -> Vec<Flag> {
    let over_capacity = boat.capacity.is_some_and(|capacity| sale.party_size.saturating_add(1) > capacity);
    [
        (sale.start_is_ambiguous, Flag::AmbiguousStart),
        (over_capacity, Flag::OverCapacity),
        (unknown_boat, Flag::UnknownBoat),
    ]
    .into_iter()
    .filter_map(|(raised, flag)| raised.then_some(flag))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROSTER: &str = "[[boats]]\nid = \"qosd\"\n[boats.roster]\ncrew = [\"crew-1\", \"crew-1\", \"captain-2\"]\ncaptain = \"captain-1\"";

    fn person(id: &str) -> PersonId {
        PersonId::parse(id).expect("valid")
    }

    fn boat() -> BoatReference {
        BoatReference { id: "qosd".into(), name: "Queen of San Diego".into() }
    }

    fn assigned(crew: &[&str], captain: &str) -> Assigned {
        let crew = (!crew.is_empty()).then(|| crew.iter().copied().map(person).collect());
        Assigned { crew, captain: (!captain.is_empty()).then(|| person(captain)) }
    }

    #[test]
    fn whoever_is_captain_is_not_crew_too() {
        let with_roster: Operator = toml::from_str(ROSTER).expect("valid");
        let without = Operator::default();
        for (operator, crew, captain, expected) in [
            (&without, &["crew-1", "captain-1", "crew-2"][..], "captain-1", Ok(("crew-1 crew-2", "captain-1"))),
            (&without, &["crew-1", "crew-2", "crew-1"], "captain-1", Ok(("crew-1 crew-2", "captain-1"))),
            (&without, &["captain-1"], "captain-1", Err(vec![Field::CrewIds])),
            (&without, &["captain-1"], "", Err(vec![Field::CaptainId])),
            (&without, &[], "", Err(vec![Field::CrewIds, Field::CaptainId])),
            (&with_roster, &[], "", Ok(("crew-1 captain-2", "captain-1"))),
            (&with_roster, &[], "captain-2", Ok(("crew-1", "captain-2"))),
            (&with_roster, &["captain-1", "crew-3"], "", Ok(("crew-3", "captain-1"))),
            (&with_roster, &["captain-1"], "captain-1", Ok(("crew-1 captain-2", "captain-1"))),
        ] {
            let terms = Terms::resolve(&boat(), &assigned(crew, captain), operator).map(|terms| {
                let crew: Vec<&str> = terms.crew.iter().map(PersonId::as_str).collect();
                (crew.join(" "), terms.captain.to_string())
            });
            let fields = terms.map_err(|faults| faults.into_iter().map(|fault| fault.field).collect());
            assert_eq!(fields, expected.map(|(crew, captain)| (crew.into(), captain.into())), "{crew:?} {captain:?}");
        }
    }

    fn sale() -> Sale {
        Sale { location: Some("Coronado".into()), ..Sale::example() }
    }

    fn confirmed(sale: Sale, operator: &Operator) -> Booking {
        let terms = Terms::resolve(&sale.boat, &sale.assigned, operator).expect("crew and captain are named");
        let booking_id = BookingId::parse("BS-1048812").expect("valid");
        let id = CharterId::derive(b"link-key", &booking_id);
        Booking::assemble(booking_id, sale, terms, operator, id)
    }

    /// A booking beyond what the boat may carry, or for one that nobody knows, is sold all the same: a person must hear of it.
    #[test]
    fn a_person_hears_of_what_looks_wrong() {
        let licensed_for = |capacity: u32| {
            let boats = format!("[[boats]]\nid = \"qosd\"\ncapacity = {capacity}");
            toml::from_str::<Operator>(&boats).expect("valid")
        };
        let other_boat = BoatReference { id: "other".into(), name: "The Other".into() };
        let nobody_knows = Sale { boat: other_boat, ..sale() };
        let happens_twice = Sale { start_is_ambiguous: true, ..sale() };
        for (sale, operator, expected) in [
            (sale(), licensed_for(9), vec![]),
            (sale(), licensed_for(10), vec![]),
            (sale(), licensed_for(8), vec![Flag::OverCapacity]),
            (sale(), Operator::default(), vec![]),
            (nobody_knows.clone(), Operator::default(), vec![]),
            (nobody_knows.clone(), licensed_for(9), vec![Flag::UnknownBoat]),
            (happens_twice, licensed_for(8), vec![Flag::AmbiguousStart, Flag::OverCapacity]),
        ] {
            let label = format!("{} of {:?}", sale.boat.id, operator.boats);
            assert_eq!(confirmed(sale, &operator).flags, expected, "{label}");
        }
        let unknown = confirmed(nobody_knows, &licensed_for(9)).charter.boat;
        assert_eq!((&*unknown.id, &*unknown.name), ("other", "The Other"));
    }

    #[test]
    fn a_formatted_charter_holds_nothing_personal_and_no_money() {
        let formatted = format!("{:?}", confirmed(sale(), &Operator::default()));
        assert!(formatted.contains("BS-1048812") && formatted.contains("crew-1"), "{formatted}");
        for withheld in ["Dana", "Whitfield", "anniversary", "Coronado", "840", "289"] {
            assert!(!formatted.contains(withheld), "{withheld}: {formatted}");
        }
    }
}
