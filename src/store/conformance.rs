//! A test suite that checks a store against the contract of [`AuthProfileStore`].
//!
//! Run it in the tests of your backend. It is exempt from semantic versioning: a release may add checks that find
//! existing faults.
//!
//! # Examples
//!
//! ```
//! use provider_auth::MemoryStore;
//! use provider_auth::store::conformance;
//!
//! conformance::check(MemoryStore::default)?;
//! # Ok::<(), provider_auth::Error>(())
//! ```

mod trials;
mod watch;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{AuthProfileStore, AuthProfileStoreExt};
use crate::credential::Credential;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ProfileId, ProviderId};
use crate::profile::{AuthProfiles, DirtyState, UsageStats};
use crate::secret::Secret;

/// A check: its name, which states the promise, and a function that gets a fresh, empty store.
type Check<'a> = (&'static str, fn(&dyn AuthProfileStore) -> Result<()>);

const CHECKS: [Check<'static>; 20] = [
    ("a fresh store is empty and loads", fresh_is_empty),
    ("an update is seen by the next load", update_is_seen),
    ("an update that changes nothing returns the current document", no_change),
    ("a loaded document is a snapshot", load_is_snapshot),
    ("what is known without waiting is what is committed", try_load_is_fresh),
    ("an error in the closure changes nothing", error_changes_nothing),
    ("a panic in the closure changes nothing and leaves the store usable", panic_changes_nothing),
    ("a nested update is an error, not a hang", nested_is_error),
    ("reading inside an update returns the committed document", read_inside),
    ("no update is lost between threads", no_lost_update),
    ("readers do not wait for an update", readers_do_not_wait),
    ("what is not understood survives", unknown_survives),
    ("insertion order survives", order_survives),
    ("a document of a newer version is never written", newer_is_not_written),
    ("an update of the statistics alone is kept", statistics_are_kept),
    ("an update of one profile's statistics changes them alone", usage_alone),
    ("an update of one profile's statistics is not nested", usage_is_not_nested),
    ("no update of statistics is lost, beside updates of everything", no_lost_usage),
    ("a lease excludes, ends with its guard, and lets updates through", lease_excludes),
    ("one caller at a time makes the trial of a window", trials::one_claims_a_trial),
];

/// A check that takes longer probably hangs.
const SLOW: Duration = Duration::from_secs(30);

/// Runs every check, each on a new store from `open`, which must be empty and share nothing with the others. A check that has
/// not ended after 30 seconds is named on standard error: a store with a deadlock hangs there.
///
/// # Errors
///
/// [`ErrorKind::Conformance`] with the name of the first promise that is broken.
pub fn check<S: AuthProfileStore>(open: impl Fn() -> S) -> Result<()> {
    for (name, check) in CHECKS {
        let store = open();
        #[expect(clippy::print_stderr, reason = "a test that hangs can say so in no other way")]
        let hangs = || {
            eprintln!("conformance: the check `{name}` has been running for {SLOW:?}; does the store wait for itself?");
        };
        watch::watched(SLOW, hangs, || check(&store))
            .map_err(|error| Error::new(ErrorKind::Conformance, format!("broken: {name}")).with_source(error))?;
    }
    Ok(())
}

fn ensure(holds: bool, what: &'static str) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::new(ErrorKind::Conformance, what)) }
}

fn id(name: &str) -> Result<ProfileId> {
    ProfileId::new(name)
}

fn key(text: &str) -> Credential {
    Credential::api_key(Secret::new(text))
}

fn put(store: &dyn AuthProfileStore, name: &str) -> Result<()> {
    store.upsert(&id(name)?, &ProviderId::anthropic(), &key("sk-conformance"), None)
}

fn fresh_is_empty(store: &dyn AuthProfileStore) -> Result<()> {
    ensure(store.load()?.is_empty(), "the store has profiles before any was added")
}

fn update_is_seen(store: &dyn AuthProfileStore) -> Result<()> {
    put(store, "anthropic:one")?;
    let credential = key("sk-two");
    let given = store.update(&mut |profiles| {
        ensure(profiles.get("anthropic:one").is_some(), "the second update does not see the first")?;
        profiles.upsert(&id("anthropic:two")?, &ProviderId::anthropic(), &credential, Some("user@example.com"))
    })?;
    let loaded = store.load()?;
    for profiles in [&given, &loaded] {
        ensure(profiles.dirty_state() == DirtyState::None, "a committed document calls itself changed")?;
        let two = profiles.get("anthropic:two");
        let kept =
            two.is_some_and(|two| two.credential() == Some(&credential) && two.email() == Some("user@example.com"));
        ensure(kept && profiles.len() == 2, "the committed document is not the one that was made")?;
    }
    Ok(())
}

fn no_change(store: &dyn AuthProfileStore) -> Result<()> {
    put(store, "anthropic:one")?;
    let given = store.update(&mut |_| Ok(()))?;
    ensure(given.get("anthropic:one").is_some(), "the document in force was not given")
}

fn load_is_snapshot(store: &dyn AuthProfileStore) -> Result<()> {
    let before = store.load()?;
    put(store, "anthropic:one")?;
    ensure(before.is_empty(), "a document changed after it was loaded")
}

fn try_load_is_fresh(store: &dyn AuthProfileStore) -> Result<()> {
    for name in ["a", "b", "c"] {
        put(store, name)?;
        let is_fresh = |known: Arc<AuthProfiles>| known.get(name).is_some();
        ensure(store.try_load().is_none_or(is_fresh), "a document was older than the last update")?;
        ensure(store.load()?.get(name).is_some(), "a loaded document was older than the last update")?;
        ensure(store.try_load().is_none_or(is_fresh), "a document was older than the one that was loaded")?;
    }
    Ok(())
}

fn error_changes_nothing(store: &dyn AuthProfileStore) -> Result<()> {
    put(store, "anthropic:one")?;
    let result = store.update(&mut |profiles| {
        profiles.remove(&id("anthropic:one")?);
        Err(Error::new(ErrorKind::UpdateFailed, "the closure refuses"))
    });
    ensure(result.is_err_and(|error| error.kind() == ErrorKind::UpdateFailed), "the closure's error was not given")?;
    ensure(store.load()?.get("anthropic:one").is_some(), "a refused change was committed")
}

fn panic_changes_nothing(store: &dyn AuthProfileStore) -> Result<()> {
    put(store, "anthropic:one")?;
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        store.update(&mut |profiles| {
            profiles.remove(&id("anthropic:one")?);
            // Not `panic!`: the hook would print a message into the output of a suite that passes.
            std::panic::resume_unwind(Box::new("conformance"))
        })
    }));
    // A store may pass the panic on or turn it into an error.
    ensure(!matches!(panicked, Ok(Ok(_))), "an update that panicked was reported as done")?;
    ensure(store.load()?.get("anthropic:one").is_some(), "a change was committed although the closure panicked")?;
    put(store, "anthropic:two")?;
    ensure(store.load()?.len() == 2, "the store cannot be updated after a panic")
}

fn nested_is_error(store: &dyn AuthProfileStore) -> Result<()> {
    let mut nested = None;
    store.update(&mut |profiles| {
        nested = Some(store.update(&mut |_| Ok(())));
        profiles.upsert(&id("anthropic:outer")?, &ProviderId::anthropic(), &key("sk-outer"), None)
    })?;
    let refused = nested.is_some_and(|nested| nested.is_err_and(|error| error.kind() == ErrorKind::Reentrant));
    ensure(refused, "the nested update was not refused as reentrant")?;
    ensure(store.load()?.len() == 1, "the outer update was lost")
}

fn read_inside(store: &dyn AuthProfileStore) -> Result<()> {
    put(store, "anthropic:one")?;
    store.transact(|profiles| {
        profiles.remove(&id("anthropic:one")?);
        ensure(store.load()?.get("anthropic:one").is_some(), "an uncommitted change was visible")
    })
}

const THREADS: usize = 8;
const UPDATES: usize = 25;

/// Runs updates on several threads at once, none of which may fail.
fn together(update: impl Fn(usize, usize) -> Result<()> + Sync) -> Result<()> {
    let failed = Mutex::new(None);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (failed, update) = (&failed, &update);
            scope.spawn(move || {
                for turn in 0..UPDATES {
                    if let Err(error) = update(thread, turn) {
                        *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    }
                }
            });
        }
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        None => Ok(()),
        Some(error) => Err(Error::new(ErrorKind::Conformance, "an update failed under contention").with_source(error)),
    }
}

fn no_lost_update(store: &dyn AuthProfileStore) -> Result<()> {
    together(|thread, update| put(store, &format!("anthropic:{thread}-{update}")))?;
    ensure(store.load()?.len() == THREADS * UPDATES, "updates were lost under contention")
}

fn readers_do_not_wait(store: &dyn AuthProfileStore) -> Result<()> {
    put(store, "anthropic:one")?;
    store.transact(|profiles| {
        profiles.remove(&id("anthropic:one")?);
        // The timeout makes a reader that waits for this update a failure instead of a hang.
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(move || sender.send(store.load().map(|profiles| profiles.len())).ok());
            match receiver.recv_timeout(Duration::from_secs(10)) {
                Ok(seen) => ensure(seen? == 1, "a reader saw an uncommitted change"),
                Err(_) => Err(Error::new(ErrorKind::Conformance, "a reader waited for an update")),
            }
        })
    })
}

const UNKNOWN: &str = r#"{
  "later": {"big": 123456789012345678901234567890, "text": "\u00e9"},
  "version": 1,
  "profiles": {
    "x:quantum": {"type": "entangled", "provider": "x", "spin": 0.10},
    "anthropic:one": {"type": "api_key", "provider": "anthropic", "key": "sk-1", "metadata": {"team": "a"}}
  },
  "usageStats": {"anthropic:one": {"lastUsed": 5, "mood": "good"}}
}
"#;

fn unknown_survives(store: &dyn AuthProfileStore) -> Result<()> {
    store.transact(|profiles| {
        profiles.replace(AuthProfiles::from_json(UNKNOWN)?);
        Ok(())
    })?;
    put(store, "anthropic:two")?;
    let text = store.load()?.to_json();
    // A store may format the text in its own way; only the tokens count.
    let text: String = text.expose().split_ascii_whitespace().collect();
    for kept in [
        r#"{"big": 123456789012345678901234567890, "text": "\u00e9"}"#,
        r#"{"type": "entangled", "provider": "x", "spin": 0.10}"#,
        r#""metadata": {"team": "a"}"#,
        r#"{"lastUsed": 5, "mood": "good"}"#,
    ] {
        let kept: String = kept.split_ascii_whitespace().collect();
        ensure(text.contains(&kept), "something the store does not understand was changed or lost")?;
    }
    Ok(())
}

fn order_survives(store: &dyn AuthProfileStore) -> Result<()> {
    let names = ["anthropic:c", "anthropic:a", "anthropic:b"];
    for name in names {
        put(store, name)?;
    }
    put(store, "anthropic:c")?;
    let loaded = store.load()?;
    let kept = loaded.iter().map(|(id, _)| id.as_str()).eq(names);
    ensure(kept, "the order of insertion was not kept")
}

fn newer_is_not_written(store: &dyn AuthProfileStore) -> Result<()> {
    let newer = AuthProfiles::from_json(r#"{"version": 99, "profiles": {}}"#)?;
    let result = store.transact(|profiles| {
        profiles.replace(newer.clone());
        Ok(())
    });
    let refused = result.is_err_and(|error| error.kind() == ErrorKind::UnsupportedVersion);
    ensure(refused, "a document of a newer version was written")
}

fn statistics_are_kept(store: &dyn AuthProfileStore) -> Result<()> {
    put(store, "anthropic:one")?;
    store.transact(|profiles| {
        let used = UsageStats::default().edited(|edit| edit.number("lastUsed", 5.0));
        profiles.set_usage(&id("anthropic:one")?, used)
    })?;
    let used = store.load()?.usage("anthropic:one").and_then(|usage| usage.last_used);
    ensure(used == Some(5.0), "an update of the statistics alone was lost")
}

fn count(store: &dyn AuthProfileStore, profile: &str) -> Result<Arc<AuthProfiles>> {
    store.update_usage(&id(profile)?, &mut |_, usage| {
        *usage = usage.edited(|edit| edit.number("errorCount", usage.error_count() + 1.0));
    })
}

fn counted(profiles: &AuthProfiles, profile: &str) -> Option<f64> {
    profiles.usage(profile).map(UsageStats::error_count)
}

fn usage_alone(store: &dyn AuthProfileStore) -> Result<()> {
    put(store, "anthropic:one")?;
    put(store, "anthropic:two")?;
    count(store, "anthropic:two")?;
    let mut seen = None;
    let given = store.update_usage(&id("anthropic:one")?, &mut |profiles, usage| {
        let empty = *usage == UsageStats::default();
        seen = Some((empty, profiles.len(), profiles.usage("anthropic:one").is_some()));
        *usage = usage.edited(|edit| edit.number("lastUsed", 5.0));
    })?;
    ensure(seen == Some((true, 2, false)), "the closure was not given the document and empty statistics")?;
    ensure(given.usage("anthropic:one").is_some(), "the given document is without the change")?;
    ensure(given.dirty_state() == DirtyState::None, "a committed document calls itself changed")?;
    let loaded = store.load()?;
    let used = loaded.usage("anthropic:one").and_then(|usage| usage.last_used);
    ensure(used == Some(5.0), "the update of one profile's statistics was lost")?;
    ensure(loaded.len() == 2 && counted(&loaded, "anthropic:two") == Some(1.0), "something else was changed")?;
    store.update_usage(&id("anthropic:three")?, &mut |_, _| {})?;
    ensure(store.load()?.usage("anthropic:three").is_none(), "empty statistics were written")?;
    // A key from outside the document has statistics without a profile.
    count(store, "inline-api-key:anthropic")?;
    let kept = counted(&*store.load()?, "inline-api-key:anthropic") == Some(1.0);
    ensure(kept, "statistics of an id without a profile were lost")?;
    store.remove(&id("anthropic:two")?)?;
    ensure(store.load()?.usage("anthropic:two").is_none(), "a removed profile kept its statistics")
}

fn usage_is_not_nested(store: &dyn AuthProfileStore) -> Result<()> {
    put(store, "anthropic:one")?;
    let (mut inside, mut loaded) = (Vec::new(), None);
    store.update_usage(&id("anthropic:one")?, &mut |_, _| {
        inside = vec![store.update(&mut |_| Ok(())).map(|_| ()), count(store, "anthropic:two").map(|_| ())];
        loaded = Some(store.load().map(|profiles| profiles.len()));
    })?;
    inside.push(store.transact(|_| {
        let nested = count(store, "anthropic:one").map(|_| ());
        ensure(nested.is_err(), "a nested update of statistics was run")?;
        nested.or_else(|error| if error.kind() == ErrorKind::Reentrant { Ok(()) } else { Err(error) })?;
        Err::<(), _>(Error::new(ErrorKind::Reentrant, "as expected"))
    }));
    let refused = inside.into_iter().all(|nested| nested.is_err_and(|error| error.kind() == ErrorKind::Reentrant));
    ensure(refused, "a nested update was not refused as reentrant")?;
    ensure(loaded.is_some_and(|len| len.is_ok_and(|len| len == 1)), "the store could not be read inside an update")
}

fn no_lost_usage(store: &dyn AuthProfileStore) -> Result<()> {
    let names = ["anthropic:even", "anthropic:odd", "anthropic:all"];
    for name in names {
        put(store, name)?;
    }
    together(|thread, update| {
        let own = if thread % 2 == 0 { "anthropic:even" } else { "anthropic:odd" };
        match update % 5 {
            0 => put(store, &format!("anthropic:{thread}-{update}")),
            1 => count(store, "anthropic:all").map(|_| ()),
            _ => count(store, own).map(|_| ()),
        }
    })?;
    let (loaded, fifth) = (store.load()?, THREADS * UPDATES / 5);
    #[expect(clippy::cast_precision_loss, reason = "a handful of updates")]
    let expected = [fifth * 3 / 2, fifth * 3 / 2, fifth].map(|count| Some(count as f64));
    ensure(names.map(|name| counted(&loaded, name)) == expected, "updates of statistics were lost under contention")?;
    ensure(loaded.len() == names.len() + fifth, "updates were lost beside those of statistics")
}

fn lease_excludes(store: &dyn AuthProfileStore) -> Result<()> {
    let profile = id("anthropic:one")?;
    let lease = store.lease(&profile, Duration::ZERO)?;
    let second = store.lease(&profile, Duration::from_millis(1));
    ensure(second.is_err_and(|error| error.is_locked()), "a lease was given twice")?;
    drop(store.lease(&id("anthropic:two")?, Duration::ZERO)?);
    put(store, "anthropic:one")?;
    drop(lease);
    drop(store.lease(&profile, Duration::ZERO)?);

    let inside = Arc::new(AtomicUsize::new(0));
    let mut worst = 0;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                let (inside, profile) = (Arc::clone(&inside), profile.clone());
                scope.spawn(move || match store.lease(&profile, Duration::from_secs(30)) {
                    Ok(_lease) => {
                        let together = inside.fetch_add(1, Ordering::SeqCst) + 1;
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        together
                    }
                    Err(_) => usize::MAX,
                })
            })
            .collect();
        for thread in threads {
            worst = worst.max(thread.join().unwrap_or(usize::MAX));
        }
    });
    ensure(worst == 1, "two threads held one lease together, or waited in vain")
}
