//! What a coordinator knows and the store does not.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::credential::Tokens;
use crate::id::ProfileId;
use crate::secret::Secret;

/// How long a refresh that could wait is left alone after it failed: each try costs its caller time.
const PAUSE: Duration = Duration::from_secs(10);

/// New tokens, and the refresh token that was spent for them.
#[derive(Clone)]
pub(super) struct Fresh {
    pub(super) spent: Secret,
    pub(super) tokens: Tokens,
    pub(super) expires: Option<Timestamp>,
}

/// What a coordinator remembers as long as it lives. There is at most one entry of each kind for a profile.
#[derive(Default)]
pub(super) struct Memory(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    /// The refresh token of a profile that the endpoint does not accept any more.
    denied: HashMap<ProfileId, Secret>,
    /// Tokens that are not written yet, or could not be.
    unsaved: HashMap<ProfileId, Fresh>,
    /// When a refresh last failed that could wait.
    postponed: HashMap<ProfileId, Timestamp>,
}

impl Memory {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn deny(&self, id: &ProfileId, refresh: &Secret) {
        self.entries().denied.insert(id.clone(), refresh.clone());
    }

    pub(super) fn is_denied(&self, id: &ProfileId, refresh: &Secret) -> bool {
        self.entries().denied.get(id) == Some(refresh)
    }

    pub(super) fn postpone(&self, id: &ProfileId, now: Timestamp) {
        self.entries().postponed.insert(id.clone(), now);
    }

    /// Whether a refresh that could wait failed a moment ago. A moment that lies ahead is a clock that was set back.
    pub(super) fn is_postponed(&self, id: &ProfileId, now: Timestamp) -> bool {
        self.entries().postponed.get(id).is_some_and(|at| *at <= now && now - *at < PAUSE)
    }

    /// The tokens that this refresh token was spent for, if they could not be written.
    pub(super) fn unsaved(&self, id: &ProfileId, refresh: &Secret) -> Option<Fresh> {
        self.entries().unsaved.get(id).filter(|fresh| fresh.spent == *refresh).cloned()
    }

    /// Keeps tokens that are to be written, or forgets those that were.
    pub(super) fn keep(&self, id: &ProfileId, unsaved: Option<Fresh>) {
        let mut entries = self.entries();
        match unsaved {
            Some(fresh) => entries.unsaved.insert(id.clone(), fresh),
            None => entries.unsaved.remove(id),
        };
    }
}
