//! The exclusive right to refresh one profile's credential, on all machines.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::core::Core;
use super::engine::Engine;
use super::note::Note;
use super::snapshot::{Snapshot, refresh_name};
use super::stamp::{jitter, pause};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::id::ProfileId;
use crate::secret::Secret;
use crate::store::lease::{Lease, LeaseGuard, RefreshEnd};

/// The shortest and the longest pause between two attempts to acquire a lease.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(80));

/// The leases held in this process. One thread extends them as long as there are any.
#[derive(Debug, Default)]
pub(super) struct Renewals {
    held: Mutex<Held>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Held {
    leases: HashMap<String, Renewed>,
    ended: Vec<(String, String)>,
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

struct Guard<E: Engine + 'static> {
    core: Arc<Core<E>>,
    profile: ProfileId,
    name: String,
    token: String,
    /// The state read after the lease was acquired.
    base: Arc<Snapshot>,
    /// `true` if this holder has noted that it sends a refresh token.
    is_noted: bool,
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
            let is_idle = |held: &mut Held| !held.leases.is_empty() && held.ended.is_empty();
            let waited = self.renewals.changed.wait_timeout_while(held, interval, is_idle);
            let (mut held, _) = waited.unwrap_or_else(PoisonError::into_inner);
            let ended = held.ended.clone();
            if held.leases.is_empty() && ended.is_empty() {
                held.is_running = false;
                return;
            }
            drop(held);
            self.renew_held();
            // Last, because a slow server must not delay the extensions.
            for (token, name) in &ended {
                // A lease that cannot be released expires.
                let _ = self.engine.release(name, token);
            }
            self.renewals.held().ended.retain(|one| !ended.contains(one));
        }
    }

    pub(super) fn renew_held(&self) {
        for (token, name) in self.renewals.due(self.settings.clock.now()) {
            // A lost lease is noticed before a token is sent, and an unreachable server may be back in time.
            let _ = self.engine.renew(&name, &token, self.settings.lease_life);
        }
    }
}

impl<E: Engine + 'static> Guard<E> {
    fn lost(&self) -> Error {
        let message = format!("the lease on profile \"{}\" expired while its holder was paused", self.profile);
        Error::new(ErrorKind::Locked, message)
    }

    /// Writes or removes the note. If another holder has written one meanwhile, the lease is lost.
    fn note(&mut self, note: Option<&Note>) -> Result<()> {
        let text = note.map(Note::to_text);
        let name = refresh_name(&self.profile);
        let after = self.core.put(&self.base, &name, text)?;
        self.base = after.ok_or_else(|| self.lost())?;
        self.is_noted = note.is_some();
        Ok(())
    }

    /// Removes a note that may have been written although the token was not sent. If that fails too, this process
    /// remembers that the note does not count.
    fn take_back(&mut self, old: Option<&Note>) {
        self.core.unsent().insert(self.profile.clone(), self.token.clone());
        let Ok(now) = self.core.read(&self.core.newest()) else { return };
        let written = now.notes.get(&refresh_name(&self.profile)).and_then(Note::read);
        if written.is_some_and(|note| note.is_by(&self.token)) {
            self.base = now;
            let _ = self.note(old);
            self.is_noted = false;
        }
    }
}

impl<E: Engine + 'static> LeaseGuard for Guard<E> {
    fn spending(&mut self, refresh: &Secret) -> Result<()> {
        let name = refresh_name(&self.profile);
        let old = self.base.notes.get(&name).and_then(Note::read);
        let old =
            old.and_then(|old| if self.core.is_unsent(&self.profile, &old) { old.without_last() } else { Some(old) });
        let note = Note::next(old.clone(), refresh, &self.token)?;
        let renewed = self.core.engine.renew(&self.name, &self.token, self.core.settings.lease_life);
        if !self.core.asked(renewed)? {
            return Err(self.lost());
        }
        if let Err(error) = self.note(Some(&note)) {
            if error.kind() != ErrorKind::Locked {
                self.take_back(old.as_ref());
            }
            return Err(error);
        }
        if note.is_orphan() {
            self.core.count_orphan(&self.profile);
        }
        Ok(())
    }

    fn ended(&mut self, refresh: &Secret, end: RefreshEnd) {
        if !self.is_noted {
            return;
        }
        // If that fails the note stays, and the next holder sends the token once more.
        let _ = match end {
            RefreshEnd::Denied => self.note(Some(&Note::denied(refresh))),
            _ => self.note(None),
        };
        self.is_noted = false;
    }
}

impl<E: Engine + 'static> Drop for Guard<E> {
    fn drop(&mut self) {
        self.core.renewals.end(&self.token);
        // A lease that cannot be released expires.
        let _ = self.core.engine.release(&self.name, &self.token);
    }
}

impl<E: Engine> Core<E> {
    fn unsent(&self) -> MutexGuard<'_, HashMap<ProfileId, String>> {
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns `true` if the last holder that a note counts was in this process and did not send the token.
    fn is_unsent(&self, profile: &ProfileId, note: &Note) -> bool {
        self.unsent().get(profile).is_some_and(|lease| note.is_by(lease))
    }

    fn count_orphan(&self, profile: &ProfileId) {
        self.lost.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        #[cfg(feature = "tracing")]
        tracing::warn!(%profile, "a refresh token was sent by a holder that died before it wrote the new one");
        #[cfg(not(feature = "tracing"))]
        let _ = profile;
    }
}
