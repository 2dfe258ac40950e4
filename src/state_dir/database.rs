//! Opening OpenClaw's databases, if the program is built with SQLite.

use std::path::Path;

use super::AgentStore;
use super::open::Agent;
use crate::error::Result;

#[cfg(feature = "sqlite")]
pub(super) fn open(state_directory: &Path, agent: &Agent) -> Result<AgentStore> {
    let store = crate::store::SqliteStore::builder().agent(state_directory, &agent.id);
    store.agent_directory(&agent.directory).default_agent(agent.is_default).build().map(AgentStore::Sqlite)
}

#[cfg(not(feature = "sqlite"))]
pub(super) fn open(state_directory: &Path, _agent: &Agent) -> Result<AgentStore> {
    use crate::error::{Error, ErrorKind};
    let message = "OpenClaw keeps the credentials of this directory in a database, which this program cannot open";
    Err(Error::new(ErrorKind::WrongStore, message).with_path(state_directory).with_help(
        "This program was built without SQLite, which OpenClaw's database needs: get a build of it with SQLite, or use OpenClaw's own `openclaw models auth`.",
    ))
}
