//! Puts guest pages into the bucket, and has the edge forget older ones by an exact invalidation.

use std::fmt;

use aws_sdk_cloudfront::{
    operation::create_invalidation::CreateInvalidationError,
    types::{InvalidationBatch, Paths},
};
use aws_sdk_s3::{
    operation::{get_object::GetObjectError, put_object::PutObjectError},
    primitives::{ByteStream, ByteStreamError},
};

use super::{Address, GuestPage, Uploads, not_found_page};
use crate::{
    outbound::{
        Answered, Call, CallError, Class, Deadline, Effect, Outbound, Page, Service, WhenUsed, from_sdk, worse_of,
    },
    runtime::config::GuestPageConfig,
    runtime::metrics::Metric,
    runtime::secrets::SecretStore,
};

/// An invalidation reaches the edge but not a phone: the page is fresh at the edge for a day and revalidated by every browser.
pub(crate) const CACHE_CONTROL: &str = "public, max-age=0, s-maxage=86400, must-revalidate";
pub(crate) const HTML: &str = "text/html; charset=utf-8";
pub(crate) const PNG: &str = "image/png";
pub(crate) const CALENDAR: &str = "text/calendar; charset=utf-8";

pub(crate) const PUT_PAGE: Call =
    Call { service: Service::GuestPageBucket, operation: "put_guest_page", effect: Effect::Change };
const PUT_CALENDAR_FILE: Call =
    Call { service: Service::GuestPageBucket, operation: "put_calendar_file", effect: Effect::Change };
const PUT_NOT_FOUND_PAGE: Call =
    Call { service: Service::GuestPageBucket, operation: "put_not_found_page", effect: Effect::Change };
const GET: Call = Call { service: Service::GuestPageBucket, operation: "get_guest_page", effect: Effect::Repeatable };
const INVALIDATE: Call =
    Call { service: Service::Cloudfront, operation: "invalidate_guest_page", effect: Effect::Change };

const VISIT: Call = Call { service: Service::GuestSite, operation: "visit_guest_page", effect: Effect::Repeatable };

/// What belongs to no charter.
#[derive(Debug)]
pub(crate) struct StandingPages<'a> {
    /// The health check's page.
    pub(crate) canary: &'a GuestPage,
    /// The page for links that lead nowhere.
    pub(crate) not_found_page: &'a str,
}

/// The bucket and the distribution in front of it.
#[derive(Clone, Copy)]
pub(crate) struct Publisher<'a> {
    outbound: &'a Outbound,
    secrets: &'a SecretStore,
    config: &'a GuestPageConfig,
    s3: &'a WhenUsed<aws_sdk_s3::Client>,
    cloudfront: &'a WhenUsed<aws_sdk_cloudfront::Client>,
}

impl fmt::Debug for Publisher<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Publisher").field("config", &self.config).finish_non_exhaustive()
    }
}

impl<'a> Publisher<'a> {
    /// Publishes into `config`'s bucket, and invalidates on the distribution that `secrets` names at the time.
    pub(crate) fn new(
        outbound: &'a Outbound,
        secrets: &'a SecretStore,
        config: &'a GuestPageConfig,
        s3: &'a WhenUsed<aws_sdk_s3::Client>,
        cloudfront: &'a WhenUsed<aws_sdk_cloudfront::Client>,
    ) -> Self {
        Self { outbound, secrets, config, s3, cloudfront }
    }

    /// Where guests send the photos of a charter to, as far as the secrets know; `event_id` is SCC's id of it.
    pub(crate) fn uploads(&self, event_id: &str) -> Option<Uploads> {
        let secrets = self.secrets.current();
        let region = self.s3.config().region().map_or("us-west-2", |region| region.as_ref());
        Uploads::of(&secrets.scc.as_ref().ok()?.content, event_id, region)
    }

    /// Puts both files, then invalidates them under `reference`; without one, nothing was ever published at this address. All of it may be
    /// done again at any time with the same effect.
    ///
    /// # Errors
    /// The first [`CallError`]; what was put before it stays.
    pub(crate) async fn publish(
        &self,
        page: &GuestPage,
        address: &Address,
        reference: Option<&str>,
        deadline: &Deadline,
    ) -> Result<(), CallError> {
        self.put_both(page, address, deadline).await?;
        let Some(reference) = reference else { return Ok(()) };
        self.invalidate(&address.paths(), reference, deadline).await
    }

    async fn put_both(&self, page: &GuestPage, address: &Address, deadline: &Deadline) -> Result<(), CallError> {
        let html = self.put(PUT_PAGE, &address.key, HTML, page.html.as_bytes(), deadline);
        let calendar = self.put(PUT_CALENDAR_FILE, &address.calendar_key, CALENDAR, page.calendar.as_bytes(), deadline);
        let (html, calendar) = tokio::join!(html, calendar);
        worse_of(html, calendar)
    }

    /// Publishes what belongs to no charter.
    ///
    /// # Errors
    /// The first [`CallError`]; what was put before it stays.
    pub(crate) async fn publish_standing_pages(
        &self,
        pages: &StandingPages<'_>,
        address: &Address,
        reference: &str,
        deadline: &Deadline,
    ) -> Result<(), CallError> {
        let key = not_found_page::key(self.config);
        let not_found_page = self.put(PUT_NOT_FOUND_PAGE, &key, HTML, pages.not_found_page.as_bytes(), deadline);
        let canary = self.put_both(pages.canary, address, deadline);
        let (not_found_page, canary) = tokio::join!(not_found_page, canary);
        worse_of(not_found_page, canary)?;
        let paths = [address.paths(), vec![not_found_page::PATH.to_owned()]].concat();
        self.invalidate(&paths, reference, deadline).await
    }

    /// Both files as they are in the bucket; `None` for one that is not there.
    ///
    /// # Errors
    /// The first [`CallError`] of the readings.
    pub(crate) async fn stored(
        &self,
        address: &Address,
        deadline: &Deadline,
    ) -> Result<(Option<Vec<u8>>, Option<Vec<u8>>), CallError> {
        let (html, calendar) =
            tokio::join!(self.get(&address.key, deadline), self.get(&address.calendar_key, deadline));
        Ok((html?, calendar?))
    }

    async fn get(&self, key: &str, deadline: &Deadline) -> Result<Option<Vec<u8>>, CallError> {
        let once = || async {
            let lost = |error: ByteStreamError| {
                let reason = format!("lost the connection before the object was whole: {error}");
                CallError::new(GET, Class::Transient, reason)
            };
            let (status, value) = match self.s3.get_object().bucket(&self.config.bucket).key(key).send().await {
                Ok(object) => (200, Some(object.body.collect().await.map_err(lost)?.to_vec())),
                Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => (404, None),
                Err(error) => return Err(from_sdk(GET, error)),
            };
            Ok(Answered { status, remote_id: Some(key.to_owned()), value })
        };
        self.outbound.attempts(GET, deadline, once).await
    }

    /// Opens a page as a guest does. No secret goes along, so any host will do.
    ///
    /// # Errors
    /// [`CallError`] when no whole answer came.
    pub(crate) async fn visit(&self, url: &str, deadline: &Deadline) -> Result<Page, CallError> {
        self.outbound.visit(VISIT, deadline, url).await
    }

    async fn put(
        &self,
        call: Call,
        key: &str,
        content_type: &str,
        body: &[u8],
        deadline: &Deadline,
    ) -> Result<(), CallError> {
        let once = || async {
            let put = self.s3.put_object().bucket(&self.config.bucket).key(key);
            let put = put.content_type(content_type).cache_control(CACHE_CONTROL).body(ByteStream::from(body.to_vec()));
            put.send().await.map_err(|error| from_sdk::<PutObjectError>(call, error))?;
            Ok(Answered { status: 200, remote_id: Some(key.to_owned()), value: () })
        };
        self.outbound.attempts(call, deadline, once).await
    }

    async fn invalidate(&self, items: &[String], reference: &str, deadline: &Deadline) -> Result<(), CallError> {
        let secrets = match &self.secrets.current().distribution_id {
            Ok(_) => self.secrets.current(),
            Err(_) => self.secrets.newer_than(&self.secrets.current(), deadline).await,
        };
        let distribution = secrets.distribution_id.as_ref().map_err(|fault| {
            self.outbound.metrics().count(Metric::DeniedCalls);
            CallError::misconfigured(INVALIDATE, fault.to_string())
        })?;
        let once = || async {
            let paths = Paths::builder()
                .quantity(i32::try_from(items.len()).unwrap_or(i32::MAX))
                .set_items(Some(items.to_vec()));
            let paths = paths.build().expect("the quantity is set");
            let batch = InvalidationBatch::builder().paths(paths).caller_reference(reference);
            let batch = batch.build().expect("paths and caller reference are set");
            let request = self.cloudfront.create_invalidation().distribution_id(distribution).invalidation_batch(batch);
            let answer =
                request.send().await.map_err(|error| from_sdk::<CreateInvalidationError>(INVALIDATE, error))?;
            let remote_id = answer.invalidation().map(|invalidation| invalidation.id().to_owned());
            Ok(Answered { status: 201, remote_id, value: () })
        };
        self.outbound.attempts(INVALIDATE, deadline, once).await
    }
}
