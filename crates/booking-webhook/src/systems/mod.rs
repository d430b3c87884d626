//! The systems that show a booking, one module each, with the words that it speaks.

pub mod calendar;
pub mod guest_page;
pub mod office;
pub mod remote_id;
pub mod scc;
