//! What we were told, what we did, what is still owed.
//!
//! One DynamoDB table (`infra/template.yaml`). A booking's partition holds one `state` item (the newest snapshot and the journal of the
//! four steps) and pointers to the deliveries that spoke of it. Every write to the state is conditional: on the order of snapshots, or on
//! the **fence**, an integer that grows at every claim, so that an invocation that lost its lease can change nothing any more.
//!
//! No transactions: conditional updates suffice, and their conflicts can be reproduced in a test. Every write may be repeated with the same
//! effect, so an answer that got lost is simply asked for again.
//!
//! - [`Ledger::record`], [`Ledger::claim`]: how a booking is taken.
//! - [`Ledger::journal`], [`Ledger::release`]: what is written while it is worked on, and at the end.
//! - [`Ledger::keep`], [`Ledger::quarantine`]: what was delivered, byte for byte.
//! - [`Ledger::pending_notices`], [`Ledger::dismiss`]: what the office hears, and what it leaves as it is.
//! - [`Ledger::act_on_booking`], [`Ledger::act_on_delivery`]: what the office does at its desk.
//! - [`Ledger::ask_to_look`]: what stands beside a booking in the calendar.
//! - [`Ledger::note_drift`], [`Ledger::save_audit`]: what a night's audit found, and how far it came.
//! - [`Ledger::due`], [`Ledger::backlog`], [`Ledger::state`], [`Ledger::deliveries`]: what is asked of it.

mod acting;
mod acts;
mod audit;
mod claim;
mod deliveries;
mod document;
mod drift;
mod expression;
mod history;
mod journal;
mod keys;
mod look;
mod notices;
mod overlaps;
mod quarantine;
mod queries;
mod record;
mod release;
mod state;
mod steps;
mod told;
mod version;

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    operation::{put_item::PutItemError, update_item::UpdateItemError},
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use data_encoding::HEXLOWER;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

pub(crate) use acts::Acts;
pub use acts::OfficeAct;
pub(crate) use audit::{AuditRun, Figures};
pub use claim::{Claim, LeaseRequest, Trigger};
pub(crate) use deliveries::TooLarge;
pub use deliveries::{Delivery, Spoke, StoreOutcome};
pub(crate) use drift::{Drift, DriftFound};
pub(crate) use history::{History, HistoryEntry};
pub(crate) use journal::{FieldDigest, Journal, ShownEvent, ShownFields, ShownPage};
pub use journal::{Known, ShownEntry};
pub use keys::DeliveryId;
pub(crate) use notices::{NoticeOf, PendingNotice};
pub(crate) use overlaps::Overlaps;
pub(crate) use quarantine::QuarantinedDelivery;
pub use queries::Backlog;
pub(crate) use queries::{DeliverySummary, Waiting};
pub use record::{NewSnapshot, Place, RecordOutcome};
pub use release::{JournalledStep, ReleaseOutcome};
pub use state::BookingRecord;
pub(crate) use state::{Decision, Dismissal, RecordedContent};
pub(crate) use steps::{Failure, PerStep};
pub use steps::{Step, StepRecord, StepStatus};
pub(crate) use told::Told;
pub(crate) use version::RecordedVersion;
pub use version::{ChangedAt, SnapshotVersion};

use self::{
    expression::Update,
    keys::{ItemKey, PARTITION},
};
use crate::{
    booking::BookingId,
    outbound::{Answered, Call, CallError, Class, Deadline, Effect, Outbound, Service, from_sdk},
};

/// DynamoDB answers within milliseconds or not at all: waiting longer would use up the time in which another try fits.
const CALL_TIMEOUT: Duration = Duration::from_secs(1);
const DIGEST_BYTES: usize = 16;

/// The operation that fails when a booking's state cannot be read: no repetition mends that.
pub(crate) const READ_STATE: &str = "read_state";

/// An item as DynamoDB answers it.
type Item = HashMap<String, AttributeValue>;

/// The ledger's table.
#[derive(Debug, Clone)]
pub struct Ledger {
    client: Client,
    table: String,
    outbound: Outbound,
}

/// The outcome of a conditional update of a booking's state.
#[derive(Debug)]
enum Updated {
    /// The item as it is now, if it was asked for.
    Done(Item),
    /// The item that did not fit the condition, if it was asked for; empty when there is none.
    Unfit(Item),
}

/// What an update has to answer: an item that nobody reads is packed, sent and unpacked for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Returns {
    Item,
    ItemIfUnfit,
    Nothing,
}

impl Ledger {
    /// The table of this name; calls go through `outbound`, but have to be over sooner.
    pub fn new(client: Client, table: String, outbound: &Outbound) -> Self {
        Self { client, table, outbound: outbound.within(CALL_TIMEOUT) }
    }

    /// Updates a booking's state, and answers the item whether or not the update's condition held.
    async fn update(
        &self,
        operation: &'static str,
        booking_id: &BookingId,
        update: &Update,
        deadline: &Deadline,
    ) -> Result<Updated, CallError> {
        self.update_item(operation, &ItemKey::State(booking_id), update, deadline).await
    }

    async fn update_item(
        &self,
        operation: &'static str,
        key: &ItemKey<'_>,
        update: &Update,
        deadline: &Deadline,
    ) -> Result<Updated, CallError> {
        self.update_returning(Returns::Item, operation, key, update, deadline).await
    }

    /// Updates an item. `false` when the update's condition does not hold.
    async fn write(
        &self,
        operation: &'static str,
        key: &ItemKey<'_>,
        update: &Update,
        deadline: &Deadline,
    ) -> Result<bool, CallError> {
        let updated = self.update_returning(Returns::Nothing, operation, key, update, deadline).await?;
        Ok(matches!(updated, Updated::Done(_)))
    }

    async fn update_returning(
        &self,
        returns: Returns,
        operation: &'static str,
        key: &ItemKey<'_>,
        update: &Update,
        deadline: &Deadline,
    ) -> Result<Updated, CallError> {
        let call = call(operation);
        let once = || async {
            let request = self.client.update_item().table_name(&self.table).set_key(Some(key.item()));
            let done = (returns == Returns::Item).then_some(ReturnValue::AllNew);
            let unfit = (returns != Returns::Nothing).then_some(ReturnValuesOnConditionCheckFailure::AllOld);
            let request = request.set_return_values(done).set_return_values_on_condition_check_failure(unfit);
            let (status, value) = match update.apply(request).send().await {
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

    /// Puts an item unless there is one of the same key: then that is left alone and answered.
    async fn put_if_absent(
        &self,
        operation: &'static str,
        item: &Item,
        deadline: &Deadline,
    ) -> Result<Option<Item>, CallError> {
        let call = call(operation);
        let once = || async {
            let put = self.client.put_item().table_name(&self.table).set_item(Some(item.clone()));
            let put = put
                .condition_expression(format!("attribute_not_exists({PARTITION})"))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            let (status, value) = match put.send().await {
                Ok(_) => (200, None),
                Err(error) => match error.as_service_error() {
                    Some(PutItemError::ConditionalCheckFailedException(there)) => {
                        (400, Some(there.item().cloned().unwrap_or_default()))
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
        .map_err(|error| CallError::new(call(READ_STATE), Class::Refused, error.to_string()))
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn milliseconds(at: Timestamp) -> AttributeValue {
    number(at.as_millisecond())
}

/// The first 128 bits of a SHA-256, in hex: enough to tell contents apart.
pub(crate) fn digest(content: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(content)[..DIGEST_BYTES])
}
