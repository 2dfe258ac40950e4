//! Trials over a store that many machines share: how long the one making a trial keeps the others, and itself, waiting.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where something is wrong")]
#![cfg(feature = "client")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use provider_auth::clock::{Clock as _, ManualClock};
use provider_auth::failure::TransportError;
use provider_auth::rotation::{Answered, Attempt, BlockingDriver, Rotation};
use provider_auth::select::{ProbePolicy, Receipt};
use provider_auth::store::shared::{Commit, Committed, Engine, Known, Listing, MemoryEngine, Settings, SharedStore};
use provider_auth::{
    AuthProfileStore as _, AuthProfiles, Call, Failure, FailureReason, ProfileId, ProfileSelector, RecordOutcome as _,
    Result, Rotator, SendFailure, Timestamp,
};

use crate::support::NOW;

const KEYS: &str = r#"{"version": 1, "profiles": {
    "openai:a": {"type": "api_key", "provider": "openai", "key": "sk-a"},
    "openai:b": {"type": "api_key", "provider": "openai", "key": "sk-b"}},
    "order": {"openai": ["openai:a", "openai:b"]}}"#;
const KEY: &str = r#"{"version": 1, "profiles": {
    "openai:a": {"type": "api_key", "provider": "openai", "key": "sk-a"}}}"#;

/// The double as a server behind a network, where nothing that waits is done by who must not wait.
#[derive(Clone, Debug)]
struct Remote {
    inner: MemoryEngine,
    acquired: Arc<AtomicUsize>,
    /// As for a program that has ended before it came to what it leaves to the thread that renews leases.
    leaves_nothing_for_later: bool,
}

impl Engine for Remote {
    fn read(&self, known: &Known) -> Result<Option<Listing>> {
        self.inner.read(known)
    }

    fn commit(&self, commit: &Commit) -> Result<Committed> {
        self.inner.commit(commit)
    }

    fn acquire(&self, name: &str, token: &str, life: Duration) -> Result<bool> {
        self.acquired.fetch_add(1, Ordering::SeqCst);
        self.inner.acquire(name, token, life)
    }

    fn renew(&self, name: &str, token: &str, life: Duration) -> Result<bool> {
        self.inner.renew(name, token, life)
    }

    fn release(&self, name: &str, token: &str) -> Result<()> {
        if self.leaves_nothing_for_later && std::thread::current().name() == Some("provider-auth leases") {
            return Ok(());
        }
        self.inner.release(name, token)
    }
}

/// Two machines on one server, whose profile `openai:a` was limited for ten minutes, which are over.
struct Fleet {
    clock: Arc<ManualClock>,
    engine: Remote,
}

impl Fleet {
    fn after_a_limit(document: &str) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(NOW)));
        let engine = Remote {
            inner: MemoryEngine::new(clock.clone()),
            acquired: Arc::default(),
            leaves_nothing_for_later: true,
        };
        let fleet = Self { clock, engine };
        let document = AuthProfiles::from_json(document).unwrap();
        let put = &mut |profiles: &mut AuthProfiles| {
            profiles.replace(document.clone());
            Ok(())
        };
        fleet.store().update(put).unwrap();
        let limit = |attempt: &Attempt| match attempt.credential().secret().expose() {
            "sk-a" => {
                let end = Timestamp::from_millis(NOW) + Duration::from_secs(600);
                Err(Failure::new(FailureReason::RateLimit).with_deadline(Some(end)))
            }
            _ => Ok(()),
        };
        let _ = fleet.blocking(limit, true);
        let (store, clock) = (fleet.store(), fleet.clock.clone());
        assert!(store.load().unwrap().usage("openai:a").unwrap().cooldown_until().is_some());
        clock.advance(Duration::from_secs(600));
        fleet
    }

    fn store(&self) -> SharedStore<Remote> {
        SharedStore::new(self.engine.clone(), Settings::default().clock(self.clock.clone()))
    }

    fn machine(&self) -> Rotator {
        let builder = Rotator::builder(Arc::new(self.store())).clock(self.clock.clone());
        builder.random(|| 0.0).build().unwrap()
    }

    /// A call of a program without a runtime, which has a store of its own.
    fn blocking<T>(
        &self,
        send: impl FnMut(&Attempt) -> Result<T, Failure>,
        complete: bool,
    ) -> Result<Answered<T>, SendFailure> {
        let store = self.store();
        let driver = BlockingDriver::new(&store, &*self.clock, |_| {});
        let selector = ProfileSelector::default();
        let rotation = Rotation::new(selector, "openai/gpt-5".parse().unwrap(), self.clock.now());
        if complete { driver.run(rotation, send) } else { driver.run_streamed(rotation, send) }
    }

    /// Another machine's call, which is sent with this key.
    async fn other(&self) -> Option<String> {
        let send =
            |attempt: Attempt| async move { Ok::<_, Failure>(attempt.credential().secret().expose().to_owned()) };
        self.machine().run(&call(), send).await.ok().map(|answered| answered.value)
    }
}

fn call() -> Call {
    Call::new("openai/gpt-5".parse().unwrap())
}

const A: Option<&str> = Some("sk-a");

#[tokio::test(start_paused = true)]
async fn a_call_repeats_its_own_trial_and_makes_it_to_the_end() {
    let fleet = Fleet::after_a_limit(KEY);
    let before = fleet.engine.acquired.load(Ordering::SeqCst);
    let requests = Arc::new(AtomicUsize::new(0));
    let send = |_: Attempt| {
        let number = requests.fetch_add(1, Ordering::SeqCst);
        async move {
            match number {
                0 => Err(Failure::new(FailureReason::Overloaded)),
                1 => Err(Failure::from(TransportError::Body)),
                _ => Ok(()),
            }
        }
    };
    let answered = fleet.machine().run(&call(), send).await.unwrap();
    assert_eq!(answered.attempts.len(), 3);
    // It is one trial, which nobody else could take in between.
    assert_eq!(fleet.engine.acquired.load(Ordering::SeqCst) - before, 1);
}

#[tokio::test]
async fn a_trial_ends_for_all_once_its_failure_is_recorded_however_long_the_next_key_takes() {
    let fleet = Fleet::after_a_limit(KEYS);
    let machine = fleet.machine();
    let send = |attempt: Attempt| {
        let (machine, fleet) = (machine.clone(), &fleet);
        async move {
            if attempt.credential().secret().expose() == "sk-a" {
                return Err(Failure::new(FailureReason::Overloaded));
            }
            machine.flush().await.unwrap();
            Ok(fleet.other().await)
        }
    };
    let builder = Rotator::builder(Arc::new(fleet.store())).clock(fleet.clock.clone());
    let answered = builder.retries(0).build().unwrap().run(&call(), send).await.unwrap();
    assert_eq!((answered.attempts.len(), answered.value.as_deref()), (2, A));
}

#[tokio::test]
async fn a_stream_that_has_begun_keeps_no_machine_from_the_profile() {
    let fleet = Fleet::after_a_limit(KEY);
    let stream = fleet.machine().run_streamed(&call(), |_| async { Ok::<_, Failure>(()) }).await.unwrap();
    assert!(!stream.attempt.receipt().is_reported());
    assert_eq!(fleet.other().await.as_deref(), A);
    // The same of a program without a runtime.
    let fleet = Fleet::after_a_limit(KEY);
    let stream = fleet.blocking(|_| Ok(()), false).unwrap();
    assert_eq!(fleet.other().await.as_deref(), A);
    drop(stream);
}

#[tokio::test]
async fn whoever_keeps_what_a_call_returned_keeps_nobody_from_the_profile() {
    let fleet = Fleet::after_a_limit(KEY);
    let (kept, machine) = (Mutex::new(Vec::new()), fleet.machine());
    // It says nothing of the profile, so that nothing is recorded.
    let cut = |attempt: Attempt| {
        kept.lock().unwrap().push(attempt);
        async { Err::<(), _>(Failure::new(FailureReason::Format)) }
    };
    assert!(machine.run(&call(), cut).await.is_err());
    assert_eq!(fleet.other().await.as_deref(), A);
    // A success is.
    let fleet = Fleet::after_a_limit(KEY);
    let machine = fleet.machine();
    let answered = machine.run(&call(), |_| async { Ok::<_, Failure>(()) }).await.unwrap();
    machine.flush().await.unwrap();
    assert_eq!(fleet.other().await.as_deref(), A);
    drop(answered);
}

#[tokio::test]
async fn a_program_that_ends_after_a_trial_leaves_no_claim_behind() {
    let fleet = Fleet::after_a_limit(KEY);
    let refused = |_: &Attempt| Err::<(), _>(Failure::new(FailureReason::Format));
    assert_eq!(fleet.blocking(refused, true).unwrap_err().attempts().len(), 1);
    assert_eq!(fleet.other().await.as_deref(), A);
}

#[tokio::test]
async fn a_call_that_is_given_up_does_not_keep_its_own_machine_from_the_next_one() {
    let mut fleet = Fleet::after_a_limit(KEY);
    fleet.engine.leaves_nothing_for_later = false;
    let machine = fleet.machine();
    let begun = Arc::new(tokio::sync::Notify::new());
    let given_up = tokio::spawn({
        let (machine, begun) = (machine.clone(), begun.clone());
        let send = move |_| {
            begun.notify_one();
            std::future::pending::<Result<(), Failure>>()
        };
        async move { machine.run(&call(), send).await.is_ok() }
    });
    begun.notified().await;
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());
    let send = |attempt: Attempt| async move { Ok::<_, Failure>(attempt.credential().secret().expose().to_owned()) };
    assert_eq!(machine.run(&call(), send).await.unwrap().value, "sk-a");
}

#[tokio::test]
async fn a_profile_that_another_machine_probes_is_not_asked_for_again_and_again() {
    let fleet = Fleet::after_a_limit(KEY);
    // The window runs for a minute more.
    fleet.clock.set(Timestamp::from_millis(NOW) + Duration::from_secs(540));
    let mut policy = ProbePolicy::default();
    policy.interval = Duration::ZERO;
    let machine = || {
        let builder = Rotator::builder(Arc::new(fleet.store())).clock(fleet.clock.clone());
        builder.probes(Some(policy.clone())).build().unwrap()
    };
    let (probing, other) = (machine(), machine());
    let send = |_: Attempt| {
        let (other, fleet) = (other.clone(), &fleet);
        async move {
            let before = fleet.engine.acquired.load(Ordering::SeqCst);
            // The clock stands still, so that a call which asks until its time is over never ends.
            let call = call();
            let asked = other.run(&call, |_| async { Ok::<_, Failure>(()) });
            assert!(tokio::time::timeout(Duration::from_secs(5), asked).await.unwrap().is_err());
            Ok::<_, Failure>(fleet.engine.acquired.load(Ordering::SeqCst) - before)
        }
    };
    assert_eq!(probing.run(&call(), send).await.unwrap().value, 1);
}

#[test]
fn calls_for_several_models_do_not_try_a_profile_together_that_failed_for_all_of_them() {
    let fleet = Fleet::after_a_limit(KEYS);
    // The whole profile failed for half a minute, and one model's limit lasted longer; both are over.
    let (failed, ended) = (Timestamp::from_millis(NOW), fleet.clock.now());
    fleet.clock.set(failed);
    let receipt = Receipt::new(ProfileId::new("openai:a").unwrap(), "openai".parse().unwrap(), None, failed);
    let failure = Failure::new(FailureReason::Auth);
    fleet.store().record_failure(&ProfileSelector::default(), &receipt, &failure, failed).unwrap();
    fleet.clock.set(ended);
    let mut used = Vec::new();
    let _ = fleet.blocking(
        |attempt| {
            used.push(attempt.credential().secret().expose().to_owned());
            // Meanwhile another machine calls another model.
            let store = fleet.store();
            let rotation = Rotation::new(ProfileSelector::default(), "openai/gpt-5-mini".parse().unwrap(), ended);
            let other = BlockingDriver::new(&store, &*fleet.clock, |_| {}).run(rotation, |attempt| {
                used.push(attempt.credential().secret().expose().to_owned());
                Ok::<_, Failure>(())
            });
            other.map(|_| ()).map_err(|_| Failure::new(FailureReason::Unknown))
        },
        true,
    );
    assert_eq!(used, ["sk-a", "sk-b"]);
}
