//! SCC's own table, `scc-events`: read to learn what is there, written only to take money out.
//!
//! Partition key `event_id`, sort key `created_timestamp`. Read with a consistent Query, so a table without the sort key works too.

use std::collections::HashSet;

use aws_sdk_dynamodb::{
    Client,
    operation::{RequestId, query::QueryError, update_item::UpdateItemError},
    types::AttributeValue,
};

use data_encoding::BASE64;
use serde_json::{Map, Value, json};

use super::{
    Scc, StandingEvent,
    redaction::{Finding, Item, find_money, update},
};
use crate::{
    booking::Operator,
    outbound::{Answered, Call, CallError, Class, Deadline, Effect, Outbound, Service, from_sdk},
    systems::remote_id::EventId,
};

const PARTITION_KEY: &str = "event_id";
const SORT_KEY: &str = "created_timestamp";
/// Two creations at once make two items, so one page is nearly always all.
const PAGE_ITEMS: i32 = 25;
/// An event with more items than these pages hold cannot be vouched for.
const MOST_PAGES: usize = 4;
/// A reading, a removal, and a reading that shows that it is gone; twice more when somebody writes at the same time.
const MOST_ROUNDS: usize = 4;

const QUERY: Call = Call { service: Service::SccEvents, operation: "query_event_items", effect: Effect::Repeatable };
const REDACT: Call = Call { service: Service::SccEvents, operation: "redact_event_item", effect: Effect::Repeatable };

/// Access to SCC's items.
#[derive(Debug, Clone)]
pub(crate) struct EventsTable {
    client: Client,
    name: String,
}

impl EventsTable {
    /// The table of this name.
    pub(crate) fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    /// The event of this id, if it is there; of two, the one that was there first.
    pub(super) async fn find(
        &self,
        outbound: &Outbound,
        id: &EventId,
        deadline: &Deadline,
    ) -> Result<Option<StandingEvent>, CallError> {
        let text =
            |item: &Item, name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
        let items = self.items(outbound, id, deadline).await?;
        let first = items.iter().min_by_key(|item| text(item, SORT_KEY));
        Ok(first.map(|item| StandingEvent {
            id: id.clone(),
            seen: Some(item.iter().map(|(name, value)| (name.clone(), json(value))).collect()),
        }))
    }

    /// See [`super::Scc::seen`].
    pub(super) async fn seen(
        &self,
        outbound: &Outbound,
        id: &EventId,
        operator: &Operator,
        deadline: &Deadline,
    ) -> Result<(Vec<Map<String, Value>>, Vec<String>), CallError> {
        let items = self.items(outbound, id, deadline).await?;
        // Names of attributes are as free as their values: deeper ones than the first could be somebody's address.
        let first = |path: String| path.split(['.', '[']).next().unwrap_or_default().to_owned();
        let money = items.iter().flat_map(|item| find_money(item, operator)).map(|found| first(found.path()));
        let money: std::collections::BTreeSet<String> = money.collect();
        let shown = items.iter().map(|item| item.iter().map(|(name, value)| (name.clone(), json(value))).collect());
        Ok((shown.collect(), money.into_iter().collect()))
    }

    /// Every item of the event, or a failure: what was not read may show money.
    async fn items(&self, outbound: &Outbound, id: &EventId, deadline: &Deadline) -> Result<Vec<Item>, CallError> {
        let (mut items, mut read_to) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let (page, last_key) = self.page(outbound, id, read_to, deadline).await?;
            items.extend(page);
            if last_key.is_none() {
                return Ok(items);
            }
            read_to = last_key;
        }
        let reason = format!("has more than {} items in event {id}: not all of them can be checked", items.len());
        Err(CallError::new(QUERY, Class::Transient, reason))
    }

    /// The items behind `read_to`, and the key of the last of them when there may be more.
    async fn page(
        &self,
        outbound: &Outbound,
        id: &EventId,
        read_to: Option<Item>,
        deadline: &Deadline,
    ) -> Result<(Vec<Item>, Option<Item>), CallError> {
        let once = || async {
            let query = self.client.query().table_name(&self.name).consistent_read(true).limit(PAGE_ITEMS);
            let query = query
                .key_condition_expression("#partition = :id")
                .expression_attribute_names("#partition", PARTITION_KEY)
                .expression_attribute_values(":id", AttributeValue::S(id.to_string()))
                .set_exclusive_start_key(read_to.clone());
            let answer = query.send().await.map_err(|error| from_sdk::<QueryError>(QUERY, error))?;
            Ok(Answered {
                status: 200,
                remote_id: answer.request_id().map(str::to_owned),
                value: (answer.items.unwrap_or_default(), answer.last_evaluated_key),
            })
        };
        outbound.attempts(QUERY, deadline, once).await
    }

    /// Whether the findings are out; `false` when the item changed since it was read and must be read again.
    async fn take_out(
        &self,
        outbound: &Outbound,
        item: &Item,
        findings: &[Finding],
        deadline: &Deadline,
    ) -> Result<bool, CallError> {
        let change = update(findings);
        let key: Item = [PARTITION_KEY, SORT_KEY]
            .into_iter()
            .filter_map(|name| item.get(name).map(|value| (name.to_owned(), value.clone())))
            .collect();
        let once = || async {
            let update = self.client.update_item().table_name(&self.name).set_key(Some(key.clone()));
            let sent = update
                .update_expression(&change.expression)
                .condition_expression(&change.condition)
                .set_expression_attribute_names(Some(change.names.clone()))
                .set_expression_attribute_values(Some(change.values.clone()))
                .send();
            let value = match sent.await {
                Ok(_) => true,
                Err(error)
                    if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
                {
                    false
                }
                Err(error) => return Err(from_sdk(REDACT, error)),
            };
            Ok(Answered { status: if value { 200 } else { 400 }, remote_id: None, value })
        };
        outbound.attempts(REDACT, deadline, once).await
    }
}

impl Scc<'_> {
    /// Takes every trace of money out of an event's items and reads them again to be sure. What is taken out is
    /// handed to `keep` first. Returns the names of what went.
    ///
    /// # Errors
    /// [`CallError`] of the table, also when it does not have the event, or of `keep`; while it fails, crew might see money, so the booking is not in step.
    pub(crate) async fn redact<F>(
        &self,
        id: &EventId,
        operator: &Operator,
        keep: impl Fn(Map<String, Value>) -> F,
        deadline: &Deadline,
    ) -> Result<Vec<String>, CallError>
    where
        F: Future<Output = Result<(), CallError>>,
    {
        let mut removed = HashSet::new();
        for _ in 0..MOST_ROUNDS {
            let items = self.events.items(self.outbound, id, deadline).await?;
            if items.is_empty() {
                // Another stage's table, or an event that is about to appear: what was not read may show money.
                let reason = format!("has no item of event {id}: its money was not checked");
                return Err(CallError::new(QUERY, Class::Transient, reason));
            }
            let leaks: Vec<_> = items
                .iter()
                .map(|item| (item, find_money(item, operator)))
                .filter(|(_, found)| !found.is_empty())
                .collect();
            if leaks.is_empty() {
                let mut removed: Vec<String> = removed.into_iter().collect();
                removed.sort();
                return Ok(removed);
            }
            for (item, findings) in leaks {
                let found = findings.iter().map(|finding| (finding.path(), json(finding.found()))).collect();
                keep(found).await?;
                if self.events.take_out(self.outbound, item, &findings, deadline).await? {
                    removed.extend(findings.iter().map(Finding::path));
                }
            }
        }
        let reason = format!("still shows money in event {id}: something keeps writing it");
        Err(CallError::new(REDACT, Class::Transient, reason))
    }
}

/// An attribute as the JSON that SCC was sent; sets and binaries, of which SCC sends none, as DynamoDB writes them: `{"SS": ["a"]}`.
fn json(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => Value::String(text.clone()),
        AttributeValue::N(number) => serde_json::from_str(number).unwrap_or_default(),
        AttributeValue::Bool(truth) => Value::Bool(*truth),
        AttributeValue::L(list) => list.iter().map(json).collect(),
        AttributeValue::M(map) => map.iter().map(|(name, value)| (name.clone(), json(value))).collect(),
        AttributeValue::Ss(texts) => json!({ "SS": texts }),
        AttributeValue::Ns(numbers) => json!({ "NS": numbers }),
        AttributeValue::B(bytes) => json!({ "B": BASE64.encode(bytes.as_ref()) }),
        AttributeValue::Bs(all) => {
            json!({ "BS": all.iter().map(|bytes| BASE64.encode(bytes.as_ref())).collect::<Vec<_>>() })
        }
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::Blob;

    use super::*;

    #[test]
    fn what_is_preserved_keeps_its_kind() {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        for (value, expected) in [
            (AttributeValue::Ss(texts(&["gross 840"])), json!({ "SS": ["gross 840"] })),
            (AttributeValue::Ns(texts(&["840.75", "1"])), json!({ "NS": ["840.75", "1"] })),
            (AttributeValue::B(Blob::new("net")), json!({ "B": "bmV0" })),
            (AttributeValue::Bs(vec![Blob::new("net")]), json!({ "BS": ["bmV0"] })),
            (AttributeValue::Null(true), Value::Null),
            (AttributeValue::L(vec![AttributeValue::Bool(true)]), json!([true])),
        ] {
            assert_eq!(json(&value), expected);
        }
    }
}
