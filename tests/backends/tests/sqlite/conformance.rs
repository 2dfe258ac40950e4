//! The contract of every store, on a shared owner and on an agent's own database.

use std::cell::RefCell;

use provider_auth::store::conformance;

use crate::layout::State;

#[test]
fn the_default_agent_keeps_the_contract_in_the_shared_store() {
    // The directories live until the suite is through.
    let states = RefCell::new(Vec::new());
    conformance::check(|| {
        let state = State::new();
        let store = state.store("main");
        states.borrow_mut().push(state);
        store
    })
    .unwrap();
}

#[test]
fn the_default_agent_keeps_the_contract_beside_a_database_of_its_own() {
    let states = RefCell::new(Vec::new());
    conformance::check(|| {
        let state = State::new().agent("main", None, None);
        let store = state.store("main");
        states.borrow_mut().push(state);
        store
    })
    .unwrap();
}

#[test]
fn another_agent_keeps_the_contract_in_its_own_database() {
    let states = RefCell::new(Vec::new());
    conformance::check(|| {
        let state = State::new().agent("work", None, None);
        let store = state.store("work");
        states.borrow_mut().push(state);
        store
    })
    .unwrap();
}

#[test]
fn a_database_without_a_write_ahead_log_keeps_the_contract() {
    let states = RefCell::new(Vec::new());
    conformance::check(|| {
        let state = State::with_rollback_journal(r#"{"version":1,"profiles":{}}"#);
        let store = state.store("main");
        states.borrow_mut().push(state);
        store
    })
    .unwrap();
}
