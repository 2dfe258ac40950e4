//! Refreshes on several machines of which some are cut off or paused, and none dies unless a test says so.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use provider_auth::clock::ManualClock;
use provider_auth::credential::Tokens;
use provider_auth::refresh::{RefreshCoordinator, RefreshFuture, RefreshOutcome, TokenRefresher};
use provider_auth::store::AuthProfileStoreExt;
use provider_auth::store::shared::{Commit, Committed, Engine, Known, Listing, MemoryEngine, Settings, SharedStore};
use provider_auth::{AuthProfileStore, Credential, Error, ErrorKind, ProfileId, ProviderId, Result, Secret, Timestamp};

type Meanwhile = Box<dyn FnOnce() + Send>;

/// A connection to a server in memory, whose machine may be paused after it has acquired or extended a lease.
struct Paused {
    server: MemoryEngine,
    after_acquisition: Mutex<Option<Meanwhile>>,
    after_renewal: Mutex<Option<Meanwhile>>,
}

impl fmt::Debug for Paused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Paused")
    }
}

impl Engine for Paused {
    fn read(&self, known: &Known) -> Result<Option<Listing>> {
        self.server.read(known)
    }

    fn commit(&self, commit: &Commit) -> Result<Committed> {
        self.server.commit(commit)
    }

    fn acquire(&self, name: &str, token: &str, life: Duration) -> Result<bool> {
        let acquired = self.server.acquire(name, token, life);
        pass(&self.after_acquisition);
        acquired
    }

    fn renew(&self, name: &str, token: &str, life: Duration) -> Result<bool> {
        let renewed = self.server.renew(name, token, life);
        pass(&self.after_renewal);
        renewed
    }

    fn release(&self, name: &str, token: &str) -> Result<()> {
        self.server.release(name, token)
    }

    fn may_block(&self) -> bool {
        false
    }
}

/// Lets happen what happens here, once.
fn pass(place: &Mutex<Option<Meanwhile>>) {
    let meanwhile = place.lock().unwrap().take();
    if let Some(meanwhile) = meanwhile {
        meanwhile();
    }
}

type Store = SharedStore<Paused>;

/// A token endpoint for single-use refresh tokens.
#[derive(Default)]
struct Endpoint {
    spent: AtomicU64,
    asked: AtomicUsize,
    /// Requests with a token that was spent before, for which an endpoint may revoke everything.
    reused: AtomicUsize,
    is_down: AtomicBool,
    meanwhile: Mutex<Option<Meanwhile>>,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Endpoint")
    }
}

impl Endpoint {
    fn meanwhile(&self, meanwhile: impl FnOnce() + Send + 'static) {
        *self.meanwhile.lock().unwrap() = Some(Box::new(meanwhile));
    }

    /// Returns how many requests there were, and how many of them with a spent token.
    fn requests(&self) -> (usize, usize) {
        (self.asked.load(Ordering::SeqCst), self.reused.load(Ordering::SeqCst))
    }
}

impl TokenRefresher for Endpoint {
    fn refresh<'a>(&'a self, _: &'a ProfileId, _: &'a ProviderId, token: &'a Secret) -> RefreshFuture<'a> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            pass(&self.meanwhile);
            if self.is_down.load(Ordering::SeqCst) {
                return Err(Error::new(ErrorKind::RefreshFailed, "the endpoint cannot be reached"));
            }
            let latest = self.spent.load(Ordering::SeqCst);
            if token.expose() != format!("refresh-{latest}") {
                self.reused.fetch_add(1, Ordering::SeqCst);
                return Err(Error::new(ErrorKind::RefreshDenied, "the token was spent"));
            }
            self.spent.store(latest + 1, Ordering::SeqCst);
            let access = Secret::new(format!("access-{}", latest + 1));
            Ok(Tokens::new(access).refresh(Secret::new(format!("refresh-{}", latest + 1))))
        })
    }
}

/// Several machines with one login, whose access token has ended.
struct Fleet {
    clock: Arc<ManualClock>,
    server: MemoryEngine,
    endpoint: Arc<Endpoint>,
    settings: Settings,
}

impl Fleet {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
        let settings = Settings::default().clock(clock.clone());
        let fleet = Self { server: MemoryEngine::new(clock.clone()), clock, endpoint: Arc::default(), settings };
        let ended = Some(Timestamp::from_millis(1));
        let login = Credential::oauth(Secret::new("access-0"), Some(Secret::new("refresh-0")), ended);
        fleet.machine().0.upsert(&me(), &ProviderId::anthropic(), &login, None).unwrap();
        fleet
    }

    fn machine(&self) -> (Store, RefreshCoordinator) {
        let (server, after_acquisition) = (self.server.clone(), Mutex::default());
        let engine = Paused { server, after_acquisition, after_renewal: Mutex::default() };
        let store = SharedStore::new(engine, self.settings.clone());
        let coordinator = RefreshCoordinator::new(Arc::new(store.clone()), self.endpoint.clone());
        (store, coordinator.lease_wait(Duration::ZERO))
    }

    /// Lets a machine spend the token, and cuts it off before it can write the new ones.
    fn cut_off_with_new_tokens(&self, (store, coordinator): &(Store, RefreshCoordinator)) {
        let own = store.clone();
        self.endpoint.meanwhile(move || own.engine().server.cut(true));
        assert_eq!(refresh(coordinator).unwrap_err().0, ErrorKind::RefreshFailed);
    }

    /// Lets a machine's refreshes fail while it is cut off and the endpoint is down, a minute apart.
    fn fail_three_times(&self, machine: &(Store, RefreshCoordinator)) {
        self.endpoint.is_down.store(true, Ordering::SeqCst);
        for _ in 0..3 {
            self.cut_off_with_new_tokens(machine);
            machine.0.engine().server.cut(false);
            self.clock.advance(Duration::from_secs(60));
        }
        self.endpoint.is_down.store(false, Ordering::SeqCst);
    }
}

fn me() -> ProfileId {
    ProfileId::new("anthropic:me").unwrap()
}

/// Refreshes the login if it is due; returns the kinds of the error and of its cause.
fn refresh(coordinator: &RefreshCoordinator) -> std::result::Result<RefreshOutcome, (ErrorKind, Option<ErrorKind>)> {
    coordinator.refresh_if_needed_blocking(&me()).map_err(|error| {
        let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<Error>());
        (error.kind(), cause.map(Error::kind))
    })
}

const LOCKED: (ErrorKind, Option<ErrorKind>) = (ErrorKind::RefreshFailed, Some(ErrorKind::Locked));

#[test]
fn a_holder_that_is_cut_off_for_longer_than_its_lease_lives_is_waited_for() {
    let fleet = Fleet::new();
    let (cut, other) = (fleet.machine(), fleet.machine());
    fleet.cut_off_with_new_tokens(&cut);
    for _ in 0..4 {
        fleet.clock.advance(Duration::from_secs(41));
        assert_eq!(refresh(&other.1).unwrap_err(), LOCKED);
        assert_eq!(fleet.endpoint.requests(), (1, 0), "the spent token is not sent by another machine");
    }
    cut.0.engine().server.cut(false);
    refresh(&cut.1).unwrap();
    assert!(matches!(refresh(&other.1).unwrap(), RefreshOutcome::NotNeeded));
    let kept = other.0.load().unwrap();
    assert_eq!(kept.get("anthropic:me").unwrap().credential().unwrap().secret().expose(), "access-1");
    assert_eq!((fleet.endpoint.requests(), cut.0.orphaned() + other.0.orphaned()), ((1, 0), 0));
    // The wait is over with the token that it was about.
    let rejected = Secret::new("access-1");
    assert!(matches!(other.1.refresh_rejected_blocking(&me(), &rejected).unwrap(), RefreshOutcome::Refreshed));
}

#[test]
fn a_holder_that_does_not_come_back_is_counted_and_its_token_sent_once_more() {
    let fleet = Fleet::new();
    let gone = fleet.machine();
    fleet.cut_off_with_new_tokens(&gone);
    let mut results = Vec::new();
    let mut orphaned = 0;
    for _ in 0..20 {
        fleet.clock.advance(Duration::from_secs(41));
        let (store, coordinator) = fleet.machine();
        results.push(refresh(&coordinator).unwrap_err());
        orphaned += store.orphaned();
    }
    // The wait is five minutes, from the first machine that asked.
    let waited = results.iter().take_while(|error| **error == LOCKED).count();
    assert_eq!(waited, 8, "{results:?}");
    assert!(results.iter().skip(waited).all(|(kind, _)| *kind == ErrorKind::RefreshDenied), "{results:?}");
    assert_eq!((fleet.endpoint.requests(), orphaned), ((2, 1), 1));
}

#[test]
fn a_login_survives_refreshes_that_failed_while_the_server_was_away_too() {
    let fleet = Fleet::new();
    let (store, coordinator) = fleet.machine();
    fleet.fail_three_times(&(store.clone(), coordinator.clone()));
    // Another machine waits for the one that sent the token last, and is not told that the login is over.
    let other = fleet.machine();
    for _ in 0..20 {
        match refresh(&other.1) {
            Ok(_) => break,
            Err(error) => assert_eq!(error, LOCKED),
        }
        fleet.clock.advance(Duration::from_secs(60));
    }
    assert!(matches!(refresh(&other.1).unwrap(), RefreshOutcome::NotNeeded));
    assert_eq!(fleet.endpoint.requests(), (4, 0));
}

#[test]
fn the_machine_itself_knows_that_its_refreshes_failed() {
    let fleet = Fleet::new();
    let (store, coordinator) = fleet.machine();
    fleet.fail_three_times(&(store.clone(), coordinator.clone()));
    assert!(matches!(refresh(&coordinator).unwrap(), RefreshOutcome::Refreshed));
    assert_eq!((fleet.endpoint.requests(), store.orphaned()), ((4, 0), 0));
}

#[test]
fn a_note_that_could_not_be_removed_is_removed_once_the_server_is_back() {
    let mut fleet = Fleet::new();
    fleet.settings = fleet.settings.lease_life(Duration::from_millis(30));
    let (store, coordinator) = fleet.machine();
    fleet.endpoint.is_down.store(true, Ordering::SeqCst);
    fleet.cut_off_with_new_tokens(&(store.clone(), coordinator));
    fleet.endpoint.is_down.store(false, Ordering::SeqCst);
    // Its lease ends, because it cannot release it.
    fleet.clock.advance(Duration::from_secs(1));
    store.engine().server.cut(false);
    let other = fleet.machine();
    // Nobody waits for it: the clock stands still from here on.
    let (_open, never) = channel::<()>();
    let is_removed =
        (0..2_000).any(|_| !fleet.server.is_noted() || never.recv_timeout(Duration::from_millis(10)).is_ok());
    assert!(is_removed, "the note stays");
    assert!(matches!(refresh(&other.1).unwrap(), RefreshOutcome::Refreshed));
    assert_eq!((fleet.endpoint.requests(), other.0.orphaned()), ((2, 0), 0));
}

trait Noted {
    fn is_noted(&self) -> bool;
}

impl Noted for MemoryEngine {
    /// Returns `true` if there is a note on a refresh token that was sent.
    fn is_noted(&self) -> bool {
        self.read(&Known::default()).unwrap().unwrap().entries.iter().any(|entry| entry.name.starts_with("refresh/"))
    }
}

#[test]
fn a_holder_that_was_paused_right_before_its_note_sends_no_token_that_was_spent_meanwhile() {
    let fleet = Fleet::new();
    let (paused, other) = (fleet.machine(), fleet.machine());
    let (clock, second) = (fleet.clock.clone(), other.1.clone());
    *paused.0.engine().after_renewal.lock().unwrap() = Some(Box::new(move || {
        clock.advance(Duration::from_secs(41));
        assert!(matches!(refresh(&second).unwrap(), RefreshOutcome::Refreshed));
    }));
    assert_eq!(refresh(&paused.1).unwrap_err(), LOCKED);
    assert_eq!((fleet.endpoint.requests(), paused.0.orphaned()), ((1, 0), 0));
    assert!(matches!(refresh(&paused.1).unwrap(), RefreshOutcome::NotNeeded));
}

#[test]
fn a_holder_whose_lease_was_lost_before_it_spends_a_token_sends_none_and_releases_none() {
    let fleet = Fleet::new();
    let (paused, other) = (fleet.machine(), fleet.machine());
    let (clock, held) = (fleet.clock.clone(), Arc::new(Mutex::new(None)));
    let (second, place) = (other.0.clone(), held.clone());
    *paused.0.engine().after_acquisition.lock().unwrap() = Some(Box::new(move || {
        clock.advance(Duration::from_secs(41));
        *place.lock().unwrap() = Some(second.lease(&me(), Duration::ZERO).unwrap());
    }));
    assert_eq!(refresh(&paused.1).unwrap_err(), LOCKED);
    assert_eq!(fleet.endpoint.requests(), (0, 0));
    assert_eq!(fleet.machine().0.lease(&me(), Duration::ZERO).unwrap_err().kind(), ErrorKind::Locked);
    drop(held.lock().unwrap().take());
    assert!(matches!(refresh(&paused.1).unwrap(), RefreshOutcome::Refreshed));
}

#[test]
fn another_credential_written_meanwhile_does_not_stop_a_refresh() {
    let fleet = Fleet::new();
    let (one, other) = (fleet.machine(), fleet.machine());
    *one.0.engine().after_renewal.lock().unwrap() = Some(Box::new(move || {
        let key = Credential::api_key(Secret::new("made-up"));
        let id = ProfileId::new("anthropic:other").unwrap();
        other.0.upsert(&id, &ProviderId::anthropic(), &key, None).unwrap();
    }));
    assert!(matches!(refresh(&one.1).unwrap(), RefreshOutcome::Refreshed));
}
