//! The systems that show a booking, one module each, with the words that it speaks.

pub(crate) mod calendar;
pub(crate) mod guest_page;
pub(crate) mod office;
pub(crate) mod remote_id;
pub(crate) mod scc;
