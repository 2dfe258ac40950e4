//! An outcome that is being written to the store.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::profile::AuthProfiles;
use crate::record::Record;
use crate::select::{Claim, ProfileSelector};

/// An outcome that was reported.
pub(super) struct Reported {
    pub(super) record: Record,
    pub(super) at: Timestamp,
    claim: Claim,
    progress: Mutex<Progress>,
}

#[derive(Clone)]
enum Progress {
    Waiting,
    Written,
    Failed(Arc<Error>),
}

impl Reported {
    pub(super) fn new(record: Record, at: Timestamp, claim: Claim) -> Self {
        Self { record, at, claim, progress: Mutex::new(Progress::Waiting) }
    }

    /// Returns `true` until a write was tried.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.progress(), Progress::Waiting)
    }

    /// Returns `true` once it is written.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self.progress(), Progress::Written)
    }

    /// Returns the kind of error of the last write, if it failed.
    pub(super) fn unrecorded(&self) -> Option<ErrorKind> {
        self.written().err().map(|error| error.kind())
    }

    /// Returns `true` if its last write failed and it must not be written any more.
    pub(super) fn is_late(&self, selector: &ProfileSelector, profiles: &AuthProfiles) -> bool {
        let (id, failed) = (self.record.receipt().profile(), matches!(self.record, Record::Failure(..)));
        self.unrecorded().is_some() && selector.comes_late(profiles, id, self.at, failed)
    }

    pub(super) fn written(&self) -> Result<()> {
        match self.progress() {
            Progress::Waiting | Progress::Written => Ok(()),
            Progress::Failed(error) => Err(Error::shared(&error)),
        }
    }

    /// Marks it as written.
    pub(super) fn settle(&self) {
        self.claim.keep();
        *self.locked() = Progress::Written;
    }

    /// Marks its write as failed, unless another thread has written it meanwhile.
    pub(super) fn fail(&self, error: &Arc<Error>) {
        let mut progress = self.locked();
        if !matches!(*progress, Progress::Written) {
            *progress = Progress::Failed(Arc::clone(error));
        }
    }

    fn progress(&self) -> Progress {
        self.locked().clone()
    }

    fn locked(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
