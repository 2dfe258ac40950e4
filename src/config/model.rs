//! Models by name.

use crate::config::{Config, names};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ModelRef, ProviderId};
use crate::secret::is_blank_char;

impl Config {
    /// The model an agent uses first, as it is written: the agent's own, else `agents.defaults.model`.
    ///
    /// [`resolve_model`](Self::resolve_model) reads it. `None` as agent, or one that is not in `agents.list`, gives the
    /// defaults.
    #[must_use]
    pub fn primary_model(&self, agent: Option<&str>) -> Option<&str> {
        let own = self.agents.agent(agent).and_then(|agent| agent.model.primary.as_deref());
        own.or(self.agents.model.primary.as_deref())
    }

    /// The models to use where the first is not available, as they are written. An agent that has a list of its own,
    /// even an empty one, does not get the defaults'.
    #[must_use]
    pub fn fallback_models(&self, agent: Option<&str>) -> &[String] {
        let own = self.agents.agent(agent).and_then(|agent| agent.model.fallbacks.as_deref());
        own.or(self.agents.model.fallbacks.as_deref()).unwrap_or_default()
    }

    /// The model for images, as it is written: `agents.defaults.imageModel`.
    #[must_use]
    pub fn image_model(&self) -> Option<&str> {
        self.agents.image_model.primary.as_deref()
    }

    /// The models for images to use where the first is not available, as they are written.
    #[must_use]
    pub fn image_fallback_models(&self) -> &[String] {
        self.agents.image_model.fallbacks.as_deref().unwrap_or_default()
    }

    /// The models `agents.defaults.models` lists, in the order of the file, each with its alias if it has one. Some
    /// have one without being given it, as in OpenClaw 2026.2.9: `anthropic/claude-opus-4-6`, for one, is `opus`.
    pub fn models(&self) -> impl Iterator<Item = (&ModelRef, Option<&str>)> {
        self.agents.models.iter().map(|(model, settings)| (model, settings.alias.as_deref()))
    }

    /// Whether an agent has a first model of its own, and whether it has fallbacks of its own.
    pub(crate) fn has_own_models(&self, agent: Option<&str>) -> (bool, bool) {
        let own = self.agents.agent(agent).map(|agent| &agent.model);
        own.map_or((false, false), |model| (model.primary.is_some(), model.fallbacks.is_some()))
    }

    /// Reads the name of a model: an alias from `agents.defaults.models`, in any case; one of the aliases `opus`,
    /// `sonnet`, `gpt`, `gpt-mini`, `gemini` and `gemini-flash` of OpenClaw 2026.2.9; `provider/model`; or the bare name
    /// of a model of the provider `anthropic`. Of that provider, `opus-4.6`, `opus-4.5` and `sonnet-4.5` are short for
    /// the names the API knows.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidId`] if the name is blank, [`ErrorKind::UnknownModel`] if half of it is, or if it has white
    /// space or control characters inside and is no alias.
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
        let name = name.trim_matches(is_blank_char);
        if name.is_empty() {
            return Err(Error::new(ErrorKind::InvalidId, "the model's name is blank"));
        }
        let wanted = name.to_lowercase();
        let alias_of = |alias: &Option<String>| alias.as_ref().is_some_and(|alias| alias.to_lowercase() == wanted);
        if let Some((model, _)) = self.agents.models.iter().find(|(_, settings)| alias_of(&settings.alias)) {
            return Ok(names::official(model.clone()));
        }
        if let Some(model) = names::aliased(&wanted) {
            return Ok(model);
        }
        let unknown = |_| Error::new(ErrorKind::UnknownModel, "the name is neither an alias nor `provider/model`");
        let model = ModelRef::parse(name, &ProviderId::anthropic()).map_err(unknown)?;
        if name.chars().any(|c| is_blank_char(c) || c.is_control()) {
            return Err(Error::new(ErrorKind::UnknownModel, "the model's name has white space or control characters"));
        }
        Ok(names::official(model))
    }
}
