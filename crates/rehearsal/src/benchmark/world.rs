//! One contestant's world: all stand-ins in this process, so that they are little beside what is measured, and nobody else's.

use std::collections::BTreeMap;

use axum::body::Bytes;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde_json::{Value, json};
use simulators::{
    aws::{REGION, TEST_CREDENTIAL, sdk_config},
    calendar::Calendar,
    clock::Clock,
    front_door::{BodyEncoding, http_api_event},
    local_aws::{LocalAws, Tables},
    scc::{Scc, SccOptions, ServiceKeyHash, Uploads, create_events_table},
    sender::{Sender, sample_booking, upcoming_start},
    template::Table,
    traffic::Traffic,
};

use super::BenchmarkError;
use crate::{DASHBOARD_TOKEN, LINK_KEY, SERVICE_KEY, SIGNING_SECRET, WEBHOOK_PATH};

pub(super) const LEDGER: &str = "ledger";
pub(super) const EVENTS: &str = "scc-events";
pub(super) const PEER_TABLE: &str = "peer";
pub(super) const BUCKET: &str = "queenofsandiego.com";
const SITE: &str = "https://queenofsandiego.com";
const PREFIX: &str = "booking-webhook";
/// Days between two charters, so that none overlaps another.
const APART_DAYS: i64 = 2;
/// After so many charters the days begin again: no sender books farther ahead.
const CHARTERS_AHEAD: u32 = 1_000;

/// What a delivery says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    First,
    Repeat,
    Reschedule,
    Cancellation,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::First, Self::Repeat, Self::Reschedule, Self::Cancellation];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Repeat => "repeat",
            Self::Reschedule => "reschedule",
            Self::Cancellation => "cancellation",
        }
    }

    fn revision(self) -> u32 {
        match self {
            Self::First | Self::Repeat => 1,
            Self::Reschedule => 2,
            Self::Cancellation => 3,
        }
    }
}

pub(super) struct World {
    pub(super) traffic: Traffic,
    pub(super) tables: Tables,
    pub(super) aws: LocalAws,
    pub(super) calendar: Calendar,
    pub(super) scc: Scc,
    sender: Sender,
    begun: Timestamp,
}

impl World {
    pub(super) async fn start() -> Result<Self, BenchmarkError> {
        let failed = |error: &dyn std::fmt::Display| BenchmarkError::StandIn(error.to_string());
        let (traffic, clock) = (Traffic::new(), Clock::system());
        let tables = Tables::new().map_err(|error| failed(&error))?;
        let aws = LocalAws::start(traffic.clone(), &tables).await?;
        let dynamodb = aws_sdk_dynamodb::Client::new(&sdk_config(&aws.inner_url()));
        Table::in_template("Ledger").create(&dynamodb, LEDGER).await.map_err(|error| failed(&error))?;
        create_events_table(&dynamodb, EVENTS).await.map_err(|error| failed(&error))?;
        tables.ask("CreateTable", &peer_table()).map_err(|error| failed(&error))?;
        let calendar = Calendar::start(traffic.clone(), DASHBOARD_TOKEN).await?;
        let scc = SccOptions {
            service_key_hash: ServiceKeyHash::sha256(SERVICE_KEY),
            dynamodb,
            events_table: EVENTS.to_owned(),
            uploads: uploads(&aws),
            site_origin: SITE.to_owned(),
            clock: clock.clone(),
        };
        let scc = Scc::start(traffic.clone(), scc).await?;
        let sender = Sender::new(SIGNING_SECRET).expect("the secret is well formed");
        let world = Self { traffic, tables, aws, calendar, scc, sender, begun: clock.now() };
        world.put_secrets();
        Ok(world)
    }

    fn put_secrets(&self) {
        let webhook = json!({ "scheme": "standard-webhooks", "signing_secrets": [SIGNING_SECRET] });
        let presign_url = format!("{}/g/{{event_id}}/presign", self.scc.url());
        for (name, value) in [
            ("webhook", webhook.clone()),
            ("webhook/boatsetter", webhook),
            ("calendar", json!({ "url": self.calendar.url(), "dashboard_token": DASHBOARD_TOKEN })),
            (
                "scc",
                json!({ "url": self.scc.url(), "service_key": SERVICE_KEY, "auth": "bearer", "presign_url": presign_url }),
            ),
            ("guest-page", json!({ "distribution_id": "E1", "link_key": LINK_KEY })),
        ] {
            self.aws.put_secret(&format!("{PREFIX}/{name}"), &value);
        }
    }

    pub(super) fn environment_variables(&self) -> BTreeMap<String, String> {
        [
            ("AWS_ACCESS_KEY_ID", TEST_CREDENTIAL.to_owned()),
            ("AWS_ENDPOINT_URL", self.aws.url()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", TEST_CREDENTIAL.to_owned()),
            ("GUEST_PAGE_BASE_URL", SITE.to_owned()),
            ("GUEST_PAGE_BUCKET", BUCKET.to_owned()),
            ("LEDGER_TABLE", LEDGER.to_owned()),
            ("NOTICES_TOPIC", format!("arn:aws:sns:{REGION}:000000000000:notices")),
            ("RUST_LOG", "info".to_owned()),
            ("SCC_EVENTS_TABLE", EVENTS.to_owned()),
            ("SECRETS_PREFIX", PREFIX.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// The body of a delivery about the booking of this number, each on a day of its own.
    pub(super) fn body(&self, number: u32, kind: Kind) -> Value {
        let days = APART_DAYS * i64::from(number % CHARTERS_AHEAD);
        let later = if kind == Kind::First || kind == Kind::Repeat { 0 } else { 1 };
        let start = upcoming_start(self.begun).saturating_add(days.days().hours(later));
        let changed_at = self.begun - SignedDuration::from_secs(60 - 10 * i64::from(kind.revision()));
        let mut body = sample_booking(&booking_id(number), &start, changed_at);
        // The same event in the same words, however often it is asked for.
        body["id"] = json!(format!("evt_{number:08x}_{}", kind.revision()));
        let booking = &mut body["data"]["booking"];
        booking["revision"] = json!(kind.revision());
        if kind == Kind::Cancellation {
            booking["status"] = json!("cancelled");
        }
        body
    }

    /// What API Gateway makes of a body's delivery, signed now.
    pub(super) fn event(&self, body: &Value) -> Value {
        let id = format!("msg_{}", body["id"].as_str().unwrap_or_default());
        let body = body.to_string();
        let mut request = http::Request::post(WEBHOOK_PATH);
        for (name, value) in self.sender.sign(&id, &body, Clock::system().now()) {
            request = request.header(name, value);
        }
        let request = request.body(Bytes::from(body)).expect("a path and plain headers make a request");
        http_api_event(&request, BodyEncoding::ByContentType)
    }
}

pub(super) fn booking_id(number: u32) -> String {
    format!("BS-{number:08x}")
}

fn uploads(aws: &LocalAws) -> Uploads {
    Uploads {
        endpoint_url: aws.inner_url(),
        bucket: BUCKET.to_owned(),
        region: REGION.to_owned(),
        access_key_id: TEST_CREDENTIAL.to_owned(),
        secret_access_key: TEST_CREDENTIAL.to_owned(),
        session_token: None,
    }
}

/// As Powertools wants it; its bookings lie there too.
fn peer_table() -> Value {
    json!({
        "TableName": PEER_TABLE,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
    })
}
