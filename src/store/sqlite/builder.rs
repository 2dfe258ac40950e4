//! The builder of a store on OpenClaw's databases.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::SqliteStore;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{agent_database, check_agent, shared_database};

/// A builder of a [`SqliteStore`]. No database is opened before the store is used.
///
/// # Examples
///
/// ```
/// use provider_auth::store::SqliteStore;
///
/// let store = SqliteStore::builder().agent(".openclaw", "work").build()?;
/// assert!(store.shared_path().ends_with("state/openclaw.sqlite"));
/// assert!(store.agent_path().ends_with("agents/work/agent/openclaw-agent.sqlite"));
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing before `build`"]
pub struct SqliteStoreBuilder {
    place: Option<Result<(PathBuf, String), &'static str>>,
    agent_directory: Option<PathBuf>,
    default_agent: Option<bool>,
    lock_wait: Duration,
}

impl Default for SqliteStoreBuilder {
    fn default() -> Self {
        Self { place: None, agent_directory: None, default_agent: None, lock_wait: Duration::from_secs(10) }
    }
}

impl SqliteStoreBuilder {
    /// Sets the state directory and the agent whose profiles are used.
    ///
    /// An agent id has up to 64 ASCII letters, digits, `-`, `_` and `.`, and does not begin or end with a dot.
    pub fn agent(mut self, state_directory: impl Into<PathBuf>, agent: &str) -> Self {
        self.place = Some(check_agent(agent).map(|()| (state_directory.into(), agent.to_owned())));
        self
    }

    /// Sets the directory of the agent, which the configuration may name in `agentDir`. Default:
    /// `<state>/agents/<agent>/agent`.
    pub fn agent_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.agent_directory = Some(directory.into());
        self
    }

    /// Sets whether this is the default agent, whose new credentials are shared with all agents. Default: `true` for
    /// the agent `main`, `false` for others.
    pub fn default_agent(mut self, default: bool) -> Self {
        self.default_agent = Some(default);
        self
    }

    /// Sets how long an update waits for its turn before it fails with [`Locked`](ErrorKind::Locked). Default: 10 s.
    pub fn lock_wait(mut self, wait: Duration) -> Self {
        self.lock_wait = wait;
        self
    }

    /// Creates the store, without opening a database.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if no agent was set; [`InvalidId`](ErrorKind::InvalidId) for an invalid agent
    /// id; [`Io`](ErrorKind::Io) if a path cannot be made absolute.
    pub fn build(self) -> Result<SqliteStore> {
        let absolute = |path: &Path| {
            std::path::absolute(path)
                .map_err(|error| crate::error::io_error("the path cannot be made absolute", path, error))
        };
        let (state, agent) = match self.place {
            Some(Ok((state, agent))) => (absolute(&state)?, agent),
            Some(Err(message)) => return Err(Error::new(ErrorKind::InvalidId, message)),
            None => return Err(Error::new(ErrorKind::NotFound, "no agent was set for the store")),
        };
        let home = |agent: &str| state.join("agents").join(agent).join("agent");
        let main = agent_database(&home("main"));
        let directory = match self.agent_directory {
            Some(directory) => absolute(&directory)?,
            None => home(&agent),
        };
        Ok(SqliteStore::open(
            super::Place {
                shared: shared_database(&state),
                state,
                agent: agent_database(&directory),
                main,
                is_default: self.default_agent.unwrap_or(agent == "main"),
            },
            self.lock_wait,
        ))
    }
}
