//! The exclusive right to refresh one profile's credential, on all machines.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::core::Core;
use super::engine::Engine;
use super::snapshot::Snapshot;
use super::spending::Unsettled;
use super::stamp::{jitter, pause};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::id::ProfileId;
use crate::store::lease::Lease;

/// The shortest and the longest pause between two attempts to acquire a lease.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(80));

/// The leases held in this process. One thread extends them as long as there are any, and replaces notes that no longer
/// count.
#[derive(Debug, Default)]
pub(super) struct Renewals {
    held: Mutex<Held>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Held {
    leases: HashMap<String, Renewed>,
    ended: Vec<(String, String)>,
    unsettled: Vec<Unsettled>,
    is_running: bool,
}

#[derive(Debug)]
struct Renewed {
    name: String,
    /// When to stop extending it; `None` to extend it as long as it is held.
    until: Option<Timestamp>,
}

impl Renewed {
    fn is_due(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl Renewals {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns `true` if a lease of this name is held in this process and still extended.
    pub(super) fn is_held(&self, name: &str, now: Timestamp) -> bool {
        self.held().leases.values().any(|held| held.name == name && held.is_due(now))
    }

    /// Extends a lease from now on, until a time or as long as it is held.
    pub(super) fn hold(&self, token: &str, name: &str, until: Option<Timestamp>) {
        let name = name.to_owned();
        self.held().leases.insert(token.to_owned(), Renewed { name, until });
    }

    fn due(&self, now: Timestamp) -> Vec<(String, String)> {
        let held = self.held();
        let due = held.leases.iter().filter(|(_, held)| held.is_due(now));
        due.map(|(token, held)| (token.clone(), held.name.clone())).collect()
    }

    /// Runs a function on the notes that no longer count.
    pub(super) fn unsettled<T>(&self, change: impl FnOnce(&mut Vec<Unsettled>) -> T) -> T {
        change(&mut self.held().unsettled)
    }

    pub(super) fn ended(&self, name: &str) -> Vec<String> {
        self.held().ended.iter().filter(|(_, ended)| ended == name).map(|(token, _)| token.clone()).collect()
    }

    pub(super) fn end(&self, token: &str) {
        self.held().leases.remove(token);
        self.changed.notify_all();
    }

    /// Stops extending a lease, and lets the thread that extended it release it.
    pub(super) fn end_later(&self, token: &str) {
        let mut held = self.held();
        let ended = held.leases.remove_entry(token);
        held.ended.extend(ended.map(|(token, held)| (token, held.name)));
        self.changed.notify_all();
    }
}

pub(super) struct Guard<E: Engine + 'static> {
    pub(super) core: Arc<Core<E>>,
    pub(super) profile: ProfileId,
    pub(super) name: String,
    pub(super) token: String,
    /// The state read after the lease was acquired.
    pub(super) base: Arc<Snapshot>,
    /// `true` if this holder has noted that it sends a refresh token, and has not recorded the outcome.
    pub(super) is_noted: bool,
}

impl<E: Engine + 'static> Core<E> {
    pub(super) fn lease(self: &Arc<Self>, profile: &ProfileId, wait: Duration) -> Result<Lease> {
        let (name, token) = (profile.as_str().to_owned(), self.stamps.next());
        let mut left = wait;
        while !self.asked(self.engine.acquire(&name, &token, self.settings.lease_life))? {
            if left.is_zero() {
                let waited = wait.as_millis();
                let message = format!("the lease on profile \"{profile}\" was held by someone else for {waited} ms");
                return Err(Error::new(ErrorKind::Locked, message));
            }
            let (least, most) = PAUSES;
            let time = left.min(least + jitter(most.saturating_sub(least)));
            pause(time);
            left = left.saturating_sub(time);
        }
        self.renewals.hold(&token, &name, None);
        let core = Arc::clone(self);
        let mut guard = Guard { core, profile: profile.clone(), name, token, base: Arc::default(), is_noted: false };
        // This process now knows what the last holder wrote, however stale its document may be.
        guard.base = self.read(&self.newest())?;
        self.renew_beside();
        Ok(Lease::guarded(guard))
    }

    /// Starts the thread that extends leases if it is not running. Without it a lease lasts for its life.
    pub(super) fn renew_beside(self: &Arc<Self>) {
        let mut held = self.renewals.held();
        if held.is_running {
            return;
        }
        let core = Arc::clone(self);
        let started = thread::Builder::new().name("provider-auth leases".to_owned()).spawn(move || core.renew());
        held.is_running = started.is_ok();
    }

    fn renew(&self) {
        let interval = self.settings.lease_life / 3;
        loop {
            let held = self.renewals.held();
            let now = self.settings.clock.now();
            let is_busy = |held: &Held| !held.leases.is_empty() || held.unsettled.iter().any(|one| one.is_due(now));
            let is_idle = |held: &mut Held| is_busy(held) && held.ended.is_empty();
            let waited = self.renewals.changed.wait_timeout_while(held, interval, is_idle);
            let (mut held, _) = waited.unwrap_or_else(PoisonError::into_inner);
            let ended = held.ended.clone();
            if !is_busy(&held) && ended.is_empty() {
                held.is_running = false;
                return;
            }
            let unsettled: Vec<_> = held.unsettled.iter().filter(|one| one.is_due(now)).cloned().collect();
            drop(held);
            self.renew_held();
            // Last, because a slow server must not delay the extensions.
            for (token, name) in &ended {
                // A lease that cannot be released expires.
                let _ = self.engine.release(name, token);
            }
            self.renewals.held().ended.retain(|one| !ended.contains(one));
            for one in &unsettled {
                self.settle(None, one);
            }
        }
    }

    pub(super) fn renew_held(&self) {
        for (token, name) in self.renewals.due(self.settings.clock.now()) {
            // A lost lease is noticed before a token is sent, and an unreachable server may be back in time.
            let _ = self.engine.renew(&name, &token, self.settings.lease_life);
        }
    }
}

impl<E: Engine + 'static> Drop for Guard<E> {
    fn drop(&mut self) {
        self.give_up();
        self.core.renewals.end(&self.token);
        // A lease that cannot be released expires.
        let _ = self.core.engine.release(&self.name, &self.token);
    }
}
