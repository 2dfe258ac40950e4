//! Unique texts, and random pauses.

use std::hash::{BuildHasher as _, DefaultHasher, Hash as _, Hasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// Creates unique texts: versions of values and tokens of leases.
#[derive(Debug)]
pub(super) struct Stamps {
    prefix: String,
    last: AtomicU64,
}

impl Stamps {
    pub(super) fn new() -> Self {
        Self { prefix: format!("{:016x}{:016x}", random(), random()), last: AtomicU64::new(0) }
    }

    pub(super) fn next(&self) -> String {
        format!("{}-{:x}", self.prefix, self.last.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns a time below `most` that differs between processes, and is always the same for one name.
    pub(super) fn share(&self, name: &str, most: Duration) -> Duration {
        let mut hasher = DefaultHasher::new();
        (&self.prefix, name).hash(&mut hasher);
        Duration::from_millis(hasher.finish() % u64::try_from(most.as_millis()).unwrap_or(u64::MAX).max(1))
    }
}

/// Returns a number that differs between processes and calls. It is not secret.
fn random() -> u64 {
    RandomState::new().hash_one(thread::current().id())
}

/// Returns a random time below `most`.
pub(super) fn jitter(most: Duration) -> Duration {
    let most = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX).max(1);
    Duration::from_nanos(random() % most)
}

#[expect(clippy::disallowed_methods, reason = "others are left time to commit, and to give a lease back")]
pub(super) fn pause(time: Duration) {
    thread::sleep(time);
}
