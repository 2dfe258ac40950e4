//! Profiles in a file that other threads, other processes and people use too.

pub(super) mod builder;
mod commit;
mod crowd;
pub(super) mod disk;
pub(super) mod gates;
mod guard;
mod legacy;
pub(super) mod lock;
mod patience;
pub(super) mod permissions;
mod platform;
mod quarantine;
mod replace;
mod snapshot;
pub(super) mod system;
pub(super) mod target;
#[cfg(test)]
mod tests;
mod update;
#[cfg(any(windows, test))]
mod windows;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

#[cfg(feature = "sqlite")]
pub(crate) use builder::check_agent;
pub use builder::{Durability, FileStoreBuilder, StateFile};

pub(crate) use guard::{agent_database, main_database, shared_database};

use self::legacy::Legacy;
use self::lock::WaitDeadline;
use self::snapshot::{Part, Reading, Role, Snapshot};
use self::system::System;
use super::{AuthProfileStore, Lease, lease};
use crate::error::Result;
use crate::id::ProfileId;
use crate::profile::AuthProfiles;

/// Credential profiles in OpenClaw's `auth-profiles.json`.
///
/// One store stands for one agent's file. It is made by [`new`](Self::new) or [`builder`](Self::builder), can be shared
/// by reference or in an `Arc`, and never takes anything from another agent's file.
///
/// # Examples
///
/// ```
/// use provider_auth::{AuthProfileStore, AuthProfileStoreExt, Credential, FileStore, ProfileId, ProviderId, Secret};
///
/// let state = tempfile::tempdir()?;
/// let store = FileStore::builder().agent(state.path(), "main").build()?;
/// let id = ProfileId::new("anthropic:default")?;
/// store.upsert(&id, &ProviderId::anthropic(), &Credential::api_key(Secret::new("sk-ant-example")), None)?;
///
/// // Another process, or another store on the same file, sees it at once.
/// let other = FileStore::new(state.path().join("agents/main/agent/auth-profiles.json"))?;
/// assert_eq!(other.load()?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Promises
///
/// - **No lost update.** An update locks, reads the file again, changes it and replaces it. Threads, processes and
///   several stores on one file exclude each other, whatever path or symbolic link they came by.
/// - **Old or new, never a mix.** A reader sees a whole document, and so does whoever comes after a kill at any moment
///   or a loss of power. After an update has returned, its document survives both (with [`Durability::Full`]).
/// - **Nothing is overwritten that was not understood.** A file that does not parse, has no profiles, is of a newer
///   version, too large or not a regular file is an error and stays as it is; [`quarantine`](Self::quarantine) sets a
///   damaged one aside. Members and entries this crate does not know keep their exact text and place, and a document
///   that is not changed is not written.
/// - **OpenClaw goes on working.** Where it keeps credentials in databases, which it does since 2026.6, no
///   `auth-profiles.json` is made or written: see [`beside_database`](FileStoreBuilder::beside_database).
/// - **Private.** Files are made with mode 0600, never opened up and then closed; directories with 0700. A file that
///   was open to others is closed by the next write, and reported or refused until then.
/// - **Readers never wait.** A `load` is one `stat` of each file if nothing changed, and never gives a document that
///   another process has replaced.
/// - **Waiting ends.** A lock that another holds is waited for no longer than
///   [`lock_wait`](FileStoreBuilder::lock_wait); a killed holder loses it at once. An update inside an update of the same
///   file is an error, not a hang.
/// - **Symbolic links stay.** The file they lead to is replaced, not the link. A link that points nowhere is an error,
///   because what it pointed to may be on a disk that is not there at the moment.
///
/// # Files
///
/// | name | what |
/// | --- | --- |
/// | `auth-profiles.json` | credentials; order and statistics too, unless they have a file of their own |
/// | `auth-state.json` | order and statistics, where it exists or [`StateFile::Separate`] asks for it; it counts entry by entry |
/// | `.auth-profiles.json.provider-auth-lock` | the lock file, permanent |
/// | `.auth-profiles.json.provider-auth-lock-waiting` | locked by those who wait for the lock, permanent; made when somebody has to wait |
/// | `.auth-profiles.json.provider-auth-leases/` | the same two for each profile that was ever leased |
/// | `.auth-profiles.json.provider-auth-tmp-…` | a file being written; one that a killed process left is removed by the first update of the next store |
/// | `auth-profiles.json.corrupt-…` | set aside by [`quarantine`](Self::quarantine) |
///
/// The lock file and temporary files stand beside the file a symbolic link leads to; the state file stands beside the
/// link.
///
/// With two files the promises hold for each file on its own. Credentials are written first, so a loss of power between
/// the two leaves new credentials with old statistics. State that the file of credentials still holds is moved by the
/// first update that writes: to the state file first, and only then out of the other.
///
/// As long as there is no `auth-profiles.json`, the profiles of an older `auth.json` beside it and of
/// `credentials/oauth.json` in the state directory are given by `load`, with a diagnostic; the first update, even one
/// that changes nothing, writes them to the new file, and removes an old file once the new one is durable and
/// everything was taken from it.
///
/// # Limits
///
/// - Other programs do not know the lock. A running OpenClaw has a lock of its own and is not kept out. What it writes
///   while an update is at work is noticed just before the file is replaced, and the update begins anew on it; what it
///   writes in the moment between that look and the rename is lost. While it writes in place, a reader may find half a
///   file: one that is damaged and has just been written is read once more after two milliseconds, and one that is empty
///   up to five times within 62 milliseconds.
/// - File locks over a network cannot be relied on: NFS, SMB and similar are refused where they are recognised, which is
///   on Linux; [`file_locks(false)`](FileStoreBuilder::file_locks) is the way around for a single writer.
/// - Windows: tested under Wine, never yet on Windows itself. Who may read a file is a matter of the directory's rights there,
///   which it inherits and nobody looks at; that it is in a directory of all users (`%PUBLIC%`, `%ProgramData%`) is reported
///   or refused. A file that another program has open in a way that keeps others out is waited for, within
///   [`lock_wait`](FileStoreBuilder::lock_wait), and one to which access is denied for a second at most. A directory
///   cannot be synced: the file is, before and after it gets its name, and Windows does not say whether the name survives a
///   loss of power then. The lock of a killed process ends, but not at once. The lock file cannot be removed or renamed
///   while a store waits for it or holds it.
/// - macOS: compiled, and run by nobody here. Who owns a file is only checked where `/proc` shows who is asking.
/// - A replaced file is a new file: hard links to the old one keep the old content, and owner, access lists and extended
///   attributes are not carried over.
/// - Clocks: a change that keeps device, inode, size and both times of a file is not seen. Files younger than three
///   seconds are read again and compared byte by byte, so that only a clock that is set can hide one. For a file that this
///   store wrote it is a tenth of a second, where the file system stamped that write by this system's own clock and more
///   finely than in milliseconds.
/// - Secrets are wiped from the documents this crate holds, and from the texts it reads and writes, not from buffers of the
///   parser and the kernel.
/// - A file that is a mount point of its own, such as one that is mounted into a container alone, cannot be replaced: mount its
///   directory.
pub struct FileStore {
    place: Place,
    settings: Settings,
    system: Arc<dyn System>,
    cached: RwLock<Option<Arc<Snapshot>>>,
    /// The kind of network file system the file is on.
    network: OnceLock<Option<String>>,
    /// When leftovers were last looked for.
    swept: Mutex<Option<Duration>>,
}

/// Where the files stand, as the caller named them.
#[derive(Clone, Debug)]
struct Place {
    credentials: PathBuf,
    state: PathBuf,
    /// The state directory, if the store was given one.
    state_directory: Option<PathBuf>,
    legacy: Option<Legacy>,
}

#[derive(Clone, Debug)]
struct Settings {
    lock_wait: Duration,
    durability: Durability,
    state_file: StateFile,
    strict: bool,
    max_bytes: usize,
    file_locks: bool,
    beside_database: bool,
}

impl FileStore {
    /// A store on this file, with every setting at its default. The file need not exist.
    ///
    /// # Errors
    ///
    /// Those of [`FileStoreBuilder::build`].
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{AuthProfileStore, FileStore};
    ///
    /// let directory = tempfile::tempdir()?;
    /// let store = FileStore::new(directory.path().join("auth-profiles.json"))?;
    /// assert!(store.load()?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(path: impl Into<PathBuf>) -> Result<Self> {
        Self::builder().path(path).build()
    }

    /// Sets up a store with other settings, or that of an agent.
    pub fn builder() -> FileStoreBuilder {
        FileStoreBuilder::default()
    }

    /// The file of credentials as it was named, absolute; it may be a symbolic link.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.place.credentials
    }

    /// The state file, whether it exists or not. It stands beside [`path`](Self::path).
    #[must_use]
    pub fn state_path(&self) -> &Path {
        &self.place.state
    }

    fn reading(&self) -> Reading {
        let Settings { max_bytes, strict, lock_wait, .. } = self.settings;
        Reading { max_bytes, strict, wait: lock_wait }
    }

    fn cached(&self) -> Option<Arc<Snapshot>> {
        self.cached.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, snapshot: &Arc<Snapshot>) {
        *self.cached.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(snapshot));
    }

    /// What is in the files now.
    fn snapshot(&self) -> Result<Arc<Snapshot>> {
        let cached = self.cached();
        let cached = cached.as_ref();
        let (system, reading) = (&*self.system, self.reading());
        if let Some(snapshot) = cached.filter(|snapshot| snapshot.holds(system, self.path(), self.state_path())) {
            return Ok(Arc::clone(snapshot));
        }
        let part = |path, role, previous| Part::read(system, path, role, &reading, previous);
        guard::check_link(system, self.path())?;
        let credentials = part(self.path(), Role::Credentials, cached.map(|snapshot| &snapshot.credentials))?;
        // Looked for after the other was read: state is moved here before it is taken out there.
        let state = if guard::check_link(system, self.state_path())? {
            part(self.state_path(), Role::State, cached.map(|snapshot| &snapshot.state))?
        } else {
            Part::absent()
        };
        let import = match (&credentials.stat, &self.place.legacy) {
            (None, Some(legacy)) => legacy.read(system, &reading),
            _ => None,
        };
        let document = match cached {
            Some(cached) if import.is_none() && cached.import.is_none() && cached.same(&credentials, &state) => {
                Arc::clone(&cached.document)
            }
            _ => {
                let base =
                    import.as_ref().map_or_else(|| Arc::clone(&credentials.document), |i| i.document.clone().into());
                if state.stat.is_some() { Arc::new(base.with_state(&state.document)) } else { base }
            }
        };
        let snapshot = Arc::new(Snapshot { credentials, state, document, import });
        self.keep(&snapshot);
        Ok(snapshot)
    }
}

impl AuthProfileStore for FileStore {
    /// The committed document. One `stat` of each file and a clone of an `Arc` if nothing changed since the last time;
    /// never waits for a writer, never writes. No file is an empty document.
    ///
    /// # Errors
    ///
    /// [`NotAFile`](crate::ErrorKind::NotAFile), [`TooLarge`](crate::ErrorKind::TooLarge),
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied), [`Io`](crate::ErrorKind::Io);
    /// [`NotFound`](crate::ErrorKind::NotFound) for a symbolic link that points nowhere;
    /// [`InsecurePermissions`](crate::ErrorKind::InsecurePermissions) if the store is strict;
    /// [`WrongStore`](crate::ErrorKind::WrongStore) for a link to a database; and the kinds of [`AuthProfiles::from_json`] with the position in the file.
    fn load(&self) -> Result<Arc<AuthProfiles>> {
        Ok(Arc::clone(&self.snapshot()?.document))
    }

    /// Returns the document if the files are on a disk of this machine and have not changed since they were read, which a
    /// `stat` of each tells from what the kernel has in memory. Known on Linux, once this store has written.
    fn try_load(&self) -> Option<Arc<AuthProfiles>> {
        let is_local = cfg!(target_os = "linux") && self.network.get().is_some_and(Option::is_none);
        let snapshot = if is_local { self.cached()? } else { return None };
        let holds = snapshot.holds(&*self.system, self.path(), self.state_path());
        holds.then(|| Arc::clone(&snapshot.document))
    }

    /// Runs a closure on what is in the file now and replaces the file if it changed anything.
    ///
    /// # Errors
    ///
    /// [`WrongStore`](crate::ErrorKind::WrongStore) beside a database of OpenClaw, before anything is made;
    /// the closure's own error; [`Locked`](crate::ErrorKind::Locked) with path, time and attempts;
    /// [`Reentrant`](crate::ErrorKind::Reentrant), also through another store on the same file;
    /// [`LocksUnsupported`](crate::ErrorKind::LocksUnsupported); [`UnsupportedVersion`](crate::ErrorKind::UnsupportedVersion);
    /// [`StorageFull`](crate::ErrorKind::StorageFull) and those of [`load`](Self::load). The old file is left as it was, except
    /// where the message says that the new one is in place and may not survive a loss of power, or, with two files,
    /// where the first of them was written.
    fn update(&self, change: &mut dyn FnMut(&mut AuthProfiles) -> Result<()>) -> Result<Arc<AuthProfiles>> {
        self.update_exclusively(change)
    }

    /// The exclusive right to refresh a profile's credential, between threads and between processes.
    ///
    /// # Errors
    ///
    /// [`WrongStore`](crate::ErrorKind::WrongStore) beside a database of OpenClaw, where the new tokens could not be written;
    /// [`Locked`](crate::ErrorKind::Locked), [`LocksUnsupported`](crate::ErrorKind::LocksUnsupported),
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied), [`StorageFull`](crate::ErrorKind::StorageFull),
    /// [`Io`](crate::ErrorKind::Io), and [`NotFound`](crate::ErrorKind::NotFound) for a symbolic link that points nowhere.
    fn lease(&self, profile: &ProfileId, wait: Duration) -> Result<Lease> {
        let path = lock::of_lease(&self.target()?, profile);
        if !self.settings.file_locks {
            return lease::in_process_of(&path, profile, wait);
        }
        target::make_directory(&*self.system, &path)?;
        let lock = self.lock(&path, WaitDeadline::new(&*self.system, wait))?;
        Ok(Lease::new(lock))
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore")
            .field("place", &self.place)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
