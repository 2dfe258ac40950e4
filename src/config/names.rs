//! Names of models that OpenClaw understands without being told.

use super::model_settings::ModelSettings;
use super::release::Release;
use super::spelt::BySpelling;
use crate::id::{ModelRef, ProviderId};

/// What an alias stands for since which release, as it was read in 2026.2.9, 2026.7.1 and 2026.9.6.
type Dated = &'static [(Release, &'static str)];

/// The aliases a model has where the configuration gives it none.
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

/// Names of Anthropic's models that people write, and the ones the API knows them by.
const ANTHROPIC: [(&str, &str); 3] =
    [("opus-4.6", "claude-opus-4-6"), ("opus-4.5", "claude-opus-4-5"), ("sonnet-4.5", "claude-sonnet-4-5")];

/// The models that 2026.9.6 takes for small tasks where none is set, by provider.
const UTILITY: [(&str, &str); 2] = [("anthropic", "claude-haiku-4-5"), ("openai", "gpt-5.6-luna")];

impl Release {
    /// The aliases of this release, and what they stand for.
    fn aliases(self) -> impl Iterator<Item = (&'static str, &'static str)> + Clone {
        // An older release than the oldest one that was looked at is taken for that.
        let release = self.max(Self::FEBRUARY);
        ALIASES.iter().filter_map(move |(alias, rows)| Some((*alias, release.pick(rows)?)))
    }

    /// The aliases of this release.
    pub(super) fn alias_names(self) -> impl Iterator<Item = &'static str> + Clone {
        self.aliases().map(|(alias, _)| alias)
    }

    /// The model an alias of the table stands for; the alias in lower case.
    pub(super) fn aliased(self, alias: &str) -> Option<ModelRef> {
        self.aliases().find(|(known, _)| *known == alias).and_then(|(_, model)| model.parse().ok())
    }

    /// The alias the table has for a model.
    pub(super) fn alias_of(self, model: &ModelRef) -> Option<&'static str> {
        let name = model.name();
        self.aliases().find(|(_, known)| *known == name).map(|(alias, _)| alias)
    }

    /// Gives the models of the table their aliases, unless the configuration says something of its own: another alias,
    /// a blank one, or the same alias for another model.
    pub(super) fn give_aliases(self, models: &mut BySpelling<ModelRef, ModelSettings>) {
        let taken: Vec<String> =
            models.values().filter_map(|model| Some(model.alias.as_ref()?.to_lowercase())).collect();
        for (alias, model) in self.aliases().filter(|(alias, _)| !taken.iter().any(|taken| taken == alias)) {
            let listed = model.parse::<ModelRef>().ok().and_then(|model| models.get_mut(&model));
            if let Some(settings) = listed.filter(|settings| !settings.says_alias) {
                settings.alias = Some(alias.to_owned());
            }
        }
    }

    /// The provider of a model that is named without one.
    pub(super) fn bare_provider(self) -> ProviderId {
        if self.has_entries() { ProviderId::normalized("openai") } else { ProviderId::anthropic() }
    }

    /// The model where none is configured.
    pub(crate) fn default_model(self) -> &'static str {
        if self.has_entries() { "openai/gpt-6-astra" } else { "anthropic/claude-opus-4-6" }
    }

    /// The variables of providers that this release does not read.
    pub(super) fn unread_variables(self) -> &'static [&'static str] {
        if self.has_entries() { &["GH_TOKEN", "GITHUB_TOKEN"] } else { &["GOOGLE_API_KEY", "GOOGLE_CLOUD_API_KEY"] }
    }

    /// The model for small tasks where none is configured, beside this one.
    pub(super) fn utility_model(self, beside: &ModelRef) -> Option<String> {
        let provider = beside.provider().as_str();
        let row = UTILITY.iter().find(|(known, _)| self.has_entries() && *known == provider);
        row.map(|(provider, model)| format!("{provider}/{model}"))
    }
}

/// Returns the model under the name its provider knows.
pub(super) fn official(model: ModelRef) -> ModelRef {
    if *model.provider() != ProviderId::anthropic() {
        return model;
    }
    let short = model.model().to_lowercase();
    let name = ANTHROPIC.iter().find(|(known, _)| *known == short).map(|(_, name)| *name);
    name.and_then(|name| ModelRef::new(ProviderId::anthropic(), name).ok()).unwrap_or(model)
}
