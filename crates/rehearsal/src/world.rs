//! The world as people see it: what a test asserts on, rather than on what the function says of itself.

use http::header;
use serde::Serialize;
use serde_json::Value;
use simulators::{
    calendar::Calendar,
    cloud::{Cloud, RequestedInvalidation, StoredObject},
    edge::Edge,
    office::OfficeMail,
    scc::{Mail, Scc},
};

use crate::RehearsalError;

const SITE_FOLDER: &str = "g/";
const PAGE: &str = ".html";

/// Everything that a delivery can leave behind, in a stable order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effects {
    /// The calendar's entries: what the office and the captain see.
    pub calendar: Vec<Value>,
    /// The items of `scc-events`: what crew can read.
    pub scc_events: Vec<Value>,
    /// The mail that ShipCaptainCrew sent.
    pub mailbox: Vec<Mail>,
    /// The mail to the office.
    pub office_mailbox: Vec<OfficeMail>,
    /// The guest site's bucket.
    pub bucket: Vec<StoredObject>,
    /// What a visitor gets for each page and calendar file in the bucket.
    pub visits: Vec<Visit>,
    /// What the edge was asked to forget.
    pub invalidations: Vec<RequestedInvalidation>,
}

/// One look at the guest site, through the edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Visit {
    /// The clean path for a page (`/g/XHQGMDH1`), the whole one for anything else.
    pub path: String,
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type`.
    pub content_type: Option<String>,
    /// What the visitor reads.
    pub body: String,
}

impl Effects {
    /// Looks at all of it as it is now. The visits are real ones: the edge caches what they see.
    pub(crate) async fn look(
        calendar: &Calendar,
        scc: &Scc,
        cloud: &Cloud,
        edge: &Edge,
        visitor: &reqwest::Client,
    ) -> Result<Self, RehearsalError> {
        let bucket = cloud.objects().await?;
        let mut visits = Vec::new();
        for object in bucket.iter().filter(|object| object.key.starts_with(SITE_FOLDER)) {
            let path = format!("/{}", object.key.strip_suffix(PAGE).unwrap_or(&object.key));
            visits.push(visit(visitor, edge, path).await?);
        }
        Ok(Self {
            calendar: calendar.entries(),
            scc_events: scc.events().await,
            mailbox: scc.mailbox(),
            office_mailbox: cloud.office.mails().await?,
            bucket,
            visits,
            invalidations: cloud.invalidations().await?,
        })
    }

    /// Whether nothing has happened at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.calendar.is_empty()
            && self.scc_events.is_empty()
            && self.mailbox.is_empty()
            && self.office_mailbox.is_empty()
            && self.bucket.is_empty()
            && self.invalidations.is_empty()
    }
}

async fn visit(visitor: &reqwest::Client, edge: &Edge, path: String) -> Result<Visit, RehearsalError> {
    let answer = visitor.get(format!("{}{path}", edge.url())).send().await?;
    let content_type = answer.headers().get(header::CONTENT_TYPE);
    let content_type = content_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    Ok(Visit { path, status: answer.status().as_u16(), content_type, body: answer.text().await? })
}
