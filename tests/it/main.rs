//! The real function against real HTTP stand-ins and a real emulator.
//!
//! One binary. Each test is an incident: it starts a world of its own, lets something happen, and looks at what the calendar, ShipCaptainCrew,
//! the mailbox, the bucket and the edge now hold.

mod cold_start;
mod direct;
mod failures;
mod front_door;
mod infrastructure;
mod logs;
mod main_job;
mod money;
mod prove;
mod secrets;
mod staging;
mod world;
