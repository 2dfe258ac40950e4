//! Waiting while another program has a file open. On Windows this blocks others: readers while a file is replaced, and
//! the writer while, for example, a virus scanner looks at it.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::replace::random;
use super::system::System;
use crate::error::{Error, ErrorKind, io_error};

/// The first pause; each further pause is half as long again.
const FIRST_PAUSE: Duration = Duration::from_micros(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(10);

/// The time limit for denied access. It may be temporary, but those who have no right to a file get the same answer.
const DENIED: Duration = Duration::from_secs(1);

/// Opens a file, or runs another operation that opens one; retries for up to `wait` while another program has it open.
pub(super) fn open<T>(system: &dyn System, wait: Duration, open: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    until_free(system, wait, wait.min(DENIED), open)
}

/// Renames a file; retries for up to `wait` while another program has it open. Denied access is temporary here, since
/// the caller could create a file in the same directory.
pub(super) fn rename<T>(system: &dyn System, wait: Duration, rename: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    until_free(system, wait, wait, rename)
}

fn until_free<T>(
    system: &dyn System,
    wait: Duration,
    denied: Duration,
    mut operation: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    let mut start = None;
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match operation() {
            Err(error) if system.is_in_use(&error) => error,
            outcome => return outcome,
        };
        let now = system.monotonic();
        let limit = if error.kind() == io::ErrorKind::PermissionDenied { denied } else { wait };
        let left = limit.saturating_sub(now.saturating_sub(*start.get_or_insert(now)));
        if left.is_zero() {
            return Err(error);
        }
        // Randomised, so that waiters do not retry in lockstep.
        let half = pause / 2;
        let nanos = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX).max(1);
        system.sleep((half + Duration::from_nanos(random() % nanos)).min(left));
        pause = (pause + pause / 2).min(LONGEST_PAUSE);
    }
}

/// Returns the error of an operation that failed, or was still blocked when the time was over.
pub(super) fn error(system: &dyn System, message: &'static str, path: &Path, error: io::Error) -> Error {
    if system.is_in_use(&error) && error.kind() != io::ErrorKind::PermissionDenied {
        let message = format!("{message}: another program has it open");
        return Error::new(ErrorKind::Locked, message).with_path(path).with_source(error);
    }
    io_error(message, path, error)
}
