//! The knowledge of a coordinator that is not in the store.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::credential::Tokens;
use crate::id::ProfileId;
use crate::secret::Secret;
use crate::store::Lease;

/// The time for which a failed advisory refresh is not repeated, because each attempt delays its caller.
const PAUSE: Duration = Duration::from_secs(10);

/// New tokens, and the refresh token that was spent for them.
#[derive(Clone)]
pub(super) struct Fresh {
    pub(super) spent: Secret,
    pub(super) tokens: Tokens,
    pub(super) expires: Option<Timestamp>,
}

/// The memory of a coordinator. Each map has at most one entry per profile.
#[derive(Default)]
pub(super) struct Memory(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    /// The refresh token of a profile that the endpoint permanently refuses.
    denied: HashMap<ProfileId, Secret>,
    /// Tokens that are not written yet.
    unsaved: HashMap<ProfileId, Fresh>,
    /// The leases of tokens that could not be written. While they are held, nobody else sends the spent tokens.
    leases: HashMap<ProfileId, Lease>,
    /// `true` if a thread is writing them.
    is_writing: bool,
    /// When an advisory refresh last failed.
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

    /// Returns `true` if an advisory refresh failed recently. A time ahead of the clock is the trace of one that was
    /// set back.
    pub(super) fn is_postponed(&self, id: &ProfileId, now: Timestamp) -> bool {
        self.entries().postponed.get(id).is_some_and(|at| *at <= now && now - *at < PAUSE)
    }

    /// Returns the tokens for which this refresh token was spent, if they could not be written.
    pub(super) fn unsaved(&self, id: &ProfileId, refresh: &Secret) -> Option<Fresh> {
        self.entries().unsaved.get(id).filter(|fresh| fresh.spent == *refresh).cloned()
    }

    /// Keeps tokens to be written, or forgets written ones.
    pub(super) fn keep(&self, id: &ProfileId, unsaved: Option<Fresh>) {
        let mut entries = self.entries();
        match unsaved {
            Some(fresh) => entries.unsaved.insert(id.clone(), fresh),
            None => entries.unsaved.remove(id),
        };
    }

    /// Keeps the lease while there are tokens to be written; returns it if there are none.
    pub(super) fn hold(&self, id: &ProfileId, lease: Lease) -> Option<Lease> {
        let mut entries = self.entries();
        if !entries.unsaved.contains_key(id) {
            return Some(lease);
        }
        entries.leases.insert(id.clone(), lease)
    }

    /// Takes the lease of tokens that could not be written.
    pub(super) fn held(&self, id: &ProfileId) -> Option<Lease> {
        self.entries().leases.remove(id)
    }

    /// Takes tokens that could not be written, with their lease.
    pub(super) fn unwritten(&self, id: &ProfileId) -> Option<(Fresh, Lease)> {
        let mut entries = self.entries();
        let fresh = entries.unsaved.get(id)?.clone();
        Some((fresh, entries.leases.remove(id)?))
    }

    /// Returns `true` if there is something to write and no thread yet, which the caller must then start.
    pub(super) fn begins_writing(&self) -> bool {
        let mut entries = self.entries();
        let begins = !entries.is_writing && !entries.leases.is_empty();
        entries.is_writing |= begins;
        begins
    }

    /// Marks the thread as ended.
    pub(super) fn stops_writing(&self) {
        self.entries().is_writing = false;
    }

    /// Returns the profiles with tokens for the thread to write; it ends if there are none.
    pub(super) fn to_write(&self) -> Vec<ProfileId> {
        let mut entries = self.entries();
        entries.is_writing = !entries.leases.is_empty();
        entries.leases.keys().cloned().collect()
    }
}
