//! The resources of the asynchronous driver: threads, time, and the remains of a dropped call.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test may stop where it fails, and a child of it reports to it"
)]

use std::collections::HashSet;
use std::future::poll_fn;
use std::pin::pin;
#[cfg(target_os = "linux")]
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::Poll;
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use provider_auth::failure::TransportError;
use provider_auth::request::EndpointKind;
use provider_auth::rotate::RotatorBuilder;
use provider_auth::rotation::{Attempt, BlockingDriver, Rotation};
use provider_auth::{
    AuthProfileStore, AuthProfiles, Call, Clock as _, Endpoint, ErrorKind, Failure, FailureReason, MemoryStore,
    ProfileId, ProfileSelector, ProviderId, Result, Rotator, SystemClock,
};

use crate::streams::{START, STOP};
use crate::support::config;
use crate::support::rotation::{OPUS, call, keys};
use crate::support::server::{Act, Server};

/// A store that may block: it notes on which threads it is called, and can be stopped for a while.
#[derive(Debug)]
struct Recording {
    inner: MemoryStore,
    threads: Mutex<HashSet<ThreadId>>,
    updates: AtomicUsize,
    stopped: (Mutex<bool>, Condvar),
}

impl Recording {
    fn new(names: &[&str]) -> Arc<Self> {
        let profiles = AuthProfiles::from_json(&keys(names).to_string()).unwrap();
        let stopped = (Mutex::new(false), Condvar::new());
        Arc::new(Self {
            inner: MemoryStore::new(profiles),
            threads: Mutex::default(),
            updates: AtomicUsize::new(0),
            stopped,
        })
    }

    fn stop(&self, stopped: bool) {
        *self.stopped.0.lock().unwrap() = stopped;
        self.stopped.1.notify_all();
    }

    fn called(&self) {
        self.threads.lock().unwrap().insert(std::thread::current().id());
        let stopped = self.stopped.0.lock().unwrap();
        drop(self.stopped.1.wait_while(stopped, |stopped| *stopped).unwrap());
    }
}

impl AuthProfileStore for Recording {
    fn load(&self) -> Result<Arc<AuthProfiles>> {
        self.called();
        self.inner.load()
    }

    fn update(&self, change: &mut dyn FnMut(&mut AuthProfiles) -> Result<()>) -> Result<Arc<AuthProfiles>> {
        self.called();
        self.updates.fetch_add(1, Ordering::SeqCst);
        self.inner.update(change)
    }
}

fn rotator(store: &Arc<Recording>, url: &str) -> Rotator {
    builder(Arc::clone(store) as Arc<dyn AuthProfileStore>, url).build().unwrap()
}

fn builder(store: Arc<dyn AuthProfileStore>, url: &str) -> RotatorBuilder {
    let endpoint = Endpoint::new(url).unwrap().with_kind(EndpointKind::Anthropic);
    Rotator::builder(store).config(config("{}")).retries(0).endpoint(ProviderId::anthropic(), endpoint)
}

/// The threads of this process.
#[cfg(target_os = "linux")]
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

fn current_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Runs a test of this file in a process of its own, which must say `done`.
#[cfg(target_os = "linux")]
fn child(name: &str, url: &str) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([&format!("driving::{name}"), "--exact", "--nocapture", "--test-threads=1"])
        .env("PROVIDER_AUTH_TEST_URL", url)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("done"), "{said}");
    said
}

#[tokio::test]
async fn a_stream_of_another_client_is_no_success_until_that_is_reported() {
    let (store, clock) = (Recording::new(&["a"]), SystemClock);
    let rotator = rotator(&store, "http://127.0.0.1:9");
    let call = Call::new(OPUS.parse().unwrap());
    let begun = || rotator.run_streamed(&call, |_| async { Ok::<_, Failure>(()) });
    let usage = || store.load().unwrap().usage("anthropic:a").cloned().unwrap_or_default();
    let limit = Failure::new(FailureReason::RateLimit);

    let left = begun().await.unwrap();
    rotator.flush().await.unwrap();
    assert!(usage().last_used().is_none(), "nobody said that it came to its end");
    rotator.fail(left.attempt.receipt(), &TransportError::Body.into()).await.unwrap();
    assert!(!left.attempt.receipt().is_reported(), "a connection that broke says nothing of the profile");

    let broken = begun().await.unwrap();
    rotator.fail(broken.attempt.receipt(), &limit).await.unwrap();
    assert!(usage().failure_count(FailureReason::RateLimit) > 0.0);
    rotator.finish(broken.attempt.receipt()).await.unwrap();
    assert!(usage().last_used().is_none(), "a receipt is reported once");

    let store = Recording::new(&["a"]);
    let driver = BlockingDriver::new(&*store, &clock, |_| {});
    let rotation = || Rotation::new(ProfileSelector::default(), OPUS.parse().unwrap(), clock.now());
    let begun = driver.run_streamed(rotation(), |_| Ok::<_, Failure>(())).unwrap();
    assert!(!begun.attempt.receipt().is_reported() && store.updates.load(Ordering::SeqCst) == 0);
    let answered = driver.run(rotation(), |_| Ok::<_, Failure>(())).unwrap();
    assert!(answered.attempt.receipt().is_reported());
}

#[test]
fn a_call_runs_in_a_task_with_captured_state() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let rotator = rotator(&Recording::new(&["a", "b"]), "http://127.0.0.1:9");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let task = {
        let (seen, client) = (Arc::clone(&seen), "a client of one's own".to_owned());
        runtime.spawn(async move {
            let call = Call::new("openai/gpt-5".parse().unwrap()).fallbacks(vec![OPUS.parse().unwrap()]);
            let run = rotator.run(&call, |attempt: Attempt| {
                let (seen, client) = (Arc::clone(&seen), client.clone());
                async move {
                    tokio::task::yield_now().await;
                    seen.lock().unwrap().push(attempt.profile().to_string());
                    if attempt.profile().as_str().ends_with('a') {
                        Err(Failure::new(FailureReason::RateLimit))
                    } else {
                        Ok(client)
                    }
                }
            });
            run.await
        })
    };
    let answered = runtime.block_on(task).unwrap().unwrap();
    assert_eq!((answered.value.as_str(), answered.attempts.len()), ("a client of one's own", 2));
    assert_eq!(*seen.lock().unwrap(), ["anthropic:a", "anthropic:b"]);
}

#[test]
#[cfg(target_os = "linux")]
fn five_hundred_calls_in_flight_take_a_handful_of_threads() {
    let server = Server::start(|_| Act::message("Hello").after(Duration::from_millis(300)));
    child("child_with_many_calls", &server.url());
    assert_eq!(server.asked().len(), 500);
}

/// As a test of its own it does nothing.
#[test]
#[cfg(target_os = "linux")]
fn child_with_many_calls() {
    let Ok(url) = std::env::var("PROVIDER_AUTH_TEST_URL") else { return };
    let store = Recording::new(&["a", "b"]);
    let (rotator, runtime) = (rotator(&store, &url), current_thread());
    let before = threads();
    let most = runtime.block_on(async {
        let calls = (0..500).map(|_| {
            let rotator = rotator.clone();
            tokio::spawn(async move { rotator.send(&call(OPUS)).await.unwrap().unrecorded() })
        });
        let calls: Vec<_> = calls.collect();
        let mut most = 0;
        while calls.iter().any(|call| !call.is_finished()) {
            most = most.max(threads());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        for call in calls {
            assert_eq!(call.await.unwrap(), None, "every outcome was recorded");
        }
        most
    });
    assert!(most <= before + 4, "{most} threads, {before} before");
    let threads = store.threads.lock().unwrap();
    assert!(!threads.contains(&std::thread::current().id()), "the runtime's thread called the store");
    let updates = store.updates.load(Ordering::SeqCst);
    assert!((1..100).contains(&updates), "{updates} writes for successes that change little but times");
    println!("done");
}

#[test]
fn the_end_of_a_stream_does_not_wait_for_a_store_that_hangs() {
    current_thread().block_on(async {
        let store = Recording::new(&["a"]);
        let server = Server::script(vec![Act::stream(&[START, STOP])]);
        let mut reply = rotator(&store, &server.url()).send(&call(OPUS)).await.unwrap();
        store.stop(true);
        let text = tokio::time::timeout(Duration::from_secs(20), reply.text()).await;
        // A runtime that ends waits for the store.
        store.stop(false);
        assert_eq!(text.unwrap().unwrap(), format!("{START}{STOP}"));
        assert_eq!((reply.is_complete(), reply.unrecorded()), (true, None));
        // What was begun is written once the store comes back.
        while store.inner.load().unwrap().usage("anthropic:a").is_none() {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn a_store_that_hangs_ends_the_call_in_its_time_and_not_the_runtime() {
    let store = Recording::new(&["a"]);
    let rotator = builder(store.clone(), "http://127.0.0.1:9").max_time(Duration::from_millis(1)).build().unwrap();
    let runtime = current_thread();
    store.stop(true);
    let begun = Instant::now();
    let failure = runtime.block_on(async { rotator.send(&call(OPUS)).await.unwrap_err() });
    assert_eq!((failure.kind(), failure.attempts().len()), (ErrorKind::Locked, 0));
    assert!(begun.elapsed() < Duration::from_secs(30));
    store.stop(false);
}

#[test]
#[cfg(target_os = "linux")]
fn the_time_of_a_call_holds_without_threads_and_without_file_handles() {
    let hanging = Server::start(|_| Act::hang());
    child("child_without_threads", &hanging.url());
    child("child_without_files", &hanging.url());
}

/// As a test of its own it does nothing.
#[test]
#[cfg(target_os = "linux")]
fn child_without_threads() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let Ok(url) = std::env::var("PROVIDER_AUTH_TEST_URL") else { return };
    let time = Duration::from_millis(300);
    let inline = MemoryStore::new(AuthProfiles::from_json(&keys(&["a"]).to_string()).unwrap());
    let stores: [Arc<dyn AuthProfileStore>; 2] = [Recording::new(&["a"]), Arc::new(inline)];
    let rotators = stores.map(|store| builder(store, &url).max_time(time).build().unwrap());
    let runtime = current_thread();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
    let size: u64 = size.trim().trim_end_matches(" kB").parse().unwrap();
    // Less than the stack of one more thread.
    let most = Some((size + 1_500) << 10);
    setrlimit(Resource::As, Rlimit { current: most, maximum: most }).unwrap();
    assert!(std::thread::Builder::new().spawn(|| {}).is_err(), "there still are threads to be had");
    for (rotator, kind) in rotators.iter().zip([ErrorKind::Io, ErrorKind::ProviderFailed]) {
        let begun = Instant::now();
        let failure = runtime.block_on(async { rotator.send(&call(OPUS)).await.unwrap_err() });
        assert!(begun.elapsed() < time * 20, "{:?}", begun.elapsed());
        assert_eq!(failure.kind(), kind);
    }
    println!("done");
}

/// As a test of its own it does nothing.
#[test]
#[cfg(target_os = "linux")]
fn child_without_files() {
    let Ok(url) = std::env::var("PROVIDER_AUTH_TEST_URL") else { return };
    let rotator = builder(Recording::new(&["a"]), &url).max_time(Duration::from_millis(300)).build().unwrap();
    let runtime = current_thread();
    let mut taken = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        taken.push(file);
    }
    let begun = Instant::now();
    let failure = runtime.block_on(async { rotator.send(&call(OPUS)).await.unwrap_err() });
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    assert_eq!((failure.kind(), failure.attempts().len()), (ErrorKind::Unreachable, 1));
    drop(taken);
    println!("done");
}

#[test]
fn calls_that_are_dropped_anywhere_leave_nothing_behind() {
    let store = Recording::new(&["a", "b"]);
    let (rotator, runtime) = (rotator(&store, "http://127.0.0.1:9"), current_thread());
    let mut finished = 0;
    for polls in 0..200 {
        runtime.block_on(async {
            let call = Call::new(OPUS.parse().unwrap());
            let mut run = pin!(rotator.run(&call, |attempt: Attempt| async move {
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
                // Every answer but one in a row is a failure of the provider, which is recorded and rests nobody.
                if attempt.profile().as_str().ends_with('b') {
                    Ok(())
                } else {
                    Err(Failure::new(FailureReason::ServerError))
                }
            }));
            for _ in 0..polls {
                let polled = poll_fn(|context| Poll::Ready(run.as_mut().poll(context))).await;
                if polled.is_ready() {
                    finished += 1;
                    break;
                }
                tokio::task::yield_now().await;
            }
        });
    }
    assert!(finished > 0, "no call came to its end");
    // Nothing waits, and nothing is held.
    let answered = runtime.block_on(rotator.run(&Call::new(OPUS.parse().unwrap()), |_| async { Ok::<_, Failure>(7) }));
    assert_eq!(answered.unwrap().value, 7);
    assert!(store.lease(&ProfileId::new("anthropic:a").unwrap(), Duration::ZERO).is_ok());
}
