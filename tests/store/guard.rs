//! The file store keeps away from an OpenClaw that has its credentials in databases. The databases here are empty
//! files, because they are only looked for.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop where it fails, and writes its own files"
)]
#![cfg(all(unix, feature = "file"))]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use provider_auth::{
    AuthProfileStore, AuthProfileStoreExt, Credential, ErrorKind, FileStore, Result, Secret, StateDir, Timestamp,
};

use crate::NAME;
use crate::support::{id, provider};

const OLD: &str = r#"{ "version": 1, "profiles": { "x:old": { "type": "api_key", "provider": "x", "key": "old" } } }"#;

fn put(store: &FileStore) -> Result<()> {
    store.upsert(&id("x:new"), &provider("x"), &Credential::api_key(Secret::new("made-up")), None)
}

fn agent(state: &Path) -> PathBuf {
    state.join("agents/main/agent")
}

/// Every file and directory below, and what is in the files.
fn tree(directory: &Path) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    let mut found = Vec::new();
    for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(tree(&path));
            found.push((path, None));
        } else {
            found.push((path.clone(), fs::read(path).ok()));
        }
    }
    found.sort();
    found
}

/// A state directory with a database at this place, and the database.
fn with_database(below: &str) -> (tempfile::TempDir, PathBuf) {
    let state = tempfile::tempdir().unwrap();
    let database = state.path().join(below);
    fs::create_dir_all(database.parent().unwrap()).unwrap();
    fs::write(&database, "").unwrap();
    (state, database)
}

const DATABASES: [&str; 2] = ["state/openclaw.sqlite", "agents/main/agent/openclaw-agent.sqlite"];

#[test]
fn no_file_is_made_beside_a_database() {
    for below in DATABASES {
        let (state, database) = with_database(below);
        let before = tree(state.path());
        let by_agent = FileStore::builder().agent(state.path(), "main").build().unwrap();
        for store in [by_agent, FileStore::new(agent(state.path()).join(NAME)).unwrap()] {
            let error = put(&store).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::WrongStore, "{below}");
            assert_eq!(error.location().unwrap().path.as_ref().unwrap(), &fs::canonicalize(&database).unwrap());
            assert!(error.help().contains("OpenClaw"), "{}", error.help());
            assert!(!error.is_transient() && !error.is_corrupt());
            assert!(store.load().unwrap().is_empty(), "a look is allowed");
        }
        assert_eq!(tree(state.path()), before, "no directory and no lock file either");
    }
}

#[test]
fn a_file_that_lies_there_is_read_and_not_written() {
    for below in DATABASES {
        let (state, _) = with_database(below);
        let file = agent(state.path()).join(NAME);
        fs::create_dir_all(agent(state.path())).unwrap();
        fs::write(&file, OLD).unwrap();
        let before = tree(state.path());
        let store = FileStore::builder().agent(state.path(), "main").build().unwrap();
        assert_eq!(store.load().unwrap().len(), 1);
        assert_eq!(put(&store).unwrap_err().kind(), ErrorKind::WrongStore);
        assert_eq!(store.remove(&id("x:old")).unwrap_err().kind(), ErrorKind::WrongStore);
        assert_eq!(tree(state.path()), before);
    }
}

#[test]
fn who_insists_may_write_it() {
    let (state, _) = with_database("state/openclaw.sqlite");
    let store = FileStore::builder().agent(state.path(), "main").beside_database(true).build().unwrap();
    put(&store).unwrap();
    assert_eq!(store.load().unwrap().len(), 1);
}

#[test]
fn links_and_other_places_of_an_agent_are_no_way_around() {
    let (state, _) = with_database("state/openclaw.sqlite");
    let refused = |store: &FileStore| assert_eq!(put(store).unwrap_err().kind(), ErrorKind::WrongStore);
    // A link from elsewhere to where the file would be.
    let elsewhere = tempfile::tempdir().unwrap();
    fs::create_dir_all(agent(state.path())).unwrap();
    fs::write(agent(state.path()).join(NAME), OLD).unwrap();
    symlink(agent(state.path()).join(NAME), elsewhere.path().join("mine.json")).unwrap();
    refused(&FileStore::new(elsewhere.path().join("mine.json")).unwrap());
    // A directory of the agent's own, outside the state directory.
    let own = elsewhere.path().join("own");
    let store = FileStore::builder().agent(state.path(), "main").agent_directory(&own).build().unwrap();
    assert_eq!(store.path(), own.join(NAME));
    refused(&store);
    assert!(!own.exists());
    // Its database can be a link, and that can lead nowhere at the moment.
    fs::create_dir_all(&own).unwrap();
    symlink("/nowhere/openclaw-agent.sqlite", own.join("openclaw-agent.sqlite")).unwrap();
    refused(&FileStore::new(own.join(NAME)).unwrap());
}

#[test]
fn files_that_openclaw_never_reads_are_no_concern_of_it() {
    let (state, _) = with_database("state/openclaw.sqlite");
    fs::write(state.path().join("openclaw-agent.sqlite"), "").unwrap();
    for below in ["mine.json", "other/auth-profiles.json", "agents/main/auth-profiles.json"] {
        put(&FileStore::new(state.path().join(below)).unwrap()).unwrap();
    }
    // A directory without databases, as OpenClaw had it until May 2026; a `state` of something else is no database.
    let old = tempfile::tempdir().unwrap();
    fs::create_dir_all(old.path().join("state")).unwrap();
    put(&FileStore::builder().agent(old.path(), "main").build().unwrap()).unwrap();
}

#[test]
fn a_database_that_appears_while_a_store_is_open_counts() {
    let state = tempfile::tempdir().unwrap();
    let store = FileStore::builder().agent(state.path(), "main").build().unwrap();
    put(&store).unwrap();
    fs::create_dir_all(state.path().join("state")).unwrap();
    // OpenClaw makes it while the update is at work.
    let refused = store.update(&mut |profiles| {
        fs::write(state.path().join("state/openclaw.sqlite"), "").unwrap();
        profiles.set_order(&provider("x"), &[id("x:new")])
    });
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::WrongStore);
    assert_eq!(store.load().unwrap().order(&provider("x")), None);
}

/// Everything that writes: an update, setting a file aside, and the lease of a refresh that could not be written.
fn refused(name: &str, state: &Path, store: &FileStore) {
    let before = tree(state);
    let now = Timestamp::from_millis(0);
    for (what, outcome) in [
        ("update", put(store)),
        ("quarantine", store.quarantine(now).map(drop)),
        ("lease", store.lease(&id("x:a"), Duration::ZERO).map(drop)),
    ] {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::WrongStore, "{name}: {what}");
        assert_eq!(tree(state), before, "{name}: {what} leaves no trace");
    }
}

#[test]
fn a_refusal_leaves_no_trace() {
    let at = |path: PathBuf| FileStore::new(path).unwrap();
    for below in DATABASES {
        let (state, _) = with_database(below);
        refused("agent", state.path(), &FileStore::builder().agent(state.path(), "main").build().unwrap());
        let (agents, home) = (state.path().join("agents"), agent(state.path()));
        for dots in ["x/../main/agent", "x/y/../../main/agent", "main/agent/../agent", "main/z/../agent"] {
            refused(dots, state.path(), &at(agents.join(dots).join(NAME)));
        }
        let elsewhere = tempfile::tempdir().unwrap();
        let link = elsewhere.path().join("mine.json");
        fs::create_dir_all(&home).unwrap();
        symlink(home.join(NAME), &link).unwrap();
        for text in [OLD, "{oops"] {
            fs::write(home.join(NAME), text).unwrap();
            refused("a link to the file", state.path(), &at(link.clone()));
            refused("the file", state.path(), &at(home.join(NAME)));
            assert_eq!(tree(elsewhere.path()).len(), 1);
        }
        symlink(&home, elsewhere.path().join("dir")).unwrap();
        refused("a link to the directory", state.path(), &at(elsewhere.path().join("dir").join(NAME)));
        symlink(&agents, elsewhere.path().join("all")).unwrap();
        fs::remove_file(home.join(NAME)).unwrap();
        refused("a link above", state.path(), &at(elsewhere.path().join("all/main/agent").join(NAME)));
    }
}

#[test]
fn an_update_inside_an_update_says_of_which_file() {
    let directory = tempfile::tempdir().unwrap();
    let store = FileStore::new(directory.path().join(NAME)).unwrap();
    let error = store.update(&mut |_| put(&store)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Reentrant);
    let path = fs::canonicalize(directory.path()).unwrap().join(NAME);
    assert_eq!(error.location().unwrap().path.as_ref(), Some(&path));
}

#[test]
fn a_database_is_no_file_of_credentials() {
    let (state, database) = with_database("state/openclaw.sqlite");
    fs::write(&database, "{oops").unwrap();
    for name in ["openclaw.sqlite", "openclaw.sqlite-wal", "openclaw.sqlite-shm", "OpenClaw.SQLite"] {
        for forced in [false, true] {
            let path = state.path().join("state").join(name);
            let error = FileStore::builder().path(&path).beside_database(forced).build().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::WrongStore, "{name}");
            assert_eq!(error.location().unwrap().path.as_ref(), Some(&path));
        }
    }
    // Nor behind a link, which can be made at any time.
    let link = state.path().join("mine.json");
    let store = FileStore::builder().path(&link).beside_database(true).build().unwrap();
    symlink(&database, &link).unwrap();
    assert_eq!(store.load().unwrap_err().kind(), ErrorKind::WrongStore);
    refused("a link to it", state.path(), &store);
    FileStore::new(state.path().join("sqlite.json")).unwrap();
}

#[test]
fn the_database_of_the_main_agent_is_everybodys() {
    let (state, database) = with_database("agents/main/agent/openclaw-agent.sqlite");
    let work = state.path().join("agents/work/agent");
    refused("by name", state.path(), &FileStore::builder().agent(state.path(), "work").build().unwrap());
    refused("by path", state.path(), &FileStore::new(work.join(NAME)).unwrap());
    let error = put(&FileStore::new(work.join(NAME)).unwrap()).unwrap_err();
    assert_eq!(error.location().unwrap().path.as_ref().unwrap(), &fs::canonicalize(database).unwrap());
    let found = StateDir::at(state.path()).with_environment(provider_auth::Environment::empty());
    assert!(found.layout("work").unwrap().has_database());
    #[cfg(not(feature = "sqlite"))]
    assert_eq!(found.store("work").unwrap_err().kind(), ErrorKind::WrongStore);
    #[cfg(feature = "sqlite")]
    assert!(matches!(found.store("work").unwrap(), provider_auth::state_dir::AgentStore::Sqlite(_)));
}
