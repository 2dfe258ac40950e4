//! Models by name.

use crate::config::{Config, names};
use crate::error::{Error, ErrorKind, Result};
use crate::id::ModelRef;
use crate::secret::is_blank_char;

impl Config {
    /// The model an agent uses first, as it is written: the agent's own, else `agents.defaults.model`.
    ///
    /// [`resolve_model_for`](Self::resolve_model_for) reads it. `None` as agent, or one that is not configured, gives the
    /// defaults.
    #[must_use]
    pub fn primary_model(&self, agent: Option<&str>) -> Option<&str> {
        let own = self.agents.agent(agent).and_then(|agent| agent.model.primary.as_deref());
        own.or(self.agents.model.primary.as_deref())
    }

    /// The models to use where the first is not available, as they are written. An agent that has a list of its own,
    /// even an empty one, does not get the defaults'. In `agents.entries`, a model of its own without a list means none.
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

    /// The models `agents.defaults.models` lists, in the order of the file, each with its alias if it has one. Some have
    /// one without being given it, as in the release that the configuration belongs to: `anthropic/claude-opus-5`, for one,
    /// is `opus` in OpenClaw 2026.9.6, and `anthropic/claude-opus-4-6` in 2026.2.9.
    pub fn models(&self) -> impl Iterator<Item = (&ModelRef, Option<&str>)> {
        self.agents.models.iter().map(|(model, settings)| (model, settings.alias.as_deref()))
    }

    /// The model that an agent uses for small tasks, such as titles: the agent's own, else `agents.defaults.utilityModel`,
    /// else what OpenClaw since August 2026 takes beside a first model of the same provider. `None` where none is known,
    /// and where a blank name says that there is none.
    #[must_use]
    pub fn utility_model(&self, agent: Option<&str>) -> Option<String> {
        if let Some(name) = self.utility_setting(agent) {
            return Some(name.to_owned()).filter(|name| !name.is_empty());
        }
        let primary = self.primary_model(agent).unwrap_or_else(|| self.release().default_model());
        self.release().utility_model(&self.resolve_model_for(primary, agent).ok()?)
    }

    /// What is said of the model for small tasks; blank where there is to be none.
    pub(crate) fn utility_setting(&self, agent: Option<&str>) -> Option<&str> {
        let own = self.agents.agent(agent).and_then(|agent| agent.utility_model.as_ref());
        own.or(self.agents.utility_model.as_ref()).map(|(name, _)| name.as_str())
    }

    /// Whether an agent has a first model of its own, and whether it has fallbacks of its own.
    pub(crate) fn has_own_models(&self, agent: Option<&str>) -> (bool, bool) {
        let own = self.agents.agent(agent).map(|agent| &agent.model);
        own.map_or((false, false), |model| (model.primary.is_some(), model.fallbacks.is_some()))
    }

    /// Reads the name of a model: an alias from `agents.defaults.models`, in any case; one of OpenClaw's own aliases, such as
    /// `opus`, `sonnet`, `gpt` and `gemini`; `provider/model`; or the bare name of a model. Of Anthropic's models, `opus-4.6`,
    /// `opus-4.5` and `sonnet-4.5` are short for the names the API knows.
    ///
    /// What an alias stands for, and whose model a bare name is, depends on the release that the configuration belongs to
    /// ([`last_touched_version`](Self::last_touched_version), [`has_agent_entries`](Self::has_agent_entries)). Since August
    /// 2026 a bare name is a model of `openai`, and an alias needs a listed model: one without is still understood here, and
    /// [`lint`](Self::lint) says so. Before, and where nothing tells the release, a bare name is a model of `anthropic`.
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
        self.resolve_model_for(name, None)
    }

    /// Reads the name of a model as [`resolve_model`](Self::resolve_model) does, the aliases that an agent's own `models` give
    /// before those of the defaults.
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
