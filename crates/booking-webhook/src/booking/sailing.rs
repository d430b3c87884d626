//! Whether a charter meets another entry of the calendar: on the same boat, or with the same people. Pure.
//!
//! The calendar is where bookings of all platforms, and holds that people type in, meet. Its entries name no boat: ours are known by their
//! booking, others by what their title says. Nothing is ever cancelled because of an overlap: a person decides.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, civil::Date};

use super::{
    Boat, BoatReference, Booking, BookingId, CharterId, CharterTime, OnBoat, Operator, Overlap, PersonId, one_line,
};

/// Enough of a title to find the entry by.
const LONGEST_TITLE_CHARS: usize = 60;

/// Another entry of the calendar, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Neighbour {
    /// The booking that it says to be of, if any.
    pub(crate) booking_id: Option<BookingId>,
    /// The charter id that it carries, if any.
    pub(crate) event_id: Option<String>,
    /// What people read.
    pub(crate) title: String,
    /// When it begins.
    pub(crate) from: Timestamp,
    /// When it is over.
    pub(crate) to: Timestamp,
    /// It has no times: it is there all day.
    pub(crate) all_day: bool,
    /// Crew beside the captain.
    pub(crate) crew: BTreeSet<String>,
    /// The captain.
    pub(crate) captain: Option<String>,
}

/// What is known of another booking of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownBooking {
    /// Its boat, as its sender names it.
    pub(crate) boat: BoatReference,
    /// It is not cancelled.
    pub(crate) sails: bool,
}

/// A charter that others may overlap.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sailing<'a> {
    booking_id: &'a BookingId,
    charter_id: &'a CharterId,
    time: &'a CharterTime,
    boat: &'a Boat,
    crew: &'a [PersonId],
    captain: &'a PersonId,
}

impl<'a> Sailing<'a> {
    /// As the booking has it.
    pub(crate) fn of(booking: &'a Booking) -> Self {
        let charter = &booking.charter;
        Self {
            booking_id: &charter.booking_id,
            charter_id: &charter.id,
            time: &charter.time,
            boat: &charter.boat,
            crew: &charter.crew,
            captain: &charter.captain,
        }
    }

    /// Each day that the charter touches with the boat's turn-around before and after it, at the dock.
    pub(crate) fn days(&self) -> BTreeSet<Date> {
        let margin = self.boat.turnaround();
        let first = self.time.start().saturating_sub(margin).date();
        // Until midnight is not on the next day.
        let last = self.time.end().saturating_add(margin).saturating_sub(SignedDuration::from_nanos(1)).date();
        first.series(jiff::Span::new().days(1)).take_while(|day| *day <= last).collect()
    }

    /// Those that are no entry of this charter and touch its time, with the boat's turn-around.
    pub(crate) fn near<'n>(&self, entries: &'n [Neighbour]) -> Vec<&'n Neighbour> {
        let margin = self.boat.turnaround();
        entries.iter().filter(|entry| !self.is_own(entry) && self.touches(entry, margin)).collect()
    }

    /// What of `entries` the charter overlaps, the earliest first; `ours` says what is known of the bookings that they name.
    pub(crate) fn overlaps(
        &self,
        entries: &[Neighbour],
        ours: &BTreeMap<BookingId, KnownBooking>,
        operator: &Operator,
    ) -> Vec<Overlap> {
        let known = |entry: &Neighbour| entry.booking_id.as_ref().and_then(|id| ours.get(id));
        let sails = |entry: &&Neighbour| known(entry).is_none_or(|known| known.sails);
        let mut found: Vec<Overlap> = Vec::new();
        for entry in self.near(entries).into_iter().filter(sails) {
            let known = known(entry);
            let boat = known.map_or_else(
                || self.boat_of_title(&entry.title, operator),
                |known| self.boat_of(&known.boat, operator),
            );
            if let Some(overlap) = self.overlap(entry, boat, known.is_some())
                && !found.contains(&overlap)
            {
                found.push(overlap);
            }
        }
        found.sort_by(|one, other| {
            let key = |it: &Overlap| (it.from, it.booking_id.clone(), it.title.clone());
            key(one).cmp(&key(other))
        });
        found
    }

    fn overlap(&self, entry: &Neighbour, boat: OnBoat, is_ours: bool) -> Option<Overlap> {
        // A boat needs its turn-around; people go from one boat to the next.
        let meets_people = self.touches(entry, SignedDuration::ZERO);
        let same_captain = meets_people && entry.captain.as_deref() == Some(self.captain.as_str());
        let aboard = |person: &&String| {
            self.captain.as_str() == person.as_str() || self.crew.iter().any(|crew| crew.as_str() == person.as_str())
        };
        let there = entry.crew.iter().chain(entry.captain.iter().filter(|_| !same_captain));
        let people: BTreeSet<String> = there.filter(|_| meets_people).filter(aboard).cloned().collect();
        if boat == OnBoat::Another && !same_captain && people.is_empty() {
            return None;
        }
        Some(Overlap {
            booking_id: entry.booking_id.clone().filter(|_| is_ours),
            title: if is_ours { String::new() } else { beginning(&one_line(&entry.title)) },
            boat,
            same_captain,
            people,
            from: entry.from,
            to: entry.to,
            all_day: entry.all_day,
        })
    }

    fn is_own(&self, entry: &Neighbour) -> bool {
        entry.event_id.as_deref() == Some(self.charter_id.as_str())
            || entry.booking_id.as_ref() == Some(self.booking_id)
    }

    fn touches(&self, entry: &Neighbour, margin: SignedDuration) -> bool {
        let (start, end) = (self.time.start().timestamp(), self.time.end().timestamp());
        entry.from < end.saturating_add(margin).unwrap_or(end)
            && start < entry.to.saturating_add(margin).unwrap_or(entry.to)
    }

    fn boat_of(&self, other: &BoatReference, operator: &Operator) -> OnBoat {
        let own = BoatReference { id: self.boat.id.clone(), name: self.boat.name.to_string() };
        let same = match (operator.boat(&own), operator.boat(other)) {
            (Some(own), Some(other)) => own.id == other.id,
            (None, None) if own.id.is_empty() || other.id.is_empty() => own.name.eq_ignore_ascii_case(&other.name),
            (None, None) => own.id.eq_ignore_ascii_case(&other.id),
            _ => false,
        };
        if same { OnBoat::Same } else { OnBoat::Another }
    }

    /// By the names that stand in the title, the longest first: "Queen of San Diego" is not the boat "Queen".
    fn boat_of_title(&self, title: &str, operator: &Operator) -> OnBoat {
        let own = |boat: &Boat| boat.id == self.boat.id;
        let mut names: Vec<(Vec<String>, bool)> = Vec::new();
        for boat in operator.boats.iter().chain(Some(self.boat).filter(|_| !operator.boats.iter().any(own))) {
            let called = [&boat.id, &*boat.name].into_iter().chain(boat.aliases.iter().map(String::as_str));
            names.extend(called.map(|name| (words(name), own(boat))).filter(|(words, _)| !words.is_empty()));
        }
        names.sort_by_key(|(words, _)| std::cmp::Reverse(words.len()));
        let mut title: Vec<Option<String>> = words(title).into_iter().map(Some).collect();
        let (mut is_own, mut is_another) = (false, false);
        for (name, own) in names {
            let starts: Vec<usize> = (0..=title.len().saturating_sub(name.len()))
                .filter(|at| {
                    title.len() >= name.len() && (0..name.len()).all(|i| title[at + i].as_ref() == Some(&name[i]))
                })
                .collect();
            for at in starts {
                title[at..at + name.len()].fill(None);
                is_own |= own;
                is_another |= !own;
            }
        }
        match (is_own, is_another) {
            (true, _) => OnBoat::Same,
            (false, true) => OnBoat::Another,
            (false, false) if operator.boats.len() == 1 => OnBoat::Same,
            (false, false) => OnBoat::Perhaps,
        }
    }
}

fn words(text: &str) -> Vec<String> {
    let words = text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

fn beginning(title: &str) -> String {
    match title.char_indices().nth(LONGEST_TITLE_CHARS) {
        Some((end, _)) => format!("{}…", &title[..end]),
        None => title.to_owned(),
    }
}

#[cfg(test)]
mod tests;
