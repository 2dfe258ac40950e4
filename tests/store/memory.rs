//! The memory store against the exported suite, directly and behind every kind of pointer.

use std::sync::Arc;

use provider_auth::store::conformance;
use provider_auth::{AuthProfileStore, MemoryStore};

#[test]
fn memory_store_keeps_the_contract() {
    conformance::check(MemoryStore::default).unwrap();
}

#[test]
fn so_does_it_behind_pointers() {
    conformance::check(|| Arc::new(MemoryStore::default()) as Arc<dyn AuthProfileStore>).unwrap();
    conformance::check(|| Box::new(MemoryStore::default()) as Box<dyn AuthProfileStore>).unwrap();
    let stores: Vec<MemoryStore> = (0..100).map(|_| MemoryStore::default()).collect();
    let next = std::cell::Cell::new(0);
    conformance::check(|| {
        next.set(next.get() + 1);
        &stores[next.get()]
    })
    .unwrap();
}
