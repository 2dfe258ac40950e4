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
/// What an agent sees already is not written again, though it be inherited. What removing a profile takes along is what the same database says of it; where the profile hid an inherited one, that is
/// seen from then on. An order of the shared database is not cleared by an agent with a database of its own.
///
/// # Promises
///
/// - **One change, one commit.** An update locks both databases, the shared one first, reads the rows again, and replaces those
///   that the closure changed. Each database is all or nothing on its own, and one change touches one of them; only
///   where the agent's state hides the statistics of a shared profile, they are written to the shared database and taken
///   out of the other.
/// - **OpenClaw does not notice.** No schema, version, journal mode or other table is touched. A database is locked while rows
///   are compared and written, while a closure runs that took less than 50 ms before, and for at most 20 ms while the
///   other database is waited for. No file function opens a database, because closing it would drop the locks that SQLite
///   holds in this process.
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
/// - A row of state without a row of credentials beside it counts for nothing, as in OpenClaw, and is replaced by the first
///   change of state.
/// - Writers that use this crate take turns by a lock file beside the database; OpenClaw, which does not know it, waits as SQLite
///   has it.
/// - Leases are lock files beside the database, which OpenClaw does not know. New tokens are stored only if the ones they were
///   had for are still there.
/// - Secrets are wiped from the documents this crate holds, not from the buffers of SQLite.
pub struct SqliteStore {
    place: Place,
    lock_wait: Duration,
    /// Whose turn it is to use the readers; waiting for it ends.
    reading: Gate,
    readers: Mutex<Readers>,
    writers: Mutex<Writers>,
    current: RwLock<Option<Arc<View>>>,
}

/// Where the databases are, and whose profiles are wanted.
#[derive(Clone, Debug)]
struct Place {
    state: PathBuf,
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

    /// Returns `true` if an order that is set is written to the shared database, so that it applies to every agent without an
    /// order of its own.
    ///
    /// # Errors
    ///
    /// Those of [`load`](Self::load).
    pub fn order_is_shared(&self) -> Result<bool> {
        Ok(self.view(self.lock_wait)?.own.is_none())
    }

    /// Returns the database with the profiles that several agents share, and the ids of those of them that this agent has no
    /// profile of its own for.
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

    /// Returns the old file of credentials that OpenClaw wants to import first, if there is one. Until `openclaw doctor --fix`
    /// was run it refuses to work for this agent, and every update here is
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

    /// What is in the databases now.
    fn view(&self, wait: Duration) -> Result<Arc<View>> {
        self.view_with(wait, None)
    }

    /// The same for whoever has the writers.
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
            // After an error it is not known which databases have changed.
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = view.as_ref().ok().cloned();
        }
        view
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
        Ok(Arc::clone(&self.view(self.lock_wait)?.document))
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
        // Beside the database that all agents share, because they share its logins. Nothing is made where there is none.
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
