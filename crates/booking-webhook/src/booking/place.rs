//! Where a charter starts, as everybody may read it.

use super::{MeetingPoint, PublicText};

/// Where a charter starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The boat's own meeting point, with address and map.
    MeetingPoint(MeetingPoint),
    /// Somewhere else, in the booking's own words.
    Elsewhere(PublicText),
}

impl Place {
    /// In a few words.
    pub fn name(&self) -> &str {
        match self {
            Self::MeetingPoint(point) => point.name.english(),
            Self::Elsewhere(words) => words,
        }
    }

    /// Address and map, if it is the boat's own place.
    pub(crate) fn meeting_point(&self) -> Option<&MeetingPoint> {
        match self {
            Self::MeetingPoint(point) => Some(point),
            Self::Elsewhere(_) => None,
        }
    }
}
