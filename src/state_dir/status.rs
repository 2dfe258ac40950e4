//! The status of an agent in one call.

use super::{Leftover, StateDir};
use crate::clock::Timestamp;
use crate::config::ReadOptions;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::{Diagnostic, DiagnosticCode, Location, Result, Severity};
use crate::status::StatusReport;
use crate::store::AuthProfileStore as _;

impl StateDir {
    /// Reports which credentials an agent has, which of them would be used now, and what is wrong: everything that a
    /// command `status` prints.
    ///
    /// `None` is the [default agent](Self::default_agent). The configuration is read leniently, so its problems are
    /// diagnostics of the report, and so is a `.env` that cannot be read. References to secrets are resolved as by
    /// [`references`](Self::references), and [leftovers](Self::leftovers) are diagnostics too. Nothing is written. To
    /// show the headroom that a running `Rotator` knows, set [`headroom`](StatusReport::headroom) of the report.
    ///
    /// # Errors
    ///
    /// Those of [`Config::from_path`](crate::Config::from_path) for a configuration that cannot be read even leniently,
    /// those of [`store`](Self::store), and those of [`load`](crate::AuthProfileStore::load), such as
    /// [`Corrupt`](ErrorKind::Corrupt).
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{Clock, Environment, StateDir, SystemClock};
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let agent = directory.path().join("agents/main/agent");
    /// # std::fs::create_dir_all(&agent)?;
    /// # std::fs::write(agent.join("auth-profiles.json"), r#"{"version": 1, "profiles": {
    /// #     "anthropic:work": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-made-up-key-of-mine"}}}"#)?;
    /// let state = StateDir::at(directory.path()).with_environment(Environment::empty());
    /// let report = state.status(None, SystemClock.now())?;
    /// println!("{report}");
    /// assert!(report.to_string().contains("anthropic:work=sk-a...mine"));
    /// assert_eq!(report.check(), 0); // the exit code for scripts
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn status<'a>(&self, agent: impl Into<Option<&'a str>>, now: Timestamp) -> Result<StatusReport> {
        let agent = self.agent(agent.into())?.id;
        let store = self.store(&*agent)?;
        let (environment, unread) = match self.environment() {
            Ok(environment) => (environment, None),
            Err(_) => (self.environment.clone(), Some(self.unread())),
        };
        let config = self.config_with(&ReadOptions::new().lenient(true).environment(environment))?;
        let profiles = store.load()?;
        let references = self.references().resolve(&profiles, &config, now);
        let config = config.with_references(references);
        let leftovers = self.leftovers(&*agent, &profiles);
        let mut report = StatusReport::builder(&config, &profiles)
            .config_path(self.config_path())
            .store_path(store.path())
            .agent_dir(store.agent_dir())
            .diagnostics(unread.into_iter().chain(leftovers.iter().map(Leftover::diagnostic)));
        if let Some((path, ids)) = store.shared_profiles()? {
            report = report.shared_store(path, ids);
        }
        if let Some(home) = self.environment.home() {
            report = report.home(home);
        }
        Ok(report.agent(agent).build(now))
    }

    /// Returns the diagnostic for a `.env` that cannot be read.
    fn unread(&self) -> Diagnostic {
        let place = Location::default().with_path(self.path.join(".env"));
        let message = "the variables in this file are missing, because it cannot be read";
        Diagnostic::new(Severity::Warning, DiagnosticCode::UnreadableFile, place, message)
            .with_help("make it a file of at most 1 MiB that you may read, or remove it")
    }
}
