//! The mail that SCC would send. None leaves: each is kept to be looked at.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    contract::Object,
    records::{Records, RecordsError},
    scc::event::{clock_time, text},
};

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
