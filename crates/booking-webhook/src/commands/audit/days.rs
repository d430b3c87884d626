//! The calendar's days, each read once for all charters.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use jiff::{ToSpan, civil::Date};
use serde_json::{Map, Value};

use crate::{
    booking::{CharterId, Neighbour, read_time},
    outbound::Deadline,
    reconcile::drift::SeenEntry,
    runtime::app::App,
    systems::calendar::neighbour,
};

const AT_ONCE: usize = 8;

/// What the calendar shows.
#[derive(Debug, Default)]
pub(super) struct Days {
    read: BTreeMap<Date, Vec<Neighbour>>,
    /// Entries that carry a charter id, by it.
    ours: BTreeMap<String, Vec<SeenEntry>>,
    unread: usize,
}

impl Days {
    /// Reads so many days from `first` on; one that cannot be read is counted.
    pub(super) async fn read(app: &App, first: Date, days: i32, deadline: &Deadline) -> Self {
        let calendar = app.calendar();
        let each: Vec<_> = (0..days)
            .map(|ahead| first.saturating_add(ahead.days()))
            .map(|day| Box::pin(async move { (day, calendar.listed(day, deadline).await) }))
            .collect();
        let mut read = Self::default();
        let listed: Vec<_> = stream::iter(each).buffered(AT_ONCE).collect().await;
        for (day, entries) in listed {
            match entries {
                Ok(entries) => read.add(app, day, &entries),
                Err(error) => {
                    let reason = error.to_string();
                    tracing::warn!(%day, reason, "the audit could not read a day of the calendar");
                    read.unread += 1;
                }
            }
        }
        read
    }

    fn add(&mut self, app: &App, day: Date, entries: &[Map<String, Value>]) {
        let zone = &app.operator.time_zone;
        for entry in entries {
            let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
            let id = match entry.get("id") {
                Some(Value::String(id)) => id.clone(),
                Some(Value::Number(id)) => id.to_string(),
                _ => continue,
            };
            let of_charter = self.ours.entry(text("event_id").to_owned()).or_default();
            // One that spans days is listed on each.
            if !of_charter.iter().any(|seen| seen.id == id) {
                let start = read_time(text("start"), || zone.clone()).ok().map(|read| read.instant);
                of_charter.push(SeenEntry { id, day: text("date").parse().unwrap_or(day), start });
            }
        }
        self.read.insert(day, entries.iter().map(|entry| neighbour(entry, day, zone)).collect());
    }

    /// How many days could not be read.
    pub(super) fn unread(&self) -> usize {
        self.unread
    }

    /// The entries of a charter; `None` when it may have one on a day that was not read.
    pub(super) fn of_charter(&self, charter: &CharterId) -> Option<&[SeenEntry]> {
        (self.unread == 0).then(|| self.ours.get(charter.as_str()).map_or(&[][..], Vec::as_slice))
    }

    /// All entries of these days; `None` when one of them was not read.
    pub(super) fn on(&self, days: impl IntoIterator<Item = Date>) -> Option<Vec<Neighbour>> {
        let entries: Option<Vec<_>> = days.into_iter().map(|day| self.read.get(&day).cloned()).collect();
        Some(entries?.into_iter().flatten().collect())
    }
}
