//! Checks that keep the file store away from OpenClaw's databases.
//!
//! OpenClaw never uses a credential file beside such a database, and refuses to run its commands until the user has the
//! file imported. So no file is created there, and an existing one is not written.

use std::io;
use std::path::{Path, PathBuf};

use super::builder::CREDENTIALS;
use super::replace::split;
use super::system::{Kind, System};
use super::{FileStore, target};
use crate::error::{Error, ErrorKind, Result};

pub(crate) fn shared_database(state_directory: &Path) -> PathBuf {
    state_directory.join("state").join("openclaw.sqlite")
}

pub(crate) fn agent_database(agent_directory: &Path) -> PathBuf {
    agent_directory.join("openclaw-agent.sqlite")
}

/// Returns the path of the database of the agent `main` at its usual location in a state directory. All agents share
/// its profiles if there is no database for all agents.
pub(crate) fn main_database(state_directory: &Path) -> PathBuf {
    agent_database(&state_directory.join("agents").join("main").join("agent"))
}

/// The suffixes of a database's name and of the files beside it.
const ENDINGS: [&str; 4] = [".sqlite", ".sqlite-wal", ".sqlite-shm", ".sqlite-journal"];

/// Refuses a path with the name of a database: opening one as a file would drop the locks that SQLite holds in this
/// process.
///
/// # Errors
///
/// `WrongStore`.
pub(super) fn check_name(path: &Path) -> Result<()> {
    let name = split(path).1.to_string_lossy().to_ascii_lowercase();
    if !ENDINGS.iter().any(|ending| name.ends_with(ending)) {
        return Ok(());
    }
    let message = "this is a database, not a credential file";
    Err(Error::new(ErrorKind::WrongStore, message).with_path(path).with_help(
        "Give the path of an `auth-profiles.json`, or use a program that opens OpenClaw's database by its state directory.",
    ))
}

/// Refuses a link to a database. Returns `false` if nothing is there, not even a link.
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
        // Reading the file reports any other problem.
        _ => Ok(true),
    }
}

impl FileStore {
    /// Refuses a write to a file beside a database of OpenClaw. The databases are looked up, never opened: closing a
    /// file that SQLite has open in this process would drop its locks.
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
        // A dangling link counts too: its target may be on a disk that is not mounted at the moment.
        match databases.find(|database| self.system.stat_link(database).is_ok()) {
            Some(database) => Err(beside(&database)),
            None => Ok(()),
        }
    }
}

/// Returns the state directory of an agent's directory, if that is in its usual location.
fn state_directory(agent_directory: &Path) -> Option<&Path> {
    let agents = agent_directory.parent()?.parent()?;
    (agent_directory.ends_with("agent") && agents.ends_with("agents")).then(|| agents.parent()).flatten()
}

fn beside(database: &Path) -> Error {
    let message = "OpenClaw keeps the credentials of this directory in a database, so no file is written beside it";
    Error::new(ErrorKind::WrongStore, message).with_path(database).with_help(
        "Use a program that opens OpenClaw's database, or OpenClaw itself: a file beside it would be ignored, or would stop OpenClaw's own commands.",
    )
}
