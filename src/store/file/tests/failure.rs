//! A disk that fails: at every step, in every way. A test that runs as root cannot be refused anything by modes, so the
//! refusals are made here.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::super::{FileStore, FileStoreBuilder, StateFile};
use super::double::{Double, Locks, Operation};
use crate::clock::Timestamp;
use crate::credential::Credential;
use crate::error::ErrorKind;
use crate::id::{ProfileId, ProviderId};
use crate::secret::Secret;
use crate::store::{AuthProfileStore, AuthProfileStoreExt};

const NAME: &str = "auth-profiles.json";
const OLD: &str = r#"{"profiles":{"x:a":{"type":"api_key","provider":"x","key":"one"}},"order":{"x":["x:a"]}}"#;

fn change(store: &FileStore) -> crate::Result<()> {
    store.transact(|profiles| {
        let x = ProviderId::new("x")?;
        let id = ProfileId::new("x:a")?;
        profiles.upsert(&id, &x, &Credential::api_key(Secret::new("two")), None)?;
        profiles.set_order(&x, &[id, ProfileId::new("x:b")?])
    })
}

fn leftovers(directory: &Path) -> usize {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().contains("-tmp-")).count()
}

const FAILURES: [(io::ErrorKind, ErrorKind); 4] = [
    (io::ErrorKind::StorageFull, ErrorKind::StorageFull),
    (io::ErrorKind::PermissionDenied, ErrorKind::PermissionDenied),
    (io::ErrorKind::ReadOnlyFilesystem, ErrorKind::PermissionDenied),
    (io::ErrorKind::Other, ErrorKind::Io),
];

/// Fails every operation of a change in turn and gives how many there were.
fn fail_each(set: impl Fn(FileStoreBuilder) -> FileStoreBuilder, kind: io::ErrorKind, typed: ErrorKind) -> usize {
    for at in 0.. {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(NAME);
        fs::write(&path, OLD).unwrap();
        let double = Double::failing(at, kind, false);
        let store = set(FileStore::builder().path(&path)).build_on(Arc::new(double.clone())).unwrap();
        let result = change(&store);
        let Some(failed) = double.failed() else {
            result.unwrap();
            return at;
        };
        let error = result.unwrap_err();
        assert_eq!(error.kind(), typed, "{failed:?}");
        assert!(error.location().is_some_and(|location| location.path.is_some()), "{failed:?}");
        let replaced = double.done().iter().any(|done| matches!(done, Operation::Rename(_, to) if to.ends_with(NAME)));
        let text = fs::read_to_string(&path).unwrap();
        assert!(replaced || text == OLD, "{failed:?} touched the old file");
        assert_eq!(leftovers(directory.path()), 0, "{failed:?} left a temporary file");
        // What was seen meanwhile is what is there, and the next attempt works.
        let plain = FileStore::new(&path).unwrap();
        assert_eq!(store.load().unwrap().to_json(), plain.load().unwrap().to_json(), "{failed:?}");
        change(&store).unwrap();
        assert!(plain.load().unwrap().to_json().expose().contains("x:b"));
    }
    unreachable!("a change has an end")
}

#[test]
fn every_step_may_fail_and_the_old_file_stays() {
    for (kind, typed) in FAILURES {
        // Lock, create, write, sync, rename, sync of the directory.
        assert_eq!(fail_each(|builder| builder, kind, typed), 6);
        // Once for each of three writes: the old file held state, which moves.
        assert_eq!(fail_each(|builder| builder.state_file(StateFile::Separate), kind, typed), 16);
    }
}

#[test]
fn a_directory_that_another_writer_makes_at_the_same_moment_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let double = Double::default();
    double.0.lock().unwrap().made_meanwhile = true;
    let path = directory.path().join("agents").join("main").join("agent").join(NAME);
    change(&FileStore::builder().path(&path).build_on(Arc::new(double)).unwrap()).unwrap();
    assert_eq!(FileStore::new(&path).unwrap().load().unwrap().len(), 1);
}

#[test]
fn a_disk_that_is_gone_leaves_the_old_file_and_an_error() {
    for at in 0..5 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(NAME);
        fs::write(&path, OLD).unwrap();
        let double = Double::failing(at, io::ErrorKind::Other, true);
        let store = FileStore::builder().path(&path).build_on(Arc::new(double)).unwrap();
        assert_eq!(change(&store).unwrap_err().kind(), ErrorKind::Io);
        assert_eq!(fs::read_to_string(&path).unwrap(), OLD);
        assert_eq!(store.load().unwrap().len(), 1);
        // What could not be removed is swept up by the next store.
        change(&FileStore::new(&path).unwrap()).unwrap();
        assert_eq!(leftovers(directory.path()), 0);
    }
}

#[test]
fn an_older_file_stays_when_the_new_one_cannot_be_written() {
    for at in 0..6 {
        let directory = tempfile::tempdir().unwrap();
        let (old, path) = (directory.path().join("auth.json"), directory.path().join(NAME));
        fs::write(&old, r#"{"x":{"type":"api_key","key":"one"}}"#).unwrap();
        let double = Double::failing(at, io::ErrorKind::StorageFull, false);
        let store = FileStore::builder().path(&path).build_on(Arc::new(double)).unwrap();
        assert_eq!(store.update(&mut |_| Ok(())).unwrap_err().kind(), ErrorKind::StorageFull);
        assert!(old.exists());
        assert!(store.load().unwrap().get("x:default").is_some());
    }
}

#[test]
fn quarantine_may_fail_too() {
    for at in 0..4 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(NAME);
        fs::write(&path, "{").unwrap();
        let double = Double::failing(at, io::ErrorKind::PermissionDenied, false);
        let store = FileStore::builder().path(&path).build_on(Arc::new(double.clone())).unwrap();
        let error = store.quarantine(Timestamp::from_millis(0)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{:?}", double.failed());
        assert!(!path.exists() || fs::read_to_string(&path).unwrap() == "{");
    }
}

#[test]
fn without_locks_nothing_is_written_unless_that_was_asked_for() {
    // ENOLCK, EOPNOTSUPP; on Windows ERROR_INVALID_FUNCTION, ERROR_NOT_SUPPORTED.
    for locks in if cfg!(windows) { [1, 50] } else { [37, 95] }.map(Locks::Missing) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(NAME);
        fs::write(&path, OLD).unwrap();
        let double = Double::default();
        double.0.lock().unwrap().locks = locks;
        let build = |file_locks| {
            FileStore::builder().path(&path).file_locks(file_locks).build_on(Arc::new(double.clone())).unwrap()
        };
        let store = build(true);
        let error = change(&store).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LocksUnsupported);
        assert!(error.help().contains("local disk"));
        assert_eq!(
            store.lease(&ProfileId::new("x:a").unwrap(), std::time::Duration::ZERO).unwrap_err().kind(),
            ErrorKind::LocksUnsupported
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), OLD);
        assert_eq!(store.load().unwrap().len(), 1, "reading needs no lock");
        change(&build(false)).unwrap();
    }
}

#[test]
fn leftovers_are_swept_and_nothing_else_is() {
    let hour = std::time::Duration::from_secs(3601);
    for locks in [Locks::Real, Locks::Missing(37)] {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| directory.path().join(name);
        let make = |name: &str| fs::File::create(file(name)).unwrap();
        let dead = ".auth-profiles.json.provider-auth-tmp-0123456789abcdef";
        let living = ".auth-profiles.json.provider-auth-tmp-fedcba9876543210";
        let old = ".auth-state.json.provider-auth-tmp-0123456789abcdef";
        let others = [
            ".auth-profiles.json.provider-auth-tmp-0123456789abcde",
            ".auth-profiles.json.provider-auth-tmp-0123456789abcdeg",
            ".other.json.provider-auth-tmp-0123456789abcdef",
            "auth-profiles.json.provider-auth-tmp-0123456789abcdef",
            "auth-profiles.json.tmp",
        ];
        make(dead);
        let handle = make(living);
        handle.try_lock().unwrap();
        make(old).set_modified(std::time::SystemTime::now() - hour).unwrap();
        for other in others {
            make(other).set_modified(std::time::SystemTime::now() - hour).unwrap();
        }
        let double = Double::default();
        double.0.lock().unwrap().locks = locks;
        let builder = FileStore::builder().path(file(NAME)).file_locks(locks == Locks::Real);
        let store = builder.build_on(Arc::new(double)).unwrap();
        store.update(&mut |_| Ok(())).unwrap();
        // Without locks nobody can tell whether a young file is being written.
        assert_eq!(file(dead).exists(), locks != Locks::Real);
        assert!(file(living).exists() && !file(old).exists());
        assert!(others.iter().all(|other| file(other).exists()));
    }
}

#[test]
fn what_another_program_writes_meanwhile_is_not_lost() {
    let foreign = OLD
        .replace("\"x:a\": ", "\"x:a\":")
        .replace("\"x:a\":{", "\"x:foreign\":{\"type\":\"api_key\",\"provider\":\"x\",\"key\":\"f\"},\"x:a\":{");
    for layout in [StateFile::Auto, StateFile::Separate] {
        for (times, runs) in [(1, 2), (3, 4)] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join(NAME);
            fs::write(&path, OLD).unwrap();
            let double = Double::default();
            double.0.lock().unwrap().interference = Some((path.clone(), foreign.clone(), times));
            let store = FileStore::builder().path(&path).state_file(layout).build_on(Arc::new(double)).unwrap();
            let mut ran = 0;
            store
                .transact(|profiles| {
                    ran += 1;
                    let key = Credential::api_key(Secret::new("new"));
                    profiles.upsert(&ProfileId::new("x:new")?, &ProviderId::new("x")?, &key, None)
                })
                .unwrap();
            assert_eq!(ran, runs);
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.contains("x:new") && text.contains("x:foreign") && text.contains("x:a"), "{text}");
            assert_eq!(leftovers(directory.path()), 0);
        }
    }
    // Without an end it is given up.
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(NAME);
    let double = Double::default();
    double.0.lock().unwrap().interference = Some((path.clone(), foreign.clone(), usize::MAX));
    let store = FileStore::builder().path(&path).build_on(Arc::new(double)).unwrap();
    assert_eq!(change(&store).unwrap_err().kind(), ErrorKind::Locked);
    assert_eq!(fs::read_to_string(&path).unwrap(), foreign);
    assert_eq!(leftovers(directory.path()), 0);
}

#[test]
fn a_network_file_system_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(NAME);
    let double = Double::default();
    double.0.lock().unwrap().network = Some("nfs4".to_owned());
    let build = |file_locks| {
        FileStore::builder().path(&path).file_locks(file_locks).build_on(Arc::new(double.clone())).unwrap()
    };
    let error = change(&build(true)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LocksUnsupported);
    assert!(error.to_string().contains("nfs4"));
    assert!(!path.exists());
    // What cannot be looked up now, for want of a file handle, is looked up again.
    let store = build(true);
    double.0.lock().unwrap().network_unknown = 1;
    store.update(&mut |_| Ok(())).unwrap();
    assert_eq!(change(&store).unwrap_err().kind(), ErrorKind::LocksUnsupported);
    change(&build(false)).unwrap();
}

// Windows does not say who owns a file.
#[cfg(unix)]
#[test]
fn a_file_of_another_user_is_reported_or_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(NAME);
    fs::write(&path, OLD).unwrap();
    super::super::platform::make_private(&path).unwrap();
    let double = Double::default();
    let build = |strict| {
        FileStore::builder().path(&path).strict_permissions(strict).build_on(Arc::new(double.clone())).unwrap()
    };
    assert!(build(true).load().is_ok());
    double.0.lock().unwrap().user = Some(4_000_000);
    let loaded = build(false).load().unwrap();
    assert!(loaded.diagnostics().iter().any(|remark| remark.message.contains("another user")));
    assert_eq!(build(true).load().unwrap_err().kind(), ErrorKind::InsecurePermissions);
    assert_eq!(change(&build(true)).unwrap_err().kind(), ErrorKind::InsecurePermissions);
    assert_eq!(fs::read_to_string(&path).unwrap(), OLD);
}

#[test]
fn a_file_that_is_a_mount_point_is_told_from_one_that_may_not_be_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(NAME);
    fs::write(&path, OLD).unwrap();
    let refused = (0..20).find_map(|at| {
        let double = Double::failing(at, io::ErrorKind::ResourceBusy, false);
        let store = FileStore::builder().path(&path).build_on(Arc::new(double.clone())).unwrap();
        let error = change(&store).err();
        error.filter(|_| matches!(double.failed(), Some(Operation::Rename(..))))
    });
    let refused = refused.unwrap();
    assert_eq!(refused.kind(), ErrorKind::Io);
    assert!(refused.to_string().contains("mount point") && refused.help().contains("directory"), "{refused}");
    assert_eq!(fs::read_to_string(&path).unwrap(), OLD);
    assert_eq!(leftovers(directory.path()), 0);
}

#[test]
fn a_file_in_a_place_of_all_users_is_reported_or_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(NAME);
    fs::write(&path, OLD).unwrap();
    super::super::platform::make_private(&path).unwrap();
    let double = Double::default();
    double.0.lock().unwrap().shared = true;
    let build = |strict| {
        FileStore::builder().path(&path).strict_permissions(strict).build_on(Arc::new(double.clone())).unwrap()
    };
    let loaded = build(false).load().unwrap();
    let [remark] = loaded.diagnostics() else { panic!("{:?}", loaded.diagnostics()) };
    assert!(remark.message.contains("all users of this machine"));
    assert_eq!(build(true).load().unwrap_err().kind(), ErrorKind::InsecurePermissions);
    // Writing does not mend it.
    change(&build(false)).unwrap();
    assert_eq!(build(true).load().unwrap_err().kind(), ErrorKind::InsecurePermissions);
}

#[test]
fn what_a_write_does_not_mend_is_still_reported_after_it() {
    let x = ProviderId::new("x").unwrap();
    let id = ProfileId::new("x:a").unwrap();
    for state_file in [StateFile::Auto, StateFile::Separate] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(NAME);
        let double = Double::default();
        double.0.lock().unwrap().shared = true;
        let builder = || FileStore::builder().path(&path).state_file(state_file);
        let build = || builder().build_on(Arc::new(double.clone())).unwrap();
        let remarks = |store: &FileStore| {
            let loaded = store.load().unwrap();
            let paths = loaded.diagnostics().iter().map(|remark| remark.location.path.clone().unwrap());
            paths.collect::<Vec<_>>()
        };
        let store = build();
        let put = |key: &str| store.upsert(&id, &x, &Credential::api_key(Secret::new(key)), None).unwrap();
        let order = |ids: &[ProfileId]| store.transact(|profiles| profiles.set_order(&x, ids)).unwrap();
        // The first files, both, the state, the credentials.
        let writes: [&dyn Fn(); 4] = [&|| put("one"), &|| change(&store).unwrap(), &|| order(&[]), &|| put("three")];
        for (number, write) in writes.into_iter().enumerate() {
            write();
            let found = remarks(&store);
            assert!(found.contains(&path), "{state_file:?}, write {number}");
            assert_eq!(found, remarks(&build()), "{state_file:?}, write {number}");
        }
    }
}

// Windows has no modes.
#[cfg(unix)]
#[test]
fn what_a_write_mends_is_reported_until_then_for_each_file_of_two() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(NAME);
    fs::write(&path, OLD).unwrap();
    let store = FileStore::builder().path(&path).state_file(StateFile::Separate).build().unwrap();
    change(&store).unwrap();
    for file in [store.path(), store.state_path()] {
        fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
    }
    let x = ProviderId::new("x").unwrap();
    let loose = |store: &FileStore| {
        let loaded = store.load().unwrap();
        loaded.diagnostics().iter().map(|remark| remark.location.path.clone().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(loose(&store), [store.path(), store.state_path()]);
    store.transact(|profiles| profiles.set_order(&x, &[])).unwrap();
    assert_eq!(loose(&store), [store.path()], "the credentials were not written");
    let key = Credential::api_key(Secret::new("three"));
    store.upsert(&ProfileId::new("x:a").unwrap(), &x, &key, None).unwrap();
    assert!(loose(&store).is_empty());
}
