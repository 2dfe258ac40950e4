//! Successes that change nothing but times are not written each time, and count all the same.

#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]
#![cfg(feature = "client")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use provider_auth::clock::ManualClock;
use provider_auth::select::SelectorRules;
use provider_auth::{
    AuthProfileStore, AuthProfiles, Failure, FailureReason, MemoryStore, ProviderId, Result, Rotator, Timestamp,
};

use crate::support::rotation::{HAIKU, OPUS, call, keys};
use crate::support::{NOW, config};

#[derive(Debug)]
struct Counting(MemoryStore, AtomicUsize);

impl AuthProfileStore for Counting {
    fn load(&self) -> Result<Arc<AuthProfiles>> {
        self.0.load()
    }

    fn update(&self, change: &mut dyn FnMut(&mut AuthProfiles) -> Result<()>) -> Result<Arc<AuthProfiles>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.update(change)
    }

    fn may_block(&self) -> bool {
        false
    }
}

struct Rig {
    store: Arc<Counting>,
    clock: Arc<ManualClock>,
    rotator: Rotator,
}

impl Rig {
    fn new(rules: SelectorRules) -> Self {
        let mut profiles = AuthProfiles::from_json(&keys(&["a", "b"]).to_string()).unwrap();
        profiles.set_order(&ProviderId::anthropic(), &[]).unwrap();
        let store = Arc::new(Counting(MemoryStore::new(profiles), AtomicUsize::new(0)));
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(NOW)));
        let rotator = Rotator::builder(Arc::clone(&store) as Arc<dyn AuthProfileStore>)
            .config(config("{}").with_rules(rules))
            .clock(Arc::clone(&clock) as _);
        Self { rotator: rotator.build().unwrap(), store, clock }
    }

    /// A call of 10 ms that succeeds; returns the profile that served it.
    async fn succeed(&self, model: &str) -> String {
        let call = call(model);
        let answered = self.rotator.run(&call, |attempt| async move {
            self.clock.advance(Duration::from_millis(10));
            Ok::<_, Failure>(attempt.profile().to_string())
        });
        answered.await.unwrap().value
    }

    fn writes(&self) -> usize {
        self.store.1.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn times_are_at_most_a_second_behind_and_every_pick_knows_the_last_one() {
    let rig = Rig::new(SelectorRules::default());
    for turn in 0..400 {
        let expected = if turn % 2 == 0 { "anthropic:a" } else { "anthropic:b" };
        assert_eq!(rig.succeed(OPUS).await, expected);
        let (profiles, now) = (rig.store.load().unwrap(), provider_auth::Clock::now(&rig.clock));
        let behind = now - profiles.usage(expected).unwrap().last_used().unwrap();
        assert!(behind < Duration::from_secs(1), "{behind:?}");
    }
    assert_eq!(rig.writes(), 8, "four seconds, two profiles");
}

#[tokio::test]
async fn a_failure_of_before_a_success_that_was_not_written_changes_nothing() {
    let rig = Rig::new(SelectorRules::default());
    for model in [OPUS, OPUS, HAIKU, HAIKU] {
        rig.succeed(model).await;
    }
    let late = call(OPUS);
    let answered = rig.rotator.run(&late, |attempt| {
        let rig = &rig;
        async move {
            if attempt.profile().as_str() == "anthropic:b" {
                return Ok(());
            }
            rig.clock.advance(Duration::from_millis(1));
            let before = rig.writes();
            assert_eq!([rig.succeed(OPUS).await, rig.succeed(OPUS).await], ["anthropic:a", "anthropic:b"]);
            assert_eq!(rig.writes(), before, "they were not written");
            Err(Failure::new(FailureReason::RateLimit))
        }
    });
    assert_eq!(answered.await.unwrap().attempts.len(), 2);
    let profiles = rig.store.load().unwrap();
    let usage = profiles.usage("anthropic:a").unwrap();
    assert_eq!((usage.error_count(), usage.cooldown_until()), (0.0, None));
    assert_eq!(usage.last_used(), Some(Timestamp::from_millis(NOW + 51)));
}

#[tokio::test]
async fn the_rules_of_february_write_every_success() {
    let rig = Rig::new(SelectorRules::openclaw_2026_02());
    for _ in 0..10 {
        rig.succeed(OPUS).await;
    }
    assert_eq!(rig.writes(), 10);
}
