//! An index of models by alias.

use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

use super::model_settings::ModelSettings;
use super::spelt::BySpelling;
use crate::id::ModelRef;

/// An index of models by alias. It is built at the first lookup, because a long list of fallbacks looks up as many
/// names.
#[derive(Clone, Default)]
pub(super) struct AliasIndex(OnceLock<HashMap<String, ModelRef>>);

impl AliasIndex {
    /// Returns the first of these models with an alias, which is in lower case. The models must be the same at each
    /// call.
    pub(super) fn find(&self, models: &BySpelling<ModelRef, ModelSettings>, alias: &str) -> Option<&ModelRef> {
        let index = self.0.get_or_init(|| {
            let mut index = HashMap::new();
            for (model, settings) in models.iter() {
                if let Some(alias) = &settings.alias {
                    index.entry(alias.to_lowercase()).or_insert_with(|| model.clone());
                }
            }
            index
        });
        index.get(alias)
    }
}

impl fmt::Debug for AliasIndex {
    /// Shows no content, because the models are beside it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AliasIndex").finish_non_exhaustive()
    }
}
