//! Profiles in the databases of OpenClaw 2026.6 and later.

mod builder;
mod database;
mod failure;
mod rows;
mod secrets;
mod snapshot;
mod update;
mod view;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

pub use builder::SqliteStoreBuilder;
pub(crate) use secrets::stored_secrets;

use self::rows::AGENT_DATABASE;
use self::update::Writers;
use self::view::{Readers, View};
use super::file::disk::Disk;
use super::file::lock::{WaitDeadline, acquire, of_lease};
use super::file::target::make_directory;
use super::{AuthProfileStore, Lease};
use crate::error::Result;
use crate::id::ProfileId;
use crate::profile::AuthProfiles;

/// Credential profiles in the SQLite databases of OpenClaw 2026.6 and later.
///
/// One store stands for one agent of one state directory. It works on the rows that OpenClaw itself reads and writes, while
/// OpenClaw is running or not, and on nothing else: it never makes a database or a table.
///
/// # Examples
///
/// ```no_run
/// use provider_auth::AuthProfileStore;
/// use provider_auth::store::SqliteStore;
///
/// let store = SqliteStore::builder().agent("/home/me/.openclaw", "main").build()?;
/// for (id, profile) in store.load()?.iter() {
///     println!("{id}: {:?}", profile.kind());
/// }
/// # Ok::<(), provider_auth::Error>(())
/// ```
///
/// # What an agent sees
///
/// Its own profiles come first, then those of the shared store that it has no id for; order, last good profiles and
/// statistics count entry by entry, the agent's first. The shared store is in `state/openclaw.sqlite` where that says so in its row
/// `auth.sharedStore`, else in the database of the agent `main`.
///
/// # Where a change is written
///
/// | change | database |
/// | --- | --- |
/// | a new credential of the default agent | the shared one |
/// | a new credential of another agent, or another one under an inherited id | the agent's own |
/// | another credential under an id of its own, new tokens of a login | the one that holds the profile |
/// | order | the agent's own if it exists, else the shared one, where it [applies to every agent](Self::order_is_shared) |
/// | statistics, last good profile | the one that holds the profile |
/// | removal | the one that holds the profile, which must be the agent's |
///
/// What removing a profile takes along is what the same database says of it.
///
/// # Promises
///
/// - **One change, one row, one commit.** An update begins to write in both databases, the shared one first, reads the rows
///   again, and replaces those that the closure changed. Each database is all or nothing on its own; a change made by one
///   method of [`AuthProfileStoreExt`](crate::AuthProfileStoreExt) touches one of them.
/// - **OpenClaw does not notice.** No schema, version, journal mode or other table is touched; the lock is held while rows are
///   compared and written, and for a closure that was quick before. No file function opens a database, because closing it
///   would drop the locks that SQLite holds in this process.
/// - **Reading changes nothing.** Database and write-ahead log stay as they are; SQLite may make its `-shm` file.
/// - **Durable.** A commit is synced before an update returns.
/// - **Nothing is lost that was not understood**, white space outside of strings aside.
/// - **Waiting ends.** [`lock_wait`](SqliteStoreBuilder::lock_wait) bounds it, and the error says so.
///
/// # Limits
///
/// - A running OpenClaw works from a snapshot that it renews after each turn: it uses a new secret one turn later, and may
///   clear a cooldown that was written meanwhile. It drops members it does not know when it rewrites a row.
/// - Schemas up to 18 (shared) and 23 (agent) are read, and exactly those are written; SQLite 3.37 is the oldest that can read them.
/// - Leases are lock files beside the database, which OpenClaw does not know. New tokens are stored only if the ones they were
///   had for are still there.
/// - Secrets are wiped from the documents this crate holds, not from the buffers of SQLite.
pub struct SqliteStore {
    place: Place,
    lock_wait: Duration,
    readers: Mutex<Readers>,
    writers: Mutex<Writers>,
    current: RwLock<Option<Arc<View>>>,
}

/// Where the databases are, and whose profiles are wanted.
#[derive(Clone, Debug)]
struct Place {
    shared: PathBuf,
    agent: PathBuf,
    main: PathBuf,
    is_default: bool,
}

impl SqliteStore {
    /// Sets up the store of an agent.
    pub fn builder() -> SqliteStoreBuilder {
        SqliteStoreBuilder::default()
    }

    fn open(place: Place, lock_wait: Duration) -> Self {
        Self { place, lock_wait, readers: Mutex::default(), writers: Mutex::default(), current: RwLock::default() }
    }

    /// Returns the path of the state directory's database, whether it exists or not.
    #[must_use]
    pub fn shared_path(&self) -> &Path {
        &self.place.shared
    }

    /// Returns the path of the agent's own database, whether it exists or not.
    #[must_use]
    pub fn agent_path(&self) -> &Path {
        &self.place.agent
    }

    /// Returns `true` if the agent has no database of its own, so that an order that is set applies to every agent without an
    /// order of its own.
    ///
    /// # Errors
    ///
    /// Those of [`load`](Self::load).
    pub fn order_is_shared(&self) -> Result<bool> {
        Ok(!self.view()?.has_own())
    }

    fn current(&self) -> Option<Arc<View>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, view: &Arc<View>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(view));
    }

    /// What is in the databases now.
    fn view(&self) -> Result<Arc<View>> {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let cached = self.current();
        let view = readers.view(&self.place, self.lock_wait, cached.as_ref())?;
        if !cached.is_some_and(|cached| Arc::ptr_eq(&cached, &view)) {
            self.keep(&view);
        }
        Ok(view)
    }
}

impl AuthProfileStore for SqliteStore {
    /// The committed document; empty where there is no database. Asks each database whether it was changed, and reads the rows
    /// only then. A writer is waited for only where the database has no write-ahead log, as on a network.
    ///
    /// # Errors
    ///
    /// [`UnsupportedVersion`](crate::ErrorKind::UnsupportedVersion) for a schema of a newer OpenClaw;
    /// [`Locked`](crate::ErrorKind::Locked), [`NotAFile`](crate::ErrorKind::NotAFile),
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied), [`Io`](crate::ErrorKind::Io);
    /// [`Corrupt`](crate::ErrorKind::Corrupt) and the kinds of [`AuthProfiles::from_json`] with the path of the database.
    fn load(&self) -> Result<Arc<AuthProfiles>> {
        Ok(Arc::clone(&self.view()?.document))
    }

    /// Runs a closure on what is in the databases now and replaces the rows that it changed.
    ///
    /// # Errors
    ///
    /// The closure's own error; [`Locked`](crate::ErrorKind::Locked); [`Reentrant`](crate::ErrorKind::Reentrant), also through
    /// another store on the same state directory; [`UnsupportedVersion`](crate::ErrorKind::UnsupportedVersion) for every
    /// schema but the one of OpenClaw 2026.9.6; [`MigrationPending`](crate::ErrorKind::MigrationPending) if an old file of
    /// credentials waits for OpenClaw to import it; [`NoDatabase`](crate::ErrorKind::NoDatabase) if the change belongs to a
    /// database that OpenClaw has not made; [`InheritedProfile`](crate::ErrorKind::InheritedProfile) if it removes a profile
    /// that is not the agent's; [`StorageFull`](crate::ErrorKind::StorageFull) and those of [`load`](Self::load). The databases are then as they
    /// were, unless the message says that the first of two is written.
    fn update(&self, change: &mut dyn FnMut(&mut AuthProfiles) -> Result<()>) -> Result<Arc<AuthProfiles>> {
        self.update_exclusively(change)
    }

    /// The exclusive right to refresh a profile's credential, between threads and between processes that use this crate.
    ///
    /// # Errors
    ///
    /// [`Locked`](crate::ErrorKind::Locked), [`LocksUnsupported`](crate::ErrorKind::LocksUnsupported),
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied), [`StorageFull`](crate::ErrorKind::StorageFull),
    /// [`Io`](crate::ErrorKind::Io).
    fn lease(&self, profile: &ProfileId, wait: Duration) -> Result<Lease> {
        // Beside the database that all agents share, because they share its logins.
        let path = of_lease(&self.place.shared, profile);
        make_directory(&Disk, &path)?;
        acquire(&Disk, &path, WaitDeadline::new(&Disk, wait)).map(Lease::new)
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("place", &self.place)
            .field("lock_wait", &self.lock_wait)
            .finish_non_exhaustive()
    }
}
