//! A booking that stands, split by who may see what.
//!
//! [`Charter`] is what crew and guests may know; it *has no money in it*, so nothing built from it can leak any. [`Office`] is the rest
//! and goes to the calendar alone.

use std::fmt;

use super::{
    Assigned, Boat, BookingId, CharterId, CharterTime, Field, Flag, Language, MeetingPoint, Operator, PersonId, Place,
    PublicText, Sale, Statement, Terms, public_text::DividedNotes,
};

/// What the guest is called when nothing else may be said.
pub(super) const GUEST: &str = "Guest";
/// Ends notes that were longer than is kept.
pub(crate) const NOTES_ARE_CUT: &str = " … [cut here: the guest wrote more]";

/// A standing charter as crew and guests may know it. No money, no full name, no free text but what is fit for crew.
#[derive(Clone)]
pub struct Charter {
    /// Ours.
    pub(crate) id: CharterId,
    /// The marketplace's.
    pub(crate) booking_id: BookingId,
    /// What people call the marketplace.
    pub(crate) seller: String,
    /// When, in the operator's zone.
    pub time: CharterTime,
    /// The boat, with what guests are told about it.
    pub boat: Boat,
    /// Where guests and crew meet.
    pub place: Option<Place>,
    /// Guests, without crew and captain.
    pub(crate) party_size: u32,
    /// What crew and the guest's party call the guest.
    pub guest_first_name: PublicText,
    /// What the guest speaks.
    pub(crate) language: Language,
    /// Crew beside the captain.
    pub crew: Vec<PersonId>,
    /// The captain.
    pub captain: PersonId,
    /// What crew tick off.
    pub(crate) checklist: Vec<String>,
    /// The guest's notes, line by line, without the sentences that are for the office alone.
    pub crew_notes: Vec<PublicText>,
    /// There are such sentences.
    pub(crate) crew_notes_withheld: bool,
}

/// Keeps the guest's name and words out of logs.
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
    pub(crate) guest_name: String,
    /// The guest's notes, whole.
    pub(crate) guest_notes: String,
    /// As guests know the operator.
    pub(crate) operator_name: String,
}

/// Keeps all of it out of logs.
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
    pub(crate) assigned: Assigned,
    /// What was settled for it, to be kept.
    pub(crate) terms: Terms,
    /// For a person to look at.
    pub(crate) flags: Vec<Flag>,
}

impl Booking {
    /// Puts what was sold together with what was settled for it.
    pub fn assemble(booking_id: BookingId, sale: Sale, terms: Terms, operator: &Operator, id: CharterId) -> Self {
        let time = CharterTime::lasting(sale.start.to_zoned(operator.time_zone.clone()), sale.duration);
        let mut flags = Vec::new();
        let boat = boat(&sale, &terms, operator, &mut flags);
        flags.extend(sale.start_is_ambiguous.then_some(Flag::AmbiguousStart));
        flags.extend(
            boat.capacity
                .filter(|capacity| sale.party_size.saturating_add(1) > *capacity)
                .map(|capacity| Flag::OverCapacity { party: sale.party_size, capacity }),
        );
        flags.extend(terms.flag());
        // Notes that are too long have a flag of their own.
        let passed_over = sale.passed_over.iter().filter(|field| **field != Field::Notes);
        let fields: Vec<&str> = passed_over.map(|field| field.name()).collect();
        flags.extend((!fields.is_empty()).then_some(Flag::PassedOver { fields }));
        let place = place(sale.location.as_deref(), boat.meeting_point.as_ref(), operator, &mut flags);
        flags.extend(sale.notes.ends_with(NOTES_ARE_CUT).then_some(Flag::NotesCut));
        let statement = Statement::of(sale.gross, &time, terms.crew.len(), terms.rates());
        let DividedNotes { for_crew, withheld } = DividedNotes::of(&sale.notes, &statement, &operator.money_words);
        let crew_notes_withheld = !withheld.is_empty();
        flags.extend(crew_notes_withheld.then_some(Flag::NotesWithheld { sentences: withheld }));
        let charter = Charter {
            id,
            booking_id,
            seller: sale.seller.unwrap_or_else(|| "Boatsetter".into()),
            time,
            place,
            boat,
            party_size: sale.party_size,
            guest_first_name: first_name(&sale.guest.name, &mut flags),
            language: Language::of(&sale.guest.locale),
            crew: terms.crew.clone(),
            captain: terms.captain.clone(),
            checklist: operator.checklist.clone(),
            crew_notes: for_crew,
            crew_notes_withheld,
        };
        let office = Office {
            statement,
            guest_name: sale.guest.name,
            guest_notes: sale.notes,
            operator_name: operator.name.clone(),
        };
        Self { charter, office, assigned: sale.assigned, terms, flags }
    }

    /// Each flag with what a person should look at, for who tries a mapping.
    pub fn to_look_at(&self) -> Vec<String> {
        self.flags.iter().map(|flag| format!("{}: {}", flag.name(), flag.words())).collect()
    }
}

/// The operator's boat, else the settled one, else what the booking calls it.
fn boat(sale: &Sale, terms: &Terms, operator: &Operator, flags: &mut Vec<Flag>) -> Boat {
    let identified = operator.identify(&sale.boat);
    if let (Some(by_id), Some(by_name)) = (identified.boat, identified.named) {
        let names = [by_id, by_name].map(|boat| boat.name.to_string());
        let [by_id, by_name] = names;
        flags.push(Flag::BoatsDisagree { by_id, by_name });
    }
    let known = identified.boat.cloned().or_else(|| terms.boat());
    if known.is_none() && !operator.boats.is_empty() {
        flags.push(Flag::UnknownBoat { boat: sale.boat.name.clone() });
    }
    let boat = known.unwrap_or_else(|| Boat { id: sale.boat.id.clone(), ..Boat::default() });
    if boat.name != PublicText::default() {
        return boat;
    }
    let stated = operator.pass(&sale.boat.name);
    let name = stated.clone().or_else(|| operator.pass(&sale.boat.id)).unwrap_or_default();
    if stated.is_none() {
        flags.push(Flag::BoatNameWithheld { name: sale.boat.name.clone(), shown: name.to_string() });
    }
    Boat { name, ..boat }
}

/// Where the booking says, else at the boat's meeting point.
fn place(
    location: Option<&str>,
    meeting_point: Option<&MeetingPoint>,
    operator: &Operator,
    flags: &mut Vec<Flag>,
) -> Option<Place> {
    let at_meeting_point = || meeting_point.cloned().map(Place::MeetingPoint);
    let Some(location) = location else { return at_meeting_point() };
    let names = |point: &MeetingPoint| {
        Language::ALL.map(|language| point.name.in_language(language).0.trim() == location.trim())
    };
    if meeting_point.is_some_and(|point| names(point).contains(&true)) {
        return at_meeting_point();
    }
    if let Some(words) = operator.pass(location) {
        return Some(Place::Elsewhere(words));
    }
    let shown = meeting_point.map(|point| point.name.english().clone());
    flags.push(Flag::LocationWithheld { location: location.to_owned(), shown });
    at_meeting_point()
}

fn first_name(name: &str, flags: &mut Vec<Flag>) -> PublicText {
    PublicText::first_name(name).unwrap_or_else(|| {
        flags.push(Flag::GuestNameWithheld { name: name.to_owned() });
        PublicText::ours(GUEST)
    })
}

#[cfg(test)]
mod tests;
