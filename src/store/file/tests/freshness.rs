//! Whether what was read still holds, by the coarsest clock a file system has.

use std::fs;
use std::sync::Arc;

use super::super::{FileStore, StateFile};
use super::double::Double;
use crate::store::AuthProfileStore;

const NAME: &str = "auth-profiles.json";
const STATE: &str = "auth-state.json";

#[test]
fn two_versions_that_no_stat_tells_apart_are_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let double = Double::default();
    double.0.lock().unwrap().coarse = true;
    let store = FileStore::builder().path(directory.path().join(NAME)).build_on(Arc::new(double)).unwrap();
    fs::write(directory.path().join(STATE), r#"{"lastGood":{"x":"x:00"}}"#).unwrap();
    for round in 10..60 {
        let text = format!(r#"{{"profiles":{{"x:{round}":{{"type":"api_key","provider":"x","key":"k"}}}}}}"#);
        fs::write(directory.path().join(NAME), text).unwrap();
        assert!(store.load().unwrap().get(&format!("x:{round}")).is_some(), "{round}");
        fs::write(directory.path().join(STATE), format!(r#"{{"lastGood":{{"x":"x:{round}"}}}}"#)).unwrap();
        let x = crate::id::ProviderId::new("x").unwrap();
        assert_eq!(store.load().unwrap().last_good(&x).unwrap().as_str(), format!("x:{round}"));
    }
}

#[test]
fn a_file_that_is_old_enough_is_not_read_again() {
    for layout in [StateFile::Auto, StateFile::Separate] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(NAME);
        fs::write(&path, r#"{"profiles":{}}"#).unwrap();
        fs::write(directory.path().join(STATE), "{}").unwrap();
        let double = Double::default();
        let store = FileStore::builder().path(&path).state_file(layout).build_on(Arc::new(double.clone())).unwrap();
        let reads = || double.0.lock().unwrap().reads;
        let first = store.load().unwrap();
        let again = store.load().unwrap();
        assert!(Arc::ptr_eq(&first, &again), "the same bytes make the same document");
        assert_eq!(reads(), 4, "young files are compared byte by byte");
        double.0.lock().unwrap().ahead = 4_000_000_000;
        store.load().unwrap();
        assert_eq!(reads(), 6);
        for _ in 0..10 {
            assert!(Arc::ptr_eq(&first, &store.load().unwrap()));
        }
        assert_eq!(reads(), 6);
        // A clock that was set back makes files young again, which costs time and nothing else.
        double.0.lock().unwrap().ahead = -4_000_000_000;
        fs::write(&path, r#"{"profiles":{}} "#).unwrap();
        store.load().unwrap();
        store.load().unwrap();
        assert_eq!(reads(), 10);
    }
}
