//! What comes in: whose delivery it is, and what its bytes mean.

mod body;
mod mapping;
mod sender;
mod signature;

pub use body::parse as parse_body;
pub(crate) use mapping::{BUILT_IN_SENDER, MappingFault, Readable};
pub use mapping::{Fault, FieldReading, Mapping, Reading, Received};
pub(crate) use sender::{Sender, SenderName, Senders};
pub(crate) use signature::SignatureError;
pub use signature::{Age, Verifier};
