//! What the programs that run outside a rehearsal are told by their environment: the stand-ins of staging, and the smoke test.

/// Why a program cannot start.
#[derive(Debug, thiserror::Error)]
#[error("the environment variable {0} is missing: see docs/staging.md")]
pub struct Missing(&'static str);

/// The value of an environment variable that has one.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place where these programs read their environment")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// The value of an environment variable that must have one.
///
/// # Errors
/// [`Missing`], which names it.
pub fn needed(name: &'static str) -> Result<String, Missing> {
    variable(name).ok_or(Missing(name))
}

/// A URL that must be there, without a slash at its end.
///
/// # Errors
/// [`Missing`], which names it.
pub fn needed_url(name: &'static str) -> Result<String, Missing> {
    Ok(needed(name)?.trim_end_matches('/').to_owned())
}
