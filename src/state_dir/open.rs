//! Which store an agent's credentials are kept in.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use super::{AgentStore, StateDir, database};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{FileStore, agent_database, main_database, shared_database};

/// The file of credentials that OpenClaw had until May 2026, and its older name.
pub(super) const FILES: [&str; 2] = ["auth-profiles.json", "auth.json"];

/// The agent whose credentials all agents share, where the configuration names no other.
const MAIN: &str = "main";

/// The first release that keeps credentials in databases.
const FIRST_WITH_DATABASES: (u32, u32) = (2026, 6);

/// Whether an agent's credentials are in files, in databases, or not there yet.
///
/// Serialises to its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreLayout {
    /// Nothing yet.
    Nothing,
    /// One file with everything, as OpenClaw had it until March 2026.
    Json,
    /// One file with credentials, and one with order and statistics, as OpenClaw had it in April and May 2026.
    JsonAndState,
    /// The databases of OpenClaw 2026.6 and later: that of the state directory, that of the agent `main`, the agent's own.
    Sqlite,
    /// A database, and beside it a file of credentials that it does not use.
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

    /// Whether there is a database.
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

/// One agent, as the configuration has it.
pub(super) struct Agent {
    pub(super) id: String,
    pub(super) directory: PathBuf,
    /// Whether its credentials are for all agents.
    pub(super) is_default: bool,
    config: Config,
}

impl StateDir {
    /// Says whether an agent's credentials are in files or in databases. Files are looked for, none is opened.
    ///
    /// No agent is the [default](Self::default_agent) one.
    ///
    /// # Errors
    ///
    /// [`InvalidId`](ErrorKind::InvalidId) for a name that no agent has; [`NotFound`](ErrorKind::NotFound) if the agent's
    /// directory is in a home directory that there is not.
    pub fn layout<'a>(&self, agent: impl Into<Option<&'a str>>) -> Result<StoreLayout> {
        Ok(self.layout_of(&self.agent(agent.into())?))
    }

    /// Opens the store of an agent's credentials: a file, or OpenClaw's databases.
    ///
    /// No agent is the [default](Self::default_agent) one. The agent's `agentDir` of the configuration is followed; one that
    /// names the usual place in a state directory that is not there any more means that place in this one.
    ///
    /// Nothing is made and no credential is read before the store is used. In a directory without credentials the store is
    /// `auth-profiles.json`, unless an OpenClaw of 2026.6 or later has been there, which would not find it.
    ///
    /// # Errors
    ///
    /// - [`WrongStore`](ErrorKind::WrongStore) if there is a database and the feature `sqlite` is not there to open it.
    /// - [`NoDatabase`](ErrorKind::NoDatabase) if there are no credentials, and OpenClaw has to make its database first.
    /// - [`InvalidId`](ErrorKind::InvalidId) for a name that no agent has; [`NotFound`](ErrorKind::NotFound) if the agent's
    ///   directory is in a home directory that there is not; [`Io`](ErrorKind::Io) if a path is relative and there is no
    ///   current directory.
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

    /// Returns the id under which OpenClaw knows an agent, which is also the name of the agent's directory: in lower case,
    /// with one `-` for every run of characters that are no ASCII letter, digit, `-` or `_`, without dashes around it if
    /// there was any such, and 64 characters at most. Every method that takes an agent reads its id like that.
    ///
    /// # Errors
    ///
    /// [`InvalidId`](ErrorKind::InvalidId) if nothing is left, or if the text has a slash, a backslash or a control character:
    /// it is a path then, or a mistake.
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
        let message = "an agent id has letters, digits, `-` or `_`, and neither slashes nor control characters";
        id.ok_or_else(|| Error::new(ErrorKind::InvalidId, message))
    }

    pub(super) fn agent(&self, named: Option<&str>) -> Result<Agent> {
        let config = self.tolerant_config();
        let id = Self::agent_id(named.unwrap_or_else(|| config.default_agent()))?;
        let usual = Path::new("agents").join(&id).join("agent");
        let directory =
            match config.agent_dir(&id).map(|directory| self.environment.expand_home(directory)).transpose()? {
                // OpenClaw writes the usual place as an absolute path, which leads nowhere once the directory has moved.
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

    /// Whether an OpenClaw has been here that keeps credentials in databases.
    fn is_of_databases(&self, config: &Config) -> bool {
        is_there(&self.path.join("state"))
            || config.has_agent_entries()
            || config.last_touched_version().is_some_and(has_databases)
    }
}

/// Whether this release of OpenClaw keeps credentials in databases. A version that is none says nothing.
fn has_databases(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('v').split('.').map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(year)), Some(Ok(month))) => (year, month) >= FIRST_WITH_DATABASES,
        _ => false,
    }
}

/// Whether there is something at a path, a link that points nowhere included: what it leads to may be on a disk that is
/// not there at the moment. A look, because a database that is opened as a file loses its locks when that is closed.
fn is_there(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

fn no_database(state_directory: &Path, agent: &str) -> Error {
    let message = "OpenClaw has not created its database for credentials yet";
    let help = format!(
        "Run OpenClaw once, for example `openclaw models auth paste-api-key --agent {agent} --provider NAME`: it makes the database."
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
