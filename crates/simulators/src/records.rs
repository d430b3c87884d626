//! What a stand-in remembers, as numbered JSON records.
//!
//! A rehearsal forgets everything when it ends, and its records are read thousands of times in a test run: they are in memory.
//! In staging any request may meet another environment of Lambda, and none of them lives long: the records are in a DynamoDB
//! table, which `infra/staging.yaml` describes. The routes above do not know which of the two it is.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    types::{AttributeValue, ReturnValue},
};
use aws_smithy_types::error::display::DisplayErrorContext;
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use jiff::ToSpan as _;
use serde_json::json;

use crate::{clock::Clock, contract::Object};

const KEPT_IN_MEMORY: usize = 10_000;
/// Staging cleans up after itself: records that were not touched for so long expire.
const KEPT_IN_A_TABLE_HOURS: i64 = 90 * 24;
const CHANGE_ATTEMPTS: usize = 10;

const COLLECTION: &str = "collection";
const ID: &str = "id";
/// JSON text, because DynamoDB's own numbers lose the zeros of 250.00.
const RECORD: &str = "record";
const NUMBER: &str = "number";
const EXPIRES_AT: &str = "expires_at";
/// The item that counts a collection's records, in a collection of its own: it is no record.
const COUNTER: &str = "counter";

/// The records of one stand-in, in the order of their ids.
#[derive(Clone)]
pub enum Records {
    /// Gone with the process.
    Memory(Memory),
    /// Shared by all that use the table.
    Table(RecordsTable),
}

/// The records cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the records: {}", DisplayErrorContext(&**.0))]
pub struct RecordsError(Box<dyn std::error::Error + Send + Sync>);

impl<E: std::error::Error + Send + Sync + 'static> From<SdkError<E>> for RecordsError {
    fn from(error: SdkError<E>) -> Self {
        Self(Box::new(error))
    }
}

impl From<serde_json::Error> for RecordsError {
    fn from(error: serde_json::Error) -> Self {
        Self(Box::new(error))
    }
}

/// What a service says whose memory is out of reach.
impl IntoResponse for RecordsError {
    fn into_response(self) -> Response {
        tracing::error!(error = %self, "the records cannot be reached");
        (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "error": "try later" }))).into_response()
    }
}

impl Records {
    /// A number that was never given out before, from 0 upwards.
    pub(crate) async fn next_number(&self) -> Result<u64, RecordsError> {
        match self {
            Self::Memory(memory) => Ok(memory.next_number()),
            Self::Table(table) => table.next_number().await,
        }
    }

    /// Keeps `record` under `id`.
    pub(crate) async fn put(&self, id: &str, record: &Object) -> Result<(), RecordsError> {
        match self {
            Self::Memory(memory) => memory.put(id, record),
            Self::Table(table) => table.put(id, record, None).await.map(drop)?,
        }
        Ok(())
    }

    /// Sets the properties in `changes`; the record afterwards, `None` when there is none.
    pub(crate) async fn change(&self, id: &str, changes: &Object) -> Result<Option<Object>, RecordsError> {
        match self {
            Self::Memory(memory) => Ok(memory.change(id, changes)),
            Self::Table(table) => table.change(id, changes).await,
        }
    }

    /// Whether there was a record to remove.
    pub(crate) async fn remove(&self, id: &str) -> Result<bool, RecordsError> {
        match self {
            Self::Memory(memory) => Ok(memory.remove(id)),
            Self::Table(table) => table.remove(id).await,
        }
    }

    /// Every record, by id.
    pub(crate) async fn all(&self) -> Result<Vec<Object>, RecordsError> {
        match self {
            Self::Memory(memory) => Ok(memory.all()),
            Self::Table(table) => table.all().await,
        }
    }
}

/// The newest 10,000 records, and how many there have been.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    numbers: u64,
    records: BTreeMap<String, Object>,
}

impl Memory {
    pub(crate) fn change(&self, id: &str, changes: &Object) -> Option<Object> {
        let mut kept = self.kept();
        let record = kept.records.get_mut(id)?;
        record.extend(changes.clone());
        Some(record.clone())
    }

    pub(crate) fn all(&self) -> Vec<Object> {
        self.kept().records.values().cloned().collect()
    }

    fn next_number(&self) -> u64 {
        let mut kept = self.kept();
        kept.numbers += 1;
        kept.numbers - 1
    }

    pub(crate) fn put(&self, id: &str, record: &Object) {
        let mut kept = self.kept();
        kept.records.insert(id.to_owned(), record.clone());
        if kept.records.len() > KEPT_IN_MEMORY {
            kept.records.pop_first();
        }
    }

    pub(crate) fn remove(&self, id: &str) -> bool {
        self.kept().records.remove(id).is_some()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One collection in a DynamoDB table of several.
#[derive(Clone)]
pub struct RecordsTable {
    client: Client,
    name: String,
    collection: &'static str,
}

impl RecordsTable {
    /// The records called `collection` in the table `name`.
    #[must_use]
    pub fn new(client: Client, name: String, collection: &'static str) -> Self {
        Self { client, name, collection }
    }

    async fn next_number(&self) -> Result<u64, RecordsError> {
        let updated = self
            .client
            .update_item()
            .table_name(&self.name)
            .key(COLLECTION, AttributeValue::S(COUNTER.to_owned()))
            .key(ID, text(self.collection))
            .update_expression("ADD #number :one")
            .expression_attribute_names("#number", NUMBER)
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await?;
        let counted = updated.attributes().and_then(|item| item.get(NUMBER)).and_then(|number| number.as_n().ok());
        let counted: Option<u64> = counted.and_then(|digits| digits.parse().ok());
        Ok(counted.expect("what was added to is a number") - 1)
    }

    /// Keeps `record`, if the item still holds the text `before` (any, when there is none); whether it did.
    async fn put(&self, id: &str, record: &Object, before: Option<&str>) -> Result<bool, RecordsError> {
        let expires_at = Clock::system().now() + KEPT_IN_A_TABLE_HOURS.hours();
        let mut put = self
            .client
            .put_item()
            .table_name(&self.name)
            .item(COLLECTION, text(self.collection))
            .item(ID, text(id))
            .item(RECORD, AttributeValue::S(serde_json::to_string(record)?))
            .item(EXPIRES_AT, AttributeValue::N(expires_at.as_second().to_string()));
        if let Some(before) = before {
            put = put
                .condition_expression("#record = :before")
                .expression_attribute_names("#record", RECORD)
                .expression_attribute_values(":before", text(before));
        }
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error.as_service_error().is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn change(&self, id: &str, changes: &Object) -> Result<Option<Object>, RecordsError> {
        for _ in 0..CHANGE_ATTEMPTS {
            let get = self.client.get_item().table_name(&self.name).consistent_read(true);
            let got = get.key(COLLECTION, text(self.collection)).key(ID, text(id)).send().await?;
            let Some(before) = got.item().map(json_of) else { return Ok(None) };
            let mut record: Object = serde_json::from_str(before)?;
            record.extend(changes.clone());
            if self.put(id, &record, Some(before)).await? {
                return Ok(Some(record));
            }
        }
        Err(RecordsError(format!("{id} changed {CHANGE_ATTEMPTS} times meanwhile").into()))
    }

    async fn remove(&self, id: &str) -> Result<bool, RecordsError> {
        let delete = self.client.delete_item().table_name(&self.name).return_values(ReturnValue::AllOld);
        let deleted = delete.key(COLLECTION, text(self.collection)).key(ID, text(id)).send().await?;
        Ok(deleted.attributes().is_some())
    }

    async fn all(&self) -> Result<Vec<Object>, RecordsError> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .key_condition_expression("#collection = :collection")
            .expression_attribute_names("#collection", COLLECTION)
            .expression_attribute_values(":collection", text(self.collection));
        let mut items = query.into_paginator().items().send();
        let mut records = Vec::new();
        while let Some(item) = items.next().await {
            records.push(serde_json::from_str(json_of(&item?))?);
        }
        Ok(records)
    }
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn json_of(item: &std::collections::HashMap<String, AttributeValue>) -> &str {
    item.get(RECORD).and_then(|record| record.as_s().ok()).map_or("", String::as_str)
}

#[cfg(test)]
mod tests;
