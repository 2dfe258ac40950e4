//! OpenClaw's state directory, whichever release wrote it.
//!
//! [`StateDir`] finds the directory, its configuration and the variables in its `.env`, and opens the store of an
//! agent's credentials: `auth-profiles.json`, which OpenClaw used until May 2026, or the databases it uses since
//! (feature `sqlite`). [`StateDir::status`] reports everything that was found. No file is created that OpenClaw
//! would trip over. [`StoreLayout`] reports what it found, and [`Leftover`] a file with profiles that no store has.

mod agent_store;
mod archives;
mod database;
mod find;
mod leftover;
mod open;
mod read;
mod status;

use std::path::{Path, PathBuf};

pub use agent_store::AgentStore;
pub use leftover::{Leftover, LeftoverKind};
pub use open::StoreLayout;

use crate::config::{Config, ReadOptions};
use crate::env::Environment;
use crate::error::{ErrorKind, Result};
use crate::references::ReferenceResolver;
use crate::store::shared_database;

/// The directory in which OpenClaw keeps its configuration and the credentials of its agents.
///
/// Nothing is read in advance or cached: every method looks at the current files. Only the [`store`](Self::store)
/// writes credentials.
///
/// # Examples
///
/// ```
/// use provider_auth::{AuthProfileStore, Environment, StateDir};
/// use provider_auth::state_dir::StoreLayout;
///
/// let directory = tempfile::tempdir()?;
/// let state = StateDir::at(directory.path()).with_environment(Environment::empty());
///
/// // A file that is not there is an empty configuration, and the store of a new directory is an empty file store.
/// assert!(state.config()?.diagnostics().is_empty());
/// assert!(state.store("main")?.load()?.is_empty());
/// assert_eq!(state.layout("main")?, StoreLayout::Nothing);
///
/// // Where OpenClaw has databases, this is the store on them; a program without SQLite says so.
/// std::fs::create_dir(directory.path().join("state"))?;
/// std::fs::write(directory.path().join("state/openclaw.sqlite"), "")?;
/// assert_eq!(state.layout("main")?, StoreLayout::Sqlite);
/// # #[cfg(not(feature = "sqlite"))]
/// assert!(state.store("main").unwrap_err().help().contains("built without SQLite"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct StateDir {
    path: PathBuf,
    config_path: Option<PathBuf>,
    /// `true` if the caller set the configuration file, which must then exist.
    is_config_required: bool,
    environment: Environment,
}

impl StateDir {
    /// Creates a state directory at this path, whether it exists or not, with the environment of this process.
    ///
    /// A leading `~` is not expanded; use [`Environment::expand_home`] for that.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), config_path: None, is_config_required: false, environment: Environment::process() }
    }

    /// Sets the variables that the configuration is read with; they take precedence over those in the directory's
    /// `.env`. Default: those of this process.
    #[must_use]
    pub fn with_environment(self, environment: Environment) -> Self {
        Self { environment, ..self }
    }

    /// Sets the path of the configuration file, which must exist. Default: [`config_path`](Self::config_path).
    #[must_use]
    pub fn with_config_path(self, path: impl Into<PathBuf>) -> Self {
        Self { config_path: Some(path.into()), is_config_required: true, ..self }
    }

    /// Returns the path of the directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the variables, with those in the directory's `.env`, where OpenClaw keeps some keys. A missing `.env` is
    /// empty.
    ///
    /// # Errors
    ///
    /// [`NotAFile`](ErrorKind::NotAFile), [`PermissionDenied`](ErrorKind::PermissionDenied),
    /// [`TooLarge`](ErrorKind::TooLarge) beyond 1 MiB, [`Io`](ErrorKind::Io).
    pub fn environment(&self) -> Result<Environment> {
        match read::bytes(&self.path.join(".env"), read::LARGEST) {
            // A comment in another encoding is no reason to lose the keys.
            Ok(bytes) => Ok(self.environment.clone().with_dotenv(&String::from_utf8_lossy(&bytes))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(self.environment.clone()),
            Err(error) => Err(error),
        }
    }

    /// Reads the configuration strictly, with the variables of [`environment`](Self::environment).
    ///
    /// A missing file is an empty configuration, unless [`with_config_path`](Self::with_config_path) set it.
    ///
    /// # Errors
    ///
    /// Those of [`environment`](Self::environment) and of [`Config::from_path`].
    pub fn config(&self) -> Result<Config> {
        self.config_with(&ReadOptions::new().environment(self.environment()?))
    }

    /// Reads the configuration with these options, whose variables replace those of [`environment`](Self::environment).
    /// If the configuration does not name its release and there is a database, the release is 2026.9.6.
    ///
    /// # Errors
    ///
    /// Those of [`Config::from_path`].
    pub fn config_with(&self, options: &ReadOptions) -> Result<Config> {
        let has_database = shared_database(&self.path).is_file();
        let options = if has_database { &options.clone().release("2026.9.6") } else { options };
        match Config::from_path(self.config_path(), options) {
            Err(error) if error.kind() == ErrorKind::NotFound && !self.is_config_required => {
                Config::from_json5_str("{}", options)
            }
            outcome => outcome,
        }
    }

    /// Creates a resolver for the references of profiles and the configuration: to variables, and to the table of
    /// secrets in the directory's database (feature `sqlite`). Keep it, because it caches the results.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{AuthProfileStore, Clock, Environment, StateDir, SystemClock};
    ///
    /// let directory = tempfile::tempdir()?;
    /// let state = StateDir::at(directory.path()).with_environment(Environment::empty());
    /// let (config, profiles) = (state.config()?, state.store("main")?.load()?);
    /// let references = state.references().resolve(&profiles, &config, SystemClock.now());
    /// assert!(config.with_references(references).diagnostics().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn references(&self) -> ReferenceResolver {
        ReferenceResolver::new().with_state_directory(&self.path)
    }

    /// Returns the agent that is used if none is named: [`Config::default_agent`], or `main` if the configuration
    /// cannot be read.
    #[must_use]
    pub fn default_agent(&self) -> String {
        self.tolerant_config().default_agent().to_owned()
    }

    /// Reads as much of the configuration as possible: an agent's credentials can be found whatever else is wrong.
    fn tolerant_config(&self) -> Config {
        let environment = self.environment().unwrap_or_else(|_| self.environment.clone());
        self.config_with(&ReadOptions::new().lenient(true).environment(environment)).unwrap_or_default()
    }
}
