//! Waiting for other writers, and not making them wait.

use std::time::Duration;

use provider_auth::store::SqliteStore;
use provider_auth::{AuthProfileStore, Credential, ErrorKind, ProviderId, Secret};
use serde_json::{Value, json};

use crate::layout::{State, agent_database, put_shared};
use crate::writing::{SHARED, both, id, put};

#[test]
fn another_writer_is_waited_for_and_not_for_ever() {
    let state = State::with_shared(SHARED);
    let other = state.connect("state/openclaw.sqlite");
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let patient =
        SqliteStore::builder().agent(state.path(), "main").lock_wait(Duration::from_millis(30)).build().unwrap();
    assert_eq!(patient.load().unwrap().len(), 2, "a reader does not wait");
    let error = put(&patient, "anthropic:b", "k").unwrap_err();
    assert!(error.is_locked(), "{error}");
    assert!(!error.help().is_empty());
    other.execute_batch("COMMIT").unwrap();
    put(&patient, "anthropic:b", "k").unwrap();
    let tireless = SqliteStore::builder().agent(state.path(), "main").lock_wait(Duration::MAX).build().unwrap();
    put(&tireless, "anthropic:c", "k").unwrap();
}

#[test]
fn the_shared_database_is_not_held_while_the_agents_is_waited_for() {
    let state = both();
    let other = state.connect(&agent_database("work"));
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| put(&state.store("work"), "anthropic:b", "k"));
        // OpenClaw waits for five seconds; this one is served again and again while the other waits.
        let shared = state.connect("state/openclaw.sqlite");
        shared.busy_timeout(Duration::from_secs(2)).unwrap();
        for turn in 0..20 {
            put_shared(&shared, "x.turn", &turn.to_string());
        }
        assert!(!waiting.is_finished());
        other.execute_batch("COMMIT").unwrap();
        waiting.join().unwrap().unwrap();
    });
    assert!(state.store("work").load().unwrap().get("anthropic:b").is_some());
}

#[test]
fn a_closure_that_is_really_slow_is_never_run_under_the_lock() {
    let state = both();
    let mut runs = 0;
    let store =
        SqliteStore::builder().agent(state.path(), "main").lock_wait(Duration::from_millis(300)).build().unwrap();
    let began = std::time::Instant::now();
    let outcome = store.update(&mut |profiles| {
        runs += 1;
        std::thread::sleep(Duration::from_millis(60));
        // Another program is faster each time, and is never kept waiting.
        let other = state.connect("state/openclaw.sqlite");
        other.busy_timeout(Duration::ZERO).unwrap();
        put_shared(&other, "authProfiles.store", &SHARED.replace("sk-shared", &format!("sk-{runs}")));
        profiles.upsert(&id("anthropic:b"), &ProviderId::anthropic(), &Credential::api_key(Secret::new("k")), None)
    });
    assert!(outcome.unwrap_err().is_locked());
    assert!(began.elapsed() < Duration::from_secs(2), "the wait ends: {:?} over {runs} runs", began.elapsed());
}

#[test]
fn a_closure_runs_without_the_lock_at_first() {
    let state = State::with_shared(SHARED);
    let store = state.store("main");
    let mut runs = 0;
    store
        .update(&mut |profiles| {
            runs += 1;
            // Another program writes while the closure runs: it is not kept waiting, and its change is not lost.
            if runs == 1 {
                let other = state.connect("state/openclaw.sqlite");
                other.busy_timeout(Duration::ZERO).unwrap();
                put_shared(
                    &other,
                    "authProfiles.store",
                    r#"{"version":1,"profiles":{"openai:new":{"type":"api_key","provider":"openai","key":"k"}}}"#,
                );
            }
            profiles.upsert(&id("anthropic:b"), &ProviderId::anthropic(), &Credential::api_key(Secret::new("k")), None)
        })
        .unwrap();
    assert_eq!(runs, 2);
    let stored: Value = serde_json::from_str(&state.shared_row("authProfiles.store").unwrap()).unwrap();
    let names: Vec<_> = stored["profiles"].as_object().unwrap().keys().collect();
    assert_eq!(json!(names), json!(["openai:new", "anthropic:b"]));
}

/// What a store left in a database is believed only until somebody else writes there.
#[test]
fn what_others_wrote_between_two_updates_is_there() {
    for (state, journal) in [(State::with_shared(SHARED), "wal"), (State::with_rollback_journal(SHARED), "delete")] {
        let store = state.store("main");
        let other = state.connect("state/openclaw.sqlite");
        for turn in 0..4 {
            put(&store, "anthropic:b", &format!("k-{turn}")).unwrap();
            let row = state.shared_row("authProfiles.store").unwrap();
            let (before, after) = (format!("sk-shared-{}", turn - 1), format!("sk-shared-{turn}"));
            let changed = if turn == 0 { row.replace("sk-shared", &after) } else { row.replace(&before, &after) };
            put_shared(&other, "authProfiles.store", &changed);
            if turn % 2 == 0 {
                let mut seen = None;
                let look = store.update(&mut |profiles| {
                    seen = profiles.get("openai:a").and_then(|profile| Some(profile.credential()?.secret().clone()));
                    Ok(())
                });
                assert!(look.is_ok());
                assert_eq!(seen, Some(Secret::new(after.clone())), "an update sees it: {journal}");
            }
            put(&store, "anthropic:c", &format!("k-{turn}")).unwrap();
            let stored: Value = serde_json::from_str(&state.shared_row("authProfiles.store").unwrap()).unwrap();
            assert_eq!(stored["profiles"]["openai:a"]["key"], json!(after), "and none undoes it: {journal}");
            assert_eq!(store.load().unwrap().to_json(), state.store("main").load().unwrap().to_json());
        }
    }
}

/// A rollback journal lets nobody read while another commits, and the connection that writes waits for it too.
#[test]
fn a_commit_of_another_is_waited_for_before_an_update_looks() {
    let state = State::with_rollback_journal(SHARED);
    let store = SqliteStore::builder().agent(state.path(), "main").lock_wait(Duration::from_secs(20)).build().unwrap();
    put(&store, "anthropic:b", "k").unwrap();
    let other = state.connect("state/openclaw.sqlite");
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| put(&store, "anthropic:c", "k"));
        std::thread::sleep(Duration::from_millis(300));
        assert!(!waiting.is_finished());
        other.execute_batch("COMMIT").unwrap();
        waiting.join().unwrap().unwrap();
    });
}

#[test]
fn stores_on_one_directory_exclude_each_other() {
    let state = both();
    let (main, work) = (state.store("main"), state.store("work"));
    let mut nested = None;
    main.update(&mut |_| {
        nested = Some(put(&work, "anthropic:b", "k"));
        Ok(())
    })
    .unwrap();
    assert_eq!(nested.unwrap().unwrap_err().kind(), ErrorKind::Reentrant);
    let lease = main.lease(&id("anthropic:default"), Duration::ZERO).unwrap();
    assert!(work.lease(&id("anthropic:default"), Duration::ZERO).unwrap_err().is_locked(), "one login, one lease");
    drop(lease);
    drop(work.lease(&id("anthropic:default"), Duration::ZERO).unwrap());
}

#[test]
fn a_lease_makes_nothing_where_there_is_no_database() {
    let state = State::empty();
    let error = state.store("main").lease(&id("anthropic:a"), Duration::ZERO).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoDatabase);
    assert_eq!(std::fs::read_dir(state.path()).unwrap().count(), 0);
}
