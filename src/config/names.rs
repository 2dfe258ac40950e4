//! Names of models that OpenClaw knows without a configuration.

use super::model_settings::ModelSettings;
use super::release::Release;
use super::spelt::BySpelling;
use crate::id::{ModelRef, ProviderId};

/// The models of an alias, each with the release it begins with, from 2026.2.9, 2026.7.1 and 2026.9.6.
type Dated = &'static [(Release, &'static str)];

/// The default aliases of models.
const ALIASES: [(&str, Dated); 8] = [
    (
        "opus",
        &[
            (Release::FEBRUARY, "anthropic/claude-opus-4-6"),
            (Release::JULY, "anthropic/claude-opus-4-8"),
            (Release::SEPTEMBER, "anthropic/claude-opus-5"),
        ],
    ),
    (
        "sonnet",
        &[(Release::FEBRUARY, "anthropic/claude-sonnet-4-5"), (Release::SEPTEMBER, "anthropic/claude-sonnet-5")],
    ),
    ("gpt", &[(Release::FEBRUARY, "openai/gpt-5.2"), (Release::SEPTEMBER, "openai/gpt-5.4")]),
    ("gpt-mini", &[(Release::FEBRUARY, "openai/gpt-5-mini"), (Release::SEPTEMBER, "openai/gpt-5.4-mini")]),
    ("gpt-nano", &[(Release::SEPTEMBER, "openai/gpt-5.4-nano")]),
    (
        "gemini",
        &[(Release::FEBRUARY, "google/gemini-3-pro-preview"), (Release::SEPTEMBER, "google/gemini-3.1-pro-preview")],
    ),
    ("gemini-flash", &[(Release::FEBRUARY, "google/gemini-3-flash-preview")]),
    ("gemini-flash-lite", &[(Release::SEPTEMBER, "google/gemini-3.1-flash-lite")]),
];

/// Short names of Anthropic's models, and those of the API.
const ANTHROPIC: [(&str, &str); 3] =
    [("opus-4.6", "claude-opus-4-6"), ("opus-4.5", "claude-opus-4-5"), ("sonnet-4.5", "claude-sonnet-4-5")];

/// The default models of 2026.9.6 for small tasks, by provider.
const UTILITY: [(&str, &str); 2] = [("anthropic", "claude-haiku-4-5"), ("openai", "gpt-5.6-luna")];

impl Release {
    /// Returns the aliases of this release with their models.
    fn aliases(self) -> impl Iterator<Item = (&'static str, &'static str)> + Clone {
        // Releases before the oldest examined one are treated like it.
        let release = self.max(Self::FEBRUARY);
        ALIASES.iter().filter_map(move |(alias, rows)| Some((*alias, release.pick(rows)?)))
    }

    /// Returns the aliases of this release.
    pub(super) fn alias_names(self) -> impl Iterator<Item = &'static str> + Clone {
        self.aliases().map(|(alias, _)| alias)
    }

    /// Returns the model of an alias, which is in lower case.
    pub(super) fn aliased(self, alias: &str) -> Option<ModelRef> {
        self.aliases().find(|(known, _)| *known == alias).and_then(|(_, model)| model.parse().ok())
    }

    /// Returns the default alias of a model.
    pub(super) fn alias_of(self, model: &ModelRef) -> Option<&'static str> {
        let name = model.name();
        self.aliases().find(|(_, known)| *known == name).map(|(alias, _)| alias)
    }

    /// Sets the default aliases of listed models, unless the configuration sets another alias, a blank one, or the same
    /// alias for another model.
    pub(super) fn give_aliases(self, models: &mut BySpelling<ModelRef, ModelSettings>) {
        for (alias, model) in self.aliases() {
            let is_taken = |own: &ModelSettings| own.alias.as_ref().is_some_and(|own| own.to_lowercase() == alias);
            if models.named(model).is_some_and(|settings| !settings.says_alias)
                && !models.values().any(is_taken)
                && let Some(settings) = models.named(model)
            {
                settings.alias = Some(alias.to_owned());
            }
        }
    }

    /// Returns the provider of a model that is named without one.
    pub(super) fn bare_provider(self) -> ProviderId {
        if self.has_entries() { ProviderId::normalized("openai") } else { ProviderId::anthropic() }
    }

    /// Returns the model if none is configured.
    pub(crate) fn default_model(self) -> &'static str {
        if self.has_entries() { "openai/gpt-6-astra" } else { "anthropic/claude-opus-4-6" }
    }

    /// Returns the variables of providers that this release does not read.
    pub(super) fn unread_variables(self) -> &'static [&'static str] {
        if self.has_entries() { &["GH_TOKEN", "GITHUB_TOKEN"] } else { &["GOOGLE_API_KEY", "GOOGLE_CLOUD_API_KEY"] }
    }

    /// Returns the default model for small tasks beside this primary model.
    pub(super) fn utility_model(self, beside: &ModelRef) -> Option<String> {
        let provider = beside.provider().as_str();
        let row = UTILITY.iter().find(|(known, _)| self.has_entries() && *known == provider);
        row.map(|(provider, model)| format!("{provider}/{model}"))
    }
}

/// Returns the model under the name of its provider's API.
pub(super) fn official(model: ModelRef) -> ModelRef {
    if model.provider().as_str() != "anthropic" {
        return model;
    }
    let name = ANTHROPIC.iter().find(|(short, _)| short.eq_ignore_ascii_case(model.model())).map(|(_, name)| *name);
    name.and_then(|name| ModelRef::new(ProviderId::anthropic(), name).ok()).unwrap_or(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_models_of_default_aliases_have_one_spelling() {
        for (_, model) in ALIASES.iter().flat_map(|(_, rows)| rows.iter()) {
            let model: ModelRef = model.parse().unwrap();
            assert_eq!(model.written(), model.name());
            // `give_aliases` looks such a model up by this name alone.
            assert!(model.provider().known().is_none_or(|known| known.aliases().is_empty()), "{model}");
        }
    }
}
