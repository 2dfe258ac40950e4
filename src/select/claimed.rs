//! The claim on a trial, shared by the receipts of one request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::profile::TrialGuard;

/// A slot for the guard; empty once the claim was released or taken over.
#[derive(Clone, Debug, Default)]
pub(super) struct Claimed(Arc<Mutex<Option<Box<dyn TrialGuard>>>>);

impl Claimed {
    pub(super) fn put(&self, guard: Box<dyn TrialGuard>) {
        *self.guard() = Some(guard);
    }

    pub(super) fn take(&self) -> Option<Box<dyn TrialGuard>> {
        self.guard().take()
    }

    pub(super) fn is_held(&self) -> bool {
        self.guard().is_some()
    }

    fn guard(&self) -> MutexGuard<'_, Option<Box<dyn TrialGuard>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
