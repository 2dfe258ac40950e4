//! Fairness of the lock between processes that never pause.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops where something is wrong, and looks at clocks from outside"
)]

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use provider_auth::store::Durability;
use provider_auth::{AuthProfileStore, AuthProfileStoreExt, FileStore, ProfileId, ProviderId};

use crate::crowd::{nobody_waits_too_long, take_turns};

const FILE: &str = "PROVIDER_AUTH_TEST_CROWDED_FILE";
const WHAT: &str = "PROVIDER_AUTH_TEST_CROWDED";

/// As a test of its own it does nothing.
#[test]
fn child() {
    let Ok(what) = std::env::var(WHAT) else { return };
    let file = PathBuf::from(std::env::var(FILE).unwrap());
    let builder = FileStore::builder().path(file).durability(Durability::Relaxed);
    let store = builder.lock_wait(Duration::from_secs(120)).build().unwrap();
    let (anthropic, id) = (ProviderId::anthropic(), ProfileId::new("anthropic:a").unwrap());
    take_turns(|count| {
        let start = Instant::now();
        if what == "lease" {
            let lease = store.lease(&id, Duration::from_secs(120)).unwrap();
            let waited = start.elapsed();
            // As long as an update takes: beside a lease that lasts no time at all, a processor that is busy elsewhere is
            // what is waited for.
            std::thread::sleep(Duration::from_millis(1));
            drop(lease);
            return waited;
        }
        let change = |profiles: &mut provider_auth::AuthProfiles| {
            let waited = start.elapsed();
            profiles.set_order(&anthropic, &[ProfileId::new(format!("anthropic:{count}"))?])?;
            Ok(waited)
        };
        store.transact(change).unwrap()
    });
}

#[test]
fn nobody_waits_twenty_times_as_long_as_all_do() {
    for (what, in_gate) in [("update", 32), ("lease", 32)] {
        // In memory where that can be: a disk that others keep busy makes everybody wait.
        let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        nobody_waits_too_long(what, in_gate, || {
            let mut child = Command::new(std::env::current_exe().unwrap());
            child
                .args(["fairness::child", "--exact", "--nocapture", "--test-threads=1"])
                .env(WHAT, what)
                .env(FILE, directory.path().join("auth-profiles.json"));
            child
        });
    }
}
