//! What a coordinator knows and the store does not.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::credential::Tokens;
use crate::id::ProfileId;
use crate::secret::Secret;
use crate::store::Lease;

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
    /// The leases of those that could not be: as long as they are held nobody else sends what was spent.
    leases: HashMap<ProfileId, Lease>,
    /// Whether a thread writes them.
    is_writing: bool,
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

    /// Keeps a lease as long as there are tokens that are to be written; gives it back if there are none.
    pub(super) fn hold(&self, id: &ProfileId, lease: Lease) -> Option<Lease> {
        let mut entries = self.entries();
        if !entries.unsaved.contains_key(id) {
            return Some(lease);
        }
        entries.leases.insert(id.clone(), lease)
    }

    /// Takes the lease that is kept for tokens which could not be written.
    pub(super) fn held(&self, id: &ProfileId) -> Option<Lease> {
        self.entries().leases.remove(id)
    }

    /// Takes tokens that could not be written, with their lease.
    pub(super) fn unwritten(&self, id: &ProfileId) -> Option<(Fresh, Lease)> {
        let mut entries = self.entries();
        let fresh = entries.unsaved.get(id)?.clone();
        Some((fresh, entries.leases.remove(id)?))
    }

    /// Returns whether there is something to write for a thread that nobody has started yet, who has to now.
    pub(super) fn begins_writing(&self) -> bool {
        let mut entries = self.entries();
        let begins = !entries.is_writing && !entries.leases.is_empty();
        entries.is_writing |= begins;
        begins
    }

    /// Notes that no thread writes.
    pub(super) fn stops_writing(&self) {
        self.entries().is_writing = false;
    }

    /// The profiles with tokens for the thread to write; where there are none, it ends.
    pub(super) fn to_write(&self) -> Vec<ProfileId> {
        let mut entries = self.entries();
        entries.is_writing = !entries.leases.is_empty();
        entries.leases.keys().cloned().collect()
    }
}
