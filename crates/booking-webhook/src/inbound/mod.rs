//! What comes in: whose delivery it is, and what its JSON means.

mod mapping;
mod reader;
mod signature;

pub use mapping::{Fault, Mapping, MappingError, Received};
pub use signature::{Age, SignatureEncoding, SignatureError, Verifier};
