//! Later writing of tokens that could not be written at once.

use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use super::memory::{Fresh, Memory};
use crate::error::Result;
use crate::id::ProfileId;
use crate::store::{AuthProfileStore, AuthProfileStoreExt as _, Lease, RefreshEnd};

/// The first and the maximum pause between two attempts.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

impl Memory {
    /// Writes new tokens and releases the lease; if that fails, both are kept.
    pub(super) fn write(
        &self,
        store: &dyn AuthProfileStore,
        id: &ProfileId,
        fresh: &Fresh,
        mut lease: Lease,
    ) -> Result<bool> {
        let Fresh { spent, tokens, expires } = fresh;
        match store.transact(|profiles| profiles.apply_refresh(id, spent, tokens, *expires)) {
            Ok(written) => {
                self.keep(id, None);
                lease.ended(spent, RefreshEnd::Written);
                Ok(written)
            }
            Err(error) => {
                drop(self.hold(id, lease));
                Err(error)
            }
        }
    }

    /// Starts a thread that writes the remaining tokens, as long as the memory and the store exist. If no thread can be
    /// started, the next refresh writes them.
    pub(super) fn write_later(self: &Arc<Self>, store: &Arc<dyn AuthProfileStore>) {
        if !self.begins_writing() {
            return;
        }
        let (memory, store) = (Arc::downgrade(self), Arc::downgrade(store));
        let named = thread::Builder::new().name("provider-auth tokens".to_owned());
        if named.spawn(move || write_all(&memory, &store)).is_err() {
            self.stops_writing();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a store that is away is left time to come back")]
fn write_all(memory: &Weak<Memory>, store: &Weak<dyn AuthProfileStore>) {
    let (mut pause, longest) = PAUSES;
    loop {
        thread::sleep(pause);
        pause = pause.saturating_mul(2).min(longest);
        let (Some(memory), Some(store)) = (memory.upgrade(), store.upgrade()) else { return };
        let ids = memory.to_write();
        if ids.is_empty() {
            return;
        }
        for id in ids {
            if let Some((fresh, lease)) = memory.unwritten(&id) {
                // A failure is retried.
                let _ = memory.write(&*store, &id, &fresh, lease);
            }
        }
    }
}
