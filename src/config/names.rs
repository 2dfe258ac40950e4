//! Short names of models that OpenClaw 2026.2.9 understands without being told.

use indexmap::IndexMap;

use crate::config::agents::ModelSettings;
use crate::id::{ModelRef, ProviderId};

/// The aliases a model has where the configuration gives it none.
const ALIASES: [(&str, &str); 6] = [
    ("opus", "anthropic/claude-opus-4-6"),
    ("sonnet", "anthropic/claude-sonnet-4-5"),
    ("gpt", "openai/gpt-5.2"),
    ("gpt-mini", "openai/gpt-5-mini"),
    ("gemini", "google/gemini-3-pro-preview"),
    ("gemini-flash", "google/gemini-3-flash-preview"),
];

/// Names of Anthropic's models that people write, and the ones the API knows them by.
const ANTHROPIC: [(&str, &str); 3] =
    [("opus-4.6", "claude-opus-4-6"), ("opus-4.5", "claude-opus-4-5"), ("sonnet-4.5", "claude-sonnet-4-5")];

/// The model an alias of the table stands for; the alias in lower case.
pub(super) fn aliased(alias: &str) -> Option<ModelRef> {
    ALIASES.iter().find(|(known, _)| *known == alias).and_then(|(_, model)| model.parse().ok())
}

/// The alias the table has for a model.
pub(super) fn alias_of(model: &ModelRef) -> Option<&'static str> {
    let name = model.to_string();
    ALIASES.iter().find(|(_, known)| *known == name).map(|(alias, _)| *alias)
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

/// Gives the models of the table their aliases, unless the configuration says something of its own: another alias,
/// a blank one, or the same alias for another model.
pub(super) fn give_aliases(models: &mut IndexMap<ModelRef, ModelSettings>) {
    let taken: Vec<String> = models.values().filter_map(|model| Some(model.alias.as_ref()?.to_lowercase())).collect();
    for (alias, model) in ALIASES.iter().filter(|(alias, _)| !taken.iter().any(|taken| taken == alias)) {
        let listed = model.parse::<ModelRef>().ok().and_then(|model| models.get_mut(&model));
        if let Some(settings) = listed.filter(|settings| !settings.says_alias) {
            settings.alias = Some((*alias).to_owned());
        }
    }
}
