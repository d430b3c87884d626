//! The tables of `infra/template.yaml`, created in an emulator as CloudFormation will create them.
//!
//! A table that tests described a second time could prove what is never deployed. So there is one description, and a
//! property that this reader does not know is an error rather than a difference that nobody sees.

use aws_sdk_dynamodb::{Client, types as dynamodb};
use serde::{Deserialize, de::IgnoredAny};
use serde_yaml_ng::Value;

use crate::aws::{CloudError, failed};

const TEMPLATE: &str = include_str!("../../../infra/template.yaml");
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
    time_to_live_specification: TimeToLive,
    deletion_protection_enabled: bool,
    #[serde(rename = "SSESpecification")]
    encryption: Encryption,
    /// A rehearsal goes without: nobody restores it, and dynoxide has no backups.
    #[serde(rename = "PointInTimeRecoverySpecification")]
    _recovery: IgnoredAny,
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
    /// The table that the template calls `logical_id`.
    ///
    /// # Panics
    /// When the template has no such table, or the table has a property that is not known here.
    #[must_use]
    pub fn in_template(logical_id: &str) -> Self {
        let template: Value = serde_yaml_ng::from_str(TEMPLATE).expect("the template is compiled in and is YAML");
        let properties = template["Resources"][logical_id]["Properties"].clone();
        serde_yaml_ng::from_value(properties).unwrap_or_else(|error| {
            panic!("{logical_id} of infra/template.yaml is no table that is known here: {error}")
        })
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
        let TimeToLive { attribute_name, enabled } = &self.time_to_live_specification;
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
        let projection =
            dynamodb::Projection::builder().projection_type(self.projection.projection_type.as_str().into()).build();
        dynamodb::GlobalSecondaryIndex::builder()
            .index_name(&self.index_name)
            .set_key_schema(Some(key_schema(&self.key_schema)))
            .projection(projection)
            .build()
            .expect(COMPLETE)
    }
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
