//! Waiting out that somebody has a file open, which on Windows is in the way of others for that moment: of a reader
//! while the file is replaced, and of the one who replaces it while a virus scanner or another program looks at it.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::replace::random;
use super::system::System;
use crate::error::{Error, ErrorKind, io_error};

/// The first pause; each further one is half as long again.
const FIRST_PAUSE: Duration = Duration::from_micros(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(10);

/// How long it is hoped that access which is denied is denied for the moment: those who have no right to a file get the
/// same answer.
const DENIED: Duration = Duration::from_secs(1);

/// Opens a file, or does what begins so; tried again for no longer than `wait` while somebody is in the way.
pub(super) fn open<T>(system: &dyn System, wait: Duration, open: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    until_free(system, wait, wait.min(DENIED), open)
}

/// Renames a file; tried again for no longer than `wait` while somebody is in the way. Who could make a file in the
/// directory has the right to.
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
        // Not in lockstep with others who wait.
        let half = pause / 2;
        let nanos = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX).max(1);
        system.sleep((half + Duration::from_nanos(random() % nanos)).min(left));
        pause = (pause + pause / 2).min(LONGEST_PAUSE);
    }
}

/// The error of an operation that was tried until the time was over, or failed for another reason.
pub(super) fn error(system: &dyn System, message: &'static str, path: &Path, error: io::Error) -> Error {
    if system.is_in_use(&error) && error.kind() != io::ErrorKind::PermissionDenied {
        let message = format!("{message}: another program has it open");
        return Error::new(ErrorKind::Locked, message).with_path(path).with_source(error);
    }
    io_error(message, path, error)
}
