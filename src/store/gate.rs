//! Exclusion between the updates of one store within this process.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::{self, ThreadId};
#[cfg(any(feature = "file", feature = "client"))]
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

/// Admits one update at a time, in order of arrival, and tells a nested one from a concurrent one.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// The thread that is inside, then those that wait. A thread that comes back at once queues at the end.
    line: Mutex<VecDeque<ThreadId>>,
    moved: Condvar,
}

pub(crate) struct Pass<'a>(&'a Gate);

impl Gate {
    /// Waits for the running update to end.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Reentrant`] if that update runs on this thread, which would wait for itself.
    pub(crate) fn enter(&self) -> Result<Pass<'_>> {
        let me = thread::current().id();
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        join(&mut line, me)?;
        drop(self.moved.wait_while(line, |line| line.front() != Some(&me)).unwrap_or_else(PoisonError::into_inner));
        Ok(Pass(self))
    }

    /// As [`enter`](Self::enter), for a bounded time; returns `None` after that.
    #[cfg(any(feature = "file", feature = "client"))]
    pub(crate) fn enter_within(&self, wait: Duration) -> Result<Option<Pass<'_>>> {
        let me = thread::current().id();
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        join(&mut line, me)?;
        let waited = self.moved.wait_timeout_while(line, wait, |line| line.front() != Some(&me));
        let (mut line, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if line.front() != Some(&me) {
            line.retain(|waiting| *waiting != me);
            return Ok(None);
        }
        Ok(Some(Pass(self)))
    }
}

fn join(line: &mut VecDeque<ThreadId>, me: ThreadId) -> Result<()> {
    if line.front() == Some(&me) {
        return Err(Error::new(ErrorKind::Reentrant, "the store is being updated by the caller itself"));
    }
    line.push_back(me);
    Ok(())
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.0.line.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        self.0.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_comes_before_who_comes_back() {
        let gate = Gate::default();
        let order = Mutex::new(Vec::new());
        let waiting = |many| {
            while gate.line.lock().unwrap().len() < many {
                thread::yield_now();
            }
        };
        let pass = gate.enter().unwrap();
        thread::scope(|scope| {
            for number in 1..=3 {
                let (gate, order) = (&gate, &order);
                scope.spawn(move || {
                    let _pass = gate.enter().unwrap();
                    order.lock().unwrap().push(number);
                });
                waiting(1 + number);
            }
            drop(pass);
            let _again = gate.enter().unwrap();
            order.lock().unwrap().push(4);
        });
        assert_eq!(*order.lock().unwrap(), [1, 2, 3, 4]);
    }

    #[cfg(any(feature = "file", feature = "client"))]
    #[test]
    fn who_gave_up_is_not_waited_for() {
        let gate = Gate::default();
        let pass = gate.enter().unwrap();
        thread::scope(|scope| {
            let in_vain = scope.spawn(|| gate.enter_within(Duration::ZERO).unwrap().is_none());
            assert!(in_vain.join().unwrap());
        });
        drop(pass);
        assert!(gate.enter_within(Duration::ZERO).unwrap().is_some());
    }
}
