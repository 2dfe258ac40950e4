//! The arguments of `models`. None of them is repeated in a message, because it may be a secret.

use std::path::PathBuf;

use clap::error::{ContextKind, ErrorKind};
use clap::{Args, Parser, Subcommand};

const STATE_DIR: &str = "The state directory [default: OPENCLAW_STATE_DIR, else .openclaw in the home directory]";
const CONFIG: &str = "The configuration [default: OPENCLAW_CONFIG_PATH, else openclaw.json in the state directory]";

const VARIABLES: &str = "\
Variables:
  OPENCLAW_STATE_DIR    the state directory without --state-dir; else CLAWDBOT_STATE_DIR, else the first of
                        .openclaw, .moltbot and .clawdbot that is in the home directory
  OPENCLAW_CONFIG_PATH  the configuration without --config and --state-dir
  OPENCLAW_HOME         the home directory, which ~ at the start of a path means; else HOME, else USERPROFILE
  NO_COLOR              if set, output has no colours

Secrets are read from standard input only. Keys of providers are also read from their own variables, such as
ANTHROPIC_API_KEY, and in the file .env of the state directory.";

#[derive(Parser)]
#[command(name = "models", about = "Credentials of OpenClaw's agents", after_help = VARIABLES)]
pub(crate) struct Models {
    #[arg(long, value_name = "DIR", global = true, help = STATE_DIR)]
    pub(crate) state_dir: Option<PathBuf>,
    #[arg(long, value_name = "FILE", global = true, help = CONFIG)]
    pub(crate) config: Option<PathBuf>,
    /// The agent [default: the configuration's default agent, else main]
    #[arg(long, value_name = "ID", global = true)]
    pub(crate) agent: Option<String>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
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
    /// Checks the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Subcommand)]
pub(crate) enum Auth {
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
        /// How long it lasts, such as 365d or 12h; a number alone means days
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
pub(crate) struct Which {
    /// The provider
    #[arg(long)]
    pub(crate) provider: String,
    /// The id of the profile, or a name from which it is made
    #[arg(long, alias = "profile-id")]
    pub(crate) profile: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum Order {
    /// Prints one id per line
    Get {
        #[arg(long)]
        provider: String,
    },
    /// Sets the order, the first to use first
    Set {
        #[arg(long)]
        provider: String,
        ids: Vec<String>,
    },
    /// Removes the order, so that the configuration's order or the last use decides
    Clear {
        #[arg(long)]
        provider: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum ConfigCommand {
    /// Reports what is wrong; exits with 1 if there are errors
    Check,
}

/// The prefixes of well-known secrets.
const SECRETS: [&str; 9] = ["sk-", "AIza", "ghp_", "gho_", "ghu_", "ghs_", "github_pat_", "gsk_", "xai-"];
/// The shortest secret in bytes. A profile may be called `xai-work`.
const SHORTEST: usize = 20;

/// Returns `true` if an argument contains a secret, also after `=`, in an id or in quotation marks.
fn holds_secret(argument: &str) -> bool {
    let is_secret = |part: &str, start: &str| part.starts_with(start) && (start == "sk-" || part.len() >= SHORTEST);
    argument.split(['=', ':', '"', '\'', ' ']).any(|part| SECRETS.iter().any(|start| is_secret(part, start)))
}

/// The reason why there are no arguments.
pub(crate) enum Refused {
    /// The user asked for help.
    Help(String),
    /// The arguments are invalid.
    Usage(String),
}

/// Reads the arguments, unless there is a secret among them: every user of the machine sees arguments.
pub(crate) fn read() -> Result<Models, Refused> {
    // Arguments that are not Unicode may contain a secret in their readable part.
    if std::env::args_os().any(|argument| holds_secret(&argument.to_string_lossy())) {
        let message = "a secret is in the arguments, where others can see it; replace it at the provider";
        return Err(Refused::Usage(message.to_owned()));
    }
    Models::try_parse().map_err(|error| refused(&error))
}

/// Describes the error without the arguments themselves, which may be a secret of an unknown form.
fn refused(error: &clap::Error) -> Refused {
    if !error.use_stderr() {
        return Refused::Help(error.render().to_string());
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Refused::Usage(format!("a command is missing\n\n{}", error.render()));
    }
    let mut message = error.kind().to_string();
    // A missing argument is named by the program, not by the user.
    if let (ErrorKind::MissingRequiredArgument, Some(names)) = (error.kind(), error.get(ContextKind::InvalidArg)) {
        message = format!("{message}: {names}");
    }
    if let Some(usage) = error.get(ContextKind::Usage) {
        message = format!("{message}\n\n{usage}");
    }
    Refused::Usage(message)
}
