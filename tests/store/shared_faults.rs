//! Servers whose answers are lost, late or incomplete.

#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "a test may stop where it fails, and counts whole failures")]

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use provider_auth::clock::ManualClock;
use provider_auth::credential::Tokens;
use provider_auth::refresh::{RefreshCoordinator, RefreshFuture, RefreshOutcome, TokenRefresher};
use provider_auth::select::Receipt;
use provider_auth::store::AuthProfileStoreExt;
use provider_auth::store::shared::{Commit, Committed, Engine, Known, Listing, MemoryEngine, Settings, SharedStore};
use provider_auth::{
    AuthProfileStore, Credential, Error, ErrorKind, Failure, FailureReason, ProfileId, ProfileSelector, ProviderId,
    RecordOutcome, Result, Secret, Timestamp,
};

/// What happens to a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// It is made, and no answer to it or to anything else comes any more.
    LostWithServer,
    /// It is made, its answer is lost, and so is that to the next read.
    LostAndBlind,
    /// It is made, and its answer is lost.
    Lost,
    /// It is made, and too few replicas have it.
    Unconfirmed,
    /// The engine sends it twice.
    Twice,
    /// It is not made, and somebody may commit meanwhile.
    NotSent,
    /// The server says no.
    Refused,
}

type Meanwhile = Box<dyn FnOnce() + Send>;

/// A connection to a server in memory with faults of its own.
struct Faulty {
    server: MemoryEngine,
    faults: Mutex<VecDeque<Fault>>,
    confirms: bool,
    is_blind: AtomicBool,
    /// What happens between the server's answer to the next read and its arrival.
    behind: Mutex<Option<Meanwhile>>,
    /// How often it was read from.
    reads: AtomicUsize,
}

impl Faulty {
    fn new(server: &MemoryEngine) -> Self {
        Self {
            server: server.clone(),
            faults: Mutex::default(),
            confirms: true,
            is_blind: AtomicBool::new(false),
            behind: Mutex::default(),
            reads: AtomicUsize::new(0),
        }
    }

    fn meet(&self, faults: &[Fault]) {
        self.faults.lock().unwrap().extend(faults);
    }

    fn behind(&self, meanwhile: impl FnOnce() + Send + 'static) {
        *self.behind.lock().unwrap() = Some(Box::new(meanwhile));
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faulty")
    }
}

fn lost<T>() -> Result<T> {
    Err(Error::new(ErrorKind::StoreUnavailable, "no answer"))
}

impl Engine for Faulty {
    fn read(&self, known: &Known) -> Result<Option<Listing>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        if self.is_blind.swap(false, Ordering::SeqCst) {
            return lost();
        }
        let listing = self.server.read(known);
        let meanwhile = self.behind.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
        listing
    }

    fn commit(&self, commit: &Commit) -> Result<Committed> {
        let fault = self.faults.lock().unwrap().pop_front().unwrap_or(Fault::None);
        match fault {
            Fault::NotSent => return lost(),
            Fault::Refused => return Ok(Committed::Refused),
            _ => {}
        }
        let committed = self.server.commit(commit)?;
        match (fault, committed) {
            (Fault::Lost, _) => lost(),
            (Fault::LostWithServer, _) => {
                self.server.cut(true);
                lost()
            }
            (Fault::LostAndBlind, _) => {
                self.is_blind.store(true, Ordering::SeqCst);
                lost()
            }
            (Fault::Unconfirmed, Committed::Done { before }) => Ok(Committed::Unconfirmed { before }),
            (Fault::Twice, _) => self.server.commit(commit),
            (_, committed) => Ok(committed),
        }
    }

    fn confirm(&self) -> Result<bool> {
        Ok(self.confirms)
    }

    fn acquire(&self, name: &str, token: &str, life: Duration) -> Result<bool> {
        self.server.acquire(name, token, life)
    }

    fn renew(&self, name: &str, token: &str, life: Duration) -> Result<bool> {
        self.server.renew(name, token, life)
    }

    fn release(&self, name: &str, token: &str) -> Result<()> {
        self.server.release(name, token)
    }
}

type Store = SharedStore<Faulty>;

fn store(server: &MemoryEngine) -> Store {
    SharedStore::new(Faulty::new(server), Settings::default())
}

fn id(name: &str) -> ProfileId {
    ProfileId::new(name).unwrap()
}

fn put(store: &impl AuthProfileStore, name: &str) -> Result<()> {
    store.upsert(&id(name), &ProviderId::anthropic(), &Credential::api_key(Secret::new("sk-made-up")), None)
}

fn fail(store: &impl AuthProfileStore, name: &str, at: i64) -> Result<()> {
    let now = Timestamp::from_millis(at);
    let receipt = Receipt::new(id(name), ProviderId::anthropic(), None, now);
    store.record_failure(&ProfileSelector::default(), &receipt, &Failure::new(FailureReason::Auth), now)
}

fn failures(store: &impl AuthProfileStore, name: &str) -> f64 {
    store.load().unwrap().usage(name).map_or(0.0, |usage| usage.failure_count(FailureReason::Auth))
}

/// A login whose access token has ended.
fn login(store: &impl AuthProfileStore) {
    let credential =
        Credential::oauth(Secret::new("access-1"), Some(Secret::new("refresh-1")), Some(Timestamp::from_millis(1)));
    store.upsert(&id("anthropic:me"), &ProviderId::anthropic(), &credential, None).unwrap();
}

/// A token endpoint that answers each time, after something happened.
struct Endpoint(AtomicUsize, Mutex<Option<Meanwhile>>);

impl Endpoint {
    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicUsize::new(0), Mutex::default()))
    }

    fn asked(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Endpoint")
    }
}

impl TokenRefresher for Endpoint {
    fn refresh<'a>(&'a self, _: &'a ProfileId, _: &'a ProviderId, _: &'a Secret) -> RefreshFuture<'a> {
        Box::pin(async move {
            self.0.fetch_add(1, Ordering::SeqCst);
            if let Some(meanwhile) = self.1.lock().unwrap().take() {
                meanwhile();
            }
            Ok(Tokens::new(Secret::new("access-2")).refresh(Secret::new("refresh-2")))
        })
    }
}

fn refresh(store: &Store, endpoint: &Arc<Endpoint>) -> Result<RefreshOutcome> {
    RefreshCoordinator::new(Arc::new(store.clone()), endpoint.clone()).refresh_if_needed_blocking(&id("anthropic:me"))
}

#[test]
fn a_refresh_token_that_was_noted_and_not_sent_is_not_taken_for_one_that_died() {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
    let (server, endpoint) = (MemoryEngine::new(clock.clone()), Endpoint::new());
    let store = store(&server);
    login(&store);
    for turn in 0..3 {
        store.engine().meet(&[Fault::LostWithServer]);
        let error = refresh(&store, &endpoint).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RefreshFailed, "turn {turn}: {error:?}");
        store.engine().server.cut(false);
        clock.advance(Duration::from_secs(60));
    }
    assert!(matches!(refresh(&store, &endpoint).unwrap(), RefreshOutcome::Refreshed));
    assert_eq!((endpoint.asked(), store.orphaned()), (1, 0));
}

#[test]
fn a_note_that_may_have_been_written_is_taken_back_for_other_machines_too() {
    let (server, endpoint) = (MemoryEngine::default(), Endpoint::new());
    login(&store(&server));
    for _ in 0..3 {
        let store = store(&server);
        store.engine().meet(&[Fault::LostAndBlind]);
        assert!(refresh(&store, &endpoint).is_err());
    }
    let last = store(&server);
    assert!(matches!(refresh(&last, &endpoint).unwrap(), RefreshOutcome::Refreshed));
    assert_eq!((endpoint.asked(), last.orphaned()), (1, 0));
}

#[test]
fn a_note_that_too_few_replicas_have_is_a_note() {
    let (server, endpoint) = (MemoryEngine::default(), Endpoint::new());
    let store = store(&server);
    login(&store);
    store.engine().meet(&[Fault::Unconfirmed]);
    assert!(matches!(refresh(&store, &endpoint).unwrap(), RefreshOutcome::Refreshed));
    assert_eq!((endpoint.asked(), store.orphaned()), (1, 0));
}

#[test]
fn an_outcome_that_too_few_replicas_have_is_not_counted_again_and_an_update_says_so() {
    let store = store(&MemoryEngine::default());
    put(&store, "anthropic:a").unwrap();
    store.engine().meet(&[Fault::Unconfirmed, Fault::Unconfirmed]);
    fail(&store, "anthropic:a", 1_000).unwrap();
    let error = put(&store, "anthropic:b").unwrap_err();
    assert!(error.kind() == ErrorKind::StoreUnavailable && error.to_string().contains("replicas"), "{error}");
    assert_eq!((failures(&store, "anthropic:a"), store.load().unwrap().len()), (1.0, 2));
}

#[test]
fn an_outcome_that_meets_another_one_is_written_without_a_read() {
    let server = MemoryEngine::default();
    let (store, other) = (store(&server), store(&server));
    put(&store, "anthropic:a").unwrap();
    fail(&other, "anthropic:a", 1_000).unwrap();
    let reads = store.engine().reads.load(Ordering::SeqCst);
    fail(&store, "anthropic:a", 7_200_000).unwrap();
    assert_eq!(store.engine().reads.load(Ordering::SeqCst), reads);
    // A credential that is gone is gone for an outcome too.
    other.remove(&id("anthropic:a")).unwrap();
    fail(&store, "anthropic:a", 14_400_000).unwrap();
    assert_eq!((failures(&store, "anthropic:a"), failures(&other, "anthropic:a")), (0.0, 0.0));
    // What was put together of two states is none that a server has: the next load asks for all of it.
    put(&other, "anthropic:b").unwrap();
    assert_eq!(store.load().unwrap().to_json(), other.load().unwrap().to_json());
}

#[test]
fn a_conflict_with_a_new_credential_brings_the_statistics_that_belong_to_it() {
    let server = MemoryEngine::default();
    let settings = Settings::default().clock(Arc::new(ManualClock::new(Timestamp::from_millis(0))));
    let store = SharedStore::new(Faulty::new(&server), settings.staleness(Duration::from_secs(60)));
    let other = self::store(&server);
    for name in ["anthropic:a", "anthropic:b"] {
        put(&store, name).unwrap();
    }
    fail(&store, "anthropic:b", 1_000).unwrap();
    // A new key ends the window of the old one in the same commit.
    let key = Credential::api_key(Secret::new("sk-made-up-as-well"));
    other.upsert(&id("anthropic:b"), &ProviderId::anthropic(), &key, None).unwrap();
    assert_eq!(failures(&store, "anthropic:b"), 1.0, "within the staleness the old state is served");
    fail(&store, "anthropic:a", 2_000).unwrap();
    assert_eq!(store.load().unwrap().get("anthropic:b").unwrap().credential(), Some(&key));
    assert_eq!((failures(&store, "anthropic:b"), failures(&other, "anthropic:b")), (0.0, 0.0));
}

#[test]
fn a_commit_that_an_engine_sends_twice_is_made_once() {
    let store = store(&MemoryEngine::default());
    put(&store, "anthropic:a").unwrap();
    store.engine().meet(&[Fault::Twice, Fault::Twice]);
    fail(&store, "anthropic:a", 1_000).unwrap();
    let mut runs = 0;
    store
        .update(&mut |profiles| {
            runs += 1;
            profiles.set_order(&ProviderId::anthropic(), &[id("anthropic:a")])
        })
        .unwrap();
    assert_eq!((runs, failures(&store, "anthropic:a")), (1, 1.0));
}

#[test]
fn a_commit_that_may_have_been_made_and_written_over_is_not_made_again() {
    let server = MemoryEngine::default();
    let (store, other) = (store(&server), store(&server));
    put(&store, "anthropic:a").unwrap();
    store.engine().meet(&[Fault::NotSent]);
    store.engine().behind(move || fail(&other, "anthropic:a", 2_000).unwrap());
    let error = fail(&store, "anthropic:a", 1_000).unwrap_err();
    assert!(error.kind() == ErrorKind::StoreUnavailable && error.to_string().contains("may have been"), "{error}");
    assert_eq!(failures(&store, "anthropic:a"), 1.0);
}

#[test]
fn a_commit_that_was_found_is_confirmed_like_any_other() {
    let server = MemoryEngine::default();
    let few = SharedStore::new(Faulty { confirms: false, ..Faulty::new(&server) }, Settings::default());
    few.engine().meet(&[Fault::Lost]);
    let error = put(&few, "anthropic:a").unwrap_err();
    assert!(error.to_string().contains("replicas"), "{error}");
    let enough = store(&server);
    enough.engine().meet(&[Fault::Lost]);
    put(&enough, "anthropic:b").unwrap();
    assert_eq!(enough.load().unwrap().len(), 2);
}

#[test]
fn a_server_that_takes_no_writes_is_not_said_to_have_written() {
    let store = store(&MemoryEngine::default());
    store.engine().meet(&[Fault::Refused]);
    let error = put(&store, "anthropic:a").unwrap_err();
    assert!(error.kind() == ErrorKind::StoreUnavailable && error.is_transient());
    assert!(error.to_string().contains("nothing was written"), "{error}");
}

#[test]
fn a_read_that_began_before_a_commit_does_not_hide_it() {
    let server = MemoryEngine::default();
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
    let settings = Settings::default().clock(clock.clone()).staleness(Duration::from_secs(5));
    let store = SharedStore::new(Faulty::new(&server), settings.serve_stale(Duration::from_secs(60)));
    put(&store, "anthropic:a").unwrap();
    clock.advance(Duration::from_secs(6));
    let own = store.clone();
    store.engine().behind(move || put(&own, "anthropic:b").unwrap());
    store.load().unwrap();
    assert_eq!(store.load().unwrap().len(), 2, "what was acknowledged is seen");
    store.engine().server.cut(true);
    assert_eq!(store.load().unwrap().len(), 2, "also while the server is away");
}

#[test]
fn what_was_committed_after_others_and_lost_with_the_server_is_not_shown() {
    let server = MemoryEngine::default();
    let (store, other) = (store(&server), store(&server));
    put(&store, "anthropic:a").unwrap();
    put(&store, "anthropic:b").unwrap();
    let saved = server.save();
    fail(&other, "anthropic:b", 1_000).unwrap();
    fail(&store, "anthropic:a", 1_000).unwrap();
    // The replica has just what this store read last.
    server.restore(&saved);
    assert_eq!(failures(&store, "anthropic:a"), 0.0);
    fail(&store, "anthropic:a", 500_000_000).unwrap();
    assert_eq!(failures(&other, "anthropic:a"), 1.0);
}

#[test]
fn tokens_in_hand_keep_their_lease_until_the_server_is_back_and_are_written_then() {
    let (server, endpoint) = (MemoryEngine::default(), Endpoint::new());
    let (store, other) = (store(&server), store(&server));
    login(&store);
    let own = store.clone();
    *endpoint.1.lock().unwrap() = Some(Box::new(move || own.engine().server.cut(true)));
    let coordinator = RefreshCoordinator::new(Arc::new(store.clone()), endpoint.clone());
    let error = coordinator.refresh_if_needed_blocking(&id("anthropic:me")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RefreshFailed);
    let lease = other.lease(&id("anthropic:me"), Duration::ZERO);
    assert_eq!(lease.unwrap_err().kind(), ErrorKind::Locked, "another machine would send the token once more");
    // Nobody asks for the login: the tokens are written all the same, and the lease is given back.
    store.engine().server.cut(false);
    let lease = other.lease(&id("anthropic:me"), Duration::from_secs(30)).unwrap();
    let kept = other.load().unwrap();
    let credential = kept.get("anthropic:me").and_then(|profile| profile.credential()).unwrap();
    assert_eq!((credential.secret().expose(), endpoint.asked(), other.orphaned()), ("access-2", 1, 0));
    drop((lease, coordinator));
}

#[test]
fn the_next_refresh_writes_tokens_in_hand_under_the_lease_that_was_kept() {
    let (server, endpoint) = (MemoryEngine::default(), Endpoint::new());
    // A document that is served while the server is away lets every call come as far as the lease.
    let store = SharedStore::new(Faulty::new(&server), Settings::default().serve_stale(Duration::from_secs(600)));
    login(&store);
    let own = store.clone();
    *endpoint.1.lock().unwrap() = Some(Box::new(move || own.engine().server.cut(true)));
    let coordinator = RefreshCoordinator::new(Arc::new(store.clone()), endpoint.clone()).lease_wait(Duration::ZERO);
    for _ in 0..3 {
        assert!(coordinator.refresh_if_needed_blocking(&id("anthropic:me")).is_err());
    }
    store.engine().server.cut(false);
    let outcome = coordinator.refresh_if_needed_blocking(&id("anthropic:me"));
    // The thread beside may have been faster, and gives the lease back once it has written.
    assert!(outcome.is_ok() || outcome.is_err_and(|error| error.kind() == ErrorKind::RefreshFailed));
    drop(store.lease(&id("anthropic:me"), Duration::from_secs(30)).unwrap());
    let kept = store.load().unwrap();
    let credential = kept.get("anthropic:me").and_then(|profile| profile.credential()).unwrap();
    assert_eq!(credential.secret().expose(), "access-2");
    assert_eq!(endpoint.asked(), 1);
}
