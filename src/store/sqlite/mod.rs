//! A store in the databases of OpenClaw 2026.6 and later.

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

use self::database::{examine, real};
use self::update::{Writers, no_database};
use self::view::{Readers, View};
use super::file::disk::Disk;
use super::file::lock::{WaitDeadline, acquire, of_lease, too_long};
use super::file::target::make_directory;
use super::gate::Gate;
use super::{AuthProfileStore, Lease};
use crate::error::Result;
use crate::id::ProfileId;
use crate::profile::AuthProfiles;

/// A profile store in the SQLite databases of OpenClaw 2026.6 and later.
///
/// A store is for one agent of one state directory. It uses the same rows as OpenClaw, which may be running, and
/// nothing else: it never creates a database or a table.
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
/// # Inheritance
///
/// An agent sees its own profiles first, then those of the shared store under other ids. Order, last good profiles and
/// statistics are merged entry by entry; the agent's entries take precedence. The shared store is in
/// `state/openclaw.sqlite` if the row `auth.sharedStore` there says so, otherwise in the database of the agent `main`.
///
/// # Where a change is written
///
/// | change | database |
/// | --- | --- |
/// | a new credential of the default agent | the shared one |
/// | a new credential of another agent, or a replacement under an inherited id | the agent's own |
/// | a replacement under the agent's own id, refreshed tokens | the one that has the profile |
/// | order | the agent's own if it exists, else the shared one, where it [applies to every agent](Self::order_is_shared) |
/// | statistics, last good profile | the one that has the profile |
/// | removal | the one that has the profile, which must be the agent's |
///
/// What an agent already sees, even by inheritance, is not written again. Removing a profile also removes its entries
/// in the same database; if it hid an inherited profile, that one becomes visible. An agent with its own database does
/// not clear an order of the shared one.
///
/// # Promises
///
/// - **One change, one commit.** An update locks both databases, the shared one first, reads the rows again, and
///   replaces those that the closure changed. Each database is all or nothing separately, and one change touches one of
///   them, with one exception: if the agent's state hides the statistics of a shared profile, these are written to the
///   shared database and removed from the agent's.
/// - **OpenClaw is not disturbed.** No schema, version, journal mode or other table is changed. A database is locked
///   while rows are compared and written, while a closure runs that took less than 50 ms before, and for at most 20 ms
///   while waiting for the other database. No file function opens a database, because closing it would drop the locks
///   that SQLite holds in this process.
/// - **Reading changes nothing.** Database and write-ahead log stay as they are; SQLite may create its `-shm` file.
/// - **Durable.** A commit is synced before an update returns.
/// - **Unknown content is kept**, apart from white space outside strings.
/// - **Waiting ends** after [`lock_wait`](SqliteStoreBuilder::lock_wait), with [`Locked`](crate::ErrorKind::Locked).
///
/// # Limits
///
/// - A running OpenClaw works on a snapshot that it reads again after each turn: it uses a new secret one turn later,
///   and may clear a cooldown that was written meanwhile. It drops unknown members when it rewrites a row.
/// - Schemas up to 18 (shared) and 23 (agent) are read, and exactly those are written. This requires SQLite 3.37 or
///   newer.
/// - A state row without a row of credentials beside it is ignored, as in OpenClaw, and replaced by the first change of
///   state.
/// - Writers that use this crate take turns with a lock file beside the database; OpenClaw does not use it and waits
///   for SQLite's own lock.
/// - Leases are lock files beside the database, which OpenClaw does not use. Refreshed tokens are stored only if the
///   tokens they replace are still there.
/// - Secrets are wiped from the crate's documents, not from the buffers of SQLite.
pub struct SqliteStore {
    place: Place,
    lock_wait: Duration,
    /// Whose turn it is to use the readers; unlike the mutex, it can be waited for with a time limit.
    reading: Gate,
    readers: Mutex<Readers>,
    writers: Mutex<Writers>,
    current: RwLock<Option<Arc<View>>>,
}

/// The paths of the databases, and whether the agent is the default one.
#[derive(Clone, Debug)]
struct Place {
    state: PathBuf,
    shared: PathBuf,
    agent: PathBuf,
    main: PathBuf,
    is_default: bool,
}

impl SqliteStore {
    /// Creates a builder for the databases of one agent.
    pub fn builder() -> SqliteStoreBuilder {
        SqliteStoreBuilder::default()
    }

    fn open(place: Place, lock_wait: Duration) -> Self {
        Self {
            place,
            lock_wait,
            reading: Gate::default(),
            readers: Mutex::default(),
            writers: Mutex::default(),
            current: RwLock::default(),
        }
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

    /// Returns `true` if an order is written to the shared database, where it applies to every agent without an order
    /// of its own.
    ///
    /// # Errors
    ///
    /// Those of [`load`](Self::load).
    pub fn order_is_shared(&self) -> Result<bool> {
        Ok(self.view(self.lock_wait)?.own.is_none())
    }

    /// Returns the path of the database with the shared profiles, and the ids of those that this agent inherits: it has
    /// no profile of its own under the same id.
    ///
    /// # Errors
    ///
    /// Those of [`load`](Self::load).
    pub fn shared_profiles(&self) -> Result<(PathBuf, Vec<ProfileId>)> {
        let view = self.view(self.lock_wait)?;
        let own = view.own.as_ref().map(|own| &own.document);
        let shared = view.shared.iter().flat_map(|shared| shared.document.iter()).map(|(id, _)| id);
        let inherited = shared.filter(|id| own.is_none_or(|own| own.get(id.as_str()).is_none()));
        Ok((view.places.shared.0.clone(), inherited.cloned().collect()))
    }

    /// Returns an old credential file that OpenClaw has to import first, if there is one. Until `openclaw doctor --fix`
    /// is run, OpenClaw refuses to work for this agent, and every update of this store fails with
    /// [`MigrationPending`](crate::ErrorKind::MigrationPending).
    ///
    /// # Errors
    ///
    /// Those of [`load`](Self::load).
    pub fn unimported_file(&self) -> Result<Option<PathBuf>> {
        Ok(self.unimported(&*self.view(self.lock_wait)?))
    }

    fn current(&self) -> Option<Arc<View>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn view(&self, wait: Duration) -> Result<Arc<View>> {
        self.view_with(wait, None)
    }

    /// As [`view`](Self::view), for a caller that has the writers.
    fn view_with(&self, wait: Duration, writers: Option<&Writers>) -> Result<Arc<View>> {
        let deadline = WaitDeadline::new(&Disk, wait);
        let Some(_turn) = self.reading.enter_within(wait)? else {
            return Err(too_long(&self.place.shared, deadline.waited(&Disk), 1));
        };
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let cached = self.current();
        let view =
            readers.view(&self.place, deadline.left(&Disk), cached.as_ref(), writers.map_or([None; 2], Writers::each));
        let is_cached = |view: &Arc<View>| cached.as_ref().is_some_and(|cached| Arc::ptr_eq(cached, view));
        if !view.as_ref().is_ok_and(is_cached) {
            // After an error it is unknown which databases have changed.
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = view.as_ref().ok().cloned();
        }
        view
    }
}

impl AuthProfileStore for SqliteStore {
    /// Returns the committed document; empty if there is no database. Asks each database whether it has changed, and
    /// reads the rows only then. Waits for a writer only if the database has no write-ahead log, as on a network.
    ///
    /// # Errors
    ///
    /// [`UnsupportedVersion`](crate::ErrorKind::UnsupportedVersion) for a schema of a newer OpenClaw;
    /// [`Locked`](crate::ErrorKind::Locked), [`NotAFile`](crate::ErrorKind::NotAFile),
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied), [`Io`](crate::ErrorKind::Io);
    /// [`Corrupt`](crate::ErrorKind::Corrupt) and the kinds of [`AuthProfiles::from_json`] with the path of the database.
    fn load(&self) -> Result<Arc<AuthProfiles>> {
        Ok(Arc::clone(&self.view(self.lock_wait)?.document))
    }

    /// Runs a closure on the current content of the databases and replaces the rows that it changed.
    ///
    /// # Errors
    ///
    /// The closure's own error; [`Locked`](crate::ErrorKind::Locked); [`Reentrant`](crate::ErrorKind::Reentrant), also
    /// through another store on the same state directory; [`UnsupportedVersion`](crate::ErrorKind::UnsupportedVersion)
    /// for every schema but that of OpenClaw 2026.9.6; [`MigrationPending`](crate::ErrorKind::MigrationPending) if
    /// OpenClaw has to import an old credential file first; [`NoDatabase`](crate::ErrorKind::NoDatabase) if OpenClaw
    /// has not created the database for the change; [`InheritedProfile`](crate::ErrorKind::InheritedProfile) if it
    /// removes a profile that is not the agent's own; [`StorageFull`](crate::ErrorKind::StorageFull) and those of
    /// [`load`](Self::load). The databases are then unchanged, unless the message reports that the first of two was
    /// written.
    fn update(&self, change: &mut dyn FnMut(&mut AuthProfiles) -> Result<()>) -> Result<Arc<AuthProfiles>> {
        self.update_exclusively(change)
    }

    /// Acquires the exclusive right to refresh a profile's credential, among threads and processes that use this crate.
    ///
    /// # Errors
    ///
    /// [`Locked`](crate::ErrorKind::Locked), [`LocksUnsupported`](crate::ErrorKind::LocksUnsupported),
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied), [`StorageFull`](crate::ErrorKind::StorageFull),
    /// [`Io`](crate::ErrorKind::Io).
    fn lease(&self, profile: &ProfileId, wait: Duration) -> Result<Lease> {
        // Beside the database that all agents share, because they share its OAuth credentials. If there is none,
        // nothing is created.
        let databases = [&self.place.shared, &self.place.main, &self.place.agent].map(|path| real(path));
        let mut there = databases.iter().filter(|path| examine(path).is_ok_and(|found| found.is_some()));
        let path = of_lease(there.next().ok_or_else(|| no_database(&self.place.shared))?, profile);
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
