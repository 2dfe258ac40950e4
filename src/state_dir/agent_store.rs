//! The store of one agent: a file, or OpenClaw's databases.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::id::ProfileId;
use crate::profile::AuthProfiles;
#[cfg(feature = "sqlite")]
use crate::store::SqliteStore;
use crate::store::{AuthProfileStore, FileStore, Lease};

/// The store of one agent, as [`StateDir::store`](super::StateDir::store) opens it: a file, or OpenClaw's databases.
#[derive(Debug)]
#[non_exhaustive]
#[cfg_attr(feature = "sqlite", expect(clippy::large_enum_variant, reason = "there is one for an agent, not many"))]
pub enum AgentStore {
    /// The file `auth-profiles.json`.
    File(FileStore),
    /// The databases of OpenClaw 2026.6 and later.
    #[cfg(feature = "sqlite")]
    #[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
    Sqlite(SqliteStore),
}

impl AgentStore {
    fn store(&self) -> &dyn AuthProfileStore {
        match self {
            Self::File(store) => store,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(store) => store,
        }
    }

    /// Returns the path of the store as OpenClaw reports it: the file, the agent's database, or the state directory's
    /// database if the agent has none.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::File(store) => store.path(),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(store) if std::fs::symlink_metadata(store.agent_path()).is_ok() => store.agent_path(),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(store) => store.shared_path(),
        }
    }

    /// Returns the directory with the agent's file or database, such as `agents/main/agent` in the state directory.
    #[must_use]
    pub fn agent_dir(&self) -> &Path {
        let inside = match self {
            Self::File(store) => store.path(),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(store) => store.agent_path(),
        };
        inside.parent().unwrap_or(inside)
    }

    /// Returns `true` if an order applies to every agent, because the agent has no database.
    ///
    /// # Errors
    ///
    /// Those of [`load`](AuthProfileStore::load); none for a file, which is for one agent.
    pub fn order_is_shared(&self) -> Result<bool> {
        match self {
            Self::File(_) => Ok(false),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(store) => store.order_is_shared(),
        }
    }

    /// Returns the path of the database with the shared profiles, and the ids of those that this agent inherits: it has
    /// no profile of its own under the same id. `None` for a file, which is for one agent.
    ///
    /// # Errors
    ///
    /// Those of [`load`](AuthProfileStore::load).
    pub fn shared_profiles(&self) -> Result<Option<(PathBuf, Vec<ProfileId>)>> {
        match self {
            Self::File(_) => Ok(None),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(store) => store.shared_profiles().map(Some),
        }
    }

    /// Returns an old credential file that OpenClaw has to import first, if there is one. Until `openclaw doctor --fix`
    /// is run, OpenClaw refuses to work for this agent, and every update fails.
    ///
    /// # Errors
    ///
    /// Those of [`load`](AuthProfileStore::load); none for a file store.
    pub fn unimported_file(&self) -> Result<Option<PathBuf>> {
        match self {
            Self::File(_) => Ok(None),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(store) => store.unimported_file(),
        }
    }
}

impl AuthProfileStore for AgentStore {
    fn load(&self) -> Result<Arc<AuthProfiles>> {
        self.store().load()
    }

    fn update(&self, change: &mut dyn FnMut(&mut AuthProfiles) -> Result<()>) -> Result<Arc<AuthProfiles>> {
        self.store().update(change)
    }

    fn lease(&self, profile: &ProfileId, wait: Duration) -> Result<Lease> {
        self.store().lease(profile, wait)
    }

    fn try_load(&self) -> Option<Arc<AuthProfiles>> {
        self.store().try_load()
    }

    fn may_block(&self) -> bool {
        self.store().may_block()
    }
}
