//! Machines that share a server, over the double: what one of them learns, and what is kept while the server is away.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where something is wrong"
)]
#![cfg(feature = "client")]

use std::sync::Arc;
use std::time::Duration;

use provider_auth::clock::ManualClock;
use provider_auth::rotation::Attempt;
use provider_auth::store::shared::{MemoryEngine, Settings, SharedStore};
use provider_auth::{
    AuthProfileStore as _, AuthProfileStoreExt as _, AuthProfiles, Call, ErrorKind, Failure, FailureReason, ProfileId,
    Rotator, SendFailure, Timestamp,
};

use crate::support::NOW;

type Store = SharedStore<MemoryEngine>;

struct Machine {
    store: Store,
    rotator: Rotator,
}

fn machine(engine: &MemoryEngine, clock: &Arc<ManualClock>) -> Machine {
    let settings = Settings::default().clock(clock.clone()).serve_stale(Duration::from_secs(60));
    let store = SharedStore::new(engine.clone(), settings);
    let rotator = Rotator::builder(Arc::new(store.clone())).clock(clock.clone()).build().unwrap();
    Machine { store, rotator }
}

fn fleet(count: usize) -> (MemoryEngine, Arc<ManualClock>, Vec<Machine>) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(NOW)));
    let engine = MemoryEngine::new(clock.clone());
    let machines: Vec<Machine> = (0..count).map(|_| machine(&engine, &clock)).collect();
    let document = AuthProfiles::from_json(
        r#"{"version": 1, "profiles": {
            "openai:a": {"type": "api_key", "provider": "openai", "key": "sk-a"},
            "openai:b": {"type": "api_key", "provider": "openai", "key": "sk-b"}},
            "order": {"openai": ["openai:a", "openai:b"]}}"#,
    )
    .unwrap();
    let put = &mut |profiles: &mut AuthProfiles| {
        profiles.replace(document.clone());
        Ok(())
    };
    machines[0].store.update(put).unwrap();
    (engine, clock, machines)
}

/// A call in which the first key is limited for so long.
async fn ask(machine: &Machine, limit: Option<Duration>) -> Result<String, SendFailure> {
    let deadline = limit.map(|limit| Timestamp::from_millis(NOW) + limit);
    let send = move |attempt: Attempt| async move {
        match (attempt.credential().secret().expose(), deadline) {
            ("sk-a", Some(deadline)) => Err(Failure::new(FailureReason::RateLimit).with_deadline(Some(deadline))),
            (key, _) => Ok(key.to_owned()),
        }
    };
    machine.rotator.run(&Call::new("openai/gpt-5".parse().unwrap()), send).await.map(|answered| answered.value)
}

fn window(machine: &Machine) -> Option<Timestamp> {
    machine.store.load().unwrap().usage("openai:a").and_then(provider_auth::profile::UsageStats::cooldown_until)
}

#[tokio::test]
async fn once_a_limit_is_recorded_no_machine_of_sixty_four_picks_the_profile() {
    let (_, clock, machines) = fleet(64);
    for machine in &machines {
        assert_eq!(ask(machine, None).await.unwrap(), "sk-a");
    }
    assert_eq!(ask(&machines[7], Some(Duration::from_secs(600))).await.unwrap(), "sk-b");
    machines[7].rotator.flush().await.unwrap();
    for machine in &machines {
        // A key that is asked now would answer, so that whoever asks it is seen.
        assert_eq!(ask(machine, None).await.unwrap(), "sk-b");
    }
    clock.advance(Duration::from_secs(601));
    assert_eq!(ask(&machines[9], None).await.unwrap(), "sk-a");
}

#[tokio::test]
async fn outcomes_are_kept_while_the_server_is_away_and_shorten_no_window_when_it_is_back() {
    let (_, clock, machines) = fleet(2);
    let [cut, other] = &machines[..] else { panic!("two machines") };
    cut.store.load().unwrap();
    cut.store.engine().cut(true);
    assert_eq!(ask(cut, Some(Duration::from_secs(60))).await.unwrap(), "sk-b");
    let error = cut.rotator.flush().await.unwrap_err();
    assert_eq!((error.kind(), cut.rotator.unrecorded() > 0), (ErrorKind::StoreUnavailable, true));
    // It knows of it itself, and the others do not.
    assert_eq!(ask(cut, None).await.unwrap(), "sk-b");
    assert_eq!(window(other), None);
    // Meanwhile another machine was told of a longer one.
    assert_eq!(ask(other, Some(Duration::from_secs(600))).await.unwrap(), "sk-b");
    other.rotator.flush().await.unwrap();
    let longer = window(other).unwrap();
    cut.store.engine().cut(false);
    clock.advance(Duration::from_secs(2));
    cut.rotator.flush().await.unwrap();
    assert_eq!((cut.rotator.unrecorded(), window(other)), (0, Some(longer)));
}

#[tokio::test]
async fn an_outcome_that_was_kept_brings_no_removed_profile_back() {
    let (_, clock, machines) = fleet(2);
    let [cut, other] = &machines[..] else { panic!("two machines") };
    cut.store.load().unwrap();
    cut.store.engine().cut(true);
    assert_eq!(ask(cut, Some(Duration::from_secs(60))).await.unwrap(), "sk-b");
    assert!(cut.rotator.flush().await.is_err());
    other.store.remove(&ProfileId::new("openai:a").unwrap()).unwrap();
    cut.store.engine().cut(false);
    clock.advance(Duration::from_secs(2));
    cut.rotator.flush().await.unwrap();
    let loaded = other.store.load().unwrap();
    assert!(loaded.get("openai:a").is_none() && loaded.usage("openai:a").is_none());
    assert_eq!(loaded.len(), 1);
}
