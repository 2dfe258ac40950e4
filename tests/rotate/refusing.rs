//! Machines that share a server which can be read and accepts no writes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where something is wrong")]
#![cfg(feature = "client")]

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use provider_auth::clock::{Clock as _, ManualClock};
use provider_auth::rotation::{Answered, Attempt, BlockingDriver};
use provider_auth::select::{Receipt, SelectorRules};
use provider_auth::store::shared::{Commit, Committed, Engine, Known, Listing, MemoryEngine, Settings, SharedStore};
use provider_auth::{
    AuthProfileStore as _, AuthProfileStoreExt as _, Call, Config, Credential, Error, ErrorKind, Failure,
    FailureReason, ProfileId, ProviderId, ReadOptions, Result, Rotator, Secret, SendFailure, Timestamp,
};

use crate::fleet::store_two_keys;
use crate::support::NOW;

/// A connection to a server that may refuse writes.
#[derive(Clone, Debug)]
struct Refusing {
    server: MemoryEngine,
    refuses: Arc<AtomicBool>,
    /// The next commit is made, and no answer to it or to anything else comes any more.
    loses: Arc<AtomicBool>,
}

impl Refusing {
    fn check(&self) -> Result<()> {
        if self.refuses.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::StoreUnavailable, "the server accepts no writes"));
        }
        Ok(())
    }
}

impl Engine for Refusing {
    fn read(&self, known: &Known) -> Result<Option<Listing>> {
        self.server.read(known)
    }

    fn commit(&self, commit: &Commit) -> Result<Committed> {
        if self.check().is_err() {
            return Ok(Committed::Refused);
        }
        let committed = self.server.commit(commit);
        if self.loses.load(Ordering::SeqCst) {
            self.server.cut(true);
            return Err(Error::new(ErrorKind::StoreUnavailable, "the server did not answer"));
        }
        committed
    }

    fn acquire(&self, name: &str, token: &str, life: Duration) -> Result<bool> {
        self.check()?;
        self.server.acquire(name, token, life)
    }

    fn renew(&self, name: &str, token: &str, life: Duration) -> Result<bool> {
        self.check()?;
        self.server.renew(name, token, life)
    }

    fn release(&self, name: &str, token: &str) -> Result<()> {
        self.check()?;
        self.server.release(name, token)
    }

    fn may_block(&self) -> bool {
        false
    }
}

struct Machine {
    store: SharedStore<Refusing>,
    rotator: Rotator,
}

struct Fleet {
    clock: Arc<ManualClock>,
    refuses: Arc<AtomicBool>,
    machines: Vec<Machine>,
}

impl Fleet {
    /// Sixteen machines; the first key was limited, its window has just ended, and the server accepts no writes any more.
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(NOW)));
        let (server, refuses) = (MemoryEngine::new(clock.clone()), Arc::new(AtomicBool::new(false)));
        let machine = |_| {
            let engine = Refusing { server: server.clone(), refuses: refuses.clone(), loses: Arc::default() };
            let store = SharedStore::new(engine, Settings::default().clock(clock.clone()));
            let rotator = Rotator::builder(Arc::new(store.clone())).clock(clock.clone()).build().unwrap();
            Machine { store, rotator }
        };
        let machines: Vec<Machine> = (0..16).map(machine).collect();
        store_two_keys(&machines[0].store);
        let fleet = Self { clock, refuses, machines };
        assert_eq!(fleet.ask(0, Some(Duration::from_secs(600))).await.unwrap().value, "sk-b");
        fleet.machines[0].rotator.flush().await.unwrap();
        fleet.clock.advance(Duration::from_secs(600));
        fleet
    }

    /// A call in which the first key is limited for so long.
    async fn ask(&self, number: usize, limit: Option<Duration>) -> Result<Answered<String>, SendFailure> {
        let deadline = limit.map(|limit| self.clock.now() + limit);
        let send = move |attempt: Attempt| async move {
            match (attempt.credential().secret().expose(), deadline) {
                ("sk-a", Some(deadline)) => Err(Failure::new(FailureReason::RateLimit).with_deadline(Some(deadline))),
                (key, _) => Ok(key.to_owned()),
            }
        };
        self.machines[number].rotator.run(&Call::new("openai/gpt-5".parse().unwrap()), send).await
    }

    /// Returns the machines that try the first key if all make a call now, with a driver that keeps no outcomes.
    fn trying(&self) -> HashSet<usize> {
        let config = Config::from_json5_str("{}", &ReadOptions::new()).unwrap();
        let tried = Mutex::new(HashSet::new());
        for (number, machine) in self.machines.iter().enumerate() {
            let rotation = config.rotation("openai/gpt-5".parse().unwrap(), None, self.clock.now());
            let _ = BlockingDriver::new(&machine.store, &*self.clock, |_| {}).run(rotation, |attempt| {
                if attempt.credential().secret().expose() == "sk-a" {
                    tried.lock().unwrap().insert(number);
                    return Err(Failure::new(FailureReason::RateLimit));
                }
                Ok(())
            });
        }
        tried.into_inner().unwrap()
    }
}

#[tokio::test]
async fn a_server_that_accepts_no_writes_causes_no_herd_and_keeps_no_machine_from_its_key() {
    let fleet = Fleet::new().await;
    fleet.refuses.store(true, Ordering::SeqCst);
    let at_once = fleet.trying();
    assert!(at_once.len() <= 2, "all at once: {at_once:?}");
    let (mut before, mut most) = (at_once, 0);
    for _ in 0..30 {
        fleet.clock.advance(Duration::from_secs(1));
        let tried = fleet.trying();
        assert!(before.is_subset(&tried), "whose turn has come may try again");
        most = most.max(tried.len() - before.len());
        before = tried;
    }
    assert_eq!(before.len(), 16, "each has its turn within half a minute, also one that has no other key");
    assert!(most <= 8, "{most} of 16 machines tried in one second");
    // One machine tries as soon as there are claims again.
    fleet.refuses.store(false, Ordering::SeqCst);
    assert_eq!(fleet.trying().len(), 1);
}

#[tokio::test]
async fn a_machine_with_one_key_is_not_left_without_it() {
    let fleet = Fleet::new().await;
    fleet.machines[0].store.remove(&ProfileId::new("openai:b").unwrap()).unwrap();
    fleet.refuses.store(true, Ordering::SeqCst);
    fleet.clock.advance(Duration::from_secs(30));
    assert_eq!(fleet.trying().len(), 16);
}

#[tokio::test]
async fn a_server_that_accepts_no_writes_is_seen_in_attempts_and_in_the_status() {
    let fleet = Fleet::new().await;
    let (machine, limit) = (&fleet.machines[3], Some(Duration::from_secs(60)));
    assert!(!fleet.ask(3, None).await.unwrap().attempt.store_away());
    machine.rotator.flush().await.unwrap();
    fleet.refuses.store(true, Ordering::SeqCst);
    assert_eq!(fleet.ask(3, limit).await.unwrap().value, "sk-b");
    assert_eq!(machine.rotator.flush().await.unwrap_err().kind(), ErrorKind::StoreUnavailable);
    // A load succeeds, and does not hide it.
    machine.store.load().unwrap();
    assert!(machine.store.is_away());
    let answered = fleet.ask(3, limit).await.unwrap();
    assert!(answered.attempt.store_away() && answered.attempts.iter().any(|attempt| attempt.store_away));
    fleet.refuses.store(false, Ordering::SeqCst);
    machine.rotator.flush().await.unwrap();
    assert!(!machine.store.is_away());
}

/// Two machines that follow the rules of February 2026, which count every failure and move windows.
struct Pair {
    clock: Arc<ManualClock>,
    machines: [Machine; 2],
}

impl Pair {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(NOW)));
        let server = MemoryEngine::new(clock.clone());
        let machine = |_| {
            let engine = Refusing { server: server.clone(), refuses: Arc::default(), loses: Arc::default() };
            let settings = Settings::default().clock(clock.clone()).serve_stale(Duration::from_secs(600));
            let store = SharedStore::new(engine, settings);
            let config = Config::from_json5_str("{}", &ReadOptions::new()).unwrap();
            let config = config.with_rules(SelectorRules::openclaw_2026_02());
            let rotator =
                Rotator::builder(Arc::new(store.clone())).clock(clock.clone()).config(config).build().unwrap();
            Machine { store, rotator }
        };
        let machines = [0, 1].map(machine);
        let key = Credential::api_key(Secret::new("sk-a"));
        machines[0].store.upsert(&id(), &ProviderId::new("openai").unwrap(), &key, None).unwrap();
        machines[1].store.load().unwrap();
        Self { clock, machines }
    }

    /// Makes a call that succeeds or meets a limit, a second after the last one, and tries to write what came of it.
    async fn call(&self, number: usize, is_limited: bool) -> Result<()> {
        self.clock.advance(Duration::from_secs(1));
        let send = |_| async move { if is_limited { Err(Failure::new(FailureReason::RateLimit)) } else { Ok(()) } };
        let rotator = &self.machines[number].rotator;
        let _ = rotator.run(&Call::new("openai/gpt-5".parse().unwrap()), send).await;
        rotator.flush().await
    }

    fn usage(&self) -> (String, Option<Timestamp>) {
        let loaded = self.machines[0].store.load().unwrap();
        let usage = loaded.usage("openai:a").unwrap();
        (usage.error_count().to_string(), usage.cooldown_until())
    }
}

fn id() -> ProfileId {
    ProfileId::new("openai:a").unwrap()
}

#[tokio::test]
async fn an_outcome_that_may_have_been_written_is_counted_once_under_the_old_rules_too() {
    let pair = Pair::new();
    let engine = pair.machines[1].store.engine();
    engine.loses.store(true, Ordering::SeqCst);
    assert_eq!(pair.call(1, true).await.unwrap_err().kind(), ErrorKind::StoreUnavailable);
    engine.loses.store(false, Ordering::SeqCst);
    engine.server.cut(false);
    let written = pair.usage();
    assert_eq!(written.0, "1", "it was written, and its machine does not know that");
    pair.clock.advance(Duration::from_secs(2));
    pair.machines[1].rotator.flush().await.unwrap();
    assert_eq!((pair.usage(), pair.machines[1].rotator.unrecorded()), (written, 0));
}

#[tokio::test]
async fn an_outcome_that_was_kept_shortens_no_window_under_the_old_rules_either() {
    for is_limited in [true, false] {
        let pair = Pair::new();
        let engine = pair.machines[1].store.engine();
        engine.server.cut(true);
        assert!(pair.call(1, is_limited).await.is_err());
        // Meanwhile another machine meets the limit twice.
        pair.call(0, true).await.unwrap();
        pair.clock.advance(Duration::from_secs(61));
        pair.call(0, true).await.unwrap();
        let longer = pair.usage();
        engine.server.cut(false);
        pair.clock.advance(Duration::from_secs(2));
        pair.machines[1].rotator.flush().await.unwrap();
        assert_eq!(longer.0, "2");
        assert_eq!(pair.usage(), longer, "after {is_limited}");
    }
}

#[tokio::test]
async fn no_more_than_a_thousand_outcomes_that_cannot_be_written_are_kept() {
    let engine = MemoryEngine::default();
    engine.cut(true);
    let rotator = Rotator::builder(Arc::new(SharedStore::new(engine, Settings::default()))).build().unwrap();
    for number in 0..1_003 {
        let picked = Timestamp::from_millis(NOW + number);
        let receipt = Receipt::new(id(), ProviderId::new("openai").unwrap(), None, picked);
        rotator.fail(&receipt, &Failure::new(FailureReason::Auth)).await.unwrap_err();
    }
    assert_eq!(rotator.unrecorded(), 1_000);
}
