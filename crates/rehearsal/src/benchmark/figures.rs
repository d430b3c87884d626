//! What is reported: sections of rows, a row's figures by contestant.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::{
    contestant::Role,
    sample::{Quartiles, Sample},
};

/// All that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    pub(super) contestants: Vec<Role>,
    pub(super) sections: Vec<Section>,
}

impl Figures {
    /// The median of a row, if it was measured.
    pub(super) fn median(&self, section: &str, row: &str, role: Role) -> Option<f64> {
        let section = self.sections.iter().find(|known| known.name == section)?;
        Some(section.rows.iter().find(|known| known.name == row)?.of.get(&role)?.median)
    }
}

/// Three digits that say something.
pub(super) fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        _ if value.fract().abs() < f64::EPSILON => format!("{value:.0}"),
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// One kind of measurement.
#[derive(Debug, Serialize)]
pub(super) struct Section {
    pub(super) name: &'static str,
    /// How it was measured, in a sentence.
    pub(super) how: &'static str,
    pub(super) rows: Vec<Row>,
}

/// One figure of all contestants.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    /// With its unit: `first delivery, CPU ms`.
    pub(super) name: String,
    pub(super) of: BTreeMap<Role, Quartiles>,
}

impl Serialize for Role {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Samples by name, in the order in which the names came up.
#[derive(Debug, Default)]
pub(super) struct Samples {
    names: Vec<String>,
    of: BTreeMap<(String, Role), Sample>,
}

impl Samples {
    pub(super) fn add(&mut self, role: Role, name: impl Into<String>, value: impl Into<Option<f64>>) {
        let name = name.into();
        let Some(value) = value.into() else { return };
        if !self.names.contains(&name) {
            self.names.push(name.clone());
        }
        self.of.entry((name, role)).or_default().add(value);
    }

    pub(super) fn median(&self, role: Role, name: &str) -> Option<f64> {
        self.of.get(&(name.to_owned(), role))?.median()
    }

    pub(super) fn into_section(self, name: &'static str, how: &'static str) -> Section {
        let rows = self.names.iter().map(|row| {
            let of = self.of.iter().filter(|((name, _), _)| name == row);
            let of = of.filter_map(|((_, role), sample)| Some((*role, sample.quartiles()?)));
            Row { name: row.clone(), of: of.collect() }
        });
        Section { name, how, rows: rows.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_the_order_in_which_they_came_up() {
        let mut samples = Samples::default();
        for (name, value) in [("wall", Some(2.0)), ("CPU", Some(1.0)), ("wall", Some(4.0)), ("memory", None)] {
            samples.add(Role::Function, name, value);
        }
        let section = samples.into_section("warm", "by turns");
        let seen: Vec<_> = section.rows.iter().map(|row| (row.name.as_str(), row.of[&Role::Function].median)).collect();
        assert_eq!(seen, [("wall", 3.0), ("CPU", 1.0)]);
    }
}
