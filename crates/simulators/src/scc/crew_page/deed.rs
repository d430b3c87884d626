//! What crew do on their page, and what it changes in the event: their answer, the checklist's ticks, their log.

use serde::Deserialize;
use serde_json::{Number, Value, json};

use crate::{
    contract::Object,
    scc::event::{assigned, text, texts},
};

const ENTRIES_KEPT: usize = 100;
const WORDS_KEPT: usize = 200;

/// The kinds of entries that crew log, and their units.
pub(super) const LOGS: [(&str, &str); 4] = [("tips", "$"), ("mileage", "miles"), ("supplies", "$"), ("expenses", "$")];

/// What a person sends from the page: one of an answer, a tick, or an entry of the log.
#[derive(Deserialize)]
pub(in crate::scc) struct Written {
    pub(super) token: String,
    answer: Option<String>,
    tick: Option<String>,
    untick: Option<String>,
    kind: Option<String>,
    #[serde(default)]
    amount: String,
    #[serde(default)]
    words: String,
}

/// Something that a member of the crew does on the page.
#[derive(Debug)]
pub(super) enum Deed {
    Answer(String),
    Tick(String),
    Untick(String),
    Log { kind: &'static str, amount: Number, words: String },
}

impl Deed {
    pub(super) fn parse(written: Written) -> Result<Self, &'static str> {
        match written {
            Written { answer: Some(answer), .. } if ["yes", "no"].contains(&answer.as_str()) => {
                Ok(Self::Answer(answer))
            }
            Written { tick: Some(item), .. } => Ok(Self::Tick(item)),
            Written { untick: Some(item), .. } => Ok(Self::Untick(item)),
            Written { kind: Some(kind), amount, words, .. } => {
                let (kind, _) =
                    LOGS.into_iter().find(|(name, _)| *name == kind).ok_or("Choose what the entry is for.")?;
                let amount = parse_amount(&amount).ok_or("Write the amount as a number, like 12 or 12.50.")?;
                Ok(Self::Log { kind, amount, words: words.trim().chars().take(WORDS_KEPT).collect() })
            }
            _ => Err("Nothing was chosen."),
        }
    }

    pub(super) fn changes(&self, event: &Object, person: &str) -> Object {
        let mut changes = Object::new();
        let mut set = |name: &str, value: Value| changes.insert(name.to_owned(), value);
        match self {
            Self::Answer(answer) => {
                let mut answers = event.get("answers").and_then(Value::as_object).cloned().unwrap_or_default();
                answers.insert(person.to_owned(), json!(answer));
                let all =
                    assigned(event).iter().all(|person| answers.get(*person).is_some_and(|answer| answer == "yes"));
                if all && text(event, "status") == "pending_confirmation" {
                    set("status", json!("confirmed"));
                }
                set("answers", Value::Object(answers));
            }
            Self::Tick(item) | Self::Untick(item) => {
                let mut ticked = texts(event, "ticked");
                ticked.retain(|ticked| ticked != item);
                if matches!(self, Self::Tick(_)) && texts(event, "checklist").contains(&item.as_str()) {
                    ticked.push(item);
                }
                set("ticked", json!(ticked));
            }
            Self::Log { kind, amount, words } => {
                let mut entries = event.get(*kind).and_then(Value::as_array).cloned().unwrap_or_default();
                if entries.len() < ENTRIES_KEPT {
                    entries.push(json!({ "by": person, "amount": amount, "words": words }));
                }
                set(kind, Value::Array(entries));
            }
        }
        changes
    }

    /// Where on the page its effect is seen.
    pub(super) fn section(&self) -> &'static str {
        match self {
            Self::Answer(_) => "answer",
            Self::Tick(_) | Self::Untick(_) => "checklist",
            Self::Log { .. } => "log",
        }
    }
}

/// At most five digits, at most two decimals.
fn parse_amount(amount: &str) -> Option<Number> {
    let amount = amount.trim().trim_start_matches('$');
    let (whole, decimals) = amount.split_once('.').unwrap_or((amount, "0"));
    let digits =
        |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit());
    if digits(whole, 5) && digits(decimals, 2) { serde_json::from_str(amount).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Object {
        serde_json::from_value(json!({
            "event_id": "XHQGMDH1", "name": "Boatsetter charter", "date": "2025-05-30T14:00:00-07:00",
            "crew_ids": ["crew-1"], "captain_id": "captain-1", "status": "pending_confirmation",
            "notes": "", "checklist": ["Fuel", "Ice"], "guest": { "first_name": "<script>alert(x)</script>" },
        }))
        .expect("an object")
    }

    /// `person` does `deed`; the event afterwards.
    fn after(mut event: Object, person: &str, deed: Deed) -> Object {
        let changes = deed.changes(&event, person);
        event.extend(changes);
        event
    }

    fn log(kind: &str, amount: &str) -> Result<Deed, &'static str> {
        Deed::parse(Written {
            token: String::new(),
            answer: None,
            tick: None,
            untick: None,
            kind: Some(kind.to_owned()),
            amount: amount.to_owned(),
            words: "fuel dock".to_owned(),
        })
    }

    #[test]
    fn the_last_yes_confirms_the_charter() {
        let yes = || Deed::Answer("yes".to_owned());
        let event = after(event(), "crew-1", yes());
        assert_eq!(event["status"], "pending_confirmation");
        let event = after(event, "captain-1", yes());
        assert_eq!(event["status"], "confirmed");
    }

    #[test]
    fn ticks_are_remembered_until_taken_back() {
        let tick = |item: &str| Deed::Tick(item.to_owned());
        let event = after(after(event(), "crew-1", tick("Ice")), "captain-1", tick("Ice"));
        assert_eq!(event["ticked"], json!(["Ice"]));
        let event = after(event, "crew-1", tick("something else"));
        assert_eq!(event["ticked"], json!(["Ice"]));
        assert_eq!(after(event, "crew-1", Deed::Untick("Ice".to_owned()))["ticked"], json!([]));
    }

    #[test]
    fn amounts_keep_their_digits_and_nonsense_is_refused() {
        let event = after(event(), "crew-1", log("tips", " $12.50 ").expect("an amount"));
        assert_eq!(event["tips"][0]["amount"].to_string(), "12.50");
        for (kind, amount) in [("tips", "a lot"), ("tips", "1.234"), ("tips", "-1"), ("tips", "123456"), ("gross", "1")]
        {
            log(kind, amount).expect_err(amount);
        }
    }
}
