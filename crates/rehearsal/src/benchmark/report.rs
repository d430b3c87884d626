//! The table in a terminal, and the same as JSON.

use std::io::{self, Write};

use serde::Serialize;

use super::{
    Extent,
    contestant::{Contestant, Role},
    cost::{Costs, Limit},
    figures::{Figures, Row, number},
    machine::Machine,
    sample::Quartiles,
};

const NAME_WIDTH: usize = 56;
const CELL_WIDTH: usize = 25;

/// All that was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    extent: Extent,
    #[serde(flatten)]
    pub(super) figures: Figures,
    pub(super) machine: Machine,
    pub(super) costs: Option<Costs>,
    pub(super) limits: Vec<Limit>,
}

impl Report {
    pub(super) fn new(extent: Extent, contestants: &[Contestant]) -> Self {
        Self {
            extent,
            figures: Figures {
                contestants: contestants.iter().map(|contestant| contestant.role).collect(),
                sections: Vec::new(),
            },
            machine: Machine::default(),
            costs: None,
            limits: Vec::new(),
        }
    }

    /// The whole of it as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("figures have no keys that JSON does not take")
    }

    /// Prints the table.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "\nMedians (lower to upper quartile); of single figures the figure. Ratios are of medians: how often the function's"
        )?;
        writeln!(out, "figure holds the bare one's and the baseline's, and the other way round for Python.")?;
        let Machine { processors, model, load: [before, after], idle_share, seconds } = &self.machine;
        let idle = idle_share
            .map_or_else(String::new, |share| format!(", processors idle {:.0} % of the time", share * 100.0));
        writeln!(
            out,
            "{processors} processors, {model}; load {before:.2} at the beginning, {after:.2} at the end{idle}; {seconds} s."
        )?;
        for section in &self.figures.sections {
            write!(out, "\n{:<NAME_WIDTH$}", section.name)?;
            self.figures.contestants.iter().try_for_each(|role| write!(out, "{:<CELL_WIDTH$}", role.name()))?;
            writeln!(out, "ratios")?;
            section.rows.iter().try_for_each(|row| self.print_row(out, row))?;
            writeln!(out, "  {}", section.how)?;
        }
        if let Some(costs) = &self.costs {
            costs.print(out)?;
        }
        Limit::print_all(&self.limits, out)
    }

    fn print_row(&self, out: &mut impl Write, row: &Row) -> io::Result<()> {
        write!(out, "{:<NAME_WIDTH$}", row.name)?;
        for role in &self.figures.contestants {
            write!(out, "{:<CELL_WIDTH$}", row.of.get(role).map_or_else(|| "-".to_owned(), shown))?;
        }
        writeln!(out, "{}", ratios(row))
    }
}

/// `5.21 (4.90 to 7.33)`.
fn shown(seen: &Quartiles) -> String {
    let Quartiles { lower, median, upper, count } = *seen;
    if count == 1 || (upper - lower).abs() < f64::EPSILON {
        return number(median);
    }
    format!("{} ({} to {})", number(median), number(lower), number(upper))
}

fn ratios(row: &Row) -> String {
    let median = |role| row.of.get(&role).map(|seen| seen.median).filter(|median| *median > 0.0);
    let Some(function) = median(Role::Function) else { return String::new() };
    let mut shown = Vec::new();
    shown.extend(median(Role::Baseline).map(|baseline| format!("{:.2} x baseline", function / baseline)));
    shown.extend(median(Role::Bare).map(|bare| format!("{:.1} x bare", function / bare)));
    shown.extend(median(Role::Python).map(|python| format!("Python {:.1} x", python / function)));
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmark::figures::Section;

    fn seen(lower: f64, median: f64, upper: f64) -> Quartiles {
        Quartiles { lower, median, upper, count: 3 }
    }

    fn report(rows: Vec<Row>) -> Report {
        Report {
            extent: Extent::Quick,
            figures: Figures {
                contestants: vec![Role::Function, Role::Bare, Role::Python],
                sections: vec![Section { name: "cold", how: "In some way.", rows }],
            },
            machine: Machine {
                processors: 2,
                model: "a machine".to_owned(),
                load: [0.5, 1.25],
                idle_share: Some(0.4),
                seconds: 9,
            },
            costs: None,
            limits: Vec::new(),
        }
    }

    #[test]
    fn a_table_has_a_line_for_each_row_with_ratios() {
        let of = [
            (Role::Function, seen(5.0, 5.55, 6.25)),
            (Role::Bare, seen(1.5, 1.5, 1.5)),
            (Role::Python, seen(500.0, 505.0, 510.0)),
        ];
        let rows = vec![
            Row { name: "first poll, ms".to_owned(), of: of.into() },
            Row { name: "write units".to_owned(), of: [(Role::Function, seen(15.0, 15.0, 15.0))].into() },
        ];
        let report = report(rows);
        let mut out = Vec::new();
        report.print(&mut out).expect("memory can be written");
        let table = String::from_utf8(out).expect("text");
        let line = |begin: &str| {
            let line =
                table.lines().find(|line| line.starts_with(begin)).unwrap_or_else(|| panic!("no {begin} in {table}"));
            line.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            line("first poll"),
            "first poll, ms 5.55 (5 to 6.25) 1.50 505 (500 to 510) 3.7 x bare, Python 91.0 x"
        );
        assert_eq!(line("write units"), "write units 15 - -");
        assert_eq!(
            line("2 processors"),
            "2 processors, a machine; load 0.50 at the beginning, 1.25 at the end, processors idle 40 % of the time; 9 s."
        );
        assert_eq!(report.figures.median("cold", "first poll, ms", Role::Python), Some(505.0));
        assert_eq!(report.figures.median("cold", "first poll, ms", Role::Baseline), None);
    }

    #[test]
    fn the_json_says_the_same() {
        let row = Row { name: "first poll, ms".to_owned(), of: [(Role::Function, seen(5.0, 5.5, 6.5))].into() };
        let json: serde_json::Value = serde_json::from_str(&report(vec![row]).to_json()).expect("JSON");
        let of = &json["sections"][0]["rows"][0]["of"]["function"];
        assert_eq!(*of, serde_json::json!({ "lower": 5.0, "median": 5.5, "upper": 6.5, "count": 3 }));
        assert_eq!((&json["extent"], &json["machine"]["load"][1]), (&"quick".into(), &1.25.into()));
    }
}
