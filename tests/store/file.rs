//! The file store against the exported suite, directly and behind pointers, in every setting.

#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use std::cell::RefCell;
use std::sync::Arc;

use provider_auth::store::{Durability, FileStoreBuilder, StateFile, conformance};
use provider_auth::{AuthProfileStore, FileStore};
use tempfile::TempDir;

/// Gives a store in a directory of its own for every check, and keeps the directories as long as it lives.
struct Stores(RefCell<Vec<TempDir>>);

impl Stores {
    fn new() -> Self {
        Self(RefCell::default())
    }

    fn open(&self, set: impl Fn(FileStoreBuilder) -> FileStoreBuilder) -> FileStore {
        let directory = tempfile::tempdir().unwrap();
        let store = set(FileStore::builder().agent(directory.path(), "main")).build().unwrap();
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
fn it_can_be_shared_sent_and_unwound_through() {
    fn check<T: Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe + 'static>() {}
    check::<FileStore>();
    check::<FileStoreBuilder>();
}
