//! The charter-booking webhook: one signed booking, brought in step across four systems.
//!
//! In reading order; imports run from the first line of this list to the last, never back (`tests/it/layers.rs` holds that):
//!
//! - [`lambda`]: an event becomes a command, its outcome a response.
//! - [`commands`]: what the function can be asked to do, one file each.
//! - [`response`]: what is answered, and how steps add up to a state.
//! - [`reconcile`]: what should be, what must be done, and doing it: the fan-out.
//! - [`ledger`]: what we were told, what we did, what is still owed.
//! - [`systems`]: the calendar, ShipCaptainCrew, the guest page: one module each, with the words that it speaks.
//! - [`inbound`]: whose delivery it is, and what its JSON means.
//! - [`outbound`]: how anything is called: time-outs, retries, classes of failure, log lines.
//! - [`booking`]: the rules. Pure: types, money, local time, charter ids, who may see what.
//! - [`runtime`]: what a cold start loads, and how it is watched.
#![allow(rustdoc::private_intra_doc_links, reason = "read with --document-private-items, as `make check` builds it")]

mod booking;
mod commands;
mod inbound;
mod lambda;
mod ledger;
mod outbound;
mod reconcile;
mod response;
mod runtime;
mod systems;

// What a process of the function needs: the binary, and the proofs, which run one in their own process.
pub use lambda::handle;
pub use outbound::{Outbound, sdk_config};
pub use runtime::{
    app::App,
    config::{Config, variable},
    telemetry,
};

// What reads a delivery, and makes a booking of it: `sender-tools`, fuzzing, the tests of the mappings.
pub use booking::{Booking, Charter, CharterId, Field, Language, Operator, Sale, Snapshot, Terms, span};
pub use inbound::{Age, Fault, FieldReading, Mapping, Reading, Received, Verifier, parse_body};

// What a deployment draws: `link-pictures`.
pub use systems::guest_page::{LinkPicture, Renderer};

// The ledger's conditions, which `tests/it/prove` tries one by one on two emulators.
pub use booking::{BookingId, BookingStatus};
pub use ledger::{
    Backlog, BookingRecord, ChangedAt, Claim, Delivery, DeliveryId, JournalledStep, Known, LeaseRequest, Ledger,
    NewSnapshot, OfficeAct, Place, RecordOutcome, ReleaseOutcome, ShownEntry, SnapshotVersion, Spoke, Step, StepRecord,
    StepStatus, StoreOutcome, Trigger,
};
pub use outbound::{Clock, Deadline};
