//! A small command line over a directory of OpenClaw: what is set up, keys and tokens, their order.
//!
//! ```text
//! models [--state-dir DIR] [--config FILE] [--agent ID] COMMAND
//!
//! status [--json] [--check]                    what is used now, and what is wrong
//! auth list [--json]                           every profile
//! auth set-key --provider P                    an API key, from standard input
//! auth paste-token --provider P                a token, from standard input
//! auth order get|set|clear --provider P [ID]   the order of profiles
//! auth remove ID, auth clear-cooldown ID
//! config check                                 what is wrong with the configuration
//! ```
//!
//! Secrets come from standard input, never from the arguments, and are not echoed. `status --check` exits with 1 if
//! something is expired or missing and with 2 if something soon will be; every other failure exits with 1.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line prints")]

mod prompt;

use std::io::{IsTerminal as _, Read as _, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use provider_auth::{
    AuthProfileStore, Clock, Config, CredentialKind, Environment, Error, ErrorKind, FileStore, ProfileId, ProviderId,
    ReadOptions, Result, Severity, StatusReport, SystemClock, process_env, setup,
};

/// The names the program had, newest first.
const NAMES: [&str; 3] = ["openclaw", "moltbot", "clawdbot"];

#[derive(Parser)]
#[command(name = "models", about = "Credentials of OpenClaw's agents")]
struct Models {
    /// The state directory; without it the variables of the reference name it, else it is in the home directory
    #[arg(long, value_name = "DIR", global = true)]
    state_dir: Option<PathBuf>,
    /// The configuration [default: openclaw.json in the state directory]
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// The agent
    #[arg(long, value_name = "ID", default_value = "main", global = true)]
    agent: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Shows what is used now, and what is wrong
    Status {
        /// Prints JSON
        #[arg(long)]
        json: bool,
        /// Exits with 1 if something is expired or missing, with 2 if something soon will be
        #[arg(long)]
        check: bool,
    },
    /// Manages profiles
    #[command(subcommand)]
    Auth(Auth),
    /// Looks after the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Subcommand)]
enum Auth {
    /// Lists every profile
    List {
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Stores an API key from standard input
    SetKey {
        #[command(flatten)]
        which: Which,
        /// The account's address, for display
        #[arg(long)]
        email: Option<String>,
    },
    /// Stores a token from standard input
    PasteToken {
        #[command(flatten)]
        which: Which,
        /// How long it lasts, such as 365d or 12h
        #[arg(long, value_name = "TIME")]
        expires_in: Option<String>,
    },
    /// Shows, sets or clears the order of a provider's profiles
    #[command(subcommand)]
    Order(Order),
    /// Removes a profile and every mention of it
    Remove { id: String },
    /// Ends the cooldowns of a profile
    ClearCooldown { id: String },
}

#[derive(Args)]
struct Which {
    /// The provider
    #[arg(long)]
    provider: String,
    /// The profile's id, or a name for it
    #[arg(long, alias = "profile-id")]
    profile: Option<String>,
}

#[derive(Subcommand)]
enum Order {
    /// Prints one id a line
    Get {
        #[arg(long)]
        provider: String,
    },
    /// Sets the order, first to use first
    Set {
        #[arg(long)]
        provider: String,
        ids: Vec<String>,
    },
    /// Leaves the order to the configuration and to use
    Clear {
        #[arg(long)]
        provider: String,
    },
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Reports what is wrong; exits with 1 if there are errors
    Check,
}

fn main() -> ExitCode {
    // Arguments are seen by every user of the machine, and clap would repeat one it does not know.
    if std::env::args().any(|argument| argument.starts_with("sk-")) {
        eprintln!("error: a secret stands in the arguments, where others can see it; replace it at the provider");
        return ExitCode::FAILURE;
    }
    let models = match Models::try_parse() {
        // As the reference does, which knows its agents in lower case only.
        Ok(models) => Models { agent: models.agent.to_lowercase(), ..models },
        Err(error) => {
            let failed = error.use_stderr();
            let _ = error.print();
            // Clap's own code is 2, which would read as "expiring".
            return ExitCode::from(u8::from(failed));
        }
    };
    match models.run() {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error}");
            eprintln!("help: {}", error.help());
            ExitCode::FAILURE
        }
    }
}

impl Models {
    fn run(&self) -> Result<u8> {
        match &self.command {
            Command::Status { json, check } => {
                let report = self.report()?;
                let color = stdout().is_terminal() && process_env("NO_COLOR").is_none();
                print!("{}", if *json { report.to_json() } else { report.to_text(color) });
                Ok(if *check { report.check() } else { 0 })
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
                    println!("{}", serde_json::to_string_pretty(&profiles).unwrap_or_default());
                } else {
                    for profile in profiles {
                        println!("{}  {}  {}", profile.label, profile.health, profile.verdict);
                    }
                }
                Ok(())
            }
            Auth::SetKey { which, email } => {
                let (provider, id) = which.names(CredentialKind::ApiKey)?;
                let key = setup::api_key(&provider, &secret("API key", &provider, CredentialKind::ApiKey)?)?;
                let replaced = setup::save_key(&self.store()?, &id, &provider, &key, email.as_deref())?;
                self.told(&key.notes, replaced, &id);
                Ok(())
            }
            Auth::PasteToken { which, expires_in } => {
                let (provider, id) = which.names(CredentialKind::Token)?;
                let lifetime = expires_in.as_deref().map(setup::lifetime).transpose()?;
                let token = setup::token(&provider, &secret("token", &provider, CredentialKind::Token)?)?;
                let expires = lifetime.map(|lifetime| SystemClock.now() + lifetime);
                let replaced = setup::save_token(&self.store()?, &id, &provider, &token, expires)?;
                self.told(&token.notes, replaced, &id);
                Ok(())
            }
            Auth::Order(order) => self.order(order),
            Auth::Remove { id } => setup::remove(&self.known_store()?, &ProfileId::new(id)?),
            Auth::ClearCooldown { id } => setup::clear_cooldown(&self.known_store()?, &ProfileId::new(id)?).map(drop),
        }
    }

    fn order(&self, order: &Order) -> Result<()> {
        let store = self.known_store()?;
        let ids = match order {
            Order::Get { provider } => setup::order(&store, &ProviderId::new(provider)?)?.unwrap_or_default(),
            Order::Set { provider, ids } => {
                let ids = ids.iter().map(|id| ProfileId::new(id)).collect::<Result<Vec<_>>>()?;
                setup::set_order(&store, &ProviderId::new(provider)?, &ids)?
            }
            Order::Clear { provider } => {
                setup::clear_order(&store, &ProviderId::new(provider)?)?;
                Vec::new()
            }
        };
        for id in ids {
            println!("{id}");
        }
        Ok(())
    }

    fn report(&self) -> Result<StatusReport> {
        let (store, path) = (self.known_store()?, self.config_path());
        let config = self.read_config(&path, true)?;
        let profiles = store.load()?;
        let mut report = StatusReport::builder(&config, &profiles).agent(&self.agent).config_path(path);
        report = report.store_path(store.path()).agent_dir(store.path().parent().unwrap_or(Path::new("")));
        if let Some(home) = home() {
            report = report.home(home);
        }
        Ok(report.build(SystemClock.now()))
    }

    fn check_config(&self) -> Result<u8> {
        let path = self.config_path();
        let (mut found, failed) = match self.read_config(&path, false) {
            Ok(config) => (config.lint(self.store()?.load().ok().as_deref()), false),
            Err(error) if error.diagnostics().is_empty() => return Err(error),
            Err(error) => (error.diagnostics().to_vec(), true),
        };
        found.sort_by_key(|diagnostic| (diagnostic.location.line, diagnostic.location.column));
        for diagnostic in &found {
            println!("{diagnostic}");
        }
        let errors = found.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
        println!("{}: {errors} errors, {} remarks", path.display(), found.len() - errors);
        Ok(u8::from(failed || errors > 0))
    }

    /// The configuration; none at all is fine, unless it was asked for by name.
    fn read_config(&self, path: &Path, lenient: bool) -> Result<Config> {
        let options = ReadOptions::new().lenient(lenient).environment(self.environment());
        match Config::from_path(path, &options) {
            Err(error) if error.kind() == ErrorKind::NotFound && self.config.is_none() => {
                Config::from_json5_str("{}", &options)
            }
            outcome => outcome,
        }
    }

    /// The variables of the process, and those of the `.env` the reference keeps some keys in.
    #[allow(clippy::disallowed_methods, reason = "a file of the reference, not one of this crate")]
    fn environment(&self) -> Environment {
        let text = std::fs::read_to_string(self.state_directory().join(".env"));
        Environment::process().with_dotenv(&text.unwrap_or_default())
    }

    fn config_path(&self) -> PathBuf {
        let state = self.state_directory();
        let paths = || NAMES.iter().map(|name| state.join(format!("{name}.json")));
        let first = || paths().find(|path| path.exists()).unwrap_or_else(|| state.join("openclaw.json"));
        let named = || self.state_dir.is_none().then(|| variable("OPENCLAW_CONFIG_PATH")).flatten().map(expanded);
        self.config.clone().or_else(named).unwrap_or_else(first)
    }

    fn state_directory(&self) -> PathBuf {
        let named = || ["OPENCLAW_STATE_DIR", "CLAWDBOT_STATE_DIR"].into_iter().find_map(variable);
        if let Some(directory) = self.state_dir.clone().map(expanded).or_else(|| named().map(expanded)) {
            return directory;
        }
        let home = home().unwrap_or_default();
        let directories = || NAMES.iter().map(|name| home.join(format!(".{name}")));
        directories().find(|directory| directory.is_dir()).unwrap_or_else(|| home.join(".openclaw"))
    }

    fn store(&self) -> Result<FileStore> {
        FileStore::builder().agent(self.state_directory(), &self.agent).build()
    }

    /// The store of an agent that is there already: a misspelt one would look like one without credentials.
    fn known_store(&self) -> Result<FileStore> {
        let store = self.store()?;
        if self.agent == "main" || self.state_directory().join("agents").join(&self.agent).is_dir() {
            return Ok(store);
        }
        let config = self.read_config(&self.config_path(), true)?;
        if config.agent_ids().any(|id| id == self.agent) {
            return Ok(store);
        }
        let message = format!("no agent {:?} is configured, and none has a directory of that name", self.agent);
        Err(Error::new(ErrorKind::NotFound, message))
    }

    /// Says what became of a secret, and whether it will be used: the configuration or an order may leave it out.
    fn told(&self, notes: &[&str], replaced: bool, id: &ProfileId) {
        for note in notes {
            eprintln!("note: {note}");
        }
        println!("{} {id}", if replaced { "replaced" } else { "added" });
        let verdict = self.report().ok().and_then(|report| report.profiles().find(|p| p.id == *id).map(|p| p.verdict));
        if let Some(verdict) = verdict.filter(|verdict| !verdict.is_ready()) {
            eprintln!("note: as things stand it is not used: {verdict}; `config check` and `auth order get` say more");
        }
    }
}

impl Which {
    fn names(&self, kind: CredentialKind) -> Result<(ProviderId, ProfileId)> {
        let provider = ProviderId::new(&self.provider)?;
        let id = setup::profile_id(&provider, self.profile.as_deref(), kind)?;
        Ok((provider, id))
    }
}

/// A secret from standard input, after what the provider's terms say; typed without echo at a terminal.
fn secret(what: &str, provider: &ProviderId, kind: CredentialKind) -> Result<String> {
    eprintln!("{}", setup::terms(provider, kind));
    let refused = |source| Error::new(ErrorKind::Io, "standard input cannot be read").with_source(source);
    if stdin().is_terminal() {
        return prompt::secret(&format!("{what} for {provider}: ")).map_err(refused);
    }
    let mut text = String::new();
    // No secret is as long as this; something else was redirected here by mistake.
    stdin().take(1 << 16).read_to_string(&mut text).map_err(refused)?;
    Ok(text)
}

/// A variable that is not blank.
fn variable(name: &str) -> Option<String> {
    process_env(name).filter(|value| !value.trim().is_empty())
}

/// A path that may begin with `~` for the home directory, which no shell has seen.
fn expanded(path: impl Into<PathBuf>) -> PathBuf {
    let path = path.into();
    match (path.strip_prefix("~"), home()) {
        (Ok(below), Some(home)) => home.join(below),
        _ => path,
    }
}

fn home() -> Option<PathBuf> {
    variable("HOME").or_else(|| variable("USERPROFILE")).map(PathBuf::from)
}
