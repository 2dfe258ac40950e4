//! Environment variables and the provider credentials that they hold.

mod dotenv;
mod key_family;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;

use crate::credential::{Credential, CredentialSource, EnvOrigin, InlineCredential, Received};
use crate::error::{Error, ErrorKind, Result};
use crate::id::ProviderId;
use crate::secret::{Secret, is_blank_char};

/// Reads one variable of the process environment. `None` if it is unset or not Unicode.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the process environment")]
fn process_env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A function in place of the process environment.
type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// A source of environment variables: the process environment or a stand-in for it, then an `.env` file if there is
/// one, then the `env` block of a configuration.
///
/// `Debug` shows the names of variables in the file and in the block, never a value.
///
/// # Examples
///
/// ```
/// use provider_auth::{CredentialKind, Environment, ProviderId};
///
/// let environment = Environment::from_fn(|name| (name == "ANTHROPIC_API_KEY").then(|| " sk-ant-example \n".to_owned()));
/// let found = environment.credential(&ProviderId::anthropic()).unwrap();
/// assert_eq!(found.credential.secret().expose(), "sk-ant-example");
/// assert_eq!(found.credential.kind(), CredentialKind::ApiKey);
/// assert_eq!(found.source.to_string(), "the environment variable ANTHROPIC_API_KEY");
/// ```
#[derive(Clone)]
pub struct Environment {
    lookup: Arc<Lookup>,
    file: Arc<IndexMap<Box<str>, Secret>>,
    block: Arc<IndexMap<Box<str>, Secret>>,
    /// Variables that the release of a configuration does not read as credentials.
    unread: &'static [&'static str],
}

impl Environment {
    /// Creates a source that reads the environment of this process at each lookup.
    #[must_use]
    pub fn process() -> Self {
        Self::from_fn(process_env)
    }

    /// Creates a source without variables.
    #[must_use]
    pub fn empty() -> Self {
        Self::from_fn(|_| None)
    }

    /// Creates a source that looks variables up with a function, in place of the process environment.
    #[must_use]
    pub fn from_fn(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { lookup: Arc::new(lookup), file: Arc::default(), block: Arc::default(), unread: &[] }
    }

    /// Adds the variables in the text of an `.env` file, which the process environment overrides. OpenClaw keeps some
    /// keys in the `.env` of its state directory, for example OpenAI's.
    ///
    /// Each line is `NAME=value` or `export NAME=value`, with `#` for comments and optional quotation marks around the
    /// value. The caller reads the file, and nothing is exported to the process.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::Environment;
    /// use provider_auth::credential::EnvOrigin;
    ///
    /// let environment = Environment::empty().with_dotenv("# keys\nOPENAI_API_KEY='sk-example'\n");
    /// assert_eq!(environment.get("OPENAI_API_KEY").unwrap().expose(), "sk-example");
    /// assert_eq!(environment.origin("OPENAI_API_KEY"), Some(EnvOrigin::File));
    /// ```
    #[must_use]
    pub fn with_dotenv(self, text: &str) -> Self {
        Self { file: Arc::new(dotenv::variables(text)), ..self }
    }

    /// Returns the home directory: `OPENCLAW_HOME`, with a leading `~` for the system's one, otherwise `HOME`,
    /// otherwise `USERPROFILE`. `None` for a relative path, because files would depend on where the program was
    /// started.
    ///
    /// On Windows the system's home directory is the first absolute path of `HOME`, `USERPROFILE`, and `HOMEDRIVE`
    /// followed by `HOMEPATH`, because shells such as Git's set a `HOME` that is not a Windows path.
    #[must_use]
    pub fn home(&self) -> Option<PathBuf> {
        let Some(named) = self.get("OPENCLAW_HOME") else { return self.system_home() };
        let named = Path::new(named.expose().trim_matches(is_blank_char));
        let home = match named.strip_prefix("~") {
            Ok(below) => below_home(self.system_home()?, below),
            Err(_) => named.to_owned(),
        };
        home.is_absolute().then_some(home)
    }

    fn system_home(&self) -> Option<PathBuf> {
        let path = |value: Secret| PathBuf::from(value.expose());
        let mut named = ["HOME", "USERPROFILE"].into_iter().filter_map(|name| self.get(name)).map(path);
        if !cfg!(windows) {
            return named.next().filter(|home| home.is_absolute());
        }
        let divided = || Some(self.get("HOMEDRIVE")?.expose().to_owned() + self.get("HOMEPATH")?.expose());
        named.find(|home| home.is_absolute()).or_else(|| divided().map(PathBuf::from).filter(|home| home.is_absolute()))
    }

    /// Replaces a leading `~` of a path by the home directory, for paths that no shell has expanded. The `~` must be
    /// followed by a path separator: on Windows `~\` as well as `~/`.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if there is no home directory.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::path::Path;
    /// use provider_auth::Environment;
    ///
    /// let environment = Environment::from_fn(|name| (name == "HOME").then(|| "/home/me".to_owned()));
    /// assert_eq!(environment.expand_home("~/.openclaw")?, Path::new("/home/me/.openclaw"));
    /// assert_eq!(environment.expand_home("~you")?, Path::new("~you"));
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    pub fn expand_home(&self, path: impl AsRef<Path>) -> Result<PathBuf> {
        let path = path.as_ref();
        match path.strip_prefix("~") {
            Ok(below) => Ok(below_home(self.home().ok_or_else(homeless)?, below)),
            Err(_) => Ok(path.to_owned()),
        }
    }

    /// Replaces the `env` block by that of another configuration.
    pub(crate) fn over(&self, block: IndexMap<Box<str>, Secret>) -> Self {
        Self { block: Arc::new(block), ..self.clone() }
    }

    /// Excludes these variables from the credentials of providers. Their values can still be looked up.
    pub(crate) fn without(self, unread: &'static [&'static str]) -> Self {
        Self { unread, ..self }
    }

    /// Returns the value of a variable, with its white space.
    ///
    /// The process environment comes first, then the `.env` file, then the `env` block. A blank value counts as unset
    /// in each.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Secret> {
        self.find(name).map(|(secret, _)| secret)
    }

    /// Returns the origin of a variable, or `None` if it is unset.
    #[must_use]
    pub fn origin(&self, name: &str) -> Option<EnvOrigin> {
        self.find(name).map(|(_, origin)| origin)
    }

    fn find(&self, name: &str) -> Option<(Secret, EnvOrigin)> {
        let present = |text: &str| !text.chars().all(is_blank_char);
        if let Some(value) = (self.lookup)(name).filter(|value| present(value)) {
            return Some((Secret::new(value), EnvOrigin::Process));
        }
        let layers = [(&self.file, EnvOrigin::File), (&self.block, EnvOrigin::ConfigBlock)];
        layers.into_iter().find_map(|(layer, origin)| {
            let secret = layer.get(name).filter(|secret| present(secret.expose()))?;
            Some((secret.clone(), origin))
        })
    }

    /// Returns the provider's credential: the first of [its variables](crate::providers::Provider::variables) that is
    /// set, [cleaned](Secret::cleaned).
    ///
    /// The environment of a [`Config`](crate::Config) leaves out variables that the release of the file does not read:
    /// `GOOGLE_API_KEY` and `GOOGLE_CLOUD_API_KEY` before August 2026, `GH_TOKEN` and `GITHUB_TOKEN` since.
    ///
    /// The credential is a token if the variable's name contains `OAUTH_TOKEN` or the value has the prefix of a token,
    /// otherwise an API key. A variable whose value cannot be a secret, such as `your_api_key_here`, counts as unset;
    /// see [`Implausible`](crate::credential::Implausible).
    #[must_use]
    pub fn credential(&self, provider: &ProviderId) -> Option<InlineCredential> {
        // It is not known here whether requests go to a gateway, so keys that one might take are accepted.
        let plausible = |received: &Received| received.doubt.and_then(|doubt| doubt.at(true)).is_none();
        self.received(provider).find(|(_, received)| plausible(received)).map(|(found, _)| found)
    }

    /// Returns every variable of the provider that is set, also those whose value cannot be a secret.
    pub(crate) fn received(&self, provider: &ProviderId) -> impl Iterator<Item = (InlineCredential, Received)> {
        let variables = provider.known().map_or(&[][..], |known| known.variables());
        variables.iter().filter(|variable| !self.unread.contains(variable)).filter_map(|variable| {
            let (text, origin) = self.find(variable)?;
            let received = Received::new(provider.as_str(), text.expose());
            // A pair of quotation marks around nothing counts as unset.
            let secret = Some(received.secret.clone()).filter(|secret| !secret.is_empty())?;
            let credential = if variable.contains("OAUTH_TOKEN") {
                Credential::token(secret, None)
            } else {
                Credential::api_key(secret)
            };
            let source = CredentialSource::Environment { variable, origin };
            Some((InlineCredential::new(credential, source), received))
        })
    }
}

/// Joins a path to the home directory piece by piece, so that it has the system's separators.
fn below_home(home: PathBuf, below: &Path) -> PathBuf {
    below.components().fold(home, |path, name| path.join(name))
}

/// Creates the error for a path in the home directory if there is none.
pub(crate) fn homeless() -> Error {
    let (message, help) = if cfg!(windows) {
        (
            "none of OPENCLAW_HOME, HOME and USERPROFILE is an absolute path, so there is no home directory",
            "Set USERPROFILE to your profile directory, or name the state directory.",
        )
    } else {
        (
            "neither OPENCLAW_HOME nor HOME is an absolute path, so there is no home directory",
            "Set HOME to the home directory, or name the state directory.",
        )
    };
    Error::new(ErrorKind::NotFound, message).with_help(help)
}

impl Default for Environment {
    /// Returns [`Environment::process`].
    fn default() -> Self {
        Self::process()
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").field("file", &self.file).field("block", &self.block).finish_non_exhaustive()
    }
}
