//! Naming a check that hangs: a backend with a deadlock would otherwise show nothing at all.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use crate::error::Result;

/// Runs a check, and reports it once if it takes longer than `slow`.
pub(super) fn watched(slow: Duration, report: impl FnOnce() + Send, check: impl FnOnce() -> Result<()>) -> Result<()> {
    let (running, ended) = channel::<()>();
    thread::scope(|scope| {
        // Dropped when the check ends, also by a panic, which ends the watch.
        let _running = running;
        scope.spawn(move || {
            if ended.recv_timeout(slow) == Err(RecvTimeoutError::Timeout) {
                report();
            }
        });
        check()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind};

    #[test]
    fn a_check_that_hangs_is_reported_while_it_runs_and_a_quick_one_is_not() {
        let (report, reported) = channel();
        let waits = || {
            let is_reported = reported.recv_timeout(Duration::from_secs(60)).is_ok();
            is_reported.then_some(()).ok_or_else(|| Error::new(ErrorKind::Conformance, "nothing was reported"))
        };
        watched(Duration::ZERO, move || report.send(()).unwrap(), waits).unwrap();
        watched(Duration::from_secs(3_600), || panic!("it is not slow"), || Ok(())).unwrap();
    }
}
