//! What was read of the databases, and the document that an agent sees in them.

use std::path::Path;
use std::sync::Arc;

use super::rows::Rows;
use crate::error::{Diagnostic, Result};
use crate::profile::{AuthProfiles, DirtyState, compact};
use crate::secret::Secret;
use crate::syntax::Limits;

/// The most that is read of one row, as of a file.
const MAX_BYTES: usize = 16 << 20;

/// One database as it was read.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) rows: Rows,
    /// The row of credentials, and that of the state beside it.
    store: Arc<AuthProfiles>,
    state: Arc<AuthProfiles>,
    /// Both of them.
    pub(super) document: Arc<AuthProfiles>,
    /// What is odd about the file.
    remarks: Vec<Diagnostic>,
}

/// What is to be written to one database.
#[derive(Debug, Default)]
pub(super) struct Change {
    pub(super) store: Option<String>,
    pub(super) state: StateChange,
}

/// What becomes of the row of the state, which is not there where it would say nothing.
#[derive(Debug, Default, PartialEq)]
pub(super) enum StateChange {
    #[default]
    Keep,
    Put(String),
    Remove,
}

impl Change {
    pub(super) fn is_empty(&self) -> bool {
        self.store.is_none() && self.state == StateChange::Keep
    }
}

impl Part {
    /// Makes documents of the rows of a database.
    ///
    /// # Errors
    ///
    /// The kinds of `AuthProfiles::from_json`, with the path of the database.
    pub(super) fn read(rows: Rows, path: &Path, remarks: Vec<Diagnostic>) -> Result<Self> {
        let limits = Limits { max_bytes: MAX_BYTES, ..Limits::default() };
        let named = |mut document: AuthProfiles| {
            for diagnostic in document.diagnostics_mut() {
                diagnostic.location.path = Some(path.to_owned());
            }
            document
        };
        let store = match &rows.store {
            Some(text) => AuthProfiles::from_json_within(text.expose().to_owned(), &limits),
            None => Ok(AuthProfiles::new()),
        };
        // A state counts only beside a store, as in OpenClaw.
        let state = match rows.state.as_ref().filter(|_| rows.store.is_some()) {
            Some(text) => AuthProfiles::state_from_json(text.expose().to_owned(), &limits),
            None => Ok(AuthProfiles::new()),
        };
        let mut store = named(store.map_err(|error| error.with_path(path))?);
        let state = named(state.map_err(|error| error.with_path(path))?);
        store.diagnostics_mut().extend_from_slice(&remarks);
        // The OpenClaw that reads these rows only trims and lowers names.
        store.keep_names();
        let document = Arc::new(store.with_state(&state));
        Ok(Self { rows, store: Arc::new(store), state: Arc::new(state), document, remarks })
    }

    /// What must be written so that the rows say what a changed document says; nothing is in it if they do.
    pub(super) fn change(&self, after: &AuthProfiles) -> Change {
        let mut change = Change::default();
        if after.dirty_state() == DirtyState::None {
            return change;
        }
        let new_state = after.state_part(&self.state);
        if !new_state.same_state(&self.state) {
            let now = self.rows.state.as_ref().map(Secret::expose);
            let text = new_state.says_anything().then(|| compact(new_state.to_state_json().expose()));
            change.state = match text {
                text if text.as_deref() == now => StateChange::Keep,
                Some(text) => StateChange::Put(text),
                None => StateChange::Remove,
            };
        }
        if after.dirty_state() == DirtyState::Credentials
            || (change.state != StateChange::Keep && self.rows.store.is_none())
        {
            let text = compact(after.credentials_part(&self.store, true).to_json().expose());
            change.store =
                Some(text).filter(|text| Some(text.as_str()) != self.rows.store.as_ref().map(Secret::expose));
        }
        change
    }

    /// This part with other rows, which are not read again if they are the same.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub(super) fn with_rows(&self, rows: Rows, path: &Path) -> Result<Self> {
        if rows == self.rows { Ok(self.clone()) } else { Self::read(rows, path, self.remarks.clone()) }
    }

    /// This part after a change was written.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub(super) fn after(&self, change: Change, path: &Path) -> Result<Self> {
        let mut rows = self.rows.clone();
        if let Some(store) = change.store {
            rows.store = Some(store.into());
        }
        match change.state {
            StateChange::Keep => {}
            StateChange::Put(state) => rows.state = Some(state.into()),
            StateChange::Remove => rows.state = None,
        }
        Self::read(rows, path, self.remarks.clone())
    }
}
