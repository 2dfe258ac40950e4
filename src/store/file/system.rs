//! The operating system as the file store uses it. Tests replace this trait with a recorder or a failing disk.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Kind {
    File,
    Directory,
    Link,
    /// A pipe, a socket or a device.
    Special,
}

/// The metadata of a file.
///
/// If two are equal, they are of the same version of the same file, unless it was written twice within one tick of the
/// file system's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Stat {
    pub(in crate::store) kind: Kind,
    pub(in crate::store) device: u64,
    pub(in crate::store) inode: u64,
    pub(in crate::store) size: u64,
    /// Nanoseconds since the epoch.
    pub(in crate::store) modified: i128,
    /// Nanoseconds since the epoch; a change of mode or owner counts too.
    pub(in crate::store) changed: i128,
    pub(in crate::store) mode: Option<u32>,
    pub(in crate::store) owner: Option<u32>,
}

impl Stat {
    /// Returns `true` if both are the same file, whatever its content.
    pub(in crate::store) fn same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

pub(in crate::store) trait Output: fmt::Debug {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Returns once the content survives a loss of power.
    fn sync(&mut self) -> io::Result<()>;
    /// After a rename, does what is possible through the file to make its new name survive a loss of power.
    fn sync_name(&mut self) -> io::Result<()>;
    fn stat(&self) -> io::Result<Stat>;
}

/// An open file that the kernel can lock. The lock is released when the handle is dropped, even if another process has
/// inherited it, and by the kernel when the process is killed.
pub(in crate::store) trait Lockable: fmt::Debug + Send {
    /// Returns `false` if another handle holds the lock.
    fn try_lock(&self) -> io::Result<bool>;
    /// As `try_lock`, but compatible with other shared locks.
    fn try_lock_shared(&self) -> io::Result<bool>;
    fn stat(&self) -> io::Result<Stat>;
}

pub(in crate::store) trait System: fmt::Debug + Send + Sync + UnwindSafe + RefUnwindSafe {
    /// Returns the metadata at a path, following symbolic links.
    fn stat(&self, path: &Path) -> io::Result<Stat>;
    /// Returns the metadata at a path, without following a symbolic link.
    fn stat_link(&self, path: &Path) -> io::Result<Stat>;
    /// Returns the target of a symbolic link as it is written there.
    fn read_link(&self, path: &Path) -> io::Result<PathBuf>;
    /// Returns the path of an existing directory without symbolic links.
    fn canonical(&self, directory: &Path) -> io::Result<PathBuf>;
    /// Creates a directory and its parents, for their owner only.
    fn make_directories(&self, directory: &Path) -> io::Result<()>;
    /// Reads a regular file of at most `max` bytes, and returns its version too. For anything else, returns only the
    /// version.
    fn read(&self, path: &Path, max: u64) -> io::Result<(Zeroizing<Vec<u8>>, Stat)>;
    /// Creates a new file, for its owner only, and locks it to show that its writer is running, if that is possible.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Returns once renames in a directory survive a loss of power.
    fn sync_directory(&self, directory: &Path) -> io::Result<()>;
    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>>;
    /// Removes everyone's rights to a file except its owner's.
    fn make_private(&self, path: &Path) -> io::Result<()>;
    /// Opens a file for locking, and creates it for its owner only if it does not exist. If the system can prevent it,
    /// the file cannot be removed or renamed while it is open.
    fn open_lock(&self, path: &Path) -> io::Result<Box<dyn Lockable>>;
    fn open_existing(&self, path: &Path) -> io::Result<Box<dyn Lockable>>;
    /// Returns `true` if an operation failed only because another program has the file open.
    fn is_in_use(&self, error: &io::Error) -> bool;
    /// Returns `true` if a path is in a directory that the system shares among all users.
    fn is_shared(&self, path: &Path) -> bool;
    /// Returns the kind of network file system of a directory, if it is known to be on one. Fails if that cannot be
    /// determined now.
    fn network(&self, directory: &Path) -> io::Result<Option<String>>;
    /// Returns the user this process acts for, if known.
    fn user(&self) -> Option<u32>;
    /// Returns nanoseconds since the epoch, by the wall clock.
    fn wall(&self) -> i128;
    /// Returns the time since a fixed moment; never goes back.
    fn monotonic(&self) -> Duration;
    fn sleep(&self, time: Duration);
}
