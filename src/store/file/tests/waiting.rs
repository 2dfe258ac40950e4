//! Waiting, by a clock that moves only when somebody sleeps.

use std::sync::Arc;
use std::time::Duration;

use super::super::FileStore;
#[cfg(unix)]
use super::double::Operation;
use super::double::{Double, Locks};
use crate::credential::Credential;
use crate::error::ErrorKind;
use crate::id::{ProfileId, ProviderId};
use crate::secret::Secret;
use crate::store::{AuthProfileStore, AuthProfileStoreExt as _};

#[test]
fn pauses_grow_and_end_at_the_deadline() {
    let directory = tempfile::tempdir().unwrap();
    let double = Double::default();
    {
        let mut record = double.0.lock().unwrap();
        record.locks = Locks::Taken;
        record.pauses = Some(Vec::new());
    }
    let path = directory.path().join("auth-profiles.json");
    let store = FileStore::builder().path(path).build_on(Arc::new(double.clone())).unwrap();
    let pauses = |wait| {
        double.0.lock().unwrap().pauses = Some(Vec::new());
        let error = match wait {
            None => store.update(&mut |_| Ok(())).map(drop),
            Some(wait) => store.lease(&ProfileId::new("x:a").unwrap(), wait).map(drop),
        };
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked);
        let pauses = double.0.lock().unwrap().pauses.clone().unwrap();
        let attempts = if pauses.is_empty() {
            "over 1 attempt (".to_owned()
        } else {
            format!("over {} attempts (", pauses.len() + 1)
        };
        assert!(error.to_string().contains(&attempts), "{error}");
        pauses
    };
    let by_default = pauses(None);
    assert_eq!(by_default.iter().sum::<Duration>(), Duration::from_secs(10));
    assert!(by_default[0] <= Duration::from_micros(100));
    assert!(by_default.iter().all(|pause| *pause <= Duration::from_millis(4)));
    assert!(by_default.len() < 5_500, "{} attempts", by_default.len());
    assert_eq!(pauses(Some(Duration::from_millis(3))).iter().sum::<Duration>(), Duration::from_millis(3));
    assert_eq!(pauses(Some(Duration::ZERO)), []);
}

// On Windows no lock file goes while somebody has it open; see the next test.
#[cfg(unix)]
#[test]
fn a_lock_on_a_file_that_is_gone_is_no_lock() {
    let directory = tempfile::tempdir().unwrap();
    let double = Double::default();
    double.0.lock().unwrap().lock_deletions = 3;
    let path = directory.path().join("auth-profiles.json");
    let store = FileStore::builder().path(path).build_on(Arc::new(double.clone())).unwrap();
    store
        .update(&mut |_| {
            let there = std::fs::File::open(directory.path().join(".auth-profiles.json.provider-auth-lock"));
            let free = there.unwrap().try_lock().is_ok();
            assert!(!free, "the file that is there now is the one that is locked");
            Ok(())
        })
        .unwrap();
    let opened = double.done().into_iter().filter(|done| matches!(done, Operation::OpenLock(_))).count();
    assert_eq!(opened, 4);
}

/// What is started while a lock is held may inherit it, as every process does that is forked.
#[cfg(unix)]
#[test]
fn a_process_that_inherited_a_lock_does_not_keep_what_was_given_back() {
    let directory = tempfile::tempdir().unwrap();
    let double = Double::default();
    double.0.lock().unwrap().inherited = true;
    let path = directory.path().join("auth-profiles.json");
    let build = |double: &Double| {
        let builder = FileStore::builder().path(&path).lock_wait(Duration::ZERO);
        builder.build_on(Arc::new(double.clone())).unwrap()
    };
    let (store, other) = (build(&double), build(&Double::default()));
    let heir = || std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let mut heirs = Vec::new();
    store
        .update(&mut |_| {
            heirs.push(heir());
            Ok(())
        })
        .unwrap();
    let own = other.update(&mut |_| Ok(()));
    let id = ProfileId::new("x:a").unwrap();
    let lease = store.lease(&id, Duration::ZERO).unwrap();
    heirs.push(heir());
    assert!(other.lease(&id, Duration::ZERO).unwrap_err().is_locked());
    drop(lease);
    let leased = other.lease(&id, Duration::ZERO);
    for mut heir in heirs {
        assert_eq!(heir.try_wait().unwrap(), None, "it still has the handle");
        heir.kill().unwrap();
        heir.wait().unwrap();
    }
    own.unwrap();
    drop(leased.unwrap());
}

#[cfg(windows)]
#[test]
fn a_lock_file_that_is_held_cannot_go() {
    let directory = tempfile::tempdir().unwrap();
    let lock = directory.path().join(".auth-profiles.json.provider-auth-lock");
    let store = FileStore::builder().path(directory.path().join("auth-profiles.json")).build().unwrap();
    let update = |change: &mut dyn FnMut()| {
        store.update(&mut |_| {
            change();
            Ok(())
        })
    };
    update(&mut || {
        assert!(std::fs::remove_file(&lock).is_err());
        assert!(std::fs::rename(&lock, directory.path().join("gone")).is_err());
    })
    .unwrap();
    // Nobody has it open now, and the next who needs it makes another.
    std::fs::remove_file(&lock).unwrap();
    update(&mut || assert!(std::fs::remove_file(&lock).is_err())).unwrap();
}

fn put(store: &FileStore, name: &str) -> crate::error::Result<()> {
    let key = Credential::api_key(Secret::new("sk-made-up"));
    store.upsert(&ProfileId::new(name)?, &ProviderId::new("x")?, &key, None)
}

#[test]
fn a_file_that_somebody_has_open_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let double = Double::default();
    let path = directory.path().join("auth-profiles.json");
    let store = FileStore::builder().path(path).build_on(Arc::new(double.clone())).unwrap();
    put(&store, "x:a").unwrap();
    let in_use = |times: usize| {
        let mut record = double.0.lock().unwrap();
        (record.in_use, record.pauses) = (times, Some(Vec::new()));
    };
    let paused = || double.0.lock().unwrap().pauses.clone().unwrap();
    for times in [1, 7, 40] {
        in_use(times);
        put(&store, &format!("x:{times}")).unwrap();
        assert_eq!(paused().len(), times);
    }
    // Every pause is one attempt, and the wait ends; what was there stays.
    for wait in [Duration::ZERO, Duration::from_millis(300)] {
        let path = store.path().to_owned();
        let fresh = FileStore::builder().path(path).lock_wait(wait).build_on(Arc::new(double.clone())).unwrap();
        in_use(usize::MAX);
        let errors = [fresh.load().map(drop), put(&fresh, "x:b")].map(Result::unwrap_err);
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
            assert!(error.to_string().contains("another program has it open"), "{error}");
        }
        assert_eq!(paused().iter().sum::<Duration>(), wait * 2);
        in_use(0);
        assert_eq!(fresh.load().unwrap().len(), 4);
    }
}
