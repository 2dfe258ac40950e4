//! The paths of the files and who may read them: links, modes, unusual files at a path.
//!
//! Windows has no modes, pipes and devices, and lets only administrators create symbolic links: tests that need them are left
//! out there.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a test stops where something is wrong, and looks at files from outside"
)]

use std::fs;
#[cfg(unix)]
use std::fs::Permissions;
#[cfg(unix)]
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
#[cfg(unix)]
use std::path::PathBuf;
#[cfg(unix)]
use std::process::Command;
#[cfg(unix)]
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

#[cfg(unix)]
use provider_auth::error::DiagnosticCode;
#[cfg(unix)]
use provider_auth::store::StateFile;
use provider_auth::{
    AuthProfileStore, AuthProfileStoreExt, Config, Credential, ErrorKind, FileStore, ProfileId, ProviderId,
    ReadOptions, Secret, Timestamp,
};

use crate::NAME;

#[cfg(unix)]
const ONE: &str = r#"{"version":1,"profiles":{"x:one":{"type":"api_key","provider":"x","key":"k"}}}"#;

fn put(store: &FileStore, id: &str) -> provider_auth::Result<()> {
    let provider = ProviderId::new("x")?;
    store.upsert(&ProfileId::new(id)?, &provider, &Credential::api_key(Secret::new("k")), None)
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().mode() & 0o7777
}

fn write(path: &Path, text: impl AsRef<[u8]>) {
    fs::write(path, text).unwrap();
    #[cfg(unix)]
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

#[cfg(unix)]
#[test]
fn symbolic_links_are_followed_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().canonicalize().unwrap();
    let (here, there) = (home.join("here"), home.join("there"));
    fs::create_dir_all(here.join("deep")).unwrap();
    fs::create_dir_all(&there).unwrap();
    let target = there.join("real.json");
    let link = here.join(NAME);
    let chain = here.join("deep").join("chain.json");
    let through = home.join("through");
    symlink(&there, &through).unwrap();
    let cases: [(&str, &[(&Path, PathBuf)]); 5] = [
        ("absolute", &[(&link, target.clone())]),
        ("relative", &[(&link, "../there/real.json".into())]),
        ("chained", &[(&link, "deep/chain.json".into()), (&chain, "../../there/real.json".into())]),
        ("through a linked directory", &[(&link, through.join("real.json"))]),
        ("relative through a linked directory", &[(&link, "../through/real.json".into())]),
    ];
    for (name, links) in cases {
        write(&target, ONE);
        for (from, to) in links {
            symlink(to, from).unwrap();
        }
        let store = FileStore::new(&link).unwrap();
        assert_eq!(store.load().unwrap().len(), 1, "{name}");
        put(&store, "x:two").unwrap();
        for (from, to) in links {
            assert_eq!(fs::read_link(from).unwrap(), *to, "{name}");
            fs::remove_file(from).unwrap();
        }
        assert!(fs::read_to_string(&target).unwrap().contains("x:two"), "{name}");
        assert_eq!(mode(&target), 0o600);
        // Lock and temporary files stand beside the file itself, so that every way to it leads to the same.
        assert!(there.join(".real.json.provider-auth-lock").exists(), "{name}");
        let names: Vec<_> = fs::read_dir(&here).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["deep"], "{name}");
    }
}

#[cfg(unix)]
#[test]
fn links_that_lead_nowhere_or_in_a_circle_are_errors() {
    let directory = tempfile::tempdir().unwrap();
    let (link, other) = (directory.path().join(NAME), directory.path().join("other"));
    for target in ["gone.json", "gone/gone.json", "other"] {
        symlink(target, &link).unwrap();
        drop(symlink("gone.json", &other));
        let store = FileStore::new(&link).unwrap();
        assert_eq!(store.load().unwrap_err().kind(), ErrorKind::NotFound, "{target}");
        assert_eq!(put(&store, "x:one").unwrap_err().kind(), ErrorKind::NotFound, "{target}");
        assert_eq!(fs::read_link(&link).unwrap(), Path::new(target));
        assert!(!directory.path().join("gone.json").exists());
        fs::remove_file(&link).unwrap();
    }
    fs::remove_file(&other).unwrap();
    symlink("other", &link).unwrap();
    symlink(NAME, &other).unwrap();
    let store = FileStore::new(&link).unwrap();
    assert_eq!(store.load().unwrap_err().kind(), ErrorKind::Io);
    let error = put(&store, "x:one").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("loop"));
}

#[cfg(unix)]
#[test]
fn one_file_by_two_paths_is_one_store() {
    let directory = tempfile::tempdir().unwrap();
    let real = directory.path().join("real");
    fs::create_dir_all(&real).unwrap();
    symlink("real", directory.path().join("linked")).unwrap();
    write(&real.join(NAME), ONE);
    symlink("real/auth-profiles.json", directory.path().join("direct.json")).unwrap();
    let paths =
        ["real/auth-profiles.json", "linked/auth-profiles.json", "direct.json", "real/../linked/./auth-profiles.json"];
    let stores: Vec<FileStore> =
        paths.iter().map(|path| FileStore::new(directory.path().join(path)).unwrap()).collect();
    for outer in &stores {
        for inner in &stores {
            let mut nested = None;
            outer
                .update(&mut |_| {
                    nested = Some(put(inner, "x:nested"));
                    Ok(())
                })
                .unwrap();
            assert_eq!(nested.unwrap().unwrap_err().kind(), ErrorKind::Reentrant);
        }
    }
    std::thread::scope(|scope| {
        for (thread, store) in stores.iter().enumerate() {
            scope.spawn(move || {
                for number in 0..25 {
                    put(store, &format!("x:{thread}-{number}")).unwrap();
                }
            });
        }
    });
    for store in &stores {
        assert_eq!(store.load().unwrap().len(), 1 + 100);
    }
}

#[test]
fn waiting_inside_one_process_is_bounded_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(NAME);
    let slow = FileStore::new(&path).unwrap();
    let hasty = FileStore::builder().path(&path).lock_wait(Duration::from_millis(50)).build().unwrap();
    slow.update(&mut |_| {
        std::thread::scope(|scope| {
            let start = Instant::now();
            let error = scope.spawn(|| put(&hasty, "x:one").unwrap_err()).join().unwrap();
            assert_eq!(error.kind(), ErrorKind::Locked);
            assert!(start.elapsed() < Duration::from_secs(5));
            assert!(error.to_string().contains(NAME), "{error}");
        });
        Ok(())
    })
    .unwrap();
    put(&hasty, "x:one").unwrap();
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_an_error_and_no_hang() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = directory.path().join("fifo.json");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let socket = directory.path().join("socket.json");
    let _socket = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let device = directory.path().join("device.json");
    symlink("/dev/zero", &device).unwrap();
    for path in [&fifo, &socket, &device] {
        let before = path.metadata().unwrap();
        // Not where the lock would stand in a directory of the system.
        is_no_file(path, *path != device);
        let after = path.metadata().unwrap();
        assert_eq!((before.ino(), before.mode()), (after.ino(), after.mode()));
    }
    // The path of a store in a place that is a file.
    let store = FileStore::new(socket.join(NAME)).unwrap();
    assert!(store.load().is_err() && put(&store, "x:one").is_err());
}

fn is_no_file(path: &Path, is_written: bool) {
    let store = FileStore::new(path).unwrap();
    assert_eq!(store.load().unwrap_err().kind(), ErrorKind::NotAFile, "{}", path.display());
    if is_written {
        assert_eq!(put(&store, "x:one").unwrap_err().kind(), ErrorKind::NotAFile, "{}", path.display());
        assert_eq!(store.quarantine(Timestamp::from_millis(0)).unwrap_err().kind(), ErrorKind::NotAFile);
    }
}

#[test]
fn a_directory_is_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("folder.json");
    fs::create_dir_all(&folder).unwrap();
    is_no_file(&folder, true);
    assert!(folder.is_dir());
}

#[test]
fn size_has_a_limit_in_both_directions() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(NAME);
    let store = FileStore::new(&path).unwrap();
    // Sparse, so that the disk has nothing to do.
    fs::File::create(&path).unwrap().set_len(100 << 20).unwrap();
    let start = Instant::now();
    assert_eq!(store.load().unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(put(&store, "x:one").unwrap_err().kind(), ErrorKind::TooLarge);
    assert!(start.elapsed() < Duration::from_secs(1), "it was not read");
    assert_eq!(path.metadata().unwrap().len(), 100 << 20);

    fs::remove_file(&path).unwrap();
    let small = FileStore::builder().path(&path).max_bytes(200).build().unwrap();
    put(&small, "x:one").unwrap();
    let before = fs::read(&path).unwrap();
    let error = put(&small, "x:and-one-with-a-name-that-makes-it-longer-than-that").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(fs::read(&path).unwrap(), before);

    // A cap above the usual one is a cap like any other.
    let large = FileStore::builder().path(&path).max_bytes(64 << 20).build().unwrap();
    let filling = "x".repeat(17 << 20);
    write(&path, format!(r#"{{"profiles":{{}},"filling":"{filling}"}}"#));
    put(&large, "x:one").unwrap();
    assert_eq!(FileStore::builder().path(&path).max_bytes(64 << 20).build().unwrap().load().unwrap().len(), 1);
}

#[cfg(unix)]
#[test]
fn loose_permissions_are_reported_refused_when_strict_and_mended_by_a_write() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(NAME);
    for loose in [0o644, 0o640, 0o660, 0o606, 0o604] {
        write(&path, ONE);
        fs::set_permissions(&path, Permissions::from_mode(loose)).unwrap();
        let strict = FileStore::builder().path(&path).strict_permissions(true).build().unwrap();
        assert_eq!(strict.load().unwrap_err().kind(), ErrorKind::InsecurePermissions);
        assert_eq!(put(&strict, "x:two").unwrap_err().kind(), ErrorKind::InsecurePermissions);
        assert_eq!(fs::read_to_string(&path).unwrap(), ONE);

        let store = FileStore::new(&path).unwrap();
        let loaded = store.load().unwrap();
        let remark = &loaded.diagnostics()[0];
        assert_eq!(remark.code, DiagnosticCode::InsecurePermissions);
        assert!(remark.message.contains(&format!("{loose:04o}")), "{remark}");
        assert_eq!(remark.location.path.as_deref(), Some(store.path()));
        put(&store, "x:two").unwrap();
        assert_eq!(mode(&path), 0o600);
        assert!(store.load().unwrap().diagnostics().is_empty());
        assert!(strict.load().is_ok());
        // A change of mode alone is noticed.
        fs::set_permissions(&path, Permissions::from_mode(loose)).unwrap();
        assert_eq!(store.load().unwrap().diagnostics().len(), 1);
        assert!(strict.load().is_err());
    }
}

/// The child changes its umask, which belongs to the whole process.
#[cfg(unix)]
#[test]
fn nothing_is_open_to_others_even_for_a_moment() {
    const HOME: &str = "PROVIDER_AUTH_TEST_UMASK_HOME";
    if let Ok(home) = std::env::var(HOME) {
        watch_modes(Path::new(&home));
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new("sh")
        .args(["-c", "umask 0 && exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "paths::nothing_is_open_to_others_even_for_a_moment"])
        .env(HOME, directory.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[cfg(unix)]
fn watch_modes(home: &Path) {
    let state = home.join("state");
    let store = FileStore::builder().agent(&state, "main").state_file(StateFile::Separate).build().unwrap();
    let agent = store.path().parent().unwrap().to_owned();
    let ended = AtomicBool::new(false);
    let (mut seen, mut temporary) = (0, 0);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for number in 0..400 {
                put(&store, &format!("x:{}", number % 7)).unwrap();
                let order = [ProfileId::new(number.to_string()).unwrap()];
                store.transact(|profiles| profiles.set_order(&ProviderId::new("x").unwrap(), &order)).unwrap();
                drop(store.lease(&ProfileId::new(format!("x:{}", number % 7)).unwrap(), Duration::ZERO).unwrap());
            }
            ended.store(true, Ordering::SeqCst);
        });
        while !ended.load(Ordering::SeqCst) {
            for entry in fs::read_dir(&agent).into_iter().flatten().flatten() {
                let Ok(metadata) = entry.metadata() else { continue };
                let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
                assert_eq!(metadata.mode() & 0o7777, expected, "{}", entry.file_name().display());
                seen += 1;
                temporary += usize::from(entry.file_name().to_string_lossy().contains("-tmp-"));
            }
            assert!(!writer.is_finished() || ended.load(Ordering::SeqCst));
        }
    });
    assert!(seen > 100 && temporary > 0, "{seen} modes seen, {temporary} of temporary files");
    for made in ["state", "state/agents", "state/agents/main", "state/agents/main/agent"] {
        assert_eq!(mode(&home.join(made)), 0o700, "{made}");
    }
}

#[test]
fn an_agent_stays_in_the_state_directory() {
    let directory = tempfile::tempdir().unwrap();
    let build = |agent: &str| FileStore::builder().agent(directory.path(), agent).build();
    for bad in ["", ".", "..", "../main", "a/b", "a\\b", ".hidden", "a.", "a\0b", "a b", "a:b", "ä", "/etc", "~", "a\n"]
    {
        assert_eq!(build(bad).unwrap_err().kind(), ErrorKind::InvalidId, "{bad:?}");
    }
    assert_eq!(build(&"a".repeat(65)).unwrap_err().kind(), ErrorKind::InvalidId);
    for good in ["main", "Agent-7", "a_b", "v1.2", &"a".repeat(64)] {
        let store = build(good).unwrap();
        assert_eq!(store.path(), directory.path().join("agents").join(good).join("agent").join(NAME));
    }
    for none in ["", "/", "..", "a/.."] {
        assert_eq!(FileStore::new(none).unwrap_err().kind(), ErrorKind::NotAFile, "{none:?}");
    }
    assert_eq!(FileStore::builder().build().unwrap_err().kind(), ErrorKind::NotAFile);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "nothing is made before it is needed");
}

#[test]
fn an_agent_has_nothing_of_another() {
    let directory = tempfile::tempdir().unwrap();
    let open = |agent| FileStore::builder().agent(directory.path(), agent).build().unwrap();
    put(&open("main"), "x:one").unwrap();
    assert!(open("helper").load().unwrap().is_empty());
    put(&open("helper"), "x:own").unwrap();
    assert_eq!(open("main").load().unwrap().len(), 1);
    let copied =
        provider_auth::store::copy_profiles(&open("main"), &open("helper"), provider_auth::store::CopyScope::Static)
            .unwrap();
    assert_eq!(copied.len(), 1);
    assert_eq!(open("helper").load().unwrap().len(), 2);
}

#[test]
fn the_configuration_and_the_store_call_the_same_problem_by_the_same_kind() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::create_dir_all(path("directory")).unwrap();
    fs::write(path("latin"), b"\xef\xbb\xbf{\r\n  \"n\xc3\xa4me\": \"\xe4").unwrap();
    let problems =
        [("nowhere/below", ErrorKind::NotFound), ("directory", ErrorKind::NotAFile), ("latin", ErrorKind::Syntax)];
    #[cfg(unix)]
    let problems = {
        fs::write(path("locked"), "{}").unwrap();
        fs::set_permissions(path("locked"), Permissions::from_mode(0o000)).unwrap();
        symlink("nowhere", path("dangling")).unwrap();
        symlink("circle", path("circle")).unwrap();
        // Root may read everything; the table of kinds beside the mapping covers it then.
        let locked = fs::File::open(path("locked")).is_err().then_some(("locked", ErrorKind::PermissionDenied));
        let more = [("dangling", ErrorKind::NotFound), ("latin/below", ErrorKind::Io), ("circle", ErrorKind::Io)];
        problems.into_iter().chain(more).chain(locked)
    };
    for (name, kind) in problems {
        let config = Config::from_path(path(name), &ReadOptions::new()).unwrap_err();
        let Err(store) = FileStore::new(path(name)).unwrap().load() else {
            assert_eq!((name, config.kind()), ("nowhere/below", kind), "a store that is not there yet is empty");
            continue;
        };
        assert_eq!((config.kind(), store.kind()), (kind, kind), "{name}");
        assert_eq!(config.location(), store.location(), "{name}");
        if name == "latin" {
            let at = config.location().unwrap();
            assert_eq!((at.line, at.column), (Some(2), Some(12)));
        }
    }
}
