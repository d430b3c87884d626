//! What comes in: whose delivery it is, and what its bytes mean.

mod body;
mod mapping;
mod sender;
mod signature;

pub use body::parse as parse_body;
pub use mapping::{Fault, FieldReading, Mapping, MappingFault, Reading, Received};
pub use sender::{BUILT_IN_SENDER, MappingFile, Sender, SenderName, Senders};
pub use signature::{Age, SignatureError, Verifier};
