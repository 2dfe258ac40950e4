//! Which models an agent may use.

use super::reader::Reader;
use super::{Config, keys};
use crate::id::{ModelRef, ProviderId};
use crate::secret::is_blank_char;
use crate::syntax::Node;

/// What `allow` of a policy says; `None` if it is not there.
#[derive(Clone, Debug, Default)]
pub(super) struct ModelPolicy {
    allow: Option<Vec<String>>,
}

impl ModelPolicy {
    pub(super) fn read<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Self {
        let mut policy = Self::default();
        reader.object(node, &keys::POLICY, |reader, member| {
            let mut names = Vec::new();
            let is_list = reader.items(&member.node, |reader, item| names.extend(reader.word(item)));
            policy.allow = is_list.then_some(names);
        });
        policy
    }
}

/// One entry of a policy.
enum Allowed {
    Model(ModelRef),
    /// Every model whose `provider/model` begins with this text, which ends with a slash.
    Below(String),
}

impl Allowed {
    fn covers(&self, model: &ModelRef) -> bool {
        match self {
            Self::Model(allowed) => allowed == model,
            Self::Below(prefix) => model.to_string().starts_with(prefix.as_str()),
        }
    }
}

impl Config {
    /// Returns `true` if an agent may use a model: `modelPolicy.allow` of the agent, else of the defaults.
    ///
    /// Where neither is there, `agents.defaults.models` lists the models that are allowed, unless OpenClaw has noted that
    /// it moved that list (`meta.migrations.modelPolicyAllowlist`), or there is none. An empty list allows every model.
    /// This is what OpenClaw lets its users choose; [`rotation`](Self::rotation) and the like do not ask.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{Config, Environment, ReadOptions};
    ///
    /// let text = "{ agents: {
    ///     defaults: { modelPolicy: { allow: ['anthropic/*', 'openai/gpt-5.4'] } },
    ///     entries: { work: { modelPolicy: { allow: [] } } },
    /// } }";
    /// let config = Config::from_json5_str(text, &ReadOptions::new().environment(Environment::empty()))?;
    /// assert!(config.is_allowed(&"anthropic/claude-opus-5".parse()?, None));
    /// assert!(!config.is_allowed(&"openai/gpt-5.4-mini".parse()?, None));
    /// assert!(config.is_allowed(&"openai/gpt-5.4-mini".parse()?, Some("work")));
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    #[must_use]
    pub fn is_allowed(&self, model: &ModelRef, agent: Option<&str>) -> bool {
        self.allowed(agent).is_none_or(|allowed| allowed.iter().any(|allowed| allowed.covers(model)))
    }

    /// The models that an agent may use, of those the configuration names, sorted; where the policy allows a whole
    /// provider, also its pattern, because others are not known here. None means all.
    pub(crate) fn allowed_models(&self, agent: Option<&str>) -> Vec<ModelRef> {
        let mut known: Vec<ModelRef> = self.listed_models(agent).into_iter().map(|(model, _)| model).collect();
        for (provider, settings) in self.providers() {
            known.extend(settings.models().filter_map(|model| ModelRef::new(provider.clone(), model).ok()));
        }
        let mut names: Vec<String> = Vec::new();
        for allowed in self.allowed(agent).into_iter().flatten() {
            match &allowed {
                Allowed::Model(model) => names.push(model.written()),
                Allowed::Below(prefix) => {
                    let covered = known.iter().filter(|model| allowed.covers(model));
                    names.extend(covered.map(ModelRef::written).chain([format!("{prefix}*")]));
                }
            }
        }
        names.sort();
        names.dedup();
        names.iter().filter_map(|name| name.parse().ok()).collect()
    }

    /// The entries of the policy in force, where one that names no model allows none; `None` if every model is allowed.
    fn allowed(&self, agent: Option<&str>) -> Option<Vec<Allowed>> {
        let own = self.agents.agent(agent).and_then(|agent| agent.policy.as_ref()?.allow.as_ref());
        let policy = own.or_else(|| self.agents.policy.as_ref()?.allow.as_ref());
        if let Some(names) = policy {
            let entries = names.iter().filter_map(|name| self.entry(name, agent));
            return (!names.is_empty()).then(|| entries.collect());
        }
        let has_moved = self.agents.policy.is_some() || self.layout.has_moved_policy;
        if has_moved || self.agents.models.is_empty() {
            return None;
        }
        let listed = self.listed_models(None).into_iter();
        Some(listed.filter_map(|(model, _)| self.entry(&model.to_string(), None)).collect())
    }

    /// Reads an entry of a policy, or a model of the list that is one.
    fn entry(&self, name: &str, agent: Option<&str>) -> Option<Allowed> {
        let Some(prefix) = name.strip_suffix('*').filter(|prefix| prefix.ends_with('/')) else {
            return self.resolve_model_for(name, agent).ok().map(Allowed::Model);
        };
        let (provider, rest) = prefix.split_once('/')?;
        let provider = ProviderId::normalized(provider);
        let rest = rest.trim_matches(is_blank_char);
        (!provider.as_str().is_empty()).then(|| Allowed::Below(format!("{provider}/{rest}")))
    }
}
