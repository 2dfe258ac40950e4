//! Exclusion between the updates of one store within this process.

use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::{self, ThreadId};
#[cfg(any(feature = "file", feature = "client"))]
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

/// Lets one update in at a time, and tells a nested one from a concurrent one.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    inside: Mutex<Option<ThreadId>>,
    left: Condvar,
}

/// The right to update; given back on drop, also by a panic.
pub(crate) struct Pass<'a>(&'a Gate);

impl Gate {
    /// Waits for the running update to end.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Reentrant`] if that one runs on this very thread and would never end.
    pub(crate) fn enter(&self) -> Result<Pass<'_>> {
        let me = thread::current().id();
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(other) = *inside {
            if other == me {
                return Err(Error::new(ErrorKind::Reentrant, "the store is being updated by the caller itself"));
            }
            inside = self.left.wait(inside).unwrap_or_else(PoisonError::into_inner);
        }
        *inside = Some(me);
        Ok(Pass(self))
    }

    /// As [`enter`](Self::enter), for a bounded time; `None` when that has passed.
    #[cfg(any(feature = "file", feature = "client"))]
    pub(crate) fn enter_within(&self, wait: Duration) -> Result<Option<Pass<'_>>> {
        let me = thread::current().id();
        let inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if *inside == Some(me) {
            return Err(Error::new(ErrorKind::Reentrant, "the store is being updated by the caller itself"));
        }
        let waited = self.left.wait_timeout_while(inside, wait, |inside| inside.is_some());
        let (mut inside, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if inside.is_some() {
            return Ok(None);
        }
        *inside = Some(me);
        Ok(Some(Pass(self)))
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        *self.0.inside.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.0.left.notify_one();
    }
}
