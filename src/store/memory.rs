//! A store in memory.

use std::sync::{Arc, PoisonError, RwLock};

use super::AuthProfileStore;
use super::gate::Gate;
use crate::error::Result;
use crate::profile::{AuthProfiles, DirtyState};

/// A profile store in memory, for tests and for programs that keep credentials elsewhere.
///
/// Wrap it in an `Arc` to share it.
///
/// # Examples
///
/// ```
/// use provider_auth::{AuthProfileStore, AuthProfileStoreExt, Credential, MemoryStore, ProfileId, ProviderId, Secret};
///
/// let store = MemoryStore::default();
/// let id = ProfileId::new("anthropic:default")?;
/// store.upsert(&id, &ProviderId::anthropic(), &Credential::api_key(Secret::new("sk-ant-example")), None)?;
/// assert_eq!(store.load()?.len(), 1);
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct MemoryStore {
    current: RwLock<Arc<AuthProfiles>>,
    gate: Gate,
}

impl MemoryStore {
    /// Creates a store with this document.
    #[must_use]
    pub fn new(mut profiles: AuthProfiles) -> Self {
        profiles.committed();
        Self { current: RwLock::new(Arc::new(profiles)), gate: Gate::default() }
    }

    fn current(&self) -> Arc<AuthProfiles> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl AuthProfileStore for MemoryStore {
    fn load(&self) -> Result<Arc<AuthProfiles>> {
        Ok(self.current())
    }

    fn update(&self, change: &mut dyn FnMut(&mut AuthProfiles) -> Result<()>) -> Result<Arc<AuthProfiles>> {
        let _pass = self.gate.enter()?;
        let before = self.current();
        let mut draft = AuthProfiles::clone(&before);
        change(&mut draft)?;
        if draft.dirty_state() == DirtyState::None {
            return Ok(before);
        }
        before.check_writable()?;
        draft.check_writable()?;
        draft.committed();
        let after = Arc::new(draft);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&after);
        Ok(after)
    }

    /// Only another closure is ever waited for, and closures are quick.
    fn may_block(&self) -> bool {
        false
    }
}

impl From<AuthProfiles> for MemoryStore {
    fn from(profiles: AuthProfiles) -> Self {
        Self::new(profiles)
    }
}
