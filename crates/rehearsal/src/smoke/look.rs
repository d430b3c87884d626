//! What each of the four systems shows of the booking, read as people and services read it: over HTTP.

use std::collections::BTreeSet;

use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use simulators::{office::OfficeMail, scc::Mail};

use super::{booking::Booking, services::Services};

/// A charter id that is well formed and, among 2⁴⁰, nobody's.
const NOBODYS_CHARTER: &str = "ZZZZZZZZ";

/// What was read, or why it could not be.
pub(super) type Read<T> = Result<T, String>;

/// One look at everything.
pub(super) struct World {
    /// The calendar's entries for the booking, on any of its days.
    pub(super) entries: Read<Vec<Value>>,
    /// SCC's event.
    pub(super) event: Read<Value>,
    /// SCC's mail about it, eldest first.
    pub(super) mails: Read<Vec<Mail>>,
    /// The crew page behind each magic link.
    pub(super) crew_pages: Vec<Read<Page>>,
    /// The guest page.
    pub(super) guest_page: Read<Page>,
    /// The guest's calendar file.
    pub(super) calendar_file: Read<Page>,
    /// The guest page again, behind its link as people type it.
    pub(super) typed_link: Read<Page>,
    /// What a link that nobody was given leads to.
    pub(super) unknown_link: Read<(StatusCode, Page)>,
    /// What the bucket behind the site answers to everybody; `None` when nobody said where it is.
    pub(super) bucket: Option<Read<(StatusCode, Page)>>,
    /// What the office's desk finds of the booking; `None` when nobody asked.
    pub(super) desk: Option<Read<Page>>,
    /// The mail to the office about the booking; `None` when nobody asked.
    pub(super) office_mails: Option<Read<Vec<OfficeMail>>>,
}

/// What a browser got.
pub(super) struct Page {
    pub(super) url: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

/// What the function called the booking.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// With the prefix of its sender.
    pub(super) booking_id: String,
    pub(super) charter_id: String,
    pub(super) guest_page: String,
}

impl World {
    pub(super) async fn look(services: &Services, booking: &Booking, names: &Names) -> Self {
        let mails = services.mails(&names.charter_id).await;
        let links: BTreeSet<_> = mails.iter().flatten().filter_map(|mail| mail.link.as_deref()).collect();
        let mut crew_pages = Vec::new();
        for link in links {
            crew_pages.push(services.page(link).await);
        }
        Self {
            entries: services.entries(booking, names).await,
            event: services.event(&names.charter_id).await,
            mails,
            crew_pages,
            guest_page: services.page(&names.guest_page).await,
            calendar_file: services.page(&format!("{}.ics", names.guest_page)).await,
            typed_link: services.page(&services.link(&names.charter_id.to_lowercase())).await,
            unknown_link: services.answer(&services.link(NOBODYS_CHARTER)).await,
            bucket: services.bucket(names).await,
            desk: services.desk(names).await,
            office_mails: services.office_mails(names).await,
        }
    }
}

impl Services {
    async fn entries(&self, booking: &Booking, names: &Names) -> Read<Vec<Value>> {
        let mut found = Vec::new();
        for day in booking.days() {
            let request = self.client.get(format!("{}/calendar?date={day}", self.calendar_url));
            let mut answer: Value = json(request.header("x-dashboard-token", &self.dashboard_token)).await?;
            let Value::Array(entries) = answer["entries"].take() else {
                return Err(format!("the entries of {day} are no list"));
            };
            found.extend(entries.into_iter().filter(|entry| entry["booking_id"] == *names.booking_id));
        }
        Ok(found)
    }

    async fn event(&self, charter_id: &str) -> Read<Value> {
        json(self.client.get(format!("{}/events/{charter_id}", self.scc_url)).bearer_auth(&self.service_key)).await
    }

    /// Whether this SCC keeps its mail, so that none reaches anybody.
    ///
    /// # Errors
    /// In words, when there is no outbox: the real SCC has none.
    pub(super) async fn keep_their_mail(&self) -> Read<()> {
        self.mails("NOBODY").await.map(drop)
    }

    /// The outbox stands beside the API, not below its stage.
    async fn mails(&self, charter_id: &str) -> Read<Vec<Mail>> {
        let root = self.scc_url.strip_suffix("/prod").unwrap_or(&self.scc_url);
        let request = self.client.get(format!("{root}/outbox/{charter_id}")).bearer_auth(&self.service_key);
        let mut answer: Value = json(request).await?;
        serde_json::from_value(answer["mails"].take()).map_err(|error| format!("the outbox holds no mails: {error}"))
    }

    async fn desk(&self, names: &Names) -> Option<Read<Page>> {
        let link = self.desk_link.as_ref()?;
        // What opens the desk stands in no log of CI.
        let found = self.page(&format!("{link}?q={}", names.booking_id)).await;
        Some(found.map_err(|fault| fault.replace(link.as_str(), "the link to it")))
    }

    fn link(&self, charter_id: &str) -> String {
        format!("{}/g/{charter_id}", self.guest_page_base_url)
    }

    async fn bucket(&self, names: &Names) -> Option<Read<(StatusCode, Page)>> {
        let object = format!("{}/g/{}.html", self.guest_page_bucket_url.as_ref()?, names.charter_id);
        Some(self.answer(&object).await)
    }

    async fn office_mails(&self, names: &Names) -> Option<Read<Vec<OfficeMail>>> {
        let request = self.client.get(self.mailbox_url.as_ref()?).header("x-dashboard-token", &self.dashboard_token);
        Some(json(request).await.and_then(|mut answer: Value| {
            let mails: Result<Vec<OfficeMail>, _> = serde_json::from_value(answer["mails"].take());
            let mut mails = mails.map_err(|error| format!("it holds no mails: {error}"))?;
            mails.retain(|mail| mail.subject.starts_with(&names.booking_id));
            Ok(mails)
        }))
    }

    async fn page(&self, url: &str) -> Read<Page> {
        match self.answer(url).await? {
            (StatusCode::OK, page) => Ok(page),
            (status, _) => Err(format!("{} answered {status}", without_query(url))),
        }
    }

    async fn answer(&self, url: &str) -> Read<(StatusCode, Page)> {
        let answer = self.client.get(url).send().await.map_err(in_words)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.text().await.map_err(in_words)?;
        Ok((status, Page { url: url.to_owned(), headers, body }))
    }
}

async fn json<T: DeserializeOwned>(request: reqwest::RequestBuilder) -> Read<T> {
    let answer = request.send().await.map_err(in_words)?;
    let (status, address) = (answer.status(), without_query(answer.url().as_str()).to_owned());
    let body = answer.text().await.map_err(in_words)?;
    if !status.is_success() {
        return Err(format!("{address} answered {status}: {body}"));
    }
    serde_json::from_str(&body).map_err(|error| format!("{address} answered no JSON: {error}"))
}

/// A magic link in a CI log would open its page to every reader of the log.
pub(super) fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or(url)
}

/// The whole chain of causes, without the URL: it may hold a token.
pub(super) fn in_words(error: reqwest::Error) -> String {
    let error = error.without_url();
    let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
