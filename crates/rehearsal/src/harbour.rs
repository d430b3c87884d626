//! The harbour: the rehearsal as people see it, in a browser and in a terminal.
//!
//! To trust the function, people want to watch it work: one signed booking, the four systems side by side, each call on
//! the way, and what happens when one of them fails. The systems shown here are read from the stand-ins, never from what the
//! function says it did; its own answer and its timeline stand beside that, to be compared.

pub mod console;
mod desk_frame;
pub mod files;
pub mod inspection;
mod logbook;
mod lookout;
mod marketplace;
mod outside;
mod post;
mod routes;
mod senders;
#[cfg(test)]
mod tests;
mod weather;

use std::{
    borrow::Cow,
    collections::BTreeMap,
    future::Future,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{Router, body::Bytes, routing::any};
use desk_frame::DeskFrame;
pub use logbook::Entry;
use logbook::Logbook;
use lookout::{Lookout, is_anything_due};
use marketplace::Marketplace;
pub use marketplace::{Booking, Kind, NotSent};
use outside::Outside;
use serde::Deserialize;
use serde_json::{Value, json};
use simulators::{
    clock::Clock,
    front_door::{BodyEncoding, http_api_event},
    server::Server,
    traffic::Traffic,
};
use tokio::time::MissedTickBehavior;
use weather::Weather;

use crate::{Rehearsal, RehearsalError, WEBHOOK_PATH};

/// `UNKNOWN_SETTLE_MS` of a rehearsal that people watch; in production 35 s, because a gateway waits for 30 s.
pub const SETTLE: Duration = Duration::from_secs(6);
/// `REDRIVE_BASE_MS` of a rehearsal that people watch; in production one minute.
pub const REDRIVE_BASE: Duration = Duration::from_secs(5);
/// How often the schedule of such a rehearsal looks for something due; in production every minute.
pub const SWEEP_EVERY: Duration = Duration::from_secs(3);

/// What the page starts beside the rehearsal.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The function. A second process of it is asked for timelines.
    pub function: PathBuf,
    /// `sender`, which signs what is posted.
    pub signer: PathBuf,
}

/// The harbour page of one rehearsal. Dropping it takes the page down.
pub struct Harbour {
    server: Server,
    desk: Arc<Desk>,
}

/// What the page's routes share.
struct Desk {
    rehearsal: Arc<Rehearsal>,
    lookout: Option<Lookout>,
    marketplace: Mutex<Marketplace>,
    weather: Weather,
    logbook: Logbook,
    outside: Outside,
    /// The path of a link to the whole desk of the office.
    whole_desk: Option<String>,
    senders: Vec<senders::Sender>,
    /// The program that signs what is posted.
    signer: Option<PathBuf>,
}

/// Which booking or delivery a button is about.
#[derive(Clone, Debug, Default, Deserialize)]
struct About {
    booking_id: Option<String>,
    #[serde(default)]
    delivery_id: Option<String>,
}

impl About {
    fn booking(id: &str) -> Self {
        Self { booking_id: Some(id.to_owned()), delivery_id: None }
    }
}

impl Harbour {
    /// Serves the page on a free port. Without programs there are no timelines, and nothing can be posted as a sender.
    ///
    /// # Errors
    /// When no port can be bound, the function does not start or the examples cannot be read.
    pub async fn open(rehearsal: Arc<Rehearsal>, programs: Option<Programs>) -> Result<Self, RehearsalError> {
        let (lookout, signer) = match programs {
            Some(Programs { function, signer }) => (Some(Lookout::open(function, &rehearsal).await?), Some(signer)),
            None => (None, None),
        };
        let senders = senders::known(&rehearsal)?;
        let (marketplace, weather, logbook) = (Mutex::default(), Weather::default(), Logbook::default());
        let outside = Outside::default();
        outside.others(rehearsal.lambda.past_invocations());
        let (whole_desk, frame) = (desk_frame::whole(&rehearsal).await, DeskFrame::of(&rehearsal));
        let desk =
            Arc::new(Desk { rehearsal, lookout, marketplace, weather, logbook, outside, whole_desk, senders, signer });
        let router = routes::router(Arc::clone(&desk))
            .merge(Router::new().route("/desk/{*path}", any(desk_frame::hand_on)).with_state(frame));
        Ok(Self { server: Server::start(router, Traffic::new(), |_| None).await?, desk })
    }

    /// The page's address.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Sends a message about the last booking sold, as the page's buttons do.
    ///
    /// # Errors
    /// When there is nothing to send. A message that was sent and not answered is no error here.
    pub async fn send(&self, kind: Kind) -> Result<Entry, NotSent> {
        self.desk.send(kind, None).await
    }

    /// Sweeps as the schedule does, for as long as it is polled; but only while something is due, to leave no trace else.
    pub async fn keep_sweeping(&self) {
        let mut ticks = tokio::time::interval(SWEEP_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if is_anything_due(&self.desk.rehearsal).await {
                self.desk.invoke("Sweep, by the schedule", About::default(), &json!({ "sweep": {} })).await;
            }
        }
    }

    /// The last booking sold, as the marketplace knows it.
    #[must_use]
    pub fn newest(&self) -> Option<Booking> {
        lock(&self.desk.marketplace).newest().cloned()
    }

    /// The last message about it, signed now, as the event that API Gateway would make of it: a delivery to replay.
    #[must_use]
    pub fn captured(&self) -> Option<Value> {
        let message = lock(&self.desk.marketplace).last().cloned()?;
        let headers = message.signed(self.desk.rehearsal.sender(), Clock::system().now());
        Some(gateway_event(WEBHOOK_PATH, &headers, message.body.into()))
    }
}

/// What API Gateway hands the function when this is posted.
fn gateway_event(path: &str, headers: &BTreeMap<String, String>, body: Bytes) -> Value {
    let mut request = http::Request::post(path);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(body).expect("a sender's path and headers are plain text");
    http_api_event(&request, BodyEncoding::ByContentType)
}

fn lock(marketplace: &Mutex<Marketplace>) -> MutexGuard<'_, Marketplace> {
    marketplace.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    async fn send(&self, kind: Kind, about: Option<&str>) -> Result<Entry, NotSent> {
        let at = Clock::system().now();
        let message = lock(&self.marketplace).say(kind, about, at)?;
        let headers = message.signed(self.rehearsal.sender(), at);
        self.outside.is_own(message.webhook_id.clone());
        let answered = async {
            let answered = self.rehearsal.deliver_raw(&headers, message.body.clone()).await?;
            Ok((Some(answered.status), answered.body))
        };
        Ok(self.enter(kind.label(), About::booking(&message.booking_id), answered).await)
    }

    /// Invokes the function directly, as a person or the schedule does.
    async fn invoke(&self, label: &'static str, about: About, payload: &Value) -> Entry {
        self.outside.is_own(outside::key(payload));
        let answered = async {
            let answer = self.rehearsal.invoke(payload).await?.payload;
            Ok((answer["status"].as_u64().and_then(|status| u16::try_from(status).ok()), answer))
        };
        self.enter(label, about, answered).await
    }

    /// Enters what others had the function do since the last look, and remembers their bookings, so that buttons can follow them.
    fn overhear(&self) {
        for past in self.outside.others(self.rehearsal.lambda.past_invocations()) {
            let event = &past.event;
            let (status, answer) = outside::answer(&past);
            let text = |value: &Value| value.as_str().map(str::to_owned);
            let about = About {
                booking_id: text(&answer["booking_id"]).or_else(|| text(&event["replay"]["booking_id"])),
                delivery_id: text(&event["replay"]["delivery_id"]),
            };
            let mut entry = self.logbook.open(outside::label(event), about, past.at);
            (entry.milliseconds, entry.status) = (Some(past.invocation.milliseconds), status);
            entry.answer = Some(answer);
            self.logbook.close(&entry);
            if outside::is_boatsetters(event) {
                let body = event["body"].as_str().map_or_else(|| event.to_string(), str::to_owned);
                self.remember(&entry, outside::webhook_id(event), &body);
            }
        }
    }

    /// Remembers the booking of a body that was taken, so that buttons can follow it.
    fn remember(&self, entry: &Entry, webhook_id: Option<&str>, body: &str) {
        let is_understood = entry.answer.as_ref().is_some_and(|answer| !answer["booking_id"].is_null());
        if is_understood && entry.status.is_none_or(|status| status < 300) {
            lock(&self.marketplace).overhear(webhook_id, body, entry.at);
        }
    }

    async fn enter(
        &self,
        label: impl Into<Cow<'static, str>>,
        about: About,
        answered: impl Future<Output = Result<(Option<u16>, Value), RehearsalError>>,
    ) -> Entry {
        let mut entry = self.logbook.open(label, about, Clock::system().now());
        let since = Instant::now();
        match answered.await {
            Ok((status, answer)) => {
                entry.booking_id = entry.booking_id.or_else(|| answer["booking_id"].as_str().map(str::to_owned));
                (entry.status, entry.answer) = (status, Some(answer));
            }
            Err(error) => entry.error = Some(error.to_string()),
        }
        entry.milliseconds = u64::try_from(since.elapsed().as_millis()).ok();
        self.logbook.close(&entry);
        entry
    }
}
