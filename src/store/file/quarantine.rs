//! Setting a damaged file aside.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::replace::{Expected, Sync, replace, split};
use super::snapshot::{Part, Role};
use super::{FileStore, patience};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result, io_error};
use crate::profile::AuthProfiles;

/// How many files can be set aside in the same millisecond.
const NAMES: u32 = 100;

impl FileStore {
    /// Sets aside the credential file and the state file, each only if it is damaged, and returns their new paths.
    ///
    /// A file is damaged if [`load`](crate::AuthProfileStore::load) refuses it with an error for which
    /// [`Error::is_corrupt`] returns `true`. It keeps its content, becomes readable for its owner only, and is renamed
    /// to `<file>.corrupt-<time in UTC>` in the same directory. The store is then empty, or imports files of older
    /// formats. If the path is a symbolic link, the link stays and leads to an empty document.
    ///
    /// # Errors
    ///
    /// Those of [`update`](crate::AuthProfileStore::update).
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{AuthProfileStore, FileStore, Timestamp};
    ///
    /// let directory = tempfile::tempdir()?;
    /// let path = directory.path().join("auth-profiles.json");
    /// std::fs::write(&path, "{\"version\": 1, \"profi")?;
    /// let store = FileStore::new(&path)?;
    /// assert!(store.load().unwrap_err().is_corrupt());
    /// let aside = store.quarantine(Timestamp::from_millis(1_700_000_000_000))?;
    /// assert!(aside[0].ends_with("auth-profiles.json.corrupt-20231114T221320.000Z"));
    /// assert!(store.load()?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn quarantine(&self, now: Timestamp) -> Result<Vec<PathBuf>> {
        self.exclusively(|_| {
            let mut moved = Vec::new();
            for (path, role) in [(self.path(), Role::Credentials), (self.state_path(), Role::State)] {
                match Part::read(&*self.system, path, role, &self.reading(), None) {
                    Err(error) if error.is_corrupt() => moved.push(self.set_aside(path, role, now)?),
                    Err(error) => return Err(error),
                    Ok(_) => {}
                }
            }
            Ok(moved)
        })
    }

    fn set_aside(&self, path: &Path, role: Role, now: Timestamp) -> Result<PathBuf> {
        let system = &*self.system;
        let target = super::target::resolve(system, path)?;
        let aside = self.free_name(&target, now)?;
        // Before the rename, so that the new name never has the old mode.
        system.make_private(&target).map_err(|error| io_error("the file cannot be made private", &target, error))?;
        let wait = self.settings.lock_wait;
        patience::rename(system, wait, || system.rename(&target, &aside))
            .map_err(|error| patience::error(system, "the file cannot be set aside", &target, error))?;
        system.sync_directory(split(&target).0).map_err(|error| {
            io_error("the file was set aside, but this may not survive a loss of power", &aside, error)
        })?;
        let is_link = system.stat_link(path).is_ok();
        if is_link {
            let empty = AuthProfiles::new();
            let text = match role {
                Role::Credentials => empty.to_json(),
                Role::State => empty.to_state_json(),
            };
            replace(system, &target, text.expose().as_bytes(), Sync::Full, Expected::Version(None), wait)?;
        }
        Ok(aside)
    }

    fn free_name(&self, target: &Path, now: Timestamp) -> Result<PathBuf> {
        let time = now.to_string().replace([':', '-'], "");
        for number in 0..NAMES {
            let (directory, name) = split(target);
            let mut name = OsString::from(name);
            name.push(format!(".corrupt-{time}"));
            if number > 0 {
                name.push(format!("-{number}"));
            }
            let path = directory.join(name);
            match self.system.stat_link(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(path),
                Err(error) => return Err(io_error("the new name cannot be examined", &path, error)),
                Ok(_) => {}
            }
        }
        Err(Error::new(ErrorKind::Io, "too many files were set aside at the same time").with_path(target))
    }
}
