//! Where `models` looks: the state directory, the configuration, and the `.env` file with keys.

use std::path::{Path, PathBuf};

use provider_auth::{Environment, Error, ErrorKind, Result};

use crate::arguments::Models;
use crate::output;

/// The names the program had, newest first.
const NAMES: [&str; 3] = ["openclaw", "moltbot", "clawdbot"];

impl Models {
    /// The variables of the process, and those of the `.env` OpenClaw keeps some keys in.
    pub(crate) fn environment(&self) -> Result<Environment> {
        let path = self.state_directory()?.join(".env");
        Ok(Environment::process().with_dotenv(self.dotenv.get_or_init(|| dotenv(&path))))
    }

    pub(crate) fn config_path(&self) -> Result<PathBuf> {
        if let Some(path) = &self.config {
            return expanded(path);
        }
        let named = || variable("OPENCLAW_CONFIG_PATH").filter(|_| self.state_dir.is_none());
        if let Some(path) = named() {
            return expanded(path);
        }
        let state = self.state_directory()?;
        let mut paths = NAMES.iter().map(|name| state.join(format!("{name}.json")));
        Ok(paths.find(|path| path.exists()).unwrap_or_else(|| state.join("openclaw.json")))
    }

    pub(crate) fn state_directory(&self) -> Result<PathBuf> {
        let named = || ["OPENCLAW_STATE_DIR", "CLAWDBOT_STATE_DIR"].into_iter().find_map(variable).map(PathBuf::from);
        if let Some(directory) = self.state_dir.clone().or_else(named) {
            return expanded(directory);
        }
        let home = home().ok_or_else(homeless)?;
        let mut directories = NAMES.iter().map(|name| home.join(format!(".{name}")));
        Ok(directories.find(|directory| directory.is_dir()).unwrap_or_else(|| home.join(".openclaw")))
    }
}

/// The text of the file. The program works without it, but not in silence: the keys in it would seem to be gone.
#[allow(clippy::disallowed_methods, reason = "a file of OpenClaw, not one of this crate")]
fn dotenv(path: &Path) -> String {
    // A pipe would be waited for until somebody writes into it.
    let read = match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(std::io::Error::other("it is not a regular file")),
        Ok(_) => std::fs::read(path),
        Err(error) => Err(error),
    };
    match read {
        // A remark in another encoding is no reason to lose the keys.
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => {
            if error.kind() != std::io::ErrorKind::NotFound {
                output::remark(&format!("warning: {} is not read: {error}", path.display()));
            }
            String::new()
        }
    }
}

/// A variable that is not blank.
fn variable(name: &str) -> Option<String> {
    Environment::process().get(name).map(|value| value.expose().to_owned())
}

/// A path that may begin with `~` for the home directory, which no shell has seen.
fn expanded(path: impl Into<PathBuf>) -> Result<PathBuf> {
    let path = path.into();
    match path.strip_prefix("~") {
        Ok(below) => Ok(home().ok_or_else(homeless)?.join(below)),
        Err(_) => Ok(path),
    }
}

/// The home directory. A relative one would put keys wherever the program happens to be started.
pub(crate) fn home() -> Option<PathBuf> {
    variable("HOME").or_else(|| variable("USERPROFILE")).map(PathBuf::from).filter(|home| home.is_absolute())
}

fn homeless() -> Error {
    let message = "HOME is not an absolute path, so there is no home directory; name a directory with --state-dir";
    Error::new(ErrorKind::NotFound, message)
}
