//! The mail that SCC would send, and to whom. None leaves: each is kept to be looked at.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    contract::Object,
    records::{Records, RecordsError},
    scc::{
        event::{assigned, clock_time, text},
        table::same,
    },
};

/// What people are told of when it changes.
const TELLING: [&str; 3] = ["date", "duration_hours", "status"];

/// Why a mail was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailKind {
    /// The first mail to a person assigned, with their link to the crew page.
    MagicLink,
    /// Date, duration or status changed.
    Change,
    /// The person was taken off the charter.
    Removed,
}

/// A mail to a member of the crew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The person: a crew or captain id.
    pub to: String,
    /// Why it was sent.
    pub kind: MailKind,
    /// The charter it is about.
    pub event_id: String,
    /// The subject.
    pub subject: String,
    /// The words.
    pub text: String,
    /// The person's own link to the crew page; none for people taken off.
    pub link: Option<String>,
}

impl Mail {
    pub(crate) fn compose(event: &Object, to: &str, kind: MailKind, link: String) -> Self {
        let link = (kind != MailKind::Removed).then_some(link);
        let opening = match kind {
            MailKind::MagicLink => "You are on",
            MailKind::Change if text(event, "status") == "cancelled" => "Cancelled",
            MailKind::Change => "Changed",
            MailKind::Removed => "You are no longer on",
        };
        let mut lines = vec![text(event, "name").to_owned(), when(event).to_owned()];
        if let (Some(report), Some(released)) = (clock_time(event, "report_at"), clock_time(event, "released_at")) {
            lines.push(format!("Report {report}, released {released}"));
        }
        if let Some(link) = &link {
            lines.push(format!("\nDetails, checklist and your answer: {link}"));
        }
        Self {
            to: to.to_owned(),
            kind,
            event_id: text(event, "event_id").to_owned(),
            subject: format!("{opening}: {}, {}", text(event, "name"), when(event)),
            text: lines.join("\n"),
            link,
        }
    }
}

/// Who is told what when an event becomes `after`: a magic link to people newly assigned, one notice each to people taken
/// off and, when the charter itself changed, to those who stay.
pub(crate) fn notices<'a>(before: &'a Object, after: &'a Object) -> Vec<(&'a str, MailKind)> {
    let (were, are) = (assigned(before), assigned(after));
    let changed = TELLING.into_iter().any(|name| match (before.get(name), after.get(name)) {
        (Some(was), Some(is)) => !same(was, is),
        (was, is) => was != is,
    });
    let told = are.iter().filter_map(|person| match were.contains(person) {
        false => Some((*person, MailKind::MagicLink)),
        true => changed.then_some((*person, MailKind::Change)),
    });
    let gone = were.iter().filter(|person| !are.contains(person)).map(|person| (*person, MailKind::Removed));
    told.chain(gone).collect()
}

/// The start as people on the dock say it, else as the event has it.
fn when(event: &Object) -> &str {
    match text(event, "local_time") {
        "" => text(event, "date"),
        local_time => local_time,
    }
}

/// The mails, in the order of sending.
pub(crate) struct Outbox(Records);

impl Outbox {
    pub(crate) fn new(mails: Records) -> Self {
        Self(mails)
    }

    pub(crate) async fn send(&self, mail: &Mail) -> Result<(), RecordsError> {
        let Ok(Value::Object(record)) = serde_json::to_value(mail) else { unreachable!("a mail is an object") };
        self.0.put(&format!("{:012}", self.0.next_number().await?), &record).await
    }

    pub(crate) async fn all(&self) -> Result<Vec<Mail>, RecordsError> {
        Ok(self.0.all().await?.into_iter().map(mail).collect())
    }
}

/// The mail that was kept as `record`.
pub(crate) fn mail(record: Object) -> Mail {
    serde_json::from_value(Value::Object(record)).expect("only mails are kept in an outbox")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(changes: Value) -> Object {
        let mut event: Object = serde_json::from_value(json!({
            "date": "2025-05-30T14:00:00-07:00", "duration_hours": 3, "crew_ids": ["crew-1", "crew-2"],
            "captain_id": "captain-1", "status": "pending_confirmation", "notes": "",
        }))
        .expect("an object");
        event.extend(serde_json::from_value::<Object>(changes).expect("an object"));
        event
    }

    #[test]
    fn the_people_who_are_told() {
        use MailKind::{Change, MagicLink, Removed};
        let everybody = vec![("crew-1", Change), ("crew-2", Change), ("captain-1", Change)];
        for (change, told) in [
            (json!({}), vec![]),
            (json!({ "notes": "Bring the sails", "checklist": ["Fuel"], "name": "x", "duration_hours": 3.0 }), vec![]),
            (json!({ "date": "2025-05-31T14:00:00-07:00", "duration_hours": 4 }), everybody.clone()),
            (json!({ "status": "cancelled" }), everybody),
            (json!({ "crew_ids": ["crew-1", "crew-3"] }), vec![("crew-3", MagicLink), ("crew-2", Removed)]),
            (
                json!({ "captain_id": "crew-1", "duration_hours": 2 }),
                vec![("crew-1", Change), ("crew-2", Change), ("captain-1", Removed)],
            ),
        ] {
            assert_eq!(notices(&event(json!({})), &event(change.clone())), told, "{change}");
        }
    }
}
