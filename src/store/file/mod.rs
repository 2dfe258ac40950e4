//! A store in a file that other threads, processes and people use too.

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

/// A profile store in OpenClaw's `auth-profiles.json`.
///
/// A store is for one agent's file and never uses another agent's. Create it with [`new`](Self::new) or
/// [`builder`](Self::builder), and share it by reference or in an `Arc`.
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
///   several stores on one file exclude each other, whatever path or symbolic link they use.
/// - **Old or new, never a mix.** Readers always see a complete document, also after a kill at any moment or a loss of
///   power. Once an update has returned, its document survives both (with [`Durability::Full`]).
/// - **Unknown content is never overwritten.** A file that does not parse, has no profiles, has a newer version, is too
///   large or is not a regular file is an error and stays as it is; [`quarantine`](Self::quarantine) sets a damaged one
///   aside. Unknown members and entries keep their exact text and position, and an unchanged document is not written.
/// - **OpenClaw keeps working.** If it keeps credentials in databases, as it does since 2026.6, no `auth-profiles.json`
///   is created or written: see [`beside_database`](FileStoreBuilder::beside_database).
/// - **Private.** Files are created with mode 0600 from the start, directories with 0700. A file that was open to other
///   users is made private by the next write, and reported or refused until then.
/// - **Readers never wait.** If nothing has changed, a `load` is one `stat` of each file. It never returns a document
///   that another process has replaced.
/// - **Waiting ends.** Updates wait for a lock no longer than [`lock_wait`](FileStoreBuilder::lock_wait); a killed
///   holder loses it at once. An update inside an update of the same file returns an error instead of hanging.
/// - **Symbolic links stay.** The file they lead to is replaced, not the link. A dangling link is an error, because its
///   target may be on a disk that is not mounted at the moment.
///
/// # Files
///
/// | name | content |
/// | --- | --- |
/// | `auth-profiles.json` | credentials; also order and statistics, unless there is a state file |
/// | `auth-state.json` | order and statistics, if it exists or [`StateFile::Separate`] asks for it; it takes precedence entry by entry |
/// | `.auth-profiles.json.provider-auth-lock` | the lock file, permanent |
/// | `.auth-profiles.json.provider-auth-lock-waiting` | locked by those waiting for the lock; permanent, created for the first waiter |
/// | `.auth-profiles.json.provider-auth-leases/` | two such files for each profile that was ever leased |
/// | `.auth-profiles.json.provider-auth-tmp-…` | a file being written; leftovers of killed processes are removed by a store's first update, and hourly |
/// | `auth-profiles.json.corrupt-…` | a file set aside by [`quarantine`](Self::quarantine) |
///
/// Lock files and temporary files are beside the file that a symbolic link leads to; the state file is beside the link.
///
/// With two files the promises hold for each file separately. Credentials are written first, so a loss of power in
/// between leaves new credentials with old statistics. If the credential file still contains state, the first update
/// that writes moves it: it is added to the state file before it is removed from the credential file.
///
/// As long as there is no `auth-profiles.json`, `load` returns the profiles of an older `auth.json` beside it and of
/// `credentials/oauth.json` in the state directory, with a diagnostic. The first update, even one that changes nothing,
/// writes them to the new file, and removes each old file once the new one is durable and everything was taken over.
///
/// # Limits
///
/// - Other programs do not use the lock. A running OpenClaw has a lock of its own and is not kept out. If it writes
///   during an update, this is noticed just before the file is replaced, and the update starts again on the new file; a
///   write between that check and the rename is lost. While OpenClaw writes in place, a reader may find half a file: a
///   damaged file that was just written is read once more after 2 ms, and an empty one up to five times within 62 ms.
/// - File locks over a network are not reliable: NFS, SMB and similar are refused where they are recognised, which is
///   on Linux; [`file_locks(false)`](FileStoreBuilder::file_locks) allows a single writer to use them.
/// - Windows: tested under Wine, not on Windows itself. Permissions are those of the directory, which new files
///   inherit; they are not checked, except that a file in a directory of all users (`%PUBLIC%`, `%ProgramData%`) is
///   reported or refused. If another program has a file open exclusively, the store waits within
///   [`lock_wait`](FileStoreBuilder::lock_wait), and for one second at most if access is denied. A directory cannot be
///   synced; instead the file is, before and after it gets its name, and it is not documented whether the name then
///   survives a loss of power. The lock of a killed process ends, but not at once. The lock file cannot be removed or
///   renamed while a store waits for it or holds it.
/// - macOS: compiled but not tested. The owner of a file is checked only where `/proc` shows the current user.
/// - A replaced file is a new file: hard links to the old one keep the old content, and owner, access lists and
///   extended attributes are not preserved.
/// - Clocks: a change that keeps device, inode, size and both times of a file is not noticed. Files younger than three
///   seconds are read again and compared byte by byte, so only a clock that is set can hide a change. For a file that
///   this store wrote, 0.1 s is enough if the file system's timestamp came from this system's clock with a resolution
///   finer than a millisecond.
/// - Secrets are wiped from the crate's documents and from the texts it reads and writes, but not from buffers of the
///   parser and the kernel.
/// - A file that is itself a mount point, such as one mounted alone into a container, cannot be replaced: mount its
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

/// The paths of the files, as the caller named them.
#[derive(Clone, Debug)]
struct Place {
    credentials: PathBuf,
    state: PathBuf,
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
    /// Creates a store on this file with default settings. The file need not exist.
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

    /// Creates a builder, for other settings or for an agent's file.
    pub fn builder() -> FileStoreBuilder {
        FileStoreBuilder::default()
    }

    /// Returns the absolute path of the credential file as it was set; it may be a symbolic link.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.place.credentials
    }

    /// Returns the path of the state file, whether it exists or not. It is beside [`path`](Self::path).
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
        // After the credential file, because state is added here before it is removed there.
        let state = if guard::check_link(system, self.state_path())? {
            part(self.state_path(), Role::State, cached.map(|snapshot| &snapshot.state))?
        } else {
            Part::absent()
        };
        let import = match (&credentials.stat, &self.place.legacy) {
            (None, Some(legacy)) => legacy.read(system, &reading, self.path()),
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
    /// Returns the committed document; empty if there is no file. If nothing has changed since the last call, this is
    /// one `stat` of each file and a clone of an `Arc`. Never waits for a writer and never writes.
    ///
    /// # Errors
    ///
    /// [`NotAFile`](crate::ErrorKind::NotAFile), [`TooLarge`](crate::ErrorKind::TooLarge),
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied), [`Io`](crate::ErrorKind::Io);
    /// [`NotFound`](crate::ErrorKind::NotFound) for a dangling link;
    /// [`InsecurePermissions`](crate::ErrorKind::InsecurePermissions) if the store is strict;
    /// [`WrongStore`](crate::ErrorKind::WrongStore) for a link to a database; and the kinds of
    /// [`AuthProfiles::from_json`] with the position in the file.
    fn load(&self) -> Result<Arc<AuthProfiles>> {
        Ok(Arc::clone(&self.snapshot()?.document))
    }

    /// Returns the document if the files are on a local disk and a `stat` of each, which the kernel answers from
    /// memory, shows no change since they were read. Requires Linux, and that this store has written before.
    fn try_load(&self) -> Option<Arc<AuthProfiles>> {
        let is_local = cfg!(target_os = "linux") && self.network.get().is_some_and(Option::is_none);
        let snapshot = if is_local { self.cached()? } else { return None };
        let holds = snapshot.holds(&*self.system, self.path(), self.state_path());
        holds.then(|| Arc::clone(&snapshot.document))
    }

    /// Runs a closure on the current content of the file and replaces the file if it changed anything.
    ///
    /// # Errors
    ///
    /// [`WrongStore`](crate::ErrorKind::WrongStore) beside a database of OpenClaw, before anything is created; the
    /// closure's own error; [`Locked`](crate::ErrorKind::Locked) with path, time and attempts;
    /// [`Reentrant`](crate::ErrorKind::Reentrant), also through another store on the same file;
    /// [`LocksUnsupported`](crate::ErrorKind::LocksUnsupported);
    /// [`UnsupportedVersion`](crate::ErrorKind::UnsupportedVersion); [`StorageFull`](crate::ErrorKind::StorageFull) and
    /// those of [`load`](Self::load). The old file is then unchanged, unless the message reports that the new one may
    /// not survive a loss of power, or the first of two files was already written.
    fn update(&self, change: &mut dyn FnMut(&mut AuthProfiles) -> Result<()>) -> Result<Arc<AuthProfiles>> {
        self.update_exclusively(change)
    }

    /// Acquires the exclusive right to refresh a profile's credential, among threads and processes.
    ///
    /// # Errors
    ///
    /// [`WrongStore`](crate::ErrorKind::WrongStore) beside a database of OpenClaw, where the new tokens could not be
    /// written; [`Locked`](crate::ErrorKind::Locked), [`LocksUnsupported`](crate::ErrorKind::LocksUnsupported),
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied), [`StorageFull`](crate::ErrorKind::StorageFull),
    /// [`Io`](crate::ErrorKind::Io), and [`NotFound`](crate::ErrorKind::NotFound) for a dangling link.
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
