//! Callers of a refresh: many at once, some that go away, some without a runtime.

#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]
#![cfg(feature = "client")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use provider_auth::clock::ManualClock;
use provider_auth::credential::Tokens;
use provider_auth::refresh::{RefreshCoordinator, RefreshFuture, RefreshOutcome, TokenRefresher};
use provider_auth::store::Lease;
use provider_auth::{
    AuthProfileStore, AuthProfiles, ErrorKind, MemoryStore, ProfileId, ProviderId, Result, Secret, Timestamp,
};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use super::refresh::{Endpoint, login};
use crate::support::{NOW, document, id};

/// A store whose calls may block as far as anybody knows, and that counts those who wait for a lease.
#[derive(Debug)]
struct Slow {
    inner: MemoryStore,
    waiting: AtomicUsize,
    most: AtomicUsize,
}

impl AuthProfileStore for Slow {
    fn load(&self) -> Result<Arc<AuthProfiles>> {
        self.inner.load()
    }

    fn update(&self, change: &mut dyn FnMut(&mut AuthProfiles) -> Result<()>) -> Result<Arc<AuthProfiles>> {
        self.inner.update(change)
    }

    fn lease(&self, profile: &ProfileId, wait: Duration) -> Result<Lease> {
        let waiting = self.waiting.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(waiting, Ordering::SeqCst);
        let lease = self.inner.lease(profile, wait);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        lease
    }
}

impl Slow {
    fn access(&self) -> Secret {
        self.inner.load().unwrap().get("anthropic:me").unwrap().credential().unwrap().secret().clone()
    }
}

/// A coordinator for a login that has ended, in a store that may block.
fn coordinator(endpoint: &Arc<Endpoint>) -> (Arc<Slow>, RefreshCoordinator) {
    let inner = MemoryStore::new(document(&login(NOW)));
    let store = Arc::new(Slow { inner, waiting: AtomicUsize::new(0), most: AtomicUsize::new(0) });
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(NOW)));
    (Arc::clone(&store), RefreshCoordinator::new(store, Arc::clone(endpoint) as _).clock(clock))
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

/// Polls a future so often and drops it, with the turn of others in between.
async fn give_up<T>(future: impl Future<Output = T>, polls: usize) {
    let mut future = Box::pin(future);
    for _ in 0..polls {
        if future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn five_hundred_callers_wait_for_one_refresh_with_one_thread() {
    let endpoint = Arc::new(Endpoint::default());
    let (store, coordinator) = coordinator(&endpoint);
    let elsewhere = store.inner.lease(&id("anthropic:me"), Duration::ZERO).unwrap();
    let mut callers = JoinSet::new();
    for _ in 0..500 {
        let coordinator = coordinator.clone();
        callers.spawn(async move { coordinator.refresh_if_needed(&id("anthropic:me")).await.unwrap() });
    }
    while store.waiting.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    drop(elsewhere);
    let outcomes = callers.join_all().await;
    let own = outcomes.iter().filter(|outcome| matches!(outcome, RefreshOutcome::Refreshed)).count();
    assert_eq!((own, store.most.load(Ordering::SeqCst)), (1, 1));
    assert_eq!((endpoint.spent.load(Ordering::SeqCst), store.access().expose()), (1, "a-2"));
}

#[tokio::test]
async fn those_who_wait_share_a_failure_and_do_not_repeat_it() {
    let endpoint = Endpoint::failing(&[ErrorKind::RefreshFailed]);
    let (_, coordinator) = coordinator(&endpoint);
    let mut callers = JoinSet::new();
    for _ in 0..20 {
        let coordinator = coordinator.clone();
        callers.spawn(async move { coordinator.refresh_if_needed(&id("anthropic:me")).await.unwrap_err() });
    }
    for error in callers.join_all().await {
        assert_eq!((error.kind(), error.is_transient()), (ErrorKind::RefreshFailed, true));
        assert_eq!(error.to_string(), "OAuth token refresh failed for anthropic:me");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "as the test wants it");
    }
    assert_eq!(endpoint.spent.load(Ordering::SeqCst), 0, "asked once only: a second answer would be good");
    assert!(matches!(coordinator.refresh_if_needed(&id("anthropic:me")).await.unwrap(), RefreshOutcome::Refreshed));
}

#[tokio::test]
async fn tokens_that_end_soon_are_not_asked_for_by_everybody() {
    let endpoint = Arc::new(Endpoint::default());
    let (_, coordinator) = coordinator(&endpoint);
    // The endpoint gives an hour.
    let coordinator = coordinator.windows(Duration::from_secs(7_200), Duration::from_secs(7_200));
    let mut callers = JoinSet::new();
    for _ in 0..20 {
        let coordinator = coordinator.clone();
        callers.spawn(async move { coordinator.refresh_if_needed(&id("anthropic:me")).await.unwrap() });
    }
    callers.join_all().await;
    assert_eq!(endpoint.spent.load(Ordering::SeqCst), 1);
}

/// Looks after callers that went away: nothing is lost, held, or spent twice.
fn check(store: &Slow, endpoint: &Endpoint, round: usize) {
    assert_eq!(store.access().expose(), format!("a-{}", endpoint.spent.load(Ordering::SeqCst) + 1), "round {round}");
    assert_eq!(endpoint.refused.load(Ordering::SeqCst), 0, "a token was spent twice in round {round}");
    // Its holder may be about to give it back.
    drop(store.lease(&id("anthropic:me"), Duration::from_secs(30)).unwrap());
}

#[test]
fn a_caller_may_go_away_at_any_point() {
    let endpoint = Arc::new(Endpoint::default());
    endpoint.answers_late.store(true, Ordering::SeqCst);
    let (store, coordinator) = coordinator(&endpoint);
    runtime().block_on(async {
        for polls in 0..200 {
            let rejected = store.access();
            give_up(coordinator.refresh_rejected(&id("anthropic:me"), &rejected), polls).await;
            coordinator.refresh_rejected(&id("anthropic:me"), &rejected).await.unwrap();
            assert_ne!(store.access(), rejected);
            check(&store, &endpoint, polls);
        }
    });
    assert_eq!(endpoint.spent.load(Ordering::SeqCst), 200);
}

#[test]
fn a_runtime_may_end_at_any_point_and_another_goes_on() {
    let endpoint = Arc::new(Endpoint::default());
    let (store, coordinator) = coordinator(&endpoint);
    for polls in 0..100 {
        let rejected = store.access();
        runtime().block_on(give_up(coordinator.refresh_rejected(&id("anthropic:me"), &rejected), polls));
        runtime().block_on(coordinator.refresh_rejected(&id("anthropic:me"), &rejected)).unwrap();
        assert_ne!(store.access(), rejected);
        check(&store, &endpoint, polls);
    }
}

#[test]
fn a_runtime_without_threads_fails_and_the_next_one_does_not() {
    let endpoint = Arc::new(Endpoint::default());
    let (store, coordinator) = coordinator(&endpoint);
    // No system has room for a stack like this.
    let poor = Builder::new_current_thread().enable_time().thread_stack_size(1 << 46).build().unwrap();
    let error = poor.block_on(coordinator.refresh_if_needed(&id("anthropic:me"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "the store cannot be read");
    runtime().block_on(coordinator.refresh_if_needed(&id("anthropic:me"))).unwrap();
    check(&store, &endpoint, 0);
}

#[test]
fn without_a_runtime_there_is_the_call_that_blocks() {
    let endpoint = Arc::new(Endpoint::default());
    let (store, coordinator) = coordinator(&endpoint);
    let me = id("anthropic:me");
    let asked = Box::pin(coordinator.refresh_if_needed(&me)).as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(asked, Poll::Ready(Err(error)) if error.kind() == ErrorKind::RefreshFailed));
    assert!(matches!(coordinator.refresh_if_needed_blocking(&me).unwrap(), RefreshOutcome::Refreshed));
    assert!(matches!(coordinator.refresh_if_needed_blocking(&me).unwrap(), RefreshOutcome::NotNeeded));
    let rejected = store.access();
    std::thread::scope(|scope| {
        let calls: Vec<_> =
            (0..8).map(|_| scope.spawn(|| coordinator.refresh_rejected_blocking(&me, &rejected))).collect();
        for call in calls {
            call.join().unwrap().unwrap();
        }
    });
    assert_eq!(endpoint.spent.load(Ordering::SeqCst), 2);
    check(&store, &endpoint, 0);
}

/// An endpoint that is asked on a thread of its own.
#[derive(Debug, Default)]
struct Threaded(Arc<Mutex<Option<Tokens>>>);

impl TokenRefresher for Threaded {
    fn refresh<'a>(&'a self, _: &'a ProfileId, _: &'a ProviderId, _: &'a Secret) -> RefreshFuture<'a> {
        let mut asked = false;
        Box::pin(std::future::poll_fn(move |context| {
            if let Some(tokens) = self.0.lock().unwrap().take() {
                return Poll::Ready(Ok(tokens));
            }
            if !std::mem::replace(&mut asked, true) {
                let (answer, waker) = (Arc::clone(&self.0), context.waker().clone());
                std::thread::spawn(move || {
                    *answer.lock().unwrap() = Some(Tokens::new("a-2").refresh("r-2"));
                    waker.wake();
                });
            }
            Poll::Pending
        }))
    }
}

#[test]
fn a_call_that_blocks_is_woken_from_elsewhere() {
    let store = Arc::new(MemoryStore::new(document(&login(NOW))));
    let coordinator = RefreshCoordinator::new(Arc::clone(&store) as _, Arc::new(Threaded::default()));
    assert!(matches!(coordinator.refresh_if_needed_blocking(&id("anthropic:me")).unwrap(), RefreshOutcome::Refreshed));
    assert!(store.load().unwrap().to_json().expose().contains("r-2"));
}
