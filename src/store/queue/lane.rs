//! A queue of calls of one kind, served by one thread.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio::task::yield_now;

use super::super::AuthProfileStore;

pub(super) struct Lane<C> {
    store: Arc<dyn AuthProfileStore>,
    /// Makes all waiting calls at once; never panics.
    serve: fn(&dyn AuthProfileStore, Vec<C>),
    /// `true` if calls are made even if nobody waits for them any more, also when their worker's runtime shuts down.
    is_binding: bool,
    state: Mutex<State<C>>,
    /// Notified when a worker is lost, so that waiting callers start another one on their own runtime.
    lost: Notify,
}

struct State<C> {
    waiting: Vec<C>,
    /// The number of the worker that is running or was requested.
    worker: Option<u64>,
    /// The numbers of the last worker and of the last lost one.
    last: u64,
    lost: u64,
}

/// A worker of a lane. tokio may drop it before it begins, when the runtime shuts down.
struct Worker<C> {
    lane: Arc<Lane<C>>,
    number: u64,
}

impl<C: Send + 'static> Lane<C> {
    pub(super) fn new(
        store: Arc<dyn AuthProfileStore>,
        serve: fn(&dyn AuthProfileStore, Vec<C>),
        is_binding: bool,
    ) -> Self {
        let state = State { waiting: Vec::new(), worker: None, last: 0, lost: 0 };
        Self { store, serve, is_binding, state: Mutex::new(state), lost: Notify::new() }
    }

    pub(super) fn post(self: &Arc<Self>, call: C) {
        self.state().waiting.push(call);
        self.start();
    }

    /// Queues a call and waits for its answer; returns `None` if no thread could be started for it. In a binding lane
    /// the call is made once this was polled, even if the future is dropped.
    pub(super) async fn submit<T>(self: &Arc<Self>, call: C, mut answer: oneshot::Receiver<T>) -> Option<T> {
        self.state().waiting.push(call);
        if !self.is_binding && Handle::try_current().is_ok() {
            // Calls made on the runtime at the same moment join first, so that one thread is woken for all of them.
            yield_now().await;
        }
        loop {
            // Registered before the start, so that no lost worker goes unnoticed.
            let mut lost = pin!(self.lost.notified());
            self.start();
            let answered = poll_fn(|context| match Pin::new(&mut answer).poll(context) {
                Poll::Ready(answer) => Poll::Ready(Some(answer.ok())),
                Poll::Pending => lost.as_mut().poll(context).map(|()| None),
            });
            if let Some(answer) = answered.await {
                return answer;
            }
        }
    }

    /// Makes sure that a worker serves the waiting calls.
    pub(super) fn start(self: &Arc<Self>) {
        let Some(worker) = self.claim() else { return };
        let number = worker.number;
        let Ok(runtime) = Handle::try_current() else { return worker.run() };
        // tokio panics if the system has no thread left, and keeps the closure for its next thread.
        match catch_unwind(AssertUnwindSafe(|| drop(runtime.spawn_blocking(move || worker.run())))) {
            Err(_) => drop(self.refuse(number)),
            // A runtime that has shut down has no tasks that this thread could delay.
            Ok(()) if self.state().lost == number => {
                if let Some(worker) = self.claim() {
                    worker.run();
                }
            }
            Ok(()) => {}
        }
    }

    fn claim(self: &Arc<Self>) -> Option<Worker<C>> {
        let mut state = self.state();
        if state.worker.is_some() || state.waiting.is_empty() {
            return None;
        }
        state.last += 1;
        state.worker = Some(state.last);
        Some(Worker { lane: Arc::clone(self), number: state.last })
    }

    /// Takes the calls of a worker that could not be started; if it begins after all, it does nothing.
    fn refuse(&self, number: u64) -> Vec<C> {
        let mut state = self.state();
        if state.worker != Some(number) {
            return Vec::new();
        }
        state.worker = None;
        std::mem::take(&mut state.waiting)
    }

    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        let state = self.state();
        state.waiting.is_empty() && state.worker.is_none()
    }

    fn state(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C> Worker<C> {
    fn run(self) {
        self.serve();
    }

    fn serve(&self) {
        while let Some(calls) = self.next() {
            (self.lane.serve)(&*self.lane.store, calls);
        }
    }

    /// Takes all waiting calls; returns `None` if there are none, or another worker serves them.
    fn next(&self) -> Option<Vec<C>> {
        let mut state = self.lane.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.worker != Some(self.number) {
            return None;
        }
        if state.waiting.is_empty() {
            state.worker = None;
            return None;
        }
        Some(std::mem::take(&mut state.waiting))
    }
}

impl<C> Drop for Worker<C> {
    fn drop(&mut self) {
        if self.lane.is_binding {
            // The runtime shut down before the work began, and waits for the thread on which it drops the worker.
            self.serve();
        }
        let mut state = self.lane.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.worker == Some(self.number) {
            state.worker = None;
            state.lost = self.number;
            drop(state);
            self.lane.lost.notify_waiters();
        }
    }
}
