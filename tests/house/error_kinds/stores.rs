//! Errors about stores, files and the disk that they are on.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use provider_auth::store::shared::{MemoryEngine, Settings, SharedStore};
use provider_auth::{
    AuthProfileStore, AuthProfileStoreExt, AuthProfiles, Credential, Error, ErrorKind, FileStore, MemoryStore, Result,
    Rotator, Secret, StateDir,
};

use super::local::stored;
use crate::support::{id, provider};

/// Tells a child of this test which store it is about.
const STORE: &str = "PROVIDER_AUTH_TEST_STORE";

/// A backend that never runs the closure.
#[derive(Debug, Default)]
pub(crate) struct Idle(MemoryStore);

impl AuthProfileStore for Idle {
    fn load(&self) -> Result<Arc<AuthProfiles>> {
        self.0.load()
    }

    fn update(&self, _change: &mut dyn FnMut(&mut AuthProfiles) -> Result<()>) -> Result<Arc<AuthProfiles>> {
        self.0.load()
    }
}

fn put(store: &FileStore, key: &str) -> Result<()> {
    store.upsert(&id("anthropic:a"), &provider("anthropic"), &Credential::api_key(Secret::new(key)), None)
}

fn away() -> Error {
    let engine = MemoryEngine::default();
    engine.cut(true);
    SharedStore::new(engine, Settings::default()).load().unwrap_err()
}

pub(crate) fn stores() -> Vec<Error> {
    let store = MemoryStore::new(stored());
    let mut nested = None;
    store
        .update(&mut |_| {
            nested = Some(store.update(&mut |_| Ok(())).unwrap_err());
            Ok(())
        })
        .unwrap();
    vec![
        nested.unwrap(),
        store.update(&mut |_| Err(Error::new(ErrorKind::UpdateFailed, "the closure refused"))).unwrap_err(),
        Idle::default().transact(|_| Ok(())).unwrap_err(),
        away(),
        Rotator::builder(Arc::new(MemoryStore::default()))
            .client(|| reqwest::Client::builder().user_agent("no\nheader"))
            .build()
            .unwrap_err(),
    ]
}

pub(crate) fn files() -> Vec<Error> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("auth-profiles.json");
    let file = FileStore::new(&path).unwrap();
    put(&file, "sk-ant-a").unwrap();
    let _held = file.lease(&id("anthropic:a"), Duration::ZERO).unwrap();
    vec![
        file.lease(&id("anthropic:a"), Duration::ZERO).unwrap_err(),
        FileStore::new(directory.path().join("n".repeat(300))).and_then(|store| put(&store, "sk-ant-a")).unwrap_err(),
        forbidden_anywhere(),
        open_to_others(&path),
        full_disk(&path),
        beside_a_database(),
        no_database(),
    ]
}

/// A database is looked for and never opened, so that an empty file stands for one.
fn beside_a_database() -> Error {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("openclaw-agent.sqlite"), "").unwrap();
    FileStore::new(directory.path().join("auth-profiles.json")).and_then(|store| put(&store, "sk-ant-a")).unwrap_err()
}

fn no_database() -> Error {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(directory.path().join("state")).unwrap();
    StateDir::at(directory.path()).store("main").unwrap_err()
}

/// What a store says where its lock file may not be made.
pub(crate) const FORBIDDEN_SAYS: &str = "the lock file cannot be opened";

/// Directories in which nobody makes files on most machines, the administrator included.
const SYSTEM: [&str; 2] = ["/sys", "/System"];

/// What the first of these directories says that lets nobody make files. Not every machine has one: a container may
/// have none of the system's, and permissions bind no administrator. What is said then is looked up by the test.
pub(crate) fn forbidden(directories: &[&Path]) -> Error {
    let refused = directories.iter().filter(|directory| directory.is_dir()).find_map(|directory| {
        // Its own name, so that whatever the store could make after all is found and taken away again.
        let name = format!("provider-auth-test-{}.json", std::process::id());
        let outcome = FileStore::new(directory.join(&name)).and_then(|store| put(&store, "sk-ant-a"));
        let left = directory.read_dir().into_iter().flatten().flatten();
        for made in left.filter(|entry| entry.file_name().to_string_lossy().contains(&name)) {
            let _ = std::fs::remove_file(made.path());
        }
        outcome.err().filter(|error| error.kind() == ErrorKind::PermissionDenied)
    });
    refused.unwrap_or_else(|| Error::new(ErrorKind::PermissionDenied, FORBIDDEN_SAYS))
}

/// The same, in a directory that this test made unwritable as well.
fn forbidden_anywhere() -> Error {
    let ours = tempfile::tempdir().unwrap();
    std::fs::set_permissions(ours.path(), Permissions::from_mode(0o555)).unwrap();
    let directories = SYSTEM.iter().map(Path::new).chain([ours.path()]);
    forbidden(&directories.collect::<Vec<_>>())
}

fn open_to_others(path: &Path) -> Error {
    std::fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
    FileStore::builder().path(path).strict_permissions(true).build().unwrap().load().unwrap_err()
}

/// What a process reports that may not write a byte more to any file, which is as near to a full disk as a test comes
/// without rights of its own.
fn full_disk(path: &Path) -> Error {
    let before = std::fs::read(path).unwrap();
    let output = Command::new("sh")
        .args(["-c", r#"trap "" XFSZ && ulimit -f 0 && exec "$0" "$@""#])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "error_kinds::child_on_a_full_disk"])
        .env(STORE, path)
        .output()
        .unwrap();
    assert_eq!(std::fs::read(path).unwrap(), before, "the old file was touched");
    let text = String::from_utf8(output.stdout).unwrap();
    let report = text.lines().find_map(|line| line.split_once("refused: "));
    let (kind, message) = report.unwrap().1.split_once(' ').unwrap();
    Error::new(ErrorKind::all().find(|known| format!("{known:?}") == kind).unwrap(), message).with_path(path)
}

pub(crate) fn on_a_full_disk() {
    let Ok(path) = std::env::var(STORE) else { return };
    let error = put(&FileStore::new(path).unwrap(), "sk-ant-b").unwrap_err();
    println!("refused: {:?} {}", error.kind(), super::message(&error));
}
