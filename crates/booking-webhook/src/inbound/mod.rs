//! What comes in: whose delivery it is, and what its bytes mean.

mod body;
mod mapping;
mod sender;
mod signature;

pub use body::parse as parse_body;
pub use mapping::{BUILT_IN_SENDER, Fault, FieldReading, Mapping, MappingFault, Readable, Reading, Received};
pub use sender::{MappingFile, Sender, SenderName, Senders};
pub use signature::{Age, SignatureError, Verifier};
