//! The file store where something has come to its end: file handles, room and files of the disk, memory; and on a file that
//! is a mount point.
//!
//! A child process is this test binary run again with `child`, by a shell that lowers what it may have.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::unreachable,
    clippy::disallowed_methods,
    reason = "a test stops where something is wrong, says what it could not try, and looks at files from outside"
)]

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use provider_auth::{
    AuthProfileStore, AuthProfileStoreExt, Credential, Error, ErrorKind, FileStore, ProfileId, ProviderId, Secret,
};

const TASK: &str = "PROVIDER_AUTH_TEST_END";
const FILE: &str = "PROVIDER_AUTH_TEST_END_FILE";

fn set(store: &FileStore, key: &str) -> Result<(), Error> {
    let id = ProfileId::new("anthropic:a").unwrap();
    store.upsert(&id, &ProviderId::anthropic(), &Credential::api_key(Secret::new(key)), None).map(drop)
}

fn key(store: &FileStore) -> String {
    let document = store.load().unwrap();
    document.get("anthropic:a").unwrap().credential().unwrap().secret().expose().to_owned()
}

/// As a test of its own it does nothing.
#[test]
fn child() {
    let Ok(task) = std::env::var(TASK) else { return };
    let file = PathBuf::from(std::env::var(FILE).unwrap());
    let store = FileStore::builder().path(&file).lock_wait(Duration::from_secs(2)).build().unwrap();
    match task.as_str() {
        "handles" => {
            let mut taken = Vec::new();
            while let Ok(file) = File::open("/dev/null") {
                taken.push(file);
            }
            let lease = store.lease(&ProfileId::new("anthropic:a").unwrap(), Duration::ZERO);
            let refused = [store.load().map(drop), set(&store, "new"), lease.map(drop)].map(Result::unwrap_err);
            assert_eq!(refused.map(|error| error.kind()), [ErrorKind::Io; 3]);
            drop(taken);
            assert_eq!(key(&store), "old");
            set(&store, "new").unwrap();
        }
        "disk" => {
            assert_eq!(set(&store, &"x".repeat(64 << 10)).unwrap_err().kind(), ErrorKind::StorageFull);
            assert_eq!(key(&store), "old");
            set(&store, "new").unwrap();
        }
        "full" => {
            set(&store, "old").unwrap();
            let directory = file.parent().unwrap();
            for fill in [with_bytes, with_files] {
                let filler = directory.join("filler");
                fs::create_dir_all(&filler).unwrap();
                assert_eq!(fill(&filler).kind(), std::io::ErrorKind::StorageFull);
                assert_eq!(set(&store, &"x".repeat(8 << 10)).unwrap_err().kind(), ErrorKind::StorageFull);
                assert_eq!(key(&FileStore::new(&file).unwrap()), "old");
                assert_eq!(leftovers(directory), 0);
                fs::remove_dir_all(&filler).unwrap();
                set(&store, "new").unwrap();
                set(&store, "old").unwrap();
            }
        }
        "memory" => {
            let large = file.with_file_name("large.json");
            File::create(&large).unwrap().set_len(1 << 40).unwrap();
            let most = usize::MAX >> 1;
            let store = FileStore::builder().path(&large).max_bytes(most).build().unwrap();
            for refused in [store.load().map(drop).unwrap_err(), set(&store, "new").unwrap_err()] {
                assert_eq!(refused.kind(), ErrorKind::Io);
            }
            assert_eq!(large.metadata().unwrap().len(), 1 << 40);
        }
        "mount" => {
            let refused = set(&store, "new").unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Io);
            assert!(refused.to_string().contains("mount point"), "{refused}");
            assert!(refused.help().contains("directory of the file"), "{}", refused.help());
            assert_eq!(key(&store), "old");
        }
        other => unreachable!("{other}"),
    }
}

/// Fills what is left of a file system; gives the error of the last write.
fn with_bytes(directory: &Path) -> std::io::Error {
    let mut file = File::create(directory.join("all")).unwrap();
    loop {
        if let Err(error) = file.write_all(&[0; 512]) {
            return error;
        }
    }
}

/// Takes every file that a file system has.
fn with_files(directory: &Path) -> std::io::Error {
    (0..).find_map(|number| File::create(directory.join(format!("{number}"))).err()).unwrap()
}

/// Runs a task under a shell that prepares it; `false` if this machine does not allow that.
fn run(task: &str, prepared: &str) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("auth-profiles.json");
    set(&FileStore::new(&file).unwrap(), "old").unwrap();
    let ran = Command::new("sh")
        .args(["-c", &format!("{prepared} || exit 99; exec \"$@\""), "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["ends::child", "--exact", "--nocapture", "--test-threads=1"])
        .env(TASK, task)
        .env(FILE, &file)
        .output()
        .unwrap();
    if ran.status.code() == Some(99) {
        return false;
    }
    let said = [ran.stdout, ran.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(ran.status.success(), "{task}: {said}");
    assert_eq!(leftovers(directory.path()), 0);
    true
}

fn leftovers(directory: &Path) -> usize {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().contains("-tmp-")).count()
}

#[test]
fn without_file_handles_every_call_is_refused_and_nothing_is_lost() {
    assert!(run("handles", "ulimit -n 30"));
}

#[test]
fn without_room_on_the_disk_the_old_file_stays() {
    // What a file may not grow beyond; the signal that says so would end the program.
    assert!(run("disk", "trap '' XFSZ && ulimit -f 32"));
}

#[test]
fn without_memory_for_a_file_it_is_refused() {
    assert!(run("memory", "ulimit -v 2000000"));
}

#[test]
fn a_file_that_is_a_mount_point_is_refused_with_what_to_do() {
    mounted("mount", "mount --bind \"$0\" \"$0\"");
}

#[test]
fn a_disk_that_is_full_or_has_no_file_left_keeps_the_old_file() {
    mounted("full", "mount -t tmpfs -o size=64k,nr_inodes=24 tmpfs \"${0%/*}\"");
}

/// Runs a task in a namespace of mounts of its own, where this user may have one, after a mount on the file that is `$0`.
fn mounted(task: &str, mount: &str) {
    let prepared = format!("exec unshare -m sh -c '{mount} || exit 99; exec \"$@\"' \"${FILE}\" \"$@\"");
    let may = Command::new("unshare").args(["-m", "true"]).status().is_ok_and(|status| status.success());
    if !may || !run(task, &prepared) {
        eprintln!("skipped: this user may not mount");
    }
}
