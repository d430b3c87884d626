//! Looking at the ledger without leaving a trace.
//!
//! The timeline comes from the function itself. Asked of the one under test, each look would appear among its calls, and
//! would use up the faults that were armed for it. So it is asked of another one that stands beside the world.

use std::path::PathBuf;

use aws_sdk_dynamodb::{
    error::DisplayErrorContext,
    types::{AttributeValue, Select},
};
use serde_json::{Value, json};
use simulators::{
    clock::Clock,
    runtime_api::{Environment, FunctionProcess, Lambda, TIME_OUT},
};

use crate::{Rehearsal, RehearsalError};

/// The index that holds what is due, and nothing else. Source: `infra/template.yaml`.
const DUE_INDEX: &str = "due";
/// The index that holds what the office should hear. Source: `infra/template.yaml`.
const NOTICE_INDEX: &str = "notice";
/// What waits for a person is in the index of what is due, too.
const DUE: &str = "due";

/// A second function, whose calls are neither logged nor failed.
pub(super) struct Lookout {
    lambda: Lambda,
    _environment: Environment,
}

impl Lookout {
    /// Starts it, with the same environment but for the way to AWS. The rehearsal's tables must be in its emulator.
    pub(super) async fn open(binary: PathBuf, rehearsal: &Rehearsal) -> Result<Self, RehearsalError> {
        let mut env = rehearsal.environment_variables().clone();
        env.insert("AWS_ENDPOINT_URL".to_owned(), rehearsal.emulator_url());
        let lambda = Lambda::start(TIME_OUT).await?;
        let environment = lambda.spawn(&FunctionProcess { binary, env })?;
        environment.ready().await?;
        Ok(Self { lambda, _environment: environment })
    }

    /// What the function says of one booking.
    pub(super) async fn timeline(&self, booking_id: &str) -> Result<Value, RehearsalError> {
        Ok(self.lambda.invoke(&json!({ "status": { "booking_id": booking_id } })).await?.payload)
    }
}

/// Whether a sweep would find anything now, be it only a mail to the office: the schedule of a rehearsal leaves no trace while there is
/// nothing to do.
pub(super) async fn is_anything_due(rehearsal: &Rehearsal) -> bool {
    let now = Clock::system().now().as_millisecond();
    let table = || rehearsal.cloud.dynamodb.scan().table_name(&rehearsal.cloud.ledger_table).select(Select::Count);
    let by_now = AttributeValue::N(now.to_string());
    let due = table().index_name(DUE_INDEX).filter_expression("due = :due AND due_at <= :now");
    let due = due.expression_attribute_values(":due", AttributeValue::S(DUE.to_owned()));
    let untold = table().index_name(NOTICE_INDEX).filter_expression("notice_at <= :now");
    for look in [due, untold] {
        match look.expression_attribute_values(":now", by_now.clone()).send().await {
            Ok(found) if found.count() == 0 => {}
            Ok(_) => return true,
            Err(error) => {
                tracing::warn!(error = %DisplayErrorContext(&error), "what is due cannot be looked up");
                return true;
            }
        }
    }
    false
}
