//! What the function is told about its world: secrets and environment variables, as in production.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use simulators::{
    aws::{REGION, TEST_CREDENTIAL},
    aws_gateway::AwsGateway,
    calendar::Calendar,
    cloud::Cloud,
    edge::Edge,
    front_door::FrontDoor,
    scc::Scc,
};

/// The sender that needs no mapping.
pub const BUILT_IN_SENDER: &str = "boatsetter";
/// Its secret's name. Below it are those of the other senders.
const WEBHOOK: &str = "webhook";
/// The secret that the marketplace signs with. It is no secret, so that captured deliveries can be replayed anywhere.
pub const SIGNING_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// The calendar's `X-Dashboard-Token`.
pub const DASHBOARD_TOKEN: &str = "rehearsal-dashboard-token-5b1d";
/// ShipCaptainCrew's service key.
pub const SERVICE_KEY: &str = "rehearsal-service-key-90c2";
/// What links to the office's desk are signed with, in base64.
const DESK_KEY: &str = "cmVoZWFyc2FsLWRlc2sta2V5LTMyLWJ5dGVzLWxvbmc=";
/// What charter ids are derived with: the same one each time, so a booking has the same charter id in every rehearsal.
pub const LINK_KEY: &str = "rehearsal-link-key-47aa";

/// What stands in Secrets Manager, by name below the prefix.
pub(super) fn secrets(
    calendar: &Calendar,
    scc: &Scc,
    cloud: &Cloud,
    changes: BTreeMap<String, Value>,
) -> BTreeMap<String, Value> {
    let presign_url = format!("{}/g/{{event_id}}/presign", scc.url());
    let mut secrets: BTreeMap<_, _> = [
        (WEBHOOK, json!({ "scheme": "standard-webhooks", "signing_secrets": [SIGNING_SECRET] })),
        ("calendar", json!({ "url": calendar.url(), "dashboard_token": DASHBOARD_TOKEN })),
        (
            "scc",
            json!({
                "url": scc.url(),
                "service_key": SERVICE_KEY,
                "auth": "bearer",
                "presign_url": presign_url,
                "upload_url": scc.upload_url(),
            }),
        ),
        ("guest-page", json!({ "distribution_id": cloud.distribution_id, "link_key": LINK_KEY })),
        ("desk", json!({ "key": DESK_KEY })),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    secrets.extend(changes);
    secrets.retain(|_, value| !value.is_null());
    secrets
}

/// The senders whose webhook secrets are among these, each with the secret's name. A name that no path can hold is nobody's.
pub(super) fn senders(secrets: impl Iterator<Item = String>) -> BTreeMap<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let sender = |secret: String| {
        let sender =
            if secret == WEBHOOK { BUILT_IN_SENDER } else { secret.strip_prefix(WEBHOOK)?.strip_prefix('/')? };
        sender.bytes().all(is_plain).then(|| (sender.to_owned(), secret.clone()))
    };
    secrets.filter_map(sender).collect()
}

pub(super) fn environment_variables(
    cloud: &Cloud,
    gateway: &AwsGateway,
    edge: &Edge,
    front_door: &FrontDoor,
    changes: BTreeMap<String, Option<String>>,
) -> BTreeMap<String, String> {
    let mut env: BTreeMap<_, _> = [
        ("AWS_ACCESS_KEY_ID", TEST_CREDENTIAL.to_owned()),
        ("AWS_ENDPOINT_URL", gateway.url()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", TEST_CREDENTIAL.to_owned()),
        ("DESK_BASE_URL", front_door.url()),
        ("GUEST_PAGE_BASE_URL", edge.url()),
        ("GUEST_PAGE_BUCKET", cloud.bucket.clone()),
        ("LEDGER_TABLE", cloud.ledger_table.clone()),
        ("NOTICES_TOPIC", cloud.office.topic_arn()),
        ("RUST_LOG", "info".to_owned()),
        ("SCC_EVENTS_TABLE", cloud.events_table.clone()),
        ("SECRETS_PREFIX", cloud.secrets_prefix.clone()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    for (name, value) in changes {
        match value {
            Some(value) => env.insert(name, value),
            None => env.remove(&name),
        };
    }
    env
}
