//! A small command line for a state directory: its status, its keys and tokens, and their order.
//!
//! ```text
//! models [--state-dir DIR] [--config FILE] [--agent ID] COMMAND
//!
//! status [--json] [--check]                    shows what is used now, and what is wrong
//! auth list [--json]                           lists every profile
//! auth set-key --provider P                    stores an API key from standard input
//! auth paste-token --provider P                stores a token from standard input
//! auth order get|set|clear --provider P [ID]   shows, sets or clears the order of profiles
//! auth remove ID, auth clear-cooldown ID
//! config check                                 shows problems of the configuration
//! ```
//!
//! Secrets are read from standard input, never from the arguments, and are not echoed. `status --check` exits with 1 if
//! something is expired or missing and with 2 if something soon will be; every other failure exits with 1.

mod arguments;
mod output;
mod prompt;

use std::io::{IsTerminal as _, Read as _, stdin, stdout};
use std::process::ExitCode;

use provider_auth::error::Severity;
use provider_auth::setup::Saved;
use provider_auth::state_dir::AgentStore;
use provider_auth::status::StatusReport;
use provider_auth::{
    AuthProfileStore, AuthProfileStoreExt, Clock, Config, CredentialKind, Environment, Error, ErrorKind, ProfileId,
    ProfileSelector, ProviderId, ReadOptions, RecordOutcome, Result, StateDir, SystemClock, setup,
};

use arguments::{Auth, Command, ConfigCommand, Models, Order, Refused, Which};

fn main() -> ExitCode {
    let models = match arguments::read() {
        Ok(models) => models,
        Err(Refused::Help(help)) => return told_whether(output::text(&help).map(|()| 0)),
        Err(Refused::Usage(message)) => {
            format!("error: {message}").lines().for_each(output::remark);
            // clap exits with 2, which means "expiring" here.
            return ExitCode::FAILURE;
        }
    };
    told_whether(Session::open(&models).and_then(|session| session.run(&models.command)))
}

/// The exit code, after what went wrong has been said.
fn told_whether(outcome: Result<u8>) -> ExitCode {
    outcome.map_or_else(
        |error| {
            output::remark(&format!("error: {error}"));
            output::remark(&format!("help: {}", error.help()));
            ExitCode::FAILURE
        },
        ExitCode::from,
    )
}

/// What every command works on: a state directory, the variables, and one agent.
struct Session {
    state: StateDir,
    environment: Environment,
    agent: String,
}

impl Session {
    fn open(models: &Models) -> Result<Self> {
        let process = Environment::process();
        let mut state = match &models.state_dir {
            Some(path) => process.expand_home(path).map(StateDir::at),
            None => StateDir::find_in(&process),
        }
        .map_err(|error| error.with_help("Set HOME, or name a directory with --state-dir."))?;
        if let Some(path) = &models.config {
            state = state.with_config_path(process.expand_home(path)?);
        }
        let environment = state.environment().unwrap_or_else(|error| {
            // The program works without the file, but the keys in it would seem to be gone.
            output::remark(&format!("warning: {error}"));
            process
        });
        let agent = StateDir::agent_id(models.agent.as_deref().unwrap_or(&state.default_agent()))?;
        Ok(Self { state, environment, agent })
    }

    fn run(&self, command: &Command) -> Result<u8> {
        match command {
            Command::Status { json, check } => {
                let report = self.report()?;
                let color = stdout().is_terminal() && Environment::process().get("NO_COLOR").is_none();
                output::text(&match *json {
                    true => report.to_json(),
                    false if color => report.colored() + "\n",
                    false => format!("{report}\n"),
                })?;
                // Nothing can be changed before OpenClaw has imported the file.
                let is_stuck = self.store().is_ok_and(|store| matches!(store.unimported_file(), Ok(Some(_))));
                Ok(match *check {
                    true if is_stuck => 1,
                    true => report.check(),
                    false => 0,
                })
            }
            Command::Auth(command) => self.auth(command).map(|()| 0),
            Command::Config(ConfigCommand::Check) => self.check_config(),
        }
    }

    fn auth(&self, command: &Auth) -> Result<()> {
        match command {
            Auth::List { json } => {
                let report = self.report()?;
                let profiles: Vec<_> = report.profiles().collect();
                if *json {
                    return output::text(&(serde_json::to_string_pretty(&profiles).unwrap_or_default() + "\n"));
                }
                profiles.into_iter().try_for_each(|profile| {
                    output::line(&format!("{}  {}  {}", profile.label, profile.health, profile.verdict))
                })
            }
            Auth::SetKey { which, email } => {
                let (provider, id) = which.names(CredentialKind::ApiKey)?;
                let key = setup::api_key(&provider, &secret("API key", &provider, CredentialKind::ApiKey)?)?;
                let saved = setup::save_key(&self.store()?, &self.selector(), &id, &provider, &key, email.as_deref())?;
                self.told(&key.notes, &saved)
            }
            Auth::PasteToken { which, expires_in } => {
                let (provider, id) = which.names(CredentialKind::Token)?;
                let lifetime = expires_in.as_deref().map(setup::lifetime).transpose()?;
                let token = setup::token(&provider, &secret("token", &provider, CredentialKind::Token)?)?;
                let expires = lifetime.map(|lifetime| SystemClock.now() + lifetime);
                let saved = setup::save_token(&self.store()?, &self.selector(), &id, &provider, &token, expires)?;
                self.told(&token.notes, &saved)
            }
            Auth::Order(order) => self.order(order),
            Auth::Remove { id } => self.known_store()?.remove(&ProfileId::new(id)?),
            Auth::ClearCooldown { id } => {
                let selector = ProfileSelector::default();
                self.known_store()?.clear_cooldown(&selector, &ProfileId::new(id)?).map(drop)
            }
        }
    }

    fn order(&self, order: &Order) -> Result<()> {
        let store = self.known_store()?;
        let ids = match order {
            Order::Get { provider } => store.load()?.order(&ProviderId::new(provider)?).unwrap_or_default().to_vec(),
            Order::Set { provider, ids } => {
                let ids = ids.iter().map(ProfileId::new).collect::<Result<Vec<_>>>()?;
                store.set_order(&ProviderId::new(provider)?, &ids)?
            }
            Order::Clear { provider } => {
                store.clear_order(&ProviderId::new(provider)?)?;
                Vec::new()
            }
        };
        if !matches!(order, Order::Get { .. }) && store.order_is_shared()? {
            output::remark("note: this agent has no database of its own, so the order applies to every agent");
        }
        ids.iter().try_for_each(|id| output::line(&id.to_string()))
    }

    fn report(&self) -> Result<StatusReport> {
        self.known_store()?;
        self.state.status(&*self.agent, SystemClock.now())
    }

    fn check_config(&self) -> Result<u8> {
        let path = self.state.config_path();
        let (mut found, failed) = match self.read_config(false) {
            Ok(config) => {
                let agents = config.agent_ids().chain([self.agent.as_str(), "main"]);
                let stores = agents.map(|agent| self.state.store(agent).and_then(|store| store.load()));
                let stores =
                    stores.filter(|store| !matches!(store, Err(error) if error.kind() == ErrorKind::NoDatabase));
                // If one cannot be read, the lint gets no profiles at all.
                let stores: Vec<_> = stores.collect::<Result<_>>().unwrap_or_default();
                (config.lint(stores.iter().map(|profiles| &**profiles)), false)
            }
            Err(error) if error.diagnostics().is_empty() => return Err(error),
            Err(error) => (error.diagnostics().to_vec(), true),
        };
        found.sort_by_key(|diagnostic| (diagnostic.location.line, diagnostic.location.column));
        for diagnostic in &found {
            output::line(&diagnostic.to_string())?;
        }
        if found.is_empty() {
            return Ok(0);
        }
        let errors = found.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
        output::line(&format!("{}: {errors} errors, {} remarks", path.display(), found.len() - errors))?;
        Ok(u8::from(failed || errors > 0))
    }

    fn read_config(&self, lenient: bool) -> Result<Config> {
        self.state.config_with(&ReadOptions::new().lenient(lenient).environment(self.environment.clone()))
    }

    fn store(&self) -> Result<AgentStore> {
        self.state.store(&*self.agent)
    }

    /// Returns the store of an agent that exists: a misspelt one would look like one without credentials.
    fn known_store(&self) -> Result<AgentStore> {
        let store = self.store()?;
        if self.agent == "main" || self.state.path().join("agents").join(&self.agent).is_dir() {
            return Ok(store);
        }
        if self.read_config(true)?.agent_ids().any(|id| id == self.agent) {
            return Ok(store);
        }
        let message = format!("no agent {:?} is configured, and none has a directory of that name", self.agent);
        Err(Error::new(ErrorKind::NotFound, message))
    }

    /// Returns the selector of the configuration. One that cannot be read does not keep the user from storing a secret.
    fn selector(&self) -> ProfileSelector {
        self.read_config(true).map_or_else(|_| ProfileSelector::default(), |config| config.selector().clone())
    }

    /// Reports what was stored, and whether it will be used: the configuration or an order may leave it out.
    fn told(&self, notes: &[&str], saved: &Saved) -> Result<()> {
        for note in notes {
            output::remark(&format!("note: {note}"));
        }
        output::line(&format!("{} {}", if saved.replaced { "replaced" } else { "added" }, saved.profile))?;
        if let Some(found) = saved.diagnostic() {
            output::remark(&found.to_string());
        }
        if let Some(help) = saved.help() {
            output::remark(&format!("note: it is not used. {help}"));
            return Ok(());
        }
        let verdict = self.report().ok().and_then(|report| {
            report.profiles().find(|profile| profile.id == saved.profile).map(|profile| profile.verdict)
        });
        if let Some(verdict) = verdict.filter(|verdict| !verdict.is_ready()) {
            output::remark(&format!("note: it is not used: it {verdict}"));
        }
        Ok(())
    }
}

impl Which {
    fn names(&self, kind: CredentialKind) -> Result<(ProviderId, ProfileId)> {
        let provider = ProviderId::new(&self.provider)?;
        let id = setup::profile_id(&provider, self.profile.as_deref(), kind)?;
        Ok((provider, id))
    }
}

/// The longest input in bytes. No secret is as long; something else was redirected here by mistake.
const LONGEST: u64 = 1 << 16;

/// Reads a secret from standard input, after showing the provider's terms; without echo at a terminal.
fn secret(what: &str, provider: &ProviderId, kind: CredentialKind) -> Result<String> {
    output::remark(setup::terms(provider, kind).text);
    let refused =
        |source: std::io::Error| Error::new(ErrorKind::Io, "standard input cannot be read").with_source(source);
    if stdin().is_terminal() {
        return prompt::secret(&format!("{what} for {provider}: ")).map_err(refused);
    }
    let mut bytes = Vec::new();
    // One more than the limit, to tell a longer text from one that ends there.
    stdin().take(LONGEST + 1).read_to_end(&mut bytes).map_err(refused)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LONGEST {
        let message = format!("standard input has more than {LONGEST} bytes, which is too long for a {what}");
        return Err(Error::new(ErrorKind::InvalidSecret, message));
    }
    String::from_utf8(bytes).map_err(|_| refused(std::io::ErrorKind::InvalidData.into()))
}
