//! The exclusive right to refresh one profile's credential.

use std::any::Any;
use std::collections::HashSet;
use std::fmt;
use std::sync::{Condvar, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result, Shown};
use crate::id::ProfileId;

/// The exclusive right to refresh one profile's credential; given back when it is dropped.
#[must_use = "the lease ends when it is dropped"]
pub struct Lease(#[expect(dead_code, reason = "it is held for what its drop does")] Box<dyn Any + Send>);

impl Lease {
    /// A lease that lasts as long as a backend's own guard.
    pub fn new(guard: impl Any + Send) -> Self {
        Self(Box::new(guard))
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
    leases: Mutex<HashSet<(usize, ProfileId)>>,
    released: Condvar,
}

static HELD: LazyLock<Held> = LazyLock::new(Held::default);

struct Guard((usize, ProfileId));

impl Drop for Guard {
    fn drop(&mut self) {
        HELD.leases.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
        HELD.released.notify_all();
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
    let key = (store, profile.clone());
    let leases = HELD.leases.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = HELD.released.wait_timeout_while(leases, wait, |leases| leases.contains(&key));
    let (mut leases, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
    if timeout.timed_out() {
        let message = format!(
            "the lease on profile {:?} was held by another for all of {} ms",
            Shown::new(profile.as_str()),
            wait.as_millis()
        );
        return Err(Error::new(ErrorKind::Locked, message));
    }
    leases.insert(key.clone());
    Ok(Lease::new(Guard(key)))
}
