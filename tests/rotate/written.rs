//! Outcomes are written in the background: only an error waits for the store, and no reported outcome is lost.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test stops where something is wrong, and a child of it reports to it"
)]
#![cfg(feature = "client")]

use std::path::Path;
use std::pin::{Pin, pin};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use provider_auth::clock::ManualClock;
use provider_auth::request::EndpointKind;
use provider_auth::select::{Receipt, SelectorRules};
use provider_auth::{
    AuthProfileStore, AuthProfiles, Call, Endpoint, Error, ErrorKind, Failure, FailureReason, FileStore, MemoryStore,
    ProfileSelector, ProviderId, RecordOutcome as _, Result, Rotator, Timestamp,
};

use crate::support::rotation::{OPUS, call, keys, reasons};
use crate::support::server::{Act, Server};
use crate::support::{NOW, config};

/// A store whose updates may block: they can be held up, and can fail.
#[derive(Debug)]
struct Held {
    inner: MemoryStore,
    gate: (Mutex<bool>, Condvar),
    broken: AtomicBool,
    updates: AtomicUsize,
}

impl Held {
    fn hold(&self, held: bool) {
        *self.gate.0.lock().unwrap() = held;
        self.gate.1.notify_all();
    }
}

impl AuthProfileStore for Held {
    fn load(&self) -> Result<Arc<AuthProfiles>> {
        self.inner.load()
    }

    fn update(&self, change: &mut dyn FnMut(&mut AuthProfiles) -> Result<()>) -> Result<Arc<AuthProfiles>> {
        let held = self.gate.0.lock().unwrap();
        drop(self.gate.1.wait_while(held, |held| *held).unwrap());
        self.updates.fetch_add(1, Ordering::SeqCst);
        if self.broken.load(Ordering::SeqCst) {
            // What a store says where a directory is gone.
            return FileStore::new("/dev/null/auth-profiles.json")?.update(change);
        }
        self.inner.update(change)
    }
}

struct Rig {
    store: Arc<Held>,
    clock: Arc<ManualClock>,
    rotator: Rotator,
}

/// Lets go of what is held even where a test fails: a runtime that ends waits for it.
impl Drop for Rig {
    fn drop(&mut self) {
        self.store.hold(false);
    }
}

impl Rig {
    fn new(names: &[&str], rules: SelectorRules) -> Self {
        Self::within(Duration::from_secs(1), names, rules)
    }

    /// The same with another limit for each call, and so for the wait for what an error reports.
    fn within(limit: Duration, names: &[&str], rules: SelectorRules) -> Self {
        let inner = MemoryStore::new(AuthProfiles::from_json(&keys(names).to_string()).unwrap());
        let (gate, broken, updates) = <((Mutex<bool>, Condvar), AtomicBool, AtomicUsize)>::default();
        let store = Arc::new(Held { inner, gate, broken, updates });
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(NOW)));
        let builder = Rotator::builder(Arc::clone(&store) as Arc<dyn AuthProfileStore>).clock(Arc::clone(&clock) as _);
        let rotator = builder.config(config("{}").with_rules(rules)).retries(0).max_time(limit);
        Self { rotator: rotator.build().unwrap(), store, clock }
    }

    /// A call in which these profiles are limited; gives the attempts and whether it was answered.
    async fn run(&self, limited: &[&str]) -> std::result::Result<Vec<Option<FailureReason>>, ErrorKind> {
        let call = Call::new(OPUS.parse().unwrap());
        let answered = self.rotator.run(&call, |attempt| async move {
            let is_limited = limited.iter().any(|name| attempt.profile().as_str().ends_with(name));
            if is_limited { Err(Failure::new(FailureReason::RateLimit)) } else { Ok(()) }
        });
        answered.await.map(|answered| reasons(&answered.attempts)).map_err(|failure| failure.kind())
    }

    fn rests(&self, name: &str) -> bool {
        let profiles = self.store.load().unwrap();
        profiles
            .usage(&format!("anthropic:{name}"))
            .is_some_and(|usage| usage.failure_count(FailureReason::RateLimit) > 0.0)
    }

    fn updates(&self) -> usize {
        self.store.updates.load(Ordering::SeqCst)
    }
}

fn is_pending<T>(future: Pin<&mut impl Future<Output = T>>) -> bool {
    future.poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

#[tokio::test]
async fn a_reply_does_not_wait_for_the_store_and_every_pick_knows_what_is_on_its_way() {
    let rig = Rig::new(&["a", "b", "c"], SelectorRules::default());
    rig.store.hold(true);
    let limited = Some(FailureReason::RateLimit);
    assert_eq!(rig.run(&["a"]).await, Ok(vec![limited, None]));
    assert_eq!(rig.run(&["b"]).await, Ok(vec![limited, None]), "a rests already, b from now on");
    assert_eq!(rig.run(&[]).await, Ok(vec![None]), "only c is left");
    assert_eq!((rig.updates(), rig.rotator.unrecorded()), (0, 0));
    assert!(!rig.rests("a"));
    rig.store.hold(false);
    rig.rotator.flush().await.unwrap();
    assert!(rig.rests("a") && rig.rests("b") && !rig.rests("c"));
    assert!(rig.store.load().unwrap().usage("anthropic:c").unwrap().last_used().is_some());
}

#[tokio::test]
async fn an_error_comes_once_its_windows_are_written_or_known_not_to_be() {
    let rig = Rig::within(Duration::from_secs(60), &["a", "b"], SelectorRules::default());
    rig.store.hold(true);
    let mut run = Box::pin(rig.run(&["a", "b"]));
    for _ in 0..100 {
        assert!(is_pending(run.as_mut()), "it did not wait");
        tokio::task::yield_now().await;
    }
    rig.store.hold(false);
    assert_eq!(run.await, Err(ErrorKind::RateLimited));
    assert!(rig.rests("a") && rig.rests("b"));

    let rig = Rig::new(&["a"], SelectorRules::default());
    rig.store.hold(true);
    let call = Call::new(OPUS.parse().unwrap());
    let limited = rig.rotator.run(&call, |_| async { Err::<(), _>(Failure::new(FailureReason::RateLimit)) });
    let failure = limited.await.unwrap_err();
    let unrecorded: Vec<_> = failure.attempts().iter().map(|attempt| attempt.unrecorded).collect();
    assert_eq!(unrecorded, [Some(ErrorKind::Locked)]);
    rig.store.hold(false);
    rig.rotator.flush().await.unwrap();
    assert!(rig.rests("a"), "it was begun, and goes on");
}

#[tokio::test]
async fn what_waits_at_the_same_moment_is_one_update() {
    let names: Vec<String> = (0..50).map(|number| format!("p{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let rig = Rig::new(&names, SelectorRules::default());
    rig.store.hold(true);
    for name in &names[..names.len() - 1] {
        assert_eq!(rig.run(&[name]).await.unwrap().len(), 2, "{name}");
    }
    rig.store.hold(false);
    rig.rotator.flush().await.unwrap();
    assert!(names[..names.len() - 1].iter().all(|name| rig.rests(name)));
    // The one that was held up, the one that took all that came meanwhile, and the times that were skipped.
    assert!((1..=3).contains(&rig.updates()), "{} updates for 98 outcomes", rig.updates());
}

#[tokio::test]
async fn what_could_not_be_written_is_kept_and_seen() {
    let rig = Rig::new(&["a", "b"], SelectorRules::default());
    rig.store.broken.store(true, Ordering::SeqCst);
    assert_eq!(rig.run(&["a"]).await.unwrap().len(), 2);
    let refused = rig.rotator.flush().await.map_err(|error| error.kind());
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(rig.rotator.unrecorded(), 2);
    assert_eq!(rig.run(&[]).await.unwrap().len(), 1, "b answers: a is known to rest");
    let failure = rig.run(&["b"]).await;
    assert_eq!(failure, Err(ErrorKind::RateLimited));
    rig.store.broken.store(false, Ordering::SeqCst);
    rig.rotator.flush().await.unwrap();
    assert_eq!(rig.rotator.unrecorded(), 0);
    assert!(rig.rests("a") && rig.rests("b"));
}

#[tokio::test]
async fn a_profile_that_the_store_refuses_does_not_keep_the_others_from_being_written() {
    #[derive(Debug)]
    struct Choosy(MemoryStore);
    impl AuthProfileStore for Choosy {
        fn load(&self) -> Result<Arc<AuthProfiles>> {
            self.0.load()
        }

        fn update(&self, change: &mut dyn FnMut(&mut AuthProfiles) -> Result<()>) -> Result<Arc<AuthProfiles>> {
            self.0.update(&mut |profiles| {
                change(profiles)?;
                match profiles.usage("anthropic:a") {
                    None => Ok(()),
                    Some(_) => Err(Error::new(ErrorKind::WrongStore, "not this one")),
                }
            })
        }
    }
    let inner = MemoryStore::new(AuthProfiles::from_json(&keys(&["a", "b"]).to_string()).unwrap());
    let store = Arc::new(Choosy(inner));
    let rotator =
        Rotator::builder(Arc::clone(&store) as Arc<dyn AuthProfileStore>).config(config("{}")).build().unwrap();
    let call = Call::new(OPUS.parse().unwrap());
    let failed = rotator.run(&call, |_| async { Err::<(), _>(Failure::new(FailureReason::RateLimit)) }).await;
    let unrecorded: Vec<_> =
        failed.unwrap_err().attempts().iter().map(|attempt| attempt.unrecorded.is_some()).collect();
    assert_eq!((unrecorded, rotator.unrecorded()), (vec![true, false], 1));
    assert!(store.load().unwrap().usage("anthropic:b").is_some());
    let now = Timestamp::from_millis(NOW);
    let receipt = Receipt::new("anthropic:b".parse().unwrap(), ProviderId::anthropic(), None, now);
    rotator.finish(&receipt).await.unwrap();
}

#[tokio::test]
async fn a_success_that_is_written_late_leaves_what_others_wrote_meanwhile() {
    let rig = Rig::new(&["a"], SelectorRules::default());
    rig.store.hold(true);
    assert_eq!(rig.run(&[]).await, Ok(vec![None]));
    // Another process fails, and another one succeeds with another model.
    let (other, selector) = (&rig.store.inner, ProfileSelector::new(SelectorRules::default()));
    let receipt = |model| {
        let now = provider_auth::Clock::now(&*rig.clock);
        Receipt::new("anthropic:a".parse().unwrap(), ProviderId::anthropic(), Some(model), now)
    };
    let (failed, succeeded) = (receipt("claude-opus-4-5"), receipt("claude-haiku-4-5"));
    rig.clock.advance(Duration::from_secs(2));
    let now = provider_auth::Clock::now(&*rig.clock);
    other.record_success(&selector, &succeeded, now).unwrap();
    other.record_failure(&selector, &failed, &Failure::new(FailureReason::RateLimit), now).unwrap();
    rig.clock.advance(Duration::from_secs(2));
    rig.store.hold(false);
    rig.rotator.flush().await.unwrap();
    assert!(rig.rests("a"), "the window is newer than the success");
    assert_eq!(rig.store.load().unwrap().usage("anthropic:a").unwrap().last_used(), Some(now));
}

#[tokio::test]
async fn the_rules_of_february_write_all_that_waits_in_its_order() {
    let rules = SelectorRules::openclaw_2026_02;
    let rig = Rig::new(&["a", "b"], rules());
    let expected = MemoryStore::new(AuthProfiles::from_json(&keys(&["a", "b"]).to_string()).unwrap());
    rig.store.hold(true);
    let selector = ProfileSelector::new(rules());
    for limited in [true, false, true, true, false, true] {
        let now = provider_auth::Clock::now(&*rig.clock);
        let receipt =
            || Receipt::new("anthropic:a".parse().unwrap(), ProviderId::anthropic(), Some("claude-opus-4-5"), now);
        let (ours, theirs) = (receipt(), receipt());
        if limited {
            let error = br#"{"type":"error","error":{"type":"rate_limit_error","message":"Slow down"}}"#;
            assert!(is_pending(pin!(rig.rotator.report_stream_error(&ours, error))));
            expected.record_failure(&selector, &theirs, &Failure::new(FailureReason::RateLimit), now).unwrap();
        } else {
            assert!(is_pending(pin!(rig.rotator.finish(&ours))));
            expected.record_success(&selector, &theirs, now).unwrap();
        }
        rig.clock.advance(Duration::from_secs(7));
    }
    rig.store.hold(false);
    rig.rotator.flush().await.unwrap();
    let text = |store: &dyn AuthProfileStore| store.load().unwrap().to_json().expose().to_owned();
    assert_eq!(text(&rig.store.inner), text(&expected));
}

/// A rotator over a file, as a program has it.
fn over_file(path: &Path, url: &str) -> Rotator {
    let endpoint = Endpoint::new(url).unwrap().with_kind(EndpointKind::Anthropic);
    let store: Arc<dyn AuthProfileStore> = Arc::new(FileStore::new(path).unwrap());
    let builder = Rotator::builder(store).config(config("{}")).retries(0);
    builder.endpoint(ProviderId::anthropic(), endpoint).build().unwrap()
}

fn limits_the_first() -> Server {
    let limited = || Act::error(429, "rate_limit_error", "Slow down");
    Server::start(move |asked| if asked.key() == "key-a" { limited() } else { Act::message("Hello") })
}

fn is_recorded(path: &Path) -> bool {
    let profiles = FileStore::new(path).unwrap().load().unwrap();
    let limited = profiles.usage("anthropic:a").map(|usage| usage.failure_count(FailureReason::RateLimit));
    limited == Some(1.0) && profiles.usage("anthropic:b").is_some_and(|usage| usage.last_used().is_some())
}

#[test]
#[cfg(feature = "file")]
fn a_program_that_ends_right_after_its_call_leaves_the_record_on_disk() {
    let server = limits_the_first();
    let directory = tempfile::tempdir().unwrap();
    for round in 0..5 {
        let path = directory.path().join(format!("{round}.json"));
        std::fs::write(&path, keys(&["a", "b"]).to_string()).unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["written::child", "--exact", "--nocapture", "--test-threads=1"])
            .env("PROVIDER_AUTH_TEST_URL", server.url())
            .env("PROVIDER_AUTH_TEST_FILE", &path)
            .output()
            .unwrap();
        assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("done"), "{output:?}");
        assert!(is_recorded(&path), "round {round}: {}", std::fs::read_to_string(&path).unwrap());
    }
}

/// As a test of its own it does nothing.
#[tokio::test]
#[cfg(feature = "file")]
async fn child() {
    let Ok(url) = std::env::var("PROVIDER_AUTH_TEST_URL") else { return };
    let file = std::env::var("PROVIDER_AUTH_TEST_FILE").unwrap();
    let reply = over_file(Path::new(&file), &url).send(&call(OPUS)).await.unwrap();
    assert_eq!(reply.attempts().len(), 2);
    println!("done");
}

#[test]
#[cfg(feature = "file")]
fn a_runtime_that_ends_waits_for_what_was_reported_whatever_its_threads_were_doing() {
    let server = limits_the_first();
    let directory = tempfile::tempdir().unwrap();
    for round in 0..50 {
        let path = directory.path().join(format!("{round}.json"));
        std::fs::write(&path, keys(&["a", "b"]).to_string()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            // A thread that waits for work drops what it is given if the runtime ends before it wakes up.
            let (one, other) = (tokio::task::spawn_blocking(|| ()), tokio::task::spawn_blocking(|| ()));
            one.await.and(other.await).unwrap();
            over_file(&path, &server.url()).send(&call(OPUS)).await.unwrap();
        });
        drop(runtime);
        assert!(is_recorded(&path), "round {round}");
    }
}
