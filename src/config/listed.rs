//! The models that the configuration lists, as OpenClaw counts them.

use std::collections::HashMap;

use super::{Config, ProfileMode, ProfileSettings};
use crate::credential::{CredentialKind, CredentialSource};
use crate::id::{ModelRef, ProfileId, ProviderId};

/// The models that OpenClaw adds since August 2026 if Anthropic is used with API keys and one of its models is listed.
const SONNETS: [&str; 2] = ["anthropic/claude-sonnet-5", "anthropic/claude-sonnet-4-6"];

impl Config {
    /// Returns every listed model with its alias. If an agent is named, its aliases replace those of the defaults.
    ///
    /// If Anthropic is used with API keys, OpenClaw also counts the primary model of the defaults, because it stores
    /// the model's cache retention there, and since August 2026 two more. Only listed models have aliases, and before
    /// August 2026 the list restricts the models of an agent, so this has to agree with OpenClaw.
    pub(crate) fn listed_models(&self, agent: Option<&str>) -> Vec<(ModelRef, Option<&str>)> {
        let mut models: Vec<_> = self.models().map(|(model, alias)| (model.clone(), alias)).collect();
        for model in self.seeded(&models) {
            if models.iter().all(|(listed, _)| *listed != model) {
                let alias = self.implied_alias(&model);
                models.push((model, alias));
            }
        }
        let Some(own) = self.agents.agent(agent).filter(|agent| !agent.models.is_empty()) else { return models };
        let (mut written, mut same) = (HashMap::new(), HashMap::new());
        for (place, (model, _)) in models.iter().enumerate() {
            written.entry(model.written()).or_insert(place);
            same.entry(model.clone()).or_insert(place);
        }
        for (model, settings) in own.models.iter() {
            let alias = settings.alias.as_deref();
            let place = written.get(&model.written()).or_else(|| same.get(model)).copied();
            if let Some((_, listed)) = place.and_then(|place| models.get_mut(place)) {
                *listed = alias.or(*listed);
                continue;
            }
            written.insert(model.written(), models.len());
            same.insert(model.clone(), models.len());
            models.push((model.clone(), alias));
        }
        models
    }

    /// Returns the models that OpenClaw adds to the list.
    fn seeded(&self, listed: &[(ModelRef, Option<&str>)]) -> Vec<ModelRef> {
        if !uses_keys(self) {
            return Vec::new();
        }
        let is_anthropic = |model: &ModelRef| *model.provider() == ProviderId::anthropic();
        let first = self.primary_model(None).and_then(|name| self.resolve_model(name).ok());
        let mut models: Vec<ModelRef> = first.filter(is_anthropic).into_iter().collect();
        let is_used = !models.is_empty() || listed.iter().any(|(model, _)| is_anthropic(model));
        if self.release().has_entries() && is_used {
            models.extend(SONNETS.iter().filter_map(|model| model.parse().ok()));
        }
        models
    }
}

/// Returns `true` if Anthropic is used with API keys according to the configuration, or to the environment if that is
/// unclear.
fn uses_keys(config: &Config) -> bool {
    let anthropic = ProviderId::anthropic();
    let kind = |entry: &ProfileSettings| entry.mode.filter(|_| entry.provider == anthropic).and_then(ProfileMode::kind);
    let ordered = |id: &ProfileId| config.auth_profile(id).and_then(kind);
    if let Some(first) = config.auth_order(&anthropic).into_iter().flatten().find_map(ordered) {
        return first == CredentialKind::ApiKey;
    }
    let kinds = || config.auth_profiles().filter_map(|(_, entry)| kind(entry));
    match (kinds().any(|kind| !kind.is_subscription()), kinds().any(CredentialKind::is_subscription)) {
        (true, false) => true,
        (false, true) => false,
        _ => config.variable(&anthropic).is_some_and(|found| !is_login(&found.source)),
    }
}

/// Returns `true` if OpenClaw takes a variable for a login by its name.
fn is_login(source: &CredentialSource) -> bool {
    matches!(source, CredentialSource::Environment { variable, .. } if variable.contains("OAUTH"))
}
