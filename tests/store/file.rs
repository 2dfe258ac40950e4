//! The file store against the exported suite, directly and behind pointers, with every setting.

#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use provider_auth::select::Receipt;
use provider_auth::store::{Durability, FileStoreBuilder, StateFile, conformance};
use provider_auth::{
    AuthProfileStore, AuthProfileStoreExt as _, Credential, ErrorKind, Failure, FailureReason, FileStore, ProfileId,
    ProfileSelector, ProviderId, RecordOutcome as _, Secret, Timestamp,
};
use tempfile::TempDir;

/// Gives a store in a directory of its own for every check, and keeps the directories as long as it lives.
struct Stores(RefCell<Vec<TempDir>>);

impl Stores {
    fn new() -> Self {
        Self(RefCell::default())
    }

    fn open(&self, set: impl Fn(FileStoreBuilder) -> FileStoreBuilder) -> FileStore {
        let directory = tempfile::tempdir().unwrap();
        // The suite is about exclusion, not about a machine that is slow or has other work to do.
        let builder = FileStore::builder().agent(directory.path(), "main").lock_wait(Duration::from_secs(300));
        let store = set(builder).build().unwrap();
        self.0.borrow_mut().push(directory);
        store
    }
}

#[test]
fn file_store_keeps_the_contract() {
    let stores = Stores::new();
    conformance::check(|| stores.open(|builder| builder)).unwrap();
}

#[test]
fn so_does_it_behind_pointers() {
    let stores = Stores::new();
    conformance::check(|| Arc::new(stores.open(|builder| builder)) as Arc<dyn AuthProfileStore>).unwrap();
}

#[test]
fn so_does_it_with_two_files() {
    let stores = Stores::new();
    conformance::check(|| stores.open(|builder| builder.state_file(StateFile::Separate))).unwrap();
}

#[test]
fn so_does_it_relaxed_strict_and_without_file_locks() {
    let stores = Stores::new();
    let set =
        |builder: FileStoreBuilder| builder.durability(Durability::Relaxed).strict_permissions(true).file_locks(false);
    conformance::check(|| stores.open(set)).unwrap();
}

#[test]
fn a_report_that_fails_leaves_the_receipt_open_and_a_repeated_one_changes_nothing() {
    let stores = Stores::new();
    for layout in [StateFile::default(), StateFile::Separate] {
        let (store, selector) = (stores.open(|builder| builder.state_file(layout)), ProfileSelector::default());
        let (id, provider) = (ProfileId::new("anthropic:one").unwrap(), ProviderId::anthropic());
        store.upsert(&id, &provider, &Credential::api_key(Secret::new("sk-1")), None).unwrap();
        let now = Timestamp::from_millis(1_000_000);
        let receipt = Receipt::new(id, provider, None, now);
        let report = || store.record_failure(&selector, &receipt, &Failure::new(FailureReason::Auth), now);
        // Inside an update the report cannot be written, so it must not count as made.
        let nested = store.transact(|_| Ok(report().unwrap_err().kind()));
        assert_eq!((nested.unwrap(), receipt.is_reported()), (ErrorKind::Reentrant, false));
        report().unwrap();
        report().unwrap();
        let loaded = store.load().unwrap();
        let count = loaded.usage("anthropic:one").map(|usage| usage.failure_count(FailureReason::Auth));
        assert_eq!(count, Some(1.0));
    }
}

#[test]
fn it_can_be_shared_sent_and_unwound_through() {
    fn check<T: Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe + 'static>() {}
    check::<FileStore>();
    check::<FileStoreBuilder>();
}
