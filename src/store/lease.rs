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

/// The exclusive right to refresh one profile's credential, released on drop.
#[must_use = "the lease ends when it is dropped"]
pub struct Lease(Box<dyn LeaseGuard>);

/// A backend's side of a lease, for stores whose leases can end before they are dropped.
///
/// The methods may ask a server and are called where blocking is allowed. If dropping the guard is enough, use
/// [`Lease::new`] instead.
pub trait LeaseGuard: Send {
    /// Records that a refresh token is about to be sent, and verifies that the lease is still held. The default
    /// implementation does nothing.
    ///
    /// # Errors
    ///
    /// [`Locked`](crate::ErrorKind::Locked) if the lease is lost; [`RefreshDenied`](crate::ErrorKind::RefreshDenied) if
    /// this token is known to be no longer accepted. The token is then not sent.
    fn spending(&mut self, refresh_token: &Secret) -> Result<()> {
        let _ = refresh_token;
        Ok(())
    }

    /// Releases the lease; unlike a drop, this may wait for a server. It is the last call before the drop, but is not
    /// always made. The default implementation does nothing, and the drop ends the lease.
    fn release(&mut self) {}

    /// Records the outcome of the refresh. It is not called if the outcome is unknown. The default implementation does
    /// nothing.
    fn ended(&mut self, refresh_token: &Secret, end: RefreshEnd) {
        let _ = (refresh_token, end);
    }
}

/// The outcome of sending a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshEnd {
    /// The new credential is in the store.
    Written,
    /// The endpoint no longer accepts the token.
    Denied,
    /// The request failed in another way, or timed out.
    Failed,
}

/// A backend's guard that is only dropped.
struct Kept(#[expect(dead_code, reason = "it is held for what its drop does")] Box<dyn Any + Send>);

impl LeaseGuard for Kept {}

impl Lease {
    /// Creates a lease that ends when the backend's guard is dropped.
    pub fn new(guard: impl Any + Send) -> Self {
        Self(Box::new(Kept(Box::new(guard))))
    }

    /// Creates a lease that can end before it is dropped.
    pub fn guarded(guard: impl LeaseGuard + 'static) -> Self {
        Self(Box::new(guard))
    }

    pub(crate) fn spending(&mut self, refresh_token: &Secret) -> Result<()> {
        self.0.spending(refresh_token)
    }

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
    /// For each lease its holder, then those that wait, in order of arrival.
    leases: Mutex<HashMap<(usize, ProfileId), VecDeque<u64>>>,
    released: Condvar,
}

impl Held {
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

/// A position in the queue of a lease; the first one holds it.
struct Place((usize, ProfileId), u64);

impl Drop for Place {
    fn drop(&mut self) {
        HELD.leave(&self.0, self.1);
    }
}

/// Acquires a lease that excludes only this process, for stores on one file.
#[cfg(feature = "file")]
pub(super) fn in_process_of(path: &std::path::Path, profile: &ProfileId, wait: Duration) -> Result<Lease> {
    use std::hash::{Hash as _, Hasher as _};

    let mut hasher = siphasher::sip::SipHasher24::new();
    path.hash(&mut hasher);
    #[expect(clippy::cast_possible_truncation, reason = "half a hash is a hash")]
    let store = hasher.finish() as usize;
    in_process(store, profile, wait)
}

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
    // On a timeout the guard's drop leaves the queue, which needs the lock.
    drop(leases);
    if timeout.timed_out() {
        let message = format!(
            "the lease on profile {:?} was held by someone else for {} ms",
            Shown::new(profile.as_str()),
            wait.as_millis()
        );
        return Err(Error::new(ErrorKind::Locked, message));
    }
    Ok(Lease::new(guard))
}
