//! Where the smoke test looks, and with which keys: the function's own secrets, read through the AWS SDK.

use std::time::Duration;

use serde_json::{Map, Value};
use simulators::{
    aws,
    sender::Sender,
    settings::{needed_url, variable},
    staging::Secrets,
};

use super::SmokeError;

const WITHIN_SECONDS: u64 = 300;
/// Invalidations, the sweep and cold starts take seconds: between two looks there is time for them.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// Who posts bookings, and where.
pub(super) struct Marketplace {
    pub(super) webhook_url: String,
    pub(super) sender: Sender,
    /// Whether its bookings get a prefix of its own.
    pub(super) has_prefix: bool,
}

/// What a smoke test works with.
pub struct Services {
    pub(super) client: reqwest::Client,
    /// The built-in sender.
    pub(super) boatsetter: Marketplace,
    /// A second sender that posts the canonical body; `None` when nobody named one.
    pub(super) second: Option<Marketplace>,
    pub(super) guest_page_base_url: String,
    /// Where the bucket behind the site would answer by itself; `None` when nobody asked for it.
    pub(super) guest_page_bucket_url: Option<String>,
    pub(super) calendar_url: String,
    pub(super) dashboard_token: String,
    pub(super) scc_url: String,
    pub(super) service_key: String,
    /// What opens the office's desk; `None` when nobody asked for it.
    pub(super) desk_link: Option<String>,
    /// Where the office's mail is read; `None` when nobody asked for it.
    pub(super) mailbox_url: Option<String>,
    /// How long each stage may take until all four systems show it.
    pub(super) within: Duration,
    /// The pause after a look that found faults, and after a delivery that was not taken.
    pub(super) between_looks: Duration,
}

impl Services {
    /// Those that the environment names.
    ///
    /// # Errors
    /// When a variable is missing or no number, or a secret is not as the function needs it.
    pub async fn from_env() -> Result<Self, SmokeError> {
        let (webhook_url, guest_page_base_url) = (needed_url("WEBHOOK_URL")?, needed_url("GUEST_PAGE_BASE_URL")?);
        let within = match variable("SMOKE_WITHIN_SECONDS") {
            None => WITHIN_SECONDS,
            Some(seconds) => seconds.parse().map_err(|_not_a_number| SmokeError::Within(seconds))?,
        };
        let secrets = Secrets::from_env(&aws::account_config().await)?;
        let text = async |name: &'static str, field: &'static str| secrets.text(name, field).await;
        let sender = async |name: &str| sender(name, &secrets.object(name).await?);
        let second = match variable("SECOND_SENDER") {
            None => None,
            Some(name) => Some(Marketplace {
                webhook_url: beside(&webhook_url, &name),
                sender: sender(&format!("webhook/{name}")).await?,
                has_prefix: true,
            }),
        };
        Ok(Self {
            client: aws::internet_client(),
            boatsetter: Marketplace { webhook_url, sender: sender("webhook").await?, has_prefix: false },
            second,
            guest_page_base_url,
            guest_page_bucket_url: variable("GUEST_PAGE_BUCKET_URL"),
            calendar_url: text("calendar", "url").await?,
            dashboard_token: text("calendar", "dashboard_token").await?,
            scc_url: text("scc", "url").await?,
            service_key: text("scc", "service_key").await?,
            desk_link: variable("DESK_LINK"),
            mailbox_url: variable("MAILBOX_URL"),
            within: Duration::from_secs(within),
            between_looks: BETWEEN_LOOKS,
        })
    }
}

/// Where the sender `name` posts: senders differ in the last part of the path.
fn beside(webhook_url: &str, name: &str) -> String {
    let (webhooks, _) = webhook_url.rsplit_once('/').unwrap_or((webhook_url, ""));
    format!("{webhooks}/{name}")
}

/// The marketplace, with the newest of the function's signing secrets.
fn sender(name: &str, secret: &Map<String, Value>) -> Result<Sender, SmokeError> {
    let scheme = secret.get("scheme").and_then(Value::as_str).unwrap_or("standard-webhooks");
    if scheme != "standard-webhooks" {
        return Err(SmokeError::Scheme { name: name.to_owned(), scheme: scheme.to_owned() });
    }
    let newest = secret.get("signing_secrets").and_then(|secrets| secrets[0].as_str());
    newest.and_then(|secret| Sender::new(secret).ok()).ok_or_else(|| SmokeError::SigningSecret(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_second_sender_posts_beside_the_first() {
        assert_eq!(beside("https://x.example/webhooks/boatsetter", "dock"), "https://x.example/webhooks/dock");
    }

    #[test]
    fn a_secret_that_nothing_can_be_signed_with_is_named() {
        for (secret, named) in [
            (json!({ "scheme": "bearer", "tokens": ["t0ken"] }), "scheme bearer"),
            (json!({ "scheme": "standard-webhooks" }), "signing_secrets"),
            (json!({ "signing_secrets": ["whsec_%%%"] }), "signing_secrets"),
        ] {
            let error = sender("webhook/getmyboat", secret.as_object().expect("an object"));
            let error = error.err().expect("it is of no use").to_string();
            assert!(
                error.contains("webhook/getmyboat has ")
                    && error.contains(named)
                    && !error.contains("t0ken")
                    && !error.contains("%%%"),
                "{error}"
            );
        }
        let generated = json!({ "signing_secrets": ["whsec_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQR"] });
        assert!(
            sender("webhook", generated.as_object().expect("an object")).is_ok(),
            "44 letters and digits are base64"
        );
    }
}
