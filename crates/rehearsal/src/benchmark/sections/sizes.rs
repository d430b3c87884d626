//! What a sender writes at length must not be paid for at length.

use serde_json::{Value, json};

use super::Bench;
use crate::benchmark::{
    BenchmarkError,
    figures::Samples,
    world::{Kind, World},
};

pub(super) const HOW: &str = "First deliveries that differ in their notes, or in fields that nobody reads.";

const NOTE_CHARACTERS: usize = 2_000;

struct Variant {
    name: &'static str,
    notes: fn() -> String,
    /// Bytes in fields that nobody reads.
    filler: usize,
}

const VARIANTS: [Variant; 5] = [
    Variant { name: "no note", notes: String::new, filler: 0 },
    Variant { name: "a note of 2,000 characters in one line", notes: one_line, filler: 0 },
    Variant { name: "a note of 2,000 characters in sentences", notes: sentences, filler: 0 },
    Variant { name: "a body of 64 KB", notes: String::new, filler: 64_000 },
    Variant { name: "a body of 512 KB", notes: String::new, filler: 512_000 },
];

pub(super) async fn measure(bench: &Bench<'_>) -> Result<Samples, BenchmarkError> {
    let contestants = bench.fresh(|contestant| contestant.role.takes_bookings(), &[]).await?;
    let mut running = Vec::new();
    for contestant in &contestants {
        let process = contestant.run().await?;
        contestant.warm(&process, 0).await?;
        running.push(process);
    }
    let mut samples = Samples::default();
    let mut number = 0;
    for _ in 0..bench.plan.size_rounds {
        for variant in &VARIANTS {
            number += 1;
            for (contestant, process) in contestants.iter().zip(&running) {
                let body = variant.body(&contestant.world, number);
                let spent = process.deliver_body(&contestant.world, &body, variant.name).await?;
                samples.add(contestant.role, format!("{}, CPU ms", variant.name), spent.processor_ms);
                samples.add(contestant.role, format!("{}, write units", variant.name), spent.units.write);
            }
        }
    }
    for contestant in &contestants {
        let median = |variant: &Variant| samples.median(contestant.role, &format!("{}, CPU ms", variant.name));
        let more = median(&VARIANTS[1]).zip(median(&VARIANTS[0])).map(|(long, none)| long - none);
        samples.add(contestant.role, "that note in one line, CPU ms more than none", more);
    }
    Ok(samples)
}

impl Variant {
    fn body(&self, world: &World, number: u32) -> Value {
        let mut body = world.body(number, Kind::First);
        body["data"]["booking"]["notes"] = json!((self.notes)());
        if self.filler > 0 {
            let lines = self.filler / 100;
            body["data"]["raw"] = (0..lines).map(|line| json!({ "line": line, "text": "y".repeat(75) })).collect();
        }
        body
    }
}

fn one_line() -> String {
    words(", ")
}

fn sentences() -> String {
    words(". ")
}

/// What guests write, over and over.
fn words(between: &str) -> String {
    let phrases = [
        "It is our anniversary",
        "one of us has a peanut allergy",
        "we come with two children of 5 and 7",
        "is there shade on deck",
    ];
    let endless = phrases.iter().cycle().flat_map(|phrase| phrase.chars().chain(between.chars()));
    endless.take(NOTE_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_long_notes_are_as_long_as_they_are_called() {
        for notes in [one_line(), sentences()] {
            assert_eq!((notes.chars().count(), notes.lines().count()), (NOTE_CHARACTERS, 1));
        }
        assert_ne!(one_line().matches(". ").count(), sentences().matches(". ").count());
    }
}
