//! Waiting, by a clock that moves only when somebody sleeps.

use std::sync::Arc;
use std::time::Duration;

use super::super::FileStore;
use super::double::{Double, Locks, Operation};
use crate::error::ErrorKind;
use crate::id::ProfileId;
use crate::store::AuthProfileStore;

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
        assert!(error.to_string().contains(&format!("over {} attempts", pauses.len() + 1)), "{error}");
        pauses
    };
    let by_default = pauses(None);
    assert_eq!(by_default.iter().sum::<Duration>(), Duration::from_secs(10));
    assert!(by_default[0] <= Duration::from_micros(100));
    assert!(by_default.iter().all(|pause| *pause <= Duration::from_millis(10)));
    assert!(by_default.len() < 2_500, "{} attempts", by_default.len());
    assert_eq!(pauses(Some(Duration::from_millis(3))).iter().sum::<Duration>(), Duration::from_millis(3));
    assert_eq!(pauses(Some(Duration::ZERO)), []);
}

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
