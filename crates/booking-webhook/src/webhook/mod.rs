//! The front door's own rules: whose delivery it is, what its JSON means, and what we answer.

mod answer;
mod mapping;
mod reader;
mod signature;

pub use answer::{Answer, Problem, Reply, State};
pub use mapping::{Fault, Mapping, MappingError, Received};
pub use signature::{Age, SignatureEncoding, SignatureError, Verifier};
