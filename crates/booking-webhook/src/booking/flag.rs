//! What a person should look at. A flag stops nothing.

use std::fmt;

use serde::{Serialize, Serializer};

use jiff::{civil::Date, tz::TimeZone};

use super::{Overlap, PersonId};

const LONGEST_QUOTED_CHARS: usize = 120;

/// One thing that a person should look at. Answers and logs name it; only the office reads its words.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Flag {
    /// The start is a local time that happens twice that day; the first was taken.
    AmbiguousStart,
    /// Party and captain are more than the boat takes.
    OverCapacity {
        /// Guests.
        party: u32,
        /// People who may be aboard beside the crew; it counts the captain.
        capacity: u32,
    },
    /// The operator file has boats, but not this one.
    UnknownBoat {
        /// As the sender names it.
        boat: String,
    },
    /// The booking's boat id is one boat's, its boat name another's; the id counts.
    BoatsDisagree {
        /// The boat of the id.
        by_id: String,
        /// The boat of the name.
        by_name: String,
    },
    /// The charter is on another boat now, and people who were named for the first one stay.
    NamedForAnotherBoat {
        /// Who stays.
        people: Vec<PersonId>,
    },
    /// The boat's name says more than everybody may read.
    BoatNameWithheld {
        /// As the booking has it.
        name: String,
        /// What crew and guests read.
        shown: String,
    },
    /// The booking's location says more than everybody may read.
    LocationWithheld {
        /// As the booking has it.
        location: String,
        /// What crew and guests read, if anything.
        shown: Option<String>,
    },
    /// What the guest is called is no name that everybody may read.
    GuestNameWithheld {
        /// As the booking has it.
        name: String,
    },
    /// Sentences of the guest's notes say more than crew may read.
    NotesWithheld {
        /// Those sentences.
        sentences: Vec<String>,
    },
    /// Values could not be read, and the booking does without them.
    PassedOver {
        /// Those fields, as a mapping file names them.
        fields: Vec<&'static str>,
    },
    /// The guest's notes are longer than we keep.
    NotesCut,
    /// Two snapshots of the same version say different things.
    Contradicted,
    /// Some snapshots state a revision and some do not, so that time alone decides, and the newest one's revision says otherwise.
    RevisionDisagrees,
    /// Another entry of the calendar is on the same boat, or has the same people.
    Overlaps {
        /// In the office's words.
        words: String,
    },
    /// Another entry of the calendar may be on the same boat: it names none.
    MayOverlap {
        /// In the office's words.
        words: String,
    },
    /// The newest snapshot decides nothing any more (pending, refunded); the last one that did stays.
    InconclusiveAgain,
}

impl Flag {
    /// What a charter on `day` overlaps.
    pub(crate) fn of(overlap: &Overlap, day: Date, zone: &TimeZone) -> Self {
        let words = overlap.words(day, zone);
        if overlap.is_certain() { Self::Overlaps { words } } else { Self::MayOverlap { words } }
    }

    /// As answers and logs name it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::AmbiguousStart => "ambiguous_start",
            Self::OverCapacity { .. } => "over_capacity",
            Self::UnknownBoat { .. } => "unknown_boat",
            Self::BoatsDisagree { .. } => "boats_disagree",
            Self::NamedForAnotherBoat { .. } => "named_for_another_boat",
            Self::BoatNameWithheld { .. } => "boat_name_withheld",
            Self::LocationWithheld { .. } => "location_withheld",
            Self::GuestNameWithheld { .. } => "guest_name_withheld",
            Self::NotesWithheld { .. } => "notes_withheld",
            Self::PassedOver { .. } => "passed_over",
            Self::NotesCut => "notes_cut",
            Self::Contradicted => "contradicted",
            Self::RevisionDisagrees => "revision_disagrees",
            Self::Overlaps { .. } => "overlaps",
            Self::MayOverlap { .. } => "may_overlap",
            Self::InconclusiveAgain => "inconclusive_again",
        }
    }

    /// For the office, in one line: `20 guests, room for 12`.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::AmbiguousStart => {
                "the clocks go back that night and this start comes twice; the first was taken: ask the guest".into()
            }
            Self::OverCapacity { party, capacity } => {
                format!("{party} guests, room for {}", capacity.saturating_sub(1))
            }
            Self::UnknownBoat { boat } => format!("the operator file has no boat \"{boat}\""),
            Self::BoatsDisagree { by_id, by_name } => {
                format!("the boat's id says {by_id}, its name says {by_name}: the id was taken")
            }
            Self::NamedForAnotherBoat { people } => {
                let people = people.iter().map(PersonId::as_str).collect::<Vec<_>>().join(", ");
                format!("another boat now, but {people} were named for the first one and stay: do they sail?")
            }
            Self::BoatNameWithheld { name, shown } => {
                format!("crew and guest do not see the boat's name \"{name}\", they see \"{shown}\"")
            }
            Self::LocationWithheld { location, shown: Some(shown) } => {
                format!("crew and guest do not see the location \"{location}\", they see \"{shown}\"")
            }
            Self::LocationWithheld { location, shown: None } => {
                format!("crew and guest do not see the location \"{location}\", nor any other")
            }
            Self::GuestNameWithheld { name } => {
                format!("crew and guest page say \"Guest\": \"{name}\" is no name to show")
            }
            Self::NotesWithheld { sentences } => format!(
                "crew do not see \"{}\"",
                sentences.iter().map(|sentence| beginning(sentence)).collect::<Vec<_>>().join("\", \"")
            ),
            Self::PassedOver { fields } => {
                format!("the marketplace sent a {} that cannot be read: look there", fields.join(" and a "))
            }
            Self::NotesCut => "the guest's notes are cut at 2,000 characters: read the rest at the marketplace".into(),
            Self::Contradicted => {
                "two messages of the same time say different things about this booking: look at the marketplace".into()
            }
            Self::RevisionDisagrees => {
                "by its time the newest message is newer, by its number older; the time was taken: look at the marketplace".into()
            }
            Self::Overlaps { words } | Self::MayOverlap { words } => words.clone(),
            Self::InconclusiveAgain => {
                "the marketplace has it as neither confirmed nor cancelled now; what it said last still holds".into()
            }
        }
    }
}

/// Enough of a sentence to find it in the notes below.
fn beginning(sentence: &str) -> String {
    match sentence.char_indices().nth(LONGEST_QUOTED_CHARS) {
        Some((end, _)) => format!("{}…", &sentence[..end]),
        None => sentence.to_owned(),
    }
}

/// What a flag is about may be personal.
impl fmt::Debug for Flag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Serialize for Flag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
