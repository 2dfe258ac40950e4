//! The builder of a file store.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, RwLock};
use std::time::Duration;

use super::disk::Disk;
use super::guard::check_name;
use super::legacy::Legacy;
use super::replace::split;
use super::system::System;
use super::{FileStore, Place, Settings};
use crate::error::{Error, ErrorKind, Result};

pub(super) const CREDENTIALS: &str = "auth-profiles.json";

/// The part of an update that must survive a loss of power before the update returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// Everything: content and directory are synced before an update returns.
    #[default]
    Full,
    /// Updates that change only order and statistics are replaced atomically, but may be lost on a loss of power: the
    /// directory is not synced, and a separate state file is not synced at all. The state file can then be empty or
    /// damaged, which is reported and repaired by [`FileStore::quarantine`]. A file with credentials is always synced
    /// itself.
    Relaxed,
}

/// The file of order and statistics: the credential file or a separate one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StateFile {
    /// In the credential file, unless there is a state file beside it.
    #[default]
    Auto,
    /// In a state file, which the first update creates; state in the credential file moves there.
    Separate,
}

/// A builder of a [`FileStore`]. Nothing is read or written before the store is used.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use provider_auth::FileStore;
/// use provider_auth::store::{Durability, StateFile};
///
/// let directory = tempfile::tempdir()?;
/// let store = FileStore::builder()
///     .agent(directory.path(), "main")
///     .lock_wait(Duration::from_secs(3))
///     .durability(Durability::Relaxed)
///     .state_file(StateFile::Separate)
///     .strict_permissions(true)
///     .build()?;
/// assert!(store.path().ends_with("agents/main/agent/auth-profiles.json"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing before `build`"]
pub struct FileStoreBuilder {
    place: Option<Result<Choice, &'static str>>,
    agent_directory: Option<PathBuf>,
    settings: Settings,
}

#[derive(Clone, Debug)]
struct Choice {
    path: PathBuf,
    state_directory: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lock_wait: Duration::from_secs(10),
            durability: Durability::default(),
            state_file: StateFile::default(),
            strict: false,
            max_bytes: 16 << 20,
            file_locks: true,
            beside_database: false,
        }
    }
}

impl FileStoreBuilder {
    /// Sets the path of the credential file, which may be a symbolic link. The state file, if there is one, is beside
    /// it: for `auth-profiles.json` it is `auth-state.json`, otherwise `<name without extension>-state.json`.
    pub fn path(mut self, path: impl Into<PathBuf>) -> Self {
        self.place = Some(Ok(Choice { path: path.into(), state_directory: None }));
        self
    }

    /// Sets the path to an agent's file in a state directory: `<state>/agents/<agent>/agent/auth-profiles.json`.
    ///
    /// An agent id has up to 64 ASCII letters, digits, `-`, `_` and `.`, and does not begin or end with a dot, so it
    /// cannot lead out of the state directory. Other agents' profiles are not used; to copy them, see
    /// [`copy_profiles`](crate::store::copy_profiles).
    pub fn agent(mut self, state_directory: impl Into<PathBuf>, agent: &str) -> Self {
        self.place = Some(check_agent(agent).map(|()| {
            let state = state_directory.into();
            let path = state.join("agents").join(agent).join("agent").join(CREDENTIALS);
            Choice { path, state_directory: Some(state) }
        }));
        self
    }

    /// Sets the directory of the agent, which the configuration may name in `agentDir`. It has no effect if a
    /// [`path`](Self::path) was set. Default: the usual directory in the state directory.
    pub fn agent_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.agent_directory = Some(directory.into());
        self
    }

    /// Sets how long an update waits for its turn before it fails with [`Locked`](ErrorKind::Locked). Default: 10 s.
    pub fn lock_wait(mut self, wait: Duration) -> Self {
        self.settings.lock_wait = wait;
        self
    }

    /// Sets how much of an update survives a loss of power. Default: [`Durability::Full`].
    pub fn durability(mut self, durability: Durability) -> Self {
        self.settings.durability = durability;
        self
    }

    /// Sets where order and statistics are kept. Default: [`StateFile::Auto`].
    pub fn state_file(mut self, state_file: StateFile) -> Self {
        self.settings.state_file = state_file;
        self
    }

    /// Sets whether a file that other users may read or change, or that belongs to another user, is refused with
    /// [`InsecurePermissions`](ErrorKind::InsecurePermissions). Default: `false`, so it is only reported by
    /// [`AuthProfiles::diagnostics`](crate::AuthProfiles::diagnostics).
    pub fn strict_permissions(mut self, strict: bool) -> Self {
        self.settings.strict = strict;
        self
    }

    /// Sets the size of the largest file that is read or written, in bytes. Default: 16 MiB; at most 4 GiB.
    pub fn max_bytes(mut self, max_bytes: usize) -> Self {
        self.settings.max_bytes = max_bytes;
        self
    }

    /// Sets whether file locks exclude other processes. Default: `true`.
    ///
    /// Switch this off only if the file system has no locks or is on a network, and only one process writes. Without
    /// file locks, threads of one process still exclude each other; processes do not.
    pub fn file_locks(mut self, file_locks: bool) -> Self {
        self.settings.file_locks = file_locks;
        self
    }

    /// Sets whether `auth-profiles.json` is written even if OpenClaw keeps credentials in a database. Default: `false`.
    ///
    /// OpenClaw 2026.6 and later does, and never uses such a file; one that it has not imported stops its commands.
    /// `StateDir::store` opens the right store instead.
    pub fn beside_database(mut self, beside_database: bool) -> Self {
        self.settings.beside_database = beside_database;
        self
    }

    /// Creates the store.
    ///
    /// # Errors
    ///
    /// [`NotAFile`](ErrorKind::NotAFile) if no path was set or it has no file name,
    /// [`WrongStore`](ErrorKind::WrongStore) for the name of a database (`….sqlite`),
    /// [`InvalidId`](ErrorKind::InvalidId) for an invalid agent id, [`Io`](ErrorKind::Io) if the path is relative and
    /// there is no current directory.
    pub fn build(self) -> Result<FileStore> {
        self.build_on(Arc::new(Disk))
    }

    pub(super) fn build_on(self, system: Arc<dyn System>) -> Result<FileStore> {
        let missing = || Error::new(ErrorKind::NotAFile, "no path was set for the store");
        let mut choice =
            self.place.ok_or_else(missing)?.map_err(|message| Error::new(ErrorKind::InvalidId, message))?;
        if let (Some(directory), Some(_)) = (self.agent_directory, &choice.state_directory) {
            choice.path = directory.join(CREDENTIALS);
        }
        if choice.path.file_name().is_none() {
            let message = "the path of the store has no file name";
            return Err(Error::new(ErrorKind::NotAFile, message).with_path(&choice.path));
        }
        check_name(&choice.path)?;
        // The current directory may change later, but the store's path must not.
        let credentials = std::path::absolute(&choice.path)
            .map_err(|error| crate::error::io_error("the path cannot be made absolute", &choice.path, error))?;
        // Nor must the directory in which OpenClaw's databases are looked up.
        let state_directory = choice.state_directory.map(|state| std::path::absolute(&state).unwrap_or(state));
        let (directory, name) = split(&credentials);
        let legacy = (name == CREDENTIALS).then(|| Legacy {
            credentials: directory.join("auth.json"),
            logins: state_directory.as_ref().map(|state| state.join("credentials").join("oauth.json")),
        });
        let place = Place { state: directory.join(state_name(&credentials)), credentials, state_directory, legacy };
        Ok(FileStore {
            place,
            settings: self.settings,
            system,
            cached: RwLock::default(),
            network: OnceLock::new(),
            swept: std::sync::Mutex::default(),
        })
    }
}

fn state_name(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default();
    let stem = if path.file_name().is_some_and(|name| name == CREDENTIALS) { "auth".as_ref() } else { stem };
    let mut name = stem.to_owned();
    name.push("-state.json");
    name.into()
}

pub(crate) fn check_agent(agent: &str) -> Result<(), &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if agent.is_empty() || agent.len() > 64 {
        return Err("an agent id has 1 to 64 characters");
    }
    if !agent.bytes().all(allowed) || agent.starts_with('.') || agent.ends_with('.') {
        return Err("an agent id is made of letters, digits, `-`, `_` and inner dots");
    }
    Ok(())
}
