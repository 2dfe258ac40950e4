//! The exclusive right to refresh one profile's credential.

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result, Shown};
use crate::id::ProfileId;
use crate::profile::TrialGuard;
use crate::secret::Secret;

/// The exclusive right to refresh one profile's credential; given back when it is dropped.
#[must_use = "the lease ends when it is dropped"]
pub struct Lease(Box<dyn LeaseGuard>);

/// What a store knows of a lease that it has given, for stores whose leases can end before they are dropped.
///
/// Calls may ask a server, and are made where that may be waited for. A guard whose drop ends the lease needs no more than
/// that: see [`Lease::new`].
pub trait LeaseGuard: Send {
    /// Notes that a refresh token is about to be sent, and makes sure that the lease is still held. Provided: nothing is
    /// done.
    ///
    /// # Errors
    ///
    /// [`Locked`](crate::ErrorKind::Locked) if it is not; [`RefreshDenied`](crate::ErrorKind::RefreshDenied) if this very token
    /// is known to be finished. It is not sent then.
    fn spending(&mut self, refresh_token: &Secret) -> Result<()> {
        let _ = refresh_token;
        Ok(())
    }

    /// Gives the lease back, which may wait for a server where a drop may not. It is the last call before the drop, and not
    /// always made. Provided: nothing is done, and the drop ends the lease.
    fn release(&mut self) {}

    /// Notes what came of that. It is not called where nobody knows. Provided: nothing is done.
    fn ended(&mut self, refresh_token: &Secret, end: RefreshEnd) {
        let _ = (refresh_token, end);
    }
}

/// What came of a refresh token that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshEnd {
    /// What it was spent for is in the store.
    Written,
    /// The endpoint does not accept it any more.
    Denied,
    /// The request failed in another way, or was not answered in time.
    Failed,
}

/// A backend's own guard, held for what its drop does.
struct Kept(#[expect(dead_code, reason = "it is held for what its drop does")] Box<dyn Any + Send>);

impl LeaseGuard for Kept {}

impl Lease {
    /// A lease that lasts as long as a backend's own guard.
    pub fn new(guard: impl Any + Send) -> Self {
        Self(Box::new(Kept(Box::new(guard))))
    }

    /// A lease that can end before it is dropped.
    pub fn guarded(guard: impl LeaseGuard + 'static) -> Self {
        Self(Box::new(guard))
    }

    /// As [`LeaseGuard::spending`].
    pub(crate) fn spending(&mut self, refresh_token: &Secret) -> Result<()> {
        self.0.spending(refresh_token)
    }

    /// As [`LeaseGuard::ended`].
    pub(crate) fn ended(&mut self, refresh_token: &Secret, end: RefreshEnd) {
        self.0.ended(refresh_token, end);
    }
}

impl TrialGuard for Lease {
    fn release(mut self: Box<Self>) {
        self.0.release();
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lease")
    }
}

/// The leases held in this process, by the address of the store and the profile.
#[derive(Default)]
struct Held {
    /// For each lease who holds it, and who waits behind, in the order in which they came.
    leases: Mutex<HashMap<(usize, ProfileId), VecDeque<u64>>>,
    released: Condvar,
}

impl Held {
    /// Takes somebody out of the line for a lease.
    fn leave(&self, key: &(usize, ProfileId), number: u64) {
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = leases.get_mut(key) {
            line.retain(|waiting| *waiting != number);
            if line.is_empty() {
                leases.remove(key);
            }
        }
        drop(leases);
        self.released.notify_all();
    }
}

static HELD: LazyLock<Held> = LazyLock::new(Held::default);

/// A place in the line for a lease; the first one holds it.
struct Place((usize, ProfileId), u64);

impl Drop for Place {
    fn drop(&mut self) {
        HELD.leave(&self.0, self.1);
    }
}

/// A lease that excludes other threads of this process only, for stores on one file.
#[cfg(feature = "file")]
pub(super) fn in_process_of(path: &std::path::Path, profile: &ProfileId, wait: Duration) -> Result<Lease> {
    use std::hash::{Hash as _, Hasher as _};

    let mut hasher = siphasher::sip::SipHasher24::new();
    path.hash(&mut hasher);
    #[expect(clippy::cast_possible_truncation, reason = "half a hash is a hash")]
    let store = hasher.finish() as usize;
    in_process(store, profile, wait)
}

/// A lease that excludes other threads of this process only.
pub(super) fn in_process(store: usize, profile: &ProfileId, wait: Duration) -> Result<Lease> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let mut leases = HELD.leases.lock().unwrap_or_else(PoisonError::into_inner);
    leases.entry((store, profile.clone())).or_default().push_back(number);
    let guard = Place((store, profile.clone()), number);
    let waited = HELD.released.wait_timeout_while(leases, wait, |leases| {
        leases.get(&guard.0).and_then(VecDeque::front).is_some_and(|first| *first != number)
    });
    let (leases, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
    // Who gives up leaves the line, which needs the lock.
    drop(leases);
    if timeout.timed_out() {
        let message = format!(
            "the lease on profile {:?} was held by another for all of {} ms",
            Shown::new(profile.as_str()),
            wait.as_millis()
        );
        return Err(Error::new(ErrorKind::Locked, message));
    }
    Ok(Lease::new(guard))
}
