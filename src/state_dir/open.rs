//! Choosing and opening the store of an agent's credentials.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use super::{AgentStore, StateDir, database};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{FileStore, agent_database, main_database, shared_database};

/// OpenClaw's credential file until May 2026, and its older name.
pub(super) const FILES: [&str; 2] = ["auth-profiles.json", "auth.json"];

/// The agent whose credentials all agents share, unless the configuration names another.
const MAIN: &str = "main";

/// The first release that keeps credentials in databases.
const FIRST_WITH_DATABASES: (u32, u32) = (2026, 6);

/// The layout of an agent's credentials: files, databases, or nothing yet.
///
/// Serialises to its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreLayout {
    /// Nowhere yet.
    Nothing,
    /// One file with everything, as in OpenClaw until March 2026.
    Json,
    /// One file with credentials and one with order and statistics, as in OpenClaw of April and May 2026.
    JsonAndState,
    /// The databases of OpenClaw 2026.6 and later: the state directory's, that of the agent `main`, or the agent's own.
    Sqlite,
    /// A database, and a credential file beside it that is not used.
    Both,
}

impl StoreLayout {
    /// Returns the name: `none`, `json`, `json_and_state`, `sqlite` or `both`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::Json => "json",
            Self::JsonAndState => "json_and_state",
            Self::Sqlite => "sqlite",
            Self::Both => "both",
        }
    }

    /// Returns `true` if there is a database.
    #[must_use]
    pub fn has_database(self) -> bool {
        matches!(self, Self::Sqlite | Self::Both)
    }
}

impl fmt::Display for StoreLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for StoreLayout {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

pub(super) struct Agent {
    pub(super) id: String,
    pub(super) directory: PathBuf,
    /// `true` if its credentials are for all agents.
    pub(super) is_default: bool,
    config: Config,
}

impl StateDir {
    /// Returns where an agent's credentials are kept, without opening a file.
    ///
    /// `None` is the [default agent](Self::default_agent).
    ///
    /// # Errors
    ///
    /// [`InvalidId`](ErrorKind::InvalidId) for an invalid agent id; [`NotFound`](ErrorKind::NotFound) if the agent's
    /// directory is in the home directory and there is none.
    pub fn layout<'a>(&self, agent: impl Into<Option<&'a str>>) -> Result<StoreLayout> {
        Ok(self.layout_of(&self.agent(agent.into())?))
    }

    /// Opens the store of an agent's credentials: a file, or OpenClaw's databases.
    ///
    /// `None` is the [default agent](Self::default_agent). The agent's `agentDir` in the configuration is used, unless
    /// it is the usual path in a state directory that no longer exists; then it is the usual path in this one.
    ///
    /// Nothing is created and no credential is read before the store is used. In a directory without credentials the
    /// store is `auth-profiles.json`, unless OpenClaw 2026.6 or later has used the directory, which would not read that
    /// file.
    ///
    /// # Errors
    ///
    /// - [`WrongStore`](ErrorKind::WrongStore) if there is a database, but not the feature `sqlite` to open it.
    /// - [`NoDatabase`](ErrorKind::NoDatabase) if there are no credentials, and OpenClaw has to create its database
    ///   first.
    /// - [`InvalidId`](ErrorKind::InvalidId) for an invalid agent id; [`NotFound`](ErrorKind::NotFound) if the agent's
    ///   directory is in the home directory and there is none; [`Io`](ErrorKind::Io) if a path is relative and there is
    ///   no current directory.
    pub fn store<'a>(&self, agent: impl Into<Option<&'a str>>) -> Result<AgentStore> {
        let agent = self.agent(agent.into())?;
        match self.layout_of(&agent) {
            layout if layout.has_database() => database::open(&self.path, &agent),
            StoreLayout::Nothing if self.is_of_databases(&agent.config) => Err(no_database(&self.path, &agent.id)),
            _ => {
                let store = FileStore::builder().agent(&self.path, &agent.id).agent_directory(agent.directory);
                store.build().map(AgentStore::File)
            }
        }
    }

    /// Returns OpenClaw's id of an agent, which is also the name of the agent's directory: the name in lower case, at
    /// most 64 characters, with one `-` for each run of characters other than ASCII letters, digits, `-` and `_`; if
    /// there was such a run, also without dashes at the ends. Every method that takes an agent normalises its id like
    /// this.
    ///
    /// # Errors
    ///
    /// [`InvalidId`](ErrorKind::InvalidId) if nothing is left, or if the text contains a slash, a backslash or a
    /// control character, because it is then a path or a mistake.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{ErrorKind, StateDir};
    ///
    /// assert_eq!(StateDir::agent_id(" Work")?, "work");
    /// assert_eq!(StateDir::agent_id("Wo rk")?, "wo-rk");
    /// assert_eq!(StateDir::agent_id("../main").unwrap_err().kind(), ErrorKind::InvalidId);
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    pub fn agent_id(agent: &str) -> Result<String> {
        let is_path = |c: char| matches!(c, '/' | '\\') || c.is_control();
        let id = Some(agent).filter(|agent| !agent.chars().any(is_path)).and_then(crate::id::agent_id);
        let message = "an agent id contains letters, digits, `-` or `_`, but no slashes and no control characters";
        id.ok_or_else(|| Error::new(ErrorKind::InvalidId, message))
    }

    pub(super) fn agent(&self, named: Option<&str>) -> Result<Agent> {
        let config = self.tolerant_config();
        let id = Self::agent_id(named.unwrap_or_else(|| config.default_agent()))?;
        let usual = Path::new("agents").join(&id).join("agent");
        let directory =
            match config.agent_dir(&id).map(|directory| self.environment.expand_home(directory)).transpose()? {
                // OpenClaw writes the usual path as an absolute one, which is wrong once the directory was moved.
                Some(directory) if !directory.ends_with(&usual) || is_there(&directory) => directory,
                _ => self.path.join(usual),
            };
        let is_default = id == MAIN || id == config.default_agent();
        Ok(Agent { id, directory, is_default, config })
    }

    pub(super) fn layout_of(&self, agent: &Agent) -> StoreLayout {
        let databases = [shared_database(&self.path), main_database(&self.path), agent_database(&agent.directory)];
        let has_file = FILES.iter().any(|name| is_there(&agent.directory.join(name)));
        match (databases.iter().any(|path| is_there(path)), has_file) {
            (true, true) => StoreLayout::Both,
            (true, false) => StoreLayout::Sqlite,
            (false, true) if is_there(&agent.directory.join("auth-state.json")) => StoreLayout::JsonAndState,
            (false, true) => StoreLayout::Json,
            (false, false) => StoreLayout::Nothing,
        }
    }

    /// Returns `true` if an OpenClaw that keeps credentials in databases has used the directory.
    fn is_of_databases(&self, config: &Config) -> bool {
        is_there(&self.path.join("state"))
            || config.has_agent_entries()
            || config.last_touched_version().is_some_and(has_databases)
    }
}

/// Returns `true` if this release of OpenClaw keeps credentials in databases; `false` if the version is invalid.
fn has_databases(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('v').split('.').map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(year)), Some(Ok(month))) => (year, month) >= FIRST_WITH_DATABASES,
        _ => false,
    }
}

/// Returns `true` if there is something at a path, including a dangling link, whose target may be on a disk that is not
/// mounted at the moment. Does not open it: closing a database that was opened as a file drops SQLite's locks.
fn is_there(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

fn no_database(state_directory: &Path, agent: &str) -> Error {
    let message = "OpenClaw has not created its database for credentials yet";
    let help = format!(
        "Run OpenClaw once, for example `openclaw models auth paste-api-key --agent {agent} --provider NAME`: this creates the database."
    );
    Error::new(ErrorKind::NoDatabase, message).with_path(state_directory).with_help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_since_june_2026_have_databases() {
        for version in ["2026.6.1", "2026.6.0-beta.2", "2026.10.1", "v2027.1.3"] {
            assert!(has_databases(version), "{version}");
        }
        for version in ["2026.5.28", "2025.12.1", "2026", "dev", "2026.x", "2026.9999999999.1", ""] {
            assert!(!has_databases(version), "{version}");
        }
    }
}
