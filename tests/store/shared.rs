//! Several machines on one server, simulated by the engine in memory.

#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "a test may stop where it fails, and counts whole failures")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use provider_auth::clock::ManualClock;
use provider_auth::credential::Tokens;
use provider_auth::profile::UsageStats;
use provider_auth::refresh::{RefreshCoordinator, RefreshFuture, RefreshOutcome, TokenRefresher};
use provider_auth::select::Receipt;
use provider_auth::select::Verdict;
use provider_auth::store::shared::{MemoryEngine, Sealing, Settings, SharedStore};
use provider_auth::store::{AuthProfileStoreExt, CopyScope, conformance, copy_profiles};
use provider_auth::{
    AuthProfileStore, AuthProfiles, Credential, Error, ErrorKind, Failure, FailureReason, MemoryStore, ProfileId,
    ProfileSelector, ProviderId, RecordOutcome, Result, Secret, Timestamp,
};

type Store = SharedStore<MemoryEngine>;

fn store(engine: &MemoryEngine) -> Store {
    SharedStore::new(engine.clone(), Settings::default())
}

fn id(name: &str) -> ProfileId {
    ProfileId::new(name).unwrap()
}

fn put(store: &impl AuthProfileStore, name: &str, key: &str) -> Result<()> {
    store.upsert(&id(name), &ProviderId::anthropic(), &Credential::api_key(Secret::new(key)), None)
}

fn fail(store: &impl AuthProfileStore, name: &str, at: i64) -> Result<()> {
    let now = Timestamp::from_millis(at);
    let receipt = Receipt::new(id(name), ProviderId::anthropic(), None, now);
    store.record_failure(&ProfileSelector::default(), &receipt, &Failure::new(FailureReason::Auth), now)
}

fn failures(store: &impl AuthProfileStore, name: &str) -> f64 {
    store.load().unwrap().usage(name).map_or(0.0, |usage| usage.failure_count(FailureReason::Auth))
}

#[test]
fn a_shared_store_keeps_the_contract_also_behind_pointers() {
    conformance::check(|| store(&MemoryEngine::default())).unwrap();
    conformance::check(|| -> Arc<dyn AuthProfileStore> { Arc::new(store(&MemoryEngine::default())) }).unwrap();
}

#[test]
fn so_does_it_with_a_staleness_and_sealed() {
    let settings = || Settings::default().staleness(Duration::from_secs(3_600)).sealing(Arc::new(Reversed));
    conformance::check(|| SharedStore::new(MemoryEngine::default(), settings())).unwrap();
}

#[test]
fn what_one_machine_learns_the_others_see_with_the_next_load() {
    let engine = MemoryEngine::default();
    let (one, two) = (store(&engine), store(&engine));
    put(&one, "anthropic:a", "sk-ant-a").unwrap();
    assert!(two.load().unwrap().get("anthropic:a").is_some());
    fail(&one, "anthropic:a", 1_000).unwrap();
    let candidates = ProfileSelector::default();
    let now = Timestamp::from_millis(1_001);
    let profiles = two.load().unwrap();
    let anthropic = ProviderId::anthropic();
    let query = provider_auth::Query::new(&anthropic);
    let verdicts = candidates.candidates(&profiles, &query, now);
    assert!(verdicts.iter().all(|candidate| matches!(candidate.verdict, Verdict::Cooling { .. })));
    one.remove(&id("anthropic:a")).unwrap();
    assert!(two.load().unwrap().is_empty());
}

#[test]
fn outcomes_of_different_profiles_do_not_conflict_and_those_of_one_do() {
    let engine = MemoryEngine::default();
    let (one, two) = (store(&engine), store(&engine));
    put(&one, "anthropic:a", "sk-ant-a").unwrap();
    put(&one, "anthropic:b", "sk-ant-b").unwrap();
    let used = r#"{"version": 1, "profiles": {}, "usageStats": {"anthropic:used": {"lastUsed": 5}}}"#;
    let used = AuthProfiles::from_json(used).unwrap();
    let mut runs = 0;
    // Between the closure's run and its commit another machine commits.
    let count = |name: &str, other: &str, runs: &mut usize| {
        let change = &mut |_: &AuthProfiles, usage: &mut UsageStats| {
            *runs += 1;
            *usage = used.usage("anthropic:used").unwrap().clone();
            if *runs == 1 {
                fail(&two, other, 1_000).unwrap();
            }
        };
        one.update_usage(&id(name), change).unwrap();
    };
    one.load().unwrap();
    count("anthropic:a", "anthropic:b", &mut runs);
    assert_eq!(runs, 1, "an outcome of another profile is no conflict");
    runs = 0;
    count("anthropic:a", "anthropic:a", &mut runs);
    assert_eq!(runs, 2, "one of the same profile is one");
    // An update of everything meets a conflict with anything.
    runs = 0;
    one.update(&mut |profiles| {
        runs += 1;
        if runs == 1 {
            fail(&two, "anthropic:b", 500_000_000).unwrap();
        }
        let (id, key) = (id("anthropic:c"), Credential::api_key(Secret::new("sk-ant-c")));
        profiles.upsert(&id, &ProviderId::anthropic(), &key, None)
    })
    .unwrap();
    assert_eq!((runs, two.load().unwrap().len()), (2, 3));
}

#[test]
fn a_commit_whose_answer_was_lost_is_found_and_not_made_twice() {
    let engine = MemoryEngine::default();
    let one = store(&engine);
    put(&one, "anthropic:a", "sk-ant-a").unwrap();
    one.engine().lose_next_answer();
    let mut runs = 0;
    one.update(&mut |profiles| {
        runs += 1;
        let (id, key) = (id("anthropic:b"), Credential::api_key(Secret::new("sk-ant-b")));
        profiles.upsert(&id, &ProviderId::anthropic(), &key, None)
    })
    .unwrap();
    one.engine().lose_next_answer();
    fail(&one, "anthropic:a", 1_000).unwrap();
    assert_eq!((runs, failures(&store(&engine), "anthropic:a")), (1, 1.0));
}

#[test]
fn a_server_that_lost_commits_is_noticed_and_nothing_is_built_on_them() {
    let engine = MemoryEngine::default();
    let (one, two) = (store(&engine), store(&engine));
    put(&one, "anthropic:a", "sk-ant-a").unwrap();
    let saved = engine.save();
    put(&one, "anthropic:lost", "sk-ant-lost").unwrap();
    fail(&one, "anthropic:a", 1_000).unwrap();
    engine.restore(&saved);
    // As many commits as were lost, so that a number would be the same again.
    put(&two, "anthropic:new", "sk-ant-new").unwrap();
    fail(&two, "anthropic:new", 2_000).unwrap();
    let seen = one.load().unwrap();
    assert!(seen.get("anthropic:lost").is_none() && seen.get("anthropic:new").is_some());
    assert_eq!((failures(&one, "anthropic:a"), failures(&one, "anthropic:new")), (0.0, 1.0));
    fail(&one, "anthropic:a", 3_000).unwrap();
    assert_eq!(failures(&two, "anthropic:a"), 1.0);
}

#[test]
fn a_server_that_is_away_is_said_to_be_and_the_last_document_is_served_for_a_time() {
    let engine = MemoryEngine::default();
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
    let settings = Settings::default().clock(clock.clone());
    let plain = SharedStore::new(engine.clone(), settings.clone());
    let serving = SharedStore::new(engine.clone(), settings.serve_stale(Duration::from_secs(60)));
    put(&plain, "anthropic:a", "sk-ant-a").unwrap();
    assert_eq!((plain.load().unwrap().len(), serving.load().unwrap().len()), (1, 1));
    for store in [&plain, &serving] {
        store.engine().cut(true);
    }
    let away = plain.load().unwrap_err();
    assert!(away.kind() == ErrorKind::StoreUnavailable && away.is_transient() && plain.is_away());
    assert_eq!(serving.load().unwrap().len(), 1);
    assert_eq!(fail(&serving, "anthropic:a", 1_000_000).unwrap_err().kind(), ErrorKind::StoreUnavailable);
    clock.advance(Duration::from_secs(61));
    assert!(serving.load().is_err(), "it is served for a set time");
    serving.engine().cut(false);
    fail(&serving, "anthropic:a", 1_061_000).unwrap();
    assert_eq!(failures(&serving, "anthropic:a"), 1.0);
    assert!(!serving.is_away());
}

#[test]
fn within_its_staleness_a_store_asks_nobody_and_sees_its_own_commits() {
    let engine = MemoryEngine::default();
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
    let lazy =
        SharedStore::new(engine.clone(), Settings::default().clock(clock.clone()).staleness(Duration::from_secs(5)));
    let other = store(&engine);
    assert!(lazy.load().unwrap().is_empty());
    put(&other, "anthropic:a", "sk-ant-a").unwrap();
    assert!(lazy.load().unwrap().is_empty());
    put(&lazy, "anthropic:b", "sk-ant-b").unwrap();
    assert_eq!(lazy.load().unwrap().len(), 2, "a commit is on what is in force");
    put(&other, "anthropic:c", "sk-ant-c").unwrap();
    lazy.engine().cut(true);
    assert_eq!(lazy.load().unwrap().len(), 2);
    lazy.engine().cut(false);
    clock.advance(Duration::from_secs(5));
    assert_eq!(lazy.load().unwrap().len(), 3);
    // What has not changed is not read again.
    clock.advance(Duration::from_secs(5));
    let before = lazy.load().unwrap();
    clock.advance(Duration::from_secs(5));
    assert!(Arc::ptr_eq(&before, &lazy.load().unwrap()));
}

/// Stands for a cipher, and is none.
#[derive(Debug)]
struct Reversed;

impl Sealing for Reversed {
    fn seal(&self, name: &str, text: &Secret) -> Result<Vec<u8>> {
        Ok(format!("{name}\n{}", text.expose()).bytes().rev().collect())
    }

    fn open(&self, name: &str, sealed: &[u8]) -> Result<Secret> {
        let text = String::from_utf8(sealed.iter().rev().copied().collect()).unwrap_or_default();
        let opened = text.split_once('\n').filter(|(bound, _)| *bound == name).map(|(_, text)| Secret::new(text));
        opened.ok_or_else(|| Error::new(ErrorKind::Corrupt, "a value cannot be unsealed"))
    }
}

#[test]
fn a_sealed_store_is_not_read_without_the_seal_and_never_overwritten() {
    let engine = MemoryEngine::default();
    let sealed = SharedStore::new(engine.clone(), Settings::default().sealing(Arc::new(Reversed)));
    put(&sealed, "anthropic:a", "sk-ant-a").unwrap();
    let open = store(&engine);
    assert!(open.load().unwrap_err().is_corrupt());
    assert!(put(&open, "anthropic:b", "sk-ant-b").unwrap_err().is_corrupt());
    assert_eq!(sealed.load().unwrap().len(), 1);
}

#[test]
fn profiles_move_to_a_shared_store_and_back() {
    let (here, there) = (MemoryStore::default(), store(&MemoryEngine::default()));
    put(&here, "anthropic:a", "sk-ant-a").unwrap();
    assert_eq!(copy_profiles(&here, &there, CopyScope::Static).unwrap(), [id("anthropic:a")]);
    let back = MemoryStore::default();
    assert_eq!(copy_profiles(&there, &back, CopyScope::Static).unwrap(), [id("anthropic:a")]);
    assert_eq!(back.load().unwrap().get("anthropic:a"), here.load().unwrap().get("anthropic:a"));
}

/// A token endpoint that gives a new token for the latest one only, each once, and does something before it answers.
struct Endpoint {
    latest: AtomicUsize,
    answered: AtomicUsize,
    before: Box<dyn Fn() -> bool + Send + Sync>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Endpoint")
    }
}

impl Endpoint {
    fn new(before: impl Fn() -> bool + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { latest: AtomicUsize::new(1), answered: AtomicUsize::new(0), before: Box::new(before) })
    }
}

impl TokenRefresher for Endpoint {
    fn refresh<'a>(&'a self, _: &'a ProfileId, _: &'a ProviderId, spent: &'a Secret) -> RefreshFuture<'a> {
        Box::pin(async move {
            let latest = self.latest.load(Ordering::SeqCst);
            if spent.expose() != format!("refresh-{latest}") {
                return Err(Error::new(ErrorKind::RefreshDenied, "the token was spent"));
            }
            self.answered.fetch_add(1, Ordering::SeqCst);
            self.latest.store(latest + 1, Ordering::SeqCst);
            // A holder that dies now has spent the token and has nothing.
            assert!((self.before)(), "the holder dies");
            let tokens = Tokens::new(Secret::new(format!("access-{}", latest + 1)));
            Ok(tokens.refresh(Secret::new(format!("refresh-{}", latest + 1))))
        })
    }
}

fn login(engine: &MemoryEngine) -> Store {
    let store = store(engine);
    let document = AuthProfiles::from_json(
        r#"{"version": 1, "profiles": {"anthropic:me": {"type": "oauth", "provider": "anthropic",
            "access": "access-1", "refresh": "refresh-1", "expires": 1}}}"#,
    );
    let document = document.unwrap();
    store
        .update(&mut |profiles| {
            profiles.replace(document.clone());
            Ok(())
        })
        .unwrap();
    store
}

#[test]
fn machines_that_refresh_together_spend_one_token() {
    let engine = MemoryEngine::default();
    login(&engine);
    let endpoint = Endpoint::new(|| true);
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let machines: Vec<_> = (0..8)
            .map(|_| {
                let (engine, endpoint) = (engine.clone(), endpoint.clone());
                scope.spawn(move || {
                    let coordinator = RefreshCoordinator::new(Arc::new(store(&engine)), endpoint);
                    coordinator.refresh_if_needed_blocking(&id("anthropic:me")).unwrap()
                })
            })
            .collect();
        machines.into_iter().map(|machine| machine.join().unwrap()).collect()
    });
    assert_eq!(endpoint.answered.load(Ordering::SeqCst), 1);
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, RefreshOutcome::Refreshed)).count(), 1);
}

#[test]
fn a_holder_that_was_paused_for_longer_than_its_lease_overwrites_nothing() {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
    let engine = MemoryEngine::new(clock.clone());
    login(&engine);
    // While the first one waits for its answer, its lease ends and another login is stored.
    let (server, time) = (engine.clone(), clock.clone());
    let endpoint = Endpoint::new(move || {
        time.advance(Duration::from_secs(3_600));
        let other = store(&server);
        let lease = other.lease(&id("anthropic:me"), Duration::ZERO).expect("the lease has ended");
        let login = Credential::oauth(Secret::new("newer"), Some(Secret::new("refresh-newer")), None);
        other.upsert(&id("anthropic:me"), &ProviderId::anthropic(), &login, None).unwrap();
        drop(lease);
        true
    });
    let coordinator = RefreshCoordinator::new(Arc::new(store(&engine)), endpoint);
    let outcome = coordinator.refresh_if_needed_blocking(&id("anthropic:me")).unwrap();
    assert!(matches!(outcome, RefreshOutcome::RefreshedElsewhere));
    let stored = store(&engine).load().unwrap();
    let secret = stored.get("anthropic:me").and_then(|profile| profile.credential()).unwrap().secret().clone();
    assert_eq!(secret.expose(), "newer");
}

#[test]
fn a_token_that_died_with_its_holder_is_counted_denied_and_not_tried_in_a_loop() {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
    let engine = MemoryEngine::new(clock.clone());
    login(&engine);
    let dying = Endpoint::new(|| false);
    let first = RefreshCoordinator::new(Arc::new(store(&engine)), dying.clone());
    let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        first.refresh_if_needed_blocking(&id("anthropic:me")).map(|_| ())
    }));
    assert!(died.is_err() && dying.answered.load(Ordering::SeqCst) == 1);
    clock.advance(Duration::from_secs(3_600));
    for machine in 0..5 {
        let store = store(&engine);
        let next = RefreshCoordinator::new(Arc::new(store.clone()), dying.clone());
        let error = next.refresh_if_needed_blocking(&id("anthropic:me")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RefreshDenied, "machine {machine}");
        assert_eq!(store.orphaned(), u64::from(machine == 0));
    }
    // A new login is not held back by it.
    let login = Credential::oauth(Secret::new("again"), Some(Secret::new("refresh-2")), None);
    let store = store(&engine);
    store.upsert(&id("anthropic:me"), &ProviderId::anthropic(), &login, None).unwrap();
    let living = Endpoint::new(|| true);
    living.latest.store(2, Ordering::SeqCst);
    let next = RefreshCoordinator::new(Arc::new(store.clone()), living);
    let rejected = Secret::new("again");
    assert!(matches!(
        next.refresh_rejected_blocking(&id("anthropic:me"), &rejected).unwrap(),
        RefreshOutcome::Refreshed
    ));
    assert_eq!(store.orphaned(), 0);
}

#[test]
fn a_refresh_that_failed_for_a_moment_is_no_orphan() {
    #[derive(Debug)]
    struct Down;
    impl TokenRefresher for Down {
        fn refresh<'a>(&'a self, _: &'a ProfileId, _: &'a ProviderId, _: &'a Secret) -> RefreshFuture<'a> {
            Box::pin(async { Err(Error::new(ErrorKind::RefreshFailed, "the endpoint is down")) })
        }
    }
    let engine = MemoryEngine::default();
    login(&engine);
    for _ in 0..4 {
        let store = store(&engine);
        let coordinator = RefreshCoordinator::new(Arc::new(store.clone()), Arc::new(Down));
        let error = coordinator.refresh_if_needed_blocking(&id("anthropic:me")).unwrap_err();
        assert_eq!((error.kind(), store.orphaned()), (ErrorKind::RefreshFailed, 0));
    }
}

#[test]
fn updates_of_everything_are_not_starved_by_outcomes() {
    let engine = MemoryEngine::default();
    let machines: Vec<Store> = (0..8).map(|_| store(&engine)).collect();
    put(&machines[0], "anthropic:a", "sk-ant-a").unwrap();
    std::thread::scope(|scope| {
        for (number, machine) in machines.iter().enumerate() {
            scope.spawn(move || {
                for turn in 0..50 {
                    if number % 2 == 0 {
                        put(machine, &format!("anthropic:{number}-{turn}"), "sk-ant-x").unwrap();
                    } else {
                        fail(machine, "anthropic:a", 1_000 + i64::from(turn)).unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(store(&engine).load().unwrap().len(), 1 + 4 * 50);
}
