//! The tables and the bucket of `infra/`, created in an emulator as CloudFormation will create them.
//!
//! What tests described a second time could prove what is never deployed. So there is one description, and a property that
//! this reader does not know is an error rather than a difference that nobody sees.

mod bucket;

use aws_sdk_dynamodb::{Client, types as dynamodb};
pub use bucket::Bucket;
use serde::{Deserialize, de::DeserializeOwned, de::IgnoredAny};
use serde_yaml_ng::Value;

use crate::aws::{CloudError, failed};

/// Everything that has tables or buckets.
const TEMPLATES: [&str; 3] = [
    include_str!("../../../infra/template.yaml"),
    include_str!("../../../infra/guest-site.yaml"),
    include_str!("../../../infra/staging.yaml"),
];
const COMPLETE: &str = "all that is required is set";

/// The properties of an `AWS::DynamoDB::Table`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Table {
    billing_mode: String,
    attribute_definitions: Vec<Attribute>,
    key_schema: Vec<Key>,
    #[serde(default)]
    global_secondary_indexes: Vec<Index>,
    time_to_live_specification: Option<TimeToLive>,
    #[serde(default)]
    deletion_protection_enabled: bool,
    #[serde(rename = "SSESpecification")]
    encryption: Encryption,
    /// A rehearsal goes without: nobody restores it, and dynoxide has no backups.
    #[serde(default, rename = "PointInTimeRecoverySpecification")]
    _recovery: Option<IgnoredAny>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Attribute {
    attribute_name: String,
    attribute_type: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Key {
    attribute_name: String,
    key_type: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Index {
    index_name: String,
    key_schema: Vec<Key>,
    projection: Projection,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Projection {
    projection_type: String,
    #[serde(default)]
    non_key_attributes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TimeToLive {
    attribute_name: String,
    enabled: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Encryption {
    #[serde(rename = "SSEEnabled")]
    enabled: bool,
}

impl Table {
    /// The table that the templates call `logical_id`.
    ///
    /// # Panics
    /// When they have no such table, or the table has a property that is not known here.
    #[must_use]
    pub fn in_template(logical_id: &str) -> Self {
        properties(logical_id)
    }

    /// Creates the table under the name `name`.
    ///
    /// # Errors
    /// When DynamoDB refuses it or cannot be reached.
    pub async fn create(&self, client: &Client, name: &str) -> Result<(), CloudError> {
        let indexes = self.global_secondary_indexes.iter().map(Index::definition).collect::<Vec<_>>();
        let encryption = dynamodb::SseSpecification::builder().enabled(self.encryption.enabled).build();
        let create = client
            .create_table()
            .table_name(name)
            .billing_mode(self.billing_mode.as_str().into())
            .set_attribute_definitions(Some(self.attribute_definitions.iter().map(Attribute::definition).collect()))
            .set_key_schema(Some(key_schema(&self.key_schema)))
            .set_global_secondary_indexes(Some(indexes).filter(|indexes| !indexes.is_empty()))
            .deletion_protection_enabled(self.deletion_protection_enabled)
            .sse_specification(encryption);
        create.send().await.map_err(failed("create a table of the template"))?;
        let Some(TimeToLive { attribute_name, enabled }) = &self.time_to_live_specification else { return Ok(()) };
        let time_to_live =
            dynamodb::TimeToLiveSpecification::builder().attribute_name(attribute_name).enabled(*enabled);
        let update = client.update_time_to_live().table_name(name);
        let update = update.time_to_live_specification(time_to_live.build().expect(COMPLETE));
        update.send().await.map_err(failed("set the time to live"))?;
        Ok(())
    }
}

impl Attribute {
    fn definition(&self) -> dynamodb::AttributeDefinition {
        let definition = dynamodb::AttributeDefinition::builder().attribute_name(&self.attribute_name);
        definition.attribute_type(self.attribute_type.as_str().into()).build().expect(COMPLETE)
    }
}

impl Index {
    fn definition(&self) -> dynamodb::GlobalSecondaryIndex {
        let Projection { projection_type, non_key_attributes } = &self.projection;
        let projection = dynamodb::Projection::builder()
            .projection_type(projection_type.as_str().into())
            .set_non_key_attributes(Some(non_key_attributes.clone()).filter(|attributes| !attributes.is_empty()))
            .build();
        dynamodb::GlobalSecondaryIndex::builder()
            .index_name(&self.index_name)
            .set_key_schema(Some(key_schema(&self.key_schema)))
            .projection(projection)
            .build()
            .expect(COMPLETE)
    }
}

/// What the templates say of the resource `logical_id`.
fn resource(logical_id: &str) -> Value {
    let mut found = TEMPLATES.iter().filter_map(|template| {
        let template: Value = serde_yaml_ng::from_str(template).expect("the templates are compiled in and are YAML");
        template["Resources"].get(logical_id).cloned()
    });
    found.next().unwrap_or_else(|| panic!("no template of infra/ has a resource {logical_id}"))
}

fn properties<T: DeserializeOwned>(logical_id: &str) -> T {
    serde_yaml_ng::from_value(resource(logical_id)["Properties"].clone())
        .unwrap_or_else(|error| panic!("{logical_id} of infra/ has something that is not known here: {error}"))
}

fn key_schema(keys: &[Key]) -> Vec<dynamodb::KeySchemaElement> {
    let element = |key: &Key| {
        let element = dynamodb::KeySchemaElement::builder().attribute_name(&key.attribute_name);
        element.key_type(key.key_type.as_str().into()).build().expect(COMPLETE)
    };
    keys.iter().map(element).collect()
}

#[cfg(test)]
mod tests;
