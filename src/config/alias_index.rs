//! Models by their alias.

use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

use super::model_settings::ModelSettings;
use super::spelt::BySpelling;
use crate::id::ModelRef;

/// Which model has which alias, made when the first one is asked for: a list of fallbacks asks for as many as there are.
#[derive(Clone, Default)]
pub(super) struct AliasIndex(OnceLock<HashMap<String, ModelRef>>);

impl AliasIndex {
    /// The first of these models that has an alias, which is given in lower case. The models are the same each time.
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
    /// Says nothing: what is in it stands beside it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AliasIndex").finish_non_exhaustive()
    }
}
