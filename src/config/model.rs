//! Names of models and the models they mean.

use crate::config::{Config, names};
use crate::error::{Error, ErrorKind, Result};
use crate::id::ModelRef;
use crate::secret::is_blank_char;

impl Config {
    /// Returns the primary model of an agent, as written: the agent's own, otherwise `agents.defaults.model`.
    ///
    /// [`resolve_model_for`](Self::resolve_model_for) parses it. For `None`, or an agent that is not configured,
    /// returns that of the defaults.
    #[must_use]
    pub fn primary_model(&self, agent: Option<&str>) -> Option<&str> {
        let own = self.agents.agent(agent).and_then(|agent| agent.model.primary.as_deref());
        own.or(self.agents.model.primary.as_deref())
    }

    /// Returns the models to use if the primary one is not available, as written. An agent with its own list, even an
    /// empty one, does not get the defaults. In `agents.entries`, an agent with its own model and no list has no
    /// fallbacks.
    #[must_use]
    pub fn fallback_models(&self, agent: Option<&str>) -> &[String] {
        let own = self.agents.agent(agent).and_then(|agent| agent.model.fallbacks.as_deref());
        own.or(self.agents.model.fallbacks.as_deref()).unwrap_or_default()
    }

    /// Returns the model for images, as written: `agents.defaults.imageModel`.
    #[must_use]
    pub fn image_model(&self) -> Option<&str> {
        self.agents.image_model.primary.as_deref()
    }

    /// Returns the models for images to use if the first one is not available, as written.
    #[must_use]
    pub fn image_fallback_models(&self) -> &[String] {
        self.agents.image_model.fallbacks.as_deref().unwrap_or_default()
    }

    /// Returns the models of `agents.defaults.models`, in the order of the file, with their aliases. Some models have
    /// an alias by default, depending on the release that the configuration belongs to: `opus` is
    /// `anthropic/claude-opus-5` in OpenClaw 2026.9.6, and `anthropic/claude-opus-4-6` in 2026.2.9.
    pub fn models(&self) -> impl Iterator<Item = (&ModelRef, Option<&str>)> {
        self.agents.models.iter().map(|(model, settings)| (model, settings.alias.as_deref()))
    }

    /// Returns the model that an agent uses for small tasks, such as titles: the agent's own, otherwise
    /// `agents.defaults.utilityModel`, otherwise OpenClaw's default (since August 2026) for the provider of the primary
    /// model. `None` if there is no default, or if the name is blank.
    #[must_use]
    pub fn utility_model(&self, agent: Option<&str>) -> Option<String> {
        if let Some(name) = self.utility_setting(agent) {
            return Some(name.to_owned()).filter(|name| !name.is_empty());
        }
        let primary = self.primary_model(agent).unwrap_or_else(|| self.release().default_model());
        self.release().utility_model(&self.resolve_model_for(primary, agent).ok()?)
    }

    /// Returns the setting of the model for small tasks; blank for none.
    pub(crate) fn utility_setting(&self, agent: Option<&str>) -> Option<&str> {
        let own = self.agents.agent(agent).and_then(|agent| agent.utility_model.as_ref());
        own.or(self.agents.utility_model.as_ref()).map(|(name, _)| name.as_str())
    }

    /// Returns whether an agent has its own primary model, and whether it has its own fallbacks.
    pub(crate) fn has_own_models(&self, agent: Option<&str>) -> (bool, bool) {
        let own = self.agents.agent(agent).map(|agent| &agent.model);
        own.map_or((false, false), |model| (model.primary.is_some(), model.fallbacks.is_some()))
    }

    /// Resolves the name of a model: an alias from `agents.defaults.models`, ignoring case; one of OpenClaw's own
    /// aliases, such as `opus`, `sonnet`, `gpt` and `gemini`; `provider/model`; or the bare name of a model. For
    /// Anthropic, `opus-4.6`, `opus-4.5` and `sonnet-4.5` are short for the names of the API.
    ///
    /// The model of an alias and the provider of a bare name depend on the release that the configuration belongs to
    /// ([`last_touched_version`](Self::last_touched_version), [`has_agent_entries`](Self::has_agent_entries)). Since
    /// August 2026 a bare name is a model of `openai`, and an alias needs a listed model; one without it is still
    /// resolved here, and [`lint`](Self::lint) reports it. In older or unknown releases a bare name is a model of
    /// `anthropic`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidId`] if the name is blank, [`ErrorKind::UnknownModel`] if one half is blank, or if it is not
    /// an alias and has white space or control characters inside.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{Config, Environment, ReadOptions};
    ///
    /// let text = "{ agents: { defaults: { models: { 'anthropic/claude-opus-4-5': { alias: 'Opus' } } } } }";
    /// let config = Config::from_json5_str(text, &ReadOptions::new().environment(Environment::empty()))?;
    /// assert_eq!(config.resolve_model(" opus ")?.to_string(), "anthropic/claude-opus-4-5");
    /// assert_eq!(config.resolve_model("sonnet")?.to_string(), "anthropic/claude-sonnet-4-5");
    /// assert_eq!(config.resolve_model("OpenAI/gpt-5")?.to_string(), "openai/gpt-5");
    /// assert_eq!(config.resolve_model("claude-haiku-4-5")?.to_string(), "anthropic/claude-haiku-4-5");
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    pub fn resolve_model(&self, name: &str) -> Result<ModelRef> {
        self.resolve_model_for(name, None)
    }

    /// Resolves the name of a model like [`resolve_model`](Self::resolve_model), with the aliases of the agent's own
    /// `models` before those of the defaults.
    ///
    /// # Errors
    ///
    /// Those of [`resolve_model`](Self::resolve_model).
    pub fn resolve_model_for(&self, name: &str, agent: Option<&str>) -> Result<ModelRef> {
        let name = name.trim_matches(is_blank_char);
        if name.is_empty() {
            return Err(Error::new(ErrorKind::InvalidId, "the model's name is blank"));
        }
        let wanted = name.to_lowercase();
        let own = self.agents.agent(agent).and_then(|agent| agent.alias_index.find(&agent.models, &wanted));
        let common = || self.agents.alias_index.find(&self.agents.models, &wanted);
        if let Some(model) = own.or_else(common) {
            return Ok(names::official(model.clone()));
        }
        if let Some(model) = self.release().aliased(&wanted) {
            return Ok(model);
        }
        let unknown = |_| Error::new(ErrorKind::UnknownModel, "the name is neither an alias nor `provider/model`");
        let model = ModelRef::parse(name, &self.release().bare_provider()).map_err(unknown)?;
        if name.chars().any(|c| is_blank_char(c) || c.is_control()) {
            return Err(Error::new(ErrorKind::UnknownModel, "the model's name has white space or control characters"));
        }
        Ok(names::official(model))
    }
}
