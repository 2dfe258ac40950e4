//! Those who wait for a lock, so that who comes later can see that somebody does.

use std::path::{Path, PathBuf};

use super::system::{Lockable, System};

/// Everybody who waits for one lock: each has a shared lock on a file beside it, which the kernel takes back when the
/// process ends in any way. The file is made when somebody waits for the first time, and never removed.
///
/// It only orders attempts. Where it cannot be made or locked, waiters are less fair to each other, and the lock excludes as
/// ever.
#[derive(Debug)]
pub(super) struct Crowd<'a> {
    system: &'a dyn System,
    path: PathBuf,
    joined: Option<Box<dyn Lockable>>,
}

impl<'a> Crowd<'a> {
    /// Those who wait for the lock on this file.
    pub(super) fn at(system: &'a dyn System, lock: &Path) -> Self {
        let mut path = lock.as_os_str().to_owned();
        path.push("-waiting");
        Self { system, path: path.into(), joined: None }
    }

    /// Whether somebody waits.
    pub(super) fn is_there(&self) -> bool {
        let handle = self.system.open_existing(&self.path);
        handle.is_ok_and(|handle| matches!(handle.try_lock(), Ok(false)))
    }

    /// Shows to others that this process waits, until this is dropped.
    pub(super) fn join(&mut self) {
        if self.joined.is_none() {
            let handle = self.system.open_lock(&self.path).ok();
            // Who looks whether somebody is there keeps others out for a moment; then the next attempt joins.
            self.joined = handle.filter(|handle| matches!(handle.try_lock_shared(), Ok(true)));
        }
    }
}
