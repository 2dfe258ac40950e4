//! Whether what was read still holds, by the coarsest clock a file system has.

use std::fs;
use std::sync::Arc;

use super::super::{FileStore, StateFile};
use super::double::Double;
use crate::credential::Credential;
use crate::id::{ProfileId, ProviderId};
use crate::profile::AuthProfiles;
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
        let x = ProviderId::new("x").unwrap();
        assert_eq!(store.load().unwrap().last_good(&x).unwrap().as_str(), format!("x:{round}"));
    }
}

/// A write shows how the clock of its file system goes.
#[test]
fn a_file_of_our_own_is_trusted_as_soon_as_its_clock_has_ticked() {
    let (document, millis) = (r#"{"profiles":{}}"#, 1_000_000);
    let add = |name: &'static str| {
        move |profiles: &mut AuthProfiles| {
            let (id, x) = (ProfileId::new(name).unwrap(), ProviderId::new("x").unwrap());
            profiles.upsert(&id, &x, &Credential::api_key("k".into()), None)
        }
    };
    for (skew, has_locks, more_reads) in [(0, true, 1), (1_000 * millis, true, 10), (0, false, 10)] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(NAME);
        fs::write(&path, document).unwrap();
        let double = Double::default();
        let builder = FileStore::builder().path(&path).file_locks(has_locks);
        let store = builder.build_on(Arc::new(double.clone())).unwrap();
        let ahead = |nanos: i128| double.0.lock().unwrap().ahead = skew + nanos;
        let reads = || double.0.lock().unwrap().reads;
        // The clock of a file system elsewhere is another one.
        ahead(0);

        // What is written in place in the same tick is seen.
        store.update(&mut add("x:a")).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("x:a", "x:b")).unwrap();
        assert!(store.load().unwrap().get("x:b").is_some());

        store.update(&mut add("x:c")).unwrap();
        let before = reads();
        store.load().unwrap();
        assert_eq!(reads() - before, 1, "it is young");
        ahead(1_000 * millis);
        for _ in 0..10 {
            store.load().unwrap();
        }
        assert_eq!(reads() - before, 1 + more_reads, "skew: {skew}, locks: {has_locks}");
        // Nor is anything missed that comes later.
        fs::write(&path, fs::read_to_string(&path).unwrap().replace("x:b", "x:d")).unwrap();
        assert!(store.load().unwrap().get("x:d").is_some());
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

#[test]
fn a_file_of_this_machine_that_has_not_changed_is_known_without_waiting() {
    let add = |name: &'static str| {
        move |profiles: &mut AuthProfiles| {
            let (id, x) = (ProfileId::new(name).unwrap(), ProviderId::new("x").unwrap());
            profiles.upsert(&id, &x, &Credential::api_key("k".into()), None)
        }
    };
    for network in [None, Some("nfs4")] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(NAME);
        let double = Double::default();
        double.0.lock().unwrap().network = network.map(str::to_owned);
        let store = FileStore::builder().path(&path).build_on(Arc::new(double.clone())).unwrap();
        assert!(store.try_load().is_none(), "nothing was read");
        assert_eq!(store.update(&mut add("x:a")).is_ok(), network.is_none());
        assert!(store.try_load().is_none(), "it is young");
        double.0.lock().unwrap().ahead = 4_000_000_000;
        let loaded = store.load().unwrap();
        let known = store.try_load();
        assert_eq!(known.is_some(), cfg!(target_os = "linux") && network.is_none(), "{network:?}");
        assert!(known.is_none_or(|known| Arc::ptr_eq(&known, &loaded)));
        fs::write(&path, r#"{"profiles":{}}"#).unwrap();
        assert!(store.try_load().is_none(), "others have written");
    }
}
