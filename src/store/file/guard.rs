//! Staying out of the way of an OpenClaw that keeps credentials in databases.
//!
//! A file of credentials beside such a database is never used, and stops OpenClaw's own commands until the user has it
//! imported. So none is made there, and none that lies there is written: what is in it may be in no store tomorrow.

use std::io;
use std::path::{Path, PathBuf};

use super::builder::CREDENTIALS;
use super::replace::split;
use super::system::{Kind, System};
use super::{FileStore, target};
use crate::error::{Error, ErrorKind, Result};

/// The database of all agents, in a state directory.
pub(crate) fn shared_database(state_directory: &Path) -> PathBuf {
    state_directory.join("state").join("openclaw.sqlite")
}

/// The database of one agent, in the directory of that agent.
pub(crate) fn agent_database(agent_directory: &Path) -> PathBuf {
    agent_directory.join("openclaw-agent.sqlite")
}

/// The database of the agent `main`, in a state directory at its usual place there: all agents share what is in it, where
/// the database of all agents is not there yet.
pub(crate) fn main_database(state_directory: &Path) -> PathBuf {
    agent_database(&state_directory.join("agents").join("main").join("agent"))
}

/// How the names of a database and of the files beside it end.
const ENDINGS: [&str; 4] = [".sqlite", ".sqlite-wal", ".sqlite-shm", ".sqlite-journal"];

/// Refuses a path that has the name of a database: whoever opens one as a file takes SQLite's locks from this process.
///
/// # Errors
///
/// `WrongStore`.
pub(super) fn check_name(path: &Path) -> Result<()> {
    let name = split(path).1.to_string_lossy().to_ascii_lowercase();
    if !ENDINGS.iter().any(|ending| name.ends_with(ending)) {
        return Ok(());
    }
    let message = "this is a database, and no file of credentials";
    Err(Error::new(ErrorKind::WrongStore, message).with_path(path).with_help(
        "Give the path of an `auth-profiles.json`, or use a program that opens OpenClaw's database by its state directory.",
    ))
}

/// Refuses a link that leads to a database. Returns `false` if nothing is there, not even a link.
///
/// # Errors
///
/// `WrongStore`.
pub(super) fn check_link(system: &dyn System, path: &Path) -> Result<bool> {
    match system.stat_link(path) {
        Ok(stat) if stat.kind == Kind::Link => {
            target::resolve(system, path).map_or(Ok(()), |leads| check_name(&leads))?;
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        // What is wrong otherwise is said by who reads it.
        _ => Ok(true),
    }
}

impl FileStore {
    /// Refuses a write to a file that stands beside a database of OpenClaw. The databases are looked up, never opened:
    /// closing a file that SQLite has open in this process would drop its locks.
    ///
    /// # Errors
    ///
    /// `WrongStore`, with the path of the database.
    pub(super) fn check_alone(&self, credentials: &Path) -> Result<()> {
        if self.settings.beside_database || split(credentials).1 != CREDENTIALS {
            return Ok(());
        }
        let directory = split(credentials).0;
        let states = self.place.state_directory.as_deref().into_iter().chain(state_directory(directory));
        let shared = states.flat_map(|state| [shared_database(state), main_database(state)]);
        let mut databases = std::iter::once(agent_database(directory)).chain(shared);
        // A link that points nowhere counts: what it leads to may be on a disk that is not there at the moment.
        match databases.find(|database| self.system.stat_link(database).is_ok()) {
            Some(database) => Err(beside(&database)),
            None => Ok(()),
        }
    }
}

/// The state directory that the directory of an agent is in, if it has the usual place there.
fn state_directory(agent_directory: &Path) -> Option<&Path> {
    let agents = agent_directory.parent()?.parent()?;
    (agent_directory.ends_with("agent") && agents.ends_with("agents")).then(|| agents.parent()).flatten()
}

fn beside(database: &Path) -> Error {
    let message = "OpenClaw keeps the credentials of this directory in a database, and a file beside it is not written";
    Error::new(ErrorKind::WrongStore, message).with_path(database).with_help(
        "Use a program that opens OpenClaw's database, or OpenClaw itself: a file beside it would be ignored, or stop OpenClaw's own commands.",
    )
}
