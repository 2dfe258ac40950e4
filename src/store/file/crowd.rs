//! The processes that wait for a lock, visible to those that come later.

use std::path::{Path, PathBuf};

use super::system::{Lockable, System};

/// The waiters for one lock. Each has a shared lock on a second file, which the kernel releases when the process ends
/// in any way. The file is created for the first waiter and never removed.
///
/// It only orders attempts. If it cannot be created or locked, waiting is less fair, but the lock excludes as ever.
#[derive(Debug)]
pub(super) struct Crowd<'a> {
    system: &'a dyn System,
    path: PathBuf,
    joined: Option<Box<dyn Lockable>>,
}

impl<'a> Crowd<'a> {
    pub(super) fn at(system: &'a dyn System, lock: &Path) -> Self {
        let mut path = lock.as_os_str().to_owned();
        path.push("-waiting");
        Self { system, path: path.into(), joined: None }
    }

    pub(super) fn is_there(&self) -> bool {
        let handle = self.system.open_existing(&self.path);
        handle.is_ok_and(|handle| matches!(handle.try_lock(), Ok(false)))
    }

    /// Shows others that this process is waiting, until this is dropped.
    pub(super) fn join(&mut self) {
        if self.joined.is_none() {
            let handle = self.system.open_lock(&self.path).ok();
            // A process that checks for waiters excludes others for a moment; the next attempt joins.
            self.joined = handle.filter(|handle| matches!(handle.try_lock_shared(), Ok(true)));
        }
    }
}
