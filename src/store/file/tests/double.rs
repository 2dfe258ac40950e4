//! The real file system with a record of what was done to it, and with failures on demand.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use zeroize::Zeroizing;

use super::super::disk::Disk;
use super::super::system::{Lockable, Output, Stat, System};

/// Something that changes files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    MakeDirectories(PathBuf),
    Create(PathBuf),
    Write(PathBuf, Vec<u8>),
    Sync(PathBuf),
    Rename(PathBuf, PathBuf),
    SyncDirectory(PathBuf),
    Remove(PathBuf),
    MakePrivate(PathBuf),
    OpenLock(PathBuf),
}

/// What locks do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Locks {
    #[default]
    Real,
    /// Another always holds them.
    Taken,
    /// There are none, with this error number.
    Missing(i32),
}

#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a failure of its own")]
pub(super) struct Record {
    pub(super) done: Vec<Operation>,
    /// Which operation fails, counted from zero, and how.
    pub(super) fail: Option<(usize, io::ErrorKind)>,
    /// Every operation after the failed one fails too: the disk is gone.
    pub(super) for_good: bool,
    pub(super) failed: Option<Operation>,
    pub(super) locks: Locks,
    pub(super) network: Option<String>,
    /// How often the kind of file system cannot be looked up.
    pub(super) network_unknown: usize,
    /// Time stands still but for sleeping, and these were the pauses.
    pub(super) pauses: Option<Vec<Duration>>,
    pub(super) user: Option<u32>,
    /// How often the lock file is renamed between its opening and its locking.
    pub(super) lock_deletions: usize,
    /// Processes that are started have the handles of locks too.
    #[cfg(unix)]
    pub(super) inherited: bool,
    /// All files are one, and times are whole seconds and even: the coarsest there is.
    pub(super) coarse: bool,
    /// How far the wall clock is ahead, in nanoseconds.
    pub(super) ahead: i128,
    /// How many files were opened and read.
    pub(super) reads: usize,
    /// How often a file that is opened or renamed is one that somebody else has open.
    pub(super) in_use: usize,
    /// All files are in a place of all users.
    pub(super) shared: bool,
    /// Another program makes a directory as soon as it was not found.
    pub(super) made_meanwhile: bool,
    /// What another program writes as soon as a temporary file is there, and how often.
    pub(super) interference: Option<(PathBuf, String, usize)>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Double(pub(super) Arc<Mutex<Record>>);

impl Double {
    pub(super) fn failing(at: usize, kind: io::ErrorKind, for_good: bool) -> Self {
        Self(Arc::new(Mutex::new(Record { fail: Some((at, kind)), for_good, ..Record::default() })))
    }

    pub(super) fn done(&self) -> Vec<Operation> {
        self.0.lock().unwrap().done.clone()
    }

    pub(super) fn failed(&self) -> Option<Operation> {
        self.0.lock().unwrap().failed.clone()
    }

    fn seen(&self, stat: Stat) -> Stat {
        const TICK: i128 = 2_000_000_000;
        if !self.0.lock().unwrap().coarse {
            return stat;
        }
        let (modified, changed) = (stat.modified / TICK * TICK, stat.changed / TICK * TICK);
        Stat { inode: 1, modified, changed, ..stat }
    }

    /// Fails as long as somebody has the file open.
    fn use_it(&self) -> io::Result<()> {
        let mut record = self.0.lock().unwrap();
        let is_in_use = record.in_use > 0;
        record.in_use = record.in_use.saturating_sub(1);
        if is_in_use { Err(io::ErrorKind::ExecutableFileBusy.into()) } else { Ok(()) }
    }

    fn enter(&self, operation: Operation) -> io::Result<()> {
        let mut record = self.0.lock().unwrap();
        let number = record.done.len() + usize::from(record.failed.is_some());
        if let Some((at, kind)) = record.fail
            && (number == at || (record.for_good && number > at))
        {
            record.failed.get_or_insert(operation);
            return Err(kind.into());
        }
        record.done.push(operation);
        Ok(())
    }
}

impl System for Double {
    fn stat(&self, path: &Path) -> io::Result<Stat> {
        Ok(self.seen(Disk.stat(path)?))
    }

    fn stat_link(&self, path: &Path) -> io::Result<Stat> {
        Disk.stat_link(path)
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        Disk.read_link(path)
    }

    fn canonical(&self, directory: &Path) -> io::Result<PathBuf> {
        let found = Disk.canonical(directory);
        if found.is_err() && self.0.lock().unwrap().made_meanwhile {
            Disk.make_directories(directory)?;
        }
        found
    }

    fn make_directories(&self, directory: &Path) -> io::Result<()> {
        self.enter(Operation::MakeDirectories(directory.to_owned()))?;
        Disk.make_directories(directory)
    }

    fn read(&self, path: &Path, max: u64) -> io::Result<(Zeroizing<Vec<u8>>, Stat)> {
        self.use_it()?;
        let (bytes, stat) = Disk.read(path, max)?;
        self.0.lock().unwrap().reads += 1;
        Ok((bytes, self.seen(stat)))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        self.enter(Operation::Create(path.to_owned()))?;
        if let Some((path, text, times)) = &mut self.0.lock().unwrap().interference
            && *times > 0
        {
            *times -= 1;
            std::fs::write(path, text)?;
        }
        Ok(Box::new(DoubleOutput { double: self.clone(), path: path.to_owned(), output: Disk.create(path)? }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.use_it()?;
        self.enter(Operation::Rename(from.to_owned(), to.to_owned()))?;
        Disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.enter(Operation::Remove(path.to_owned()))?;
        Disk.remove(path)
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        self.enter(Operation::SyncDirectory(directory.to_owned()))?;
        Disk.sync_directory(directory)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        Disk.list(directory)
    }

    fn make_private(&self, path: &Path) -> io::Result<()> {
        self.enter(Operation::MakePrivate(path.to_owned()))?;
        Disk.make_private(path)
    }

    fn open_lock(&self, path: &Path) -> io::Result<Box<dyn Lockable>> {
        self.use_it()?;
        self.enter(Operation::OpenLock(path.to_owned()))?;
        #[cfg(unix)]
        if self.0.lock().unwrap().inherited {
            return Disk::open_lock_inherited(path);
        }
        let lock = Disk.open_lock(path)?;
        let mut record = self.0.lock().unwrap();
        if record.lock_deletions > 0 {
            record.lock_deletions -= 1;
            std::fs::rename(path, path.with_extension(format!("gone-{}", record.lock_deletions)))?;
            if record.lock_deletions.is_multiple_of(2) {
                // Another waiter has made a new one already.
                std::fs::write(path, "")?;
            }
        }
        Ok(match record.locks {
            Locks::Real => lock,
            locks => Box::new(OddLock(lock, locks)),
        })
    }

    fn open_existing(&self, path: &Path) -> io::Result<Box<dyn Lockable>> {
        let lock = Disk.open_existing(path)?;
        Ok(match self.0.lock().unwrap().locks {
            Locks::Real => lock,
            locks => Box::new(OddLock(lock, locks)),
        })
    }

    fn is_in_use(&self, error: &io::Error) -> bool {
        error.kind() == io::ErrorKind::ExecutableFileBusy || Disk.is_in_use(error)
    }

    fn is_shared(&self, _path: &Path) -> bool {
        self.0.lock().unwrap().shared
    }

    fn network(&self, _directory: &Path) -> io::Result<Option<String>> {
        let mut record = self.0.lock().unwrap();
        if record.network_unknown > 0 {
            record.network_unknown -= 1;
            return Err(io::Error::from_raw_os_error(24));
        }
        Ok(record.network.clone())
    }

    fn user(&self) -> Option<u32> {
        self.0.lock().unwrap().user.or_else(|| Disk.user())
    }

    fn wall(&self) -> i128 {
        Disk.wall() + self.0.lock().unwrap().ahead
    }

    fn monotonic(&self) -> Duration {
        match &self.0.lock().unwrap().pauses {
            Some(pauses) => pauses.iter().sum(),
            None => Disk.monotonic(),
        }
    }

    fn sleep(&self, time: Duration) {
        match &mut self.0.lock().unwrap().pauses {
            Some(pauses) => pauses.push(time),
            None => Disk.sleep(time),
        }
    }
}

#[derive(Debug)]
struct DoubleOutput {
    double: Double,
    path: PathBuf,
    output: Box<dyn Output>,
}

impl Output for DoubleOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.double.enter(Operation::Write(self.path.clone(), bytes.to_owned())) {
            // A full disk takes a part.
            self.output.write(&bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        self.output.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.double.enter(Operation::Sync(self.path.clone()))?;
        self.output.sync()
    }

    fn sync_name(&mut self) -> io::Result<()> {
        self.output.sync_name()
    }

    fn stat(&self) -> io::Result<Stat> {
        self.output.stat()
    }
}

#[derive(Debug)]
struct OddLock(Box<dyn Lockable>, Locks);

impl Lockable for OddLock {
    fn try_lock(&self) -> io::Result<bool> {
        match self.1 {
            Locks::Missing(code) => Err(io::Error::from_raw_os_error(code)),
            _ => Ok(false),
        }
    }

    fn try_lock_shared(&self) -> io::Result<bool> {
        self.try_lock()
    }

    fn stat(&self) -> io::Result<Stat> {
        self.0.stat()
    }
}
