//! The models the configuration lists, as OpenClaw counts them.

use crate::config::{Config, ProfileSettings};
use crate::credential::{CredentialKind, CredentialSource};
use crate::id::{ModelRef, ProfileId, ProviderId};

/// The models that OpenClaw since August 2026 lists where Anthropic is used with API keys and a model of it is listed.
const SONNETS: [&str; 2] = ["anthropic/claude-sonnet-5", "anthropic/claude-sonnet-4-6"];

/// Returns every model the configuration lists, with its alias.
///
/// Where Anthropic is used with API keys, OpenClaw counts the first model of the defaults among them, because it keeps the
/// model's cache retention there, and since August 2026 two more. Models have aliases by being listed, and before August
/// 2026 the list is what an agent may use, so the report has to agree.
pub(super) fn listed(config: &Config) -> Vec<(ModelRef, Option<&str>)> {
    let mut models: Vec<_> = config.models().map(|(model, alias)| (model.clone(), alias)).collect();
    if !uses_keys(config) {
        return models;
    }
    let is_anthropic = |model: &ModelRef| *model.provider() == ProviderId::anthropic();
    let first = config.primary_model(None).and_then(|name| config.resolve_model(name).ok());
    let mut more: Vec<ModelRef> = first.filter(is_anthropic).into_iter().collect();
    let is_used = !more.is_empty() || models.iter().any(|(model, _)| is_anthropic(model));
    if config.release().has_entries() && is_used {
        more.extend(SONNETS.iter().filter_map(|model| model.parse().ok()));
    }
    for model in more {
        if models.iter().all(|(listed, _)| *listed != model) {
            let alias = config.implied_alias(&model);
            models.push((model, alias));
        }
    }
    models
}

/// Returns `true` if the configuration, or the environment where it says nothing or both, uses Anthropic with API keys.
fn uses_keys(config: &Config) -> bool {
    let anthropic = ProviderId::anthropic();
    let kind = |entry: &ProfileSettings| {
        entry.mode.filter(|_| entry.provider == anthropic).and_then(crate::config::ProfileMode::kind)
    };
    let ordered = |id: &ProfileId| config.auth_profile(id).and_then(kind);
    if let Some(first) = config.auth_order(&anthropic).into_iter().flatten().find_map(ordered) {
        return first == CredentialKind::ApiKey;
    }
    let kinds = || config.auth_profiles().filter_map(|(_, entry)| kind(entry));
    match (kinds().any(|kind| !kind.is_subscription()), kinds().any(CredentialKind::is_subscription)) {
        (true, false) => true,
        (false, true) => false,
        _ => config.environment().credential(&anthropic).is_some_and(|found| !is_login(&found.source)),
    }
}

/// Whether a variable holds a login by its name, as OpenClaw reads it.
fn is_login(source: &CredentialSource) -> bool {
    matches!(source, CredentialSource::Environment { variable, .. } if variable.contains("OAUTH"))
}
