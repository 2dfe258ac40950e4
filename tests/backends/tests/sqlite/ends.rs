//! A database on a disk that is full: a small file system in memory, in a namespace of mounts of its own.
//!
//! A child process is this test binary run again with `child`.

use std::fs::{File, remove_file};
use std::io::{ErrorKind as Io, Write as _};
use std::process::Command;

use provider_auth::{AuthProfileStore as _, ErrorKind};

use crate::layout::State;
use crate::writing::{SHARED, put};

const FULL: &str = "PROVIDER_AUTH_TEST_FULL_DISK";

/// As a test of its own it does nothing.
#[test]
fn child() {
    if std::env::var_os(FULL).is_none() {
        return;
    }
    let state = State::with_shared(SHARED);
    let store = state.store("main");
    put(&store, "anthropic:b", "old").unwrap();
    let filler = state.path().join("filler");
    let mut file = File::create(&filler).unwrap();
    let full = std::iter::repeat_with(|| file.write_all(&[0; 512])).find_map(Result::err).unwrap();
    assert_eq!(full.kind(), Io::StorageFull);
    assert_eq!(put(&store, "anthropic:b", &"x".repeat(64 << 10)).unwrap_err().kind(), ErrorKind::StorageFull);
    for store in [&store, &state.store("main")] {
        let kept = store.load().unwrap();
        assert_eq!(kept.get("anthropic:b").unwrap().credential().unwrap().secret().expose(), "old");
    }
    drop(file);
    remove_file(&filler).unwrap();
    put(&store, "anthropic:b", &"x".repeat(64 << 10)).unwrap();
}

#[test]
fn a_full_disk_keeps_the_old_rows() {
    let directory = tempfile::tempdir().unwrap();
    let mount = r#"mount -t tmpfs -o size=1m tmpfs "$0" || exit 99; TMPDIR="$0" exec "$@""#;
    let ran = Command::new("unshare")
        .args(["-m", "sh", "-c", mount])
        .arg(directory.path())
        .arg(std::env::current_exe().unwrap())
        .args(["ends::child", "--exact", "--nocapture", "--test-threads=1"])
        .env(FULL, "1")
        .output();
    let said = |ran: &std::process::Output| {
        [&ran.stdout, &ran.stderr].map(|text| String::from_utf8_lossy(text).into_owned()).concat()
    };
    match ran {
        Ok(ran) if ran.status.success() => assert!(said(&ran).contains("1 passed"), "{}", said(&ran)),
        Ok(ran) if ran.status.code() == Some(101) => panic!("{}", said(&ran)),
        _ => eprintln!("skipped: this user may not mount"),
    }
}
