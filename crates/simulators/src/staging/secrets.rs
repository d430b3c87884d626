//! The function's own secrets, as far as others need them: `{prefix}/{name}` is a JSON object.

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::{Client, error::DisplayErrorContext};
use serde_json::{Map, Value};

use crate::settings::{Missing, needed_url};

/// Why a secret is of no use. It never says what is in it.
#[derive(Debug, thiserror::Error)]
#[error("the secret {id} {what}")]
pub struct SecretError {
    id: String,
    what: String,
}

/// The secrets below one prefix.
pub struct Secrets {
    client: Client,
    prefix: String,
}

impl Secrets {
    /// The secrets below `SECRETS_PREFIX`.
    ///
    /// # Errors
    /// When that variable is missing.
    pub fn from_env(sdk: &SdkConfig) -> Result<Self, Missing> {
        Ok(Self { client: Client::new(sdk), prefix: needed_url("SECRETS_PREFIX")? })
    }

    /// The text `field` of the secret `{prefix}/{name}`, which must not be empty.
    ///
    /// # Errors
    /// When the secret cannot be read or has no such text.
    pub async fn text(&self, name: &str, field: &str) -> Result<String, SecretError> {
        let text = self.object(name).await?.get(field).and_then(Value::as_str).map(str::to_owned);
        text.filter(|text| !text.is_empty()).ok_or_else(|| self.fault(name, format!("has no {field}")))
    }

    /// The secret `{prefix}/{name}`.
    ///
    /// # Errors
    /// When it cannot be read or is no JSON object.
    pub async fn object(&self, name: &str) -> Result<Map<String, Value>, SecretError> {
        let got = self.client.get_secret_value().secret_id(format!("{}/{name}", self.prefix)).send().await;
        let got = got.map_err(|error| self.fault(name, format!("cannot be read: {}", DisplayErrorContext(error))))?;
        let object = got.secret_string().and_then(|text| serde_json::from_str(text).ok());
        object.ok_or_else(|| self.fault(name, "is no JSON object".to_owned()))
    }

    fn fault(&self, name: &str, what: String) -> SecretError {
        SecretError { id: format!("{}/{name}", self.prefix), what }
    }
}
