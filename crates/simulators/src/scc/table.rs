//! The table `scc-events`, as careless as the contract says.
//!
//! Creating is a look and then a put, so two at once both succeed. A change is conditional on the values that it was decided
//! from: the same change twice notifies once, and it does not bring back what the redaction check removed meanwhile.

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    types::{AttributeValue, ReturnValue},
};
use aws_smithy_types::error::display::DisplayErrorContext;
use serde_json::Value;

use crate::{
    aws::CloudError,
    contract::Object,
    scc::attributes::{to_attribute, to_item, to_object},
    template::Table,
};

const PARTITION_KEY: &str = "event_id";
const SORT_KEY: &str = "created_timestamp";
const CHANGE_ATTEMPTS: usize = 10;

/// The table cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the events table: {}", DisplayErrorContext(&**.0))]
pub struct TableError(Box<dyn std::error::Error + Send + Sync>);

impl<E: std::error::Error + Send + Sync + 'static> From<SdkError<E>> for TableError {
    fn from(error: SdkError<E>) -> Self {
        Self(Box::new(error))
    }
}

/// Creates the table of events `name`: SCC's own, which exists in production, as the template makes it for staging.
///
/// # Errors
/// When DynamoDB refuses it or cannot be reached.
pub async fn create_events_table(client: &Client, name: &str) -> Result<(), CloudError> {
    Table::in_template("StagingSccEvents").create(client, name).await
}

pub(crate) struct EventsTable {
    client: Client,
    name: String,
}

impl EventsTable {
    pub(crate) fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    /// The event, the eldest when there are several under one id.
    pub(crate) async fn find(&self, event_id: &str) -> Result<Option<Object>, TableError> {
        let found = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .key_condition_expression("#id = :id")
            .expression_attribute_names("#id", PARTITION_KEY)
            .expression_attribute_values(":id", AttributeValue::S(event_id.to_owned()))
            .limit(1)
            .send()
            .await?;
        Ok(found.items().first().map(to_object))
    }

    /// Every item, ordered by event and creation.
    pub(crate) async fn all(&self) -> Result<Vec<Object>, TableError> {
        let scan = self.client.scan().table_name(&self.name).consistent_read(true);
        let mut items = scan.into_paginator().items().send();
        let mut events = Vec::new();
        while let Some(item) = items.next().await {
            events.push(to_object(&item?));
        }
        events.sort_by_key(|event| [PARTITION_KEY, SORT_KEY].map(|key| event[key].as_str().map(str::to_owned)));
        Ok(events)
    }

    pub(crate) async fn put(&self, event: &Object) -> Result<(), TableError> {
        self.client.put_item().table_name(&self.name).set_item(Some(to_item(event))).send().await?;
        Ok(())
    }

    /// Sets what `decide` answers for the event as it is; answers the event before and after, `None` when there is none.
    pub(crate) async fn change(
        &self,
        event_id: &str,
        decide: impl Fn(&Object) -> Object,
    ) -> Result<Option<(Object, Object)>, TableError> {
        for _ in 0..CHANGE_ATTEMPTS {
            let Some(before) = self.find(event_id).await? else {
                return Ok(None);
            };
            let mut changes = decide(&before);
            changes.retain(|name, value| !before.get(name).is_some_and(|old| same(old, value)));
            if changes.is_empty() {
                return Ok(Some((before.clone(), before)));
            }
            if let Some(after) = self.set(&before, &changes).await? {
                return Ok(Some((before, after)));
            }
        }
        Err(TableError(format!("{event_id} changed {CHANGE_ATTEMPTS} times meanwhile").into()))
    }

    /// Sets `changes` if the event still has the values of `before` there; the event afterwards.
    async fn set(&self, before: &Object, changes: &Object) -> Result<Option<Object>, TableError> {
        let mut update = self.client.update_item().table_name(&self.name).return_values(ReturnValue::AllNew);
        for key in [PARTITION_KEY, SORT_KEY] {
            update = update.key(key, to_attribute(&before[key]));
        }
        let mut assignments = Vec::new();
        let mut conditions = vec![format!("attribute_exists({PARTITION_KEY})")];
        for (position, (name, value)) in changes.iter().enumerate() {
            update = update
                .expression_attribute_names(format!("#{position}"), name)
                .expression_attribute_values(format!(":new{position}"), to_attribute(value));
            assignments.push(format!("#{position} = :new{position}"));
            conditions.push(match before.get(name) {
                Some(old) => {
                    update = update.expression_attribute_values(format!(":old{position}"), to_attribute(old));
                    format!("#{position} = :old{position}")
                }
                None => format!("attribute_not_exists(#{position})"),
            });
        }
        let updated = update
            .update_expression(format!("SET {}", assignments.join(", ")))
            .condition_expression(conditions.join(" AND "))
            .send()
            .await;
        match updated {
            Ok(output) => Ok(output.attributes().map(to_object)),
            Err(error)
                if error.as_service_error().is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Equal for DynamoDB, to which 3 and 3.0 are one number.
pub(crate) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        _ => one == other,
    }
}
