//! Why a rehearsal cannot go on.

use std::io;

use simulators::{
    aws::CloudError,
    runtime_api::{InitError, InvokeError},
    scc::TableError,
};

/// Why a rehearsal cannot go on.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says itself what it is")]
pub enum RehearsalError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Cloud(#[from] CloudError),
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Init(#[from] InitError),
    #[error(transparent)]
    Invoke(#[from] InvokeError),
    #[error("the request was not answered: {0}")]
    Http(#[from] reqwest::Error),
    #[error("no header can be made of {0}")]
    Header(String),
}
