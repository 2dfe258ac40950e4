//! Finding a state directory, and the configuration file in it.

use std::path::PathBuf;

use super::StateDir;
use crate::env::{Environment, homeless};
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;

/// The names that OpenClaw has had, newest first.
const NAMES: [&str; 3] = ["openclaw", "moltbot", "clawdbot"];

impl StateDir {
    /// Finds the directory that OpenClaw uses with these variables: `OPENCLAW_STATE_DIR`, else `CLAWDBOT_STATE_DIR`,
    /// else the first existing one of `.openclaw`, `.moltbot` and `.clawdbot` in the home directory, else `.openclaw`
    /// there. It need not exist. `OPENCLAW_CONFIG_PATH` sets the configuration file, which need not exist either.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if the home directory is needed and there is none.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{Environment, StateDir};
    ///
    /// let environment = Environment::from_fn(|name| (name == "OPENCLAW_STATE_DIR").then(|| "/srv/claw".to_owned()));
    /// let state = StateDir::find_in(&environment)?;
    /// assert_eq!(state.path(), std::path::Path::new("/srv/claw"));
    /// assert_eq!(state.config_path(), std::path::Path::new("/srv/claw/openclaw.json"));
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    pub fn find_in(environment: &Environment) -> Result<Self> {
        let named = |name| environment.get(name).map(|path| environment.expand_home(path.expose()));
        let in_home = || {
            let home = environment.home().ok_or_else(homeless)?;
            let mut directories = NAMES.iter().map(|name| home.join(format!(".{name}")));
            Ok(directories.find(|directory| directory.is_dir()).unwrap_or_else(|| home.join(".openclaw")))
        };
        let path = ["OPENCLAW_STATE_DIR", "CLAWDBOT_STATE_DIR"].into_iter().find_map(named).unwrap_or_else(in_home)?;
        let config_path = named("OPENCLAW_CONFIG_PATH").transpose()?;
        Ok(Self { path, config_path, is_config_required: false, environment: environment.clone() })
    }

    /// Returns the path of the configuration file, whether it exists or not: the one that was set, else the first
    /// existing one of `openclaw.json`, `moltbot.json` and `clawdbot.json` in the directory, else `openclaw.json`
    /// there.
    #[must_use]
    pub fn config_path(&self) -> PathBuf {
        if let Some(path) = &self.config_path {
            return path.clone();
        }
        let mut paths = NAMES.iter().map(|name| self.path.join(format!("{name}.json")));
        paths.find(|path| path.exists()).unwrap_or_else(|| self.path.join("openclaw.json"))
    }
}
