//! Stand-ins for what lives in the operator's account: servers, and what they are made from.
//!
//! The calendar, ShipCaptainCrew, the edge, Lambda's runtime API, the front door, and the emulator of AWS. `rehearsal` wires
//! them up. They answer as the contracts in `docs/contracts` say and share no code with the function: shared types would agree with
//! our own mistakes.

pub mod aws;
pub mod aws_gateway;
pub mod calendar;
pub mod clock;
pub mod cloud;
mod contract;
pub mod dynamodb;
pub mod edge;
pub mod emulator;
pub mod front_door;
pub mod local_aws;
pub mod office;
mod origin;
pub mod records;
pub mod runtime_api;
pub mod scc;
pub mod sender;
pub mod server;
pub mod settings;
pub mod staging;
pub mod template;
pub mod traffic;
