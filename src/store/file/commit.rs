//! Writing what an update changed, to one file or to two.

use std::path::Path;
use std::sync::Arc;

use super::replace::{Sync, replace};
use super::snapshot::{Part, Snapshot, without_file_remarks};
use super::system::System;
use super::{Durability, FileStore};
use crate::diagnostic::DiagnosticCode;
use crate::error::{Error, ErrorKind, Result};
use crate::profile::{AuthProfiles, Change};
use crate::secret::Secret;

/// One update about to be written.
pub(super) struct Commit<'a> {
    pub(super) store: &'a FileStore,
    /// The file of credentials, links followed.
    pub(super) target: &'a Path,
    pub(super) before: &'a Snapshot,
}

impl Commit<'_> {
    /// Writes a document and gives what is then in the files.
    ///
    /// With two files, the credentials are written first. State that the file of credentials still holds is written to
    /// the state file before it is taken out there, so that it is never nowhere.
    ///
    /// # Errors
    ///
    /// `UnsupportedVersion`, `TooLarge`, `PermissionDenied`, `StorageFull`, `NotFound`, `Io`.
    pub(super) fn write(&self, mut draft: AuthProfiles, split: bool) -> Result<Snapshot> {
        self.before.document.check_writable()?;
        draft.check_writable()?;
        let change = if self.before.import.is_some() { Change::Credentials } else { draft.change() };
        draft.committed();
        without_file_remarks(draft.diagnostics_mut());
        if !split {
            let credentials = self.replace_credentials(draft, self.sync(change, Sync::Content))?;
            let document = Arc::clone(&credentials.document);
            return Ok(Snapshot { credentials, state: Part::absent(), document, import: None });
        }
        let (old, old_state) = (&self.before.credentials, &self.before.state);
        let pending = old.document.has_state();
        if pending {
            // Entries that stood in both files are about to stand in one.
            draft.diagnostics_mut().retain(|diagnostic| diagnostic.code != DiagnosticCode::Conflict);
        }
        let state = draft.state_part(&old_state.document);
        let state_changes = pending || !state.same_state(&old_state.document);
        let mut credentials = None;
        if change == Change::Credentials {
            credentials = Some(self.replace_credentials(self.credentials_part(&draft, pending), Sync::Full)?);
        }
        let state = if state_changes {
            let sync = if pending { Sync::Full } else { self.sync(change, Sync::Nothing) };
            self.replace_state(state, sync)?
        } else {
            old_state.again()
        };
        if pending {
            credentials = Some(self.replace_credentials(self.credentials_part(&draft, false), Sync::Full)?);
        }
        let credentials = credentials.unwrap_or_else(|| old.again());
        Ok(Snapshot { credentials, state, document: Arc::new(draft), import: None })
    }

    fn credentials_part(&self, draft: &AuthProfiles, keep_state: bool) -> AuthProfiles {
        let mut part = draft.credentials_part(&self.before.credentials.document, keep_state);
        without_file_remarks(part.diagnostics_mut());
        part
    }

    fn sync(&self, change: Change, relaxed: Sync) -> Sync {
        match (self.store.settings.durability, change) {
            (Durability::Relaxed, Change::State | Change::None) => relaxed,
            _ => Sync::Full,
        }
    }

    fn replace_credentials(&self, document: AuthProfiles, sync: Sync) -> Result<Part> {
        let text = document.to_json();
        let old = &self.before.credentials;
        if old.stat.is_some() && old.document.text() == Some(text.expose()) {
            return Ok(old.again());
        }
        self.replace(self.target, document, text, sync)
    }

    fn replace_state(&self, document: AuthProfiles, sync: Sync) -> Result<Part> {
        let text = document.to_state_json();
        let target = super::target::resolve(self.system(), &self.store.place.state)?;
        self.replace(&target, document, text, sync)
    }

    fn replace(&self, target: &Path, mut document: AuthProfiles, text: Secret, sync: Sync) -> Result<Part> {
        if text.expose().len() > self.store.settings.max_bytes {
            let message = "the new document is larger than the size cap, so it could not be read again";
            return Err(Error::new(ErrorKind::TooLarge, message).with_path(target));
        }
        let stat = replace(self.system(), target, text.expose().as_bytes(), sync)?;
        document.committed_as(text);
        Ok(Part::written(stat, Arc::new(document)))
    }

    fn system(&self) -> &dyn System {
        &*self.store.system
    }
}
