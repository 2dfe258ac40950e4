//! Exclusion between processes by a kernel lock on a permanent file.

use std::ffi::OsString;
use std::hash::Hasher as _;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use siphasher::sip::SipHasher24;

use super::crowd::Crowd;
use super::patience;
use super::replace::{random, split};
use super::system::{Lockable, System};
use crate::error::{Error, ErrorKind, Result, io_error};
use crate::id::ProfileId;

/// The first pause of a waiter that found nobody else waiting; each further pause is half as long again.
const FIRST_PAUSE: Duration = Duration::from_micros(100);
/// The longest pause, and the first pause of a newcomer that finds others waiting, so that it tries no more often than
/// they.
const LONGEST_PAUSE: Duration = Duration::from_millis(4);

/// A kernel lock, released on drop, and by the kernel when the process ends in any way.
#[derive(Debug)]
pub(in crate::store) struct KernelLock {
    #[expect(dead_code, reason = "the lock is given back when the handle is dropped")]
    handle: Box<dyn Lockable>,
}

/// A time limit that several waits in a row share, counted from its creation.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct WaitDeadline {
    start: Duration,
    wait: Duration,
}

impl WaitDeadline {
    pub(in crate::store) fn new(system: &dyn System, wait: Duration) -> Self {
        Self { start: system.monotonic(), wait }
    }

    pub(in crate::store) fn waited(&self, system: &dyn System) -> Duration {
        system.monotonic().saturating_sub(self.start)
    }

    pub(in crate::store) fn left(&self, system: &dyn System) -> Duration {
        self.wait.saturating_sub(self.waited(system))
    }
}

/// Returns the lock file of a credential file. Its name is not `<file>.lock`, because other programs use that name in
/// ways that would end the lock.
pub(in crate::store) fn beside(target: &Path) -> PathBuf {
    let (directory, name) = split(target);
    directory.join(hidden(name, ".provider-auth-lock"))
}

/// Returns the lock file of the lease on a profile. Its name is a hash, so no profile id can lead out of the directory.
pub(in crate::store) fn of_lease(target: &Path, profile: &ProfileId) -> PathBuf {
    let (directory, name) = split(target);
    let mut hasher = SipHasher24::new_with_keys(0, 0);
    hasher.write(profile.as_str().as_bytes());
    directory.join(hidden(name, ".provider-auth-leases")).join(format!("{:016x}.lock", hasher.finish()))
}

fn hidden(name: &std::ffi::OsStr, suffix: &str) -> OsString {
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(suffix);
    hidden
}

/// Acquires the kernel lock on a file, which is created if needed and never removed.
///
/// A newcomer that finds others waiting pauses before its first attempt for as long as they do between attempts, so a
/// process that asks again at once has no advantage over one that waits.
///
/// # Errors
///
/// `Locked` if someone else holds it until the deadline, with path, time and attempts; `LocksUnsupported` if the file
/// system has no locks; `PermissionDenied`, `StorageFull`, `NotFound`, `Io` if the file cannot be opened.
pub(in crate::store) fn acquire(system: &dyn System, path: &Path, deadline: WaitDeadline) -> Result<KernelLock> {
    let mut attempts = 0_u32;
    let mut pause = FIRST_PAUSE;
    let mut crowd = Crowd::at(system, path);
    if !deadline.left(system).is_zero() && crowd.is_there() {
        pause = LONGEST_PAUSE;
        crowd.join();
        system.sleep(jittered(pause).min(deadline.left(system)));
    }
    loop {
        attempts = attempts.saturating_add(1);
        let handle = patience::open(system, deadline.left(system), || system.open_lock(path))
            .map_err(|error| patience::error(system, "the lock file cannot be opened", path, error))?;
        let locked = handle.try_lock().map_err(|error| unsupported(path, error))?;
        // The file may have been deleted or renamed since it was opened; a lock on it would then exclude nobody.
        let current = locked
            && match (handle.stat(), system.stat(path)) {
                (Ok(held), Ok(there)) => held.same_file(&there),
                _ => false,
            };
        if current {
            return Ok(KernelLock { handle });
        }
        drop(handle);
        let left = deadline.left(system);
        if left.is_zero() {
            return Err(too_long(path, deadline.waited(system), attempts));
        }
        if !locked {
            crowd.join();
            system.sleep(jittered(pause).min(left));
            pause = (pause + pause / 2).min(LONGEST_PAUSE);
        }
    }
}

/// Returns between half and all of a pause, so that waiters do not retry in lockstep.
fn jittered(pause: Duration) -> Duration {
    let half = pause / 2;
    let nanos = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX).max(1);
    half + Duration::from_nanos(random() % nanos)
}

pub(in crate::store) fn too_long(path: &Path, waited: Duration, attempts: u32) -> Error {
    let unit = if attempts == 1 { "attempt" } else { "attempts" };
    let message = format!("the lock was held by someone else for {} ms, over {attempts} {unit}", waited.as_millis());
    Error::new(ErrorKind::Locked, message).with_path(path)
}

fn unsupported(path: &Path, error: io::Error) -> Error {
    /// "No locks available", from a network file system without its lock service; on Windows "invalid function" and
    /// "not supported".
    const ENOLCK: [i32; 2] = if cfg!(windows) { [1, 50] } else { [37, 77] };
    let no_locks =
        error.kind() == io::ErrorKind::Unsupported || error.raw_os_error().is_some_and(|code| ENOLCK.contains(&code));
    if no_locks {
        let message = "the file system has no file locks, so other processes cannot be kept out";
        Error::new(ErrorKind::LocksUnsupported, message).with_path(path).with_source(error)
    } else {
        io_error("the lock file cannot be locked", path, error)
    }
}

pub(super) fn network(path: &Path, kind: &str) -> Error {
    let message = format!("the file is on a network file system ({kind}), whose locks may not keep others out");
    Error::new(ErrorKind::LocksUnsupported, message).with_path(path)
}
