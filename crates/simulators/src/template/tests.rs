use serde_yaml_ng::Value;

use super::*;
use crate::{aws::sdk_config, dynamodb::DynamoDb, emulator::Emulator};

/// What DynamoDB says of the table, in the template's words.
async fn described(client: &Client, name: &str) -> Table {
    let table = client.describe_table().table_name(name).send().await.expect("it is there").table.expect("described");
    let mut attribute_definitions: Vec<_> = table.attribute_definitions().iter().map(attribute).collect();
    attribute_definitions.sort(); // DynamoDB keeps no order of them.
    let time_to_live = client.describe_time_to_live().table_name(name).send().await.expect("an answer");
    let time_to_live = time_to_live.time_to_live_description.expect("described");
    Table {
        billing_mode: table.billing_mode_summary().and_then(|mode| mode.billing_mode()).expect("set").to_string(),
        attribute_definitions,
        key_schema: table.key_schema().iter().map(key).collect(),
        global_secondary_indexes: table.global_secondary_indexes().iter().map(index).collect(),
        time_to_live_specification: time_to_live.attribute_name.map(|attribute_name| TimeToLive {
            attribute_name,
            enabled: time_to_live.time_to_live_status == Some(dynamodb::TimeToLiveStatus::Enabled),
        }),
        deletion_protection_enabled: table.deletion_protection_enabled().expect("told"),
        encryption: Encryption {
            enabled: table.sse_description().and_then(|sse| sse.status()) == Some(&dynamodb::SseStatus::Enabled),
        },
        _recovery: None,
    }
}

fn attribute(definition: &dynamodb::AttributeDefinition) -> Attribute {
    Attribute {
        attribute_name: definition.attribute_name.clone(),
        attribute_type: definition.attribute_type.to_string(),
    }
}

fn key(element: &dynamodb::KeySchemaElement) -> Key {
    Key { attribute_name: element.attribute_name.clone(), key_type: element.key_type.to_string() }
}

fn index(description: &dynamodb::GlobalSecondaryIndexDescription) -> Index {
    let projection = description.projection().expect("set");
    let mut non_key_attributes = projection.non_key_attributes().to_vec();
    non_key_attributes.sort(); // DynamoDB keeps no order of them.
    let projection_type = projection.projection_type().expect("set").to_string();
    Index {
        index_name: description.index_name.clone().expect("named"),
        key_schema: description.key_schema().iter().map(key).collect(),
        projection: Projection { projection_type, non_key_attributes },
    }
}

/// Creates a table of the templates and expects DynamoDB to describe it in their words.
async fn check(logical_id: &str, client: &Client, name: &str) {
    let mut template = Table::in_template(logical_id);
    template.create(client, name).await.expect("a table");
    template._recovery = None; // See there.
    template.attribute_definitions.sort();
    assert_eq!(described(client, name).await, template, "{logical_id}");
}

async fn check_all(url: &str) {
    let (client, suffix) = (Client::new(&sdk_config(url)), rand::random::<u32>());
    for logical_id in ["Ledger", "StagingSccEvents", "StagingRecords"] {
        check(logical_id, &client, &format!("{logical_id}-{suffix:08x}")).await;
    }
    let ledger = format!("Ledger-{suffix:08x}");
    client.delete_table().table_name(ledger).send().await.expect_err("it is protected");
}

#[tokio::test]
async fn the_tables_in_ministack_are_the_templates() {
    let emulator = Emulator::shared().await.expect("ministack starts");
    check_all(&emulator.url()).await;
}

#[tokio::test]
async fn the_tables_in_dynoxide_are_the_templates() {
    let dynamodb = DynamoDb::start().await.expect("a free port");
    check_all(&dynamodb.url()).await;
}

#[test]
fn the_ledger_outlives_its_stack_and_can_be_restored() {
    let ledger = resource("Ledger");
    assert_eq!([&ledger["DeletionPolicy"], &ledger["UpdateReplacePolicy"]], [&Value::from("Retain"); 2]);
    let recovery = &ledger["Properties"]["PointInTimeRecoverySpecification"];
    assert_eq!(recovery["PointInTimeRecoveryEnabled"], Value::from(true));
}

#[test]
fn short_tags_are_read_past_and_unknown_properties_are_not() {
    let role = &resource("Webhook")["Properties"]["Role"];
    assert!(matches!(role, Value::Tagged(tagged) if tagged.tag == "GetAtt"), "{role:?}");
    let mut properties = resource("Ledger")["Properties"].clone();
    properties["KinesisStreamSpecification"] = Value::from("new");
    let error = serde_yaml_ng::from_value::<Table>(properties).expect_err("nobody has decided about it");
    assert!(error.to_string().contains("KinesisStreamSpecification"), "{error}");
}
