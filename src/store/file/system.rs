//! Everything the file store asks of the operating system, as one small trait: tests put a recorder or a failing disk
//! in its place.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Kind {
    File,
    Directory,
    Link,
    /// A pipe, a socket or a device.
    Special,
}

/// What is known of a file without reading it.
///
/// Two equal ones are the same version of the same file, unless it was written twice within the granularity of the file
/// system's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Stat {
    pub(in crate::store) kind: Kind,
    pub(in crate::store) device: u64,
    pub(in crate::store) inode: u64,
    pub(in crate::store) size: u64,
    /// Nanoseconds since the epoch.
    pub(in crate::store) modified: i128,
    /// Nanoseconds since the epoch; of the inode, so a change of mode or owner counts.
    pub(in crate::store) changed: i128,
    /// Permission bits, where the system has them.
    pub(in crate::store) mode: Option<u32>,
    /// The owner, where the system has one.
    pub(in crate::store) owner: Option<u32>,
}

impl Stat {
    /// Whether both are the same file, whatever is in it.
    pub(in crate::store) fn same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

/// A file being written for the first time.
pub(in crate::store) trait Output: fmt::Debug {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Returns once the content survives a loss of power.
    fn sync(&mut self) -> io::Result<()>;
    /// Does what can be done through the file, after it was renamed, for the new name to survive a loss of power.
    fn sync_name(&mut self) -> io::Result<()>;
    fn stat(&self) -> io::Result<Stat>;
}

/// An open file that the kernel can lock; the lock is given back when the handle is dropped, also where another process
/// has inherited it, and by the kernel when the process is killed.
pub(in crate::store) trait Lockable: fmt::Debug + Send {
    /// `false` if another handle holds it.
    fn try_lock(&self) -> io::Result<bool>;
    /// The same beside others who have it shared.
    fn try_lock_shared(&self) -> io::Result<bool>;
    fn stat(&self) -> io::Result<Stat>;
}

/// The operating system.
pub(in crate::store) trait System: fmt::Debug + Send + Sync + UnwindSafe + RefUnwindSafe {
    /// What stands at a path, symbolic links followed.
    fn stat(&self, path: &Path) -> io::Result<Stat>;
    /// What stands at a path, a symbolic link being one.
    fn stat_link(&self, path: &Path) -> io::Result<Stat>;
    /// Where a symbolic link points, as it says it.
    fn read_link(&self, path: &Path) -> io::Result<PathBuf>;
    /// The path of an existing directory without symbolic links.
    fn canonical(&self, directory: &Path) -> io::Result<PathBuf>;
    /// Makes a directory and its parents, for their owner only.
    fn make_directories(&self, directory: &Path) -> io::Result<()>;
    /// Reads a regular file that is not larger than `max`, and says which version that was. Of anything else, only the
    /// latter.
    fn read(&self, path: &Path, max: u64) -> io::Result<(Zeroizing<Vec<u8>>, Stat)>;
    /// Makes a file that was not there, for its owner only, and locks it as a sign of life where that is possible.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Returns once renames in a directory survive a loss of power.
    fn sync_directory(&self, directory: &Path) -> io::Result<()>;
    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>>;
    /// Takes everybody's rights but the owner's from a file.
    fn make_private(&self, path: &Path) -> io::Result<()>;
    /// Opens a file for locking, and makes it if it is not there, for its owner only. Where the system can see to it, the
    /// file cannot be removed or renamed while it is open.
    fn open_lock(&self, path: &Path) -> io::Result<Box<dyn Lockable>>;
    /// Opens a file for locking that is there.
    fn open_existing(&self, path: &Path) -> io::Result<Box<dyn Lockable>>;
    /// Whether an operation failed only because somebody has the file open, so that it may succeed in a moment.
    fn is_in_use(&self, error: &io::Error) -> bool;
    /// Whether a path is in a place that the system gives to all its users together.
    fn is_shared(&self, path: &Path) -> bool;
    /// The kind of network file system a directory is on, if it is known to be on one. An error where that cannot be looked up
    /// now.
    fn network(&self, directory: &Path) -> io::Result<Option<String>>;
    /// The user this process acts for, if that can be known.
    fn user(&self) -> Option<u32>;
    /// Nanoseconds since the epoch, by the wall clock.
    fn wall(&self) -> i128;
    /// Time since some moment, never going back.
    fn monotonic(&self) -> Duration;
    fn sleep(&self, time: Duration);
}
