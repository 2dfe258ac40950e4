//! The claim on a trial, which the receipts of one request share.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What keeps others from a trial until it is dropped.
pub(crate) trait Guard: fmt::Debug + Send {
    /// Gives the claim back, and may wait for a server meanwhile.
    fn release(self: Box<Self>);
}

/// The place of a guard, empty once the claim was given back or taken over.
#[derive(Clone, Debug, Default)]
pub(super) struct Claimed(Arc<Mutex<Option<Box<dyn Guard>>>>);

impl Claimed {
    pub(super) fn put(&self, guard: Box<dyn Guard>) {
        *self.guard() = Some(guard);
    }

    pub(super) fn take(&self) -> Option<Box<dyn Guard>> {
        self.guard().take()
    }

    pub(super) fn is_held(&self) -> bool {
        self.guard().is_some()
    }

    fn guard(&self) -> MutexGuard<'_, Option<Box<dyn Guard>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
