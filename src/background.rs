//! Work beside the caller's task: calls that block, and waiting. Built on `std` alone, so that it works in every runtime.
//!
//! A blocking call runs on a thread of its own, which costs some tens of microseconds: little beside a write that
//! reaches the disk, or an answer of a model. A call whose future is dropped still runs to its end.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

/// What becomes of a piece of work.
enum Progress<T> {
    Running(Option<Waker>),
    Done(T),
    /// It panicked, or was dropped before its end.
    Gone,
}

struct Shared<T>(Mutex<Progress<T>>);

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Progress<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands over the result of a piece of work, once.
pub(crate) struct Promise<T>(Arc<Shared<T>>);

impl<T> Promise<T> {
    /// Hands over the result.
    pub(crate) fn keep(self, value: T) {
        self.settle(Progress::Done(value));
    }

    fn settle(&self, progress: Progress<T>) {
        let waker = match std::mem::replace(&mut *self.0.lock(), progress) {
            Progress::Running(waker) => waker,
            Progress::Done(_) | Progress::Gone => None,
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        let open = matches!(*self.0.lock(), Progress::Running(_));
        if open {
            self.settle(Progress::Gone);
        }
    }
}

/// The result of a piece of work that goes on elsewhere; `None` if it never comes.
pub(crate) struct Outcome<T>(Arc<Shared<T>>);

impl<T> Future for Outcome<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut progress = self.0.lock();
        if let Progress::Running(waker) = &mut *progress {
            *waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        match std::mem::replace(&mut *progress, Progress::Gone) {
            Progress::Done(value) => Poll::Ready(Some(value)),
            Progress::Running(_) | Progress::Gone => Poll::Ready(None),
        }
    }
}

/// The two ends of a piece of work.
pub(crate) fn promise<T>() -> (Promise<T>, Outcome<T>) {
    let shared = Arc::new(Shared(Mutex::new(Progress::Running(None))));
    (Promise(Arc::clone(&shared)), Outcome(shared))
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

/// Runs a call that blocks on a thread of its own.
///
/// # Errors
///
/// Those of the call; [`ErrorKind::Io`] if there is no thread for it, or it panicked.
pub(crate) async fn blocking<T: Send + 'static>(call: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let (promise, outcome) = promise();
    start("provider-auth-store", move || promise.keep(call())).map_err(no_thread)?;
    outcome.await.unwrap_or_else(|| Err(Error::new(ErrorKind::Io, "the call on the credential store panicked")))
}

fn no_thread(error: io::Error) -> Error {
    Error::new(ErrorKind::Io, "no thread could be started for the credential store").with_source(error)
}

/// A wait that ends by itself or when it is dropped.
struct Sleep {
    over: Outcome<()>,
    /// The thread ends at once when this is dropped.
    _cancel: Sender<()>,
}

fn sleep(duration: Duration) -> io::Result<Sleep> {
    let (promise, over) = promise();
    let (cancel, cancelled) = mpsc::channel::<()>();
    start("provider-auth-timer", move || {
        // Nothing is ever sent: either the time is over, or nobody waits any longer.
        let _over = cancelled.recv_timeout(duration);
        promise.keep(());
    })?;
    Ok(Sleep { over, _cancel: cancel })
}

/// Waits.
#[cfg(feature = "client")]
pub(crate) async fn wait(duration: Duration) {
    if duration.is_zero() {
        return;
    }
    // Without a thread the wait falls away, which is better than no answer.
    if let Ok(sleep) = sleep(duration) {
        sleep.over.await;
    }
}

/// Runs a future for at most so long; `None` if it was not done by then.
pub(crate) async fn within<T>(limit: Option<Duration>, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let Some(limit) = limit else { return Some(future.await) };
    let mut timer: Option<Sleep> = None;
    poll_fn(|context| {
        if let Poll::Ready(value) = future.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        if limit.is_zero() {
            return Poll::Ready(None);
        }
        if timer.is_none() {
            timer = sleep(limit).ok();
        }
        match timer.as_mut().map(|timer| Pin::new(&mut timer.over).poll(context)) {
            Some(Poll::Ready(_)) => Poll::Ready(None),
            _ => Poll::Pending,
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn a_blocking_call_gives_its_result_or_says_that_it_panicked() {
        assert_eq!(block_on(blocking(|| Ok(7))).unwrap(), 7);
        let error = block_on(blocking(|| -> Result<()> { panic!("on purpose") })).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
    }

    #[test]
    fn a_limit_ends_what_never_ends_and_nothing_else() {
        assert_eq!(block_on(within(Some(Duration::from_millis(1)), std::future::pending::<()>())), None);
        assert_eq!(block_on(within(Some(Duration::ZERO), std::future::ready(1))), Some(1));
        assert_eq!(block_on(within(Some(Duration::from_secs(3_600)), blocking(|| Ok(2)))).unwrap().unwrap(), 2);
        assert_eq!(block_on(within(None, std::future::ready(3))), Some(3));
    }

    #[test]
    fn a_call_whose_future_is_dropped_runs_to_its_end() {
        let (sender, receiver) = mpsc::channel();
        let mut call = Box::pin(blocking(move || {
            sender.send(()).unwrap();
            Ok(())
        }));
        let mut context = Context::from_waker(Waker::noop());
        let _pending = call.as_mut().poll(&mut context);
        drop(call);
        receiver.recv().unwrap();
    }
}
