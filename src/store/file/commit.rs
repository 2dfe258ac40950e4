//! Writing the changes of an update to one file or two.

use std::path::Path;
use std::sync::Arc;

use super::replace::{Expected, Sync, replace};
use super::snapshot::{Part, Snapshot, file_remarks, without_file_remarks};
use super::system::System;
use super::{Durability, FileStore, permissions};
use crate::error::DiagnosticCode;
use crate::error::{Error, ErrorKind, Result};
use crate::profile::{AuthProfiles, DirtyState};
use crate::secret::Secret;

pub(super) struct Commit<'a> {
    pub(super) store: &'a FileStore,
    /// The credential file, symbolic links resolved.
    pub(super) target: &'a Path,
    pub(super) before: &'a Snapshot,
}

/// Whether a write is the first of its update. If another program was faster than the first write, the update can start
/// again; later writes must follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    Yes,
    No,
}

impl First {
    fn expects(self, old: &Part) -> Expected {
        match self {
            Self::Yes => Expected::Version(old.stat),
            Self::No => Expected::Anything,
        }
    }
}

impl Commit<'_> {
    /// Writes a document and returns the new content of the files; returns `None` without writing if another program
    /// has changed the file to be written first.
    ///
    /// With two files, the credentials are written first. State that is still in the credential file is written to the
    /// state file before it is removed there, so that it always exists somewhere.
    ///
    /// # Errors
    ///
    /// `UnsupportedVersion`, `TooLarge`, `PermissionDenied`, `StorageFull`, `NotFound`, `Io`.
    pub(super) fn write(&self, mut draft: AuthProfiles, split: bool) -> Result<Option<Snapshot>> {
        self.before.document.check_writable()?;
        draft.check_writable()?;
        let change = if self.before.import.is_some() { DirtyState::Credentials } else { draft.dirty_state() };
        draft.committed();
        without_file_remarks(draft.diagnostics_mut());
        if !split {
            let sync = self.sync(change, Sync::Content);
            let Some(credentials) = self.replace_credentials(draft, sync, First::Yes)? else { return Ok(None) };
            let document = Arc::clone(&credentials.document);
            return Ok(Some(Snapshot { credentials, state: Part::absent(), document, import: None }));
        }
        let (old, old_state) = (&self.before.credentials, &self.before.state);
        let pending = old.document.has_state();
        if pending {
            // Entries that were in both files are about to be in one.
            draft.diagnostics_mut().retain(|diagnostic| diagnostic.code != DiagnosticCode::Conflict);
        }
        let state = draft.state_part(&old_state.document);
        let state_changes = pending || !state.same_state(&old_state.document);
        let mut credentials = None;
        let mut first = First::Yes;
        if change == DirtyState::Credentials {
            let part = self.credentials_part(&draft, pending);
            let Some(written) = self.replace_credentials(part, Sync::Full, first)? else { return Ok(None) };
            (credentials, first) = (Some(written), First::No);
        }
        let state = if state_changes {
            let sync = if pending { Sync::Full } else { self.sync(change, Sync::Nothing) };
            let Some(written) = self.replace_state(state, sync, first)? else { return Ok(None) };
            written
        } else {
            old_state.again()
        };
        if pending {
            let part = self.credentials_part(&draft, false);
            credentials = self.replace_credentials(part, Sync::Full, First::No)?;
        }
        let credentials = credentials.unwrap_or_else(|| old.again());
        let remarks = [&credentials, &state].into_iter().flat_map(|part| file_remarks(part.document.diagnostics()));
        draft.diagnostics_mut().extend(remarks.cloned());
        Ok(Some(Snapshot { credentials, state, document: Arc::new(draft), import: None }))
    }

    fn credentials_part(&self, draft: &AuthProfiles, keep_state: bool) -> AuthProfiles {
        draft.credentials_part(&self.before.credentials.document, keep_state)
    }

    fn sync(&self, change: DirtyState, relaxed: Sync) -> Sync {
        match (self.store.settings.durability, change) {
            (Durability::Relaxed, DirtyState::State | DirtyState::None) => relaxed,
            _ => Sync::Full,
        }
    }

    fn replace_credentials(&self, document: AuthProfiles, sync: Sync, first: First) -> Result<Option<Part>> {
        let text = document.to_json();
        let old = &self.before.credentials;
        if old.stat.is_some() && old.document.text() == Some(text.expose()) {
            return Ok(Some(old.again()));
        }
        self.replace((self.store.path(), self.target), document, text, sync, first.expects(old))
    }

    fn replace_state(&self, document: AuthProfiles, sync: Sync, first: First) -> Result<Option<Part>> {
        let text = document.to_state_json();
        let path = self.store.state_path();
        let target = super::target::resolve(self.system(), path)?;
        self.replace((path, &target), document, text, sync, first.expects(&self.before.state))
    }

    /// Replaces the file that `path` leads to.
    fn replace(
        &self,
        (path, target): (&Path, &Path),
        mut document: AuthProfiles,
        text: Secret,
        sync: Sync,
        expected: Expected,
    ) -> Result<Option<Part>> {
        if text.expose().len() > self.store.settings.max_bytes {
            let message = "the new document is larger than the size cap, so it could not be read again";
            return Err(Error::new(ErrorKind::TooLarge, message).with_path(target));
        }
        let begun = self.system().wall();
        let written = replace(self.system(), target, text.expose().as_bytes(), sync, expected, self.wait())?;
        Ok(written.map(|stat| {
            document.committed_as(text);
            // A new file has a mode and an owner of its own, but is in the same directory.
            without_file_remarks(document.diagnostics_mut());
            document.diagnostics_mut().extend(permissions::remarks(self.system(), &stat, path, ""));
            // On a network file system others see the file through a cache; with locks the file system is local.
            let between = self.store.settings.file_locks.then(|| (begun, self.system().wall()));
            Part::written(stat, Arc::new(document), between)
        }))
    }

    fn wait(&self) -> std::time::Duration {
        self.store.settings.lock_wait
    }

    fn system(&self) -> &dyn System {
        &*self.store.system
    }
}
