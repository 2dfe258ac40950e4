//! The file of credentials stays out of the way of an OpenClaw that keeps credentials in databases. The databases here
//! are empty files, because they are only looked for.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop where it fails, and writes its own files"
)]
#![cfg(all(unix, feature = "file"))]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use provider_auth::{AuthProfileStore, AuthProfileStoreExt, Credential, ErrorKind, FileStore, Result, Secret};

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
