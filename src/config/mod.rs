//! The user's configuration, `openclaw.json`: a JSON5 file with the models, providers and profiles to use.
//!
//! [`Config::from_path`] reads a file and [`Config::from_json5_str`] a text. [`ReadOptions`] set whether reading is
//! strict or lenient, and the environment for `${VAR}`. Only the keys for credentials, models and caching are read;
//! every problem in them is reported with its location.
//!
//! A [`Config`] resolves the name of a model ([`Config::resolve_model`]), the credential ([`Config::resolve`]) and the
//! server ([`Endpoint::for_model`](crate::Endpoint::for_model)). It is read only: nothing here writes `openclaw.json`.

mod access;
mod agents;
mod alias_index;
mod api_key;
mod auth;
mod bare_names;
mod configured_secret;
mod cooldowns;
mod endpoint;
mod env_block;
mod include;
mod keys;
mod layout;
mod listed;
mod lookup;
mod model;
mod model_choice;
mod model_settings;
mod names;
mod nearest;
mod open;
mod options;
mod params;
mod policy;
mod providers;
mod reader;
mod references;
mod release;
mod request;
mod retention;
mod rotation;
mod secrets;
mod select;
mod sources;
mod spelt;
mod substitute;

pub use cooldowns::CooldownSettings;
pub use env_block::ShellEnv;
pub(crate) use nearest::nearest;
pub use options::ReadOptions;
pub use providers::{ProviderApi, ProviderAuth, ProviderConfig};
pub(crate) use release::Release;
pub use retention::{ResolvedRetention, RetentionLayer};
pub(crate) use secrets::{FileMode, SecretProvider, SecretSettings};

pub use crate::select::settings::{ProfileMode, ProfileSettings};

use std::path::Path;
use std::sync::Arc;

use crate::config::agents::Agents;
use crate::config::auth::Auth;
use crate::config::env_block::EnvBlock;
use crate::config::include::Includes;
use crate::config::layout::Layout;
use crate::config::reader::Reader;
use crate::config::sources::Sources;
use crate::config::spelt::BySpelling;
use crate::credential::Resolved;
use crate::env::Environment;
use crate::error::Diagnostic;
use crate::error::Result;
use crate::id::{ProfileId, ProviderId};
use crate::select::{ProfileSelector, SelectorRules};
use crate::syntax::{self, Document, KeyPath, Node, Places, Value};

/// The user's configuration of credentials, models and caching.
///
/// It is read from an `openclaw.json`, whose other keys are accepted and ignored. Text may name variables as `${NAME}`,
/// which are looked up in the process environment and then in the file's `env` block. API keys, header values and the
/// values of the `env` block are [`Secret`](crate::Secret)s, so `Debug` does not show them.
///
/// # Examples
///
/// ```
/// use provider_auth::{Config, Environment, ProviderId, ReadOptions};
///
/// let text = r#"{
///   // Comments and trailing commas are fine.
///   env: { ANTHROPIC_API_KEY: "sk-ant-example" },
///   auth: { order: { anthropic: ["anthropic:work", "anthropic:home"] } },
///   agents: { defaults: { model: { primary: "anthropic/claude-opus-4-5" } } },
/// }"#;
/// let config = Config::from_json5_str(text, &ReadOptions::new().environment(Environment::empty()))?;
///
/// assert_eq!(config.primary_model(None), Some("anthropic/claude-opus-4-5"));
/// assert_eq!(config.auth_order(&ProviderId::anthropic()).map(<[_]>::len), Some(2));
/// let key = config.inline_credential(&ProviderId::anthropic()).unwrap();
/// assert_eq!(key.credential.secret().expose(), "sk-ant-example");
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Config {
    environment: Environment,
    shell_env: Option<ShellEnv>,
    auth: Auth,
    agents: Agents,
    layout: Layout,
    providers: BySpelling<ProviderId, ProviderConfig>,
    secrets: Arc<SecretSettings>,
    references: Resolved,
    diagnostics: Vec<Diagnostic>,
    selector: Arc<ProfileSelector>,
}

impl Config {
    /// Reads a configuration from its text.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Syntax`](crate::ErrorKind::Syntax), [`TooLarge`](crate::ErrorKind::TooLarge),
    /// [`TooDeep`](crate::ErrorKind::TooDeep), [`DuplicateKey`](crate::ErrorKind::DuplicateKey) and
    /// [`InvalidNumber`](crate::ErrorKind::InvalidNumber) for unacceptable JSON5 anywhere in the text.
    ///
    /// Strict reading also refuses wrong values in the keys that this crate reads: with
    /// [`MissingVariable`](crate::ErrorKind::MissingVariable) if every problem is a variable without a value, otherwise
    /// with [`InvalidConfig`](crate::ErrorKind::InvalidConfig). All keys are checked first;
    /// [`Error::diagnostics`](crate::Error::diagnostics) has all problems, including warnings.
    pub fn from_json5_str(text: &str, options: &ReadOptions) -> Result<Self> {
        let document = syntax::parse(text, &options.limits)?;
        Self::assemble(text, document, options, None)
    }

    /// Inserts included files, and reads the whole.
    fn assemble(text: &str, document: Document<'_>, options: &ReadOptions, file: Option<&Path>) -> Result<Self> {
        let Document { root, places } = document;
        if !include::has_include(text, &root) {
            return Self::read(&root, &Sources::one(file, places), options, Vec::new(), 0);
        }
        let mut includes = Includes::new(options, text, file);
        let root = includes.expand(root, 0)?;
        let mut sources = Sources::with_includes(file, places);
        for included in &includes.files {
            sources.add(included.base, &included.path, Places::new(syntax::without_bom(&included.text)));
        }
        Self::read(&root, &sources, options, std::mem::take(&mut includes.diagnostics), includes.failed)
    }

    fn read(
        root: &Node<'_>,
        sources: &Sources<'_>,
        options: &ReadOptions,
        found: Vec<Diagnostic>,
        failed: usize,
    ) -> Result<Self> {
        let mut reader = Reader {
            places: sources,
            wrong: options.severity(),
            environment: options.environment.clone(),
            release: Release::default(),
            path: KeyPath::root(),
            diagnostics: found,
            found: [failed, 0],
            budget: options.limits.max_bytes,
            last_provider: None,
        };
        let mut config = Self::default();
        reader.release = Layout::read(root, &options.environment, options.release).release();
        // Variables come first, because the rest may name them.
        let env = member(root, "env").map(|node| {
            reader.path.push_key("env");
            let block = EnvBlock::read(&mut reader, node);
            reader.path.pop();
            block
        });
        let env = env.unwrap_or_default();
        config.shell_env = env.shell;
        let unread = reader.release.unread_variables();
        reader.environment = options.environment.over(env.variables).without(unread);
        config.environment = reader.environment.clone();
        config.layout = Layout::read(root, &config.environment, options.release);
        reader.object(root, &keys::ROOT, |reader, member| match member.key.as_ref() {
            "auth" => config.auth = Auth::read(reader, &member.node),
            "agents" => config.agents = Agents::read(reader, &member.node),
            "models" => config.providers = providers::read(reader, &member.node),
            "secrets" => config.secrets = Arc::new(SecretSettings::read(reader, &member.node)),
            "meta" => read_meta(reader, &member.node),
            _ => {}
        });
        config.diagnostics = reader.verdict()?;
        Ok(config.with_rules(SelectorRules::default()))
    }

    /// Returns the problems that were found but did not make the file invalid.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Returns the variables that the configuration was read with: those of [`ReadOptions`] and then the file's `env`
    /// block.
    ///
    /// [`Environment::origin`] returns which of the two a value came from.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Returns `env.shellEnv`, which this crate reads without running a shell.
    #[must_use]
    pub fn shell_env(&self) -> Option<ShellEnv> {
        self.shell_env
    }

    /// Returns the entries of `auth.profiles`, in the order of the file.
    #[must_use]
    pub fn auth_profiles(&self) -> impl ExactSizeIterator<Item = (&ProfileId, &ProfileSettings)> {
        self.auth.profiles.iter()
    }

    /// Returns the entry of `auth.profiles` with this id.
    #[must_use]
    pub fn auth_profile(&self, id: &ProfileId) -> Option<&ProfileSettings> {
        self.auth.profiles.get(id)
    }

    /// Returns `auth.order` of a provider: the entry in this spelling of its name, otherwise the first in another one.
    ///
    /// An empty list selects no profile at all; `None` leaves the order to the other rules.
    #[must_use]
    pub fn auth_order(&self, provider: &ProviderId) -> Option<&[ProfileId]> {
        self.auth.order.get(provider).map(|order| &*order.ids)
    }

    /// Returns `auth.order` of every provider, in the order of the file.
    pub(crate) fn auth_orders(&self) -> impl Iterator<Item = (&ProviderId, &[ProfileId])> {
        self.auth.order.iter().map(|(provider, order)| (provider, &*order.ids))
    }

    /// Returns the settings of `auth.cooldowns`. Unset ones follow the selector's rules.
    #[must_use]
    pub fn cooldowns(&self) -> &CooldownSettings {
        &self.auth.cooldowns
    }

    /// Returns the entries of `models.providers`, in the order of the file.
    #[must_use]
    pub fn providers(&self) -> impl ExactSizeIterator<Item = (&ProviderId, &ProviderConfig)> {
        self.providers.iter()
    }

    /// Returns the entry of `models.providers` for a provider: the one in this spelling of its name, otherwise the
    /// first in another one.
    ///
    /// In a file of August 2026 or later, `z.ai` and `zai` may have an entry each and are then two providers. In an
    /// older file the first of them counts for both.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{Config, Environment, ProviderId, ReadOptions};
    ///
    /// let text = "{ agents: { entries: {} }, models: { providers: {
    ///     zai: { baseUrl: 'https://one.example.com' }, 'z.ai': { baseUrl: 'https://two.example.com' },
    ///     bedrock: { baseUrl: 'https://three.example.com' },
    /// } } }";
    /// let config = Config::from_json5_str(text, &ReadOptions::new().environment(Environment::empty()))?;
    /// let url = |name| config.provider(&ProviderId::new(name).unwrap()).and_then(|entry| entry.base_url());
    /// assert_eq!(url("z.ai"), Some("https://two.example.com"));
    /// assert_eq!(url("zai"), Some("https://one.example.com"));
    /// assert_eq!(url("amazon-bedrock"), Some("https://three.example.com"));
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    #[must_use]
    pub fn provider(&self, provider: &ProviderId) -> Option<&ProviderConfig> {
        self.providers.get(provider)
    }

    /// Returns `true` if there are entries for several spellings of this provider, each of which is then a separate
    /// provider.
    pub(crate) fn is_split(&self, provider: &ProviderId) -> bool {
        self.providers.is_split(provider)
    }

    /// Returns `true` if two names mean one provider: in any spelling, unless there are entries for several spellings.
    pub(crate) fn is_one(&self, provider: &ProviderId, other: &ProviderId) -> bool {
        provider == other && (provider.written() == other.written() || !self.providers.is_split(provider))
    }
}

/// Checks for misspelt keys only. [`Layout`] reads the values and reports no problems.
fn read_meta<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) {
    if !matches!(node.value, Value::Object(_)) {
        return;
    }
    reader.object(node, &keys::META, |reader, member| {
        if matches!(member.node.value, Value::Object(_)) && member.key == "migrations" {
            reader.object(&member.node, &keys::MIGRATIONS, |_, _| {});
        }
    });
}

fn member<'n>(node: &'n Node<'n>, key: &str) -> Option<&'n Node<'n>> {
    let Value::Object(members) = &node.value else { return None };
    members.iter().find(|member| member.key == key).map(|member| &member.node)
}
