//! ShipCaptainCrew (SCC), which mails the crew: exactly as `docs/contracts/scc.openapi.yaml` says.
//!
//! Its events live in a real DynamoDB table, because the function reads that table behind SCC's back to make sure that no
//! money is in it. It is as careless as the contract allows: two creations at once both succeed and both send mail, and it
//! can be told to write money into its events, as the real one once did.

mod access;
mod attributes;
mod crew_page;
mod event;
mod outbox;
mod sharing;
mod table;
mod upload_bucket;
mod uploads;

use std::{
    io,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{Method, StatusCode, request};
use serde_json::{Value, json};

pub use self::{
    access::{MagicLinks, ServiceKeyHash},
    outbox::{Mail, MailKind},
    table::{TableError, create_events_table},
    uploads::Uploads,
};
use self::{
    crew_page::CrewPage,
    outbox::Outbox,
    sharing::{SiteOrigin, share_with_the_guest_site},
    table::EventsTable,
};
use crate::{
    clock::Clock,
    contract::{Object, Refusal, Shape},
    records::{Memory, Records, RecordsError},
    server::Server,
    traffic::{Service, Traffic},
};

const CONTRACT: &str = include_str!("../../../docs/contracts/scc.openapi.yaml");
const STAGE: &str = "/prod";

/// What SCC needs to run, wherever it does.
pub struct SccOptions {
    /// What it knows of the service key.
    pub service_key_hash: ServiceKeyHash,
    /// The DynamoDB that has its table of events.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// The name of that table.
    pub events_table: String,
    /// Where guests' photos go.
    pub uploads: Uploads,
    /// The guest site's origin, whose pages may ask for upload forms.
    pub site_origin: String,
    /// Tells when uploads are taken.
    pub clock: Clock,
}

/// A running SCC; dropping it stops it. Its events stay in their table.
pub struct Scc {
    server: Server,
    _upload_bucket: Server,
    desk: Desk,
    mails: Memory,
}

impl Scc {
    /// Starts SCC with an empty mailbox; `traffic` logs its calls and scripts its faults. The table of events must exist: see
    /// [`create_events_table`].
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(traffic: Traffic, options: SccOptions) -> io::Result<Self> {
        let site_origin = SiteOrigin::from(options.site_origin.as_str());
        let upload_bucket = upload_bucket::start(&options.uploads, traffic.clone(), &site_origin).await?;
        let upload_url = format!("{}/{}", upload_bucket.url(), options.uploads.bucket);
        let mails = Memory::default();
        let links = MagicLinks::new(&rand::random::<[u8; 32]>());
        let desk = Desk::new(options, Records::Memory(mails.clone()), links, Some(upload_url));
        let server = Server::start(routes(&desk), traffic, name).await?;
        desk.0.links.lead_to(server.url());
        Ok(Self { server, _upload_bucket: upload_bucket, desk, mails })
    }

    /// The base URL of the API, with the stage.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url() + STAGE
    }

    /// Where upload forms are sent to.
    #[must_use]
    pub fn upload_url(&self) -> &str {
        self.desk.0.upload_url.as_deref().unwrap_or_default()
    }

    /// The newest 10,000 mails in the order of sending.
    #[must_use]
    pub fn mailbox(&self) -> Vec<Mail> {
        self.mails.all().into_iter().map(outbox::mail).collect()
    }

    /// Every item of the table of events, ordered by event and creation.
    ///
    /// # Panics
    /// When the table cannot be read: there is no world to look at then.
    pub async fn events(&self) -> Vec<Value> {
        let events = self.desk.0.events.all().await.expect("the table of events can be read");
        events.into_iter().map(Value::Object).collect()
    }

    /// Writes money into a stored event: at the top, nested, under an odd name and as a line of notes.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn leak_money_into(&self, event_id: &str) -> Result<(), TableError> {
        self.desk.0.events.change(event_id, event::money).await?;
        Ok(())
    }

    /// Whether it writes money into every event that it creates.
    pub fn leak_on_create(&self, leaking: bool) {
        self.desk.0.leaking.store(leaking, Ordering::Relaxed);
    }

    /// A rotation: only the key of this hash is accepted from now on.
    pub fn set_service_key_hash(&self, hash: ServiceKeyHash) {
        *self.desk.0.service_key_hash.write().unwrap_or_else(PoisonError::into_inner) = hash;
    }
}

/// The same SCC without a server of its own, for staging: it keeps its mail in `outbox`, and its `links` lead to where it is reached.
pub fn service(options: SccOptions, outbox: Records, links: MagicLinks) -> Router {
    routes(&Desk::new(options, outbox, links, None))
}

/// What the routes work with.
#[derive(Clone)]
struct Desk(Arc<Shared>);

struct Shared {
    shape: Shape,
    service_key_hash: RwLock<ServiceKeyHash>,
    leaking: AtomicBool,
    events: EventsTable,
    links: MagicLinks,
    outbox: Outbox,
    uploads: Uploads,
    /// Where forms are sent to, when something stands before the bucket itself.
    upload_url: Option<String>,
    site_origin: SiteOrigin,
    clock: Clock,
    crew_page: CrewPage,
}

impl Desk {
    fn new(options: SccOptions, outbox: Records, links: MagicLinks, upload_url: Option<String>) -> Self {
        Self(Arc::new(Shared {
            shape: Shape::of(CONTRACT, "Event", &["event_id"]),
            service_key_hash: RwLock::new(options.service_key_hash),
            leaking: AtomicBool::new(false),
            events: EventsTable::new(options.dynamodb, options.events_table),
            links,
            outbox: Outbox::new(outbox),
            uploads: options.uploads,
            upload_url,
            site_origin: SiteOrigin::from(options.site_origin),
            clock: options.clock,
            crew_page: CrewPage::new(),
        }))
    }

    async fn mail(&self, event: &Object, to: &str, kind: MailKind) -> Result<(), RecordsError> {
        let link = self.0.links.link(event, to);
        self.0.outbox.send(&Mail::compose(event, to, kind, link)).await
    }
}

fn routes(desk: &Desk) -> Router {
    let events = Router::new()
        .route("/events", post(create))
        .route("/events/{event_id}", get(read).patch(change))
        .layer(from_fn_with_state(desk.clone(), authenticate));
    let guests = Router::new()
        .route("/g/{event_id}/presign", post(presign))
        .layer(from_fn_with_state(Arc::clone(&desk.0.site_origin), share_with_the_guest_site));
    let outbox =
        Router::new().route("/outbox/{event_id}", get(outbox)).layer(from_fn_with_state(desk.clone(), authenticate));
    Router::new()
        .nest(STAGE, events.merge(guests))
        .merge(outbox)
        .route("/crew/{event_id}", get(crew_page::show).post(crew_page::write))
        .with_state(desk.clone())
}

/// The API is logged and fails on demand; the crew page, the outbox and a browser's preflights are not and do not.
fn name(request: &request::Parts) -> Option<(Service, String)> {
    let path = request.uri.path().strip_prefix(STAGE)?;
    (request.method != Method::OPTIONS).then(|| (Service::Scc, format!("{} {path}", request.method)))
}

async fn authenticate(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let hash = desk.0.service_key_hash.read().unwrap_or_else(PoisonError::into_inner).clone();
    if hash.admits(request.headers()) {
        next.run(request).await
    } else {
        problem(StatusCode::UNAUTHORIZED, "the service key is missing or wrong")
    }
}

async fn create(State(desk): State<Desk>, body: Bytes) -> Result<Response, Failure> {
    let mut event = desk.0.shape.whole(&body)?;
    if desk.0.events.find(event::text(&event, "event_id")).await?.is_some() {
        return Ok(problem(StatusCode::CONFLICT, "event_id exists already"));
    }
    // The machine's clock, also while the day is set: two creations must never share a sort key.
    let created = Clock::system().now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string();
    event.insert("created_timestamp".to_owned(), json!(created));
    if desk.0.leaking.load(Ordering::Relaxed) {
        event.extend(event::money(&event));
    }
    desk.0.events.put(&event).await?;
    for person in event::assigned(&event) {
        desk.mail(&event, person, MailKind::MagicLink).await?;
    }
    Ok((StatusCode::CREATED, Json(event)).into_response())
}

async fn read(State(desk): State<Desk>, Path(event_id): Path<String>) -> Result<Response, Failure> {
    let event = desk.0.events.find(&event_id).await?.ok_or(Failure::NoSuchEvent)?;
    Ok(Json(event).into_response())
}

async fn change(State(desk): State<Desk>, Path(event_id): Path<String>, body: Bytes) -> Result<Response, Failure> {
    let changes = desk.0.shape.change(&body)?;
    let changed = desk.0.events.change(&event_id, |_| changes.clone()).await?;
    let (before, after) = changed.ok_or(Failure::NoSuchEvent)?;
    for (person, kind) in outbox::notices(&before, &after) {
        desk.mail(&after, person, kind).await?;
    }
    Ok(Json(after).into_response())
}

/// The mail about an event, eldest first. The real SCC has no such route, because its mail leaves.
async fn outbox(State(desk): State<Desk>, Path(event_id): Path<String>) -> Result<Response, Failure> {
    let mut mails = desk.0.outbox.all().await?;
    mails.retain(|mail| mail.event_id == event_id);
    Ok(Json(json!({ "mails": mails })).into_response())
}

async fn presign(State(desk): State<Desk>, Path(event_id): Path<String>, body: Bytes) -> Result<Response, Failure> {
    let wanted: uploads::Wanted =
        serde_json::from_slice(&body).map_err(|error| Refusal(format!("not a file to upload: {error}")))?;
    let event = desk.0.events.find(&event_id).await?.ok_or(Failure::NoSuchEvent)?;
    let refused = if !event::takes_uploads(&event, desk.0.clock.now()) {
        Some((StatusCode::FORBIDDEN, "photos are taken from the day of the charter until 7 days after it"))
    } else if wanted.bytes > uploads::MAX_BYTES {
        Some((StatusCode::PAYLOAD_TOO_LARGE, "25 MB at most"))
    } else if !uploads::TYPES.contains(&wanted.content_type.as_str()) {
        Some((StatusCode::UNSUPPORTED_MEDIA_TYPE, "JPEG, PNG, WebP, HEIC, HEIF, MP4 and MOV are taken"))
    } else {
        None
    };
    Ok(match refused {
        Some((status, words)) => problem(status, words),
        // S3 checks a form by its own clock, not by the day that it is here.
        None => {
            let form = desk.0.uploads.form(&event_id, &wanted, Clock::system().now());
            let form = match &desk.0.upload_url {
                Some(url) => form.sent_to(url),
                None => form,
            };
            Json(form).into_response()
        }
    })
}

/// Why a route did not do what it was asked.
enum Failure {
    Refused(Refusal),
    NoSuchEvent,
    Table(TableError),
    Outbox(RecordsError),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<TableError> for Failure {
    fn from(error: TableError) -> Self {
        Self::Table(error)
    }
}

impl From<RecordsError> for Failure {
    fn from(error: RecordsError) -> Self {
        Self::Outbox(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(refusal) => refusal.into_response(),
            Self::NoSuchEvent => problem(StatusCode::NOT_FOUND, "no such event"),
            Self::Table(error) => {
                tracing::warn!(%error, "SCC cannot reach its table");
                problem(StatusCode::SERVICE_UNAVAILABLE, "try later")
            }
            Self::Outbox(error) => error.into_response(),
        }
    }
}

fn problem(status: StatusCode, words: &str) -> Response {
    (status, Json(json!({ "error": words }))).into_response()
}

#[cfg(test)]
mod tests;
