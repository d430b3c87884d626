//! What we were told, what we did, what is still owed.
//!
//! One DynamoDB table (`infra/template.yaml`). A booking's partition, `booking#{id}`, holds one `state` item (the newest snapshot and the
//! journal of the four steps) and one item for each delivery. Every write to the state is conditional: on the order of snapshots, or on the
//! **fence**, an integer that grows at every claim, so that whoever lost the lease can change nothing any more.
//!
//! No transactions: conditional updates suffice, and their conflicts can be reproduced in a test. Every write may be repeated with the same
//! effect, so an answer that got lost is simply asked for again.
//!
//! - [`Ledger::record`], [`Ledger::claim`]: how a booking is taken up.
//! - [`Ledger::journal`], [`Ledger::release`]: what is written while it is worked on, and how it is let go of.
//! - [`Ledger::keep`], [`Ledger::quarantine`]: what was delivered, byte for byte.
//! - [`Ledger::due`], [`Ledger::backlog`], [`Ledger::state`], [`Ledger::deliveries`]: what is asked of it.

mod claim;
mod deliveries;
mod delivery_id;
mod history;
mod items;
mod journal;
mod order;
mod queries;
mod record;
mod release;
mod snapshots;

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client,
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};

pub use claim::{Claim, LeaseRequest, Only};
pub use deliveries::{Delivery, Origin, StoreOutcome};
pub use delivery_id::DeliveryId;
pub use history::{History, HistoryEntry};
pub use journal::{Applied, Failure, Journal, Standing, Step, StepRecord};
pub use order::{SnapshotVersion, digest};
pub use queries::{Backlog, DeliverySummary};
pub use record::{BookingRecord, Decision, Lease};
pub use release::ReleaseOutcome;
pub use snapshots::{NewSnapshot, RecordOutcome};

use self::items::{Item, PARTITION, SORT, STATE, booking_key};
use crate::{
    booking::BookingId,
    outbound::{Answered, Call, CallError, Class, Deadline, Effect, Outbound, Service, from_sdk},
};

/// DynamoDB answers within milliseconds or not at all: waiting longer would use up the time in which another try fits.
const CALL_TIMEOUT: Duration = Duration::from_secs(1);

/// The ledger's table.
#[derive(Debug, Clone)]
pub struct Ledger {
    client: Client,
    table: String,
    outbound: Outbound,
}

/// What became of a conditional update of a booking's state.
#[derive(Debug)]
enum Updated {
    /// The item as it is now.
    Done(Item),
    /// The item that did not fit the condition; empty when there is none.
    Unfit(Item),
}

impl Ledger {
    /// The table of this name; calls go through `outbound`, but have to be over sooner.
    pub fn new(client: Client, table: String, outbound: &Outbound) -> Self {
        Self { client, table, outbound: outbound.within(CALL_TIMEOUT) }
    }

    /// Updates a booking's state on a condition, and answers the item either way.
    async fn update(
        &self,
        operation: &'static str,
        booking_id: &BookingId,
        deadline: &Deadline,
        build: impl Fn(UpdateItemFluentBuilder) -> UpdateItemFluentBuilder,
    ) -> Result<Updated, CallError> {
        let call = call(operation);
        let once = || async {
            let update = self.client.update_item().table_name(&self.table);
            let update = update.key(PARTITION, booking_key(booking_id)).key(SORT, text(STATE));
            let update = update
                .return_values(ReturnValue::AllNew)
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            let (status, value) = match build(update).send().await {
                Ok(answer) => (200, Updated::Done(answer.attributes.unwrap_or_default())),
                Err(error) => match error.as_service_error() {
                    Some(UpdateItemError::ConditionalCheckFailedException(unfit)) => {
                        (400, Updated::Unfit(unfit.item().cloned().unwrap_or_default()))
                    }
                    _ => return Err(from_sdk(call, error)),
                },
            };
            Ok(Answered { status, remote_id: None, value })
        };
        self.outbound.attempts(call, deadline, once).await
    }
}

/// A call to the ledger. All of its writes are conditional or repeatable, so a lost answer is a reason to ask again, not to read back.
const fn call(operation: &'static str) -> Call {
    Call { service: Service::Ledger, operation, effect: Effect::Repeatable }
}

/// A state that cannot be read is a person's to mend: nothing may be done on top of it.
fn read(booking_id: &BookingId, item: &Item) -> Result<BookingRecord, CallError> {
    BookingRecord::from_item(booking_id, item)
        .map_err(|error| CallError::new(call("read_state"), Class::Refused, error.to_string()))
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn json(value: &impl serde::Serialize) -> AttributeValue {
    text(serde_json::to_string(value).expect("what the ledger keeps has text keys and serialises"))
}
