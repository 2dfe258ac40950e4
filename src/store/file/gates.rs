//! Exclusion within this process, by file rather than by store.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use crate::store::gate::Gate;

static GATES: LazyLock<Mutex<HashMap<PathBuf, Weak<Gate>>>> = LazyLock::new(Mutex::default);

/// Returns the gate of a file, whose path must have no symbolic links: one for all stores on that file.
pub(in crate::store) fn gate(target: &Path) -> Arc<Gate> {
    let mut gates = GATES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(gate) = gates.get(target).and_then(Weak::upgrade) {
        return gate;
    }
    gates.retain(|_, gate| gate.strong_count() > 0);
    let gate = Arc::<Gate>::default();
    gates.insert(target.to_owned(), Arc::downgrade(&gate));
    gate
}
