//! Machines that share a server, simulated by a double: what one learns, and what is kept while the server is away.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where something is wrong"
)]
#![cfg(feature = "client")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use provider_auth::clock::{Clock as _, ManualClock};
use provider_auth::error::DiagnosticCode;
use provider_auth::rotation::Attempt;
use provider_auth::status::StatusReport;
use provider_auth::store::shared::{MemoryEngine, Settings, SharedStore};
use provider_auth::{
    AuthProfileStore, AuthProfileStoreExt as _, AuthProfiles, Call, ErrorKind, Failure, FailureReason, ProfileId,
    ReadOptions, Rotator, SendFailure, Timestamp,
};

use tokio::sync::Notify;
use tokio::task::JoinHandle;

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
    store_two_keys(&machines[0].store);
    (engine, clock, machines)
}

/// Two keys, in this order.
pub(crate) fn store_two_keys(store: &impl AuthProfileStore) {
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
    store.update(put).unwrap();
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

/// What the machines of a fleet do at one moment: each call that is sent with the first key waits until it is let go.
struct Moment {
    asked: Arc<AtomicUsize>,
    go: Arc<Notify>,
    calls: Vec<JoinHandle<Result<String, SendFailure>>>,
}

/// Has every machine make a call. Those with the first key end in this way once they are let go.
async fn at_once(machines: &[Machine], end: Option<FailureReason>) -> Moment {
    let (asked, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let call = |machine: &Machine| {
        let (rotator, asked, go) = (machine.rotator.clone(), asked.clone(), go.clone());
        tokio::spawn(async move {
            let send = |attempt: Attempt| {
                let (asked, go) = (asked.clone(), go.clone());
                async move {
                    let key = attempt.credential().secret().expose().to_owned();
                    if key == "sk-a" {
                        asked.fetch_add(1, Ordering::SeqCst);
                        go.notified().await;
                        if let Some(reason) = end {
                            return Err(Failure::new(reason));
                        }
                    }
                    Ok(key)
                }
            };
            rotator.run(&Call::new("openai/gpt-5".parse().unwrap()), send).await.map(|answered| answered.value)
        })
    };
    let calls = machines.iter().map(call).collect();
    // Every call goes as far as it can, which takes no time.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    Moment { asked, go, calls }
}

impl Moment {
    fn waiting(&self) -> usize {
        self.calls.iter().filter(|call| !call.is_finished()).count()
    }

    /// Lets those go that wait, and returns what all calls came to.
    async fn end(self) -> Vec<Result<String, SendFailure>> {
        self.go.notify_waiters();
        let mut ends = Vec::new();
        for call in self.calls {
            ends.push(call.await.unwrap());
        }
        ends
    }
}

fn with_key(ends: &[Result<String, SendFailure>], key: &str) -> usize {
    ends.iter().filter(|end| end.as_ref().is_ok_and(|used| used == key)).count()
}

fn remove_second(machines: &[Machine]) {
    machines[0].store.remove(&ProfileId::new("openai:b").unwrap()).unwrap();
    assert_eq!(machines[1].store.load().unwrap().len(), 1);
}

#[tokio::test]
async fn when_a_window_ends_one_machine_tries_and_the_others_go_on_with_what_is_ready() {
    let (_, clock, machines) = fleet(64);
    assert_eq!(ask(&machines[0], Some(Duration::from_secs(600))).await.unwrap(), "sk-b");
    machines[0].rotator.flush().await.unwrap();
    clock.advance(Duration::from_secs(600));
    let moment = at_once(&machines, None).await;
    assert_eq!((moment.asked.load(Ordering::SeqCst), moment.waiting()), (1, 1));
    // Also whoever comes later.
    assert_eq!(ask(&machines[5], None).await.unwrap(), "sk-b");
    let ends = moment.end().await;
    assert_eq!((with_key(&ends, "sk-a"), with_key(&ends, "sk-b")), (1, 63));
    for machine in &machines {
        machine.rotator.flush().await.unwrap();
    }
    // It worked, so that nothing is tried any more.
    let moment = at_once(&machines, None).await;
    assert_eq!(moment.asked.load(Ordering::SeqCst), 64);
    assert_eq!(with_key(&moment.end().await, "sk-a"), 64);
}

#[tokio::test]
async fn a_trial_that_fails_opens_the_next_window_for_all_and_costs_the_fleet_one_request() {
    let (_, clock, machines) = fleet(64);
    remove_second(&machines);
    assert!(ask(&machines[0], Some(Duration::from_secs(600))).await.is_err());
    let mut windows = vec![window(&machines[0]).unwrap()];
    for _ in 0..3 {
        clock.set(*windows.last().unwrap());
        let moment = at_once(&machines, Some(FailureReason::RateLimit)).await;
        assert_eq!((moment.asked.load(Ordering::SeqCst), moment.waiting()), (1, 1));
        let ends = moment.end().await;
        let refused: Vec<_> = ends.iter().filter_map(|end| end.as_ref().err()).collect();
        let soon =
            |failure: &&&SendFailure| failure.retry_at().is_some_and(|at| at <= clock.now() + Duration::from_secs(2));
        assert_eq!((refused.len(), refused.iter().filter(soon).count()), (64, 63), "the others are told to come back");
        windows.push(window(&machines[1]).unwrap());
    }
    assert!(windows.is_sorted_by(|one, two| one < two), "{windows:?}");
}

#[tokio::test]
async fn a_probe_that_is_due_is_made_by_one_machine() {
    let (_, clock, machines) = fleet(64);
    remove_second(&machines);
    assert!(ask(&machines[0], Some(Duration::from_secs(600))).await.is_err());
    let end = window(&machines[0]).unwrap();
    clock.advance(Duration::from_secs(500));
    let moment = at_once(&machines, Some(FailureReason::RateLimit)).await;
    assert_eq!((moment.asked.load(Ordering::SeqCst), moment.waiting()), (1, 1));
    assert_eq!(moment.end().await.len(), 64);
    // It failed: for a while nobody tries again, and the window is the same.
    let moment = at_once(&machines, None).await;
    assert_eq!((moment.asked.load(Ordering::SeqCst), window(&machines[9])), (0, Some(end)));
    clock.advance(Duration::from_secs(31));
    let moment = at_once(&machines, None).await;
    assert_eq!(moment.asked.load(Ordering::SeqCst), 1);
    assert_eq!(with_key(&moment.end().await, "sk-a"), 1);
}

#[tokio::test]
async fn a_trial_ends_with_its_call_and_with_its_machine() {
    let (_, clock, machines) = fleet(3);
    assert_eq!(ask(&machines[0], Some(Duration::from_secs(600))).await.unwrap(), "sk-b");
    machines[0].rotator.flush().await.unwrap();
    clock.advance(Duration::from_secs(600));
    // A call that is given up says nothing: the next one tries.
    let moment = at_once(&machines[..1], None).await;
    assert_eq!(ask(&machines[1], None).await.unwrap(), "sk-b");
    for call in moment.calls {
        call.abort();
        assert!(call.await.is_err());
    }
    let moment = at_once(&machines[1..2], None).await;
    assert_eq!(moment.asked.load(Ordering::SeqCst), 1);
    assert_eq!(ask(&machines[2], None).await.unwrap(), "sk-b");
    // The machine is gone, and with it who would renew its claim.
    clock.advance(Duration::from_secs(41));
    assert_eq!(ask(&machines[2], None).await.unwrap(), "sk-a");
    drop(moment);
}

#[tokio::test]
async fn a_machine_that_cannot_ask_the_others_tries_for_itself() {
    let (_, clock, machines) = fleet(2);
    assert_eq!(ask(&machines[0], Some(Duration::from_secs(30))).await.unwrap(), "sk-b");
    machines[0].rotator.flush().await.unwrap();
    clock.advance(Duration::from_secs(20));
    machines[1].store.load().unwrap();
    machines[1].store.engine().cut(true);
    // Half a minute after the window has ended, every machine has had its turn.
    clock.advance(Duration::from_secs(40));
    let call = Call::new("openai/gpt-5".parse().unwrap());
    let answered = machines[1].rotator.run(&call, |_| async { Ok::<_, Failure>(()) }).await.unwrap();
    assert_eq!(answered.attempt.profile().as_str(), "openai:a");
    // Whoever looks at the attempt sees by what it was chosen, and so does whoever asks for the status.
    assert!(answered.attempt.store_away() && answered.attempts[0].store_away);
    assert!(answered.attempts[0].to_string().contains("store away"));
    let (store, config) =
        (&machines[1].store, provider_auth::Config::from_json5_str("{}", &ReadOptions::default()).unwrap());
    let profiles = store.load().unwrap();
    let report = StatusReport::builder(&config, &profiles).store_away(store.is_away()).build(clock.now());
    assert!(report.diagnostics.iter().any(|found| found.code == DiagnosticCode::StoreAway), "{:?}", report.diagnostics);
    assert!(report.to_json().contains("could not be reached"));
    let present = StatusReport::builder(&config, &profiles).store_away(machines[0].store.is_away()).build(clock.now());
    assert!(present.diagnostics.is_empty() && !machines[0].store.is_away());
}
