//! A model of losing power: whatever was not synced may be lost, in every combination, at every moment.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::disk::Disk;
use super::super::system::System as _;
use super::super::{Durability, FileStore, FileStoreBuilder, StateFile};
use super::double::{Double, Operation};
use crate::clock::Timestamp;
use crate::credential::Credential;
use crate::id::{ProfileId, ProviderId};
use crate::profile::AuthProfiles;
use crate::secret::Secret;
use crate::store::{AuthProfileStore, AuthProfileStoreExt};

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A change of a directory.
enum Entry {
    Link(PathBuf, usize),
    Rename(PathBuf, PathBuf),
    Unlink(PathBuf),
}

#[derive(Default)]
struct Content {
    bytes: Vec<u8>,
    synced: bool,
}

/// Every state in which the disk may be found if the power goes after these operations.
fn states(before: &Files, done: &[Operation]) -> Vec<Files> {
    let mut contents: Vec<Content> = Vec::new();
    let mut open: BTreeMap<&Path, usize> = BTreeMap::new();
    let mut entries: Vec<(PathBuf, Entry, bool)> = Vec::new();
    let directory = |path: &Path| path.parent().unwrap().to_owned();
    for operation in done {
        match operation {
            Operation::Create(path) => {
                contents.push(Content::default());
                open.insert(path, contents.len() - 1);
                entries.push((directory(path), Entry::Link(path.clone(), contents.len() - 1), false));
            }
            Operation::Write(path, bytes) => {
                let content = &mut contents[open[path.as_path()]];
                content.bytes.extend(bytes);
                content.synced = false;
            }
            Operation::Sync(path) => contents[open[path.as_path()]].synced = true,
            Operation::Rename(from, to) => {
                entries.push((directory(to), Entry::Rename(from.clone(), to.clone()), false));
            }
            Operation::Remove(path) => entries.push((directory(path), Entry::Unlink(path.clone()), false)),
            Operation::SyncDirectory(path) => {
                entries.iter_mut().filter(|entry| entry.0 == *path).for_each(|entry| entry.2 = true);
            }
            Operation::MakeDirectories(_) | Operation::MakePrivate(_) | Operation::OpenLock(_) => {}
        }
    }
    let loose: Vec<usize> = (0..entries.len()).filter(|index| !entries[*index].2).collect();
    let unsynced: Vec<usize> = (0..contents.len()).filter(|index| !contents[*index].synced).collect();
    assert!(loose.len() < 8 && unsynced.len() < 4, "too many states to look at");
    let mut states = Vec::new();
    for kept in 0..1_usize << loose.len() {
        for fates in 0..4_usize.pow(u32::try_from(unsynced.len()).unwrap()) {
            let bytes = |index: usize| {
                let bytes = &contents[index].bytes;
                let fate = unsynced.iter().position(|other| *other == index).map(|place| (fates >> (2 * place)) & 3);
                match fate {
                    None | Some(0) => bytes.clone(),
                    Some(1) => Vec::new(),
                    Some(2) => bytes[..bytes.len() / 2].to_vec(),
                    Some(_) => vec![0; bytes.len()],
                }
            };
            let mut files = before.clone();
            for (index, (_, entry, _)) in entries.iter().enumerate() {
                if loose.iter().position(|other| *other == index).is_some_and(|bit| kept & (1 << bit) == 0) {
                    continue;
                }
                match entry {
                    Entry::Link(path, content) => {
                        files.insert(path.clone(), bytes(*content));
                    }
                    Entry::Rename(from, to) => {
                        if let Some(moved) = files.remove(from) {
                            files.insert(to.clone(), moved);
                        } else if let Some(index) = open.get(from.as_path()) {
                            // The link of the old name was lost, the rename was not.
                            files.insert(to.clone(), bytes(*index));
                        }
                    }
                    Entry::Unlink(path) => {
                        files.remove(path);
                    }
                }
            }
            if !states.contains(&files) {
                states.push(files);
            }
        }
    }
    states
}

const NAME: &str = "auth-profiles.json";
const OLD: &str =
    r#"{"version":1,"profiles":{"x:old":{"type":"api_key","provider":"x","key":"one"}},"order":{"x":["x:old"]}}"#;

fn x() -> ProviderId {
    ProviderId::new("x").unwrap()
}

fn id(name: &str) -> ProfileId {
    ProfileId::new(name).unwrap()
}

fn set_key(store: &FileStore, key: &str) {
    store.upsert(&id("x:old"), &x(), &Credential::api_key(Secret::new(key)), None).unwrap();
}

fn key_of(profiles: &AuthProfiles) -> String {
    profiles.get("x:old").unwrap().credential().unwrap().secret().expose().to_owned()
}

/// Runs something on recorded files, and looks at every state a loss of power may leave at every moment.
fn lose_power(
    files: &[(&str, &str)],
    set: impl Fn(FileStoreBuilder) -> FileStoreBuilder,
    run: impl FnOnce(&FileStore),
    look: impl Fn(&FileStore, usize, usize),
) {
    let home = tempfile::tempdir().unwrap();
    let home = Disk.canonical(home.path()).unwrap();
    let mut before = Files::new();
    for (name, text) in files {
        fs::write(home.join(name), text).unwrap();
        before.insert(home.join(name), text.as_bytes().to_vec());
    }
    let double = Double::default();
    run(&set(FileStore::builder().path(home.join(NAME))).build_on(Arc::new(double.clone())).unwrap());
    let done = double.done();
    let mut looked = 0;
    for moment in 0..=done.len() {
        for state in states(&before, &done[..moment]) {
            let after = tempfile::tempdir().unwrap();
            for (path, bytes) in state {
                fs::write(after.path().join(path.strip_prefix(&home).unwrap()), bytes).unwrap();
            }
            let store = set(FileStore::builder().path(after.path().join(NAME))).build().unwrap();
            look(&store, moment, done.len());
            looked += 1;
        }
    }
    assert!(looked > done.len(), "{looked} states of {} operations", done.len());
}

#[test]
fn power_loss_leaves_the_old_or_the_new_document() {
    lose_power(
        &[(NAME, OLD)],
        |builder| builder,
        |store| {
            set_key(store, "two");
            set_key(store, "three");
        },
        |store, moment, end| {
            let key = key_of(&store.load().unwrap());
            assert!(["one", "two", "three"].contains(&key.as_str()));
            assert!(moment < end || key == "three", "what an update has returned is durable");
            set_key(store, "four");
            assert_eq!(key_of(&store.load().unwrap()), "four", "the store goes on");
        },
    );
}

#[test]
fn a_first_document_is_there_or_not() {
    lose_power(
        &[],
        |builder| builder,
        |store| set_key(store, "one"),
        |store, moment, end| {
            let loaded = store.load().unwrap();
            assert!(loaded.is_empty() || key_of(&loaded) == "one");
            assert!(moment < end || !loaded.is_empty());
        },
    );
}

#[test]
fn with_two_files_each_is_old_or_new_and_state_is_never_nowhere() {
    lose_power(
        &[(NAME, OLD)],
        |builder| builder.state_file(StateFile::Separate),
        |store| {
            // Moves the order out of the file of credentials.
            set_key(store, "two");
            store.transact(|profiles| profiles.set_order(&x(), &[id("x:old"), id("x:new")])).unwrap();
            set_key(store, "three");
        },
        |store, moment, end| {
            let loaded = store.load().unwrap();
            assert!(["one", "two", "three"].contains(&key_of(&loaded).as_str()));
            let order = loaded.order(&x()).unwrap();
            assert!(order == [id("x:old")] || order == [id("x:old"), id("x:new")]);
            assert!(moment < end || (key_of(&loaded) == "three" && order.len() == 2));
        },
    );
}

#[test]
fn an_older_file_goes_only_when_the_new_one_is_durable() {
    lose_power(
        &[("auth.json", r#"{"x":{"type":"api_key","key":"one"}}"#)],
        |builder| builder,
        |store| {
            store.update(&mut |_| Ok(())).unwrap();
        },
        |store, _, _| {
            let loaded = store.load().unwrap();
            let profile = loaded.get("x:default").unwrap();
            assert_eq!(profile.credential().unwrap().secret().expose(), "one");
        },
    );
}

/// Changes nothing but statistics.
fn succeed(store: &FileStore, now: f64) {
    let used = |profiles: &mut AuthProfiles| {
        let usage = profiles.usage("x:old").cloned().unwrap_or_default();
        profiles.set_usage(&id("x:old"), usage.edited(|edit| edit.number("lastUsed", now)))
    };
    store.transact(used).unwrap();
}

#[test]
fn relaxed_statistics_may_be_older_and_credentials_are_never_touched() {
    lose_power(
        &[(NAME, OLD)],
        |builder| builder.durability(Durability::Relaxed),
        |store| {
            succeed(store, 1_000.0);
            set_key(store, "two");
            succeed(store, 2_000.0);
        },
        |store, moment, end| {
            let loaded = store.load().unwrap();
            assert!(["one", "two"].contains(&key_of(&loaded).as_str()));
            assert!(moment < end || key_of(&loaded) == "two", "credentials are durable");
        },
    );
    lose_power(
        &[(NAME, r#"{"profiles":{"x:old":{"type":"api_key","provider":"x","key":"one"}}}"#), ("auth-state.json", "{}")],
        |builder| builder.durability(Durability::Relaxed),
        |store| succeed(store, 1_000.0),
        |store, _, _| {
            // An unsynced state file may be damaged, and says so; it is set aside, and nothing else is.
            if let Err(error) = store.load() {
                assert!(error.is_corrupt());
                assert_eq!(error.location().unwrap().path.as_deref(), Some(store.state_path()));
                let aside = store.quarantine(Timestamp::from_millis(0)).unwrap();
                assert_eq!(aside.len(), 1);
            }
            assert_eq!(key_of(&store.load().unwrap()), "one");
        },
    );
}
