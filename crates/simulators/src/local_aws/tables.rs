//! DynamoDB, and what it would charge.
//!
//! Units are DynamoDB's own: it says what a call consumed, table and indexes. A write whose condition did not hold is charged by the item that
//! was there, which no answer says; the item is asked for instead.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::body::Bytes;
use dynoxide::{
    Database, DynoxideError, Item,
    types::{item_size, write_capacity_units},
};
use http::StatusCode;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

const CONSUMED: &str = "ConsumedCapacity";
const ON_FAILURE: &str = "ReturnValuesOnConditionCheckFailure";
const WRITES: [&str; 4] = ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"];

/// What was consumed since it was last taken.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Units {
    /// Write units, tables and indexes together.
    pub write: f64,
    /// Read units, tables and indexes together.
    pub read: f64,
    /// The part of the write units that went to each index.
    pub index_writes: BTreeMap<String, f64>,
}

/// The tables of one account.
#[derive(Clone)]
pub struct Tables {
    database: Database,
    units: Arc<Mutex<Units>>,
}

/// What DynamoDB refused.
#[derive(Debug, thiserror::Error)]
#[error("the tables: {0}")]
pub struct TablesError(String);

impl Tables {
    /// None yet.
    ///
    /// # Errors
    /// When SQLite has no memory.
    pub fn new() -> Result<Self, TablesError> {
        let database = Database::memory().map_err(|error| TablesError(error.to_string()))?;
        Ok(Self { database, units: Arc::default() })
    }

    /// What was consumed since this was last asked.
    #[must_use]
    pub fn take_units(&self) -> Units {
        std::mem::take(&mut self.units())
    }

    /// Does what the SDK would ask for, unmetered.
    ///
    /// # Errors
    /// In DynamoDB's own words.
    pub fn ask(&self, operation: &str, request: &Value) -> Result<Value, TablesError> {
        let answer = self.dispatch(operation, &request.to_string()).map_err(|error| TablesError(error.to_json()))?;
        Ok(answer)
    }

    /// Every item of the table, as DynamoDB's JSON.
    ///
    /// # Errors
    /// As [`Tables::ask`].
    pub fn items(&self, table: &str) -> Result<Vec<Value>, TablesError> {
        let (mut items, mut from) = (Vec::new(), Value::Null);
        loop {
            let mut request = json!({ "TableName": table });
            if !from.is_null() {
                request["ExclusiveStartKey"] = from;
            }
            let mut page = self.ask("Scan", &request)?;
            items.extend(page["Items"].as_array_mut().into_iter().flat_map(std::mem::take));
            from = page["LastEvaluatedKey"].take();
            if from.is_null() {
                return Ok(items);
            }
        }
    }

    /// The size of each item of the table, as DynamoDB counts it, beside its `keys`.
    ///
    /// # Errors
    /// As [`Tables::ask`].
    pub fn sizes(&self, table: &str, keys: &[&str]) -> Result<Vec<(Vec<String>, usize)>, TablesError> {
        let size = |item: Value| {
            let keys = keys.iter().map(|key| item[*key]["S"].as_str().unwrap_or_default().to_owned()).collect();
            let item: Result<Item, _> = serde_json::from_value(item);
            item.map(|item| (keys, item_size(&item))).map_err(|error| TablesError(error.to_string()))
        };
        self.items(table)?.into_iter().map(size).collect()
    }

    /// Puts these items, and keeps the indexes.
    ///
    /// # Errors
    /// When one of them is no item, or has no key.
    pub fn import(&self, table: &str, items: impl Iterator<Item = Value>) -> Result<(), TablesError> {
        let items = items.map(serde_json::from_value).collect::<Result<Vec<Item>, _>>();
        let items = items.map_err(|error| TablesError(error.to_string()))?;
        let imported = self.database.import_items(table, items, dynoxide::ImportOptions::default());
        imported.map(drop).map_err(|error| TablesError(error.to_string()))
    }

    pub(super) fn answer(&self, operation: &str, body: &Bytes, metered: bool) -> (StatusCode, String) {
        let body = String::from_utf8_lossy(body);
        let answered = match metered {
            true => self.metered(operation, &body),
            false => self.dispatch(operation, &body),
        };
        match answered {
            Ok(answer) => (StatusCode::OK, answer.to_string()),
            Err(error) => {
                let status = StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::BAD_REQUEST);
                (status, error.to_json())
            }
        }
    }

    fn metered(&self, operation: &str, body: &str) -> Result<Value, DynoxideError> {
        let is_write = WRITES.contains(&operation);
        let wants_old = body.contains(ON_FAILURE);
        let mut asked = String::from(r#"{"ReturnConsumedCapacity":"INDEXES","#);
        if is_write && !wants_old && operation != "BatchWriteItem" {
            asked += r#""ReturnValuesOnConditionCheckFailure":"ALL_OLD","#;
        }
        asked += body.trim_start().trim_start_matches('{');
        match self.dispatch(operation, &asked) {
            Ok(mut answer) => {
                self.count(is_write, answer.as_object_mut().and_then(|answer| answer.remove(CONSUMED)));
                Ok(answer)
            }
            Err(DynoxideError::ConditionalCheckFailedException(words, old)) => {
                self.units().write += write_capacity_units(old.as_ref().map_or(0, item_size));
                Err(DynoxideError::ConditionalCheckFailedException(words, old.filter(|_| wants_old)))
            }
            Err(error) => Err(error),
        }
    }

    /// A batch says it table by table.
    fn count(&self, is_write: bool, consumed: Option<Value>) {
        let consumed = match consumed {
            Some(Value::Array(of_tables)) => of_tables,
            Some(of_table) => vec![of_table],
            None => return,
        };
        let mut units = self.units();
        for of_table in consumed {
            let total = of_table["CapacityUnits"].as_f64().unwrap_or_default();
            if !is_write {
                units.read += total;
                continue;
            }
            units.write += total;
            for (index, consumed) in of_table["GlobalSecondaryIndexes"].as_object().into_iter().flatten() {
                *units.index_writes.entry(index.clone()).or_default() +=
                    consumed["CapacityUnits"].as_f64().unwrap_or_default();
            }
        }
    }

    fn dispatch(&self, operation: &str, body: &str) -> Result<Value, DynoxideError> {
        let database = &self.database;
        match operation {
            "PutItem" => answered(database.put_item(read(body)?)?),
            "GetItem" => answered(database.get_item(read(body)?)?),
            "UpdateItem" => answered(database.update_item(read(body)?)?),
            "DeleteItem" => answered(database.delete_item(read(body)?)?),
            "Query" => answered(database.query(read(body)?)?),
            "Scan" => answered(database.scan(read(body)?)?),
            "BatchGetItem" => answered(database.batch_get_item(read(body)?)?),
            "BatchWriteItem" => answered(database.batch_write_item(read(body)?)?),
            "CreateTable" => answered(database.create_table(read(body)?)?),
            "UpdateTimeToLive" => answered(database.update_time_to_live(read(body)?)?),
            other => Err(DynoxideError::ValidationException(format!("{other} is not done here"))),
        }
    }

    fn units(&self) -> MutexGuard<'_, Units> {
        self.units.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read<T: DeserializeOwned>(body: &str) -> Result<T, DynoxideError> {
    serde_json::from_str(body).map_err(|error| DynoxideError::ValidationException(error.to_string()))
}

fn answered(answer: impl Serialize) -> Result<Value, DynoxideError> {
    serde_json::to_value(answer).map_err(|error| DynoxideError::ValidationException(error.to_string()))
}
