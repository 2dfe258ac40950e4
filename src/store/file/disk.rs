//! The real file system, and the pauses between two attempts at a lock.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use zeroize::Zeroizing;

use super::platform;
use super::system::{Kind, Lockable, Output, Stat, System};
use crate::clock::system_time;

const READ_AGAIN: usize = 16;

#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Disk;

pub(super) fn stat_of(metadata: &Metadata) -> Stat {
    let kind = match metadata.file_type() {
        kind if kind.is_file() => Kind::File,
        kind if kind.is_dir() => Kind::Directory,
        kind if kind.is_symlink() => Kind::Link,
        _ => Kind::Special,
    };
    platform::stat(kind, metadata)
}

/// Returns nanoseconds since the epoch.
pub(super) fn nanos(time: SystemTime) -> i128 {
    let nanos = |time: Duration| i128::try_from(time.as_nanos()).unwrap_or(i128::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => nanos(after),
        Err(before) => -nanos(before.duration()),
    }
}

fn read_once(path: &Path, max: u64) -> io::Result<(Zeroizing<Vec<u8>>, Stat, bool)> {
    let file = platform::never_waiting(OpenOptions::new().read(true)).open(path)?;
    let before = stat_of(&file.metadata()?);
    if before.kind != Kind::File || before.size > max {
        return Ok((Zeroizing::default(), before, true));
    }
    // One byte more than expected, to notice that the file has grown.
    let room = usize::try_from(before.size).unwrap_or(usize::MAX).saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::new());
    bytes.try_reserve_exact(room)?;
    bytes.resize(room, 0);
    let mut length = 0;
    while let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match (&file).read(rest) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(length);
    let after = stat_of(&file.metadata()?);
    let whole = u64::try_from(bytes.len()).is_ok_and(|read| read == after.size);
    Ok((bytes, after, before == after && whole))
}

impl System for Disk {
    fn stat(&self, path: &Path) -> io::Result<Stat> {
        Ok(stat_of(&fs::metadata(path)?))
    }

    fn stat_link(&self, path: &Path) -> io::Result<Stat> {
        Ok(stat_of(&fs::symlink_metadata(path)?))
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        fs::read_link(path)
    }

    fn canonical(&self, directory: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(directory).map(platform::plain)
    }

    fn make_directories(&self, directory: &Path) -> io::Result<()> {
        platform::private_directories(DirBuilder::new().recursive(true)).create(directory)
    }

    fn read(&self, path: &Path, max: u64) -> io::Result<(Zeroizing<Vec<u8>>, Stat)> {
        let stat = self.stat(path)?;
        if stat.kind != Kind::File || stat.size > max {
            return Ok((Zeroizing::default(), stat));
        }
        for _ in 0..READ_AGAIN {
            let (bytes, stat, steady) = read_once(path, max)?;
            if steady {
                return Ok((bytes, stat));
            }
        }
        Err(io::Error::other("the file changes faster than it can be read"))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        let file = platform::private(OpenOptions::new().write(true).create_new(true)).open(path)?;
        // On file systems without locks, leftovers are recognised by age alone. Outside Unix a lock would keep readers
        // out of the file after the rename.
        if cfg!(unix) {
            drop(file.try_lock());
        }
        Ok(Box::new(DiskOutput(Unlocking(file))))
    }

    #[expect(clippy::disallowed_methods, reason = "called by the one function that replaces files durably")]
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    #[expect(clippy::disallowed_methods, reason = "the file store's own access to files")]
    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        // Elsewhere a directory cannot be opened as a file: a rename is journalled, and the file is synced once more.
        if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name())).collect()
    }

    fn make_private(&self, path: &Path) -> io::Result<()> {
        platform::make_private(path)
    }

    fn open_lock(&self, path: &Path) -> io::Result<Box<dyn Lockable>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let options = platform::staying(platform::private(platform::never_waiting(&mut options)));
        Ok(Box::new(DiskLock(Unlocking(options.open(path)?))))
    }

    fn open_existing(&self, path: &Path) -> io::Result<Box<dyn Lockable>> {
        let file = platform::never_waiting(OpenOptions::new().read(true)).open(path)?;
        Ok(Box::new(DiskLock(Unlocking(file))))
    }

    fn is_in_use(&self, error: &io::Error) -> bool {
        platform::is_in_use(error)
    }

    fn is_shared(&self, path: &Path) -> bool {
        platform::is_shared(path)
    }

    fn network(&self, directory: &Path) -> io::Result<Option<String>> {
        platform::network(directory, &self.stat(directory)?)
    }

    fn user(&self) -> Option<u32> {
        // The owner of a process's `/proc` entry is the user it acts for.
        static USER: LazyLock<Option<u32>> = LazyLock::new(|| Disk.stat(Path::new("/proc/self")).ok()?.owner);
        *USER
    }

    fn wall(&self) -> i128 {
        // File times come from this clock and are compared with it.
        nanos(system_time())
    }

    #[expect(clippy::disallowed_methods, reason = "waiting for a lock is bounded by time")]
    fn monotonic(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "the kernel has no lock with a deadline")]
    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// A file that may be locked. A forked process shares the lock as long as it has the file open, so closing the file is
/// not enough.
#[derive(Debug)]
struct Unlocking(File);

impl Drop for Unlocking {
    fn drop(&mut self) {
        // If unlocking fails, closing the file unlocks it.
        drop(self.0.unlock());
    }
}

#[derive(Debug)]
struct DiskOutput(Unlocking);

impl Output for DiskOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.0.sync_all()
    }

    fn sync_name(&mut self) -> io::Result<()> {
        // Windows cannot sync a directory, but syncing a file also writes its name.
        if cfg!(windows) { self.0.0.sync_all() } else { Ok(()) }
    }

    fn stat(&self) -> io::Result<Stat> {
        Ok(stat_of(&self.0.0.metadata()?))
    }
}

#[derive(Debug)]
struct DiskLock(Unlocking);

fn is_locked(tried: Result<(), TryLockError>) -> io::Result<bool> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

impl Lockable for DiskLock {
    fn try_lock(&self) -> io::Result<bool> {
        is_locked(self.0.0.try_lock())
    }

    fn try_lock_shared(&self) -> io::Result<bool> {
        is_locked(self.0.0.try_lock_shared())
    }

    fn stat(&self) -> io::Result<Stat> {
        Ok(stat_of(&self.0.0.metadata()?))
    }
}

#[cfg(test)]
impl Disk {
    /// As `open_lock`, with a handle that child processes inherit.
    #[cfg(unix)]
    pub(super) fn open_lock_inherited(path: &Path) -> io::Result<Box<dyn Lockable>> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty())?;
        Ok(Box::new(DiskLock(Unlocking(file))))
    }
}
