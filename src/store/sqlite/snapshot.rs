//! The content of a database as it was read, and the changes to write.

use std::path::Path;
use std::sync::Arc;

use super::rows::Rows;
use crate::error::{Diagnostic, Result};
use crate::profile::{AuthProfiles, DirtyState, compact};
use crate::secret::Secret;
use crate::syntax::Limits;

/// The size limit of a row, as of a file.
const MAX_BYTES: usize = 16 << 20;

#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) rows: Rows,
    /// The row of credentials and the row of state.
    store: Arc<AuthProfiles>,
    state: Arc<AuthProfiles>,
    /// Both combined.
    pub(super) document: Arc<AuthProfiles>,
    remarks: Vec<Diagnostic>,
}

#[derive(Debug, Default)]
pub(super) struct Change {
    pub(super) store: Option<Secret>,
    pub(super) state: StateChange,
}

/// The change of the state row. The row is removed if the state is empty.
#[derive(Debug, Default)]
pub(super) enum StateChange {
    #[default]
    Keep,
    /// The row's text and the state it contains.
    Put(Secret, Arc<AuthProfiles>),
    Remove,
}

impl StateChange {
    fn is_some(&self) -> bool {
        !matches!(self, Self::Keep)
    }
}

impl Change {
    pub(super) fn is_empty(&self) -> bool {
        self.store.is_none() && !self.state.is_some()
    }
}

impl Part {
    /// Parses the rows of a database.
    ///
    /// # Errors
    ///
    /// The kinds of `AuthProfiles::from_json`, with the path of the database.
    pub(super) fn read(rows: Rows, path: &Path, remarks: Vec<Diagnostic>) -> Result<Self> {
        Self::read_over(rows, path, remarks, None, None)
    }

    /// As [`read`](Self::read); reuses a document whose row is unchanged, and a state that was just written.
    fn read_over(
        rows: Rows,
        path: &Path,
        remarks: Vec<Diagnostic>,
        old: Option<&Self>,
        written: Option<Arc<AuthProfiles>>,
    ) -> Result<Self> {
        let limits = Limits { max_bytes: MAX_BYTES, ..Limits::default() };
        let named = |mut document: AuthProfiles| {
            for diagnostic in document.diagnostics_mut() {
                diagnostic.location.path = Some(path.to_owned());
            }
            document
        };
        let read_store = || -> Result<_> {
            let read = match &rows.store {
                Some(text) => AuthProfiles::from_json_within(text.clone(), &limits),
                None => Ok(AuthProfiles::new()),
            };
            let mut store = named(read.map_err(|error| error.with_path(path))?);
            store.diagnostics_mut().extend_from_slice(&remarks);
            // The OpenClaw that reads these rows only trims and lowercases names.
            store.keep_names();
            store.set_origin(path);
            Ok(Arc::new(store))
        };
        // As in OpenClaw, a state without a store is ignored.
        let state_of = |rows: &Rows| rows.state.clone().filter(|_| rows.store.is_some());
        let read_state = || -> Result<_> {
            let read = match state_of(&rows) {
                Some(text) => AuthProfiles::state_from_json(text, &limits, old.map(|old| &*old.document)),
                None => Ok(AuthProfiles::new()),
            };
            Ok(Arc::new(named(read.map_err(|error| error.with_path(path))?)))
        };
        let same_store = old.filter(|old| old.rows.store == rows.store);
        let same_state = || Some(Arc::clone(&old.filter(|old| state_of(&old.rows) == state_of(&rows))?.state));
        let store = same_store.map_or_else(read_store, |old| Ok(Arc::clone(&old.store)))?;
        let state = written.or_else(same_state).map_or_else(read_state, Ok)?;
        let document = Arc::new(store.with_state(&state));
        Ok(Self { rows, store, state, document, remarks })
    }

    /// Returns the changes that make the rows match a changed document; empty if they already do.
    pub(super) fn change(&self, after: &AuthProfiles) -> Change {
        let mut change = Change::default();
        if after.dirty_state() == DirtyState::None {
            return change;
        }
        let mut new_state = after.state_part(&self.state);
        if !new_state.same_state(&self.state) {
            new_state.compact_state(&self.document);
            let now = self.rows.state.as_ref().map(Secret::expose);
            let in_force = self.rows.store.is_some();
            let text = new_state.says_anything().then(|| compact(new_state.to_state_json().expose()));
            change.state = match text {
                Some(text) if in_force && Some(&*text) == now => StateChange::Keep,
                Some(text) => StateChange::Put(text.into(), Arc::new(new_state)),
                None if now.is_none() => StateChange::Keep,
                None => StateChange::Remove,
            };
        }
        if after.dirty_state() == DirtyState::Credentials || (change.state.is_some() && self.rows.store.is_none()) {
            let text = compact(after.credentials_part(&self.store, true).to_json().expose());
            change.store = Some(text)
                .filter(|text| Some(&**text) != self.rows.store.as_ref().map(Secret::expose))
                .map(Secret::from);
        }
        change
    }

    /// Returns this part with other rows, which are not parsed again if they are the same.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub(super) fn with_rows(&self, rows: Rows, path: &Path) -> Result<Self> {
        if rows == self.rows {
            return Ok(self.clone());
        }
        Self::read_over(rows, path, self.remarks.clone(), Some(self), None)
    }

    /// Returns this part after a change was written.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub(super) fn after(&self, change: Change, path: &Path) -> Result<Self> {
        let mut rows = self.rows.clone();
        if let Some(store) = change.store {
            rows.store = Some(store);
        }
        let mut written = None;
        match change.state {
            StateChange::Keep => {}
            StateChange::Put(text, state) => {
                let is_known = text.expose().len() <= MAX_BYTES && rows.store.is_some() && state.is_plain();
                written = Some(state).filter(|_| is_known && self.state.diagnostics().is_empty());
                rows.state = Some(text);
            }
            StateChange::Remove => rows.state = None,
        }
        Self::read_over(rows, path, self.remarks.clone(), Some(self), written)
    }
}
