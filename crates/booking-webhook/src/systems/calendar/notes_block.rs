//! Our part of an entry's notes. The rest of them is people's, and stays.

const BEGINS: &str = "=== booking webhook: this part is written by the machine, write above or below it ===";
const ENDS: &str = "=== end of the booking webhook's part ===";

/// `text` as our block.
pub(super) fn block(text: &str) -> String {
    format!("{BEGINS}\n{text}\n{ENDS}")
}

/// The notes as they are now, with our block in them brought up to date. What people wrote around it stays. A block that is gone, or that
/// lost its first or last line, is put first; what is left of the old one is then people's. Of several blocks the first is replaced and
/// the others go: somebody pasted them.
pub(crate) fn merge_block(current: &str, ours: &str) -> String {
    let lines: Vec<&str> = current.lines().map(str::trim_end).collect();
    let mut merged: Vec<&str> = Vec::new();
    let mut placed_at = None;
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let end = || lines[at + 1..].iter().position(|line| *line == ENDS || *line == BEGINS).map(|end| at + 1 + end);
        match *line {
            BEGINS if end().is_some_and(|end| lines[end] == ENDS) => {
                placed_at.get_or_insert(merged.len());
                at = end().unwrap_or(at);
            }
            // Half of a block: without the other half we cannot tell which part is ours.
            BEGINS | ENDS => {}
            people => merged.push(people),
        }
        at += 1;
    }
    let (above, below) = merged.split_at(placed_at.unwrap_or(0));
    let parts = [above.join("\n"), ours.to_owned(), below.join("\n")];
    let apart = |part: &String| part.trim_matches('\n').to_owned();
    parts.iter().map(apart).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_people_wrote_around_the_block_stays() {
        let (old, new) = (block("CHECK: old\n\nmessage"), block("new"));
        let half = old.trim_end_matches(ENDS);
        for (current, expected) in [
            (String::new(), new.clone()),
            (old.clone(), new.clone()),
            (format!("Fuel is low\n\n{old}\n\nAsk Jo"), format!("Fuel is low\n\n{new}\n\nAsk Jo")),
            (format!("Fuel is low\n{old}\nAsk Jo\n"), format!("Fuel is low\n\n{new}\n\nAsk Jo")),
            (old.replace('\n', "\r\n") + "\r\nAsk Jo", format!("{new}\n\nAsk Jo")),
            ("Fuel is low\nAsk Jo".into(), format!("{new}\n\nFuel is low\nAsk Jo")),
            (format!("{old}\nbetween\n{old}\nbelow"), format!("{new}\n\nbetween\nbelow")),
            (format!("{half}Ask Jo"), format!("{new}\n\nCHECK: old\n\nmessage\nAsk Jo")),
            (format!("Ask Jo\n{ENDS}"), format!("{new}\n\nAsk Jo")),
            (format!("{half}\n{old}\nAsk Jo"), format!("CHECK: old\n\nmessage\n\n{new}\n\nAsk Jo")),
        ] {
            assert_eq!(merge_block(&current, &new), expected, "{current:?}");
        }
    }

    proptest! {
        #[test]
        fn merging_twice_is_merging_once(pieces in prop::collection::vec(0_usize..6, 0..12)) {
            let old = block("old");
            let known = ["Fuel is low", "", BEGINS, ENDS, &old, "Ask Jo"];
            let current = pieces.iter().map(|piece| known[*piece]).collect::<Vec<_>>().join("\n");
            let ours = block("new");
            let once = merge_block(&current, &ours);
            prop_assert_eq!(merge_block(&once, &ours), once.clone());
            prop_assert_eq!(once.matches(BEGINS).count(), 1);
            for people in ["Fuel is low", "Ask Jo"] {
                let kept = once.matches(people).count();
                prop_assert!(kept <= current.matches(people).count());
                prop_assert!(current.contains(BEGINS) || kept == current.matches(people).count());
            }
        }
    }
}
