//! The queue under many callers, under callers that go away, and under runtimes that end or have no threads.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread::{self, ThreadId};

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use super::*;
use crate::credential::Credential;
use crate::id::ProviderId;
use crate::store::{AuthProfileStoreExt, MemoryStore};

/// A store that notes who calls it, and whose loads can be held up.
#[derive(Debug, Default)]
struct Recorder {
    inner: MemoryStore,
    threads: Mutex<HashSet<ThreadId>>,
    loads: AtomicUsize,
    /// Loads and updates under way, and the most there ever were.
    now: [AtomicUsize; 2],
    most: [AtomicUsize; 2],
    /// A load says that it began, and goes on when it is told.
    hold: Mutex<Option<(mpsc::Sender<()>, mpsc::Receiver<()>)>>,
}

impl Recorder {
    fn inside<T>(&self, kind: usize, call: impl FnOnce() -> T) -> T {
        self.threads.lock().unwrap().insert(thread::current().id());
        let now = self.now[kind].fetch_add(1, Ordering::SeqCst) + 1;
        self.most[kind].fetch_max(now, Ordering::SeqCst);
        let value = call();
        self.now[kind].fetch_sub(1, Ordering::SeqCst);
        value
    }

    /// Holds up the next load.
    fn hold(&self) -> (mpsc::Receiver<()>, mpsc::Sender<()>) {
        let ((begun, beginning), (release, released)) = (mpsc::channel(), mpsc::channel());
        *self.hold.lock().unwrap() = Some((begun, released));
        (beginning, release)
    }
}

impl AuthProfileStore for Recorder {
    fn load(&self) -> Result<Arc<AuthProfiles>> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        self.inside(0, || {
            if let Some((begun, released)) = self.hold.lock().unwrap().take() {
                begun.send(()).unwrap();
                released.recv().unwrap();
            }
            self.inner.load()
        })
    }

    fn update(&self, change: &mut dyn FnMut(&mut AuthProfiles) -> Result<()>) -> Result<Arc<AuthProfiles>> {
        self.inside(1, || self.inner.update(change))
    }
}

fn queue() -> (Arc<Recorder>, StoreQueue) {
    let store = Arc::new(Recorder::default());
    (Arc::clone(&store), StoreQueue::new(store))
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn id(number: usize) -> ProfileId {
    ProfileId::new(format!("anthropic:{number}")).unwrap()
}

/// A job that adds a profile.
fn add(number: usize) -> impl FnOnce(&dyn AuthProfileStore) -> Result<()> + Send + 'static {
    move |store| store.upsert(&id(number), &ProviderId::anthropic(), &Credential::api_key("sk-test".into()), None)
}

/// Whether nothing waits and nobody works; asked when the runtime is gone, and its threads with it.
fn is_idle(queue: &StoreQueue) -> bool {
    queue.loads.is_idle() && queue.updates.is_idle()
}

/// Polls a future so often and drops it, with the runtime's turn in between.
async fn give_up<T>(future: impl Future<Output = T>, polls: usize) {
    let mut future = Box::pin(future);
    for _ in 0..polls {
        if future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[test]
fn five_hundred_callers_cost_a_handful_of_threads_and_never_the_runtimes() {
    let (store, queue) = queue();
    runtime().block_on(async {
        let mut callers = JoinSet::new();
        for number in 0..500 {
            let queue = queue.clone();
            callers.spawn(async move {
                queue.load().await.unwrap();
                queue.transact(add(number)).await.unwrap();
                assert!(queue.load().await.unwrap().get(id(number).as_str()).is_some(), "what was just written");
            });
        }
        while let Some(caller) = callers.join_next().await {
            caller.unwrap();
        }
    });
    let threads = store.threads.lock().unwrap();
    assert!(!threads.contains(&thread::current().id()), "the runtime's thread was held up");
    assert!(threads.len() <= 16, "{} threads", threads.len());
    assert_eq!(store.most.each_ref().map(|most| most.load(Ordering::SeqCst)), [1, 1]);
    assert!(store.loads.load(Ordering::SeqCst) < 1_000);
    assert!(is_idle(&queue));
}

#[test]
fn calls_of_one_moment_take_one_load() {
    let (store, queue) = queue();
    runtime().block_on(async {
        let mut callers = JoinSet::new();
        for _ in 0..100 {
            let queue = queue.clone();
            callers.spawn(async move { queue.load().await.unwrap() });
        }
        while let Some(caller) = callers.join_next().await {
            caller.unwrap();
        }
    });
    assert_eq!(store.loads.load(Ordering::SeqCst), 1, "a thread was woken for each");
}

#[test]
fn one_load_serves_all_that_asked_before_it_began() {
    let (store, queue) = queue();
    let (beginning, release) = store.hold();
    runtime().block_on(async {
        let first = tokio::spawn({
            let queue = queue.clone();
            async move { queue.load().await.unwrap().len() }
        });
        // It lets others get in line before it begins.
        while beginning.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
        // The load under way has seen less than they may ask for.
        queue.transact(add(1)).await.unwrap();
        let mut callers: Vec<_> = (0..100).map(|_| Box::pin(queue.load())).collect();
        let mut context = Context::from_waker(Waker::noop());
        assert!(callers.iter_mut().all(|caller| caller.as_mut().poll(&mut context).is_pending()));
        release.send(()).unwrap();
        for caller in callers {
            assert_eq!(caller.await.unwrap().len(), 1);
        }
        first.await.unwrap();
    });
    assert_eq!(store.loads.load(Ordering::SeqCst), 2);
}

#[test]
fn a_store_that_never_blocks_is_called_in_place() {
    let queue = StoreQueue::new(Arc::new(MemoryStore::default()));
    let mut context = Context::from_waker(Waker::noop());
    let here = thread::current().id();
    let job = move |_: &dyn AuthProfileStore| Ok(thread::current().id() == here);
    assert!(matches!(pin(queue.transact(job)).as_mut().poll(&mut context), Poll::Ready(Ok(true))));
    assert!(pin(queue.load()).as_mut().poll(&mut context).is_ready());
}

#[test]
fn what_is_known_without_waiting_takes_no_thread() {
    #[derive(Debug, Default)]
    struct Knowing(Recorder);
    impl AuthProfileStore for Knowing {
        fn load(&self) -> Result<Arc<AuthProfiles>> {
            self.0.load()
        }

        fn try_load(&self) -> Option<Arc<AuthProfiles>> {
            self.0.inner.load().ok().filter(|profiles| !profiles.is_empty())
        }

        fn update(&self, change: &mut dyn FnMut(&mut AuthProfiles) -> Result<()>) -> Result<Arc<AuthProfiles>> {
            self.0.update(change)
        }
    }
    let store = Arc::new(Knowing::default());
    let queue = StoreQueue::new(Arc::clone(&store) as Arc<dyn AuthProfileStore>);
    runtime().block_on(async {
        queue.load().await.unwrap();
        queue.transact(add(1)).await.unwrap();
        assert_eq!(queue.load().await.unwrap().len(), 1);
    });
    assert_eq!(store.0.loads.load(Ordering::SeqCst), 1);
}

fn pin<F: Future>(future: F) -> std::pin::Pin<Box<F>> {
    Box::pin(future)
}

#[test]
fn whoever_goes_away_leaves_nothing_undone_and_nothing_behind() {
    let (store, queue) = queue();
    runtime().block_on(async {
        for polls in 0..200 {
            let calls = async {
                queue.load().await.unwrap();
                let lease = queue.lease(&id(0), Duration::ZERO).await.unwrap();
                queue.transact(add(polls)).await.unwrap();
                drop(lease);
            };
            give_up(calls, polls).await;
            // A job that was queued is run, and before those that come later.
            give_up(queue.transact(add(1_000 + polls)), 1).await;
            queue.transact(add(2_000 + polls)).await.unwrap();
            assert!(store.inner.load().unwrap().get(id(1_000 + polls).as_str()).is_some());
            // A lease that came too late for its caller is given back by the thread that got it.
            drop(queue.lease(&id(0), Duration::from_secs(30)).await.unwrap());
            queue.load().await.unwrap();
        }
    });
    assert!(is_idle(&queue));
}

#[test]
fn a_job_that_panics_is_an_error_and_the_next_one_runs() {
    let (_, queue) = queue();
    runtime().block_on(async {
        let panics = queue.transact(|_| -> Result<()> { panic!("on purpose") });
        let (error, next) = tokio::join!(panics, queue.transact(add(1)));
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Io);
        next.unwrap();
    });
    assert!(is_idle(&queue));
}

#[test]
fn all_that_waited_for_a_load_hear_why_it_failed() {
    #[derive(Debug)]
    struct Broken;
    impl AuthProfileStore for Broken {
        fn load(&self) -> Result<Arc<AuthProfiles>> {
            Err(Error::new(ErrorKind::Corrupt, "it is broken").with_source(Error::new(ErrorKind::Syntax, "here")))
        }

        fn update(&self, _: &mut dyn FnMut(&mut AuthProfiles) -> Result<()>) -> Result<Arc<AuthProfiles>> {
            self.load()
        }
    }
    let queue = StoreQueue::new(Arc::new(Broken));
    let (one, two) = runtime().block_on(async { tokio::join!(queue.load(), queue.load()) });
    for error in [one.unwrap_err(), two.unwrap_err()] {
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Corrupt, "it is broken"));
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "here");
    }
}

#[test]
fn what_a_runtime_left_in_the_queue_is_done_in_the_next_one() {
    for _ in 0..100 {
        let (store, queue) = queue();
        let (ending, other) = (runtime(), runtime());
        // A thread that waits for work drops what it is given if the runtime ends before it wakes up.
        ending.block_on(ending.spawn_blocking(|| ())).unwrap();
        let mut late = Box::pin(queue.transact(add(2)));
        ending.block_on(give_up(queue.transact(add(1)), 1));
        let waits = late.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending();
        ending.shutdown_background();
        if waits {
            other.block_on(late).unwrap();
        }
        other.block_on(queue.transact(add(3))).unwrap();
        assert_eq!(store.inner.load().unwrap().len(), 3);
    }
}

#[test]
fn a_lease_that_ends_with_a_job_of_an_ended_runtime_is_not_waited_for_in_vain() {
    for _ in 0..100 {
        let (store, queue) = queue();
        let ending = runtime();
        ending.block_on(ending.spawn_blocking(|| ())).unwrap();
        let lease = store.lease(&id(1), Duration::ZERO).unwrap();
        let job = move |_: &dyn AuthProfileStore| {
            drop(lease);
            Ok(())
        };
        ending.block_on(give_up(queue.transact(job), 1));
        ending.shutdown_background();
        drop(runtime().block_on(queue.lease(&id(1), Duration::from_secs(3_600))).unwrap());
    }
}

#[test]
fn without_a_runtime_or_after_its_end_calls_are_made_in_place() {
    let (store, queue) = queue();
    let mut context = Context::from_waker(Waker::noop());
    assert!(pin(queue.transact(add(1))).as_mut().poll(&mut context).is_ready());
    assert!(pin(queue.load()).as_mut().poll(&mut context).is_ready());
    let ended = runtime();
    let handle = ended.handle().clone();
    ended.shutdown_background();
    let _inside = handle.enter();
    assert!(pin(queue.transact(add(2))).as_mut().poll(&mut context).is_ready());
    assert_eq!(store.inner.load().unwrap().len(), 2);
    assert!(is_idle(&queue));
}

#[test]
fn where_no_thread_can_be_had_that_is_an_error_and_no_end() {
    let (store, queue) = queue();
    // No system has room for a stack like this.
    let poor = Builder::new_current_thread().enable_all().thread_stack_size(1 << 46).build().unwrap();
    poor.block_on(async {
        for _ in 0..2 {
            let done = tokio::join!(async { queue.load().await.map(drop) }, queue.transact(add(1)), async {
                queue.lease(&id(1), Duration::ZERO).await.map(drop)
            });
            for error in [done.0.unwrap_err(), done.1.unwrap_err(), done.2.unwrap_err()] {
                assert_eq!(error.kind(), ErrorKind::Io);
            }
        }
    });
    assert!(is_idle(&queue));
    runtime().block_on(queue.transact(add(2))).unwrap();
    drop(poor);
    let profiles = store.inner.load().unwrap();
    assert!(profiles.get("anthropic:1").is_none() && profiles.get("anthropic:2").is_some());
    drop(store.lease(&id(1), Duration::ZERO).unwrap());
}

#[test]
fn a_wait_for_a_lease_ends_with_its_runtime_and_says_how_long_it_was() {
    let (store, queue) = queue();
    let _held = store.lease(&id(1), Duration::ZERO).unwrap();
    let ending = runtime();
    ending.block_on(give_up(queue.lease(&id(1), Duration::from_secs(3_600)), 2));
    // This would wait for an hour.
    drop(ending);
    let error = runtime().block_on(queue.lease(&id(1), Duration::from_millis(501))).unwrap_err();
    assert!(error.is_locked() && error.to_string().contains("501 ms"), "{error}");
}
