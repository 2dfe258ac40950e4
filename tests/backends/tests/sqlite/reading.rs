//! The profiles that an agent sees: its own rows before the shared ones.

use provider_auth::profile::UsageStats;
use provider_auth::{
    AuthProfileStore, AuthProfiles, ErrorKind, ProfileId, ProfileSelector, ProviderId, Query, Timestamp,
};

use crate::layout::{State, agent_database, put_agent, put_shared};

const SHARED: &str = r#"{"version":1,"profiles":{"anthropic:default":{"type":"api_key","provider":"anthropic","key":"sk-ant-shared"},"openai:a":{"type":"api_key","provider":"openai","key":"sk-shared"}}}"#;
const OWN: &str = r#"{"version":1,"profiles":{"anthropic:own":{"type":"api_key","provider":"anthropic","key":"sk-ant-own"},"anthropic:default":{"type":"api_key","provider":"anthropic","key":"sk-ant-mine"}}}"#;

fn ids(profiles: &AuthProfiles) -> Vec<&str> {
    profiles.iter().map(|(id, _)| id.as_str()).collect()
}

fn key<'a>(profiles: &'a AuthProfiles, id: &str) -> &'a str {
    profiles.get(id).unwrap().credential().unwrap().secret().expose()
}

fn anthropic(profiles: &AuthProfiles) -> Vec<&str> {
    profiles.order(&ProviderId::anthropic()).unwrap().iter().map(ProfileId::as_str).collect()
}

#[test]
fn own_profiles_come_first_and_hide_shared_ones_of_their_id() {
    let state = State::with_shared(SHARED).agent("work", Some(OWN), None);
    let work = state.store("work").load().unwrap();
    assert_eq!(ids(&work), ["anthropic:own", "anthropic:default", "openai:a"]);
    assert_eq!(key(&work, "anthropic:default"), "sk-ant-mine");
    assert_eq!(key(&work, "openai:a"), "sk-shared");
    let main = state.store("main").load().unwrap();
    assert_eq!(ids(&main), ["anthropic:default", "openai:a"]);
    assert_eq!(key(&main, "anthropic:default"), "sk-ant-shared");
    // An agent without a database of its own sees the shared profiles alone.
    assert_eq!(ids(&state.store("other").load().unwrap()), ids(&main));
}

#[test]
fn an_error_about_a_missing_key_names_the_database_that_was_read() {
    let state = State::with_shared(SHARED).agent("work", Some(OWN), None);
    let now = Timestamp::from_millis(1_700_000_000_000);
    for (agent, own) in [("work", true), ("other", false)] {
        let (store, query) = (state.store(agent), Query::new(&ProviderId::new("groq").unwrap()));
        let refusal = ProfileSelector::default().resolve(&store.load().unwrap(), None, &query, now).unwrap_err();
        let path = if own { store.agent_path() } else { store.shared_path() };
        assert_eq!(refusal.location().unwrap().path.as_deref(), Some(path), "{refusal}");
    }
}

#[test]
fn order_and_statistics_count_entry_by_entry() {
    let state = State::with_shared(SHARED)
        .shared_state(
            r#"{"version":1,"order":{"anthropic":["anthropic:default"],"openai":["openai:a"]},"lastGood":{"openai":"openai:a"},"usageStats":{"anthropic:default":{"lastUsed":5},"openai:a":{"lastUsed":6}}}"#,
        )
        .agent("work", Some(OWN), Some(r#"{"version":1,"order":{"anthropic":["anthropic:own"]},"usageStats":{"anthropic:default":{"lastUsed":7}}}"#));
    let work = state.store("work").load().unwrap();
    assert_eq!(anthropic(&work), ["anthropic:own"]);
    assert_eq!(work.order(&ProviderId::new("openai").unwrap()).unwrap().len(), 1);
    let used = |id| work.usage(id).and_then(UsageStats::last_used);
    assert_eq!(used("anthropic:default"), Some(Timestamp::from_millis(7)));
    assert_eq!(used("openai:a"), Some(Timestamp::from_millis(6)));
}

#[test]
fn a_state_without_a_store_beside_it_does_not_count() {
    let state = State::with_shared(SHARED).agent("main", None, Some(r#"{"version":1,"order":{"anthropic":[]}}"#));
    assert_eq!(state.store("main").load().unwrap().order(&ProviderId::anthropic()), None);
    put_agent(&state.connect(&agent_database("main")), Some(r#"{"version":1,"profiles":{}}"#), None);
    assert!(anthropic(&state.store("main").load().unwrap()).is_empty());
}

#[test]
fn without_the_marker_the_database_of_main_is_shared() {
    let state = State::empty().agent("main", Some(SHARED), None).agent("work", Some(OWN), None);
    assert_eq!(ids(&state.store("main").load().unwrap()), ["anthropic:default", "openai:a"]);
    assert_eq!(ids(&state.store("work").load().unwrap()), ["anthropic:own", "anthropic:default", "openai:a"]);
    let error =
        provider_auth::AuthProfileStoreExt::remove(&state.store("work"), &"openai:a".parse().unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InheritedProfile);
    assert!(error.to_string().contains("the agent main"), "{error}");
}

#[test]
fn the_tables_of_july_are_read() {
    let state = State::of_july(SHARED, Some(r#"{"version":1,"order":{"anthropic":["anthropic:default"]}}"#));
    let main = state.store("main").load().unwrap();
    assert_eq!((ids(&main).len(), anthropic(&main)), (2, vec!["anthropic:default"]));
}

#[test]
fn a_change_by_another_program_is_seen_by_the_next_load() {
    let state = State::with_shared(SHARED);
    let (main, work) = (state.store("main"), state.store("work"));
    assert_eq!((main.load().unwrap().len(), work.load().unwrap().len()), (2, 2));
    put_shared(&state.connect("state/openclaw.sqlite"), "authProfiles.store", r#"{"version":1,"profiles":{}}"#);
    assert_eq!((main.load().unwrap().len(), work.load().unwrap().len()), (0, 0));
    // A database that appears later counts from then on.
    let state = state.agent("work", Some(OWN), None);
    assert_eq!((main.load().unwrap().len(), work.load().unwrap().len()), (0, 2));
    // Windows removes no database that is open.
    if cfg!(unix) {
        std::fs::remove_file(state.path().join(agent_database("work"))).unwrap();
        assert_eq!(work.load().unwrap().len(), 0);
    }
}

#[test]
fn a_change_of_other_tables_makes_nothing_anew() {
    let state = State::with_shared(SHARED).agent("work", Some(OWN), None);
    let store = state.store("work");
    let before = store.load().unwrap();
    state.connect("state/openclaw.sqlite").execute("INSERT INTO others (text) VALUES ('x')", []).unwrap();
    assert!(std::sync::Arc::ptr_eq(&before, &store.load().unwrap()));
}

#[test]
fn reading_leaves_databases_and_logs_as_they_are() {
    let state = State::with_shared(SHARED).agent("work", Some(OWN), None);
    // A program that was killed leaves its newest rows in the log.
    let writer = state.connect("state/openclaw.sqlite");
    writer.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
    put_shared(&writer, "authProfiles.state", r#"{"version":1,"order":{"openai":["openai:a"]}}"#);
    drop(writer);
    let before = state.files();
    assert!(before.iter().any(|(path, _)| path.to_string_lossy().ends_with("-wal")), "the log is there");
    for agent in ["main", "work"] {
        let store = state.store(agent);
        let loaded = store.load().unwrap();
        assert!(loaded.order(&ProviderId::new("openai").unwrap()).is_some());
        drop(store);
    }
    assert_eq!(state.files(), before);
}

#[test]
fn what_cannot_be_understood_is_an_error_with_its_place_and_is_never_written() {
    for (text, kind) in [
        ("", ErrorKind::Syntax),
        ("[]", ErrorKind::Corrupt),
        (r#"{"version":1}"#, ErrorKind::Corrupt),
        (r#"{"version":1,"profiles":{"a":1,"a":2}}"#, ErrorKind::DuplicateKey),
    ] {
        let state = State::with_shared(text);
        let store = state.store("main");
        let error = store.load().unwrap_err();
        assert_eq!(error.kind(), kind, "{text}");
        assert!(error.location().unwrap().path.as_ref().unwrap().ends_with("state/openclaw.sqlite"));
        assert!(
            store
                .update(&mut |profiles| {
                    profiles.replace(AuthProfiles::new());
                    Ok(())
                })
                .is_err()
        );
        assert_eq!(state.shared_row("authProfiles.store").as_deref(), Some(text));
    }
    let state = State::empty();
    std::fs::create_dir_all(state.path().join("state")).unwrap();
    std::fs::write(state.path().join("state/openclaw.sqlite"), vec![b'x'; 5000]).unwrap();
    let error = state.store("main").load().unwrap_err();
    assert_eq!((error.kind(), error.is_corrupt()), (ErrorKind::Corrupt, true));
}

#[test]
fn a_newer_schema_is_refused_and_an_older_one_only_read() {
    for (version, readable) in [(19, false), (18, true), (17, true), (0, true)] {
        let state = State::with_shared(SHARED);
        state.connect("state/openclaw.sqlite").pragma_update(None, "user_version", version).unwrap();
        let store = state.store("main");
        assert_eq!(store.load().is_ok(), readable, "{version}");
        let before = state.rows("state/openclaw.sqlite");
        let written = provider_auth::AuthProfileStoreExt::remove(&store, &"openai:a".parse().unwrap());
        if version == 18 {
            written.unwrap();
            continue;
        }
        let error = written.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnsupportedVersion, "{version}");
        assert!(!error.help().is_empty());
        assert_eq!(state.rows("state/openclaw.sqlite"), before);
    }
    let state = State::with_shared(SHARED).agent("work", Some(OWN), None);
    state.connect(&agent_database("work")).pragma_update(None, "user_version", 24).unwrap();
    assert_eq!(state.store("work").load().unwrap_err().kind(), ErrorKind::UnsupportedVersion);
    assert!(state.store("main").load().is_ok());
}

#[test]
fn a_directory_without_databases_is_empty_and_cannot_be_written() {
    let state = State::empty();
    let store = state.store("main");
    assert!(store.load().unwrap().is_empty());
    let error = crate::writing::put(&store, "anthropic:a", "sk-ant-a").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoDatabase);
    assert!(error.help().contains("openclaw"), "{}", error.help());
    assert_eq!(state.files(), []);
    // Where an old file waits, OpenClaw would refuse to make one: that comes first.
    state.write("agents/main/agent/auth-profiles.json", r#"{"version":1,"profiles":{}}"#);
    let error = crate::writing::put(&store, "anthropic:a", "sk-ant-a").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MigrationPending);
}

#[test]
fn a_transaction_that_a_killed_program_left_is_rolled_back() {
    let state = State::with_rollback_journal(SHARED);
    let writer = state.connect("state/openclaw.sqlite");
    // So few pages in memory that the change is in the file before it is committed.
    writer.execute_batch("PRAGMA cache_size = 1; BEGIN IMMEDIATE").unwrap();
    put_shared(&writer, "authProfiles.store", r#"{"version":1,"profiles":{}}"#);
    for number in 0..500 {
        put_shared(&writer, &format!("x.{number}"), &"y".repeat(2000));
    }
    // What a killed program leaves behind.
    let left = State::empty();
    let directory = left.path().join("state");
    std::fs::create_dir_all(&directory).unwrap();
    for name in ["openclaw.sqlite", "openclaw.sqlite-journal"] {
        std::fs::copy(state.path().join("state").join(name), directory.join(name)).unwrap();
    }
    let profiles = left.store("main").load().unwrap();
    assert_eq!(ids(&profiles), ["anthropic:default", "openai:a"]);
    assert!(!directory.join("openclaw.sqlite-journal").exists());
}

// Windows has no modes.
#[cfg(unix)]
#[test]
fn a_database_that_is_open_to_others_is_reported() {
    let state = State::with_shared(SHARED);
    let path = state.path().join("state/openclaw.sqlite");
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let profiles = state.store("main").load().unwrap();
    let [remark] = profiles.diagnostics() else { panic!("one remark: {:?}", profiles.diagnostics()) };
    assert_eq!(remark.location.path.as_deref(), Some(&*path));
    assert_eq!(remark.help.as_deref(), Some("remove them with `chmod 600`"), "no write of ours does it");
}

#[test]
fn the_marker_is_believed_only_as_openclaw_writes_it() {
    let main = r#"{"version":1,"profiles":{"anthropic:main":{"type":"api_key","provider":"anthropic","key":"k"}}}"#;
    for (marker, seen) in [
        (Some(r#"{"location":"state-db"}"#), Some("anthropic:default")),
        (Some(r#"{"location":"legacy-main"}"#), Some("anthropic:main")),
        (None, Some("anthropic:main")),
        (Some(r#"{"location":"state-db","x":1}"#), None),
        (Some(r#"{"location":"elsewhere"}"#), None),
        (Some(r#""state-db""#), None),
        (Some("null"), None),
        (Some("{oops"), None),
        (Some(""), None),
    ] {
        let state = State::with_shared(SHARED).agent("main", Some(main), None);
        let shared = state.connect("state/openclaw.sqlite");
        match marker {
            Some(marker) => put_shared(&shared, "auth.sharedStore", marker),
            None => drop(shared.execute("DELETE FROM config_machine_state WHERE state_key = 'auth.sharedStore'", [])),
        }
        let work = state.store("work");
        match (work.load(), seen) {
            (Ok(profiles), Some(seen)) => assert_eq!(ids(&profiles).first(), Some(&seen), "{marker:?}"),
            (Err(error), None) => {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{marker:?}");
                assert!(error.help().contains("openclaw doctor --fix"));
                assert!(crate::writing::put(&state.store("main"), "anthropic:a", "k").is_err());
            }
            (read, _) => panic!("{marker:?}: {read:?}"),
        }
    }
}

#[test]
fn after_an_error_nothing_old_is_given() {
    let state = State::with_shared(SHARED).agent("work", Some(OWN), None);
    let store = state.store("work");
    assert_eq!(store.load().unwrap().len(), 3);
    let shared = state.connect("state/openclaw.sqlite");
    put_shared(&shared, "authProfiles.store", "{oops");
    for _ in 0..3 {
        assert_eq!(store.load().unwrap_err().kind(), ErrorKind::Syntax);
    }
    put_shared(&shared, "authProfiles.store", r#"{"version":1,"profiles":{}}"#);
    let own = state.connect(&agent_database("work"));
    put_agent(&own, Some("{oops"), None);
    assert!(store.load().is_err(), "the shared rows have changed and the agent's cannot be read");
    put_agent(&own, Some(OWN), None);
    assert_eq!(ids(&store.load().unwrap()), ["anthropic:own", "anthropic:default"]);
}

// On Windows it takes a right that users do not have to make a link.
#[cfg(unix)]
#[test]
fn links_lead_to_one_database_and_one_that_leads_nowhere_is_an_error() {
    use std::os::unix::fs::symlink;
    // The directory of work is a link to that of main, whose database is the shared one.
    let state = State::empty().agent("main", Some(SHARED), None);
    symlink(state.path().join("agents/main"), state.path().join("agents/work")).unwrap();
    let work = state.store("work");
    crate::writing::put(&work, "anthropic:b", "k").unwrap();
    assert_eq!(work.load().unwrap().len(), 3);
    // A whole state directory behind a link, and an agent's directory that is named without it.
    let state = State::with_shared(SHARED).agent("main", Some(OWN), None);
    let linked = tempfile::tempdir().unwrap();
    symlink(state.path(), linked.path().join("link")).unwrap();
    let builder = || provider_auth::store::SqliteStore::builder().agent(linked.path().join("link"), "main");
    let store = builder().agent_directory(state.path().join("agents/main/agent")).build().unwrap();
    crate::writing::put(&store, "anthropic:b", "k").unwrap();
    let mut nested = None;
    let direct = state.store("main");
    store
        .update(&mut |_| {
            nested = Some(direct.update(&mut |_| Ok(())));
            Ok(())
        })
        .unwrap();
    assert_eq!(nested.unwrap().unwrap_err().kind(), ErrorKind::Reentrant);

    let state = State::empty().agent("main", Some(SHARED), None);
    std::fs::create_dir_all(state.path().join("state")).unwrap();
    symlink("/no/such/disk/openclaw.sqlite", state.path().join("state/openclaw.sqlite")).unwrap();
    assert_eq!(state.store("main").load().unwrap_err().kind(), ErrorKind::NotFound);
    assert!(crate::writing::put(&state.store("main"), "anthropic:b", "k").is_err());
}

#[test]
fn threads_that_load_wait_no_longer_than_they_may() {
    let state = State::with_rollback_journal(SHARED);
    let wait = std::time::Duration::from_millis(300);
    let builder = provider_auth::store::SqliteStore::builder().agent(state.path(), "main").lock_wait(wait);
    let store = builder.build().unwrap();
    // Without a write-ahead log a commit in progress keeps readers out.
    let other = state.connect("state/openclaw.sqlite");
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let began = std::time::Instant::now();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(|| store.load())).collect();
        for thread in threads {
            assert!(thread.join().unwrap().unwrap_err().is_locked());
        }
    });
    // One after the other they would take six times as long.
    assert!(began.elapsed() < wait * 5, "{:?}", began.elapsed());
}
