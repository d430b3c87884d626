//! The real function against real HTTP stand-ins and a real emulator.
//!
//! One binary. Each test is an incident: it starts a world of its own, lets something happen, and looks at what the calendar, ShipCaptainCrew,
//! the mailbox, the bucket and the edge now hold.

mod acts;
mod audit;
mod audit_money;
mod bench;
mod broken_word;
mod changes;
mod check;
mod cold_start;
mod deliveries;
mod desk;
mod direct;
mod documents;
mod failures;
mod front_door;
mod guard_rails;
mod guest_news;
mod harbour;
mod infrastructure;
mod layers;
mod logs;
mod main_job;
mod mappings;
mod metrics;
mod money;
mod office;
mod openapi;
mod order;
mod overlap;
mod parked;
mod printed;
mod prove;
mod publication;
mod releases;
mod secrets;
mod senders;
mod slow;
mod staging;
mod stand_ins;
mod status;
mod sweep;
mod unreadable;
mod world;
mod wrong_urls;
