//! The clock as a value: a test that must wait for the day of a charter would never end.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

/// What time it is, for everything that shares this clock.
#[derive(Clone, Debug, Default)]
pub struct Clock(Arc<Mutex<Option<Timestamp>>>);

impl Clock {
    /// The machine's own clock, until it is set.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// The time that was set, else the machine's.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where the stand-ins read the machine's clock")]
    pub fn now(&self) -> Timestamp {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or_else(Timestamp::now)
    }

    /// Stops the clock at `time`.
    pub fn set(&self, time: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(time);
    }
}
