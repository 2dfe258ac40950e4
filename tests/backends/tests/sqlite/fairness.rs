//! Whether everybody may write whose processes never pause.

use std::process::Command;
use std::time::{Duration, Instant};

use provider_auth::store::SqliteStore;
use provider_auth::{AuthProfileStoreExt as _, AuthProfiles, ProviderId};

use crate::crowd::{nobody_waits_too_long, take_turns};
use crate::layout::State;
use crate::writing::id;

const DIRECTORY: &str = "PROVIDER_AUTH_TEST_CROWDED_DIRECTORY";

/// As a test of its own it does nothing.
#[test]
fn child() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let store = SqliteStore::builder().agent(directory, "main").lock_wait(Duration::from_secs(120)).build().unwrap();
    take_turns(|count| {
        let start = Instant::now();
        let change = |profiles: &mut AuthProfiles| {
            profiles.set_order(&ProviderId::anthropic(), &[id(&format!("anthropic:{count}"))])
        };
        store.transact(change).unwrap();
        // Where the wait ends is SQLite's own: its commit is counted too.
        start.elapsed()
    });
}

#[test]
fn nobody_waits_twenty_times_as_long_as_all_do() {
    let state = State::new();
    nobody_waits_too_long("SQLite", 12, || {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["fairness::child", "--exact", "--nocapture", "--test-threads=1"]).env(DIRECTORY, state.path());
        child
    });
}
