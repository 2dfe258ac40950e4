//! Environment variables: where they are looked up, and which of them hold a provider's credential.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::dotenv;
use crate::id::ProviderId;
use crate::profile::{Credential, CredentialKind};
use crate::secret::{Secret, is_blank_char};

/// The variables of each provider, best first. Providers that sign requests (Amazon Bedrock) or log in through a tool
/// of their own (Vertex) have no key in a variable and no row.
const VARIABLES: &[(&str, &[&str])] = &[
    ("anthropic", &["ANTHROPIC_OAUTH_TOKEN", "ANTHROPIC_API_KEY"]),
    ("cerebras", &["CEREBRAS_API_KEY"]),
    ("chutes", &["CHUTES_OAUTH_TOKEN", "CHUTES_API_KEY"]),
    ("cloudflare-ai-gateway", &["CLOUDFLARE_AI_GATEWAY_API_KEY"]),
    ("deepgram", &["DEEPGRAM_API_KEY"]),
    ("github-copilot", &["COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"]),
    ("google", &["GEMINI_API_KEY"]),
    ("groq", &["GROQ_API_KEY"]),
    ("huggingface", &["HUGGINGFACE_HUB_TOKEN", "HF_TOKEN"]),
    ("kimi", &["KIMI_API_KEY", "KIMICODE_API_KEY"]),
    ("litellm", &["LITELLM_API_KEY"]),
    ("minimax", &["MINIMAX_API_KEY"]),
    ("minimax-portal", &["MINIMAX_OAUTH_TOKEN", "MINIMAX_API_KEY"]),
    ("mistral", &["MISTRAL_API_KEY"]),
    ("moonshot", &["MOONSHOT_API_KEY"]),
    ("nvidia", &["NVIDIA_API_KEY"]),
    ("ollama", &["OLLAMA_API_KEY"]),
    ("openai", &["OPENAI_API_KEY"]),
    ("opencode", &["OPENCODE_API_KEY", "OPENCODE_ZEN_API_KEY"]),
    ("openrouter", &["OPENROUTER_API_KEY"]),
    ("qianfan", &["QIANFAN_API_KEY"]),
    ("qwen-portal", &["QWEN_OAUTH_TOKEN", "QWEN_PORTAL_API_KEY"]),
    ("synthetic", &["SYNTHETIC_API_KEY"]),
    ("together", &["TOGETHER_API_KEY"]),
    ("venice", &["VENICE_API_KEY"]),
    ("vercel-ai-gateway", &["AI_GATEWAY_API_KEY"]),
    ("vllm", &["VLLM_API_KEY"]),
    ("voyage", &["VOYAGE_API_KEY"]),
    ("xai", &["XAI_API_KEY"]),
    ("xiaomi", &["XIAOMI_API_KEY"]),
    ("zai", &["ZAI_API_KEY", "Z_AI_API_KEY"]),
];

/// Reads one variable of the process environment. The crate reads it here and nowhere else, and never writes it.
///
/// `None` if it is unset or not Unicode.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the process environment")]
pub fn process_env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Answers for the process environment.
type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Where variables are looked up: the process environment or a stand-in for it, under it an `.env` file if there is one,
/// and under that the `env` block of a configuration.
///
/// `Debug` shows the names of the file and of the block, never a value.
///
/// # Examples
///
/// ```
/// use provider_auth::{CredentialKind, EnvOrigin, Environment, ProviderId};
///
/// let environment = Environment::from_fn(|name| (name == "ANTHROPIC_API_KEY").then(|| " sk-ant-example \n".to_owned()));
/// let found = environment.credential(&ProviderId::anthropic()).unwrap();
/// assert_eq!(found.variable, "ANTHROPIC_API_KEY");
/// assert_eq!(found.secret.expose(), "sk-ant-example");
/// assert_eq!(found.kind, CredentialKind::ApiKey);
/// assert_eq!(found.origin, EnvOrigin::Process);
/// ```
#[derive(Clone)]
pub struct Environment {
    lookup: Arc<Lookup>,
    file: Arc<IndexMap<Box<str>, Secret>>,
    block: Arc<IndexMap<Box<str>, Secret>>,
}

impl Environment {
    /// The environment of this process, read anew at every question.
    #[must_use]
    pub fn process() -> Self {
        Self::from_fn(process_env)
    }

    /// No variables.
    #[must_use]
    pub fn empty() -> Self {
        Self::from_fn(|_| None)
    }

    /// Variables from a function, in place of the process environment.
    #[must_use]
    pub fn from_fn(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { lookup: Arc::new(lookup), file: Arc::default(), block: Arc::default() }
    }

    /// The same environment with the variables of an `.env` file under it, given as its text: OpenClaw keeps some keys
    /// in the `.env` of its state directory, OpenAI's for one.
    ///
    /// `NAME=value` or `export NAME=value` a line, `#` for remarks, quotation marks around a value. The file is read by
    /// the caller, and nothing is exported to the process.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{EnvOrigin, Environment};
    ///
    /// let environment = Environment::empty().with_dotenv("# keys\nOPENAI_API_KEY='sk-example'\n");
    /// let found = environment.get("OPENAI_API_KEY").unwrap();
    /// assert_eq!((found.secret.expose(), found.origin), ("sk-example", EnvOrigin::File));
    /// ```
    #[must_use]
    pub fn with_dotenv(self, text: &str) -> Self {
        Self { file: Arc::new(dotenv::variables(text)), ..self }
    }

    /// The same environment over another configuration's block.
    pub(crate) fn over(&self, block: IndexMap<Box<str>, Secret>) -> Self {
        Self { lookup: Arc::clone(&self.lookup), file: Arc::clone(&self.file), block: Arc::new(block) }
    }

    /// The value of a variable, exactly as it is; the process comes before the `.env` file, and that before the `env`
    /// block. A blank value counts as unset in all of them.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<EnvValue> {
        let present = |text: &str| !text.chars().all(is_blank_char);
        if let Some(value) = (self.lookup)(name).filter(|value| present(value)) {
            return Some(EnvValue { secret: Secret::new(value), origin: EnvOrigin::Process });
        }
        let layers = [(&self.file, EnvOrigin::File), (&self.block, EnvOrigin::ConfigBlock)];
        layers.into_iter().find_map(|(layer, origin)| {
            let secret = layer.get(name).filter(|secret| present(secret.expose()))?;
            Some(EnvValue { secret: secret.clone(), origin })
        })
    }

    /// The provider's credential: the first of its variables that is not blank.
    #[must_use]
    pub fn credential(&self, provider: &ProviderId) -> Option<EnvCredential> {
        credential_variables(provider).iter().find_map(|variable| {
            let EnvValue { secret, origin } = self.get(variable)?;
            let secret = Secret::cleaned(secret.expose());
            let kind = if variable.contains("OAUTH_TOKEN") {
                CredentialKind::Token
            } else {
                Credential::api_key(secret.clone()).kind()
            };
            Some(EnvCredential { variable, secret, kind, origin })
        })
    }
}

impl Default for Environment {
    /// [`Environment::process`].
    fn default() -> Self {
        Self::process()
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").field("file", &self.file).field("block", &self.block).finish_non_exhaustive()
    }
}

/// The variables that may hold a provider's credential, best first; none for a provider the table does not have.
///
/// # Examples
///
/// ```
/// use provider_auth::{ProviderId, credential_variables};
///
/// assert_eq!(credential_variables(&ProviderId::new("Z.AI")?), ["ZAI_API_KEY", "Z_AI_API_KEY"]);
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[must_use]
pub fn credential_variables(provider: &ProviderId) -> &'static [&'static str] {
    VARIABLES.iter().find(|(name, _)| *name == provider.as_str()).map_or(&[], |(_, variables)| variables)
}

/// Every provider the table has.
pub(crate) fn providers_with_variables() -> impl Iterator<Item = ProviderId> {
    VARIABLES.iter().map(|(name, _)| ProviderId::normalized(name))
}

/// Which of the environments a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EnvOrigin {
    /// The process environment, or the caller's stand-in for it.
    Process,
    /// An `.env` file.
    File,
    /// The `env` block of the configuration.
    ConfigBlock,
}

/// The value of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnvValue {
    /// The value, not trimmed.
    pub secret: Secret,
    /// Where it came from.
    pub origin: EnvOrigin,
}

/// A credential found in a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnvCredential {
    /// The variable's name.
    pub variable: &'static str,
    /// The value, without line breaks and without white space around it.
    pub secret: Secret,
    /// [`CredentialKind::Token`] if the variable's name contains `OAUTH_TOKEN` or the value plainly is a token, else
    /// [`CredentialKind::ApiKey`].
    pub kind: CredentialKind,
    /// Where the value came from.
    pub origin: EnvOrigin,
}

impl From<EnvCredential> for Credential {
    fn from(found: EnvCredential) -> Self {
        match found.kind {
            CredentialKind::Token => Self::token(found.secret, None),
            _ => Self::api_key(found.secret),
        }
    }
}
