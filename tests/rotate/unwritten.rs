//! Successes that would change only times are not written each time, but still count.

#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]
#![cfg(feature = "client")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use provider_auth::clock::ManualClock;
use provider_auth::select::{Receipt, SelectorRules};
use provider_auth::{
    AuthProfileStore, AuthProfiles, Clock as _, Failure, FailureReason, MemoryStore, ProfileSelector, ProviderId,
    RecordOutcome as _, Result, Rotator, Timestamp,
};

use crate::support::rotation::{HAIKU, OPUS, call, keys};
use crate::support::{NOW, config};

#[derive(Debug)]
struct Counting(MemoryStore, AtomicUsize, bool);

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

    fn splits_usage(&self) -> bool {
        self.2
    }
}

struct Rig {
    store: Arc<Counting>,
    clock: Arc<ManualClock>,
    rotator: Rotator,
}

impl Rig {
    fn new(rules: SelectorRules) -> Self {
        Self::over(rules, false)
    }

    /// Over a store that keeps statistics apart, or not.
    fn over(rules: SelectorRules, splits: bool) -> Self {
        let mut profiles = AuthProfiles::from_json(&keys(&["a", "b"]).to_string()).unwrap();
        profiles.set_order(&ProviderId::anthropic(), &[]).unwrap();
        let store = Arc::new(Counting(MemoryStore::new(profiles), AtomicUsize::new(0), splits));
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
async fn what_answers_say_is_left_is_never_written_for_itself_but_for_a_plan() {
    for splits in [false, true] {
        let rig = Rig::over(SelectorRules::default(), splits);
        for turn in 0..400 {
            let told = [
                ("anthropic-ratelimit-input-tokens-limit", 1_000_000),
                ("anthropic-ratelimit-input-tokens-remaining", 900_000 - turn * 100),
                ("anthropic-ratelimit-requests-limit", 4_000),
                ("anthropic-ratelimit-requests-remaining", 3_999 - turn),
            ];
            let mut headers: HeaderMap =
                told.map(|(name, value)| (HeaderName::from_static(name), value.into())).into_iter().collect();
            // From the middle on, one plan is nearly used up, which others should know once.
            let used = if turn >= 200 { "0.95" } else { "0.4" };
            headers.insert("anthropic-ratelimit-unified-5h-utilization", HeaderValue::from_static(used));
            headers.insert("anthropic-ratelimit-unified-5h-reset", (NOW / 1_000 + 7_200).into());
            let call = call(OPUS);
            let answered = rig.rotator.run(&call, |attempt| {
                let (rig, headers) = (&rig, &headers);
                async move {
                    rig.clock.advance(Duration::from_millis(10));
                    attempt.observe(headers, rig.clock.now());
                    Ok::<_, Failure>(())
                }
            });
            answered.await.unwrap();
        }
        rig.rotator.flush().await.unwrap();
        // Those that the times alone need, in four seconds for two profiles, the last ones, and one for each plan.
        let alone = Rig::over(SelectorRules::default(), splits);
        for _ in 0..400 {
            alone.succeed(OPUS).await;
        }
        alone.rotator.flush().await.unwrap();
        assert!(rig.writes() <= alone.writes() + 2, "{} writes, {} without", rig.writes(), alone.writes());
        let text = rig.store.load().unwrap().to_json().expose().to_owned();
        assert_eq!(text.matches("planUsed").count(), 2, "{text}");
    }
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

#[tokio::test]
async fn what_was_not_written_at_once_leaves_what_others_wrote_meanwhile() {
    let rig = Rig::new(SelectorRules::default());
    for _ in 0..3 {
        rig.succeed(OPUS).await;
    }
    assert_eq!(rig.writes(), 2, "the third was not written");
    // Another process succeeds with another model.
    rig.clock.advance(Duration::from_millis(500));
    let now = rig.clock.now();
    let receipt = Receipt::new("anthropic:a".parse().unwrap(), ProviderId::anthropic(), Some("claude-haiku-4-5"), now);
    rig.store.0.record_success(&ProfileSelector::default(), &receipt, now).unwrap();
    rig.clock.advance(Duration::from_millis(1));
    rig.rotator.flush().await.unwrap();
    let text = rig.store.load().unwrap().to_json().expose().to_owned();
    assert!(text.contains(&format!("\"claude-haiku-4-5\": {}", now.as_millis())), "{text}");
}

/// A store in memory whose first update comes back only after a second one has begun, if that does soon.
#[derive(Debug, Default)]
struct Slow {
    inner: MemoryStore,
    begun: (Mutex<usize>, Condvar),
}

impl Slow {
    fn wait_for(&self, begun: usize, time: Duration) {
        let waited = self.begun.1.wait_timeout_while(self.begun.0.lock().unwrap(), time, |now| *now < begun);
        drop(waited.unwrap());
    }
}

impl AuthProfileStore for Slow {
    fn load(&self) -> Result<Arc<AuthProfiles>> {
        self.inner.load()
    }

    fn update(&self, change: &mut dyn FnMut(&mut AuthProfiles) -> Result<()>) -> Result<Arc<AuthProfiles>> {
        let updated = self.inner.update(change);
        let mut begun = self.begun.0.lock().unwrap();
        *begun += 1;
        let is_first = *begun == 1;
        drop(begun);
        self.begun.1.notify_all();
        if is_first {
            self.wait_for(2, Duration::from_millis(300));
        }
        updated
    }

    fn may_block(&self) -> bool {
        false
    }
}

#[test]
fn threads_that_write_at_the_same_time_write_each_outcome_once() {
    let store = Slow { inner: AuthProfiles::from_json(&keys(&["a"]).to_string()).unwrap().into(), ..Slow::default() };
    let store = Arc::new(store);
    let rules = SelectorRules::openclaw_2026_02();
    let rotator = Rotator::builder(Arc::clone(&store) as Arc<dyn AuthProfileStore>);
    let rotator = rotator.config(config("{}").with_rules(rules)).build().unwrap();
    let fail = || {
        let receipt = Receipt::new("anthropic:a".parse().unwrap(), ProviderId::anthropic(), None, Timestamp::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(rotator.fail(&receipt, &Failure::new(FailureReason::RateLimit))).unwrap();
    };
    thread::scope(|scope| {
        scope.spawn(fail);
        store.wait_for(1, Duration::from_secs(60));
        fail();
    });
    let profiles = store.load().unwrap();
    assert_eq!(profiles.usage("anthropic:a").unwrap().error_count().to_string(), "2");
}
