//! The policy for the models that an agent may use.

use super::reader::Reader;
use super::{Config, keys};
use crate::error::Location;
use crate::id::{ModelRef, ProviderId};
use crate::secret::is_blank_char;
use crate::syntax::Node;

/// A model policy. `allow` is `None` if it is not set.
#[derive(Clone, Debug, Default)]
pub(super) struct ModelPolicy {
    pub(super) allow: Option<Vec<(String, Location)>>,
}

impl ModelPolicy {
    pub(super) fn read<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Self {
        let mut policy = Self::default();
        reader.object(node, &keys::POLICY, |reader, member| {
            let mut names = Vec::new();
            let is_list = reader.items(&member.node, |reader, item| {
                names.extend(reader.word(item).map(|name| (name, reader.value_place(item))));
            });
            policy.allow = is_list.then_some(names);
        });
        policy
    }
}

/// One entry of a policy. Names of models are in the form of [`Config::policy_name`].
enum Allowed {
    Model(ModelRef),
    /// Every model whose name begins with this text, which ends in a slash.
    Below(String),
}

impl Config {
    /// Returns `true` if an agent may use a model, according to `modelPolicy.allow` of the agent, otherwise of the
    /// defaults.
    ///
    /// Without a policy, `agents.defaults.models` lists the allowed models, unless OpenClaw has noted that it moved
    /// that list (`meta.migrations.modelPolicyAllowlist`). An empty or missing list allows every model. Since August
    /// 2026 providers are compared as written: `z.ai/*` allows no model of `zai`. OpenClaw applies this policy to its
    /// users' choice of a model; [`rotation`](Self::rotation) and the other methods do not check it.
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
        self.allowed(agent).is_none_or(|allowed| allowed.iter().any(|allowed| self.covers(allowed, model)))
    }

    /// Returns the configured models that an agent may use, sorted. If the policy allows a whole provider, the result
    /// also has its pattern, because other models are not known here. Empty means all.
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
                    let covered = known.iter().filter(|model| self.covers(&allowed, model));
                    names.extend(covered.map(ModelRef::written).chain([format!("{prefix}*")]));
                }
            }
        }
        names.sort();
        names.dedup();
        names.iter().filter_map(|name| name.parse().ok()).collect()
    }

    /// Returns the name by which a model is allowed. OpenClaw compares names as written since August 2026.
    fn policy_name(&self, model: &ModelRef) -> String {
        if self.release().has_entries() { model.written() } else { model.name() }
    }

    fn covers(&self, allowed: &Allowed, model: &ModelRef) -> bool {
        match allowed {
            Allowed::Model(allowed) => self.policy_name(allowed) == self.policy_name(model),
            Allowed::Below(prefix) => self.policy_name(model).starts_with(prefix.as_str()),
        }
    }

    /// Returns the entries of the policy in force; `None` if every model is allowed. An unreadable entry allows
    /// nothing.
    fn allowed(&self, agent: Option<&str>) -> Option<Vec<Allowed>> {
        let own = self.agents.agent(agent).and_then(|agent| agent.policy.as_ref()?.allow.as_ref());
        let policy = own.or_else(|| self.agents.policy.as_ref()?.allow.as_ref());
        if let Some(names) = policy {
            let entries = names.iter().filter_map(|(name, _)| self.entry(name, agent));
            return (!names.is_empty()).then(|| entries.collect());
        }
        let has_moved = self.agents.policy.is_some() || self.layout.has_moved_policy;
        if has_moved || self.agents.models.is_empty() {
            return None;
        }
        let listed = self.listed_models(None).into_iter();
        Some(listed.filter_map(|(model, _)| self.entry(&model.written(), None)).collect())
    }

    /// Reads an entry of a policy, or a model of the list that acts as one.
    fn entry(&self, name: &str, agent: Option<&str>) -> Option<Allowed> {
        let Some(prefix) = name.strip_suffix('*').filter(|prefix| prefix.ends_with('/')) else {
            return self.resolve_model_for(name, agent).ok().map(Allowed::Model);
        };
        let (provider, rest) = prefix.split_once('/')?;
        let provider = ProviderId::normalized(provider);
        let rest = rest.trim_matches(is_blank_char);
        let name = if self.release().has_entries() { provider.written() } else { provider.as_str() };
        (!name.is_empty()).then(|| Allowed::Below(format!("{name}/{rest}")))
    }
}
