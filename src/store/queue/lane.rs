//! Calls of one kind, which wait in line for the one thread that makes them.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio::task::yield_now;

use super::super::AuthProfileStore;

/// The calls that wait, and who works at them.
pub(super) struct Lane<C> {
    store: Arc<dyn AuthProfileStore>,
    /// Makes the calls that wait, all at once; never panics.
    serve: fn(&dyn AuthProfileStore, Vec<C>),
    /// Whether the calls are made although nobody waits for them, also where the runtime of their worker ends.
    is_binding: bool,
    state: Mutex<State<C>>,
    /// Told when a worker was lost, so that those who wait start another one in the runtime they are in.
    lost: Notify,
}

struct State<C> {
    waiting: Vec<C>,
    /// The number of the worker that is at it or was asked for.
    worker: Option<u64>,
    /// The number of the last worker, and of the last one that was lost.
    last: u64,
    lost: u64,
}

/// Work at a lane, which tokio may drop before it begins: when the runtime shuts down.
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

    /// Puts a call in line that nobody waits for.
    pub(super) fn post(self: &Arc<Self>, call: C) {
        self.state().waiting.push(call);
        self.start();
    }

    /// Puts a call in line and waits for its answer; `None` if there is no thread for it. In a binding lane it is
    /// made from the first poll on, whether or not anybody goes on waiting.
    pub(super) async fn submit<T>(self: &Arc<Self>, call: C, mut answer: oneshot::Receiver<T>) -> Option<T> {
        self.state().waiting.push(call);
        if !self.is_binding && Handle::try_current().is_ok() {
            // Calls that the runtime makes at the same moment get in line first, so that one thread is woken for all of them.
            yield_now().await;
        }
        loop {
            // It hears of what is lost from here on.
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

    /// Sees to it that somebody works at what waits.
    pub(super) fn start(self: &Arc<Self>) {
        let Some(worker) = self.claim() else { return };
        let number = worker.number;
        let Ok(runtime) = Handle::try_current() else { return worker.run() };
        // tokio panics where the system has no thread, and keeps the closure for the next one it gets.
        match catch_unwind(AssertUnwindSafe(|| drop(runtime.spawn_blocking(move || worker.run())))) {
            Err(_) => drop(self.refuse(number)),
            // A runtime that has shut down has no thread to be held up.
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

    /// Takes the calls that this worker would have made; if it begins after all, it does nothing.
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

    /// Everything that waits; `None` if that is nothing, or another worker is at it.
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
            // The runtime ends before the work began, and waits for the thread on which it drops it.
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
